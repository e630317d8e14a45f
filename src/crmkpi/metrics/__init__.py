"""The definitions, one family per file, in theme folders; `NAMES` are in the order of the catalogue."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from crmkpi._names import KPIS
from crmkpi.metrics import customers, experience, marketing, sales, service, value

if TYPE_CHECKING:
    from crmkpi.definition.metric import Metric

__all__ = ["NAMES", "THEMES", "customers", "definition", "experience", "marketing", "sales", "service", "value"]

NAMES = tuple(KPIS)
THEMES = tuple(dict.fromkeys(home.partition(".")[0] for home in KPIS.values()))


def definition(name: str) -> Metric:
    """The KPI with an id; no other family is loaded."""
    found: Metric = getattr(import_module(f"crmkpi.metrics.{KPIS[name]}"), name)
    return found
