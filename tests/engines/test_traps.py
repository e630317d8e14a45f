"""Silent errors of databases: for each trap the obvious statement by hand, and its wrong result.

A line of `TRAPS` is one trap of one server. `naive` is the statement by hand and `wrong` its result; `right` is the
library's figure for the same rows, computed independently. A trap whose statement by hand fails has `ERROR`.
`ELSEWHERE` names the tests of the other traps, each with its control.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.engines.frames.homes.mariadb import MariaDbSql
from crmkpi.engines.frames.homes.postgresql import PostgresqlSql
from crmkpi.engines.frames.homes.sql import Sql
from crmkpi.engines.frames.homes.sqlite import SqliteSql
from crmkpi.errors import ColumnError, InputError

from .servers import clickhouse, engine, mariadb, postgresql

NUMBERS = count()
ERROR = "an error"


class Server:
    """A database, its statements, and the function that passes a table of it to the library."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name == "sqlite":
            self.connected: Any = sqlite3.connect(":memory:")
        elif name == "duckdb":
            self.connected = pytest.importorskip("duckdb").connect()
        elif name == "clickhouse":
            self.connected = clickhouse()
        else:
            pytest.importorskip("sqlalchemy")
            self.connected = engine(postgresql() if name == "postgresql" else mariadb())

    def run(self, *texts: str) -> Any:
        """Run statements in one session, and return the rows of the last."""
        if self.name in ("sqlite", "duckdb"):
            for text in texts:
                found = self.connected.execute(text)
            return found.fetchall()
        if self.name == "clickhouse":
            cursor = self.connected.cursor()
            for text in texts:
                cursor.execute(text)
            return [tuple(row) for row in cursor.fetchall()]
        with self.connected.begin() as connection:
            for text in texts:
                found = connection.exec_driver_sql(text, execution_options={"no_parameters": True})
            return [tuple(row) for row in found.all()] if found.returns_rows else None

    def table(self, name: str) -> Any:
        return self.connected.table(name) if self.name == "duckdb" else ck.database(self.connected).table(name)


@dataclass(frozen=True)
class Trap:
    """`column` of a `type` in a table of won deals, with these `values`, and the question that is asked of it."""

    line: str
    server: str
    naive: str
    wrong: Any
    column: str = "owner"
    type: str = "VARCHAR(20)"
    values: Sequence[str] = ()
    asks: Callable[[Any], Any] = field(default=lambda table: table)
    right: Any = None
    before: Sequence[str] = ()


def owners(table: Any) -> Any:
    return {result.segment["owner"] for result in ck.Dataset(deals=table).measure("win_rate", by="owner")}


def amount(table: Any) -> Any:
    found = ck.revenue(table, currency="EUR", most_unreadable=1)
    return found.value, dict(found.left_out)


def mean(table: Any) -> Any:
    found = ck.average_deal_size(table, currency="EUR")
    return found.value, round(found.interval.low, 6), round(found.interval.high, 6)


def median(table: Any) -> Any:
    return ck.Dataset(deals=table, currency="EUR").measure("average_deal_size.median")[0].value


def won_in(*periods: str, tz: str | None = None) -> Callable[[Any], Any]:
    calendar = {} if tz is None else {"calendar": ck.Calendar(tz=tz)}
    return lambda table: [
        ck.Dataset(deals=table, **calendar).measure("win_rate", period=each)[0].inputs["won"] for each in periods
    ]


def unread(table: Any) -> Any:
    found = ck.win_rate(table, period="2026", most_unreadable=1)
    return found.inputs["won"], dict(found.left_out)


def _message(what: Callable[[], Any]) -> type[Exception]:
    with pytest.raises(ColumnError) as raised:
        what()
    return raised.type


def _expression(table: Any, by: int) -> float:
    """A quotient in the dialect."""
    source = table.source
    quotient = source.home.dialect.col("amount").cast(source.home.words.Float64) / by
    with source.snapshot() as session:
        ((found,),) = session.rows(f"SELECT {quotient.text} FROM {source.home.source_of(table.target)}")
    return round(float(found) * 1_000_000, 4)


