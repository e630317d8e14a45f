from __future__ import annotations

import inspect
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, localcontext
from types import SimpleNamespace
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.metric import Metric
from crmkpi.display.explanation import explanation
from crmkpi.errors import DefinitionError, InputError, ParameterError, PeriodError, UndefinedError, UnknownNameError
from crmkpi.records.base import Money, Timestamp, record
from crmkpi.testing import check_metric

deals = ck.Table(ck.Deal)
customers = ck.Table(ck.Customer)
won = deals.count(deals.status == "won")
every = deals.count()
THREE = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="won")]


def share(won: int, every: int) -> float:
    """Share of all deals that were won."""
    return won / every


def undocumented(won: int, every: int) -> float:
    return won / every


def made(function: Callable[..., Any] = share, **changes: Any) -> Metric:
    return ck.metric(**{"unit": "ratio", "won": won, "every": every, **changes})(function)


@pytest.mark.parametrize("number", [10, 10.0])
@pytest.mark.parametrize(
    "name", ["sales_velocity", "cac_payback_period", "ltv_to_cac_ratio", "customer_lifetime_value"]
)
def test_an_amount_may_be_given_as_a_plain_number(name: str, number: float) -> None:
    metric = ck.catalogue.find(name)
    money = {key for key, measure in metric.measures.items() if measure.kind == "money"}
    known: dict[str, Any] = dict.fromkeys(metric.measures, 10) | ({metric.days: 30} if metric.days else {})
    known |= {key: 1 for key, parameter in metric.parameters.items() if parameter.default is None}
    value = metric.formula(**known | dict.fromkeys(money, number))
    assert money
    assert value == metric.formula(**known | dict.fromkeys(money, Decimal(10)))
    assert value is not None


@pytest.mark.parametrize(
    "given", [datetime(2026, 3, 1), timedelta(days=1), "0.5", 1 + 2j], ids=lambda given: type(given).__name__
)
def test_a_formula_that_gives_no_number_is_refused_in_one_sentence(given: Any) -> None:
    def latest(won: int, every: int) -> Any:
        """What is no number."""
        return given if won <= every else None

    said = f"The formula of latest must return a number (seconds for a duration) or None; got {given!r}."
    for unit in ("ratio", "duration", "count"):
        metric = made(latest, unit=unit)
        with pytest.raises(DefinitionError, match=f"^{re.escape(said)}$"):
            metric(THREE)
        with pytest.raises(DefinitionError, match=f"^{re.escape(said)}$"):
            metric.formula(won=1, every=2)


def test_a_metric_is_measures_and_a_formula() -> None:
    metric = made()
    assert (metric.id, metric.title, metric.meaning) == ("share", "Share", "Share of all deals that were won.")
    assert metric(THREE).value == metric.formula(won=2, every=3) == 2 / 3


CALLS: Mapping[str, Callable[[Metric, list[ck.Deal]], Any]] = {
    "records": lambda metric, found: metric(found),
    "a tuple": lambda metric, found: metric(tuple(found)),
    "a generator": lambda metric, found: metric(deal for deal in found),
    "a mapping of tables": lambda metric, found: metric({"deals": found}),
    "a dataset": lambda metric, found: metric(ck.Dataset(deals=found)),
    "a table by name": lambda metric, found: metric(deals=found),
    "a dataset with other settings": lambda metric, found: metric(ck.Dataset(deals=found), as_of=date(2026, 1, 1)),
}


@pytest.mark.parametrize("form", CALLS)
def test_every_form_of_the_call_gives_the_same(form: str) -> None:
    result = CALLS[form](made(), THREE)
    assert (result.value, dict(result.inputs)) == (2 / 3, {"won": 2, "every": 3})


