"""Reading CSV files."""

from __future__ import annotations

from typing import Any, TypeVar, Unpack, overload

from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, options_from
from crmkpi.sources.rows import load, record_of
from crmkpi.sources.text import Source, open_text

__all__ = ["read_csv"]

_R = TypeVar("_R")


@overload
def read_csv(
    path: Source,
    *,
    record: type[_R],
    preset: AnyPreset | None = ...,
    delimiter: str | None = ...,
    encoding: str | None = ...,
    **options: Unpack[Reading],
) -> Records[_R]: ...
@overload
def read_csv(
    path: Source,
    *,
    record: None = ...,
    preset: AnyPreset,
    delimiter: str | None = ...,
    encoding: str | None = ...,
    **options: Unpack[Reading],
) -> Records[Any]: ...
def read_csv(
    path: Source,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    **options: Unpack[Reading],
) -> Records[Any]:
    r"""Read a CSV file, or an open file, as records; rows that do not parse are in `.rejected` with the reason.

    Nothing is guessed. A column fills the field of the same name, whatever its case and whether it has blanks or
    underscores; every other match must be said. An empty cell is a missing value.

    Args:
        path: a path, or a file open for reading as text or bytes.
        record: the class of the records, such as `Deal`; the preset knows it, too.
        preset: the name of one of `crmkpi.presets`, which knows the headers, words and units of a system's export; or
            one of your own, as a dict or a JSON file (see `crmkpi.preset`). What the other arguments say goes before
            it. A preset of deals that has a date for each stage reads as `record=StageVisit`, too.
        columns: `{header: field}` for headers that are named otherwise; `{header: (field, field)}` fills several and
            `{header: None}` drops a column. `{header: {"fills": "solved_at", "unit": "hours", "after": "created_at"}}`
            says more, in the words of a preset's columns, and `{("Day", "Time"): "created_at"}` fills one field from
            columns that belong together.
        values: `{field: {value in the file: value of ours}}`, where `None` makes a value missing. The words of fields
            with fixed choices match in any case. `{"currency": {"$": "USD"}}` says what a sign of several currencies
            beside amounts means.
        defaults: `{field: value}` for fields that no column fills.
        attributes: keep the columns that fill no field in the `attributes` of the records, as text.
        kinds: `{header: kind}` for such columns that are no text: `"number"`, `"integer"`, `"money"`, `"flag"`,
            `"date"` or `"timestamp"`.
        headers: the names of all columns of a file that has no line of headers.
        delimiter: found in the header line when not given, among comma, semicolon, tab and bar. With a blank, `" "`,
            any run of blanks is one delimiter, as in tables set with blanks, and blanks at the ends of a line are none.
        encoding: UTF-8 when not given, or UTF-16 where a byte order mark says so.
        decimal: the sign before decimals, `","` or `"."`. When it is not given, the first number of a column that shows
            it settles it (12,5 or 1.234,50 or 12,34,567), whatever stands around the digits; a column that shows both,
            or in which all numbers could be read in two ways, as 1.200, is an error.
        units: `{field: unit}` for what the file has: `"percent"` for shares, `"minutes"` and the like for durations,
            `"thousands"`, `"millions"` or `"smallest"` (cents) for amounts, `"yearly"` or `"quarterly"` for those of
            subscriptions, `"unix_seconds"` and the like for dates, `"plain"` where a header is wrong.
        ends: `"inclusive"` where `until`, `ended_at` and `left_at` are the last day and not the first moment after it.
        date_format: a pattern of `strptime` for all date columns or `{field: pattern}`; also `"unix_seconds"` and
            `"unix_milliseconds"`. When it is not given, a date may be ISO (2026-01-31), worded (31 Jan 2026) or in
            numbers (31/01/2026), with or without a time.
        day_first: the order of dates in numbers. When it is not given, a column shows its order by having a number
            above 12 in one place; a column that never does is an error, one that does in both places is rejected.
        tz: the time zone of times without an offset, such as `"Europe/Berlin"`, or its `ZoneInfo`; they become exact
            instants. When it is not given they stay local times. A column that mixes times with and without an offset
            is an error.
        only: the fields to read where not all of them are wanted, and custom ones as `"attributes.HEADER"`. With them
            go the fields that each record needs, and those that they are read with, such as the currency of an
            amount. The others are not looked at and missing; `account.not_looked_at` names their columns.
        strict: raise at the first row that has an unreadable field.
        progress: called once with the blocks of rows before they are read, and gives them back one by one while it
            shows how far it is, as `tqdm` does.

    A value that cannot be read costs its field and not the record: `unreadable` of the record has the field, KPIs that
    read it leave the record out, and `account.unreadable` counts the values. Without a column of ids they are line
    numbers, and looking such a record up by its id is an error.
    Lines above the headers are skipped and counted when the headers stand within the first thirty lines. Of a file on
    disk one block is held in memory at a time. A line or a cell may have sixteen million characters: the lower limit of
    the `csv` module, which holds for the whole process, is lifted until reading ends. An apostrophe before = + - @ at
    the start of a cell, which `write_csv` and some systems put there against formulas, is removed.

    >>> import io
    >>> from crmkpi.records import Deal
    >>> file = io.StringIO("Id,Status,Total\nD1,Won,12.50\nD2,gone,3\n")
    >>> deals = read_csv(file, record=Deal, columns={"Total": "amount"})
    >>> deals[0].status, deals[0].amount
    ('won', Decimal('12.50'))
    >>> deals[1].amount, dict(deals[1].unreadable)
    (Decimal('3'), {'status': "'gone'"})
    """
    asked = options_from(preset, options)
    record = record_of(record, asked)
    with cells_of_any_length():
        return load(csv_grid(open_text(path, encoding=encoding), record, asked, delimiter=delimiter), record, asked)
