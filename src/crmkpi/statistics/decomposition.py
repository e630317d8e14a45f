"""Decomposition of a change into contributions that add up to it exactly.

`mix_and_rate` splits the change of a ratio over segments into changes within each segment and changes of weights.
`shapley` splits the change of any formula over its inputs, `along_the_line` over segments whose totals it takes. No
result depends on the order of segments or inputs, and swapping before and after reverses every sign.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import combinations
from math import factorial, sqrt
from numbers import Rational
from typing import Any

from crmkpi.errors import InputError, UndefinedError

__all__ = ["MixAndRate", "Sides", "along_the_line", "exact", "mix_and_rate", "mix_and_rate_errors", "shapley"]

Sides = Mapping[Hashable, tuple[Any, Any]]  # the numerator and the denominator of each segment
_MOST_INPUTS = 8


@dataclass(frozen=True, slots=True)
class MixAndRate:
    """One segment's part of a change: `rate` within it, `mix` of its weight, `alone` without a denominator."""

    rate: Any
    mix: Any
    alone: Any

    @property
    def total(self) -> Any:
        """The sum of the three parts."""
        return self.rate + self.mix + self.alone


def exact(number: Any) -> Fraction:
    """A number as an exact fraction; a float becomes the decimal that it is printed as."""
    return Fraction(number) if isinstance(number, Rational | Decimal | str) else Fraction(repr(float(number)))


def mix_and_rate(before: Sides, after: Sides) -> dict[Hashable, MixAndRate]:
    """Split the change of a ratio over segments (Kitagawa 1955, at the midpoint and centred), in exact fractions.

    With w the weight of a segment's denominator, r its ratio and R̄ the mean of both totals: rate = w̄ (r₁ - r₀) and
    mix = (r̄ - R̄)(w₁ - w₀). A segment without a denominator on one side has no rate there, and so no rate effect.

    >>> parts = mix_and_rate({"web": (20, 100), "partner": (60, 100)},
    ...                      {"web": (20, 100), "partner": (60, 100), "fair": (5, 100)})
    >>> {name: (str(part.rate), str(part.mix)) for name, part in parts.items()}
    {'web': ('0', '17/720'), 'partner': ('0', '-31/720'), 'fair': ('0', '-7/72')}
    """
    names = list(dict.fromkeys([*before, *after]))
    sides = [{name: tuple(map(exact, side.get(name, (0, 0)))) for name in names} for side in (before, after)]
    totals = [[sum(pair[place] for pair in side.values()) for place in (0, 1)] for side in sides]
    for when, (_, whole) in zip(("before", "after"), totals, strict=True):
        if not whole:
            raise UndefinedError(f"the ratio is undefined {when}: its denominator is 0")
    return {name: _split([*sides[0][name], *sides[1][name], *totals[0], *totals[1]]) for name in names}


def _split(numbers: Sequence[Any]) -> MixAndRate:
    """One segment's part, from its numerator and denominator before and after, and the totals of all segments."""
    n0, d0, n1, d1, all_n0, all_d0, all_n1, all_d1 = numbers
    zero = all_d0 - all_d0
    middle = (all_n0 / all_d0 + all_n1 / all_d1) / 2
    w0, w1 = d0 / all_d0, d1 / all_d1
    alone = (n1 / all_d1 if not d1 else zero) - (n0 / all_d0 if not d0 else zero)
    rates = [n / d for n, d in ((n0, d0), (n1, d1)) if d]
    if not rates:
        return MixAndRate(zero, zero, alone)
    rate = (w0 + w1) / 2 * (rates[1] - rates[0]) if len(rates) == 2 else zero
    return MixAndRate(rate, (sum(rates) / len(rates) - middle) * (w1 - w0), alone)


def mix_and_rate_errors(
    before: Sides, after: Sides, variances: Sequence[Mapping[Hashable, tuple[Any, Any, Any]]]
) -> dict[Hashable, tuple[float, float, float]]:
    """The standard errors of rate, mix and their total, for each segment, if records are a Poisson sample.

    `variances` has, before and after, for each segment the variance of the numerator, the covariance, and the variance
    of the denominator: the sums over records of n², n d and d².
    """
    names = list(dict.fromkeys([*before, *after]))
    sides = [{name: tuple(map(float, side.get(name, (0, 0)))) for name in names} for side in (before, after)]
    spread = [{name: tuple(map(float, side.get(name, (0, 0, 0)))) for name in names} for side in variances]
    totals = [sum(pair[place] for pair in side.values()) for side in sides for place in (0, 1)]
    alls = [[sum(three[place] for three in side.values()) for place in range(3)] for side in spread]
    errors = {}
    for name in names:
        own = [*sides[0][name], *sides[1][name]]
        slopes = _slopes([*own, *totals])
        found = []
        for which in range(3):
            variance = 0.0
            for side in (0, 1):
                n, d = slopes[2 * side][which], slopes[2 * side + 1][which]
                all_n, all_d = slopes[4 + 2 * side][which], slopes[5 + 2 * side][which]
                mine = spread[side][name]
                rest = [whole - one for whole, one in zip(alls[side], mine, strict=True)]
                for (a, b), (aa, ab, bb) in (((n + all_n, d + all_d), mine), ((all_n, all_d), rest)):
                    variance += a * a * aa + 2 * a * b * ab + b * b * bb
            found.append(sqrt(max(variance, 0.0)))
        errors[name] = (found[0], found[1], found[2])
    return errors