DEFINITIONS: Mapping[str, tuple[Callable[[], Any], str]] = {
    "another name in the formula": (
        lambda: ck.metric(unit="ratio", won=won, all_deals=every)(share),
        r"The formula of share takes won, every, but its measures and parameters are all_deals, won; the names must be",
    ),
    "no measures": (lambda: ck.metric(unit="ratio")(share), r"share needs at least one measure\."),
    "only earlier periods": (
        lambda: made(won=won.previous(), every=every.year_ago()),
        r"share must measure something of the period itself; all its measures read earlier periods\.",
    ),
    "no docstring": (
        lambda: made(undocumented),
        r"undocumented needs a docstring whose first line says in business words",
    ),
    "something else for a measure": (
        lambda: made(won=deals.status == "won"),
        r"share: 'won' must be a measure, as deals\.count\(\) is; got deals\.status == 'won'\.",
    ),
    "an anchor that is no timestamp": (
        lambda: made(at=deals.amount),
        r"`at` of share names a timestamp; got deals\.amount, which is a money\.",
    ),
    "an interval of nothing": (
        lambda: made(interval=ck.Share("won", "evry")),
        r"The interval of share names 'evry', which is not one of its measures\. Did you mean 'every'\?",
    ),
    "leaving out of another table": (
        lambda: made(leave_out={"gone": customers.until.present()}),
        r"leave_out\['gone'\] of share must use fields of one table that its measures read \(deals\)",
    ),
    "leaving out by a value": (lambda: made(leave_out={"cheap": deals.amount}), r"A condition must be a comparison"),
    "an undeclared parameter": (
        lambda: made(won=deals.count(deals.amount > ck.Parameter("limit", "from how much on", unit="money"))),
        r"share uses the parameter 'limit' without declaring it in parameters=\(\.\.\.\)\.",
    ),
    "a parameter that nothing asks for": (
        lambda: made(parameters=(ck.Parameter("quota", "what is aimed at"),)),
        r"takes won, every, but its measures and parameters are every, quota, won; the names must be the same",
    ),
    "an unknown unit": (
        lambda: made(unit="percent"),
        r"share has no known unit: 'percent'\. Known: 'count', .* 'multiple', 'number', 'ratio', 'score'\.",
    ),
    "an unknown direction": (
        lambda: made(better="up"),
        r"share has no known `better`: 'up'\. Known: 'higher', 'lower', 'neither'\.",
    ),
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_metric_written_down_wrongly_is_an_error_where_it_is_defined(name: str) -> None:
    define, message = DEFINITIONS[name]
    with pytest.raises(DefinitionError, match=message):
        define()


def test_a_parameter_may_be_asked_for_by_a_measure_and_by_the_formula() -> None:
    limit = ck.Parameter("limit", "from how much on", unit="money")

    @ck.metric(unit="money", large=deals.count(deals.amount >= limit), parameters=(limit,))
    def at_least(large: int, limit: Decimal) -> Decimal:
        """What large deals bring at least."""
        return large * limit

    found = [ck.Deal(id=str(amount), status="won", amount=amount) for amount in (5, 10, 20)]
    assert at_least(found, limit=10).value == 20  # type: ignore[call-arg]


def test_where_python_strips_docstrings_metrics_are_made_without(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sys, "flags", SimpleNamespace(optimize=2))
        metric = made(undocumented)
    assert (metric.meaning, metric(THREE).value) == ("", 2 / 3)
    program = "import crmkpi; assert False; print(crmkpi.win_rate.formula(won=1, closed=2), len(crmkpi.catalogue))"
    ran = subprocess.run([sys.executable, "-OO", "-c", program], capture_output=True, check=False, text=True)
    assert (ran.stdout, ran.stderr) == (f"0.5 {len(ck.catalogue)}\n", "")


def test_a_metric_is_titled_by_its_name_in_words() -> None:
    def won_share(won: int, every: int) -> float:
        """Share of all deals that were won."""
        return won / every

    assert (made(won_share).title, made(won_share, title="Wins").title) == ("Won share", "Wins")


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        (ck.win_rate, "no deal was closed"),
        (ck.net_promoter_score, "nobody answered"),
        (ck.average_deal_size, "no won deal has an amount"),
    ],
    ids=lambda given: getattr(given, "id", ""),
)
def test_what_an_interval_rests_on_is_the_reason_where_there_is_none_of_it(metric: Metric, reason: str) -> None:
    assert metric([]).reason == reason


