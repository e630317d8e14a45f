"""A CSV file scanned as a frame equals its records: for every preset, and for any cell contents."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import CrmKpiError, FileFormatError, InputError
from crmkpi.quality.frames import records_of_frame
from crmkpi.records.base import record_type
from crmkpi.sources.frames import csv_files

from .test_files import NAMES, expected, file_of

pytest.importorskip("polars")
REFUSED = "a number too long for frames, which is refused in words"
CSV_NAMES = [name for name in NAMES if file_of(name).suffix == ".csv"]


def scan_words(name: str) -> dict[str, Any]:
    """The arguments for `scan`, whose columns map the field to the header."""
    words = dict(expected(name).get("options", {}))
    words["columns"] = {field: header for header, field in words.get("columns", {}).items()}
    return words


def facts(record: Any) -> dict[str, Any]:
    """All fields except a missing id: records have the line number, a frame the row number."""
    known = record_type(type(record)).fields
    found = {name: getattr(record, name) for name in known if name != "attributes"}
    found["id"] = None if record.id.startswith("row ") else record.id
    unreadable = {name: word for name, word in record.unreadable.items() if name != "id"}
    return {
        **found,
        "unreadable": unreadable,
        "attributes": {name: value for name, value in record.attributes.items() if value is not None},
    }


def same(table: Any, records: Any, names: Sequence[str] = ("win_rate", "weighted_pipeline", "deal_volume")) -> None:
    """Assert equal records, left-out rows with reasons, and values of the named KPIs."""
    home = table.type_.table
    found = records_of_frame(home, table)
    assert [facts(each) for each in found] == [facts(each) for each in records]
    assert dict(table.skipped) == dict(records.account.skipped)
    assert found.rejected == records.rejected
    of_scan, of_reader = (
        {name: count for name, count in account.unreadable_fields.items() if name != "id"}
        for account in (found.account, records.account)
    )
    assert of_scan == of_reader
    if not len(records):
        return
    days = [day for each in records for day in vars_of(each).values() if hasattr(day, "year")]
    as_of = None if not days else max(day.date() if hasattr(day, "date") else day for day in days)
    of_frame, of_records = (ck.Dataset(**{home: data}, as_of=as_of) for data in (table, records))
    for metric in map(ck.catalogue.find, names):
        of_a_frame = outcome(metric, of_frame)
        if of_a_frame != REFUSED:
            assert of_a_frame == outcome(metric, of_records), metric.id


def own_kpis(home: str) -> list[str]:
    return [metric.id for metric in ck.catalogue if metric.tables == (home,) and not metric.parameters]


def vars_of(record: Any) -> Mapping[str, Any]:
    return {name: getattr(record, name) for name in record_type(type(record)).fields}


def outcome(metric: Any, crm: Any) -> Any:
    try:
        result = metric(crm)
    except CrmKpiError as problem:
        is_size = "more digits than can be added exactly" in str(problem) or "more than 18 digits" in str(problem)
        return REFUSED if is_size else type(problem)
    return result.value, result.reason, result.currency, result.n, result.accounts


@pytest.mark.one_of(3)
@pytest.mark.parametrize("name", CSV_NAMES)
def test_a_scanned_export_gives_what_its_records_give(name: str) -> None:
    records = ck.read_csv(file_of(name), preset=name, **expected(name).get("options", {}))
    table = ck.scan(file_of(name), preset=name, engine="polars", **scan_words(name))
    same(table, records, own_kpis(table.type_.table))


def test_totals_and_files_that_are_no_csv_are_refused_in_words() -> None:
    with pytest.raises(InputError, match="averages for each agent and no records"):
        ck.scan(file_of("chatwoot_agent_report"), preset="chatwoot_agent_report")
    with pytest.raises(
        FileFormatError, match=r"scan\(\) reads Parquet and CSV files; got '.*zendesk_ticket_api.jsonl'"
    ):
        ck.scan(file_of("zendesk_ticket_api"), preset="zendesk_ticket_api")
    assert {*CSV_NAMES, "chatwoot_agent_report", "zendesk_ticket_api"} == set(ck.presets.PRESETS)


def test_duckdb_has_the_records_of_an_export_that_the_reader_gives() -> None:
    pytest.importorskip("duckdb")
    file = file_of("zoho_deal")
    said: Any = {"preset": "zoho_deal", "values": {"currency": {"$": "USD"}}}
    read = ck.read_csv(file, **said)
    found = ck.scan(file, engine="duckdb", **said)
    assert ck.win_rate(found).inputs == ck.win_rate(read).inputs
    assert found.skipped == read.account.skipped
    assert found.unfilled == frozenset(read.account.unfilled)


def test_words_for_texts_are_refused_for_parquet(tmp_path: Path) -> None:
    polars = pytest.importorskip("polars")
    polars.DataFrame({"id": ["1"], "status": ["won"]}).write_parquet(tmp_path / "deals.parquet")
    with pytest.raises(InputError, match=r"decimal=, day_first= say how texts are read, and .* is no CSV file"):
        ck.scan(tmp_path / "deals.parquet", record=ck.Deal, decimal=",", day_first=True)


PLAIN = {
    "Id": st.sampled_from(["006A", "007", "8", "0x9", "1e1", "11"]),
    "StageName": st.sampled_from(["Closed Won", "Negotiation", "prospecting ", "Besiegelt, am Ende", ""]),
    "IsWon": st.sampled_from(["true", "false", "1", ""]),
    "IsClosed": st.sampled_from(["true", "FALSE", "0", ""]),
    "IsDeleted": st.sampled_from(["false", "true", ""]),
    "CreatedDate": st.sampled_from(["2026-01-05T09:00:00.000+0000", "2026-10-25T00:30:00.000+0000", ""]),
    "CloseDate": st.sampled_from(["2026-02-28", "2024-02-29", ""]),
    "Amount": st.sampled_from(["1200", "0.1", "-7.25", "1234.567", "+5", ""]),
    "Probability": st.sampled_from(["0", "7", "33.3", "100", ""]),
    "CurrencyIsoCode": st.sampled_from(["EUR", "usd", ""]),
    "Region__c": st.sampled_from(["North", 'the "far" south', "a\nb", ""]),
}
DIRT = {
    "Id": st.sampled_from(["Total", " ", "Copyright (c) 2026"]),
    "IsWon": st.sampled_from(["maybe", " yes"]),
    "CreatedDate": st.sampled_from(
        ["2026-01-05", "31/01/2026", "2026-02-30T09:00:00.000+0000", "1", "2026-01-05T09:00Z"]
    ),
    "CloseDate": st.sampled_from(["2026-2-01", "2026-02-30", "28.02.2026", "2026-02-28T00:00:00", "today"]),
    "Amount": st.sampled_from(["$1,200.50", "1.234,56", "(5)", "n/a", "1e3", "9" * 30, "\u0661"]),
    "Probability": st.sampled_from(["50 %", "101", "-1", "nan"]),
    "Region__c": st.sampled_from(["'=1+1", "\u00a0"]),
}
# A scan is not searched for duplicate ids.
ROWS = st.lists(st.tuples(*PLAIN.values()).map(list), min_size=1, max_size=6, unique_by=lambda row: row[0])
FAULTS = st.lists(
    st.sampled_from([*DIRT]).flatmap(lambda name: st.tuples(st.just(name), st.integers(0, 5), DIRT[name])), max_size=2
)
OPTIONS = st.sampled_from([{}, {"tz": "Europe/Berlin"}, {"values": {"stage": {"Closed Won": "Done"}}}])
slow = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


def written(path: Path, rows: list[list[str]], *, quoting: int = csv.QUOTE_MINIMAL, ending: str = "\n") -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=quoting, lineterminator=ending).writerows([[*PLAIN], *rows])  # type: ignore[arg-type]
    return path


def compared(path: Path, options: Mapping[str, Any]) -> None:
    """Assert that both readers return the same, or fail alike."""
    try:
        records = ck.read_csv(path, preset="salesforce_opportunity", **options)
    except CrmKpiError as problem:
        with pytest.raises(type(problem)) as found:
            ck.scan(path, preset="salesforce_opportunity", engine="polars", **options)
        assert str(found.value) == str(problem) or "without an offset" in str(problem)
        return
    same(ck.scan(path, preset="salesforce_opportunity", engine="polars", **options), records)


@pytest.mark.slow
@slow
@given(ROWS, FAULTS, OPTIONS, st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]), st.sampled_from(["\n", "\r\n"]))
def test_whatever_the_cells_hold_a_scan_gives_what_the_records_give(
    tmp_path: Path,
    rows: list[list[str]],
    faults: list[tuple[str, int, str]],
    options: dict[str, Any],
    quoting: int,
    ending: str,
) -> None:
    for name, place, cell in faults:
        rows[place % len(rows)][[*PLAIN].index(name)] = cell
    compared(written(tmp_path / "deals.csv", rows, quoting=quoting, ending=ending), options)


@slow
@given(st.binary(max_size=120))
def test_no_bytes_below_the_headers_make_a_scan_differ(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "deals.csv"
    path.write_bytes(b"Id,StageName,Amount,CreatedDate\n1,Closed Won,5,2026-01-05\n" + content)
    compared(path, {})


@slow
@given(st.lists(st.tuples(st.sampled_from(["Ada", "A\rda", "\r", ""]), st.sampled_from(["\n", "\r\n", "\r"]))))
@example([("Ada", "\r\n"), ("A\rda", "\n")])  # as many delimiters and ends as in a line that ends with \r\n
def test_lines_that_end_in_several_ways_make_no_scan_differ(tmp_path: Path, lines: list[tuple[str, str]]) -> None:
    path = tmp_path / "deals.csv"
    rows = "".join(f"{number},Closed Won,{owner}{end}" for number, (owner, end) in enumerate(lines))
    path.write_bytes(b"Id,StageName,OwnerId\r\n" + rows.encode())
    compared(path, {})


@pytest.mark.slow
@slow
@given(ROWS, OPTIONS)
def test_what_is_written_plainly_is_not_read_as_records(
    tmp_path: Path, rows: list[list[str]], options: dict[str, Any]
) -> None:
    path = written(tmp_path / "deals.csv", rows)
    records = ck.read_csv(path, preset="salesforce_opportunity", **options)
    assume(not records.rejected and not records.account.unreadable)
    with pytest.MonkeyPatch.context() as patched:
        patched.delattr(csv_files, "RecordStream")
        same(ck.scan(path, preset="salesforce_opportunity", engine="polars", **options), records)
        patched.setattr(csv_files, "_MOST_HELD", 0)
        same(ck.scan(path, preset="salesforce_opportunity", engine="polars", **options), records)


@pytest.mark.parametrize(
    "broken", ["2,won", "2,won,5,6", '2,"won"x,5', "2,won,$1,200", '2,won,"5', "", "2,won,'=1"], ids=repr
)
def test_rows_of_another_width_and_broken_quotes_are_told_as_they_are_of_records(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "deals.csv"
    path.write_text(f"id,status,amount\n1,won,5\n{broken}\n3,lost,7\n", encoding="utf-8")
    try:
        records = ck.read_csv(path, record=ck.Deal)
    except FileFormatError as problem:
        with pytest.raises(FileFormatError) as found:
            ck.scan(path, record=ck.Deal)
        assert str(found.value) == str(problem)
        return
    same(ck.scan(path, record=ck.Deal), records)


def test_a_file_too_large_to_hold_must_be_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "deals.csv"
    path.write_text('id,status,amount\n1,won,"$1,200"\n', encoding="utf-8")
    monkeypatch.setattr(csv_files, "_MOST_HELD", 0)
    with pytest.raises(FileFormatError, match=r"deals.csv is too large to load at once, and has values that"):
        ck.scan(path, record=ck.Deal)


def test_many_csv_files_are_one_table_and_ids_keep_their_zeros(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,Status,amount\n007,won,5\n8,sold,1\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text('id,Status,amount\n9,Lost,"1,200.505"\n', encoding="utf-8")
    table = ck.scan(tmp_path / "*.csv", record=ck.Deal)
    found = records_of_frame("deals", table)
    assert [(deal.id, deal.status, deal.amount) for deal in found] == [
        ("007", "won", Decimal(5)),
        ("8", None, Decimal(1)),
        ("9", "lost", Decimal("1200.505")),
    ]
    assert dict(found[1].unreadable) == {"status": "'sold'"}
    assert ck.win_rate(table).unreadable == {"status": {"'sold'": 1}}


@pytest.mark.parametrize("digits", [18, 19, 25, 37, 38, 40, 400])
@pytest.mark.parametrize("record", [ck.Ticket, ck.Order])
def test_numbers_of_any_length_are_scanned_and_refused_where_they_are_added(
    tmp_path: Path, digits: int, record: Any
) -> None:
    path = tmp_path / "long.csv"
    name, moment = ("replies", "created_at") if record is ck.Ticket else ("amount", "ordered_at")
    path.write_text(f"id,{name},{moment}\n1,{'9' * digits},2026-01-01\n2,3,2026-01-02\n", encoding="utf-8")
    home = record_type(record).table
    records, table = ck.read_csv(path, record=record), ck.scan(path, record=record, engine="polars")
    for kpi in own_kpis(home):
        of_a_frame, of_records = (
            outcome(ck.catalogue.find(kpi), ck.Dataset(**{home: data})) for data in (table, records)
        )
        assert of_a_frame in (REFUSED, of_records), kpi


@pytest.mark.parametrize("engine", ["spark", "pandas", "Polars", "", ["polars"], 1])
def test_an_engine_that_scans_nothing_is_one_sentence_whose_way_out_works(engine: Any, tmp_path: Path) -> None:
    (tmp_path / "deals.csv").write_text("id,status\n1,won\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"^scan\(\) reads with engine='polars' or engine='duckdb'; got engine="):
        ck.scan(tmp_path / "deals.csv", record=ck.Deal, engine=engine)
    assert ck.win_rate(ck.scan(tmp_path / "deals.csv", record=ck.Deal)).value == 1
