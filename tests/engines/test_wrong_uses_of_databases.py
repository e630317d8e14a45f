"""Wrong arguments of `crmkpi.database`: an error whose way out works, or the right figure.

Each test runs on every server that it applies to.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.mariadb import MariaDbSql
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import ColumnError, InputError

from .servers import PASSWORD, mariadb, postgresql
from .test_traps import Server

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
NUMBERS = count()
SERVERS = ["postgresql", "mariadb", "sqlite", pytest.param("clickhouse", marks=pytest.mark.slow)]
TEXT = {"postgresql": "TEXT", "mariadb": "VARCHAR(99)", "sqlite": "TEXT", "clickhouse": "String"}


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    return Server(request.param)


def quoted(server: Server, name: str) -> str:
    mark = "`" if server.name == "mariadb" else '"'
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def made(server: Server, columns: str = "", values: str = "") -> str:
    """A table of a won deal and a lost one, with further columns."""
    name, text = f"used_{next(NUMBERS)}", TEXT[server.name]
    order = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    server.run(
        f"CREATE TABLE {name}(id {text}, status {text}{columns}){order}",
        f"INSERT INTO {name} VALUES ('1', 'won'{values}), ('2', 'lost'{values})",
    )
    return name


# Tables and their names


@pytest.mark.parametrize("given", [42, None, b"deals", sa.table("deals")], ids=["number", "nothing", "bytes", "table"])
def test_a_name_that_is_no_text_is_an_error(server, given) -> None:
    source = ck.database(server.connected)
    with pytest.raises(
        InputError,
        match=r"takes the names of a table and of its schema as text, .*as in table\('deals', schema='crm'\)",
    ):
        source.table(given)
    if given is not None:
        with pytest.raises(InputError, match=f"got {type(given).__name__}"):
            source.table("deals", schema=given)


def test_a_schema_before_a_point_is_an_error_whose_way_out_works(server) -> None:
    name = made(server)
    schema = {"postgresql": "public", "mariadb": "crm", "sqlite": "main", "clickhouse": "default"}[server.name]
    source = ck.database(server.connected)
    with pytest.raises(ColumnError, match="A schema is an argument of its own: ") as told:
        source.table(f"{schema}.{name}")
    call = str(told.value).partition("of its own: ")[2].removesuffix(".")
    assert ck.win_rate(eval(f"source.{call}", {"source": source})).value == 0.5


def test_a_name_with_a_point_is_a_name_where_it_is_there() -> None:
    server = Server("sqlite")
    server.run('CREATE TABLE "a.b"(id TEXT, status TEXT)', "INSERT INTO \"a.b\" VALUES ('1', 'won')")
    assert ck.win_rate(ck.database(server.connected).table("a.b")).value == 1.0


def test_a_name_in_other_letters_or_with_quotes_names_the_nearest(server) -> None:
    name = made(server)
    for given in (name.upper(), f'"{name}"', f"{name} "):
        with pytest.raises(ColumnError, match=f"Did you mean '{name}'"):
            ck.database(server.connected).table(given)


@pytest.mark.parametrize("schema", ['od"d', "a;b", "od`d", "it's", "a b", "100%", "A.b", "select"])
def test_schemas_are_what_they_are_called(server, schema) -> None:
    said = quoted(server, schema)
    known = made(server)
    if server.name == "sqlite":
        server.run(f"ATTACH ':memory:' AS {said}")
    else:
        server.run(f"CREATE {'SCHEMA' if server.name == 'postgresql' else 'DATABASE'} IF NOT EXISTS {said}")
    order = "ENGINE = MergeTree ORDER BY tuple() " if server.name == "clickhouse" else ""
    server.run(f"CREATE TABLE {said}.of_{known} {order}AS SELECT * FROM {known}")
    assert ck.win_rate(ck.database(server.connected).table(f"of_{known}", schema=schema)).value == 0.5


@pytest.mark.parametrize("name", ["step1", "step2", "cells"])
def test_a_table_may_be_called_like_a_step_of_a_statement(server: Server, name: str) -> None:
    text = TEXT[server.name]
    order = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    server.run(
        f"CREATE TABLE {name}(id {text}, industry {text}){order}", f"INSERT INTO {name} VALUES ('A', 'x'), ('B', 'y')"
    )
    bought = made(server, f", customer_id {text}", ", 'A'")
    source = ck.database(server.connected)
    crm = ck.Dataset(deals=source.table(bought), customers=source.table(name))
    try:
        assert [result.segment for result in crm.measure("win_rate", by="customer.industry")] == [
            {"customer.industry": "x"}
        ]
    finally:
        server.run(f"DROP TABLE {name}")


RESERVED = [
    "select",
    "order",
    "group",
    "user",
    "from",
    "where",
    "end",
    "null",
    "true",
    "limit",
    "desc",
    "step1",
    "cells",
]


def test_reserved_words_are_names_of_columns(server) -> None:
    columns = "".join(f", {quoted(server, word)} {TEXT[server.name]}" for word in RESERVED)
    deals = ck.database(server.connected).table(made(server, columns, "".join(f", '{word}'" for word in RESERVED)))
    found = ck.Dataset(deals=deals).measure("win_rate", by=[f"attributes.{word}" for word in RESERVED])
    assert list(found[0].segment.values()) == RESERVED


def test_nine_hundred_columns_cost_a_statement_no_letter(server) -> None:
    short = "TINYINT" if server.name == "mariadb" else TEXT[server.name]  # a row of MariaDB has 64 KiB
    columns = "".join(f", c{number} {short}" for number in range(900))
    wide = made(server, columns, "".join(f", '{number % 100}'" for number in range(900)))
    narrow = made(server, f", c899 {short}", ", '99'")
    source = ck.database(server.connected)
    sent = []
    for name in (wide, narrow):
        report = ck.Dataset(deals=source.table(name)).measure("win_rate", by="attributes.c899")
        assert str(report[0].segment["attributes.c899"]) == "99"
        sent.append(report.sql().replace(name, "used"))
    assert sent[0] == sent[1]


def test_names_as_long_as_a_server_takes_them_stay_apart(server) -> None:
    most = {"postgresql": 63, "mariadb": 64}.get(server.name, 500)
    long, other = "x" * (most - 1) + "a", "x" * (most - 1) + "b"
    text = TEXT[server.name]
    name = made(server, f", {quoted(server, long)} {text}, {quoted(server, other)} {text}", ", 'p', 'q'")
    crm = ck.Dataset(deals=ck.database(server.connected).table(name))
    (found,) = crm.measure("win_rate", by=[f"attributes.{long}", f"attributes.{other}"])
    assert list(found.segment.values()) == ["p", "q"]


def test_two_columns_of_one_name_are_an_error_whose_way_out_works(server) -> None:
    name, source = made(server), ck.database(server.connected)
    for twice in ("id, status, 'won' AS status", "a.*, a.*", "id, 'a' AS owner, 'b' AS owner, status"):
        with pytest.raises(InputError, match=r"two .*name|two columns .*; rename one with AS"):
            source.query(f"SELECT {twice} FROM {name} AS a")
    assert ck.win_rate(source.query(f"SELECT id, status, 'won' AS was FROM {name}")).value == 0.5


def test_a_view_of_sqlite_with_two_columns_of_one_name_is_an_error() -> None:
    server = Server("sqlite")
    name = made(server)
    server.run(f"CREATE VIEW v_{name} AS SELECT id, status, 'won' AS Status FROM {name}")
    first = server.run(f"SELECT status FROM v_{name}")  # the failing control: the second is silently lost
    assert first == [("won",), ("lost",)]
    with pytest.raises(ColumnError, match=rf"The view 'v_{name}' returns two columns 'Status'; rename one with AS"):
        ck.database(server.connected).table(f"v_{name}")
    server.run(
        f'CREATE TABLE t_{name}(id TEXT, status TEXT, "status:1" TEXT)', f"INSERT INTO t_{name} VALUES (1, 'won', 'x')"
    )
    assert ck.win_rate(ck.database(server.connected).table(f"t_{name}")).value == 1.0  # a column may have this name


# Connections


@pytest.mark.parametrize(
    "url, message",
    [
        ("postgres://u:hidden@h/db", r"knows no dialect 'postgres'.*, and postgresql\+psycopg:// may be meant"),
        ("mysql://u:hidden@h/db", r"it starts with mysql://, and mysql\+pymysql:// may be meant"),
        ("clickhouse://u:hidden@h/db", "and clickhousedb:// may be meant"),
        ("jdbc:postgresql://u:hidden@h/db", "the text that was given does not start like one"),
        (" postgresql://u:hidden@h/db", "the text that was given does not start like one"),
        ("postgresql+psycopg://u:hidden@h:port/db", "its parts are not those of dialect"),
        ("https://u:hidden@h/db", "knows no dialect 'https'"),
        ("postgresql+asyncpg://u:hidden@h/db", "driver 'asyncpg' is not installed|not an asynchronous one"),
    ],
)
def test_a_url_that_cannot_be_used_says_why_and_not_the_password(url, message) -> None:
    for call in (ck.database, lambda given: ck.read_sql("SELECT 1", given, record=ck.Deal)):
        with pytest.raises(InputError, match=message) as told:
            call(url)
        assert "hidden" not in str(told.value)
        assert "hidden" not in repr(told.value.__cause__)


def test_a_url_of_sqlalchemy_is_taken_as_its_text_is() -> None:
    server = Server("postgresql")
    assert ck.win_rate(ck.database(sa.make_url(postgresql())).table(made(server))).value == 0.5


def test_a_file_that_is_not_there_is_not_made(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite:///crm.db", f"sqlite:///{tmp_path}/other.db", "sqlite:///no/folder.db"):
        with pytest.raises(InputError, match=r"There is no file .* with a database; give its path"):
            ck.database(url)
    assert not list(tmp_path.iterdir())
    with sqlite3.connect("crm.db") as connection:  # the way out
        connection.execute("CREATE TABLE deals AS SELECT 1 AS id, 'won' AS status")
    assert ck.win_rate(ck.database("sqlite:///crm.db").table("deals")).value == 1.0


@pytest.mark.parametrize("name", ["AsyncEngine", "AsyncConnection", "AsyncSession"])
def test_asynchronous_connections_are_an_error(name) -> None:
    """SQLAlchemy's own async engines need a package that may be missing."""
    waiting = type(name, (), {"__module__": "sqlalchemy.ext.asyncio.engine"})()
    with pytest.raises(InputError, match=r"give an engine of create_engine\(\), not an asynchronous one"):
        ck.database(waiting)


