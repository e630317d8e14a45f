"""Counts of converted values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Protocol

__all__ = ["Count", "Tallies", "uncounted"]

_MOST_KINDS = 20


class Count(Protocol):
    """Counts values by conversion."""

    def __call__(self, kind: str, times: int = 1, /) -> None:
        """Count some values."""


def uncounted(kind: str, times: int = 1, /) -> None:
    """Count nothing."""


class Tallies:
    """Counts of conversions by column; the counts of rejected rows are dropped.

    >>> tallies = Tallies()
    >>> count = tallies.counter("Amount")
    >>> count("thousands set apart")
    >>> tallies.keep()
    >>> count("thousands set apart")
    >>> tallies.drop()
    >>> tallies.by_column()
    {'Amount': {'thousands set apart': 1}}
    """

    def __init__(self) -> None:
        self._kept: Counter[tuple[str, str]] = Counter()
        self._waiting: list[tuple[str, str]] = []
        self._many: list[tuple[tuple[str, str], int]] = []

    def counter(self, column: str) -> Count:
        """A function that counts values of one column by conversion."""
        waiting, many = self._waiting, self._many

        def count(kind: str, times: int = 1, /) -> None:
            if times == 1:
                waiting.append((column, kind))
            else:
                many.append(((column, kind), times))

        return count

    def keep(self) -> None:
        """Keep the counts since the last call: the rows are used."""
        self._kept.update(self._waiting)
        for place, times in self._many:
            self._kept[place] += times
        self.drop()

    def drop(self) -> None:
        """Drop the counts since the last call: the rows are rejected."""
        self._waiting.clear()
        self._many.clear()

    def clear(self) -> None:
        """Forget all counts, because reading starts again from the first row."""
        self.drop()
        self._kept.clear()

    def by_column(self) -> Mapping[str, Mapping[str, int]]:
        """The counts; beyond twenty kinds in a column, the rarer ones share one count."""
        columns: dict[str, dict[str, int]] = {}
        for (column, kind), count in sorted(self._kept.items(), key=lambda each: (-each[1], each[0])):
            kinds = columns.setdefault(column, {})
            if len(kinds) >= _MOST_KINDS:
                kind = "others"  # noqa: PLW2901
            kinds[kind] = kinds.get(kind, 0) + count
        return columns
