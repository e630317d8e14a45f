"""The totals behind a KPI's inputs, and their covariances: sums over records of the products of two inputs.

Records are treated as a Poisson sample: the variance of a count is the count itself, that of a sum is the sum of
squares, and the covariance of two totals is the sum of products. The standard error of any formula needs no more, and
these sums add up over segments and periods as the totals do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from math import isfinite, sqrt
from typing import Any, NamedTuple, Protocol

from crmkpi._read_only import ReadOnly
from crmkpi.definition.interval_rules import IntervalRule, Mean
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.engines.query import Sample
from crmkpi.errors import UndefinedError

__all__ = [
    "Definition",
    "SampleMoments",
    "counted_by",
    "formula_at",
    "gradient",
    "is_mean",
    "moments_of",
    "sampled",
    "standard_error",
]

_STEP = 1e-3  # of the five-point rule, whose error is of the fourth power
_ARITHMETIC = Context(prec=28)
_COUNT = "#"


class Definition(Protocol):
    """The parts of a KPI that its variance follows from; a protocol, so that results may import this module."""

    @property
    def id(self) -> str:
        """The name."""
        ...

    @property
    def measures(self) -> Mapping[str, Measure]:
        """The measures by name."""
        ...

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The numbers that the caller gives."""
        ...

    @property
    def interval(self) -> IntervalRule | None:
        """How the value relates to its inputs."""
        ...

    @property
    def asked(self) -> frozenset[str]:
        """The inputs of the formula."""
        ...

    @property
    def function(self) -> Callable[..., Any]:
        """The formula."""
        ...

    @property
    def unit(self) -> str:
        """The unit of the value."""
        ...

    @property
    def better(self) -> str:
        """Which direction is good."""
        ...

    @property
    def additive(self) -> bool:
        """Whether the KPI is one count or one sum."""
        ...

    @property
    def roll_up(self) -> str:
        """How the whole comes from its parts."""
        ...


class SampleMoments(NamedTuple):
    """Totals by the name of the input, and the sums over records of the products of two of them.

    An input that is a mean has two totals: the sum of its values, and their number under the name with a `#`.
    Durations are in seconds, and nothing is rounded. `products` has each pair once, in the order of the totals. `fixed`
    are the inputs that do not come from records: parameters and the length of the period.
    """

    totals: Mapping[str, Fraction]
    products: Mapping[tuple[str, str], Fraction]
    fixed: Mapping[str, Any] = ReadOnly()
    confidence: float = 0.95

    def covariance(self, first: str, second: str) -> float:
        """The covariance of two totals."""
        return float(self.products.get((first, second), self.products.get((second, first), 0)))

    def variance(self, slopes: Mapping[str, float]) -> float:
        """The variance of a number that moves by these slopes with the totals."""
        return max(
            0.0,
            sum(a * b * self.covariance(first, second) for first, a in slopes.items() for second, b in slopes.items()),
        )

    def plus(self, other: SampleMoments, sign: int = 1) -> SampleMoments:
        """The moments of both together, or, with sign -1, of this one without the other."""
        return SampleMoments(
            {name: value + sign * other.totals[name] for name, value in self.totals.items()},
            {pair: value + sign * other.products[pair] for pair, value in self.products.items()},
            self.fixed,
            self.confidence,
        )


def counted_by(name: str) -> str:
    """The name of the total that counts the values of a mean."""
    return name + _COUNT


def is_mean(metric: Definition) -> tuple[str, str] | None:
    """The totals of a KPI that is a mean over records: the sum and the count; None for other KPIs."""
    if isinstance(metric.interval, Mean):
        return metric.interval.total, metric.interval.count
    if metric.interval is None and len(metric.measures) == 1:
        ((name, measure),) = metric.measures.items()
        if measure.aggregate == "mean" and not isinstance(measure.table, Grouped) and _hands_on(metric, name):
            return name, counted_by(name)
    return None


def _hands_on(metric: Definition, name: str) -> bool:
    """Whether the formula returns its one mean unchanged."""
    try:
        return metric.asked == {name} and all(metric.function(**{name: number}) == number for number in (7, 11))
    except (ArithmeticError, TypeError, ValueError, UndefinedError):
        return False


def sampled(metric: Definition) -> bool:
    """Whether each input is a count, a sum or a mean of records, so that its totals say how it varies."""
    return all(
        measure.aggregate in ("count", "sum", "mean") and not isinstance(measure.table, Grouped)
        for measure in metric.measures.values()
    )