def test_a_session_of_sqlalchemy_is_an_error_whose_way_out_works() -> None:
    from sqlalchemy.orm import Session as OrmSession  # noqa: PLC0415  # only where it is installed

    server = Server("postgresql")
    name = made(server)
    repeatable = server.connected.execution_options(isolation_level="REPEATABLE READ")
    with OrmSession(repeatable) as session:
        with pytest.raises(InputError, match=r"For a session give session.connection\(\)"):
            ck.database(session)
        session.execute(sa.text(f"INSERT INTO {name} VALUES ('3', 'won')"))
        assert ck.win_rate(ck.database(session.connection()).table(name)).value == 2 / 3
        assert session.in_transaction()


def test_connections_of_drivers_are_an_error_that_says_what_to_give() -> None:
    psycopg = pytest.importorskip("psycopg")
    said = r"got Connection. Create an engine with sqlalchemy.create_engine\(url\)"
    url = postgresql().replace("+psycopg", "")
    with psycopg.connect(url) as connection, pytest.raises(InputError, match=said):
        ck.database(connection)


@pytest.mark.parametrize("asks", ["measures", "reads rows"])
@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite"])
def test_engines_whose_rows_are_dicts_are_an_error_that_says_what_to_leave_out(name, asks, tmp_path) -> None:
    url: Any = f"sqlite:///{tmp_path / 'deals'}"
    arguments: dict[str, Any] = {}
    if name == "postgresql":
        url, rows = postgresql(), pytest.importorskip("psycopg.rows")
        arguments = {"connect_args": {"row_factory": rows.dict_row}}
    elif name == "mariadb":
        url, cursors = mariadb(), pytest.importorskip("pymysql.cursors")
        arguments = {"connect_args": {"cursorclass": cursors.DictCursor}}
    else:
        arguments = {"creator": lambda: connection_of_dicts(tmp_path / "deals")}
    table = f"dicts_{next(NUMBERS)}"

    def ask(engine: Any) -> Any:
        if asks == "measures":
            return ck.win_rate(ck.database(engine).table(table)).value
        return [deal.id for deal in ck.read_sql(f"SELECT * FROM {table}", engine, record=ck.Deal)]

    plain = sa.create_engine(url)
    with plain.begin() as connection:
        connection.exec_driver_sql(f"CREATE TABLE {table}(id {TEXT[name]}, status {TEXT[name]})")
        connection.exec_driver_sql(f"INSERT INTO {table} VALUES ('1', 'won')")
    made_wrong = sa.create_engine(url, **arguments)
    with pytest.raises(InputError, match=r"The engine must return rows as tuples, .*without cursorclass or row_"):
        ask(made_wrong)
    assert ask(plain) in (1.0, ["1"])
    for engine in (plain, made_wrong):
        engine.dispose()


