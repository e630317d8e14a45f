"""RFM, holdouts and cohorts against naive counting, and their laws."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Order
from crmkpi.errors import CurrencyError, InputError, ParameterError
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.rfm import SEGMENTS, rfm, split_holdout

START = date(2026, 1, 1)
LAST = date(2026, 6, 30)


def order(customer: Any, day: Any, amount: Any = 10, **more: Any) -> SimpleNamespace:
    return SimpleNamespace(customer_id=customer, ordered_at=day, amount=amount, **more)


orders_strategy = st.lists(
    st.builds(
        lambda c, d, a: order(f"C{c}", START + timedelta(days=d), a),
        st.integers(1, 6),
        st.integers(0, 180),
        st.integers(1, 50),
    ),
    min_size=1,
    max_size=60,
)


@given(orders_strategy)
def test_rows_are_what_naive_counting_gives(orders: Any) -> None:
    table = rfm(orders, as_of=LAST)
    assert {row.customer_id for row in table.rows} == {o.customer_id for o in orders}
    for row in table.rows:
        own = [o for o in orders if o.customer_id == row.customer_id]
        days = sorted({o.ordered_at for o in own})
        assert (row.orders, row.purchases) == (len(own), len(days))
        assert row.recency == (days[-1] - days[0]).days
        assert row.age == (LAST - days[0]).days
        assert row.days_since_last == row.age - row.recency
        assert row.value == pytest.approx(sum(o.amount for o in own))
        repeats = [o.amount for o in own if o.ordered_at != days[0]]
        assert row.repeat_spend == pytest.approx(sum(repeats) / max(len(days) - 1, 1))
    assert table.merged == len(orders) - sum(row.purchases for row in table.rows)


@given(orders_strategy)
def test_the_history_for_the_models_changes_unit_with_it(orders: Any) -> None:
    table = rfm(orders, as_of=LAST)
    in_days, in_weeks = table.history("days"), table.history("weeks")
    assert list(in_days.frequency) == list(in_weeks.frequency)
    assert [age / 7 for age in in_days.age] == pytest.approx(list(in_weeks.age))


@given(orders_strategy)
def test_a_holdout_and_its_past_hold_every_purchase_of_the_known_customers(orders: Any) -> None:
    cut = START + timedelta(days=90)
    if not any(o.ordered_at <= cut for o in orders):
        return
    holdout = split_holdout(orders, as_of=cut, until=LAST)
    whole = {row.customer_id: row.purchases for row in rfm(orders, as_of=LAST).rows}
    for row, later in zip(holdout.table.rows, holdout.actual, strict=True):
        assert row.purchases + later == whole[row.customer_id]
    assert holdout.new_customers == len(whole) - len(holdout.actual)
    assert holdout.horizon.to("days") == (LAST - cut).days


def test_orders_that_cannot_count_are_left_out_by_reason() -> None:
    orders = [
        order("C1", START),
        order("C1", date(2027, 1, 1)),
        order(None, START),
        order("C2", START, status="cancelled"),
    ]
    table = rfm(orders, as_of=LAST)
    assert len(table.rows) == 1
    assert table.left_out == {"after the observation": 1, "no customer, date or amount": 1, "not completed": 1}


def test_days_are_those_of_the_time_zone() -> None:
    evening = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    orders = [order("C1", evening), order("C1", evening - timedelta(hours=20))]
    assert rfm(orders, as_of=LAST).merged == 1
    assert rfm(orders, as_of=LAST, tz="Europe/Berlin").merged == 0


def test_decimal_amounts_are_summed() -> None:
    assert rfm([order("C1", START, Decimal("0.10"))], as_of=LAST).rows[0].value == 0.1


def test_currencies_do_not_mix() -> None:
    orders = [order("C1", START, currency="EUR"), order("C2", START, currency="USD")]
    with pytest.raises(CurrencyError, match="EUR, USD; convert them first"):
        rfm(orders, as_of=LAST)
    with pytest.raises(CurrencyError, match="EUR, USD; convert them first"):
        cohorts(orders, as_of=LAST, measure="value")
    assert cohorts(orders, as_of=LAST).cohorts[0].size == 2  # customers are counted in any currency


@given(orders_strategy)
def test_equal_customers_have_equal_scores_and_better_ones_no_lower(orders: Any) -> None:
    table = rfm(orders, as_of=LAST)
    scores = table.scores()
    for row, score in zip(table.rows, scores, strict=True):
        assert {score.recency, score.frequency, score.monetary} <= {1, 2, 3, 4, 5}
        assert score.segment is not None
        for other, theirs in zip(table.rows, scores, strict=True):
            if other.purchases >= row.purchases:
                assert theirs.frequency >= score.frequency
            if other.days_since_last <= row.days_since_last:
                assert theirs.recency >= score.recency


def test_every_pair_of_scores_belongs_to_exactly_one_segment() -> None:
    for r in "12345":
        for f in "12345":
            assert sum(r in recency and f in frequency for _, recency, frequency in SEGMENTS) == 1


def test_fixed_edges_score_as_they_say() -> None:
    table = rfm([order("C1", date(2026, 6, 20), 120), order("C2", START, 40)], as_of=LAST)
    edges = {"recency": [30, 90], "frequency": [2, 5], "monetary": [50, 100]}
    first, second = table.scores(edges=edges)  # type: ignore[arg-type]
    assert (first.recency, first.frequency, first.monetary, first.segment) == (3, 1, 3, None)
    assert (second.recency, second.frequency, second.monetary) == (1, 1, 1)


def test_edges_must_ascend() -> None:
    table = rfm([order("C1", START)], as_of=LAST)
    with pytest.raises(ParameterError, match="ascending limits for recency, frequency and monetary"):
        table.scores(edges={"recency": [9, 3], "frequency": [1], "monetary": [1]})


def test_one_bin_is_no_score() -> None:
    with pytest.raises(ParameterError, match="`bins` must be a whole number from 2 on; got 1"):
        rfm([order("C1", START)], as_of=LAST).scores(bins=1)


def test_nothing_usable_is_an_error_that_says_why() -> None:
    with pytest.raises(InputError, match=r"left out: \{'after the observation': 1\}"):
        rfm([order("C1", LAST)], as_of=START)


def test_a_timestamp_is_no_last_day() -> None:
    with pytest.raises(ParameterError, match="`as_of` is the last day of the observation, a date"):
        rfm([order("C1", START)], as_of=datetime(2026, 6, 30, tzinfo=UTC))


def test_a_holdout_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ParameterError, match="must end after it starts"):
        split_holdout([order("C1", START)], as_of=LAST, until=START)


@given(orders_strategy, st.sampled_from(["classic", "rolling"]), st.sampled_from(["day", "week", "month", "quarter"]))
def test_everybody_is_there_in_the_first_period_and_averages_are_weighted(
    orders: Any, retention: Any, every: Any
) -> None:
    table = cohorts(orders, as_of=LAST, every=every, retention=retention)
    assert sum(cohort.size for cohort in table.cohorts) == len({o.customer_id for o in orders})
    assert all(cohort.cells[0].value == cohort.size for cohort in table.cohorts)
    for k, average in enumerate(table.averages()):
        seen = [c for c in table.cohorts if c.cells[k].complete]
        if seen:
            assert average == pytest.approx(sum(c.cells[k].value or 0 for c in seen) / sum(c.size for c in seen))
        else:
            assert average is None


@given(orders_strategy)
def test_rolling_retention_never_rises_and_never_lies_below_the_classic_one(orders: Any) -> None:
    classic = cohorts(orders, as_of=LAST)
    rolling = cohorts(orders, as_of=LAST, retention="rolling")
    for one, other in zip(classic.cohorts, rolling.cohorts, strict=True):
        values = [cell.value for cell in other.cells if cell.value is not None]
        assert values == sorted(values, reverse=True)
        assert all((a.value or 0) <= (b.value or 0) for a, b in zip(one.cells, other.cells, strict=True))


@given(orders_strategy)
def test_orders_and_money_of_all_cells_are_those_of_all_orders(orders: Any) -> None:
    for measure, total in (("orders", len(orders)), ("value", sum(o.amount for o in orders))):
        table = cohorts(orders, as_of=LAST, measure=measure)  # type: ignore[arg-type]
        assert sum(cell.value or 0 for c in table.cohorts for cell in c.cells) == pytest.approx(total)


def test_a_period_that_is_not_over_is_marked_and_not_averaged() -> None:
    orders = [order("C1", date(2026, 1, 5)), order("C2", date(2026, 2, 5)), order("C1", date(2026, 3, 2))]
    table = cohorts(orders, as_of=date(2026, 3, 10))
    january, february = table.cohorts
    assert [(cell.value, cell.complete) for cell in january.cells] == [(1, True), (0, True), (1, False)]
    assert [(cell.value, cell.complete) for cell in february.cells] == [(1, True), (0, False), (None, False)]
    assert table.averages() == [1.0, 0.0, None]
    assert january.rate(2) is None
    assert "100.0%*" in str(table)
    assert str(table).splitlines()[2].endswith(".")


def test_a_month_whose_last_day_is_seen_is_complete() -> None:
    table = cohorts([order("C1", date(2026, 1, 5))], as_of=date(2026, 1, 31))
    assert table.cohorts[0].cells[0].complete
    assert not cohorts([order("C1", date(2026, 1, 5))], as_of=date(2026, 1, 30)).cohorts[0].cells[0].complete


def test_weeks_are_iso_weeks() -> None:
    table = cohorts(
        [order("C1", date(2027, 1, 3)), order("C2", date(2027, 1, 4))], as_of=date(2027, 1, 10), every="week"
    )
    assert [cohort.label for cohort in table.cohorts] == ["2026-W53", "2027-W01"]


def test_who_signed_up_and_never_bought_belongs_to_the_cohort() -> None:
    table = cohorts(
        [order("C1", date(2026, 2, 5))],
        as_of=date(2026, 2, 28),
        anchor={"C1": date(2026, 1, 3), "C2": date(2026, 1, 20)},
    )
    assert [(c.label, c.size, [cell.value for cell in c.cells]) for c in table.cohorts] == [("2026-01", 2, [0, 1])]


def test_survival_retention_counts_who_has_not_left() -> None:
    table = cohorts(
        [],
        as_of=date(2026, 3, 31),
        retention="survival",
        anchor={"C1": date(2026, 1, 3), "C2": date(2026, 1, 20)},
        ends={"C1": date(2026, 2, 10), "C2": None},
    )
    assert [cell.value for cell in table.cohorts[0].cells] == [2, 1, 1]


def test_cells_come_as_dicts() -> None:
    rows = cohorts([order("C1", START)], as_of=date(2026, 1, 31)).to_dicts()
    assert rows == [{"cohort": "2026-01", "size": 1, "period": 0, "value": 1, "rate": 1.0, "complete": True}]


def test_an_empty_cohort_is_an_error_in_words() -> None:
    with pytest.raises(InputError, match="No customer begins by 2026-06-30"):
        cohorts([], as_of=LAST)


def test_an_unknown_period_names_the_nearest() -> None:
    with pytest.raises(ParameterError, match="Did you mean 'month'"):
        cohorts([order("C1", START)], as_of=LAST, every="months")  # type: ignore[arg-type]


def test_survival_retention_needs_ends() -> None:
    with pytest.raises(ParameterError, match="needs `ends`"):
        cohorts([order("C1", START)], as_of=LAST, retention="survival")


def test_rolling_money_is_refused() -> None:
    with pytest.raises(ParameterError, match="counts customers; `measure` is 'value'"):
        cohorts([order("C1", START)], as_of=LAST, measure="value", retention="rolling")


def test_a_table_and_its_history_say_how_many_customers_there_are_and_do_not_list_them():
    orders = [Order(id=str(n), customer_id=f"C{n % 3}", amount=5, ordered_at=date(2026, 1, 1 + n)) for n in range(9)]
    orders.append(Order(id="later", customer_id="C1", amount=5, ordered_at=date(2026, 3, 1)))
    table = rfm(orders, as_of=date(2026, 1, 31))
    assert repr(table) == "<RfmTable of 3 customers as of 2026-01-31; left out 1 after the observation>"
    assert repr(rfm(orders, as_of=date(2026, 3, 1))) == "<RfmTable of 3 customers as of 2026-03-01>"
    assert repr(table.history("weeks")) == "<PurchaseHistory of 3 customers in weeks>"
