"""RFM, holdouts and cohorts of a frame equal those of the same orders as records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkpi import Order, read_dicts, table
from crmkpi.errors import ColumnError, CurrencyError, InputError, ParameterError
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.rfm import RfmTable, rfm, split_holdout
from crmkpi.records.base import record_type

from .backends import arrow_of, frame_of

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")
START = datetime(2025, 11, 3)
CUT, LAST = date(2026, 2, 10), date(2026, 6, 16)


def order(number: int, day: int, **values: Any) -> Order:
    stamp = START + timedelta(days=day, hours=number % 24)
    return Order(id=str(number), **{"customer_id": f"C{number % 3}", "ordered_at": stamp, "amount": number} | values)


@st.composite
def orders_(draw: Any) -> list[Order]:
    found = [order(0, 0)]  # at least one that counts
    for number in range(1, draw(st.integers(1, 18))):
        values = {
            "customer_id": draw(st.sampled_from(("A", "B", "C", None))),
            "amount": draw(st.sampled_from((None, Decimal("12.50"), Decimal(-3), Decimal(0), Decimal("0.01")))),
            "status": draw(st.sampled_from(("completed", "completed", "cancelled"))),
        }
        values |= {"ordered_at": None} if draw(st.integers(0, 9)) == 0 else {}
        found.append(order(number, draw(st.integers(0, 250)), **values))
    return found


def frame(backend: str, orders: list[Order]) -> Any:
    return frame_of(backend, arrow_of(orders, record_type(Order)))


def shown(found: RfmTable) -> Any:
    rows = sorted((row for row in found.rows), key=lambda row: str(row.customer_id))
    return [
        (*(getattr(row, name) for name in ("customer_id", "orders", "purchases", "days_since_last", "recency", "age")),
         pytest.approx(row.value), pytest.approx(row.repeat_spend)) for row in rows
    ]  # fmt: skip


quickly = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.in_turns
def test_a_frame_has_the_same_rfm_table_as_records(backend: str) -> None:
    @quickly
    @given(orders_())
    def check(orders: list[Order]) -> None:
        mine, theirs = rfm(orders, as_of=LAST), rfm(frame(backend, orders), as_of=LAST)
        assert shown(theirs) == shown(mine)
        assert (theirs.merged, dict(theirs.left_out), theirs.as_of) == (mine.merged, dict(mine.left_out), LAST)
        types, known = ({name: type(cell) for name, cell in found.to_dicts()[0].items()} for found in (theirs, mine))
        assert types == known
        first, second = theirs.history("weeks"), mine.history("weeks")
        assert sorted(zip(first.customer_ids, first.frequency, strict=True)) == sorted(
            zip(second.customer_ids, second.frequency, strict=True)
        )

    check()


@pytest.mark.in_turns
def test_a_frame_has_the_same_holdout_as_records(backend: str) -> None:
    @quickly
    @given(orders_())
    def check(orders: list[Order]) -> None:
        mine = split_holdout(orders, as_of=CUT, until=LAST)
        theirs = split_holdout(frame(backend, orders), as_of=CUT, until=LAST)
        assert shown(theirs.table) == shown(mine.table)
        assert theirs.table.merged == mine.table.merged
        assert (theirs.new_customers, theirs.horizon) == (mine.new_customers, mine.horizon)
        actual = [
            dict(zip((row.customer_id for row in found.table.rows), found.actual, strict=True))
            for found in (mine, theirs)
        ]
        assert actual[0] == actual[1]

    check()


@pytest.mark.in_turns
@pytest.mark.parametrize("every", ["day", "week", "month", "quarter"])
def test_a_frame_has_the_same_cohorts_as_records(backend: str, every: Any) -> None:
    @settings(quickly, max_examples=4)
    @given(orders_())
    def check(orders: list[Order]) -> None:
        theirs = frame(backend, orders)
        kinds = [("customers", "classic"), ("orders", "classic"), ("value", "classic"), ("customers", "rolling")]
        for measure, retention in kinds:
            how: Any = {"as_of": LAST, "every": every, "measure": measure, "retention": retention}
            one, other = cohorts(orders, **how), cohorts(theirs, **how)
            assert [(c.label, c.start, c.size) for c in other.cohorts] == [
                (c.label, c.start, c.size) for c in one.cohorts
            ]
            for mine, found in zip(one.cohorts, other.cohorts, strict=True):
                assert [c.complete for c in found.cells] == [c.complete for c in mine.cells]
                assert [c.value for c in found.cells] == [
                    c.value if c.value is None else pytest.approx(c.value) for c in mine.cells
                ]
            assert dict(other.left_out) == dict(one.left_out)

    check()


def test_days_are_those_of_the_time_zone(backend: str) -> None:
    late = [
        Order(id=str(n), customer_id="A", amount=1, ordered_at=datetime(2026, 1, 1 + n, 23, 30, tzinfo=UTC))
        for n in (0, 1)
    ]
    found = rfm(frame(backend, late), as_of=date(2026, 1, 31), tz="Europe/Berlin")
    assert [(row.recency, row.age) for row in found.rows] == [(1, 29)]


def test_a_customer_who_first_bought_in_the_holdout_is_new_and_has_no_past(backend: str) -> None:
    found = split_holdout(frame(backend, [order(0, 0), order(1, 150)]), as_of=CUT, until=LAST)
    assert (len(found.table), found.actual, found.new_customers) == (1, (0,), 1)


def test_currencies_do_not_mix(backend: str) -> None:
    mixed = frame(backend, [order(0, 0, currency="EUR"), order(1, 1, currency="USD")])
    with pytest.raises(CurrencyError, match="Orders in several currencies cannot be added: EUR, USD; convert them"):
        rfm(mixed, as_of=LAST)


def test_nothing_usable_is_an_error_that_says_why(backend: str) -> None:
    early = frame(backend, [order(0, 0)])
    with pytest.raises(InputError, match=r"No order up to 2020-01-01 .*'after the observation': 1"):
        rfm(early, as_of=date(2020, 1, 1))
    with pytest.raises(InputError, match="No customer begins by 2020-01-01"):
        cohorts(early, as_of=date(2020, 1, 1))


def test_a_frame_without_amounts_is_refused_with_the_way_out() -> None:
    pandas = pytest.importorskip("pandas")
    lacking = pandas.DataFrame({"id": ["1"], "customer_id": ["A"], "ordered_at": [START], "paid": [1.0]})
    with pytest.raises(ColumnError, match=r"need the column 'amount', .*columns=\{'amount': "):
        rfm(lacking, as_of=LAST)
    named = table(lacking, record=Order, columns={"amount": "paid"})
    assert rfm(named, as_of=LAST).rows[0].value == 1.0


def test_cohorts_of_a_frame_begin_with_the_first_order_only(backend: str) -> None:
    with pytest.raises(
        ParameterError, match="Cohorts of a frame begin with the first order; give records for `anchor`"
    ):
        cohorts(frame(backend, [order(0, 0)]), as_of=LAST, anchor={"A": CUT})


def test_orders_of_which_a_field_cannot_be_read_are_left_out_for_it(backend: str) -> None:
    rows: list[dict[str, Any]] = [
        {"id": str(number), "customer_id": "A", "ordered_at": START, "amount": 5.0, "status": "completed"}
        for number in range(5)
    ]
    rows[1]["status"] = "lost in the post"
    rows[2]["amount"] = float("inf")
    rows[3] |= {"amount": float("inf"), "status": "lost in the post"}
    frame = frame_of(backend, pa.Table.from_pylist(rows))
    left_out = {"amount unreadable": 2, "status unreadable": 1}
    for orders in (read_dicts(rows, record=Order), table(frame, record=Order)):
        found = rfm(orders, as_of=LAST)
        assert (dict(found.left_out), found.to_dicts()[0]["orders"]) == (left_out, 2)
