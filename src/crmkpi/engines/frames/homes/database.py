"""The base of all database homes: a table or query as a frame, read within one snapshot."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, NamedTuple, Self, TypeVar

from crmkpi.engines.frames.homes.home import OUT_OF_TIME, TOO_LATE, ColumnType, Physical
from crmkpi.engines.frames.homes.sessions import Session, Source
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.engines.frames.ran import ran
from crmkpi.engines.frames.words import Cell, Row
from crmkpi.errors import ColumnError, InputError, did_you_mean
from crmkpi.records.base import Kind

__all__ = [
    "DatabaseFrame",
    "DatabaseHome",
    "DatabaseTable",
    "Step",
    "TableOrQuery",
    "columns_once",
    "mentions",
    "no_table",
    "types_of_kinds",
]

S = TypeVar("S", bound=Sql)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks
_TIMES: Mapping[Physical, Kind] = {"timestamp": "timestamp", "date": "date"}


@dataclass(frozen=True, slots=True)
class TableOrQuery:
    """A table or view, by its name, or a query that the user wrote."""

    name: str = ""
    schema: str | None = None
    query: str = ""
    moves: bool = False  # it reads the clock, so that each statement may return other rows

    def __str__(self) -> str:
        if self.query:
            return "a query"
        return f"the table {self.name if self.schema is None else f'{self.schema}.{self.name}'!r}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DatabaseTable:
    """A table, view or query of a database; each query reads it again.

    `columns` maps names to declared types. Within a snapshot it has a `session`.
    """

    source: Source
    target: TableOrQuery
    columns: Mapping[str, str]
    session: Session | None = None

    @property
    def backend_name(self) -> str:
        """The name of its row in `BACKENDS`."""
        return self.source.dialect

    def within(self, session: Session) -> Self:
        """The table within a snapshot."""
        return replace(self, session=session, columns=self.source.home.columns_of(session, self.target))

    def plain_rows(self) -> Iterator[Mapping[str, Cell]]:
        """The rows with their values, from one snapshot, for a reader of text."""
        with self.source.snapshot() as session:
            here = self.within(session)
            return iter(list(self.source.home.records(here, dict.fromkeys(here.columns, "attributes"))))

    def __repr__(self) -> str:
        return f"<{self.target} of a {self.source.dialect} database>"


class Step(NamedTuple):
    """A named WITH query: SELECT `items` and then `text`, or only the text."""

    name: str
    items: Sequence[Sql]
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class DatabaseFrame(SqlFrame):
    """A statement over tables of one snapshot: a chain of WITH queries ("steps"), since parsers limit the depth.

    A planner inlines the expression of a column wherever it is used: `letters` has the length of the inlined text.
    Columns that do not depend on each other are computed in one step: `step` has the frame that the last step reads,
    and the columns that it returns.
    """

    words: type[Sql]
    session: Session
    steps: tuple[Step, ...] = ()
    letters: Mapping[str, int] = field(default_factory=dict)
    step: tuple[Self, Mapping[str, Sql]] | None = None

    @property
    def dialect(self) -> type[Sql]:
        """The class of its expressions."""
        return self.words

    @property
    def statement(self) -> str:
        """The statement; its steps return only the columns that later steps use."""
        written: list[str] = []
        whole, later = {self.source}, ""
        for name, items, text in reversed(self.steps):
            named = [item for item in items if name in whole or self.words.quoted(item.name) in later]
            made = f"SELECT {self.listed(named or items[:1])}\n{text}" if items else text
            if name in whole and text.startswith("SELECT * FROM"):
                whole |= {step.name for step in self.steps if step.name in text.split()}
            later += made
            written.append(f"{name} AS ({made})" if written else made)
        last, *before = written
        steps = ",\n".join(reversed(before))
        return f"WITH {steps}\n{last}" if before else last

    def written(self, text: str, columns: Iterable[str] = (), items: Sequence[Sql] = ()) -> Self:
        """The rows of a further step: the statement `text`, or SELECT `items` followed by it."""
        name = f"crmkpi_step{self.session.next_number()}"  # a name that no table of the user has
        steps = (*self.steps, Step(name, items, text))
        return replace(self, source=name, columns=tuple(columns), steps=steps, step=None)

    def computed_for(self, items: Sequence[Sql]) -> Self:
        """The frame with its columns computed once per row, if inlining them would cost more than the fence."""
        used = self.used(items)
        again = sum((times - 1) * self.letters[name] for name, times in used.items() if times)
        if again <= self.words.fence_letters or not self.words.fence:
            return self
        *before, last = self.steps
        return replace(self, steps=(*before, last._replace(text=f"{last.text}\n{self.words.fence}")), letters={})

    def used(self, items: Iterable[Sql]) -> dict[str, int]:
        """How often the expressions use each computed column."""
        return {name: sum(item.text.count(self.words.quoted(name)) for item in items) for name in self.letters}

    def select(self, *items: str | Sql) -> Self:
        """Only these columns, or one row if they are aggregates."""
        chosen = self.chosen(items)
        source = self.computed_for(chosen)
        letters: dict[str, int] = {}
        for item in chosen:
            below = sum(times * source.letters[name] for name, times in source.used([item]).items())
            letters[item.name] = below + (0 if {" ", "("}.isdisjoint(item.text) else len(item.text))
        made = source.written(f"FROM {source.source}", [item.name for item in chosen], chosen)
        return replace(made, letters={name: size for name, size in letters.items() if size})

    def with_columns(self, *items: Sql) -> Self:
        """Add these columns, or replace those of the same name; within the last step, unless they read its columns."""
        quoted = self.words.quoted
        source, shown = self.step or (self, {name: self.words.col(name) for name in self.columns})
        computed = [quoted(name) for name, item in shown.items() if item.text != quoted(name)]
        made = {item.name: item.over() if item.whole else item for item in items}
        above = {name: item for name, item in made.items() if any(each in item.text for each in computed)}
        if above:  # they may read a column that another one replaces
            above |= {name: item for name, item in made.items() if name in shown}
        below = {name: item for name, item in made.items() if name not in above}
        lower = self
        if below:
            shown = {name: item for name, item in shown.items() if name not in below} | below
            lower = replace(source.select(*shown.values()), step=(source, shown))
        return replace(lower, step=None).with_columns(*above.values()) if above else lower

    def join(self, right: Self, *, left_on: str, right_on: str, how: str) -> Self:
        """Join the columns of another frame by a key."""
        if self.words.joined:
            right = right.written(f"SELECT * FROM {right.source} {self.words.joined}", right.columns)  # noqa: S608  # a name of our own
        return super(DatabaseFrame, self).join(right, left_on=left_on, right_on=right_on, how=how)  # slots: named

    def beside(self, other: Self) -> Self:
        """The frame, in a form whose statement can also read the other frame."""
        if other.session is not self.session:
            raise InputError(
                "Related tables must be in one database, on one connection; take both from the same crmkpi.database()."
            )
        return replace(self, steps=tuple({step.name: step for step in (*other.steps, *self.steps)}.values()))


def types_of_kinds(
    *, text: str, money: str, number: str, timestamp: str, integer: str = "bigint", date: str = "date", flag: str = ""
) -> Mapping[Kind, str]:
    """The type of each kind of field; choices and custom attributes are text."""
    made: dict[Kind, str] = {"text": text, "choice": text, "money": money, "number": number, "integer": integer}
    made |= {"timestamp": timestamp, "date": date}
    return {**made, "flag": flag, "attributes": text} if flag else made


def no_table(where: str, target: TableOrQuery, known: Collection[str], more: str = "") -> ColumnError:
    """The error for a missing table, with the nearest name, or the way to pass a schema that is in front of a dot."""
    schema, _, bare = target.name.rpartition(".")
    given = f"A schema is an argument of its own: table({bare!r}, schema={schema!r})."
    hint = given if target.schema is None and schema and bare else did_you_mean(target.name, known)
    return ColumnError(f"{where} has no table {target.name!r}{more}. {hint}")


def columns_once(columns: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """The types of columns by name; an error if a query returns two columns of one name."""
    names = [name for name, _ in columns]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ColumnError(f"The query returns two columns {twice!r}; rename one with AS.")
    return dict(columns)


def mentions(text: str, name: str) -> bool:
    """Whether a statement contains a name."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


