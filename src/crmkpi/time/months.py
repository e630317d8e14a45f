"""How long a month and a year are, where no calendar says which: a twelfth of 365.25 days, and twelve months.

Months of 30 days would lose five days a year.
"""

from __future__ import annotations

__all__ = ["MONTH_DAYS", "MONTH_SECONDS", "YEAR_DAYS"]

YEAR_DAYS = 365.25
MONTH_DAYS = YEAR_DAYS / 12  # 30.4375, exact as a float and as a decimal
MONTH_SECONDS = MONTH_DAYS * 86_400
