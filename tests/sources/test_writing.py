from __future__ import annotations

import csv
import io
from datetime import UTC, date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi.errors import ColumnError, InputError
from crmkpi.records import Deal, Order
from crmkpi.records.texts import is_blank
from crmkpi.sources import Records, read_csv, write_csv

TEXT = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
) | st.sampled_from(["=1+1", "'=1", "''-", "-5", "+5.5", "@x", "\tx", "\rx", "\n=x", "'", "a;b,c|d", '"', " x "])
MAYBE_TEXT = st.none() | TEXT
DEALS = st.builds(
    Deal,
    id=TEXT.filter(lambda text: not is_blank(text)),
    status=st.sampled_from(["open", "won", "lost"]),
    created_at=st.none() | st.datetimes(timezones=st.just(UTC)),
    closed_at=st.none() | st.datetimes(),
    expected_close_on=st.none() | st.dates(date(1, 1, 1)),
    amount=st.none() | st.decimals(allow_nan=False, allow_infinity=False),
    probability=st.none() | st.floats(0, 1),
    owner=MAYBE_TEXT,
    kind=st.none() | st.sampled_from(["new", "expansion", "renewal"]),
    lost_reason=MAYBE_TEXT,
    deleted=st.booleans(),
    attributes=st.dictionaries(st.sampled_from(["Region", "=cmd", "a,b", "x\ny"]), TEXT),
)


@given(st.lists(DEALS, max_size=5))
def test_what_was_written_reads_back_as_equal_records(deals: list[Deal]) -> None:
    file = io.StringIO(newline="")
    write_csv(Records(tuple(deals), record=Deal), file)
    found = read_csv(io.StringIO(file.getvalue(), newline=""), record=Deal)
    assert found.rejected == ()
    assert list(found) == deals


@given(st.lists(DEALS, min_size=1, max_size=3))
def test_no_cell_starts_like_a_formula_unless_it_is_a_number(deals: list[Deal]) -> None:
    file = io.StringIO(newline="")
    write_csv(deals, file)
    for row in csv.reader(io.StringIO(file.getvalue(), newline="")):
        for cell in row:
            if cell.startswith(("=", "+", "-", "@", "\t", "\r")):
                float(cell)


def test_a_file_is_written_in_utf_8_with_all_fields_and_attributes(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    write_csv([Order(id="1", product="Öl"), Order(id="2", attributes={"Region": "N"})], path)
    assert path.read_bytes().decode("utf-8").split("\r\n") == [
        "id,customer_id,ordered_at,amount,cost,currency,status,delivered_at,product,channel,Region",
        "1,,,,,,completed,,Öl,,",
        "2,,,,,,completed,,,,N",
        "",
    ]


@pytest.mark.parametrize(
    ("records", "error", "message"),
    [
        ([], InputError, "There are no records, so there is no class to name the columns"),
        ([Order(id="1"), Deal(id="1", status="won")], InputError, "records of one class, and these are Order and Deal"),
        (
            [Order(id="1", attributes={"Amount": "5"})],
            ColumnError,
            "attribute 'Amount' has the name of a field of orders",
        ),
        ([Order(id="1\0")], InputError, "cannot hold NUL characters"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(records: list[Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        write_csv(records, io.StringIO())


def test_records_without_a_row_are_a_file_with_headers() -> None:
    file = io.StringIO()
    write_csv(Records((), record=Order), file)
    assert len(read_csv(io.StringIO(file.getvalue()), record=Order)) == 0
