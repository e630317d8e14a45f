"""How a KPI's value relates to its inputs (share, mean, NPS): this selects the interval and validates totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crmkpi.errors import InputError

__all__ = ["Estimated", "IntervalRule", "Mean", "NetPromoter", "Share", "check_totals"]


@dataclass(frozen=True, slots=True)
class Share:
    """The value is `part` of `whole`, both counts of records, the one among the other: Wilson's interval."""

    part: str
    whole: str


@dataclass(frozen=True, slots=True)
class Mean:
    """The value is the sum `total` over `count` records: Student's t interval, cut at 0 where it is a duration.

    No mean of durations is below zero, so the cut takes nothing from the confidence. Money may be negative and keeps
    its whole interval.
    """

    total: str
    count: str


@dataclass(frozen=True, slots=True)
class NetPromoter:
    """The value is 100 × (promoters − detractors) / answers: the adjusted Wald interval."""

    promoters: str
    detractors: str
    answers: str


@dataclass(frozen=True, slots=True)
class Estimated:
    """The interval is what `bounds` gives for the inputs of the formula and `confidence`: a pair, or None for none."""

    bounds: Callable[..., tuple[Any, Any] | None]

    def __repr__(self) -> str:
        return f"Estimated({self.bounds.__qualname__})"


IntervalRule = Share | Mean | NetPromoter | Estimated


def check_totals(name: str, rule: IntervalRule | None, inputs: Mapping[str, Any]) -> None:
    """Refuse counts that contradict each other: five won of three closed."""
    pairs: list[tuple[str, str]] = []
    if isinstance(rule, Share):
        pairs = [(rule.part, rule.whole)]
    elif isinstance(rule, NetPromoter):
        pairs = [(rule.promoters, rule.answers), (rule.detractors, rule.answers)]
        if inputs[rule.promoters] + inputs[rule.detractors] > inputs[rule.answers]:
            raise InputError(
                f"{name}: {rule.promoters} and {rule.detractors} are among the {rule.answers}; got "
                f"{inputs[rule.promoters]} and {inputs[rule.detractors]} of {inputs[rule.answers]}."
            )
    for part, whole in pairs:
        if not 0 <= inputs[part] <= inputs[whole]:
            raise InputError(
                f"{name}: {part.replace('_', ' ')} is a part of {whole.replace('_', ' ')}; got {inputs[part]} of "
                f"{inputs[whole]}."
            )
        for count in (part, whole):
            if inputs[count] != int(inputs[count]):
                raise InputError(
                    f"{name}: {count.replace('_', ' ')} is a count of records, so it is whole; got {inputs[count]}."
                )
