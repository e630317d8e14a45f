"""Compare two groups of customers, and test whether they were split as planned.

| per customer | value of a group | interval |
|---|---|---|
| a number, such as orders | the mean | Welch |
| a numerator and a denominator, such as amount and orders | the ratio of the sums | delta method, Welch's degrees |

Only random assignment makes a difference an effect; a before-and-after comparison is not an experiment. Test once:
testing every day until a difference is significant finds false ones. The relative difference is computed by the
logarithm of the ratio, as in tea-tasting, which accepts the rows of `to_frame_rows` for power, covariates and many
metrics.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log, sqrt
from typing import Any, Literal

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.errors import InputError, UnknownNameError, did_you_mean
from crmkpi.insight.explain import ratio_of
from crmkpi.insight.tables import InsightTable, ShownTable, number_in, shown_value
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import chosen_metrics, measure
from crmkpi.measuring.segments import Segment
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.statistics.distributions import check_confidence, normal_tails, student_quantile, student_tails
from crmkpi.statistics.intervals import Interval

__all__ = ["GroupComparison", "compare_groups", "compare_measured_groups", "to_frame_rows"]

_SPLIT = 0.001  # the p-value below which a split is not as planned
_NOTES = (
    "only random assignment makes this an effect; before and after is no experiment",
    "look once: looking until something shows finds what is not there",
)

Row = float | tuple[float, float]


@dataclass(frozen=True, slots=True, repr=False)
class GroupComparison(InsightTable):
    """The treatment compared with the control: the difference with its interval and p-value, and the relative one.

    `relative` and its interval are None where the control's value may be 0. `split_p` is the p-value of the split
    against the plan. `better` is None if the difference is not significant or the KPI has no better direction.
    """

    title: str
    unit: str
    control: str
    treatment: str
    n_control: int
    n_treatment: int
    value_control: Any
    value_treatment: Any
    difference: Any
    interval: Interval[Any]
    p_value: float
    relative: float | None
    relative_interval: Interval[float] | None
    split_p: float
    better: bool | None = None
    currency: str | None = None

    @property
    def verdict(self) -> Literal["up", "down", "no clear difference"]:
        """The direction of the difference, if it is significant: its interval excludes 0."""
        zero = self.interval.low - self.interval.low
        if self.interval.low <= zero <= self.interval.high:
            return "no clear difference"
        return "up" if self.interval.low > zero else "down"

    def to_dicts(self) -> list[dict[str, Any]]:
        """The comparison as one row."""
        relative = self.relative_interval
        return [
            {
                "control": self.control,
                "treatment": self.treatment,
                "n_control": self.n_control,
                "n_treatment": self.n_treatment,
                "value_control": self.value_control,
                "value_treatment": self.value_treatment,
                "difference": self.difference,
                "low": self.interval.low,
                "high": self.interval.high,
                "p_value": self.p_value,
                "relative": self.relative,
                "relative_low": None if relative is None else relative.low,
                "relative_high": None if relative is None else relative.high,
                "split_p": self.split_p,
                "verdict": self.verdict,
                "better": self.better,
            }
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(value: Any, *, change: bool = False) -> str:
            return shown_value(value, self.unit, currency=self.currency, change=change)

        relative = "–"
        if self.relative is not None and self.relative_interval is not None:
            low, high = self.relative_interval
            relative = f"{100 * self.relative:+.1f} % ({100 * low:+.1f} % to {100 * high:+.1f} %)"
        span = " to ".join(shown(bound, change=True) for bound in self.interval)
        difference = f"{shown(self.difference, change=True)} ({span})"
        side = self.verdict if self.better is None else "better" if self.better else "worse"
        rows = [
            (self.control, f"{self.n_control:,}", shown(self.value_control), "", "", ""),
            (
                self.treatment,
                f"{self.n_treatment:,}",
                shown(self.value_treatment),
                difference,
                relative,
                side,
            ),
        ]
        headers = ("group", "customers", "value", "difference", "relative", "")
        return ShownTable(self.title, headers, rows, _NOTES, 1, 1)


def compare_groups(
    groups: Mapping[str, Sequence[Row]],
    *,
    control: str,
    split: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    better: str = "neither",
    title: str = "Two groups",
    unit: str = "number",
    currency: str | None = None,
) -> GroupComparison:
    """Compare a treatment group with the control: a number for each customer, or a numerator and a denominator.

    `split` is the planned ratio of customers; the default is {"control": 1, "treatment": 1}. A split with a p-value
    below 0.001 is an error, since the assignment was not random.

    >>> found = compare_groups(
    ...     {"old": [0, 120, 80, 0, 45, 200, 60, 0], "new": [30, 140, 95, 0, 60, 260, 85, 20]}, control="old")
    >>> round(found.difference, 2), [round(bound, 1) for bound in found.interval], found.verdict
    (23.12, [-59.9, 106.1], 'no clear difference')
    """
    check_confidence(confidence)
    if len(groups) != 2:
        raise InputError(f"compare_groups() compares two groups; got {', '.join(groups) or 'none'}.")
    if control not in groups:
        raise UnknownNameError(f"The control is one of the groups; got {control!r}. {did_you_mean(control, groups)}")
    (treatment,) = (name for name in groups if name != control)
    sides = {name: _side(name, rows) for name, rows in groups.items()}
    split_p = _check_split({name: len(rows) for name, rows in groups.items()}, split)
    (value_0, error_0, n_0), (value_1, error_1, n_1) = sides[control], sides[treatment]
    error = sqrt(error_0**2 + error_1**2)
    if not error:
        raise InputError("The values of both groups do not vary, so that their difference by chance is unknown.")
    degrees = _degrees(error_0, n_0, error_1, n_1)
    difference = value_1 - value_0
    half = student_quantile(degrees, confidence) * error
    low, high = difference - half, difference + half
    relative, span = _relative(sides[control], sides[treatment], confidence)
    shown = low > 0 or high < 0
    good = None if not shown or better == "neither" else (difference > 0) == (better == "higher")
    return GroupComparison(
        title,
        unit,
        control,
        treatment,
        n_0,
        n_1,
        number_in(value_0, unit),
        number_in(value_1, unit),
        number_in(difference, unit),
        Interval(number_in(low, unit), number_in(high, unit), confidence, "welch"),
        student_tails(difference / error, degrees),
        relative,
        span,
        split_p,
        good,
        currency,
    )


Side = tuple[float, float, int]  # the value of a group, its standard error, its number of customers


def _side(name: str, rows: Sequence[Row]) -> Side:
    """The value of a group and its standard error: a mean, or a ratio of two sums by the delta method."""
    if len(rows) < 2:
        raise InputError(f"A group has two customers or more; {name} has {len(rows)}.")
    pairs = [row if isinstance(row, tuple) else (row, 1.0) for row in rows]
    if len({isinstance(row, tuple) for row in rows}) > 1 or not all(isfinite(a) and isfinite(b) for a, b in pairs):
        raise InputError(f"Each customer has one number, or a numerator and a denominator; {name} has other rows.")
    many = len(pairs)
    whole = sum(float(b) for _, b in pairs)
    if not whole:
        raise InputError(f"The denominators of {name} add up to 0, so that its ratio is undefined.")
    value = sum(float(a) for a, _ in pairs) / whole
    size = whole / many
    parts = [(float(a) - value * float(b)) / size for a, b in pairs]  # their sum is 0
    return value, sqrt(sum(part * part for part in parts) / (many - 1) / many), many


def _degrees(error_0: float, n_0: int, error_1: float, n_1: int) -> float:
    """Satterthwaite's degrees of freedom."""
    total = error_0**2 + error_1**2
    part_0, part_1 = error_0**2 / total, error_1**2 / total
    return 1 / (part_0**2 / (n_0 - 1) + part_1**2 / (n_1 - 1))


