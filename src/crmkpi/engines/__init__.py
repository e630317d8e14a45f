"""Engines answer queries: they read a table and return a few numbers per group. They never see a formula."""

from __future__ import annotations

__all__: list[str] = []
