"""Stateful alerts: they fire after a number of consecutive periods, and clear beyond a second threshold.

The state is a value that `to_json` writes and `from_json` reads; `watch` advances it by one period. An alert with a
changed definition starts anew. Nothing is sent: notifying is up to the caller.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Literal

from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.errors import InputError
from crmkpi.insight.arguments import one_period
from crmkpi.insight.coming import earlier_periods, segment_of
from crmkpi.insight.control import control_chart
from crmkpi.insight.kpi_sets import Alert, Kpi, KpiSet
from crmkpi.insight.tables import InsightTable, ShownTable, shown_value
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import measure
from crmkpi.measuring.results import Report, Result
from crmkpi.statistics.distributions import normal_quantile

__all__ = ["AlertState", "FiredAlert", "Watch", "WatchState", "held", "watch"]

State = Literal["ok", "pending", "firing"]
_VERSION = 1
_CHART_BACK = 24


@dataclass(frozen=True, slots=True)
class AlertState:
    """The state of one alert: its consecutive periods beyond the threshold, or back, and since when it fires."""

    state: State = "ok"
    beyond: int = 0
    back: int = 0
    since: str | None = None
    period: str | None = None


@dataclass(frozen=True, slots=True)
class WatchState:
    """The states of all alerts, by KPI, segment and rule."""

    states: Mapping[str, AlertState] = field(default_factory=dict)

    def to_json(self) -> str:
        """The state as JSON."""
        rows = {
            key: [one.state, one.beyond, one.back, one.since, one.period] for key, one in sorted(self.states.items())
        }
        return json.dumps({"version": _VERSION, "alerts": rows}, indent=1, ensure_ascii=False) + "\n"

    @staticmethod
    def from_json(text: str) -> WatchState:
        """The state that `to_json` wrote.

        >>> WatchState.from_json("{}")
        Traceback (most recent call last):
        crmkpi.errors.InputError: The state of alerts must be JSON from watch; got '{}'. Remove the file to begin anew.
        """
        try:
            found = json.loads(text)
            _check_version(found["version"])
            states = {
                str(key): AlertState(_state(state), int(beyond), int(back), _label(since), _label(period))
                for key, (state, beyond, back, since, period) in found["alerts"].items()
            }
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"The state of alerts must be JSON from watch; got {text[:40]!r}. Remove the file to begin anew."
            ) from error
        return WatchState(states)

    @staticmethod
    def read(path: str | Path) -> WatchState:
        """The state in a file; an empty state if the file does not exist."""
        file = Path(path)
        try:
            return WatchState.from_json(file.read_text(encoding="utf-8")) if file.exists() else WatchState()
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror or error}.") from None
        except UnicodeDecodeError:
            raise InputError(f"{file} is not a state of alerts from watch; remove it to begin anew.") from None

    def write(self, path: str | Path) -> None:
        """Write the state atomically."""
        file = Path(path)
        other = file.with_name(f"{file.name}.{os.getpid()}.new")
        other.write_text(self.to_json(), encoding="utf-8")
        other.replace(file)


@contextmanager
def held(path: str | Path, *, wait: float = 60.0) -> Iterator[None]:
    """Lock the state in a file while this process reads and writes it; other processes wait up to `wait` seconds.

    The lock is on a separate file next to it, and the operating system releases it when the process ends.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "alerts.json"
    >>> with held(file):
    ...     WatchState.read(file).write(file)
    """
    file = Path(path)
    try:
        lock = file.with_name(f".{file.name}.lock").open("a", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror or error}.") from None
    with lock:
        until = monotonic() + wait
        while not _locked(lock.fileno()):
            if monotonic() >= until:
                raise InputError(
                    f"{file} is locked by another run, which has not released {Path(lock.name).name} for {wait:g} "
                    "seconds; wait until that run ends, or end it, and run this again."
                )
            sleep(0.05)
        yield


def _locked(number: int) -> bool:
    """Try to lock an open file by its descriptor, without waiting; True if this process has the lock."""
    try:
        if sys.platform == "win32":
            import msvcrt  # noqa: PLC0415  # of this system only

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415  # of these systems only

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _check_version(version: Any) -> None:
    if version != _VERSION:
        raise ValueError(f"another version: {version!r}")


def _label(text: Any) -> str | None:
    if text is not None and not isinstance(text, str):
        raise ValueError(f"no period: {text!r}")
    return text


def _state(text: Any) -> State:
    if text not in ("ok", "pending", "firing"):
        raise ValueError(f"no state: {text!r}")
    state: State = text
    return state


@dataclass(frozen=True, slots=True)
class FiredAlert:
    """An alert that fires, or that just cleared: its KPI, segment and rule, since when, and whether that is new."""

    metric: str
    segment: Hashable
    rule: str
    severity: str
    state: State
    since: str | None
    changed: bool
    value: str


@dataclass(frozen=True, slots=True, repr=False)
class Watch(InsightTable):
    """The result of one run of the alerts: those that fire, those that cleared, and the state for the next run."""

    name: str
    period: Period
    alerts: tuple[FiredAlert, ...]
    state: WatchState
    notes: tuple[str, ...] = ()

    @property
    def firing(self) -> tuple[FiredAlert, ...]:
        """The alerts that fire."""
        return tuple(one for one in self.alerts if one.state == "firing")

    @property
    def critical(self) -> bool:
        """Whether a critical alert fires."""
        return any(one.severity == "critical" for one in self.firing)

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per alert that fires or cleared."""
        return [
            {
                "metric": one.metric,
                "segment": None if one.segment is None else str(one.segment),
                "rule": one.rule,
                "severity": one.severity,
                "state": one.state,
                "since": one.since,
                "new": one.changed,
                "value": one.value,
            }
            for one in self.alerts
        ]

    def grid(self) -> ShownTable:
        """The table for display."""
        rows = [
            (
                " ".join(filter(None, (one.metric, "" if one.segment is None else str(one.segment)))),
                one.value,
                one.rule,
                one.severity,
                ("new: " if one.changed else "")
                + (f"firing since {one.since}" if one.state == "firing" else "cleared"),
            )
            for one in self.alerts
        ]
        heading = f"{self.name}, {self.period.label}: {len(self.firing)} firing"
        return ShownTable(heading, ("KPI", "value", "rule", "severity", ""), rows, self.notes, 1, 3)


