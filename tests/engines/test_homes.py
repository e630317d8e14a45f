"""The engine uses the capabilities of a backend, never its name."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi
from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.engines.frames.homes.bigquery import BigQueryHome, BigQuerySql
from crmkpi.engines.frames.homes.clickhouse import ClickhouseHome, ClickhouseSql
from crmkpi.engines.frames.homes.database import DatabaseFrame, DatabaseTable
from crmkpi.engines.frames.homes.databricks import DatabricksHome, DatabricksSql
from crmkpi.engines.frames.homes.duckdb import DuckDbFrame, DuckDbHome, DuckDbSql
from crmkpi.engines.frames.homes.home import HomeOf
from crmkpi.engines.frames.homes.mariadb import MariaDbHome, MariaDbSql
from crmkpi.engines.frames.homes.mysql import MySqlHome
from crmkpi.engines.frames.homes.polars import Lent, PolarsHome
from crmkpi.engines.frames.homes.postgresql import PostgresqlHome, PostgresqlSql
from crmkpi.engines.frames.homes.redshift import RedshiftHome, RedshiftSql
from crmkpi.engines.frames.homes.snowflake import SnowflakeHome, SnowflakeSql
from crmkpi.engines.frames.homes.spark import SparkFrame, SparkHome, SparkSql
from crmkpi.engines.frames.homes.sql import Sql
from crmkpi.engines.frames.homes.sqlite import SqliteHome, SqliteSql
from crmkpi.engines.frames.homes.trino import TrinoHome, TrinoSql
from crmkpi.engines.frames.words import Expr, FrameOf

if TYPE_CHECKING:
    from duckdb import DuckDBPyRelation
    from pyspark.sql import DataFrame

# Type checkers validate each home, its expressions and its frames against the protocols.
POLARS: HomeOf[pl.Expr, pl.LazyFrame, Lent] = PolarsHome()
DUCKDB: HomeOf[DuckDbSql, DuckDbFrame, DuckDBPyRelation] = DuckDbHome()
SPARK: HomeOf[SparkSql, SparkFrame, DataFrame] = SparkHome()
SQLITE: HomeOf[SqliteSql, DatabaseFrame, DatabaseTable] = SqliteHome()
POSTGRESQL: HomeOf[PostgresqlSql, DatabaseFrame, DatabaseTable] = PostgresqlHome()
MARIADB: HomeOf[MariaDbSql, DatabaseFrame, DatabaseTable] = MariaDbHome()
MYSQL: HomeOf[MariaDbSql, DatabaseFrame, DatabaseTable] = MySqlHome()
CLICKHOUSE: HomeOf[ClickhouseSql, DatabaseFrame, DatabaseTable] = ClickhouseHome()
REDSHIFT: HomeOf[RedshiftSql, DatabaseFrame, DatabaseTable] = RedshiftHome()
SNOWFLAKE: HomeOf[SnowflakeSql, DatabaseFrame, DatabaseTable] = SnowflakeHome()
DATABRICKS: HomeOf[DatabricksSql, DatabaseFrame, DatabaseTable] = DatabricksHome()
TRINO: HomeOf[TrinoSql, DatabaseFrame, DatabaseTable] = TrinoHome()
BIGQUERY: HomeOf[BigQuerySql, DatabaseFrame, DatabaseTable] = BigQueryHome()
HOMES = (
    *(POLARS, DUCKDB, SPARK, SQLITE, POSTGRESQL, MARIADB, CLICKHOUSE, MYSQL),
    *(REDSHIFT, SNOWFLAKE, DATABRICKS, TRINO, BIGQUERY),
)
EXPRESSIONS: tuple[type[Expr], ...] = (
    pl.Expr,
    DuckDbSql,
    SparkSql,
    SqliteSql,
    PostgresqlSql,
    MariaDbSql,
    ClickhouseSql,
    RedshiftSql,
    SnowflakeSql,
    DatabricksSql,
    TrinoSql,
    BigQuerySql,
)
FRAMES: tuple[type[FrameOf[pl.Expr] | FrameOf[Sql]], ...] = (pl.LazyFrame, DuckDbFrame, SparkFrame, DatabaseFrame)
PACKAGE = Path(crmkpi.__file__).parent
ROOM = PACKAGE / "engines" / "frames"
TABLE = ROOM / "backends.py"
MOST_UNKNOWN = 20
# Modules with drivers and connections of type Any; the list may only shrink.
STILL_UNKNOWN = {
    *("snapshots.py", "ran.py", "sessions.py", "database.py"),
    *("sqlite.py", "postgresql.py", "mariadb.py", "mysql.py", "clickhouse.py"),
}


def constants(node: ast.expr) -> set[object]:
    """The constants in an operand of a comparison."""
    inner = node.elts if isinstance(node, ast.Tuple | ast.List | ast.Set) else [node]
    return {each.value for each in inner if isinstance(each, ast.Constant)}


def comparisons(tree: ast.AST) -> list[int]:
    """The lines that compare a value with the name of a library."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            operands = [node.value]
        else:
            continue
        if set().union(*map(constants, operands)) & set(BACKENDS):
            found.append(node.lineno)
    return found


def test_a_comparison_with_a_name_is_found() -> None:
    for text in (
        "x.name == 'duckdb'",
        "x in ('polars', 'pandas')",
        "'pyspark' != x",
        "match x:\n    case 'sqlite': pass",
    ):
        assert comparisons(ast.parse(text))
    assert not comparisons(ast.parse("x.name == 'won'"))


def test_nothing_compares_with_the_name_of_a_library_but_homes_and_the_table() -> None:
    paths = [path for path in PACKAGE.rglob("*.py") if ROOM / "homes" not in path.parents and path != TABLE]
    found = {str(path.relative_to(PACKAGE)): comparisons(ast.parse(path.read_text(encoding="utf-8"))) for path in paths}
    assert {path: lines for path, lines in found.items() if lines} == {}


def unknown_types(tree: ast.AST) -> list[int]:
    """The lines that use the type Any."""
    return [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "Any"]


def test_few_types_of_the_engines_are_unknown_and_each_says_why() -> None:
    found, silent = 0, []
    for path in (PACKAGE / "engines").rglob("*.py"):
        if path.name in STILL_UNKNOWN:
            continue
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for line in unknown_types(ast.parse(text)):
            found += 1
            if "# " not in lines[line - 1] and not lines[line - 2].strip().startswith("#"):
                silent.append(f"{path.relative_to(PACKAGE)}:{line}")
    assert silent == []
    assert found <= MOST_UNKNOWN


def test_engines_know_no_readers() -> None:
    for path in (PACKAGE / "engines").rglob("*.py"):
        assert "crmkpi.sources" not in path.read_text(encoding="utf-8"), path


def test_each_backend_has_one_of_the_homes() -> None:
    assert {type(backend.home) for backend in BACKENDS.values()} == set(map(type, HOMES))


@given(st.lists(st.floats() | st.integers(-(10**12), 10**12).map(lambda number: number / 2), min_size=1))
def test_duckdb_rounds_alike_with_digits_and_without(values: list[float]) -> None:
    duckdb = pytest.importorskip("duckdb")
    rounded = DuckDbSql("x").round(0).text
    found = (
        duckdb.sql("SELECT unnest($1::DOUBLE[]) AS x", params=[values]).project(f"{rounded}, round(x, 0)").fetchall()
    )
    assert all(repr(short) == repr(long) for short, long in found)
