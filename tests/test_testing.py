"""check_metric accepts correct KPIs and names the law that a wrong one breaks; the strategies keep their promises."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

import crmkpi as ck
from crmkpi.definition.expressions import period
from crmkpi.errors import UnknownNameError
from crmkpi.records import RECORDS
from crmkpi.testing import check_metric, datasets, records

ANY = settings(max_examples=2_000, database=None, phases=[Phase.generate])  # any example will do, not only the smallest

deals = ck.Table(ck.Deal)
orders = ck.Table(ck.Order)
tickets = ck.Table(ck.Ticket)
buyers = orders.per(
    orders.customer_id,
    total=orders.sum(orders.amount),
    purchases=orders.count(),
    last=orders.max(orders.ordered_at),
    usual=orders.mean(orders.amount),
)
PAGE = """What it is.

$$x$$

Returns:
    A number; undefined without records.

Examples:
    >>> 1 + 1
    2
"""


def made(formula: Callable[..., Any], page: str = PAGE, **definition: Any) -> ck.Metric:
    formula.__name__ = "mine"
    formula.__doc__ = page
    return ck.metric(**definition)(formula)


SOUND: Mapping[str, Callable[[], ck.Metric]] = {
    "values that two measures lack": lambda: made(
        lambda a, b: float(a) / b,
        unit="number",
        at=deals.closed_at,
        a=deals.sum(deals.amount),
        b=deals.distinct(deals.customer_id),
    ),
    "one reason under two conditions": lambda: made(
        lambda a, b: a / b,
        unit="number",
        at=deals.closed_at,
        a=deals.sum(deals.probability, deals.status == "won"),
        b=deals.sum(deals.probability, deals.status == "lost"),
    ),
    "the largest": lambda: made(lambda a: a, unit="money", at=deals.closed_at, a=deals.max(deals.amount)),
    "a quantile": lambda: made(lambda a: a, unit="money", at=deals.closed_at, a=deals.quantile(deals.amount, 0.25)),
    "a mean of sums": lambda: made(lambda a: a, unit="money", at=orders.ordered_at, a=buyers.mean(buyers.total)),
    "a median of means": lambda: made(
        lambda a: a, unit="money", at=orders.ordered_at, a=buyers.median(buyers.usual, buyers.purchases >= 2)
    ),
    "growth": lambda: made(
        lambda a, b: a / b - 1,
        unit="ratio",
        at=orders.ordered_at,
        a=buyers.count(),
        b=buyers.count().previous(),
    ),
    "growth over a year": lambda: made(
        lambda a, b: a / b - 1,
        unit="ratio",
        at=orders.ordered_at,
        a=orders.count(),
        b=orders.count().year_ago(),
    ),
    "related records": lambda: made(
        lambda a, b: a / b,
        unit="ratio",
        at=tickets.created_at,
        a=tickets.count(tickets.customer.industry == "law"),
        b=tickets.count(tickets.customer.since.present()),
    ),
    "time since a related record": lambda: made(
        lambda a: a,
        unit="duration",
        at=tickets.created_at,
        a=tickets.mean(tickets.created_at - tickets.customer.since),
    ),
    "a sum of durations": lambda: made(
        lambda a: a, unit="duration", at=tickets.created_at, a=tickets.sum(tickets.solved_at - tickets.created_at)
    ),
    "a custom field": lambda: made(
        lambda a: a, unit="number", at=deals.closed_at, a=deals.sum(deals.attributes["size"])
    ),
    "a stock": lambda: made(
        lambda a: a,
        unit="count",
        a=deals.count((deals.created_at < period.end) & (deals.closed_at.missing() | (deals.closed_at >= period.end))),
    ),
    "a parameter": lambda: made(
        lambda a, budget: a / budget,
        unit="ratio",
        at=deals.closed_at,
        a=deals.sum(deals.amount),
        parameters=(ck.Parameter("budget", "what we hoped for", unit="money"),),
    ),
    "two dates": lambda: made(
        lambda a, b: a - b, unit="count", a=deals.count(at=deals.created_at), b=deals.count(at=deals.closed_at)
    ),
    "reasons that overlap": lambda: made(
        lambda a, b: float(a / b),
        unit="ratio",
        at=deals.closed_at,
        a=deals.sum(deals.amount, deals.status == "won"),
        b=deals.sum(deals.cost),
        leave_out={"deleted": deals.deleted, "no owner": deals.owner.missing(), "large": deals.amount > 1000},
    ),
}


@pytest.mark.parametrize("name", SOUND)
def test_a_sound_metric_of_the_users_own_obeys_the_laws(name: str, examples: int) -> None:
    check_metric(SOUND[name](), examples=examples)


def remembering() -> Callable[[int], int]:
    """A formula that breaks the first law: it depends on earlier calls."""
    calls: list[int] = []

    def formula(a: int) -> int:
        calls.append(a)
        return a + len(calls) % 2

    return formula


UNSOUND: Mapping[str, tuple[Callable[[], ck.Metric], str]] = {
    "no formula in words": (
        lambda: made(lambda a: a, page=PAGE.replace("$$x$$", ""), unit="count", a=deals.count()),
        r"mine breaks a law, the docstring says what the KPI means: there is no \$\$formula\$\$\.",
    ),
    "no word on what nothing gives": (
        lambda: made(lambda a: a, page=PAGE.replace("undefined", "small"), unit="count", a=deals.count()),
        r"mine breaks a law, the docstring .*: Returns does not say 'undefined where' or '0 where'\.",
    ),
    "no examples": (
        lambda: made(lambda a: a, page=PAGE.partition("Examples")[0], unit="count", a=deals.count()),
        r"mine breaks a law, the docstring .*: there are no Examples with >>>\.",
    ),
    "zero for undefined": (
        lambda: made(lambda a, b: a / b if b else 0.0, unit="ratio", a=deals.count(deals.deleted), b=deals.count()),
        r"mine breaks a law, no records give 0 or no value: the value of no records is 0\.0, not None, for deals=\[\]",
    ),
    "a share above one": (
        lambda: made(
            lambda a, b: 2 * a / b,
            unit="ratio",
            a=deals.count(deals.status == "won"),
            b=deals.count(),
            interval=ck.Share("a", "b"),
        ),
        r"the value reaches 2\.0, above 1, for deals=\[Deal\(id='deals-\d+', status='won'\)\], period=all",
    ),
    "a duration below zero": (
        lambda: made(lambda a: -a, unit="duration", a=tickets.mean(tickets.solved_at - tickets.created_at)),
        (
            r"mine breaks a law, the value has the type and range of its unit: "
            r"the value reaches .*days=-\d+.*, below 0, for tickets="
        ),
    ),
    "a memory": (
        lambda: made(remembering(), unit="count", a=deals.count()),
        r"mine breaks a law, .* became ",
    ),
    "an error in the formula": (
        lambda: made(lambda a: a["won"], unit="count", a=deals.count()),
        r"mine breaks a law, .*: TypeError: 'int' object is not subscriptable",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_metric_breaks_a_law_that_is_named_with_a_small_example(name: str) -> None:
    define, message = UNSOUND[name]
    with pytest.raises(AssertionError, match=message):
        check_metric(define())


def test_variants_are_checked_as_well() -> None:
    sound = made(lambda a: a, unit="count", a=deals.count())

    @sound.add_variant(a=deals.count())
    def undocumented(a: int) -> int:
        """What it is, and no more."""
        return a

    with pytest.raises(AssertionError, match=r"mine\.undocumented breaks a law, the docstring"):
        check_metric(sound)


def test_the_same_seed_finds_the_same_example() -> None:
    define, _ = UNSOUND["a share above one"]
    found = []
    for seed in (3, 3, 4):
        with pytest.raises(AssertionError) as broken:
            check_metric(define(), seed=seed)
        found.append(str(broken.value))
    assert found[0] == found[1]


@pytest.mark.parametrize("table", RECORDS)
@given(data=st.data())
def test_records_of_every_class_differ_in_their_ids_and_pass_their_own_validation(
    table: str, data: st.DataObject
) -> None:
    found = data.draw(records(RECORDS[table]))
    assert all(type(one) is RECORDS[table] for one in found)
    assert len({one.id for one in found}) == len(found) <= 10


def test_records_are_as_dirty_as_exports_are() -> None:
    def some(condition: Callable[[Any], bool], model: type[Any] = ck.Deal) -> Any:
        return find(records(model), lambda found: any(map(condition, found)), settings=ANY)

    some(lambda deal: deal.status == "open" and deal.closed_at is not None)
    some(lambda deal: deal.status == "won" and deal.closed_at is None)
    some(lambda deal: deal.status == "won" and deal.amount is None)
    some(lambda deal: deal.amount is not None and deal.amount < 0)
    some(lambda deal: None not in (deal.created_at, deal.closed_at) and deal.closed_at < deal.created_at)
    some(lambda deal: deal.owner is not None and "<" in deal.owner)
    some(lambda lead: lead.merged_into is not None, ck.Lead)
    some(lambda survey: survey.scale_high == 100 and survey.score is not None, ck.Survey)


def test_fields_of_your_choice_replace_the_usual_ones() -> None:
    currencies = st.sampled_from(("EUR", "USD"))
    both = records(ck.Deal, currency=currencies)
    found = find(both, lambda found: len({deal.currency for deal in found}) == 2, settings=ANY)
    assert {deal.currency for deal in found} == {"EUR", "USD"}


def test_a_field_that_is_not_there_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Deal has no field 'ownr'\. Did you mean 'owner'\?"):
        records(ck.Deal, ownr=st.none())


def test_datasets_hold_references_that_lead_somewhere_and_some_that_lead_nowhere() -> None:
    def ids(crm: ck.Dataset) -> tuple[set[Any], set[Any]]:
        return {deal.customer_id for deal in crm.tables["deals"]} - {None}, {one.id for one in crm.tables["customers"]}

    both = datasets(ck.Deal, ck.Customer)
    find(both, lambda crm: bool(ids(crm)[0] & ids(crm)[1]), settings=ANY)
    find(both, lambda crm: bool(ids(crm)[0] - ids(crm)[1]), settings=ANY)


@given(crm=datasets(ck.Deal, ck.Customer))
def test_the_timestamps_of_a_dataset_have_a_time_zone_all_or_none(crm: ck.Dataset) -> None:
    moments = [getattr(one, name) for one in crm.tables["deals"] for name in ("created_at", "closed_at")]
    moments += [one.since for one in crm.tables["customers"]]
    assert len({moment.tzinfo is None for moment in moments if isinstance(moment, datetime)}) <= 1
    revenue = ck.revenue(crm).value  # it is undefined for deals without amounts
    assert revenue is None or revenue >= -50 * 10


@given(found=records(ck.Deal, unreadable=True), crm=datasets(ck.Deal, unreadable=True))
def test_fields_that_could_not_be_read_cost_a_record_where_they_are_read(found: list[Any], crm: ck.Dataset) -> None:
    assert all(getattr(deal, name) is None for deal in found for name in deal.unreadable)
    wall, exact = crm.known_until()

    def asked(deal: Any) -> bool:  # of others nothing is lost: they are deleted, or close after the data ends
        later = deal.closed_at is not None and deal.closed_at >= (exact if deal.closed_at.tzinfo else wall)
        return not deal.deleted and not later

    lost = sum("status" in deal.unreadable for deal in crm.tables["deals"] if asked(deal))
    [account] = crm.measure("win_rate")[0].accounts
    assert account.left_out.get("status unreadable", 0) == lost


@pytest.mark.slow
def test_fields_that_could_not_be_read_are_drawn_where_they_are_asked_for() -> None:
    for strategy in (records(ck.Deal, unreadable=True), datasets(ck.Deal, unreadable=True).map(deals_of)):
        find(strategy, lambda found: any("status" in deal.unreadable for deal in found), settings=ANY)
    assert find(datasets(ck.Deal, unreadable=True).map(most_of), lambda most: most == 1, settings=ANY)
    for strategy in (records(ck.Deal), datasets(ck.Deal).map(deals_of)):
        with pytest.raises(NoSuchExample):
            find(
                strategy, lambda found: any(deal.unreadable for deal in found), settings=settings(ANY, max_examples=50)
            )


def deals_of(crm: ck.Dataset) -> Any:
    return crm.tables["deals"]


def most_of(crm: ck.Dataset) -> float:
    return crm.most_unreadable


@pytest.mark.slow
def test_without_hypothesis_metrics_are_checked_and_strategies_say_what_to_install() -> None:
    script = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "import crmkpi as ck\n"
        "from crmkpi.testing import check_metric, datasets, records\n"
        "check_metric(ck.win_rate, examples=2)\n"
        "for ask in (records, datasets):\n"
        "    try: ask(ck.Deal)\n"
        "    except ck.errors.MissingExtraError as error: print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    message = "Strategies for records need hypothesis, which is not installed; pip install 'crmkpi[testing]'."
    assert run.stdout.splitlines() == [message] * 2
