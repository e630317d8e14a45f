"""Results as plain rows, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Calendar, Dataset, Deal, Period, sales_cycle_length, win_rate
from crmkpi.display.rows import report_csv, report_json, result_row
from crmkpi.measuring.results import Report


def test_a_row_has_the_value_and_all_its_evidence(by_owner: Report) -> None:
    row = result_row(by_owner.get("win_rate", owner="Ada"))
    assert row == {
        "metric": "win_rate",
        "title": "Win rate",
        "unit": "ratio",
        "owner": "Ada",
        "period": "2026-Q2",
        "period_start": "2026-04-01T00:00:00+00:00",
        "period_end": "2026-07-01T00:00:00+00:00",
        "value": 1.0,
        "currency": None,
        "low": pytest.approx(0.342, abs=0.001),
        "high": 1.0,
        "confidence": 0.95,
        "n": 2,
        "small_sample": True,
        "given": 4,
        "used": 2,
        "left_out": {},
        "outside": 2,
        "rejected": 0,
        "unread": {},
        "skipped": {},
        "unreadable": {},
        "complete": False,
        "reason": None,
        "inputs": {"won": 2, "closed": 2},
        "parameters": {},
        "previous_period": "2026-Q1",
        "previous_value": 0.5,
        "change": 0.5,
        "relative_change": 1.0,
        "better": None,
        "change_low": pytest.approx(-0.273, abs=0.001),
        "change_high": pytest.approx(0.905, abs=0.001),
        "p_value": pytest.approx(0.248, abs=0.001),
        "adjusted_p": pytest.approx(0.248, abs=0.001),
        "comparisons": 2,
        "verdict": "too few to say",
        "detectable": None,
        "no_verdict": None,
    }


def test_money_is_exact_text_and_has_its_currency(crm: Dataset) -> None:
    row = result_row(crm.measure("revenue", period="2026-Q2")[0])
    assert (row["value"], row["currency"]) == ("400", "EUR")
    assert "previous_value" not in row


def test_a_duration_is_in_seconds() -> None:
    deal = Deal(id="1", status="won", created_at=datetime(2026, 1, 1), closed_at=datetime(2026, 1, 1, 1, 30))
    assert result_row(sales_cycle_length([deal]))["value"] == 5400.0


def test_bounds_of_a_period_are_on_the_clock_of_the_calendar() -> None:
    calendar = Calendar(tz="Europe/Berlin")
    row = result_row(win_rate([], period=Period("2026-03", calendar=calendar), calendar=calendar))
    assert row["period_start"] == "2026-03-01T00:00:00+01:00"
    assert row["period_end"] == "2026-04-01T00:00:00+02:00"
    assert (row["value"], row["reason"]) == (None, "no deal was closed")


def test_a_segment_called_like_a_column_gets_a_name_of_its_own(crm: Dataset) -> None:
    row = result_row(crm.measure("revenue", by="currency")[0])
    assert (row["by_currency"], row["currency"]) == ("EUR", "EUR")


@pytest.mark.parametrize(
    "key, plain",
    [
        (Decimal("1.50"), "1.50"),
        (date(2026, 1, 2), "2026-01-02"),
        (("a", 1), "('a', 1)"),
        (float("inf"), "inf"),
        (2, 2),
    ],
)
def test_keys_of_segments_are_plain(key: object, plain: object) -> None:
    deals = [Deal(id="1", status="won")]
    (result,) = Dataset(deals=deals).measure("win_rate", by={"key": lambda _: key})
    assert result_row(result)["key"] == plain


def test_json_has_one_row_per_result(by_owner: Report) -> None:
    assert json.loads(report_json(by_owner)) == by_owner.to_dicts()
    assert json.loads(report_json([])) == []


def test_csv_has_the_same_values_with_dicts_as_json(by_owner: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(report_csv(by_owner))))
    assert [row["owner"] for row in rows] == ["Ada", "Bo", ""]
    assert [row["value"] for row in rows] == ["1.0", "0.0", "0.0"]
    assert json.loads(rows[0]["inputs"]) == {"won": 2, "closed": 2}
    assert json.loads(rows[2]["left_out"]) == {"no closed_at": 1}


DANGEROUS = tuple("=+-@\t\r")


@given(st.text() | st.text(max_size=5).flatmap(lambda text: st.sampled_from([sign + text for sign in DANGEROUS])))
def test_no_cell_of_text_starts_like_a_formula(owner: str) -> None:
    deals = [Deal(id="1", status="won", owner=owner)]
    (row,) = csv.DictReader(io.StringIO(report_csv(Dataset(deals=deals).measure("win_rate", by="owner")), newline=""))
    is_number = owner[:1] in ("+", "-") and owner[1:].replace(".", "", 1).isdecimal()
    assert is_number or not row["owner"].startswith(DANGEROUS)
    kept = deals[0].owner or ""  # a blank one is missing
    assert row["owner"].removeprefix("'") == kept.removeprefix("'")


def test_negative_numbers_stay_numbers() -> None:
    deals = [Deal(id="1", status="won", amount=Decimal("-5.25"))]
    (row,) = csv.DictReader(io.StringIO(report_csv(Dataset(deals=deals).measure("revenue"))))
    assert row["value"] == "-5.25"
