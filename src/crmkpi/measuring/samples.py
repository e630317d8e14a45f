"""Aggregate a sample, for example to its median, and convert aggregates to the plain numbers that formulas take."""

from __future__ import annotations

from datetime import timedelta
from decimal import Context, Decimal, localcontext
from typing import Any

from crmkpi.definition.expressions import ValueKind
from crmkpi.definition.measures import Measure
from crmkpi.engines.query import Sample
from crmkpi.statistics.intervals import quantile

__all__ = ["aggregated", "for_formula", "for_row"]

_DIVISION = Context(prec=28)


def aggregated(measure: Measure, sample: Sample) -> Any:
    """The measure's aggregate of a sample, such as its median; None of an empty sample, except that a sum is 0."""
    if measure.aggregate == "sum":
        return sample.total if sample.count else 0
    if not sample.count:
        return None
    match measure.aggregate:
        case "mean":
            with localcontext(_DIVISION):
                return _mean(sample)
        case "median" | "quantile":
            assert measure.fraction is not None
            return quantile(sample.values, measure.fraction)
        case "min":
            return sample.low
        case "max":
            return sample.high
        case other:
            raise AssertionError(f"{other} has no value of a sample")


def _mean(sample: Sample) -> Any:
    # Whole numbers divide exactly rounded; going through a decimal would round twice.
    return sample.total / sample.count


def for_formula(value: Any, kind: ValueKind) -> Any:
    """The plain number that a formula works with: durations in seconds, money as a Decimal, else an int or float."""
    if value is None or kind in ("timestamp", "date"):
        return value
    if kind == "duration":
        return value / 1_000_000
    if kind == "money":
        return Decimal(value)
    if kind == "integer" and isinstance(value, int):
        return value
    return float(value)


def for_row(value: Any, kind: ValueKind) -> Any:
    """The value that an expression over a row of measures works with: durations as `timedelta`."""
    return timedelta(seconds=value) if kind == "duration" and value is not None else value
