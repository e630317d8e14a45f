"""A FastAPI service on PostgreSQL tables: its responses, schema, errors, and many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.testclient import TestClient
from pydantic import TypeAdapter

import crmkpi as ck

from .servers import engine, postgresql

sa = pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
ROWS = [
    (f"{owner}{n}", "won" if n < won else "lost", owner, n) for owner, won in (("Ada", 3), ("Bo", 5)) for n in range(9)
]


@pytest.fixture(scope="module")
def client() -> TestClient:
    opened = engine(postgresql())
    with opened.begin() as connection:
        connection.execute(sa.text("DROP TABLE IF EXISTS service_opportunities"))
        connection.execute(
            sa.text(
                "CREATE TABLE service_opportunities (id TEXT PRIMARY KEY, stage TEXT, owner TEXT, "
                "amount NUMERIC(18, 2), closed_at TIMESTAMP)"
            )
        )
        for key, stage, owner, day in ROWS:
            connection.execute(
                sa.text("INSERT INTO service_opportunities VALUES (:id, :stage, :owner, :amount, :closed_at)"),
                {"id": key, "stage": stage, "owner": owner, "amount": 100, "closed_at": f"2026-01-{day + 1:02}"},
            )
    table = ck.database(opened).table("service_opportunities")
    deals = ck.table(table, record=ck.Deal, columns={"stage": "status"})
    crm = ck.Dataset(deals=deals, currency="EUR", tz="Europe/Berlin")
    app = FastAPI()

    @app.get("/kpis/{kpi}")
    def measured(kpi: str, period: str, owner: str | None = None) -> ck.Report:
        asked = crm if owner is None else crm.where(owner=owner)
        return asked.measure(kpi, period=period)

    @app.exception_handler(ck.CrmKpiError)
    def refused(_: Request, error: ck.CrmKpiError) -> JSONResponse:
        return JSONResponse({"code": error.code, "detail": str(error)}, status_code=error.http_status)

    return TestClient(app)


def test_the_service_answers_with_what_the_records_give(client: TestClient) -> None:
    records = [
        ck.Deal(id=key, status=stage, owner=owner, amount=100, closed_at=f"2026-01-{day + 1:02}")
        for key, stage, owner, day in ROWS
    ]
    for owner in (None, "Ada", "Bo"):
        asked = {"period": "2026-01"} | ({} if owner is None else {"owner": owner})
        for kpi in ("win_rate", "revenue"):
            answer = client.get(f"/kpis/{kpi}", params=asked)
            (found,) = TypeAdapter(ck.Report).validate_json(answer.content)
            expected = getattr(ck, kpi)(
                [one for one in records if owner in (None, one.owner)], period="2026-01", currency="EUR"
            )
            assert (found.value, found.n) == (expected.value, expected.n)
            if kpi == "win_rate":
                assert (found.interval.low, found.interval.high) == (expected.interval.low, expected.interval.high)


def test_an_unknown_name_is_a_404_and_a_value_that_nobody_has_says_so(client: TestClient) -> None:
    answer = client.get("/kpis/win_rat", params={"period": "2026-01"})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_name")
    answer = client.get("/kpis/win_rate", params={"period": "2026-01", "owner": "Adda"})
    assert answer.json()["detail"] == "No record has 'Adda' as its owner. Did you mean 'Ada'?"


def test_the_schema_says_what_an_answer_holds(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    answer = schema["paths"]["/kpis/{kpi}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["type"] == "array"
    assert any("money" in str(part) for part in schema["components"]["schemas"].values()) or "money" in str(answer)


def test_eight_threads_get_one_answer(client: TestClient) -> None:
    def ask(_: Any) -> Any:
        return client.get("/kpis/win_rate", params={"period": "2026-01", "owner": "Bo"}).json()[0]["value"]

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(24))) == {5 / 9}


def test_a_database_that_does_not_answer_is_not_the_fault_of_who_asks() -> None:
    nowhere = sa.create_engine("postgresql+psycopg://reader@127.0.0.1:1/crm")
    with pytest.raises(ck.errors.DatabaseError, match="there is no connection") as refused:
        ck.database(nowhere).table("opportunities")
    assert refused.value.http_status == 503


def test_the_schema_has_names_for_the_clients_that_are_made_of_it(client: TestClient) -> None:
    named = client.get("/openapi.json").json()["components"]["schemas"]
    assert {"CountResult", "NumberResult", "MoneyResult", "DurationResult"} <= set(named)
