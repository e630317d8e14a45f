"""Amounts in several currencies, or in one that has no rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown

__all__ = ["mixed_currencies"]


def mixed_currencies(table: CheckedTable) -> Iterable[Inspector]:
    """Amounts of several currencies are never added without rates, so their KPIs raise an error."""
    amounts = table.fields("money")
    if amounts and "currency" in table.type_.fields:
        yield _Currencies(table, amounts)


@dataclass(slots=True)
class _Currencies:
    table: CheckedTable
    amounts: tuple[str, ...]
    counts: dict[str | None, int] = field(default_factory=dict)
    examples: dict[str | None, str] = field(default_factory=dict)

    def see(self, records: Sequence[Any]) -> None:
        own = self.table.crm.currency
        for record in records:
            if any(getattr(record, name) is not None for name in self.amounts):
                currency = record.currency if record.currency is not None else own
                if currency not in self.counts:
                    self.examples[currency] = shown(record, "currency")
                self.counts[currency] = self.counts.get(currency, 0) + 1

    def findings(self) -> Iterable[Finding]:
        rates = self.table.crm.rates
        main = max(self.counts, key=self.counts.__getitem__, default=None)
        if rates is None:
            others = [currency for currency in self.counts if currency != main]
            what = f"in another currency than {main or 'none'}, and there are no rates"
        else:
            others = [currency for currency in self.counts if currency not in (rates.to, *rates.rates)]
            what = f"in a currency without a rate to {rates.to}"
        if not others:
            return
        metrics = [self.table.impact("stop", name, "value") for name in self.amounts]
        yield self.table.finding(
            "mixed_currencies",
            what,
            field="currency",
            level="error",
            count=sum(self.counts[currency] for currency in others),
            of=sum(self.counts.values()),
            example=self.examples[others[0]],
            impacts=metrics,
        )
