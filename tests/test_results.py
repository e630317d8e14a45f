from __future__ import annotations

import copy
import gc
import io
import json
import pickle
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import exp
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import crmkpi as ck
from crmkpi.display.format import format_change
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.measuring import evidence
from crmkpi.measuring import formula as values_module
from crmkpi.testing import datasets

P90 = ck.first_response_time.variant("p90")
DEALS = [
    ck.Deal(id="1", status="won", owner="Ada", amount=30, created_at="2026-01-01", closed_at="2026-01-11"),
    ck.Deal(id="2", status="won", owner="Bo", amount=10, created_at="2026-01-01", closed_at="2026-02-10"),
    ck.Deal(id="3", status="lost", owner="Bo", amount=10, created_at="2026-02-01", closed_at="2026-02-20"),
]
CRM = ck.Dataset(deals=DEALS, as_of=date(2026, 2, 15))


@pytest.mark.parametrize(
    ("metric", "kind", "value"),
    [
        (ck.win_rate, float, 2 / 3),
        (ck.revenue, Decimal, Decimal(40)),
        (ck.sales_cycle_length, timedelta, timedelta(days=25)),
        (ck.ticket_volume, int, 0),
    ],
    ids=lambda item: getattr(item, "id", ""),
)
def test_a_value_has_the_type_of_its_unit(metric: ck.Metric, kind: type[Any], value: Any) -> None:
    result = metric(ck.Dataset(deals=DEALS, tickets=[]))
    assert (type(result.value), result.value) == (kind, value)


UNITS = {"seconds": 864_000, "minutes": 14_400, "hours": 240, "days": 10, "weeks": 10 / 7}


@pytest.mark.parametrize(("unit", "value"), UNITS.items())
def test_a_duration_is_told_in_any_unit(unit: Any, value: float) -> None:
    assert ck.sales_cycle_length(DEALS[:1]).to(unit) == value


def test_a_duration_keeps_what_a_timedelta_would_round_away() -> None:
    found = [
        ck.Ticket(id=str(number), created_at="2026-01-01", first_replied_at=f"2026-01-01T00:00:00.00000{n}")
        for number, n in enumerate((1, 1, 2))
    ]
    assert ck.first_response_time.variant("mean")(found).to("seconds") == 4e-6 / 3
    assert ck.first_response_time([]).to("days") is None


def test_what_is_no_duration_has_no_value_in_days() -> None:
    with pytest.raises(InputError, match=r"win_rate is a ratio, not a duration, and has no value in days\."):
        ck.win_rate(DEALS).to("days")


def test_a_misspelt_unit_of_time_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(
        UnknownNameError,
        match=r"A duration does not convert to the unit 'hour'\. Did you mean 'hours'",
    ):
        ck.sales_cycle_length(DEALS).to("hour")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("metric", "absolute", "relative"),
    [
        pytest.param(ck.win_rate, -0.5, -0.5, id="higher is better"),
        pytest.param(ck.sales_cycle_length, timedelta(days=30), 3.0, id="lower is better"),
        pytest.param(ck.revenue, Decimal(-20), -2 / 3, id="money"),
    ],
)
def test_a_change_is_absolute_and_relative_and_never_better_or_worse_by_its_sign(
    metric: ck.Metric, absolute: Any, relative: float
) -> None:
    change = metric(DEALS, period="2026-02", compare="previous").change
    assert change is not None
    assert (change.absolute, change.better) == (absolute, None)
    assert change.relative == pytest.approx(relative)


@given(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6))
def test_a_change_is_a_share_only_of_what_is_above_zero(now: int, before: int) -> None:
    one, other = (ck.contraction_mrr.from_totals(contraction=Decimal(amount)) for amount in (now, before))
    change = one.against(other).change
    assert change is not None
    assert change.absolute == now - before
    assert change.relative == (pytest.approx((now - before) / before) if before > 0 else None)
    shown = format_change(change, "money")
    assert shown == "unchanged" if now == before else shown.endswith(" %") == (before > 0)


def test_a_change_from_zero_has_no_relative_size_and_one_from_nothing_none_at_all() -> None:
    from_zero = ck.revenue(DEALS, period="2026-01", compare="previous").change
    assert from_zero is not None
    assert (from_zero.absolute, from_zero.relative, from_zero.better) == (30, None, None)
    from_nothing = ck.win_rate(DEALS, period="2026-01", compare="previous").change
    assert from_nothing is not None
    assert (from_nothing.absolute, from_nothing.relative, from_nothing.better) == (None, None, None)
    assert ck.win_rate(DEALS, period="2026-01").change is None


