"""From a CSV file to a printed figure, each way a process of its own that is timed whole, from its start to its end.

    python benchmarks/first_files.py [rows]

The file has the deals of `frames.py`. With Polars the rivals are the script that a good user of Polars writes, and one
for the `duckdb` package; without extras it is a loop over the `csv` module, whose rows pydantic validates as deals of
the fields that are read. The best of several, in turns: the processor time of a process, and its peak.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5
POLARS = """
import sys, polars as pl
deals = pl.scan_csv(sys.argv[1], schema_overrides={"id": pl.String}, try_parse_dates=True).filter(~pl.col("deleted"))
"""
DUCKDB = "import sys, duckdb\ndeals = duckdb.read_csv(sys.argv[1]).filter('not deleted')\n"
PYDANTIC = """
import csv, sys
from collections import Counter
from datetime import datetime
from pydantic import ConfigDict, TypeAdapter
from pydantic.dataclasses import dataclass
from typing import Literal

@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    id: str
    status: Literal["open", "won", "lost"]
    closed_at: datetime | None = None
    owner: str | None = None
    deleted: bool = False

names = sys.argv[2].split(",")
made = TypeAdapter(list[Deal])
deals = []
with open(sys.argv[1], newline="") as file:
    reader = csv.reader(file)
    headers = next(reader)
    places = [headers.index(name) for name in names]
    while rows := [row for row, _ in zip(reader, range(200))]:
        deals += made.validate_python([{n: row[p] for n, p in zip(names, places) if row[p]} for row in rows])
deals = [deal for deal in deals if not deal.deleted]
"""
YEAR = ["--period", "2025", "--every", "month", "--by", "owner"]
# Each question with what the command is asked, the rivals, and the fields that are read.
QUESTIONS: dict[str, tuple[list[str], str, str, str, str]] = {
    "win rate": (
        [],
        """
closed = pl.col("status").is_in(["won", "lost"]).sum().alias("n")
found = deals.select((pl.col("status") == "won").sum(), closed).collect()
print(found["status"][0] / found["n"][0])
""",
        """
print(deals.aggregate("count(*) filter (status = 'won') / count(*) filter (status in ('won', 'lost'))").fetchall())
""",
        """
states = Counter(deal.status for deal in deals)
print(states["won"] / (states["won"] + states["lost"]))
""",
        "id,status,closed_at,deleted",
    ),
    "by owner and month": (
        YEAR,
        """
from datetime import datetime
inside = deals.filter(pl.col("closed_at") >= datetime(2025, 1, 1), pl.col("closed_at") < datetime(2026, 1, 1))
states = (pl.col("status") == "won").sum(), pl.col("status").is_in(["won", "lost"]).sum().alias("n")
month = pl.col("closed_at").dt.truncate("1mo")
print(inside.group_by("owner", month).agg(*states).sort("owner", "closed_at").collect())
""",
        """
inside = deals.filter("closed_at >= '2025-01-01' and closed_at < '2026-01-01'")
rate = "count(*) filter (status = 'won') / count(*) filter (status in ('won', 'lost'))"
print(inside.aggregate(f"owner, date_trunc('month', closed_at) as month, {rate}").fetchall())
""",
        """
start, end = datetime(2025, 1, 1), datetime(2026, 1, 1)
inside = (deal for deal in deals if deal.closed_at and start <= deal.closed_at < end)
states = Counter((deal.owner, deal.closed_at.month, deal.status) for deal in inside)
groups = {(owner, month) for owner, month, _ in states}
won = {group: states[*group, "won"] for group in groups}
print({group: won[group] / (won[group] + states[*group, "lost"]) for group in groups})
""",
        "id,status,closed_at,owner,deleted",
    ),
}
OURS = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1].split()))  # which are as if they were not installed
from crmkpi.cli.main import run
del sys.argv[1]
run()
"""


def measured(command: list[str]) -> tuple[float, float]:
    """Seconds of the processor, and the peak in MB, of a process whose modules are compiled, as pip leaves them."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=kept)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command[:3]
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main(rows: int) -> None:
    """Print a table for each question."""
    home = Path(tempfile.gettempdir()) / f"crmkpi-scan-{rows}"
    if not home.exists():  # in a process of its own, since the peak of a process begins with that of its parent
        program = f"from pathlib import Path; from scan import make; make({rows}, Path({str(home)!r}))"
        subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent)
    path = str(home / "deals.csv")
    print(
        f"{rows:,} deals in {Path(path).stat().st_size / 1e6:,.0f} MB of CSV; best of {ROUNDS}, loads {os.getloadavg()}"
    )
    for name, (more, polars, duckdb, loop, fields) in QUESTIONS.items():
        asked = ["report", "win_rate", "--deals", path, *more]
        ways = {
            "a script of Polars": ["-c", POLARS + polars, path],
            "a script of duckdb": ["-c", DUCKDB + duckdb, path],
            "crmkpi report, with Polars": ["-c", OURS, "", *asked],
            "csv module and pydantic": ["-c", PYDANTIC + loop, path, fields],
            "crmkpi report, no extras": ["-c", OURS, "polars duckdb pandas pyarrow", *asked],
        }
        best: dict[str, tuple[float, float]] = {}
        for _ in range(ROUNDS):
            for way, command in ways.items():
                found = measured([sys.executable, *command])
                best[way] = min(found, best.get(way, found))
        rival = ""
        for way, (seconds, peak) in best.items():
            rival = way if not way.startswith(("crmkpi", "a script of duckdb")) else rival
            print(f"{name:<20}{way:<28}{seconds:8.2f} s{peak:8.0f} MB{seconds / best[rival][0]:8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 1_000_000)
