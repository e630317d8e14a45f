"""The keyword arguments of a call such as `win_rate(deals, period="2026")`, for completion and type checkers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from crmkpi.dates.calendars import Calendar
from crmkpi.dates.given import PeriodLike
from crmkpi.money import Rates

__all__ = ["By", "Options", "TableOptions"]

Number = float | Decimal
Duration = Number | timedelta  # a number means days
By = str | Callable[[Any], Any] | Mapping[str, Any] | Sequence[Any]  # as in crmkpi.measuring.segments


class TableOptions(TypedDict, total=False):
    """The tables by name: any iterable of records, or a frame of any library."""

    campaigns: Any
    customers: Any
    deals: Any
    expenses: Any
    interactions: Any
    leads: Any
    orders: Any
    stage_visits: Any
    subscriptions: Any
    surveys: Any
    tickets: Any
    visits: Any


class Options(TableOptions, total=False):
    """The options of a KPI, the parameters of the catalogue, and the tables by name.

    Type checkers report a misspelt name as an error; parameters of your own definitions go into `parameters`, tables of
    your own record classes into a `Dataset`.
    """

    period: PeriodLike | None
    compare: PeriodLike | None
    confidence: float | None
    parameters: Mapping[str, Duration]
    # of the dataset
    as_of: date | str | None
    calendar: Calendar
    tz: str | ZoneInfo | None
    currency: str | None
    rates: Rates | Mapping[str, Any] | None
    most_unreadable: float
    # parameters
    days: Duration
    discount: Number
    horizon: Duration
    hourly_rate: Number
    lifespan: Duration
    margin: Number
    market_revenue: Number
    periods: int
    quota: Number
