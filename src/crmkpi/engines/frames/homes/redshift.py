"""Redshift. Written from its documentation and never run against a server, so it needs `untested=True`.

It ignores trailing blanks when it compares text, so a marker is appended to text that ends with a blank, and removed
from results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from crmkpi.engines.frames.homes.database import DatabaseFrame, DatabaseHome, types_of_kinds
from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.sql import Sql, SqlTexts, SqlWords, Text
from crmkpi.engines.frames.homes.warehouse import WarehouseHome, probe_of
from crmkpi.engines.frames.words import Row

__all__ = ["RedshiftHome", "RedshiftSql", "RedshiftTexts"]

_MARK = "\x01"


@dataclass(frozen=True, slots=True, eq=False)
class RedshiftSql(Sql):
    """An expression of Redshift, whose integer division rounds towards zero."""

    nan: ClassVar[Text] = "({} = CAST('NaN' AS DOUBLE PRECISION))"
    finite: ClassVar[Text] = "(CAST({0} AS VARCHAR) NOT IN ('NaN', 'Infinity', '-Infinity') OR {0} IS NULL)"

    @staticmethod
    def written(value: Text) -> Text:
        """A text as SQL; a backslash is an escape character."""
        marked = value + _MARK if value.endswith(" ") else value
        return Sql.written(marked.replace("\\", "\\\\"))

    @property
    def str(self) -> RedshiftTexts:
        """The text functions."""
        return RedshiftTexts(self)


class RedshiftTexts(SqlTexts[RedshiftSql]):
    """The text functions, for text that may end with the marker."""

    def strip_chars(self, characters: str | None = None) -> RedshiftSql:
        """A text without spaces at its ends, and without any of these characters."""
        plain = self.source.wrapped("replace(", f", '{_MARK}', '')")
        return SqlTexts(plain).strip_chars(characters)


_MICROS = "datediff(microsecond, TIMESTAMP '1970-01-01 00:00:00', "


class RedshiftHome(WarehouseHome[RedshiftSql]):
    """Tables, views and queries of Redshift."""

    dialect = RedshiftSql
    words = SqlWords(
        RedshiftSql,
        Int64="BIGINT",
        Int128="DECIMAL(38, 0)",
        Float64="DOUBLE PRECISION",
        Boolean="BOOLEAN",
        String="VARCHAR(65535)",
    )
    declared = types_of_kinds(
        text="varchar",
        money="decimal(18,2)",
        number="double precision",
        timestamp="timestamp without time zone",
        flag="boolean",
    )
    constants = declared
    instants = ("timestamp with time zone",)
    codes: ClassVar[Mapping[object, str]] = {
        **dict.fromkeys((20, 21, 23), "bigint"),
        **dict.fromkeys((700, 701), "double precision"),
        **dict.fromkeys((25, 1042, 1043), "character varying"),
        16: "boolean",
        1082: "date",
        1114: "timestamp without time zone",
        1184: "timestamp with time zone",
        1700: "numeric",
    }
    loose_decimal = (38, 99)  # the scale of a decimal without a declared size is unknown
    probe = probe_of(
        RedshiftSql,
        "BIGINT",
        "DECIMAL(38, 0)",
        "VARCHAR",
        {
            "microseconds before 1970": (f"{_MICROS}TIMESTAMP '1969-12-31 23:59:59.999999')", -1),
            "microseconds of 9999": (f"{_MICROS}TIMESTAMP '9999-12-31 23:59:59.999999')", 253_402_300_799_999_999),
            "microseconds of an instant": (
                f"{_MICROS}CAST('1970-01-01 02:00:00+02' AS TIMESTAMPTZ) AT TIME ZONE 'UTC')", 0,
            ),
        },
    )  # fmt: skip

    def text(self, column: str, type_: ColumnType) -> str:  # noqa: ARG002  # all types compare the same way
        """A column as text, without its collation, and with the marker after a trailing blank."""
        text = f"collate(CAST({column} AS {self.words.String}), 'case_sensitive')"
        return f"CASE WHEN ascii(right({text}, 1)) = 32 THEN {text} || '{_MARK}' ELSE {text} END"

    def micros(self, source: RedshiftSql, type_: ColumnType) -> RedshiftSql:
        """A timestamp as microseconds since 1970."""
        stamp = f"{source.text} AT TIME ZONE 'UTC'" if type_.aware else f"CAST({source.text} AS TIMESTAMP)"
        return RedshiftSql(f"{_MICROS}{stamp})", source.name)

    def days(self, source: RedshiftSql) -> RedshiftSql:
        """A date as days since 1970."""
        return source.wrapped("CAST(datediff(day, DATE '1970-01-01', ", ") AS BIGINT)")

    def first_by(self, value: str, order: str) -> RedshiftSql:
        """The integer of the first row of a group: the minimum of a text of order and value."""
        quoted = RedshiftSql.quoted
        key = f"lpad(CAST({quoted(order)} + 1000000000 AS VARCHAR), 20, '0') || CAST({quoted(value)} AS VARCHAR)"
        first = f"min(CASE WHEN {quoted(order)} IS NOT NULL THEN {key} END)"
        return RedshiftSql(f"CAST(substring({first}, 21) AS BIGINT)", whole=True)

    def leave(self, frame: DatabaseFrame) -> list[Row]:
        """The rows of a small result, without the marker in text."""
        rows = DatabaseHome.leave(self, frame)
        return [tuple(cell.removesuffix(_MARK) if isinstance(cell, str) else cell for cell in row) for row in rows]
