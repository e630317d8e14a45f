"""The corpus: every file has the KPIs of its facts, through every reader and engine."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.frames.batches import frame_of_records

from .exports import LOCALES, Export, expected_of, export_of
from .systems import SYSTEMS

EXPORTS = [export_of(system, LOCALES[name]) for system in SYSTEMS for name in system.locales]
NAMED = pytest.mark.parametrize("export", EXPORTS, ids=lambda export: export.name)
_campaigns = ck.Table(ck.Campaign)


@ck.metric(cost=_campaigns.sum(_campaigns.cost), unit="money", at=None)
def spend(cost: Decimal) -> Decimal:
    """The total cost of the campaigns."""
    return cost


_interactions = ck.Table(ck.Interaction)


@ck.metric(responses=_interactions.count(_interactions.direction == "inbound"), unit="count", at=None)
def responses(responses: int) -> int:
    """The number of responses."""
    return responses


OWN = {"spend": spend, "responses": responses}


def read(export: Export, **more: Any) -> Any:
    return ck.read_csv(io.BytesIO(export.content), preset=export.system.preset, **export.options, **more)


def values(export: Export, data: Any) -> dict[str, Any]:
    """The KPIs of a table, records or frame or stream, in the order of the system."""
    found = {}
    crm = ck.Dataset(**{export.system.table: data})
    for kpi in export.system.kpis:
        if kpi == "stage_visits":
            continue
        metric = OWN[kpi] if kpi in OWN else ck.catalogue.find(kpi)
        found[kpi] = metric(crm).value
    return found


def expected(export: Export) -> dict[str, Any]:
    known = {kpi: expected_of(export.facts, kpi) for kpi in export.system.kpis}
    known.pop("stage_visits", None)
    return known


def same(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    for kpi, value in wanted.items():
        assert found[kpi] == (value if isinstance(value, Decimal | timedelta) else pytest.approx(value)), kpi


def test_the_corpus_is_as_wide_as_it_says() -> None:
    assert len(EXPORTS) >= 60
    assert {each.system.preset for each in EXPORTS} == {
        name for name, preset in ck.presets.PRESETS.items() if preset.record is not None
    }
    assert {each.locale.name for each in EXPORTS} == set(LOCALES)


@NAMED
def test_a_file_gives_its_kpis(export: Export) -> None:
    records = read(export)
    assert records.rejected == ()
    assert len(records) == len(export.facts)
    assert not getattr(records.account, "unreadable", ())
    same(values(export, records), expected(export))
    currencies = {each.currency for each in records if getattr(each, "amount", None) is not None}
    if export.system.local and currencies and export.system.table == "deals":
        assert currencies == {export.locale.currency}


@NAMED
def test_a_file_is_recognised_as_what_it_is(export: Export, tmp_path: Path) -> None:
    if not export.system.recognised:
        pytest.skip("its headers are those of any table")
    file = tmp_path / "export.csv"
    file.write_bytes(export.content)
    found = ck.read_export(file, **export.options)
    assert found.account.preset == export.system.preset
    assert list(found) == list(read(export))


@NAMED
def test_a_stream_gives_the_same(export: Export) -> None:
    if export.system.preset == "salesforce_stage_history":
        pytest.skip("changes make visits only when all of them are there")
    stream = ck.stream_csv(io.BytesIO(export.content), preset=export.system.preset, **export.options)
    assert list(stream) == list(read(export))


@NAMED
def test_a_scan_gives_the_same(export: Export, tmp_path: Path) -> None:
    pytest.importorskip("polars")
    file = tmp_path / "export.csv"
    text = export.content.decode(
        export.options.get("encoding", "utf-16" if export.content[:2] == b"\xff\xfe" else "utf-8-sig")
    )
    file.write_text(text, encoding="utf-8", newline="")
    options = {name: value for name, value in export.options.items() if name != "encoding"}
    options["columns"] = {field: header for header, field in options.get("columns", {}).items()}
    table = ck.scan(file, preset=export.system.preset, **options)
    same(values(export, table), expected(export))


@NAMED
def test_a_frame_of_its_records_gives_the_same(export: Export) -> None:
    pytest.importorskip("polars")
    records = read(export)
    kind = record_type(records.record)
    frame = frame_of_records(records, kind)
    columns = {name: f"crmkpi {name}" for name, known in kind.fields.items() if known.kind != "attributes"}
    same(values(export, ck.table(frame, record=records.record, columns=columns)), expected(export))


def _words(export: Export) -> list[str]:
    """The command's options for the arguments that the file does not determine."""
    said, table, words = export.options, export.system.table, []
    for header, name in said.get("columns", {}).items():
        words += ["--columns", f"{table}:{header}={name}"]
    for name, value in said.get("defaults", {}).items():
        words += ["--default", f"{table}:{name}={value}"]
    if "encoding" in said:
        words += ["--encoding", said["encoding"]]
    if "day_first" in said:
        words.append("--day-first" if said["day_first"] else "--no-day-first")
    return words


@NAMED
def test_the_command_gives_the_same(export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kpis = [kpi for kpi in export.system.kpis if kpi not in (*OWN, "stage_visits")]
    if not kpis:
        pytest.skip("no KPI of the catalogue")
    file = tmp_path / "export.csv"
    file.write_bytes(export.content)
    table = export.system.table
    option = f"--{table.replace('_', '-')}"
    words = [option, str(file), "--preset", f"{table}={export.system.preset}", "--currency", export.locale.currency]
    code = main(["report", *kpis, *words, *_words(export), "--format", "json"])
    out = json.loads(capsys.readouterr().out)
    assert code == 0
    rows = out["results"] if isinstance(out, dict) else out
    found = {row["metric"]: row["value"] for row in rows}
    for kpi, value in expected(export).items():
        wanted = value.total_seconds() if hasattr(value, "total_seconds") else float(value)
        assert float(found[ck.catalogue.find(kpi).id]) == pytest.approx(wanted), kpi


def test_every_table_of_the_corpus_is_one_of_records() -> None:
    assert {each.system.table for each in EXPORTS} <= set(RECORDS)
