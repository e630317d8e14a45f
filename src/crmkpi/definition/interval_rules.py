"""How a KPI's value relates to its inputs (share, mean, NPS): this selects the interval and validates totals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crmkpi.errors import InputError

__all__ = [
    "Estimated",
    "IntervalRule",
    "Mean",
    "Monotone",
    "NetPromoter",
    "Range",
    "Share",
    "check_totals",
    "usual_range",
]


@dataclass(frozen=True, slots=True)
class Share:
    """The value is `part` / `whole`, two counts where the part is among the whole: Wilson's interval."""

    part: str
    whole: str


@dataclass(frozen=True, slots=True)
class Mean:
    """The value is the sum `total` over `count` records: the interval of a mean, from five records on.

    If the KPI declares that no value is below 0 (`within=(0, None)`, the default of durations) it is Student's t of the
    logarithm, else Student's t.
    """

    total: str
    count: str


@dataclass(frozen=True, slots=True)
class Monotone:
    """The value is a monotone function of `measure`, the one measure of the KPI: a mean, a median or a quantile.

    The formula maps the bounds of the measure's own interval: `t / 86400` for a mean in days, say. A formula that
    returns its one measure unchanged needs no rule.
    """

    measure: str


@dataclass(frozen=True, slots=True)
class NetPromoter:
    """The value is 100 × (promoters − detractors) / answers: the adjusted Wald interval."""

    promoters: str
    detractors: str
    answers: str


@dataclass(frozen=True, slots=True)
class Estimated:
    """`bounds` returns the interval for the inputs of the formula and `confidence`: a pair, or None for none."""

    bounds: Callable[..., tuple[Any, Any] | None]

    def __repr__(self) -> str:
        return f"Estimated({self.bounds.__qualname__})"


IntervalRule = Share | Mean | Monotone | NetPromoter | Estimated
Range = tuple[float | None, float | None]


def usual_range(unit: str, rule: IntervalRule | None) -> Range:
    """The default of `within`: the lowest and the highest number that the value can be, None for no bound."""
    if isinstance(rule, Share):
        return 0, 1
    if isinstance(rule, NetPromoter):
        return -100, 100
    return (0, None) if unit == "duration" else (None, None)


def check_totals(name: str, rule: IntervalRule | None, inputs: Mapping[str, Any]) -> None:
    """Refuse counts that contradict each other: five won of three closed."""
    pairs: list[tuple[str, str]] = []
    if isinstance(rule, Share):
        found, among = inputs[rule.part], inputs[rule.whole]
        if type(found) is type(among) is int and 0 <= found <= among:  # the common case
            return
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
