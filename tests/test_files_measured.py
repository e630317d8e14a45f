"""A file is measured as a frame or as records, only with the needed columns, with the same results."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.demo import sample_company
from crmkpi.errors import CrmKpiError, FileFormatError, InputError
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.rfm import rfm, split_holdout
from crmkpi.sources import files as files_module
from crmkpi.sources.files import FileRecords
from crmkpi.sources.frames.csv_parts import plain_part

pytest.importorskip("polars")
HEADERS = ("Id", "Status", "Amount", "Currency", "Closed at", "Owner", "Deleted", "Seats")
PLAIN = [
    ("1", "won", "5.50", "EUR", "2026-01-05T10:00:00", "Ada", "false", "3"),
    ("2", "Lost", "7", "EUR", "2026-02-05T10:00:00", "Bo", "false", ""),
    ("3", "open", "", "", "", "Ada", "true", "4"),
    ("4", "won", "12.25", "EUR", "2026-02-28T23:59:59", "", "false", ""),
]
BAD = [
    ("5", "Dead", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),  # an unknown status
    ("5", "won", "five", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("5", "won", "5", "EUR", "2026-02-30T10:00:00", "Ada", "false", ""),
    ("5", "won", "$5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("5", "won", "5", "EUR", "05.01.2026", "Ada", "false", ""),
    ("5", "won"),  # ragged
    ("5", "won", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", "", "more"),
    ("", "won", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("Total", "", "24.75", "", "", "", "", ""),
    ("", "", "24.75", "", "", "", "", ""),
    ("", "", "", "", "", "", "", ""),
    ("1", "lost", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),  # an existing id
    ("5", "won", "5", "EUR", "2026-01-05T10:00:00", 'A "da"', "false", "a,b"),
    ("5", "won", "5", "EUR", "2026-01-05T10:00:00", "Ädä", "maybe", ""),
    ("5", "won", "5", "EUR", "2999-01-05T10:00:00", "Ada", "false", ""),  # after today
]
QUESTIONS: list[dict[str, Any]] = [
    {"metrics": "win_rate"},
    {"metrics": ["win_rate", "revenue"], "by": "owner"},
    {"metrics": "revenue", "period": "2026-Q1", "every": "month", "by": "attributes.Seats"},
    {"metrics": "win_rate", "period": "2026-02", "compare": "previous"},
    {"metrics": "deal_volume", "by": lambda deal: deal.owner},
]


def written(folder: Path, rows: list[tuple[str, ...]], name: str = "deals.csv") -> Path:
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([HEADERS, *rows])
    return path


def facts(result: ck.Result) -> dict[str, Any]:
    """All attributes of a result; amounts that differ only in trailing zeros are equal."""
    names = [
        "definition",
        "value",
        "reason",
        "segment",
        "period",
        "inputs",
        "currency",
        "complete",
        "accounts",
        "interval",
        "change",
        "n",
    ]
    return {name: getattr(result, name) for name in names}


def answer(path: Path, question: dict[str, Any], *, scanned: bool, **settings: Any) -> Any:
    """The results of measuring a file, and the account of the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files_module, "_LEAST_SCANNED", 0 if scanned else 10**12)
        crm = ck.Dataset(deals=path, **settings)
        try:
            report = crm.measure(**question)
        except CrmKpiError as error:
            return type(error), str(error)
        account = crm.tables["deals"].account.to_dict()  # type: ignore[attr-defined]
        return [facts(result) for result in report], report.notes, account


