"""Draws the pictures of the README, the home page and the gallery; needs crmkpi[plot] and vl-convert-python."""

from pathlib import Path

import altair as alt

import crmkpi as ck

HERE = Path(__file__).parent
COMPANY = ck.sample_company()
NAMED = {owner for owner in {deal.owner for deal in COMPANY["deals"]} if owner is None or owner[0].isalpha()}
DEALS = [deal for deal in COMPANY["deals"] if deal.owner in NAMED]  # names that look like code are for other pages
CRM = ck.Dataset(
    **{**COMPANY, "deals": DEALS}, currency="EUR", rates={"CHF": 1.05}, as_of="2026-09-30", tz="Europe/Berlin"
)
YEAR = {"period": "2025-10-01..2026-09-30", "every": "month"}
STAGES = ["Discovery", "Proposal", "Negotiation"]

win_rate = CRM.measure("win_rate", **YEAR).chart()
heatmap = CRM.measure("win_rate", period="2026", by=["owner", "source"]).chart()
PICTURES = {
    "overview": (win_rate | heatmap),
    "months": CRM.measure(["win_rate", "revenue"], **YEAR).chart(),
    "owners": CRM.measure("win_rate", period="2026", by="owner").chart(),
    "heatmap": heatmap,
    "panels": CRM.measure("win_rate", period="2025-01-01..2026-09-30", every="quarter", by="source").chart(),
    "cohorts": ck.cohorts.cohorts(CRM, every="quarter").chart(),
    "funnel": ck.funnel.funnel(COMPANY["stage_visits"], stages=STAGES).chart(),
}

if __name__ == "__main__":
    for name, picture in PICTURES.items():
        picture.configure(background="white", axis=alt.AxisConfig(labelLimit=140)).save(HERE / f"{name}.svg")