def connection_of_dicts(path: Path) -> sqlite3.Connection:
    made = sqlite3.connect(path)
    made.row_factory = lambda cursor, row: dict(zip([each[0] for each in cursor.description], row, strict=True))
    return made


FACTORIES: dict[str, Callable[[sqlite3.Connection], None]] = {
    "rows": lambda connection: setattr(connection, "row_factory", sqlite3.Row),
    "dicts": lambda connection: setattr(
        connection,
        "row_factory",
        lambda cursor, row: dict(zip([each[0] for each in cursor.description], row, strict=True)),
    ),
    "the first value": lambda connection: setattr(connection, "row_factory", lambda _, row: row[0]),
    "bytes": lambda connection: setattr(connection, "text_factory", bytes),
    "no transactions": lambda connection: setattr(connection, "isolation_level", None),
}


@pytest.mark.parametrize("how", FACTORIES)
def test_rows_of_a_connection_of_sqlite_may_have_any_shape(how) -> None:
    connection = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
    connection.execute(
        "CREATE TABLE deals(id TEXT, status TEXT, owner TEXT, amount DECIMAL(18, 2), closed_at TIMESTAMP)"
    )
    connection.execute(
        "INSERT INTO deals VALUES ('1', 'won', 'Ada', 10.55, '2026-01-05 10:00:00'), ('2', 'lost', 'Bo', 1, NULL)"
    )
    connection.commit()
    FACTORIES[how](connection)
    kept = connection.row_factory, connection.text_factory, connection.isolation_level, connection.total_changes
    crm = ck.Dataset(deals=ck.database(connection).table("deals"), currency="EUR")
    found = crm.measure(["win_rate", "revenue", "average_deal_size.median"], by="owner")
    assert [(r.segment["owner"], r.value) for r in found] == [
        ("Ada", 1.0), ("Bo", 0.0), ("Ada", Decimal("10.55")), ("Bo", 0), ("Ada", Decimal("10.55")), ("Bo", None)
    ]  # fmt: skip
    rows = ck.read_sql("SELECT id, status, owner FROM deals", connection, record=ck.Deal)
    assert [(deal.id, deal.owner) for deal in rows] == [("1", "Ada"), ("2", "Bo")]
    assert (
        connection.row_factory,
        connection.text_factory,
        connection.isolation_level,
        connection.total_changes,
    ) == kept


