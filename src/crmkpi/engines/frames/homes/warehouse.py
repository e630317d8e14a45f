"""The base of warehouse homes: types by their names, no snapshots, and statements never run against a server.

Each dialect is written from its documentation. Before the first figure, the probe tests on the server everything that
the dialect assumes.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, TypeVar

from crmkpi.engines.frames.homes.database import DatabaseHome, DatabaseTable, TableOrQuery, columns_once, no_table
from crmkpi.engines.frames.homes.home import DAY, TOO_LATE, TYPES, ColumnType, Physical
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.engines.frames.homes.sql import Sql
from crmkpi.errors import InputError
from crmkpi.records.base import Kind

__all__ = ["WarehouseHome", "probe_of"]

S = TypeVar("S", bound=Sql)
_TYPE = re.compile(r"([\w ]*\w)\s*(?:\((\d+)(?:\s*,\s*(\d+))?\))?(.*)", re.DOTALL)
_DECIMALS = ("decimal", "numeric", "number", "bignumeric")
_MOST_DIGITS = 18  # decimal places; a column with more is not an amount


class WarehouseHome(DatabaseHome[S]):
    """Tables, views and queries of a warehouse."""

    has_values = False
    instants: ClassVar[Collection[str]] = ()  # the types of timestamps that are instants
    codes: ClassVar[Mapping[object, str]] = {}  # types by the codes that some drivers return in place of names
    schema_now: ClassVar[str] = "current_schema()"
    sized: ClassVar[str] = "data_type, numeric_precision, numeric_scale"  # columns that describe a type
    loose_decimal: ClassVar[tuple[int, int]] = (38, 0)  # precision and scale of a decimal without a declared size

    @abstractmethod
    def micros(self, source: S, type_: ColumnType) -> S:
        """A timestamp as microseconds since 1970; a date is a timestamp at midnight."""

    @abstractmethod
    def days(self, source: S) -> S:
        """A date as days since 1970."""

    def text(self, column: str, type_: ColumnType) -> str:  # noqa: ARG002  # subclasses use it
        """A column as text that is compared by its bytes, including trailing blanks."""
        return f"CAST({column} AS {self.words.String})"

    def timed(self, seconds: float) -> Sequence[str]:
        """Raise an error: a timeout would stay set in the user's session."""
        raise InputError(f"timeout={seconds:g} is not supported for warehouses; set the limit in the engine.")

    def columns_of(self, session: Session, target: TableOrQuery) -> Mapping[str, str]:
        """The columns of a table, view or query with their types."""
        if target.query:
            described = session.described(f"SELECT * FROM {self.source_of(target)} LIMIT 0")  # noqa: S608  # the user's own query
            cells = (tuple(each)[:7] for each in described)
            return columns_once([(str(name), _type(self.codes.get(code, code), size, digits))
                                 for name, code, _, _, size, digits, *_ in cells])  # fmt: skip
        view = self.information(target)
        schema = self.schema_now if target.schema is None else self.dialect.written(target.schema)
        within = f"FROM {view} WHERE table_schema = {schema}"
        named = self.dialect.written(target.name)
        rows = session.rows(
            f"SELECT column_name, {self.sized} {within} "  # names are constants here
            f"AND table_name = {named} ORDER BY ordinal_position"
        )
        if not rows:
            known = [name for (name,) in session.rows(f"SELECT DISTINCT table_name {within}")]
            more = ", or the user of the connection may not read it; names are written as the warehouse keeps them"
            raise no_table(f"The {session.source.dialect} database", target, known, more)
        return {str(name): _type(*described) for name, *described in rows}

    def information(self, target: TableOrQuery) -> str:  # noqa: ARG002  # in some warehouses each schema has one
        """The view that describes the columns of tables."""
        return "information_schema.columns"

    def state_of(self, session: Session, target: TableOrQuery) -> object:
        """The number of rows, since there is no snapshot."""
        return session.rows(f"SELECT count(*) FROM {self.source_of(target)}")  # noqa: S608  # names are quoted

    def type_of(self, frame: DatabaseTable, name: str, kind: Kind) -> ColumnType:  # noqa: ARG002  # the type does not depend on it
        """The declared type."""
        declared = frame.columns[name]
        found = _TYPE.fullmatch(declared)
        word = "" if found is None else f"{found[1]}{found[4]}"
        if found and found[1] in _DECIMALS:
            size, digits = (int(found[2]), int(found[3] or 0)) if found[2] else self.loose_decimal
            if digits > _MOST_DIGITS:
                return ColumnType("other", declared)
            what: Physical = "decimal" if digits else "whole"
            wide = size > _MOST_DIGITS
            return ColumnType(
                what, declared, digits=digits, wide=wide and digits > 0, wild=wide and not digits, unit=str(size)
            )
        what = TYPES.get(word, "other")
        shown = {"text": "String", "other": "Struct"}.get(what, declared)
        return ColumnType(what, shown, aware=word in self.instants, unit=declared)

    def is_whole(self, type_: ColumnType) -> bool:  # noqa: ARG002  # none can
        """Whether a timestamp can be compared without a conversion."""
        return False

    def plain(self, source: S, kind: Kind, type_: ColumnType) -> S:
        """The column as a plain value, in 64 bits or more."""
        column, words = source.text, self.words
        if kind in ("text", "choice") or type_.what == "text":
            return type(source)(self.text(column, type_), source.name)
        match type_.what:
            case "whole" if type_.wild:
                none = "NULL" if kind == "attributes" else str(TOO_LATE)
                return source.case(f"WHEN abs({column}) >= {TOO_LATE} THEN {none}", f"CAST({column} AS {words.Int64})")
            case "whole":
                return source.cast(words.Int64)
            case "float":
                return source.cast(words.Float64)
            case "decimal":
                return self.units(source, type_)
            case "date" if kind != "timestamp":
                return self.days(source)
            case "date" | "timestamp":
                made = self.micros(source, type_)
                return made // self.dialect.lit(DAY) if kind == "date" else made
            case _:
                return source

    def units(self, source: S, type_: ColumnType) -> S:
        """A decimal as an integer of its smallest decimal place."""
        wide = self.words.Int128 if type_.wide else self.words.Int64
        return source.wrapped("CAST(", f" * {10**type_.digits} AS {wide})")


