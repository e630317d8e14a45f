"""The company file: tables, calendar, money, targets and reports in one TOML file, and what is made from it."""

from __future__ import annotations

__all__: list[str] = []
