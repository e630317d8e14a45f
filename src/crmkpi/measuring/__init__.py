"""Plan, query, formula, evidence and results: how a KPI is measured."""

from __future__ import annotations

__all__: list[str] = []