def _type(word: object, size: object = None, digits: object = None) -> str:
    """The name of a type in lower case; a decimal with its size."""
    named = str(word).lower()
    if named in _DECIMALS and size is not None:
        return f"{named}({size},{digits or 0})"
    return named


def probe_of(
    dialect: type[Sql], whole: str, wide: str, text: str, moments: Mapping[str, tuple[str, int]]
) -> Mapping[str, tuple[str, object]]:
    """The probe of a warehouse: expressions for everything that its dialect assumes, with the expected values."""
    said = dialect.written
    seven = dialect.lit(-7) // dialect.lit(2)
    large = f"CAST(9000000000 AS {wide})"
    missing = (
        "(SELECT max(CASE WHEN r.x IS NULL THEN 1 ELSE 0 END) FROM (SELECT 1 AS x) AS l "
        "LEFT JOIN (SELECT 2 AS x) AS r ON l.x = r.x)"
    )
    return {
        "upper and lower case": (f"{said('a')} = {said('A')}", False),
        "trailing blanks": (f"{said('a')} = {said('a ')}", False),
        "a backslash": (f"length({said(chr(92))})", 1),
        "division": (f"CAST({seven.text} AS {whole})", -4),
        "large squares": (f"CAST({large} * {large} AS {text})", "81000000000000000000"),
        "a missing side of a join": (missing, 1),
        "a name that is a column and an alias": (
            "(SELECT max(y) FROM (SELECT -x AS x, x + 1 AS y FROM (SELECT 1 AS x) AS t) AS u)",
            2,
        ),
        **moments,
    }
