"""A record without an id counts, but cannot be looked up: the same error in every reader and engine."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError

DEALS = "id,status,customer_id\n1,won,A\n2,lost,\n,won,C\n"
CUSTOMERS = {"missing": "id,industry\nA,x\n,y\nC,z\n", "no column of ids": "name,industry,since\nA,x,2026-01-05\n"}
READERS = ("read_csv", "scan", "scan by DuckDB")
FRAMES = ("polars", "pandas", "pyarrow", "duckdb")


def frame(library: str, path: Path) -> Any:
    """The file as a text frame, in which a missing value is an empty string."""
    module = pytest.importorskip(library)
    rows = list(csv.DictReader(path.read_text().splitlines()))
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    if library == "duckdb":
        return module.connect().from_arrow(pytest.importorskip("pyarrow").table(columns))
    return module.table(columns) if library == "pyarrow" else module.DataFrame(columns)


def tables(how: str, folder: Path) -> dict[str, Any]:
    deals, customers = folder / "deals.csv", folder / "customers.csv"
    if how in FRAMES:
        return {"deals": frame(how, deals), "customers": frame(how, customers)}
    read: Any = {"read_csv": ck.read_csv, "scan": ck.scan, "scan by DuckDB": ck.scan}[how]
    more = {"engine": "duckdb"} if how == "scan by DuckDB" else {}
    return {"deals": read(deals, record=ck.Deal, **more), "customers": read(customers, record=ck.Customer, **more)}


@pytest.mark.parametrize(
    ("how", "lack"),
    [*((how, lack) for how in READERS for lack in CUSTOMERS), *((how, "missing") for how in FRAMES)],
)
def test_records_without_an_id_count_and_are_not_looked_up(how: str, lack: str, tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text(DEALS, encoding="utf-8")
    (tmp_path / "customers.csv").write_text(CUSTOMERS[lack], encoding="utf-8")
    crm = ck.Dataset(**tables(how, tmp_path))
    assert crm.measure("win_rate")[0].value == 2 / 3
    with pytest.raises(InputError, match=r"Fields of customers are looked up by their ids, and .+ columns="):
        crm.measure("win_rate", by="customer.industry")