def _deleted(table: Any) -> Any:
    found = ck.win_rate(table, most_unreadable=1)
    return found.inputs["won"], dict(found.left_out)


LAST = "2026-01-31 23:59:59.999999"
MANY = [str(number * number % 1_009) for number in range(102)]  # an even number, so that the median is between two
EXACT = sum(sorted(map(Decimal, MANY))[50:52]) / 2
LARGE = [f"{40_000_000 + number}.25" for number in range(9)]
LARGE_DEALS = [ck.Deal(id=value, status="won", amount=Decimal(value)) for value in LARGE]
TRAPS = (
    # Texts
    Trap("text of another collation", "sqlite", "SELECT count(DISTINCT owner) FROM {0}", 1,
         type="TEXT COLLATE NOCASE", values=("'Ada'", "'ada'"), asks=owners, right={"Ada", "ada"}),
    Trap("text cast keeps the collation", "sqlite", "SELECT count(DISTINCT CAST(owner AS TEXT)) FROM {0}", 1,
         type="TEXT COLLATE NOCASE", values=("'Ada'", "'ada'"), asks=owners, right={"Ada", "ada"}),
    Trap("text of another collation", "duckdb", "SELECT count(DISTINCT owner) FROM {0}", 1,
         type="VARCHAR COLLATE NOCASE", values=("'Ada'", "'ada'"), asks=owners, right={"Ada", "ada"}),
    Trap("text cast keeps the collation", "duckdb", "SELECT count(DISTINCT CAST(owner AS VARCHAR)) FROM {0}", 1,
         type="VARCHAR COLLATE NOCASE", values=("'Ada'", "'ada'"), asks=owners, right={"Ada", "ada"}),
    Trap("blanks that fill up a text", "postgresql", "SELECT max(length(format('%s', owner))) FROM {0}", 9,
         type="CHAR(9)", values=("'Ada'",), asks=owners, right={"Ada"}),
    Trap("a backslash is an escape", "mariadb", r"SELECT length('a\b')", 2,
         values=("X'615c62'",), asks=owners, right={"a\\b"}),
    Trap("a backslash is an escape", "clickhouse", r"SELECT length('a\b')", 2,
         type="String", values=("unhex('615c62')",), asks=owners, right={"a\\b"}),
    Trap("an unknown name is a text", "sqlite", 'SELECT DISTINCT "nothing" FROM {0}', "nothing", values=("'Ada'",),
         asks=lambda table: _message(lambda: ck.table(table, record=ck.Deal, columns={"owner": "nothing"})),
         right=ColumnError),
    # Moments
    Trap("microseconds of a float", "postgresql",
         "SELECT CAST(CAST(EXTRACT(EPOCH FROM closed_at) AS FLOAT8) * 1000000 AS BIGINT) - 252339753600000000 FROM {0}",
         0, "closed_at", "TIMESTAMP", ("'9966-04-30 23:59:59.999999'",), won_in("9966-04", "9966-05"), [1, 0]),
    Trap("infinity is no moment", "postgresql",
         "SELECT CAST(EXTRACT(EPOCH FROM closed_at) * 1000000 AS BIGINT) FROM {0}", ERROR,
         "closed_at", "TIMESTAMP", ("'infinity'", "'2026-01-05'"), unread, (1, {"closed_at unreadable": 1})),
    Trap("infinity is no moment", "duckdb", "SELECT count(epoch_us(closed_at)) FROM {0}", 1,
         "closed_at", "TIMESTAMP", ("'infinity'", "'2026-01-05'"), unread, (1, {"closed_at unreadable": 1})),
    Trap("a cast cuts microseconds", "mariadb",
         "SELECT microsecond(CAST(CONCAT(closed_at, '') AS DATETIME)) FROM {0}", 0,
         "closed_at", "DATETIME(6)", (f"'{LAST}'",), won_in("2026-01", "2026-02"), [1, 0]),
    Trap("zero dates are missing", "mariadb",
         "SELECT count(TIMESTAMPDIFF(SECOND, '1970-01-01', closed_at)) FROM {0}", 1,
         "closed_at", "DATETIME", ("'0000-00-00'", "'2026-01-05'"), unread, (1, {"closed_at unreadable": 1}),
         before=("SET sql_mode = ''",)),
    Trap("datetime() cuts microseconds", "sqlite", "SELECT datetime(closed_at) < closed_at FROM {0}", 1,
         "closed_at", "TIMESTAMP", (f"'{LAST}'",), won_in("2026-01", "2026-02"), [1, 0]),
    Trap("seconds of a text are rounded", "sqlite", "SELECT strftime('%s', closed_at) FROM {0}", "1769904000",
         "closed_at", "TIMESTAMP", ("'2026-01-31 23:59:59.9996'",), won_in("2026-01", "2026-02"), [1, 0]),
    *(Trap("a moment of another shape is missing", "sqlite",
           "SELECT count(strftime('%s', closed_at)) FROM {0}", wrong, "closed_at", "TIMESTAMP",
           (value, "'2026-01-05 00:00:00'"), unread, (1, {"closed_at unreadable": 1}))
      for value, wrong in (("'5.1.2026'", 1), ("'2026-1-5'", 1), ("'2026-01-05 25:00:00'", 1), ("'20260105'", 1),
                           ("1767571200", 1), ("2461045.5", 2), ("'12:00'", 2), ("'2026-02-30'", 2),
                           ("'2026-02-30 10:00:00'", 2), ("'2026-01-05 24:00:00'", 2), ("'2026-13-01'", 1),
                           ("'2026-01-05 10:60:00'", 1))),
    Trap("moments with a zone and without one in one column", "sqlite",
         "SELECT count(*) FROM {0} WHERE closed_at < '2026-02-01'", 2, "closed_at", "TIMESTAMP",
         ("'2026-01-31 23:59:59-05:00'", "'2026-01-05 00:00:00'", "'2026-02-01 03:00:00Z'"),
         lambda table: (unread(table)[1], won_in("2026-01", "2026-02")(table)), ({"closed_at unreadable": 1}, [0, 2])),
    Trap("a date and hour of the clock where a zone goes", "sqlite", "SELECT substr(closed_at, 1, 7) FROM {0}",
         "2026-01", "closed_at", "TIMESTAMP", ("'2026-01-31 23:59:59-05:00'",), won_in("2026-01", "2026-02"), [0, 1]),
    *(Trap("whole numbers are divided towards zero", server, naive, 0, "closed_at", type_,
           ("'1969-12-31 12:00:01'",), won_in("1969-12-31", "1970-01-01", tz="UTC"), [1, 0])
      for server, type_, naive in (
          ("postgresql", "TIMESTAMP", "SELECT CAST(EXTRACT(EPOCH FROM closed_at) AS BIGINT) / 86400 FROM {0}"),
          ("sqlite", "TIMESTAMP", "SELECT CAST(strftime('%s', closed_at) AS INTEGER) / 86400 FROM {0}"),
          ("mariadb", "DATETIME", "SELECT TIMESTAMPDIFF(SECOND, '1970-01-01', closed_at) DIV 86400 FROM {0}"),
          ("duckdb", "TIMESTAMP", "SELECT CAST(epoch(closed_at) AS BIGINT) // 86400 FROM {0}"),
          ("clickhouse", "DateTime64(0, 'UTC')", "SELECT intDiv(toUnixTimestamp64Second(closed_at), 86400) FROM {0}"),
      )),
    # Numbers
    Trap("decimals are floats", "sqlite", "SELECT sum(CAST(amount * 100 AS INTEGER)) FROM {0}", 28 + 114 + 9 + 2000,
         "amount", "DECIMAL(18, 2)", ("0.29", "1.15", "0.09", "20"), amount, (Decimal("21.53"), {})),
    Trap("text in a column of decimals", "sqlite", "SELECT sum(amount) FROM {0}", 15,
         "amount", "DECIMAL(18, 2)", ("'12,5'", "3"), amount, (3, {"amount unreadable": 1})),
    Trap("a product turns into a float", "sqlite",
         "SELECT typeof(max(CAST(amount * 100 AS INTEGER)) * max(CAST(amount * 100 AS INTEGER))) FROM {0}", "real",
         "amount", "DECIMAL(18, 2)", LARGE, mean, mean(LARGE_DEALS)),
    Trap("a sum overflows", "sqlite",
         "SELECT sum((strftime('%s', closed_at) - strftime('%s', created_at)) * 1000000) FROM {0}", ERROR,
         "created_at", "TIMESTAMP", ("'1926-01-05 00:00:00'",) * 3_000,
         lambda table: ck.sales_cycle_length(table).value, timedelta(days=36_525)),
    *(Trap("a product overflows", server, "SELECT CAST(amount * 100 AS {1}) * CAST(amount * 100 AS {1}) FROM {0}",
           ERROR, "amount", "DECIMAL(18, 2)", LARGE, mean, mean(LARGE_DEALS))
      for server in ("postgresql", "mariadb", "duckdb")),
    Trap("a product wraps around", "clickhouse",
         "SELECT toInt64(amount * 100) * toInt64(amount * 100) < toInt128(amount * 100) * 4000000000 FROM {0}", 1,
         "amount", "Decimal(18, 2)", LARGE, mean, mean(LARGE_DEALS)),
    Trap("a sum wraps around", "clickhouse",
         "SELECT sum(toInt64(4611686018427387904)) = 4611686018427387904 + 4611686018427387904 "
         "AND sum(toInt64(4611686018427387904)) < 0 FROM {0}", 0,
         "amount", "Decimal(18, 2)", ("9999999999999999.99",) * 10, amount, (Decimal("99999999999999999.90"), {})),
    Trap("a quotient has four more digits", "mariadb", "SELECT CAST(sum(amount) / 3 * 1000000 AS SIGNED) FROM {0}",
         333_333, "amount", "DECIMAL(18, 0)", ("1",), lambda table: _expression(table, 3), 333_333.3333),
    Trap("digits behind the point that nobody declared", "postgresql",
         "SELECT CAST(amount * 100 AS BIGINT) FROM {0}", 1_235,
         "amount", "NUMERIC", ("12.3456",), amount, (Decimal("12.3456"), {})),
    Trap("halves are rounded to even", "postgresql", "SELECT CAST(round(CAST(12.5 AS FLOAT8)) AS INTEGER) FROM {0}",
         12, "amount", "FLOAT8", ("0.125", "0.375"), amount, (Decimal("0.5"), {})),
    Trap("halves are rounded away from zero", "sqlite", "SELECT round(12.5) FROM {0}", 13,
         "amount", "REAL", ("0.125", "0.375"), amount, (Decimal("0.5"), {})),
    *(Trap("NaN is no whole number", "postgresql", "SELECT CAST(amount * 100 AS BIGINT) FROM {0}", ERROR,
           "amount", type_, ("'NaN'", "3"), amount, (3, {"no amount": 1})) for type_ in ("NUMERIC(9, 2)", "FLOAT8")),
    Trap("NaN makes a sum NaN", "duckdb", "SELECT isnan(sum(amount)) FROM {0}", 1,
         "amount", "DOUBLE", ("'NaN'", "3"), amount, (3, {"no amount": 1})),
    Trap("NaN makes a sum NaN", "clickhouse", "SELECT isNaN(sum(amount)) FROM {0}", 1,
         "amount", "Float64", ("nan", "3"), amount, (3, {"no amount": 1})),
    Trap("NaN is a group", "clickhouse", "SELECT count(DISTINCT amount) FROM {0}", 2,
         "amount", "Float64", ("nan", "3"), amount, (3, {"no amount": 1})),
    Trap("flags may be other numbers", "sqlite", "SELECT sum(CASE WHEN deleted THEN 1 ELSE 0 END) FROM {0}", 2,
         "deleted", "BOOLEAN", ("7", "1", "0"), _deleted, (1, {"deleted": 1,
                                                                                   "deleted unreadable": 1})),
    # Medians
    *(Trap("there is no exact median of a group", server, naive, wrong, "amount", type_, MANY, median, EXACT)
      for server, type_, naive, wrong in (
          ("sqlite", "DECIMAL(18, 2)", "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY amount) FROM {0}", ERROR),
          ("mariadb", "DECIMAL(18, 2)", "SELECT quantile(amount, 0.5) FROM {0}", ERROR),
          ("postgresql", "DECIMAL(18, 2)", "SELECT median(amount) FROM {0}", ERROR),
      )),
    # Names that differ between databases
    *(Trap(f"{word} is not everybody's", server, naive, ERROR, values=("'Ada'",), asks=owners, right={"Ada"})
      for server, naive in (("postgresql", "SELECT owner, count(*) FROM {0} GROUP BY ALL"),
                            ("mariadb", "SELECT owner, count(*) FROM {0} GROUP BY ALL"),
                            ("sqlite", "SELECT list(owner) FROM {0}"),
                            ("postgresql", "SELECT unnest(list(owner)) FROM {0}"),
                            ("mariadb", "SELECT unnest(owner) FROM {0}"),
                            ("sqlite", "SELECT unnest(owner) FROM {0}"),
                            ("mariadb", "WITH t AS NOT MATERIALIZED (SELECT 1) SELECT * FROM t, {0}"),
                            ("postgresql", "SELECT contains([owner], 'Ada') FROM {0}"),
                            ("mariadb", "SELECT contains([owner], 'Ada') FROM {0}"),
                            ("sqlite", "SELECT contains([1], 'Ada') FROM {0}"),
                            ("postgresql", "SELECT count() FROM {0}"),
                            ("mariadb", "SELECT count() FROM {0}"),
                            ("postgresql", "SELECT epoch_us(closed_at) FROM {0}"),
                            ("mariadb", "SELECT epoch_us(closed_at) FROM {0}"),
                            ("sqlite", "SELECT epoch_us(closed_at) FROM {0}"),
                            ("clickhouse", "SELECT epoch_us(closed_at) FROM {0}"),
                            ("postgresql", "SELECT CAST(1 AS HUGEINT) FROM {0}"),
                            ("postgresql", "SELECT CAST(1 AS INT128) FROM {0}"),
                            ("mariadb", "SELECT CAST(1 AS HUGEINT) FROM {0}"),
                            ("mariadb", "SELECT * FROM (VALUES ROW(1)) AS t(x)"),
                            ("sqlite", "SELECT x FROM (VALUES (1)) AS t(x)"),
                            ("postgresql", "SELECT count(*) FROM (SELECT * FROM {0})"),
                            ("mariadb", "SELECT count(*) FROM (SELECT * FROM {0})"))
      for word in [naive.removeprefix("SELECT ").partition(" FROM {0}")[0] + naive.rpartition("FROM {0}")[2]]),
)  # fmt: skip


