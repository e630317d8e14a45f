"""What a call such as `win_rate(deals, period="2026")` may say beside the data, for completion and type checkers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, TypedDict
from zoneinfo import ZoneInfo

from crmkpi.money import Rates
from crmkpi.time.calendars import Calendar
from crmkpi.time.given import PeriodLike

__all__ = ["Options"]

Number = float | Decimal


class Options(TypedDict, total=False):
    """The options of a KPI, the parameters of the catalogue, and the tables by name."""

    period: PeriodLike | None
    compare: PeriodLike | None
    as_of: date | str | None
    calendar: Calendar
    tz: str | ZoneInfo | None
    currency: str | None
    rates: Rates | Mapping[str, Any] | None
    confidence: float
    days: Number | timedelta
    discount: Number
    horizon: Number | timedelta
    hourly_rate: Number
    lifespan: Number | timedelta
    margin: Number
    market_revenue: Number
    periods: int
    quota: Number
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