def test_nothing_changed_is_neither_better_nor_worse() -> None:
    change = ck.win_rate(DEALS, period="2026-02", compare=ck.Period("2026-02")).change
    assert change is not None
    assert (change.absolute, change.better) == (0, None)


@pytest.mark.parametrize(("count", "small"), [(29, True), (30, False)])
def test_a_value_of_fewer_than_thirty_records_says_so(count: int, small: bool) -> None:
    found = [ck.Deal(id=str(n), status="won") for n in range(count)]
    assert ck.win_rate(found).small_sample is small
    assert not ck.win_rate([]).small_sample
    assert not ck.revenue(DEALS).small_sample, "a sum is what it is"


@given(crm=datasets(ck.Deal))
def test_intervals_can_be_left_off_and_nothing_else_changes(crm: ck.Dataset) -> None:
    fast, full = (crm.measure(["win_rate", "average_deal_size"], confidence=confidence) for confidence in (None, 0.95))
    for with_none, with_one in zip(fast, full, strict=True):
        assert with_none.interval is None
        assert (with_none.value, with_none.accounts) == (with_one.value, with_one.accounts)


def response_times(count: int) -> list[ck.Ticket]:
    """Tickets answered after 1, 2, 3 ... hours."""
    begin = datetime(2026, 1, 5)
    return [
        ck.Ticket(id=str(hour), created_at=begin, first_replied_at=begin + timedelta(hours=hour))
        for hour in range(1, count + 1)
    ]


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize(("metric", "fraction"), [(ck.first_response_time, 0.5), (P90, 0.9)], ids=["median", "p90"])
def test_a_quantile_has_the_order_statistics_of_its_fraction(metric: ck.Metric, fraction: float, confidence: float):
    result = metric(response_times(200), confidence=confidence)
    below = stats.binom(200, fraction)  # the number of values below the true quantile
    half = (1 - confidence) / 2
    low = max(rank for rank in range(1, 201) if below.cdf(rank - 1) <= half)
    high = min(rank for rank in range(1, 201) if below.sf(rank - 1) <= half)
    assert tuple(result.interval) == (timedelta(hours=low), timedelta(hours=high))
    assert (result.n, result.interval.confidence) == (200, confidence)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_a_mean_has_an_interval_in_the_unit_of_its_values(confidence: float):
    hours = range(1, 6)
    variation = 2.5**0.5 / 3
    degrees = 10 / (6 * variation**2 + 10 / 4)
    factor = exp(stats.t.ppf((1 + confidence) / 2, degrees) * variation / 5**0.5)
    low, high = 3 / factor, 3 * factor
    durations = ck.first_response_time.variant("mean")(response_times(5), confidence=confidence)
    assert [bound / timedelta(hours=1) for bound in durations.interval] == pytest.approx([low, high], abs=1e-9)
    money = ck.average_deal_size([ck.Deal(id=str(n), status="won", amount=n) for n in hours], confidence=confidence)
    assert [float(bound) for bound in money.interval] == pytest.approx([low, high])
    assert {type(bound) for bound in money.interval} == {Decimal}
    scores = [ck.Survey(id=str(n), kind="csat", score=n) for n in hours]
    low, high = stats.t.interval(confidence, 4, loc=3, scale=stats.sem(hours))
    assert tuple(ck.customer_satisfaction_rating(scores, confidence=confidence).interval) == pytest.approx((low, high))
    assert (durations.n, money.n) == (5, 5)


def test_one_value_has_a_mean_but_no_interval():
    assert ck.first_response_time.variant("mean")(response_times(1)).interval is None


def test_a_change_of_what_has_no_direction_is_neither_better_nor_worse() -> None:
    leads = [ck.Lead(id=str(day), created_at=datetime(2026, 2, day)) for day in (1, 2)]
    change = ck.lead_volume(leads, period="2026-02", compare="previous").change
    assert (change.absolute, change.better) == (2, None)


def test_a_change_from_below_zero_is_no_share_of_it() -> None:
    scores = [(1, 0), (1, 0), (1, 9), (2, 10), (2, 10), (2, 0)]
    answers = [
        ck.Survey(id=str(n), kind="nps", score=score, answered_at=datetime(2026, month, 5))
        for n, (month, score) in enumerate(scores)
    ]
    result = ck.net_promoter_score(answers, period="2026-02", compare="previous")
    assert (result.value, result.compared_to.value) == pytest.approx((100 / 3, -100 / 3))
    assert (result.change.absolute, result.change.relative) == (pytest.approx(200 / 3), None)
    assert (result.change.verdict, result.change.better) == ("too few to say", None)


