"""Allowed contents of a column: missing values and one kind of plain value; nothing is guessed."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from crmkpi import Dataset, Deal, Order, revenue, win_rate
from crmkpi.engines.frames import backends
from crmkpi.errors import ColumnError, InputError, MissingExtraError, MissingTableError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.account import LoadAccount
from crmkpi.sources.loaded import Records

from .backends import arrow_of, assert_same, frame_of, frames_of, homed
from .test_frames import DATELESS, METRICS, OPTIONS, compare

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

DEALS: dict[str, Any] = {
    "id": ["1", "2", "3"],
    "status": ["won", "lost", "won"],
    "closed_at": [datetime(2026, 1, 5), datetime(2026, 1, 6), None],
    "amount": [10.25, 20.0, 5.1],
}
YEAR = {"period": "2026"}
DATED = [metric for metric in METRICS.values() if metric.id not in DATELESS]  # the days for which dated rates exist


def skip_if_nothing_has_a_type(backend) -> None:
    if backend == "duckdb" and duckdb.__version__.startswith("1."):
        pytest.skip("before 2.0 DuckDB takes a column of nothing for whole numbers, which are refused in words")


def objects(*values):
    return pd.Series(values, dtype=object)


@pytest.mark.parametrize(
    "field, values, message",
    [
        (
            "closed_at",
            (datetime(2026, 1, 5), "2026-01-06", None),
            "must hold timestamps; got '2026-01-06', which is str",
        ),
        ("closed_at", (1, 2, None), "must hold timestamps; got 1, which is int"),
        (
            "closed_at",
            (datetime(2026, 1, 5), datetime(2026, 1, 6, tzinfo=UTC), None),
            "holds timestamps with a time zone and without",
        ),
        ("deleted", (False, "yes", None), "must hold true or false; got 'yes', which is str"),
        ("amount", (True, Decimal(1), 2.0), "must hold numbers; got True, which is bool"),
        ("amount", (Decimal(1), "2", None), "must hold numbers; got '2', which is str"),
    ],
    ids=["text among timestamps", "numbers", "with and without zone", "text among flags", "flags", "text"],
)
def test_an_object_column_of_mixed_types_is_refused_and_not_converted(field, values, message) -> None:
    frame = pd.DataFrame({**DEALS, field: objects(*values)})
    with pytest.raises(ColumnError, match=f"'{field}' {message}"):
        Dataset(deals=frame).measure([win_rate, revenue], **YEAR)


def test_an_object_column_of_timestamps_of_several_zones_holds_instants() -> None:
    tokyo, york = timezone(timedelta(hours=9)), timezone(timedelta(hours=-5))
    moments = (
        datetime(2026, 1, 1, 8, tzinfo=tokyo),  # still 2025 in UTC
        datetime(2025, 12, 31, 20, tzinfo=york),  # already 2026
        datetime(9999, 12, 31, 12, tzinfo=UTC),
    )
    records = [
        Deal(id=str(number), status="won", closed_at=moment, amount=Decimal("1.50"))
        for number, moment in enumerate(moments)
    ]
    frame = pd.DataFrame({**DEALS, "status": ["won"] * 3, "amount": [1.5] * 3, "closed_at": objects(*moments)})
    assert_same([revenue(records, **YEAR)], [revenue(frame, **YEAR)])
    assert revenue(frame, **YEAR).value == Decimal("1.50")


def test_an_object_column_of_dates_holds_the_first_moment_of_each() -> None:
    frame = pd.DataFrame({**DEALS, "closed_at": objects(date(2026, 1, 5), date(1, 1, 1), None)})
    assert win_rate(frame, **YEAR).inputs == {"won": 1, "closed": 1}


def test_missing_text_is_no_segment_of_that_name() -> None:
    frame = pd.DataFrame({**DEALS, "owner": objects("Ada", None, 7)})
    segments = [result.segment["owner"] for result in Dataset(deals=frame).measure(win_rate, by="owner")]
    assert segments == ["7", "Ada", None]


def file_of(records: list[Any], columns: Iterable[str]) -> Records[Any]:
    """The records as read from a file with only these columns."""
    kind = record_type(type(records[0]))
    unfilled = tuple(name for name in kind.may_be_absent if name not in {*columns})
    account = LoadAccount(
        source="a file", record=kind.model.__name__, rows=len(records), used=len(records), unfilled=unfilled
    )
    return Records(tuple(records), kind.model, account=account)


def test_a_frame_without_a_column_that_a_metric_reads_gives_what_such_a_file_gives(backend) -> None:
    frame = frame_of(backend, pa.table({name: DEALS[name] for name in ("id", "status")}))
    deals = [Deal(id=name, status=status) for name, status in zip(DEALS["id"], DEALS["status"], strict=True)]
    records = file_of(deals, ["id", "status"])
    for metric in (win_rate, revenue, METRICS["sales_cycle_length"], METRICS["pipeline_value"]):
        assert_same([metric(records, **YEAR)], [metric(frame, **YEAR)])


@pytest.mark.in_turns
def test_a_question_that_is_asked_again_after_others_has_the_same_answer(backend) -> None:
    deals = [Deal(id=str(n), status="won", amount=n, closed_at="2026-01-05") for n in (1, 2)]
    orders = [Order(id="1", amount=100, ordered_at="2026-01-05")]
    crm = Dataset(**frames_of(backend, {"deals": deals, "orders": orders}))
    asked = ["revenue", "average_order_value", "revenue", "won_deals", "average_order_value", "revenue"]
    found = [crm.measure(name, period="2026-01")[0].value for name in asked]
    assert found == [3, 100, 3, 2, 100, 3]
    assert crm.measure("revenue", period="2020")[0].value == 0
    assert crm.measure("revenue", period="2026-01")[0].value == 3


@pytest.mark.in_turns
def test_a_frame_of_nothing_but_required_columns_serves_every_definition(backend) -> None:
    """A field without a column is unknown, as for a file that lacks the column."""
    rows, arrows = {}, {}
    for name, model in RECORDS.items():
        required = [field for field in record_type(model).fields.values() if field.required]
        names = [field.name for field in required]
        one = [model(**{field.name: (*field.choices, "1")[0] for field in required})]
        rows[name] = file_of(one, names)
        arrows[name] = arrow_of(one, record_type(model)).select(names)
    compare(Dataset(**rows, **OPTIONS), Dataset(**homed(backend, arrows), **OPTIONS), DATED, {})


@pytest.mark.in_turns
@pytest.mark.parametrize("rows", [0, 3])
def test_columns_of_nothing_have_no_type_and_no_values(backend, rows) -> None:
    skip_if_nothing_has_a_type(backend)
    text = (
        {name: DEALS[name][:rows] for name in ("id", "status")} if rows else {"id": pa.nulls(0), "status": pa.nulls(0)}
    )
    nothing = {
        name: pa.nulls(rows) for name in ("amount", "closed_at", "created_at", "owner", "probability", "lost_reason")
    }
    frame = frame_of(backend, pa.table({**text, **nothing}))
    records = [Deal(id=name, status=status) for name, status in zip(*map(DEALS.get, ("id", "status")), strict=True)]
    crm, expected = Dataset(deals=frame), Dataset(deals=records[:rows])
    names = ["win_rate", "revenue", "sales_cycle_length.median", "weighted_pipeline"]
    assert_same(expected.measure(names, **YEAR, by="owner"), crm.measure(names, **YEAR, by="owner"))


@pytest.mark.in_turns
def test_a_flag_that_is_missing_is_what_readers_of_records_take_it_for(backend) -> None:
    skip_if_nothing_has_a_type(backend)
    known = win_rate(frame_of(backend, pa.table(DEALS)))
    for flags in (pa.nulls(3), pa.array([None, False, None])):
        result = win_rate(frame_of(backend, pa.table({**DEALS, "deleted": flags})))
        assert (result.value, result.accounts) == (known.value, known.accounts)


@pytest.mark.parametrize(
    "values, name",
    [([["x"], ["y"], None], "List"), ([{"x": 1}, {"x": 2}, None], "Struct"), ([b"x", b"y", None], "Binary")],
    ids=["lists", "structs", "bytes"],
)
def test_what_is_no_plain_value_is_no_text(backend, values, name) -> None:
    crm = Dataset(deals=frame_of(backend, pa.table({**DEALS, "owner": values})))
    got = "" if backend == "pandas" else name  # object columns have no type for these
    with pytest.raises(ColumnError, match=f"'owner' must hold one plain value in each row; got {got}"):
        crm.measure(win_rate, by="owner")


def test_a_column_named_like_a_related_field_does_not_shadow_it(backend) -> None:
    own = pa.table(
        {**DEALS, "customer_id": ["C1", "C2", None], "customer.industry": ["wrong"] * 3, "customer": ["x"] * 3}
    )
    frames = homed(backend, {"deals": own, "customers": pa.table({"id": ["C1"], "industry": ["retail"]})})
    deals = frames["deals"]
    report = Dataset(**frames).measure(win_rate, by="customer.industry")
    assert [result.segment["customer.industry"] for result in report] == ["retail", None]
    with pytest.raises(MissingTableError, match="needs the table 'customers'"):
        Dataset(deals=deals).measure(win_rate, by="customer.industry")


@pytest.mark.in_turns
@pytest.mark.parametrize("field", ["status", "owner"])
def test_levels_that_no_row_has_are_no_segments(backend, field) -> None:
    levels = pa.DictionaryArray.from_arrays(pa.array([0, 1, None], pa.int8()), ["won", "lost", "open", "unused"])
    report = Dataset(deals=frame_of(backend, pa.table({**DEALS, field: levels}))).measure(win_rate, by=field)
    kept = {"status": ["lost", "won"], "owner": ["lost", "won", None]}
    assert [result.segment[field] for result in report] == kept[field]


def test_nan_is_no_value_as_it_is_none_to_readers_of_records(backend) -> None:
    frame = frame_of(backend, pa.table({**DEALS, "status": ["won"] * 3, "amount": [10.25, float("nan"), None]}))
    result = revenue(frame)
    assert (result.value, result.accounts[0].rejected) == (Decimal("10.25"), 0)
    assert result.left_out == {"no amount": 2}


@pytest.mark.in_turns
def test_infinite_amounts_cannot_be_read(backend) -> None:
    frame = frame_of(backend, pa.table({**DEALS, "status": ["won"] * 3, "amount": [10.25, float("inf"), 5.1]}))
    assert (revenue(frame).value, revenue(frame).unreadable) == (None, {"amount": {"inf": 1}})
    result = revenue(frame, most_unreadable=0.5)
    assert (result.value, result.accounts[0].rejected) == (Decimal("15.35"), 0)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_of_any_precision_are_the_same_instants(backend, unit) -> None:
    moments = pa.array(DEALS["closed_at"], pa.timestamp(unit))
    frame = frame_of(backend, pa.table({**DEALS, "closed_at": moments}))
    assert win_rate(frame, period="2026-01-05..2026-01-05").inputs == {"won": 1, "closed": 1}


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_the_zone_of_a_column_changes_no_instant(backend, zone) -> None:
    moments = pa.array([datetime(2025, 12, 31, 23, 59, 59), datetime(2026, 1, 1), None]).cast(pa.timestamp("us"))
    zoned = moments.cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us", zone))
    frame = frame_of(backend, pa.table({**DEALS, "closed_at": zoned}))
    assert win_rate(frame, **YEAR).inputs == {"won": 0, "closed": 1}


@pytest.mark.parametrize("kinds", [pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_text_of_any_layout_is_text(backend, kinds) -> None:
    frame = frame_of(backend, pa.table({**DEALS, "status": pa.array(DEALS["status"]).cast(kinds)}))
    assert win_rate(frame).inputs == {"won": 2, "closed": 3}


@pytest.mark.slow
@pytest.mark.in_turns
def test_no_rows_give_what_no_records_give_for_every_definition(backend) -> None:
    nothing = dict.fromkeys(RECORDS, ())
    compare(Dataset(**nothing, **OPTIONS), Dataset(**frames_of(backend, nothing), **OPTIONS), DATED, {})


def test_two_columns_of_one_name_are_refused() -> None:
    arrow = pa.Table.from_arrays(
        [pa.array(["1"]), pa.array(["won"]), pa.array(["lost"])], names=["id", "status", "status"]
    )
    connection = duckdb.connect()
    for frame in (arrow, connection.sql("SELECT '1' AS id, 'won' AS status, 'lost' AS status")):
        with pytest.raises(ColumnError, match="frame for deals has two columns 'status'; rename one"):
            Dataset(deals=frame)


def test_a_connection_that_is_closed_later_is_said() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
    crm = Dataset(deals=connection.table("deals"))
    connection.close()
    with pytest.raises(InputError, match=r"duckdb table for deals cannot be read; its connection is closed: .*already"):
        crm.measure(win_rate)


def test_a_table_that_has_gone_is_said() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE deals AS SELECT '1' AS id, 'won' AS status")
    crm = Dataset(deals=connection.table("deals"))
    connection.execute("DROP TABLE deals")
    with pytest.raises(
        InputError, match="cannot be read; its data may have changed, or be gone or damaged: Catalog Error"
    ):
        crm.measure(win_rate)


@pytest.mark.parametrize(
    "module, version, message",
    [
        ("polars", "1.5.0", r"polars 1.32 or newer; got 1.5.0. Run pip install --upgrade 'crmkpi\[polars\]'"),
    ],
)
def test_a_library_that_is_too_old_is_refused(monkeypatch, module, version, message) -> None:
    monkeypatch.setattr(sys.modules[module], "__version__", version)
    with pytest.raises(InputError, match=message):
        win_rate(pl.DataFrame(DEALS))


def test_the_oldest_versions_are_those_that_the_package_asks_for() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    for backend in (known for known in backends.BACKENDS.values() if known.extra):
        asked_for = dict(entry.split(">=") for entry in extras[backend.extra])
        for name, oldest in ((backend.module or backend.name, backend.oldest), *backend.needs):
            assert asked_for[name] == oldest


@pytest.mark.parametrize("backend_name", [name for name, known in backends.BACKENDS.items() if known.extra])
def test_a_missing_extra_says_what_to_install(monkeypatch, backend_name) -> None:
    backend = backends.BACKENDS[backend_name]
    for needed in [backend.module or backend.name, *(name for name, _ in backend.needs)]:
        with monkeypatch.context() as without:
            without.setitem(sys.modules, needed, None)
            expected = rf"needs {needed}; .*pip install 'crmkpi\[{backend.extra}\]'"
            with pytest.raises(MissingExtraError, match=expected):
                backends.check_versions(backend)


@pytest.mark.skipif(find_spec("dask") is None, reason="Dask is not installed")
def test_a_dask_frame_is_refused_in_words() -> None:
    dd = import_module("dask.dataframe")

    with pytest.raises(InputError, match="dask frame is not measured: it drops conditions inside aggregations"):
        win_rate(dd.from_pandas(pd.DataFrame(DEALS), npartitions=2))


@pytest.mark.skipif(find_spec("ibis") is None, reason="Ibis is not installed")
def test_an_ibis_table_is_refused_in_words() -> None:
    ibis = import_module("ibis")

    with pytest.raises(InputError, match="ibis frame is not measured: it shifts aware timestamps to UTC"):
        win_rate(ibis.memtable(pd.DataFrame(DEALS)))
