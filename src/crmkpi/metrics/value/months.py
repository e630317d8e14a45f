"""Months, for revenue that recurs in each of them."""

from __future__ import annotations

from crmkpi.errors import UndefinedError

__all__ = ["month_or_undefined"]


def month_or_undefined(days: float) -> None:
    """Undefined unless the period is about a month: monthly revenue over the churn of a quarter means nothing."""
    if not 28 <= days <= 31:  # the days of a month
        raise UndefinedError("it sets a month's revenue against a month's churn, and the period is no month")
