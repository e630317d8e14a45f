"""Warehouses that nobody has run: sqlglot parses their statements, which return the right figures in another engine.

sqlglot translates a statement to DuckDB, which runs it; Spark itself runs that of Databricks. This validates the
grammar and the arithmetic, not the warehouse itself: that is the task of the probe and of `check_database`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.engines.frames.homes.database import DatabaseTable, TableOrQuery
from crmkpi.engines.frames.homes.sessions import AlchemySource, Session, Source
from crmkpi.engines.frames.homes.warehouse import WarehouseHome
from crmkpi.errors import ColumnError, InputError
from crmkpi.sources.frames.databases import Database
from crmkpi.testing import databases

from .test_frames import METRICS
from .test_statement_text import COLUMNS, KPIS, QUESTIONS, assert_results, table_in

sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is not installed")
WAREHOUSES = ("redshift", "snowflake", "databricks", "trino", "bigquery")
IN_DUCKDB = ("redshift", "snowflake", "trino", "bigquery")


def in_duckdb(text: str, dialect: str) -> str:
    """A statement as DuckDB runs it; it has no collations of these names, and compares by bytes without them.

    Its `/` gives a float, where `typed` dialects divide whole numbers as such; sqlglot does not know which columns are.
    """

    def plain(node: Any) -> Any:
        if isinstance(node, sqlglot.exp.Collate):
            return node.this
        whole = isinstance(node, sqlglot.exp.Div) and node.args.get("typed") and node.expression.is_int
        return sqlglot.exp.IntDiv(this=node.this, expression=node.expression) if whole else node

    return str(sqlglot.parse_one(text, read=dialect).transform(plain).sql("duckdb"))


def home_of(dialect: str) -> WarehouseHome[Any]:
    home = BACKENDS[dialect].home
    assert isinstance(home, WarehouseHome)
    return home


@pytest.mark.parametrize(
    "id_, questions",
    [("win_rate", QUESTIONS[-1:]), *(pytest.param(each, QUESTIONS, marks=pytest.mark.slow) for each in KPIS)],
)
@pytest.mark.parametrize("dialect", IN_DUCKDB)
def test_a_statement_gives_the_figures_of_records_where_another_engine_runs_it(dialect, id_, questions) -> None:
    name, run = table_in("duckdb")
    for question in questions:
        text = METRICS[id_].sql(dialect=dialect, table=name, columns=COLUMNS, **question)
        assert "was never run" in text.splitlines()[2]
        assert assert_results(METRICS[id_], run(in_duckdb(text, dialect)), question)


@pytest.mark.parametrize("id_", [each for each in KPIS if not each.startswith("sales_cycle_length")])
def test_statements_of_databricks_are_parsed(id_) -> None:
    sqlglot.parse_one(METRICS[id_].sql(dialect="databricks", columns=COLUMNS, **QUESTIONS[-1]), read="databricks")


@pytest.mark.slow
def test_spark_gives_the_figures_of_records_for_the_statements_of_databricks() -> None:
    pytest.importorskip("pyspark")
    from .backends import frame_of, spark  # noqa: PLC0415  # only where it is tested
    from .test_statement_text import arrow_of_deals  # noqa: PLC0415  # likewise

    frame_of("pyspark", arrow_of_deals()).createOrReplaceTempView("deals_of_ours")
    for id_ in ("win_rate", "revenue", "average_deal_size", "deal_volume"):
        for question in QUESTIONS:
            text = METRICS[id_].sql(dialect="databricks", table="deals_of_ours", columns=COLUMNS, **question)
            rows = [row.asDict() for row in spark().sql(text).collect()]
            assert assert_results(METRICS[id_], rows, question)


@pytest.mark.parametrize("dialect", IN_DUCKDB)
def test_the_probe_has_the_answers_that_another_engine_gives(dialect) -> None:
    import duckdb  # noqa: PLC0415  # only where it is tested

    for what, (text, right) in home_of(dialect).probe.items():
        if what in ("a backslash", "microseconds of an instant", "large squares"):
            continue  # keywords and types of the warehouse
        assert duckdb.sql(in_duckdb(f"SELECT {text}", dialect)).fetchall() == [(right,)], what


@pytest.mark.parametrize("dialect", WAREHOUSES)
def test_the_probe_is_parsed(dialect) -> None:
    for text, _ in home_of(dialect).probe.values():
        sqlglot.parse_one(f"SELECT {text}", read=dialect)


@pytest.mark.parametrize("dialect", WAREHOUSES)
@pytest.mark.parametrize(
    "hard", ["it's", 'it"s', "50%s", "back\\slash", "a;b", "`tick`", "{braces}", "a\nb", "--", "Ада"]
)
def test_names_and_texts_are_what_they_are(dialect, hard) -> None:
    words = home_of(dialect).dialect
    found = sqlglot.parse_one(f"SELECT {words.written(hard)} AS {words.quoted(hard)}", read=dialect)
    (column,) = found.expressions
    assert column.alias == hard
    said = column.this
    assert (said.this.this if isinstance(said, sqlglot.exp.Cast) else said.this) in (hard, _hex(hard))


def _hex(text: str) -> str:
    return text.encode().hex()


# Connections


class Answers(Session):
    """A session that returns the answers of a warehouse."""

    def __init__(self, home: Any, answers: dict[str, list[tuple[Any, ...]]]) -> None:
        self.answers = answers
        super().__init__(AlchemySource(None, "a warehouse", home), lambda text: None)

    def rows(self, text: str) -> list[tuple[Any, ...]]:
        return next((rows for part, rows in self.answers.items() if part in text), [])

    def described(self, text: str) -> list[Any]:  # noqa: ARG002  # one query is asked
        return self.answers["described"]


TYPES = [
    ("redshift", ("amount", "numeric", 18, 2), "decimal", 2),
    ("redshift", ("owner", "character varying", None, None), "text", 0),
    ("redshift", ("closed_at", "timestamp with time zone", None, None), "timestamp", 0),
    ("snowflake", ("amount", "NUMBER", 12, 2), "decimal", 2),
    ("snowflake", ("id", "NUMBER", 38, 0), "whole", 0),
    ("snowflake", ("closed_at", "TIMESTAMP_NTZ", None, None), "timestamp", 0),
    ("snowflake", ("data", "VARIANT", None, None), "other", 0),
    ("databricks", ("amount", "DECIMAL", 18, 4), "decimal", 4),
    ("databricks", ("closed_at", "TIMESTAMP", None, None), "timestamp", 0),
    ("trino", ("amount", "decimal(18,2)"), "decimal", 2),
    ("trino", ("closed_at", "timestamp(6) with time zone"), "timestamp", 0),
    ("trino", ("owner", "varchar(20)"), "text", 0),
    ("trino", ("tags", "array(varchar)"), "other", 0),
    ("bigquery", ("amount", "NUMERIC(12, 2)"), "decimal", 2),
    ("bigquery", ("amount", "NUMERIC"), "decimal", 9),
    ("bigquery", ("amount", "BIGNUMERIC(76, 38)"), "other", 0),
    ("bigquery", ("closed_at", "DATETIME"), "timestamp", 0),
    ("bigquery", ("tags", "ARRAY<STRING>"), "other", 0),
]


@pytest.mark.parametrize("dialect, described, what, digits", TYPES)
def test_types_are_those_that_the_warehouse_says(dialect, described, what, digits) -> None:
    home, target = home_of(dialect), TableOrQuery("opps")
    session = Answers(home, {"ordinal_position": [described]})
    columns = home.columns_of(session, target)
    found = home.type_of(DatabaseTable(session.source, target, columns), described[0], "text")
    assert (found.what, found.digits) == (what, digits)
    assert found.aware == ("with time zone" in described[1] or described[:2] == ("closed_at", "TIMESTAMP"))


@pytest.mark.parametrize(
    "dialect, column, declared",
    [
        ("snowflake", ("AMOUNT", 0, None, None, 12, 2, True), "number(12,2)"),
        ("snowflake", ("CLOSED_AT", 8, None, None, 0, 9, True), "timestamp_ntz"),
        ("redshift", ("amount", 1700, None, None, 18, 2, None), "numeric(18,2)"),
        ("redshift", ("owner", 1043, None, 20, None, None, None), "character varying"),
        ("trino", ("amount", "decimal(12, 2)", None, None, None, None, None), "decimal(12, 2)"),
        ("bigquery", ("amount", "NUMERIC", None, None, None, None, True), "numeric"),
        ("databricks", ("amount", "decimal", None, None, 10, 2, None), "decimal(10,2)"),
    ],
)
def test_types_of_a_query_are_those_that_the_driver_says(dialect, column, declared) -> None:
    home = home_of(dialect)
    found = home.columns_of(Answers(home, {"described": [column]}), TableOrQuery(query="SELECT 1"))
    assert found == {column[0]: declared}


def test_a_table_that_is_not_there_names_the_nearest() -> None:
    home = home_of("snowflake")
    session = Answers(home, {"DISTINCT table_name": [("OPPS",), ("PEOPLE",)]})
    with pytest.raises(ColumnError, match=r"names are written as the warehouse keeps them. Did you mean 'OPPS'"):
        home.columns_of(session, TableOrQuery("opps"))


@pytest.mark.parametrize("dialect", WAREHOUSES)
def test_a_table_whose_rows_come_and_go_gives_no_figure(dialect) -> None:
    home, target = home_of(dialect), TableOrQuery("opps")
    session = Answers(home, {"count(*)": [(2,)]})
    session.seen[target] = home.state_of(session, target)
    home.check_unchanged(session)
    session.answers = {"count(*)": [(3,)]}
    with pytest.raises(InputError, match="has changed while it was measured, and a warehouse has no snapshots"):
        home.check_unchanged(session)


def test_a_limit_of_time_is_the_engines() -> None:
    with pytest.raises(InputError, match="is not supported for warehouses; set the limit in the engine"):
        home_of("trino").timed(3)


def test_redshift_sees_blanks_at_the_end_of_a_text_by_a_mark() -> None:
    home = home_of("redshift")
    assert home.dialect.written("Ada ") == "'Ada \x01'"
    session = Answers(home, {"SELECT": [("Ada \x01", 2), ("Ada", 1)]})
    frame = home.opened(DatabaseTable(session.source, TableOrQuery("opps"), {"owner": "character varying"}, session))
    assert home.leave(frame.select("owner")) == [("Ada ", 2), ("Ada", 1)]


def test_columns_of_bigquery_go_by_number() -> None:
    home = home_of("bigquery")
    session = Answers(home, {})
    frame = home.opened(DatabaseTable(session.source, TableOrQuery("opps"), {"n w0_": "int64"}, session))
    assert home.asked_as(frame.select("n w0_")).endswith("SELECT `n w0_` AS `c0`\nFROM crmkpi_step1")


def test_a_dialect_is_named_by_the_connection_and_needs_a_word_of_the_user() -> None:
    sa = pytest.importorskip("sqlalchemy")
    for dialect in WAREHOUSES:
        made = sa.create_engine("sqlite://")
        made.dialect.name = dialect
        with pytest.raises(InputError, match=rf"{dialect} is written from its documentation and was never run; give "):
            ck.database(made)
        assert ck.database(made, untested=True).source.home is home_of(dialect)


# Every kind of KPI, as check_database measures it


class Elsewhere(Source):
    """A warehouse emulated by another engine."""

    connected: Any

    def execute(self, text: str) -> Any:
        return self.connected.execute(in_duckdb(text, self.dialect))

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        session = Typed(self, self.execute)
        self.home.check_snapshot(session)
        yield session
        self.home.check_unchanged(session)

    def all_rows(self, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        raise AssertionError(text)

    def is_drivers(self, error: Exception) -> bool:  # noqa: ARG002  # all are shown
        return False


class Typed(Session):
    """A session with the warehouse's names of types."""

    def described(self, text: str) -> list[Any]:
        declared: dict[str, str] = dict(self.source.home.declared)
        names = {"VARCHAR": "text", "DOUBLE": "number", "BIGINT": "integer", "DATE": "date", "BOOLEAN": "flag"}
        names |= {"TIMESTAMP": "timestamp", "DECIMAL(18,2)": "money", "DECIMAL(38,0)": "integer", "FLOAT": "number"}
        names |= {"DECIMAL(18,3)": "money", "INTEGER": "integer"}
        found: Any = self._execute(text)
        return [
            (name, declared[names[str(type_)]], None, None, None, None, None) for name, type_, *_ in found.description
        ]


OF_ALL_KINDS = ("sales_cycle_length.median", "mrr", "net_promoter_score.latest_per_customer")


@pytest.mark.slow
@pytest.mark.parametrize("dialect", IN_DUCKDB)
def test_kpis_of_all_kinds_are_those_of_records_where_another_engine_runs_them(dialect, monkeypatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    source = Elsewhere(duckdb.connect(), dialect, home_of(dialect))
    monkeypatch.setattr(databases, "database", lambda *_, **__: Database(source))
    assert databases.check_database(None, metrics=OF_ALL_KINDS, rows=5) > len(OF_ALL_KINDS)