def _made(server: Server, trap: Trap) -> str:
    name = f"trap_{next(NUMBERS)}"
    other = "" if trap.column == "closed_at" else {
        "clickhouse": ", closed_at DateTime('UTC') DEFAULT '2026-01-05 00:00:00'",
        "mariadb": ", closed_at DATETIME DEFAULT '2026-01-05'",
    }.get(server.name, ", closed_at TIMESTAMP DEFAULT '2026-01-05 00:00:00'")  # fmt: skip
    text = "String" if server.name == "clickhouse" else "VARCHAR(20)"
    engine_ = " ENGINE = MergeTree ORDER BY tuple()" if server.name == "clickhouse" else ""
    rows = ", ".join(f"('{number}', 'won', {value})" for number, value in enumerate(trap.values))
    server.run(
        *trap.before,
        f"CREATE TABLE {name}(id {text}, status {text}, {trap.column} {trap.type}{other}){engine_}",
        f"INSERT INTO {name}(id, status, {trap.column}) VALUES {rows}",
    )
    return name


def _cases(traps: Sequence[Trap]) -> list[Any]:
    return [
        pytest.param(trap, id=f"{trap.server}: {trap.line}", marks=[pytest.mark.slow] * (trap.server == "clickhouse"))
        for trap in traps
    ]


