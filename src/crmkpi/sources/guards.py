"""Refuse files that would silently mislead: amounts whose currency column is unused, and files of another table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from crmkpi.currencies import currencies_of
from crmkpi.errors import ColumnError, FileFormatError
from crmkpi.records import RECORDS
from crmkpi.records.base import FieldType, RecordType, record_type
from crmkpi.sources.columns import Columns, MatchedColumn, folded_header
from crmkpi.sources.computed_values import INTERVALS
from crmkpi.sources.grid import Grid
from crmkpi.sources.header_units import OF_MONEY, OF_MRR, OF_TIME, says_month, unit_in
from crmkpi.sources.presets.library import folded, preset_headers
from crmkpi.sources.reading import ReadingOptions

__all__ = [
    "check_currency",
    "check_filled",
    "check_intervals",
    "check_table",
    "check_units",
    "check_units_of_frame",
    "may_be_of_intervals",
    "may_hold_currency",
]

_CURRENCY = re.compile(
    r"curr|ccy|devise|monnaie|moneda|moeda|valuta|waluta|währung|waehrung|通貨|币种|валют", re.IGNORECASE
)
_LOOKED_AT = 1_000  # cells of a column
_SAID = {"smallest": "cents", "yearly": "amounts of a year", "quarterly": "amounts of a quarter"}
_SHOWN = 8  # headers in a message
_MORE = 2  # headers of another table that a file must have beyond those of its own


def may_hold_currency(headers: Sequence[str], columns: Columns, kind: RecordType, options: ReadingOptions) -> list[int]:
    """The positions of columns whose headers name a currency, where amounts are read and no column fills `currency`."""
    if "currency" not in kind.fields or columns.of("currency") or "currency" in columns.constants:
        return []
    if not any(kind.fields[column.field].kind == "money" for column in columns.fields):
        return []
    taken = {column.position for column in columns.fields}
    return [
        place
        for place, header in enumerate(headers)
        if place not in taken and header not in options.columns and _CURRENCY.search(header)
    ]


def check_currency(grid: Grid, columns: Columns, kind: RecordType, options: ReadingOptions) -> None:
    """Refuse to read amounts while a column of currencies fills no field."""
    for place in may_hold_currency(grid.headers, columns, kind, options):
        cells = {str(cell).strip() for _, cell in islice(grid.column(place), _LOOKED_AT) if cell not in (None, "")}
        if cells and all(map(currencies_of, cells)):
            header = grid.headers[place]
            raise ColumnError(
                f"The column {header!r} of {grid.source} holds currencies ({_listed(sorted(cells))}) and fills no "
                f"field, so that amounts would be without theirs; say columns={{{header!r}: 'currency'}}, or None to "
                f"leave it out."
            )


def may_be_of_intervals(columns: Columns, kind: RecordType) -> MatchedColumn | None:
    """The column of recurring amounts that does not say whether they are monthly."""
    found = next((column for column in columns.fields if column.field == "mrr" and column.by is None), None)
    return None if kind.table != "subscriptions" or found is None or says_month(found.header) else found


def check_intervals(grid: Grid, columns: Columns, kind: RecordType, options: ReadingOptions) -> None:
    """Refuse to read amounts as monthly while a column of billing intervals says that some are yearly."""
    amount = may_be_of_intervals(columns, kind)
    taken = {column.position for column in columns.fields if column.field != "plan"}
    for place, header in enumerate(grid.headers):
        if amount is None or place in taken or header in options.columns:
            continue
        cells = {str(cell).strip() for _, cell in islice(grid.column(place), _LOOKED_AT) if cell not in (None, "")}
        said = {cell.casefold() for cell in cells}
        if said and said <= INTERVALS and not said <= {"month", "monthly"}:
            raise ColumnError(
                f"The column {header!r} of {grid.source} holds intervals ({_listed(sorted(cells))}), and mrr is an "
                f"amount of a month; say columns={{{amount.header!r}: {{'fills': 'mrr', 'per': {header!r}}}}}, or "
                f'units={{"mrr": "plain"}} where the amounts are those of a month already.'
            )


def check_units(columns: Columns, kind: RecordType, *, source: str) -> None:
    """Refuse numbers whose header names another unit than their field's, unless `units=` declares it."""
    for column in columns.fields:
        found = _unit_said(column.header, kind.fields[column.field]) if column.by is None else None
        if found is not None:
            unit, said, plain = found
            raise ColumnError(
                f"The header {column.header!r} of {source} {said}; say "
                f'units={{"{column.field}": "{unit}"}}, or "{plain}" where they are not.'
            )


