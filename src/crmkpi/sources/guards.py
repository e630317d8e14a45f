"""What a file would mislead about without a word: amounts whose currency no field takes, and files of another table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from crmkpi.errors import ColumnError, FileFormatError
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, record_type
from crmkpi.sources.columns import Columns, folded_header
from crmkpi.sources.currencies import currencies_of
from crmkpi.sources.grid import Grid
from crmkpi.sources.reading import Options

__all__ = ["check_currency", "check_table", "may_hold_currency"]

_CURRENCY = re.compile(
    r"curr|ccy|devise|monnaie|moneda|moeda|valuta|waluta|währung|waehrung|通貨|币种|валют", re.IGNORECASE
)
_LOOKED_AT = 1_000  # cells of a column
_MORE = 2  # headers of another table that a file must have beyond those of its own


def may_hold_currency(headers: Sequence[str], columns: Columns, kind: RecordType, options: Options) -> list[int]:
    """The places of columns whose headers speak of a currency, where amounts are read and nothing fills theirs."""
    if "currency" not in kind.fields or columns.of("currency") or "currency" in columns.constants:
        return []
    if not any(kind.fields[column.field].kind == "money" for column in columns.fields):
        return []
    taken = {column.position for column in columns.fields} | {place for place, _ in columns.beside}
    return [
        place
        for place, header in enumerate(headers)
        if place not in taken and header not in options.columns and _CURRENCY.search(header)
    ]


def check_currency(grid: Grid, columns: Columns, kind: RecordType, options: Options) -> None:
    """Refuse to read amounts beside a column of currencies that fills no field."""
    for place in may_hold_currency(grid.headers, columns, kind, options):
        cells = {str(cell).strip() for _, cell in islice(grid.column(place), _LOOKED_AT) if cell not in (None, "")}
        if cells and all(len(cell) == 3 and currencies_of(cell) for cell in cells):
            header = grid.headers[place]
            raise ColumnError(
                f"The column {header!r} of {grid.source} holds currencies ({_listed(sorted(cells))}) and fills no "
                f"field, so that amounts would be without theirs; say columns={{{header!r}: 'currency'}}, or None to "
                f"leave it out."
            )


def check_table(headers: Sequence[str], columns: Columns, kind: RecordType, options: Options, *, source: str) -> None:
    """Refuse a file whose headers are those of another table, or of no record at all."""
    if options.preset is not None or options.columns or options.headers is not None:
        return
    own = {column.field for column in columns.fields}
    other = max((record_type(record) for record in RECORDS.values()), key=lambda each: len(_of(headers, each)))
    others = _of(headers, other)
    if other.table != kind.table and len(others) >= len(own) + _MORE:
        raise FileFormatError(
            f"{source} has the columns of {other.table} ({_listed(others)}) and few of {kind.table} "
            f"({_listed(sorted(own)) or 'none'}); is it the right file? If it is, name one of its columns, such as "
            f"columns={{{columns.fields[0].header if columns.fields else headers[0]!r}: ...}}."
        )
    known = [known for name, known in kind.fields.items() if name in own]
    if columns.numbered and len(columns.unmapped) > len(own) and all(each.kind == "text" for each in known):
        raise FileFormatError(
            f"{source} has no id, no date and no column of {kind.table} but {_listed(sorted(own)) or 'none'}, so that "
            f"nothing says that its rows are such records and no summary of them; name a column that fills a field, "
            f"such as columns={{{headers[0]!r}: 'id'}}."
        )


def _of(headers: Sequence[str], kind: RecordType) -> list[str]:
    names = {folded_header(name) for name, known in kind.fields.items() if known.kind != "attributes"}
    return [header for header in headers if folded_header(header) in names]


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
