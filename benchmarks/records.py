"""How fast records are made and files are read, against the fastest ways that pydantic offers for the same rows.

    python benchmarks/records.py [rows]

Rows have the twenty usual columns of a deal. Times are processor time, the best of five, taken in turns so that a busy
machine is busy for both sides.
"""

from __future__ import annotations

import csv
import gc
import io
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from pydantic import ConfigDict, TypeAdapter, create_model

from crmkpi.records import Deal
from crmkpi.sources import read_csv
from crmkpi.sources.scanning import scan

ROUNDS = 5
OPTIONAL = {"attributes", "deleted", "lost_reason"}
COLUMNS = [name for name in Deal.__annotations__ if name not in OPTIONAL]


def deal_rows(count: int) -> list[list[str]]:
    """Deals as an export writes them: open ones lack a close date, some cells are empty."""
    random = Random(7)
    start = datetime(2024, 1, 1)
    owners = [f"Owner {number}" for number in range(40)]
    rows = []
    for number in range(count):
        created = start + timedelta(minutes=random.randrange(1_000_000))
        status = random.choice(("open", "won", "won", "lost"))
        closed = "" if status == "open" else (created + timedelta(hours=random.randrange(4_000))).isoformat()
        cells = {
            "id": f"D{number}",
            "status": status,
            "created_at": created.isoformat(),
            "closed_at": closed,
            "expected_close_on": (created + timedelta(days=90)).date().isoformat(),
            "amount": f"{random.randrange(100, 5_000_000) / 100:.2f}",
            "cost": f"{random.randrange(100, 500_000) / 100:.2f}",
            "currency": "EUR",
            "probability": f"{random.randrange(101) / 100:.2f}",
            "owner": random.choice(owners),
            "customer_id": f"C{random.randrange(count)}",
            "lead_id": f"L{random.randrange(count)}" if random.random() < 0.7 else "",
            "campaign_id": f"K{random.randrange(50)}" if random.random() < 0.4 else "",
            "pipeline": "Standard",
            "stage": random.choice(("Qualified", "Proposal", "Negotiation", "Closed")),
            "product": random.choice(("Basic", "Plus", "Pro")),
            "industry": random.choice(("Retail", "Software", "Health")),
            "source": random.choice(("fair", "web", "referral")),
            "channel": random.choice(("direct", "partner")),
            "kind": random.choice(("new", "expansion", "renewal")),
        }
        rows.append([cells[name] for name in COLUMNS])
    return rows


