"""Write records to CSV files that `read_csv` reads back."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from crmkpi.errors import ColumnError, InputError
from crmkpi.records.base import record_type
from crmkpi.sources.loaded import Records

__all__ = ["harmless", "write_csv"]

_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?", re.ASCII)
_COULD_BE_BOTH = re.compile(r"-?[1-9]\d{0,2}\.\d{3}", re.ASCII)  # thousands, or a number with three decimals


def write_csv(records: Iterable[Any], path: str | Path | IO[str]) -> None:
    """Write records of one class as CSV in UTF-8: a column for each field, then one for each attribute.

    Dates are ISO, missing values empty cells. Text that a spreadsheet could interpret as a formula gets an apostrophe
    in front, which `read_csv` removes, so that records round-trip. Two values do not, because CSV has no notation for
    them: empty text reads as missing, and numbers and flags among the attributes read as text.

    >>> import io
    >>> from crmkpi.records import Order
    >>> file = io.StringIO()
    >>> write_csv([Order(id="=1+1", amount="-5")], file)
    >>> file.getvalue().splitlines()[1]
    "'=1+1,,,-5,,,completed,,,"
    """
    if not isinstance(records, Iterable):
        raise InputError(f"write_csv() needs records; got {type(records).__name__}.")
    if not isinstance(path, str | Path) and not hasattr(path, "write"):
        raise InputError(f"write_csv() needs a path or an open file; got {path!r}.")
    rows = list(records)
    record = records.record if isinstance(records, Records) else type(rows[0]) if rows else None
    if record is None:
        raise InputError(
            "There are no records, so there is no class to name the columns; give Records, or at least one."
        )
    if any(type(row) is not record for row in rows):
        others = sorted({type(row).__name__ for row in rows} - {record.__name__})
        raise InputError(f"A file holds records of one class, and these are {record.__name__} and {', '.join(others)}.")
    table = record_type(record).table
    names = [field.name for field in fields(record) if field.name != "attributes"]
    extra = list(dict.fromkeys(key for row in rows for key in row.attributes))
    _check_apart(names, extra, table)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow([*names, *map(_cell, extra)])
    for row in rows:
        writer.writerow(
            [_cell(getattr(row, name)) for name in names] + [_cell(row.attributes.get(key)) for key in extra]
        )
    text = buffer.getvalue()
    if "\0" in text:
        raise InputError("A CSV file cannot hold NUL characters, and a record has one in its text.")
    if isinstance(path, str | Path):
        Path(path).write_text(text, encoding="utf-8", newline="")
    else:
        path.write(text)


def _check_apart(names: Sequence[str], extra: Sequence[str], table: str) -> None:
    taken = {re.sub(r"[\s_]+", "_", name.strip()).casefold() for name in names}
    for key in extra:
        if re.sub(r"[\s_]+", "_", key.strip()).casefold() in taken:
            raise ColumnError(
                f"The attribute {key!r} has the name of a field of {table}, so its column would be read as that field; "
                f"give it another name."
            )


def _cell(value: object) -> object:
    if isinstance(value, Decimal | float) and _COULD_BE_BOTH.fullmatch(str(value)):
        return f"{value}0"  # 2.143 alone in a column could mean two thousand
    return value.isoformat() if isinstance(value, date) else harmless(value)


def harmless(value: object) -> object:
    """The value as a cell; text that a spreadsheet could interpret as a formula gets an apostrophe in front.

    >>> harmless("=1+1"), harmless("-5"), harmless("Ada")
    ("'=1+1", '-5', 'Ada')
    """
    if isinstance(value, str) and _DANGEROUS.match(value) and not _NUMBER.fullmatch(value):
        return f"'{value}"
    return value
