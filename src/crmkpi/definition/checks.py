"""Validation of a definition when its module is imported: names, types, tables and ranges."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from crmkpi.definition.expressions import Expression, Field, walk
from crmkpi.definition.interval_rules import Estimated, IntervalRule, Monotone, Range
from crmkpi.definition.measures import LastDay, Measure, PeriodDays
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.units import Better, Timing, Unit
from crmkpi.errors import DefinitionError, did_you_mean

if TYPE_CHECKING:
    from crmkpi.definition.metric import Metric

__all__ = ["check_definition", "check_range", "check_tables", "check_words", "told_apart"]


def check_words(function: Callable[..., Any], unit: str, better: str, timing: str | None) -> None:
    """Refuse an object that is not a function, and an unknown unit, direction or timing."""
    if not callable(function) or not hasattr(function, "__name__"):
        raise DefinitionError(f"@metric decorates a function, the formula; got {function!r}.")
    name = function.__name__
    if unit not in get_args(Unit):
        raise DefinitionError(f"{name} has no known unit: {unit!r}. {did_you_mean(str(unit), get_args(Unit))}")
    if better not in get_args(Better):
        raise DefinitionError(
            f"{name} has no known `better`: {better!r}. {did_you_mean(str(better), get_args(Better))}"
        )
    if timing is not None and timing not in get_args(Timing):
        raise DefinitionError(f"{name} has no known timing: {timing!r}. {did_you_mean(str(timing), get_args(Timing))}")


def check_definition(
    name: str,
    function: Callable[..., Any],
    names: list[str],
    measures: Mapping[str, Measure],
    parameters: Mapping[str, Parameter],
    at: Expression | None,
    *,
    interval: IntervalRule | None,
    leave_out: Mapping[str, Expression] | None,
) -> None:
    """Refuse a formula and measures that do not fit each other."""
    if not measures:
        raise DefinitionError(f"{name} needs at least one measure.")
    if all(measure.shift != "none" for measure in measures.values()):
        raise DefinitionError(
            f"{name} must measure something of the period itself; all its measures read earlier periods."
        )
    asked = list(inspect.signature(function).parameters)
    in_expressions = {
        part.name for measure in measures.values() for part in _parts(measure) if isinstance(part, Parameter)
    }
    undeclared = sorted(in_expressions - set(parameters))
    if undeclared:
        raise DefinitionError(f"{name} uses the parameter {undeclared[0]!r} without declaring it in parameters=(...).")
    given = {*names, *(key for key in parameters if key not in in_expressions or key in asked)}
    if set(asked) != given:
        raise DefinitionError(
            f"The formula of {name} takes {', '.join(asked) or 'nothing'}, but its measures and parameters are "
            f"{', '.join(sorted(given))}; the names must be the same."
        )
    if not inspect.getdoc(function) and sys.flags.optimize < 2:  # under -OO nothing has a docstring
        raise DefinitionError(f"{name} needs a docstring whose first line says in business words what it measures.")
    if at is not None and not isinstance(at, Expression):
        raise DefinitionError(f"`at` of {name} names a timestamp, as deals.closed_at does; got {at!r}.")
    if at is not None and at.kind != "timestamp":
        raise DefinitionError(f"`at` of {name} names a timestamp; got {at!r}, which is a {at.kind}.")
    if at is not None and any(isinstance(part, Field) and not part.table for part in walk(at)):
        raise DefinitionError(
            f"`at` of {name} names a timestamp of records; got {at!r}, a column of rows. Give it to their measures, as "
            f"in cases.count(at=cases.{at!r})."
        )
    if leave_out is not None and not isinstance(leave_out, Mapping):
        raise DefinitionError(
            f"leave_out of {name} maps reasons to records, such as {{'deleted': deals.deleted}}; got {leave_out!r}."
        )
    if interval is not None and not isinstance(interval, IntervalRule):
        raise DefinitionError(
            f"The interval of {name} is a Share, Mean, Monotone, NetPromoter or Estimated, such as "
            f"Share('won', 'closed'); got {interval!r}."
        )
    for field in () if isinstance(interval, Estimated) else getattr(interval, "__dataclass_fields__", ()):
        if getattr(interval, field) not in measures:
            raise DefinitionError(
                f"The interval of {name} names {getattr(interval, field)!r}, which is not one of its measures. "
                f"{did_you_mean(getattr(interval, field), measures)}"
            )
    if isinstance(interval, Monotone):
        (first, *rest) = measures.values()
        if rest or first.aggregate not in ("mean", "median", "quantile"):
            raise DefinitionError(
                f"Monotone({interval.measure!r}) is for a formula of one mean, median or quantile; {name} has "
                f"{', '.join(f'{each}={measure!r}' for each, measure in measures.items())}."
            )


def check_range(name: str, within: Range) -> None:
    """Refuse bounds that are not a pair of the lowest and the highest number."""
    bounds: tuple[Any, ...] = within if isinstance(within, tuple) and len(within) == 2 else ("no range",)
    numbers = [end for end in bounds if end is not None]
    if any(isinstance(end, bool) or not isinstance(end, int | float) for end in numbers) or sorted(numbers) != numbers:
        raise DefinitionError(
            f"within of {name} is the lowest and the highest number that its value can be, None for no bound, such as "
            f"(0, None); got {within!r}."
        )


def told_apart(
    name: str, inputs: Mapping[str, Measure | PeriodDays | LastDay]
) -> tuple[dict[str, Measure], str | None, str | None]:
    """Split the inputs: the measures, and the names of the period's length and of its last day."""
    days = next((key for key, value in inputs.items() if isinstance(value, PeriodDays)), None)
    until = next((key for key, value in inputs.items() if isinstance(value, LastDay)), None)
    measures = {key: value for key, value in inputs.items() if isinstance(value, Measure)}
    strange = next((key for key in inputs if key not in measures and key not in {days, until}), None)
    if strange is not None:
        raise DefinitionError(f"{name}: {strange!r} must be a measure, as deals.count() is; got {inputs[strange]!r}.")
    return measures, days, until


def check_tables(made: Metric) -> None:
    """Refuse a `leave_out` of a table that no measure reads."""
    for reason, what in made.leave_out.items():
        tables = {part.table for part in walk(what) if isinstance(part, Field)}
        if len(tables) != 1 or not tables <= set(made.tables):
            raise DefinitionError(
                f"leave_out[{reason!r}] of {made.id} must use fields of one table that its measures read "
                f"({', '.join(made.tables)}); got {what!r}."
            )


def _parts(measure: Measure) -> list[Any]:
    """All parts of the expressions of a measure and its columns, and the steps of their shifts."""
    every = (measure, *measure.columns)
    roots = [root for each in every for root in (each.where, each.value)]
    return [*(part for root in roots for part in walk(root)), *(each.steps for each in every)]
