"""The review of a KPI set: each finding is reported where it is planted, and not where it is fixed."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.errors import InputError
from crmkpi.insight.kpi_set_keys import kpi_set_schema
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.review import review


def company(won: int = 40, many: int = 60) -> ck.Dataset:
    random = Random(4)
    months = [date(2024 + (6 + m) // 12, (6 + m) % 12 + 1, 5) for m in range(24)]
    deals = [
        ck.Deal(id=f"{m}-{n}", status="won" if random.random() * 100 < won else "lost", closed_at=month, amount=100,
                created_at=month.replace(day=1))
        for m, month in enumerate(months)
        for n in range(many + random.randrange(-many // 4, many // 4 + 1))
    ]  # fmt: skip
    return ck.Dataset(deals=deals, currency="EUR", as_of=date(2026, 6, 30))


TARGET: dict[str, Any] = {"owner": "Ada", "until": "2026-12", "why": "plan", "from": "2026-01"}


def codes(crm: ck.Dataset, *kpis: dict[str, Any], **more: Any) -> dict[str, tuple[str, ...]]:
    before = more.pop("before", None)
    found = review(crm, kpi_set({"kpi": list(kpis), **more}), before=before and kpi_set({"kpi": before}))
    return {one.code: one.metrics for one in found.findings}


def win(low: float, **more: Any) -> dict[str, Any]:
    return {"id": "win_rate", "target": {"at_least": low}, **TARGET, **more}


PIPELINE = {"id": "deal_volume", "target": {"at_least": 70}, **TARGET}


def test_a_set_of_which_nothing_is_to_be_said_has_no_finding():
    assert codes(company(), win(0.4), PIPELINE, reviewed="2026-05-01") == {}


@pytest.mark.parametrize(
    ("code", "planted", "mended"),
    [
        ("no target", [{"id": "win_rate"}, PIPELINE], [win(0.4), PIPELINE]),
        ("no owner", [win(0.4, owner=None), PIPELINE], [win(0.4), PIPELINE]),
        ("no end", [{"id": "win_rate", "target": {"at_least": 0.4}, "owner": "Ada", "why": "x"}], [win(0.4)]),
        ("no reason", [win(0.4, why=None)], [win(0.4)]),
        ("only grows", [{"id": "deal_volume"}], [PIPELINE]),
        ("none leads", [win(0.4)], [win(0.4), PIPELINE]),
        ("says the same", [win(0.4), {"id": "lost_rate", "target": {"at_most": 0.6}, **TARGET}], [win(0.4), PIPELINE]),
        ("not measured", [{"id": "handle_time"}], [win(0.4)]),
        ("no guard", [{"id": "sales_cycle_length"}], [{"id": "sales_cycle_length"}, {"id": "average_deal_size"}]),
        ("always reached", [win(0.05)], [win(0.4)]),
        (
            "too many",
            [{"id": name} for name in ("win_rate", "revenue", "won_deals", "lost_deals", "deal_volume", "open_deals",
                                       "pipeline_value", "lost_rate")],
            [win(0.4)],
        ),
    ],
)  # fmt: skip
def test_a_finding_is_found_where_it_is_planted_and_not_where_it_is_mended(
    code: str, planted: list[dict[str, Any]], mended: list[dict[str, Any]]
):
    planted = [{key: value for key, value in one.items() if value is not None} for one in planted]
    assert code in codes(company(), *planted)
    assert code not in codes(company(), *mended)


def test_few_records_and_no_value_are_told_with_their_evidence():
    assert "few records" in codes(company(many=8), win(0.4))
    assert "few records" not in codes(company(many=60), win(0.4))
    lost = codes(company(won=0), {"id": "average_deal_size"})
    assert lost["no value"] == ("average_deal_size",)


def test_a_target_that_was_changed_while_its_time_ran_is_told():
    assert codes(company(), win(0.4), PIPELINE, before=[win(0.5)])["target changed"] == ("win_rate",)
    assert "target changed" not in codes(company(), win(0.4), PIPELINE, before=[win(0.4)])
    coming = win(0.5, **{"from": "2026-09"})
    assert "target changed" not in codes(company(), win(0.4), PIPELINE, before=[coming])


def test_a_set_that_was_not_looked_through_for_half_a_year_is_due():
    assert "review is due" in codes(company(), win(0.4), PIPELINE, reviewed="2025-12-01")
    assert "review is due" not in codes(company(), win(0.4), PIPELINE, reviewed=date(2026, 1, 15))
    with pytest.raises(InputError, match="is a day"):
        kpi_set({"kpi": [{"id": "win_rate"}], "reviewed": "last spring"})


def test_without_a_day_to_look_back_from_it_is_refused():
    with pytest.raises(InputError, match="as_of"):
        review(ck.Dataset(deals=[]), kpi_set({"kpi": [{"id": "win_rate"}]}))


def test_every_finding_has_evidence_and_a_suggestion_and_is_shown():
    found = review(company(), kpi_set({"name": "Sales", "kpi": [{"id": "win_rate"}, {"id": "handle_time"}]}))
    assert all(one.evidence and one.suggestion for one in found.findings)
    assert str(found).startswith("Sales: ")
    assert len(json.loads(found.to_json())) == len(found.findings)
    assert "<table" in found.to_html()


def test_the_command_looks_through_a_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "kpis.toml").write_text('[[kpi]]\nid = "win_rate"\n', encoding="utf-8")
    rows = ["id,status,closed_at", *(f"{n},{'won' if n < 3 else 'lost'},2026-01-10" for n in range(10))]
    (tmp_path / "deals.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    command = ["review", str(tmp_path / "kpis.toml"), "--deals", str(tmp_path / "deals.csv")]
    assert main([*command, "--as-of", "2026-01-31"]) == 0
    assert "no target" in capsys.readouterr().out
    assert main(command) == 2
    assert "--as-of" in capsys.readouterr().err


def test_the_schema_takes_what_is_read_and_refuses_what_is_not(capsys: pytest.CaptureFixture[str]):
    jsonschema = pytest.importorskip("jsonschema")
    assert main(["kpi-set", "--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema == json.loads(kpi_set_schema())
    check = jsonschema.Draft202012Validator(schema)
    check.check_schema(schema)
    alert = {"when": "below", "value": 0.2, "for": 2, "at_least_n": 30}
    good = {"name": "Sales", "period": "month", "reviewed": "2026-01-31", "kpi": [win(0.4, alert=[alert]), PIPELINE]}
    assert kpi_set(good)
    assert not list(check.iter_errors(good))
    for bad in (
        {"kpi": [{"id": "winrate"}]},
        {"kpi": [{"id": "win_rate", "targt": {"at_least": 0.4}}]},
        {"kpi": [{"id": "win_rate", "target": {"atleast": 0.4}}]},
        {"kpi": [{"id": "win_rate", "tier": "second"}]},
        {"kpi": [{"id": "win_rate"}], "period": "fortnight"},
    ):
        assert list(check.iter_errors(bad))
        with pytest.raises(ck.CrmKpiError):
            kpi_set(bad)
