"""Addresses of a KPI's numbers in the answers of the engines; the planner writes them and the reader uses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import itemgetter
from typing import NamedTuple

from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.engines.query import Slot, State, empty_state

__all__ = ["AccountPlan", "Location", "MeasurePlan", "MetricPlan", "UnreadPlan"]


@dataclass(frozen=True)
class Location:
    """The address of a number in the answers: the table, the number of the anchor and the number of the slot."""

    table: str
    anchor: int
    number: int
    measure: Measure
    slot: Slot
    stock: bool

    @cached_property
    def empty(self) -> State:
        """The state of a slot that no record has reached; callers do not change it."""
        return empty_state(self.slot)


class MeasurePlan(NamedTuple):
    """The locations of a measure: one under the name "", or one for each column of a grouped table."""

    measure: Measure
    columns: Mapping[str, Location]


class UnreadPlan(NamedTuple):
    """The slots that hold unreadable values with their counts, by field.

    `undated` covers records whose date cannot be read, so that they may belong to any period: the field, the slots of
    its values and of the records that would be used without a period, and the anchor and slot that count the records
    of all periods together. `segment` is the slot of usable records whose segment cannot be read, and `segments` are
    the slots of the unreadable values, by field of the segment.
    """

    fields: tuple[tuple[str, int], ...]
    undated: tuple[str, int, int, int, int] | None = None
    segment: int | None = None
    segments: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class AccountPlan:
    """The slots of one metric's account on one table and anchor."""

    table: str
    at: str | None
    anchor: int
    stock: bool
    used: int
    reasons: tuple[tuple[str, int], ...]
    unread: UnreadPlan | None = None
    lacking: tuple[bool, ...] = ()  # for each reason, whether it means missing data and not a kind of record
    shifted: Measure | None = None  # the measure, if it reads an earlier period

    @property
    def no_date(self) -> str:
        """The reason for records that lack the date which assigns them to a period."""
        return f"no {self.at}"

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The slots that count the records used and left out under each reason."""
        return (self.used, *(number for _, number in self.reasons))

    @cached_property
    def pick(self) -> Callable[[Sequence[State]], Sequence[int]]:
        """A function that picks these counts from the states of a group."""
        return itemgetter(*self.numbers) if self.reasons else lambda states: (states[self.used],)

    @cached_property
    def undated(self) -> tuple[int, ...]:
        """The slots of records that would count if they had the date that assigns them to a period."""
        return (self.used, *(number for reason, number in self.reasons if reason == self.no_date))

    def left_out(self, counts: Sequence[int]) -> dict[str, int]:
        """How many records were left out under each reason: those of `reasons`, then `no_date`."""
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
    """The locations of all numbers of a metric."""

    metric: Metric
    measures: Mapping[str, MeasurePlan]
    accounts: tuple[AccountPlan, ...]
    earlier: tuple[AccountPlan, ...] = ()  # of measures of an earlier period that has uncertain records
    joints: Mapping[tuple[str, str], tuple[Location, ...]] | None = None  # for `moments_of`; None if not requested
    shifted: Mapping[str, tuple[Measure, ...]] = field(default_factory=dict)  # by input, its measures of another period

    @cached_property
    def doubtful(self) -> bool:
        """Whether records may be set aside because a field of theirs is unreadable."""
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
