"""The door of the frames engine: a frame is held against its record, and its columns become plain numbers.

Money becomes whole numbers of its smallest digit, timestamps whole microseconds, dates whole days; text, flags and
other numbers stay what they are. One look over the columns that a query reads says how large the numbers are, whether
amounts kept as floats are decimals without doubt, and which rows the record would refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from crmkpi.engines.frames.backends import Backend, at_home, backend_of, check_versions, narwhals, words
from crmkpi.engines.frames.local_time import to_utc
from crmkpi.engines.frames.native import entered, filled, untyped, with_usual_types
from crmkpi.engines.frames.profile import Prepared, inside, looked_over, with_usual_scales
from crmkpi.errors import ColumnError, InputError, UnknownNameError, did_you_mean
from crmkpi.records import Survey
from crmkpi.records.base import FieldType, Kind, RecordType, record_type
from crmkpi.sources.account import Rejected
from crmkpi.sources.dates import zone_named
from crmkpi.sources.frames.presets import by_preset, skipped_rows
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import options_from
from crmkpi.sources.rows import record_of

__all__ = ["FrameTable", "table"]

_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "text": "text",
        "choice": "text",
        "number": "numbers",
        "integer": "whole numbers",
        "money": "decimal or floating-point numbers",
        "timestamp": "timestamps",
        "date": "dates",
        "flag": "true or false",
    }
)


class FrameTable:
    """A frame as a table of records; made by `crmkpi.table`, or by a `Dataset` for a frame as it stands."""

    __slots__ = (
        "_found",
        "_known",
        "_skipped",
        "_skipped_rows",
        "_untyped",
        "_zone",
        "backend",
        "columns",
        "frame",
        "kept",
        "reckoned",
        "rejected",
        "type_",
        "tz",
        "values",
    )

    def __init__(
        self,
        frame: Any,
        *,
        type_: RecordType,
        columns: Mapping[str, str] | None = None,
        values: Mapping[str, Mapping[Any, Any]] | None = None,
        tz: str | ZoneInfo | None = None,
        skipped: Any = None,
        rejected: tuple[Rejected, ...] = (),
        reckoned: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        backend = backend_of(frame)
        if backend is None:
            raise InputError(
                f"table() takes a pandas, Polars, PyArrow, DuckDB or Spark frame; got {type(frame).__name__}. "
                "Lists of records are given as they are."
            )
        check_versions(backend)
        self.backend = backend
        self.rejected = rejected
        self.reckoned = reckoned  # fields that a preset reckons from other cells, which is not done in frames
        counted = isinstance(skipped, dict)
        self._skipped_rows = None if counted else skipped  # a frame of the reasons of rows that are no records
        self._skipped: Mapping[str, int] | None = MappingProxyType(skipped) if counted else None
        native = frame.to_native() if hasattr(frame, "to_native") else frame
        self.frame = with_usual_types(native) if backend.name == "pyarrow" else native
        self.type_ = type_
        self._zone = None if tz is None else zone_named(tz)
        self.tz = None if self._zone is None else self._zone.key
        said: Any = {} if values is None else values
        if not isinstance(said, Mapping) or not all(isinstance(words, Mapping) for words in said.values()):
            raise ColumnError(
                "values= maps fields to what their words mean, such as {'status': {'Closed Won': 'won'}}; got "
                f"{values!r}."
            )
        self.values = {name: dict(words) for name, words in said.items()}
        for name in self.values:
            type_.field(name)
        self._found = self._schema()
        self._untyped = untyped(backend, self.frame)
        self.columns = self._mapped(columns or {})
        self._known: dict[Any, Prepared] = {}
        self.kept: dict[str, Any] = {}  # what the engine found out once

    def __repr__(self) -> str:
        without = ", without the rows in .skipped" if self._skipped_rows is not None else ""
        if self._skipped is not None:
            without = "".join(f", {count:,} skipped: {reason}" for reason, count in self._skipped.items())
        return f"<{self.type_.table} in a {self.backend.name} frame of {len(self._found)} columns{without}>"

    @property
    def skipped(self) -> Mapping[str, int]:
        """How many rows the preset leaves out because they are no records, by reason; counted when first asked for.

        The same as `account.skipped` of records that were read from a file.
        """
        if self._skipped is None:
            found: dict[str, int] = {}
            if self._skipped_rows is not None:
                with at_home(self.backend, self.type_.table):
                    found = skipped_rows(self.backend, self._skipped_rows)
            self._skipped = MappingProxyType(found)
        return self._skipped

    def _schema(self) -> Mapping[str, Any]:
        """The frame's columns and their types."""
        with at_home(self.backend, self.type_.table):
            if self.backend.name == "pandas":
                names = [str(name) for name in self.frame.columns]
            elif self.backend.name == "pyarrow":
                names = list(self.frame.column_names)
            elif self.backend.name == "polars":
                names = self.frame.collect_schema().names()
            else:
                names = list(self.frame.columns)
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ColumnError(
                f"The {self.backend.name} frame for {self.type_.table} has two columns {twice!r}; rename one."
            )
        nw = narwhals(self.backend)
        schema = dict(nw.from_native(self.frame).collect_schema())
        if self.backend.name == "pandas":  # narwhals does not know zones whose names have an underscore
            for name, dtype in self.frame.dtypes.items():
                zone = getattr(getattr(dtype, "pyarrow_dtype", dtype), "tz", None)
                if zone is not None:
                    schema[name] = nw.Datetime("us", str(zone))
        return MappingProxyType(schema)

    def _mapped(self, given: Mapping[str, str]) -> Mapping[str, str]:
        """Which column holds which field; a field that no column holds has no values."""
        if not isinstance(given, Mapping):
            raise ColumnError(f"columns= maps fields to columns, such as {{'id': 'its column'}}; got {given!r}.")
        for name, column in given.items():
            if name in self._found and column in self.type_.fields and name not in self.type_.fields:
                raise UnknownNameError(
                    f"{self.type_.model.__name__} has no field {name!r}, but the frame has such a column: the field "
                    f"comes first, columns={{{column!r}: {name!r}}}."
                )
            self.type_.field(name)
            if column not in self._found:
                raise ColumnError(f"The frame has no column {column!r} for {name}. {did_you_mean(column, self._found)}")
        taken = set(given.values())
        own = {
            name: name for name in self.type_.fields if name in self._found and name not in taken and name not in given
        }
        found = {**own, **given}
        if not found:
            raise ColumnError(
                f"The frame has none of the columns of {self.type_.model.__name__}; it has "
                f"{', '.join(list(self._found)[:12]) or 'none'}. Say which is which: "
                f"crmkpi.table(frame, record=crmkpi.{self.type_.model.__name__}, columns={{'field': 'column'}})."
            )
        for name, known in self.type_.fields.items():
            if known.required and name not in found:
                free = [column for column in self._found if column not in found.values()]
                raise ColumnError(
                    f"{self.type_.model.__name__} needs the column {name!r}, which the frame lacks. "
                    f"{did_you_mean(name, free)} Say which it is: crmkpi.table(frame, "
                    f"record=crmkpi.{self.type_.model.__name__}, columns={{{name!r}: ...}})."
                )
        return MappingProxyType(found)

    def prepared(self, names: Iterable[str], exact: frozenset[str] = frozenset()) -> Prepared:
        """The frame with only the fields of these names, as plain columns; `exact` are numbers to be added up."""
        wanted = tuple(dict.fromkeys(names))
        if self.type_.model is Survey:
            wanted = tuple(dict.fromkeys((*wanted, *_beside_score(wanted))))
        key = (frozenset(wanted), exact)
        if key not in self._known:
            self._known[key] = self._prepare(wanted, exact)
        return self._known[key]

    def _prepare(self, wanted: tuple[str, ...], exact: frozenset[str]) -> Prepared:
        nw = words(self.backend)
        present: dict[str, tuple[str, Kind]] = {}
        absent: list[str] = []
        for name in wanted:
            column = self._column_of(name)
            if column is None or column in self._untyped:
                absent.append(name)
            else:
                present[name] = (column, self._checked(name, column))
        if not present:  # something must be read to know how many rows there are
            present["id"] = (self.columns["id"], self._checked("id", self.columns["id"]))
        frame, digits = entered(self.backend, self.frame, {inside(name): pair for name, pair in present.items()})
        if translated := self._translated(nw, present):
            frame = frame.with_columns(*translated)
        if absent:
            frame = filled(nw, self.backend, frame, {inside(name): self._said(name) for name in absent})
        aware = {name: self._is_aware(column) for name, (column, kind) in present.items() if kind == "timestamp"}
        if self.type_.model is Survey and "scale_low" in wanted:
            frame = with_usual_scales(nw, frame)
        made = looked_over(self.backend, self.type_, frame, [*present, *absent], digits, aware, exact)
        made = replace(made, rejected=made.rejected + len(self.rejected))
        return made if self._zone is None else to_utc(made, self._zone)

    @property
    def attributes(self) -> frozenset[str]:
        """The custom attributes: the columns that are no fields."""
        return frozenset(self._found) - frozenset(self.columns.values())

    def _column_of(self, name: str) -> str | None:
        if name.startswith("attributes."):
            own = name.partition(".")[2]
            return own if own in self.attributes else None
        if name in self.reckoned:
            raise ColumnError(
                f"The preset reckons {name!r} from the column {self.reckoned[name]!r}, which is not done in frames; "
                f"read the CSV file with scan() or read_csv(), or give a column of your own with "
                f"columns={{{name!r}: ...}}."
            )
        column = self.columns.get(name)
        if column is None:
            alike = {_plain(found): found for found in self._found if found not in self.columns.values()}
            if _plain(name) in alike:
                raise ColumnError(
                    f"{self.type_.model.__name__} has {name!r} and the frame has {alike[_plain(name)]!r}, which may be "
                    f"the same; say so with columns={{{name!r}: {alike[_plain(name)]!r}}}, or rename it."
                )
        return column

    def _checked(self, name: str, column: str) -> Kind:
        """The kind of the field, if the column's type can hold it."""
        dtype = self._found[column]
        if dtype.is_nested() or str(dtype) == "Binary":
            raise ColumnError(
                f"The column {column!r} must hold one plain value in each row; got {dtype}. Take one out."
            )
        if name.startswith("attributes."):
            return "attributes"
        known = self.type_.fields[name]
        is_object = self._is_object(column)
        # Of objects only the first few are looked at for their type; the door looks at all numbers.
        if is_object and (known.kind in ("money", "number", "integer") or self.frame[column].isna().all()):
            return known.kind
        wrong = _wrong_type(known, dtype, self.backend)
        if wrong:
            raise ColumnError(
                f"The column {column!r} must hold {known.name} as {_WORDS[known.kind]}; got {dtype}. {wrong}"
            )
        return known.kind

    def _is_object(self, column: str) -> bool:
        return self.backend.name == "pandas" and bool(self.frame[column].dtype == object)

    def _is_aware(self, column: str) -> bool:
        if self._is_object(column):
            return any(getattr(moment, "tzinfo", None) for moment in self.frame[column].dropna().head(1))
        return getattr(self._found[column], "time_zone", None) is not None

    def _said(self, name: str) -> tuple[Any, Kind]:
        """What a record has in a field that no column holds, and its kind; a column of nothing has no values."""
        if name.startswith("attributes."):
            return None, "text"
        field = self.type_.model.__pydantic_fields__[name]
        said = None if field.is_required() or name in self.columns else field.get_default(call_default_factory=True)
        return said, self.type_.fields[name].kind

    def _translated(self, nw: Any, present: Mapping[str, tuple[str, Kind]]) -> list[Any]:
        """The columns whose values go by other names in the source."""
        made = []
        for name, mapping in self.values.items():
            if name in present:
                source = nw.col(inside(name))
                for raw, meant in mapping.items():
                    source = nw.when(nw.col(inside(name)) == nw.lit(raw)).then(nw.lit(meant)).otherwise(source)
                made.append(source.alias(inside(name)))
        return made