@pytest.mark.parametrize("trap", _cases(TRAPS))
def test_the_statement_by_hand_is_wrong_and_the_library_is_right(trap) -> None:
    server = Server(trap.server)
    name = _made(server, trap)
    naive = trap.naive.format(name, "SIGNED" if trap.server == "mariadb" else "BIGINT")
    if trap.wrong == ERROR:
        with pytest.raises(Exception, match=r"."):
            server.run(naive)
    else:
        assert server.run(naive)[0][0] == trap.wrong
    assert trap.asks(server.table(name)) == trap.right


ELSEWHERE = {
    "text grouping and = of MariaDB": (
        "test_mariadb_databases.py",
        "test_texts_are_compared_by_their_bytes_and_to_the_last_blank",
        "test_a_status_in_other_letters_is_no_status",
    ),
    "text grouping of PostgreSQL": (
        "test_databases.py",
        "test_a_blurred_collation_merges_owners_where_it_is_not_put_aside",
    ),
    "key joins": ("test_mariadb_databases.py", "test_related_tables_are_joined_by_an_index"),
    "TIMESTAMP columns": (
        "test_mariadb_databases.py",
        "test_timestamps_are_instants_whatever_the_zone_of_the_session",
    ),
    "microseconds, overflow, joins, aliases, medians and missing values of ClickHouse": (
        "test_clickhouse_databases.py",
        "test_sums_and_squares_do_not_wrap_around",
        "test_the_missing_side_of_a_join_is_missing",
        "test_a_name_that_is_an_alias_too_is_the_column",
        "test_a_median_is_exact",
        "test_times_without_a_zone_are_instants_and_not_what_the_zone_of_the_session_shows",
        "test_microseconds_are_kept",
        "test_columns_that_cannot_be_missing_hold_an_empty_text_which_is_no_value",
    ),
    "names over 63 bytes": ("test_databases.py", "test_long_names_that_start_alike_stay_two"),
    "flags other than 0 and 1": (
        "test_wrong_uses_of_databases.py",
        "test_flags_that_are_neither_are_told_and_not_taken_for_no",
    ),
    "two columns of one name, decimals without a size, tables without snapshots": (
        "test_wrong_uses_of_databases.py",
        "test_a_view_of_sqlite_with_two_columns_of_one_name_is_an_error",
        "test_a_driver_that_does_not_tell_the_size_of_decimals_costs_no_cent",
        "test_a_view_or_query_over_a_table_without_snapshots_is_an_error_whose_way_out_works",
    ),
    "settings that leave rows out": (
        "test_settings_of_databases.py",
        "test_a_profile_of_clickhouse_that_leaves_rows_out_leaves_none_out",
        "test_a_session_of_mariadb_that_gives_the_first_rows_alone_is_an_error_whose_way_out_works",
    ),
    "snapshots, and constants that a driver takes for placeholders": (
        "test_databases_that_move.py",
        "test_without_a_snapshot_statements_would_see_other_rows",
        "test_a_constant_with_a_percent_sign_is_what_it_is",
    ),
    "instants as a driver shows them, and SELECTs that write": (
        "test_advice_of_databases.py",
        "test_instants_are_instants_for_readers_and_checks_whatever_the_zone_they_are_shown_in",
        "test_a_select_that_writes_is_refused_where_it_would_be_committed",
    ),
    "comparisons that are no values": (
        "test_databases.py",
        "test_databases_that_are_not_measured_are_refused_in_words",
    ),
}


