"""A change and its parts, as a value and as a table."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal

from crmkpi.errors import InputError
from crmkpi.insight.tables import InsightTable, ShownTable, shown_value
from crmkpi.statistics.intervals import Interval

__all__ = ["Effect", "Explanation", "Method"]

Method = Literal["additive", "mix and rate", "volume", "along the line", "inputs"]


@dataclass(frozen=True, slots=True)
class Effect:
    """The contribution of one segment or one input: `total`, in the unit of the KPI.

    For a ratio it is `rate` + `mix` + `alone`: the change within the segment, the change of its weight, and a numerator
    without a denominator, such as cost without leads. `before` and `after` are the segment's own values, `n_before` and
    `n_after` its records. The standard error and the interval are None where they are unknown; `few` says that a side
    has fewer than 10 records.
    """

    name: Hashable
    total: Any
    rate: Any = None
    mix: Any = None
    alone: Any = None
    before: Any = None
    after: Any = None
    n_before: int | None = None
    n_after: int | None = None
    standard_error: Any = None
    interval: Interval[Any] | None = None
    few: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Explanation(InsightTable):
    """A change and its parts, the largest first; they add up to it."""

    title: str
    unit: str
    method: Method
    before: Any
    after: Any
    effects: tuple[Effect, ...]
    labels: tuple[str, str] = ("before", "after")
    by: str = "segment"
    notes: tuple[str, ...] = ()
    currency: str | None = None

    @property
    def change(self) -> Any:
        """The change of the KPI."""
        return self.after - self.before

    def effect(self, name: Hashable) -> Effect:
        """The part of one segment or input."""
        for one in self.effects:
            if one.name == name:
                return one
        raise InputError(
            f"The explanation has no part {name!r}; it has {', '.join(str(one.name) for one in self.effects)}."
        )

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per part."""
        return [
            {
                self.by: one.name if isinstance(one.name, str | int | float | bool | None) else str(one.name),
                "before": one.before,
                "after": one.after,
                "n_before": one.n_before,
                "n_after": one.n_after,
                "rate": one.rate,
                "mix": one.mix,
                "alone": one.alone,
                "total": one.total,
                "standard_error": one.standard_error,
                "low": None if one.interval is None else one.interval.low,
                "high": None if one.interval is None else one.interval.high,
            }
            for one in self.effects
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(value: Any, *, change: bool = True) -> str:
            return "" if value is None else shown_value(value, self.unit, currency=self.currency, change=change)

        columns: list[tuple[str, Callable[[Effect], str]]] = [
            (self.labels[0], lambda one: shown(one.before, change=False)),
            (self.labels[1], lambda one: shown(one.after, change=False)),
            ("rate", lambda one: shown(one.rate)),
            ("mix", lambda one: shown(one.mix)),
            ("alone", lambda one: shown(one.alone) if one.alone else ""),
            ("accounts for", lambda one: shown(one.total)),
            ("interval", lambda one: "too few" if one.few else _range(one.interval, shown)),
        ]
        kept = [(header, cell) for header, cell in columns if any(cell(one) for one in self.effects)]
        rows = [(_label(one.name), *(cell(one) for _, cell in kept)) for one in self.effects]
        sides = f"{shown(self.before, change=False)} to {shown(self.after, change=False)}"
        heading = f"{self.title}, {self.labels[0]} to {self.labels[1]}: {sides} ({shown(self.change)})"
        return ShownTable(heading, (self.by, *(header for header, _ in kept)), rows, self.notes)


def _label(name: Hashable) -> str:
    if isinstance(name, tuple):
        return ", ".join(map(_label, name))
    return "(none)" if name is None else str(name)


def _range(interval: Interval[Any] | None, shown: Callable[[Any], str]) -> str:
    return "" if interval is None else f"{shown(interval.low)} to {shown(interval.high)}"
