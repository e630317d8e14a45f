"""Where each number of a KPI is found in the answers of the engines; the planner writes it, the reader uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter

from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.engines.query import Slot, State, empty_state

__all__ = ["AccountPlan", "Location", "MeasurePlan", "MetricPlan", "UnreadPlan"]


@dataclass(frozen=True)
class Location:
    """Where a number is found in the answers: the table, the number of the anchor and the number of the slot."""

    table: str
    anchor: int
    number: int
    measure: Measure
    slot: Slot
    stock: bool

    @cached_property
    def empty(self) -> State:
        """The state where no record has reached the slot; it is only looked at."""
        return empty_state(self.slot)


@dataclass(frozen=True, slots=True)
class MeasurePlan:
    """Where a measure is found; of a grouped one, where each of its columns is."""

    measure: Measure
    columns: Mapping[str, Location]


@dataclass(frozen=True, slots=True)
class UnreadPlan:
    """Where unreadable values are found: by field, each value with its count.

    `undated` is of records whose date cannot be read, so that they may be of any period: the field, its values, how
    many of these records would be used if no period were asked for, and the anchor and number of the slot that counts
    the records of all periods together. `segment` counts what would be used of records whose segment cannot be read,
    and `segments` are the values of the fields that say the segment.
    """

    fields: tuple[tuple[str, int], ...]
    undated: tuple[str, int, int, int, int] | None = None
    segment: int | None = None
    segments: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class AccountPlan:
    """Where the evidence of one metric on one table and anchor is found."""

    table: str
    at: str | None
    anchor: int
    stock: bool
    used: int
    reasons: tuple[tuple[str, int], ...]
    unread: UnreadPlan | None = None
    lacking: tuple[bool, ...] = ()  # of each reason, whether it is for want of knowledge that records are left out
    shifted: Measure | None = None  # the measure, where it is one of an earlier period

    @property
    def no_date(self) -> str:
        """The reason of records that lack the date which puts them into a period."""
        return f"no {self.at}"

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The slots that count the records used and left out under each reason."""
        return (self.used, *(number for _, number in self.reasons))

    @cached_property
    def pick(self) -> Callable[[Sequence[State]], Sequence[int]]:
        """What takes these counts from the states of a group."""
        return itemgetter(*self.numbers) if self.reasons else lambda states: (states[self.used],)

    @cached_property
    def undated(self) -> tuple[int, ...]:
        """The slots that count records which would count, if they had the date that puts them into a period."""
        return (self.used, *(number for reason, number in self.reasons if reason == self.no_date))

    def left_out(self, counts: Sequence[int]) -> dict[str, int]:
        """How many records were left out under each reason: those of `reasons`, and last of all `no_date`."""
        found: dict[str, int] = {}
        *others, dateless = counts
        for (reason, _), count in zip(self.reasons, others, strict=True):
            if count:
                found[reason] = found.get(reason, 0) + count
        if dateless:
            found[self.no_date] = found.get(self.no_date, 0) + dateless
        return found


@dataclass(frozen=True)
class MetricPlan:
    """Where all numbers of a metric are found."""

    metric: Metric
    measures: Mapping[str, MeasurePlan]
    accounts: tuple[AccountPlan, ...]
    earlier: tuple[AccountPlan, ...] = ()  # of measures of an earlier period that has uncertain records
    joints: Mapping[tuple[str, str], tuple[Location, ...]] | None = None  # for `moments_of`; None if not asked for
    shifted: Mapping[str, tuple[Measure, ...]] = field(default_factory=dict)  # by input, what looks at another period

    @cached_property
    def doubtful(self) -> bool:
        """Whether records may be set aside since a field of theirs cannot be read."""
        return any(account.unread is not None for account in (*self.accounts, *self.earlier))

    @cached_property
    def lists(self) -> bool:
        """Whether the formula takes lists of values or rows."""
        return any(found.measure.aggregate in ("rows", "values") for found in self.measures.values())

    def slots(self, account: AccountPlan) -> set[int]:
        """The numbers of the slots of an account's anchor that the metric reads."""
        columns = [column for found in self.measures.values() for column in found.columns.values()]
        mine = [column.number for column in columns if (column.table, column.anchor) == (account.table, account.anchor)]
        return {account.used, *(number for _, number in account.reasons), *mine}