@pytest.mark.parametrize("line", ELSEWHERE)
def test_the_other_traps_are_held_where_they_are_said_to_be(line) -> None:
    file, *names = ELSEWHERE[line]
    text = (Path(__file__).parent / file).read_text(encoding="utf-8")
    assert all(f"def {name}(" in text for name in names)


OF_ANY_CASE = {  # text whose collation treats B as b, or sorts it after
    "postgresql": "TEXT",
    "mariadb": "VARCHAR(9)",
    "sqlite": "TEXT COLLATE NOCASE",
    "duckdb": "VARCHAR COLLATE NOCASE",
}


@pytest.mark.parametrize("name", OF_ANY_CASE)
def test_the_latest_of_two_records_of_one_moment_is_the_one_of_the_larger_id_by_its_bytes(name) -> None:
    server, type_, name = Server(name), OF_ANY_CASE[name], f"trap_{next(NUMBERS)}"
    moment = "DATETIME" if server.name == "mariadb" else "TIMESTAMP"
    server.run(
        f"CREATE TABLE {name}(id {type_}, customer_id {type_}, score INTEGER, kind {type_}, answered_at {moment})",
        f"INSERT INTO {name} VALUES ('B', '1', 10, 'nps', '2026-01-05 00:00:00'), ('b', '1', 0, 'nps', "
        "'2026-01-05 00:00:00')",
    )
    assert server.run(f"SELECT max(id) FROM {name}") == [("B",)]  # in the order of the collation, not of Python
    metric = ck.net_promoter_score.variant("latest_per_customer")
    assert ck.Dataset(surveys=server.table(name)).measure(metric)[0].value == -100


