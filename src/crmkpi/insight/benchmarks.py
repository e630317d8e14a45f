"""Compare a KPI with external benchmark figures that you provide, with their source, year and definition.

The library ships no figures. Peers within the firm are the better benchmark: see `crmkpi.insight.control.funnel_plot`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from crmkpi.definition.metric import Share
from crmkpi.errors import InputError
from crmkpi.measuring.results import Result
from crmkpi.statistics.differences import Difference, share_difference

__all__ = ["Benchmark", "Position"]


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a value as a sentence, with its `percentile`; None above or below the given percentiles."""

    percentile: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Benchmark:
    """External figures for one KPI: values by percentile, or one value, with their source and definition.

    `definition` is the id of the definition that they follow, such as "churn_rate": a comparison with a result of
    another definition is an error.

    >>> given = Benchmark("win_rate", {25: 0.18, 50: 0.24, 75: 0.31}, source="trade survey", year=2025)
    >>> round(given.position(0.27).percentile, 6), given.position(0.4).text
    (60.714286, 'above the 75th percentile')
    """

    definition: str
    percentiles: Mapping[float, Any] = field(default_factory=dict)
    source: str = field(kw_only=True)
    year: int = field(kw_only=True)
    value: Any = field(default=None, kw_only=True)
    n: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.source or not str(self.source).strip():
            raise InputError("A benchmark has a source, such as source='trade survey'; got none.")
        if isinstance(self.year, bool) or not isinstance(self.year, int):
            raise InputError(f"A benchmark has a year, such as year=2025; got {self.year!r}.")
        if self.n is not None and (isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 1):
            raise InputError(f"`n` is the number of records behind a benchmark, at least 1; got {self.n!r}.")
        places = sorted(self.percentiles)
        if not places and self.value is not None:
            return
        if len(places) < 2 or not all(0 <= place <= 100 for place in places):
            raise InputError(f"A benchmark has two percentiles from 0 to 100 or more; got {places!r}.")
        values = [self.percentiles[place] for place in places]
        if any(a >= b for a, b in pairwise(values)):
            raise InputError(f"The values of a benchmark increase with their percentiles; got {values!r}.")

    def position(self, value: Any) -> Position:
        """The position of a value, or of a result of the same definition; linear between two percentiles."""
        if not self.percentiles:
            raise InputError("A benchmark of one value has no percentiles; compare with it by benchmark.difference().")
        if isinstance(value, Result):
            self._check(value)
            if value.value is None:
                return Position(None, f"undefined: {value.reason}")
            value = value.value
        places = sorted(self.percentiles)
        low, high = places[0], places[-1]
        if value < self.percentiles[low]:
            return Position(None, f"below the {_ordinal(low)} percentile")
        if value > self.percentiles[high]:
            return Position(None, f"above the {_ordinal(high)} percentile")
        for a, b in pairwise(places):
            if value <= self.percentiles[b]:
                part = float((value - self.percentiles[a]) / (self.percentiles[b] - self.percentiles[a]))
                found = a + part * (b - a)
                return Position(found, f"at the {_ordinal(round(found))} percentile")
        raise AssertionError  # pragma: no cover  # values above the highest percentile return earlier

    def difference(self, result: Result) -> Difference | None:
        """The difference of a result to the `value` of the benchmark; with an interval for shares with `n`.

        None where the result is undefined. Without `n`, or for a KPI that is not a share, the variance of the external
        figure is unknown, so that there is no interval.

        >>> from crmkpi import win_rate
        >>> given = Benchmark("win_rate", value=0.25, n=400, source="trade survey", year=2025)
        >>> found = given.difference(win_rate.from_totals(won=60, closed=150))
        >>> round(found.value, 2), [round(bound, 2) for bound in found.interval]
        (0.15, [0.06, 0.24])
        """
        self._check(result)
        if self.value is None:
            raise InputError("A difference needs the value of a benchmark; give it, such as value=0.25.")
        if result.value is None:
            return None
        rule = result.metric.interval
        if self.n is not None and isinstance(rule, Share):
            part, whole = result.inputs[rule.part], result.inputs[rule.whole]
            return share_difference(part, whole, round(self.value * self.n), self.n)
        apart = result.value - self.value
        number = apart.total_seconds() if isinstance(apart, timedelta) else float(apart)
        return Difference(number, None, None, None)

    def _check(self, result: Result) -> None:
        """Refuse a result of another definition."""
        if result.definition != self.definition:
            raise InputError(
                f"The benchmark is of {self.definition}, and the result of {result.definition}; another definition "
                "counts something else. Measure that one, or use figures of this one."
            )


def _ordinal(number: float) -> str:
    whole = int(number)
    ending = "th" if 10 <= whole % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(whole % 10, "th")
    return f"{number:g}{ending}"
