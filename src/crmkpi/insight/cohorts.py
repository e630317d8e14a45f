"""Cohorts: how many customers who began in the same period return, how often, and for how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from crmkpi._hooks import hook
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.snapshots import table_at_one_moment
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError, ParameterError, did_you_mean
from crmkpi.insight.arguments import reading
from crmkpi.insight.orders import Orders, refuse_several
from crmkpi.tabular import Tabular

__all__ = ["Cohort", "CohortCell", "CohortTable", "cohorts"]

Every = Literal["day", "week", "month", "quarter"]
Measure = Literal["customers", "orders", "value"]
Retention = Literal["classic", "rolling", "survival"]


_cohort_chart: Callable[..., Any] = hook("cohort_chart")


@dataclass(frozen=True, slots=True)
class CohortCell:
    """A cohort in one of its periods: `value` so far, and whether the period is over (`complete`).

    `value` is `None`, not zero, for a period that has not begun.
    """

    value: float | None
    complete: bool


@dataclass(frozen=True, slots=True)
class Cohort:
    """The customers who began in one period; `cells[k]` is their activity k periods later."""

    label: str
    start: date
    size: int
    cells: tuple[CohortCell, ...]

    def rate(self, k: int) -> float | None:
        """The value per member k periods later; `None` until that period is over."""
        cell = self.cells[k]
        return cell.value / self.size if cell.complete and cell.value is not None else None


@dataclass(frozen=True, slots=True)
class CohortTable(Tabular):
    """The triangle: one row per cohort, one column per period; incomplete cells are marked and not averaged."""

    cohorts: tuple[Cohort, ...]
    every: Every
    measure: Measure
    retention: Retention
    as_of: date
    left_out: Mapping[str, int]

    def averages(self) -> list[float | None]:
        """The value per member k periods later, over all cohorts that have completed that period; `None` without one.

        It is weighted by members, so a large cohort counts for more.
        """
        averages: list[float | None] = []
        for k in range(len(self.cohorts[0].cells)):
            seen = [cohort for cohort in self.cohorts if cohort.cells[k].complete]
            size = sum(cohort.size for cohort in seen)
            averages.append(sum(cohort.cells[k].value or 0.0 for cohort in seen) / size if size else None)
        return averages

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per cell, for a frame or a file."""
        return [
            {
                "cohort": cohort.label,
                "size": cohort.size,
                "period": k,
                "value": cell.value,
                "rate": cohort.rate(k),
                "complete": cell.complete,
            }
            for cohort in self.cohorts
            for k, cell in enumerate(cohort.cells)
        ]

    def _head(self, count: int) -> tuple[Sequence[Mapping[str, Any]], int]:
        """The triangle: one row per cohort, one column per period."""
        rates = self.measure == "customers"
        rows = [
            {"cohort": cohort.label, "size": cohort.size}
            | {str(k): _shown(cell, cohort.size, rates=rates) for k, cell in enumerate(cohort.cells)}
            for cohort in self.cohorts[:count]
        ]
        return rows, len(self.cohorts)

    def __repr__(self) -> str:
        return f"<CohortTable of {len(self.cohorts)} cohorts by {self.every}, as of {self.as_of}>"

    def chart(self) -> Any:
        """The triangle as an Altair heatmap; it needs the extra `plot`."""
        return _cohort_chart(self)

    def __str__(self) -> str:
        """The triangle; a star marks a period that is not over, a dot one that has not begun."""
        rates = self.measure == "customers"
        width = len(self.cohorts[0].cells)
        lines = [f"{'cohort':<10} {'size':>7} " + " ".join(f"{k:>7}" for k in range(width))]
        for cohort in self.cohorts:
            cells = [_shown(cell, cohort.size, rates=rates) for cell in cohort.cells]
            lines.append(f"{cohort.label:<10} {cohort.size:>7} " + " ".join(f"{cell:>7}" for cell in cells))
        shown = ["." if value is None else f"{value:.1%}" if rates else f"{value:.2f}" for value in self.averages()]
        lines.append(f"{'average':<10} {'':>7} " + " ".join(f"{cell:>7}" for cell in shown))
        return "\n".join(lines)


def _shown(cell: CohortCell, size: int, *, rates: bool) -> str:
    if cell.value is None:
        return "."
    return (f"{cell.value / size:.1%}" if rates else f"{cell.value:.0f}") + ("" if cell.complete else "*")