def test_a_variant_inherits_what_it_does_not_say_and_has_its_own_measures() -> None:
    metric = made(at=deals.closed_at, better="higher", leave_out={"deleted": deals.deleted})

    @metric.add_variant(won=won, every=deals.count(deals.status.is_in("won", "lost")))
    def of_closed(won: int, every: int) -> float:
        """Share of closed deals that were won."""
        return won / every

    variant = metric.variant("of_closed")
    assert variant is of_closed
    assert (variant.id, variant.name, variant.unit, variant.better) == ("share.of_closed", "share", "ratio", "higher")
    assert repr(variant.at) == "deals.closed_at"
    assert list(variant.leave_out) == ["deleted"]
    assert list(variant.measures) == ["won", "every"]


def test_a_variant_takes_the_measures_that_it_does_not_define_from_the_default() -> None:
    metric = made(at=deals.closed_at)

    @metric.add_variant(every=deals.count(deals.status.is_in("won", "lost")))
    def of_closed(won: int, every: int) -> float:
        """Share of closed deals that were won."""
        return won / every

    assert of_closed.measures["won"] is metric.measures["won"]
    assert list(of_closed.measures) == ["won", "every"]


def test_a_variant_without_parameters_has_the_formula_of_the_default() -> None:
    metric = made(at=deals.closed_at)

    @metric.add_variant(leave_out={"deleted": deals.deleted})
    def without_deleted() -> None:
        """Share of deals won, without deleted ones."""

    @metric.add_variant(won=deals.count(deals.status == "lost"), every=metric.measures["every"])
    def of_lost() -> None:
        """Share of deals lost."""

    @metric.add_variant(median=deals.median(deals.amount), unit="money", interval=None)
    def amount() -> None:
        """The amount of the deal in the middle."""

    records = [ck.Deal(id=str(n), status=status, amount=7) for n, status in enumerate(["won", "won", "lost", "open"])]
    assert without_deleted.measures == metric.measures
    assert without_deleted.meaning == "Share of deals won, without deleted ones."
    assert metric.meaning == "Share of all deals that were won."
    assert [kpi(records).value for kpi in (metric, without_deleted, of_lost, amount)] == [0.5, 0.5, 0.25, 7]
    assert [kpi.formula(won=1, every=4) for kpi in (without_deleted, of_lost)] == [0.25, 0.25]


def test_a_misspelt_variant_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"win_rate has no variant 'by_amout'\. Did you mean 'by_amount'\?"):
        ck.win_rate.variant("by_amout")


