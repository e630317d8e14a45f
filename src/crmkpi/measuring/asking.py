"""Run the plan: one query per table, each on the engine of its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from crmkpi.dates.calendars import Calendar
from crmkpi.dates.periods import Period
from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.backends import at_home
from crmkpi.engines.frames.snapshots import at_one_moment
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Answer, Query, UnreadableFoundError
from crmkpi.errors import InputError, MissingTableError, ParameterError, UnknownNameError, unknown_name
from crmkpi.measuring.duplicates import Duplicates
from crmkpi.measuring.narrowing import beside, lacking_segment, narrowed
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.reading import AS_OF, EVER, Reader, Timeline
from crmkpi.measuring.segments import Segment, segment_keys
from crmkpi.measuring.shifts import moved
from crmkpi.measuring.tables import is_stream
from crmkpi.measuring.unknown_attributes import Attributes, check_attribute, check_measured, noting
from crmkpi.money import Rates
from crmkpi.records import known_tables
from crmkpi.sources.account import LoadAccount, reasons_of
from crmkpi.statistics.distributions import check_confidence

if TYPE_CHECKING:
    from crmkpi.measuring.dataset import Dataset

__all__ = ["queries_of", "read"]

_ALL_TIME = Timeline([None], EVER, whole=True)
_KEPT_PLANS = 500
_MAPPINGS = (dict, Mapping)  # the check for dict is faster than that for the abstract class


def read(
    crm: Dataset,
    metrics: Sequence[Metric],
    periods: Sequence[Period | None],
    segments: Sequence[Segment],
    parameters: Mapping[str, Any],
    *,
    confidence: float | None,
    partly: bool = False,
    moments: bool = False,
) -> tuple[Reader, Plan]:
    """Query every table once, and return a reader of the answers.

    With `partly` the answers can be merged with those of other parts of the data: a table may be missing, and states
    keep everything that a merge needs.
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
    # Rates that change from day to day need the date of each record, in a query without periods too.
    undated = not any(periods)
    whole = undated and not (crm.rates is not None and crm.rates.dated)
    # Another part may have unreadable fields.
    unreadable: dict[str, frozenset[str] | None] = dict.fromkeys(known_tables()) if partly else _unreadable(crm)
    more = beside(crm.narrowings, segments) if crm.narrowings else ()
    for metric in metrics:
        if more and (lacks := lacking_segment(metric, more)):
            raise UnknownNameError(
                f"where() cannot narrow {metric.id}: there is no {lacks}. Measure it on the whole dataset, or narrow "
                "by a field that all of its tables have; a column that fills none is where({'attributes.NAME': ...})."
            )
    grouped = (*segments, *more)
    twice = {} if partly else _twice(crm, metrics)
    values = _parameter_values(metrics, parameters)
    while True:  # once, unless records or rows turn out to be unreadable in a field that is read
        try:
            plan = _plan(
                tuple(metrics),
                grouped,
                unreadable,
                whole=whole,
                undated=undated,
                intervals=confidence is not None,
                moments=moments,
                so_far=crm.as_of is not None,
                again=bool(twice),
            )
        except UnknownNameError as error:
            raise _with_filled(error, crm, metrics, segments) from None
        try:
            reader = _read(
                crm,
                plan,
                periods,
                grouped,
                values,
                twice=twice,
                whole=whole,
                confidence=confidence,
                partly=partly,
            )
        except UnreadableFoundError:
            marked = {table: found for table in crm.tables if (found := crm.unreadable(table, look=True))}
            before = dict(unreadable)
            for table, found in marked.items():
                known = unreadable.get(table, frozenset())
                unreadable[table] = None if found is None or known is None else known | found
            if unreadable == before:
                raise
        else:
            return (narrowed(reader, plan.queries, crm.narrowings, segments) if crm.narrowings else reader), plan


def _with_filled(
    error: UnknownNameError, crm: Dataset, metrics: Sequence[Metric], segments: Sequence[Segment]
) -> UnknownNameError:
    """The error for an unknown segment; for the name of a column it names the field that the column fills."""
    names = [segment.source for segment in segments if isinstance(segment.source, str)]
    for table in dict.fromkeys(table for metric in metrics for table in metric.tables):
        source = crm.tables.get(table)
        account = getattr(source, "account", None)
        filled = source.columns if isinstance(source, FrameTable) else {} if account is None else account.mapped
        for field, columns in filled.items():
            for name in names:
                if name != field and name in ((columns,) if isinstance(columns, str) else tuple(columns)):
                    return UnknownNameError(
                        f"`by` names fields, and {name!r} is the column of {table} that fills {field!r}; group by "
                        f"{field!r}."
                    )
    return error