def _relative(control: Side, treatment: Side, confidence: float) -> tuple[float | None, Interval[float] | None]:
    """The ratio of treatment to control minus 1, by its logarithm; None where the control's value may be 0."""
    (value_0, error_0, n_0), (value_1, error_1, n_1) = control, treatment
    if abs(value_0) <= student_quantile(n_0 - 1, confidence) * error_0:
        return None, None
    ratio = value_1 / value_0
    if ratio <= 0:
        return ratio - 1, None
    spread_0, spread_1 = error_0 / value_0, error_1 / value_1
    half = student_quantile(_degrees(spread_0, n_0, spread_1, n_1), confidence) * sqrt(spread_0**2 + spread_1**2)
    return ratio - 1, Interval(exp(log(ratio) - half) - 1, exp(log(ratio) + half) - 1, confidence, "normal")


def _check_split(counts: Mapping[str, int], split: Mapping[str, float] | None) -> float:
    """The p-value of the split against the plan; below 0.001 it is an error."""
    plan = dict.fromkeys(counts, 1.0) if split is None else dict(split)
    if set(plan) != set(counts) or not all(part > 0 for part in plan.values()):
        raise InputError(f"`split` has a part above 0 for each of {', '.join(counts)}; got {split!r}.")
    everyone, parts = sum(counts.values()), sum(plan.values())
    expected = {name: everyone * part / parts for name, part in plan.items()}
    square = sum((counts[name] - expected[name]) ** 2 / expected[name] for name in counts)
    p_value = normal_tails(sqrt(square))  # chi-square of one degree
    if p_value < _SPLIT:
        got = " and ".join(f"{counts[name]:,} {name}" for name in counts)
        planned = " and ".join(f"{expected[name]:,.0f}" for name in counts)
        raise InputError(
            f"The split is not as planned: {got}, where {planned} were planned (p = {p_value:.1g}); find out how "
            "customers were assigned, or give the plan as split=."
        )
    return p_value


