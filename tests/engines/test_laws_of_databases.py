"""Laws of each server: read-only, the user's connection unchanged, no password in errors, and invalid input.

`test_databases.py` has more of the same for PostgreSQL.
"""

from __future__ import annotations

import pickle
import re
import sqlite3
import traceback
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import ColumnError, InputError

from .servers import PASSWORD, clickhouse_server, engine, mariadb, postgresql
from .test_traps import Server

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
NUMBERS = count()
SLOW = pytest.param("clickhouse", marks=pytest.mark.slow)
SERVERS = ["postgresql", "mariadb", "sqlite", SLOW]
TEXT = {"postgresql": "TEXT", "mariadb": "VARCHAR(20)", "sqlite": "TEXT", "clickhouse": "String"}
KPIS = ["win_rate", "revenue", "average_deal_size.median"]


def made(server: Server, *columns: str, values: str = "") -> str:
    """A table of three deals, two of them won, with further columns."""
    name, text = f"held_{next(NUMBERS)}", TEXT[server.name]
    order = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    listed = "".join(f", {column}" for column in columns)
    rows = ", ".join(f"('{n}', '{word}', {n}.50{values})" for n, word in enumerate(("won", "lost", "won"), 1))
    server.run(
        f"CREATE TABLE {name}(id {text}, status {text}, amount DECIMAL(18, 2){listed}){order}",
        f"INSERT INTO {name} VALUES {rows}",
    )
    return name


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    return Server(request.param)


