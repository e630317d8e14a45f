"""Calendars, opening hours, periods and spans: how a company counts time."""

from __future__ import annotations

__all__: list[str] = []