@pytest.mark.parametrize("name", OF_ANY_CASE)
def test_a_median_of_a_group_is_of_the_rows_whose_text_is_the_same(name) -> None:
    if name == "postgresql":
        Server(name).run("CREATE COLLATION IF NOT EXISTS blurred "
                         "(provider = icu, locale = 'und-u-ks-level1', deterministic = false)")  # fmt: skip
    server, type_ = Server(name), "TEXT COLLATE blurred" if name == "postgresql" else OF_ANY_CASE[name]
    made = f"trap_{next(NUMBERS)}"
    server.run(
        f"CREATE TABLE {made}(id VARCHAR(9), status VARCHAR(9), owner {type_}, amount DECIMAL(18, 2))",
        f"INSERT INTO {made} VALUES ('1', 'won', 'Ada', 1), ('2', 'won', 'ada', 9), ('3', 'won', 'ADA', 5)",
    )
    assert server.run(f"SELECT owner = 'ADA' FROM {made} WHERE id = '1'")[0][0]  # the wrong form
    crm = ck.Dataset(deals=server.table(made), currency="EUR")
    found = crm.measure("average_deal_size.median", by="owner")
    assert {result.segment["owner"]: result.value for result in found} == {"Ada": 1, "ada": 9, "ADA": 5}


HOMES: dict[str, Any] = {name: BACKENDS[name].home for name in ("postgresql", "mariadb", "clickhouse")}
PROBES = [
    pytest.param(name, what, id=f"{name}: {what}", marks=[pytest.mark.slow] * (name == "clickhouse"))
    for name, home in HOMES.items()
    for what in home.probe
]


