"""KPI sets: the KPIs that a team follows, with their targets and alerts, in a TOML or JSON file.

    name = "Sales, EMEA"
    period = "month"
    [[kpi]]
    id = "win_rate"
    weight = 2
    target = { at_least = 0.30 }
    from = "2026-01"
    until = "2026-12"
    owner = "Ada"
    why = "plan 2026, objective 1"
    [[kpi.alert]]
    when = "below"
    value = 0.20
    clear = 0.23
    at_least_n = 30

An unknown key is an error that suggests the nearest one. A target against the direction of its KPI is an error too.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from math import isnan
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.errors import FileFormatError, InputError
from crmkpi.insight.kpi_set_keys import KpiSetKeys
from crmkpi.measuring.measurement import chosen_metrics
from crmkpi.schemas import said
from crmkpi.sources.durations import DurationReader
from crmkpi.sources.tallies import uncounted

__all__ = ["Alert", "Kpi", "KpiSet", "Target", "kpi_set", "read_kpi_set"]

When = Literal["below", "above"]
Severity = Literal["warning", "critical"]
_RELATIONS = ("at_least", "at_most", "between", "growth")


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a KPI: at least `low`, at most `high`, or `growth` over the previous period or a year ago.

    Both bounds are inclusive.
    """

    low: Any = None
    high: Any = None
    growth: float | None = None
    against: Literal["previous", "year_ago"] = "year_ago"

    def met(self, value: Any) -> bool:
        """Whether a value is within the bounds."""
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def of(self, other: Any, metric: Metric) -> Target:
        """The target with bounds computed from the value of another period."""
        if self.growth is None:
            return self
        bound = other + other * (Decimal(repr(self.growth)) if isinstance(other, Decimal) else self.growth)
        return Target(high=bound) if metric.better == "lower" else Target(low=bound)