def test_amounts_in_different_currencies_have_no_difference() -> None:
    found = [
        ck.Deal(id=currency, status="won", amount=5, currency=currency, closed_at=datetime(2026, month, 5))
        for month, currency in ((1, "EUR"), (2, "USD"))
    ]
    change = ck.revenue(found, period="2026-02", compare="previous").change
    assert (change.absolute, change.relative, change.better) == (None, None, None)


def test_what_is_left_out_under_one_reason_is_added_up_over_all_tables() -> None:
    result = ck.revenue(DEALS)
    account = result.accounts[0]
    twice = replace(
        result, accounts=(replace(account, left_out={"deleted": 2}), replace(account, left_out={"deleted": 3, "x": 1}))
    )
    assert twice.left_out == {"deleted": 5, "x": 1}


def test_a_net_promoter_score_has_the_adjusted_wald_interval_of_its_answers() -> None:
    promoters, passives, detractors = 52 + 0.75, 38 + 1.5, 10 + 0.75  # three answers are added
    total = promoters + passives + detractors
    centre = (promoters - detractors) / total
    half = stats.norm.ppf(0.975) * ((promoters + detractors) / total - centre**2) ** 0.5 / total**0.5
    result = ck.net_promoter_score.from_totals(promoters=52, detractors=10, answers=100)
    assert tuple(result.interval) == pytest.approx((100 * (centre - half), 100 * (centre + half)))
    assert result.n == 100


def test_the_interval_of_a_median_lies_between_values_of_its_own_unit() -> None:
    amounts = [Decimal(n) for n in range(1, 101)]
    found = [ck.Deal(id=str(n), status="won", amount=n, probability=n / 100) for n in amounts]
    interval = ck.average_deal_size.variant("median")(found).interval
    assert interval.low in amounts
    assert interval.high in amounts
    deals = ck.Table(ck.Deal)

    @ck.metric(unit="number", sure=deals.median(deals.probability))
    def sureness(sure: float) -> float:
        """How sure we are of a deal."""
        return sure

    assert [type(bound) for bound in sureness(found).interval] == [float, float]
    assert tuple(sureness(found).interval) == pytest.approx((float(interval.low) / 100, float(interval.high) / 100))


def test_the_interval_of_a_median_amount_has_amounts_for_bounds() -> None:
    won = [ck.Deal(id=str(n), status="won", amount=f"{n}.10") for n in range(8)]
    low, high = ck.average_deal_size.variant("median")(won).interval
    assert (str(low), str(high)) == ("0.10", "7.10")


def test_what_is_more_than_a_duration_can_be_is_told_in_seconds() -> None:
    metric = ck.first_response_time.variant("mean")
    result = metric.from_totals(**dict.fromkeys(metric.measures, 10.0**30))
    assert (result.value, result.reason) == (None, "1.0e+30 seconds are more than a duration can be")


def test_totals_are_kept_with_the_length_of_the_period_and_the_parameters() -> None:
    totals = {"amount": 100, "orders": 2, "buyers": 1, "days": 30}
    result = ck.customer_lifetime_value.from_totals(**totals, lifespan=60, margin=0.5)
    assert result.parameters == {"lifespan": 60, "margin": 0.5}
    assert result.inputs == totals


def test_evidence_is_found_when_it_is_looked_at_and_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def interval_of(metric: ck.Metric, *values: Any, **options: Any) -> Any:
        asked.append(metric.id)
        return values_module.interval_of(metric, *values, **options)

    monkeypatch.setattr(evidence, "interval_of", interval_of)
    report = CRM.measure(["win_rate", "sales_cycle_length"], by="owner")
    assert asked == []
    assert {result.interval is None for result in report} == {True, False}
    assert [result.n for result in report] == [1, 1, 1, 1]  # one of Bo is closed after `as_of`
    assert asked == ["win_rate", "win_rate", "sales_cycle_length", "sales_cycle_length"]


def test_rows_that_are_no_records_or_could_not_be_read_are_in_the_account() -> None:
    found = ck.read_csv(io.StringIO("id,status,amount\n1,won,5\n,,\n,,8\n2,won,much\n3,lost,7\n"), record=ck.Deal)
    (account,) = ck.revenue(found).accounts
    assert (account.given, account.used, account.rejected, account.outside) == (4, 1, 1, 1)
    assert (dict(account.skipped), sum(account.unread.values())) == ({"blank row": 1}, 1)
    assert account.left_out == {"amount unreadable": 1}
    assert account.unreadable == {"amount": {"'much'": 1}}


