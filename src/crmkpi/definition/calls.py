"""Calls of a KPI: their options, for completion and type checkers, and the signature that a notebook shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import Parameter, Signature
from typing import TYPE_CHECKING, Any, Generic, Unpack, overload

from crmkpi._hooks import hook
from crmkpi.definition.units import Value_co
from crmkpi.errors import ParameterError

if TYPE_CHECKING:
    from datetime import date
    from zoneinfo import ZoneInfo

    from crmkpi.dates.calendars import Calendar, CalendarUnit
    from crmkpi.dates.given import PeriodLike
    from crmkpi.definition.metric import Metric
    from crmkpi.definition.options import By, Duration, Number, Options, TableOptions
    from crmkpi.measuring.results import Report, Result
    from crmkpi.money import Rates

__all__ = ["CallSignature", "Calls"]

_result_of: Callable[..., Any] = hook("result_of")
_result_from_totals: Callable[..., Result] = hook("result_from_totals")

_OPTIONS = ("as_of", "currency", "rates", "calendar", "tz")


class CallSignature:
    """The signature of a call: the tables, parameters and options of a KPI; the class keeps its usual signature.

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


class Calls(Generic[Value_co]):
    """The methods that compute a KPI: the call, and the result of given totals."""

    __slots__ = ()
    id: str

    def _complete(self, totals: Mapping[str, Any]) -> dict[str, Any]:
        """Complete inputs of the formula, from totals."""
        raise NotImplementedError

    @overload
    def __call__(  # each option is listed, since some completions do not support `Unpack`
        self,
        data: Any = None,
        /,
        *,
        period: PeriodLike | None = ...,
        compare: PeriodLike | None = ...,
        confidence: float | None = ...,
        parameters: Mapping[str, Duration] = ...,
        as_of: date | str | None = ...,
        calendar: Calendar = ...,
        tz: str | ZoneInfo | None = ...,
        currency: str | None = ...,
        rates: Rates | Mapping[str, Any] | None = ...,
        most_unreadable: float = ...,
        days: Duration = ...,
        discount: Number = ...,
        horizon: Duration = ...,
        hourly_rate: Number = ...,
        lifespan: Duration = ...,
        margin: Number = ...,
        market_revenue: Number = ...,
        periods: int = ...,
        quota: Number = ...,
        **tables: Unpack[TableOptions],
    ) -> Result[Value_co]: ...
    @overload
    def __call__(
        self, data: Any = None, /, *, by: By, every: CalendarUnit = ..., **options: Unpack[Options]
    ) -> Report: ...
    @overload
    def __call__(self, data: Any = None, /, *, every: CalendarUnit, **options: Unpack[Options]) -> Report: ...
    def __call__(self, data: Any = None, /, **options: Any) -> Any:
        """Measure the KPI on `data`: records, a mapping of tables, or a Dataset.

        Options are those of `Dataset` (`calendar`, `currency`, `rates`, `as_of`, `most_unreadable`), those of
        `Dataset.measure` (`period`, `by`, `every`, `compare`, `confidence`), and the KPI's own parameters, by name or
        in `parameters`. Tables may be given by name instead of `data`. With `by` or `every` the call returns a result
        for each segment and period: a `Report`.
        """
        return _result_of(self, data, options)

    def from_totals(self, *, confidence: float = 0.95, currency: str | None = None, **totals: Any) -> Result[Value_co]:
        """The `Result` of totals that you already have, with an interval if counts suffice to compute it."""
        complete = self._complete(totals)
        try:
            return _result_from_totals(self, complete, confidence=confidence, currency=currency)
        except (TypeError, AttributeError, LookupError) as error:
            raise ParameterError(
                f"The totals given for {self.id} do not fit its formula ({error}); give each in the form that it has "
                f"in the `inputs` of a result."
            ) from error