@dataclass(frozen=True, slots=True)
class Alert:
    """The condition of an alert: strictly `below` or `above` a value, or a signal of the KPI's control chart.

    It fires after `wait` consecutive periods and clears after `clear_for` periods past `clear`. `sure` compares the
    bound of the interval at that confidence instead of the value. A period with fewer than `at_least_n` records counts
    as one without data, which keeps the state unless `no_data` is "fire" or "ok".
    """

    when: When | None = None
    value: Any = None
    clear: Any = None
    wait: int = 1
    clear_for: int = 1
    sure: float | None = None
    at_least_n: int = 0
    severity: Severity = "warning"
    signal: Literal["concern", "change"] | None = None
    no_data: Literal["keep", "fire", "ok"] = "keep"

    @property
    def text(self) -> str:
        """The rule as text, unique among the alerts of a KPI."""
        return f"signal {self.signal}" if self.signal else f"{self.when} {self.value}"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI of a set, with its target, its owner and its reason."""

    metric: Metric
    by: str | None = None
    weight: float = 1.0
    target: Target | None = None
    start: str | None = None
    until: str | None = None
    owner: str | None = None
    why: str | None = None
    segments: Mapping[str, Target] = field(default_factory=dict)
    alerts: tuple[Alert, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tier: str = "first"

    def target_of(self, segment: Any) -> Target | None:
        """The target of a segment, or the common one."""
        return self.segments.get(str(segment), self.target)


@dataclass(frozen=True, slots=True)
class KpiSet:
    """The KPIs of a role or team."""

    name: str
    period: str
    kpis: tuple[Kpi, ...]
    reviewed: date | None = None


def read_kpi_set(path: str | Path) -> KpiSet:
    """The KPI set in a TOML or JSON file."""
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8")
        given = json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except (ValueError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{file.name} is no KPI set in TOML, or JSON in a file named .json: {error}.") from error
    return kpi_set(given)


def kpi_set(given: Mapping[str, Any]) -> KpiSet:
    """A KPI set from a mapping.

    >>> made = kpi_set({"name": "Sales", "kpi": [{"id": "win_rate", "target": {"at_least": 0.3}}]})
    >>> made.kpis[0].target.met(0.3), made.period
    (True, 'month')
    >>> kpi_set({"kpi": [{"id": "win_rate", "targt": {"at_least": 0.3}}]})
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: A KPI of a set has no key 'targt'. Did you mean 'target'?
    """
    told = said(KpiSetKeys, given).model_dump(by_alias=True, exclude_unset=True)
    rows = told.get("kpi")
    if not rows:
        raise InputError(f"A KPI set has at least one [[kpi]] with an id; got {rows!r}.")
    kpis = tuple(map(_kpi, rows))
    seen = [(kpi.metric.id, kpi.by, sorted(kpi.parameters.items())) for kpi in kpis]
    twice = next((kpi for number, kpi in enumerate(seen) if kpi in seen[:number]), None)
    if twice is not None:
        place = "" if twice[1] is None else f" by {twice[1]}"
        raise InputError(f"A KPI set has each KPI once, with all its alerts; got {twice[0]}{place} twice.")
    return KpiSet(told.get("name", "KPIs"), told.get("period", "month"), kpis, _day(told.get("reviewed")))


def _day(given: date | str | None) -> date | None:
    """The day of the last review: a date of TOML, or its text."""
    if given is None or isinstance(given, date):
        return given
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise InputError(f"`reviewed` is a day, such as 2026-03-31; got {given!r}.") from None


def _kpi(given: Mapping[str, Any]) -> Kpi:
    (metric,) = chosen_metrics(given["id"])
    weight = given.get("weight", 1)
    if weight <= 0:
        raise InputError(f"The weight of {metric.id} is a number above 0; got {weight!r}.")
    # Validate both periods here and not at the first measurement.
    ends = {key: Period(str(given[key])) for key in ("from", "until") if key in given}
    if len(ends) == 2 and ends["until"].end <= ends["from"].start:
        raise InputError(f"{metric.id} has a target from {given['from']} until {given['until']}, which is earlier.")
    alerts = given.get("alert", [])
    return Kpi(
        metric,
        given.get("by"),
        float(weight),
        _target(metric, given["target"]) if "target" in given else None,
        _text(given, "from"),
        _text(given, "until"),
        _text(given, "owner"),
        _text(given, "why"),
        {str(name): _target(metric, one) for name, one in given.get("segments", {}).items()},
        tuple(_alert(metric, one) for one in (alerts if isinstance(alerts, list) else [alerts])),
        dict(given.get("parameters", {})),
        str(given.get("tier", "first")),
    )


def _text(given: Mapping[str, Any], key: str) -> str | None:
    return None if given.get(key) is None else str(given[key])


def _target(metric: Metric, given: Mapping[str, Any]) -> Target:
    named = [name for name in _RELATIONS if name in given]
    if len(named) != 1:
        got = ", ".join(named) or "none"
        raise InputError(f"The target of {metric.id} has one of {', '.join(_RELATIONS)}; got {got}.")
    relation = named[0]
    against = given.get("against", "year_ago")
    if relation == "growth":
        return Target(growth=_number(given["growth"]), against=against)
    wrong = {"at_least": "lower", "at_most": "higher"}.get(relation)
    if metric.better == wrong and not given.get("despite_direction"):
        raise InputError(
            f"A target {relation} works against {metric.id}, for which {metric.better} is better; turn the relation, "
            "or add despite_direction = true to the target."
        )
    if relation == "between":
        pair = given["between"]
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise InputError(f"The target of {metric.id} lies between two bounds, [low, high]; got {pair!r}.")
        low, high = (_value(metric, one) for one in pair)
        if low > high:
            raise InputError(f"The target of {metric.id} lies between a low and a high bound; got {pair!r}.")
        return Target(low, high)
    bound = _value(metric, given[relation])
    return Target(low=bound) if relation == "at_least" else Target(high=bound)


def _alert(metric: Metric, given: Mapping[str, Any]) -> Alert:
    common: dict[str, Any] = {
        "wait": _count(metric, given, "for", 1),
        "clear_for": _count(metric, given, "clear_for", 1),
        "at_least_n": _count(metric, given, "at_least_n", 0),
        "severity": given.get("severity", "warning"),
        "no_data": given.get("no_data", "keep"),
    }
    if "signal" in given:
        if "when" in given or "value" in given:
            raise InputError(f"An alert of {metric.id} has a threshold or a signal; got both. Make two alerts of it.")
        return Alert(signal=given["signal"], **common)
    when = given.get("when")
    if when is None or "value" not in given:
        raise InputError(
            f"An alert of {metric.id} fires when 'below' or 'above' a value, or at a signal; got {dict(given)!r}."
        )
    if metric.unit == "ratio" and not metric.additive and "at_least_n" not in given and "sure" not in given:
        raise InputError(
            f"{metric.id} is a ratio, which jumps where there are few records; an alert on it needs at_least_n = 30, "
            "or another number, or sure = 0.9."
        )
    sure = given.get("sure")
    if sure is not None and not 0.5 <= sure < 1:
        hint = f"; write {sure / 100:g} for {sure:g} %" if 50 <= sure < 100 else ""
        raise InputError(f"sure of an alert of {metric.id} is a confidence from 0.5 to below 1; got {sure!r}{hint}.")
    value = _value(metric, given["value"])
    clear = _value(metric, given["clear"]) if "clear" in given else value
    if (clear < value) if when == "below" else (clear > value):
        raise InputError(f"An alert {when} {given['value']} clears on the other side of it; got {given['clear']!r}.")
    return Alert(when, value, clear, sure=sure, **common)


def _count(metric: Metric, given: Mapping[str, Any], key: str, default: int) -> int:
    count: int = given.get(key, default)
    if count < default:
        raise InputError(f"{key} of an alert of {metric.id} is a whole number from {default}; got {count!r}.")
    return count


def _value(metric: Metric, given: Any) -> Any:
    """A bound in the unit of the KPI: amounts as decimals, durations from words such as "4 h"."""
    if metric.unit == "duration":
        if isinstance(given, timedelta):
            return given
        try:
            seconds = DurationReader(unit="seconds", number=_refused, count=uncounted)(str(given))
        except ValueError:
            seconds = None
        if seconds is not None:
            return timedelta(seconds=seconds)
        raise InputError(f"{metric.id} is a duration, so that its bounds are too, such as '4 h'; got {given!r}.")
    number = _number(given)
    low, high = metric.within
    if (low is not None and number < low) or (high is not None and number > high):
        reach = " ".join(
            [*([f"from {low:g}"] if low is not None else []), *([f"to {high:g}"] if high is not None else [])]
        )
        hint = f" (write {number / 100:g} for {number:g} %)" if high == 1 and 1 < number <= 100 else ""
        raise InputError(f"{metric.id} lies {reach}, and so do its bounds{hint}; got {given!r}.")
    if metric.unit != "money":
        return number
    return given if isinstance(given, Decimal) else Decimal(repr(number))


def _refused(number: Any) -> Any:
    raise ValueError(f"{number} has no unit")


def _number(given: Any) -> float:
    if isinstance(given, bool) or not isinstance(given, Real | Decimal) or isnan(given):
        raise InputError(f"A bound is a number; got {given!r}.")
    return int(given) if isinstance(given, Integral) else float(given)
