"""Control limits: the usual variation of a KPI, and the points and runs outside of it.

`limits_of_values` are Shewhart's for single values (XmR), `limits_of_shares` those of a p chart and
`limits_of_rates` those of a u chart, the latter two with Laney's correction if the points vary more than by chance.
`signals` finds the points that the rules flag. Only the standard library is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log2, sqrt
from typing import Literal

from crmkpi.errors import InputError, UnknownNameError, did_you_mean
from crmkpi.statistics.distributions import binomial_below

__all__ = [
    "RULE_SETS",
    "Direction",
    "FlaggedPoints",
    "Limits",
    "autocorrelation",
    "limits_of_rates",
    "limits_of_shares",
    "limits_of_values",
    "moving_ranges",
    "rules_of",
    "signals",
]

Direction = Literal["up", "down"]
Value = float | None

_RANGE_TO_SIGMA = 1.128  # the mean range of two normal values, in their standard deviation
_RANGE_LIMIT = 3.267  # a moving range above this multiple of the mean range signals
LANEY_FROM = 1.2  # points with less over-dispersion keep the plain limits
LANEY_POINTS = 12
RUN = 8

RULE_SETS: Mapping[str, tuple[str, ...]] = {
    "default": ("beyond", "run"),
    "nhs": ("beyond", "run_of_seven", "trend", "two_of_three"),
    "western_electric": ("beyond", "two_of_three", "four_of_five", "run"),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """The centre of a process, and for each point its standard deviation by chance.

    `over_dispersion` is the ratio of the variation of the points to that by chance, 1 without a correction.
    """

    centre: float
    sigmas: tuple[float, ...]
    over_dispersion: float = 1.0

    def low(self, number: int, sigmas: float = 3.0) -> float:
        """The limit below a point."""
        return self.centre - sigmas * self.sigmas[number]

    def high(self, number: int, sigmas: float = 3.0) -> float:
        """The limit above a point."""
        return self.centre + sigmas * self.sigmas[number]


@dataclass(frozen=True, slots=True)
class FlaggedPoints:
    """Points that a rule flagged: the first and the last, both included, and their side of the centre."""

    rule: str
    first: int
    last: int
    direction: Direction


def moving_ranges(values: Sequence[Value]) -> list[float]:
    """The absolute differences of neighbours; a gap has no difference on either side.

    >>> moving_ranges([3, 5, None, 4, 1])
    [2, 3]
    """
    return [abs(b - a) for a, b in pairwise(values) if a is not None and b is not None]


def limits_of_values(values: Sequence[Value], *, screen: bool = True, widen: float = 1.0) -> Limits | None:
    """The limits of single values (XmR): the mean, and sigma = mean moving range / 1.128.

    With `screen`, ranges above 3.267 times their mean are dropped and the mean is taken once more (Nelson 1982). None
    without two neighbours, and if all values are equal.

    >>> limits = limits_of_values([21, 24, 19, 27, 22, 25, 20, 23, 26, 22, 24, 21, 34, 23, 22, 25])
    >>> round(limits.low(0), 3), limits.centre, round(limits.high(0), 3)
    (10.859, 23.625, 36.391)
    """
    known = [value for value in values if value is not None]
    ranges = moving_ranges(values)
    if not ranges or not any(ranges):
        return None
    mean = sum(ranges) / len(ranges)
    if screen:
        kept = [size for size in ranges if size <= _RANGE_LIMIT * mean]
        mean = sum(kept) / len(kept) or mean
    return Limits(sum(known) / len(known), (widen * mean / _RANGE_TO_SIGMA,) * len(values))


def limits_of_shares(parts: Sequence[Value], wholes: Sequence[Value]) -> Limits | None:
    """The limits of shares: the overall share p, and sigma = √(p (1 - p) / n) of each point.

    With twelve points or more and an over-dispersion above 1.2 it is Laney's p' chart: sigma times the over-dispersion.
    None if the overall share is 0 or 1.

    >>> limits = limits_of_shares([30, 28, 35], [100, 90, 120])
    >>> round(limits.centre, 3), round(limits.low(2), 3), round(limits.high(2), 3)
    (0.3, 0.175, 0.425)
    """
    return _limits_of_ratios(parts, wholes, lambda centre, whole: sqrt(centre * max(0.0, 1 - centre) / whole))


def limits_of_rates(counts: Sequence[Value], exposures: Sequence[Value]) -> Limits | None:
    """The limits of counts per exposure, such as tickets per day: u, or Laney's u' as for shares.

    >>> limits = limits_of_rates([12, 15, 9, 20, 11, 14, 31, 10], [1] * 8)
    >>> limits.centre, round(limits.low(0), 3), round(limits.high(0), 3)
    (15.25, 3.535, 26.965)
    """
    return _limits_of_ratios(counts, exposures, lambda centre, exposure: sqrt(centre / exposure))


def _limits_of_ratios(
    parts: Sequence[Value], wholes: Sequence[Value], sigma: Callable[[float, float], float]
) -> Limits | None:
    pairs = [(part, whole) if part is not None and whole else None for part, whole in zip(parts, wholes, strict=True)]
    known = [pair for pair in pairs if pair is not None]
    if not known:
        return None
    centre = sum(part for part, _ in known) / sum(whole for _, whole in known)
    sigmas = [0.0 if pair is None else sigma(centre, pair[1]) for pair in pairs]
    if not any(sigmas):
        return None
    scores = [
        None if pair is None else (pair[0] / pair[1] - centre) / size for pair, size in zip(pairs, sigmas, strict=True)
    ]
    ranges = moving_ranges(scores)
    over = sum(ranges) / len(ranges) / _RANGE_TO_SIGMA if ranges else 1.0
    if len(known) < LANEY_POINTS or over <= LANEY_FROM:
        over = 1.0
    return Limits(centre, tuple(size * over for size in sigmas), over)


def autocorrelation(values: Sequence[Value]) -> float:
    """The lag-1 autocorrelation, from -1 to 1; 0 if all values are equal.

    >>> autocorrelation([1, 2, 3, 4])
    0.25
    """
    known = [value for value in values if value is not None]
    mean = sum(known) / len(known) if known else 0.0
    spread = sum((value - mean) ** 2 for value in known)
    if not spread:
        return 0.0
    return sum((a - mean) * (b - mean) for a, b in pairwise(values) if a is not None and b is not None) / spread


def rules_of(rules: str | Sequence[str]) -> tuple[str, ...]:
    """Resolve the names of rules, or of a rule set: "default", "nhs", "western_electric".

    >>> rules_of("nhs")
    ('beyond', 'run_of_seven', 'trend', 'two_of_three')
    """
    asked = [rules] if isinstance(rules, str) else list(rules)
    found = [rule for name in asked for rule in RULE_SETS.get(name, (name,))]
    for rule in found:
        if rule not in _RULES:
            known = [*_RULES, *RULE_SETS]
            raise UnknownNameError(f"No rule of control charts is called {rule!r}. {did_you_mean(rule, known)}")
    if not found:
        raise InputError("A control chart needs at least one rule, such as rules=('beyond', 'run'); got none.")
    return tuple(dict.fromkeys(found))


def signals(values: Sequence[Value], limits: Limits, rules: Sequence[str], *, first: int = 0) -> list[FlaggedPoints]:
    """The points that the rules flag, with an end from `first` on, ordered by their ends."""
    points = _Points(values, limits)
    found = [flagged for rule in rules for flagged in _RULES[rule](points) if flagged.last >= first]
    return sorted(found, key=lambda flagged: (flagged.last, flagged.first, flagged.rule))


class _Points:
    """Values with their distance from the centre in sigmas; gaps are dropped, and original positions kept."""

    def __init__(self, values: Sequence[Value], limits: Limits) -> None:
        self.numbers = [number for number, value in enumerate(values) if value is not None]
        self.values = [value for value in values if value is not None]
        self.scores = [
            (value - limits.centre) / limits.sigmas[number] if limits.sigmas[number] else 0.0
            for number, value in zip(self.numbers, self.values, strict=True)
        ]
        # The value itself decides the side of a point, not a rounded score.
        self.sides = [(value > limits.centre) - (value < limits.centre) for value in self.values]

    def flagged(self, rule: str, first: int, last: int, side: int) -> FlaggedPoints:
        return FlaggedPoints(rule, self.numbers[first], self.numbers[last], "up" if side > 0 else "down")


def _beyond(points: _Points) -> Iterator[FlaggedPoints]:
    for number, score in enumerate(points.scores):
        if abs(score) > 3:
            yield points.flagged("beyond", number, number, 1 if score > 0 else -1)


def _run_of(rule: str, length: int) -> Callable[[_Points], Iterator[FlaggedPoints]]:
    """Rule: `length` points in a row on one side; a point exactly on the centre neither counts nor breaks the run."""

    def find(points: _Points) -> Iterator[FlaggedPoints]:
        aside = [number for number, side in enumerate(points.sides) if side]
        yield from _stretches(points, rule, aside, [points.sides[number] for number in aside], length)

    return find


def _stretches(
    points: _Points, rule: str, numbers: Sequence[int], sides: Sequence[int], length: int, before: int = 0
) -> Iterator[FlaggedPoints]:
    """The runs of equal sides of at least `length`; each is extended by `before` earlier points."""
    start = 0
    for place in range(1, len(sides) + 1):
        if place == len(sides) or sides[place] != sides[start]:
            if place - start >= length:
                yield points.flagged(rule, max(0, numbers[start] - before), numbers[place - 1], sides[start])
            start = place


def _trend(points: _Points) -> Iterator[FlaggedPoints]:
    """Rule: seven values that each rise, or each fall; equal neighbours neither count nor break the trend."""
    different = [
        number
        for number in range(len(points.values))
        if not number or points.values[number] != points.values[number - 1]
    ]
    steps = [1 if points.values[b] > points.values[a] else -1 for a, b in pairwise(different)]
    start = 0
    for place in range(1, len(steps) + 1):
        if place == len(steps) or steps[place] != steps[start]:
            if place - start >= 6:
                yield points.flagged("trend", different[start], different[place], steps[start])
            start = place


def _some_of(rule: str, wanted: int, among: int, sigmas: float) -> Callable[[_Points], Iterator[FlaggedPoints]]:
    """Rule: k of n consecutive points on one side beyond s sigmas."""

    def find(points: _Points) -> Iterator[FlaggedPoints]:
        for side in (1, -1):
            far = [score * side > sigmas for score in points.scores]
            for last in range(among - 1, len(far)):
                window = range(last - among + 1, last + 1)
                hits = [number for number in window if far[number]]
                if len(hits) >= wanted and far[last]:
                    yield points.flagged(rule, hits[0], last, side)

    return find


def _anhoej(points: _Points) -> Iterator[FlaggedPoints]:
    """Rule: a run too long, or too few crossings of the centre, for the number of points (Anhøj and Olesen 2014)."""
    aside = [number for number, side in enumerate(points.sides) if side]
    sides = [points.sides[number] for number in aside]
    if len(sides) < 2:
        return
    longest = round(log2(len(sides))) + 4  # longer than round(log2 n) + 3
    found = list(_stretches(points, "anhoej", aside, sides, longest))
    yield from found
    crossings = sum(a != b for a, b in pairwise(sides))
    fewest = next(count for count in range(len(sides)) if binomial_below(count + 1, len(sides) - 1, 0.5) >= 0.05)
    if crossings < fewest and not found:
        yield points.flagged("anhoej", aside[0], aside[-1], sides[-1])


_RULES: Mapping[str, Callable[[_Points], Iterator[FlaggedPoints]]] = {
    "beyond": _beyond,
    "run": _run_of("run", RUN),
    "run_of_seven": _run_of("run_of_seven", 7),
    "two_of_three": _some_of("two_of_three", 2, 3, 2.0),
    "four_of_five": _some_of("four_of_five", 4, 5, 1.0),
    "trend": _trend,
    "anhoej": _anhoej,
}
