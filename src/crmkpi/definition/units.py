"""The units of KPIs, and the type of value of each unit."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

if TYPE_CHECKING:
    # A type parameter with a default, so that a bare `Result` means any value; typing has defaults from Python 3.13.
    from typing_extensions import TypeVar

    from crmkpi.definition.metric import Metric

    UnitName = TypeVar("UnitName", bound="Unit")
    Unit_co = TypeVar("Unit_co", bound="Unit", covariant=True)
    Value_co = TypeVar("Value_co", covariant=True, default=Any)
else:
    from typing import TypeVar

    UnitName = TypeVar("UnitName")
    Unit_co = TypeVar("Unit_co", covariant=True)
    Value_co = TypeVar("Value_co", covariant=True)

__all__ = ["Better", "Decorator", "RollUp", "Timing", "Unit", "UnitName", "Value_co"]

Unit = Literal["count", "ratio", "multiple", "score", "number", "money", "duration"]
Better = Literal["higher", "lower", "neither"]
Timing = Literal["leading", "lagging"]
RollUp = Literal["additive", "ratio", "distributional", "distinct"]


class Decorator(Protocol[Unit_co]):
    """Turns a formula into a KPI; the type of its values follows from the unit."""

    @overload
    def __call__(self: Decorator[Literal["count"]], function: Callable[..., Any], /) -> Metric[int]: ...
    @overload
    def __call__(self: Decorator[Literal["money"]], function: Callable[..., Any], /) -> Metric[Decimal]: ...
    @overload
    def __call__(self: Decorator[Literal["duration"]], function: Callable[..., Any], /) -> Metric[timedelta]: ...
    @overload
    def __call__(
        self: Decorator[Literal["ratio", "multiple", "score", "number"]], function: Callable[..., Any], /
    ) -> Metric[float]: ...
    @overload
    def __call__(self, function: Callable[..., Any], /) -> Metric: ...
