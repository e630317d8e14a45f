"""Sessions with changed settings: the same figures or an error, never a part of the rows.

Each setting changes, or may change, the result of a statement by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import InputError

from .backends import assert_same, database, homed
from .servers import ZONE, clickhouse, engine, mariadb, postgresql
from .test_acceptance_of_databases import tables
from .test_traps import Server

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
YEAR: dict[str, Any] = {"period": "2025"}
QUESTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("win_rate", {**YEAR, "by": "owner", "every": "quarter"}),
    ("revenue", {**YEAR, "by": "owner"}),
    ("average_deal_size", {**YEAR, "every": "month"}),
    ("sales_cycle_length.median", {**YEAR, "every": "month"}),
    ("mrr", {**YEAR, "by": "plan", "every": "quarter"}),
    ("win_rate", {"by": "customer.industry"}),
)
SETTINGS = {
    "postgresql": (
        "standard_conforming_strings = off", "datestyle = 'German, DMY'", "extra_float_digits = -15",
        "timezone = 'Asia/Kolkata'", "default_transaction_isolation = serializable",
        "default_transaction_isolation = 'read uncommitted'", "search_path = ''", "transform_null_equals = on",
        "client_encoding = LATIN1", "quote_all_identifiers = on", "work_mem = '64kB'",
        "default_transaction_read_only = on",
    ),
    "mariadb": (
        "sql_mode = 'ANSI_QUOTES'", "sql_mode = 'ORACLE'", "sql_mode = 'NO_BACKSLASH_ESCAPES'",
        "sql_mode = 'EMPTY_STRING_IS_NULL'", "sql_mode = 'PAD_CHAR_TO_FULL_LENGTH'",
        "sql_mode = 'HIGH_NOT_PRECEDENCE'", "sql_mode = 'ONLY_FULL_GROUP_BY'", "sql_mode = 'TIME_ROUND_FRACTIONAL'",
        "sql_mode = ''", "group_concat_max_len = 4", "div_precision_increment = 0", "sql_auto_is_null = 1",
        "time_zone = '+05:30'", "tx_isolation = 'READ-UNCOMMITTED'", "names latin1",
        "collation_connection = latin1_german1_ci", "autocommit = 0", "max_sort_length = 8",
    ),
    "duckdb": (
        "integer_division = true", "default_collation = 'NOCASE'", "default_null_order = 'nulls_first'",
        "default_order = 'DESC'", "TimeZone = 'Asia/Kolkata'", "preserve_insertion_order = false",
    ),
    "sqlite": (
        "case_sensitive_like = 1", "reverse_unordered_selects = 1", "short_column_names = 0", "full_column_names = 1",
        "query_only = 1", "automatic_index = 0", "empty_result_callbacks = 1",
    ),
    "clickhouse": (
        "join_algorithm = 'full_sorting_merge'",
        "decimal_check_overflow = 0", "cast_keep_nullable = 1", "data_type_default_nullable = 1",
        "date_time_overflow_behavior = 'saturate'", "session_timezone = 'Asia/Tokyo'", "final = 1", "limit = 1",
        "offset = 1", "count_distinct_implementation = 'uniq'", "join_use_nulls = 0", "group_by_use_nulls = 1",
        "prefer_column_name_to_alias = 0", "transform_null_in = 1", "aggregate_functions_null_for_empty = 0",
        "union_default_mode = 'DISTINCT'", "output_format_json_quote_64bit_integers = 1",
    ),
}  # fmt: skip


@cache
def right() -> list[Any]:
    return asked({name: pl.from_arrow(table) for name, table in tables(400).items()})


def asked(data: Any) -> list[Any]:
    crm = ck.Dataset(**data, currency="EUR")
    return [result for name, question in QUESTIONS for result in crm.measure(name, **question)]


@cache
def there(name: str) -> dict[str, Any]:
    """The tables of a server, created once."""
    return homed(name, tables(400))


def with_setting(name: str, setting: str) -> Iterator[dict[str, Any]]:
    """The tables in a session with a setting."""
    if name in ("postgresql", "mariadb"):
        made = sa.create_engine(postgresql() if name == "postgresql" else mariadb())

        @sa.event.listens_for(made, "connect")
        def _(connection: Any, _record: Any) -> None:
            connection.cursor().execute(f"SET {setting}")
            connection.commit()

        source, schema = ck.database(made), "public" if name == "postgresql" else None
        yield {each: source.table(table.target.name, schema=schema) for each, table in there(name).items()}
        made.dispose()
    elif name == "sqlite":
        data = homed(name, tables(400))
        data["deals"].source.connected.execute(f"PRAGMA {setting}")
        yield data
    elif name == "duckdb":
        connection = database()
        connection.execute(f"SET {setting}")
        yield {each: connection.from_arrow(table) for each, table in tables(400).items()}
    else:
        connection, data = clickhouse(), there(name)
        connection.query(f"SET {setting}")
        try:
            yield data
        finally:
            names = ", ".join(f"{each.partition(' =')[0]} = DEFAULT" for each in setting.split(", "))
            connection.query(f"SET {names}")
            connection.query(f"SET session_timezone = '{ZONE}'")


CASES = [
    pytest.param(name, setting, id=f"{name}: {setting}", marks=[pytest.mark.slow] * (name not in ("sqlite", "duckdb")))
    for name, settings in SETTINGS.items()
    for setting in settings
]


@pytest.mark.parametrize(("name", "setting"), CASES)
def test_figures_are_the_same_whatever_the_settings_of_a_session(name: str, setting: str) -> None:
    for data in with_setting(name, setting):
        assert_same(right(), asked(data))


@pytest.mark.slow
def test_a_profile_of_clickhouse_that_leaves_rows_out_leaves_none_out() -> None:
    server = Server("clickhouse")
    small = "max_rows_to_group_by = 10, group_by_overflow_mode = 'any', max_block_size = 100"
    control = f"SELECT toString(number % 1000) AS owner FROM numbers(100000) GROUP BY owner SETTINGS {small}"
    assert len(server.run(control)) < 1_000  # the failing control: groups are silently missing
    query = "SELECT toString(number) AS id, 'won' AS status, toString(number % 1000) AS owner FROM numbers(100000)"
    crm = ck.Dataset(deals=ck.database(server.connected).query(query))
    server.connected.query(f"SET {small}")
    try:
        with pytest.raises(InputError, match=r"Limit for|TOO_MANY_ROWS"):
            crm.measure("win_rate", by="owner")
        server.connected.query("SET max_rows_to_group_by = DEFAULT")
        assert len(crm.measure("win_rate", by="owner")) == 1_000
    finally:
        server.connected.query(
            "SET max_rows_to_group_by = DEFAULT, group_by_overflow_mode = DEFAULT, max_block_size = DEFAULT"
        )


def test_a_session_of_mariadb_that_gives_the_first_rows_alone_is_an_error_whose_way_out_works() -> None:
    server = Server("mariadb")
    server.run(
        "CREATE TABLE first_rows AS SELECT seq AS id, 'won' AS status, CONCAT('o', seq) AS owner FROM seq_1_to_50"
    )
    with engine(mariadb()).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        connection.exec_driver_sql("SET sql_select_limit = 20")
        wrong = connection.exec_driver_sql("SELECT owner, count(*) FROM first_rows GROUP BY owner").all()
        assert len(wrong) == 20  # the failing control
        with pytest.raises(
            InputError, match=r"returns only the first 20 rows of a result, .* begin it with SET"
        ) as told:
            ck.database(connection).table("first_rows")
        connection.exec_driver_sql(str(told.value).partition("begin it with ")[2].removesuffix("."))
        crm = ck.Dataset(deals=ck.database(connection).table("first_rows"))
        assert len(crm.measure("win_rate", by="owner")) == 50
        connection.rollback()


@pytest.mark.slow
def test_a_user_of_clickhouse_who_may_change_no_settings_is_told_what_to_give() -> None:
    def refuses(_: str) -> Any:
        raise RuntimeError(
            "Code: 164. DB::Exception: Cannot modify 'join_use_nulls' setting in readonly mode. (READONLY)"
        )

    source = ck.database(clickhouse()).source
    with pytest.raises(InputError, match=r"its user may change no settings, .* give it readonly = 2"):
        Session(source, refuses).rows("SELECT 1")
