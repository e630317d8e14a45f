"""How long a month and a year are, where no calendar says which: a twelfth of 365.25 days, and twelve months.

Months of 30 days would lose five days a year.
"""

from __future__ import annotations

from crmkpi.errors import UndefinedError

__all__ = ["MONTH_DAYS", "MONTH_SECONDS", "NO_MONTH", "YEAR_DAYS", "month_or_undefined"]

YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12  # 30.4375, exact as a float and as a decimal
NO_MONTH = "it sets a month's revenue against a month's churn, and the period is no calendar month"
MONTH_SECONDS = MONTH_DAYS * 86_400


def month_or_undefined(days: float) -> None:
    """Undefined unless so many days can be a month: monthly revenue over the churn of a quarter means nothing."""
    if not 28 <= days <= 31:
        raise UndefinedError(NO_MONTH)