WRONG_CALLS: Mapping[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no data": (
        ck.win_rate,
        InputError,
        r"win_rate needs data: win_rate\(deals=\.\.\.\), or a Dataset with these tables\.",
    ),
    "no records": (
        lambda: ck.win_rate(5),
        InputError,
        r"win_rate needs records, such as a list of them, or a Dataset; got int\.",
    ),
    "a path": (
        lambda: ck.win_rate("deals.csv"),
        InputError,
        r"win_rate needs records, such as a list of them, or a Dataset; got str\.",
    ),
    "one table for two": (
        lambda: ck.customer_acquisition_cost([]),
        InputError,
        (
            r"customer_acquisition_cost reads expenses and customers; give them by name: "
            r"customer_acquisition_cost\(expenses=\.\.\., customers=\.\.\.\)"
        ),
    ),
    "a dataset and a table": (
        lambda: ck.win_rate(ck.Dataset(deals=[]), deals=[]),
        InputError,
        r"Give win_rate a Dataset or tables by name, not both; got deals as well\.",
    ),
    "a misspelt option": (
        lambda: ck.win_rate([], perod="2026"),  # type: ignore[call-arg]
        UnknownNameError,
        r"win_rate takes no 'perod'\. Did you mean 'period'\?",
    ),
    "another record class": (
        lambda: ck.win_rate([ck.Lead(id="1")]),
        InputError,
        (
            r"The table 'deals' holds Deal records; got Lead\. Build them with Deal\(\.\.\.\), or read them with "
            r"crmkpi\.read_dicts\(rows, record=crmkpi\.Deal\)\."
        ),
    ),
    "dicts": (
        lambda: ck.win_rate([{"status": "won"}]),
        InputError,
        r"The table 'deals' holds Deal records; got dict\.",
    ),
    "a misspelt period": (lambda: ck.win_rate([], period="2026-Q5"), PeriodError, r"A quarter must be from 1 to 4"),
    "a period that ends before it starts": (
        lambda: ck.win_rate([], period="2026-03-31..2026-01-01"),
        PeriodError,
        r"A span must end after it starts; got '2026-03-31\.\.2026-01-01'\. Did you mean '2026-01-01\.\.2026-03-31'\?",
    ),
    "a comparison without a period": (
        lambda: ck.win_rate([], compare="previous"),
        PeriodError,
        r"A comparison needs a period to compare with another; give period=\.\.\.",
    ),
    "a period without a date": (
        lambda: ck.churn_rate.variant("by_status")([], period="2026"),
        PeriodError,
        (
            r"churn_rate\.by_status cannot be measured in a period: customers have no timestamp in its definition; "
            r"measure it without period, every and compare\."
        ),
    ),
    "no as-of day": (
        lambda: ck.lead_conversion_rate.variant("within")([]),
        ParameterError,
        r"lead_conversion_rate\.within must know up to which day the data goes; give as_of=\.\.\.",
    ),
    "no opening hours": (
        lambda: ck.first_response_time.variant("business")([]),
        ParameterError,
        r"Business time needs opening hours, and the calendar has none; give calendar=Calendar\(opening_hours=",
    ),
    "a parameter not given": (
        lambda: ck.customer_lifetime_value([], period="2026"),
        ParameterError,
        r"customer_lifetime_value needs the parameter 'lifespan' \(.*, in days\); give it as lifespan=\.\.\.",
    ),
    "a parameter in words": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan="a year"),
        ParameterError,
        r"The parameter 'lifespan' of customer_lifetime_value is a number \(.*\); got 'a year'\.",
    ),
    "a yes for a number": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan=True),
        ParameterError,
        r"The parameter 'lifespan' .* got True\.",
    ),
    "a duration for a ratio": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan=365, margin=timedelta(days=1)),
        ParameterError,
        r"The parameter 'margin' of customer_lifetime_value is in ratio, not a duration; got datetime\.timedelta",
    ),
    "days below zero": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan=-1),
        ParameterError,
        r"The parameter 'lifespan' .* must be a finite number that is not negative; got -1\.",
    ),
    "an endless number": (
        lambda: ck.customer_lifetime_value([], period="2026", lifespan=365, margin=float("nan")),
        ParameterError,
        r"The parameter 'margin' .* must be a finite number; got nan\.",
    ),
    "a parameter of no metric": (
        lambda: ck.Dataset(deals=[]).measure(ck.win_rate, parameters={"margin": 1}),
        UnknownNameError,
        r"None of the metrics has a parameter 'margin'\. There are none\.",
    ),
}


@pytest.mark.parametrize("name", WRONG_CALLS)
def test_a_wrong_call_is_an_error_that_says_the_way_out(name: str) -> None:
    call, error, message = WRONG_CALLS[name]
    with pytest.raises(error, match=message):
        call()


