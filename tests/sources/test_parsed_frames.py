"""Text frames that are parsed like files: the same records, and the same account."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError

HEADERS = ("Opp No", "Phase", "Betrag", "Abschluss")
SAID: Any = {
    "columns": {"Opp No": "id", "Phase": "status", "Betrag": "amount", "Abschluss": "closed_at"},
    "values": {"status": {"Won": "won", "Lost": "lost"}},
    "decimal": ",",
    "day_first": True,
}
FRAMES: dict[str, Callable[[Any], Any]] = {
    "pandas": lambda data: data,
    "pandas with its own types": lambda data: data.convert_dtypes(),
    "pyarrow": pa.Table.from_pandas,
    "polars": lambda data: pl.DataFrame(data.astype(object).where(data.notna(), None).to_dict("list"), strict=False),
    "duckdb": lambda data: duckdb.connect().from_arrow(pa.Table.from_pandas(data)),
}
ROW = st.tuples(
    st.sampled_from(["Won", "Lost", "Maybe", ""]),
    st.sampled_from(["1.200,50", "7", "on request", "", "-3,5"]),
    st.sampled_from(["05.01.2026", "31.12.2025", "last Tuesday", ""]),
)


@pytest.mark.parametrize("kind", FRAMES)
@given(rows=st.lists(ROW, min_size=2, max_size=6))
def test_a_frame_is_read_as_the_file_it_came_from(kind: str, rows: list[tuple[str, ...]]) -> None:
    text = pd.DataFrame([(str(number), *row) for number, row in enumerate(rows, 1)], columns=list(HEADERS)).to_csv(
        index=False
    )
    of_file = ck.read_csv(io.StringIO(text), record=ck.Deal, **SAID)
    frame = FRAMES[kind](pd.read_csv(io.StringIO(text), dtype={"Betrag": "str"}))
    found = ck.table(frame, record=ck.Deal, parse=True, **SAID)
    assert list(found) == list(of_file)
    assert found.account.unreadable_fields == of_file.account.unreadable_fields
    assert [row.reason for row in found.rejected] == [row.reason for row in of_file.rejected]


def test_a_column_of_mixed_cells_is_read_cell_by_cell() -> None:
    frame = pd.DataFrame(
        {"id": [1.0, 2.0], "status": ["won", "lost"], "amount": [5, "7.50"],
         "closed_at": [pd.Timestamp("2026-01-05"), "2026-01-06"], "owner": [None, float("nan")]}
    )  # fmt: skip
    one, two = ck.table(frame, record=ck.Deal, parse=True)
    assert (one.id, one.amount, one.closed_at, one.owner) == ("1", Decimal(5), datetime(2026, 1, 5), None)
    assert (two.id, two.amount, two.closed_at, two.owner) == ("2", Decimal("7.50"), datetime(2026, 1, 6), None)


def test_what_the_error_of_a_text_column_proposes_works() -> None:
    frame = pd.DataFrame({"id": ["1", "2"], "status": ["won", "lost"], "closed_at": ["2026-01-05", "last Tuesday"]})
    with pytest.raises(ColumnError, match=r"or crmkpi\.table\(frame, record=\.\.\., parse=True\) reads text"):
        ck.win_rate(frame, period="2026")
    read = ck.table(frame, record=ck.Deal, parse=True)
    assert ck.win_rate(read, period="2026-01").left_out == {"closed_at unreadable": 1}


def test_words_for_text_belong_to_parsing() -> None:
    frame: Any = pd.DataFrame({"id": ["1"], "status": ["won"]})
    with pytest.raises(InputError, match=r"decimal= says how text is read.*; add parse=True\."):
        ck.table(frame, record=ck.Deal, decimal=",")  # type: ignore[call-overload]
