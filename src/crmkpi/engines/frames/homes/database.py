"""The base of all databases: a table or query as a frame, measured within one snapshot."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Self, TypeVar

from crmkpi.engines.frames.homes.home import OUT_OF_TIME, TOO_LATE, ColumnType, Physical
from crmkpi.engines.frames.homes.sessions import Session, Source
from crmkpi.engines.frames.homes.sql import Sql, SqlFrame, SqlGroups
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.engines.frames.ran import ran
from crmkpi.engines.frames.words import Cell, Row
from crmkpi.errors import ColumnError, InputError, did_you_mean
from crmkpi.records.base import Kind

__all__ = [
    "DatabaseFrame",
    "DatabaseHome",
    "DatabaseTable",
    "TableOrQuery",
    "columns_once",
    "mentions",
    "no_table",
    "types_of_kinds",
]

S = TypeVar("S", bound=Sql)
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks
_TIMES: Mapping[Physical, Kind] = {"timestamp": "timestamp", "date": "date"}
_LONG = 60  # letters of an expression that is computed once for each row, and not wherever it is used


@dataclass(frozen=True, slots=True)
class TableOrQuery:
    """A table or view by its name, or a query of the user's own."""

    name: str = ""
    schema: str | None = None
    query: str = ""
    moves: bool = False  # it asks what time it is, in each statement anew

    def __str__(self) -> str:
        if self.query:
            return "a query"
        return f"the table {self.name if self.schema is None else f'{self.schema}.{self.name}'!r}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DatabaseTable:
    """A table, view or query of a database, read whenever it is asked.

    `columns` are its names with their declared types. Within a snapshot it has a `session`.
    """

    source: Source
    target: TableOrQuery
    columns: Mapping[str, str]
    session: Session | None = None

    @property
    def backend_name(self) -> str:
        """The row of `BACKENDS` that its database has."""
        return self.source.dialect

    def within(self, session: Session) -> Self:
        """The same as it is in a snapshot."""
        return replace(self, session=session, columns=self.source.home.columns_of(session, self.target))

    def plain_rows(self) -> Iterator[Mapping[str, Cell]]:
        """The rows with their values, of one moment, for a reader of text."""
        with self.source.snapshot() as session:
            here = self.within(session)
            return iter(list(self.source.home.records(here, dict.fromkeys(here.columns, "attributes"))))

    def __repr__(self) -> str:
        return f"<{self.target} of a {self.source.dialect} database>"


@dataclass(frozen=True, slots=True, eq=False)
class DatabaseFrame(SqlFrame):
    """A statement over tables of one snapshot; its steps come one after the other, since parsers have a limit of depth.

    `computed` is how many letters the expressions of its columns have. A planner would write them into each place that
    uses them, so long ones are fenced off; a fence costs each row more than a short one.
    """

    words: type[Sql]
    session: Session
    steps: tuple[tuple[str, str], ...] = ()
    computed: int = 0

    @property
    def dialect(self) -> type[Sql]:
        """How its expressions are written."""
        return self.words

    @property
    def statement(self) -> str:
        """The statement itself."""
        *before, (_, last) = self.steps
        steps = ",\n".join(f"{name} AS ({text})" for name, text in before)
        return f"WITH {steps}\n{last}" if before else last

    def written(self, text: str, columns: Iterable[str] = ()) -> Self:
        """The rows of a statement, as a further step."""
        name = f"crmkpi_step{self.session.next_number()}"  # which no table of the user's is called
        return replace(self, source=name, columns=tuple(columns), steps=(*self.steps, (name, text)))

    def fenced(self) -> Self:
        """The frame with its columns computed once for each row."""
        if self.computed <= _LONG or not self.words.fence:
            return self
        *before, (name, text) = self.steps
        return replace(self, steps=(*before, (name, self.words.fence.replace("{}", text))), computed=0)

    def select(self, *items: str | Sql) -> Self:
        """Only these columns, or one row where they are aggregations."""
        source, chosen = self.fenced(), self.chosen(items)
        made = source.written(f"SELECT {self.listed(chosen)}\nFROM {source.source}", [item.name for item in chosen])
        longest = max((len(item.text) for item in chosen if not {" ", "("}.isdisjoint(item.text)), default=0)
        return replace(made, computed=source.computed + longest)

    def group_by(self, *names: str) -> SqlGroups[Self]:
        """One row for each group, with `.agg(...)`."""
        return SqlGroups(self.fenced(), names)

    def join(self, right: Self, *, left_on: str, right_on: str, how: str) -> Self:
        """The columns of another frame beside, by a key."""
        if self.words.joined:
            right = right.written(f"SELECT * FROM {right.source} {self.words.joined}", right.columns)  # noqa: S608  # a name of our own
        return super(DatabaseFrame, self).join(right, left_on=left_on, right_on=right_on, how=how)  # slots: named

    def beside(self, other: Self) -> Self:
        """The frame where the other one can be read as well."""
        if other.session is not self.session:
            raise InputError(
                "Related tables must lie in one database, of one connection; take both from the same crmkpi.database()."
            )
        return replace(self, steps=tuple((dict(other.steps) | dict(self.steps)).items()))


