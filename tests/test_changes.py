"""Tests of changes: intervals, p-values and verdicts, against scipy, statsmodels and by hand."""

from __future__ import annotations

import math
import pickle
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

import crmkpi as ck
from crmkpi.definition.interval_rules import Share
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.measuring.changes import Change
from crmkpi.statistics.differences import (
    benjamini_hochberg,
    count_difference,
    detectable_share,
    mean_difference,
    share_difference,
)
from crmkpi.statistics.distributions import negative_binomial_tail, student_below, student_tails

COUNTS = st.integers(1, 400).flatmap(lambda total: st.tuples(st.integers(0, total), st.just(total)))


def deals(rows: list[tuple[Any, ...]], **more: Any) -> list[ck.Deal]:
    return [
        ck.Deal(id=str(n), status=status, closed_at=closed, amount=amount, created_at=datetime(2025, 1, 1), **more)
        for n, (status, closed, amount) in enumerate(rows)
    ]


@given(COUNTS, COUNTS)
def test_two_shares_differ_by_newcombes_interval_and_the_score_test(first: tuple[int, int], second: tuple[int, int]):
    found = share_difference(*first, *second)
    expected = confint_proportions_2indep(*first, *second, method="newcomb")
    assert tuple(found.interval) == pytest.approx(expected, abs=1e-9)
    pooled = (first[0] + second[0]) / (first[1] + second[1])
    if 0 < pooled < 1:
        assert found.p_value == pytest.approx(proportions_ztest(*zip(first, second, strict=True))[1], abs=1e-12)
    else:
        assert found.p_value == 1