@pytest.mark.parametrize(("name", "what"), PROBES)
def test_a_server_that_answers_one_line_of_the_probe_otherwise_is_not_measured(name, what, monkeypatch) -> None:
    server = Server(name)
    home = type(HOMES[name])
    text, right = home.probe[what]
    monkeypatch.setattr(home, "probe", {**home.probe, what: (text, ("another", right))})
    with pytest.raises(InputError, match=f"server is not measured: for {what} .* is right; use a version and settings"):
        ck.database(server.connected).table("nothing")


def test_a_name_that_is_too_long_is_cut_without_a_word() -> None:
    """The failing control of names over 63 bytes."""
    server = Server("postgresql")
    long, other = "x" * 63 + "a", "x" * 63 + "b"
    assert server.run(f'SELECT "{long}" = 1 FROM (SELECT 1 AS "{other}") AS t') == [(True,)]


def test_chains_of_a_thousand_steps_stay_flat() -> None:
    server, name = Server("sqlite"), f"trap_{next(NUMBERS)}"
    with pytest.raises(sqlite3.OperationalError, match=r"parser stack overflow|too deep|depth"):
        server.run(f"SELECT {'(' * 1_100}1{')' * 1_100}")
    server.run(
        f"CREATE TABLE {name}(id TEXT, status TEXT, closed_at TIMESTAMP)",
        f"INSERT INTO {name} VALUES ('1', 'won', '2024-02-29 10:00:00'), ('2', 'won', '2026-12-31 10:00:00')",
    )
    values = {"status": {f"word {number}": "lost" for number in range(1_100)}}
    deals = ck.table(server.table(name), record=ck.Deal, values=values)
    found = ck.Dataset(deals=deals).measure("win_rate", period="2024..2026", every="day")
    assert [str(each.period) for each in found if each.inputs["won"]] == ["2024-02-29", "2026-12-31"]
    assert len(found) == 366 + 365 + 365


