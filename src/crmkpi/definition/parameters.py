"""Parameters: the numbers that the caller of a KPI gives, such as a market size or a margin."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any, Literal, get_args

from crmkpi.definition.expression_types import ValueKind
from crmkpi.definition.expressions import Expression
from crmkpi.definition.numbers import as_money
from crmkpi.errors import DefinitionError, ParameterError, did_you_mean

__all__ = ["Parameter", "parameter_value"]

ParameterUnit = Literal["ratio", "money", "days", "number"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Parameter(Expression):
    """A number that the caller gives: a market size, a margin, a number of days.

    `unit` is "ratio" (a fraction from -1 to 1), "money", "days" or "number"; a parameter without a `default` must be
    given at measurement. Used inside an expression, a parameter in days is a duration.
    """

    name: str
    meaning: str
    unit: ParameterUnit = "number"
    default: float | Decimal | int | None = None

    def __post_init__(self) -> None:
        if self.unit not in get_args(ParameterUnit):
            raise DefinitionError(
                f"The parameter {self.name!r} has no known unit: {self.unit!r}. "
                f"{did_you_mean(str(self.unit), get_args(ParameterUnit))}"
            )

    @property
    def kind(self) -> ValueKind:  # type: ignore[override]
        """The kind of the parameter inside an expression."""
        return {"ratio": "number", "number": "number", "money": "money", "days": "duration"}[self.unit]  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"parameter({self.name!r}, {self.default!r})"


def parameter_value(metric: str, name: str, parameter: Parameter, given: Mapping[str, Any]) -> Any:
    """The value of a KPI's parameter: the given value, or the default; a parameter without either is an error."""
    value = given.get(name, parameter.default)
    if value is None:
        raise ParameterError(
            f"{metric} needs the parameter {name!r} ({parameter.meaning}, in {parameter.unit}); "
            f"give it as {name}=... or in parameters={{{name!r}: ...}}."
        )
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | timedelta):
        raise ParameterError(f"The parameter {name!r} of {metric} is a number ({parameter.meaning}); got {value!r}.")
    if isinstance(value, timedelta):
        if parameter.unit != "days":
            raise ParameterError(
                f"The parameter {name!r} of {metric} is in {parameter.unit}, not a duration; got {value!r}."
            )
        value = value / timedelta(days=1)
    if not math.isfinite(value) or (parameter.unit in ("days", "money") and value < 0):
        sign = " that is not negative" if parameter.unit in ("days", "money") else ""
        raise ParameterError(f"The parameter {name!r} of {metric} must be a finite number{sign}; got {value!r}.")
    if parameter.unit == "ratio" and abs(value) > 1:
        raise ParameterError(
            f"The parameter {name!r} of {metric} is a fraction ({parameter.meaning}), so that 35 % is 0.35; got "
            f"{value!r}."
        )
    return as_money(value) if parameter.unit == "money" else value
