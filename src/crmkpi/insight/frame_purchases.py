"""Orders in a frame as one row per customer or cohort: the aggregation runs where the data lies, few rows come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from importlib.util import find_spec
from operator import and_
from typing import Any

from crmkpi.engines.frames.backends import words
from crmkpi.engines.frames.local_time import DAY, step_numbers, wall_time
from crmkpi.engines.frames.native import rows_of
from crmkpi.engines.frames.profile import inside
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import ColumnError, CurrencyError
from crmkpi.time.calendars import Calendar

__all__ = ["PURCHASE_COLUMNS", "Purchases", "cohort_rows", "customer_columns", "first_day"]

PURCHASE_COLUMNS = (
    "customer_id", "orders", "purchases", "days_since_last", "recency", "age", "value", "repeat_spend", "later"
)  # fmt: skip
_NEEDED = ("customer_id", "ordered_at", "amount")
_ORIGIN = date(1970, 1, 1)
_LARGEST = 2**62


@dataclass(frozen=True, slots=True)
class Purchases:
    """The orders that count, one row per customer and day, still in their frame, and those left out by reason."""

    days: Any
    table: FrameTable
    scale: int
    until: date
    left_out: Mapping[str, int]

    @classmethod
    def of(cls, table: FrameTable, *, until: date, tz: str | None, needs_amount: bool = True) -> Purchases:
        """The completed orders up to the end of the day `until`, by days of `tz` (UTC) for timestamps with a zone.

        Orders without an amount are left out, or where none is needed count as 0.
        """
        for name in _NEEDED:
            if name not in table.columns:
                raise ColumnError(
                    f"Orders in a frame need the column {name!r}, which it lacks; give "
                    f"crmkpi.table(frame, record=crmkpi.Order, columns={{{name!r}: ...}})."
                )
        prepared = table.prepared((*_NEEDED, "status", "currency"), frozenset({"amount"}))
        nw, stamp, amount = words(table.backend), prepared.columns["ordered_at",], prepared.columns["amount",]
        wall = wall_time(nw, nw.col(stamp.name), stamp, Calendar(tz=tz or "UTC"))
        frame = prepared.frame.with_columns(wall.alias("wall"))
        needed = _NEEDED if needs_amount else _NEEDED[:2]
        known = reduce(and_, (~nw.col(inside(name)).is_null() for name in needed))
        completed = nw.col(inside("status")) == nw.lit("completed")
        in_time = nw.col("wall") < nw.lit((_number(until) + 1) * DAY)
        reasons = {
            "no customer, date or amount" if needs_amount else "no customer or date": ~known,
            "not completed": known & ~completed,
            "after the observation": known & completed & ~in_time,
        }
        flags = (nw.when(what).then(nw.lit(1)).otherwise(nw.lit(0)).alias(reason) for reason, what in reasons.items())
        ((*counts,),) = rows_of(
            table.backend, frame.with_columns(*flags).select(*(nw.col(reason).sum() for reason in reasons))
        )
        left_out = {reason: int(count) for reason, count in zip(reasons, counts, strict=True) if count}
        if prepared.rejected:
            left_out["refused by the record"] = prepared.rejected
        good = frame.filter(known, completed, in_time)
        if "currency" in table.columns:
            _check_currency(rows_of(table.backend, good.select(inside("currency")).unique()))
        columns = {"customer_id": inside("customer_id"), "wall": "wall", "spent": amount.name}
        good = good.select(*(nw.col(old).alias(new) for new, old in columns.items()))
        if not needs_amount:
            good = good.with_columns(nw.col("spent").fill_null(0))
        short = max(abs(amount.low), abs(amount.high)) * prepared.rows < _LARGEST
        return cls(_by_day(nw, table, good, short=short), table, 10 ** (amount.digits or 0), until, left_out)


def _by_day(nw: Any, table: FrameTable, orders: Any, *, short: bool) -> Any:
    """One row per customer and day: how many orders, and what they were worth, a `short` number if all together is."""
    if table.backend.name == "duckdb":
        # Its own division of whole numbers, of what is above zero: floor division is several times slower.
        day = f"((wall + {_ORIGIN.toordinal() * DAY}) // {DAY} - {_ORIGIN.toordinal()})::INTEGER"
        spent = "sum(spent)::BIGINT" if short else "sum(spent)"
        query = f"SELECT customer_id, {day} AS day, count(*) AS n, {spent} AS spent FROM measured GROUP BY ALL"  # noqa: S608  # numbers of our own
        return nw.from_native(orders.to_native().query("measured", query))
    orders = orders.with_columns((nw.col("wall") // nw.lit(DAY)).alias("day"))
    return orders.group_by("customer_id", "day").agg(nw.len().alias("n"), nw.col("spent").sum().alias("spent"))


def _number(day: date) -> int:
    return (day - _ORIGIN).days


def _check_currency(found: Sequence[Sequence[Any]]) -> None:
    if len(found) > 1:
        named = ", ".join(sorted(str(currency) for (currency,) in found))
        raise CurrencyError(f"Orders in several currencies cannot be added: {named}; convert them first.")


def customer_columns(purchases: Purchases, *, as_of: date) -> dict[str, Any]:
    """One value per customer for each of `PURCHASE_COLUMNS`, as of the day `as_of`; `later` counts purchases after it.

    Columns are numpy arrays where numpy is installed, and lists elsewhere. Customers without a purchase by then have
    none (0) of everything.
    """
    if purchases.table.backend.name == "duckdb":
        return _columns_of_duckdb(purchases, _number(as_of))
    nw, end = words(purchases.table.backend), _number(as_of)
    column = nw.col
    past = column("day") <= nw.lit(end)
    frame = purchases.days.with_columns(
        nw.when(past).then(column("day")).alias("past_day"),
        *(nw.when(past).then(column(name)).otherwise(nw.lit(0)).alias(f"past_{name}") for name in ("n", "spent")),
        nw.when(past).then(nw.lit(1)).otherwise(nw.lit(0)).alias("past"),
        nw.when(past).then(nw.lit(0)).otherwise(nw.lit(1)).alias("later"),
    )
    frame = frame.with_columns(column("past_day").min().over("customer_id").alias("first"))
    again = nw.when(column("day") > column("first")).then(column("past_spent")).otherwise(nw.lit(0))
    frame = frame.with_columns(again.alias("again"))
    sums = {"orders": "past_n", "purchases": "past", "value": "past_spent", "again": "again", "later": "later"}
    grouped = frame.group_by("customer_id").agg(
        column("past_day").min().alias("first"),
        column("past_day").max().alias("last"),
        *(column(old).sum().alias(new) for new, old in sums.items()),
    )
    found = _columns(purchases, grouped.select("customer_id", "first", "last", *sums))
    first, last, times = found["first"], found["last"], found["purchases"]
    rows = range(len(times))
    scale = purchases.scale
    return {
        "customer_id": found["customer_id"],
        "orders": found["orders"],
        "purchases": times,
        "days_since_last": [end - last[i] if times[i] else 0 for i in rows],
        "recency": [last[i] - first[i] if times[i] else 0 for i in rows],
        "age": [end - first[i] if times[i] else 0 for i in rows],
        "value": [value / scale for value in found["value"]],
        "repeat_spend": [found["again"][i] / scale / (times[i] - 1) if times[i] > 1 else 0.0 for i in rows],
        "later": found["later"],
    }


def _columns(purchases: Purchases, frame: Any) -> dict[str, Any]:
    names = frame.collect_schema().names()
    rows = rows_of(purchases.table.backend, frame)
    return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {name: [] for name in names}


def _columns_of_duckdb(purchases: Purchases, end: int) -> dict[str, Any]:
    # A condition costs time, so skip it where no row can be later.
    past = f"FILTER (day <= {end})" if end < _number(purchases.until) else ""
    later = f"count(*) FILTER (day > {end})" if past else "0"
    scale = f"{purchases.scale}.0"
    found = purchases.days.to_native().query(
        "measured",
        f"""
        SELECT customer_id, coalesce(sum(n) {past}, 0)::BIGINT AS orders, count(*) {past} AS purchases,
            coalesce({end} - max(day) {past}, 0) AS days_since_last,
            coalesce(max(day) {past} - min(day), 0) AS recency, greatest({end} - min(day), 0) AS age,
            coalesce(sum(spent) {past}, 0)::DOUBLE / {scale} AS value,
            CASE WHEN purchases > 1 THEN (sum(spent) {past} - arg_min(spent, day))::DOUBLE / {scale} / (purchases - 1)
                ELSE 0.0 END AS repeat_spend,
            {later} AS later
        FROM measured GROUP BY customer_id
        """,  # noqa: S608  # numbers of our own
    )
    if find_spec("numpy") is None:
        columns = zip(*found.fetchall(), strict=True)
        return dict(zip(PURCHASE_COLUMNS, map(list, columns), strict=True))
    return dict(found.fetchnumpy())


def first_day(purchases: Purchases) -> date | None:
    """The day of the first order that counts; None without any."""
    nw = words(purchases.table.backend)
    ((first,),) = rows_of(purchases.table.backend, purchases.days.select(nw.col("day").min()))
    return None if first is None else date.fromordinal(int(first) + _ORIGIN.toordinal())


def cohort_rows(
    purchases: Purchases, steps: int | Sequence[date]
) -> tuple[list[tuple[int, int, int, int, float]], list[tuple[int, int, int]]]:
    """What customers did by the period of their first order and the period of the order.

    `steps` is the length of all periods in days, which are then counted from the year 1, or the days on which they
    start, which are counted from 0. The first list has (first, period, customers, orders, value), the second
    (first, last, customers): how many of a cohort bought in a period for the last time.
    """
    backend = purchases.table.backend
    nw = words(backend)
    if isinstance(steps, int):
        # Counted from the year 1 no day is below zero, where libraries divide differently.
        place = (nw.col("day") + nw.lit(_ORIGIN.toordinal() - 1)) // nw.lit(steps)
    else:
        halves = backend.name in ("duckdb", "pyspark")
        place = step_numbers(nw, nw.col("day"), [_number(start) for start in steps], halves=halves) - nw.lit(1)
    frame = purchases.days.with_columns(place.alias("place"))
    frame = frame.group_by("customer_id", "place").agg(nw.col("n").sum(), nw.col("spent").sum())
    over = {name: getattr(nw.col("place"), name)().over("customer_id") for name in ("min", "max")}
    frame = frame.with_columns(over["min"].alias("first"), over["max"].alias("last"))
    cells = frame.group_by("first", "place").agg(
        nw.len().alias("customers"), nw.col("n").sum().alias("orders"), nw.col("spent").sum().alias("value")
    )
    lasts = frame.filter(nw.col("place") == nw.col("first")).group_by("first", "last").agg(nw.len().alias("customers"))
    return (
        [
            (int(first), int(at), int(count), int(orders), float(value) / purchases.scale)
            for first, at, count, orders, value in rows_of(backend, cells)
        ],
        [(int(first), int(last), int(count)) for first, last, count in rows_of(backend, lasts)],
    )
