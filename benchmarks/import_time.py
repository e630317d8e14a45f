"""How long `import crmkpi` takes, against `import pydantic` alone.

    python benchmarks/import_time.py [processes]

Each figure is the median over fresh processes, taken in turns so that a busy machine is busy for all; the time that
Python itself needs to start is not in it. Nothing of crmkpi is loaded before it is used, and one KPI loads no other:
the fourth line is what a program pays before its first KPI, the second the part of it that is pydantic's own, since
records are its dataclasses. The last is what measuring adds.
"""

from __future__ import annotations

import subprocess
import sys
from statistics import median

STATEMENTS = (
    "import pydantic",
    "from pydantic.dataclasses import dataclass; from pydantic import Field",
    "import crmkpi",
    "from crmkpi import win_rate",
    "from crmkpi import win_rate; win_rate([])",
)
TIMED = "import time; begin = time.perf_counter(); {}; print(time.perf_counter() - begin)"


def import_time(statement: str) -> float:
    """Seconds that the statement takes in a fresh process."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(processes: int) -> None:
    """Print the table."""
    for statement in STATEMENTS:  # the first import compiles the modules
        import_time(statement)
    times: dict[str, list[float]] = {statement: [] for statement in STATEMENTS}
    for _ in range(processes):
        for statement in STATEMENTS:
            times[statement].append(import_time(statement))
    rival = median(times["import pydantic"])
    print(f"median of {processes} processes                                                    time     ratio")
    for statement in STATEMENTS:
        seconds = median(times[statement])
        print(f"{statement:<70} {1000 * seconds:9.1f} ms {seconds / rival:7.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 15)