def moments_of(
    metric: Definition,
    inputs: Mapping[str, Any],
    joints: Mapping[tuple[str, str], Sequence[Any]],
    *,
    fixed: Mapping[str, Any],
    confidence: float,
) -> SampleMoments:
    """The moments of the measured inputs.

    `inputs` are the count, or the sample of the values, of each measure. `joints` describe the records that two
    measures share: their count, or a sample of the values of the first; if both have values and these differ, also
    samples of the values of the second and of the sums of both.
    """
    totals: dict[str, Fraction] = {}
    products: dict[tuple[str, str], Fraction] = {}
    for name, measure in metric.measures.items():
        found, scale = inputs[name], _scale(metric, name)
        if measure.aggregate == "count":
            totals[name] = products[name, name] = Fraction(found)
            continue
        totals[name] = Fraction(found.total) / scale
        products[name, name] = Fraction(found.squares) / scale**2
        if measure.aggregate == "mean":
            number = counted_by(name)
            totals[number] = products[number, number] = Fraction(found.count)
            products[name, number] = totals[name]
    for (first, second), states in joints.items():
        pairs = zip(_sides(metric, first, second), _shared(metric, first, second, states), strict=True)
        products |= {pair: shared for pair, shared in pairs if pair[0] in totals and pair[1] in totals}
    return SampleMoments(totals, products, fixed, confidence)


def _sides(metric: Definition, first: str, second: str) -> tuple[tuple[str, str], ...]:
    """The pairs of totals of two inputs: count with count, values with count both ways, and values with values."""
    counts = [name if metric.measures[name].aggregate == "count" else counted_by(name) for name in (first, second)]
    return (counts[0], counts[1]), (first, counts[1]), (counts[0], second), (first, second)


def _shared(metric: Definition, first: str, second: str, states: Sequence[Any]) -> tuple[Fraction, ...]:
    """The sums over the records that two measures share: of 1, of the first's values, the second's and the products."""
    if isinstance(states[0], int):
        number = Fraction(states[0])
        return number, number, number, number
    scale = _scale(metric, first)
    samples: list[Sample] = list(states)
    number = Fraction(samples[0].count)
    values = Fraction(samples[0].total) / scale
    if len(samples) == 3:
        own, other, both = samples
        product = Fraction(both.squares - own.squares - other.squares) / 2 / scale**2
        return number, values, Fraction(other.total) / scale, product
    if metric.measures[first].aggregate == "count":
        return number, number, values, values
    if metric.measures[second].aggregate == "count":
        return number, values, number, values
    return number, values, values, Fraction(samples[0].squares) / scale**2


def _scale(metric: Definition, name: str) -> int:
    return 1_000_000 if metric.measures[name].kind == "duration" else 1


def formula_at(metric: Definition, moments: SampleMoments) -> Callable[[Mapping[str, float]], float | None]:
    """The KPI's formula as a function of the totals, as a float; None where it is undefined."""
    money = any(measure.kind == "money" for measure in metric.measures.values())

    def value(totals: Mapping[str, float]) -> float | None:
        inputs: dict[str, Any] = {name: given for name, given in moments.fixed.items() if name in metric.asked}
        try:
            for name, measure in metric.measures.items():
                number = totals[name]
                if measure.aggregate == "mean":
                    number /= totals[counted_by(name)]
                exact = money and measure.kind in ("money", "integer", "number")
                inputs[name] = Decimal(repr(float(number))) if exact else float(number)
            with localcontext(_ARITHMETIC):
                found = float(metric.function(**inputs))
        except (ArithmeticError, TypeError, ValueError, UndefinedError):
            return None
        return found if isfinite(found) else None

    return value


def gradient(
    function: Callable[[Mapping[str, float]], float | None], totals: Mapping[str, float], names: Sequence[str]
) -> dict[str, float] | None:
    """The slope of the function in each of the named totals, by the five-point rule; None if it is undefined there."""
    slopes = {}
    for name in names:
        size = _STEP * (abs(totals[name]) or 1.0)
        points = []
        for steps in (-2, -1, 1, 2):
            point = function({**totals, name: totals[name] + steps * size})
            if point is None:
                return None
            points.append(point)
        far_left, left, right, far_right = points
        slopes[name] = (far_left - 8 * left + 8 * right - far_right) / (12 * size)
    return slopes


def standard_error(metric: Definition, moments: SampleMoments) -> float | None:
    """The standard error of a KPI's value, if its records are a sample; None where the formula has no slope there."""
    totals = {name: float(total) for name, total in moments.totals.items()}
    slopes = gradient(formula_at(metric, moments), totals, list(totals))
    return None if slopes is None else sqrt(moments.variance(slopes))