def table(
    frame: Any,
    /,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    columns: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    tz: str | ZoneInfo | None = None,
) -> FrameTable:
    """A frame as a table of a `Dataset`: which column holds which field, and what its values are called.

    `columns` maps a field to the frame's column; fields that are columns already need no mention, and fields that no
    column holds have no values. Columns that are no fields are custom attributes. `values` maps, for a field, a value
    of the frame to one of the record. `tz` is the time zone of timestamps that carry none; without it they are
    wall-clock times of the calendar that is measured with. Nothing is read before something is measured.

    `preset` is one of `crmkpi.presets`, or your own: it knows the columns, words and units of a system's export, and
    the record. Rows that it leaves out as no records, such as total rows, are counted in `.skipped` by reason, as they
    are in the account of a file; a row is known by how it starts only where the first column holds text. Columns must
    have their types already; what has to be reckoned, such as a moment from a duration, an amount from cents or the
    first of several values, is filled by `scan` and `read_csv` alone, and a KPI that reads it is an error here.

    >>> import polars as pl
    >>> from crmkpi import Deal, win_rate
    >>> from crmkpi.engines.frames.table import table
    >>> frame = pl.DataFrame({"Id": ["1", "2"], "Stage": ["Closed Won", "Closed Lost"]})
    >>> deals = table(frame, record=Deal, columns={"id": "Id", "status": "Stage"},
    ...               values={"status": {"Closed Won": "won", "Closed Lost": "lost"}})
    >>> win_rate(deals).value
    0.5
    """
    asked = options_from(preset, {})
    type_ = record_type(record_of(record, asked))
    backend = backend_of(frame)
    skipped = None
    reckoned: dict[str, str] = {}
    if asked.preset is not None and backend is not None:
        with at_home(backend, type_.table):
            frame, found, skipped, reckoned = by_preset(backend, frame, type_, asked.preset, columns or {})
        columns = {**found, **(columns or {})}
    return FrameTable(frame, type_=type_, columns=columns, values=values, tz=tz, skipped=skipped, reckoned=reckoned)


