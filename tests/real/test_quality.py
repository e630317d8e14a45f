"""Faults of the public data sets, counted in their files by a few plain lines."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import crmkpi as ck


def test_the_purchases_of_cdnow_hold_rows_twice_and_purchases_of_nothing(folder: Path) -> None:
    path = folder / "cdnow" / "CDNOW_master.txt"
    rows = [tuple(line.split()) for line in path.read_text(encoding="utf-8").splitlines()]
    if not rows[0][0].isdigit():
        rows = rows[1:]
    again = sum(count - 1 for count in Counter(rows).values())
    free = sum(float(row[-1]) == 0 for row in rows)
    orders = ck.read_csv(
        path,
        record=ck.Order,
        delimiter=" ",
        columns={"date": "ordered_at", "dollar_value": "amount"},
        date_format="%Y%m%d",
    )
    report = ck.Dataset(orders=orders).check()
    assert again > 0 < free
    assert {finding.code: finding.count for finding in report} == {"duplicate_records": again, "zero_amounts": free}


def test_the_deals_of_maven_lack_dates_where_the_stage_has_none(folder: Path) -> None:
    path = folder / "maven_crm" / "sales_pipeline.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    deals = ck.read_csv(
        path,
        record=ck.Deal,
        columns={
            "opportunity_id": "id",
            "sales_agent": "owner",
            "account": "customer_id",
            "deal_stage": ("status", "stage"),
            "engage_date": "created_at",
            "close_date": "closed_at",
            "close_value": "amount",
        },
        values={"status": {"Engaging": "open", "Prospecting": "open"}},
    )
    alike = Counter(tuple(value for name, value in row.items() if name != "opportunity_id") for row in rows)
    undated = [row for row in alike.elements() if not row[list(rows[0]).index("engage_date") - 1]]
    expected = {
        "missing_start_dates": sum(not row["engage_date"] for row in rows),
        "duplicate_records": sum(count - 1 for count in alike.values()) - len(undated) + len(set(undated)),
    }
    report = ck.Dataset(deals=deals).check()
    assert {finding.code: finding.count for finding in report} == expected