def to_frame_rows(
    crm: Dataset,
    metric: Metric | str,
    *,
    groups: Mapping[Hashable, str],
    period: Period | str,
    before: Period | str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """One row per assigned customer: variant, numerator and denominator of the KPI, and the value before the test.

    `groups` maps each customer to a variant. `pre` is the numerator in the period `before`, for use as a covariate.
    A customer without records has 0. The list can have any number of customers, and pandas accepts it as it is.
    """
    (chosen,) = chosen_metrics(metric)
    pair = ratio_of(chosen)
    if pair is None and not (chosen.additive and not chosen.parameters):
        raise InputError(
            f"Groups are compared by counts, sums, shares, means and ratios of two of these; {chosen.id} is none."
        )
    asked = [one for one in (period, before) if one is not None]
    periods = [crm.periods(one, None)[0] for one in asked]
    by = Segment("customer", {table: _key(table) for table in chosen.tables})
    found = measure(
        crm, (chosen,), periods=periods, against=None, by=by, parameters=parameters or {}, confidence=0.95, moments=True
    )
    numbers: dict[tuple[Hashable, Period | None], tuple[float, float]] = {}
    for one in found:
        assert one.moments is not None  # the measurement requested them
        totals = one.moments.totals
        numerator, denominator = (next(iter(totals)), None) if pair is None else pair
        below = 1.0 if denominator is None else float(totals[denominator])
        numbers[one.segment["customer"], one.period] = float(totals[numerator]), below
    nothing = (0.0, 1.0 if pair is None else 0.0)
    rows = []
    for customer, variant in groups.items():
        above, below = numbers.get((customer, periods[0]), nothing)
        row: dict[str, Any] = {"customer": customer, "variant": variant, "numerator": above, "denominator": below}
        if before is not None:
            row["pre"] = numbers.get((customer, periods[1]), nothing)[0]
        rows.append(row)
    return rows


def compare_measured_groups(
    crm: Dataset,
    metric: Metric | str,
    *,
    groups: Mapping[Hashable, str],
    control: str,
    period: Period | str,
    split: Mapping[str, float] | None = None,
    confidence: float = 0.95,
    parameters: Mapping[str, Any] | None = None,
) -> GroupComparison:
    """Compare a KPI of two groups of customers in a period; each customer counts once, with any number of records.

    A count or sum is compared by its mean per customer, a share, mean or ratio by the ratio of both sums.

    >>> from crmkpi import Order
    >>> orders = [Order(id=f"{n}-{k}", customer_id=str(n), amount=50 + 10 * (n % 2) + n % 5, ordered_at="2026-03-05")
    ...           for n in range(60) for k in range(1 + n % 3)]
    >>> groups = {str(n): ("old", "new")[n % 2] for n in range(60)}
    >>> found = compare_measured_groups(
    ...     Dataset(orders=orders), "average_order_value", groups=groups, control="old", period="2026-03")
    >>> str(round(found.difference, 1)), found.verdict, found.better
    ('10.0', 'up', True)
    """
    (chosen,) = chosen_metrics(metric)
    rows = to_frame_rows(crm, chosen, groups=groups, period=period, parameters=parameters)
    pair = ratio_of(chosen)
    sides: dict[str, list[Row]] = {}
    for row in rows:
        sides.setdefault(row["variant"], []).append(
            row["numerator"] if pair is None else (row["numerator"], row["denominator"])
        )
    unit = "number" if chosen.unit == "count" else chosen.unit
    title = f"{chosen.title} per customer" if pair is None else chosen.title
    how: dict[str, Any] = {"control": control, "split": split, "confidence": confidence, "better": chosen.better}
    return compare_groups(sides, title=title, unit=unit, currency=crm.currency, **how)


def _key(table: str) -> str:
    """The field of a table that names the customer."""
    if table == "customers":
        return "id"
    if "customer_id" not in record_type(RECORDS[table]).fields:
        raise InputError(f"The records of {table} name no customer, so that groups of customers cannot be compared.")
    return "customer_id"
