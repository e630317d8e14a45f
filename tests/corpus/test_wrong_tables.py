"""A file that is read as the wrong table is refused, and the error names the table that it looks like."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.errors import CrmKpiError, FileFormatError, MissingTableError
from crmkpi.records import RECORDS

from .exports import LOCALES, export_of
from .systems import SYSTEMS

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
HELD = {
    "hubspot": "deals",
    "pipedrive": "deals",
    "salesforce": "deals",
    "stripe": "subscriptions",
    "zendesk": "tickets",
}
# Files with our field names, with few columns, and of an unknown system, each with its table.
PLAIN: Mapping[str, tuple[str, str]] = {
    "few fields": ("tickets", "id,created_at,first_replied_at,agent,status\n1,2026-01-02,2026-01-03,Ada,open\n"),
    "a help desk": ("tickets", "ID,Subject,Status,Agent\n1,Broken,open,Ada\n2,Late,open,Bo\n"),
    "another": ("tickets", "Id,Status,Subject,Requester,Assignee,Created at\n1,open,Broken,Ana,Ada,2026-01-02\n"),
    "orders": ("orders", "id,customer_id,ordered_at,amount\n1,A,2026-01-05,10\n"),
    "deals": ("deals", "id,status,amount,owner,closed_at\n1,won,5,Ada,2026-01-05\n"),
}


def files() -> dict[str, tuple[str, bytes]]:
    """The files by name, each with its table."""
    found = {path.name: (HELD[path.name.split("_")[0]], path.read_bytes()) for path in SAMPLES.glob("*.csv")}
    found |= {each.preset: (each.table, export_of(each, LOCALES[each.locales[0]]).content) for each in SYSTEMS}
    return found | {name: (table, text.encode()) for name, (table, text) in PLAIN.items()}


FILES = files()
NAMED = pytest.mark.parametrize("name", sorted(FILES))


def refusal(content: bytes, table: str) -> str | None:
    try:
        ck.read_csv(io.BytesIO(content), record=RECORDS[table])
    except CrmKpiError as error:
        return str(error)
    return None


def figures(content: bytes, table: str) -> dict[str, Any]:
    """The results or errors of a table's KPIs for a file that is read as that table."""
    crm = ck.Dataset(**{table: ck.read_csv(io.BytesIO(content), record=RECORDS[table])})
    try:
        metrics, _ = crm.measurable(None, {})
    except MissingTableError:  # no KPI can be measured with this table alone
        return {}
    return {result.definition: result.value for result in crm.measure(list(metrics))}


@NAMED
def test_a_file_given_as_any_other_table_is_refused_or_gives_no_figure(name: str) -> None:
    table, content = FILES[name]
    told = {other: refusal(content, other) for other in RECORDS if other != table}
    read = {other: figures(content, other) for other, message in told.items() if message is None}
    assert {other: found for other, found in read.items() if set(found.values()) - {None}} == {}
    named = [message for message in told.values() if message is not None and " has the columns of " in message]
    if name == "google_ads_campaign":  # its headers are below lines that only its own table recognises
        return
    assert len(named) > len(told) / 2
    if name != "salesforce_stage_history":  # it is also a table of deals
        most = [message for message in named if f"has the columns of {table} (" in message]
        assert len(most) > len(named) / 2


@NAMED
def test_a_file_given_as_its_own_table_is_not_called_another(name: str) -> None:
    table, content = FILES[name]
    assert " has the columns of " not in (refusal(content, table) or "")


@pytest.mark.parametrize("kpi", [[], ["win_rate"]])
@pytest.mark.parametrize("name", ["zendesk_tickets.csv", "a help desk", "another"])
def test_the_command_refuses_tickets_given_as_deals(
    name: str, kpi: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tickets.csv"
    path.write_bytes(FILES[name][1])
    assert main(["report", *kpi, "--deals", str(path)]) == 1
    assert "tickets.csv has the columns of tickets (" in capsys.readouterr().err


def test_a_file_is_read_where_one_of_its_columns_is_named_as_the_refusal_says() -> None:
    content = FILES["a help desk"][1]
    message = refusal(content, "deals")
    assert message is not None
    assert "columns={'ID': ...}" in message
    deals = ck.read_csv(io.BytesIO(content), record=ck.Deal, columns={"ID": "id"})
    assert [deal.status for deal in deals] == ["open", "open"]


@pytest.mark.parametrize(
    ("record", "headers", "row"),
    [
        (ck.Deal, "id,status,amount,Subject,Requester,Priority,Group,Via", "1,won,5,a,b,c,d,e"),
        (ck.Deal, "id,status,probability,Subject,Requester,Priority,Group,Via", "1,open,0.5,a,b,c,d,e"),
        (ck.Deal, "id,status,Our note,Another", "1,won,a,b"),
        (ck.Ticket, "id,solved_at,Deal Name,Deal Stage,Deal owner,Amount in company currency", "1,2026-01-02,a,b,c,d"),
        (ck.Customer, "id,since,Name,Email,Phone,Company,Title", "1,2026-01-02,a,b,c,d,e"),
    ],
)
def test_a_field_that_the_other_table_does_not_have_keeps_a_file(
    record: Any, headers: str, row: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{headers}\n{row}\n", encoding="utf-8")
    assert len(ck.read_csv(path, record=record)) == 1


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_scan_refuses_the_same(engine: Any, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(FILES["a help desk"][1])
    with pytest.raises(FileFormatError, match=r"file\.csv has the columns of tickets"):
        ck.scan(path, record=ck.Deal, engine=engine)
