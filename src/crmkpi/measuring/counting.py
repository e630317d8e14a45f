"""The numbers of an account: the records that a KPI used, left out, or could not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from crmkpi._read_only import ReadOnly
from crmkpi.engines.query import NO_DATE, UNREADABLE, Answer, Part, State
from crmkpi.measuring.locations import AccountPlan, UnreadPlan

__all__ = ["Counting", "Counts", "PartOfWhole", "Rows", "may_be", "used_and_left_out"]


class PartOfWhole(NamedTuple):
    """Two counts of records: a part and its whole."""

    part: int
    whole: int


class Counts(NamedTuple):
    """How many records of one table and anchor were used or left out over one period, in one segment.

    `numbers` counts the records that were used, were left out under each reason, and have no date. `unread` counts the
    unreadable values, by field, of records that are set aside for them; `shares` has, for each of these fields, such
    records as a part of those that would otherwise be used.
    """

    numbers: list[int]
    unread: Mapping[str, Mapping[str, int]] = ReadOnly({})
    shares: Mapping[str, PartOfWhole] = ReadOnly({})
    again: int = 0  # records left out as duplicate ids


class Rows:
    """The states of some segments, each looked up once for all KPIs that read them."""

    __slots__ = ("_answers", "_found", "segments")

    def __init__(self, answers: Mapping[str, Answer], segments: Sequence[tuple[Hashable, ...]]) -> None:
        self.segments = segments
        self._answers = answers
        self._found: dict[tuple[str, int, Part], list[list[State] | None]] = {}

    def of(self, table: str, anchor: int, part: Part) -> list[list[State] | None]:
        """The states of each segment in one part of the answer; None where it has none."""
        found = self._found.get((table, anchor, part))
        if found is None:
            groups = self._answers[table].groups[anchor]
            found = self._found[table, anchor, part] = [groups.get((segment, part)) for segment in self.segments]
        return found


class _Plain(Sequence[Counts]):
    """Counts of records without unreadable fields, each built at access."""

    __slots__ = ("_dateless", "_none", "_picked")

    def __init__(self, picked: Sequence[Sequence[int] | None], dateless: Sequence[int], none: Sequence[int]) -> None:
        self._picked = picked
        self._dateless = dateless
        self._none = none

    def __len__(self) -> int:
        return len(self._picked)

    def __getitem__(self, number: int) -> Counts:  # type: ignore[override]  # nobody takes slices
        return Counts([*(self._picked[number] or self._none), self._dateless[number] if self._dateless else 0])

    def used_and_left_out(self, numbers: Sequence[int]) -> tuple[list[int], list[int]]:
        """How many were used and left out in some segments; see the function of this name."""
        picked, none = self._picked, self._none
        rows = [picked[number] or none for number in numbers]
        dateless = [self._dateless[number] for number in numbers] if self._dateless else repeat(0)
        return [row[0] for row in rows], [sum(row) - row[0] + more for row, more in zip(rows, dateless, strict=False)]


def used_and_left_out(counts: Sequence[Counts], numbers: Sequence[int]) -> tuple[list[int], list[int]]:
    """How many records were used, and left out for whatever reason, in the segments of these numbers."""
    if isinstance(counts, _Plain):
        return counts.used_and_left_out(numbers)
    some = [counts[number] for number in numbers]
    unread = [sum([sum(values.values()) for values in one.unread.values()]) for one in some]
    left_out = [sum(one.numbers[1:]) + one.again + more for one, more in zip(some, unread, strict=True)]
    return [one.numbers[0] for one in some], left_out


class Counting:
    """Counts the records of one table and anchor over one period."""

    def __init__(self, answer: Answer, account: AccountPlan, parts: Sequence[Part]) -> None:
        """Count in those `parts` of an answer that make up the period."""
        self._answer = answer
        self._account = account
        self._parts = parts
        self._groups = answer.groups[account.anchor]
        self._none = [0] * len(account.numbers)
        # Records without the date that assigns them to a period are in none of the parts.
        self._others = {} if NO_DATE in self._parts else self._groups
        self._used: int | None = None
        self._again = None if answer.again is None else Counting(answer.again, account, parts)

    def column(self, rows: Rows) -> Sequence[Counts]:
        """The counts of each segment of `rows`."""
        account = self._account
        if self._again is not None or account.unread is not None or len(self._parts) != 1:
            return [self.counts(segment) for segment in rows.segments]
        pick = account.pick
        states = rows.of(account.table, account.anchor, self._parts[0])
        picked = [None if row is None else pick(row) for row in states]
        dateless: list[int] = []
        if self._others:
            undated = rows.of(account.table, account.anchor, NO_DATE)
            dateless = [0 if row is None else sum([row[number] for number in account.undated]) for row in undated]
        return _Plain(picked, dateless, self._none)

    def counts(self, segment: tuple[Hashable, ...]) -> Counts:
        """How many were used, how many left out under each reason, how many have no date, and the unreadable values."""
        counts = self._counts(segment)
        if self._again is None:
            return counts
        left = self._again.counts(segment)
        return counts._replace(again=sum(left.numbers) + sum(sum(values.values()) for values in left.unread.values()))

    def _counts(self, segment: tuple[Hashable, ...]) -> Counts:
        undated = self._others.get((segment, NO_DATE))
        dateless = 0 if undated is None else sum([undated[number] for number in self._account.undated])
        unread = self._account.unread
        if unread is not None and unread.undated is not None and undated is not None:
            dateless -= undated[unread.undated[2]]
        if len(self._parts) == 1:  # the common case
            states = self._groups.get((segment, self._parts[0]))
            numbers = [*(self._none if states is None else self._account.pick(states)), dateless]
        else:
            each = self._states(segment)
            numbers = [*[sum([states[number] for states in each]) for number in self._account.numbers], dateless]
        return Counts(numbers) if unread is None else self._with_unread(Counts(numbers), segment, unread)

    def _states(self, segment: tuple[Hashable, ...]) -> list[list[Any]]:
        return [states for part in self._parts if (states := self._groups.get((segment, part))) is not None]

    def _with_unread(self, counts: Counts, segment: tuple[Hashable, ...], plan: UnreadPlan) -> Counts:
        """The same counts, with the values that could not be read."""
        unread: dict[str, Counter[str]] = {}
        shares: dict[str, PartOfWhole] = {}
        used = counts.numbers[0]
        for name, number in plan.fields:
            for states in self._states(segment):
                unread.setdefault(name, Counter()).update(states[number])
        aside = sum(values.total() for values in unread.values())
        for name, values in unread.items():
            shares[name] = PartOfWhole(values.total(), used + aside)
        undated = self._others.get((segment, NO_DATE))
        if plan.undated is not None and undated is not None and undated[plan.undated[1]]:
            name, number, _, anchor, whole = plan.undated
            values = Counter(undated[number])
            ever = self._answer.groups[anchor].get((segment, None))
            shares[name] = PartOfWhole(values.total(), values.total() if ever is None else ever[whole])
            unread.setdefault(name, Counter()).update(values)
        self._add_segments(unread, shares, segment, plan)
        return Counts(counts.numbers, {name: values for name, values in unread.items() if values}, shares)

    def _add_segments(
        self,
        unread: dict[str, Counter[str]],
        shares: dict[str, PartOfWhole],
        segment: tuple[Hashable, ...],
        plan: UnreadPlan,
    ) -> None:
        """Add records whose segment is unreadable to every segment, as they may belong to any, like rejected rows."""
        if plan.segment is None:
            return
        found: dict[str, Counter[str]] = {}
        for other in self._answer.given:
            if not may_be(other, segment):
                continue
            for states in self._states(other):
                told = 0
                for name, number in plan.segments:
                    found.setdefault(name, Counter()).update(states[number])
                    told += sum(states[number].values())
                if states[plan.segment] > told:  # a function of the record read an unreadable field
                    found.setdefault("segment", Counter())[""] += states[plan.segment] - told
        if any(found.values()):
            if self._used is None:
                known = [other for other in self._answer.given if UNREADABLE not in other]
                self._used = sum(states[self._account.used] for other in known for states in self._states(other))
            for name, values in found.items():
                unread.setdefault(name, Counter()).update(values)
                shares[name] = PartOfWhole(values.total(), self._used + values.total())


def may_be(unread: tuple[Hashable, ...], segment: tuple[Hashable, ...]) -> bool:
    """Whether records of a segment that cannot be read in full may belong to another one."""
    return UNREADABLE in unread and all(
        mine in (UNREADABLE, other) for mine, other in zip(unread, segment, strict=True)
    )
