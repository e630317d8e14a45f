"""Data quality: the faults of the data, their extent, and their impact on each KPI."""

from __future__ import annotations

from crmkpi.quality.checking import check
from crmkpi.quality.findings import Finding, Impact, QualityReport

__all__ = ["Finding", "Impact", "QualityReport", "check"]