WRONG_TOTALS: Mapping[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a misspelt input": (
        lambda: ck.win_rate.formula(won=1, close=2),
        UnknownNameError,
        r"win_rate has no input 'close'\. Did you mean 'closed'\?",
    ),
    "a missing input": (
        lambda: ck.win_rate.formula(won=1),
        InputError,
        r"win_rate needs won, closed; missing: closed\.",
    ),
    "a part above its whole": (
        lambda: ck.win_rate.from_totals(won=5, closed=3),
        InputError,
        r"win_rate: won is a part of closed; got 5 of 3\.",
    ),
    "a part below zero": (lambda: ck.win_rate.formula(won=-1, closed=3), InputError, r"got -1 of 3\."),
    "too many parts": (
        lambda: ck.net_promoter_score.formula(promoters=5, detractors=5, answers=8),
        InputError,
        r"net_promoter_score: promoters and detractors are among the answers; got 5 and 5 of 8\.",
    ),
}


@pytest.mark.parametrize("name", WRONG_TOTALS)
def test_totals_that_cannot_be_are_an_error(name: str) -> None:
    call, error, message = WRONG_TOTALS[name]
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        pytest.param(lambda won, every: won / (every - every), "the formula divides by 0", id="a hidden zero"),
        pytest.param(lambda won, every: None, "the formula returns None", id="none"),
        pytest.param(lambda won, every: float("nan"), "it is not a finite number", id="not a number"),
        pytest.param(lambda won, every: float("inf"), "it is not a finite number", id="endless"),
        pytest.param(lambda won, every: 10.0**400 * won, "it is too large for a number", id="too large"),
        pytest.param(
            lambda won, every: Decimal(won) / (every - every), "the formula divides by 0", id="a decimal zero"
        ),
    ],
)
def test_what_a_formula_cannot_say_is_none_with_a_reason(formula: Callable[..., Any], reason: str) -> None:
    formula.__doc__ = "Words."
    formula.__name__ = "strange"
    result = made(formula)(THREE)
    assert (result.value, result.reason) == (None, reason)


def test_a_formula_may_say_itself_why_it_has_no_value() -> None:
    def careful(won: int, every: int) -> float:
        """Share of all deals that were won, of ten or more."""
        if every < 10:
            raise UndefinedError("fewer than ten deals")
        return won / every

    assert made(careful)(THREE).reason == "fewer than ten deals"
    assert made(careful).formula(won=1, every=3) is None


def test_the_decimals_of_the_program_around_do_not_change_a_result() -> None:
    found = [ck.Deal(id=str(n), status="won", amount="33.33") for n in range(7)] + [
        ck.Deal(id="x", status="won", amount=1)
    ]
    expected = ck.average_deal_size(found)
    with localcontext() as context:
        context.prec = 3
        assert ck.average_deal_size(found) == expected


def test_a_metric_of_the_catalogue_travels_by_its_name() -> None:
    for metric in (ck.win_rate, ck.win_rate.variant("by_amount")):
        assert pickle.loads(pickle.dumps(metric)) is metric


def test_a_metric_prints_what_it_means() -> None:
    assert repr(ck.win_rate) == "<metric win_rate: Share of closed deals that were won.>"
    assert ck.win_rate.docstring.startswith("Share of closed deals that were won.\n\n$$")
    assert str(ck.win_rate.__doc__).startswith(
        "Share of closed deals that were won.\n\n    win rate = won / (won + lost)\n\nA deal counts"
    )


@record(table="invoices", relations={"customer": ("customer_id", "customers")})
class Invoice:
    """A record class of the user's own."""

    id: str
    total: Money
    due_at: Timestamp | None = None
    customer_id: str | None = None


invoices = ck.Table(Invoice)


@ck.metric(unit="money", at=invoices.due_at, total=invoices.sum(invoices.total, invoices.customer.industry.present()))
def invoiced(total: Decimal) -> Decimal:
    """What was invoiced to customers of a known industry.

    $$sum of totals$$

    Returns:
        Money; 0 where nothing was.

    Examples:
        >>> invoiced([], customers=[]).value
        Decimal('0')
    """
    return total


