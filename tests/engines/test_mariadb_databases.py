"""Silent errors of MariaDB that the library avoids, each next to the statement that would be wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError
from crmkpi.statistics.intervals import quantile_place

from .servers import engine, mariadb

pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
NUMBERS = count()


@pytest.fixture(scope="module")
def server() -> Any:
    return engine(mariadb())


@pytest.fixture
def run(server: Any) -> Callable[..., Any]:
    """Run statements in a transaction, and return the rows of the last."""

    def runs(*texts: str) -> Any:
        with server.begin() as connection:
            for text in texts:
                found = connection.exec_driver_sql(text, execution_options={"no_parameters": True})
            return [tuple(row) for row in found.all()] if found.returns_rows else None

    return runs


@pytest.fixture
def table(run: Callable[..., Any]) -> Callable[..., str]:
    """A table of won deals with one column of a type, and its values."""

    def makes(column: str, type_: str, *values: str, before: str = "SELECT 1", more: str = "") -> str:
        made = f"deals_{next(NUMBERS)}"
        further = "" if column == "closed_at" else ", closed_at DATETIME DEFAULT '2026-01-05'"
        run(
            before,
            f"CREATE TABLE {made}(id SERIAL, status VARCHAR(9) DEFAULT 'won', {column} {type_}{further}) {more}",
            f"INSERT INTO {made}({column}) VALUES {', '.join(f'({value})' for value in values)}",
        )
        return made

    return makes


def test_texts_are_compared_by_their_bytes_and_to_the_last_blank(server, run, table) -> None:
    words = {"Ada", "ada", "ada ", "Ädä"}
    name = table("owner", "VARCHAR(9)", *map(repr, words))
    assert run(f"SELECT count(DISTINCT owner) FROM {name}") == [(1,)]  # the wrong form
    found = ck.Dataset(deals=ck.database(server).table(name)).measure("win_rate", by="owner")
    assert {result.segment["owner"] for result in found} == words


def test_a_status_in_other_letters_is_no_status(server, run, table) -> None:
    name = table("owner", "VARCHAR(9)", "'a'", "'b'")
    run(f"UPDATE {name} SET status = 'WON' WHERE owner = 'b'")
    assert run(f"SELECT count(*) FROM {name} WHERE status = 'won'") == [(2,)]  # the wrong form
    assert ck.win_rate(ck.database(server).table(name)).inputs["won"] == 1


def test_timestamps_are_instants_whatever_the_zone_of_the_session(server, run, table) -> None:
    name = table("closed_at", "TIMESTAMP NULL", "'2026-02-01 03:00:00'", before="SET time_zone = '+00:00'")
    run("SET time_zone = DEFAULT")
    wrong = run("SET time_zone = '-05:00'", f"SELECT month(closed_at) FROM {name}")
    assert wrong == [(1,)]
    deals = ck.table(ck.database(server).table(name), record=ck.Deal)
    assert [ck.win_rate(deals, period=month).inputs["won"] for month in ("2026-01", "2026-02")] == [0, 1]
    assert datetime(2026, 2, 1, 3, tzinfo=UTC).month == 2


def test_wall_clock_times_stay_what_they_are(server, table) -> None:
    name = table("closed_at", "DATETIME(6)", "'2026-01-31 23:59:59.999999'", "'2026-02-01 00:00:00'", "'1000-01-01'")
    months = ("2026-01", "2026-02", "1000-01")
    assert [ck.win_rate(ck.database(server).table(name), period=month).inputs["won"] for month in months] == [1, 1, 1]


def test_zero_dates_are_not_taken_for_missing_ones(server, run, table) -> None:
    name = table("closed_at", "DATETIME", "'0000-00-00'", "'2026-01-05'", "NULL", before="SET sql_mode = ''")
    wrong = f"SELECT count(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', closed_at)), count(closed_at) FROM {name}"
    assert run(wrong) == [(1, 2)]
    (account,) = ck.win_rate(ck.database(server).table(name), period="2026").accounts
    assert account.rejected or account.unreadable.keys() == {"closed_at"}


def test_amounts_are_exact(server, table) -> None:
    decimal = table("amount", "DECIMAL(18, 2)", "1000000000000.10", "0.20")
    wide = table("amount", "DECIMAL(38, 4)", "12.3456", "0.0001")
    assert ck.revenue(ck.database(server).table(decimal), currency="EUR").value == Decimal("1000000000000.30")
    assert ck.revenue(ck.database(server).table(wide), currency="EUR").value == Decimal("12.3457")


@pytest.mark.parametrize("hard", ["it's", "50%s", ":name", "back\\slash", "a;b", "`tick`", "{braces}", "?", "Ада"])
def test_names_and_constants_are_what_they_are(server, run, hard) -> None:
    ticked = "`" + hard.replace("`", "``") + "`"
    made, spelt = f"deals_{next(NUMBERS)}", f"X'{hard.encode().hex()}'"
    run(
        f"CREATE TABLE {made}(id INTEGER, status VARCHAR(99), {ticked} VARCHAR(99))",
        f"INSERT INTO {made} VALUES (1, {spelt}, {spelt}), (2, 'Lost', {spelt})",
    )
    deals = ck.table(ck.database(server).table(made), record=ck.Deal, values={"status": {hard: "won", "Lost": "lost"}})
    (found,) = ck.Dataset(deals=deals).measure("win_rate", by=f"attributes.{hard}")
    assert (next(iter(found.segment.values())), found.value) == (hard, 0.5)


def test_a_query_is_measured_like_a_table(server, table) -> None:
    name = table("amount", "DECIMAL(18, 2)", "10.50", "2")
    deals = ck.database(server).query(f"SELECT id, status, amount, closed_at FROM {name}")
    assert ck.revenue(deals, currency="EUR", period="2026").value == Decimal("12.50")


def test_a_measure_that_takes_too_long_ends(server, table) -> None:
    name = table("owner", "VARCHAR(9)", "'a'", "'b'")
    slow = ck.database(server, timeout=0.2).query(f"SELECT *, SLEEP(1) AS slept FROM {name}")
    with pytest.raises(InputError, match=r"did not answer within timeout=0.2 seconds"):
        ck.Dataset(deals=slow).measure("win_rate", by="attributes.slept")
    assert ck.win_rate(ck.database(server, timeout=60).table(name)).value == 1.0


def test_a_connection_of_weaker_isolation_is_an_error_that_says_the_way_out(server, table) -> None:
    name = table("owner", "VARCHAR(9)", "'a'")
    with server.connect().execution_options(isolation_level="READ COMMITTED") as connection:
        connection.exec_driver_sql("SELECT 1")
        with pytest.raises(InputError, match=r"must see one state of the database"):
            ck.database(connection).table(name)
    with server.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql(f"INSERT INTO {name}(owner) VALUES ('b')")
        assert ck.win_rate(ck.database(connection).table(name)).inputs["won"] == 2
        connection.rollback()
    assert ck.win_rate(ck.database(server).table(name)).inputs["won"] == 1


def test_tables_without_snapshots_and_those_that_are_not_there_are_errors(server, table) -> None:
    name = table("owner", "VARCHAR(9)", "'a'", more="ENGINE=MyISAM")
    with pytest.raises(InputError, match=r"is stored by MyISAM, which has no snapshots"):
        ck.database(server).table(name)
    with pytest.raises(ColumnError, match=rf"has no table '{name}x'"):
        ck.database(server).table(f"{name}x")


def test_a_median_of_a_period_takes_counts_that_are_decimals(server, run, table) -> None:
    name = table("amount", "DECIMAL(18, 2)", "10", "30", "20")
    (count,) = run(f"SELECT sum(amount > 0) FROM {name}")[0]
    assert isinstance(count, Decimal)
    quantile_place.cache_clear()  # after the same integer was queried, a decimal gets the same answer
    crm = ck.Dataset(deals=ck.database(server).table(name), currency="EUR")
    assert crm.measure(["average_deal_size.median", "revenue"], period="2026")[0].value == 20


def test_related_tables_are_joined_by_an_index(server, run, table, monkeypatch) -> None:
    """Without it, each deal is compared with each customer; the failing control omits its clause."""
    deals, customers = table("customer_id", "VARCHAR(9)", "'1'", "'2'"), f"customers_{next(NUMBERS)}"
    run(f"CREATE TABLE {customers}(id VARCHAR(9), industry VARCHAR(9))")
    run(f"INSERT INTO {customers} SELECT seq, CONCAT('i', MOD(seq, 7)) FROM seq_1_to_500")

    def keys() -> set[Any]:
        source = ck.database(server)
        crm = ck.Dataset(deals=source.table(deals), customers=source.table(customers))
        asked = crm.measure("win_rate", by="customer.industry").sql().split(";\n\n")
        (joined,) = [text for text in asked if "JOIN" in text and "GROUP BY" in text][-1:]
        return {row[5] for row in run(f"EXPLAIN {joined.rstrip().removesuffix(';')}")}

    assert "key0" in keys()
    for clause in ("joined", "fence"):
        monkeypatch.setattr(f"crmkpi.engines.frames.homes.mariadb.MariaDbSql.{clause}", "")
    assert "key0" not in keys()
