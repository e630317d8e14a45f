"""Periods as callers give them: text, a Period, a day, or a pair of days."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.errors import PeriodError

__all__ = ["PeriodLike", "in_words"]

PeriodLike = Period | str | date | tuple[date, date]

_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def in_words(period: Any) -> Any:
    """Convert a day, or a pair of days, to the text of that period; return anything else unchanged.

    The period of a pair includes both days, as "2026-01-01..2026-03-31" does.

    >>> in_words((date(2026, 1, 1), date(2026, 3, 31)))
    '2026-01-01..2026-03-31'
    """
    match period:
        case datetime():
            raise PeriodError(f"A moment is not a period; got {period!r}. Give its day, or Period.between(start, end).")
        case date():
            return period.isoformat()
        case (date(), date()) if isinstance(period, tuple):
            if any(isinstance(edge, datetime) for edge in period):
                raise PeriodError(
                    f"A pair of dates is a period with both of its days; got {period!r}, which has a time of day. "
                    "Period.between(start, end) runs between moments."
                )
            return f"{period[0]}..{period[1]}"
        case (str(), str()) if isinstance(period, tuple) and all(map(_DAY.fullmatch, period)):
            first, last = period
            raise PeriodError(
                f"A pair of texts may be two days or the span between them; got {period!r}. Write '{first}..{last}' "
                f"for the span, or the list [{first!r}, {last!r}] for the two days."
            )
        case _:
            return period
