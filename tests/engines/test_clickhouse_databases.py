"""Silent errors of ClickHouse that the library avoids, each next to the statement that would be wrong.

It runs in process (chdb), and is queried both there and over HTTP with the driver for servers.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.sessions import Session
from crmkpi.errors import ColumnError, InputError

from .servers import PASSWORD, clickhouse, clickhouse_server, engine

pytestmark = pytest.mark.slow
NUMBERS = count()


@pytest.fixture(params=["within", "server"])
def connected(request: pytest.FixtureRequest) -> Any:
    """An in-process connection, and an engine of SQLAlchemy."""
    return clickhouse() if request.param == "within" else engine(clickhouse_server())


def run(*texts: str) -> list[tuple[Any, ...]]:
    """Run statements unchanged, and return the rows of the last."""
    cursor = clickhouse().cursor()
    for text in texts:
        cursor.execute(text)
    return [tuple(row) for row in cursor.fetchall()]


def table_of(column: str, type_: str, *values: str) -> str:
    """A table of won deals with one column of a type, and its values."""
    made = f"deals_{next(NUMBERS)}"
    further = "" if column == "closed_at" else ", closed_at DateTime('UTC') DEFAULT '2026-01-05 00:00:00'"
    run(
        f"CREATE TABLE {made}(id String DEFAULT toString(generateUUIDv4()), status String DEFAULT 'won', "
        f"{column} {type_}{further}) ENGINE = MergeTree ORDER BY tuple()",
        f"INSERT INTO {made}({column}) VALUES {', '.join(f'({value})' for value in values)}",
    )
    return made


def owners(table: Any) -> set[Any]:
    return {result.segment["owner"] for result in ck.Dataset(deals=table).measure("win_rate", by="owner")}


# Silent errors


def test_sums_and_squares_do_not_wrap_around(connected) -> None:
    name = table_of("amount", "Decimal(18, 2)", *["9999999999999999.99"] * 10)
    units = f"(SELECT reinterpretAsInt64(amount) AS x FROM {name})"
    assert run(f"SELECT sum(x) < 0 FROM {units}") == [(1,)]  # the wrong form
    found = ck.revenue(ck.database(connected).table(name), currency="EUR")
    assert found.value == Decimal("9999999999999999.99") * 10
    mean = ck.average_deal_size(ck.database(connected).table(name), currency="EUR")
    assert (mean.value, mean.interval.low) == (Decimal("9999999999999999.99"), Decimal("9999999999999999.99"))


def test_the_missing_side_of_a_join_is_missing(connected) -> None:
    deals, customers = table_of("customer_id", "String", "'1'", "'2'"), f"customers_{next(NUMBERS)}"
    run(f"CREATE TABLE {customers} ENGINE = Memory AS SELECT '1' AS id, 'retail' AS industry")
    wrong = f"SELECT r.industry FROM {deals} AS l LEFT JOIN {customers} AS r ON l.customer_id = r.id"
    assert ("",) in run(wrong)
    source = ck.database(connected)
    crm = ck.Dataset(deals=source.table(deals), customers=source.table(customers))
    assert {r.segment["customer.industry"] for r in crm.measure("win_rate", by="customer.industry")} == {"retail", None}


def test_a_name_that_is_an_alias_too_is_the_column() -> None:
    wrong = "SELECT -x AS x, x + 1 AS y FROM (SELECT 1 AS x) WHERE x > 0"
    assert run(wrong) == []
    assert run(f"{wrong} SETTINGS prefer_column_name_to_alias = 1") == [(-1, 2)]


def test_a_median_is_exact(connected) -> None:
    values = [f"{number * number % 10_007}.25" for number in range(9_999)]
    name = table_of("amount", "Decimal(18, 2)", *values)
    exact = sorted(map(Decimal, values))[4_999]
    assert run(f"SELECT quantile(0.5)(toFloat64(amount)) FROM {name}") != [(float(exact),)]  # the wrong form
    found = ck.Dataset(deals=ck.database(connected).table(name), currency="EUR").measure("average_deal_size.median")
    assert found[0].value == exact


def test_times_without_a_zone_are_instants_and_not_what_the_zone_of_the_session_shows(connected) -> None:
    for type_ in ("DateTime", "DateTime64(3)", "Nullable(DateTime64(9, 'Asia/Tokyo'))", "LowCardinality(DateTime)"):
        last, first = 1769903999, 1769904000  # the last second of January in UTC, and the first of February
        allowed = "SET allow_suspicious_low_cardinality_types = 1"
        run(allowed)
        name = table_of("closed_at", type_, f"fromUnixTimestamp({last})", f"fromUnixTimestamp({first})")
        if "Tokyo" not in type_:
            assert run(f"SELECT sum(toMonth(closed_at)) FROM {name}") == [(2,)]  # the wrong form
        deals = ck.database(connected).table(name)
        assert [ck.win_rate(deals, period=month).inputs["won"] for month in ("2026-01", "2026-02")] == [1, 1]


@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin"])
def test_groups_by_a_moment_are_the_instants_of_records_whatever_the_calendar(connected, tz) -> None:
    name = table_of("closed_at", "DateTime64(6, 'Asia/Tokyo')", "'2026-02-01 08:30:00.5'", "'2026-03-01 00:00:00'")
    moments = [datetime(2026, 1, 31, 23, 30, 0, 500_000, tzinfo=UTC), datetime(2026, 2, 28, 15, tzinfo=UTC)]
    deals = [ck.Deal(id=str(moment), status="won", closed_at=moment) for moment in moments]
    calendar = ck.Calendar(tz=tz)
    found, right = (
        ck.Dataset(deals=data, calendar=calendar).measure("win_rate", by="closed_at")
        for data in (ck.database(connected).table(name), deals)
    )
    assert [result.segment["closed_at"] for result in found] == moments
    assert [dict(result.segment) for result in found] == [dict(result.segment) for result in right]


def test_microseconds_are_kept(connected) -> None:
    moments = ("'1969-12-31 23:59:59.999999'", "'2026-01-31 23:59:59.999999'", "'2299-12-31 23:59:59.999999'")
    name = table_of("closed_at", "DateTime64(6, 'UTC')", *moments)
    wrong = f"SELECT count() FROM {name} WHERE CAST(closed_at AS DateTime) = closed_at"
    assert run(wrong) == [(0,)]
    periods = ("1969", "2026-01", "2299")
    assert [ck.win_rate(ck.database(connected).table(name), period=each).inputs["won"] for each in periods] == [1, 1, 1]


def test_numbers_are_rounded_down_and_not_towards_zero(connected) -> None:
    assert run("SELECT intDiv(-7, 2), toInt64(-7) / 2") == [(-3, -3.5)]  # the wrong forms
    name = table_of("closed_at", "DateTime64(6, 'UTC')", "'1969-12-31 12:00:01'")  # midnight without a zone
    crm = ck.Dataset(deals=ck.database(connected).table(name), calendar=ck.Calendar(tz="Asia/Kolkata"))
    assert crm.measure("win_rate", period="1969-12-31")[0].inputs["won"] == 1


def test_columns_that_cannot_be_missing_hold_an_empty_text_which_is_no_value(connected) -> None:
    table = ck.database(connected).table(table_of("owner", "String", "'Ada'", "''"))
    assert owners(table) == {"Ada", None}
    assert owners(ck.table(table, record=ck.Deal, values={"owner": {"": "nobody"}})) == {"Ada", "nobody"}


@pytest.mark.parametrize(
    "type_, values",
    [
        ("String", ["Ada", "ada", "ada ", "Ädä"]),
        ("LowCardinality(Nullable(String))", ["Ada", "ada"]),
        ("FixedString(8)", ["Ada", "ada"]),
        ("Enum8('Ada' = 1, 'ada' = 2)", ["Ada", "ada"]),
        ("UInt32", ["7", "8"]),
        ("UUID", ["6f2c1e9e-0000-4000-8000-000000000001", "6f2c1e9e-0000-4000-8000-000000000002"]),
    ],
)
def test_texts_of_all_types_are_what_they_are(connected, type_, values) -> None:
    assert owners(ck.database(connected).table(table_of("owner", type_, *map(repr, values)))) == set(values)


@pytest.mark.parametrize(
    "type_, values, total",
    [
        ("Decimal(9, 4)", ("12.3456", "-0.0001"), "12.3455"),
        ("Decimal(38, 4)", ("12345678901234.3456", "0.0001"), "12345678901234.3457"),
        ("Nullable(Decimal(18, 0))", ("9007199254740993", "NULL"), "9007199254740993"),
        ("UInt64", ("9007199254740993", "1"), "9007199254740994"),
        ("Int128", ("9007199254740993", "-1"), "9007199254740992"),
        ("Float32", ("0.5", "0.25"), "0.75"),
        ("Float64", ("0.1", "0.2", "nan"), "0.3"),
    ],
)
def test_amounts_are_exact(connected, type_, values, total) -> None:
    found = ck.revenue(ck.database(connected).table(table_of("amount", type_, *values)), currency="EUR")
    assert found.value == Decimal(total)


def test_numbers_beyond_64_bits_cannot_be_read(connected) -> None:
    name = table_of("amount", "UInt64", "18446744073709551615", "1")
    found = ck.revenue(ck.database(connected).table(name), currency="EUR", most_unreadable=1)
    assert (found.value, found.left_out) == (1, {"amount unreadable": 1})


def test_flags_may_be_numbers(connected) -> None:
    for type_, values in (("UInt8", ("0", "1", "1")), ("Bool", ("false", "true", "true"))):
        (found,) = ck.win_rate(ck.database(connected).table(table_of("deleted", type_, *values))).accounts
        assert (found.given, found.used, found.left_out) == (3, 1, {"deleted": 2})


@pytest.mark.parametrize("type_", ["Array(String)", "Map(String, String)", "Tuple(String, String)"])
def test_what_is_no_plain_value_is_refused(connected, type_) -> None:
    value = {"Array(String)": "['a']", "Map(String, String)": "{'a': 'b'}"}.get(type_, "('a', 'b')")
    with pytest.raises(ColumnError, match="must hold one plain value in each row"):
        ck.Dataset(deals=ck.database(connected).table(table_of("owner", type_, value))).measure("win_rate", by="owner")


HARD = [
    "it's",
    'it"s',
    "50%s",
    ":name",
    "back\\slash",
    "a;b",
    "`tick`",
    "{braces}",
    "{x:String}",
    "?",
    "Ада",
    "a b",
    "--",
]


@pytest.mark.parametrize("hard", HARD)
def test_names_and_constants_are_what_they_are(connected, hard) -> None:
    ticked = "`" + hard.replace("\\", "\\\\").replace("`", "\\`") + "`"
    made, spelt = f"deals_{next(NUMBERS)}", f"unhex('{hard.encode().hex()}')"
    run(
        f"CREATE TABLE {made}(id Int8, status String, {ticked} String) ENGINE = Memory",
        f"INSERT INTO {made} SELECT 1, {spelt}, {spelt} UNION ALL SELECT 2, 'Lost', {spelt}",
    )
    table = ck.database(connected).table(made)
    deals = ck.table(table, record=ck.Deal, values={"status": {hard: "won", "Lost": "lost"}})
    (found,) = ck.Dataset(deals=deals).measure("win_rate", by=f"attributes.{hard}")
    assert (next(iter(found.segment.values())), found.value) == (hard, 0.5)


# Errors during a measurement


@pytest.mark.parametrize("relation", ["table", "query"])
def test_a_table_that_changes_meanwhile_gives_no_figure(connected, monkeypatch, relation) -> None:
    name = table_of("owner", "String", "'Ada'", "'Bo'")
    source = ck.database(connected)
    deals = ck.Dataset(deals=source.table(name) if relation == "table" else source.query(f"SELECT * FROM {name}"))
    rows = Session.rows

    def disturbed(self: Session, text: str) -> Any:
        found = rows(self, text)
        if "GROUP BY" in text:
            run(f"INSERT INTO {name}(owner) VALUES ('Cy')")
        return found

    with monkeypatch.context() as patched:
        patched.setattr(Session, "rows", disturbed)
        with pytest.raises(InputError, match=r"has changed while it was measured, and clickhouse has no snapshots"):
            deals.measure("win_rate", by="owner")
    assert {result.segment["owner"] for result in deals.measure("win_rate", by="owner")} == {"Ada", "Bo", "Cy"}


def test_a_value_that_changes_meanwhile_is_noticed_at_the_same_number_of_rows(connected, monkeypatch) -> None:
    name = table_of("owner", "String", "'Ada'", "'Bo'")
    deals = ck.Dataset(deals=ck.database(connected).table(name))
    rows = Session.rows

    def disturbed(self: Session, text: str) -> Any:
        found = rows(self, text)
        if "GROUP BY" in text:
            run(f"ALTER TABLE {name} UPDATE owner = 'Di' WHERE owner = 'Bo' SETTINGS mutations_sync = 1")
        return found

    monkeypatch.setattr(Session, "rows", disturbed)
    with pytest.raises(InputError, match="has changed while it was measured"):
        deals.measure("win_rate", by="owner")


def test_a_measure_that_takes_too_long_ends(connected) -> None:
    name = table_of("owner", "String", "'a'", "'b'")
    slow = ck.database(connected, timeout=0.2).query(f"SELECT *, sleepEachRow(0.5) AS slept FROM {name}")
    with pytest.raises(InputError, match=r"did not answer within timeout=0.2 seconds"):
        ck.Dataset(deals=slow).measure("win_rate", by="attributes.slept")
    assert ck.win_rate(ck.database(connected, timeout=60).table(name)).value == 1.0


def test_tables_that_are_not_there_or_were_dropped_are_errors(connected) -> None:
    name = table_of("owner", "String", "'a'")
    source = ck.database(connected)
    deals = source.table(name)
    with pytest.raises(ColumnError, match=rf"has no table '{name}x'.* Did you mean '{name}'"):
        source.table(f"{name}x")
    with pytest.raises(ColumnError, match="The database 'crm' has no table"):
        source.table(name, schema="crm")
    assert ck.win_rate(source.table(name, schema="default")).value == 1.0
    run(f"DROP TABLE {name}")
    with pytest.raises(ColumnError, match=f"has no table '{name}'"):
        ck.win_rate(deals)
    with pytest.raises(InputError, match="cannot be read"):
        source.query("SELECT nothing FROM nowhere")


def test_the_password_of_a_server_is_not_shown() -> None:
    source = ck.database(engine(clickhouse_server()))
    report = ck.Dataset(deals=source.table(table_of("owner", "String", "'a'"))).measure("win_rate")
    with pytest.raises(InputError) as raised:
        source.query("SELECT nothing FROM nowhere")
    assert all(PASSWORD not in text for text in (repr(source), report.sql(), str(report), str(raised.value)))


def test_what_was_sent_is_shown_with_the_settings_that_make_it_right(connected) -> None:
    report = ck.Dataset(deals=ck.database(connected).table(table_of("owner", "String", "'a'"))).measure("win_rate")
    statements = report.sql().split(";\n\n")
    assert all("SETTINGS join_use_nulls = 1" in statement for statement in statements)