def test_a_driver_that_does_not_tell_the_size_of_decimals_costs_no_cent(monkeypatch) -> None:
    """mysql-connector describes the columns of a query only by type."""
    server = Server("mariadb")
    name = made(server, ", amount DECIMAL(18, 3), cost DECIMAL(9, 0)", ", 10.555, 7")
    described = Session.described
    query = f"SELECT id, status, amount, NULLIF(amount, amount) AS nothing FROM {name}"

    def asked() -> Any:
        return ck.revenue(ck.database(server.connected).query(query), currency="EUR").value

    monkeypatch.setattr(
        Session,
        "described",
        lambda self, text: [(*row[:2], None, None, None, None, 1) for row in described(self, text)],
    )
    assert asked() == Decimal("10.555")
    assert server.run(f"SELECT CAST({MariaDbSql.quoted('amount')} AS DECIMAL(38, 0)) FROM {name}")[0] == (Decimal(11),)


# Underlying tables


def test_a_view_or_query_over_a_table_without_snapshots_is_an_error_whose_way_out_works() -> None:
    server = Server("mariadb")
    name = made(server)
    server.run(f"ALTER TABLE {name} ENGINE = MyISAM", f"CREATE VIEW v_{name} AS SELECT * FROM {name}")
    server.run(f"CREATE VIEW w_{name} AS SELECT * FROM v_{name}")
    source = ck.database(server.connected)
    for ask in (
        lambda: source.table(f"v_{name}"),
        lambda: source.table(f"w_{name}"),
        lambda: source.query(f"SELECT * FROM {name}"),
        lambda: source.query(f"SELECT * FROM crm.w_{name}"),
    ):
        with pytest.raises(
            InputError, match=f"reads the table '{name}', which is stored by MyISAM, which has no snapshots"
        ):
            ask()
    server.run(f"ALTER TABLE {name} ENGINE = InnoDB")
    assert ck.win_rate(source.table(f"w_{name}")).value == 0.5