def watch(crm: Dataset, kpis: KpiSet, *, period: PeriodLike, state: WatchState | None = None) -> Watch:
    """Evaluate the alerts of a set in a period, and advance their state; the same period twice changes nothing.

    A period that is not over is skipped, unless a count is above its limit already.

    >>> from datetime import date
    >>> from crmkpi import Ticket
    >>> from crmkpi.insight.kpi_sets import kpi_set
    >>> rules = kpi_set({"kpi": [{"id": "ticket_volume", "alert": [{"when": "above", "value": 2}]}]})
    >>> crm = Dataset(tickets=[Ticket(id=str(n), created_at="2026-01-05") for n in range(3)], as_of=date(2026, 1, 31))
    >>> found = watch(crm, rules, period="2026-01")
    >>> [(one.metric, one.rule, one.state, one.changed) for one in found.alerts]
    [('ticket_volume', 'above 2', 'firing', True)]
    >>> [one.changed for one in watch(crm, rules, period="2026-01", state=found.state).alerts]
    [False]
    """
    when = one_period(crm, period, "Alerts are evaluated in")
    if state is not None and not isinstance(state, WatchState):
        raise InputError(
            "The state of alerts is that of an earlier run, watch(...).state, or of a file, WatchState.read(path); "
            f"got {state!r}."
        )
    before = {} if state is None else state.states
    after: dict[str, AlertState] = {}
    alerts: list[FiredAlert] = []
    notes: list[str] = []
    for kpi in kpis.kpis:
        if not kpi.alerts:
            continue
        for segment, now, history in _measured(crm, kpi, when):
            for alert in kpi.alerts:
                key = _key(kpi, segment, alert)
                old = before.get(key, AlertState())
                beyond, cleared = _looked_at(kpi, alert, now, history)
                if beyond is None and now.complete is False:
                    notes.append(f"{kpi.metric.id}: {when.label} is not over")
                new = _further(old, alert, when, beyond=beyond, cleared=cleared)
                after[key] = new
                changed = (new.state == "firing") != (old.state == "firing")
                if new.state == "firing" or changed:
                    text = shown_value(now.value, kpi.metric.unit, currency=now.currency)
                    alerts.append(
                        FiredAlert(
                            kpi.metric.id, segment, alert.text, alert.severity, new.state, new.since, changed, text
                        )
                    )
    gone = sum(one.state != "ok" for key, one in before.items() if key not in after)
    if gone:
        notes.append(
            f"{gone} {'alert' if gone == 1 else 'alerts'} of the state {'is' if gone == 1 else 'are'} forgotten, since "
            "the set has no such alert or segment any more; what is defined anew starts anew"
        )
    order = {"critical": 0, "warning": 1}
    alerts.sort(key=lambda one: (one.state != "firing", order[one.severity], one.metric, str(one.segment)))
    return Watch(kpis.name, when, tuple(alerts), WatchState(after), tuple(dict.fromkeys(notes)))


