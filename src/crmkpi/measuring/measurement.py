"""Measuring: ask every table once, read the answers, run the formulas, and build results with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from crmkpi.definition.expressions import as_of
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Answer, Query
from crmkpi.engines.records import engine as records_engine
from crmkpi.errors import (
    CurrencyError,
    InputError,
    MissingTableError,
    ParameterError,
    unknown_name,
)
from crmkpi.measuring.changes import Adjust
from crmkpi.measuring.evidence import Witness
from crmkpi.measuring.formula import counted, evaluated
from crmkpi.measuring.plan import MetricPlan, Plan
from crmkpi.measuring.reading import EVER, Input, Reader, Timeline
from crmkpi.measuring.results import Report, Result, compared, measured, together
from crmkpi.measuring.segments import By, Segment, segment_keys, segments_of
from crmkpi.measuring.shifts import moved
from crmkpi.measuring.unknown_attributes import attribute_of, check_attribute, noting
from crmkpi.metrics.catalogue import catalogue
from crmkpi.money import Rates
from crmkpi.sources.account import LoadAccount, reasons_of
from crmkpi.statistics.confidence import check_confidence
from crmkpi.time.calendars import Calendar
from crmkpi.time.periods import Period

if TYPE_CHECKING:
    from crmkpi.measuring.dataset import Dataset

__all__ = ["built", "chosen_metrics", "measure", "measure_one", "read", "report", "zone_notes"]

_ALL_TIME = Timeline([None], EVER, whole=True)
_KEPT_PLANS = 500


def measure(
    crm: Dataset,
    metrics: Sequence[Metric],
    *,
    periods: Sequence[Period | None],
    against: Sequence[Period | None] | None,
    by: By,
    parameters: Mapping[str, Any],
    confidence: float | None,
    statements: list[tuple[str, str]] | None = None,
    moments: bool = False,
    adjust: Adjust = "bh",
) -> tuple[Result, ...]:
    """One result per metric, period and segment; `against` are the periods that each one is compared to.

    `statements` receives the SQL or plan that was run, where a table lies in a database or cluster.
    """
    segments = segments_of(by)
    everything = [*periods, *(against or ())]
    asked: dict[str, Any] = {"confidence": confidence, "moments": moments or against is not None}
    reader, plan = read(crm, metrics, everything, segments, parameters, statements=statements, **asked)
    results = built(
        crm, reader, plan, segments, periods=periods, against=against, parameters=parameters, confidence=confidence
    )
    return results if against is None else together(results, adjust)


def built(
    crm: Dataset,
    reader: Reader,
    plan: Plan,
    segments: Sequence[Segment],
    *,
    periods: Sequence[Period | None],
    against: Sequence[Period | None] | None,
    parameters: Mapping[str, Any],
    confidence: float | None,
) -> tuple[Result, ...]:
    """The results of answers that are there."""
    builder = _Builder(crm, reader, segments, parameters, confidence)
    ordered = _sorted(reader.segments() if segments else [()], segments)
    return tuple(
        result
        for found in plan.metrics
        for each, other in zip(periods, against or [None] * len(periods), strict=True)
        for result in builder.results(found, ordered, each, other)
    )


def measure_one(
    crm: Dataset,
    metric: Metric,
    *,
    period: Period | None,
    against: Period | None,
    parameters: Mapping[str, Any],
    confidence: float | None,
) -> Result:
    """One metric over one period as one result."""
    periods = (period,) if against is None else (period, against)
    reader, plan = read(crm, (metric,), periods, (), parameters, confidence=confidence, moments=against is not None)
    return next(_Builder(crm, reader, (), parameters, confidence).results(plan.metrics[0], [()], period, against))


def chosen_metrics(metrics: Metric | str | Iterable[Metric | str]) -> tuple[Metric, ...]:
    """The metrics that are meant: themselves, or by their names in the catalogue."""
    several: Any = metrics if isinstance(metrics, Iterable) and not isinstance(metrics, str) else (metrics,)
    listed = tuple(several)
    if not listed:
        raise InputError("measure() needs at least one metric; got none.")
    found = tuple(catalogue.find(metric) if isinstance(metric, str) else metric for metric in listed)
    for metric in found:
        if not isinstance(metric, Metric):
            raise InputError(f"measure() takes metrics or their names; got {metric!r}.")
    return found


def read(
    crm: Dataset,
    metrics: Sequence[Metric],
    periods: Sequence[Period | None],
    segments: Sequence[Segment],
    parameters: Mapping[str, Any],
    *,
    confidence: float | None,
    partly: bool = False,
    statements: list[tuple[str, str]] | None = None,
    moments: bool = False,
) -> tuple[Reader, Plan]:
    """Ask every table once, and give a reader of the answers.

    With `partly` the answers will be merged with those of other parts of the data: a table may be left out, and what
    only merges as a whole is kept as a whole.
    """
    if confidence is not None:
        check_confidence(confidence)
    for metric in metrics:
        for table in metric.tables:
            if table not in crm.tables and not partly:
                raise MissingTableError(
                    f"{metric.id} needs the table {table!r}, which the dataset lacks; it has "
                    f"{', '.join(crm.tables) or 'none'}. Add {table}=... to the Dataset."
                )
    # Rates that change from day to day need each record's date, even where no period is asked for.
    undated = not any(periods)
    whole = undated and not (crm.rates is not None and crm.rates.dated)
    kept = {"whole": whole, "undated": undated, "intervals": confidence is not None, "moments": moments}
    plan = _plan(tuple(metrics), tuple(segments), **kept)
    values = _parameter_values(metrics, parameters)
    if whole and crm.as_of is None:
        timeline = _ALL_TIME
    else:
        earlier = (moved(period, measure, values) for measure in plan.shifting for period in periods)
        found = [*periods, *(period for period in earlier if period is not None)]
        timeline = Timeline(found, crm.known_until(), whole=whole)
    functions = _functions(crm, plan)
    attributes: dict[str, set[str]] = {}
    answers = {
        table: _answer(
            crm,
            query,
            timeline,
            functions,
            values,
            attributes,
            confidence=confidence,
            partly=partly,
            statements=statements,
        )
        for table, query in plan.queries.items()
        if table in crm.tables
    }
    if not partly:  # a part of the data may lack what another one has
        for position, segment in enumerate(segments):
            check_attribute(crm, segment, position, plan, answers, attributes)
    # Converted amounts carry no currency of their own.
    currency = crm.currency if crm.rates is None else crm.rates.to
    return Reader(answers, timeline, {**values, repr(as_of): crm.known_until()}, currency), plan


def _answer(
    crm: Dataset,
    query: Query,
    timeline: Timeline,
    functions: Mapping[str, Callable[..., Any]],
    parameters: Mapping[str, Any],
    attributes: dict[str, set[str]],
    *,
    confidence: float | None,
    partly: bool,
    statements: list[tuple[str, str]] | None,
) -> Answer:
    """The answer of the engine that the table belongs to; `attributes` receives what the records of a stream have."""
    table = crm.tables[query.type_.table]
    if isinstance(table, FrameTable):
        from crmkpi.engines.frames import engine  # noqa: PLC0415  # only where there are frames

        with at_home(table.backend, query.type_.table):
            answer = engine.answer(
                query,
                table,
                moments=timeline.moments,
                tables=crm.tables,
                calendar=crm.calendar,
                rates=crm.rates,
                currency=crm.currency,
                parameters=parameters,
                confidence=confidence,
                merging=partly or timeline.merging,
                statements=statements,
            )
            answer.unread, answer.skipped = reasons_of(table.rejected), dict(table.skipped)
            return answer
    found = crm.records(query.type_.table)
    if isinstance(found, Iterator) and any(attribute_of(key) is not None for key in query.segments):
        found = noting(found, attributes.setdefault(query.type_.table, set()))
    answer = records_engine.answer(
        query,
        found,
        moments=timeline.moments,
        tables=crm.index,
        functions=functions,
        parameters=parameters,
    )
    answer.rejected = len(getattr(table, "rejected", ()))
    account = getattr(table, "account", None)
    if isinstance(account, LoadAccount):
        answer.unread, answer.skipped = reasons_of(account.rejected), dict(account.skipped)
    return answer


_PLANS: dict[tuple[Any, ...], Plan] = {}


def _plan(metrics: tuple[Metric, ...], segments: tuple[Segment, ...], **kept: bool) -> Plan:
    key = (tuple(map(id, metrics)), *kept.items())
    if not segments and key in _PLANS:
        return _PLANS[key]
    types = (
        [measure.base.record_type_ for metric in metrics for measure in metric.measures.values()] if segments else []
    )
    keys = {type_.table: segment_keys(segments, type_) for type_ in types}
    plan = Plan(metrics, keys, **kept)
    if not segments:
        if len(_PLANS) > _KEPT_PLANS:  # metrics made on the fly must not be kept for ever
            _PLANS.clear()
        _PLANS[key] = plan  # the plan holds the metrics, so their identities stay theirs
    return plan


def _parameter_values(metrics: Sequence[Metric], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters inside expressions, by their printed form; days become durations."""
    if not isinstance(given, Mapping):
        raise InputError(f"`parameters` maps names to numbers, such as {{'quota': 50000}}; got {given!r}.")
    known = {name for metric in metrics for name in metric.parameters}
    for name in given:
        if name not in known:
            raise unknown_name(f"None of the metrics has a parameter {name!r}.", name, known)
    values: dict[str, Any] = {}
    for metric in metrics:
        if metric.parameters:
            for name, value in metric.parameter_values(given).items():
                parameter = metric.parameters[name]
                values[repr(parameter)] = timedelta(days=float(value)) if parameter.unit == "days" else value
    return values


