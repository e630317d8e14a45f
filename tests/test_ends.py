"""Inclusive end dates: every reader, table and display treats them alike, and the pattern is detected."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import polars as pl
import pytest

import crmkpi as ck
from crmkpi.sources import files as files_module

NAMES = ("id", "customer_id", "plan", "mrr", "started_at", "ended_at")
TERMS = [
    ("1", "A", "Team", 50, date(2025, 2, 1), date(2026, 1, 31)),
    ("2", "A", "Team", 50, date(2026, 2, 1), date(9999, 12, 31)),
    ("3", "B", "Team", 30, date(2025, 2, 1), None),
]
SAID: dict[str, Any] = {"record": ck.Subscription, "ends": "inclusive"}


def _text(end: str = "2026-01-31") -> str:
    cells = [["" if cell is None else str(cell) for cell in row] for row in TERMS]
    cells[0][5] = end
    out = io.StringIO()
    csv.writer(out).writerows([NAMES, *cells])
    return out.getvalue()


def _dicts() -> list[dict[str, Any]]:
    return [dict(zip(NAMES, row, strict=True)) for row in TERMS]


def _sql(**said: Any) -> Any:
    connection = sqlite3.connect(":memory:")
    connection.execute(f"CREATE TABLE terms ({', '.join(NAMES)})")
    connection.executemany(
        f"INSERT INTO terms VALUES ({', '.join('?' * len(NAMES))})",  # noqa: S608
        [tuple(str(cell) if isinstance(cell, date) else cell for cell in row) for row in TERMS],
    )
    return ck.read_sql("SELECT * FROM terms", connection, **said)


def _scanned(path: Path, **said: Any) -> Any:
    path.write_text(_text())
    return ck.scan(path, **said)


def _frame() -> pl.DataFrame:
    return pl.DataFrame(_dicts()).with_columns(pl.col("started_at", "ended_at").cast(pl.Datetime("us")))


READERS: dict[str, Callable[..., Any]] = {
    "read_csv": lambda _, **said: ck.read_csv(io.StringIO(_text()), **said),
    "stream_csv": lambda _, **said: ck.stream_csv(io.StringIO(_text()), **said),
    "scan": _scanned,
    "read_dicts": lambda _, **said: ck.read_dicts(_dicts(), **said),
    "read_json": lambda _, **said: ck.read_json(io.StringIO(json.dumps(_dicts(), default=str)), **said),
    "read_objects": lambda _, **said: ck.read_objects(
        [SimpleNamespace(**row) for row in _dicts()], names=NAMES, **said
    ),
    "read_sql": lambda _, **said: _sql(**said),
    "polars": lambda _, **said: ck.table(_frame(), **said),
    "pandas": lambda _, **said: ck.table(pd.DataFrame(_dicts()), **said),
    "pyarrow": lambda _, **said: ck.table(_frame().to_arrow(), **said),
}


@pytest.mark.parametrize("reader", READERS)
def test_an_end_that_includes_its_day_is_no_loss_and_no_return(reader: str, tmp_path: Path) -> None:
    def table(**said: Any) -> Any:
        return READERS[reader](tmp_path / "terms.csv", **said)

    for metric, value in (("mrr", Decimal(80)), ("churned_mrr", Decimal(0)), ("reactivation_mrr", Decimal(0))):
        crm = [ck.Dataset(subscriptions=table(**SAID), as_of=date(2026, 2, 28)) for _ in range(2)]
        assert [
            one.measure(metric, period=month)[0].value for one, month in zip(crm, ("2026-01", "2026-02"), strict=True)
        ] == [value] * 2
    codes = [one.code for one in ck.Dataset(subscriptions=table(**SAID), as_of=date(2026, 2, 28)).check()]
    assert "inclusive_ends" not in codes
    codes = [one.code for one in ck.Dataset(subscriptions=table(record=ck.Subscription)).check()]
    assert "inclusive_ends" in codes


@pytest.mark.parametrize("least", [0, 10**12])
@pytest.mark.parametrize("end", ["2026-01-31", "2026-01-31 23:59", "2026-01-31 23:59:59", "2026-01-31T23:59:59.999999"])
def test_the_last_minute_of_a_day_is_that_day(
    end: str, least: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "_LEAST_SCANNED", least)
    path = tmp_path / "terms.csv"
    path.write_text(_text(end))
    told = "1 of 3 subscriptions end the day before the same customer's next begins, such as 1 before 2: where an end"
    for table in (path, ck.read_csv(path, record=ck.Subscription)):
        notes = ck.Dataset(subscriptions=table).measure("churned_mrr", period="2026-01").notes
        assert [note.startswith(told) for note in notes] == [True]
    fixed = ck.read_csv(path, **SAID)
    assert ck.churned_mrr(fixed, period="2026-01").value == 0
    assert ck.Dataset(subscriptions=fixed).measure("churned_mrr", period="2026-01").notes == ()


@pytest.mark.parametrize("end", ["2026-01-31 12:00", "2026-01-30", "2026-01-30 23:59:59", "2026-02-01", "9999-12-31"])
def test_other_ends_are_ends(end: str) -> None:
    found = ck.Dataset(subscriptions=ck.read_csv(io.StringIO(_text(end)), record=ck.Subscription))
    assert not [note for note in found.measure("churned_mrr", period="2026-01").notes if "the day before" in note]