def check_units_of_frame(columns: Mapping[str, str], kind: RecordType) -> None:
    """Refuse such numbers in a frame, which is measured without conversion; `columns` maps fields to columns."""
    for field, header in columns.items():
        found = _unit_said(header, kind.fields[field])
        if found is not None:
            raise ColumnError(
                f"The column {header!r} of the frame {found[1]}; rename it to {field!r} where they are not, and read "
                f'it with parse=True and units={{"{field}": "{found[0]}"}} where they are.'
            )


def _unit_said(header: str, known: FieldType) -> tuple[str, str, str] | None:
    """The unit that a header names for a field, a sentence about it, and the `units=` word for the field's own unit."""
    units = OF_TIME if known.name.endswith("seconds") else {}
    if known.kind == "money":
        units = {**OF_MONEY, **(OF_MRR if known.name == "mrr" else {})}
    found = unit_in(header, units)
    if found is None:
        return None
    holds, plain = ("seconds", "seconds") if units is OF_TIME else ("whole amounts", "plain")
    numbers = f"seems to say that its numbers are {_SAID.get(found, found)}"
    return found, f"{numbers}, and {known.name!r} holds {holds}", plain


def check_table(headers: Sequence[str], kind: RecordType, options: ReadingOptions, *, source: str) -> None:
    """Refuse a file whose headers are those of another table.

    That is so where the other record has two more of the headers as fields than this one, and no preset for this
    record knows as many; or where the other record with one of its presets knows two more, and all headers that fill
    a field of this record are known to it too, such as an id, a status and a creation date, which any table has.
    """
    if options.preset is not None or options.columns or options.headers is not None:
        return
    own = _fields_of(headers, kind)
    if len(set(headers)) < len(own) + _MORE:
        return
    told = {header for header in own if folded(header) != "id"}
    most = max(map(len, _known_of(headers, kind)))
    found: list[tuple[list[str], str]] = []
    for other in (each for record in RECORDS.values() if (each := record_type(record)).table != kind.table):
        fields, known = _fields_of(headers, other), _known_of(headers, other)
        if len(fields) >= len(own) + _MORE and len(fields) > most:
            found.append((fields, other.table))
        found += [(each, other.table) for each in known if len(each) >= most + _MORE and told.issubset(each)]
    if found:
        columns, table = max(found, key=lambda one: len(one[0]))
        shown = _listed(columns[:_SHOWN]) + (", ..." if columns[_SHOWN:] else "")
        raise FileFormatError(
            f"{source} has the columns of {table} ({shown}) and few of {kind.table} ({_listed(own) or 'none'}); is it "
            f"the right file? If it is, name one of its columns, such as columns={{{(own or headers)[0]!r}: ...}}."
        )


def check_filled(
    headers: Sequence[str], columns: Columns, kind: RecordType, options: ReadingOptions, *, source: str
) -> None:
    """Refuse a file without any evidence that its rows are such records and not a summary of them."""
    if options.preset is not None or options.columns or options.headers is not None:
        return
    own = {column.field for column in columns.fields}
    known = [known for name, known in kind.fields.items() if name in own]
    if columns.numbered and len(columns.unmapped) > len(own) and all(each.kind == "text" for each in known):
        raise FileFormatError(
            f"{source} has no id, no date and no column of {kind.table} but {_listed(sorted(own)) or 'none'}, so that "
            f"its rows may be a summary of records; name a column that fills a field, such as "
            f"columns={{{headers[0]!r}: 'id'}}."
        )


def _fields_of(headers: Sequence[str], kind: RecordType) -> list[str]:
    """The headers that are field names of a record."""
    names = {folded_header(name) for name, known in kind.fields.items() if known.kind != "attributes"}
    return [header for header in headers if folded_header(header) in names]


def _known_of(headers: Sequence[str], kind: RecordType) -> list[list[str]]:
    """For each preset of the record: the headers that are field names or that the preset knows."""
    fields = set(_fields_of(headers, kind))
    presets = preset_headers().get(kind.model.__name__, (frozenset(),))
    return [
        [header for header in headers if header in fields or (header and folded(header) in known)] for known in presets
    ]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