@given(*[st.lists(st.integers(-1000, 1000), min_size=2, max_size=9, unique=True)] * 2)
def test_two_means_differ_by_welchs_interval(first: list[int], second: list[int]):
    moments = [(len(one), float(stats.tmean(one)), float(stats.tstd(one))) for one in (first, second)]
    found = mean_difference(*moments[0], *moments[1])
    expected = stats.ttest_ind(first, second, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9, abs=1e-12)
    assert tuple(found.interval) == pytest.approx(tuple(expected.confidence_interval()), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("counts", [(1, 9), (9, 1), (0, 9)])
def test_a_mean_of_one_value_has_no_difference(counts: tuple[int, int]):
    assert mean_difference(counts[0], 5.0, 0.0, counts[1], 4.0, 2.0) is None


@pytest.mark.parametrize(("first", "second"), [(9, 2), (0, 5), (19, 30), (1, 1), (400, 3)])
@pytest.mark.parametrize("days", [(1, 1), (31, 28), (7, 90)])
def test_small_counts_are_tested_exactly(first: int, second: int, days: tuple[int, int]):
    found = count_difference(first, second, exposure_1=days[0], exposure_2=days[1])
    expected = stats.binomtest(first, first + second, days[0] / sum(days)).pvalue
    assert found.p_value == pytest.approx(expected, rel=1e-9)


def test_large_counts_of_unequal_periods_are_compared_per_day():
    found = count_difference(310, 280, exposure_1=31, exposure_2=28)
    assert (found.value, found.p_value) == pytest.approx((0, 1))
    half = 1.959963984540054 * math.sqrt(310 + 280 * (31 / 28) ** 2)
    assert tuple(found.interval) == pytest.approx((-half, half))


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_p_values_are_adjusted_as_benjamini_and_hochberg_do(p_values: list[float]):
    expected = multipletests(p_values, method="fdr_bh")[1]
    assert benjamini_hochberg(p_values) == pytest.approx(list(expected), rel=1e-12)
    assert benjamini_hochberg([*p_values, None])[:-1] == pytest.approx(list(expected), rel=1e-12)


@given(st.floats(0.01, 0.9), st.integers(20, 5000), st.integers(20, 5000))
def test_the_change_of_a_share_that_would_show_is_the_root_of_its_equation(share: float, first: int, second: int):
    def short(size: float) -> float:
        moved = share + size
        middle = (share + moved) / 2
        chance = math.sqrt(middle * (1 - middle) * (1 / first + 1 / second))
        true = math.sqrt(moved * (1 - moved) / first + share * (1 - share) / second)
        return float(stats.norm.ppf(0.975) * chance + stats.norm.ppf(0.8) * true - size)

    if short(1 - share) < 0:
        assert detectable_share(share, first, second) == pytest.approx(optimize.brentq(short, 0, 1 - share), rel=1e-8)


@given(st.floats(-40, 40), st.floats(0.6, 500))
def test_tails_of_student(t: float, degrees: float):
    assert student_tails(t, degrees) == pytest.approx(2 * stats.t.sf(abs(t), degrees), rel=1e-9)
    assert student_below(t, degrees) == pytest.approx(stats.t.cdf(t, degrees), rel=1e-9)


@given(st.integers(0, 300), st.integers(0, 300), st.floats(0.05, 0.99))
def test_the_tail_of_the_negative_binomial(at_least: int, done: int, probability: float):
    expected = stats.nbinom.sf(at_least - 1, done + 0.5, probability)
    assert negative_binomial_tail(at_least, done + 0.5, probability) == pytest.approx(expected, rel=1e-8, abs=1e-13)


def two_months(first: list[tuple[Any, ...]], second: list[tuple[Any, ...]]) -> ck.Dataset:
    return ck.Dataset(
        deals=deals([(status, "2026-01-10", amount) for status, amount in first]
                    + [(status, "2026-02-10", amount) for status, amount in second]),
        currency="EUR",
    )  # fmt: skip


AMOUNTS = ([100, 250, 300, 80, 40, 700], [900, 120, 500, 640, 330])


def change_of(crm: ck.Dataset, metric: str) -> Change:
    (result,) = crm.measure(metric, period="2026-02", compare="previous")
    assert result.change is not None
    return result.change


def test_a_mean_of_money_has_welchs_interval_in_money():
    crm = two_months(*([("won", amount) for amount in side] for side in AMOUNTS))
    change = change_of(crm, "average_deal_size")
    expected = stats.ttest_ind(AMOUNTS[1], AMOUNTS[0], equal_var=False)
    assert [float(bound) for bound in change.interval] == pytest.approx(tuple(expected.confidence_interval()))
    assert {type(bound) for bound in change.interval} == {Decimal}
    assert change.p_value == pytest.approx(expected.pvalue)
    assert change.verdict == "too few to say"


def test_a_mean_duration_has_welchs_interval_in_time():
    rows = [(day, days) for day, many in (("2026-01-20", (3, 5, 9)), ("2026-02-20", (2, 2, 4, 8))) for days in many]
    found = [
        ck.Deal(id=str(n), status="won", closed_at=day, created_at=datetime.fromisoformat(day) - timedelta(days=days))
        for n, (day, days) in enumerate(rows)
    ]
    change = change_of(ck.Dataset(deals=found), "sales_cycle_length")
    expected = stats.ttest_ind([2, 2, 4, 8], [3, 5, 9], equal_var=False).confidence_interval()
    assert [bound / timedelta(days=1) for bound in change.interval] == pytest.approx(tuple(expected))


def test_a_sum_of_money_varies_by_its_sum_of_squares_and_is_compared_per_day():
    crm = two_months(*([("won", amount) for amount in side] for side in AMOUNTS))
    change = change_of(crm, "revenue")
    scale = 28 / 31
    error = math.sqrt(sum(x * x for x in AMOUNTS[1]) + scale**2 * sum(x * x for x in AMOUNTS[0]))
    middle = sum(AMOUNTS[1]) - scale * sum(AMOUNTS[0])
    half = 1.959963984540054 * error
    assert [float(bound) for bound in change.interval] == pytest.approx([middle - half, middle + half])
    assert change.absolute == sum(AMOUNTS[1]) - sum(AMOUNTS[0])


def test_a_total_that_fell_by_less_than_its_days_did_is_said_to_be_compared_per_day():
    def told(february: int) -> list[str]:
        days = {"01": 310, "02": february}
        crm = ck.Dataset(
            tickets=[
                ck.Ticket(id=f"{month}{n}", created_at=f"2026-{month}-05")
                for month, many in days.items()
                for n in range(many * 10)
            ]
        )
        report = crm.measure("ticket_volume", period="2026-02", compare="previous")
        assert report[0].change.verdict == ("up" if february > 280 else "no clear change")
        return [line for line in str(report).splitlines() if "per day" in line]

    assert told(300) == ["compared per day, since the periods differ in length: ticket_volume"]
    assert told(280) == told(300), "3,100 and 2,800 are as many per day"


def test_a_ratio_of_sums_of_one_table_varies_by_the_delta_method():
    sides = ([("won", 100), ("won", 40), ("lost", 90), ("lost", 30)], [("won", 10), ("won", 80), ("lost", 200)])
    change = change_of(two_months(*sides), "win_rate.by_amount")

    def moments(side: list[tuple[str, int]]) -> tuple[float, float]:
        n, d = [x if status == "won" else 0 for status, x in side], [x for _, x in side]
        rate, whole = sum(n) / sum(d), sum(d)
        squares = sum(a * a - 2 * rate * a * b + rate * rate * b * b for a, b in zip(n, d, strict=True))
        return rate, squares / whole**2

    (before, variance_before), (after, variance_after) = map(moments, sides)
    half = 1.959963984540054 * math.sqrt(variance_before + variance_after)
    assert tuple(change.interval) == pytest.approx((after - before - half, after - before + half), rel=1e-9)


def test_a_ratio_over_two_tables_varies_by_both():
    months = ("2026-01-10", "2026-02-10")
    costs = [ck.Expense(id=str(n), team="marketing", amount=100 + n, spent_at=months[n % 2]) for n in range(8)]
    leads = [ck.Lead(id=str(n), created_at=months[n % 2]) for n in range(21)]
    change = change_of(ck.Dataset(expenses=costs, leads=leads), "cost_per_lead")
    variances = []
    for month, number in ((1, 10), (0, 11)):  # odd ids are in February
        spent = [100 + n for n in range(8) if n % 2 == month]
        total = sum(spent)
        variances.append(sum(x * x for x in spent) / number**2 + (total / number) ** 2 / number)
    half = 1.959963984540054 * math.sqrt(sum(variances))
    low, high = (float(bound) for bound in change.interval)
    assert (high - low) / 2 == pytest.approx(half, rel=1e-9)


def test_a_net_promoter_score_varies_by_its_three_counts():
    nps = ck.net_promoter_score
    now, before = (nps.from_totals(promoters=p, detractors=d, answers=100) for p, d in ((60, 10), (40, 30)))
    change = now.against(before).change
    variance = sum(100**2 * (p + d - (p - d) ** 2) / 100 for p, d in ((0.6, 0.1), (0.4, 0.3)))
    half = 1.959963984540054 * math.sqrt(variance)
    assert tuple(change.interval) == pytest.approx((40 - half, 40 + half))
    assert (change.verdict, change.better) == ("up", True)


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ("sales_cycle_length.median", "a median or quantile has no interval"),
        ("pipeline_value", "the sides share records"),
        ("revenue_growth_rate", "the sides share records"),
        ("sales_velocity", "the sides share records"),
    ],
)
def test_what_has_no_verdict_says_why(metric: str, reason: str):
    rows = [("won", f"2025-{month:02}-10", 100) for month in range(10, 13)]
    rows += [("won", f"2026-{month:02}-10", 50 * month) for month in (1, 1, 2, 2, 2)] + [("open", None, 60)]
    crm = ck.Dataset(deals=deals(rows), currency="EUR")
    change = change_of(crm, metric)
    assert (change.interval, change.p_value, change.verdict, change.better) == (None, None, None, None)
    assert reason in change.reason
    assert reason in str(crm.measure(metric, period="2026-02", compare="previous")) or not change.absolute