def _functions(crm: Dataset, plan: Plan) -> dict[str, Callable[..., Any]]:
    """What the calendar and the rates do for the engine."""
    for found in plan.metrics:
        if found.metric.needs_as_of and crm.as_of is None:
            raise ParameterError(
                f"{found.metric.id} must know up to which day the data goes; give as_of=... (to the Dataset, or to the "
                "call)."
            )
    functions: dict[str, Callable[..., Any]] = {"local_day": crm.calendar.local_day}
    if plan.asks_business_time:
        functions["business_time"] = crm.calendar.open_time().between
    if crm.rates is not None:
        functions["convert"] = _converter(crm.rates, crm.currency, crm.calendar)
    return functions


def _converter(rates: Rates, default: str | None, calendar: Calendar) -> Callable[..., Any]:
    def convert(amount: Any, currency: str | None, moment: datetime | None) -> Any:
        day = None if moment is None else calendar.local_day(moment)
        return rates.convert(amount, currency if currency is not None else default, day)

    return convert


class _Builder:
    """Builds the results of one measurement."""

    __slots__ = ("_confidence", "_crm", "_given", "_made", "_names", "_reader", "_segments")

    def __init__(
        self,
        crm: Dataset,
        reader: Reader,
        segments: Sequence[Segment],
        given: Mapping[str, Any],
        confidence: float | None,
    ) -> None:
        self._crm = crm
        self._reader = reader
        self._segments = segments
        self._given = given
        self._confidence = confidence
        self._names: dict[tuple[Hashable, ...], Mapping[str, Hashable]] = {}
        self._made: dict[tuple[int, Period | None], list[Result]] = {}

    def results(
        self,
        plan: MetricPlan,
        segments: Sequence[tuple[Hashable, ...]],
        period: Period | None,
        against: Period | None,
    ) -> Iterator[Result]:
        """A metric's results over one period, each with the one that it is compared to."""
        mine = self._over(plan, segments, period)
        if against is None:
            return iter(mine)
        return map(compared, mine, self._over(plan, segments, against))

    def _over(self, plan: MetricPlan, segments: Sequence[tuple[Hashable, ...]], period: Period | None) -> list[Result]:
        """A metric's results over one period; what one month is compared to was a month's own result before."""
        key = (id(plan), period)
        if key not in self._made:
            self._made[key] = list(self._results(plan, segments, period))
        return self._made[key]

    def _results(
        self, plan: MetricPlan, segments: Sequence[tuple[Hashable, ...]], period: Period | None
    ) -> Iterator[Result]:
        metric = plan.metric
        cut = self._reader.cut(plan, period)
        parameters = metric.parameter_values(self._given) if metric.parameters else {}
        witness = Witness.of(plan, self._confidence, self._reader.answers, parameters)
        complete = None if period is None or self._crm.as_of is None else period.is_complete(self._crm.as_of)
        in_money = metric.unit == "money" or any(measure.kind == "money" for measure in metric.measures.values())
        related, lacks = len(metric.tables) > 1, cut.lacks
        for segment in segments:
            inputs = cut.inputs(segment)
            totals = {name: found.value for name, found in inputs.items()}
            numbers = totals | parameters if parameters else totals
            reason = self._blank(metric, segment) if related else None
            if reason is None and lacks:
                reason = next((one.missing for one in inputs.values() if one.value is None and one.missing), None)
            value, exact, reason = (None, None, reason) if reason else evaluated(metric, numbers)
            yield measured(
                metric,
                value,
                reason,
                counted(totals) if witness.at_once else totals,
                _currency(metric, inputs) if in_money else None,
                parameters,
                period,
                self._named(segment),
                complete,
                exact,
                find=witness.finding(cut, segment, inputs, None if reason else numbers),
            )

    def _named(self, segment: tuple[Hashable, ...]) -> Mapping[str, Hashable]:
        """The keys of a segment by their names: the same for all its results."""
        if segment not in self._names:
            self._names[segment] = {part.name: key for part, key in zip(self._segments, segment, strict=True)}
        return self._names[segment]

    def _blank(self, metric: Metric, segment: tuple[Hashable, ...]) -> str | None:
        """Why a KPI of several tables says nothing about a segment: a table's records are in no segment at all.

        Expenses without a channel would make leads from every channel free of charge.
        """
        for table in metric.tables:
            given = self._reader.answers[table].given
            for position, key in enumerate(segment):
                if key is not None and given and all(other[position] is None for other in given):
                    return f"no record of {table} has a {self._segments[position].name}"
        return None