def _measured(crm: Dataset, kpi: Kpi, when: Period) -> list[tuple[Hashable, Result, Report]]:
    """The KPI in the period for each segment, with earlier periods if a control chart is needed."""
    charted = any(alert.signal is not None for alert in kpi.alerts)
    confidences = {alert.sure for alert in kpi.alerts if alert.sure is not None}
    periods = [*(earlier_periods(when, _CHART_BACK) if charted else ()), when]
    results = measure(
        crm,
        (kpi.metric,),
        periods=periods,
        against=None,
        by=kpi.by,
        parameters=kpi.parameters,
        confidence=min(confidences, default=0.95),
    )
    by_segment: dict[Hashable, list[Result]] = {}
    for one in results:
        by_segment.setdefault(segment_of(one), []).append(one)
    return [
        (segment, next(one for one in many if one.period == when), Report(tuple(many)))
        for segment, many in by_segment.items()
    ]


def _looked_at(kpi: Kpi, alert: Alert, now: Result, history: Report) -> tuple[bool | None, bool]:
    """Whether the KPI is beyond the threshold (None without data), and whether it is past the threshold to clear."""
    if alert.signal is not None:
        if now.value is None or now.complete is False:
            return None, False
        latest = control_chart(history).latest
        if latest is None:
            return None, False
        beyond = latest in (("concern",) if alert.signal == "concern" else ("concern", "improvement", "change"))
        return beyond, not beyond
    if now.value is None or now.n < alert.at_least_n:
        return None, False
    low = high = now.value
    if alert.sure is not None:
        if now.interval is None:
            return None, False
        half = normal_quantile(alert.sure) / normal_quantile(now.interval.confidence)
        low = now.value - (now.value - now.interval.low) * half
        high = now.value + (now.interval.high - now.value) * half
    beyond = high < alert.value if alert.when == "below" else low > alert.value
    cleared = now.value >= alert.clear if alert.when == "below" else now.value <= alert.clear
    if now.complete is False and not (alert.when == "above" and beyond and kpi.metric.additive):
        return None, False
    return beyond, cleared


def _further(old: AlertState, alert: Alert, when: Period, *, beyond: bool | None, cleared: bool) -> AlertState:
    """The state after one more period."""
    if old.period == when.label and beyond is not None and old.state != "ok":
        return old  # this period has been evaluated
    if beyond is None:
        if alert.no_data == "keep":
            return replace(old, period=when.label) if old.period else old
        beyond, cleared = alert.no_data == "fire", alert.no_data == "ok"
    if old.state == "firing":
        back = old.back + 1 if cleared and not beyond else 0
        if back >= alert.clear_for:
            return AlertState(period=when.label)
        return AlertState("firing", old.beyond, back, old.since, when.label)
    many = old.beyond + 1 if beyond else 0
    if not many:
        return AlertState(period=when.label)
    if many >= alert.wait:
        return AlertState("firing", many, 0, when.label, when.label)
    return AlertState("pending", many, 0, None, when.label)


def _key(kpi: Kpi, segment: Hashable, alert: Alert) -> str:
    """The key of an alert, with a digest of its definition, so that a changed definition starts anew."""
    measures = [f"{name}={one!r}" for name, one in kpi.metric.measures.items()]
    text = repr((kpi.metric.id, measures, kpi.by, sorted(kpi.parameters.items()), alert))
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    where = "" if segment is None else f" {segment}"
    return f"{kpi.metric.id}{where}: {alert.text} #{digest}"