def test_totals_of_a_mean_give_no_interval_as_they_do_not_say_how_far_the_values_are_apart() -> None:
    result = ck.average_deal_size.from_totals(amount=90, deals=40)
    assert (result.interval, result.n) == (None, 40)


def test_totals_of_a_duration_are_told_in_any_unit() -> None:
    totals = {"spend": Decimal(1200), "new_customers": 1, "mrr": Decimal(100), "subscribers": 1}
    assert ck.cac_payback_period.from_totals(**totals).to("days") == 365.25


def test_totals_without_an_interval_rest_on_no_records_that_are_known():
    assert ck.revenue.from_totals(amount=Decimal(5)).n == 0


def test_totals_give_the_interval_that_the_records_give() -> None:
    measured = ck.win_rate(DEALS, confidence=0.9)
    given_totals = ck.win_rate.from_totals(won=2, closed=3, confidence=0.9)
    assert (given_totals.value, given_totals.interval, given_totals.n) == (
        measured.value,
        measured.interval,
        measured.n,
    )
    assert ck.win_rate.from_totals(won=0, closed=0).reason == "no deal was closed"
    assert ck.revenue.from_totals(amount=Decimal(5), currency="EUR").currency == "EUR"


# Reports


def test_a_report_is_a_sequence_of_results() -> None:
    report = CRM.measure(["win_rate", "revenue"], period="2026-Q1", every="month")
    assert len(report) == 4  # March has not begun
    assert report[0].definition == "win_rate"
    assert [result.definition for result in report[2:]] == ["revenue", "revenue"]
    assert len(report.where(lambda result: result.value is None)) == 0
    assert report.where(lambda result: True).title == report.title == "2026-01 to 2026-02, every month"


def test_a_part_of_a_report_is_a_report_with_the_same_title_and_notes() -> None:
    report = ck.Report(tuple(CRM.measure(["win_rate", "revenue"])), "All deals", ("as of today",))
    for part in (report[:1], report.where(lambda result: result.definition == "win_rate")):
        assert [result.definition for result in part] == ["win_rate"]
        assert (part.title, part.notes) == ("All deals", ("as of today",))


def test_a_report_tells_sql_from_plans() -> None:
    report = ck.Report((), statements=(("sql", "SELECT 1"), ("plan", "== Physical Plan =="), ("sql", "SELECT 2")))
    assert report.sql() == "SELECT 1;\n\nSELECT 2;\n"
    assert report.plan() == "== Physical Plan ==\n"
    assert report == ck.Report(()), "how the numbers were found is no part of them"


def test_a_grid_has_the_metrics_below_each_other_and_the_periods_side_by_side() -> None:
    report = CRM.measure(["win_rate", "revenue"], period="2026-Q1", every="month")
    assert str(report.pivot()) == str(report.pivot(rows="metric", columns="period"))
    assert str(report.pivot()) != str(report.pivot(rows="period", columns="metric"))


def test_a_result_shows_itself_in_brackets() -> None:
    result = ck.win_rate(DEALS)
    assert repr(result) == f"<{result}>"
    assert str(result).startswith("win_rate 66.7 %")


def test_one_result_is_found_by_metric_period_and_segment() -> None:
    report = CRM.measure(["win_rate", "revenue"], period="2026-Q1", every="month", by="owner")
    assert report.get("revenue", period="2026-02", owner="Bo").value == 10
    assert report.get(ck.win_rate, period="2026-02", owner="Bo").n == 1  # the other is closed after `as_of`


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"metric": "win_rte"}, r"no results for win_rte; get\(\) needs exactly one\. Did you mean 'win_rate'\?"),
        (
            {"metric": "win_rate"},
            r"4 results for win_rate; get\(\) needs exactly one\. Name the period and every segment\.",
        ),
        (
            {"metric": "win_rate", "period": "2025", "owner": "Bo"},
            r"The report has no results for win_rate, 2025, owner='Bo'; get\(\) needs exactly one\.",
        ),
    ],
)
def test_none_or_several_results_are_an_error_that_says_how_many(asked: dict[str, Any], message: str) -> None:
    report = CRM.measure(["win_rate", "revenue"], period="2026-02", by="owner", compare="previous")
    report = ck.Report((*report, *CRM.measure(["win_rate"], period="2026-01", by="owner")))
    with pytest.raises(UnknownNameError, match=message):
        report.get(**asked)


