"""The signature of a call of a KPI, as a notebook shows it."""

from __future__ import annotations

from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crmkpi.definition.metric import Metric

__all__ = ["CallSignature"]

_OPTIONS = ("as_of", "currency", "rates", "calendar", "tz")


class CallSignature:
    """The tables, parameters and options of a KPI by their names; the class itself has its usual signature.

    >>> import inspect
    >>> from crmkpi import win_rate
    >>> list(inspect.signature(win_rate).parameters)[:3]
    ['data', 'period', 'by']
    """

    def __get__(self, metric: Metric[Any] | None, owner: type[Metric[Any]]) -> Signature | None:
        if metric is None:
            return None
        given: dict[str, Any] = dict.fromkeys(("period", "by", "every", "compare"))
        given |= {name: one.default for name, one in metric.parameters.items()}
        given |= dict.fromkeys(metric.tables) if len(metric.tables) > 1 else {}
        given |= {"confidence": 0.95, **dict.fromkeys(_OPTIONS)}
        data = Parameter("data", Parameter.POSITIONAL_ONLY, default=None)
        options = [Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in given.items()]
        return Signature([data, *options], return_annotation="Result | Report")
