"""The name of an amount column declares its currency in frames and databases, as in files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError

from .backends import frame_of

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

NAMED = {
    "Amount (EUR)": "EUR",
    "Value in USD": "USD",
    "Deal Value £": "GBP",
    "Umsatz in Euro": "EUR",
    "Montant (€)": "EUR",
    "Wert (Schweizer Franken)": "CHF",
    "Amount ($)": None,  # of several currencies
    "amount": None,
}


def cells(header: str, **more: Any) -> dict[str, list[Any]]:
    closed = datetime(2026, 1, 5)
    return {"id": ["1", "2"], "status": ["won", "won"], "closed_at": [closed, closed], header: [10.5, 20.0], **more}


def currencies(deals: Any, **how: Any) -> tuple[Any, Any, Any]:
    """The currency of revenue alone, in a dataset with another currency, and of its segment."""
    alone = ck.revenue(deals, period="2026", **how)
    beside = ck.Dataset(deals=deals, currency="SEK").measure("revenue", period="2026", by="currency", **how)[0]
    assert alone.value == beside.value
    return alone.currency, beside.currency, (beside.segment or {})["currency"]


def wanted(code: str | None) -> tuple[Any, Any, Any]:
    return code, code or "SEK", code


@pytest.mark.parametrize(("header", "code"), NAMED.items())
def test_files_and_rows_say_it(header: str, code: str | None, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(cells(header))
    frame.write_csv(path := tmp_path / "deals.csv")
    how: Any = {"record": ck.Deal, "columns": {header: "amount"}}
    read: dict[str, Any] = {
        "csv": ck.read_csv(path, **how),
        "polars": ck.scan(path, **how),
        "duckdb": ck.scan(path, engine="duckdb", **how),
        "parsed": ck.table(frame, parse=True, **how),
        "dicts": ck.read_dicts(frame.to_dicts(), **how),
        "objects": ck.read_objects(frame.rows(), names=frame.columns, **how),
    }
    for name, deals in read.items():
        assert currencies(deals) == wanted(code), name


@pytest.mark.in_turns
@pytest.mark.parametrize(("header", "code"), NAMED.items())
def test_typed_frames_and_databases_say_it(backend: str, header: str, code: str | None) -> None:
    frame = frame_of(backend, pa.table(cells(header)))
    assert currencies(ck.table(frame, record=ck.Deal, columns={header: "amount"})) == wanted(code)


@pytest.mark.in_turns
@pytest.mark.parametrize("own", [["USD", "USD"], ["EUR", "EUR"]])
def test_a_column_of_currencies_goes_before_it_as_in_files(backend: str, own: list[str]) -> None:
    given = cells("Amount (EUR)", currency=own)
    how: Any = {"record": ck.Deal, "columns": {"Amount (EUR)": "amount"}}
    rows = [dict(zip(given, row, strict=True)) for row in zip(*given.values(), strict=True)]
    known = currencies(ck.read_dicts(rows, **how))
    assert known == wanted(own[0])
    assert currencies(ck.table(frame_of(backend, pa.table(given)), **how)) == known


def test_columns_of_several_currencies_are_refused_alike() -> None:
    pl = pytest.importorskip("polars")
    given = cells("Amount (EUR)", **{"Cost (USD)": [1.0, 2.0]})
    how: Any = {"record": ck.Deal, "columns": {"Amount (EUR)": "amount", "Cost (USD)": "cost"}}
    for parse in (False, True):
        with pytest.raises(ColumnError, match="The headers of the frame name several currencies, EUR and USD; drop"):
            ck.table(pl.DataFrame(given), parse=parse, **how)
