"""A small web service: it receives changed deals and returns KPIs.

pip install . fastapi uvicorn
uvicorn service:app --app-dir examples
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse

import crmkpi as ck

CALENDAR = ck.Calendar(tz="Europe/Berlin")


def create_app() -> FastAPI:
    """A service without deals."""
    app = FastAPI(title="KPIs of deals")
    deals: dict[str, ck.Deal] = {}  # a real service keeps them in its database

    @app.exception_handler(ck.CrmKpiError)
    def refused(_request: Request, error: ck.CrmKpiError) -> JSONResponse:
        """Return an error of the library to the caller, as 422 with its message."""
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.post("/deals")
    def receive(events: list[dict[str, Any]]) -> dict[str, Any]:
        """Insert or replace deals by id."""
        read = ck.read_dicts(events, record=ck.Deal)
        deals.update((deal.id, deal) for deal in read)
        return {"received": len(read), "rejected": [asdict(row) for row in read.rejected]}

    @app.get("/kpis")
    def kpis(
        period: str,
        kpi: Annotated[tuple[str, ...], Query()] = ("win_rate", "revenue"),
        by: str | None = None,
    ) -> list[dict[str, Any]]:
        """Measure KPIs of a period: one row per KPI and segment, with its evidence."""
        crm = ck.Dataset(deals=tuple(deals.values()), calendar=CALENDAR, currency="EUR")
        return crm.measure(kpi, period=period, by=by).to_dicts()

    return app


app = create_app()
