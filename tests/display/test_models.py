"""Results and reports as pydantic types: their output has a schema and round-trips."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

import crmkpi as ck
from crmkpi.display.models import CountResult, DurationResult, MoneyResult, NumberResult

RESULT, REPORT = TypeAdapter(ck.Result), TypeAdapter(ck.Report)
DEALS = [
    ck.Deal(id="1", status="won", owner="Ada", amount="12.50", created_at="2026-01-02", closed_at="2026-01-09"),
    ck.Deal(id="2", status="won", owner="Bo", amount="0.10", created_at="2026-01-02", closed_at="2026-02-09"),
    ck.Deal(id="3", status="lost", owner="Bo", created_at="2026-01-02", closed_at="2026-02-01"),
    ck.Deal(id="4", status="won", owner=None, created_at="2026-01-02", closed_at="2026-02-01"),
]
KPIS = ["win_rate", "revenue", "lost_deals", "sales_cycle_length", "average_deal_size.median", "roas"]
QUESTIONS: dict[str, dict[str, Any]] = {
    "the whole data": {},
    "by segment": {"by": ["owner", "currency"]},
    "a quarter": {"period": "2026-Q1"},
    "months compared": {"period": "2026-Q1", "every": "month", "compare": "previous", "by": "owner"},
    "a span": {"period": "2026-01-05..2026-02-07"},
}


class Board(BaseModel):
    name: str
    best: ck.Result


def report_of(**question: Any) -> ck.Report:
    crm = ck.Dataset(deals=DEALS, campaigns=[], currency="EUR", as_of=date(2026, 2, 28))
    kpis = [name for name in KPIS if name != "roas" or "by" not in question]
    return crm.measure(kpis, **question)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_report_is_read_back_as_it_was_written(question: str) -> None:
    report = report_of(**QUESTIONS[question])
    again = REPORT.validate_json(REPORT.dump_json(report))
    assert again.to_dicts() == report.to_dicts()
    assert [result.value for result in again] == [result.value for result in report]
    assert REPORT.validate_python(report.to_dicts()).to_dicts() == report.to_dicts()
    for result in report:
        assert RESULT.validate_json(RESULT.dump_json(result)).to_dict() == result.to_dict()
        assert RESULT.validate_python(result) is result


def instants(row: dict[str, Any]) -> dict[str, Any]:
    """A row with parsed timestamps: JSON may write UTC as Z or as +00:00."""
    moments = {name: row[name] and datetime.fromisoformat(row[name]) for name in ("period_start", "period_end")}
    return row | moments


def test_json_of_pydantic_is_that_of_to_json() -> None:
    report = report_of(period="2026-Q1", compare="previous")
    written, told = json.loads(REPORT.dump_json(report)), json.loads(report.to_json())
    assert [instants(row) for row in written] == [instants(row) for row in told]


COMPARISON = ("previous_period", "previous_value", "change", "relative_change", "better", "change_low", "change_high")
NOT_COMPARED = dict.fromkeys((*COMPARISON, "p_value", "adjusted_p", "verdict", "detectable", "no_verdict")) | {
    "comparisons": 1
}


def test_every_key_of_a_row_that_is_no_segment_is_in_the_schema() -> None:
    rows = report_of(period="2026-Q1", compare="previous").to_dicts()
    for kind in (CountResult, DurationResult, MoneyResult, NumberResult):
        assert {*kind.model_fields} == {*rows[0]}


def test_the_schema_is_tagged_by_unit() -> None:
    for mode in ("validation", "serialization"):
        schema = RESULT.json_schema(mode=mode)
        assert schema["discriminator"]["propertyName"] == "unit"
        assert {"ratio", "money", "duration", "count"} <= {*schema["discriminator"]["mapping"]}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"metric": "win_rat"}, r"There is no KPI 'win_rat'. Did you mean 'win_rate'\?"),
        ({"unit": "money"}, "win_rate is Win rate in ratio, and the row says Win rate in money"),
        ({"title": "Revenue"}, "and the row says Revenue in ratio: it was changed, or written by another version"),
        ({"unit": "percent"}, "does not match any of the expected tags"),
        ({"value": "much"}, "valid number"),
        ({"n": None}, "valid integer"),
    ],
)
def test_a_row_that_was_changed_on_the_way_is_refused_in_words(change: dict[str, Any], message: str) -> None:
    row = report_of()[0].to_dict() | change
    with pytest.raises(ValidationError, match=message):
        TypeAdapter(ck.Result).validate_json(json.dumps(row))


def test_results_and_reports_are_response_models_of_a_service() -> None:
    app = FastAPI()

    @app.get("/result")
    def result() -> ck.Result:
        return report_of()[0]

    @app.get("/report")
    def report() -> ck.Report:
        return report_of(by="owner")

    @app.get("/board")
    def board() -> Board:
        return Board(name="Sales", best=report_of()[1])

    client = TestClient(app)
    assert client.get("/result").json() == report_of()[0].to_dict() | NOT_COMPARED
    assert client.get("/report").json() == [row | NOT_COMPARED for row in report_of(by="owner").to_dicts()]
    assert client.get("/board").json()["best"]["value"] == "12.60"
    schemas = client.get("/openapi.json").json()["components"]["schemas"]
    assert "currency" in schemas[next(name for name in schemas if name == "MoneyResult")]["properties"]
