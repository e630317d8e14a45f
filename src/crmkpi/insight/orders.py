"""The orders for analyses of customers: records, a frame or a dataset, with time zone, currency and last day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import CurrencyError, InputError, MissingTableError, ParameterError
from crmkpi.insight.arguments import check_day
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.duplicates import DUPLICATE, duplicates_in
from crmkpi.measuring.tables import framed
from crmkpi.money import Rates
from crmkpi.records import Order
from crmkpi.records.base import record_type
from crmkpi.sources.files import FileRecords

__all__ = ["DECIDING", "Orders", "day_of", "refuse_several"]

DECIDING = ("ordered_at", "amount", "status")  # the fields that decide whether an order counts
_NEEDED = ("customer_id", "ordered_at", "amount")
_READ = frozenset({*_NEEDED, "currency", "status"})


@dataclass(frozen=True, slots=True)
class Orders:
    """A table of orders, the last observed day, the zone of its days, and the conversion of its currencies.

    With `refunds`, orders below zero count too. `again` counts records that are left out as duplicates of an id.
    """

    table: Any
    as_of: date
    tz: str | None
    rates: Rates | None = None
    currency: str | None = None
    refunds: bool = False
    again: int = 0

    @classmethod
    def of(
        cls, orders: Any, *, as_of: date | None, tz: str | None, refunds: bool = False, record_wise: bool = False
    ) -> Orders:
        """The given orders, or the orders of a dataset with its settings.

        Orders of files are a frame where possible, unless `record_wise` is True.
        """
        crm = orders if isinstance(orders, Dataset) else None
        if crm is not None and "orders" not in crm.tables:
            raise MissingTableError(f"The dataset has no table 'orders'; it has {', '.join(crm.tables) or 'none'}.")
        if crm is not None and as_of is None and crm.as_of is not None:
            as_of = crm.calendar.wall(crm.as_of).date() if isinstance(crm.as_of, datetime) else crm.as_of
        if as_of is None:
            raise ParameterError("`as_of` is the last day of the observation; give it, or a Dataset that has one.")
        check_day(as_of)
        given = crm.records("orders") if crm is not None else framed("orders", orders)
        if isinstance(given, FileRecords):
            dated = crm is not None and crm.rates is not None and crm.rates.dated
            given = _of_file(given, record_wise=record_wise or dated)
        table, again = _once(given)
        if crm is None:
            return cls(table, as_of, tz, refunds=refunds, again=again)
        return cls(table, as_of, tz or crm.calendar.tz, crm.rates, crm.currency, refunds, again)

    def completed(
        self, left_out: Counter[str], *, until: date, needs_amount: bool
    ) -> Iterator[tuple[Hashable, date, float, str | None]]:
        """The customer, day, amount and currency of each order that counts; `left_out` counts the others by reason."""
        zone = ZoneInfo(self.tz) if self.tz is not None else None
        lacking = "no customer, date or amount" if needs_amount else "no customer or date"
        if self.again:
            left_out[DUPLICATE] += self.again
        for order in self.table:
            moment, amount = order.ordered_at, order.amount
            lost = getattr(order, "unreadable", ())
            unread = next((name for name in DECIDING if name in lost and (needs_amount or name != "amount")), None)
            if unread is not None:
                left_out[f"{unread} unreadable"] += 1
            elif order.customer_id is None or moment is None or (needs_amount and amount is None):
                left_out[lacking] += 1
            elif getattr(order, "status", "completed") != "completed":
                left_out["not completed"] += 1
            elif (day := day_of(moment, zone)) > until:
                left_out["after the observation"] += 1
            elif amount is not None and amount < 0 and not self.refunds:
                left_out["refund"] += 1
            else:
                currency = getattr(order, "currency", None) or self.currency
                if self.rates is not None and amount is not None:
                    amount, currency = self.rates.convert(Decimal(amount), currency, day), self.rates.to
                yield order.customer_id, day, float(amount or 0), currency


def refuse_several(currencies: Iterable[str | None]) -> None:
    """Refuse to add amounts in several currencies."""
    found = set(currencies)
    if len(found) > 1:
        named = ", ".join(sorted(map(str, found)))
        raise CurrencyError(
            f"Orders in several currencies cannot be added: {named}; convert them first, or give a Dataset with rates."
        )


def day_of(moment: Any, zone: ZoneInfo | None) -> date:
    """The day of a moment, in `zone` if the moment has a time zone."""
    if isinstance(moment, datetime):
        return (moment.astimezone(zone) if zone is not None and moment.tzinfo is not None else moment).date()
    if isinstance(moment, date):
        return moment
    raise InputError(f"`ordered_at` must be a date or a timestamp; got {moment!r}.")


def _of_file(orders: FileRecords, *, record_wise: bool) -> Any:
    """Orders of files with the fields that analyses read: a frame, or records if they are needed or no frame fits."""
    orders.look(_READ)
    frame = None if record_wise else orders.frame
    return orders.records_read if frame is None or not frame.columns.keys() >= set(_NEEDED) else frame


def _once(given: Any) -> tuple[Any, int]:
    """The orders without duplicates of an id, and the number of duplicates."""
    if isinstance(given, FrameTable) or not isinstance(given, Sequence):
        return given, 0
    found = duplicates_in(given, record_type(Order))
    if found is None:
        return given, 0
    found.check_looked_up(_READ)
    return found.first, len(found.others)
