"""Convert records to Polars frames of typed columns in batches, so that only one batch exists as records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from importlib import import_module
from itertools import islice
from typing import Any

from crmkpi.records.base import FieldType, RecordType
from crmkpi.sources.frames.typed_columns import field_column

__all__ = ["UNREADABLE", "frame_of_records"]

_BATCH = 20_000
_DIGITS = 38  # of the longest decimals
_LONG, _LONGEST = 2**63, 2**127  # the first whole numbers beyond 64 and 128 bits
UNREADABLE = " unreadable"  # ends the names of columns of unreadable values


def frame_of_records(records: Iterable[Any], kind: RecordType, typed: Sequence[FieldType] = ()) -> Any:
    """A lazy frame with a column for each field and each attribute; `typed` are attributes that are not text.

    A field with unreadable values has a second column with their original text.
    """
    pl = import_module("polars")

    fields = [known for known in kind.fields.values() if known.kind != "attributes"]
    rows = iter(records)
    batches = []
    aware: set[str] = set()
    while batch := list(islice(rows, _BATCH)):
        columns = {field_column(known.name): _series(pl, _values(batch, known), known, aware) for known in fields}
        for known in typed:
            name = known.name.removeprefix("attributes.")
            columns[name] = _series(pl, [record.attributes.get(name) for record in batch], known, aware)
        own = dict.fromkeys(name for record in batch for name in record.attributes)
        for name in (name for name in own if name not in columns):
            values = [record.attributes.get(name) for record in batch]
            columns[name] = pl.Series([None if each is None else str(each) for each in values], dtype=pl.String)
        for name in dict.fromkeys(name for record in batch for name in record.unreadable if name != "id"):
            words = [record.unreadable.get(name) for record in batch]
            columns[field_column(name) + UNREADABLE] = pl.Series(words, dtype=pl.String)
        batches.append(pl.DataFrame(columns))
    if not batches:
        batches = [pl.DataFrame({field_column(known.name): _series(pl, [], known, aware) for known in fields})]
    whole = pl.concat(list(_with_one_scale(pl, batches)), how="diagonal")
    moments = [pl.col(_column(name)).dt.replace_time_zone("UTC") for name in sorted(aware)]
    return whole.with_columns(*moments).lazy()


def _column(name: str) -> str:
    own = name.removeprefix("attributes.")
    return own if own != name else field_column(name)


def _values(batch: list[Any], known: FieldType) -> list[Any]:
    return [getattr(record, known.name) for record in batch]


def _series(pl: Any, values: list[Any], known: FieldType, aware: set[str]) -> Any:
    if known.kind == "money":
        digits = max((-int(value.as_tuple().exponent) for value in values if value is not None), default=0)
        digits = min(max(digits, 2), _DIGITS)
        return _numbers(pl, values, pl.Decimal(_DIGITS, digits), 10 ** (_DIGITS - digits))
    if known.kind == "integer":
        return _numbers(pl, values, *((pl.Int64, _LONG) if _fit(values, _LONG) else (pl.Int128, _LONGEST)))
    if known.kind == "timestamp":
        if any(value is not None and value.tzinfo is not None for value in values):
            aware.add(known.name)  # records keep exact times in UTC
            values = [None if value is None else value.replace(tzinfo=None) for value in values]
        return pl.Series(values, dtype=pl.Datetime("us"))
    types = {"number": pl.Float64, "date": pl.Date, "flag": pl.Boolean}
    return pl.Series(values, dtype=types.get(known.kind, pl.String))


def _numbers(pl: Any, values: list[Any], dtype: Any, end: int) -> Any:
    """Numbers below `end` as they are; with larger ones the nearest floats, which sums refuse."""
    if _fit(values, end):
        return pl.Series(values, dtype=dtype)
    return pl.Series([None if value is None else float(Decimal(value)) for value in values], dtype=pl.Float64)


def _fit(values: list[Any], end: int) -> bool:
    return all(value is None or -end < value < end for value in values)


def _with_one_scale(pl: Any, batches: list[Any]) -> Iterator[Any]:
    """The batches with numbers of one type: all amounts have the largest scale."""
    found: dict[str, list[Any]] = {}
    for batch in batches:
        for name, dtype in batch.schema.items():
            if dtype.is_numeric():
                found.setdefault(name, []).append(dtype)
    casts = [pl.col(name).cast(_widest(pl, dtypes)) for name, dtypes in found.items() if len(set(dtypes)) > 1]
    for batch in batches:
        yield batch.with_columns(*(cast for cast in casts if cast.meta.output_name() in batch.columns))


def _widest(pl: Any, dtypes: list[Any]) -> Any:
    if pl.Float64 in dtypes:
        return pl.Float64
    scales = [dtype.scale for dtype in dtypes if isinstance(dtype, pl.Decimal)]
    return pl.Decimal(_DIGITS, max(scales)) if scales else pl.Int128
