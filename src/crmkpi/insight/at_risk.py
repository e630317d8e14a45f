"""Customers who need attention: the value at stake, the points that their health score lost, and its validation.

A health score is an opinion until it is validated against the customers who left, by `check_score`. A threshold on a
score without validation, or with one that failed, is refused.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any

from crmkpi.clv.value import ValueTable
from crmkpi.dates.given import PeriodLike
from crmkpi.errors import InputError
from crmkpi.insight.arguments import one_period
from crmkpi.insight.health import CustomerHealth, HealthPart, HealthTable, health_score
from crmkpi.insight.tables import InsightTable, ShownTable
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.segments import Segment
from crmkpi.statistics.distributions import normal_quantile
from crmkpi.statistics.intervals import Interval

__all__ = ["AtRisk", "CustomerAtRisk", "ScoreCheck", "at_risk", "check_health", "check_score"]

_FEWEST_LEAVERS = 30
_WORST = 0.1  # of the customers


@dataclass(frozen=True, slots=True, repr=False)
class ScoreCheck(InsightTable):
    """Validation of an earlier score against the customers who left since.

    `auc` is the chance that a leaver had a worse score than a stayer: 0.5 is a coin toss, 1 is perfect. `lift` is the
    share of leavers in the worst tenth divided by that in all. Below 30 leavers both are None, and `reason` says so.
    """

    leavers: int
    stayers: int
    auc: float | None
    interval: Interval[float] | None
    lift: float | None
    reason: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def tells(self) -> bool:
        """Whether the score distinguishes leavers from stayers: the whole interval of `auc` is above 0.5."""
        return self.interval is not None and self.interval.low > 0.5

    def to_dicts(self) -> list[dict[str, Any]]:
        """The check as one row."""
        return [
            {
                "leavers": self.leavers,
                "stayers": self.stayers,
                "auc": self.auc,
                "low": None if self.interval is None else self.interval.low,
                "high": None if self.interval is None else self.interval.high,
                "lift": self.lift,
                "tells": self.tells,
                "reason": self.reason,
            }
        ]

    def grid(self) -> ShownTable:
        """The table for display."""
        shown = (
            "–" if self.interval is None else f"{self.auc:.2f} ({self.interval.low:.2f} to {self.interval.high:.2f})"
        )
        lift = "–" if self.lift is None else f"{self.lift:.1f} times"
        row = (f"{self.leavers:,}", f"{self.stayers:,}", shown, lift)
        told = self.reason or (
            "the score predicted who left" if self.tells else "the score predicted no better than a coin"
        )
        headers = ("left", "stayed", "area under the curve", "worst tenth left")
        return ShownTable("The score against who left", headers, [row], (told, *self.notes), 0)


def check_score(
    health_then: HealthTable | Mapping[Hashable, float | None], left_since: Iterable[Hashable]
) -> ScoreCheck:
    """Validate an earlier score, for which higher is better, against the customers who left since.

    The 95 % interval of the area under the curve is that of Hanley and McNeil (1982).

    >>> scores = {n: float(n % 100) for n in range(400)}
    >>> left = [n for n in range(400) if n % 100 < 20 and n % 2]
    >>> found = check_score(scores, left)
    >>> found.leavers, round(found.auc, 3), round(found.lift, 1), found.tells
    (40, 0.939, 5.0, True)
    """
    scores = _scores(health_then)
    gone = set(left_since)
    known = {customer: score for customer, score in scores.items() if score is not None}
    left = [score for customer, score in known.items() if customer in gone]
    stayed = [score for customer, score in known.items() if customer not in gone]
    notes = []
    without = len(gone) - len(left)
    if without:
        notes.append(f"{without:,} who left had no score then")
    if len(left) < _FEWEST_LEAVERS or not stayed:
        what = f"{len(left)} left" if stayed else "nobody stayed"
        reason = f"cannot be checked yet: {what}, and it takes {_FEWEST_LEAVERS} leavers and somebody who stayed"
        return ScoreCheck(len(left), len(stayed), None, None, None, reason, tuple(notes))
    auc = _auc(left, stayed)
    half = normal_quantile(0.95) * _hanley_mcneil(auc, len(left), len(stayed))
    interval = Interval(max(0.0, auc - half), min(1.0, auc + half), 0.95, "normal")
    return ScoreCheck(len(left), len(stayed), auc, interval, _lift(left, stayed), None, tuple(notes))


def _scores(health: HealthTable | Mapping[Hashable, float | None]) -> dict[Hashable, float | None]:
    if isinstance(health, HealthTable):
        return {one.customer_id: one.score for one in health}
    if isinstance(health, Mapping):
        return dict(health)
    raise InputError(f"Scores are what health_score() gives, or numbers by customer; got {type(health).__name__}.")


def _auc(left: list[float], stayed: list[float]) -> float:
    """The share of pairs in which a leaver scored worse than a stayer; ties count half (Mann-Whitney rank sum)."""
    ranked = sorted([(score, True) for score in left] + [(score, False) for score in stayed])
    ranks, place = 0.0, 0
    while place < len(ranked):
        end = place
        while end < len(ranked) and ranked[end][0] == ranked[place][0]:
            end += 1
        ranks += (place + 1 + end) / 2 * sum(gone for _, gone in ranked[place:end])
        place = end
    above = ranks - len(left) * (len(left) + 1) / 2  # pairs in which the customer who left has the better score
    return 1 - above / (len(left) * len(stayed))


def _hanley_mcneil(auc: float, left: int, stayed: int) -> float:
    """The standard error of an area under the curve."""
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (left - 1) * (one - auc * auc) + (stayed - 1) * (two - auc * auc)
    return sqrt(max(0.0, variance) / (left * stayed))


def _lift(left: list[float], stayed: list[float]) -> float:
    """The share of leavers in the worst tenth divided by that in all; equal scores at its edge count pro rata."""
    everyone = sorted([*left, *stayed])
    many = max(1, round(_WORST * len(everyone)))
    edge = everyone[many - 1]
    below = sum(score < edge for score in everyone)
    part = (many - below) / sum(score == edge for score in everyone)
    gone = sum(score < edge for score in left) + part * sum(score == edge for score in left)
    return (gone / many) / (len(left) / len(everyone))


def check_health(
    crm: Dataset,
    parts: Mapping[Any, HealthPart],
    *,
    period: PeriodLike,
    until: PeriodLike,
    parameters: Mapping[str, Any] | None = None,
) -> ScoreCheck:
    """Validate the health score of an earlier period against the customers who left in a later one.

    It covers the customers at the end of `period`; a leaver is one who left in `until`, such as
    "2026-01-01..2026-06-30". It needs the table `customers`.
    """
    then, later = one_period(crm, period, "A score is of"), one_period(crm, until, "Leavers are counted in")
    if later.start < then.end:
        raise InputError(
            f"A score is validated against customers who left after it was measured; got period={period!r} and "
            f"until={until!r}."
        )
    by = Segment("customer", {"customers": "id"})
    here = {one.segment["customer"] for one in crm.measure("active_customers", period=then, by=by) if one.value}
    gone = {one.segment["customer"] for one in crm.measure("lost_customers", period=later, by=by) if one.value}
    health = health_score(crm, parts, period=then, parameters=parameters)
    scores = {one.customer_id: one.score for one in health if one.customer_id in here}
    return check_score(scores, gone & here)


@dataclass(frozen=True, slots=True)
class CustomerAtRisk:
    """One customer: the score, the points that each part lost, P(alive), and the value at stake.

    `at_stake` is the value of the customer if they stay times the probability that they leave. Unknown values are None.
    """

    customer_id: Hashable
    score: float | None
    lost: Mapping[str, float]
    alive: float | None
    value: float | None
    at_stake: float | None

    @property
    def most_lost(self) -> str | None:
        """The part of the score that lost the most points."""
        found = [name for name, points in self.lost.items() if points > 0]
        return max(found, key=self.lost.__getitem__) if found else None


@dataclass(frozen=True, slots=True, repr=False)
class AtRisk(InsightTable):
    """The customers by value at stake, highest first; then those without one, worst score first."""

    customers: tuple[CustomerAtRisk, ...]
    check: ScoreCheck | None = None
    below: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def at_stake(self) -> float:
        """The sum of the values at stake."""
        return sum(one.at_stake for one in self.customers if one.at_stake is not None)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per customer."""
        return [
            {
                "customer_id": one.customer_id,
                "score": one.score,
                "alive": one.alive,
                "value": one.value,
                "at_stake": one.at_stake,
                "most_lost": one.most_lost,
                "points_lost": None if one.most_lost is None else one.lost[one.most_lost],
            }
            for one in self.customers
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(number: float | None, form: str) -> str:
            return "–" if number is None else format(number, form)

        rows = [
            (
                str(one.customer_id),
                shown(one.score, ".0f"),
                "" if one.most_lost is None else f"{one.most_lost} (-{one.lost[one.most_lost]:.0f})",
                shown(None if one.alive is None else 100 * one.alive, ".0f") + (" %" if one.alive is not None else ""),
                shown(one.value, ",.0f"),
                shown(one.at_stake, ",.0f"),
            )
            for one in self.customers
        ]
        told = [] if self.check is None else [self.check.reason or _told(self.check)]
        headers = ("customer", "score", "lost most by", "alive", "value", "at stake")
        return ShownTable("Customers by value at stake", headers, rows, (*told, *self.notes))


def _told(check: ScoreCheck) -> str:
    assert check.interval is not None  # a check without a `reason` has an interval
    low, high = check.interval
    return (
        f"the score against {check.leavers:,} who left: area under the curve {check.auc:.2f} ({low:.2f} to {high:.2f})"
    )


def at_risk(
    *,
    health: HealthTable | None = None,
    alive: ValueTable | Mapping[Hashable, float] | None = None,
    value: Mapping[Hashable, Any] | None = None,
    below: float | None = None,
    check: ScoreCheck | None = None,
) -> AtRisk:
    """Customers by the value at stake: the value of each if they stay, times the probability that they leave.

    `health` comes from `health_score`. `alive` is the probability that each is still a customer, for example from
    BG/NBD, or the `ValueTable` of a model, which has the value as well (its values are divided by the P(alive) that
    they include). `value` is the value of each if they stay. `below` keeps the customers with a lower score; it needs
    the `check` of the score against history, with a result better than chance.

    >>> found = at_risk(alive={"A": 0.9, "B": 0.4}, value={"A": 1000, "B": 500})
    >>> [(one.customer_id, round(one.at_stake)) for one in found.customers]
    [('B', 300), ('A', 100)]
    """
    if health is None and alive is None:
        raise InputError("Customers at risk need health=health_score(...), or alive=, or both; got neither.")
    chances, worth = _chances(alive), _worth(alive, value)
    scores = {} if health is None else {one.customer_id: one for one in health}
    if below is not None:
        _check_threshold(health, check)
    rows = []
    for customer in dict.fromkeys([*scores, *chances]):
        found = scores.get(customer)
        score = None if found is None else found.score
        if below is not None and (score is None or score >= below):
            continue
        chance, brings = chances.get(customer), worth.get(customer)
        stake = None if chance is None or brings is None else brings * (1 - chance)
        lost = {} if found is None or health is None else _lost(found, health.parts)
        rows.append(CustomerAtRisk(customer, score, lost, chance, brings, stake))
    rows.sort(key=_order)
    unknown = sum(one.at_stake is None for one in rows)
    notes = (f"{unknown:,} without a value at stake: P(alive) or the value is not known",) if unknown else ()
    return AtRisk(tuple(rows), check, below, notes)


def _order(one: CustomerAtRisk) -> tuple[bool, float, bool, float, str]:
    return (one.at_stake is None, -(one.at_stake or 0.0), one.score is None, one.score or 0.0, str(one.customer_id))


def _check_threshold(health: HealthTable | None, check: ScoreCheck | None) -> None:
    if health is None:
        raise InputError("`below` is a threshold on the health score; give health=health_score(...) with it.")
    if check is None:
        raise InputError("A threshold on a score needs its validation against history; give check=check_score(...).")
    if check.reason is not None:
        raise InputError(f"The score has no threshold yet: it {check.reason}.")
    if not check.tells:
        raise InputError(
            f"The score predicted who left no better than a coin ({_told(check)}), so that a threshold on it means "
            "nothing; choose other parts, and check those."
        )


def _chances(alive: ValueTable | Mapping[Hashable, float] | None) -> dict[Hashable, float]:
    if alive is None:
        return {}
    if isinstance(alive, ValueTable):
        return {one.customer_id: one.probability_alive for one in alive}
    for customer, chance in alive.items():
        if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
            raise InputError(f"P(alive) is between 0 and 1; got {chance!r} for {customer!r}.")
    return {customer: float(chance) for customer, chance in alive.items()}


def _worth(
    alive: ValueTable | Mapping[Hashable, float] | None, value: Mapping[Hashable, Any] | None
) -> dict[Hashable, float]:
    """The value of each customer if they stay."""
    if value is not None:
        found = {customer: float(worth) for customer, worth in value.items() if worth is not None}
        wrong = next((customer for customer, worth in found.items() if not isfinite(worth)), None)
        if wrong is not None:
            raise InputError(f"The value of a customer is a finite number; got {value[wrong]!r} for {wrong!r}.")
        return found
    if isinstance(alive, ValueTable):
        return {one.customer_id: one.value / one.probability_alive for one in alive if one.probability_alive > 0}
    return {}


def _lost(customer: CustomerHealth, parts: Mapping[str, HealthPart]) -> dict[str, float]:
    """The points of the score that each part lost; their sum is 100 minus the score."""
    known = sum(parts[name].weight for name in customer.points)
    return {name: parts[name].weight / known * (100 - points) for name, points in customer.points.items()}
