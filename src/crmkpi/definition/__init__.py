"""Expressions, measures and `@metric`: how a KPI is defined."""

from __future__ import annotations

__all__: list[str] = []
