"""Insight over records: who stays, who comes back, who is worth what."""

from __future__ import annotations

from crmkpi.insight import cohorts, durations, funnel, health, rfm, survival

__all__ = ["cohorts", "durations", "funnel", "health", "rfm", "survival"]