def _plain(name: str) -> str:
    """A name without what people write differently: case, blanks, underscores."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _wrong_type(known: FieldType, dtype: Any, backend: Backend) -> str:
    """Why a column of this type cannot hold the field, and the way out; nothing where it can."""
    if known.kind in ("timestamp", "date"):
        if dtype.is_temporal() and str(dtype) != "Time" and not str(dtype).startswith("Duration"):
            return ""
        if str(dtype) == "Object" and backend.name == "pandas":  # dates, or a mixture that pandas will refuse
            return ""
        return _PARSE[backend.name]
    if known.kind in ("money", "number", "integer"):
        right = dtype.is_numeric() or dtype.is_decimal() or (str(dtype) == "Object" and backend.name == "pandas")
        return "" if right else "Convert it with a cast; text such as '1.200,50' is read by crmkpi.read_csv."
    if known.kind == "flag":
        right = str(dtype) == "Boolean" or (str(dtype) == "Object" and backend.name == "pandas")
        return "" if right else "Compare it with the word for yes, such as column == 'yes', before it is measured."
    if str(dtype).startswith("Float") and backend.name != "pandas":
        return "Cast it to whole numbers or text, so that 7.0 and '7' are not two."
    return ""


_PARSE: Mapping[str, str] = MappingProxyType(
    {
        "polars": "Parse it: pl.col(...).str.to_datetime('%Y-%m-%d %H:%M:%S').",
        "pandas": "Parse it: pandas.to_datetime(frame[...], format='ISO8601').",
        "pyarrow": "Parse it: pyarrow.compute.strptime(column, format='%Y-%m-%d %H:%M:%S', unit='us').",
        "duckdb": "Parse it: strptime(column, '%Y-%m-%d %H:%M:%S').",
        "pyspark": "Parse it: functions.to_timestamp(column, 'yyyy-MM-dd HH:mm:ss').",
    }
)


def _beside_score(wanted: Iterable[str]) -> tuple[str, ...]:
    """A score is held against its scale, and without one against the usual scale of its kind."""
    names = set(wanted)
    return ("kind", "scale_low", "scale_high", "score") if names & {"score", "scale_low", "scale_high"} else ()
