"""Each preset on a file in its system's format, dirt included, with the records as a person reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.errors import InputError
from crmkpi.sources import Records

FILES = Path(__file__).parent / "files"
EXPECTED = {path.name.partition(".")[0]: path for path in sorted(FILES.glob("*.expected.json"))}
TOTALS = [name for name, preset in ck.presets.PRESETS.items() if preset.record is None]
NAMES = [name for name in EXPECTED if name not in TOTALS]


def file_of(name: str) -> Path:
    return next(path for path in FILES.glob(f"{name}.*") if ".expected" not in path.name)


def expected(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(EXPECTED[name].read_text(encoding="utf-8"))
    return found


def read(name: str, **more: Any) -> Records[Any]:
    reader = ck.read_json if file_of(name).suffix == ".jsonl" else ck.read_csv
    return reader(file_of(name), preset=name, **expected(name).get("options", {}), **more)


def plain(record: Any, like: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a record that a person recorded, as JSON."""
    values = asdict(record)
    return {name: said(values[name], of) for name, of in like.items()}


def said(value: Any, like: Any) -> Any:
    if isinstance(value, Decimal) and like is not None:
        return like if value == Decimal(like) else str(value)
    return value.isoformat() if isinstance(value, date) else value


def test_every_preset_has_a_file():
    assert set(EXPECTED) == set(ck.presets.PRESETS)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_reads_as_a_person_reads_it(name):
    want = expected(name)
    found = read(name)
    whole = [record for record in found if not record.unreadable]
    assert [plain(record, like) for record, like in zip(whole, want["records"], strict=True)] == want["records"]
    gone = [[row.line, row.field] for row in found.rejected]
    assert sorted([*gone, *([one.line, one.field] for one in found.account.unreadable)]) == want["rejected"]
    assert found.account.skipped == want["skipped"]


@pytest.mark.parametrize("name", NAMES)
def test_used_and_rejected_and_skipped_are_all_rows(name):
    account = read(name).account
    assert account.used + len(account.rejected) + sum(account.skipped.values()) == account.rows
    assert max(map(len, repr(account).splitlines())) <= 80
    assert json.loads(json.dumps(account.to_dict()))["rows"] == account.rows


@pytest.mark.parametrize("name", [name for name in NAMES if expected(name).get("recognised", True)])
def test_the_system_is_recognised_by_the_headers(name):
    found = ck.read_export(file_of(name), **expected(name).get("options", {}))
    assert found.account.recognised.preset == found.account.preset == name
    assert list(found) == list(read(name))


@pytest.mark.parametrize("name", TOTALS)
def test_a_file_of_totals_is_recognised_and_refused(name):
    for reader in (ck.read_export, lambda path: ck.read_csv(path, preset=name)):
        with pytest.raises(InputError, match="averages for each agent and no records"):
            reader(file_of(name))


@pytest.mark.parametrize("table", sorted(sample_company(scale=0.05)))
def test_a_file_that_we_wrote_ourselves_is_taken_for_no_system(table, tmp_path):
    path = tmp_path / f"{table}.csv"
    ck.write_csv(sample_company(scale=0.05)[table], path)
    record = ck.records.RECORDS[table].__name__
    with pytest.raises(InputError, match=f"{table}.csv has the columns of {record} and shows no system"):
        ck.read_export(path)


def test_what_single_headers_rest_on_is_said_of_headers_that_are_there():
    for preset in ck.presets.PRESETS.values():
        for column in preset.columns:
            assert set(column.headers_seen) <= set(column.headers), (preset.name, column.headers)
        if preset.stages is not None:
            assert set(preset.stages.headers_seen) <= {*preset.stages.entered, *preset.stages.left}


def test_words_that_no_file_and_no_code_shows_are_said_to_rest_on_documents():
    leads, deals = ck.presets.PRESETS["salesforce_lead"], ck.presets.PRESETS["hubspot_deal"]
    status = next(column for column in leads.columns if "Lead Status" in column.headers)
    assert (leads.seen_of(status), status.words_seen) == ("code", "documents")
    assert {rule.seen for rule in leads.leave_out} == {"documents"}
    closed = next(column for column in deals.columns if "hs_is_closed" in column.headers)
    assert closed.headers_seen == {"Is Deal Closed?": "documents", "Is closed (numeric)": "documents"}