def queries_of(
    crm: Dataset, metrics: Sequence[Metric], segments: Sequence[Segment], *, undated: bool, confidence: float | None
) -> Mapping[str, Query]:
    """The query of each table, as far as it can be planned before data is read."""
    return _plan(
        tuple(metrics),
        (*segments, *beside(crm.narrowings, segments)),
        {},
        whole=False,
        undated=undated,
        intervals=confidence is not None,
        moments=True,
        so_far=crm.as_of is not None,
    ).queries


def _unreadable(crm: Dataset) -> dict[str, frozenset[str] | None]:
    """The fields of each table that are known to be unreadable in some record; None if unknown."""
    known: dict[str, frozenset[str] | None] = {}
    for table in crm.tables:
        found = crm.unreadable(table)
        if found is None or found:
            known[table] = found
    return known


def _twice(crm: Dataset, metrics: Sequence[Metric]) -> dict[str, Duplicates]:
    """The duplicate ids of each table that the metrics read."""
    known: dict[str, Duplicates | None] = {}
    for metric in metrics:
        for table in metric.tables:
            if table not in known:
                known[table] = crm.duplicates(table)
    return {table: found for table, found in known.items() if found is not None}


def _read(
    crm: Dataset,
    plan: Plan,
    periods: Sequence[Period | None],
    segments: Sequence[Segment],
    values: Mapping[str, Any],
    *,
    twice: Mapping[str, Duplicates],
    whole: bool,
    confidence: float | None,
    partly: bool,
) -> Reader:
    """Run the queries of a plan."""
    if whole and crm.as_of is None:
        timeline = _ALL_TIME
    else:
        stocks = [*periods, *_earlier(plan.shifting_stocks, periods, values)]
        flows = _earlier(plan.shifting, periods, values)
        timeline = Timeline(stocks, crm.known_until(), whole=whole, earlier=flows)
    functions = _functions(crm, plan)
    attributes: dict[str, Attributes] = {}
    if not partly:  # another part of the data may have the attribute
        check_measured(crm, plan, attributes, streams=False)
    with at_one_moment(crm.tables) as tables:
        answers: dict[str, Answer] = {}
        for table, query in _streams_last(crm, plan):
            answers[table] = _answer(
                crm,
                plan,
                query,
                timeline,
                functions,
                values,
                attributes,
                tables=tables,
                twice=twice.get(table),
                confidence=confidence,
                partly=partly,
            )
    if not partly:
        check_measured(crm, plan, attributes, streams=True)
        for position, segment in enumerate(segments):
            check_attribute(crm, segment, position, plan, answers, attributes)
    # Converted amounts carry no currency of their own.
    currency = crm.currency if crm.rates is None else crm.rates.to
    return Reader(answers, timeline, {**values, AS_OF: crm.known_until()}, currency)


def _earlier(shifting: Sequence[Measure], periods: Sequence[Period | None], values: Mapping[str, Any]) -> list[Period]:
    """The earlier periods that shifted measures read."""
    found = [moved(period, measure, values) for measure in shifting for period in periods]
    return [period for period in found if period is not None]


def _streams_last(crm: Dataset, plan: Plan) -> list[tuple[str, Query]]:
    """The queries in the order to run them: streams, which can be read only once, come last."""
    asked = [(table, query) for table, query in plan.queries.items() if table in crm.tables]
    return sorted(asked, key=lambda each: is_stream(type(crm.tables[each[0]]))) if len(asked) > 1 else asked


