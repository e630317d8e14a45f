"""The advice in each error works on each server; rows that leave a database keep instants."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError
from crmkpi.testing import check_database

from .test_traps import Server

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
NUMBERS = count()
SERVERS = ["postgresql", "mariadb", "sqlite", pytest.param("clickhouse", marks=pytest.mark.slow)]
TEXT = {"postgresql": "TEXT", "mariadb": "VARCHAR(99)", "sqlite": "TEXT", "clickhouse": "String"}
DECIMAL = {"sqlite": "REAL", "clickhouse": "Decimal(18, 2)"}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    return Server(request.param)


def made(server: Server, columns: str, *rows: str) -> str:
    """A table with the columns of deals, all text, plus further columns."""
    name = f"advised_{next(NUMBERS)}"
    order = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    text = f"INSERT INTO {name} VALUES {', '.join(rows)}"
    if server.name == "mariadb":
        text = f"SET STATEMENT time_zone = '+00:00' FOR {text}"
    server.run(f"CREATE TABLE {name}({columns}){order}", text)
    return name


TEXTS = {
    "closed_at": ("2026-01-31 23:30:00", "2026-02-01 00:30:00", "2026-02-01 00:30:00"),
    "amount": ("10.50", "2.25", "100.00"),
    "deleted": ("no", "no", "yes"),
}


def texts(server: Server, *fields: str) -> str:
    """A table with only text columns, as from an import."""
    columns = ", ".join(f"{name} {TEXT[server.name]}" for name in ("id", "status", *fields))
    rows = zip("123", ("won",) * 3, *(TEXTS[field] for field in fields), strict=True)
    return made(server, columns, *(f"({', '.join(map(repr, row))})" for row in rows))


FIELDS = {  # the KPI that reads a field, and its number of deals after the text is parsed
    "closed_at": ("win_rate", {"period": "2026-02"}, 2),
    "amount": ("revenue", {}, 3),
    "deleted": ("win_rate", {}, 2),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_column_of_texts_is_refused_with_a_way_out_that_works(server, field) -> None:
    name, source, (kpi, question, right) = texts(server, field), ck.database(server.connected), FIELDS[field]

    def asked(deals: Any) -> Any:
        crm = ck.Dataset(deals=deals, currency="EUR", calendar=ck.Calendar(tz="UTC"))
        return crm.measure(kpi, **question)[0].accounts[0].used

    with pytest.raises(ColumnError, match=rf"'{field}' must hold ") as told:
        asked(source.table(name))
    said = {"closed_at": "Parse it: ", "amount": "Convert it with a cast; or ", "deleted": "Compare it with the word"}
    assert said[field] in str(told.value)
    if field == "closed_at":
        made = str(told.value).partition("Parse it: ")[2].partition("; or ")[0].replace("column", field)
    elif field == "amount":
        made = f"CAST(amount AS {DECIMAL.get(server.name, 'DECIMAL(18, 2)')})"
    else:
        made = "deleted = 'yes'"
    text = f"SELECT id, status, {made} AS {field} FROM (SELECT * FROM {name}) AS t"
    assert asked(source.query(text)) == right
    server.run(f"CREATE VIEW v_{name} AS {text}")
    assert asked(source.table(f"v_{name}")) == right


def test_texts_are_read_as_files_are_as_their_error_says(server) -> None:
    deals = ck.table(ck.database(server.connected).table(texts(server, *TEXTS)), record=ck.Deal, parse=True)
    assert [(deal.amount, deal.closed_at, deal.deleted) for deal in deals] == [
        (Decimal("10.50"), datetime(2026, 1, 31, 23, 30), False),
        (Decimal("2.25"), datetime(2026, 2, 1, 0, 30), False),
        (Decimal("100.00"), datetime(2026, 2, 1, 0, 30), True),
    ]
    assert ck.revenue(deals, currency="EUR", period="2026-02").value == Decimal("2.25")


def test_a_query_and_a_computed_column_of_sqlite_have_the_types_of_their_values() -> None:
    server = Server("sqlite")
    name = made(
        server,
        "id TEXT, status TEXT, closed_at TIMESTAMP, expected_close_on DATE, deleted BOOLEAN",
        "('1', 'won', '2026-01-05 10:00:00', '2026-01-05', 0)",
        "('2', 'won', '5.1.2026', NULL, 0)",
        "('3', 'won', '2026-01-05 10:00:00', '2026-01-05', 1)",
        "('4', 'won', '2026-01-05 10:00:00', '2026-01-05', 7)",
    )
    source = ck.database(server.connected)
    whole = f"SELECT id, status, closed_at || '' AS closed_at, deleted + 0 AS deleted FROM {name}"
    server.run(f"CREATE VIEW v_{name} AS {whole}")
    for deals in (
        source.table(name),
        source.query(f"SELECT * FROM {name}"),
        source.query(whole),
        source.table("v_" + name),
    ):
        found = ck.win_rate(deals, period="2026", most_unreadable=1)
        left = {"closed_at unreadable": 1, "deleted unreadable": 1, "deleted": 1}
        assert (found.inputs["won"], dict(found.left_out)) == (1, left)
    with pytest.raises(ColumnError, match=r"'closed_at' must hold .*Convert it to timestamps"):
        ck.win_rate(source.query(f"SELECT id, status, 1767571200 AS closed_at FROM {name}"), period="2026")


INSTANTS = {  # columns with instants and wall-clock times; the first two have the same instant
    "postgresql": ("TIMESTAMPTZ", "TIMESTAMPTZ", "'2026-01-05 10:00-05'", "'2026-01-05 16:00+01'"),
    "mariadb": ("TIMESTAMP", "TIMESTAMP", "'2026-01-05 15:00:00'", "'2026-01-05 15:00:00'"),
    "clickhouse": (
        "DateTime('Asia/Tokyo')",
        "DateTime",
        "toDateTime('2026-01-05 15:00:00', 'UTC')",
        "toDateTime('2026-01-05 15:00:00', 'UTC')",
    ),
}


@pytest.mark.parametrize("name", [each if each != "clickhouse" else SERVERS[-1] for each in INSTANTS])
def test_instants_are_instants_for_readers_and_checks_whatever_the_zone_they_are_shown_in(name) -> None:
    server, text, (one, other, first, second) = Server(name), TEXT[name], INSTANTS[name]
    columns = f"id {text}, status {text}, created_at {one}, closed_at {other}"
    table = made(server, columns, f"('1', 'won', {first}, {second})")
    deals = server.table(table)
    shown = server.run(f"SELECT created_at, closed_at FROM {table}")[0]
    if name != "postgresql":
        assert shown[0] != datetime(2026, 1, 5, 15)  # the failing control: a driver shows it in some zone
    read = ck.table(deals, record=ck.Deal, parse=True)[0]
    assert (read.created_at, read.closed_at) == (datetime(2026, 1, 5, 15, tzinfo=UTC),) * 2
    assert {found.field for found in ck.Dataset(deals=deals).check()} == {
        "amount"
    }  # it is not closed before it is created


def test_moments_that_no_record_holds_do_not_stop_a_reader_or_a_check() -> None:
    server = Server("postgresql")
    table = made(
        server,
        "id TEXT, status TEXT, created_at TIMESTAMPTZ, closed_at TIMESTAMP, expected_close_on DATE",
        "('1', 'won', 'infinity', '0044-03-15 BC', '-infinity')",
        "('2', 'won', '2026-01-05', '2026-01-05', '2026-01-05')",
    )
    with pytest.raises(sa.exc.DBAPIError):  # the failing control
        server.run(f"SELECT created_at FROM {table}")
    read = ck.table(server.table(table), record=ck.Deal, parse=True)
    assert dict(read[0].unreadable) == dict.fromkeys(  # type: ignore[attr-defined]
        ("created_at", "closed_at", "expected_close_on"), "'a time outside the years 1 to 9999'"
    )
    assert read[1].closed_at == datetime(2026, 1, 5)
    assert ck.Dataset(deals=server.table(table), most_unreadable=1).check().tables["deals"].used == 2


# Arguments that are not a table, a query or a database

CALLS: dict[str, Any] = {
    "measured": ck.win_rate,
    "in a dataset": lambda data: ck.Dataset(deals=data).measure("win_rate"),
    "with its columns": lambda data: ck.table(data, record=ck.Deal),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_database_is_no_table_and_its_error_says_how_to_take_one(call) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    database = ck.database(connection)
    ways = {"connection": connection, "database": database, "engine": engine}
    with engine.begin() as begun:
        begun.exec_driver_sql("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
        for given, name in (
            (database, "database"),
            (connection, "connection"),
            (engine, "engine"),
            (begun, "connection"),
        ):
            with pytest.raises(InputError, match=r"A database has many tables; give one: ") as told:
                CALLS[call](given)
            way = str(told.value).partition("give one: ")[2].removesuffix(".")
            names = {**ways, "crmkpi": ck, name: given}
            if given is not begun:
                assert ck.win_rate(eval(way, names)).value == 1.0
    engine.dispose()
    duckdb = pytest.importorskip("duckdb").connect()
    duckdb.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
    with pytest.raises(InputError, match=r"give one: connection.table\('deals'\)"):
        CALLS[call](duckdb)
    assert ck.win_rate(duckdb.table("deals")).value == 1.0


def test_what_is_nearly_a_database_is_an_error_that_says_what_to_give(tmp_path) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
    database = ck.database(connection)
    given = {
        "For a cursor give cursor.connection": connection.cursor(),
        r"sqlite3.connect\(path\) opens a file": tmp_path / "crm.db",
        "Give the engine, connection or URL of the database": database,
        "Give the engine, connection or URL of the database.": database.table("deals"),
        "got NoneType": None,
        "got bytes": b"sqlite://",
        "got module": sqlite3,
        "got type": sa.Engine,
        "got function": sa.create_engine,
    }
    for message, wrong in given.items():
        calls = (ck.database, check_database, lambda one: ck.read_sql("SELECT 1 AS id", one, record=ck.Deal))
        for call in calls:
            with pytest.raises(InputError, match=message):
                call(wrong)


@pytest.mark.parametrize(
    "text, message",
    [
        ("deals", r"starts with DEALS. For a table write SELECT \* FROM deals\."),
        ("main.deals", r"For a table write SELECT \* FROM main.deals\."),
        ("SELECT * FROM deals WHERE id = ?", "a query has no parameters, so write the constants into its text"),
        ("SELECT * FROM deals WHERE id = :id", "a query has no parameters, so write the constants into its text"),
        ("SELECT '\ud800' AS id", "an invalid character"),
        ("SELECT 'a\0b' AS id", "an invalid character"),
        ("EXPLAIN SELECT 1", "starts with EXPLAIN"),
        ("-- nothing", "starts with -- nothing"),
        (sqlite3.connect(":memory:"), "takes the text of a SELECT; got <sqlite3.Connection"),
        (b"SELECT 1", "takes the text of a SELECT; got b'SELECT 1'"),
    ],
)
def test_what_is_no_query_is_an_error_by_both_ways(text, message) -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
    for call in (
        lambda: ck.win_rate(ck.database(connection).query(text)),
        lambda: ck.read_sql(text, connection, record=ck.Deal),
    ):
        with pytest.raises(InputError, match=message):
            call()


WRITES = {
    "WITH gone AS (DELETE FROM {0} RETURNING *) SELECT * FROM gone": "DELETE FROM",
    "WITH gone AS MATERIALIZED (\n delete\tfrom {0} RETURNING *) SELECT * FROM gone": "DELETE FROM",
    "WITH new AS (UPDATE {0} AS t SET status = 'lost' RETURNING *) SELECT * FROM new": "UPDATE {0} AS T SET",
    "WITH new AS (UPDATE public.{0} SET status = 'lost' RETURNING *) SELECT * FROM new": "UPDATE PUBLIC.{0} SET",
    "WITH new AS (INSERT INTO {0} VALUES ('9', 'won') RETURNING *) SELECT * FROM new": "INTO",
    "SELECT * INTO copy_of_{0} FROM {0}": "INTO",
}


@pytest.mark.parametrize("text", WRITES)
def test_a_select_that_writes_is_refused_where_it_would_be_committed(text) -> None:
    server = Server("postgresql")
    name, control = (made(server, "id TEXT, status TEXT", "('1', 'won')") for _ in "12")
    autocommit = server.connected.execution_options(isolation_level="AUTOCOMMIT")
    with autocommit.connect() as connection:  # the failing control
        connection.exec_driver_sql(text.format(control))
    changed = server.run(f"SELECT * FROM {control}") != [("1", "won")]
    assert changed or server.run(f"SELECT * FROM copy_of_{control}") == [("1", "won")]
    with pytest.raises(InputError, match=f"which only reads; this one has {WRITES[text].format(name).upper()}"):
        ck.read_sql(text.format(name), autocommit, record=ck.Deal)
    assert server.run(f"SELECT * FROM {name}") == [("1", "won")]


def test_words_of_writing_in_quotes_and_names_are_no_writing() -> None:
    server = Server("postgresql")
    name = made(server, 'id TEXT, status TEXT, "into" TEXT, updated TEXT', "('1', 'won', 'delete from', 'x')")
    listed = "id, status, \"into\", updated, 'INSERT INTO x' AS delete -- into\n"
    text = f"SELECT {listed} FROM {name} WHERE updated <> 'UPDATE a SET b'"
    assert ck.read_sql(text, server.connected, record=ck.Deal)[0].attributes["into"] == "delete from"
    assert ck.win_rate(ck.database(server.connected).query(text)).value == 1.0


@pytest.mark.parametrize("untested", ["yes", 1, None])
def test_untested_is_true_or_false(untested) -> None:
    with pytest.raises(InputError, match=f"`untested` is True or False; got {untested!r}"):
        ck.database(sqlite3.connect(":memory:"), untested=untested)


def test_a_query_of_postgresql_with_a_parameter_says_that_it_has_none() -> None:
    with pytest.raises(InputError, match="a query has no parameters"):
        ck.database(Server("postgresql").connected).query("SELECT '1' AS id, 'won' AS status WHERE 'a' = $1")
