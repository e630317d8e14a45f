"""Aggregate orders in a frame to one row per customer or cohort in its backend, so that few rows are fetched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any

from crmkpi.dates.calendars import Calendar
from crmkpi.engines.frames.faults import inside
from crmkpi.engines.frames.group_keys import currency_of
from crmkpi.engines.frames.local_time import DAY, step_numbers, wall_time
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.frames.unreadable import is_unreadable
from crmkpi.engines.frames.words import flagged, only_where
from crmkpi.errors import ColumnError, CurrencyError
from crmkpi.insight.orders import DECIDING, Orders, refuse_several

__all__ = ["PURCHASE_COLUMNS", "Purchases", "cohort_rows", "customer_columns", "last_rows"]

PURCHASE_COLUMNS = (
    "customer_id", "orders", "purchases", "days_since_last", "recency", "age", "value", "repeat_spend", "later"
)  # fmt: skip
_NEEDED = ("customer_id", "ordered_at", "amount")
_ORIGIN = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Purchases:
    """The orders that count as a lazy frame with one row per customer and day, and counts of those left out by reason.

    `first` is the day of the first order that counts; None without any.
    """

    days: Any
    table: FrameTable
    scale: int
    until: date
    left_out: Mapping[str, int]
    first: date | None

    @classmethod
    def of(cls, asked: Orders, *, until: date, needs_amount: bool = True, adds_money: bool = True) -> Purchases:
        """The completed orders up to the end of the day `until`, by days of their zone (UTC), in one currency.

        Orders without an amount are left out, or count as 0 if `needs_amount` is False. Orders below zero are left out,
        unless refunds count.
        """
        table: FrameTable = asked.table
        for name in _NEEDED:
            if name not in table.columns:
                raise ColumnError(
                    f"Orders in a frame need the column {name!r}, which it lacks; give "
                    f"crmkpi.table(frame, record=crmkpi.Order, columns={{{name!r}: ...}})."
                )
        prepared = table.prepared((*_NEEDED, "status", "currency"), frozenset({"amount"}))
        home, stamp, amount = table.backend.home, prepared.columns["ordered_at",], prepared.columns["amount",]
        nw = home.words
        wall = wall_time(home, nw.col(stamp.name), stamp, Calendar(tz=asked.tz or "UTC"))
        frame = prepared.frame.with_columns(wall.alias("wall"))
        needed = _NEEDED if needs_amount else _NEEDED[:2]
        known = reduce(and_, (~nw.col(inside(name)).is_null() for name in needed))
        completed = nw.col(inside("status")) == nw.lit("completed")
        unread: dict[str, Any] = {}
        for name in DECIDING:
            marks = prepared.marks.get((name,))
            if marks and (needs_amount or name != "amount"):
                found = is_unreadable(nw, marks)
                unread[f"{name} unreadable"] = reduce(and_, (~other for other in unread.values()), found)
        lacking = reduce(and_, (~found for found in unread.values()), ~known)
        known = reduce(and_, (~found for found in unread.values()), known)
        in_time = nw.col("wall") < nw.lit((_number(until) + 1) * DAY)
        reasons = {
            **unread,
            "no customer, date or amount" if needs_amount else "no customer or date": lacking,
            "not completed": known & ~completed,
            "after the observation": known & completed & ~in_time,
        }
        bought = known & completed & in_time
        if not asked.refunds:  # an order below zero is a refund
            below = ~nw.col(amount.name).is_null() & (nw.col(amount.name) < nw.lit(0))
            reasons["refund"] = bought & below
            bought = bought & ~below
        flags = (flagged(nw, what).alias(reason) for reason, what in reasons.items())
        ((begun, *counts),) = home.leave(
            frame.with_columns(only_where(nw, bought, nw.col("wall")).alias("begun"), *flags).select(
                nw.col("begun").min(), *(nw.col(reason).sum().alias(reason) for reason in reasons)
            )
        )
        left_out = {reason: int(count) for reason, count in zip(reasons, counts, strict=True) if count}
        if prepared.rejected:
            left_out["refused by the record"] = prepared.rejected
        good = frame.filter(bought)
        spent = nw.col(amount.name)
        if adds_money and ("currency" in table.columns or asked.rates is not None):
            spent = _in_one_currency(asked, home, good, spent)
        columns = {"customer_id": inside("customer_id"), "wall": "wall"}
        good = good.select(*(nw.col(old).alias(new) for new, old in columns.items()), spent.alias("spent"))
        if not needs_amount:
            good = good.with_columns(nw.col("spent").fill_null(0))
        first = None if begun is None else date.fromordinal(int(begun) // DAY + _ORIGIN.toordinal())
        return cls(_by_day(nw, good), table, 10 ** (amount.digits or 0), until, left_out, first)


def _by_day(nw: Any, orders: Any) -> Any:
    """Group orders by customer and day: their number and value."""
    orders = orders.with_columns((nw.col("wall") // nw.lit(DAY)).alias("day"))
    return orders.group_by("customer_id", "day").agg(nw.len().alias("n"), nw.col("spent").sum().alias("spent"))


def _number(day: date) -> int:
    return (day - _ORIGIN).days


def _in_one_currency(asked: Orders, home: Any, orders: Any, spent: Any) -> Any:
    """The amounts, converted if there are rates; several currencies without rates are an error."""
    nw, column = home.words, inside("currency")
    if "currency" in asked.table.columns:
        known = {code: currency_of(code) or asked.currency for (code,) in home.leave(orders.select(column).unique())}
    else:
        known = {None: asked.currency}
    rates = asked.rates
    if rates is None:
        refuse_several(known.values())
        return spent
    if rates.dated:
        raise CurrencyError(
            "Rates that change from day to day can only convert records here, and not a frame; read the orders as "
            "records, or convert the frame first."
        )
    factors = {code: float(rates.convert(Decimal(1), currency, None)) for code, currency in known.items()}
    factor = nw.lit(factors.pop(None, 1.0))
    for code, value in factors.items():
        factor = nw.when(nw.col(column) == nw.lit(code)).then(nw.lit(value)).otherwise(factor)
    return spent.cast(nw.Float64) * factor


def customer_columns(purchases: Purchases, *, as_of: date) -> dict[str, Any]:
    """One value per customer for each of `PURCHASE_COLUMNS`, as of the day `as_of`; `later` counts purchases after it.

    Columns are numpy arrays where numpy is installed, and lists elsewhere. Customers without a purchase by then have 0
    in every column.
    """
    home, end, scale = purchases.table.backend.home, _number(as_of), float(purchases.scale)
    nw = home.words
    column, nothing = nw.col, nw.lit(0)
    frame, names = purchases.days, {"day": "day", "n": "n", "spent": "spent"}
    if end < _number(purchases.until):  # a condition costs time, so skip it where no row can be later
        past = column("day") <= nw.lit(end)
        names = {name: f"past_{name}" for name in names}
        frame = frame.with_columns(
            only_where(nw, past, column("day")).alias("past_day"),
            *(nw.when(past).then(column(name)).otherwise(nothing).alias(f"past_{name}") for name in ("n", "spent")),
        )
    frame = frame.group_by("customer_id").agg(
        column(names["day"]).count().alias("purchases"),
        nw.len().alias("days"),
        column(names["day"]).min().alias("first"),
        column(names["day"]).max().alias("last"),
        column(names["n"]).sum().cast(nw.Int64).alias("orders"),
        column(names["spent"]).sum().cast(nw.Float64).alias("value"),
        home.first_by(names["spent"], names["day"]).cast(nw.Float64).alias("begun"),
    )
    some, many = column("purchases") > nothing, column("purchases") > nw.lit(1)
    again = (column("value") - column("begun")) / nw.lit(scale)
    frame = frame.select(
        "customer_id",
        column("orders"),
        column("purchases"),
        nw.when(some).then(nw.lit(end) - column("last")).otherwise(nothing).alias("days_since_last"),
        nw.when(some).then(column("last") - column("first")).otherwise(nothing).alias("recency"),
        nw.when(some).then(nw.lit(end) - column("first")).otherwise(nothing).alias("age"),
        (column("value") / nw.lit(scale)).alias("value"),
        nw.when(many)
        .then(again / (column("purchases").cast(nw.Float64) - nw.lit(1.0)))
        .otherwise(nw.lit(0.0))
        .alias("repeat_spend"),
        (column("days") - column("purchases")).alias("later"),
    )
    return home.columns(frame)


def cohort_rows(purchases: Purchases, steps: int | Sequence[date]) -> list[tuple[int, int, int, int, float]]:
    """Group orders by the period of the customer's first order and the period of the order.

    `steps` is the length of all periods in days, which are then counted from the year 1, or a list of their start days,
    which are counted from 0. A row is (first, period, customers, orders, value).
    """
    home = purchases.table.backend.home
    nw = home.words
    cells = (
        _by_period(purchases, steps, "min")
        .group_by("min", "place")
        .agg(nw.len().alias("customers"), nw.col("n").sum().alias("orders"), nw.col("spent").sum().alias("value"))
    )
    return [
        (int(first), int(at), int(count), int(orders), float(value) / purchases.scale)
        for first, at, count, orders, value in home.leave(cells)
    ]


def last_rows(purchases: Purchases, steps: int | Sequence[date]) -> list[tuple[int, int, int]]:
    """The number of customers by the periods of their first and last order: (first, last, customers)."""
    home = purchases.table.backend.home
    nw = home.words
    begun = _by_period(purchases, steps, "min", "max").filter(nw.col("place") == nw.col("min"))
    rows = home.leave(begun.group_by("min", "max").agg(nw.len().alias("customers")))
    return [(int(first), int(last), int(count)) for first, last, count in rows]


def _by_period(purchases: Purchases, steps: int | Sequence[date], *ends: str) -> Any:
    """One row per customer and period, with the first ("min") and the last ("max") period of the customer."""
    home = purchases.table.backend.home
    nw = home.words
    if isinstance(steps, int):
        # Counted from the year 1 every day is positive: libraries differ in how they divide negative numbers.
        place = (nw.col("day") + nw.lit(_ORIGIN.toordinal() - 1)) // nw.lit(steps)
    else:
        place = step_numbers(home, nw.col("day"), [_number(start) for start in steps]) - nw.lit(1)
    frame = purchases.days.with_columns(place.alias("place"))
    frame = frame.group_by("customer_id", "place").agg(nw.col("n").sum(), nw.col("spent").sum())
    return frame.with_columns(*(getattr(nw.col("place"), end)().over("customer_id").alias(end) for end in ends))