def _answer(
    crm: Dataset,
    plan: Plan,
    query: Query,
    timeline: Timeline,
    functions: Mapping[str, Callable[..., Any]],
    parameters: Mapping[str, Any],
    attributes: dict[str, Attributes],
    *,
    tables: Mapping[str, Any],
    twice: Duplicates | None,
    confidence: float | None,
    partly: bool,
) -> Answer:
    """Run a query on the engine of its table; `tables` are those of the dataset, with databases in a snapshot.

    `attributes` receives the custom attributes of a stream's records.
    """
    table = tables[query.type_.table]
    if isinstance(table, FrameTable):
        from crmkpi.engines.frames.engine import answer as answer_of_frame  # noqa: PLC0415  # only where there are frames

        of_frame = partial(
            answer_of_frame,
            query,
            moments=timeline.moments,
            tables=tables,
            calendar=crm.calendar,
            rates=crm.rates,
            currency=crm.currency,
            parameters=parameters,
            confidence=confidence,
            merging=partly or timeline.merging or bool(crm.narrowings),
        )
        with at_home(table.backend, query.type_.table):
            answer = of_frame(table)
            answer.unread, answer.skipped = reasons_of(table.rejected), dict(table.skipped)
            answer.searched = table.searched and not partly
            answer.ask = of_frame if answer.searched else None
            return answer
    name = query.type_.table
    related_unreadable = False
    for other, names in plan.related[name].items():
        crm.index(other)
        if (ambiguous := crm.duplicates(other)) is not None:
            ambiguous.check_looked_up(names)
        if crm.unreadable(other):
            if other not in plan.unreadable:
                raise UnreadableFoundError
            related_unreadable = True
    found = crm.records(name) if twice is None else twice.first
    if is_stream(type(found)) and any(field.path[-2:-1] == ("attributes",) for field in query.fields.values()):
        found = noting(iter(found), attributes.setdefault(name, {}))
    ask = partial(
        _answered_by_loops(),
        query,
        moments=timeline.moments,
        tables=crm.index,
        functions=functions,
        parameters=parameters,
        related_unreadable=related_unreadable,
    )
    answer = ask(found)
    answer.searched = crm.searched(name) and not partly
    answer.ask = ask if answer.searched else None
    if twice is not None:
        answer.again, answer.contradictions = ask(twice.others), twice.contradictions(query, ask)
    answer.rejected = len(getattr(table, "rejected", ()))
    account = getattr(table, "account", None)
    if isinstance(account, LoadAccount):
        answer.unread, answer.skipped = reasons_of(account.rejected), dict(account.skipped)
    return answer


@cache  # an import statement takes as long as ten calls
def _answered_by_loops() -> Callable[..., Answer]:
    from crmkpi.engines.records.engine import answer  # noqa: PLC0415  # frames need no loops

    return answer


_PLANS: dict[Any, Plan] = {}  # plans that depend neither on data nor on functions of records


def _plan(
    metrics: tuple[Metric, ...],
    segments: tuple[Segment, ...],
    unreadable: Mapping[str, frozenset[str] | None],
    *,
    whole: bool,
    undated: bool,
    intervals: bool,
    moments: bool = False,
    so_far: bool = False,
    again: bool = False,
) -> Plan:
    lasting = not segments or all(isinstance(segment.source, str) for segment in segments)
    said = tuple([(segment.name, segment.source, repr(segment.bins)) for segment in segments]) if segments else ()
    marked = frozenset(unreadable.items()) if unreadable else None
    key = (metrics, said, marked, whole, undated, intervals, moments, so_far, again)
    if lasting and (known := _PLANS.get(key)) is not None:
        return known
    types = (
        [measure.base.record_type_ for metric in metrics for measure in metric.measures.values()] if segments else []
    )
    keys = {type_.table: segment_keys(segments, type_) for type_ in types}
    plan = Plan(
        metrics,
        keys,
        whole=whole,
        undated=undated,
        intervals=intervals,
        moments=moments,
        so_far=so_far,
        again=again,
        unreadable=dict(unreadable),
    )
    if lasting:
        if len(_PLANS) > _KEPT_PLANS:  # metrics defined on the fly must not be kept for ever
            _PLANS.clear()
        _PLANS[key] = plan
    return plan


def _parameter_values(metrics: Sequence[Metric], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters inside expressions, by their printed form; days become durations."""
    if not isinstance(given, _MAPPINGS):
        raise InputError(f"`parameters` maps names to numbers, such as {{'quota': 50000}}; got {given!r}.")
    if given:
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
    """The functions of the calendar and the rates that the engine uses."""
    for found in plan.metrics:
        if found.metric.needs_as_of and crm.as_of is None:
            raise ParameterError(
                f"{found.metric.id} must know up to which day the data goes; give as_of=... (to the Dataset, or to the "
                "call)."
            )
    functions: dict[str, Callable[..., Any]] = {"local_day": crm.calendar.local_day}
    if plan.asks_business_time:
        functions["business_time"] = crm.calendar.open_time().between
    if crm.calendar.clocks_change:
        functions["elapsed"] = crm.calendar.elapsed
    if crm.rates is not None:
        functions["convert"] = _converter(crm.rates, crm.currency, crm.calendar)
    return functions


def _converter(rates: Rates, default: str | None, calendar: Calendar) -> Callable[..., Any]:
    def convert(amount: Any, currency: str | None, moment: datetime | None) -> Any:
        day = None if moment is None else calendar.local_day(moment)
        return rates.convert(amount, currency if currency is not None else default, day)

    return convert
