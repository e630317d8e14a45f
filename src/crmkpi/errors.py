"""Every error that crmkpi raises on purpose, in one tree.

    CrmKpiError
    ├── DefinitionError          a KPI is defined wrongly (raised at import, by its author's mistake)
    ├── UnknownNameError         a metric, field, segment, status, column or table that does not exist
    │   └── UnknownAttributeError    a name that a module of crmkpi does not have
    ├── InputError               the data or an argument cannot be used as it is
    │   ├── PeriodError          a value that is not a period, or ends before it starts
    │   ├── ColumnError          a file lacks a column that its records need, or has one twice
    │   ├── RowError             a row does not parse, and strict=True was given
    │   ├── FileFormatError      a file's encoding, delimiter or size cannot be handled
    │   ├── AmbiguousDateError   dates that could be day-first or month-first
    │   ├── TimeZoneError        timestamps with and without a time zone together
    │   ├── CurrencyError        amounts of several currencies without rates
    │   │   └── AmbiguousCurrencyError   a sign such as $ that several currencies share
    │   ├── MissingTableError    a KPI or segment needs a table that the dataset lacks
    │   ├── ParameterError       a KPI's parameter is missing or unusable
    │   └── DatabaseError        a database does not answer, or refuses a statement
    ├── UndefinedError           raised inside a formula to say why there is no value; callers see None and the reason
    └── MissingExtraError        an optional library is needed and not installed

Catch `CrmKpiError` for all of them. Each message is one sentence: the thing, the rule, the value got and the way out.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterable, Mapping
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import ClassVar

from crmkpi._read_only import ReadOnly

__all__ = [
    "AmbiguousCurrencyError",
    "AmbiguousDateError",
    "ColumnError",
    "CrmKpiError",
    "CurrencyError",
    "DatabaseError",
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
    "UnknownAttributeError",
    "UnknownNameError",
    "did_you_mean",
    "unknown_name",
]


class CrmKpiError(Exception):
    """The root of the tree: catch it to catch every error that crmkpi raises on purpose.

    For services, `code` is the kind of error as an identifier, `http_status` the status for an API's answer (422 for
    data and arguments, 404 for names that do not exist, 500 for faults that the service itself must fix), and `details`
    has parts of the message, such as the given name and the known names.

    >>> error = UnknownNameError("There is no KPI 'winrate'.", name="winrate", known=("win_rate",))
    >>> error.code, error.http_status, dict(error.details)
    ('unknown_name', 404, {'name': 'winrate', 'known': ('win_rate',)})
    """

    http_status: ClassVar[int] = 500

    def __init__(self, message: str = "", **details: object) -> None:
        super().__init__(message)
        self.details: Mapping[str, object] = ReadOnly(details)

    @property
    def code(self) -> str:
        """The kind of error as an identifier: the name of the class in snake_case, without "Error"."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__.removesuffix("Error")).lower()

    def __reduce__(self) -> tuple[object, ...]:
        return _restored, (type(self), str(self), dict(self.details))

    def _render_traceback_(self) -> list[str]:
        """The traceback that IPython shows: only the lines of the user's own code, and the message."""
        shown = [
            line
            for frame in extract_tb(self.__traceback__)
            if _is_users(frame)
            for line in (f"{_place(frame)}, line {frame.lineno}", f"    {frame.line}")
        ]
        return [*shown, f"{type(self).__name__}: {self}"]


class DefinitionError(CrmKpiError):
    """A KPI is defined wrongly; raised at its definition, before any data is read."""


class UnknownNameError(CrmKpiError, LookupError):
    """A metric, field, segment, status, column or table that does not exist; names the nearest one."""

    http_status = 404


class UnknownAttributeError(UnknownNameError, AttributeError):
    """A name that a module of crmkpi does not have."""


class InputError(CrmKpiError, ValueError):
    """The data or an argument cannot be used as it is."""

    http_status = 422


class PeriodError(InputError):
    """A value that is not a period, or that ends before it starts."""


class ColumnError(InputError):
    """A file lacks a column that its records need, or has one twice."""


class RowError(InputError):
    """A row does not parse, and `strict=True` was given."""


class FileFormatError(InputError):
    """A file's encoding, delimiter or size cannot be handled."""


class AmbiguousDateError(InputError):
    """Dates that could be day-first or month-first."""


class TimeZoneError(InputError):
    """Timestamps with and without a time zone together."""


class CurrencyError(InputError):
    """Amounts of several currencies that would have to be added, without rates."""


class AmbiguousCurrencyError(CurrencyError):
    """A sign such as $ that several currencies share, without information on which is meant."""


class MissingTableError(InputError):
    """A KPI or a segment needs a table that the dataset lacks."""


class DatabaseError(InputError):
    """A database does not answer, or refuses a statement; the caller may try again."""

    http_status = 503


class ParameterError(InputError):
    """A parameter of a KPI is missing or unusable."""


class UndefinedError(CrmKpiError, ArithmeticError):
    """Raised inside a formula with the reason why there is no value; a caller sees `None` and the reason."""


class MissingExtraError(CrmKpiError, ImportError):
    """An optional library is needed and not installed; names the extra that installs it."""


def unknown_name(sentence: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that does not exist: the sentence with a suggestion, and both names as details.

    >>> raise unknown_name("There is no theme 'sale'.", "sale", ["sales", "service"])
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: There is no theme 'sale'. Did you mean 'sales'?
    """
    names = sorted(set(known))
    return UnknownNameError(f"{sentence} {did_you_mean(str(name), names)}", name=name, known=tuple(names))


def _restored(kind: type[CrmKpiError], message: str, details: Mapping[str, object]) -> CrmKpiError:
    return kind(message, **details)


def _is_users(frame: FrameSummary) -> bool:
    """Whether a frame is in the user's code: neither in this package nor in an installed library."""
    folders = (str(Path(__file__).parent), *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
    return not frame.filename.startswith((*folders, "<frozen", "<string>"))


def _place(frame: FrameSummary) -> str:
    """The file of a frame, or "Cell" for a notebook cell, which IPython compiles from a temporary file."""
    return "Cell" if "ipykernel_" in frame.filename or frame.filename.startswith("<ipython-input") else frame.filename


def did_you_mean(name: str, known: Iterable[str], *, limit: int = 12, cutoff: float = 0.6) -> str:
    """The suggestion for a misspelt name: the nearest known name, or the known names if none is near.

    Real words, such as those of a status, need a higher `cutoff`: "won" is not a misspelt "working".

    >>> did_you_mean("ownr", ["owner", "amount"])
    "Did you mean 'owner'?"
    >>> did_you_mean("zzz", ["owner", "amount"])
    "Known: 'amount', 'owner'."
    """
    from difflib import get_close_matches  # noqa: PLC0415  # what is spelt right needs no neighbours

    names = sorted(set(known))
    folded = {candidate.casefold(): candidate for candidate in names}
    near = get_close_matches(str(name).casefold(), folded, n=1, cutoff=cutoff)
    if near:
        return f"Did you mean {folded[near[0]]!r}?"
    if not names:
        return "There are none."
    shown = ", ".join(repr(candidate) for candidate in names[:limit])
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"Known: {shown}{more}."
