"""What the insight layer costs on top of measuring: the search over 89 parts, and a scorecard with verdicts.

    python benchmarks/insight_speed.py [deals] [polars|duckdb|records ...]    # 1,000,000 deals in Polars unless named

Processor time, the best of five turns that alternate. The search is set against the one measure call that it needs:
both periods by the three attributes together. The scorecard has six KPIs of deals, a month beside the one before; it is
set against both months without a comparison, and against values without intervals.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import crmkpi as ck

BEGIN = datetime(2026, 1, 1)
SCORECARD = ["win_rate", "revenue", "average_deal_size", "sales_cycle_length", "lost_deals", "win_rate.by_amount"]


def columns(many: int) -> dict[str, list[Any]]:
    """Deals of two months with three attributes of 6, 4 and 5 values: 15 parts and 74 pairs of them."""
    rng = random.Random(11)
    closed = [BEGIN + timedelta(minutes=rng.randrange(59 * 1440)) for _ in range(many)]
    return {
        "id": [str(number) for number in range(many)],
        "status": ["won" if rng.random() < 0.3 else "lost" for _ in range(many)],
        "source": [f"s{rng.randrange(6)}" for _ in range(many)],
        "owner": [f"o{rng.randrange(4)}" for _ in range(many)],
        "product": [f"p{rng.randrange(5)}" for _ in range(many)],
        "amount": [rng.randrange(10, 5000) for _ in range(many)],
        "created_at": [moment - timedelta(days=rng.randrange(60)) for moment in closed],
        "closed_at": closed,
    }


def tables(data: Mapping[str, list[Any]]) -> dict[str, Callable[[], Any]]:
    import duckdb  # noqa: PLC0415
    import polars as pl  # noqa: PLC0415

    frame = pl.DataFrame(data)
    connection = duckdb.connect()
    return {
        "polars": lambda: frame,
        "duckdb": lambda: connection.from_arrow(frame.to_arrow()),
        "records": lambda: [ck.Deal(**row) for row in frame.iter_rows(named=True)],
    }


def ratio(name: str, dear: Callable[[], Any], plain: Callable[[], Any], turns: int = 5) -> None:
    best = [float("inf"), float("inf")]
    for _ in range(turns):
        for place, call in enumerate((dear, plain)):
            begun = time.process_time()
            call()
            best[place] = min(best[place], time.process_time() - begun)
    print(f"{name}: {1000 * best[0]:.0f} ms beside {1000 * best[1]:.0f} ms, {best[0] / best[1]:.2f} times", flush=True)


def main(arguments: Sequence[str]) -> None:
    many = next((int(one) for one in arguments if one.isdigit()), 1_000_000)
    made = tables(columns(many))
    by = ["source", "owner", "product"]
    for home in [one for one in arguments if not one.isdigit()] or ["polars"]:
        crm = ck.Dataset(deals=made[home](), currency="EUR")
        beside(crm, f"{home}, {many:,} deals", by)


def beside(crm: ck.Dataset, told: str, by: Sequence[str]) -> None:
    months: dict[str, Any] = {"period": "2026-02", "compare": "previous"}
    each: dict[str, Any] = {"period": "2026-01-01..2026-02-28", "every": "month"}
    print(f"{told}, {crm.search('win_rate', by=by, period='2026-02').cells} parts")
    ratio(
        "search beside its measure call",
        lambda: crm.search("win_rate", by=by, period="2026-02"),
        lambda: crm.measure("win_rate", by=by, **months),
    )

    def verdicts() -> list[Any]:
        return [one.change for one in crm.measure(SCORECARD, **months)]

    ratio("scorecard with verdicts beside both months without", verdicts, lambda: crm.measure(SCORECARD, **each))
    ratio(
        "scorecard with verdicts beside bare values, without intervals",
        verdicts,
        lambda: crm.measure(SCORECARD, confidence=None, **months),
    )


if __name__ == "__main__":
    main(sys.argv[1:])