def types_of_kinds(
    *, text: str, money: str, number: str, timestamp: str, integer: str = "bigint", date: str = "date", flag: str = ""
) -> Mapping[Kind, str]:
    """The type of each kind of field; words of a choice and custom attributes are text."""
    made: dict[Kind, str] = {"text": text, "choice": text, "money": money, "number": number, "integer": integer}
    made |= {"timestamp": timestamp, "date": date}
    return {**made, "flag": flag, "attributes": text} if flag else made


def no_table(where: str, target: TableOrQuery, known: Collection[str], more: str = "") -> ColumnError:
    """The error for a table that is not there, with the nearest name or the schema that stands before a point."""
    schema, _, bare = target.name.rpartition(".")
    given = f"A schema is given by itself: table({bare!r}, schema={schema!r})."
    hint = given if target.schema is None and schema and bare else did_you_mean(target.name, known)
    return ColumnError(f"{where} has no table {target.name!r}{more}. {hint}")


def columns_once(columns: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    """Columns with their types; an error where two of a query have one name."""
    names = [name for name, _ in columns]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ColumnError(f"The query gives two columns {twice!r}; rename one with AS.")
    return dict(columns)


def mentions(text: str, name: str) -> bool:
    """Whether a statement has a name in it."""
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


class DatabaseHome(SqlHome[S, DatabaseFrame, DatabaseTable]):
    """Tables, views and queries of a database."""

    declared: ClassVar[Mapping[Kind, str]] = {}  # the type of a field that a user has not declared otherwise
    constants: ClassVar[Mapping[Kind, str]] = {}  # the type that a constant is cast to, of the kinds that can be
    isolation: ClassVar[str] = ""  # of transactions that are snapshots, whatever the engine says
    interrupts: ClassVar[bool] = False  # the driver ends a late statement, since no setting does
    makes_files: ClassVar[bool] = False  # a database is a file, and one that is not there would be made
    begins: ClassVar[Sequence[str]] = ()  # what makes a transaction one snapshot, before anything else is said in it
    tuned: ClassVar[Sequence[str]] = ()  # what is set for the measurement alone, so that statements are quick
    chance: ClassVar[str] = ""  # words that give another value in each statement, as a regular expression
    clock: ClassVar[str] = ""  # words for the moment of the statement
    probe: ClassVar[Mapping[str, tuple[str, object]]] = {}  # asked before a server is trusted: SQL, the right answer

    @abstractmethod
    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table, view or query with their declared types."""

    def source_of(self, target: TableOrQuery) -> str:
        """A table, view or query as it stands after FROM."""
        if target.query:
            return f"(\n{target.query}\n) AS query"
        named = self.dialect.quoted(target.name)
        return named if target.schema is None else f"{self.dialect.quoted(target.schema)}.{named}"

    def views(self, session: Session) -> Mapping[str, str]:  # noqa: ARG002  # a home may have none
        """The text of each view, by its name."""
        return {}

    def checked(self, session: Session, target: TableOrQuery) -> TableOrQuery:
        """The target, marked where it asks for the time; one that asks for chance is refused.

        Views that a view or a query names are checked too.
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
                f"{str(target).capitalize()} calls {found[0].rstrip('( ')}(), which gives another value in each "
                "statement, so that figures would not fit together; measure a table that is made from it: "
                "CREATE TABLE ... AS SELECT."
            )
        moves = any(re.search(self.clock, text, re.IGNORECASE) for text in texts) if self.clock else False
        return replace(target, moves=moves)

    def check_texts(self, session: Session, target: TableOrQuery, texts: str) -> None:
        """Refuse a query or view, whose texts these are, for what lies below it."""

    def constant_table(self, columns: Mapping[str, str], rows: Sequence[Sequence[str]]) -> str:
        """A query of rows of constants, whose columns have these types."""
        lines: list[str] = []
        for row in rows:
            cells = [f"CAST({cell} AS {type_})" for cell, type_ in zip(row, columns.values(), strict=True)]
            named = [f"{cell} AS {self.dialect.quoted(name)}" for cell, name in zip(cells, columns, strict=True)]
            lines.append(f"SELECT {', '.join(cells if lines else named)}")
        return "\nUNION ALL ".join(lines)

    def scaled(self, units: str, digits: int) -> str:
        """A whole number of the smallest digit as the decimal that it stands for."""
        return f"({units} * {Decimal(1).scaleb(-digits):f})" if digits else units

    def check_snapshot(self, session: Session) -> None:
        """Refuse a transaction that is no snapshot."""

    def state_of(self, session: Session, target: TableOrQuery) -> object:
        """The state by which a session notices that a table has changed: its rows, where it asks for the time."""
        if not target.moves:
            return None
        return session.rows(f"SELECT count(*) FROM {self.source_of(target)}")  # noqa: S608  # names are quoted

    def check_unchanged(self, session: Session) -> None:
        """Refuse figures of a table that has changed between the statements of a session."""
        for target, state in session.seen.items():
            if state is not None and self.state_of(session, target) != state:
                why = "it asks for the time" if target.moves else f"{session.source.dialect} has no snapshots"
                raise InputError(
                    f"{str(target).capitalize()} has changed while it was measured, and {why}; measure again, or "
                    "measure a copy of it."
                )

    def check_server(self, session: Session) -> None:
        """Refuse a server that answers the probe in another way than its dialect says, before it is trusted."""
        if not self.probe:
            return
        listed = ", ".join(f"{text} AS {self.dialect.quoted(what)}" for what, (text, _) in self.probe.items())
        (row,) = session.rows(f"SELECT {listed}")
        for (what, (text, right)), found in zip(self.probe.items(), row, strict=True):
            if found != right:
                raise InputError(
                    f"The {session.source.dialect} server is not measured: for {what} ({text}) it answers {found!r}, "
                    f"and {right!r} is right; its version or a setting is none that was tested."
                )

    def sent(self, text: str, seconds: float | None, moment: str | None = None) -> str:  # noqa: ARG002  # settings may do that
        """A statement as it is sent, with its limit of seconds, which takes a given moment for the present."""
        return text

    def timed(self, seconds: float) -> Sequence[str]:  # noqa: ARG002  # a home may have none
        """The settings that end a statement after `seconds`."""
        return ()

    def opened(self, frame: DatabaseTable, names: Sequence[str] = ()) -> DatabaseFrame:  # noqa: ARG002  # it is a database
        """The table as it is."""
        assert frame.session is not None, "tables are asked within a snapshot"
        if frame.target not in frame.session.seen:
            frame.session.seen[frame.target] = self.state_of(frame.session, frame.target)
        return DatabaseFrame(self.source_of(frame.target), tuple(frame.columns), self.dialect, frame.session)

    def native(self, frame: DatabaseFrame) -> DatabaseTable:  # noqa: ARG002  # it has no name to be asked by
        """A statement is asked like a table."""
        raise InputError("Presets are for exports; say which column of the database is which with columns=.")

    def asked_as(self, frame: DatabaseFrame) -> str:
        """The statement for a small result, whose columns are read by their places."""
        return frame.statement

    def leave(self, frame: DatabaseFrame) -> list[Row]:
        """The rows of a small result."""
        text = self.asked_as(frame)
        ran(lambda: self.sent(text, None))
        return frame.session.answered(frame, text)

    def records(self, frame: DatabaseTable, columns: Mapping[str, Kind]) -> Iterator[Mapping[str, Cell]]:
        """The rows of a frame with their values; drivers would show instants in some zone, without saying in which."""
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
    """Microseconds or days since 1970 as a moment or a date."""
    if number is None or number == TOO_LATE:
        return None if number is None else OUT_OF_TIME
    if type_.what == "date":
        return (_EPOCH + timedelta(days=int(number))).date()
    return (_EPOCH.replace(tzinfo=UTC) if type_.aware else _EPOCH) + timedelta(microseconds=int(number))
