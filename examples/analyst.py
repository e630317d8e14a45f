"""A tour for analysts, cell by cell: run it whole, or open it as a notebook in an editor that knows `# %%` cells.

It reads the files of the sample company. Create them first, in the current folder:

    crmkpi demo
"""

# %% Read the exports
from datetime import date
from pathlib import Path

import crmkpi as ck

folder = Path("crmkpi-demo")
deals = ck.read_csv(folder / "deals.csv", record=ck.Deal)
leads = ck.read_csv(folder / "leads.csv", record=ck.Lead)
customers = ck.read_csv(folder / "customers.csv", record=ck.Customer)
print(deals)

# %% Rows that could not be read
for row in deals.rejected:
    print(f"line {row.line}: {row.field} {row.value} is {row.reason}")

# %% Combine the tables in a dataset, with calendar, currency and rates
crm = ck.Dataset(
    deals=deals,
    leads=leads,
    customers=customers,
    calendar=ck.Calendar(tz="Europe/Berlin"),
    currency="EUR",
    rates=ck.Rates("EUR", {"CHF": "1.05"}),
    as_of=date(2026, 9, 30),
)

# %% The last quarter
print(crm.scorecard("sales", period="2026-Q3", compare="previous"))

# %% Win rate and deal size by source
by_source = crm.measure(["win_rate", "average_deal_size"], period="2026", by="source")
print(by_source.pivot(rows="source", columns="metric"))

# %% Which of these differences are more than chance? Compare each source with all others.
print(crm.compare("win_rate", by="source", period="2026"))

# %% The same quarter by three definitions
for way in (ck.win_rate, *ck.win_rate.variants.values()):
    print(way(crm, period="2026-Q3"))

# %% Are the leads of this year better? A young lead has had less time, so each gets the same 30 days.
within = ck.lead_conversion_rate.variant("within")
print(crm.measure(within, period="2026", every="quarter", parameters={"days": 30}))

# %% The records behind a figure
lost = [
    deal for deal in ck.Period("2026-09", calendar=crm.calendar).select(deals, at="closed_at") if deal.status == "lost"
]
reasons = {reason: len(part) for reason, part in ck.split(lost, by="lost_reason").items()}
print(sorted(reasons.items(), key=lambda item: -item[1]))

# %% Save the report
report = crm.scorecard(period="2026-Q3", compare="year_ago")
Path("quarter.html").write_text(report.to_html(), encoding="utf-8")
print(f"quarter.html: {len(report)} KPIs of the quarter, compared with a year ago")
