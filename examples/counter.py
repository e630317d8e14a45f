"""A small web service that keeps no records: events come in, a scorecard comes out, and a restart loses nothing.

Its whole memory is one tally, a file of a few kilobytes that grows with the groups and not with the events.

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
    """A service that goes on where the file of its state left off."""
    file = state or Path(os.environ.get("TALLY", "tally.json"))
    app = FastAPI(title="A scorecard of deals that were closed")
    tally = EMPTY.from_json(file.read_text(encoding="utf-8")) if file.exists() else EMPTY

    @app.exception_handler(ck.CrmKpiError)
    def refused(_request: Request, error: ck.CrmKpiError) -> JSONResponse:
        """What the library cannot use is the caller's to mend: its sentence says how."""
        return JSONResponse({"detail": str(error)}, status_code=422)

    @app.post("/closed-deals")
    def receive(events: list[dict[str, Any]]) -> dict[str, Any]:
        """Add deals that were closed; each is sent once, since no tally knows what it has seen."""
        nonlocal tally
        read = ck.read_dicts(events, record=ck.Deal)
        tally = tally.add(deals=read)
        fresh = file.with_suffix(".new")
        fresh.write_text(tally.to_json(), encoding="utf-8")
        fresh.replace(file)  # the old state stays whole until the new one is
        return {"received": len(read), "rejected": [asdict(row) for row in read.rejected]}

    @app.get("/scorecard")
    def scorecard() -> list[dict[str, Any]]:
        """The KPIs of each quarter and owner so far: what was measured, on how many deals."""
        names = ("metric", "period", "owner", "value", "n", "reason")
        return [{name: row[name] for name in names} for row in tally.report().to_dicts()]

    return app