def test_overlapping_windows_share_records():
    crm = ck.Dataset(deals=deals([("won", f"2026-0{month}-10", 5) for month in (1, 2, 3, 4) for _ in range(9)]))
    windows = ck.Period("2026-01-01..2026-04-30").windows("3 months", every="month")
    report = crm.measure(["win_rate", "revenue"], period=windows[-1], compare=windows[-2])
    assert {result.change.reason for result in report} == {"the sides share records"}


def test_an_open_period_is_no_total_to_compare():
    rows = [("won", "2026-01-10", 5)] * 40 + [("won", "2026-02-03", 5)] * 9
    crm = ck.Dataset(deals=deals(rows), as_of=datetime(2026, 2, 10))
    total, share = crm.measure(["deal_volume", "win_rate"], period="2026-02", compare="previous")
    assert "not over" in total.change.reason
    assert share.change.verdict is not None


def test_verdicts_of_several_segments_are_adjusted_together_and_of_one_not():
    won = {"Ada": (62, 80), "Bo": (41, 40), "Cy": (50, 49), "Di": (30, 33)}
    rows = [
        ck.Deal(
            id=f"{owner}{month}{n}", status="won" if n < wins else "lost", owner=owner, closed_at=f"2026-0{month}-09"
        )
        for owner, both in won.items()
        for month, wins in zip((1, 2), both, strict=True)
        for n in range(100)
    ]
    crm = ck.Dataset(deals=rows)
    report = crm.measure("win_rate", period="2026-02", by="owner", compare="previous")
    alone = [share_difference(after, 100, before, 100).p_value for before, after in won.values()]
    expected = multipletests(alone, method="fdr_bh")[1]
    assert [result.change.adjusted_p for result in report] == pytest.approx(list(expected))
    assert {result.change.comparisons for result in report} == {4}
    assert [result.change.verdict for result in report][:2] == ["up", "too few to say"]
    assert "4 comparisons" in str(report)
    plain = crm.measure("win_rate", period="2026-02", by="owner", compare="previous", adjust="none")
    assert [result.change.p_value for result in plain] == pytest.approx(alone)
    assert {result.change.comparisons for result in plain} == {1}
    copied = pickle.loads(pickle.dumps(report))
    assert [result.change for result in copied] == [result.change for result in report]