def test_rows_are_plain_values_ready_for_json() -> None:
    report = CRM.measure(
        ["win_rate", "revenue", "sales_cycle_length"], period="2026-02", by="owner", compare="previous"
    )
    rows = report.to_dicts()
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows
    assert json.loads(report.to_json()) == rows
    assert [row["metric"] for row in rows] == ["win_rate"] * 2 + ["revenue"] * 2 + ["sales_cycle_length"] * 2


def test_a_report_survives_pickling() -> None:
    report = CRM.measure(["win_rate", "revenue"], period="2026-02", by="owner", compare="previous")
    assert pickle.loads(pickle.dumps(report)) == report


def test_a_field_of_a_million_characters_is_a_segment_like_any_other() -> None:
    long = "x" * 1_000_000
    report = ck.Dataset(deals=[ck.Deal(id="1", status="won", owner=long)]).measure("win_rate", by="owner")
    assert report.get("win_rate", owner=long).value == 1.0
    assert str(report).count(long) <= 1


def test_html_and_formulas_in_an_owners_name_are_text_in_whatever_is_written() -> None:
    names = ("<script>alert(1)</script>", '=HYPERLINK("http://x")')
    found = [ck.Deal(id=name, status="won", owner=name) for name in names]
    report = ck.Dataset(deals=found).measure("win_rate", by="owner")
    assert "<script>" not in report._repr_html_() + report.to_html()
    assert "&lt;script&gt;" in report._repr_html_()
    for start_of_cell in ("\n", ",", '"'):
        assert f"{start_of_cell}=" not in report.to_csv()
    assert {row["owner"] for row in report.to_dicts()} == set(names)


def test_nothing_in_the_period_before_is_nothing_in_every_currency() -> None:
    deals = [ck.Deal(id="1", status="won", amount=50, currency="EUR", closed_at="2026-02-05")]
    first, second = (ck.revenue(deals, period=period, compare="previous") for period in ("2026-02", "2026-03"))
    assert (first.change.absolute, first.change.relative, first.change.better) == (Decimal(50), None, None)
    assert (second.change.absolute, second.change.relative, second.change.better) == (Decimal(-50), -1.0, None)
    dollars = [*deals, ck.Deal(id="2", status="won", amount=50, currency="USD", closed_at="2026-01-05")]
    assert ck.revenue(dollars, period="2026-02", compare="previous").change.absolute is None


def test_evidence_is_the_same_whether_it_is_looked_at_first_or_after_a_copy():
    asked: dict[str, Any] = {"period": "2026", "every": "month", "by": "owner", "compare": "previous"}
    made = {name: CRM.measure(["win_rate", "revenue", "sales_cycle_length.median"], **asked) for name in "abcd"}
    looked_at = [(result.interval, result.n, result.accounts) for result in made["a"]]
    copies = {
        "pickled": pickle.loads(pickle.dumps(made["b"])),
        "copied": copy.deepcopy(made["c"]),
        "replaced": [replace(result, reason=result.reason) for result in made["d"]],
    }
    for copied in copies.values():
        assert [(result.interval, result.n, result.accounts) for result in copied] == looked_at
        assert list(copied) == list(made["a"])


NO_ATTRIBUTE = "confidence"


def test_a_result_has_no_attributes_but_its_own():
    with pytest.raises(AttributeError, match="'Result' object has no attribute 'confidence'"):
        getattr(ck.win_rate(DEALS), NO_ATTRIBUTE)


def test_results_that_nobody_has_looked_at_do_not_keep_the_records():
    report = ck.Dataset(deals=[replace(DEALS[0], id="gone")]).measure(["win_rate", "sales_cycle_length.median"])
    gc.collect()
    assert not [one for one in gc.get_objects() if isinstance(one, ck.Deal) and one.id == "gone"]
    assert report[0].accounts[0].used == 1


def test_records_are_measured_by_no_plan_and_no_sql():
    report = CRM.measure("win_rate")
    with pytest.raises(InputError, match="The report has no plan"):
        report.plan()
    with pytest.raises(InputError, match="The report has no SQL"):
        report.sql()


def test_what_a_period_is_compared_to_is_measured_like_the_period_itself():
    (result,) = CRM.measure("revenue", period="2026-02", compare="previous")
    assert result.compared_to == CRM.measure("revenue", period="2026-01")[0]
    assert result.compared_to.value == 30
