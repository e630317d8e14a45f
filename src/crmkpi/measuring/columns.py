"""Results in columns: the values that rows and frames show, without an object for each unread result."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from crmkpi.dates.periods import Period
from crmkpi.definition.interval_rules import NetPromoter, Share
from crmkpi.definition.metric import Metric
from crmkpi.measuring.accounts import sums_of, unreadable_of
from crmkpi.measuring.counting import used_and_left_out
from crmkpi.measuring.evidence import Block, given_of, left_out_of
from crmkpi.measuring.formula import SMALL_SAMPLE
from crmkpi.measuring.results import Result
from crmkpi.statistics.intervals import Interval

__all__ = ["DetailColumns", "EvidenceColumns", "ValueColumns", "details_of", "evidence_of", "values_of"]

_T = TypeVar("_T", "ValueColumns", "EvidenceColumns", "DetailColumns")


@dataclass(slots=True)
class ValueColumns:
    """The value of each result, with its metric, period and segment."""

    metric: list[Metric]
    value: list[Any]
    reason: list[str | None]
    currency: list[str | None]
    period: list[Period | None]
    segment: list[Mapping[str, Hashable]]
    complete: list[bool | None]


@dataclass(slots=True)
class EvidenceColumns:
    """The evidence of each result; counts are those of all tables together."""

    interval: list[Interval[Any] | None]
    n: list[int]
    small_sample: list[bool]
    given: list[int]
    used: list[int]
    left_out: list[int]
    outside: list[int]
    rejected: list[int]


@dataclass(slots=True)
class DetailColumns:
    """The numbers of the formula of each result, and its counts by reason."""

    inputs: list[Mapping[str, Any]]
    parameters: list[Mapping[str, Any]]
    left_out: list[dict[str, int]]
    unread: list[dict[str, int]]
    skipped: list[dict[str, int]]
    unreadable: list[dict[str, dict[str, int]]]


def values_of(results: Sequence[Result]) -> ValueColumns:
    """The values of some results, in their order."""
    return _gathered(results, _values_of_results, _values_of_block)


def evidence_of(results: Sequence[Result]) -> EvidenceColumns:
    """The evidence of some results, in their order."""
    return _gathered(results, _evidence_of_results, _evidence_of_block)


def details_of(results: Sequence[Result]) -> DetailColumns:
    """The details of some results, in their order."""
    return _gathered(results, _details_of_results, _details_of_block)


def _gathered(
    results: Sequence[Result],
    of_results: Callable[[Sequence[Result]], _T],
    of_block: Callable[[Block, Sequence[int]], _T],
) -> _T:
    found = of_results(())
    for block, numbers, some in _stretches(results):
        more = of_results(some) if block is None else of_block(block, numbers)
        for one in fields(found):
            getattr(found, one.name).extend(getattr(more, one.name))
    return found


def _stretches(results: Sequence[Result]) -> Iterator[tuple[Block | None, Sequence[int], Sequence[Result]]]:
    """Runs of consecutive results that share a block whose evidence nobody has read."""
    sources = [result._make or result._find for result in results]  # noqa: SLF001  # of this package
    blocks = [
        source[0] if source and isinstance(source[0], Block) and not source[0].known else None for source in sources
    ]
    start = 0
    for _, group in groupby(blocks, id):
        (block, *more) = group
        after = start + 1 + len(more)
        numbers = [source[1] for source in sources[start:after] if source]
        yield block, numbers, results[start:after]
        start = after


def _values_of_results(results: Sequence[Result]) -> ValueColumns:
    return ValueColumns(
        [result.metric for result in results],
        [result.value for result in results],
        [result.reason for result in results],
        [result.currency for result in results],
        [result.period for result in results],
        [result.segment for result in results],
        [result.complete for result in results],
    )


def _values_of_block(block: Block, numbers: Sequence[int]) -> ValueColumns:
    size = len(numbers)
    return ValueColumns(
        [block.plan.metric] * size,
        [block.found[number][0] for number in numbers],
        [block.found[number][2] for number in numbers],
        [block.currencies[number] for number in numbers],
        [block.period] * size,
        [block.names[number] for number in numbers],
        [None if number in block.silent else block.complete for number in numbers],
    )


def _evidence_of_results(results: Sequence[Result]) -> EvidenceColumns:
    accounts = [result.accounts for result in results]

    def sums(name: str) -> list[int]:
        return [sum([getattr(one, name) for one in each]) for each in accounts]

    return EvidenceColumns(
        [result.interval for result in results],
        [result.n for result in results],
        [result.small_sample for result in results],
        sums("given"),
        sums("used"),
        [sum([sum(one.left_out.values()) for one in each]) for each in accounts],
        sums("outside"),
        sums("rejected"),
    )


def _evidence_of_block(block: Block, numbers: Sequence[int]) -> EvidenceColumns:
    size = len(numbers)
    given, used, left_out = [0] * size, [0] * size, [0] * size
    rejected = 0
    last = used
    for plan, counts in zip(block.plan.accounts, block.counts, strict=True):
        answer = block.answers[plan.table]
        rejected += answer.rejected
        all_of = given_of(answer, plan, [block.segments[number] for number in numbers])
        last, left = used_and_left_out(counts, numbers)
        given, used, left_out = _added(given, all_of), _added(used, last), _added(left_out, left)
    pairs = _intervals(block, numbers)
    n = [count if pair[1] is None else pair[1] for count, pair in zip(last, pairs, strict=True)]
    few = not block.plan.metric.additive
    values = [block.found[number][0] for number in numbers]
    return EvidenceColumns(
        [pair[0] for pair in pairs],
        n,
        [few and count < SMALL_SAMPLE and value is not None for value, count in zip(values, n, strict=True)],
        given,
        used,
        left_out,
        [all_ - mine - out - rejected for all_, mine, out in zip(given, used, left_out, strict=True)],
        [rejected] * size,
    )


def _details_of_results(results: Sequence[Result]) -> DetailColumns:
    return DetailColumns(
        [result.inputs for result in results],
        [result.parameters for result in results],
        [result.left_out for result in results],
        [result.unread for result in results],
        [result.skipped for result in results],
        [result.unreadable for result in results],
    )


def _details_of_block(block: Block, numbers: Sequence[int]) -> DetailColumns:
    plans = block.plan.accounts
    answers = [block.answers[plan.table] for plan in plans]
    columns = [[counts[number] for number in numbers] for counts in block.counts]
    by_table = [
        [left_out_of(answer, plan, one) for one in counts]
        for answer, plan, counts in zip(answers, plans, columns, strict=True)
    ]
    each_once = {plan.table: answer for plan, answer in zip(plans, answers, strict=True)}.values()
    unread = sums_of([answer.unread for answer in each_once])
    skipped = sums_of([answer.skipped for answer in each_once])
    return DetailColumns(
        [block.totals[number] for number in numbers],
        [block.parameters] * len(numbers),
        by_table[0] if len(by_table) == 1 else [sums_of(each) for each in zip(*by_table, strict=True)],
        [dict(unread) for _ in numbers],
        [dict(skipped) for _ in numbers],
        [unreadable_of([one.unread for one in each]) for each in zip(*columns, strict=True)],
    )


def _added(one: list[int], other: list[int]) -> list[int]:
    return [mine + theirs for mine, theirs in zip(one, other, strict=True)]


def _intervals(block: Block, numbers: Sequence[int]) -> list[tuple[Interval[Any] | None, int | None]]:
    """The interval of each result, and how many records it rests on; results with equal counts share an interval."""
    match block.plan.metric.interval:
        case Share(part, whole):
            names: tuple[str, ...] = part, whole
        case NetPromoter(promoters, detractors, answers):
            names = promoters, detractors, answers
        case _:
            return [block.interval(number) for number in numbers]
    known: dict[tuple[Any, ...] | None, tuple[Interval[Any] | None, int | None]] = {}
    pick = itemgetter(*names)
    found = []
    for number in numbers:
        reason = block.found[number][2]
        key = None if reason is not None else pick(block.totals[number])
        pair = known.get(key)
        if pair is None:
            pair = known[key] = block.interval(number)
        found.append(pair)
    return found
