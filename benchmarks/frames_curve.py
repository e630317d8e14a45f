"""How the cost of one call grows with the rows and with the KPIs, as a table and a picture.

    python benchmarks/frames_curve.py [--svg docs/speed.svg]

Deals lie in Parquet and are scanned by Polars. The KPIs are those of the catalogue, variants included, that deals alone
suffice for, and then counts of won deals from some amount on; each is asked by month of one year. Processor time,
best of several.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from frames import best_of, made_deals

from crmkpi import Dataset, Deal, Metric, Table, catalogue, metric

ROWS = (100_000, 1_000_000, 10_000_000)
COUNTS = (1, 5, 10, 20, 40)
WIDTH, HEIGHT, MARGIN = 640, 360, 60
deals = Table(Deal)
COLOURS = ("#4e79a7", "#f28e2b", "#59a14f")


def large_deals(amount: int) -> Metric:
    """A KPI of its own: the won deals from some amount on."""

    @metric(
        unit="count", at=deals.closed_at, large_deals=deals.count((deals.status == "won") & (deals.amount >= amount))
    )
    def counted(large_deals: int) -> int:
        """Won deals from some amount on."""
        return large_deals

    return counted


def of_deals() -> list[Metric]:
    """Forty KPIs that read nothing but deals."""
    every = (found for one in catalogue for found in (one, *one.variants.values()))
    known = [
        found
        for found in every
        if found.tables == ("deals",) and not found.parameters and found.at is not None and "lead" not in found.id
    ]
    return [*known, *(large_deals(1_000 * number) for number in range(1, max(COUNTS) + 1))][: max(COUNTS)]


def measured() -> dict[int, dict[int, float]]:
    """Milliseconds by rows and number of KPIs."""
    metrics = of_deals()
    times: dict[int, dict[int, float]] = {}
    for rows in ROWS:
        deals: Any = pl.scan_parquet(made_deals(rows))
        crm = Dataset(deals=deals, currency="EUR")
        times[rows] = {}
        for count in COUNTS:
            chosen = metrics[:count]

            def ours(chosen: list[Metric] = chosen, crm: Dataset = crm) -> object:
                return crm.measure(chosen, period="2025", every="month")

            ours()
            times[rows][count] = best_of(ours=ours)["ours"].cpu
    return times


def table(times: Mapping[int, Mapping[int, float]]) -> str:
    """The times as Markdown."""
    lines = ["| rows | " + " | ".join(f"{count} KPIs" for count in COUNTS) + " |", "|---:|" + "---:|" * len(COUNTS)]
    lines += [
        f"| {rows:,} | " + " | ".join(f"{found[count]:,.0f} ms" for count in COUNTS) + " |"
        for rows, found in times.items()
    ]
    return "\n".join(lines)


def picture(times: Mapping[int, Mapping[int, float]]) -> str:
    """The times as an SVG: one line for each number of rows, as multiples of the time of one KPI."""
    top = max(found[count] / found[COUNTS[0]] for found in times.values() for count in COUNTS)
    top = max(top, 2.0)
    across = (WIDTH - 2 * MARGIN) / COUNTS[-1]
    up = (HEIGHT - 2 * MARGIN) / top

    def place(count: float, times_one: float) -> str:
        return f"{MARGIN + count * across:.1f},{HEIGHT - MARGIN - times_one * up:.1f}"

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        "<title>The time of one call by its number of KPIs, as a multiple of the time of one KPI</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<polyline points="{place(0, top)} {place(0, 0)} {place(COUNTS[-1], 0)}" fill="none" stroke="#333"/>',
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 16}" text-anchor="middle">KPIs in one call</text>',
        f'<text x="{MARGIN}" y="{MARGIN - 16}">times the time of one KPI</text>',
    ]
    for count in COUNTS:
        left, bottom = place(count, 0).split(",")
        parts.append(f'<text x="{left}" y="{float(bottom) + 18}" text-anchor="middle">{count}</text>')
    for number in range(1, int(top) + 1):
        left, bottom = place(0, number).split(",")
        parts.append(f'<text x="{float(left) - 8}" y="{float(bottom) + 4}" text-anchor="end">{number}</text>')
    for colour, (rows, found) in zip(COLOURS, times.items(), strict=True):
        points = " ".join(place(count, found[count] / found[COUNTS[0]]) for count in COUNTS)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        left, height = place(COUNTS[-1], found[COUNTS[-1]] / found[COUNTS[0]]).split(",")
        parts.append(f'<text x="{left}" y="{float(height) - 6}" text-anchor="end" fill="{colour}">{rows:,} rows</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    found = measured()
    print(table(found))
    if "--svg" in sys.argv:
        Path(sys.argv[sys.argv.index("--svg") + 1]).write_text(picture(found), encoding="utf-8")
