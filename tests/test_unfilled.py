"""A file without a column: the KPIs that need it are undefined with a reason, and the others do not change."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.demo import AS_OF, sample_company
from crmkpi.errors import ColumnError
from crmkpi.measuring.unfilled import needed_fields
from crmkpi.measuring.unreadable import UnreadableReason
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

COMPANY = {name: tuple(records) for name, records in sample_company(0.1).items()}
CALENDAR = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
RATES = ck.Rates("EUR", {"USD": "0.9", "GBP": "1.1", "CHF": "1"})
METRICS = [each for metric in ck.catalogue for each in (metric, *metric.variants.values())]

TICKETS = "id,created_at,First Reply,status\n1,2026-01-05,2026-01-06,open\n2,2026-01-07,,open\n"
REASON = "no column of tickets fills first_replied_at; name the one that holds it with columns="


def lacking(metric: ck.Metric[Any]) -> tuple[str, tuple[str, ...]] | None:
    """The first set of fields of which the KPI needs one and a file may lack all."""
    found = needed_fields(metric, dated=False)
    return next((each for each in found if all(_may_be_absent(each[0], name) for name in each[1])), None)


def _may_be_absent(table: str, field: str) -> bool:
    return not record_type(RECORDS[table]).fields[field].required


@cache
def written(table: str) -> str:
    file = io.StringIO()
    ck.write_csv(COMPANY[table], file)
    return file.getvalue()


@cache
def without(table: str, *fields: str) -> ck.Dataset:
    """The sample company, with a file without columns for the fields."""
    read: Any = ck.read_csv(io.StringIO(written(table)), record=RECORDS[table], columns=dict.fromkeys(fields))
    return ck.Dataset(**{**COMPANY, table: read}, currency="EUR", as_of=AS_OF, rates=RATES, calendar=CALENDAR)


def parameters(metric: ck.Metric[Any]) -> dict[str, Any]:
    return {name: 1 for name, parameter in metric.parameters.items() if parameter.default is None}


TABLE = ck.Table(ck.Deal)
NEEDED = [  # a condition, and the fields of which it needs one
    (TABLE.closed_at.present(), [("closed_at",)]),
    (TABLE.closed_at.missing(), []),
    (~TABLE.closed_at.missing(), [("closed_at",)]),
    (~TABLE.closed_at.present(), []),
    (~~TABLE.closed_at.present(), [("closed_at",)]),
    ((TABLE.status == "won") & TABLE.closed_at.present(), [("closed_at",), ("status",)]),
    ((TABLE.status == "won") | TABLE.closed_at.present(), [("closed_at", "status")]),
    (~((TABLE.status == "won") & TABLE.closed_at.missing()), [("closed_at", "status")]),
    (~((TABLE.status == "won") | TABLE.closed_at.missing()), [("closed_at",), ("status",)]),
    (TABLE.closed_at.missing() & TABLE.stage.missing(), [("closed_at", "stage")]),
    ((TABLE.owner == "Ada") & ((TABLE.owner == "Ada") | TABLE.stage.present()), [("owner",)]),
]


@pytest.mark.parametrize(("condition", "needed"), NEEDED, ids=range(len(NEEDED)))
def test_a_field_is_needed_where_nothing_makes_the_condition_false(condition: Any, needed: Any) -> None:
    @ck.metric(counted=TABLE.count(condition), unit="count")
    def counted_deals(counted: int) -> int:
        """How many deals are counted."""
        return counted

    assert needed_fields(counted_deals, dated=False) == tuple(("deals", names) for names in needed)


@pytest.mark.parametrize("metric", [each for each in METRICS if lacking(each)], ids=lambda metric: metric.id)
def test_a_kpi_without_the_column_of_a_field_that_it_needs_has_no_value(metric: ck.Metric[Any]) -> None:
    table, fields = lacking(metric) or ("", ())
    result = without(table, *fields).measure(metric, parameters=parameters(metric))[0]
    assert result.value is None
    assert isinstance(result.reason, UnreadableReason)
    assert (
        result.reason == f"no column of {table} fills {' or '.join(fields)}; name the one that holds it with columns="
    )


RELATED = ("sales_cycle_length.from_lead", "sales_cycle_length.from_lead_median", "stage_conversion_rate")
GROUPS: dict[tuple[str, tuple[str, ...]], list[ck.Metric[Any]]] = {}
for each in METRICS:
    if len(each.tables) == 1 and each.id not in RELATED and (missing := lacking(each)):
        GROUPS.setdefault(missing, []).append(each)


@pytest.mark.slow
@pytest.mark.parametrize("reader", ["stream", "scan", "scan by DuckDB", "dicts", "frame"])
def test_each_reader_knows_it_for_each_kpi_of_one_table(reader: str, tmp_path: Path) -> None:
    pl = pytest.importorskip("polars")
    for (table, fields), metrics in GROUPS.items():
        rows = list(csv.reader(io.StringIO(written(table))))[:30]
        kept = [place for place, header in enumerate(rows[0]) if header not in fields]
        rows = [[row[place] for place in kept] for row in rows]
        with (path := tmp_path / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
        dicts = [dict(zip(rows[0], row, strict=True)) for row in rows[1:]]
        read: Any = {
            "stream": lambda: ck.stream_csv(path, record=RECORDS[table]),  # noqa: B023
            "scan": lambda: ck.scan(path, record=RECORDS[table]),  # noqa: B023
            "scan by DuckDB": lambda: ck.scan(path, record=RECORDS[table], engine="duckdb"),  # noqa: B023
            "dicts": lambda: ck.read_dicts(dicts, record=RECORDS[table]),  # noqa: B023
            "frame": lambda: ck.table(pl.DataFrame(dicts), record=RECORDS[table], parse=True),  # noqa: B023
        }[reader]
        crm = ck.Dataset(**{table: read()}, currency="EUR", as_of=AS_OF, rates=RATES, calendar=CALENDAR)
        asked = {name: value for metric in metrics for name, value in parameters(metric).items()}
        reasons = {one.definition: one.reason for one in crm.measure(metrics, parameters=asked)}
        assert set(reasons.values()) == {
            f"no column of {table} fills {' or '.join(fields)}; name the one that holds it with columns="
        }, reasons


SEVERAL = sorted({each for metric in METRICS for each in needed_fields(metric, dated=False) if len(each[1]) > 1})


@pytest.mark.parametrize(("table", "fields"), SEVERAL)
def test_a_column_of_one_of_several_fields_suffices(table: str, fields: tuple[str, ...]) -> None:
    asked = [metric for metric in METRICS if (table, fields) in needed_fields(metric, dated=False)]
    for kept in fields:
        data = without(table, *(name for name in fields if name != kept))
        reasons = [data.measure(metric, parameters=parameters(metric))[0].reason for metric in asked]
        assert not [reason for reason in reasons if f"fills {' or '.join(fields)};" in (reason or "")]


@pytest.mark.parametrize("field", ["lost_reason", "deleted", "owner"])
def test_a_column_that_no_measure_needs_may_be_absent(field: str) -> None:
    whole = ck.Dataset(deals=COMPANY["deals"], as_of=AS_OF, currency="EUR", rates=RATES)
    assert ck.win_rate(without("deals", field)).value == ck.win_rate(whole).value


def read_csv(text: str, _: Path, **options: Any) -> Any:
    return ck.read_csv(io.StringIO(text), record=ck.Ticket, **options)


def stream_csv(text: str, _: Path, **options: Any) -> Any:
    return ck.stream_csv(io.StringIO(text), record=ck.Ticket, **options)


def read_dicts(text: str, _: Path, **options: Any) -> Any:
    head, *rows = (line.split(",") for line in text.splitlines())
    return ck.read_dicts([dict(zip(head, row, strict=True)) for row in rows], record=ck.Ticket, **options)


def scan(text: str, folder: Path, columns: Any = None) -> Any:
    pytest.importorskip("polars")
    (folder / "tickets.csv").write_text(text, encoding="utf-8")
    turned = {field: header for header, field in (columns or {}).items()}
    return ck.scan(folder / "tickets.csv", record=ck.Ticket, columns=turned)


def polars(text: str, _: Path, columns: Any = None) -> Any:
    pl = pytest.importorskip("polars")
    frame = pl.read_csv(io.StringIO(text), try_parse_dates=True).cast({"id": pl.String})
    turned = {field: header for header, field in (columns or {}).items()}
    return ck.table(frame, record=ck.Ticket, columns=turned)


def duckdb(text: str, folder: Path, columns: Any = None) -> Any:
    library = pytest.importorskip("duckdb")
    (folder / "tickets.csv").write_text(text, encoding="utf-8")
    frame = library.read_csv(str(folder / "tickets.csv"), dtype={"id": "VARCHAR"})
    turned = {field: header for header, field in (columns or {}).items()}
    return ck.table(frame, record=ck.Ticket, columns=turned)


@pytest.mark.parametrize("read", [read_csv, stream_csv, read_dicts, scan, polars, duckdb])
def test_all_readers_know_which_fields_no_column_fills(read: Callable[..., Any], tmp_path: Path) -> None:
    assert ck.first_response_time(read(TICKETS, tmp_path)).reason == REASON
    assert ck.backlog(read(TICKETS, tmp_path)).value == 2


@pytest.mark.parametrize("read", [read_csv, stream_csv, read_dicts, scan, polars, duckdb])
def test_a_flag_that_no_column_fills_is_not_false_for_a_kpi_of_those_where_it_is_true(
    read: Callable[..., Any], tmp_path: Path
) -> None:
    text = "id,created_at,Tier 2,status\n1,2026-01-05,true,solved\n2,2026-01-07,false,solved\n"
    assert ck.escalation_rate(read(text, tmp_path)).reason == REASON.replace("first_replied_at", "escalated")
    assert ck.ticket_volume(read(text, tmp_path)).value == 2
    assert ck.escalation_rate(read(text, tmp_path, columns={"Tier 2": "escalated"})).value == 0.5


ORDERS = "id,customer_id,amount,State\n1,A,5,completed\n2,A,5,returned\n"


@pytest.mark.parametrize("metric", [ck.return_rate, ck.cart_abandonment_rate])
def test_orders_without_a_status_are_completed_which_says_nothing_of_other_states(metric: ck.Metric[Any]) -> None:
    crm = ck.Dataset(orders=ck.read_csv(io.StringIO(ORDERS), record=ck.Order), currency="EUR")
    assert crm.measure(metric)[0].reason == "no column of orders fills status; name the one that holds it with columns="
    assert ck.average_order_value(crm).value == 5
    assert ck.purchase_frequency(crm).value == 2
    named = ck.read_csv(io.StringIO(ORDERS), record=ck.Order, columns={"State": "status"})
    assert metric(named).value is not None
    stated = ck.read_csv(io.StringIO(ORDERS), record=ck.Order, defaults={"status": "completed"})
    assert metric(stated).value is not None


@pytest.mark.parametrize("read", [read_csv, stream_csv, read_dicts, scan, polars, duckdb])
def test_the_way_out_of_the_reason_works(read: Callable[..., Any], tmp_path: Path) -> None:
    named = read(TICKETS, tmp_path, columns={"First Reply": "first_replied_at"})
    assert ck.first_response_time(named).value is not None


def test_a_period_needs_the_column_of_its_date() -> None:
    deals = ck.read_csv(io.StringIO("id,status\n1,won\n2,lost\n"), record=ck.Deal)
    assert ck.win_rate(deals).value == 0.5
    assert ck.win_rate(deals, period="2026").reason == (
        "no column of deals fills closed_at; name the one that holds it with columns="
    )


def test_a_scorecard_leaves_off_what_its_files_have_no_columns_for() -> None:
    tickets = ck.read_csv(io.StringIO(TICKETS), record=ck.Ticket)
    report = ck.Dataset(tickets=tickets, as_of=AS_OF).scorecard("service", period="2026-01", compare=None)
    assert "first_response_time" not in {result.definition for result in report}
    assert any(note.startswith("not measured for lack of a column for tickets.") for note in report.notes)


def test_a_field_that_is_filled_afterwards_is_not_lacking() -> None:
    leads = ck.read_csv(io.StringIO("id,created_at\nL1,2026-01-01\n"), record=ck.Lead)
    deals = [ck.Deal(id="D1", status="open", lead_id="L1", created_at="2026-01-05")]
    joined, _ = ck.join_leads(leads, deals)
    assert ck.lead_conversion_rate(joined).reason is None


def test_a_file_without_ids_must_still_have_the_columns_that_every_record_needs() -> None:
    with pytest.raises(ColumnError, match="no column for 'status', which every Deal needs; its columns are 'Name'"):
        ck.read_csv(io.StringIO("Name,Stage\nA,Closed Won\n"), record=ck.Deal)


def test_the_command_names_the_columns_that_fill_no_field_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "tickets.csv").write_text(TICKETS, encoding="utf-8")
    assert main(["report", "first_response_time", "--tickets", str(tmp_path / "tickets.csv")]) == 1
    out, err = capsys.readouterr()
    assert "no column of tickets fills first_replied_at" in out
    assert "tickets.csv: columns that fill no field: First Reply" in err


@pytest.mark.parametrize("read", [ck.read_csv, ck.stream_csv])
def test_the_scale_of_a_survey_is_known_by_its_kind_however_it_is_read(read: Callable[..., Any]) -> None:
    rows = "id,kind,score\n1,csat,5\n2,csat,2\n"
    assert ck.customer_satisfaction_score(read(io.StringIO(rows), record=ck.Survey)).value == 0.5
    assert ck.customer_effort_score(read(io.StringIO("id,kind,score\n1,ces,5\n"), record=ck.Survey)).value == 5
