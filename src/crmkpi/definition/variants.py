"""Standard variants, each named by one word: another aggregate of the same values, or another measure of time."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

from crmkpi.definition.expressions import Expression, Operation, business_time
from crmkpi.definition.measures import Measure
from crmkpi.errors import DefinitionError, did_you_mean

__all__ = ["AGGREGATES", "USUAL", "described", "is_itself", "itself", "varied"]

_ITSELF = "is_itself"  # an attribute of a formula

AGGREGATES = ("mean", "median", "p90")
USUAL = (*AGGREGATES, "business", "calendar_days")


def varied(measure: Measure, word: str, name: str) -> Measure:
    """The measure of a standard variant; `name` is the KPI, for errors.

    >>> from crmkpi import resolution_time
    >>> (measure,) = resolution_time.measures.values()
    >>> varied(measure, "mean", "resolution_time")
    tickets.mean((tickets.solved_at - tickets.created_at), ...)
    """
    if word not in USUAL:
        raise DefinitionError(f"{name} has no usual variant {word!r}. {did_you_mean(str(word), USUAL)}")
    if measure.aggregate not in ("mean", "median", "quantile"):
        raise DefinitionError(
            f"{name}.{word} varies a mean, a median or a quantile; {name} is {measure!r}. Write it with "
            "@add_variant(...)."
        )
    assert measure.value is not None
    table, where, at = measure.table, measure.where, measure.at
    match word:
        case "mean":
            return table.mean(measure.value, where, at=at)
        case "median":
            return table.median(measure.value, where, at=at)
        case "p90":
            return table.quantile(measure.value, 0.9, where, at=at)
    start, end = _ends(measure.value, word, name)
    value = business_time(start, end) if word == "business" else end.day() - start.day()
    return replace(measure, value=value)


def _ends(value: Expression, word: str, name: str) -> tuple[Expression, Expression]:
    """The start and the end whose difference a value is."""
    match value:
        case Operation("-", end, start) if end.kind == start.kind == "timestamp":
            return start, end
    raise DefinitionError(
        f"{name}.{word} needs the difference of two timestamps, such as tickets.solved_at - tickets.created_at; got "
        f"{value!r}."
    )


def itself(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The formula of a KPI that is its one measure, with the name and docstring of `function`."""

    def formula(*values: Any, **named: Any) -> Any:
        (value,) = (*values, *named.values())
        return value

    parameter = inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    formula.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    setattr(formula, _ITSELF, True)
    assert isinstance(formula, FunctionType)
    return described(formula, function)


def is_itself(function: Callable[..., Any]) -> bool:
    """Whether `itself` made the formula: it returns its one input."""
    return getattr(function, _ITSELF, False) is True


def described(formula: FunctionType, by: Callable[..., Any]) -> Callable[..., Any]:
    """A copy of a formula with the name, module and docstring of another function."""
    made = FunctionType(formula.__code__, formula.__globals__, None, formula.__defaults__, formula.__closure__)
    made.__kwdefaults__ = formula.__kwdefaults__
    made.__dict__.update(formula.__dict__)
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__"):
        setattr(made, attribute, getattr(by, attribute))
    return made
