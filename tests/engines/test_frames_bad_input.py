"""Input that cannot be measured correctly is an error that names the thing and the way out."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from crmkpi import Calendar, Customer, Dataset, Deal, Segment, lead_volume, revenue, sales_cycle_length, win_rate
from crmkpi.errors import ColumnError, InputError, MissingTableError, TimeZoneError, UnknownNameError
from crmkpi.sources.frames.tables import table

from .backends import frame_of, frames_of

duckdb = pytest.importorskip("duckdb", reason="DuckDB is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

DEALS = {
    "id": ["1", "2", "3"],
    "status": ["won", "lost", "won"],
    "closed_at": [datetime(2026, 1, 5), datetime(2026, 1, 6), None],
    "amount": [10.25, 20.0, 5.1],
}


def test_a_frame_without_any_of_the_columns_is_refused() -> None:
    with pytest.raises(ColumnError, match="none of the columns of Deal; it has a, b"):
        Dataset(deals=pl.DataFrame({"a": [1], "b": [2]}))


def test_a_frame_that_lacks_a_required_column_is_refused_with_the_nearest() -> None:
    with pytest.raises(ColumnError, match=r"needs the column 'status', which the frame lacks. Did you mean 'Status'"):
        Dataset(deals=pl.DataFrame({"id": ["1"], "Status": ["won"]}))


def test_a_column_that_may_be_meant_is_not_taken_for_missing() -> None:
    crm = Dataset(deals=pl.DataFrame({"id": ["1"], "status": ["won"], "Closed At": [datetime(2026, 1, 1)]}))
    with pytest.raises(ColumnError, match="has 'closed_at' and the frame has 'Closed At', which may be the same"):
        crm.measure(win_rate, period="2026")


def test_an_unknown_column_in_the_mapping_is_refused_with_the_nearest() -> None:
    with pytest.raises(ColumnError, match=r"no column 'Stauts' for status. Did you mean 'status'"):
        table(pl.DataFrame(DEALS), record=Deal, columns={"status": "Stauts"})


def test_an_unknown_field_in_the_mapping_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no field 'ammount'. Did you mean 'amount'"):
        table(pl.DataFrame(DEALS), record=Deal, columns={"ammount": "amount"})


@pytest.mark.parametrize(
    "frame, hint",
    [
        (pl.DataFrame, "str.to_datetime"),
        (pd.DataFrame, "pandas.to_datetime"),
        (pa.table, "pyarrow.compute.strptime"),
        (lambda data: duckdb.connect().from_arrow(pa.table(data)), "strptime"),
    ],
    ids=["polars", "pandas", "pyarrow", "duckdb"],
)
def test_a_text_column_of_timestamps_says_how_to_parse_it(frame, hint) -> None:
    data = {**DEALS, "closed_at": ["2026-01-05", "2026-01-06", None]}
    with pytest.raises(ColumnError, match=rf"'closed_at' must hold closed_at as timestamps; got .*Parse it: .*{hint}"):
        win_rate(frame(data), period="2026")


def test_text_amounts_are_refused() -> None:
    with pytest.raises(ColumnError, match="'amount' must hold amount as decimal or floating-point numbers; got String"):
        revenue(pl.DataFrame({**DEALS, "amount": ["1", "2", "3"]}))


def test_an_object_column_of_mixed_types_is_refused() -> None:
    frame = pd.DataFrame({**DEALS, "amount": [Decimal("1.5"), "2", 3.0]})
    with pytest.raises(ColumnError, match="'amount' must hold numbers; got '2', which is str"):
        revenue(frame)


def test_floats_that_are_no_decimals_are_refused_and_not_rounded() -> None:
    with pytest.raises(InputError, match=r"deals.amount cannot be measured on polars: its floats have more digits"):
        revenue(pl.DataFrame({**DEALS, "amount": [1 / 3, 2.0, 3.0]}))


def test_an_amount_of_more_than_eighteen_digits_is_refused() -> None:
    amounts = pl.Series([Decimal("12345678901234567890.12"), Decimal(1), Decimal(2)])
    with pytest.raises(
        InputError, match=r"deals.amount cannot be measured on polars: it holds a number of more than 18"
    ):
        revenue(pl.DataFrame({**DEALS, "amount": amounts}))


def test_a_closed_connection_is_said() -> None:
    connection = duckdb.connect()
    relation = connection.from_arrow(pa.table(DEALS))
    connection.close()
    with pytest.raises(InputError, match=r"duckdb table for deals cannot be read; its connection is closed: "):
        Dataset(deals=relation)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_file_of_a_lazy_frame_that_has_gone_is_said(tmp_path, ending) -> None:
    path = tmp_path / f"deals.{ending}"
    frame = pl.DataFrame({"id": ["1"], "status": ["won"]})
    getattr(frame, f"write_{ending}")(path)
    lazy = getattr(pl, f"scan_{ending}")(path)
    crm = Dataset(deals=lazy)
    path.unlink()
    with pytest.raises(InputError, match=r"polars table for deals cannot be read; .*gone or damaged: No such"):
        crm.measure(win_rate)
    fresh = getattr(pl, f"scan_{ending}")(path)
    for door in (lambda: Dataset(deals=fresh), lambda: table(fresh, preset="salesforce_opportunity")):
        with pytest.raises(InputError, match="polars table for deals cannot be read"):
            door()


def test_arrow_types_that_arrow_cannot_compare_or_add_are_measured_as_usual_ones() -> None:
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2, 3], pa.int32()), pa.array(["won", "lost"]))
    odd = {
        "id": pa.array(["1", "2", "3"], pa.string_view()),
        "status": runs,
        "closed_at": pa.array([datetime(2026, 1, 5), datetime(2026, 2, 5), None], pa.date64()),
        "amount": pa.array([1.5, 2.25, None], pa.float32()).cast(pa.float16()),
        "owner": pa.array(["Ada", None, "Bo"], pa.string_view()),
    }
    crm = Dataset(deals=pa.table(odd), currency="EUR")
    (result,) = crm.measure(revenue, period="2026")
    assert result.value == Decimal("3.75")
    found = {result.segment["owner"]: result.value for result in crm.measure(win_rate, by="owner")}
    assert found == {"Ada": 1.0, None: 1.0, "Bo": 0.0}


@pytest.mark.parametrize("kind", ["decimal32", "decimal64", "decimal256"])
def test_arrow_decimals_of_any_width_are_measured(kind) -> None:
    amounts = pa.array([Decimal("1.50"), Decimal("-0.25")], getattr(pa, kind)(7, 2))
    deals = pa.table({"id": ["1", "2"], "status": ["won", "won"], "amount": amounts})
    assert revenue(deals, currency="EUR").value == Decimal("1.25")


def test_duplicate_column_names_are_refused() -> None:
    frame = pd.DataFrame([["1", "won", "lost"]], columns=["id", "status", "status"])
    with pytest.raises(ColumnError, match="has two columns 'status'; rename one"):
        Dataset(deals=frame)


def test_a_misspelt_attribute_is_refused_with_the_nearest_column(backend: str) -> None:
    region = pa.table({**DEALS, "region": ["north", "south", None]})
    crm = Dataset(deals=frame_of(backend, region))
    assert len(crm.measure(win_rate, by="attributes.region")) == 3
    with pytest.raises(UnknownNameError, match=r"attribute 'regoin', which no record has\. Did you mean 'region'"):
        crm.measure(win_rate, by="attributes.regoin")


def test_an_attribute_that_only_another_frame_has_is_no_mistake(backend: str) -> None:
    region = pa.table({**DEALS, "region": ["north", "south", None]})
    leads = pa.table({"id": ["1", "2"]})
    crm = Dataset(deals=frame_of(backend, region), leads=frame_of(backend, leads))
    report = crm.measure([win_rate, lead_volume], by="attributes.region")
    assert {(one.metric.id, one.segment["attributes.region"]): one.accounts[0].given for one in report} == {
        ("win_rate", "north"): 1,
        ("win_rate", "south"): 1,
        ("win_rate", None): 1,
        ("lead_volume", "north"): 0,
        ("lead_volume", "south"): 0,
        ("lead_volume", None): 2,
    }


def test_a_function_cannot_be_a_segment_of_a_frame() -> None:
    crm = Dataset(deals=pl.DataFrame(DEALS))
    with pytest.raises(InputError, match="'size' is a Python function, which a polars frame cannot run"):
        crm.measure(win_rate, by={"size": lambda deal: deal.amount})


def test_related_tables_of_different_homes_are_not_joined() -> None:
    customers = duckdb.connect().sql("SELECT 'C1' AS id, 'retail' AS industry")
    crm = Dataset(deals=pl.DataFrame({**DEALS, "customer_id": ["C1", None, "C2"]}), customers=customers)
    with pytest.raises(InputError, match="so customers must be a polars frame as well; got a duckdb frame"):
        crm.measure(win_rate, by="customer.industry")


def test_all_frames_in_memory_are_joined_with_one_another() -> None:
    deals, customers = {**DEALS, "customer_id": ["C1", None, "C2"]}, {"id": ["C1"], "industry": ["retail"]}
    for one in (pl.DataFrame, pd.DataFrame, pa.table):
        for other in (pl.DataFrame, pd.DataFrame, pa.table):
            report = Dataset(deals=one(deals), customers=other(customers)).measure(win_rate, by="customer.industry")
            assert [(found.segment["customer.industry"], found.value) for found in report] == [
                ("retail", 1.0),
                (None, 0.5),
            ]


def test_a_related_table_of_records_is_not_joined_to_a_frame() -> None:
    crm = Dataset(deals=pl.DataFrame({**DEALS, "customer_id": ["C1", None, "C2"]}), customers=[Customer(id="C1")])
    with pytest.raises(InputError, match="customers must be a polars frame as well; got records"):
        crm.measure(win_rate, by="customer.industry")


def test_a_related_table_that_is_not_there_is_named() -> None:
    crm = Dataset(deals=pl.DataFrame({**DEALS, "customer_id": ["C1", None, "C2"]}))
    with pytest.raises(MissingTableError, match="needs the table 'customers'"):
        crm.measure(win_rate, by="customer.industry")


def test_an_ambiguous_reference_is_refused_before_it_multiplies_rows() -> None:
    crm = Dataset(
        deals=pl.DataFrame({**DEALS, "customer_id": ["C1", None, "C2"]}),
        customers=pl.DataFrame({"id": ["C1", "C1"], "industry": ["retail", "health"]}),
    )
    with pytest.raises(InputError, match="Two records of customers have the id 'C1'"):
        crm.measure(win_rate, by="customer.industry")


def test_timestamps_with_and_without_a_zone_are_not_compared() -> None:
    aware = [datetime(2026, 1, 1, tzinfo=UTC)] * 3
    with pytest.raises(TimeZoneError, match="must both have a time zone, or neither; give tz="):
        sales_cycle_length(pl.DataFrame({**DEALS, "created_at": aware}))


def test_unknown_statuses_are_counted_and_not_measured(backend) -> None:
    frame = frame_of(backend, pa.table({**DEALS, "status": ["won", "Pending legal", None]}))
    result = win_rate(frame)
    assert (result.inputs["won"], result.accounts[0].rejected, result.accounts[0].given) == (1, 0, 3)
    assert result.left_out == {"status unreadable": 2}
    assert result.unreadable == {"status": {"'Pending legal'": 1, "": 1}}


def test_nan_is_no_number_where_a_library_has_a_null_beside_it() -> None:
    result = revenue(pl.DataFrame({**DEALS, "status": ["won"] * 3, "amount": [10.25, float("nan"), None]}))
    assert (result.value, result.accounts[0].rejected, result.left_out) == (Decimal("10.25"), 0, {"no amount": 2})


def test_nan_is_a_missing_value_in_numpy_columns_of_pandas() -> None:
    result = revenue(pd.DataFrame({**DEALS, "amount": [10.25, 3.0, float("nan")]}))
    assert (result.value, result.accounts[0].rejected, result.left_out) == (Decimal("10.25"), 0, {"no amount": 1})


def test_an_attribute_that_is_no_number_is_in_the_group_of_those_without_one(backend: str) -> None:
    arrow = pa.table({"id": ["1", "2", "3"], "status": ["won", "lost", "won"], "score": [1.5, float("nan"), None]})
    report = Dataset(deals=frame_of(backend, arrow)).measure(win_rate, by="attributes.score")
    assert [(result.segment["attributes.score"], result.inputs) for result in report] == [
        (1.5, {"won": 1, "closed": 1}),
        (None, {"won": 1, "closed": 2}),
    ]


def test_lists_are_no_segments() -> None:
    frame = pd.DataFrame({**DEALS, "tags": [["a"], ["b"], None]})
    with pytest.raises(ColumnError, match=r"The column 'tags' must hold one plain value .*; got \['a'\]"):
        Dataset(deals=frame).measure(win_rate, by="attributes.tags")


def test_unused_levels_of_a_categorical_are_no_segments() -> None:
    owners = pd.Categorical(["Ada", "Bo", None], categories=["Ada", "Bo", "Eve"])
    report = Dataset(deals=pd.DataFrame({**DEALS, "owner": owners})).measure(win_rate, by="owner")
    assert [result.segment["owner"] for result in report] == ["Ada", "Bo", None]


def test_a_frame_of_no_rows_gives_the_same_as_no_records(backend) -> None:
    crm = Dataset(**frames_of(backend, {"deals": []}))
    assert win_rate(crm).reason == win_rate([]).reason
    assert revenue(crm).value == 0


def test_columns_that_are_no_fields_are_attributes_and_shadow_nothing(backend) -> None:
    frame = frame_of(
        backend, pa.table({**DEALS, "n": [1, 2, 3], "part": ["a", "b", "a"], "f_status": ["x"] * 3, "w0_": [0] * 3})
    )
    report = Dataset(deals=frame).measure(win_rate, by="attributes.part")
    assert {result.segment["attributes.part"]: result.value for result in report} == {"a": 1.0, "b": 0.0}


def test_a_column_of_another_name_and_other_words_is_mapped(backend) -> None:
    frame = frame_of(
        backend, pa.table({"Opp Id": ["1", "2"], 'Stage "x"': ["Closed Won", "Lost"], "group": ["a", "b"]})
    )
    deals = table(
        frame,
        record=Deal,
        columns={"id": "Opp Id", "status": 'Stage "x"', "owner": "group"},
        values={"status": {"Closed Won": "won", "Lost": "lost"}},
    )
    assert [result.value for result in Dataset(deals=deals).measure(win_rate, by="owner")] == [1.0, 0.0]


def test_wall_clock_times_become_instants_of_a_zone(backend) -> None:
    walls = [datetime(2026, 3, 29, 1, 30), datetime(2026, 10, 25, 2, 30), datetime(2026, 1, 1)]
    ends = [datetime(2026, 3, 29, 3, 30), datetime(2026, 10, 25, 3, 30), datetime(2026, 1, 1)]
    frame = frame_of(backend, pa.table({**DEALS, "status": ["won"] * 3, "created_at": walls, "closed_at": ends}))
    crm = Dataset(deals=table(frame, record=Deal, tz="Europe/Berlin"), calendar=Calendar(tz="Europe/Berlin"))
    result = crm.measure(sales_cycle_length, by="closed_at")
    assert [found.value for found in result] == [timedelta(0), timedelta(hours=1), timedelta(hours=2)]


def test_bins_of_money_in_floats_are_the_bins_of_decimals() -> None:
    crm = Dataset(deals=pl.DataFrame({**DEALS, "amount": [0.1, 0.2, 0.3]}))
    report = crm.measure(revenue, by=Segment("size", "amount", bins=(0.1, 0.3)))
    assert {result.segment["size"]: result.value for result in report} == {
        "0.1 to < 0.3": Decimal("0.1"),
        ">= 0.3": Decimal("0.3"),
    }


def test_extreme_dates_are_in_no_period_and_break_nothing(backend) -> None:
    dates = [datetime(1, 1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999), datetime(2026, 1, 5)]
    arrow = pa.table({**DEALS, "status": ["won"] * 3, "closed_at": pa.array(dates, pa.timestamp("us"))})
    frame = frame_of(backend, arrow)
    records = [Deal(id=str(n), status="won", closed_at=day, amount=10) for n, day in enumerate(dates)]
    assert win_rate(frame, period="2026").inputs == win_rate(records, period="2026").inputs
    assert win_rate(frame).inputs == win_rate(records).inputs


def test_as_of_is_a_day_to_its_end() -> None:
    crm = Dataset(deals=pl.DataFrame(DEALS), as_of=date(2026, 1, 5))
    assert crm.measure(win_rate, period="2026-01")[0].complete is False
