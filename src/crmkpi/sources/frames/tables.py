"""Map the columns and values of a frame to the fields of a record, for a `Dataset`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, TypeVar, Unpack, overload
from zoneinfo import ZoneInfo

from crmkpi.currencies import currency_in, one_currency
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.table import FrameTable, taken
from crmkpi.errors import InputError
from crmkpi.records.base import record_type
from crmkpi.records.directions import by_field
from crmkpi.sources.dates import zone_named
from crmkpi.sources.dicts import load_objects
from crmkpi.sources.frames.presets import by_preset
from crmkpi.sources.guards import check_units_of_frame
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import ENDS, Ends, Reading, options_from
from crmkpi.sources.rows import record_of

__all__ = ["table"]


_R = TypeVar("_R")
_OF_FRAMES = ("columns", "values", "tz", "ends")


@overload
def table(
    frame: Any,
    /,
    *,
    record: type[Any] | None = ...,
    preset: AnyPreset | None = ...,
    parse: Literal[False] = ...,
    columns: Mapping[str, str | Sequence[str]] | None = ...,
    values: Mapping[str, Mapping[Any, Any]] | None = ...,
    tz: str | ZoneInfo | None = ...,
    ends: Ends | None = ...,
) -> FrameTable: ...
@overload
def table(
    frame: Any, /, *, record: type[_R], preset: AnyPreset | None = ..., parse: Literal[True], **options: Unpack[Reading]
) -> Records[_R]: ...
@overload
def table(
    frame: Any, /, *, record: None = ..., preset: AnyPreset, parse: Literal[True], **options: Unpack[Reading]
) -> Records[Any]: ...
def table(
    frame: Any,
    /,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    parse: bool = False,
    **options: Unpack[Reading],
) -> FrameTable | Records[Any]:
    """A frame as a table of a `Dataset`: map its columns to fields, and its values to those of the record.

    `columns` maps the frame's columns to fields, as for files; `{field: column}` works too where it is unambiguous.
    Columns with the name of a field need no entry, and fields without a column have no values. Other columns are
    custom attributes. `values` maps, for a field, a value of the frame to one of the record. `tz` is the time zone of
    timestamps without one; by default they are wall-clock times of the calendar of the measurement.
    `ends="inclusive"` says that `until`, `ended_at` and `left_at` are the last day and not the first moment after it.
    The frame is read lazily, at each measurement.

    `preset` is one of `crmkpi.presets`, or your own: it knows the columns, words and units of a system's export, and
    the record. Rows that it leaves out, such as total rows, are counted in `.skipped` by reason, as in the account of
    a file; rules about the start of a row apply only if the first column holds text. Columns must have their types
    already; only `scan` and `read_csv` fill computed fields, such as a moment from a duration, an amount from cents or
    the first of several values, and a KPI that reads one is an error here.

    With `parse=True` the frame is read row by row, as a file is: text becomes dates, amounts and choices, the other
    arguments of `read_csv` are accepted (`decimal=`, `day_first=`, `defaults=` and so on), and the result is records
    with an account of their unreadable values.

    >>> import polars as pl
    >>> from crmkpi import Deal, win_rate
    >>> from crmkpi.sources.frames.tables import table
    >>> frame = pl.DataFrame({"Id": ["1", "2"], "Stage": ["Closed Won", "Closed Lost"]})
    >>> deals = table(frame, record=Deal, columns={"Id": "id", "Stage": "status"},
    ...               values={"status": {"Closed Won": "won", "Closed Lost": "lost"}})
    >>> win_rate(deals).value
    0.5
    >>> texts = pl.DataFrame({"id": ["1", "2"], "closed_at": ["2026-01-05", "no day"], "amount": ["1.200,50", ""]})
    >>> read = table(texts, record=Deal, parse=True, defaults={"status": "won"})
    >>> read[0].amount, read
    (Decimal('1200.50'), Records: 2 deals from the frame; closed_at unreadable in 1, see .account)
    """
    if parse:
        asked = options_from(preset, options)
        return load_objects(enumerate(_rows(frame), 1), "the frame", record_of(record, asked), asked)
    other = [name for name in options if name not in _OF_FRAMES]
    if other:
        raise InputError(f"{other[0]}= says how text is read, and a frame is measured as it is; add parse=True.")
    columns: Any = options.get("columns")
    values, tz, ends = options.get("values"), options.get("tz"), options.get("ends")
    asked = options_from(preset, {"ends": ends})
    type_ = record_type(record_of(record, asked))
    zone = None if tz is None else zone_named(tz)
    inclusive = ENDS if asked.ends_inclusive else ()
    if asked.preset is None:
        found = FrameTable(frame, type_=type_, columns=columns, values=values, zone=zone, inclusive=inclusive)
        check_units_of_frame(found.columns, type_)
        return _in_its_currency(found)
    backend = taken(frame)
    with at_home(backend, type_.table):
        lent = backend.home.lent(frame)
        said = by_field(columns or {}, tuple(backend.home.names(lent)), type_.fields)
        by = by_preset(backend, lent, type_, asked.preset, said)
    made = FrameTable(
        by.frame,
        type_=type_,
        backend=backend,
        columns={**by.columns, **said},
        values=values,
        zone=zone,
        skipped=by.skipped,
        computed=by.computed,
        inclusive=inclusive,
    )
    return _in_its_currency(made)


def _in_its_currency(found: FrameTable) -> FrameTable:
    """The table with the currency in the header of its amounts, such as `Amount (EUR)`, if no column has currencies."""
    fields = found.type_.fields
    if "currency" in fields and "currency" not in found.columns:
        amounts = [column for name, column in found.columns.items() if fields[name].kind == "money"]
        found.currency = one_currency(map(currency_in, amounts), "the frame")
        found.unfilled -= {"currency"} if found.currency is not None else set()
    return found


def _rows(frame: Any) -> Iterator[Mapping[str, Any]]:
    """The rows of a frame with plain values."""
    home = taken(frame).home
    lent = home.lent(frame)
    plain = getattr(lent, "plain_rows", None)  # for libraries whose columns may hold any object
    return plain() if plain is not None else home.records(lent, dict.fromkeys(home.names(lent), "attributes"))
