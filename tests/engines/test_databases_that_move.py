"""Views and queries with random numbers or the time, and tables that change or vanish during a measurement."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import ColumnError, CrmKpiError, InputError

from .servers import after_statements
from .test_traps import Server

NUMBERS = count()
SERVERS = ["postgresql", "mariadb", "sqlite", pytest.param("clickhouse", marks=pytest.mark.slow)]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    return Server(request.param)


def made(server: Server) -> str:
    """A table of three deals, two of them won."""
    name = f"moving_{next(NUMBERS)}"
    text = {"clickhouse": "String", "mariadb": "VARCHAR(20)"}.get(server.name, "TEXT")
    moment = {"clickhouse": "Nullable(DateTime('UTC'))", "mariadb": "DATETIME"}.get(server.name, "TIMESTAMP")
    engine = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    server.run(f"CREATE TABLE {name}(id {text}, status {text}, owner {text}, closed_at {moment}){engine}")
    rows = [(1, "won", "Ada"), (2, "lost", "Ada"), (3, "won", "Bo")]
    server.run(
        f"INSERT INTO {name} VALUES "
        + ", ".join(f"('{number}', '{status}', '{owner}', '2026-01-05 10:00:00')" for number, status, owner in rows)
    )
    return name


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[str]]:
    """Call a function after each statement that names a table of deals; return the statements."""
    return partial(after_statements, monkeypatch, lambda text: "moving_" in text and "GROUP BY" in text)


# Chance and time

CHANCE = {
    "postgresql": ["random() < 2", "gen_random_uuid() IS NOT NULL", "clock_timestamp() IS NOT NULL"],
    "mariadb": ["rand() < 2", "RAND (3) < 2", "uuid() IS NOT NULL", "sysdate() IS NOT NULL"],
    "sqlite": ["random() IS NOT NULL", "length(randomblob(2)) = 2"],
    "clickhouse": ["rand() >= 0", "generateUUIDv4() != toUUID('00000000-0000-0000-0000-000000000000')"],
}
NOW = {
    "postgresql": ["now()", "CURRENT_TIMESTAMP", "localtimestamp", "transaction_timestamp()"],
    "mariadb": ["NOW()", "CURRENT_TIMESTAMP", "utc_timestamp()", "curdate() + INTERVAL 1 DAY"],
    "sqlite": ["datetime('now')", "CURRENT_TIMESTAMP"],
    "clickhouse": ["now()"],
}


def test_a_view_or_query_that_asks_for_chance_is_refused_also_below_another(server) -> None:
    name, source = made(server), ck.database(server.connected)
    for where in CHANCE[server.name]:
        view, above = f"v{next(NUMBERS)}_{name}", f"v{next(NUMBERS)}_{name}"
        server.run(f"CREATE VIEW {view} AS SELECT * FROM {name} WHERE {where}")
        server.run(f"CREATE VIEW {above} AS SELECT * FROM {view}")
        for relation in (view, above):
            with pytest.raises(InputError, match=r" returns another value in each statement, so that figures would"):
                source.table(relation)
            with pytest.raises(InputError, match=r"A query calls \w+\(\)"):
                source.query(f"SELECT * FROM {relation}")
        order = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
        server.run(f"CREATE TABLE copy_of_{view}{order} AS SELECT * FROM {above}")  # the way out
        assert ck.win_rate(source.table(f"copy_of_{view}")).inputs == {"won": 2, "closed": 3}


def test_a_column_that_is_called_like_chance_is_a_column(server) -> None:
    name = made(server)
    query = f"SELECT id, status, owner AS random, closed_at FROM {name}"
    assert ck.win_rate(ck.database(server.connected).query(query)).value == 2 / 3


def test_a_view_that_asks_for_the_time_is_of_one_moment(server) -> None:
    name, source = made(server), ck.database(server.connected)
    for now in NOW[server.name]:
        view = f"v{next(NUMBERS)}_{name}"
        server.run(f"CREATE VIEW {view} AS SELECT *, {now} AS seen_at FROM {name} WHERE closed_at < {now}")
        found = ck.Dataset(deals=source.table(view)).measure("win_rate", by="owner", period="2026-01")
        assert [(result.segment["owner"], result.value) for result in found] == [("Ada", 0.5), ("Bo", 1.0)]


def test_a_view_of_mariadb_sees_one_time_in_all_statements(between) -> None:
    server = Server("mariadb")
    name = made(server)
    server.run(f"CREATE VIEW v_{name} AS SELECT *, DATE_FORMAT(NOW(6), '%f') AS seen FROM {name}")
    deals = ck.Dataset(deals=ck.database(server.connected).table(f"v_{name}"))
    asked = between(lambda: server.run("SELECT SLEEP(0.01)"))
    first = deals.measure("win_rate", by="attributes.seen", period="2026-01")
    assert asked
    assert len(first) == 1  # without a single "now" the statements would have different groups
    assert first[0].accounts[0].given == 3


def test_rows_that_come_while_time_passes_give_no_figure_in_sqlite(monkeypatch) -> None:
    server = Server("sqlite")
    name = made(server)
    server.run(f"CREATE VIEW v_{name} AS SELECT * FROM {name} WHERE closed_at < datetime('now')")
    deals = ck.Dataset(deals=ck.database(server.connected).table(f"v_{name}"))
    assert deals.measure("win_rate")[0].value == 2 / 3
    rows, counted = Session.rows, count()

    def grows(self: Session, text: str) -> Any:
        found = rows(self, text)
        return [(found[0][0] + next(counted),)] if text.startswith("SELECT count(*) FROM") else found

    monkeypatch.setattr(Session, "rows", grows)
    with pytest.raises(InputError, match="has changed while it was measured, and it reads the clock; measure again"):
        deals.measure("win_rate")


# Errors during a measurement


def test_a_table_cannot_go_while_it_is_measured_or_its_going_is_told(server, monkeypatch) -> None:
    name = made(server)
    deals = ck.Dataset(deals=ck.database(server.connected).table(name))
    patience = {"postgresql": "SET LOCAL lock_timeout = 100", "mariadb": "SET lock_wait_timeout = 1"}
    refused: list[Exception] = []

    def drops() -> None:
        try:
            server.run(*[patience[server.name]] if server.name in patience else [], f"DROP TABLE {name}")
        except Exception as error:  # noqa: BLE001  # of any driver
            refused.append(error)

    rows = Session.rows

    def watched(self: Session, text: str) -> Any:
        if name in text and "GROUP BY" in text:
            drops()
        return rows(self, text)

    monkeypatch.setattr(Session, "rows", watched)
    try:
        found = deals.measure("win_rate", by="owner", period="2026-01")
    except CrmKpiError as error:
        assert re.search(r"a table or column has gone|has changed while it was measured", str(error))
    else:
        assert found[0].value == 0.5
        assert refused  # the snapshot still has it
    if server.name == "mariadb":
        server.run("SET lock_wait_timeout = DEFAULT")


def test_after_a_table_has_gone_the_connection_is_usable(server) -> None:
    name, other = made(server), made(server)
    source = ck.database(server.connected)
    deals = source.table(name)
    server.run(f"DROP TABLE {name}")
    with pytest.raises(ColumnError, match=f"has no table '{name}'"):
        ck.win_rate(deals)
    assert ck.win_rate(source.table(other)).value == 2 / 3


def test_a_closed_connection_says_so(tmp_path) -> None:
    for name in ("sqlite", "mariadb", "postgresql"):
        server = Server(name)
        table = made(server)
        connection = sqlite3.connect(tmp_path / "a.db") if name == "sqlite" else server.connected.connect()
        if name == "sqlite":
            connection.execute(f"CREATE TABLE {table}(id TEXT, status TEXT)")
            connection.commit()
        deals = ck.database(connection).table(table)
        connection.close()
        with pytest.raises(InputError, match="its connection is closed, so open another"):
            ck.win_rate(deals)


@pytest.mark.parametrize(
    "name, own, kill",
    [
        ("mariadb", "SELECT CONNECTION_ID()", "KILL {}"),
        ("postgresql", "SELECT pg_backend_pid()", "SELECT pg_terminate_backend({})"),
    ],
)
def test_a_connection_that_ends_meanwhile_is_one_sentence_and_the_engine_goes_on(name, own, kill, monkeypatch) -> None:
    sa = pytest.importorskip("sqlalchemy")
    server = Server(name)
    table = made(server)
    deals = ck.Dataset(deals=ck.database(sa.create_engine(server.connected.url, poolclass=sa.NullPool)).table(table))
    rows = Session.rows

    def watched(self: Session, text: str) -> Any:
        if table in text and "GROUP BY" in text:
            ((number,),) = rows(self, own)
            server.run(kill.format(number))
        return rows(self, text)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "rows", watched)
        with pytest.raises(InputError, match="its connection is closed, so open another"):
            deals.measure("win_rate", by="owner", period="2026-01")
    assert deals.measure("win_rate")[0].value == 2 / 3


def test_a_measure_of_sqlite_that_takes_too_long_ends_and_the_connection_goes_on() -> None:
    server = Server("sqlite")
    name = made(server)
    many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 100000000)"
    slow = f"SELECT id, status, (SELECT count(*) FROM ({many} SELECT x FROM n)) AS counted FROM {name}"
    with pytest.raises(InputError, match=r"did not answer within timeout=0.1 seconds"):
        ck.Dataset(deals=ck.database(server.connected, timeout=0.1).query(slow)).measure(
            "win_rate", by="attributes.counted"
        )
    assert ck.win_rate(ck.database(server.connected).table(name)).value == 2 / 3


def written_meanwhile(name: str, folder: Path) -> tuple[str, Any, Callable[[str], Any]]:
    """A table, its reader, and a writer on another connection."""
    if name != "sqlite":
        server = Server(name)
        return made(server), server.connected, server.run
    writer = sqlite3.connect(folder / "crm.db", isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    table = f"moving_{next(NUMBERS)}"
    writer.execute(f"CREATE TABLE {table}(id TEXT, status TEXT, owner TEXT, closed_at TIMESTAMP)")
    writer.execute(f"INSERT INTO {table} VALUES ('1', 'won', 'Ada', '2026-01-05'), ('2', 'lost', 'Bo', '2026-01-05')")
    return table, sqlite3.connect(folder / "crm.db"), writer.execute


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite"])
def test_the_account_adds_up_while_another_connection_writes(name, tmp_path, between) -> None:
    table, reader, run = written_meanwhile(name, tmp_path)
    deals = ck.Dataset(deals=ck.database(reader).table(table), as_of=date(2026, 2, 1))
    question: Any = {"metrics": ["win_rate", "deal_volume"], "by": "owner", "period": "2026-01"}
    calm = deals.measure(**question)
    numbers = count(100)

    def disturb() -> None:
        run(f"INSERT INTO {table} VALUES ('{next(numbers)}', 'won', 'Ada', '2026-01-05 10:00:00')")
        run(f"DELETE FROM {table} WHERE id = '2'")

    asked = between(disturb)
    disturbed = deals.measure(**question)
    assert len(asked) > 1
    assert [(r.value, r.n) for r in disturbed] == [(r.value, r.n) for r in calm]
    for result in disturbed:
        (account,) = result.accounts
        assert account.used + sum(account.left_out.values()) + account.rejected + account.outside == account.given


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite"])
def test_where_the_data_begin_is_told_of_the_same_moment(name, tmp_path, between) -> None:
    table, reader, run = written_meanwhile(name, tmp_path)
    deals = ck.Dataset(deals=ck.database(reader).table(table))
    calm = deals.measure("won_deals", period="2025-03")
    assert "the first closed_at of deals is of 2026-01-05" in calm.notes[0]
    asked = between(lambda: run(f"INSERT INTO {table} VALUES ('9', 'won', 'Ada', '2025-03-10 10:00:00')"))
    disturbed = deals.measure("won_deals", period="2025-03")
    written = len(asked)
    assert (disturbed[0].value, disturbed.notes) == (0, calm.notes)
    assert deals.measure("won_deals", period="2025-03")[0].value == written > 0


@pytest.mark.parametrize("name", ["postgresql", "mariadb", "sqlite"])
def test_without_a_snapshot_statements_would_see_other_rows(name, tmp_path, between, monkeypatch) -> None:
    """The failing control: the same statements without a snapshot transaction."""
    table, reader, run = written_meanwhile(name, tmp_path)
    home = type(ck.database(reader).source.home)
    begins = {"sqlite": (), "mariadb": ("START TRANSACTION",)}
    begins["postgresql"] = ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED",)
    monkeypatch.setattr(home, "begins", begins[name])
    monkeypatch.setattr(home, "isolation", "READ COMMITTED" if name == "mariadb" else "")
    monkeypatch.setattr(home, "check_snapshot", lambda *_: None)
    if name == "sqlite":
        monkeypatch.setattr(Session, "run", lambda *_: None)
    numbers = count(100)
    between(lambda: run(f"INSERT INTO {table} VALUES ('{next(numbers)}', 'won', 'Ada', '2026-01-05 10:00:00')"))
    source = ck.database(reader)
    with source.source.snapshot() as session:
        seen = [session.rows(f"SELECT status, count(*) FROM {table} GROUP BY status ORDER BY 1") for _ in "12"]
    assert seen[0] != seen[1]


def test_a_second_measure_sees_what_has_come_since_and_nothing_is_kept(server) -> None:
    name = made(server)
    deals = ck.Dataset(deals=ck.database(server.connected).table(name))
    before = deals.measure("win_rate", by="owner", period="2026-01")
    assert {result.segment["owner"] for result in before} == {"Ada", "Bo"}
    server.run(
        f"INSERT INTO {name} VALUES ('5', 'won', 'Cy', '2026-01-06 10:00:00'), "
        "('6', 'maybe', 'Cy', '2026-01-06 10:00:00'), ('7', 'lost', 'Cy', '1969-12-31 10:00:00')"
    )
    fresh = ck.Dataset(deals=ck.database(server.connected).table(name))
    after, right = (crm.measure("win_rate", by="owner", period="2026-01", most_unreadable=1) for crm in (deals, fresh))
    assert {result.segment["owner"] for result in after} == {"Ada", "Bo", "Cy"}
    assert [(r.value, dict(r.segment), r.accounts) for r in after] == [
        (r.value, dict(r.segment), r.accounts) for r in right
    ]
    assert sum(result.left_out.get("status unreadable", 0) for result in after) == 1


def test_tables_of_one_database_are_seen_in_one_snapshot(monkeypatch) -> None:
    server = Server("postgresql")
    name = made(server)
    server.run(f"ALTER TABLE {name} ADD COLUMN customer_id TEXT DEFAULT '1'")
    server.run(f"CREATE TABLE of_{name}(id TEXT, industry TEXT)", f"INSERT INTO of_{name} VALUES ('1', 'retail')")
    source = ck.database(server.connected)
    crm = ck.Dataset(deals=source.table(name), customers=source.table(f"of_{name}"))
    rows = Session.rows

    def disturbed(self: Session, text: str) -> Any:
        found = rows(self, text)
        if name in text and "crmkpi_step" in text:
            server.run(f"UPDATE of_{name} SET industry = 'steel'", f"UPDATE {name} SET status = 'lost'")
        return found

    monkeypatch.setattr(Session, "rows", disturbed)
    (found,) = crm.measure("win_rate", by="customer.industry", period="2026-01")
    assert (found.segment, found.value) == ({"customer.industry": "retail"}, 2 / 3)
    monkeypatch.setattr(Session, "rows", rows)
    (after,) = crm.measure("win_rate", by="customer.industry", period="2026-01")
    assert (after.segment, after.value) == ({"customer.industry": "steel"}, 0.0)


@pytest.mark.parametrize("text", ["a%b", "c%sd", "100%"])
def test_a_constant_with_a_percent_sign_is_what_it_is(text) -> None:
    """The failing control is the statement sent as usual: the driver reads `%` as a placeholder."""
    server = Server("postgresql")
    with server.connected.connect() as connection:
        try:
            wrong = connection.exec_driver_sql(f"SELECT '{text}'", (None,) * text.count("%s")).scalar()
        except Exception as error:  # noqa: BLE001  # of any driver
            wrong = error
        assert wrong != text
    with ck.database(server.connected).source.snapshot() as session:
        assert session.rows(f"SELECT '{text}'") == [(text,)]


@pytest.mark.parametrize("hard", ["it's", 'it"s', "a;b", "x" * 64, "{braces}", "50%s", ":x", "?1", "[x]"])
def test_names_and_constants_of_sqlite_are_what_they_are(hard) -> None:
    server = Server("sqlite")
    quoted, spelt = '"' + hard.replace('"', '""') + '"', hard.replace("'", "''")
    server.run(f"CREATE TABLE {quoted}(id INTEGER, status TEXT, {quoted} TEXT)")
    server.run(f"INSERT INTO {quoted} VALUES (1, '{spelt}', '{spelt}'), (2, 'Lost', '{spelt}')")
    table = ck.database(server.connected).table(hard)
    deals = ck.table(table, record=ck.Deal, values={"status": {hard: "won", "Lost": "lost"}})
    (found,) = ck.Dataset(deals=deals).measure("win_rate", by=f"attributes.{hard}")
    assert (next(iter(found.segment.values())), found.value) == (hard, 0.5)
