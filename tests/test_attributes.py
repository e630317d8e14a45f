"""Custom attributes in measures: existing names, matching kinds; and equal copies of values."""

from __future__ import annotations

import copy
import dataclasses
import io
import pickle
from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import polars as pl
import pytest

import crmkpi as ck
from crmkpi.errors import InputError, UnknownNameError

deals = ck.Table(ck.Deal)
ROWS = {"id": ["1", "2"], "status": ["won", "lost"], "Seats": ["3", "4"], "Users": [3.0, 4.0], "Vip": [True, False]}
RECORDS = [
    ck.Deal(id=one, status=status, attributes={"Seats": seats, "Users": users, "Vip": vip})
    for one, status, seats, users, vip in zip(*ROWS.values(), strict=True)
]
TABLES: dict[str, Callable[[], Any]] = {
    "records": lambda: RECORDS,
    "a stream": lambda: iter(RECORDS),
    "polars": lambda: pl.DataFrame(ROWS),
    "pandas": lambda: pd.DataFrame(ROWS),
    "pyarrow": lambda: pl.DataFrame(ROWS).to_arrow(),
}
FITS: list[tuple[str, Any, Any]] = [("Seats", "3", 3), ("Users", 3, "3"), ("Vip", True, "yes")]


def counting(condition: Any) -> ck.Metric:
    @ck.metric(unit="count", n=deals.count(condition))
    def found(n: int) -> int:
        """How many there are."""
        return n

    return found


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "right", "wrong"), FITS)
def test_an_attribute_is_compared_with_a_value_of_its_own_kind_on_every_engine(
    table: str, name: str, right: Any, wrong: Any
) -> None:
    attribute = deals.attributes[name]
    assert counting(attribute == right)(TABLES[table]()).value == 1
    assert counting(attribute.is_in(right))(TABLES[table]()).value == 1
    for condition in (attribute == wrong, attribute != wrong, attribute.is_in(right, wrong)):
        with pytest.raises(InputError, match=f"The attribute '{name}' holds .*compares it with {wrong!r}; compare it"):
            counting(condition)(TABLES[table]())


@pytest.mark.parametrize("table", TABLES)
def test_a_misspelt_attribute_of_a_measure_is_an_error_with_the_nearest_name(table: str) -> None:
    told = r"A measure of deals reads the attribute 'Seets', which no record has\. Did you mean 'Seats'\?"
    with pytest.raises(UnknownNameError, match=told):
        counting(deals.attributes["Seets"] == "3")(TABLES[table]())


@pytest.mark.parametrize("table", TABLES)
def test_an_attribute_that_no_record_has_is_an_error_with_those_there_are(table: str) -> None:
    with pytest.raises(UnknownNameError, match=r"'region', which no record has\. Known: 'Seats', 'Users', 'Vip'\."):
        counting(deals.attributes["region"] == "north")(TABLES[table]())


def test_a_frame_without_custom_columns_lacks_each_attribute() -> None:
    frame = pl.DataFrame({"id": ["1"], "status": ["won"]})
    with pytest.raises(UnknownNameError, match=r"'region', which no record has\. Records have no attributes at all"):
        counting(deals.attributes["region"] == 5)(frame)


def test_a_custom_column_of_a_file_may_be_blank_in_every_row() -> None:
    found = ck.read_csv(io.StringIO("id,status,Seats,Vip\n1,won,,yes\n"), record=ck.Deal)
    assert counting(deals.attributes["Seats"] == "3")(found).value == 0


def test_an_attribute_that_a_table_without_records_lacks_is_no_mistake() -> None:
    assert counting(deals.attributes["Seats"] == "3")([]).value == 0
    assert counting(deals.attributes["Seats"] == "3")([ck.Deal(id="1", status="won")]).value == 0


def test_the_way_out_works() -> None:
    file = "id,status,Seats\n1,won,3\n2,lost,4\n"
    found = ck.read_csv(io.StringIO(file), record=ck.Deal, kinds={"Seats": "number"})
    assert counting(deals.attributes["Seats"] == 3)(found).value == 1


CRM = ck.Dataset(deals=RECORDS, rates=ck.Rates("EUR", {"USD": "0.9"}), currency="EUR", as_of=date(2026, 1, 1))
REPORT = CRM.measure(["win_rate", "revenue"])
TRAVELLERS = {
    "a dataset": CRM,
    "a tally": ck.Tally("win_rate").add(deals=RECORDS),
    "rates": CRM.rates,
    "records of a reader": ck.read_csv(io.StringIO("id,status\n1,won\n2,gone\n"), record=ck.Deal),
    "a record": RECORDS[0],
    "a result": REPORT[0],
    "a report": REPORT,
    "a report of check": CRM.check(),
    "a table": deals,
    "an expression": deals.status == "won",
    "a metric": ck.win_rate,
    "a period": ck.Period("2026-Q1"),
    "a calendar": ck.Calendar(tz="Europe/Berlin"),
}


@pytest.mark.parametrize("name", TRAVELLERS)
def test_values_travel_to_other_processes_and_are_copied(name: str) -> None:
    value: Any = TRAVELLERS[name]
    for other in (pickle.loads(pickle.dumps(value)), copy.copy(value), copy.deepcopy(value)):
        assert type(other) is type(value)
        assert repr(other) == repr(value)


def test_a_dataset_that_travelled_measures_the_same() -> None:
    other = pickle.loads(pickle.dumps(CRM))
    assert [result.value for result in other.measure(["win_rate", "revenue"])] == [result.value for result in REPORT]


def test_results_become_dicts_of_the_standard_library() -> None:
    found = dataclasses.asdict(REPORT[0])
    assert (found["value"], found["inputs"]) == (0.5, {"won": 1, "closed": 2})


@pytest.mark.parametrize("mapping", [RECORDS[0].attributes, REPORT[0].inputs, ck.Deal(id="1", status="won").attributes])
def test_what_a_record_or_a_result_holds_cannot_be_changed(mapping: Any) -> None:
    before = dict(mapping)
    for change in (
        lambda: mapping.__setitem__("x", 1),
        lambda: mapping.update(x=1),
        mapping.clear,
        lambda: mapping.setdefault("x", 1),
        lambda: mapping.pop("x", None),
        mapping.popitem,
        lambda: mapping.__ior__({"x": 1}),
        lambda: mapping.__delitem__("x"),
    ):
        with pytest.raises(TypeError, match="cannot be changed; make a copy"):
            change()
    assert dict(mapping) == before
