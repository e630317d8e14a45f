"""The evidence of a result, computed at first access: its interval, sample size and accounts of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from crmkpi.definition.metric import Estimated
from crmkpi.engines.query import Answer, Sample
from crmkpi.measuring.accounts import Account
from crmkpi.measuring.counting import Counts, may_be
from crmkpi.measuring.duplicates import DUPLICATE
from crmkpi.measuring.formula import interval_of, sampled_input
from crmkpi.measuring.locations import AccountPlan, MetricPlan
from crmkpi.measuring.moments import Moments, moments_of
from crmkpi.measuring.reading import Cut, Input
from crmkpi.measuring.results import Evidence

__all__ = ["Witness"]


@dataclass(frozen=True, slots=True)
class Witness:
    """Knows the evidence of a metric's results.

    A result that is not looked at keeps what it would take, so that is little: no groups of the answers, and no lists.
    """

    plan: MetricPlan
    confidence: float | None
    answers: Mapping[str, Answer]
    sampled: str | None  # the input whose values the interval rests on
    at_once: bool  # compute eagerly: the inputs are lists, or the interval function may raise
    parameters: Mapping[str, Any]

    @classmethod
    def of(
        cls, plan: MetricPlan, confidence: float | None, answers: Mapping[str, Answer], parameters: Mapping[str, Any]
    ) -> Witness:
        """The witness of what these answers say."""
        tables = {account.table for account in plan.accounts}
        lists = any(found.measure.aggregate in ("rows", "values") for found in plan.measures.values())
        return cls(
            plan,
            confidence,
            {table: _without_groups(answers[table]) for table in tables},
            sampled_input(plan.metric),
            lists or isinstance(plan.metric.interval, Estimated),
            parameters,
        )

    def finding(
        self,
        cut: Cut,
        counts: Sequence[Counts],
        segment: tuple[Hashable, ...],
        inputs: Mapping[str, Input],
        numbers: Mapping[str, Any] | None,
    ) -> Callable[[], Evidence]:
        """What finds the evidence of one segment; `numbers` went into the formula, None where it gave no value."""
        moments = self._moments(cut, segment, inputs)
        if numbers is None or self.confidence is None:
            return partial(self._evidence, segment, counts, None, None, moments)
        sample = None if self.sampled is None else inputs[self.sampled].sample
        if not self.at_once and (sample is None or not isinstance(sample.values, list)):
            return partial(self._evidence, segment, counts, numbers, sample, moments)
        found = self._evidence(segment, counts, numbers, sample, moments)
        return lambda: found

    def _moments(
        self, cut: Cut, segment: tuple[Hashable, ...], inputs: Mapping[str, Input]
    ) -> Callable[[], Moments] | None:
        """The function that computes the variance of the totals, if it was requested."""
        metric = self.plan.metric
        if self.plan.joints is None or self.confidence is None:
            return None
        found = {
            name: inputs[name].value if inputs[name].sample is None else inputs[name].sample for name in metric.measures
        }
        fixed = dict(self.parameters)
        for name in (metric.days, metric.until):
            if name is not None:
                fixed[name] = inputs[name].value
        return partial(moments_of, metric, found, cut.joints(segment), fixed=fixed, confidence=self.confidence)

    def _evidence(
        self,
        segment: tuple[Hashable, ...],
        counts: Sequence[Counts],
        numbers: Mapping[str, Any] | None,
        sample: Sample | None,
        moments: Callable[[], Moments] | None,
    ) -> Evidence:
        interval, n = None, None
        if numbers is not None and self.confidence is not None:
            interval, n = interval_of(self.plan.metric, numbers, sample, confidence=self.confidence)
        accounts = self._accounts(segment, counts)
        aside = sum(values.total() for account in accounts for values in map(Counter, account.unreadable.values()))
        if interval is not None and aside:
            interval = replace(interval, without=aside)
        return interval, n if n is not None else accounts[-1].used, accounts, None if moments is None else moments()

    def _accounts(self, segment: tuple[Hashable, ...], counts: Sequence[Counts]) -> tuple[Account, ...]:
        made = []
        for plan, counted in zip(self.plan.accounts, counts, strict=True):
            used, *others = counted.numbers
            answer = self.answers[plan.table]
            given, left_out = _given(answer, segment, plan) + answer.rejected, plan.left_out(others)
            if answer.again is not None:
                given += _given(answer.again, segment, plan)
                left_out |= {DUPLICATE: counted.again} if counted.again else {}
            if plan.unread is not None:
                left_out |= {f"{name} unreadable": sum(values.values()) for name, values in counted.unread.items()}
            made.append(
                Account(
                    plan.table,
                    plan.at,
                    given,
                    used,
                    left_out,
                    answer.rejected,
                    answer.unread,
                    answer.skipped,
                    {name: dict(values) for name, values in counted.unread.items()},
                    answer.searched,
                )
            )
        return tuple(made)


def _given(answer: Answer, segment: tuple[Hashable, ...], plan: AccountPlan) -> int:
    """The number of records of a segment, including those that may belong to it."""
    given = answer.given.get(segment, 0)
    if plan.unread is not None:
        given += sum(count for other, count in answer.given.items() if may_be(other, segment))
    return given


def _without_groups(answer: Answer) -> Answer:
    again = None if answer.again is None else _without_groups(answer.again)
    return replace(answer, groups=[], again=again, contradictions=(), ask=None)
