"""Validate a frame against its record class and normalise its columns to integers.

Money becomes integers of its smallest decimal place, timestamps microseconds, dates days; text, flags and other numbers
keep their types. The columns that a query reads are profiled. Only if the profile finds unreadable values, a second
pass over the frame adds a flag column for each field that has some.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Self, cast
from zoneinfo import ZoneInfo

from crmkpi.engines.frames.assumptions import assumed
from crmkpi.engines.frames.backends import Backend, at_home, backend_of, check_versions
from crmkpi.engines.frames.faults import Entry, inside, wrong_type
from crmkpi.engines.frames.homes.home import NUMBERS, ColumnType, Physical, word_name
from crmkpi.engines.frames.local_time import day_after, from_micros, to_utc, with_clocks
from crmkpi.engines.frames.mapping import folded_name, mapped, spelt, translated
from crmkpi.engines.frames.profile import Prepared, profiled
from crmkpi.engines.frames.unreadable import set_aside, with_usual_scales
from crmkpi.engines.frames.words import Expr, Frame, Scalar, Words, with_named
from crmkpi.engines.query import Value
from crmkpi.errors import ColumnError, InputError
from crmkpi.records.base import Kind, RecordType

if TYPE_CHECKING:
    from crmkpi.engines.frames.homes.database import DatabaseTable
    from crmkpi.engines.frames.homes.sessions import Session

__all__ = ["FrameTable", "taken"]

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
_TEXTS: Mapping[str, str] = MappingProxyType(
    {"number": "Float64", "flag": "Boolean", "text": "String", "choice": "String"}
)
_ABSENT: Mapping[str, Physical] = MappingProxyType(
    {"number": "float", "flag": "flag", "text": "text", "choice": "text"}
)
_SCORE = ("scale_low", "scale_high", "score")


class FrameTable:
    """A frame as a table of records; `crmkpi.table` creates it, and a `Dataset` does for a frame without options.

    A reader that has parsed the frame passes its `rejected` rows, and those it `skipped` because they are not records:
    their number by reason, or a frame with a column of reasons. `computed` fields are computed by a preset from other
    cells, which frames do not support; `constant` fields have one value, which a preset defines. `unread` maps fields
    to the column with their unreadable texts. `searched` says that ids are known to be unique, `numbered` that some ids
    are only line numbers.
    """

    def __init__(
        self,
        frame: object,
        *,
        type_: RecordType,
        backend: Backend | None = None,
        columns: Mapping[str, object] | None = None,
        values: Mapping[str, Mapping[Value, Value]] | None = None,
        zone: ZoneInfo | None = None,
        skipped: Mapping[str, int] | Frame | None = None,
        rejected: Sequence[Value] = (),
        computed: Mapping[str, str] = MappingProxyType({}),
        inclusive: Collection[str] = (),
        unfilled: Collection[str] | None = None,
        unread: Mapping[str, str] = MappingProxyType({}),
        constant: Collection[str] = (),
        searched: bool = False,
        numbered: bool = False,
    ) -> None:
        """`backend` is given if the frame is validated already; `inclusive` fields are ends that mean the whole day."""
        self.backend = taken(frame) if backend is None else backend
        self.rejected = tuple(rejected)
        self.computed = computed
        self.inclusive = inclusive
        self.unread = unread
        self.constant = constant
        self.searched = searched
        self.numbered = numbered
        self._skipped_rows = None if isinstance(skipped, Mapping) else skipped
        self._skipped = MappingProxyType(dict(skipped)) if isinstance(skipped, Mapping) else None
        self.type_ = type_
        self.zone = zone
        self.tz = None if zone is None else zone.key
        said: object = {} if values is None else values
        if not isinstance(said, Mapping) or not all(isinstance(words, Mapping) for words in said.values()):
            raise ColumnError(
                "values= maps fields to the meanings of their words, such as {'status': {'Closed Won': 'won'}}; got "
                f"{values!r}."
            )
        self.values = {name: dict(words) for name, words in said.items()}
        for name in self.values:
            type_.field(name)
        native = frame.to_native() if backend is None and hasattr(frame, "to_native") else frame
        with at_home(self.backend, type_.table):
            self.frame = self.backend.home.lent(native)
            self._names = tuple(self.backend.home.names(self.frame))
        twice = next((name for name in self._names if self._names.count(name) > 1), None)
        if twice is not None:
            raise ColumnError(f"The {self.backend.name} frame for {type_.table} has two columns {twice!r}; rename one.")
        self._types: dict[tuple[str, str, bool], ColumnType] = {}
        self.columns = mapped(columns or {}, self._names, type_)
        lacking = [name for name in type_.may_be_absent if name not in self.columns]
        self.unfilled = frozenset(lacking if unfilled is None else unfilled) - {*computed}
        self.currency: str | None = None  # from the name of a column of amounts
        self._known: dict[Hashable, Prepared] = {}
        self._assuming = False
        self._assumed: dict[Hashable, tuple[object, Prepared | None]] = {}
        # Tables `within` a snapshot share these two sets.
        self.unlike: set[Hashable] = set()  # keys of columns that break an assumption; None: timestamps later than now
        self._unreadable: set[str] = set()
        self._rows: int | None = None
        self.kept: dict[str, Value] = {}  # the engine's cache of answers

    def within(self, session: Session) -> Self:
        """The table within a snapshot of its database, without cached profiles and answers."""
        made = copy(self)
        made.frame = cast("DatabaseTable", self.frame).within(session)
        made._names = tuple(self.backend.home.names(made.frame))  # noqa: SLF001  # of its own class
        for column in self.columns.values():
            if column not in made._names:  # noqa: SLF001  # of its own class
                raise ColumnError(f"{made.frame!r} has no column {column!r} any more; make its table() again.")
        made._types, made._known, made._assumed, made.kept = {}, {}, {}, {}  # noqa: SLF001  # of its own class
        return made

    def __repr__(self) -> str:
        without = ", without the rows in .skipped" if self._skipped_rows is not None else ""
        if self._skipped is not None:
            without = "".join(f", {count:,} skipped: {reason}" for reason, count in self._skipped.items())
        return f"<{self.type_.table} in a {self.backend.name} frame of {len(self._names)} columns{without}>"

    @property
    def skipped(self) -> Mapping[str, int]:
        """The number of rows that the preset leaves out because they are not records, by reason; counted on first use.

        Equal to `account.skipped` of records read from a file.
        """
        if self._skipped is None:
            found: dict[str, int] = {}
            if self._skipped_rows is not None:
                nw = self.backend.home.words
                with at_home(self.backend, self.type_.table):
                    counted = self._skipped_rows.group_by("reason").agg(nw.len().alias("rows"))
                    found = {reason: int(count) for reason, count in sorted(self.backend.home.leave(counted))}
            self._skipped = MappingProxyType(found)
        return self._skipped

    def prepared(
        self, names: Iterable[str], exact: frozenset[str] = frozenset(), clock: ZoneInfo | None = None
    ) -> Prepared:
        """The frame with the plain columns of these fields only, profiled.

        `exact` are numbers to be added up, and timestamps that need a twin: wall-clock times as instants of the zone
        `clock`, or instants as its wall-clock times.
        """
        wanted = self._wanted(names)
        rows = self.backend.home.rows(self.frame)
        if rows != self._rows:  # rows were added or removed since the profile
            self._known.clear()
            if self._rows is not None:
                self._types.clear()
                self.frame = self.backend.home.anew(self.frame)
            self._rows = rows
        key = (frozenset(wanted), exact, clock)
        if key not in self._known:
            made = self._prepare(wanted, exact)
            turned = (path for path in made.columns if ".".join(path) in exact)
            self._known[key] = made if clock is None else with_clocks(made, turned, clock)
        return self._known[key]

    def _wanted(self, names: Iterable[str]) -> tuple[str, ...]:
        """The names, with scale and kind added for a survey's score, which is validated against these."""
        wanted = dict.fromkeys(names)
        if self.type_.is_survey and not wanted.keys().isdisjoint(_SCORE):
            wanted |= dict.fromkeys(("kind", *_SCORE))
        return tuple(wanted)

    def assumed(self, names: Iterable[str], exact: frozenset[str] = frozenset()) -> Prepared | None:
        """Like `prepared`, but on assumptions and without a profile; None if these failed before, or cannot be made."""
        wanted = self._wanted(names)
        key = frozenset(wanted), exact
        if self.zone is not None or key in self.unlike:  # offsets of a zone are computed for the years of the data
            return None
        own = {name: self.columns.get(name) for name in wanted if name not in (*self.values, *self.inclusive)}
        columns = {name: column for name, column in own.items() if column is not None}
        told = self.backend.home.facts(self.frame, list(dict.fromkeys(columns.values())))
        facts = {name: told[column] for name, column in columns.items() if column in told}
        if self._assumed.get(key, (None,))[0] != facts:
            if key in self._assumed:
                self._types.clear()
                self.frame = self.backend.home.anew(self.frame)
            self._assuming = True
            try:
                made = assumed(self.backend, self.type_, self._entered(wanted), exact, facts, key)
            finally:
                self._assuming = False
            self._assumed[key] = facts, None if made is None else made._replace(rejected=len(self.rejected))
        return self._assumed[key][1]

    def reach(self, name: str) -> tuple[datetime, datetime] | None:
        """The first and the last timestamp of a field; None unless they are profiled."""
        found = (made.columns[(name,)] for made in self._known.values() if (name,) in made.columns)
        column = next((each for each in found if each.aware is not None), None)
        if column is None or self.zone is not None:  # converting a zone widens the extremes by a day
            return None
        first, last = (
            from_micros(end).replace(tzinfo=UTC if column.aware else None) for end in (column.low, column.high)
        )
        return first, last

    @property
    def unreadable_fields(self) -> frozenset[str]:
        """The profiled fields that are unreadable in some row."""
        return frozenset(self._unreadable)

    def _prepare(self, wanted: tuple[str, ...], exact: frozenset[str]) -> Prepared:
        made = profiled(self.backend, self.type_, self._entered(wanted), exact)
        if made is None:
            others = [name for name in self.columns if name not in wanted and name not in self.constant]
            entry = self._entered(wanted, () if self.unread else others, worded=True)
            found = set_aside(self.backend, self.type_, entry, wanted)
            settled = profiled(self.backend, self.type_, found.entry, exact, settled=True)
            assert settled is not None
            marks = {tuple(name.split(".")): (mark,) for name, mark in found.marks.items()}
            self._unreadable.update(found.marks)
            made = settled._replace(rejected=found.rejected, marks=MappingProxyType(marks))
        made = made._replace(rejected=made.rejected + len(self.rejected))
        return made if self.zone is None else to_utc(made, self.zone)

    def _entered(self, wanted: tuple[str, ...], others: Iterable[str] = (), *, worded: bool = False) -> Entry:
        """The plain columns of fields, and of `others` with a valid type. `worded` keeps the cells as text too."""
        home = self.backend.home
        present: dict[str, tuple[str, Kind, ColumnType]] = {}
        absent: list[str] = []
        for name in wanted:
            column = self._column_of(name)
            known = None if column is None else self._checked(name, column)
            if column is None or known is None:
                absent.append(name)
            else:
                present[name] = (column, self._entering(name), known)
        for name in others:
            with suppress(ColumnError):
                known = self._checked(name, self.columns[name])
                if known is not None:
                    present[name] = (self.columns[name], self._entering(name), known)
        if not present:  # counting rows needs a column
            column = self.columns["id"]
            present["id"] = (column, "text", self._type_of(column, "text"))
        told = frozenset(self.unread).intersection(wanted)
        columns = {inside(name): found for name, found in present.items()}
        for name in told:
            columns[word_name(inside(name))] = (self.unread[name], "text", self._type_of(self.unread[name], "text"))
        words = [
            inside(name)
            for name, found in present.items()
            if name not in told and self._has_words(name, found, worded=worded)
        ]
        frame, raws = home.enter(self.frame, columns, words)
        types = {
            name: ColumnType("text", "String") if kind in ("text", "choice") else known
            for name, (_, kind, known) in present.items()
        }
        nw = home.words
        ends = [name for name in present if name in self.inclusive]
        after = {inside(name): day_after(nw, nw.col(inside(name)), self._kind(name), types[name]) for name in ends}
        frame = with_named(frame, after)
        translated = self._translated(nw, types)
        frame = with_named(frame, {inside(name): source for name, source in translated.items()})
        types |= {name: ColumnType("flag", "Boolean") for name in translated if self._kind(name) == "flag"}
        said = {name: self._said(name) for name in absent}
        constants = {
            inside(name): nw.lit(value).cast(getattr(nw, _TEXTS.get(kind, "Int64")))
            for name, (value, kind) in said.items()
        }
        frame = with_named(frame, constants)
        types |= {name: ColumnType(_ABSENT.get(kind, "whole"), kind) for name, (_, kind) in said.items()}
        if self.type_.is_survey and "scale_low" in wanted and not worded:
            frame, types = with_usual_scales(nw, frame, types)
        nothing = {
            name: [
                spelt(raw, self._type_of(self.columns[name], "text"))
                for raw, meant in self.values[name].items()
                if meant is None
            ]
            for name in translated
            if self._kind(name) == "flag"
        }
        fixed = frozenset((*absent, *self.constant))
        return Entry(frame, types, raws, nothing, told, fixed, {name: value for name, (value, _) in said.items()})

    def _has_words(self, name: str, found: tuple[str, Kind, ColumnType], *, worded: bool) -> bool:
        """Whether the cells of a column are kept as text, for `values=` or to show unreadable ones."""
        _, kind, known = found
        if kind in ("text", "choice"):
            return self._kind(name) == "flag"
        if known.loose:
            return worded or name in self.values
        return worded and known.what in NUMBERS

    @property
    def attributes(self) -> frozenset[str]:
        """The custom attributes: the columns that are not fields."""
        return frozenset(self._names) - frozenset(self.columns.values()) - frozenset(self.unread.values())

    def _column_of(self, name: str) -> str | None:
        if name.startswith("attributes."):
            return own if (own := name.partition(".")[2]) in self.attributes else None
        if name in self.computed:
            raise ColumnError(
                f"The preset computes {name!r} from the column {self.computed[name]!r}, which frames do not support; "
                f"read the CSV file with scan() or read_csv(), or map a column that you compute with "
                f"columns={{{name!r}: ...}}."
            )
        column = self.columns.get(name)
        if column is None:
            alike = {folded_name(found): found for found in self._names if found not in self.columns.values()}
            if (same := alike.get(folded_name(name))) is not None:
                raise ColumnError(
                    f"{self.type_.model.__name__} has {name!r} and the frame has {same!r}, which may be the same; map "
                    f"it with columns={{{name!r}: {same!r}}}, or rename it."
                )
        return column

    def _kind(self, name: str) -> Kind:
        return "attributes" if name.startswith("attributes.") else self.type_.fields[name].kind

    def _entering(self, name: str) -> Kind:
        """The kind that a field's column is read as: a flag with `values=` is read as text."""
        kind = self._kind(name)
        return "text" if name in self.values and kind == "flag" else kind

    def _type_of(self, column: str, kind: Kind) -> ColumnType:
        key = column, kind, self._assuming
        if key not in self._types:
            home = self.backend.home
            self._types[key] = (home.usual_type if self._assuming else home.type_of)(self.frame, column, kind)
        return self._types[key]

    def _checked(self, name: str, column: str) -> ColumnType | None:
        """The type of a field's column, if it can hold the field, else an error; None for a column of NULL only."""
        kind = self._entering(name)
        found = self._type_of(column, kind)
        if found.what == "nothing":
            return None
        if found.what == "other" and found.shown.partition("(")[0] in _NOT_PLAIN:
            raise ColumnError(
                f"The column {column!r} must hold one plain value in each row; got {found.shown}. Extract one."
            )
        wrong = wrong_type(kind, found, self.backend)
        if wrong:
            said = f"{name} as {_WORDS[kind]}" if kind in _WORDS else "text, numbers, timestamps, or true or false"
            raise ColumnError(f"The column {column!r} must hold {said}; got {found.shown}. {wrong}")
        return found

    def _said(self, name: str) -> tuple[Scalar, Kind]:
        """The default of a field that no column holds, and its kind; None for a column of NULL only."""
        if name.startswith("attributes."):
            return None, "text"
        field = self.type_.model.__pydantic_fields__[name]
        said = None if field.is_required() or name in self.columns else field.get_default(call_default_factory=True)
        said = self.currency if name == "currency" and said is None else said
        return said, self.type_.fields[name].kind

    def _translated(self, nw: Words, types: Mapping[str, ColumnType]) -> dict[str, Expr]:
        """The columns whose values are mapped with `values=`."""
        return {
            name: translated(
                nw,
                inside(name),
                mapping,
                types[name],
                self._type_of(self.columns[name], self._entering(name)),
                flag=self._kind(name) == "flag",
            )
            for name, mapping in self.values.items()
            if name in types
        }


_NOT_PLAIN = ("List", "Array", "Map", "Union", "Struct", "Binary", "Object")


def taken(frame: object) -> Backend:
    """The backend of a frame; raises an error if it is unknown or too old."""
    backend = backend_of(frame)
    if backend is None:
        raise InputError(
            "table() takes a pandas, Polars, PyArrow, DuckDB or Spark frame, or a table of a crmkpi.database(); got "
            f"{type(frame).__name__}. Lists of records need no table()."
        )
    check_versions(backend)
    return backend