class DatabaseHome(SqlHome[S, DatabaseFrame, DatabaseTable]):
    """Tables, views and queries of a database."""

    declared: ClassVar[Mapping[Kind, str]] = {}  # the default type of each kind of field
    constants: ClassVar[Mapping[Kind, str]] = {}  # the type to which a constant of a kind is cast, if it can be
    isolation: ClassVar[str] = ""  # the isolation level of a snapshot, which overrides the user's engine
    interrupts: ClassVar[bool] = False  # the driver must interrupt a late statement, since no setting does
    makes_files: ClassVar[bool] = False  # a database is a file, and connecting would create a missing one
    begins: ClassVar[Sequence[str]] = ()  # the first statements of a transaction, which make it one snapshot
    tuned: ClassVar[Sequence[str]] = ()  # settings of the transaction that make its statements fast
    chance: ClassVar[str] = ""  # a regular expression for functions that return another value in each statement
    clock: ClassVar[str] = ""  # a regular expression for functions that read the clock
    probe: ClassVar[Mapping[str, tuple[str, object]]] = {}  # tests of a new server: SQL and its expected value

    @abstractmethod
    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table, view or query with their declared types."""

    def source_of(self, target: TableOrQuery) -> str:
        """A table, view or query as the text after FROM."""
        if target.query:
            return f"(\n{target.query}\n) AS query"
        named = self.dialect.quoted(target.name)
        return named if target.schema is None else f"{self.dialect.quoted(target.schema)}.{named}"

    def views(self, session: Session) -> Mapping[str, str]:  # noqa: ARG002  # the default is none
        """The text of each view, by its name."""
        return {}

    def checked(self, session: Session, target: TableOrQuery) -> TableOrQuery:
        """The target, marked if it reads the clock; an error if it calls a random function.

        Views that a view or a query reads are checked too.
        """
        known = dict(self.views(session)) if self.chance else {}
        texts = [target.query or known.pop(target.name, "")]
        for text in texts:
            named = [name for name in known if mentions(text, name)]
            texts += [known.pop(name) for name in named]
        self.check_texts(session, target, "\n".join(texts))
        found = re.search(self.chance, "\n".join(texts), re.IGNORECASE) if self.chance else None
        if found is not None:
            raise InputError(
                f"{str(target).capitalize()} calls {found[0].rstrip('( ')}(), which returns another value in each "
                "statement, so that figures would contradict each other; measure a table created from it: "
                "CREATE TABLE ... AS SELECT."
            )
        moves = any(re.search(self.clock, text, re.IGNORECASE) for text in texts) if self.clock else False
        return replace(target, moves=moves)

    def check_texts(self, session: Session, target: TableOrQuery, texts: str) -> None:
        """Raise an error for a query or view, with these texts, that reads a table that cannot be measured."""

    def constant_table(self, columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
        """A query of rows of constants, whose columns have these types."""
        lines: list[str] = []
        for row in rows:
            cells = [f"CAST({cell} AS {type_})" for cell, type_ in zip(row, columns.values(), strict=True)]
            named = [f"{cell} AS {self.dialect.quoted(name)}" for cell, name in zip(cells, columns, strict=True)]
            lines.append(f"SELECT {', '.join(cells if lines else named)}")
        return "\nUNION ALL ".join(lines)

    def scaled(self, units: str, digits: int) -> str:
        """An integer of the smallest decimal place as a decimal."""
        return f"({units} * {Decimal(1).scaleb(-digits):f})" if digits else units

    def check_snapshot(self, session: Session) -> None:
        """Raise an error for a transaction that is not a snapshot."""

    def state_of(self, session: Session, target: TableOrQuery) -> object:
        """A value that differs if a table has changed: the number of rows, for a table that reads the clock."""
        if not target.moves:
            return None
        return session.rows(f"SELECT count(*) FROM {self.source_of(target)}")  # noqa: S608  # names are quoted

    def check_unchanged(self, session: Session) -> None:
        """Raise an error if a table has changed between the statements of a session."""
        for target, state in session.seen.items():
            if state is not None and self.state_of(session, target) != state:
                why = "it reads the clock" if target.moves else f"{session.source.dialect} has no snapshots"
                raise InputError(
                    f"{str(target).capitalize()} has changed while it was measured, and {why}; measure again, or "
                    "measure a copy of it."
                )

    def check_server(self, session: Session) -> None:
        """Raise an error for a server whose answers to the probe differ from those that its dialect relies on."""
        if not self.probe:
            return
        listed = ", ".join(f"{text} AS {self.dialect.quoted(what)}" for what, (text, _) in self.probe.items())
        (row,) = session.rows(f"SELECT {listed}")
        for (what, (text, right)), found in zip(self.probe.items(), row, strict=True):
            if found != right:
                raise InputError(
                    f"The {session.source.dialect} server is not measured: for {what} ({text}) it answers {found!r}, "
                    f"and {right!r} is right; use a version and settings that are tested."
                )

    def sent(self, text: str, seconds: float | None, moment: str | None = None) -> str:  # noqa: ARG002  # settings may do that
        """The text to send for a statement, with its timeout in seconds and, if given, the moment of NOW()."""
        return text

    def timed(self, seconds: float) -> Sequence[str]:  # noqa: ARG002  # the default is none
        """The settings that end a statement after `seconds`."""
        return ()

    def opened(self, frame: DatabaseTable, names: Sequence[str] = ()) -> DatabaseFrame:  # noqa: ARG002  # all columns are available
        """A statement over the table, without conversion."""
        assert frame.session is not None, "tables are read within a snapshot"
        if frame.target not in frame.session.seen:
            frame.session.seen[frame.target] = self.state_of(frame.session, frame.target)
        return DatabaseFrame(self.source_of(frame.target), tuple(frame.columns), self.dialect, frame.session)

    def native(self, frame: DatabaseFrame) -> DatabaseTable:  # noqa: ARG002  # it always raises
        """Raise an error: a statement is not a table of the database."""
        raise InputError("Presets are for exports; map the columns of a database to fields with columns=.")

    def asked_as(self, frame: DatabaseFrame) -> str:
        """The text of the statement for a small result, whose columns are read by position."""
        return frame.statement

    def leave(self, frame: DatabaseFrame) -> list[Row]:
        """The rows of a small result."""
        text = self.asked_as(frame)
        ran("sql", lambda: self.sent(text, None))
        return frame.session.answered(frame, text)

    def records(self, frame: DatabaseTable, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values; timestamps are converted here, since drivers hide their time zone."""
        types = {name: self.type_of(frame, name, kind) for name, kind in columns.items()}
        asked = {name: each for name, each in types.items() if each.what in _TIMES and not each.loose}
        found = [
            self.plain(self.dialect.col(name), _TIMES[asked[name].what], asked[name]).alias(name)
            if name in asked
            else self.dialect.col(name)
            for name in columns
        ]
        for row in self.leave(self.opened(frame).select(*found)):
            made = dict(zip(columns, row, strict=True))
            yield made | {name: _moment(made[name], each) for name, each in asked.items()}


def _moment(number: Cell, type_: ColumnType) -> Cell:
    """Microseconds or days since 1970 as a datetime or a date."""
    if number is None or number == TOO_LATE:
        return None if number is None else OUT_OF_TIME
    if type_.what == "date":
        return (_EPOCH + timedelta(days=int(number))).date()
    return (_EPOCH.replace(tzinfo=UTC) if type_.aware else _EPOCH) + timedelta(microseconds=int(number))
