"""`check_database` validates a server in one call; untested databases are refused."""

from __future__ import annotations

from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.engines.frames.homes.home import ColumnType
from crmkpi.engines.frames.homes.mysql import MySqlHome, MySqlSql
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.engines.frames.homes.sql_home import SqlHome
from crmkpi.errors import InputError
from crmkpi.testing import check_database

from .servers import clickhouse, engine, mariadb, postgresql

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
SOME = ["win_rate", "revenue", "sales_cycle_length.median", "mrr", "churn_rate"]


@pytest.mark.parametrize("start", [postgresql, mariadb])
def test_a_server_that_is_right_passes(start) -> None:
    assert check_database(engine(start()), metrics=SOME, rows=20) > 20


@pytest.mark.slow
@pytest.mark.parametrize("start", [postgresql, mariadb])
def test_all_kpis_pass(start) -> None:
    assert check_database(engine(start())) > 1_000


@pytest.mark.slow
def test_clickhouse_passes() -> None:
    assert check_database(clickhouse(), metrics=SOME, rows=20) > 20


def test_a_server_that_is_wrong_is_told_in_one_sentence(monkeypatch) -> None:
    steps = SqlHome.steps

    def late(self: Any, column: Any, edges: Any, values: Any) -> Any:
        return steps(self, column, edges[1:], values[:-1])  # each moment is in the period before

    monkeypatch.setattr(SqlHome, "steps", late)
    with pytest.raises(
        AssertionError, match=r"^win_rate gives another \w+ on the database for .*and records give .*\.$"
    ):
        check_database(engine(postgresql()), metrics="win_rate")


def test_a_server_that_refuses_a_statement_is_told_in_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr(SqlHome, "steps", lambda self, column, edges, values: column + edges[0])
    with pytest.raises(
        AssertionError, match=r"^win_rate gives DatabaseError: .*[^.] on the database, and \d+ results on records\.$"
    ):
        check_database(engine(postgresql()), metrics="win_rate")


def test_nothing_is_written_and_no_table_is_read(monkeypatch) -> None:
    sent: list[str] = []
    rows = Session.rows

    def noted(self: Session, text: str) -> Any:
        sent.append(text)
        return rows(self, text)

    monkeypatch.setattr(Session, "rows", noted)
    check_database(engine(postgresql()), metrics="win_rate", rows=5)
    assert all(text.lstrip("( ").split()[0] in ("SELECT", "WITH", "SHOW") for text in sent)


def test_sqlite_is_tested_with_the_library() -> None:
    with pytest.raises(InputError, match="is tested with the library itself"):
        check_database(sa.create_engine("sqlite://"))


# Databases that nobody has tested


def named(word: str) -> Any:
    made = sa.create_engine("sqlite://")
    made.dialect.name = word
    return made


def test_mysql_is_refused_until_the_user_says_that_it_may_be_wrong(monkeypatch) -> None:
    rows = Session.rows

    def of_mysql(self: Session, text: str) -> Any:
        found = rows(self, text)
        return [(*found[0][:2], "8.0.36", *found[0][3:])] if "version()" in text else found

    monkeypatch.setattr(Session, "rows", of_mysql)
    with pytest.raises(InputError, match=r"MySQL is supported but not tested; got 8.0.36. Pass .*untested=True"):
        ck.database(engine(mariadb())).table("deals")
    mysql = named("mysql")
    mysql.dialect.is_mariadb, mysql.dialect.server_version_info = False, (8, 0, 36)
    source = ck.database(mysql, untested=True).source
    assert (source.dialect, type(source.home)) == ("mysql", MySqlHome)
    assert not BACKENDS["mysql"].tested


def test_mariadb_stays_itself_where_anything_goes() -> None:
    assert ck.database(sa.create_engine(mariadb()), untested=True).source.dialect == "mariadb"


def test_mysql_compares_texts_by_its_own_collation() -> None:
    assert MySqlSql.written("a") == "(_utf8mb4 'a' COLLATE utf8mb4_0900_bin)"
    source = ck.database(named_mysql(), untested=True).source
    column = source.home.plain(MySqlSql.col("owner"), "text", ColumnType("text", "String", unit="varchar(9)"))
    assert column.text == "(CONVERT(`owner` USING utf8mb4) COLLATE utf8mb4_0900_bin)"


def named_mysql() -> Any:
    made = named("mysql")
    made.dialect.is_mariadb, made.dialect.server_version_info = False, (8, 0, 36)
    return made
