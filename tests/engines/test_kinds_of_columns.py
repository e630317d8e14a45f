"""Every column type of a library has the figures of records, or is refused with the same sentence everywhere.

`physical_types` draws the types that hold any value; this module has the others, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dateutil import tz as dateutil_zones

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError

from .backends import assert_same, database

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")
pc = pytest.importorskip("pyarrow.compute", reason="PyArrow is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
np = pytest.importorskip("numpy", reason="NumPy is not installed")

WHEN = [datetime(2026, 1, 5, 10), datetime(2026, 2, 6, 12), None, datetime(2026, 3, 31, 23)]
DAYS = [None if moment is None else datetime(moment.year, moment.month, moment.day) for moment in WHEN]
EXACT = [None if moment is None else moment.replace(tzinfo=UTC) for moment in WHEN]
BEGUN = [datetime(2026, 1, 1)] * 4
BEGUN_EXACT = [datetime(2026, 1, 1, tzinfo=UTC)] * 4
WHOLE = [100, 20, None, 7]
NAMES = ["Ada", None, "Bo", "Ada"]
FLAGS = [False, False, True, False]
DUE = [date(2026, 1, 1), None, date(2026, 4, 1), date(2026, 2, 1)]
PLAIN: Mapping[str, Sequence[Any]] = {
    "id": ["1", "2", "3", "4"],
    "status": ["won", "lost", "open", "won"],
    "amount": [None if each is None else Decimal(each) for each in WHOLE],
    "closed_at": WHEN,
    "created_at": BEGUN,
    "deleted": FLAGS,
    "owner": NAMES,
    "probability": [1.0, None, 0.5, 0.25],
    "expected_close_on": DUE,
}
ASKED: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]] = {  # KPIs that read a field, eight in all
    "amount": [("revenue", {}), ("average_deal_size.median", {}), ("weighted_pipeline", {})],
    "closed_at": [
        ("win_rate", {"period": "2026-Q1"}),
        ("sales_cycle_length", {}),
        ("deal_volume", {"by": "closed_at"}),
    ],
    "owner": [("win_rate", {"by": "owner"}), ("lost_rate", {"by": "owner"})],
    "status": [("win_rate", {}), ("pipeline_value", {})],
    "deleted": [("win_rate", {}), ("revenue", {})],
    "expected_close_on": [("pipeline_value", {"by": "expected_close_on"})],
    "probability": [("weighted_pipeline", {})],
}
ONE_VALUE = "must hold one plain value in each row"
ANY_KIND = "must hold text, numbers, timestamps, or true or false; got "
SECONDS = "and a duration to seconds"
AMOUNT = "amount as decimal or floating-point numbers"


def records(changed: Mapping[str, Sequence[Any]]) -> list[ck.Deal]:
    rows = ({name: values[n] for name, values in {**PLAIN, **changed}.items()} for n in range(4))
    return [ck.Deal(**row) for row in rows]


def measured(deals: Any, field: str) -> list[ck.Report]:
    crm = ck.Dataset(deals=deals, currency="EUR", as_of="2026-03-15")
    return [crm.measure(name, **question) for name, question in ASKED[field]]


def check(frame: Any, field: str, expected: Any) -> None:
    """A frame has the figures of records with these values, or is refused with this text."""
    if isinstance(expected, str):
        for name, question in ASKED[field]:
            crm = ck.Dataset(deals=frame, currency="EUR", as_of="2026-03-15")
            with pytest.raises(InputError) as found:
                crm.measure(name, **question)
            assert expected in str(found.value)
            assert "damaged" not in str(found.value)
            assert isinstance(found.value, ColumnError) or "more than 18 digits" in str(found.value)
        return
    changed = {field: expected, **({"created_at": BEGUN_EXACT} if expected == EXACT else {})}
    for mine, theirs in zip(measured(records(changed), field), measured(frame, field), strict=True):
        assert_same(mine, theirs)


def decimals(type_: Any) -> Any:
    return pa.array([None if each is None else Decimal(each) for each in WHOLE], type_)


def of_pandas() -> Iterator[tuple[str, str, Callable[[], Any], Any]]:
    """For each type: its name, the field, the column, and the expected values or text."""
    amount = PLAIN["amount"]

    def series(values: Any, dtype: Any = object) -> Callable[[], Any]:
        return lambda: pd.Series(values, dtype=dtype)

    for dtype in ("Int64", "Int32", "UInt64", "Float64", "Float32", "float32", "float64", "object"):
        yield dtype, "amount", series(WHOLE, dtype), amount
    yield "sparse floats", "amount", lambda: pd.arrays.SparseArray([100.0, 20, np.nan, 7]), amount
    yield "sparse flags", "deleted", lambda: pd.arrays.SparseArray(FLAGS), FLAGS
    yield "mixed numbers", "amount", series([Decimal(100), 20, float("nan"), 7.0]), amount
    yield "numbers of numpy", "amount", series([Decimal(100), np.int64(20), pd.NA, np.float64(7)]), amount
    yield "decimals that are none", "amount", series([*map(Decimal, (100, 20, "NaN", 7))]), amount
    yield "text among numbers", "amount", series([Decimal(100), "20", None, 7]), "got '20', which is str"
    yield "categories of numbers", "amount", lambda: pd.Series(pd.Categorical(WHOLE)), amount
    yield "complex", "amount", series([1 + 0j, 2, 3, 4], complex), ANY_KIND
    yield "booleans", "amount", series([True, False, None, True], "boolean"), "amount as decimal or floating-point"
    yield (
        "timedelta",
        "amount",
        lambda: pd.Series(pd.to_timedelta(WHOLE, unit="s")),
        SECONDS,
    )
    yield (
        "intervals",
        "amount",
        lambda: pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3, 4]),
        ANY_KIND,
    )
    for unit in ("s", "ms", "us", "ns"):
        yield f"datetime64[{unit}]", "closed_at", series(WHEN, f"datetime64[{unit}]"), WHEN
    zones = (ZoneInfo("Europe/Berlin"), dateutil_zones.gettz("Europe/Berlin"), dateutil_zones.tzutc(), UTC)
    for place, zone in enumerate(zones):
        of_zone = [None if moment is None else moment.astimezone(zone) for moment in EXACT]
        column = pd.Series(pd.to_datetime(of_zone))
        yield f"zone {place}", "closed_at", partial(pd.Series, column), EXACT
        yield f"objects of zone {place}", "closed_at", series(of_zone), EXACT
    yield "moments of all kinds", "closed_at", series([WHEN[0], pd.Timestamp(WHEN[1]), pd.NaT, WHEN[3]]), WHEN
    yield "moments of numpy", "closed_at", series([np.datetime64(each or "NaT") for each in WHEN]), WHEN
    yield "dates and moments", "closed_at", series([WHEN[0].date(), *WHEN[1:]]), [DAYS[0], *WHEN[1:]]  # type: ignore[union-attr]
    yield "categories of moments", "closed_at", lambda: pd.Series(pd.Categorical(pd.Series(WHEN))), WHEN
    yield "periods", "closed_at", lambda: pd.period_range("2026-01", periods=4, freq="D"), ANY_KIND
    yield "numbers of seconds", "closed_at", series([1, 2, None, 3], "Int64"), "Convert it to timestamps"
    yield "text of days", "closed_at", series(["2026-01-05"] * 4, "string"), "Parse it"
    yield "date objects", "expected_close_on", series(DUE), DUE
    yield "boolean", "deleted", series(FLAGS, "boolean"), FLAGS
    yield "flags of numpy", "deleted", series([False, np.bool_(0), np.bool_(1), False]), FLAGS
    yield "categories of flags", "deleted", lambda: pd.Series(pd.Categorical(FLAGS)), FLAGS
    yield "0 and 1", "deleted", series([0, 0, 1, 0], "int64"), "deleted as true or false"
    for dtype in ("string[python]", "string[pyarrow]", "str", "category", "object"):
        yield dtype, "owner", series(NAMES, dtype), NAMES
        yield dtype, "status", series(PLAIN["status"], dtype), PLAIN["status"]
    yield "gaps of all kinds", "owner", series(["Ada", float("nan"), "Bo", pd.NA]), ["Ada", None, "Bo", None]
    yield "whole floats", "owner", series([1.0, np.nan, 2.0, 1.0], "float64"), ["1", None, "2", "1"]
    yield "bytes", "owner", series([b"Ada", None, b"Bo", b"Ada"]), ONE_VALUE
    yield "lists", "owner", series([["a"], None, ["b"], ["c"]]), ONE_VALUE
    yield "times", "owner", series([time(1), None, time(2), time(1)]), ANY_KIND


def of_arrow() -> Iterator[tuple[str, str, Callable[[], Any], Any]]:
    """The same of PyArrow."""
    amount = PLAIN["amount"]

    def array(values: Any, type_: Any = None) -> Callable[[], Any]:
        return lambda: pa.array(values, type_)

    def cast(values: Any, type_: Any, first: Any = None) -> Callable[[], Any]:
        return lambda: pa.array(values, first).cast(type_)

    for type_ in (pa.int8(), pa.uint64(), pa.float16(), pa.float32()):
        yield str(type_), "amount", cast(WHOLE, type_), amount
    for type_ in (pa.decimal32(9, 2), pa.decimal64(18, 0), pa.decimal128(38, 9), pa.decimal256(76, 2)):
        yield str(type_), "amount", partial(decimals, type_), amount
    yield "dictionary", "amount", lambda: decimals(pa.decimal128(9, 2)).dictionary_encode(), amount
    yield "run-end-encoded", "amount", lambda: pc.run_end_encode(pa.array(WHOLE)), amount
    yield "null", "amount", lambda: pa.nulls(4), [None] * 4
    yield "above 2**63", "amount", array([2**63 + 5, 1, None, 2], pa.uint64()), "more than 18 digits"
    yield "duration", "amount", array(WHOLE, pa.duration("s")), SECONDS
    yield "time32", "amount", array(WHOLE, pa.time32("s")), AMOUNT
    yield "interval", "amount", array([(1, 2, 3)] * 4, pa.month_day_nano_interval()), ANY_KIND
    yield "list", "amount", array([[1], [2], None, [3]]), ONE_VALUE
    yield "struct", "amount", array([{"a": 1}] * 4), ONE_VALUE
    yield "map", "amount", array([[("a", 1)]] * 4, pa.map_(pa.string(), pa.int64())), f"{ONE_VALUE}; got Map"
    yield "bool8", "amount", bool8, "amount as decimal or floating-point numbers; got Boolean"
    yield "bool8", "deleted", bool8, FLAGS
    yield "int8", "deleted", array([0, 0, 1, 0], pa.int8()), "deleted as true or false"
    for unit in ("s", "ms", "us", "ns"):
        yield unit, "closed_at", array(WHEN, pa.timestamp(unit)), WHEN
    for type_ in (pa.date32(), pa.date64()):
        yield str(type_), "closed_at", cast(DAYS, type_, pa.timestamp("us")), DAYS
    for zone in ("UTC", "+01:00", "Europe/Berlin", "Etc/GMT-1", "-00:30"):
        type_ = pa.timestamp("us", zone)
        yield zone, "closed_at", cast(EXACT, type_, pa.timestamp("us", "UTC")), EXACT
    yield "dictionary", "closed_at", lambda: pa.array(WHEN).dictionary_encode(), WHEN
    yield "time64", "closed_at", array(WHOLE, pa.time64("us")), "closed_at as timestamps; got Time"
    for type_ in (pa.large_string(), pa.string_view()):
        yield str(type_), "owner", cast(NAMES, type_), NAMES
    yield "json", "owner", lambda: pa.ExtensionArray.from_storage(pa.json_(), pa.array(NAMES)), NAMES
    numbers = ["1", None, "2", "1"]
    yield "dictionary of numbers", "owner", lambda: pa.array([1, None, 2, 1]).dictionary_encode(), numbers
    for type_ in (pa.binary(), pa.binary(1), pa.binary_view(), pa.large_binary()):
        yield str(type_), "owner", array([b"a", None, b"b", b"c"], type_), f"{ONE_VALUE}; got Binary"
    yield "timestamp", "owner", array(BEGUN), "owner as text"
    yield "floats", "owner", array([1.5, None, 2, 1]), "owner as text"


def bool8() -> Any:
    return pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 0, 1, 0], pa.int8()))


def of_polars() -> Iterator[tuple[str, str, Callable[[], Any], Any]]:
    """The same of Polars."""
    amount = PLAIN["amount"]

    def series(values: Any, dtype: Any) -> Callable[[], Any]:
        return lambda: pl.Series(values, dtype=dtype)

    def cast(values: Any, dtype: Any) -> Callable[[], Any]:
        return lambda: pl.Series(values).cast(dtype)

    for dtype in (pl.Int8, pl.UInt64, pl.Int128, pl.UInt128, pl.Float32, pl.Decimal(38, 0), pl.Decimal(38, 20)):
        yield str(dtype), "amount", cast(WHOLE, dtype), amount
    yield "above 2**63", "amount", series([2**63 + 5, 1, None, 2], pl.UInt64), "more than 18 digits"
    yield "above 2**127", "amount", series([2**127 + 5, 1, None, 2], pl.UInt128), "more than 18 digits"
    yield "null", "amount", series([None] * 4, pl.Null), [None] * 4
    yield "duration", "amount", series([timedelta(1)] * 4, pl.Duration), SECONDS
    yield "time", "amount", series([time(1)] * 4, pl.Time), AMOUNT
    yield "enum", "amount", series(["1"] * 4, pl.Enum(["1", "2"])), AMOUNT
    yield "binary", "amount", series([b"1"] * 4, pl.Binary), ONE_VALUE
    yield "list", "amount", series([[1]] * 4, pl.List(pl.Int64)), ONE_VALUE
    yield "array", "amount", series([[1]] * 4, pl.Array(pl.Int64, 1)), ONE_VALUE
    yield "struct", "amount", series([{"a": 1}] * 4, pl.Struct({"a": pl.Int64})), ONE_VALUE
    yield "object", "amount", series([object()] * 4, pl.Object), ONE_VALUE
    yield "whole chances", "probability", series([1, None, 1, 0], pl.UInt128), [1, None, 1, 0]
    for unit in ("ms", "us", "ns"):
        yield unit, "closed_at", cast(WHEN, pl.Datetime(unit)), WHEN
        for zone in ("UTC", "Europe/Berlin", "Etc/GMT+1"):
            dtype = pl.Datetime(unit, zone)
            yield f"{unit} {zone}", "closed_at", cast(EXACT, dtype), EXACT
    yield "date", "closed_at", lambda: pl.Series(WHEN).cast(pl.Date), DAYS
    yield "duration", "closed_at", series([timedelta(1)] * 4, pl.Duration), "closed_at as timestamps"
    yield "datetime", "expected_close_on", lambda: pl.Series(DUE).cast(pl.Datetime), DUE
    for dtype in (pl.Categorical, pl.Enum(["won", "lost", "open", "Ada", "Bo", "unused"])):
        yield str(dtype)[:11], "owner", series(NAMES, dtype), NAMES
        yield str(dtype)[:11], "status", series(PLAIN["status"], dtype), PLAIN["status"]
    yield "int128", "owner", series([1, None, 2, 1], pl.Int128), ["1", None, "2", "1"]
    yield "timestamp", "owner", series(BEGUN, pl.Datetime), "owner as text"
    yield "time", "owner", series([time(1)] * 4, pl.Time), "owner as text; got Time"


def of_duckdb() -> Iterator[tuple[str, str, str, Any]]:
    """The same of DuckDB, the columns as SQL over those of plain types."""
    amount = PLAIN["amount"]
    for type_ in ("TINYINT", "UBIGINT", "HUGEINT", "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL(38,10)", "DECIMAL(38,20)"):
        yield type_, "amount", f"amount::{type_}", amount
    yield "NaN", "amount", "CASE WHEN amount IS NULL THEN 'nan'::DOUBLE ELSE amount::DOUBLE END", amount
    yield (
        "large",
        "amount",
        "340282366920938463463374607431768211455::UHUGEINT",
        "18 digits",
    )
    yield "NULL", "amount", "NULL", [None] * 4
    for name, made in {
        "INTERVAL": "INTERVAL 1 DAY", "BIT": "'101'::BIT", "BOOLEAN": "true", "JSON": "'1'::JSON",
        "TIME": "TIME '10:00'", "TIMETZ": "'10:00:00+00'::TIMETZ",
        "ENUM": "'a'::ENUM('a', 'b')", "VARIANT": "1::VARIANT", "VARCHAR": "'1'",
    }.items():  # fmt: skip
        yield name, "amount", made, AMOUNT
        if name not in ("ENUM", "VARCHAR", "BOOLEAN"):
            yield name, "owner", made, "owner as text"
        yield name, "closed_at", made, "closed_at as timestamps"
    for name, made in {
        "BLOB": "'a'::BLOB", "LIST": "[1]", "STRUCT": "{'a': 1}", "MAP": "MAP{'a': 1}", "UNION": "union_value(a := 1)",
        "ARRAY": "[1, 2]::INTEGER[2]",
    }.items():  # fmt: skip
        for field in ("amount", "owner", "closed_at"):
            yield name, field, made, ONE_VALUE
    for type_ in ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"):
        yield type_, "closed_at", f"closed_at::{type_}", WHEN
    yield "DATE", "closed_at", "closed_at::DATE", DAYS
    for type_ in ("TIMESTAMPTZ", "TIMESTAMPTZ_NS"):
        yield type_, "closed_at", f"(closed_at AT TIME ZONE 'UTC')::{type_}", EXACT
    yield "ENUM", "owner", "owner::ENUM('Ada', 'Bo', 'unused')", NAMES
    yield "ENUM", "status", "status::ENUM('lost', 'open', 'won')", PLAIN["status"]
    yield "UHUGEINT", "owner", "id::UHUGEINT", PLAIN["id"]
    yield "UUID", "owner", "'00000000-0000-0000-0000-000000000005'::UUID", ["00000000-0000-0000-0000-000000000005"] * 4
    yield "TIMESTAMP", "owner", "TIMESTAMP '2026-01-01'", "owner as text"


def named(cases: Iterator[tuple[str, str, Any, Any]]) -> list[Any]:
    return [pytest.param(field, made, expected, id=f"{field} {name}") for name, field, made, expected in cases]


@pytest.mark.slow
@pytest.mark.parametrize(("field", "made", "expected"), named(of_pandas()))
def test_a_column_of_pandas(field: str, made: Callable[[], Any], expected: Any) -> None:
    columns = {**PLAIN, field: made()}
    if expected == EXACT:
        columns["created_at"] = BEGUN_EXACT
    check(pd.DataFrame(columns), field, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("field", "made", "expected"), named(of_arrow()))
@pytest.mark.parametrize("home", ["pyarrow", "pandas"])
def test_a_column_of_arrow(home: str, field: str, made: Callable[[], Any], expected: Any) -> None:
    """As PyArrow has it, and within pandas."""
    columns = {**PLAIN, field: made()}
    if expected == EXACT:
        columns["created_at"] = BEGUN_EXACT
    if home == "pyarrow":
        check(pa.table(columns), field, expected)
        return
    column = pd.Series(pd.arrays.ArrowExtensionArray(columns[field]))
    check(pd.DataFrame({**columns, field: column}), field, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("field", "made", "expected"), named(of_polars()))
def test_a_column_of_polars(field: str, made: Callable[[], Any], expected: Any) -> None:
    columns = {**PLAIN, field: made()}
    if expected == EXACT:
        columns["created_at"] = pl.Series(BEGUN_EXACT)
    check(pl.DataFrame(columns), field, expected)


@pytest.mark.slow
@pytest.mark.parametrize(("field", "made", "expected"), named(of_duckdb()))
def test_a_column_of_duckdb(field: str, made: str, expected: Any) -> None:
    connection = database()
    connection.register("plain", pa.table({name: pa.array(values) for name, values in PLAIN.items()}))
    changed = {field: made}
    if expected == EXACT:
        changed["created_at"] = "created_at AT TIME ZONE 'UTC'"
    columns = ", ".join(f"{changed.get(name, name)} AS {name}" for name in PLAIN)
    connection.execute(f"CREATE TABLE deals AS SELECT {columns} FROM plain")  # noqa: S608  # our own
    check(connection.table("deals"), field, expected)


@pytest.mark.parametrize("shape", ["generated", "view", "query", "temporary"])
def test_columns_of_duckdb_that_are_computed(shape: str) -> None:
    connection = database()
    connection.register("plain", pa.table({name: pa.array(values) for name, values in PLAIN.items()}))
    others = ", ".join(name for name in PLAIN if name != "amount")
    connection.execute(
        "CREATE TABLE deals(id VARCHAR, status VARCHAR, closed_at TIMESTAMP, created_at TIMESTAMP, deleted BOOLEAN, "
        "owner VARCHAR, probability DOUBLE, expected_close_on DATE, price DECIMAL(18, 2), "
        "amount DECIMAL(18, 2) GENERATED ALWAYS AS (price))"
    )
    connection.execute(f"INSERT INTO deals SELECT {others}, amount FROM plain")  # noqa: S608  # our own
    connection.execute("CREATE VIEW seen AS SELECT * EXCLUDE price FROM deals")
    connection.execute("CREATE TEMP VIEW seen_briefly AS FROM seen")
    frames = {
        "generated": lambda: connection.table("deals"),
        "view": lambda: connection.table("seen"),
        "query": lambda: connection.sql("FROM seen"),
        "temporary": lambda: connection.table("seen_briefly"),
    }
    check(frames[shape](), "amount", PLAIN["amount"])


def test_a_span_of_time_becomes_a_handle_time_in_seconds() -> None:
    frame = pl.DataFrame({"id": ["1"], "status": ["solved"], "handled_seconds": [timedelta(seconds=90)]})
    with pytest.raises(ColumnError, match=r"got Duration.* and a duration to seconds"):
        ck.handle_time(frame)
    told = frame.with_columns(pl.col("handled_seconds").dt.total_seconds())
    assert ck.handle_time(told).value == timedelta(seconds=90)


def test_what_numpy_and_arrow_call_flags_and_moments_are_those() -> None:
    odd = pd.DataFrame(
        {
            "id": ["1", "2"],
            "status": ["won", "lost"],
            "deleted": pd.Series([np.bool_(0), False], dtype=object),
            "closed_at": pd.Series([np.datetime64("2026-01-05"), np.datetime64("2026-02-05")], dtype=object),
        }
    )
    assert ck.win_rate(odd, period="2026-01").value == 1
    flags = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([0, 1], pa.int8()))
    table = pa.table({"id": ["1", "2"], "status": ["won", "lost"], "deleted": flags})
    assert ck.win_rate(table).left_out == {"deleted": 1}
