"""Random draws and times for the sample company."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from crmkpi.errors import InputError

__all__ = ["FIRST", "LAST", "MONTHS", "PRICES", "SEASON", "Dice", "busy", "date_of", "known"]

# Timestamps are local times, as in most exports.
FIRST = datetime.fromisoformat("2024-10-01")
LAST = datetime.fromisoformat("2026-10-01")  # the end of the data, exclusive
MONTHS = [FIRST.replace(year=2024 + month // 12, month=month % 12 + 1) for month in range(9, 33)]
SEASON = (0.9, 1.0, 1.15, 1.05, 1.0, 0.95, 0.75, 0.65, 1.2, 1.15, 1.1, 0.7)
_WEEKEND = (5, 6)
PRICES = {"Starter": 1800.0, "Team": 5200.0, "Enterprise": 14500.0}


class Dice(Random):
    """A random generator with the distributions of the sample company."""

    def happens(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random() < probability

    def pick(self, weights: Mapping[str, float]) -> str:
        """One of the names, drawn by weight."""
        return self.choices(list(weights), list(weights.values()))[0]

    def after(self, moment: datetime, median: timedelta, spread: float = 0.8) -> datetime:
        """A later moment, log-normal around the median delay, to the minute."""
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
        """A random count with the given mean."""
        return int(mean) + self.happens(mean - int(mean))


def busy(month: datetime) -> float:
    """The activity of a month: seasons, and two percent growth per month."""
    return SEASON[month.month - 1] * 1.02 ** MONTHS.index(month)


def known(moment: datetime) -> datetime | None:
    """The moment, or None if it is after the end of the data."""
    return moment if moment < LAST else None


def date_of(moment: datetime | None) -> datetime:
    """A date that is always set in the sample company, though optional in the record."""
    if moment is None:
        raise InputError("A record of the sample company lacks a date that it was created with.")
    return moment
