"""Records as Polars frames of typed columns, in batches, so that no more than one batch is there as records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from typing import Any

from crmkpi.records.base import FieldType, RecordType
from crmkpi.sources.frames.csv_text import field_column

__all__ = ["UNREADABLE", "frame_of_records"]

_BATCH = 20_000
UNREADABLE = " unreadable"  # ends the names of columns that say what could not be read


def frame_of_records(records: Iterable[Any], kind: RecordType, typed: Sequence[FieldType] = ()) -> Any:
    """A lazy frame with a column for each field and each attribute; `typed` are attributes that are no text.

    A field that could not be read in some record has a second column, which says of these records what stands there.
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
        return pl.Series(values, dtype=pl.Decimal(38, min(max(digits, 2), 38)))
    if known.kind == "timestamp":
        if any(value is not None and value.tzinfo is not None for value in values):
            aware.add(known.name)  # records keep exact times in UTC
            values = [None if value is None else value.replace(tzinfo=None) for value in values]
        return pl.Series(values, dtype=pl.Datetime("us"))
    types = {"number": pl.Float64, "integer": pl.Int64, "date": pl.Date, "flag": pl.Boolean}
    return pl.Series(values, dtype=types.get(known.kind, pl.String))


def _with_one_scale(pl: Any, batches: list[Any]) -> Iterator[Any]:
    """The batches with amounts of as many decimals as the one that has most."""
    scales: dict[str, int] = {}
    for batch in batches:
        for name, dtype in batch.schema.items():
            if isinstance(dtype, pl.Decimal):
                scales[name] = max(scales.get(name, 0), dtype.scale)
    casts = [pl.col(name).cast(pl.Decimal(38, scale)) for name, scale in scales.items()]
    for batch in batches:
        yield batch.with_columns(*casts)
