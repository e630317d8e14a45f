"""A figure does not depend on the physical type of a column, on any library.

One generator draws values (`worlds`), the other their types (`physical_types`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID
from zlib import crc32
from zoneinfo import ZoneInfo

import pytest

from crmkpi import Calendar, Dataset, Deal, Table, Ticket, metric, revenue, table, weighted_pipeline, win_rate
from crmkpi.definition.expressions import business_time
from crmkpi.errors import ColumnError, InputError

from .backends import assert_same, database, frame_of, frames_of, homed
from .physical_types import typed
from .test_frames import METRICS, compare, fits, questions_of, telling
from .worlds import World, world

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")


def frames_of_types(found: World, backend: str, random: Random) -> Dataset:
    return found.of_frames(typed(backend, found.arrows("decimal"), random))


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
def test_the_types_of_columns_change_no_result(backend: str, name: str, examples: int) -> None:
    metric = METRICS[name]
    first, told = telling(metric, backend)
    for number in range(max(1, examples // 25)):
        random = Random(crc32(f"{name} {backend} {number}".encode()))
        found = first if not number else world(metric, random)
        question = told if not number else random.choice(questions_of(metric))
        if not fits(backend, found):
            continue
        compare(found.crm, frames_of_types(found, backend, random), [metric], question, found.by)


DEALS: dict[str, Any] = {
    "id": ["1", "2", "3", "4"],
    "status": ["won", "won", "lost", "won"],
    "created_at": [datetime(2026, 1, 1)] * 4,
    "closed_at": [datetime(2026, 1, 5), datetime(2026, 1, 6), datetime(2026, 1, 7), None],
}
AMOUNTS = (
    *(pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()),
    *(pa.float16(), pa.float32(), pa.float64(), pa.decimal32(9, 0), pa.decimal64(18, 2), pa.decimal128(38, 0)),
    *(pa.decimal128(38, 2), pa.decimal128(38, 9), pa.decimal128(38, 18), pa.decimal256(60, 18), pa.decimal256(76, 0)),
)


@pytest.mark.in_turns
@pytest.mark.parametrize("type_", AMOUNTS, ids=str)
def test_amounts_of_any_type_are_added_and_squared_without_wrapping(backend: str, type_: Any) -> None:
    exact = [Decimal(100), Decimal(120), Decimal(7), None]
    amounts = pa.array(exact, type_) if "decimal" in str(type_) else pa.array([100, 120, 7, None]).cast(type_)
    if backend != "pyarrow" and str(type_) in ("halffloat", "decimal256(60, 18)", "decimal256(76, 0)"):
        pytest.skip("a type of Arrow alone")
    many = pa.concat_tables([pa.table({**DEALS, "amount": amounts})] * 50)
    frame = frame_of(backend, many)
    rows = [Deal(id=str(n), status="won", amount=amount) for n, amount in enumerate((100, 120) * 50)]
    for asked in (revenue, METRICS["average_deal_size"], METRICS["average_deal_size.median"]):
        mine, theirs = asked(rows, currency="EUR"), asked(frame, currency="EUR")
        assert (theirs.value, theirs.interval) == (mine.value, mine.interval)


def test_sums_of_small_whole_numbers_do_not_wrap() -> None:
    for kind in (pl.Int32, pl.UInt32, pl.Int16):
        amount = 50_000 if kind != pl.Int16 else 30_000
        frame = pl.DataFrame({"id": [str(n) for n in range(100_000)], "status": "won"})
        frame = frame.with_columns(pl.lit(amount).cast(kind).alias("amount"))
        assert revenue(frame, currency="EUR").value == amount * 100_000


def test_narrow_floats_are_widened_or_refused_and_never_rounded() -> None:
    frame = pl.DataFrame({**DEALS, "amount": pl.Series([654321.75, 0.25, None, 1.5], dtype=pl.Float32)})
    assert revenue(frame).value == Decimal("654323.50")
    cents = frame.with_columns(pl.lit(19.99).cast(pl.Float32).alias("amount"))
    with pytest.raises(InputError, match=r"round the column in 64 bits"):
        revenue(cents)
    rounded = cents.with_columns(pl.col("amount").cast(pl.Float64).round(2))
    assert revenue(rounded).value == Decimal("59.97")


@pytest.mark.parametrize(
    "type_", ["TINYINT", "SMALLINT", "INTEGER", "UBIGINT", "HUGEINT", "DECIMAL(18,6)", "DECIMAL(38,18)"]
)
def test_numbers_of_duckdb_are_squared_in_wide_ones(type_: str) -> None:
    largest = {"TINYINT": 127, "SMALLINT": 32_000, "INTEGER": 2_000_000_000}.get(type_, 1_000_000)
    relation = database().sql(
        f"SELECT i::VARCHAR AS id, 'won' AS status, ({largest} - i)::{type_} AS amount FROM range(4) AS t(i)"
    )
    rows = [Deal(id=str(n), status="won", amount=largest - n) for n in range(4)]
    mine, theirs = (METRICS["average_deal_size"](data, currency="EUR") for data in (rows, relation))
    assert (theirs.value, theirs.interval) == (mine.value, mine.interval)


def test_large_decimals_of_duckdb_are_added_in_any_number() -> None:
    relation = database().sql(
        "SELECT i::VARCHAR AS id, 'won' AS status, 1000000000007::DECIMAL(18, 2) AS amount FROM range(100000) AS t(i)"
    )
    assert revenue(relation, currency="EUR").value == Decimal(1_000_000_000_007) * 100_000
    assert METRICS["average_deal_size"](relation, currency="EUR").value == Decimal(1_000_000_000_007)


def test_words_that_a_collation_takes_for_each_other_are_two() -> None:
    connection = database()
    connection.execute("CREATE TABLE deals(id VARCHAR, status VARCHAR, owner VARCHAR COLLATE NOCASE, amount DOUBLE)")
    connection.execute(
        "INSERT INTO deals VALUES ('1', 'won', 'Ada', 1), ('2', 'won', 'ada', 3), ('3', 'won', 'ADA', 9)"
    )
    report = Dataset(deals=connection.table("deals")).measure("average_deal_size.median", by="owner")
    assert [(found.segment["owner"], found.value) for found in report] == [("ADA", 9), ("Ada", 1), ("ada", 3)]


@pytest.mark.parametrize("type_", ["TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "DATE", "TIMESTAMPTZ"])
def test_moments_that_no_record_can_hold_are_unreadable_and_not_lost(type_: str) -> None:
    connection = database()
    connection.execute(f"CREATE TABLE deals(id VARCHAR, status VARCHAR, closed_at {type_})")
    connection.execute(
        "INSERT INTO deals VALUES ('1', 'won', '2026-01-05'), ('2', 'won', 'infinity'), ('3', 'won', '-infinity'), "
        "('4', 'lost', '2026-01-06'), ('5', 'won', '12026-01-06'), ('6', 'won', NULL)"
    )
    result = win_rate(connection.table("deals"), period="2026")
    assert (result.inputs, result.accounts[0].rejected, result.accounts[0].given) == ({"won": 1, "closed": 2}, 0, 6)
    assert result.left_out == {"no closed_at": 1, "closed_at unreadable": 3}
    assert result.unreadable == {"closed_at": {"a time outside the years 1 to 9999": 3}}
    assert str(result.reason).endswith("a time outside the years 1 to 9999 (3); correct them in the source")


@pytest.mark.in_turns
@pytest.mark.parametrize("keys", [(1, 0), (True, False), ("1", "0"), (1.0, 0.0)], ids=str)
@pytest.mark.parametrize("kind", ["int", "text", "flag", "float"])
def test_words_of_any_type_are_compared_as_the_column_writes_them(backend: str, keys: Any, kind: str) -> None:
    columns = {
        "int": pa.array([1, 0, 1], pa.int16()),
        "text": pa.array(["1", "0", "1"]),
        "flag": pa.array([True, False, True]),
        "float": pa.array([1.0, 0.0, 1.0]),
    }
    if kind == "text" and str(keys[0]) != "1":
        pytest.skip("not how the text is written")
    frame = frame_of(backend, pa.table({"id": ["1", "2", "3"], "status": columns[kind]}))
    values = {"status": {keys[0]: "won", keys[1]: "lost"}}
    if kind == "float" and backend != "pandas":
        with pytest.raises(ColumnError, match="Cast it to whole numbers or text"):
            win_rate(table(frame, record=Deal, values=values))
        return
    assert win_rate(table(frame, record=Deal, values=values)).inputs == {"won": 2, "closed": 3}


def test_probabilities_in_whole_numbers_and_decimals_weigh_exactly(backend: str) -> None:
    for type_ in (pa.int64(), pa.decimal128(10, 4), pa.float64()):
        chances = pa.array([Decimal(0), Decimal(1), Decimal(1)], pa.decimal128(30, 4)).cast(type_)
        arrow = pa.table(
            {
                "id": ["1", "2", "3"],
                "status": ["open"] * 3,
                "created_at": DEALS["created_at"][:3],
                "amount": [0.1, 0.2, 0.7],
                "probability": chances,
            }
        )
        assert weighted_pipeline(frame_of(backend, arrow), currency="EUR").value == Decimal("0.9")


@pytest.mark.in_turns
def test_ids_may_be_numbers_uuids_or_text(backend: str) -> None:
    ids = [UUID(int=1), UUID(int=2)]
    kinds = {"texts": [str(one) for one in ids], "numbers": [10**17, 7], "small": pa.array([1, 2], pa.int8())}
    for own in kinds.values():
        deals = pa.table({"id": ["a", "b"], "status": ["won", "lost"], "customer_id": own})
        customers = pa.table({"id": own, "industry": ["retail", "health"]})
        frames = homed(backend, {"deals": deals, "customers": customers})
        report = Dataset(**frames).measure(win_rate, by="customer.industry")
        assert [(found.segment["customer.industry"], found.value) for found in report] == [
            ("health", 0.0),
            ("retail", 1.0),
        ]


def test_identifiers_of_databases_are_text() -> None:
    connection = database()
    for type_, value in (("UUID", f"'{UUID(int=5)}'"), ("HUGEINT", str(10**30)), ("UHUGEINT", str(3 * 10**38))):
        relation = connection.sql(f"SELECT {value}::{type_} AS id, 'won' AS status, {value}::{type_} AS owner")
        (result,) = Dataset(deals=relation).measure(win_rate, by="owner")
        assert str(result.segment["owner"]) == value.strip("'")


@pytest.mark.in_turns
def test_attributes_of_any_type_are_groups(backend: str) -> None:
    kinds = {
        "flag": pa.array([True, None, True]),
        "small": pa.array([1, None, 1], pa.int8()),
        "day": pa.array([date(2026, 1, 1), None, date(2026, 1, 1)]),
        "moment": pa.array([datetime(2026, 1, 1, 9), None, datetime(2026, 1, 1, 9)]),
        "share": pa.array([Decimal("0.25"), None, Decimal("0.25")]),
        "word": pa.array(["a", None, "a"]).dictionary_encode(),
    }
    for name, values in kinds.items():
        frame = frame_of(backend, pa.table({"id": ["1", "2", "3"], "status": ["won", "lost", "won"], "own": values}))
        report = Dataset(deals=frame).measure(win_rate, by="attributes.own")
        expected = values.to_pylist()[0]
        assert [(found.segment["attributes.own"], found.value) for found in report] == [(expected, 1.0), (None, 0.0)], (
            name
        )


@pytest.mark.in_turns
@pytest.mark.parametrize(
    "year", [2099, 2150, *(pytest.param(far, marks=pytest.mark.slow) for far in (2460, 2700, 9990))]
)
def test_clocks_change_after_the_year_2100_too(backend: str, year: int) -> None:
    begun, closed = datetime(year, 1, 10, 12), datetime(year, 7, 10, 12)
    won = {"id": ["1", "2"], "status": ["won"] * 2, "created_at": [begun, closed], "closed_at": [closed] * 2}
    frame = frame_of(backend, pa.table(won))
    zone = ZoneInfo("America/New_York")
    rows = [
        Deal(id=str(n), status="won", created_at=at.replace(tzinfo=zone), closed_at=closed.replace(tzinfo=zone))
        for n, at in enumerate((begun, closed))
    ]
    calendar = Calendar(tz="America/New_York")
    for name in ("sales_cycle_length", "sales_cycle_length.median"):
        mine = Dataset(deals=rows, calendar=calendar).measure(name)
        theirs = Dataset(deals=table(frame, record=Deal, tz=zone), calendar=calendar).measure(name)
        assert_same(mine, theirs)


ZONES_OF_OLD = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Asia/Manila", "Asia/Tokyo")


@pytest.mark.in_turns
@pytest.mark.parametrize("zone", ZONES_OF_OLD)
@pytest.mark.parametrize("aware", [False, True])
def test_before_its_first_change_a_zone_has_local_mean_time(backend: str, zone: str, *, aware: bool) -> None:
    last = datetime(2024, 7, 10, 12)
    begun = [datetime(year, 1, 10, 23, 58) for year in (2, 1799, 1840, 1850, 1875, 1890, 1899, 1903, 1950)]
    rows = [
        Deal(id=str(number), status="won", created_at=at, closed_at=last, expected_close_on=date(2024, 1, 1))
        for number, at in enumerate(begun)
    ]
    if aware:
        exact = last.replace(tzinfo=UTC)
        rows = [
            replace(row, created_at=at.replace(tzinfo=UTC), closed_at=exact)
            for row, at in zip(rows, begun, strict=True)
        ]
    calendar = Calendar(tz=zone, opening_hours={"mon-sun": ("09:00", "24:00")})
    mine, theirs = (
        Dataset(deals=rows, calendar=calendar),
        Dataset(**frames_of(backend, {"deals": rows}), calendar=calendar),
    )
    for by in (None, "created_at", "id"):
        for name in ("sales_cycle_length", "sales_cycle_length.calendar_days_median"):
            assert_same(mine.measure(name, by=by), theirs.measure(name, by=by))


@pytest.mark.in_turns
@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ("Europe/Berlin", datetime(2024, 3, 31, 2)),
        ("Europe/Berlin", datetime(2024, 10, 27, 2)),
        ("America/Sao_Paulo", datetime(2018, 11, 4)),
        ("America/Sao_Paulo", datetime(2018, 2, 17, 23)),
        ("Australia/Lord_Howe", datetime(2024, 4, 7, 1, 30)),
    ],
)
def test_wall_clock_times_beside_a_span_stay_what_the_clock_showed(backend: str, zone: str, clock: datetime) -> None:
    """As keys of segments, in comparisons and against `as_of`: only durations need instants."""
    times = [clock + timedelta(minutes=15 * step) for step in range(-6, 10)]
    tickets = [
        Ticket(id=f"{n} {m}", created_at=created, first_replied_at=replied, solved_at=times[(n + m) % len(times)])
        for n, created in enumerate(times)
        for m, replied in enumerate(times)
    ]
    calendar = Calendar(tz=zone, opening_hours={"mon-sun": ("00:00", "12:00")})
    own = Table(Ticket)
    asked = (
        own.sum(own.first_replied_at - own.created_at, where=own.solved_at > own.first_replied_at),
        own.sum(business_time(own.created_at, own.first_replied_at), where=own.solved_at <= own.created_at),
    )
    for measure in asked:

        @metric(unit="duration", waited=measure)
        def waited(waited: float) -> float:
            """How long customers waited in all."""
            return waited

        mine, theirs = (
            Dataset(tickets=rows, calendar=calendar)
            for rows in (tickets, frames_of(backend, {"tickets": tickets})["tickets"])
        )
        for by in (None, "created_at"):
            assert_same(mine.measure(waited, by=by), theirs.measure(waited, by=by))
    late = clock.replace(tzinfo=ZoneInfo(zone), fold=1) + timedelta(minutes=20)
    mine, theirs = (
        Dataset(tickets=rows, calendar=calendar, as_of=late)
        for rows in (tickets, frames_of(backend, {"tickets": tickets})["tickets"])
    )
    for name in ("first_response_time", "first_response_time.business"):
        assert_same(mine.measure(name), theirs.measure(name))
