"""How long a month and a year are, where no calendar says which: a twelfth of 365.25 days, and twelve months.

Months of 30 days would lose five days a year.
"""

from __future__ import annotations

from crmkpi.errors import UndefinedError

__all__ = ["MONTH_DAYS", "MONTH_SECONDS", "YEAR_DAYS", "month_or_undefined"]

YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12  # 30.4375, exact as a float and as a decimal
MONTH_SECONDS = MONTH_DAYS * 86_400


def month_or_undefined(days: float) -> None:
    """Undefined unless the period is about a month: monthly revenue over the churn of a quarter means nothing."""
    if not 28 <= days <= 31:  # the days of a month
        raise UndefinedError("it sets a month's revenue against a month's churn, and the period is no month")
