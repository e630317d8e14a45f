"""The definitions, one family a file, in theme folders; `NAMES` are in the order of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmkpi.metrics import customers, experience, marketing, sales, service, value

if TYPE_CHECKING:
    from crmkpi.definition.metric import Metric

__all__ = ["NAMES", "customers", "definition", "experience", "marketing", "sales", "service", "value"]

_THEMES = {name: theme for theme in (marketing, sales, customers, value, service, experience) for name in theme.HOMES}
NAMES = tuple(_THEMES)


def definition(name: str) -> Metric:
    """The KPI of that id, without loading any other family."""
    found: Metric = getattr(_THEMES[name], name)
    return found