def _currency(metric: Metric, inputs: Mapping[str, Input]) -> str | None:
    """The currency of a KPI in money; its inputs are in one currency, as the amounts of each of them are."""
    found = {
        name: one.currency or "no currency"
        for name, one in inputs.items()
        if one.sample is not None and one.sample.count and metric.measures[name].kind == "money"
    }
    if len(set(found.values())) > 1:
        listed = ", ".join(f"{name} in {currency}" for name, currency in found.items())
        raise CurrencyError(
            f"{metric.id} would set amounts in several currencies against each other: {listed}. "
            "Give rates=crmkpi.Rates(to, ...) to convert them, or group by='currency'."
        )
    if metric.unit != "money":
        return None
    return next((found.currency for found in inputs.values() if found.currency is not None), None)


def _sorted(found: list[tuple[Hashable, ...]], segments: Sequence[Segment]) -> list[tuple[Hashable, ...]]:
    """Segments in a stable order, whatever the order of the records: bins from low to high, None last."""
    return sorted(found, key=lambda keys: [_sort_key(*pair) for pair in zip(keys, segments, strict=True)])


def _sort_key(key: Hashable, segment: Segment) -> tuple[int, float, str]:
    if key is None:
        return (2, 0, "")
    if segment.bins:
        return (0, segment.labels.index(str(key)), "")
    return (0, key, "") if isinstance(key, int | float) else (1, 0, str(key))


