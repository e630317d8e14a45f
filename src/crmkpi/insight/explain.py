"""Decompose a change of a KPI: the segments that account for it, and the inputs of its formula.

| KPI | split over segments |
|---|---|
| a count or a sum | the change of each segment |
| a ratio of two totals | rate (change within a segment) and mix (change of its weight), without a remainder |
| any other formula of counts, sums and means | along the straight line from before to after |
| a median, a quantile, distinct customers, a model | refused |

The parts add up to the change, and swapping the periods flips every sign. They account for a change, but do not show
its cause.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from fractions import Fraction
from math import sqrt
from typing import Any, Literal

from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric, Share
from crmkpi.definition.numbers import as_float
from crmkpi.errors import CrmKpiError, InputError, UndefinedError
from crmkpi.insight.explanations import Effect, Explanation, Method
from crmkpi.insight.tables import number_in
from crmkpi.measuring.comparing import mean_variant
from crmkpi.measuring.dataset import Compare, Dataset
from crmkpi.measuring.measurement import chosen_metrics, measure
from crmkpi.measuring.moments import SampleMoments, formula_at, is_mean, sampled
from crmkpi.measuring.results import Result
from crmkpi.measuring.segments import By
from crmkpi.metrics.catalogue import catalogue
from crmkpi.statistics.decomposition import along_the_line, mix_and_rate, mix_and_rate_errors, shapley
from crmkpi.statistics.distributions import normal_quantile
from crmkpi.statistics.intervals import Interval

__all__ = [
    "Effect",
    "Explanation",
    "explain",
    "explain_inputs",
    "explain_totals",
    "explained_periods",
    "ratio_of",
]

_FEWEST = 10  # records on a side for an interval


def ratio_of(metric: Metric) -> tuple[str, str] | None:
    """The numerator and denominator of a KPI that is a ratio of two totals; None for other KPIs.

    >>> from crmkpi import campaign_roi, sales_cycle_length, win_rate
    >>> ratio_of(win_rate), ratio_of(sales_cycle_length), ratio_of(campaign_roi)
    (('won', 'closed'), ('cycle', 'cycle#'), None)
    """
    if isinstance(metric.interval, Share):
        return metric.interval.part, metric.interval.whole
    mean = is_mean(metric)
    if mean is not None:
        return mean
    if len(metric.measures) != 2 or metric.parameters or metric.days is not None or not sampled(metric):
        return None
    if any(measure.aggregate == "mean" for measure in metric.measures.values()):
        return None
    part, whole = metric.measures
    if all(float(metric.formula(**{part: a, whole: b}) or 0) == a / b for a, b in ((3, 4), (10, 5), (7, 2))):
        return part, whole
    return None


def explain_totals(
    metric: Metric | str,
    before: Mapping[Hashable, Mapping[str, Any]],
    after: Mapping[Hashable, Mapping[str, Any]],
    *,
    effects: Literal["mix", "volume"] = "mix",
    parameters: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
) -> Explanation:
    """The change of a KPI split over segments, from given inputs of its formula.

    `effects="volume"` splits the change of a ratio by added records instead of by composition: a new segment at the
    common rate then accounts for nothing. Shares have standard errors.

    >>> found = explain_totals(
    ...     "win_rate",
    ...     before={"web": {"won": 10, "closed": 100}, "partner": {"won": 60, "closed": 100}},
    ...     after={"web": {"won": 60, "closed": 400}, "partner": {"won": 65, "closed": 100}},
    ... )
    >>> [(one.name, round(one.rate, 4), round(one.mix, 4)) for one in found.effects]
    [('partner', 0.0175, -0.0975), ('web', 0.0325, -0.0525)]
    >>> round(sum(one.total for one in found.effects), 12) == round(found.change, 12)
    True
    """
    (chosen,) = chosen_metrics(metric)
    _refuse(chosen)
    given = chosen.parameter_values(parameters or {})
    sides = [
        {name: _moments_of_totals(chosen, totals, given, confidence) for name, totals in side.items()}
        for side in (before, after)
    ]
    counts = isinstance(chosen.interval, Share) or all(
        measure_.aggregate == "count" for measure_ in chosen.measures.values()
    )
    return _explained(
        chosen, sides, volume=_is_volume(effects), labels=("before", "after"), by="segment", certain=counts
    )


def _moments_of_totals(
    metric: Metric, totals: Mapping[str, Any], fixed: Mapping[str, Any], confidence: float
) -> SampleMoments:
    """The moments of given totals; variances are known for counts that are parts of each other."""
    for name in totals:
        if name not in metric.measures:
            raise InputError(f"{metric.id} has no input {name!r}; it takes {', '.join(metric.measures)}.")
    missing = [name for name in metric.measures if name not in totals]
    if missing:
        raise InputError(
            f"{metric.id} needs {', '.join(metric.measures)} of each segment; missing: {', '.join(missing)}."
        )
    if any(measure_.aggregate == "mean" for measure_ in metric.measures.values()):
        raise InputError(
            f"The mean in {metric.id} cannot be added up over segments; measure with explain() on the records."
        )
    numbers = {name: Fraction(str(totals[name])) for name in metric.measures}
    products = {(name, name): number for name, number in numbers.items()}
    if isinstance(metric.interval, Share):
        part, whole = metric.interval.part, metric.interval.whole
        products[part, whole] = numbers[part]
        if not 0 <= numbers[part] <= numbers[whole]:
            raise InputError(f"{metric.id}: {part} is a part of {whole}; got {totals[part]} of {totals[whole]}.")
    return SampleMoments(numbers, products, fixed, confidence)


def _is_volume(effects: str) -> bool:
    if effects not in ("mix", "volume"):
        raise InputError(f"`effects` is 'mix' or 'volume'; got {effects!r}.")
    return effects == "volume"


def explain(
    crm: Dataset,
    metric: Metric | str,
    *,
    period: PeriodLike,
    compare: Compare = "previous",
    by: By,
    effects: Literal["mix", "volume"] = "mix",
    parameters: Mapping[str, Any] | None = None,
    confidence: float = 0.95,
) -> Explanation:
    """Split the change of a KPI between two periods over segments, with confidence intervals.

    Two attributes, `by=["source", "owner"]`, are split over their combinations.

    >>> from crmkpi import Deal
    >>> deals = [Deal(id=f"{month}{source}{n}", status="won" if n < won else "lost", source=source,
    ...               closed_at=f"2026-0{month}-05")
    ...          for month, source, won, many in ((1, "web", 10, 100), (1, "partner", 60, 100),
    ...                                           (2, "web", 60, 400), (2, "partner", 65, 100)) for n in range(many)]
    >>> found = explain(Dataset(deals=deals), "win_rate", period="2026-02", by="source")
    >>> [(one.name, round(one.rate, 4), round(one.mix, 4)) for one in found.effects]
    [('partner', 0.0175, -0.0975), ('web', 0.0325, -0.0525)]
    """
    (chosen,) = chosen_metrics(metric)
    _refuse(chosen)
    later, earlier = explained_periods(crm, period, compare)
    found = measure(
        crm,
        (chosen,),
        periods=[earlier, later],
        against=None,
        by=by,
        parameters=parameters or {},
        confidence=confidence,
        moments=True,
    )
    sides = [_by_segment(found, one) for one in (earlier, later)]
    if not any(sides):
        raise InputError(f"There is nothing to explain: no record has a segment {by!r} in either period.")
    names = list(found[0].segment)
    made = _explained(
        chosen,
        [{name: _moments(result) for name, result in side.items()} for side in sides],
        volume=_is_volume(effects),
        labels=(earlier.label, later.label),
        by=", ".join(names),
        certain=not any(measure_.is_stock for measure_ in chosen.measures.values()),
        counts=[{name: result.n for name, result in side.items()} for side in sides],
        currency=next((one.currency for one in found if one.currency is not None), None),
    )
    currencies = {one.currency for one in found if one.currency is not None}
    if len(currencies) > 1:
        raise InputError(
            f"{chosen.id} is in several currencies: {', '.join(sorted(currencies))}. Give the Dataset rates."
        )
    return made


def explained_periods(crm: Dataset, period: PeriodLike, compare: Compare) -> tuple[Period, Period]:
    """The period and its comparison period."""
    found = crm.periods(period, None)
    if len(found) != 1 or found[0] is None:
        raise InputError(f"A change is explained between one period and another; got period={period!r}.")
    other = crm.other_period(found[0], compare)
    if other is None:
        raise InputError("A change is explained against another period; give compare='previous', or a period.")
    if found[0].start < other.end and other.start < found[0].end:
        raise InputError(
            f"A change is explained between periods that share no day; got {found[0].label} and {other.label}. "
            "Give another period, or compare='previous'."
        )
    return found[0], other


def _by_segment(results: Sequence[Result], period: Period) -> dict[Hashable, Result]:
    sides: dict[Hashable, Result] = {}
    for one in results:
        if one.period == period:
            keys = tuple(one.segment.values())
            sides[keys[0] if len(keys) == 1 else keys] = one
    return sides


def _moments(result: Result) -> SampleMoments:
    assert result.moments is not None  # the measurement requested them
    return result.moments


def _refuse(metric: Metric) -> None:
    """Refuse a KPI that cannot be computed from its parts, and name a variant that can."""
    if metric.roll_up in ("distributional", "distinct") or not sampled(metric):
        kind = "a median or another quantile" if metric.roll_up == "distributional" else "a count of customers once"
        raise InputError(
            f"{metric.id} has no exact split over segments, since it rests on {kind}; {mean_variant(metric)}."
        )


def _explained(
    metric: Metric,
    sides: Sequence[Mapping[Hashable, SampleMoments]],
    *,
    volume: bool,
    labels: tuple[str, str],
    by: str,
    certain: bool,
    counts: Sequence[Mapping[Hashable, int]] | None = None,
    currency: str | None = None,
) -> Explanation:
    """The explanation, by the kind of the KPI."""
    names = list(dict.fromkeys([*sides[0], *sides[1]]))
    if not names:
        raise InputError("There is nothing to explain: neither side has a segment.")
    wholes = [_whole(side) for side in sides]
    value = formula_at(metric, next(iter({**sides[0], **sides[1]}.values())))
    ends = [None if whole is None else value(_floats(whole)) for whole in wholes]
    for when, end in zip(labels, ends, strict=True):
        if end is None:
            why = f" ({metric.empty})" if metric.empty and isinstance(metric.empty, str) else ""
            raise UndefinedError(
                f"{metric.id} is undefined in {when}{why}, so that its change has no parts; take periods with a value."
            )
    ratio = ratio_of(metric)
    confidence = next(iter({**sides[0], **sides[1]}.values())).confidence
    parts: dict[Hashable, tuple[Any, Any, Any, Any]]
    errors: dict[Hashable, float | None] = dict.fromkeys(names)
    method: Method
    if metric.additive:
        method = "additive"
        own = [{name: value(_floats(side[name])) if name in side else 0.0 for name in names} for side in sides]
        parts = {name: ((own[1][name] or 0.0) - (own[0][name] or 0.0), None, None, None) for name in names}
        (total,) = list(metric.measures)
        slope = (ends[1] or 0.0) / float(wholes[1].totals[total]) if wholes[1] and wholes[1].totals[total] else 1.0
        errors = {
            name: abs(slope) * sqrt(sum(float(side[name].covariance(total, total)) for side in sides if name in side))
            for name in names
        }
    elif ratio is not None and not volume:
        method = "mix and rate"
        part, whole = ratio
        pairs = [{name: (one.totals[part], one.totals[whole]) for name, one in side.items()} for side in sides]
        split = mix_and_rate(pairs[0], pairs[1])
        parts = {name: tuple(map(float, (one.total, one.rate, one.mix, one.alone))) for name, one in split.items()}  # type: ignore[misc]
        spread = [
            {
                name: (one.covariance(part, part), one.covariance(part, whole), one.covariance(whole, whole))
                for name, one in side.items()
            }
            for side in sides
        ]
        errors = {name: three[2] for name, three in mix_and_rate_errors(pairs[0], pairs[1], spread).items()}
    else:
        method = "volume" if ratio is not None else "along the line"
        lines = [{name: _floats(one) for name, one in side.items()} for side in sides]
        parts = {name: (one, None, None, None) for name, one in along_the_line(value, lines[0], lines[1]).items()}
    known = certain and method in ("additive", "mix and rate")
    made = [
        _effect(metric, name, parts[name], [value(_floats(side[name])) if name in side else None for side in sides],
                [side.get(name) for side in (counts or ({}, {}))], errors[name] if known else None, confidence)
        for name in names
    ]  # fmt: skip
    made.sort(key=lambda one: (-abs(as_float(one.total)), str(one.name)))
    return Explanation(
        metric.title,
        metric.unit,
        method,
        number_in(ends[0], metric.unit),
        number_in(ends[1], metric.unit),
        tuple(made),
        labels,
        by,
        _notes(method),
        currency,
    )


def _notes(method: Method) -> tuple[str, ...]:
    if method == "mix and rate":
        return ("rate: what changed within a segment; mix: what its weight among all did",)
    return ("the parts account for the change; what caused it, they do not say",) if method == "additive" else ()


def _effect(
    metric: Metric,
    name: Hashable,
    parts: tuple[Any, Any, Any, Any],
    values: Sequence[float | None],
    counts: Sequence[int | None],
    error: float | None,
    confidence: float,
) -> Effect:
    few = error is not None and min((one for one in counts if one is not None), default=_FEWEST) < _FEWEST
    unit = metric.unit
    total, rate, mix, alone = parts
    interval = None
    if error is not None and not few:
        half = normal_quantile(confidence) * error
        interval = Interval(number_in(total - half, unit), number_in(total + half, unit), confidence, "normal")
    before, after = (number_in(one, unit) for one in values)
    return Effect(
        name,
        number_in(total, unit),
        number_in(rate, unit),
        number_in(mix, unit),
        number_in(alone, unit),
        before,
        after,
        counts[0],
        counts[1],
        number_in(error, unit),
        interval,
        few,
    )


def _whole(side: Mapping[Hashable, SampleMoments]) -> SampleMoments | None:
    found: SampleMoments | None = None
    for one in side.values():
        found = one if found is None else found.plus(one)
    return found


def _floats(moments: SampleMoments) -> dict[str, float]:
    return {name: float(total) for name, total in moments.totals.items()}


def explain_inputs(
    metric: Metric | str | Callable[..., Any],
    before: Result | Mapping[str, Any],
    after: Result | Mapping[str, Any],
) -> Explanation:
    """The contribution of each input of a formula to the change of the KPI, as its Shapley value.

    `before` and `after` are results of the same KPI, or the inputs and parameters themselves. `metric` may be any
    function. A share has no such split: won deals are among the closed ones, so that the inputs do not change alone.

    >>> found = explain_inputs("cost_per_lead", {"spend": 1000, "leads": 50}, {"spend": 1500, "leads": 40})
    >>> [(one.name, str(one.total)) for one in found.effects]
    [('spend', '11.25'), ('leads', '6.25')]
    """
    chosen = catalogue.find(metric) if isinstance(metric, str) else metric
    sides = [_inputs_of(side) for side in (before, after)]
    if isinstance(chosen, Metric):
        if isinstance(chosen.interval, Share):
            raise InputError(
                f"{chosen.id} is a share, whose part is among its whole; explain it over segments, by='source'."
            )
        sides = [_completed(chosen, side) for side in sides]
        title, unit = chosen.title, str(chosen.unit)

        def formula(**inputs: Any) -> Any:
            return chosen.evaluate(inputs)
    else:
        title, unit, formula = getattr(chosen, "__name__", "formula"), "number", chosen
    if set(sides[0]) != set(sides[1]):
        raise InputError(f"Both sides have the same inputs; got {', '.join(sides[0])} and {', '.join(sides[1])}.")
    try:
        found = shapley(formula, sides[0], sides[1])
        ends = [formula(**side) for side in sides]
    except (CrmKpiError, ArithmeticError) as error:
        if isinstance(error, InputError):
            raise
        raise UndefinedError(f"{title} has no value for a mixture of old and new inputs: {error}.") from error
    effects = [
        Effect(name, number_in(float(effect), unit), before=sides[0][name], after=sides[1][name])
        for name, effect in found.items()
    ]
    effects.sort(key=lambda one: (-abs(as_float(one.total)), str(one.name)))
    currency = next((side.currency for side in (before, after) if isinstance(side, Result)), None)
    shown = tuple(Effect(one.name, one.total) for one in effects)
    begun, ended = (number_in(as_float(end), unit) for end in ends)
    return Explanation(title, unit, "inputs", begun, ended, shown, by="input", currency=currency)


def _inputs_of(side: Result | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(side, Result):
        return dict(side)
    if side.value is None:
        raise UndefinedError(f"{side.definition} is undefined on one side: {side.reason}.")
    return {**side.inputs, **side.parameters}


def _completed(metric: Metric, given: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs of a metric, completed and in the form that its formula accepts."""
    found = metric.from_totals(**given)
    if found.value is None:
        raise UndefinedError(f"{metric.id} is undefined on one side: {found.reason}.")
    amounts = {name: found.inputs.get(name, value) for name, value in given.items()}
    return {name: value for name, value in {**amounts, **found.parameters}.items() if name in metric.asked}
