"""The quality of the data: what is wrong with it, how much, and what that does to which KPI."""

from __future__ import annotations

from crmkpi.quality.checking import check
from crmkpi.quality.findings import Effect, Finding, QualityReport

__all__ = ["Effect", "Finding", "QualityReport", "check"]
