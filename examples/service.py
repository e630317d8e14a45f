"""A small web service: it is sent deals as they change, and answers with KPIs.

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
    """A service with no deals yet."""
    app = FastAPI(title="KPIs of deals")
    deals: dict[str, ck.Deal] = {}  # a real service keeps them in its database

    @app.exception_handler(ck.CrmKpiError)
    def refused(_request: Request, error: ck.CrmKpiError) -> JSONResponse:
        """What the library cannot use is the caller's to mend: its sentence says how."""
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.post("/deals")
    def receive(events: list[dict[str, Any]]) -> dict[str, Any]:
        """Take deals as they are now; one that is known already is replaced."""
        read = ck.read_dicts(events, record=ck.Deal)
        deals.update((deal.id, deal) for deal in read)
        return {"received": len(read), "rejected": [asdict(row) for row in read.rejected]}

    @app.get("/kpis")
    def kpis(
        period: str,
        kpi: Annotated[tuple[str, ...], Query()] = ("win_rate", "revenue"),
        by: str | None = None,
    ) -> list[dict[str, Any]]:
        """Measure KPIs of a period: one row for each KPI and segment, with its evidence."""
        crm = ck.Dataset(deals=tuple(deals.values()), calendar=CALENDAR, currency="EUR")
        return crm.measure(kpi, period=period, by=by).to_dicts()

    return app


app = create_app()
