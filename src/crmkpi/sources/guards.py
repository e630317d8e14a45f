"""Refuse files that would mislead without a word: amounts whose currency no field takes, and files of another table."""

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
    """The places of columns whose headers speak of a currency, where amounts are read and nothing fills theirs."""
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
    """Refuse to read amounts beside a column of currencies that fills no field."""
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
    """The column of recurring amounts that does not say whether they are those of a month."""
    found = next((column for column in columns.fields if column.field == "mrr" and column.by is None), None)
    return None if kind.table != "subscriptions" or found is None or says_month(found.header) else found


def check_intervals(grid: Grid, columns: Columns, kind: RecordType, options: ReadingOptions) -> None:
    """Refuse to take amounts for those of a month beside a column that says of some that they are of a year."""
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
    """Refuse numbers whose header names a unit that their field does not have, until the unit is said."""
    for column in columns.fields:
        found = _unit_said(column.header, kind.fields[column.field]) if column.by is None else None
        if found is not None:
            unit, said, plain = found
            raise ColumnError(
                f"The header {column.header!r} of {source} {said}; say "
                f'units={{"{column.field}": "{unit}"}}, or "{plain}" where they are not.'
            )


def check_units_of_frame(columns: Mapping[str, str], kind: RecordType) -> None:
    """Refuse the same in a frame, which is measured as it is; `columns` says which column holds each field."""
    for field, header in columns.items():
        found = _unit_said(header, kind.fields[field])
        if found is not None:
            raise ColumnError(
                f"The column {header!r} of the frame {found[1]}; rename it to {field!r} where they are not, and read "
                f'it with parse=True and units={{"{field}": "{found[0]}"}} where they are.'
            )


def _unit_said(header: str, known: FieldType) -> tuple[str, str, str] | None:
    """The unit of the numbers of a field that their header names, in words, and the word for that of the field."""
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

    They are where two more of them are names of fields of the other record than of this one, and no preset for this
    record knows as many; or where two more are known to the other with a preset for it, and all that fill a field of
    this record are, as an id, a status and the date of creation are those of any table.
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
    """Refuse a file of which nothing shows that its rows are such records, and no summary of them."""
    if options.preset is not None or options.columns or options.headers is not None:
        return
    own = {column.field for column in columns.fields}
    known = [known for name, known in kind.fields.items() if name in own]
    if columns.numbered and len(columns.unmapped) > len(own) and all(each.kind == "text" for each in known):
        raise FileFormatError(
            f"{source} has no id, no date and no column of {kind.table} but {_listed(sorted(own)) or 'none'}, so that "
            f"nothing says that its rows are such records and no summary of them; name a column that fills a field, "
            f"such as columns={{{headers[0]!r}: 'id'}}."
        )


def _fields_of(headers: Sequence[str], kind: RecordType) -> list[str]:
    """The headers that are names of fields of a record."""
    names = {folded_header(name) for name, known in kind.fields.items() if known.kind != "attributes"}
    return [header for header in headers if folded_header(header) in names]


def _known_of(headers: Sequence[str], kind: RecordType) -> list[list[str]]:
    """The headers that are names of fields, or known to a preset for the record, for each such preset."""
    fields = set(_fields_of(headers, kind))
    presets = preset_headers().get(kind.model.__name__, (frozenset(),))
    return [
        [header for header in headers if header in fields or (header and folded(header) in known)] for known in presets
    ]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
