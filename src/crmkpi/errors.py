"""Every error that crmkpi raises on purpose, in one tree.

    CrmKpiError
    ├── DefinitionError          a KPI is written down wrongly (raised at import, by its author's mistake)
    ├── UnknownNameError         a metric, field, segment, status, column or table that does not exist
    ├── InputError               the data or an argument cannot be used as it stands
    │   ├── PeriodError          a period that is not one, or ends before it starts
    │   ├── ColumnError          a file lacks a column that its records need, or has one twice
    │   ├── RowError             a row does not parse, and strict=True was asked for
    │   ├── FileFormatError      a file's encoding, delimiter or size cannot be handled
    │   ├── AmbiguousDateError   dates that could be day-first or month-first
    │   ├── TimeZoneError        timestamps with and without a time zone side by side
    │   ├── CurrencyError        amounts of several currencies without rates
    │   ├── MissingTableError    a KPI or segment needs a table that the dataset lacks
    │   └── ParameterError       a KPI's parameter is missing or unusable
    ├── UndefinedError           raised inside a formula to say why there is no value; callers see None and the reason
    └── MissingExtraError        an optional library is needed and not installed

Catch `CrmKpiError` for all of them. Each message is one sentence: the thing, the rule, the value got and the way out.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "AmbiguousDateError",
    "ColumnError",
    "CrmKpiError",
    "CurrencyError",
    "DefinitionError",
    "FileFormatError",
    "InputError",
    "MissingExtraError",
    "MissingTableError",
    "ParameterError",
    "PeriodError",
    "RowError",
    "TimeZoneError",
    "UndefinedError",
    "UnknownNameError",
    "did_you_mean",
]


class CrmKpiError(Exception):
    """The root of the tree: catch it to catch every error that crmkpi raises on purpose."""


class DefinitionError(CrmKpiError):
    """A KPI is written down wrongly; raised where it is defined, before any data is seen."""


class UnknownNameError(CrmKpiError, LookupError):
    """A metric, field, segment, status, column or table that does not exist; names the nearest one."""


class InputError(CrmKpiError, ValueError):
    """The data or an argument cannot be used as it stands."""


class PeriodError(InputError):
    """A period that is not one, or that ends before it starts."""


class ColumnError(InputError):
    """A file lacks a column that its records need, or has one twice."""


class RowError(InputError):
    """A row does not parse, and `strict=True` was asked for."""


class FileFormatError(InputError):
    """A file's encoding, delimiter or size cannot be handled."""


class AmbiguousDateError(InputError):
    """Dates that could be day-first or month-first."""


class TimeZoneError(InputError):
    """Timestamps with and without a time zone side by side."""


class CurrencyError(InputError):
    """Amounts of several currencies that would have to be added, without rates."""


class MissingTableError(InputError):
    """A KPI or a segment needs a table that the dataset lacks."""


class ParameterError(InputError):
    """A parameter of a KPI is missing or unusable."""


class UndefinedError(CrmKpiError, ArithmeticError):
    """Raised inside a formula to say in words why there is no value; a caller sees `None` and the reason."""


class MissingExtraError(CrmKpiError, ImportError):
    """An optional library is needed and not installed; says which extra brings it."""


def did_you_mean(name: str, known: Iterable[str], *, limit: int = 12) -> str:
    """The way out of a misspelt name: the nearest known one, or the known ones when none is near.

    >>> did_you_mean("ownr", ["owner", "amount"])
    "Did you mean 'owner'?"
    >>> did_you_mean("zzz", ["owner", "amount"])
    "Known: 'amount', 'owner'."
    """
    names = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in names}
    near = get_close_matches(str(name).casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    if not names:
        return "There are none."
    shown = ", ".join(repr(candidate) for candidate in names[:limit])
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"Known: {shown}{more}."
