"""The source of a result computes it lazily: its fields at first access, its evidence when that is read."""

from __future__ import annotations

from typing import Any, Protocol

from crmkpi.measuring.accounts import Account
from crmkpi.measuring.moments import SampleMoments
from crmkpi.statistics.intervals import Interval

__all__ = ["Evidence", "Source"]

Evidence = tuple[Interval[Any] | None, int, tuple[Account, ...], SampleMoments | None]


class Source(Protocol):
    """The lazily computed results of one measurement, addressed by number."""

    def result(self, number: int, /) -> tuple[Any, ...]:
        """The fields of `Result` in order, without its evidence and comparison."""

    def evidence(self, number: int, /) -> Evidence:
        """The interval, the sample size, the accounts and the moments of one result."""
