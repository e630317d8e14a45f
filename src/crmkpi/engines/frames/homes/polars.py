"""Polars: the home of all frames in memory. pandas and PyArrow frames become its columns when they are read."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.util import find_spec

import polars as pl

from crmkpi.engines.frames.convert import Converted
from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, ColumnType, Entering, Facts, Kept, raw_name, word_name
from crmkpi.engines.frames.words import Cell, Columns, Row, WordsOf
from crmkpi.records.base import Kind

__all__ = ["PolarsHome"]

_WIDE = ("UInt64", "Int128", "UInt128")
_LARGEST = 2**126
_SECONDS = {"ms": (62_135_596_800_000, 253_402_300_800_000, 1_000)}  # to year 1, to the end of year 9999, microseconds


Lent = pl.DataFrame | pl.LazyFrame | Converted


class PolarsHome:
    """Polars frames, and `Converted` frames of other libraries."""

    @property
    def words(self) -> WordsOf[pl.Expr]:
        """The module `polars`."""
        return pl  # pyrefly: ignore  # the words of a module are attributes

    def lent(self, frame: object) -> Lent:
        """A frame as the home stores it."""
        if isinstance(frame, Converted | pl.DataFrame | pl.LazyFrame):
            return frame
        return Converted(frame, pandas=type(frame).__module__.partition(".")[0] == "pandas")

    def rows(self, frame: Lent) -> int | None:
        """The number of rows; None if a query is needed to count them."""
        return len(frame) if isinstance(frame, Converted | pl.DataFrame) else None

    def anew(self, frame: Lent) -> Lent:
        """A frame whose rows have changed, without cached columns."""
        return frame.anew() if isinstance(frame, Converted) else frame

    def names(self, frame: Lent) -> list[str]:
        """The names of the columns."""
        return frame.names if isinstance(frame, Converted) else frame.collect_schema().names()

    def type_of(self, frame: Lent, name: str, kind: Kind) -> ColumnType:
        """The type of a column that holds a field of this kind."""
        if isinstance(frame, Converted):
            return self._type(frame.column(name, kind).dtype)
        return self._type(frame.collect_schema()[name])

    def usual_type(self, frame: Lent, name: str, kind: Kind) -> ColumnType:
        """The type in the schema."""
        return self.type_of(frame, name, kind)

    def facts(self, frame: Lent, names: Sequence[str]) -> Mapping[str, Facts]:  # noqa: ARG002  # there are none
        """No facts, since a profile of a frame in memory is fast."""
        return {}

    def _type(self, dtype: pl.DataType) -> ColumnType:
        shown = str(dtype)
        if dtype.is_integer():
            return ColumnType("whole", shown, wide=shown in _WIDE)
        if dtype.is_float():
            return ColumnType("float", shown)
        if isinstance(dtype, pl.Decimal):
            return ColumnType("decimal", shown, digits=dtype.scale, wide=True)
        if dtype in (pl.String, pl.Categorical, pl.Enum):
            return ColumnType("text", shown)
        if dtype == pl.Boolean:
            return ColumnType("flag", shown)
        if isinstance(dtype, pl.Datetime):
            return ColumnType("timestamp", shown, aware=dtype.time_zone is not None)
        if dtype == pl.Date:
            return ColumnType("date", shown)
        return ColumnType("nothing" if dtype == pl.Null else "other", shown)

    def enter(
        self, frame: Lent, columns: Entering, worded: Collection[str] = ()
    ) -> tuple[pl.LazyFrame, dict[str, str]]:
        """The columns as plain values in 64 bits or more, and the time zones of kept original timestamps."""
        if isinstance(frame, Converted):
            whole = pl.LazyFrame(
                [frame.column(column, kind).alias(name) for name, (column, kind, _) in columns.items()]
            )
            columns = {name: (name, kind, type_) for name, (_, kind, type_) in columns.items()}
        else:
            whole = frame.lazy()
        schema = whole.collect_schema()
        made, raws = [], {}
        for name, (column, kind, type_) in columns.items():
            dtype = schema[column]
            if isinstance(dtype, pl.Datetime) and kind != "date" and dtype.time_unit == "us":
                made.append(pl.col(column).alias(raw_name(name)))  # a filter on it is pushed down into the scan
                raws[raw_name(name)] = dtype.time_zone or ""
            made.append(self._plain(pl.col(column), kind, type_, dtype).alias(name))
            if name in worded:
                made.append(self._plain(pl.col(column), "text", type_, dtype).alias(word_name(name)))
        return whole.select(*made), raws

    def _plain(self, source: pl.Expr, kind: Kind, type_: ColumnType, dtype: pl.DataType) -> pl.Expr:
        if kind in ("text", "choice"):
            return source if dtype == pl.String else source.cast(pl.String)
        match type_.what:
            case "whole":
                if str(dtype) == "UInt128":  # any number at or above the cap is rejected as too large later
                    most = pl.lit(_LARGEST, dtype=dtype)
                    source = pl.when(source > most).then(most).otherwise(source)
                return source if dtype == pl.Int64 else source.cast(pl.Int128 if type_.wide else pl.Int64)
            case "decimal":
                return source.to_physical()
            case "float":
                return source if dtype == pl.Float64 else source.cast(pl.Float64)
            case "text":
                return source if dtype == pl.String else source.cast(pl.String)
            case "date":
                days = source.to_physical().cast(pl.Int64)
                return days * pl.lit(DAY) if kind == "timestamp" else days
            case "timestamp":
                micros = source.to_physical()
                unit = dtype.time_unit if isinstance(dtype, pl.Datetime) else "us"
                if unit == "ns":
                    micros = micros // pl.lit(1_000)
                elif unit == "ms":
                    first, end, factor = _SECONDS["ms"]
                    inside = (micros >= pl.lit(-first)) & (micros < pl.lit(end))
                    known = pl.when(inside).then(micros * pl.lit(factor))
                    micros = known.when(~micros.is_null()).then(pl.lit(TOO_LATE))
                return micros // pl.lit(DAY) if kind == "date" else micros
            case _:
                return source

    def opened(self, frame: Lent, names: Sequence[str]) -> pl.LazyFrame:
        """Some columns without conversion, for expressions of `words`."""
        return frame.lazy(dict.fromkeys(names, "attributes")) if isinstance(frame, Converted) else frame.lazy()

    def extended(self, frame: Lent, added: Sequence[pl.Expr], kept: pl.Expr | None, over: Sequence[str]) -> Lent:
        """The frame with the `added` columns, and only the rows where `kept` is true."""
        if isinstance(frame, Converted):
            return frame.extended(added, kept, over)
        made = frame.lazy().with_columns(*added) if added else frame
        return made if kept is None else made.lazy().filter(kept)

    def asked(self, frame: pl.LazyFrame, kept: Kept) -> pl.LazyFrame:  # noqa: ARG002  # planning a query again is fast
        """The frame itself."""
        return frame

    def leave(self, frame: pl.LazyFrame) -> list[Row]:
        """The rows of a small result."""
        return frame.collect().rows()

    def columns(self, frame: pl.LazyFrame) -> Columns:
        """A result of one row per customer as columns, numbers as arrays where NumPy is installed."""
        found = frame.collect()
        arrays = find_spec("numpy") is not None
        return {
            column.name: column.to_numpy() if arrays and column.dtype.is_numeric() else column.to_list()
            for column in found
        }

    def count(self, frame: Lent) -> int:
        """The number of rows."""
        if isinstance(frame, Converted):
            return len(frame)
        return int(frame.lazy().select(pl.len()).collect().item())

    def first_by(self, value: str, order: str) -> pl.Expr:
        """The value of the first row of a group, by `order`."""
        return pl.col(value).sort_by(order, nulls_last=True).first()

    def records(self, frame: Lent, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values."""
        whole = frame.lazy(columns) if isinstance(frame, Converted) else frame.lazy()
        yield from whole.select(*columns).collect().iter_rows(named=True)

    def beside(self, frame: pl.LazyFrame, columns: Mapping[str, Sequence[int]]) -> pl.LazyFrame:  # noqa: ARG002  # all frames are in memory
        """A small table of integers."""
        return pl.LazyFrame(dict(columns), schema=dict.fromkeys(columns, pl.Int64))

    def moment(self, micros: int, zone: str) -> pl.Expr:
        """A constant to compare with a timestamp's original column, which has this time zone."""
        return pl.lit(micros).cast(pl.Datetime("us", zone or None))

    def month(self, raw: pl.Expr) -> pl.Expr:
        """The month of a timestamp's original column on the wall clock, counted from the year 0."""
        return raw.dt.year().cast(pl.Int64) * 12 + raw.dt.month()

    def steps(self, column: pl.Expr, edges: Sequence[pl.Expr | float], values: Sequence[int]) -> pl.Expr:
        """A step function of a number, by binary search."""
        if not edges:
            return pl.lit(values[0])
        numbers = [edge for edge in edges if not isinstance(edge, pl.Expr)]
        assert len(numbers) == len(edges), "moments are compared as numbers here"
        kind = pl.Float64 if any(isinstance(edge, float) for edge in numbers) else pl.Int64
        reached = pl.lit(pl.Series(numbers, dtype=kind)).search_sorted(column, side="right")
        return pl.lit(pl.Series(values, dtype=pl.Int64)).gather(reached)

    def looked_up(self, column: pl.Expr, first: int, size: int, reached: Sequence[int]) -> pl.Expr:
        """A step function by lookup of the time bucket."""
        return pl.lit(pl.Series(reached, dtype=pl.Int32)).gather((column - first) // size)

    def listed(self, value: str) -> pl.Expr:
        """The values of a group as a sorted list, without NULL."""
        return pl.col(value).drop_nulls().sort()

    def gathered(self, value: str) -> pl.Expr:
        """The values of a group as a list, without NULL."""
        return pl.col(value).drop_nulls()

    def slice_of(self, value: str, fraction: float, spread: float) -> tuple[pl.Expr, pl.Expr]:
        """Never called, since a `grouped` frame has all sorted values of each group."""
        raise NotImplementedError

    def grouped(
        self, frame: pl.LazyFrame, keys: Sequence[str], aggregations: Sequence[pl.Expr], values: Sequence[str]
    ) -> pl.LazyFrame:
        """A grouped frame, collected, with the aggregations and the sorted values of each group."""
        lists = [pl.col(value).sort(nulls_last=True) for value in values]
        made = (
            frame.group_by(*keys).agg(*aggregations, *lists)
            if keys
            else frame.select(*aggregations, *(column.implode() for column in lists))
        )
        return made.collect().lazy()

    def sorted_values(self, frame: pl.LazyFrame, keys: Sequence[str], value: str) -> list[tuple[Row, Sequence[Cell]]]:
        """The sorted values of each group, without NULL."""
        column = self.listed(value)
        lazy = frame.select(*keys, value)
        found = (lazy.group_by(*keys).agg(column) if keys else lazy.select(column.implode())).collect()
        return [(row[:-1], row[-1]) for row in found.rows()]

    def ranks(
        self, frame: pl.LazyFrame, keys: Sequence[str], value: str, counted: str, places: Mapping[int, Sequence[int]]
    ) -> list[tuple[Row, Sequence[Cell]]]:
        """The values of each group of a `grouped` frame at some positions of its sorted values."""
        size = len(keys)
        most = max(map(len, places.values()))
        wanted = {count: [*found, *[found[-1]] * (most - len(found))] for count, found in places.items()}
        at = pl.Series("at", list(wanted.values()), dtype=pl.List(pl.UInt32))
        counts = pl.LazyFrame([at, pl.Series(counted, list(wanted), dtype=pl.UInt32)])
        chosen = frame.with_columns(pl.col(counted).cast(pl.UInt32)).join(counts, on=counted)
        found = chosen.select(*keys, pl.col(value).list.gather(pl.col("at"))).collect()
        return [(row[:size], row[size]) for row in found.rows()]
