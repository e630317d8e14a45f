"""The average lengths of a month and a year, for use without a calendar: a year has 365.25 days, a month a twelfth.

Months of 30 days would lose five days a year.
"""

from __future__ import annotations

from crmkpi.errors import UndefinedError

__all__ = ["MONTH_DAYS", "MONTH_SECONDS", "NO_MONTH", "YEAR_DAYS", "month_or_undefined"]

YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12  # 30.4375, exact as a float and as a decimal
NO_MONTH = "it combines a month's revenue and a month's churn, and the period is not a calendar month"
MONTH_SECONDS = MONTH_DAYS * 86_400


def month_or_undefined(days: float) -> None:
    """Raise `UndefinedError` unless a month can have so many days: a month's revenue needs a month's churn."""
    if not 28 <= days <= 31:
        raise UndefinedError(NO_MONTH)
