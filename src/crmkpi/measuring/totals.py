"""The result of totals that a caller already has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.definition.metric import Metric
from crmkpi.measuring.formula import counted, evaluated, interval_of
from crmkpi.measuring.results import Result

__all__ = ["result_from_totals"]


def result_from_totals(metric: Metric, inputs: Mapping[str, Any], *, confidence: float, currency: str | None) -> Result:
    """The result of totals that the caller already has; see `Metric.from_totals`."""
    totals = {name: value for name, value in inputs.items() if name not in metric.parameters}
    value, exact, reason = evaluated(metric, inputs)
    interval, n = (None, None) if reason else interval_of(metric, inputs, None, confidence=confidence, exact=exact)
    parameters = {name: inputs[name] for name in metric.parameters}
    return Result(
        metric, value, reason, ReadOnly(counted(totals)), currency, interval, n or 0, parameters=parameters, exact=exact
    )
