"""The company file: tables, calendar, money, targets and reports in one TOML file, and the commands that use it."""

from __future__ import annotations

__all__: list[str] = []
