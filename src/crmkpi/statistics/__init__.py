"""Intervals, distributions and the other statistics that KPIs rest on."""

from __future__ import annotations

__all__: list[str] = []
