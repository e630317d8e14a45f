"""Faults of narwhals and of the libraries below it, each with what it makes us do.

A test fails once its fault is mended.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

nw = pytest.importorskip("narwhals.stable.v2", reason="narwhals is not installed")
pd = pytest.importorskip("pandas", reason="pandas is not installed")
pl = pytest.importorskip("polars", reason="Polars is not installed")
pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

DATA = {"g": ["a", "a", "b"], "x": [1, 2, 3], "c": [True, False, True]}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("frame", [pd.DataFrame(DATA), pa.table(DATA)], ids=["pandas", "pyarrow"])
def test_a_condition_inside_agg_is_dropped_so_there_is_none(frame) -> None:
    asked = nw.when(nw.col("c")).then(nw.col("x")).otherwise(0).sum()
    found = nw.from_native(frame).group_by("g").agg(asked.alias("sum")).sort("g")
    assert found["sum"].to_list() == [3, 3], "mended: projecting before aggregating is only a matter of speed now"


def test_different_values_count_null_as_one_so_it_is_taken_off() -> None:
    frame = nw.from_native(pl.DataFrame({"x": [1, None]}))
    assert frame.select(nw.col("x").n_unique()).item() == 2


def test_a_negated_comparison_with_null_is_true_in_numpy_columns_so_presence_is_asked() -> None:
    frame = nw.from_native(pd.DataFrame({"x": [1.0, None]}))
    assert frame.select((~(nw.col("x") > 5)).alias("y"))["y"].to_list() == [True, True]


def test_polars_divides_by_a_constant_as_a_product_so_a_column_divides() -> None:
    values = pl.Series("x", [number / 100 for number in range(10_000)])
    frame = pl.DataFrame({"x": values, "n": range(10_000)})
    assert frame.select((pl.col("n") / 100.0 != pl.col("x")).sum()).item() > 0


def test_pandas_has_no_128_bits_so_sums_run_in_limbs() -> None:
    with pytest.raises(AssertionError, match="Unknown dtype"):
        nw.from_native(pd.DataFrame({"x": [1]})).select(nw.col("x").cast(nw.Int128))


def test_pandas_timestamps_with_gaps_become_floats_so_the_door_makes_nullable_integers() -> None:
    frame = nw.from_native(pd.DataFrame({"t": [datetime(2026, 1, 1), None]}))
    assert frame.select(nw.col("t").dt.timestamp("us")).schema["t"].is_float()


def test_decimals_are_objects_in_numpy_columns_so_the_door_makes_integers() -> None:
    assert nw.from_native(pd.DataFrame({"m": [Decimal("1.10")]})).schema["m"] == nw.Object


def test_zones_with_an_underscore_are_unknown_so_the_door_reads_the_type_itself() -> None:
    moments = pd.Series([datetime(2026, 1, 1)]).dt.tz_localize("America/New_York")
    assert nw.from_native(pd.DataFrame({"t": moments})).schema["t"] == nw.Unknown
