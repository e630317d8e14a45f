"""The public data sets through every frame library, read from the files by PyArrow and not by crmkpi."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck

pytestmark = pytest.mark.skipif(find_spec("pyarrow") is None, reason="PyArrow is not installed")

OFFICE = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
Mapped = dict[str, Any]  # arguments of `crmkpi.table` and `crmkpi.read_csv` for the columns


def arrow(path: Path, **options: Any) -> Any:
    from pyarrow import csv  # noqa: PLC0415  # only where it is tested

    convert = csv.ConvertOptions(strings_can_be_null=True, null_values=["", " "], **options)
    return csv.read_csv(path, convert_options=convert)


def purchases(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Mapped], Mapping[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    path = folder / "cdnow" / "CDNOW_master.txt"
    columns = {"date": "ordered_at", "dollar_value": "amount"}
    records = ck.read_csv(path, record=ck.Order, delimiter=" ", columns=columns, date_format="%Y%m%d", strict=True)
    rows = [line.split() for line in path.read_text().splitlines()[1:]]
    table = pa.table(
        {
            "id": [str(number) for number in range(len(rows))],
            "customer_id": [row[0] for row in rows],
            "date": [datetime.fromisoformat(row[1]) for row in rows],
            "dollar_value": [Decimal(row[3]) for row in rows],
        }
    )
    return (
        {"orders": records},
        {"orders": {"columns": {field: name for name, field in columns.items()}}},
        {"orders": table},
    )


def opportunities(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Mapped], Mapping[str, Any]]:
    path, accounts = folder / "maven_crm" / "sales_pipeline.csv", folder / "maven_crm" / "accounts.csv"
    columns = {
        "opportunity_id": "id",
        "sales_agent": "owner",
        "account": "customer_id",
        "deal_stage": "status",
        "engage_date": "created_at",
        "close_date": "closed_at",
        "close_value": "amount",
    }
    words = {"Won": "won", "Lost": "lost", "Engaging": "open", "Prospecting": "open"}
    of_account = {"account": "id", "sector": "industry", "office_location": "region"}
    records = {
        "deals": ck.read_csv(path, record=ck.Deal, columns=columns, values={"status": words}, strict=True),
        "customers": ck.read_csv(accounts, record=ck.Customer, columns=of_account, strict=True),
    }
    mapped: dict[str, Mapped] = {
        "deals": {"columns": {field: name for name, field in columns.items()}, "values": {"status": words}},
        "customers": {"columns": {field: name for name, field in of_account.items()}},
    }
    return records, mapped, {"deals": arrow(path), "customers": arrow(accounts)}


def requests(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Mapped], Mapping[str, Any]]:
    path = folder / "techsupport" / "tickets.csv"
    columns = {
        "Ticket ID": "id",
        "Source": "channel",
        "Topic": "kind",
        "Agent Name": "agent",
        "Created time": "created_at",
        "First response time": "first_replied_at",
        "Resolution time": "solved_at",
        "Expected SLA to resolve": "sla_due_at",
        "Agent interactions": "replies",
    }
    words = {"Closed": "closed", "In progress": "pending", "Open": "open", "Resolved": "solved"}
    records = ck.read_csv(path, record=ck.Ticket, columns=columns, values={"status": words}, strict=True)
    mapped = {
        "columns": {field: name for name, field in columns.items()} | {"status": "Status"},
        "values": {"status": words},
    }
    return {"tickets": records}, {"tickets": mapped}, {"tickets": arrow(path)}


def contracts(folder: Path) -> tuple[Mapping[str, Any], Mapping[str, Mapped], Mapping[str, Any]]:
    path = folder / "telco" / "Telco-Customer-Churn.csv"
    columns = {"customerID": "id", "Contract": "plan", "Churn": "status"}
    words = {"Yes": "churned", "No": "active"}
    bills = {"customerID": "id", "TotalCharges": "amount"}
    records = {
        "customers": ck.read_csv(path, record=ck.Customer, columns=columns, values={"status": words}, strict=True),
        "orders": ck.read_csv(path, record=ck.Order, columns=bills, strict=True),
    }
    mapped: dict[str, Mapped] = {
        "customers": {"columns": {field: name for name, field in columns.items()}, "values": {"status": words}},
        "orders": {"columns": {field: name for name, field in bills.items()}},
    }
    return records, mapped, dict.fromkeys(mapped, arrow(path))


RECORDS = {"orders": ck.Order, "deals": ck.Deal, "customers": ck.Customer, "tickets": ck.Ticket}
ASKED: Mapping[str, tuple[Callable[[Path], Any], Any, dict[str, Any]]] = {
    "cdnow": (purchases, None, {"period": "1997", "every": "quarter"}),
    "maven_crm": (opportunities, "customer.industry", {"period": "2017", "every": "quarter"}),
    "techsupport": (requests, "channel", {"period": "2023", "every": "quarter"}),
    "telco": (contracts, None, {}),
}
DATELESS = ("churn_rate.by_status",)


def definitions(crm: ck.Dataset, *, dated: bool) -> list[ck.Metric]:
    """All KPIs and variants that the tables suffice for."""
    everything = [found for metric in ck.catalogue for found in (metric, *metric.variants.values())]
    return [
        metric
        for metric in everything
        if set(metric.tables) <= set(crm.tables)
        and not any(parameter.default is None for parameter in metric.parameters.values())
        and not (dated and metric.id in DATELESS)
        and "lead" not in "".join(f"{measure!r}" for measure in metric.measures.values())
    ]


@pytest.mark.in_turns
@pytest.mark.parametrize(
    "data_set", [pytest.param(name, marks=[pytest.mark.slow] if name == "cdnow" else []) for name in ASKED]
)
def test_a_public_data_set_gives_the_same_through_every_library(
    folder: Path, backends: Any, backend: str, data_set: str
) -> None:
    read, by, question = ASKED[data_set]
    records, mapped, arrows = read(folder)
    settings: dict[str, Any] = {"currency": "USD", "calendar": OFFICE, "as_of": datetime(2024, 1, 1)}
    homes = backends.homed(backend, arrows)
    tables = {name: ck.table(homes[name], record=RECORDS[name], **mapped[name]) for name in mapped}
    expected, found = ck.Dataset(**records, **settings), ck.Dataset(**tables, **settings)
    metrics = definitions(expected, dated=bool(question))
    report = expected.measure(metrics, by=by, **question)
    backends.assert_same(report, found.measure(metrics, by=by, **question))
    assert sum(result.value not in (None, 0) for result in report) >= 3