def test_a_record_class_of_the_users_own_is_measured_like_any_other() -> None:
    found = [
        Invoice(id="1", total=5, customer_id="a"),
        Invoice(id="2", total=7, customer_id="b"),
        Invoice(id="3", total=9),
    ]
    who = [ck.Customer(id="a", industry="law"), ck.Customer(id="b")]
    assert invoiced(found, customers=who).value == 5
    assert invoiced(invoices=found, customers=who).value == 5  # type: ignore[call-arg]
    assert invoiced(ck.Dataset({"invoices": (one for one in found)}, customers=who)).value == 5
    check_metric(invoiced)


def test_a_relation_may_have_the_name_of_its_key_and_a_timestamp_may_always_be_there() -> None:
    @record(table="parcels", relations={"buyer": ("buyer", "customers")})
    class Parcel:
        """A record whose key is called like the record that it leads to."""

        id: str
        buyer: str
        sent_at: Timestamp

    parcels = ck.Table(Parcel)

    @ck.metric(unit="count", at=parcels.sent_at, others=parcels.count(parcels.buyer.industry != "law"))
    def to_others(others: int) -> int:
        """How many parcels go to buyers of other industries."""
        return others

    found = [Parcel(id=str(n), buyer=buyer, sent_at=f"2026-0{1 + n}-05") for n, buyer in enumerate(("a", "b", "c"))]
    who = [ck.Customer(id="a", industry="law"), ck.Customer(id="b", industry="steel")]
    periods = (None, "2026", "2026-01", "2026-02", "2026-03")
    assert [to_others(parcels=found, customers=who, period=name).value for name in periods] == [1, 1, 0, 1, 0]  # type: ignore[call-arg]


def test_a_relation_to_a_table_that_there_is_not_is_an_error() -> None:
    @record(table="returns", relations={"shop": ("shop_id", "shops")})
    class Return:
        """A record that belongs to one of an unknown kind."""

        id: str
        shop_id: str | None = None

    with pytest.raises(DefinitionError, match=r"Return\.shop leads to an unknown table 'shops'\."):
        _ = ck.Table(Return).shop


def test_a_reason_tells_what_is_measured_and_not_the_name_of_an_input() -> None:
    deals = ck.Table(ck.Deal)
    won = deals.status == "won"

    def reason(formula: Any, **inputs: Any) -> str:
        return ck.metric(unit="number", at=deals.closed_at, **inputs)(formula)([], period="2026").reason

    def ratio(x: float, y: float) -> float:
        """A ratio."""
        return x / y

    def itself(x: float) -> float:
        """A number."""
        return x

    amounts = {"x": deals.count(), "y": deals.sum(deals.amount, won)}
    assert reason(ratio, x=deals.sum(deals.amount), y=deals.count(won)) == (
        "the sum of amount over deals is 0 and there are no deals where status is won"
    )
    assert reason(ratio, **amounts) == "there are no deals and the sum of amount over deals where status is won is 0"
    assert reason(itself, x=deals.median(deals.amount, won)) == "no deals where status is won have amount"
    assert reason(ratio, x=deals.count(), y=deals.count(won).previous()) == (
        "there are no deals and there are no deals where status is won, one period earlier"
    )


def test_what_a_definition_says_of_nothing_is_its_reason_and_on_its_page() -> None:
    deals = ck.Table(ck.Deal)

    @ck.metric(
        unit="number",
        won=deals.count(deals.status == "won"),
        paid=deals.sum(deals.cost),
        empty={"won": "no deal was won", "paid": "nothing was paid"},
    )
    def per_cost(won: int, paid: Decimal) -> Decimal:
        """Deals for each unit of cost."""
        return won / paid

    assert per_cost([]).reason == "no deal was won and nothing was paid"
    assert per_cost([ck.Deal(id="1", status="won")]).reason == "nothing was paid"
    assert explanation(per_cost).sections["Returns"] == (
        "A number from 0 up; undefined where no deal was won or nothing was paid."
    )


