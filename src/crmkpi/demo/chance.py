"""Chance and time in the words of the sample company."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from crmkpi.errors import InputError

__all__ = ["FIRST", "LAST", "MONTHS", "PRICES", "SEASON", "Dice", "busy", "date_of", "known"]

# Its clocks show local time, as those of most exports do.
FIRST = datetime.fromisoformat("2024-10-01")
LAST = datetime.fromisoformat("2026-10-01")  # the first moment that nobody knows yet
MONTHS = [FIRST.replace(year=2024 + month // 12, month=month % 12 + 1) for month in range(9, 33)]
SEASON = (0.9, 1.0, 1.15, 1.05, 1.0, 0.95, 0.75, 0.65, 1.2, 1.15, 1.1, 0.7)
_WEEKEND = (5, 6)
PRICES = {"Starter": 1800.0, "Team": 5200.0, "Enterprise": 14500.0}


class Dice(Random):
    """Chance in the words of this module."""

    def happens(self, probability: float) -> bool:
        """Whether something of that probability happens."""
        return self.random() < probability

    def pick(self, weights: Mapping[str, float]) -> str:
        """One of the names, as often as its weight says."""
        return self.choices(list(weights), list(weights.values()))[0]

    def after(self, moment: datetime, median: timedelta, spread: float = 0.8) -> datetime:
        """Some time later, mostly around the median and sometimes much more; to the minute."""
        seconds = median.total_seconds() * math.exp(self.gauss(0, spread))
        return moment + timedelta(minutes=round(seconds / 60))

    def working_moment(self, month: datetime) -> datetime:
        """A moment in the month, on a working day between eight and six."""
        day = month + timedelta(days=self.randrange(28))
        while day.weekday() in _WEEKEND:
            day += timedelta(days=1)
        return day + timedelta(minutes=self.randrange(8 * 60, 18 * 60))

    def money(self, typical: float, spread: float = 0.45) -> Decimal:
        """An amount around a typical one, to the cent."""
        return Decimal(round(typical * math.exp(self.gauss(0, spread)) * 100)).scaleb(-2)

    def times(self, mean: float) -> int:
        """How often something happens that happens `mean` times on average."""
        return int(mean) + self.happens(mean - int(mean))


def busy(month: datetime) -> float:
    """How busy a month is: seasons, on top of two percent growth a month."""
    return SEASON[month.month - 1] * 1.02 ** MONTHS.index(month)


def known(moment: datetime) -> datetime | None:
    """What lies after the last day has not happened yet."""
    return moment if moment < LAST else None


def date_of(moment: datetime | None) -> datetime:
    """A date that the sample company always has, though its record need not."""
    if moment is None:
        raise InputError("A record of the sample company lacks a date that it was made with.")
    return moment
