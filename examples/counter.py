"""A small web service without a database: it receives events, returns a scorecard, and survives a restart.

Its only state is a tally, a file of a few kilobytes that grows with the groups, not with the events.

pip install . fastapi uvicorn
TALLY=tally.json uvicorn --factory counter:create_app --app-dir examples
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

import crmkpi as ck

SCORECARD = ("win_rate", "revenue", "average_deal_size", "sales_cycle_length")
EMPTY = ck.Tally(
    SCORECARD, period="2026", every="quarter", by="owner", currency="EUR", calendar=ck.Calendar(tz="Europe/Berlin")
)


def create_app(state: Path | None = None) -> FastAPI:
    """A service that resumes from its state file."""
    file = state or Path(os.environ.get("TALLY", "tally.json"))
    app = FastAPI(title="A scorecard of closed deals")
    tally = EMPTY.from_json(file.read_text(encoding="utf-8")) if file.exists() else EMPTY

    @app.exception_handler(ck.CrmKpiError)
    def refused(_request: Request, error: ck.CrmKpiError) -> JSONResponse:
        """Return an error of the library to the caller, as 422 with its message."""
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.post("/closed-deals")
    def receive(events: list[dict[str, Any]]) -> dict[str, Any]:
        """Add closed deals. Send each deal once: a tally does not deduplicate."""
        nonlocal tally
        read = ck.read_dicts(events, record=ck.Deal)
        tally = tally.add(deals=read)
        fresh = file.with_suffix(".new")
        fresh.write_text(tally.to_json(), encoding="utf-8")
        fresh.replace(file)  # atomic: the old state stays until the new one is complete
        return {"received": len(read), "rejected": [asdict(row) for row in read.rejected]}

    @app.get("/scorecard")
    def scorecard() -> list[dict[str, Any]]:
        """The KPIs of each quarter and owner so far, with the number of deals."""
        names = ("metric", "period", "owner", "value", "n", "reason")
        return [{name: row[name] for name in names} for row in tally.report().to_dicts()]

    return app
