"""Analyses of records: retention, repeat purchases and customer value."""

from __future__ import annotations

from crmkpi.insight import cohorts, durations, funnel, health, rfm, survival

__all__ = ["cohorts", "durations", "funnel", "health", "rfm", "survival"]
