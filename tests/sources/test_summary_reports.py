"""Salesforce reports that write each group value once, with subtotals below."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import pytest

import crmkpi as ck

HEADERS = '"Opportunity Owner  ↑","Stage  ↑","Opportunity Name","Amount","Close Date"\n'
ROWS = [
    ("Ada", "Closed Won", "A", 1000),
    ("Ada", "Closed Won", "B", 2000),
    ("Ada", "Closed Lost", "C", 500),
    ("Bob", "Closed Won", "D", 700),
    ("Bob", "Closed Lost", "E", 900),
]
BELOW = '"","","","",""\n"Confidential Information - Do Not Distribute"\n"Copyright © 2000-2026 salesforce.com, inc."\n'


def grouped() -> str:
    """The rows of a report that is grouped by owner and by stage."""
    lines, before = [], ("", "", "", 0)
    for row, after in pairwise([*ROWS, ("", "", "", 0)]):
        owner = row[0] if row[0] != before[0] else ""
        stage = row[1] if row[:2] != before[:2] else ""
        lines.append(f'"{owner}","{stage}","{row[2]}","{row[3]}.00","2026-01-15"')
        if row[:2] != after[:2]:
            lines.append('"","Subtotal","","1.00",""')
        if row[0] != after[0]:
            lines.append('"Subtotal","","","1.00",""')
        before = row
    return HEADERS + "\n".join([*lines, '"Total","","","5100.00",""']) + "\n" + BELOW


def plain() -> str:
    return HEADERS + "".join(
        f'"{owner}","{stage}","{name}","{amount}.00","2026-01-15"\n' for owner, stage, name, amount in ROWS
    )


@pytest.mark.parametrize("how", ["read_csv", "stream_csv", "scan", "read_export"])
def test_a_grouped_report_gives_what_the_plain_one_gives(how: str, tmp_path: Path) -> None:
    def measured(text: str) -> object:
        file = tmp_path / "report.csv"
        file.write_text(text, encoding="utf-8")
        system = {} if how == "read_export" else {"preset": "salesforce_opportunity"}
        data = getattr(ck, how)(file, **system)
        results = ck.Dataset(deals=data).measure(["win_rate", "revenue"], by="owner")
        return [(one.definition, dict(one.segment), one.value) for one in results]

    assert measured(grouped()) == measured(plain())


def test_blank_cells_stay_blank_where_nothing_shows_groups() -> None:
    text = HEADERS + '"Ada","Closed Won","A","10.00","2026-01-15"\n"","Closed Won","B","20.00","2026-01-15"\n'
    deals = ck.read_csv(io.StringIO(text), preset="salesforce_opportunity")
    assert [deal.owner for deal in deals] == ["Ada", None]