def cohorts(
    orders: Any,
    *,
    as_of: date | None = None,
    every: Every = "month",
    measure: Measure = "customers",
    retention: Retention = "classic",
    anchor: Mapping[Hashable, date] | None = None,
    ends: Mapping[Hashable, date | None] | None = None,
    tz: str | None = None,
    with_refunds: bool = False,
) -> CohortTable:
    """Group customers by the period in which they began, and follow each group from period to period.

    `orders` are records, or a frame that is aggregated in place, or a `Dataset`, whose `as_of`, rates, currency and
    time zone apply; without one, timestamps with a zone have the days of `tz`, by default of their own zone, in frames
    of UTC. A customer begins with the first order, or on their day in `anchor` (sign-up). `as_of` is the last day
    observed. Values are customers, orders or money of the orders in each period. Orders below zero are refunds: they
    lower the money, and do not count as purchases for customers and orders, unless `with_refunds`. For customers,
    `retention` is `classic` (bought in the period), `rolling` (bought in it or later) or `survival` (no day in `ends`
    by its end).

    >>> from types import SimpleNamespace
    >>> days = {"C1": [date(2026, 1, 5), date(2026, 2, 5)], "C2": [date(2026, 1, 9)]}
    >>> orders = [SimpleNamespace(customer_id=c, ordered_at=d, amount=10) for c, ds in days.items() for d in ds]
    >>> table = cohorts(orders, as_of=date(2026, 3, 10))
    >>> table.cohorts[0].rate(1), table.cohorts[0].rate(2)
    (0.5, None)
    """
    _check(every, measure, retention, ends)
    refunds, own = with_refunds or measure == "value", anchor is not None or ends is not None
    asked = Orders.of(orders, as_of=as_of, tz=tz, refunds=refunds, record_wise=own)
    as_of = asked.as_of
    if isinstance(asked.table, FrameTable):
        if own:
            raise ParameterError("Cohorts of a frame begin with the first order; give records for `anchor` and `ends`.")
        with at_home(asked.table.backend, "orders"):
            values, sizes, counted = _of_frame(asked, every, measure, retention)
    else:
        with reading("orders", asked.table):
            values, sizes, counted = _of_records(asked, every, measure, retention, anchor, ends)
    if not sizes:
        raise InputError(f"No customer begins by {as_of}, so there is no cohort; left out: {dict(counted) or 'none'}.")
    first, last = min(sizes), _index(as_of, every)
    over = last if _start(last + 1, every) - timedelta(days=1) > as_of else last + 1
    table = []
    for place in sorted(sizes):
        cells = tuple(
            CohortCell(values[place][k] if place + k <= last else None, place + k < over)
            for k in range(last - first + 1)
        )
        table.append(Cohort(_label(place, every), _start(place, every), sizes[place], cells))
    return CohortTable(tuple(table), every, measure, retention, as_of, dict(counted))


_Counted = tuple[dict[int, list[float]], dict[int, int], Mapping[str, int]]
"""The values of each cohort from its own period on, its number of customers, and the orders left out by reason."""


def _of_frame(asked: Orders, every: Every, measure: Measure, retention: Retention) -> _Counted:
    """Cohorts of a frame by the first order, aggregated in the frame's backend."""
    from crmkpi.insight.frame_purchases import Purchases, cohort_rows, last_rows  # noqa: PLC0415  # only for frames

    with table_at_one_moment(asked.table) as table:
        purchases = Purchases.of(
            replace(asked, table=table), until=asked.as_of, needs_amount=False, adds_money=measure == "value"
        )
        begin, last = purchases.first, _index(asked.as_of, every)
        if begin is None:
            return {}, {}, purchases.left_out
        first = _index(begin, every)
        months = every in ("month", "quarter")
        steps = [_start(place, every) for place in range(first, last + 1)] if months else 1 if every == "day" else 7
        # `cohort_rows` counts from 0, this module from the year 1: shift months and days.
        offset = first if months else int(every == "day")
        cells = cohort_rows(purchases, steps)
        lasts = last_rows(purchases, steps) if retention == "rolling" else []
    sizes = {cohort + offset: customers for cohort, at, customers, _, _ in cells if cohort == at}
    values = {cohort: [0.0] * (last - cohort + 1) for cohort in sizes}
    if retention == "rolling":
        for cohort, final, customers in lasts:
            for k in range(final - cohort + 1):
                values[cohort + offset][k] += customers
    else:
        for cohort, at, customers, orders, value in cells:
            found = {"customers": customers, "orders": orders, "value": value}[measure]
            values[cohort + offset][at - cohort] = float(found)
    return values, sizes, purchases.left_out


