"""Amounts that look like cents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown

__all__ = ["amounts_in_cents"]

_ENOUGH = 20
_MOST = 0.8
_WITHOUT_CENTS = ("CLP", "ISK", "JPY", "KRW", "VND")


def amounts_in_cents(table: CheckedTable) -> Iterable[Inspector]:
    """Whole amounts of at least 100, most of which are prices such as 49.00 or 19.99 after division by 100.

    Some APIs return amounts in cents while the exports of the same system have whole units: Stripe's, for example.
    """
    for name in table.fields("money"):
        yield _Amounts(table, name)


@dataclass(slots=True)
class _Amounts:
    table: CheckedTable
    name: str
    count: int = 0
    prices: int = 0
    example: str = ""
    is_possible: bool = field(default=True)

    def see(self, records: Sequence[Any]) -> None:
        if not self.is_possible:
            return
        for record in records:
            amount = getattr(record, self.name)
            if amount is None or not amount or getattr(record, "currency", None) in _WITHOUT_CENTS:
                continue
            if amount != amount.to_integral_value() or abs(amount) < 100:
                self.is_possible = False
                return
            self.count += 1
            self.prices += _is_price(amount)
            self.example = self.example or f"{shown(record, self.name)}, or {amount.scaleb(-2)}?"

    def findings(self) -> Iterable[Finding]:
        if self.is_possible and self.count >= _ENOUGH and self.prices >= _MOST * self.count:
            yield self.table.finding(
                "amounts_in_cents",
                f"{self.name} looks like cents",
                field=self.name,
                count=self.prices,
                of=self.count,
                example=self.example,
                impacts=[self.table.impact("a hundred times too large in", self.name, "value")],
            )


def _is_price(cents: Decimal) -> bool:
    """Whether the amount, read as cents, is a typical price: 49.00, 19.99, 12.50 or 4.95."""
    units, rest = divmod(int(abs(cents)), 100)
    return rest in (50, 90, 95, 99) or (rest == 0 and units % 10 in (5, 9))