def best_of_each(count: int, **ways: Callable[[], Any]) -> dict[str, float]:
    """Microseconds a row of each way."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            gc.collect()
            before = time.process_time()
            made = way()
            best[name] = min(best[name], time.process_time() - before)
            del made
    return {name: seconds / count * 1e6 for name, seconds in best.items()}


def bytes_each(count: int, way: Callable[[], Any]) -> float:
    """Memory that stays in use for each record."""
    gc.collect()
    tracemalloc.start()
    made = way()
    gc.collect()
    used = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    del made
    return used / count


def compare_classes(rows: list[list[str]]) -> None:
    """The same fields as a pydantic model and as a record."""
    count = len(rows)
    raws = [{name: cell for name, cell in zip(COLUMNS, row, strict=True) if cell} for row in rows]
    config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)
    known: Any = Deal
    fields: dict[str, Any] = {name: (field.annotation, field) for name, field in known.__pydantic_fields__.items()}
    model: Any = create_model("DealModel", __config__=config, **fields)
    as_models: TypeAdapter[list[Any]] = TypeAdapter(list[model])
    as_records = TypeAdapter(list[Deal])
    made = best_of_each(
        count,
        model=lambda: as_models.validate_python(raws),
        record=lambda: as_records.validate_python(raws),
    )
    sample = raws[:20_000]
    model_bytes = bytes_each(len(sample), lambda: as_models.validate_python(sample))
    record_bytes = bytes_each(len(sample), lambda: as_records.validate_python(sample))
    print("one record                    time      memory")
    print(f"pydantic model            {made['model']:6.2f} µs {model_bytes:9.0f} B")
    print(f"slotted dataclass         {made['record']:6.2f} µs {record_bytes:9.0f} B")
    print(f"dataclass / model         {made['record'] / made['model']:6.2f}    {record_bytes / model_bytes:9.2f}\n")


# The same deals as Salesforce exports them: other headers and words, percentages, days beside instants.
SALESFORCE = {
    "id": "Id",
    "stage": "StageName",
    "status": "IsWon",
    "created_at": "CreatedDate",
    "closed_at": "CloseDate",
    "amount": "Amount",
    "currency": "CurrencyIsoCode",
    "probability": "Probability",
    "owner": "OwnerId",
    "customer_id": "AccountId",
    "campaign_id": "CampaignId",
    "source": "LeadSource",
    "kind": "Type",
}
TYPES = {"new": "New Business", "expansion": "Existing Business", "renewal": "Renewal"}


def as_salesforce(rows: list[list[str]]) -> list[list[str]]:
    """The deals in the words and units of Salesforce, with the column that says whether they are closed."""
    exported = [[*SALESFORCE.values(), "IsClosed"]]
    for row in rows:
        cells = dict(zip(COLUMNS, row, strict=True))
        closed = str(cells["status"] != "open").lower()
        cells |= {
            "status": str(cells["status"] == "won").lower(),
            "closed_at": cells["closed_at"][:10],
            "probability": f"{float(cells['probability']) * 100:.0f}",
            "kind": TYPES[cells["kind"]],
        }
        exported.append([*(cells[name] for name in SALESFORCE), closed])
    return exported


def compare_presets(rows: list[list[str]]) -> None:
    """An export read by its preset, and the same records made of our own words by the least code."""
    as_records = TypeAdapter(list[Deal])
    names = [*SALESFORCE, "expected_close_on", "Type"]
    plain = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
    plain = [cells | {"closed_at": cells["closed_at"][:10]} for cells in plain]
    ready = [[*(cells[name] for name in SALESFORCE), cells["closed_at"], TYPES[cells["kind"]]] for cells in plain]
    with tempfile.TemporaryDirectory() as folder:
        export, ours = Path(folder) / "export.csv", Path(folder) / "ours.csv"
        for path, table in ((export, as_salesforce(rows)), (ours, [names, *ready])):
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(table)

        def pydantic_only() -> list[Deal]:
            reader = csv.reader(io.StringIO(ours.read_text("utf-8"), newline=""))
            header = next(reader)
            raws: list[dict[str, Any]] = [
                {name: cell for name, cell in zip(header, row, strict=True) if cell} for row in reader
            ]
            for raw in raws:
                raw["attributes"] = {"Type": raw.pop("Type")}
            return as_records.validate_python(raws)

        assert list(read_csv(export, preset="salesforce_opportunity")) == pydantic_only()

        read = best_of_each(
            len(rows), pydantic_only=pydantic_only, preset=lambda: read_csv(export, preset="salesforce_opportunity")
        )
    print("\none row of an export           time      ratio")
    print(f"csv.reader and pydantic   {read['pydantic_only']:6.2f} µs      1.00")
    print(f"read_csv with preset=     {read['preset']:6.2f} µs {read['preset'] / read['pydantic_only']:9.2f}")


def compare_scans(rows: list[list[str]]) -> None:
    """Files scanned as tables, all columns of them, and read by Polars with the same casts."""
    try:
        import polars as pl  # noqa: PLC0415  # the others need no Polars
    except ImportError:
        print("\nPolars is not installed, so scan is not compared")
        return
    day_long = 86_400_000_000
    with tempfile.TemporaryDirectory() as folder:
        ours, export = Path(folder) / "deals.csv", Path(folder) / "export.csv"
        for path, table in ((ours, [COLUMNS, *rows]), (export, as_salesforce(rows))):
            with path.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(table)

        def polars_only() -> Any:
            frame = pl.scan_csv(ours, try_parse_dates=True)
            casts = [pl.col(name).dt.timestamp("us") for name in ("created_at", "closed_at")]
            day = pl.col("expected_close_on").cast(pl.Datetime("us")).dt.timestamp("us") // day_long
            money = [(pl.col(name) * 100).round().cast(pl.Int64) for name in ("amount", "cost")]
            return frame.with_columns(*casts, day, *money).collect()

        def polars_export() -> Any:
            frame = pl.scan_csv(export, try_parse_dates=True)
            status = pl.when(pl.col("IsWon")).then(pl.lit("won")).when(pl.col("IsClosed")).then(pl.lit("lost"))
            kinds = pl.col("Type").replace_strict({words: kind for kind, words in TYPES.items()})
            return frame.with_columns(
                status.otherwise(pl.lit("open")).alias("status"),
                kinds.alias("kind"),
                pl.col("CreatedDate").dt.timestamp("us"),
                pl.col("CloseDate").cast(pl.Datetime("us")).dt.timestamp("us"),
                (pl.col("Amount") * 100).round().cast(pl.Int64),
                pl.col("Probability") / 100,
                pl.col("CurrencyIsoCode").str.to_uppercase(),
            ).collect()

        def prepared(path: Path, names: Iterable[str], **words: Any) -> Any:
            table = scan(path, **words, engine="polars")
            frame: Any = table.prepared(names, frozenset({"amount", "cost"})).frame
            return frame.collect()

        read = best_of_each(
            len(rows),
            polars_only=polars_only,
            scanned=lambda: prepared(ours, COLUMNS, record=Deal),
            polars_export=polars_export,
            by_preset=lambda: prepared(export, [*SALESFORCE, "expected_close_on"], preset="salesforce_opportunity"),
        )
    print("\none row, scanned              time      ratio")
    print(f"Polars and casts          {read['polars_only']:6.2f} µs      1.00")
    print(f"scan                      {read['scanned']:6.2f} µs {read['scanned'] / read['polars_only']:9.2f}")
    print(f"Polars, an export         {read['polars_export']:6.2f} µs      1.00")
    print(f"scan with preset=         {read['by_preset']:6.2f} µs {read['by_preset'] / read['polars_export']:9.2f}")


def compare_readers(rows: list[list[str]]) -> None:
    """The same file read by `read_csv` and by the least code that pydantic needs."""
    as_records = TypeAdapter(list[Deal])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])

        def pydantic_only() -> list[Deal]:
            reader = csv.reader(io.StringIO(path.read_text("utf-8"), newline=""))
            header = next(reader)
            return as_records.validate_python(
                [{name: cell for name, cell in zip(header, row, strict=True) if cell} for row in reader]
            )

        read = best_of_each(
            len(rows),
            pydantic_only=pydantic_only,
            read_csv=lambda: read_csv(path, record=Deal),
            with_zone=lambda: read_csv(path, record=Deal, tz="Europe/Berlin"),
        )
    print("one row of a file             time      ratio")
    print(f"csv.reader and pydantic   {read['pydantic_only']:6.2f} µs      1.00")
    print(f"read_csv                  {read['read_csv']:6.2f} µs {read['read_csv'] / read['pydantic_only']:9.2f}")
    print(f"read_csv with tz=         {read['with_zone']:6.2f} µs {read['with_zone'] / read['pydantic_only']:9.2f}")


STREAMED = """
import sys, time
from crmkpi import Deal, read_csv, stream_csv
way, path = sys.argv[1:]
count = sum(1 for _ in (stream_csv if way == "stream_csv" else read_csv)(path, record=Deal))
with open("/proc/self/status") as status:  # getrusage would tell what the process that started this one took
    most = next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))
print(count, time.process_time(), most)
"""


def compare_streams(rows: list[list[str]]) -> None:
    """The most memory that reading a file takes, all at once and one by one, each in a process of its own, on Linux."""
    if not Path("/proc/self/status").exists():
        return
    print("\na whole file                  time   most memory")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "deals.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([COLUMNS, *rows])
        for way in ("read_csv", "stream_csv"):
            ran = subprocess.run(
                [sys.executable, "-c", STREAMED, way, path], check=True, capture_output=True, text=True
            )
            count, seconds, megabytes = ran.stdout.split()
            assert int(count) == len(rows)
            print(f"{way:25} {float(seconds):6.1f} s  {int(megabytes):9,} MB")


def main(count: int) -> None:
    """Print all tables."""
    rows = deal_rows(count)
    print(f"{count:,} deals of {len(COLUMNS)} columns, processor time, best of {ROUNDS}\n")
    compare_classes(rows)
    compare_readers(rows)
    compare_presets(rows)
    compare_scans(rows)
    compare_streams(rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