def _of_records(
    asked: Orders,
    every: Every,
    measure: Measure,
    retention: Retention,
    anchor: Mapping[Hashable, date] | None,
    ends: Mapping[Hashable, date | None] | None,
) -> _Counted:
    as_of = asked.as_of
    bought, left_out = _orders_by_day(asked, adds_money=measure == "value")
    if retention == "survival" and ends is not None:
        for customer in ends:
            bought.setdefault(customer, [])
    begun: dict[Hashable, date] = {}
    for customer, purchases in bought.items():
        start = min(day for day, _ in purchases) if anchor is None and purchases else (anchor or {}).get(customer)
        if start is None or start > as_of:
            left_out["no start" if start is None else "starts after the observation"] += 1
        else:
            begun[customer] = start
    # Customers who signed up and never bought belong to the cohort too.
    begun |= {c: start for c, start in (anchor or {}).items() if c not in bought and start <= as_of}
    members: dict[int, list[Hashable]] = {}
    for customer, start in begun.items():
        members.setdefault(_index(start, every), []).append(customer)
    last = _index(as_of, every)
    values = {
        place: _values(
            those, bought, place=place, last=last, every=every, measure=measure, retention=retention, ends=ends
        )
        for place, those in members.items()
    }
    return values, {place: len(those) for place, those in members.items()}, left_out


def _check(every: str, measure: str, retention: str, ends: object) -> None:
    for name, value, known in (
        ("every", every, ("day", "week", "month", "quarter")),
        ("measure", measure, ("customers", "orders", "value")),
        ("retention", retention, ("classic", "rolling", "survival")),
    ):
        if value not in known:
            raise ParameterError(f"`{name}` cannot be {value!r}. {did_you_mean(str(value), known)}")
    if retention != "classic" and measure != "customers":
        raise ParameterError(f"Retention {retention!r} counts customers; `measure` is {measure!r}.")
    if retention == "survival" and ends is None:
        raise ParameterError("Retention 'survival' needs `ends`: for each customer the day of leaving, or None.")


def _orders_by_day(asked: Orders, *, adds_money: bool) -> tuple[dict[Hashable, list[tuple[date, float]]], Counter[str]]:
    bought: dict[Hashable, list[tuple[date, float]]] = {}
    left_out: Counter[str] = Counter()
    currencies = set()
    if not adds_money:  # counts need no rates
        asked = replace(asked, rates=None)
    found = asked.completed(left_out, until=asked.as_of, needs_amount=False)
    for customer, day, amount, currency in found:
        currencies.add(currency)
        bought.setdefault(customer, []).append((day, amount))
    if adds_money:
        refuse_several(currencies)
    return bought, left_out


def _values(
    customers: Iterable[Hashable],
    bought: Mapping[Hashable, list[tuple[date, float]]],
    *,
    place: int,
    last: int,
    every: Every,
    measure: Measure,
    retention: Retention,
    ends: Mapping[Hashable, date | None] | None,
) -> list[float]:
    """The values of a cohort in each period from its own on."""
    totals = [0.0] * (last - place + 1)
    for customer in customers:
        purchases = [(_index(day, every) - place, amount) for day, amount in bought.get(customer, ())]
        if retention == "survival":
            end = (ends or {}).get(customer)
            stays = last - place + 1 if end is None else _index(end, every) - place
            active: Iterable[int] = range(max(0, min(stays, len(totals))))
        elif retention == "rolling":
            active = range(1 + max((k for k, _ in purchases), default=-1))
        else:
            active = {k for k, _ in purchases if k >= 0}
        if measure == "customers":
            for k in active:
                totals[k] += 1
        else:
            for k, amount in purchases:
                if k >= 0:
                    totals[k] += 1 if measure == "orders" else amount
    return totals


def _index(day: date, every: Every) -> int:
    """The index of the period with a day, counted from the year 1."""
    if every == "day":
        return day.toordinal()
    if every == "week":
        return (day.toordinal() - 1) // 7  # ISO weeks: 1 January of the year 1 was a Monday
    months = day.year * 12 + day.month - 1
    return months if every == "month" else months // 3


def _start(place: int, every: Every) -> date:
    if every == "day":
        return date.fromordinal(place)
    if every == "week":
        return date.fromordinal(place * 7 + 1)
    months = place if every == "month" else place * 3
    return date(months // 12, months % 12 + 1, 1)


_LABELS: dict[str, Callable[[date], str]] = {
    "day": lambda day: day.isoformat(),
    "week": lambda day: f"{day.isocalendar().year}-W{day.isocalendar().week:02}",
    "month": lambda day: f"{day.year}-{day.month:02}",
    "quarter": lambda day: f"{day.year}-Q{(day.month + 2) // 3}",
}


def _label(place: int, every: Every) -> str:
    return _LABELS[every](_start(place, every))
