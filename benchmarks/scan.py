"""Which library reads files faster and in less memory for `crmkpi.scan`: Polars or DuckDB.

    python benchmarks/scan.py [rows]

Deals lie in a set of eight Parquet files and in one CSV file, made once. Each measurement runs in a process of its own,
in turns, and prints the shortest time on the wall clock and of the processor, and the least peak of its memory.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 3
ENGINES = ("polars", "duckdb")
QUESTIONS: dict[str, tuple[str, ...]] = {
    "one KPI": ("win_rate",),
    "five KPIs": (
        *("win_rate", "revenue", "average_deal_size", "sales_cycle_length"),
        "sales_cycle_length.median",
    ),
}


def make(rows: int, home: Path) -> None:
    """Write the files of both formats, of the deals of the other benchmarks."""
    import polars as pl  # noqa: PLC0415  # not in the processes that are measured
    from frames import made_deals  # noqa: PLC0415  # likewise

    home.mkdir()
    frame = pl.read_parquet(made_deals(rows))
    size = -(-rows // 8)
    for number in range(8):
        frame.slice(number * size, size).write_parquet(home / f"deals-{number}.parquet")
    frame.write_csv(home / "deals.csv")


def measured(path: str, engine: str, question: str) -> None:
    """Measure once, and print what it took."""
    from crmkpi import Dataset, Deal, scan  # noqa: PLC0415  # only in the processes that are measured

    wall, cpu = time.perf_counter(), time.process_time()
    crm = Dataset(deals=scan(path, record=Deal, engine=engine))  # type: ignore[arg-type]
    report = crm.measure(QUESTIONS[question], period="2025", every="month", by="owner")
    taken = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(*taken, peak, sum(result.accounts[0].used for result in report))


def main(rows: int) -> None:
    """Print a table."""
    home = Path(tempfile.gettempdir()) / f"crmkpi-scan-{rows}"
    if not home.exists():  # in a process of its own, since a child counts the memory of its parent as its own
        subprocess.run([sys.executable, __file__, "make", str(rows), str(home)], check=True)
    files = {"parquet": home / "deals-*.parquet", "csv": home / "deals.csv"}
    print(f"{rows:,} deals, {files['csv'].stat().st_size / 1e6:,.0f} MB of CSV; best of {ROUNDS}, seconds and MB")
    print(f"{'':<20}" + "".join(f"{engine:>8} wall{'cpu':>7}{'peak':>7}" for engine in ENGINES))
    for ending, path in files.items():
        for question in QUESTIONS:
            best: dict[str, list[float]] = {}
            used = set()
            for engine in ENGINES * ROUNDS:
                command = [sys.executable, __file__, str(path), engine, question]
                *found, count = map(float, subprocess.run(command, check=True, capture_output=True).stdout.split())
                best[engine] = list(map(min, best.get(engine, found), found))
                used.add(count)
            assert len(used) == 1, "both engines must count the same deals"
            cells = "".join(f"{wall:>13.2f}{cpu:>7.2f}{peak:>7.0f}" for wall, cpu, peak in map(best.get, ENGINES))  # type: ignore[misc]
            print(f"{ending:<8}{question:<12}{cells}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["make"]:
        make(int(sys.argv[2]), Path(sys.argv[3]))
    elif len(sys.argv) > 3:
        measured(*sys.argv[1:])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 5_000_000)
