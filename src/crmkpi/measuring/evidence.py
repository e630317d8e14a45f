"""The evidence of a result, computed at first access: its interval, sample size and accounts of records."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.dates.periods import Period
from crmkpi.definition.interval_rules import Estimated
from crmkpi.engines.query import UNREADABLE, Answer, Sample
from crmkpi.measuring.accounts import Account
from crmkpi.measuring.counting import Counts, may_be
from crmkpi.measuring.cuts import InputColumn
from crmkpi.measuring.duplicates import DUPLICATE
from crmkpi.measuring.formula import Found, counted, interval_of, sampled_input
from crmkpi.measuring.locations import AccountPlan, MetricPlan
from crmkpi.measuring.moments import SampleMoments, moments_of
from crmkpi.measuring.source import Evidence
from crmkpi.statistics.intervals import Interval

__all__ = ["Block", "given_of", "left_out_of", "without_groups"]


@dataclass(slots=True, eq=False, repr=False)
class Block:
    """The results of a metric over one period in columns, one entry per segment; each is built at first access.

    Until then the block keeps little: no groups of the answers, and no lists.
    """

    plan: MetricPlan
    confidence: float | None
    answers: Mapping[str, Answer]  # without their groups
    parameters: dict[str, Any]
    period: Period | None
    complete: bool | None
    segments: Sequence[tuple[Hashable, ...]]
    names: Sequence[Mapping[str, Hashable]]  # of the segments
    totals: Sequence[dict[str, Any]]  # the inputs of the formula
    found: Sequence[Found]
    currencies: Sequence[str | None]
    columns: Mapping[str, InputColumn]
    counts: Sequence[Sequence[Counts]]  # by table and anchor
    joints: Callable[[int], dict[tuple[str, str], list[Any]]] | None
    silent: Collection[int]  # results of a period before all data
    mixed: Collection[int]  # results with amounts in several currencies
    samples: Sequence[Any] | None = None  # of the values that the interval rests on
    known: Sequence[Evidence] = ()

    def settle(self) -> None:
        """Compute evidence eagerly if it needs lists, which are not kept, or if the interval function may raise."""
        metric = self.plan.metric
        lists, sampled = self.plan.lists, sampled_input(metric)
        self.samples = None if sampled is None else self.columns[sampled].samples
        if lists or isinstance(metric.interval, Estimated) or any(map(_is_listed, self.samples or ())):
            self.known = [self.evidence(number) for number in range(len(self.segments))]
            self.columns, self.samples, self.joints = {}, None, None
        if lists:
            self.totals = [counted(one) for one in self.totals]

    def result(self, number: int) -> tuple[Any, ...]:
        """The plain fields of one result."""
        value, exact, reason = self.found[number]
        complete = None if number in self.silent else self.complete
        return (
            self.plan.metric,
            value,
            reason,
            ReadOnly(self.totals[number]),
            self.currencies[number],
            self.parameters,
            self.period,
            self.names[number],
            complete,
            exact,
        )

    def evidence(self, number: int) -> Evidence:
        """The interval, the sample size and the accounts of one result."""
        if self.known:
            return self.known[number]
        interval, n = self.interval(number)
        accounts = self._accounts(self.segments[number], [column[number] for column in self.counts])
        aside = [sum(values.values()) for account in accounts for values in account.unreadable.values()]
        if interval is not None and any(aside):
            interval = replace(interval, without=sum(aside))
        return interval, n if n is not None else accounts[-1].used, accounts, self._moments(number)

    def interval(self, number: int) -> tuple[Interval[Any] | None, int | None]:
        """The interval of one result, and how many records it rests on; see `interval_of`."""
        _, exact, reason = self.found[number]
        if reason is not None or self.confidence is None:
            return None, None
        sample = None if self.samples is None else self.samples[number]
        numbers = self.totals[number] | self.parameters if self.parameters else self.totals[number]
        return interval_of(self.plan.metric, numbers, sample, confidence=self.confidence, exact=exact)

    def _moments(self, number: int) -> SampleMoments | None:
        """The variance of the totals, if it was requested."""
        metric = self.plan.metric
        if self.joints is None or self.confidence is None or number in self.mixed:
            return None
        found = {}
        for name in metric.measures:
            column = self.columns[name]
            sample = None if column.samples is None else column.samples[number]
            found[name] = column.values[number] if sample is None else sample
        fixed = dict(self.parameters)
        for given in (metric.days, metric.until):
            if given is not None:
                fixed[given] = self.columns[given].values[number]
        return moments_of(metric, found, self.joints(number), fixed=fixed, confidence=self.confidence)

    def _accounts(self, segment: tuple[Hashable, ...], counts: Sequence[Counts]) -> tuple[Account, ...]:
        made = []
        for plan, one in zip(self.plan.accounts, counts, strict=True):
            answer = self.answers[plan.table]
            (given,) = given_of(answer, plan, [segment])
            made.append(
                Account(
                    plan.table,
                    plan.at,
                    given,
                    one.numbers[0],
                    left_out_of(answer, plan, one),
                    answer.rejected,
                    answer.unread,
                    answer.skipped,
                    {name: dict(values) for name, values in one.unread.items()},
                    answer.searched,
                )
            )
        return tuple(made)


def _is_listed(sample: object) -> bool:
    return isinstance(sample, Sample) and isinstance(sample.values, list)


def left_out_of(answer: Answer, plan: AccountPlan, counts: Counts) -> dict[str, int]:
    """How many records were left out under each reason."""
    found = plan.left_out(counts.numbers[1:])
    if answer.again is not None:
        found |= {DUPLICATE: counts.again} if counts.again else {}
    if plan.unread is not None:
        found |= {f"{name} unreadable": sum(values.values()) for name, values in counts.unread.items()}
    return found


def given_of(answer: Answer, plan: AccountPlan, segments: Sequence[tuple[Hashable, ...]]) -> list[int]:
    """The number of records per segment, with rejected rows, duplicate ids, and records that may belong to it."""
    rejected = answer.rejected
    found = [answer.given.get(segment, 0) + rejected for segment in segments]
    if plan.unread is not None:
        unread = [(other, count) for other, count in answer.given.items() if UNREADABLE in other]
        more = [sum([count for other, count in unread if may_be(other, segment)]) for segment in segments]
        found = [mine + theirs for mine, theirs in zip(found, more, strict=True)]
    if answer.again is not None:
        again = given_of(answer.again, plan, segments)
        found = [mine + theirs for mine, theirs in zip(found, again, strict=True)]
    return found


def without_groups(answer: Answer) -> Answer:
    """The part of an answer that evidence needs and the columns lack."""
    again = None if answer.again is None else without_groups(answer.again)
    of_source = answer.rejected, answer.unread, answer.skipped
    return Answer(answer.given, [], *of_source, again=again, searched=answer.searched)
