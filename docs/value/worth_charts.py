"""Draw the charts of the guide "What is a customer worth" from the file of CDNOW's orders.

python docs/value/worth_charts.py CDNOW_master.txt docs/value

It needs `pip install ".[plot]" vl-convert-python`.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from crmkpi import Order, charts, cohorts, rfm
from crmkpi.clv import BgNbd, weeks

START, CUT, LAST = date(1997, 1, 1), date(1997, 9, 30), date(1998, 6, 30)


def orders_of(file: Path) -> list[Order]:
    """The orders of a file with customer, date, discs and amount, separated by blanks, below one header line."""
    _, *lines = (line.split() for line in file.read_text("utf-8").splitlines() if line.strip())
    return [
        Order(id=str(n), customer_id=customer, ordered_at=date.fromisoformat(day), amount=amount)
        for n, (customer, day, _, amount) in enumerate(lines)
    ]


def main(file: Path, folder: Path) -> None:
    """Write one file for each chart."""
    orders = orders_of(file)
    holdout = rfm.split_holdout(orders, as_of=CUT, until=LAST)
    model = BgNbd.fit(holdout.table.history("weeks"))
    check = model.check(holdout.table.history("weeks"), holdout.actual, horizon=holdout.horizon)
    seen = sorted({(order.customer_id, order.ordered_at.date()) for order in orders})
    days: dict[str, list[float]] = {}
    for customer, day in seen:
        days.setdefault(customer, []).append((day - START).days / 7)
    repeats = [moment for moments in days.values() for moment in moments[1:]]
    tracking = model.tracking([moments[0] for moments in days.values()], repeats, until=77, every=weeks(1))
    drawn = {
        "cohorts": charts.cohort_chart(cohorts.cohorts(orders, as_of=LAST)),
        "holdout": charts.holdout_chart(check),
        "tracking": charts.tracking_chart(tracking, unit="weeks since January 1997", ends=39),
    }
    for name, chart in drawn.items():
        chart.save(folder / f"cdnow_{name}.svg")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
