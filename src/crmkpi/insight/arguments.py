"""Validate the arguments of analyses: readable records, and the last day of the observation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.errors import InputError, ParameterError, unknown_name
from crmkpi.measuring.dataset import Dataset
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

__all__ = ["check_day", "one_period", "reading", "split_fields"]


@contextmanager
def reading(table: str, records: Iterable[Any]) -> Iterator[None]:
    """Turn a non-iterable, or a record without a needed field, into a clear error.

    >>> with reading("orders", [1]):
    ...     [order.amount for order in [1]]
    Traceback (most recent call last):
    crmkpi.errors.InputError: Records of orders need 'amount'; got int, which has none.
    """
    if isinstance(records, str | bytes) or not isinstance(records, Iterable):
        raise InputError(f"The {table} must be an iterable of records; got {type(records).__name__}.")
    try:
        yield
    except AttributeError as error:
        what = type(error.obj).__name__
        raise InputError(f"Records of {table} need {error.name!r}; got {what}, which has none.") from error


def check_day(as_of: object) -> None:
    """Refuse a value that is not a day, such as a timestamp."""
    if isinstance(as_of, datetime):
        raise ParameterError(f"`as_of` is the last day of the observation, a date; got the timestamp {as_of!r}.")
    if not isinstance(as_of, date):
        raise ParameterError(f"`as_of` is the last day of the observation, such as date(2026, 3, 31); got {as_of!r}.")


def split_fields(crm: Dataset, by: str | Sequence[str] | None) -> list[str] | None:
    """The fields by which changes are split; a field that no table of the dataset has is an error."""
    if by is None:
        return None
    names = [by] if isinstance(by, str) else list(by)
    known = {field for table in crm.tables if table in RECORDS for field in record_type(RECORDS[table]).fields}
    for name in names:
        if "." not in name and name not in known and all(table in RECORDS for table in crm.tables):
            raise unknown_name(f"`by` names fields of the tables; got {name!r}.", name, known)
    return names


def one_period(crm: Dataset, period: PeriodLike, what: str) -> Period:
    """The one requested period, in the calendar of the dataset; `what` begins the sentence of the error."""
    found = crm.periods(period, None)
    if len(found) != 1 or found[0] is None:
        raise InputError(f"{what} one period; got {period!r}.")
    return found[0]