def test_a_kpi_that_is_its_one_measure_has_no_formula_and_usual_variants_have_none_either() -> None:
    tickets = ck.Table(ck.Ticket)

    @ck.metric(unit="duration", wait=tickets.median(tickets.solved_at - tickets.created_at), empty="nobody waited")
    def waiting() -> None:
        r"""How long.

        $$\text{waiting} = \operatorname{median}(\text{solved} - \text{created})$$
        """

    waiting.also("mean", "p90", "business", "calendar_days")
    waiting.also("mean", of="business")
    found = [
        ck.Ticket(id=str(n), created_at="2026-01-09T16:00", solved_at=f"2026-01-{day}T10:00")
        for n, day in enumerate((12, 13, 20))
    ]
    calendar = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
    hours = {name: each(found, calendar=calendar).to("hours") for name, each in waiting.variants.items()}
    assert waiting(found).to("hours") == 90
    assert hours == pytest.approx(
        {"mean": 138, "p90": 90 + 0.8 * 168, "business": 10, "calendar_days": 96, "business_mean": (2 + 10 + 50) / 3}
    )
    assert waiting.formula(wait=5) == 5
    assert waiting.variant("mean")([]).reason == "nobody waited"
    assert r"\text{waiting, mean} = \operatorname{mean}(" in waiting.variant("mean").docstring
    assert "log-Student interval; undefined where nobody waited." in (waiting.variant("mean").__doc__ or "")


@pytest.mark.parametrize(
    ("made", "word", "message"),
    [
        (ck.win_rate, "mean", r"win_rate\.mean varies a KPI of one measure; it has 2\. Write it with"),
        (ck.ticket_volume, "mean", r"ticket_volume\.mean varies a mean, a median or a quantile; ticket_volume is"),
        (ck.resolution_time, "median_", r"resolution_time has no usual variant 'median_'\. Did you mean 'median'\?"),
        (ck.handle_time, "business", r"handle_time\.business needs the difference of two timestamps, such as"),
    ],
    ids=lambda given: getattr(given, "id", ""),
)
def test_a_usual_variant_that_cannot_be_made_is_an_error(made: Metric, word: str, message: str) -> None:
    with pytest.raises(DefinitionError, match=message):
        made.also(word)


def test_parameters_are_given_by_name_or_in_a_mapping() -> None:
    deals = [ck.Deal(id="1", status="won", amount=50, currency="EUR")]
    assert ck.quota_attainment(deals, quota=100).value == 0.5
    assert ck.quota_attainment(deals, parameters={"quota": 100}).value == 0.5


@pytest.mark.parametrize("asked", [{"by": "owner"}, {"every": "month", "period": "2026-Q1"}], ids=["by", "every"])
def test_a_kpi_by_segments_or_periods_is_the_report_that_a_dataset_gives(asked) -> None:
    deals = [ck.Deal(id=str(n), status="won", owner="AB"[n % 2], closed_at=f"2026-0{n}-01") for n in (1, 2, 3)]
    report = ck.win_rate(deals, **asked, compare=None, confidence=0.9)
    assert report.to_dicts() == ck.Dataset(deals=deals).measure("win_rate", **asked, confidence=0.9).to_dicts()
    assert len(report) > 1


def test_a_notebook_shows_the_options_of_a_call_by_their_names():
    assert str(inspect.signature(ck.win_rate)) == (
        "(data=None, /, *, period=None, by=None, every=None, compare=None, confidence=0.95, as_of=None, currency=None, "
        "rates=None, calendar=None, tz=None) -> 'Result | Report'"
    )
    assert {"quota", "period"} <= set(inspect.signature(ck.quota_attainment).parameters)
    assert "customers" in inspect.signature(ck.tickets_per_customer).parameters
    assert "id" in inspect.signature(ck.Metric).parameters
