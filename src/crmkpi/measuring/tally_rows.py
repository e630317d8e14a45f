"""Rows of `Metric.sql` in a tally: additive totals by segment and period, and their results."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.errors import CurrencyError, InputError, did_you_mean
from crmkpi.measuring.results import Result, result_from_totals

__all__ = ["Totals", "merged_totals", "results_of_totals", "totals_of_rows"]

Totals = Mapping[tuple[Any, ...], Mapping[str, Any]]  # by the period's number, the currency and the segment


def totals_of_rows(
    metrics: Sequence[Metric], rows: Iterable[Any], segments: Sequence[str], periods: Sequence[Period | None]
) -> Totals:
    """Read the totals from rows; each is a mapping or an SQLAlchemy row."""
    metric = _only(metrics)
    labels = {str(period): number for number, period in enumerate(periods)}
    found: Totals = {}
    for given in rows:
        row = getattr(given, "_mapping", given)
        if not isinstance(row, Mapping):
            raise InputError(
                f"add_rows() takes rows as mappings of columns to values, such as dict(zip(names, row)); got {given!r}."
            )
        wanted = [*segments, *(["period"] if periods != (None,) else []), *metric.measures]
        if lacking := next((name for name in wanted if name not in row), None):
            raise InputError(
                f"A row of {metric.id}.sql() has the columns {', '.join(wanted)}; this one lacks {lacking!r}. "
                f"{did_you_mean(lacking, list(row))}"
            )
        if periods == (None,) and "period" in row:
            raise InputError("The rows have a period and the tally has none; give it the period= and every= of sql().")
        number = labels.get(str(row["period"])) if periods != (None,) else 0
        if number is None:
            raise InputError(
                f"A row has the period {row['period']!r}, which the tally does not have. "
                f"{did_you_mean(str(row['period']), labels)}"
            )
        totals = {name: row[name] or 0 for name in metric.measures}  # the sum of nothing is NULL
        key = (number, row.get("currency"), *(row[name] for name in segments))
        found = merged_totals(found, {key: totals})
    return found


def _only(metrics: Sequence[Metric]) -> Metric:
    if len(metrics) != 1:
        named = ", ".join(metric.id for metric in metrics)
        raise InputError(f"Rows are of one KPI; make a tally for each of {named}, and add its rows.")
    (metric,) = metrics
    if metric.days is not None or metric.until is not None:
        raise InputError(f"{metric.id} depends on the days of its period, which rows do not hold; use Dataset.measure.")
    for name, measure in metric.measures.items():
        if measure.aggregate not in ("count", "sum"):
            raise InputError(
                f"{metric.id} takes {name!r}, a {measure.aggregate}, and such values of parts do not add up; "
                f"{metric.id}.from_totals() makes a result of one row."
            )
    return metric


def merged_totals(one: Totals, other: Totals) -> Totals:
    """Merge two sets of totals by adding them per key."""
    made = dict(one)
    for key, totals in other.items():
        mine = made.get(key)
        made[key] = totals if mine is None else {name: _added(mine[name], total) for name, total in totals.items()}
    return made


def _added(one: Any, other: Any) -> Any:
    """The sum; a float added to a decimal becomes the decimal that it is written as."""
    if isinstance(one, Decimal) != isinstance(other, Decimal):
        one, other = (Decimal(str(each)) if isinstance(each, float) else each for each in (one, other))
    return one + other


def results_of_totals(
    metric: Metric,
    totals: Totals,
    segments: Sequence[str],
    periods: Sequence[Period | None],
    *,
    parameters: Mapping[str, Any],
    confidence: float | None,
    currency: str | None,
) -> list[Result]:
    """A result for each period and segment."""
    groups = sorted({key[2:] for key in totals}, key=lambda found: [(one is None, str(one)) for one in found])
    made = []
    for number, period in enumerate(periods):
        for group in groups or [()] * (not segments):
            same = {key[1]: found for key, found in totals.items() if (key[0], key[2:]) == (number, group)}
            if len(same) > 1:
                named = ", ".join(sorted(map(str, same)))
                raise CurrencyError(
                    f"{metric.id} of {group or 'all'} is in {named}, and amounts of several currencies are not added "
                    "up; convert them in the table."
                )
            ((money, found),) = same.items() or [(None, dict.fromkeys(metric.measures, 0))]
            of = (money or currency) if metric.unit == "money" else None
            given = metric._complete({**found, **parameters})  # noqa: SLF001  # of one package
            result = result_from_totals(metric, given, confidence=confidence or 0.95, currency=of)
            shown = replace(result, period=period, segment=dict(zip(segments, group, strict=True)))
            made.append(shown if confidence is not None else replace(shown, interval=None))
    return made
