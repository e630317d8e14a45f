"""Validate plain numbers that the caller passes instead of a report."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any

from crmkpi.errors import InputError

__all__ = ["check_season", "plain_numbers"]


def plain_numbers(values: Iterable[Any], what: str) -> list[float | None]:
    """Validate numbers of the caller, and convert them to floats, with None for a gap; `what` names them in errors.

    >>> plain_numbers([1, None, "2"], "values of a chart")
    Traceback (most recent call last):
    crmkpi.errors.InputError: The values of a chart are finite numbers, or None for a gap; got '2'.
    """
    given = list(values) if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    for one in given:
        if one is not None and not (isinstance(one, Real | Decimal) and isfinite(one)):
            raise InputError(f"The {what} are finite numbers, or None for a gap; got {one!r}.")
    return [None if one is None else float(one) for one in given]


def check_season(season: object) -> None:
    """Refuse a season that is not a number of periods."""
    if season is not None and (isinstance(season, bool) or not isinstance(season, int) or season < 2):
        raise InputError(f"`season` is the number of periods in a year, such as 12 for months; got {season!r}.")