def _title(periods: Sequence[Period | None], every: str | None, by: By) -> str:
    """What a report is about, in a few words."""
    labels = [period.label for period in periods if period is not None] or ["all data"]
    text = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
    grouped = ", ".join(segment.name for segment in segments_of(by))
    return text + (f" by {grouped}" if grouped else "") + (f", every {every}" if every else "")


def zone_notes(crm: Dataset, periods: Sequence[Period | None], metrics: Sequence[Metric]) -> tuple[str, ...]:
    """What to know where times were read as those of one zone and days begin in another."""
    asked = dict.fromkeys(table for metric in metrics for table in metric.tables) if any(periods) else ()
    zones = {table: getattr(crm.tables[table], "tz", None) for table in asked}
    return tuple(
        f"the times of {table} were read as those of {tz}, and days begin in {crm.calendar.tz}; "
        f"calendar=Calendar(tz={tz!r}) lets them begin there"
        for table, tz in zones.items()
        if isinstance(tz, str) and tz != crm.calendar.tz
    )


def report(
    results: tuple[Result, ...],
    periods: Sequence[Period | None],
    every: str | None,
    by: By,
    notes: tuple[str, ...] = (),
    statements: Sequence[tuple[str, str]] = (),
) -> Report:
    """The results under a title that says what they are about."""
    return Report(results, _title(periods, every, by), notes, tuple(statements))