def _slopes(numbers: Sequence[float]) -> list[tuple[float, float, float]]:
    """The slopes of rate, mix and total in each of the eight numbers, by the five-point rule."""
    found = []
    for place, number in enumerate(numbers):
        size = 1e-3 * abs(number)
        if not size:  # the slope at 0 is unknown for a missing segment
            found.append((0.0, 0.0, 0.0))
            continue
        points = []
        for steps in (-2, -1, 1, 2):
            moved = list(numbers)
            moved[place] += steps * size
            part = _split(moved)
            points.append((part.rate, part.mix, part.total))
        found.append(tuple((a - 8 * b + 8 * c - d) / (12 * size) for a, b, c, d in zip(*points, strict=True)))
    return found


def shapley(formula: Callable[..., Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Fraction]:
    """The effect of each input on a formula, as the mean over all orders in which they could change (Shapley).

    The effects add up to the change exactly. The formula must be defined for all combinations of old and new inputs.

    >>> effects = shapley(lambda cost, leads: cost / leads, {"cost": 1000, "leads": 50}, {"cost": 1500, "leads": 40})
    >>> {name: float(effect) for name, effect in effects.items()}
    {'cost': 11.25, 'leads': 6.25}
    """
    names = [name for name in before if before[name] != after[name]]
    if len(names) > _MOST_INPUTS:
        raise InputError(f"A change is split over {_MOST_INPUTS} inputs at most; got {len(names)} that changed.")
    values: dict[frozenset[str], Fraction] = {}

    def at(changed: frozenset[str]) -> Fraction:
        if changed not in values:
            inputs = {one: after[one] if one in changed else before[one] for one in before}
            values[changed] = exact(formula(**inputs))
        return values[changed]

    effects = dict.fromkeys(before, Fraction(0))
    for name in names:
        others = [other for other in names if other != name]
        for size in range(len(names)):
            weight = Fraction(factorial(size) * factorial(len(names) - size - 1), factorial(len(names)))
            for chosen in combinations(others, size):
                known = frozenset(chosen)
                effects[name] += weight * (at(known | {name}) - at(known))
    return effects


_LEGENDRE = (  # the positive nodes of 16-point Gauss-Legendre quadrature, with their weights
    (0.09501250983763744, 0.1894506104550685),
    (0.2816035507792589, 0.18260341504492359),
    (0.45801677765722737, 0.16915651939500254),
    (0.6178762444026438, 0.1495959888165767),
    (0.755404408355003, 0.12462897125553387),
    (0.8656312023878318, 0.09515851168249279),
    (0.9445750230732326, 0.06225352393864789),
    (0.9894009349916499, 0.027152459411754095),
)


def along_the_line(
    formula: Callable[[Mapping[str, float]], float | None],
    before: Mapping[Hashable, Mapping[str, float]],
    after: Mapping[Hashable, Mapping[str, float]],
) -> dict[Hashable, float]:
    """The effect of each segment on a formula of totals, along the line from before to after (Aumann, Shapley).

    A segment whose totals did not change has the effect 0. `UndefinedError` if the formula is undefined on the line.

    >>> totals = {"web": {"cost": 100.0, "leads": 50.0}}
    >>> effects = along_the_line(lambda x: x["cost"] / x["leads"], totals,
    ...                          {**totals, "fair": {"cost": 50.0, "leads": 10.0}})
    >>> {name: round(effect, 4) for name, effect in effects.items()}
    {'web': 0.0, 'fair': 0.5}
    """
    names = list(dict.fromkeys([*before, *after]))
    inputs = list(next(iter({**before, **after}.values())))
    first, last = ({one: sum(side[name][one] for name in side) for one in inputs} for side in (before, after))
    start, end = formula(first), formula(last)
    if start is None or end is None:
        raise UndefinedError("the formula has no value on one side")
    integrals = dict.fromkeys(inputs, 0.0)
    for point, weight in _LEGENDRE:
        for t in ((1 - point) / 2, (1 + point) / 2):
            here = {one: first[one] + t * (last[one] - first[one]) for one in inputs}
            for one in inputs:
                integrals[one] += weight / 2 * _slope(formula, here, one)
    nothing = dict.fromkeys(inputs, 0.0)
    effects = {
        name: sum((after.get(name, nothing)[one] - before.get(name, nothing)[one]) * integrals[one] for one in inputs)
        for name in names
    }
    change = end - start
    missing = change - sum(effects.values())
    sizes = sum(map(abs, effects.values()))
    if abs(missing) > 1e-6 * max(abs(change), 1e-9 * sizes):
        raise UndefinedError("the parts do not add up to the change: the formula jumps on the way")
    return {name: effect + (missing * abs(effect) / sizes if sizes else 0.0) for name, effect in effects.items()}


def _slope(formula: Callable[[Mapping[str, float]], float | None], here: Mapping[str, float], name: str) -> float:
    size = 1e-3 * (abs(here[name]) or 1.0)
    points = [formula({**here, name: here[name] + steps * size}) for steps in (-2, -1, 1, 2)]
    if None in points:
        raise UndefinedError("the formula has no value on the way from before to after")
    a, b, c, d = (point or 0.0 for point in points)
    return (a - 8 * b + 8 * c - d) / (12 * size)