SETTINGS = {
    "postgresql": "SELECT name, setting FROM pg_settings",
    "mariadb": "SELECT * FROM information_schema.session_variables WHERE variable_name NOT IN "
    "('TIMESTAMP', 'LAST_GTID', 'PSEUDO_THREAD_ID', 'RAND_SEED1', 'RAND_SEED2')",
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_connection_in_a_transaction_keeps_it_its_rows_and_its_settings(name) -> None:
    server = Server(name)
    table = made(server)
    with server.connected.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ('4', 'won', 1)")
        before = connection.exec_driver_sql(SETTINGS[name], execution_options={"no_parameters": True}).all()
        crm = ck.Dataset(deals=ck.database(connection, timeout=30).table(table), currency="EUR")
        assert crm.measure(KPIS)[0].inputs == {"won": 3, "closed": 4}
        assert connection.in_transaction()
        assert connection.exec_driver_sql(SETTINGS[name], execution_options={"no_parameters": True}).all() == before
        with pytest.raises(InputError):
            ck.database(connection).query("SELECT nothing FROM nowhere")
        assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 4
        connection.rollback()
    assert server.run(f"SELECT count(*) FROM {table}") == [(3,)]


def test_a_connection_of_sqlite_keeps_its_transaction_and_its_rows(tmp_path) -> None:
    connection = sqlite3.connect(tmp_path / "crm.db")
    connection.execute("CREATE TABLE deals(id TEXT, status TEXT)")
    connection.commit()
    connection.execute("INSERT INTO deals VALUES ('1', 'won')")  # begins a transaction
    before = connection.total_changes, connection.isolation_level, connection.execute("PRAGMA data_version").fetchall()
    assert ck.win_rate(ck.database(connection, timeout=30).table("deals")).value == 1.0
    assert connection.in_transaction
    assert before[:2] == (connection.total_changes, connection.isolation_level)
    with sqlite3.connect(tmp_path / "crm.db") as other:
        assert other.execute("SELECT count(*) FROM deals").fetchall() == [(0,)]
    connection.rollback()
    assert ck.win_rate(ck.database(connection).table("deals")).value is None
    assert not connection.in_transaction


@pytest.mark.parametrize("start", [postgresql, mariadb])
def test_connections_of_an_engine_are_given_back_and_may_write_again(start) -> None:
    server = Server("postgresql" if start is postgresql else "mariadb")
    table = made(server)
    pool = sa.create_engine(start(), pool_size=1, max_overflow=0, pool_timeout=2)
    source = ck.database(pool, timeout=30)
    for _ in range(3):
        assert ck.win_rate(source.table(table)).value == 2 / 3
        with pytest.raises(ColumnError):
            source.table("nothing")
    assert pool.pool.checkedout() == 0
    with pool.begin() as connection:
        connection.exec_driver_sql(f"DELETE FROM {table}")
    assert ck.win_rate(source.table(table)).value is None
    pool.dispose()


def test_a_function_that_writes_is_stopped() -> None:
    server = Server("mariadb")
    table = made(server)
    server.run(
        f"CREATE FUNCTION writes_{table}() RETURNS INT MODIFIES SQL DATA "
        f"BEGIN INSERT INTO {table} VALUES ('9', 'won', 9); RETURN 1; END"
    )
    with pytest.raises(InputError, match=r"a query must only read: .*READ ONLY"):
        ck.database(server.connected).query(f"SELECT id, status, writes_{table}() AS number FROM {table}")
    assert server.run(f"SELECT count(*) FROM {table}") == [(3,)]


def test_statements_only_read(server, monkeypatch) -> None:
    sent: list[str] = []
    for method in ("rows", "run", "described"):
        before = getattr(Session, method)

        def noted(self: Session, text: str, before: Any = before) -> Any:
            sent.append(text)
            return before(self, text)

        monkeypatch.setattr(Session, method, noted)
    table = made(server)
    source = ck.database(server.connected, timeout=30)
    for deals in (source.table(table), source.query(f"SELECT * FROM {table}")):
        ck.Dataset(deals=deals, currency="EUR").measure(KPIS, by="status")
    first = {re.split(r"\W+", text.strip())[0].upper() for text in sent}
    assert first <= {"SELECT", "WITH", "SHOW", "DESCRIBE", "SET", "START", "BEGIN", "PRAGMA"}
    for text in sent:
        if text.startswith("SET"):
            assert re.match(r"SET (LOCAL|TRANSACTION|STATEMENT)\b", text), "what is set ends with the measurement"
        if text.startswith("PRAGMA"):
            assert "=" not in text


# Passwords

URLS: dict[str, Callable[[], str]] = {"postgresql": postgresql, "mariadb": mariadb, "clickhouse": clickhouse_server}


def _told(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield f"{error} {error!r} {''.join(traceback.format_exception(error))}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("name", ["postgresql", "mariadb", SLOW])
def test_a_password_is_nowhere_to_be_seen(name) -> None:
    server = Server(name)
    table, url = made(server), URLS[name]()
    source = ck.database(url)
    deals = source.table(table)
    crm = ck.Dataset(deals=deals, currency="EUR")
    report = crm.measure(KPIS)
    shown = [source, source.source, deals, crm, ck.table(deals, record=ck.Deal), report, report[0], crm.check()]
    texts = [*map(repr, shown), *map(str, shown), report.sql(), report.to_json(), report.to_html(), report.to_csv()]
    texts += [pickle.dumps(report).decode("latin-1"), repr(report[0].accounts)]
    wrong = sa.make_url(url).set(password=f"not-{PASSWORD}")
    for fails in (
        lambda: ck.database(wrong).table("nothing"),
        lambda: source.table("nothing"),
        lambda: source.query("SELECT nothing FROM nowhere"),
        lambda: ck.read_sql("SELECT nothing FROM nowhere", url, record=ck.Deal),
        lambda: ck.database(sa.make_url(url).set(port=1)).table("nothing"),
    ):
        with pytest.raises(InputError) as raised:
            fails()
        texts += _told(raised.value)
    assert not [text for text in texts if PASSWORD in text]


# Bad input


def test_a_closed_connection_of_clickhouse_says_so() -> None:
    gone = type("Connection", (), {"__module__": "chdb", "cursor": lambda _: None})()  # as its own does
    with pytest.raises(InputError, match=r"its connection is closed|cannot be read"):
        ck.database(gone).table("deals")


def test_a_table_that_may_not_be_read_is_an_error_whose_way_out_works() -> None:
    server = Server("mariadb")
    table, reader = made(server), f"reader_{next(NUMBERS)}"
    root = sa.create_engine(sa.make_url(mariadb()).set(username="root", password=""))

    def as_root(text: str) -> None:
        with root.begin() as connection:
            connection.exec_driver_sql(text)

    as_root(f"CREATE USER {reader}@'127.0.0.1' IDENTIFIED BY 'x'")
    as_root(f"GRANT INSERT ON crm.{table} TO {reader}@'127.0.0.1'")
    url = sa.make_url(mariadb()).set(username=reader, password="x")  # noqa: S106
    with pytest.raises(InputError, match=r"the user of the connection may not read it|grant SELECT"):
        ck.win_rate(ck.database(url).table(table))
    as_root(f"GRANT SELECT ON crm.{table} TO {reader}@'127.0.0.1'")
    assert ck.win_rate(ck.database(url).table(table)).value == 2 / 3
    root.dispose()


@pytest.mark.slow
def test_columns_of_clickhouse_that_differ_in_case_are_two() -> None:
    server = Server("clickhouse")
    table = made(server, "owner String", "Owner String", values=", 'a', 'b'")
    crm = ck.Dataset(deals=ck.database(server.connected).table(table))
    (found,) = crm.measure("win_rate", by=["owner", "attributes.Owner"])
    assert list(found.segment.values()) == ["a", "b"]


NESTED = [
    ("mariadb", "BLOB", "'x'"),
    ("mariadb", "GEOMETRY", "POINT(1, 1)"),
    ("mariadb", "VARBINARY(9)", "'x'"),
    ("sqlite", "BLOB", "X'00'"),
]


@pytest.mark.parametrize(("name", "type_", "value"), NESTED)
def test_what_is_no_plain_value_is_refused(name, type_, value) -> None:
    server = Server(name)
    table = made(server, f"owner {type_}", values=f", {value}")
    with pytest.raises(ColumnError, match=r"must hold (one plain value|owner as text)"):
        ck.Dataset(deals=ck.database(server.connected).table(table)).measure("win_rate", by="owner")


AMOUNTS = [
    ("mariadb", "TEXT", "'1.200,50'"),
    ("mariadb", "TIME", "'01:00:00'"),
    ("sqlite", "TEXT", "'1.200,50'"),
    pytest.param("clickhouse", "String", "'1.200,50'", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "type_", "value"), AMOUNTS)
def test_amounts_are_numbers(name, type_, value) -> None:
    server = Server(name)
    table = f"held_{next(NUMBERS)}"
    order = " ENGINE = Memory" if name == "clickhouse" else ""
    text = TEXT[name]
    server.run(f"CREATE TABLE {table}(id {text}, status {text}, amount {type_}){order}",
               f"INSERT INTO {table} VALUES ('1', 'won', {value})")  # fmt: skip
    with pytest.raises(ColumnError, match="'amount' must hold amount as decimal or floating-point numbers"):
        ck.revenue(ck.database(server.connected).table(table), currency="EUR")


@pytest.mark.parametrize("server", SERVERS[:3], indirect=True)  # there is one ClickHouse within a process
def test_related_tables_lie_in_one_database(server) -> None:
    text = TEXT[server.name]
    deals, customers = made(server, f"customer_id {text}", values=", '1'"), f"held_{next(NUMBERS)}"
    server.run(
        f"CREATE TABLE {customers}(id {text}, industry {text})", f"INSERT INTO {customers} VALUES ('1', 'retail')"
    )
    source = ck.database(server.connected)
    if server.name == "sqlite":
        other: Any = sqlite3.connect(":memory:")
        other.execute(f"CREATE TABLE {customers}(id TEXT, industry TEXT)")
    else:
        other = sa.create_engine(engine(URLS[server.name]()).url, poolclass=sa.NullPool)
    with pytest.raises(InputError, match="Related tables must be in one database, on one connection"):
        ck.Dataset(deals=source.table(deals), customers=ck.database(other).table(customers)).measure(
            "win_rate", by="customer.industry"
        )
    right = ck.Dataset(deals=source.table(deals), customers=source.table(customers))
    assert right.measure("win_rate", by="customer.industry")[0].value == 2 / 3
