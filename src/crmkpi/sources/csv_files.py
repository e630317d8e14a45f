"""Read CSV files."""

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

    Nothing is guessed. A column fills the field of the same name, in any case and with blanks or underscores; every
    other match must be declared. An empty cell is a missing value.

    Args:
        path: a path, or a file open for reading as text or bytes.
        record: the class of the records, such as `Deal`; by default that of the preset.
        preset: the name of one of `crmkpi.presets`, which knows the headers, words and units of a system's export; or
            one of your own, as a dict or a JSON file (see `crmkpi.preset`). The other arguments override it. A preset
            of deals that has a date for each stage also reads with `record=StageVisit`.
        columns: `{header: field}` for headers with another name; `{header: (field, field)}` fills several fields and
            `{header: None}` drops a column. `{header: {"fills": "solved_at", "unit": "hours", "after": "created_at"}}`
            uses the keys of a preset's columns, and `{("Day", "Time"): "created_at"}` fills one field from several
            columns.
        values: `{field: {value in the file: value of the field}}`, where `None` means a missing value. The words of
            fields with fixed choices match in any case. `{"currency": {"$": "USD"}}` declares the meaning of an
            ambiguous sign next to amounts.
        defaults: `{field: value}` for fields that no column fills.
        attributes: keep the columns that fill no field in the `attributes` of the records, as text.
        kinds: `{header: kind}` for such columns that are not text: `"number"`, `"integer"`, `"money"`, `"flag"`,
            `"date"` or `"timestamp"`.
        headers: the names of all columns of a file without a header line.
        delimiter: by default inferred from the header line, among comma, semicolon, tab and bar. With a blank, `" "`,
            any run of blanks is one delimiter, as in tables aligned with blanks, and blanks at the ends of a line are
            ignored.
        encoding: UTF-8 by default, or UTF-16 where a byte order mark says so.
        decimal: the decimal sign, `","` or `"."`. By default the first number of a column that shows it decides (12,5
            or 1.234,50 or 12,34,567), with any signs around the digits; a column that shows both, or in which all
            numbers are ambiguous, such as 1.200, is an error.
        units: `{field: unit}` for the unit in the file: `"percent"` for shares, `"minutes"` and the like for durations,
            `"thousands"`, `"millions"` or `"smallest"` (cents) for amounts, `"yearly"` or `"quarterly"` for those of
            subscriptions, `"unix_seconds"` and the like for dates, `"plain"` where a header is wrong.
        ends: `"inclusive"` if `until`, `ended_at` and `left_at` are the last day and not the first moment after it.
        date_format: a pattern of `strptime` for all date columns or `{field: pattern}`; also `"unix_seconds"` and
            `"unix_milliseconds"`. By default a date may be ISO (2026-01-31), worded (31 Jan 2026) or in numbers
            (31/01/2026), with or without a time.
        day_first: the order of dates in numbers. By default a column shows its order by a number above 12 in one
            position; a column without one is an error, and in a column with both orders the dates are unreadable.
        tz: the time zone of times without an offset, such as `"Europe/Berlin"`, or its `ZoneInfo`; they become exact
            instants. By default they stay local times. A column that mixes times with and without an offset is an
            error.
        only: the fields to read, if not all, with custom ones as `"attributes.HEADER"`. Required fields are always
            read, and so are fields that these need, such as the currency of an amount. All others are missing;
            `account.not_looked_at` names their columns.
        strict: raise an error at the first row with an unreadable field.
        progress: a function that gets the iterable of row blocks and yields them while it shows the progress, such as
            `tqdm`.

    A record with an unreadable value is kept without it: `unreadable` of the record has the field, KPIs that read it
    leave the record out, and `account.unreadable` counts the values. Without a column of ids they are line numbers, and
    a lookup of such a record by its id is an error.
    Lines above the headers are skipped and counted if the headers are within the first thirty lines. Memory holds one
    block of a file on disk at a time. A line or a cell may have sixteen million characters: the lower limit of the
    `csv` module, which is global to the process, is lifted while reading. An apostrophe before = + - @ at the start of
    a cell, which `write_csv` and some systems add as protection against formulas, is removed.

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