@pytest.mark.parametrize("question", QUESTIONS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(bad=st.sampled_from(BAD), place=st.integers(0, len(PLAIN)), as_of=st.sampled_from([None, "2026-03-31"]))
@example(bad=BAD[-1], place=4, as_of=None)
def test_a_bad_row_anywhere_gives_the_same_answer_and_account_by_frame_and_by_reader(
    question: dict[str, Any], bad: tuple[str, ...], place: int, as_of: str | None, tmp_path: Path
) -> None:
    path = written(tmp_path, [*PLAIN[:place], bad, *PLAIN[place:]])
    assert answer(path, question, scanned=True, as_of=as_of) == answer(path, question, scanned=False, as_of=as_of)


LATE = [
    ("5", "Won", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),  # a value that no row above has
    ("5", " WON ", "5", "EUR", "2026-01-05T10:00:00", "Ada", "Yes", ""),
    ("5", "won", "5", "eur", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("5", "won", "5.1234", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("5", "won", "1.234", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("5", "won", "5", "EUR", "2026-01-05 10:00", "Ada", "false", ""),
    ("5", "won", "5", "EUR", "2026-01-05", "Ada", "false", ""),
    ("5", "won", "5", "EUR", "1970-01-01T00:00:00", "Ada", "false", ""),
    ("A-5", "won", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    ("Total 5", "won", "5", "EUR", "2026-01-05T10:00:00", "Ada", "false", ""),
    HEADERS,
]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("late", [*BAD, *LATE])
def test_a_row_unlike_all_rows_above_gives_the_same_answer_by_frame_and_by_reader(
    late: tuple[str, ...], dated: bool, tmp_path: Path
) -> None:
    above = [(str(number), *PLAIN[number % 4][1:]) for number in range(100, 400)]
    if not dated:
        above = [(*row[:4], "", *row[5:]) for row in above]
    path = written(tmp_path, [*above, late])
    for question in (QUESTIONS[0], QUESTIONS[1]):
        assert answer(path, question, scanned=True) == answer(path, question, scanned=False)


@pytest.mark.parametrize("late", [LATE[0], LATE[3], LATE[8]])
def test_a_plain_row_unlike_all_rows_above_leaves_the_file_a_frame(
    late: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "_LEAST_SCANNED", 0)
    above = [(str(number), *PLAIN[number % 4][1:]) for number in range(100, 400)]
    crm = ck.Dataset(deals=written(tmp_path, [*above, late]))
    assert crm.measure(["win_rate", "revenue"])[0].inputs == {"won": 151, "closed": 226}
    deals: Any = crm.tables["deals"]
    assert deals.frame is not None


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_last_line_of_one_cell_is_left_to_the_reader(end: str, tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_bytes(f"id,name\n1,Ada\n2,Bo\n3{end}".encode())
    assert plain_part(path, ck.Customer, None, None, {}) is None
    assert [row.line for row in ck.read_csv(path, record=ck.Customer).rejected] == [4]


def test_a_plain_file_is_read_looked_at_and_given_its_types_in_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    lazy = pytest.importorskip("polars").LazyFrame
    collect = lazy.collect

    def counted(frame: Any) -> Any:
        asked.append(1)
        return collect(frame)

    monkeypatch.setattr(lazy, "collect", counted)
    given: Any = {"only": frozenset({"status", "closed_at"})}
    assert plain_part(written(tmp_path, PLAIN), ck.Deal, None, None, given) is not None
    assert len(asked) == 3  # the pass, the count of left-out or non-plain rows, and the frame of the others


def test_a_plain_file_is_a_frame_of_the_columns_that_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files_module, "_LEAST_SCANNED", 0)
    crm = ck.Dataset(deals=written(tmp_path, PLAIN))
    deals: Any = crm.tables["deals"]
    assert crm.measure("win_rate")[0].inputs == {"won": 2, "closed": 3}
    assert deals.frame.columns.keys() == {"id", "status", "closed_at", "deleted"}
    assert deals.account.not_looked_at == ("Amount", "Currency", "Owner", "Seats")
    assert deals.account.coerced == {"Status": {"'Lost' read as 'lost'": 1}}
    assert crm.measure("revenue")[0].value == 17.75  # other fields: all columns are read
    assert deals.account.not_looked_at == ()
    assert [deal.owner for deal in deals] == ["Ada", "Bo", "Ada", None]


@pytest.mark.parametrize("bad", BAD)
def test_what_is_no_matter_of_the_question_is_said_by_neither(bad: tuple[str, ...], tmp_path: Path) -> None:
    """The rows that count are those of a fully read file, whatever the contents of the other columns."""
    path = written(tmp_path, [*PLAIN, bad])
    try:
        whole = ck.win_rate(ck.read_csv(path, record=ck.Deal))
    except CrmKpiError:
        return  # an ambiguous order of day and month, or sign, that no KPI needs
    assert ck.Dataset(deals=path).measure("win_rate")[0].inputs == whole.inputs


@pytest.mark.parametrize("scanned", [True, False])
def test_the_command_says_the_same_of_a_file_either_way(
    scanned: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files_module, "_LEAST_SCANNED", 0 if scanned else 10**12)
    path = written(tmp_path, [*PLAIN, ("", "", "", "", "", "", "", "")])
    assert main(["report", "win_rate", "--deals", str(path), "--format", "json"]) == 0
    found, messages = capsys.readouterr()
    assert json.loads(found)[0]["value"] == pytest.approx(2 / 3)
    assert messages == f"crmkpi: {path}: 1 skipped: blank row\ncrmkpi: {path}: columns that fill no field: Seats\n"


def test_several_files_and_related_tables_are_frames_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    customers = tmp_path / "customers.csv"
    customers.write_text("id,industry\nC1,retail\nC2,health\n")
    deals = tmp_path / "deals.csv"
    deals.write_text("id,status,customer_id\n1,won,C1\n2,lost,C1\n3,won,C2\n")
    found = []
    for least in (0, 10**12):
        monkeypatch.setattr(files_module, "_LEAST_SCANNED", least)
        crm = ck.Dataset(deals=deals, customers=customers)
        found.append(crm.measure("win_rate", by="customer.industry").to_json())
        assert (crm.tables["customers"].frame is None) is bool(least)  # type: ignore[attr-defined]
    assert found[0] == found[1]


def test_records_of_a_file_travel_and_are_joined_as_those_of_a_reader(tmp_path: Path) -> None:
    deals = tmp_path / "deals.csv"
    deals.write_text("id,status,lead_id\n1,won,L1\n2,lost,\n")
    leads = tmp_path / "leads.csv"
    leads.write_text("id\nL1\n")
    crm = ck.Dataset(deals=deals, leads=leads)
    made, _ = ck.join_leads(crm.tables["leads"], crm.tables["deals"])
    assert made[0].deal_id == "1"
    assert isinstance(crm.tables["deals"], FileRecords)


def test_a_path_that_is_no_file_of_records_is_refused_at_once() -> None:
    with pytest.raises(FileFormatError, match="none of the files that can be read"):
        ck.Dataset(deals="deals.parquet")


def test_fields_that_are_asked_for_by_name_are_read_alone(tmp_path: Path) -> None:
    deals = ck.read_csv(written(tmp_path, PLAIN), record=ck.Deal, only=["status"])
    assert [(deal.status, deal.amount, dict(deal.attributes)) for deal in deals[:2]] == [
        ("won", None, {}),
        ("lost", None, {}),
    ]
    assert ck.revenue(deals).value is None
    with pytest.raises(InputError, match="only= lists the fields"):
        ck.read_csv(written(tmp_path, PLAIN), record=ck.Deal, only="status")


@pytest.mark.slow
def test_every_kpi_of_the_sample_company_is_the_same_of_its_files_either_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables: dict[str, Any] = {}
    for name, records in sample_company(0.05).items():
        tables[name] = tmp_path / f"{name}.csv"
        ck.write_csv(records, tables[name])
    found = []
    for least in (0, 10**12):
        monkeypatch.setattr(files_module, "_LEAST_SCANNED", least)
        crm = ck.Dataset(**tables, as_of="2026-12-31", currency="EUR")
        told: dict[str, Any] = {}
        for metric in ck.catalogue:
            parameters = {name: 5 for name, parameter in metric.parameters.items() if parameter.default is None}
            try:
                report = crm.measure(metric, period="2026-Q3", compare="previous", parameters=parameters)
                told[metric.id] = [facts(result) for result in report], report.notes
            except CrmKpiError as error:
                told[metric.id] = type(error), str(error)
        found.append(told)
        assert (crm.tables["orders"].frame is None) is bool(least)  # type: ignore[attr-defined]
    assert found[0] == found[1]


def test_a_file_is_grouped_by_a_field_of_a_table_that_nobody_has_named_before(tmp_path: Path) -> None:
    deals = tmp_path / "deals.csv"
    deals.write_text("id,status,customer_id,amount\n1,won,a,5\n", encoding="utf-8")
    asked = (
        f"import crmkpi as ck\ntry:\n    ck.Dataset(deals={str(deals)!r}).measure('revenue', by='customer.industry')\n"
        "except ck.CrmKpiError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert "customers" in done.stdout


@pytest.mark.parametrize("amounts", [True, False])
@pytest.mark.parametrize("bad", [(), ("8", "C1", "soon", "5", "completed"), ("9", "", "2026-01-09", "-3", "completed")])
def test_cohorts_and_rfm_of_a_file_are_the_same_by_frame_and_by_reader(
    amounts: bool, bad: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(str(n), f"C{n % 3}", f"2026-0{n % 4 + 1}-1{n}", f"{n}.50", "completed") for n in range(8)]
    headers = ("id", "customer_id", "ordered_at", "amount", "status")
    path = tmp_path / "orders.csv"
    lines = [row[: None if amounts else 3] for row in (headers, *rows, bad) if row]
    path.write_text("\n".join(",".join(line) for line in lines) + "\n", encoding="utf-8")
    found = []
    ways: list[dict[str, Any]] = [{}, {"retention": "rolling"}, {"measure": "orders"}]
    for least in (0, 10**12):
        monkeypatch.setattr(files_module, "_LEAST_SCANNED", least)
        crm = ck.Dataset(orders=path, as_of=date(2026, 4, 30))
        analyses: list[Any] = [cohorts(crm, **way).to_dicts() for way in ways]
        try:
            held = split_holdout(crm, as_of=date(2026, 2, 28), until=date(2026, 4, 30))
            later = sorted(zip(map(str, held.table.rows), held.actual, strict=True))
            analyses += [sorted(map(str, rfm(crm).rows)), rfm(crm).left_out, later, held.new_customers]
        except CrmKpiError as error:
            analyses.append((type(error), str(error)))
        found.append(analyses)
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("ids", "twice"),
    [
        (["1", "2", "10"], False),
        (["1", "1"], True),
        (["2", "1", "2"], True),
        (["1", "01"], False),  # two texts, so two ids
        (["01", "1", "1"], True),
        (["a", "b"], False),
        (["a", "b", "a"], True),
        (["0", str(2**62), str(2**63 - 1), str(-(2**63)), str(-(2**62)), "0"], True),  # their distances wrap around
        (["9" * 30, "9" * 30], True),
    ],
)
def test_ids_that_come_twice_are_found_in_any_order(ids: list[str], twice: bool, tmp_path: Path) -> None:
    path = tmp_path / "deals.csv"
    path.write_text("id,status\n" + "".join(f"{one},won\n" for one in ids), encoding="utf-8")
    assert (plain_part(path, ck.Deal, None, None, {}) is None) == twice