@pytest.mark.parametrize("server", SERVERS[1:], indirect=True)  # a boolean of PostgreSQL is true or false
def test_flags_that_are_neither_are_told_and_not_taken_for_no(server) -> None:
    flag = {"mariadb": "TINYINT(1)", "sqlite": "BOOLEAN"}.get(server.name, "Nullable(UInt8)")
    name = f"used_{next(NUMBERS)}"
    order = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    server.run(
        f"CREATE TABLE {name}(id {TEXT[server.name]}, status {TEXT[server.name]}, deleted {flag}){order}",
        f"INSERT INTO {name} VALUES ('1', 'won', 0), ('2', 'won', 1), ('3', 'won', 7), ('4', 'won', NULL)",
    )
    assert server.run(f"SELECT count(*) FROM {name} WHERE deleted = 1") == [
        (1,)
    ]  # the failing control: 7 is not deleted
    found = ck.win_rate(ck.database(server.connected).table(name), most_unreadable=1)
    assert (found.inputs["won"], dict(found.left_out)) == (2, {"deleted": 1, "deleted unreadable": 1})


# Passwords


@pytest.mark.parametrize("spelt", ["p@ss w/rd", "p%40ss%20w%2Frd", "p%40ss+w%2Frd"])
def test_a_password_is_cut_out_however_it_is_spelt(spelt) -> None:
    url = sa.URL.create("postgresql+psycopg", "crm", "p@ss w/rd", "127.0.0.1", 1, "crm", {"sslpassword": "another"})
    source = ck.database(url).source

    def fails(_: str) -> Any:
        raise sa.exc.OperationalError(
            "SELECT 1", {}, Exception(f"no login by crm:{spelt}@127.0.0.1?sslpassword=another")
        )

    with pytest.raises(InputError, match=r"no login by crm:\*\*\*@127.0.0.1\?sslpassword=\*\*\*") as told:
        Session(source, fails).rows("SELECT 1")
    assert told.value.__cause__ is None


def test_nothing_that_is_handed_on_has_the_password() -> None:
    server = Server("postgresql")
    source = ck.database(postgresql())
    report = ck.Dataset(deals=source.table(made(server))).measure("win_rate")
    handed = [report.to_json(), report.to_markdown(), report.to_html(), report.to_csv(), report.sql(), repr(report)]
    assert all(PASSWORD not in text for text in handed)
