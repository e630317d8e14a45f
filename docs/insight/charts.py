"""Draws the pictures of from-alert-to-action.md; needs crmkpi[plot] and vl-convert-python."""

from datetime import date
from pathlib import Path

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.insight.control import control_chart

HERE = Path(__file__).parent
money = {"currency": "EUR", "rates": ck.Rates("EUR", {"CHF": "1.05"})}
crm = ck.Dataset(calendar=ck.Calendar(tz="Europe/Berlin"), as_of=date(2026, 9, 30), **money, **sample_company(scale=4))
months = crm.measure("win_rate", period="2025-01-01..2026-03-31", every="month", by="source")
of_source = months.where(lambda one: one.segment["source"] == "search ad")
pictures = {
    "control": control_chart(of_source, baseline=12),
    "explanation": crm.explain("win_rate", period="2026-Q1", by="source"),
    "forecast": crm.forecast("revenue", history="2024-10-01..2026-09-30", horizon=3),
}
for name, analysis in pictures.items():
    analysis.chart().save(HERE / f"{name}.svg")
