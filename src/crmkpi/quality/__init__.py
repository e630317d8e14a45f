"""The quality of the data: what is wrong with it, how much, and what that does to which KPI."""

from __future__ import annotations

from crmkpi.quality.checking import check
from crmkpi.quality.findings import Finding, Impact, QualityReport

__all__ = ["Finding", "Impact", "QualityReport", "check"]
