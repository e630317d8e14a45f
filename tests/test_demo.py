"""The sample company: the same on every platform, with the dirt of real exports, fully accounted for."""

from __future__ import annotations

import contextlib
import io
import shlex
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from crmkpi import Dataset, Rates, catalogue
from crmkpi.cli.main import main
from crmkpi.demo import AS_OF, sample_company
from crmkpi.errors import ParameterError
from crmkpi.records import RECORDS
from crmkpi.sources import Records, read_csv


@pytest.fixture(scope="module")
def company() -> Mapping[str, list[Any]]:
    return sample_company(scale=0.2)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The demo run in a directory of its own, and what it printed."""
    directory = tmp_path_factory.mktemp("demo") / "a sample"
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["demo", "--dir", str(directory)]) == 0
    return directory, out.getvalue()


@pytest.fixture(scope="module")
def crm(written: tuple[Path, str]) -> Dataset:
    tables: dict[str, Any] = {
        table: read_csv(written[0] / f"{table}.csv", record=record) for table, record in RECORDS.items()
    }
    return Dataset(currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF, **tables)


def test_the_company_is_the_same_at_every_call(company: Mapping[str, list[Any]]) -> None:
    assert sample_company(scale=0.2) == company


@pytest.mark.slow
def test_the_demo_writes_the_same_bytes_every_time(written: tuple[Path, str], tmp_path: Path) -> None:
    directory, _ = written
    assert main(["demo", "--dir", str(tmp_path / "again")]) == 0
    names = sorted(path.name for path in directory.iterdir())
    assert names == sorted([*(f"{table}.csv" for table in RECORDS), "report.html"])
    for name in names:
        assert (directory / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


@pytest.mark.slow
def test_every_file_reads_back_as_the_records_it_was_made_from(crm: Dataset) -> None:
    for table, records in sample_company().items():
        found: list[Any] = list(crm.tables[table])
        assert [record for record in found if not record.unreadable] == records


@pytest.mark.slow
def test_what_people_spoiled_is_told(crm: Dataset) -> None:
    files = {table: records for table, records in crm.tables.items() if isinstance(records, Records)}
    assert files.keys() == RECORDS.keys()
    reasons = {table: [row.field for row in records.rejected] for table, records in files.items() if records.rejected}
    assert reasons == {"deals": ["id"]}
    unreadable = {
        table: dict(found) for table, records in files.items() if (found := records.account.unreadable_fields)
    }
    assert unreadable == {
        "deals": {"amount": 1, "expected_close_on": 1},
        "tickets": {"created_at": 1},
        "surveys": {"score": 1},
    }


def test_a_larger_scale_is_a_larger_company(company: Mapping[str, list[Any]]) -> None:
    larger = sample_company(scale=0.4)
    for table in ("leads", "deals", "tickets", "orders"):
        assert len(larger[table]) > 1.5 * len(company[table])


@pytest.mark.parametrize("scale", [0, -1, 1001, float("nan")])
def test_a_scale_that_makes_no_company_is_refused(scale: float) -> None:
    with pytest.raises(ParameterError, match="above 0 and at most 1000; got"):
        sample_company(scale=scale)


def test_references_lead_to_records(company: Mapping[str, list[Any]]) -> None:
    ids = {table: {record.id for record in records} for table, records in company.items()}
    for table, key, other in (
        ("deals", "customer_id", "customers"),
        ("deals", "lead_id", "leads"),
        ("deals", "campaign_id", "campaigns"),
        ("leads", "deal_id", "deals"),
        ("leads", "merged_into", "leads"),
        ("subscriptions", "customer_id", "customers"),
        ("orders", "customer_id", "customers"),
        ("tickets", "customer_id", "customers"),
        ("surveys", "ticket_id", "tickets"),
        ("stage_visits", "deal_id", "deals"),
        ("interactions", "deal_id", "deals"),
    ):
        named = {getattr(record, key) for record in company[table]} - {None}
        assert named, (table, key)
        assert named <= ids[other], (table, key)
    for table, records in company.items():
        assert len(ids[table]) == len(records), table


def test_nothing_that_is_dated_lies_after_the_last_day_but_hopes(company: Mapping[str, list[Any]]) -> None:
    end = datetime(2026, 10, 1)
    for table, records in company.items():
        for record in records:
            for name in ("created_at", "closed_at", "since", "until", "ordered_at", "answered_at", "solved_at", "at"):
                moment = getattr(record, name, None)
                if moment is not None and not (table == "deals" and record.status == "open"):
                    assert moment < end, (record, name)


def test_the_dirt_of_real_exports_is_there() -> None:
    company = sample_company()
    deals, leads, tickets = company["deals"], company["leads"], company["tickets"]
    last = datetime(2026, 9, 30)
    assert any(deal.amount is None for deal in deals)
    assert any(deal.status == "open" and deal.closed_at and deal.closed_at < last for deal in deals)
    assert any(deal.status == "won" and deal.closed_at is None for deal in deals)
    assert any(deal.closed_at and deal.closed_at < deal.created_at for deal in deals if deal.status != "open")
    assert any(deal.status == "lost" and deal.amount == Decimal(0) for deal in deals)
    assert {deal.currency for deal in deals} == {"EUR", "CHF"}
    owners = {deal.owner for deal in deals}
    assert None in owners
    assert any(owner and owner.startswith("=") for owner in owners)
    assert any(owner and "<b>" in owner for owner in owners)
    assert any(lead.merged_into for lead in leads)
    assert any(lead.first_contacted_at and lead.first_contacted_at < lead.created_at for lead in leads)
    assert any(ticket.first_replied_at is None for ticket in tickets)
    assert any(ticket.spam for ticket in tickets)


@pytest.mark.slow
def test_every_kpi_has_a_value_and_accounts_for_every_record(crm: Dataset) -> None:
    given = {"lifespan": 1000, "market_revenue": 1_000_000, "quota": 100_000, "horizon": 60, "hourly_rate": 60}
    report = crm.scorecard(period="2026-Q3", parameters=given)
    assert {result.definition for result in report} >= {
        metric.id for metric in catalogue if metric.tables != ("visits",)
    }
    for result in report:
        # The sample company has no survey of brand awareness.
        assert (result.value is None) == (result.definition == "brand_awareness"), result
        for account in result.accounts:
            left_out = sum(account.left_out.values())
            assert account.used + left_out + account.outside + account.rejected == account.given
            assert min(account.used, left_out, account.outside, account.rejected) >= 0


@pytest.mark.slow
def test_the_accounts_of_segments_add_up_to_the_file(crm: Dataset) -> None:
    deals: Any = crm.tables["deals"]
    accounts = [result.accounts[0] for result in crm.measure("win_rate", by="owner", period="2026-Q3")]
    assert sum(account.given - account.rejected for account in accounts) == len(deals)


@pytest.mark.slow
def test_the_demo_fits_a_terminal_and_says_what_it_did(written: tuple[Path, str]) -> None:
    directory, out = written
    table = out.split("\n\n")[2]
    assert max(map(len, table.splitlines())) <= 80
    for part in (
        "rows in 12 CSV files",
        "left out: ",
        "rows that could not be read: 1 of deals",
        str(directory / "report.html"),
    ):
        assert part in out


@pytest.mark.slow
def test_the_commands_that_the_demo_prints_work(written: tuple[Path, str], capsys: pytest.CaptureFixture[str]) -> None:
    text = written[1].split("Try next:\n")[1].replace("\\\n", " ")
    commands = [shlex.split(line) for line in text.splitlines()]
    assert len(commands) == 4
    for program, *arguments in commands:
        assert program == "crmkpi"
        assert main(arguments) == 0
        assert capsys.readouterr().out


@pytest.mark.slow
def test_names_that_look_like_code_are_only_text_in_the_files(written: tuple[Path, str]) -> None:
    directory, _ = written
    deals = (directory / "deals.csv").read_text(encoding="utf-8")
    assert ",\"'=HYPERLINK(" in deals
    assert ',"=HYPERLINK(' not in deals
    assert "<b>Eve</b>" not in (directory / "report.html").read_text(encoding="utf-8")


@pytest.mark.slow
def test_what_was_planted_is_there_to_find() -> None:
    planted = Dataset(currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF, **sample_company(scale=4))
    found = planted.search("win_rate", period="2026-Q1", by=["source", "owner", "product"]).found
    assert [one.cell for one in found] == [{"source": "search ad"}]
    report = planted.measure("average_response_time", period="2026-02", compare="previous", by="agent")
    assert [one.segment["agent"] for one in report if one.change is not None and one.change.better is False] == [
        "Goran"
    ]


def test_what_was_planted_stays_in_its_quarter(company: Mapping[str, list[Any]]) -> None:
    added = [deal for deal in company["deals"] if deal.id.startswith("DS")]
    leads = {lead.id: lead for lead in company["leads"]}
    assert added
    for deal in added:
        assert datetime(2026, 1, 1) <= leads[deal.lead_id].created_at < deal.created_at < deal.closed_at
        assert deal.closed_at < datetime(2026, 4, 1)
    tickets = [one for one in company["tickets"] if one.first_replied_at is not None]
    assert all(one.first_replied_at <= one.first_solved_at for one in tickets if one.first_solved_at is not None)