@pytest.mark.parametrize("dialect", [PostgresqlSql, MariaDbSql, SqliteSql])
def test_a_column_is_computed_once_for_each_row(dialect, monkeypatch) -> None:
    """Without the fence a planner inlines the expression of a column wherever it is used."""
    name = {PostgresqlSql: "postgresql", MariaDbSql: "mariadb", SqliteSql: "sqlite"}[dialect]
    server, made, noted = Server(name), f"trap_{next(NUMBERS)}", f"noted_{next(NUMBERS)}"
    moment = "DATETIME" if name == "mariadb" else "TIMESTAMP"
    server.run(
        f"CREATE TABLE {made}(id VARCHAR(9), status VARCHAR(9), created_at {moment}, closed_at {moment})",
        f"INSERT INTO {made} VALUES ('1', 'won', '2026-01-01 10:00:00', '2026-01-05 10:00:00')",
    )
    calls: list[Any] = []

    def noted_in_python(value: Any) -> Any:
        calls.append(value)
        return value

    if name == "sqlite":
        server.connected.create_function(noted, 1, noted_in_python, deterministic=True)
    elif name == "postgresql":
        body = "LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN $1; END $$"
        server.run(f"CREATE FUNCTION {noted}(TIMESTAMP) RETURNS TIMESTAMP {body}")
    if name != "mariadb":
        server.run(
            f"CREATE VIEW v_{made} AS SELECT id, status, {noted}(created_at) AS created_at, closed_at FROM {made}"
        )
        made = f"v_{made}"
    called = f"SELECT calls FROM pg_stat_xact_user_functions WHERE funcname = '{noted}'"

    def computed() -> int:
        calls.clear()
        report = ck.Dataset(deals=server.table(made)).measure("sales_cycle_length", period="2026", every="month")
        if name == "sqlite":
            return len(calls)
        first, *_ = (text.rstrip().removesuffix(";") for text in report.sql().split(";\n\n"))
        if name == "mariadb":  # it returns the rewritten statement as a warning
            told = server.run(f"EXPLAIN EXTENDED {first}", "SHOW WARNINGS")
            return sum(row[2].lower().count("timestampdiff") for row in told)
        ((times,),) = server.run("SET LOCAL track_functions = 'pl'", first, called)
        return int(times)

    fenced = computed()
    monkeypatch.setattr(dialect, "fence", "")
    assert computed() > fenced


def test_nothing_is_ordered_that_may_be_missing() -> None:
    first = {name: Server(name).run(_two_values(name))[0][0] for name in ("postgresql", "sqlite", "mariadb")}
    assert first == {"postgresql": 1, "sqlite": None, "mariadb": None}
    for name in first:
        server = Server(name)
        made = _made(server, Trap("", name, "", None, "amount", "DECIMAL(18, 2)", ("1", "NULL", "3")))
        report = ck.Dataset(deals=server.table(made), currency="EUR").measure("average_deal_size.median")
        assert report[0].value == 2
        ordered = [text for text in report.sql().split(";\n\n") if "ORDER BY" in text]
        assert ordered
        assert all("IS NOT NULL" in text for text in ordered)


def _two_values(name: str) -> str:
    one = "SELECT 1 AS x UNION ALL SELECT NULL"
    return f"SELECT x FROM ({one}) AS t ORDER BY x" if name != "sqlite" else f"SELECT x FROM ({one}) ORDER BY x"


@pytest.mark.parametrize("dialect", [MariaDbSql, PostgresqlSql, SqliteSql])
def test_no_word_is_used_that_only_some_databases_have(dialect) -> None:
    assert issubclass(dialect, Sql)
    server = Server({MariaDbSql: "mariadb", PostgresqlSql: "postgresql"}.get(dialect, "sqlite"))
    made = _made(server, Trap("", server.name, "", None, "amount", "DECIMAL(18, 2)", ("1", "2", "3")))
    crm = ck.Dataset(deals=server.table(made), currency="EUR")
    said = crm.measure(["win_rate", "average_deal_size.median", "revenue"], period="2026", every="month").sql().upper()
    for word in ("GROUP BY ALL", "LIST(", "UNNEST(", "NOT MATERIALIZED", "EPOCH_US", "HUGEINT", "COUNT()", "MEDIAN("):
        assert word not in said
