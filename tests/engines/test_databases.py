"""Databases: one snapshot per measurement, no cache beyond it, and the user's connection unchanged.

Runs on a PostgreSQL server that the tests start, with an odd collation and session zone; see `servers.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.postgresql import PostgresqlHome
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import ColumnError, InputError, MissingTableError

from .servers import PASSWORD, ZONE, after_statements, engine, postgresql

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
NUMBERS = count()
COLUMNS = (
    "id TEXT PRIMARY KEY, status TEXT, owner TEXT, amount NUMERIC(18, 2), created_at TIMESTAMP, closed_at TIMESTAMP"
)
ROWS = (
    "('1', 'won', 'Ada', 100.10, '2026-01-02 09:00', '2026-01-12 09:00')",
    "('2', 'lost', 'Ada', 50, '2026-01-03 09:00', '2026-01-13 09:00')",
    "('3', 'won', 'ada', NULL, '2026-01-04 09:00', '2026-01-14 09:00')",
    "('4', 'open', NULL, 7.50, '2026-01-05 09:00', NULL)",
)


@pytest.fixture(scope="module")
def server() -> Any:
    return engine(postgresql())


@pytest.fixture
def opened() -> Iterator[Callable[..., Any]]:
    """Separate engines, disposed after the test."""
    made: list[Any] = []

    def opens(url: Any = None, **options: Any) -> Any:
        made.append(sa.create_engine(postgresql() if url is None else url, **options))
        return made[-1]

    yield opens
    for each in made:
        each.dispose()


@pytest.fixture
def run(server: Any) -> Callable[..., Any]:
    """Run a statement in its own transaction, and return its rows."""

    def runs(text: str) -> Any:
        with server.begin() as connection:
            found = connection.exec_driver_sql(text, execution_options={"no_parameters": True})
            return found.all() if found.returns_rows else None

    return runs


@pytest.fixture
def name(run: Callable[..., Any]) -> str:
    """A table of deals."""
    made = f"deals_{next(NUMBERS)}"
    run(f"CREATE TABLE {made}({COLUMNS})")
    run(f"INSERT INTO {made} VALUES {', '.join(ROWS)}")
    return made


def account(result: Any) -> tuple[int, int, int, int]:
    (found,) = result.accounts
    return found.given, found.used, sum(found.left_out.values()), found.rejected


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], list[str]]:
    """Call a function after each statement of a measurement; return the statements."""
    return partial(after_statements, monkeypatch, lambda text: "deals_" in text)


# Visible rows


def test_a_second_measure_sees_what_has_come_since(server, run, name) -> None:
    deals = ck.Dataset(deals=ck.database(server).table(name), currency="EUR")
    before = deals.measure(["revenue", "win_rate"], by="owner")
    assert {result.segment["owner"] for result in before} == {"Ada", "ada", None}
    run(f"INSERT INTO {name} VALUES ('5', 'won', 'Bo', NULL, NULL, NULL), ('6', 'maybe', 'Bo', 1, NULL, NULL)")
    run(f"UPDATE {name} SET amount = 123456789012.34 WHERE id = '1'")
    after = deals.measure(["revenue", "win_rate"], by="owner")
    fresh = ck.Dataset(deals=ck.database(server).table(name), currency="EUR").measure(
        ["revenue", "win_rate"], by="owner"
    )
    assert [(r.value, dict(r.segment), account(r)) for r in after] == [
        (r.value, dict(r.segment), account(r)) for r in fresh
    ]
    assert {result.segment["owner"] for result in after} == {"Ada", "ada", "Bo", None}
    (bo,) = (result for result in after if result.segment["owner"] == "Bo" and result.definition == "win_rate")
    assert bo.left_out["status unreadable"] == 1


def test_a_measure_sees_one_state_while_rows_come_and_go(server, run, name, between) -> None:
    deals = ck.Dataset(deals=ck.database(server).table(name), currency="EUR")
    calm = deals.measure(["revenue", "win_rate", "sales_cycle_length.median"], by="owner", period="2026")
    numbers = count(100)

    def disturb() -> None:
        run(f"INSERT INTO {name} VALUES ('{next(numbers)}', 'won', 'Cy', NULL, '2026-01-01', '2026-01-15')")
        run(f"DELETE FROM {name} WHERE id = '2'")

    asked = between(disturb)
    disturbed = deals.measure(["revenue", "win_rate", "sales_cycle_length.median"], by="owner", period="2026")
    assert len(asked) > 2
    assert [(r.value, r.n, account(r)) for r in disturbed] == [(r.value, r.n, account(r)) for r in calm]


def test_without_a_snapshot_rows_that_come_meanwhile_would_count(server, run, name, between, monkeypatch) -> None:
    """The failing control: in READ COMMITTED the same concurrent write changes the figures."""
    home = ck.database(server).source.home
    monkeypatch.setattr(type(home), "begins", ("SET TRANSACTION ISOLATION LEVEL READ COMMITTED",))
    monkeypatch.setattr(type(home), "check_snapshot", lambda *_, **__: None)
    deals = ck.Dataset(deals=ck.database(server).table(name), currency="EUR")
    assert account(deals.measure("win_rate", period="2026")[0]) == (4, 3, 0, 0)
    numbers = count(100)
    between(lambda: run(f"INSERT INTO {name} VALUES ('{next(numbers)}', 'won', 'Cy', 1, NULL, '2026-01-15')"))
    assert account(deals.measure("win_rate", period="2026")[0]) != (4, 3, 0, 0)  # rows were added after the profile


def test_one_dataset_answers_in_many_threads(server, run, name) -> None:
    deals = ck.Dataset(deals=ck.database(server).table(name), currency="EUR")
    asked = ["revenue", "win_rate", "sales_cycle_length.median"]

    def measured(number: int) -> list[Any]:
        if number % 4 == 0:
            run(f"INSERT INTO {name} VALUES ('t{number}', 'open', 'Ada', NULL, NULL, NULL)")
        return [(found.value, found.inputs.get("won")) for found in deals.measure(asked, period="2026")]

    alone = measured(1)
    with ThreadPoolExecutor(8) as pool:
        assert all(found == alone for found in pool.map(measured, range(40)))


# The user's connection


def test_a_connection_in_a_transaction_is_used_as_it_is(server, run, name) -> None:
    with server.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql(f"INSERT INTO {name} VALUES ('5', 'won', 'Bo', 1, '2026-01-01', '2026-01-20')")
        settings = connection.exec_driver_sql("SELECT name, setting FROM pg_settings").all()
        deals = ck.database(connection, timeout=30).table(name)
        assert ck.win_rate(deals).inputs == {"won": 3, "closed": 4}
        assert connection.in_transaction()
        assert connection.exec_driver_sql("SELECT name, setting FROM pg_settings").all() == settings
        connection.rollback()
    assert run(f"SELECT count(*) FROM {name}") == [(4,)]


def test_a_connection_outside_a_transaction_stays_outside(server, name) -> None:
    with server.connect() as connection:
        assert ck.win_rate(ck.database(connection).table(name)).inputs == {"won": 2, "closed": 3}
        assert not connection.in_transaction()
        connection.exec_driver_sql(f"DELETE FROM {name} WHERE id = '1'")  # it can write as before
        connection.commit()
        assert ck.win_rate(ck.database(connection).table(name)).inputs == {"won": 1, "closed": 2}


@pytest.mark.parametrize("level", ["READ COMMITTED", "AUTOCOMMIT"])
def test_a_connection_of_weaker_isolation_is_an_error_that_says_the_way_out(server, name, level) -> None:
    with server.connect().execution_options(isolation_level=level) as connection:
        connection.exec_driver_sql("SELECT 1")
        with pytest.raises(InputError, match=r"must see one state of the database .* READ COMMITTED; give the engine"):
            ck.database(connection).table(name)
        connection.rollback()
    with server.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")  # the way out
        connection.exec_driver_sql("SELECT 1")
        assert ck.win_rate(ck.database(connection).table(name)).value == 2 / 3
    autocommit = server.execution_options(isolation_level="AUTOCOMMIT")
    assert ck.win_rate(ck.database(autocommit).table(name)).value == 2 / 3


def test_all_connections_of_an_engine_are_given_back(name, opened) -> None:
    pool = opened(pool_size=1, max_overflow=0, pool_timeout=2)
    deals = ck.database(pool).table(name)
    for _ in range(3):
        assert ck.win_rate(deals).value == 2 / 3
        with pytest.raises(ColumnError):
            ck.database(pool).table("nothing")
    assert pool.pool.checkedout() == 0
    with pool.connect() as connection:
        assert connection.exec_driver_sql("SHOW transaction_isolation").scalar() == "read committed"
        assert connection.exec_driver_sql("SHOW transaction_read_only").scalar() == "off"


def test_nothing_is_written_even_by_the_users_own_query(server, run, name) -> None:
    run(f"CREATE SEQUENCE numbers_of_{name}")
    deals = ck.database(server).query(f"SELECT *, nextval('numbers_of_{name}') AS number FROM {name}")
    with pytest.raises(InputError, match="a query must only read: cannot execute nextval"):
        ck.Dataset(deals=deals).measure("win_rate", by="attributes.number")


def test_credentials_are_never_shown(name) -> None:
    wrong = "another-secret"
    url = postgresql().replace(PASSWORD, wrong)
    source = ck.database(url)
    with pytest.raises(InputError) as raised:
        source.table(name)
    deals = ck.database(postgresql()).table(name)
    crm = ck.Dataset(deals=deals)
    report = crm.measure("win_rate")
    shown = [source, deals, crm, ck.table(deals, record=ck.Deal), report.sql(), report.to_json(), report]
    error: BaseException | None = raised.value
    while error is not None:
        shown.append(f"{error} {error!r}")
        error = error.__cause__
    for text in map(str, [*shown, *map(repr, shown)]):
        assert wrong not in text
        assert PASSWORD not in text


def test_a_password_in_a_drivers_error_is_cut_out(server) -> None:
    source = ck.database(server).source

    def fails(_: str) -> Any:
        raise sa.exc.OperationalError("SELECT 1", {}, Exception(f"cannot log in as crm:{PASSWORD}"))

    with pytest.raises(InputError, match=r"cannot log in as crm:\*\*\*") as raised:
        Session(source, fails).rows("SELECT 1")
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


# Errors during a measurement


def test_a_measure_that_takes_too_long_names_its_statement(server, name) -> None:
    slow = f"SELECT *, pg_sleep(0.2) IS NULL AS slept FROM {name}"
    with server.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        deals = ck.Dataset(deals=ck.database(connection, timeout=0.1).query(slow))
        with pytest.raises(
            InputError,
            match=r"did not answer within timeout=0.1 seconds: WITH crmkpi_step1 AS .* increase timeout=",
        ):
            deals.measure("win_rate", by="attributes.slept")
        assert connection.exec_driver_sql("SELECT 1").scalar() == 1
        connection.rollback()
    patient = ck.Dataset(deals=ck.database(server, timeout=60).query(slow))
    assert patient.measure("win_rate", by="attributes.slept")[0].value == 2 / 3  # the way out


@pytest.mark.parametrize("timeout", [0, -1, "soon", True, math.nan, math.inf, 1e300, 0.0001])
def test_a_timeout_is_a_number_of_seconds(server, timeout) -> None:
    with pytest.raises(InputError, match="`timeout` is a number of seconds above 0"):
        ck.database(server, timeout=timeout)


def test_a_group_without_records_asks_for_no_first_date_where_the_period_has_some(server, name, between) -> None:
    asked = between(lambda: None)
    found = ck.Dataset(deals=ck.database(server).table(name)).measure("win_rate", period="2026-01", by="owner")
    assert [one.value for one in found] == [0.5, 1.0, None]
    assert sum(f'FROM "{name}"' in text for text in asked) == 1


def test_rows_are_hashed_into_groups_and_not_sorted_on_the_disk(server, run) -> None:
    many = f"deals_{next(NUMBERS)}"
    run(
        f"CREATE TABLE {many} AS SELECT CAST(g AS TEXT) AS id, 'won' AS status, 'owner ' || g % 20 AS owner, "
        "CAST(g AS NUMERIC(18, 2)) AS amount, TIMESTAMP '2026-01-02' AS created_at, "
        "TIMESTAMP '2026-01-03' AS closed_at FROM generate_series(1, 50000) AS t(g)"
    )
    run(f"ANALYZE {many}")
    report = ck.Dataset(deals=ck.database(server).table(many), currency="EUR").measure(
        ["average_deal_size", "sales_cycle_length"], period="2026", every="month", by="owner"
    )
    text = report.sql().split(";\n")[0]
    with server.begin() as connection:
        for setting in PostgresqlHome.tuned:
            connection.exec_driver_sql(setting)
        plan = connection.exec_driver_sql(f"EXPLAIN {text}", execution_options={"no_parameters": True}).all()
    assert "HashAggregate" in plan[0][0]
    run(f"DROP TABLE {many}")


def test_a_server_that_ends_the_connection_is_one_sentence(opened, run, name, between) -> None:
    pool = opened(connect_args={"application_name": f"measures {name}"})
    deals = ck.Dataset(deals=ck.database(pool).table(name))
    ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'measures {name}'"
    with pytest.MonkeyPatch.context():
        between(lambda: run(ended))
        with pytest.raises(InputError, match="its connection is closed, so open another"):
            deals.measure("win_rate", period="2026")


def test_after_the_connection_was_ended_the_engine_is_usable(opened, run, name) -> None:
    pool = opened(connect_args={"application_name": f"measures {name}"})
    deals = ck.Dataset(deals=ck.database(pool).table(name))
    with pytest.MonkeyPatch.context() as patched:
        rows = Session.rows

        def ends(self: Session, text: str) -> Any:
            run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'measures {name}'")
            return rows(self, text)

        patched.setattr(Session, "rows", ends)
        with pytest.raises(InputError):
            deals.measure("win_rate")
    assert deals.measure("win_rate")[0].value == 2 / 3


def test_a_closed_connection_is_an_error(server, name) -> None:
    connection = server.connect()
    deals = ck.database(connection).table(name)
    connection.close()
    with pytest.raises(InputError, match="its connection is closed, so open another"):
        ck.win_rate(deals)


def test_a_table_that_was_dropped_is_an_error(server, run, name) -> None:
    deals = ck.database(server).table(name)
    run(f"DROP TABLE {name}")
    with pytest.raises(ColumnError, match=f"The database has no table '{name}'"):
        ck.win_rate(deals)
    run(f"CREATE TABLE {name}(id TEXT, state TEXT)")
    with pytest.raises(ColumnError, match=r"has no column 'status' any more; make its table\(\) again"):
        ck.win_rate(deals)


# Tables, queries and names


def test_a_table_that_is_not_there_names_the_nearest(server, name) -> None:
    with pytest.raises(ColumnError, match=f"The database has no table '{name[:-1]}x'. Did you mean"):
        ck.database(server).table(f"{name[:-1]}x")
    with pytest.raises(ColumnError, match="The schema 'crm' has no table"):
        ck.database(server).table(name, schema="crm")


def test_a_table_that_may_not_be_read_is_an_error_whose_way_out_works(opened, run, name) -> None:
    run(f"CREATE ROLE reader_of_{name} LOGIN PASSWORD 'x'")
    reader = opened(sa.make_url(postgresql()).set(username=f"reader_of_{name}", password="x"))  # noqa: S106
    with pytest.raises(InputError, match=f"may not read the table '{name}'; grant it: GRANT SELECT ON") as raised:
        ck.database(reader).table(name)
    run(str(raised.value).partition("grant it: ")[2].replace("...", f"reader_of_{name}"))
    assert ck.win_rate(ck.database(reader).table(name)).value == 2 / 3


HARD = [
    'it"s',
    "a;b",
    "x" * 63,
    "{braces}",
    "50%s",
    "100%",
    ":name",
    "%(x)s",
    "Ada\\",
    "sélect",
    "a b",
    "$1",
    "?",
    "--",
]


@pytest.mark.parametrize("hard", HARD)
def test_names_and_constants_are_what_they_are(server, run, hard) -> None:
    quoted = '"' + hard.replace('"', '""') + '"'
    schema = f'"schema {next(NUMBERS)}"'
    run(f"CREATE SCHEMA {schema}")
    run(f"CREATE TABLE {schema}.{quoted}(id INTEGER, status TEXT, {quoted} TEXT)")
    spelt = hard.replace("'", "''")
    run(f"INSERT INTO {schema}.{quoted} VALUES (1, '{spelt}', '{spelt}'), (2, 'Lost', '{spelt}'), (3, '{spelt}', NULL)")
    table = ck.database(server).table(hard, schema=schema.strip('"'))
    deals = ck.table(table, record=ck.Deal, values={"status": {hard: "won", "Lost": "lost"}})
    found = ck.Dataset(deals=deals).measure("win_rate", by=f"attributes.{hard}")
    assert [(next(iter(r.segment.values())), r.value) for r in found] == [(hard, 0.5), (None, 1.0)]


def test_long_names_that_start_alike_stay_two(server, run) -> None:
    long, other = "x" * 62 + "a", "x" * 62 + "b"
    made = f"deals_{next(NUMBERS)}"
    run(f'CREATE TABLE {made}(id INTEGER, status TEXT, "{long}" TEXT, "{other}" TEXT)')
    run(f"INSERT INTO {made} VALUES (1, 'won', 'p', 'q'), (2, 'lost', 'r', 's')")
    crm = ck.Dataset(deals=ck.database(server).table(made))
    found = crm.measure("win_rate", by=[f"attributes.{long}", f"attributes.{other}"])
    assert [tuple(r.segment.values()) for r in found] == [("p", "q"), ("r", "s")]
    with pytest.raises(ColumnError, match="has no table"):
        ck.database(server).table("x" * 64)


def test_a_query_is_measured_like_a_table(server, name) -> None:
    deals = ck.database(server).query(f"SELECT *, 'a;b' AS plan FROM {name} -- only those; not more")
    assert ck.win_rate(deals).inputs == {"won": 2, "closed": 3}
    wide = ck.database(server).query(f"SELECT id, status, CAST(amount AS NUMERIC) AS amount, closed_at FROM {name}")
    assert ck.revenue(wide, currency="EUR").value == Decimal("100.10")


@pytest.mark.parametrize(
    "text, message",
    [
        ("SELECT 1; DROP TABLE deals", "takes one statement without a ';'"),
        ("SELECT 1;", "takes one statement without a ';'"),
        (r"SELECT '\') AS x; COMMIT; DROP TABLE deals; SELECT (SELECT 1 --'", "takes one statement without a ';'"),
        (r"SELECT 'it\'s' /* ' */; COMMIT -- '", "takes one statement without a ';'"),
        ("SELECT 1 AS $$ ; COMMIT; SELECT 1 AS $$", "takes one statement without a ';'"),
        ("SELECT 1 # it's\n; COMMIT -- '", "takes one statement without a ';'"),
        ("SELECT 1 /*! ; COMMIT */", "takes one statement without a ';'"),
        ("SELECT 1 /*M!100100 ; COMMIT */", "takes one statement without a ';'"),
        ("SELECT 1 /* /* */ ; COMMIT */", "takes one statement without a ';'"),
        ("DELETE FROM deals", "takes a SELECT, which only reads; got one that starts with DELETE"),
        ("  -- a word\n UPDATE deals SET id = 1", "got one that starts with UPDATE"),
        ("", "takes the text of a SELECT"),
        (None, "takes the text of a SELECT"),
        ("SELECT 1) AS x, (SELECT 2", None),
        ("SELECT (1", "the brackets of this one do not close"),
        ("SELECT '1", None),
        ("WITH gone AS (DELETE FROM pg_class RETURNING *) SELECT * FROM gone", None),
        ("SELECT id, id FROM (VALUES (1)) AS t(id)", "returns two columns 'id'"),
        ("SELECT nothing FROM nowhere", "a table or column has gone"),
    ],
)
def test_a_query_that_is_no_single_select_is_an_error(server, text, message) -> None:
    with pytest.raises(InputError, match=message):
        ck.win_rate(ck.database(server).query(text))


def test_a_relation_lies_in_one_database(server, opened, run, name) -> None:
    run(f"CREATE TABLE customers_of_{name}(id TEXT, industry TEXT)")
    run(f"ALTER TABLE {name} ADD COLUMN customer_id TEXT")
    one, other = ck.database(server), ck.database(opened())
    deals, customers = one.table(name), other.table(f"customers_of_{name}")
    with pytest.raises(InputError, match="Related tables must be in one database, on one connection"):
        ck.Dataset(deals=deals, customers=customers).measure("win_rate", by="customer.industry")
    again = ck.database(server).table(f"customers_of_{name}")  # the way out
    assert len(ck.Dataset(deals=deals, customers=again).measure("win_rate", by="customer.industry")) == 1
    with pytest.raises(InputError, match="customers must be a postgresql frame as well; got records"):
        ck.Dataset(deals=deals, customers=[]).measure("win_rate", by="customer.industry")
    with pytest.raises(MissingTableError):
        ck.Dataset(deals=deals).measure("win_rate", by="customer.industry")


@pytest.mark.parametrize("word", ["mssql", "oracle"])
def test_databases_that_are_not_measured_are_refused_in_words(word) -> None:
    made = sa.create_engine("sqlite://")
    made.dialect.name = word
    with pytest.raises(InputError, match=f"{word} is not measured: .*; load its rows with crmkpi.read_sql"):
        ck.database(made)


def test_an_unknown_dialect_is_an_error_that_names_those_measured() -> None:
    made = sa.create_engine("sqlite://")
    made.dialect.name = "firebird"
    with pytest.raises(InputError, match=r"The database 'firebird' is not supported; supported are .*postgresql"):
        ck.database(made)


@pytest.mark.parametrize(
    "given, message",
    [
        (42, "An engine or a connection of SQLAlchemy, a URL, or a connection of sqlite3 is needed; got int"),
        ("crm.db", "takes a URL such as"),
        ("nothing://user:secret@host/db", "The URL cannot be used: .*; it starts with nothing://"),
        ("postgresql+nothing://user:secret@host/db", "The URL cannot be used"),
    ],
)
def test_what_is_no_database_is_an_error(given, message) -> None:
    with pytest.raises(InputError, match=message) as raised:
        ck.database(given)
    assert "secret" not in str(raised.value)


def test_a_url_is_opened(name) -> None:
    assert ck.win_rate(ck.database(postgresql()).table(name)).value == 2 / 3


# The probe


def test_a_server_that_answers_otherwise_is_not_measured(server, name, monkeypatch) -> None:
    source = ck.database(server)
    home = type(source.source.home)
    monkeypatch.setattr(home, "probe", {"division": ("(-7) / 2", -4)})
    with pytest.raises(
        InputError, match=r"server is not measured: for division \(\(-7\) / 2\) it answers -3, and -4 is"
    ):
        source.table(name)


def test_the_session_is_as_odd_as_it_should_be(run) -> None:
    ((zone, least),) = run("SELECT current_setting('TimeZone'), 'a' < 'B'")
    assert (zone, least) == (ZONE, True)


# Columns


@pytest.fixture
def typed(server: Any, run: Callable[..., Any]) -> Callable[..., Any]:
    """A table of deals with one column of a type, and its values."""

    def makes(column: str, type_: str, *values: str) -> Any:
        made = f"deals_{next(NUMBERS)}"
        further = "" if column == "closed_at" else ", closed_at TIMESTAMP DEFAULT '2026-01-05'"
        run(f"CREATE TABLE {made}(id SERIAL, status TEXT DEFAULT 'won', {column} {type_}{further})")
        run(f"INSERT INTO {made}({column}) VALUES {', '.join(f'({value})' for value in values)}")
        return ck.database(server).table(made)

    return makes


def test_numbers_that_are_none_cannot_be_read_and_nan_is_no_value(typed) -> None:
    for type_ in ("NUMERIC", "NUMERIC(38, 4)", "NUMERIC(9, 2)", "FLOAT8", "REAL"):
        deals = typed("amount", type_, "'NaN'", "10.5", "NULL", "2")
        found = ck.revenue(deals, currency="EUR")
        assert (found.value, found.left_out) == (Decimal("12.5"), {"no amount": 2})
    infinite = typed("amount", "NUMERIC", "'Infinity'", "'-Infinity'", "1")
    found = ck.revenue(infinite, currency="EUR", most_unreadable=1)
    assert (found.value, found.left_out) == (1, {"amount unreadable": 2})
    assert sorted(found.unreadable["amount"]) == ["Decimal('-Infinity')", "Decimal('Infinity')"]


def test_moments_that_no_record_holds_cannot_be_read(typed) -> None:
    for type_ in ("TIMESTAMP", "TIMESTAMPTZ", "DATE"):
        moments = ("'infinity'", "'-infinity'", "'0044-03-15 BC'", "'10000-01-01'", "'2026-01-05'", "NULL")
        found = ck.win_rate(typed("closed_at", type_, *moments), period="2026")
        assert (found.left_out, found.inputs["closed"]) == ({"closed_at unreadable": 4, "no closed_at": 1}, 1)


@pytest.mark.parametrize("type_", ["JSONB", "JSON", "INTEGER[]", "BYTEA"])
def test_what_is_no_plain_value_is_refused(typed, type_) -> None:
    value = {"INTEGER[]": "'{1}'", "BYTEA": "'x'"}.get(type_, "'{}'")
    with pytest.raises(ColumnError, match="must hold one plain value in each row"):
        ck.Dataset(deals=typed("owner", type_, value)).measure("win_rate", by="owner")


@pytest.mark.parametrize("type_, value", [("MONEY", "'$1'"), ("INTERVAL", "'1 day'"), ("TEXT", "'1.200,50'")])
def test_amounts_are_numbers(typed, type_, value) -> None:
    with pytest.raises(ColumnError, match="'amount' must hold amount as decimal or floating-point numbers"):
        ck.revenue(typed("amount", type_, value), currency="EUR")


def test_texts_of_all_types_are_compared_by_their_bytes(server, run) -> None:
    run("CREATE TYPE mood AS ENUM ('ada', 'Ada', 'Ädä')")
    run("CREATE COLLATION IF NOT EXISTS blurred (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
    run("CREATE DOMAIN person AS VARCHAR(20)")
    for type_ in ("TEXT", "VARCHAR(9)", "CHAR(9)", "mood", "person", "TEXT COLLATE blurred", '"char"'):
        made = f"deals_{next(NUMBERS)}"
        words = ("a", "A") if type_ == '"char"' else ("ada", "Ada", "Ädä")
        run(f"CREATE TABLE {made}(id SERIAL, status TEXT DEFAULT 'won', owner {type_})")
        run(f"INSERT INTO {made}(owner) VALUES {', '.join(f'({word!r})' for word in words)}")
        found = ck.Dataset(deals=ck.database(server).table(made)).measure("win_rate", by="owner")
        assert {result.segment["owner"] for result in found} == set(words)


def test_a_blurred_collation_merges_owners_where_it_is_not_put_aside(run) -> None:
    """The failing control."""
    run("CREATE COLLATION IF NOT EXISTS blurred (provider = icu, locale = 'und-u-ks-level1', deterministic = false)")
    text = (
        'SELECT count(DISTINCT x), count(DISTINCT CAST(x AS TEXT)), count(DISTINCT CAST(x AS TEXT) COLLATE "C") FROM '
    )
    assert run(f"{text} (SELECT y COLLATE blurred AS x FROM (VALUES ('ada'), ('Ada'), ('Ädä')) AS v(y)) AS t") == [
        (1, 1, 3)
    ]


def test_columns_that_differ_in_case_are_two(server, run) -> None:
    made = f"deals_{next(NUMBERS)}"
    run(f'CREATE TABLE {made}(id INTEGER, status TEXT, owner TEXT, "Owner" TEXT, "OWNER" TEXT)')
    run(f"INSERT INTO {made} VALUES (1, 'won', 'a', 'b', 'c'), (2, 'lost', 'a', 'b', 'd')")
    crm = ck.Dataset(deals=ck.database(server).table(made))
    found = crm.measure("win_rate", by=["owner", "attributes.Owner", "attributes.OWNER"])
    assert [tuple(result.segment.values()) for result in found] == [("a", "b", "c"), ("a", "b", "d")]


def test_no_statement_gives_more_rows_than_there_are_groups(server, run, monkeypatch) -> None:
    """At most groups times measures rows are fetched: rows of the table never leave the database."""
    made = f"deals_{next(NUMBERS)}"
    run(f"CREATE TABLE {made}({COLUMNS})")
    run(
        f"INSERT INTO {made} SELECT g, CASE WHEN g % 3 = 0 THEN 'lost' ELSE 'won' END, 'owner ' || g % 4, g, "
        "TIMESTAMP '2026-01-01' + g % 89 * INTERVAL '1 day', TIMESTAMP '2026-01-01' + g % 89 * INTERVAL '2 days' "
        "FROM generate_series(1, 5000) AS g"
    )
    fetched: list[int] = []
    rows = Session.rows

    def counted(self: Session, text: str) -> Any:
        found = rows(self, text)
        if made in text and "pg_" not in text:
            fetched.append(len(found))
        return found

    monkeypatch.setattr(Session, "rows", counted)
    kpis = ["win_rate", "revenue", "average_deal_size", "sales_cycle_length", "deal_volume"]
    crm = ck.Dataset(deals=ck.database(server).table(made), currency="EUR")
    assert len(crm.measure(kpis, by="owner", period="2026-Q1", every="month")) == 5 * 4 * 3
    assert max(fetched) <= 4 * (3 + 1)  # rows without a period have a group as well
    assert sum(fetched) <= 4 * 3 * len(kpis)
    assert len(fetched) == 2  # one for each of two timestamps, and no profile
    fetched.clear()
    crm.measure("sales_cycle_length.median", by="owner", period="2026-Q1", every="month")
    assert max(fetched) <= 4 * 3 * 4  # the middle values and the interval's, of each group


@pytest.mark.slow
def test_a_table_of_postgresql_that_duckdb_attaches_gives_the_same(name, server) -> None:
    """The extension is from the package `duckdb-extension-postgres-scanner`, or DuckDB downloads it."""
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    package = find_spec("duckdb_extension_postgres_scanner")
    files = Path(package.origin).parent.rglob("*.duckdb_extension") if package and package.origin else ()
    own = next((path for path in files if path.parent.name == f"v{duckdb.__version__}"), None)
    try:
        if own is None:
            connection.execute("INSTALL postgres")
        connection.execute("LOAD postgres" if own is None else f"LOAD '{own}'")
    except duckdb.Error as error:
        pytest.skip(f"DuckDB's extension postgres cannot be had here: {str(error).partition(chr(10))[0]}")
    url = server.url
    connection.execute(
        f"ATTACH 'host={url.host} port={url.port} user={url.username} password={PASSWORD} dbname={url.database}' "
        "AS crm (TYPE postgres, READ_ONLY)"
    )
    attached = ck.Dataset(deals=connection.table(f"crm.public.{name}"), currency="EUR")
    asked = ck.Dataset(deals=ck.database(server).table(name), currency="EUR")
    for kpi in ("revenue", "win_rate", "sales_cycle_length.median"):
        one, other = (crm.measure(kpi, by="owner", period="2026") for crm in (attached, asked))
        assert [(r.value, r.interval, dict(r.segment)) for r in one] == [
            (r.value, r.interval, dict(r.segment)) for r in other
        ]