def test_one_result_kept_from_a_report_says_the_same():
    crm = two_months([("won", 1)] * 30 + [("lost", 1)] * 30, [("won", 1)] * 50 + [("lost", 1)] * 10)
    report = crm.measure(["win_rate", "lost_rate"], period="2026-02", compare="previous")
    kept = pickle.loads(pickle.dumps(report[0]))
    assert kept.change == report[0].change
    assert kept.change.comparisons == 2


def owners(**won: tuple[int, int]) -> list[ck.Deal]:
    return [
        ck.Deal(
            id=f"{owner}{n}",
            status="won" if n < wins else "lost",
            owner=owner,
            amount=10 + n % 7,
            created_at="2026-01-01",
            closed_at=f"2026-01-{2 + n % 9:02}",
        )
        for owner, (wins, closed) in won.items()
        for n in range(closed)
    ]


def test_segments_are_compared_with_all_the_others_together():
    report = ck.Dataset(deals=owners(Ada=(45, 60), Bo=(20, 60), Cy=(25, 70))).compare("win_rate", by="owner")
    ada = report[0]
    assert (ada.compared_to.value, ada.compared_to.inputs) == (45 / 130, {"won": 45, "closed": 130})
    assert tuple(ada.change.interval) == pytest.approx(confint_proportions_2indep(45, 60, 45, 130, method="newcomb"))
    assert [result.change.verdict for result in report] == ["up", "down", "down"]
    assert "vs the rest" in str(report)


@pytest.mark.parametrize(
    "metric", ["average_deal_size", "deal_volume", "revenue", "win_rate.by_amount", "sales_cycle_length"]
)
def test_the_rest_is_what_measuring_the_others_gives(metric: str):
    found = owners(Ada=(9, 12), Bo=(5, 9), Cy=(3, 8))
    (ada, *_) = ck.Dataset(deals=found, currency="EUR").compare(metric, by="owner")
    others = ck.Dataset(deals=[deal for deal in found if deal.owner != "Ada"], currency="EUR").measure(metric)[0]
    rest = ada.compared_to
    assert (rest.value, rest.inputs, rest.currency) == (others.value, others.inputs, others.currency)
    assert rest.interval == others.interval


def test_segments_are_compared_with_one_of_them():
    crm = ck.Dataset(deals=owners(Ada=(45, 60), Bo=(20, 60), Cy=(25, 70)))
    report = crm.compare("win_rate", by="owner", against="Bo")
    assert [(result.segment["owner"], result.compared_to.segment["owner"]) for result in report] == [
        ("Ada", "Bo"),
        ("Cy", "Bo"),
    ]
    with pytest.raises(UnknownNameError, match="Did you mean 'Ada'"):
        crm.compare("win_rate", by="owner", against="Adda")


