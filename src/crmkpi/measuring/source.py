"""The source of a result: computes it when somebody looks at it, first its fields and then its evidence."""

from __future__ import annotations

from typing import Any, Protocol

from crmkpi.measuring.accounts import Account
from crmkpi.measuring.moments import SampleMoments
from crmkpi.statistics.intervals import Interval

__all__ = ["Evidence", "Source"]

Evidence = tuple[Interval[Any] | None, int, tuple[Account, ...], SampleMoments | None]


class Source(Protocol):
    """The results of one measurement by their numbers."""

    def result(self, number: int, /) -> tuple[Any, ...]:
        """The fields of `Result` in their order, but for its evidence and comparison."""

    def evidence(self, number: int, /) -> Evidence:
        """The interval, the sample size, the accounts and the moments of one result."""