def test_what_does_not_add_up_is_not_compared_with_the_rest_and_the_advice_works():
    crm = ck.Dataset(tickets=[
        ck.Ticket(id=str(n), channel="mail" if n % 2 else "phone", created_at=datetime(2026, 1, 1),
                  first_replied_at=datetime(2026, 1, 1, 1 + n % 5)) for n in range(40)
    ])  # fmt: skip
    with pytest.raises(InputError, match=r"use first_response_time\.mean") as refused:
        crm.compare("first_response_time", by="channel")
    assert len(crm.compare(str(refused.value).rsplit(" ", 1)[1].rstrip("."), by="channel")) == 2


@given(COUNTS, COUNTS)
def test_swapping_the_sides_turns_the_sign(first: tuple[int, int], second: tuple[int, int]):
    one, two = (ck.win_rate.from_totals(won=won, closed=closed) for won, closed in (first, second))
    forth, back = one.against(two).change, two.against(one).change
    assert forth.interval.low == pytest.approx(-back.interval.high, abs=1e-12)
    assert forth.p_value == pytest.approx(back.p_value, abs=1e-12)


@given(st.permutations([("Ada", 45, 60), ("Bo", 20, 60), ("Cy", 22, 60), ("Di", 30, 61)]))
def test_verdicts_do_not_depend_on_the_order(order: list[tuple[str, int, int]]):
    report = ck.Dataset(deals=owners(**{name: (won, closed) for name, won, closed in order})).compare(
        "win_rate", by="owner"
    )
    assert [result.change.verdict for result in report] == ["up", "down", "down", "too few to say"]


def test_a_result_is_compared_with_one_of_the_same_kpi_only():
    with pytest.raises(InputError, match="win_rate is compared with another result of win_rate; got lost_rate"):
        ck.win_rate.from_totals(won=1, closed=2).against(ck.lost_rate.from_totals(lost=1, closed=2))
    with pytest.raises(InputError, match="`adjust` is 'bh'"):
        ck.Dataset(deals=[]).measure("win_rate", adjust="holm")  # type: ignore[arg-type]


def test_a_share_counts_records_or_keys_since_parts_of_a_record_are_not_independent() -> None:
    for metric in ck.catalogue.everything():
        if isinstance(metric.interval, Share):
            sides = (metric.measures[metric.interval.part], metric.measures[metric.interval.whole])
            assert {side.aggregate for side in sides} <= {"count", "distinct"}, metric.id


@pytest.mark.parametrize(("campaigns", "verdict"), [(9, "too few to say"), (10, "up")])
def test_a_ratio_of_sums_of_few_records_says_too_little(campaigns: int, verdict: str) -> None:
    shown = [
        ck.Campaign(id=f"{month}-{n}", started_at=f"2026-0{month}-03", impressions=9_000 + n, clicks=90 * month + n)
        for month in (1, 2)
        for n in range(campaigns)
    ]
    change = ck.ad_click_rate(shown, period="2026-02", compare="previous", as_of=date(2026, 2, 28)).change
    assert (change.verdict, change.interval.low > 0) == (verdict, True)


def test_no_verdict_says_why_for_scores_that_are_all_alike_and_for_what_counts_keys() -> None:
    surveys = [
        ck.Survey(id=f"{month}-{n}", kind="nps", score=10, answered_at=f"2026-0{month}-03")
        for month in (1, 2) for n in range(20)
    ]  # fmt: skip
    change = ck.net_promoter_score(surveys, period="2026-02", compare="previous").change
    assert change.reason == "all values are equal, so that nothing is known of how they vary"
    subscriptions = [
        ck.Subscription(id=f"{n}", customer_id=f"C{n}", started_at=f"2026-0{1 + n % 2}-03", mrr=10, currency="EUR")
        for n in range(20)
    ]
    change = ck.new_mrr(ck.Dataset(subscriptions=subscriptions), period="2026-02", compare="previous").change
    assert change.reason == "it is not computed from counts, sums and means of single records"
