"""A dataset: tables side by side, with the calendar and the money they are measured in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal

from crmkpi.calendars import DEFAULT_CALENDAR, Calendar, CalendarUnit
from crmkpi.catalogue import catalogue
from crmkpi.engines import records as records_engine
from crmkpi.engines.query import SegmentKey
from crmkpi.errors import InputError, MissingTableError, ParameterError, PeriodError, UnknownNameError, did_you_mean
from crmkpi.evaluation import Input, Reader, Timeline, moved
from crmkpi.expressions import Parameter, as_of
from crmkpi.measures import Grouped
from crmkpi.metric import Metric
from crmkpi.money import Rates
from crmkpi.periods import Period
from crmkpi.plan import MetricPlan, Plan
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.results import Account, Report, Result, evaluated, interval_of
from crmkpi.segments import By, Segment, segment_keys, segments_of

__all__ = ["Compare", "Dataset", "measure_one"]

Compare = Literal["previous", "year_ago"] | Period | str | None
_EVER = (datetime.max, Period.all().end)
_ALL_TIME = Timeline([None], _EVER, whole=True)


class Dataset:
    """Tables side by side: `Dataset(deals=..., customers=..., calendar=Calendar(tz="Europe/Berlin"))`.

    A table is any iterable of its records; one that can be read only once, such as a generator, serves one call.
    `calendar` gives the time zone in which days begin, and the fiscal year, week start and opening hours. `currency` is
    that of amounts which carry none. `rates` convert every amount to one currency. `as_of` is the day (to its end) or
    instant up to which the data is known: it decides what is complete, and what "last month" means.

    >>> from crmkpi import Deal, win_rate
    >>> crm = Dataset(deals=[Deal(id="1", status="won", owner="Ada"), Deal(id="2", status="lost", owner="Bo")])
    >>> [result.value for result in crm.measure(win_rate, by="owner")]
    [1.0, 0.0]
    >>> Dataset(deal=[])
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: A dataset has no table 'deal'. Did you mean 'deals'?
    """

    __slots__ = ("_indexes", "_spent", "as_of", "calendar", "currency", "rates", "tables")

    def __init__(
        self,
        *,
        calendar: Calendar = DEFAULT_CALENDAR,
        currency: str | None = None,
        rates: Rates | None = None,
        as_of: date | None = None,
        **tables: Iterable[Any],
    ) -> None:
        for name, records in tables.items():
            if name not in RECORDS and not _table_of_first(records):
                raise UnknownNameError(f"A dataset has no table {name!r}. {did_you_mean(name, RECORDS)}")
            if isinstance(records, str | bytes | Mapping) or not isinstance(records, Iterable):
                raise InputError(f"The table {name!r} must be an iterable of records; got {type(records).__name__}.")
        self.tables: Mapping[str, Iterable[Any]] = MappingProxyType(dict(tables))
        self.calendar = calendar
        self.currency = currency
        self.rates = rates
        self.as_of = as_of
        self._indexes: dict[str, dict[str, Any]] = {}
        self._spent: set[str] = set()

    def measure(
        self,
        metrics: Metric | str | Iterable[Metric | str],
        *,
        period: Period | str | None = None,
        every: CalendarUnit | None = None,
        by: By = None,
        compare: Compare = None,
        parameters: Mapping[str, Any] | None = None,
        confidence: float | None = 0.95,
    ) -> Report:
        """Measure KPIs, all in one pass over each table: one result per metric, period and segment.

        `period` is a Period or its text ("2026-Q1"; "last month" needs the dataset's `as_of`); none means the whole
        data. `every` splits it ("month"). `by` groups (see `crmkpi.segments`). `compare` sets each period beside its
        "previous" one, the one a "year_ago", or a period of yours. `parameters` are the numbers that KPIs ask for.
        `confidence` is that of the intervals; None leaves them off, which is faster.
        """
        chosen = _metrics(metrics)
        periods = self._periods(period, every)
        against = [_other(each, compare, self) for each in periods]
        segments = segments_of(by)
        intervals = confidence is not None
        reader, plan = self._read(chosen, [*periods, *against], segments, parameters or {}, intervals=intervals)
        builder = _Builder(self, reader, segments, parameters or {}, confidence)
        results = [
            builder.result(found, segment, each, other, compare=compare is not None)
            for found in plan.metrics
            for each, other in zip(periods, against, strict=True)
            for segment in _sorted(reader.segments() if segments else [()])
        ]
        return Report(tuple(results), _title(periods, every, by, segments))

    def scorecard(
        self,
        theme: str | None = None,
        *,
        period: Period | str,
        compare: Compare = "previous",
        by: By = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Report:
        """All KPIs of a theme (of all themes if none is named) that the dataset's tables allow, beside a comparison.

        KPIs that need a table, a parameter or opening hours which are not there are left off.
        """
        given = parameters or {}
        names = catalogue.themes() if theme is None else (theme,)
        chosen = [metric for name in names for metric in catalogue.by_theme(name) if self._allows(metric, given)]
        if not chosen:
            raise MissingTableError(
                f"No KPI of {theme or 'the catalogue'} can be measured with the tables {', '.join(self.tables) or '(none)'}."
            )
        return self.measure(chosen, period=period, compare=compare, by=by, parameters=given)

    def _allows(self, metric: Metric, parameters: Mapping[str, Any]) -> bool:
        needed = [name for name, parameter in metric.parameters.items() if parameter.default is None]
        dated = metric.at is not None or all(
            measure.at is not None or measure.is_stock or isinstance(measure.table, Grouped)
            for measure in metric.measures.values()
        )
        return dated and set(metric.tables) <= set(self.tables) and all(name in parameters for name in needed)

    def _periods(self, period: Period | str | None, every: CalendarUnit | None) -> list[Period | None]:
        if period is None:
            if every is not None:
                raise PeriodError(f"every={every!r} splits a period; say which one, such as period='2026'.")
            return [None]
        whole = self._period(period)
        if every is not None:
            return list(whole.split(every))
        return [None if whole.unit == "all" else whole]

    def _period(self, period: Period | str) -> Period:
        return period if isinstance(period, Period) else Period(period, calendar=self.calendar, as_of=self.as_of)

    def _read(
        self,
        metrics: Sequence[Metric],
        periods: Sequence[Period | None],
        segments: Sequence[Segment],
        parameters: Mapping[str, Any],
        *,
        intervals: bool,
    ) -> tuple[Reader, Plan]:
        """Ask every table once, and give a reader of the answers."""
        self._check_tables(metrics)
        whole = all(period is None for period in periods) and not (self.rates is not None and self.rates.dated)
        plan = _plan(tuple(metrics), tuple(segments), whole=whole, intervals=intervals)
        values = _parameter_values(metrics, parameters)
        if whole and self.as_of is None and not plan.shifting:
            timeline = _ALL_TIME
        else:
            earlier = (moved(period, measure, values) for measure in plan.shifting for period in periods)
            found = [*periods, *(period for period in earlier if period is not None)]
            timeline = Timeline(found, self._as_of(), whole=whole)
        functions = self._functions(plan)
        answers = {
            table: records_engine.answer(
                query,
                self._records(table),
                moments=timeline.moments,
                tables=self._index,
                functions=functions,
                parameters=values,
            )
            for table, query in plan.queries.items()
        }
        # Converted amounts carry no currency of their own.
        currency = self.currency if self.rates is None else self.rates.to
        return Reader(answers, timeline, {**values, repr(as_of): self._as_of()}, currency), plan

    def _check_tables(self, metrics: Sequence[Metric]) -> None:
        for metric in metrics:
            for table in metric.tables:
                if table not in self.tables:
                    raise MissingTableError(
                        f"{metric.id} needs the table {table!r}, which the dataset lacks; it has "
                        f"{', '.join(self.tables) or 'none'}. Add {table}=... to the Dataset."
                    )

    def _records(self, table: str) -> Iterable[Any]:
        records = self.tables[table]
        if isinstance(records, Iterator):
            if table in self._spent:
                raise InputError(
                    f"The table {table!r} is a stream that has been read already; measure everything in one call, or "
                    f"give a list."
                )
            self._spent.add(table)
        return records

    def _index(self, table: str) -> Mapping[str, Any]:
        """The records of a related table by id."""
        if table not in self._indexes:
            if table not in self.tables:
                raise MissingTableError(
                    f"A related field needs the table {table!r}, which the dataset lacks; it has "
                    f"{', '.join(self.tables)}. Add {table}=... to the Dataset."
                )
            index: dict[str, Any] = {}
            for record in self._records(table):
                if record.id in index:
                    raise InputError(
                        f"Two records of {table} have the id {record.id!r}, so that a reference to it is ambiguous; "
                        "remove one of them."
                    )
                index[record.id] = record
            self._indexes[table] = index
        return self._indexes[table]

    def _as_of(self) -> tuple[datetime, datetime]:
        """The as-of instant on the wall clock and exactly; a date stands for its end."""
        known = self.as_of
        if known is None:
            return _EVER
        if not isinstance(known, datetime):
            known = datetime.combine(known + timedelta(days=1), time())
        if known.tzinfo is None:
            return known, self.calendar.instant(known)
        return self.calendar.wall(known), known

    def _functions(self, plan: Plan) -> dict[str, Callable[..., Any]]:
        functions: dict[str, Callable[..., Any]] = {
            "local_day": self.calendar.local_day,
            "business_time": self.calendar.business_time,
        }
        if self.rates is not None:
            functions["convert"] = _converter(self.rates, self.currency, self.calendar)
        for found in plan.metrics:
            if found.metric.needs_as_of and self.as_of is None:
                raise ParameterError(
                    f"{found.metric.id} must know up to which day the data goes; give as_of=... (to the Dataset, or to "
                    "the call)."
                )
        if plan.asks_business_time and self.calendar.opening_hours is None:
            raise ParameterError(
                "Business time needs opening hours, and the calendar has none; give calendar=Calendar("
                "opening_hours={'mon-fri': ('09:00', '17:00')})."
            )
        return functions

    def __repr__(self) -> str:
        tables = ", ".join(
            f"{name}: {len(records):,}" if isinstance(records, Sequence) else f"{name}: a stream"
            for name, records in self.tables.items()
        )
        return f"<Dataset {tables or 'without tables'}>"


class _Builder:
    """Builds the results of one measurement."""

    __slots__ = ("_confidence", "_crm", "_given", "_reader", "_rejected", "_segments")

    def __init__(
        self, crm: Dataset, reader: Reader, segments: Sequence[Segment], given: Mapping[str, Any], confidence: float | None
    ) -> None:
        self._crm = crm
        self._reader = reader
        self._segments = segments
        self._given = given
        self._confidence = confidence
        self._rejected = {name: len(getattr(records, "rejected", ())) for name, records in crm.tables.items()}

    def result(
        self, plan: MetricPlan, segment: tuple[Hashable, ...], period: Period | None, other: Period | None, *, compare: bool
    ) -> Result:
        """One result, with the one that it is compared to."""
        before = self._one(plan, segment, other, None) if compare and other is not None else None
        return self._one(plan, segment, period, before)

    def _one(
        self, plan: MetricPlan, segment: tuple[Hashable, ...], period: Period | None, before: Result | None
    ) -> Result:
        metric = plan.metric
        inputs = self._reader.inputs(plan, segment, period)
        parameters = metric.parameter_values(self._given) if metric.parameters else {}
        totals = {name: found.value for name, found in inputs.items()}
        value, exact, reason = evaluated(metric, totals | parameters)
        interval, n = None, None
        if reason is None and self._confidence is not None:
            samples = {name: found.sample for name, found in inputs.items() if found.sample is not None}
            interval, n = interval_of(metric, totals, samples, confidence=self._confidence)
        accounts = tuple(self._accounts(plan, segment, period))
        complete = None
        if period is not None and self._crm.as_of is not None:
            complete = period.is_complete(self._crm.as_of)
        return Result(
            metric,
            value,
            reason,
            totals,
            _currency(metric, inputs),
            interval,
            n if n is not None else (accounts[0].used if accounts else 0),
            accounts,
            parameters,
            period,
            {part.name: key for part, key in zip(self._segments, segment, strict=True)},
            complete,
            before,
            exact,
        )

    def _accounts(self, plan: MetricPlan, segment: tuple[Hashable, ...], period: Period | None) -> Iterator[Account]:
        for account in plan.accounts:
            used, left_out = self._reader.left_out(account, segment, period)
            rejected = self._rejected[account.table]
            given = self._reader.given(account.table, segment) + rejected
            yield Account(account.table, account.at, given, used, left_out, rejected)


def measure_one(metric: Metric, data: Any, options: Mapping[str, Any]) -> Result:
    """One metric of records, tables or a dataset as one result; see `Metric.__call__`."""
    rest = dict(options)
    period = rest.pop("period", None)
    compare = rest.pop("compare", None)
    confidence = rest.pop("confidence", 0.95)
    settings = {name: rest.pop(name) for name in ("calendar", "currency", "rates", "as_of") if name in rest}
    tables = {name: rest.pop(name) for name in metric.tables if name in rest}
    parameters = {name: rest.pop(name) for name in metric.parameters if name in rest}
    for name in rest:
        known = [*metric.parameters, *metric.tables, "period", "compare", "confidence", "calendar", "currency", "rates", "as_of"]
        raise UnknownNameError(f"{metric.id} takes no {name!r}. {did_you_mean(name, known)}")
    crm = _dataset(metric, data, tables, settings)
    chosen = crm._periods(period, None)[0]  # noqa: SLF001  # one module, one mechanism
    other = _other(chosen, compare, crm)
    periods = [chosen] if other is None else [chosen, other]
    reader, plan = crm._read((metric,), periods, (), parameters, intervals=confidence is not None)  # noqa: SLF001
    builder = _Builder(crm, reader, (), parameters, confidence)
    return builder.result(plan.metrics[0], (), chosen, other, compare=compare is not None)


def _dataset(metric: Metric, data: Any, tables: Mapping[str, Any], settings: Mapping[str, Any]) -> Dataset:
    """Whatever the data came as, as a dataset."""
    if isinstance(data, Dataset):
        if tables:
            raise InputError(f"Give {metric.id} a Dataset or tables by name, not both; got {', '.join(tables)} as well.")
        if not settings:
            return data
        kept = {name: getattr(data, name) for name in ("calendar", "currency", "rates", "as_of")}
        return Dataset(**data.tables, **(kept | settings))
    if isinstance(data, Mapping):
        return Dataset(**{**data, **tables}, **settings)
    if data is None:
        if not tables:
            raise InputError(f"{metric.id} needs data: {_asks(metric)}.")
        return Dataset(**tables, **settings)
    if isinstance(data, str | bytes) or not isinstance(data, Iterable):
        raise InputError(f"{metric.id} needs records or a Dataset; got {type(data).__name__}.")
    missing = [table for table in metric.tables if table not in tables]
    if len(missing) != 1:
        raise InputError(f"{metric.id} reads {' and '.join(metric.tables)}; give them by name: {_asks(metric)}.")
    return Dataset(**{missing[0]: data}, **tables, **settings)


def _asks(metric: Metric) -> str:
    return f"{metric.id}({', '.join(f'{table}=...' for table in metric.tables)}), or a Dataset with these tables"


def _metrics(metrics: Metric | str | Iterable[Metric | str]) -> tuple[Metric, ...]:
    listed = (metrics,) if isinstance(metrics, Metric | str) else tuple(metrics)
    found = tuple(catalogue.find(metric) if isinstance(metric, str) else metric for metric in listed)
    strange = next((metric for metric in found if not isinstance(metric, Metric)), None)
    if strange is not None or not found:
        raise InputError(f"measure() takes metrics or their names; got {strange!r}." if found else "measure() needs at least one metric.")
    return found


def _other(period: Period | None, compare: Compare, crm: Dataset) -> Period | None:
    if compare is None:
        return None
    if period is None:
        raise PeriodError("A comparison needs a period to compare with another; give period=...")
    if compare == "previous":
        return period.previous()
    if compare == "year_ago":
        return period.year_ago()
    return crm._period(compare)  # noqa: SLF001  # one module, one mechanism


_PLANS: dict[tuple[tuple[int, ...], bool, bool], Plan] = {}


def _plan(metrics: tuple[Metric, ...], segments: tuple[Segment, ...], *, whole: bool, intervals: bool) -> Plan:
    key = (tuple(map(id, metrics)), whole, intervals)
    if not segments and key in _PLANS:
        return _PLANS[key]
    types = [measure.base.record_type_ for metric in metrics for measure in metric.measures.values()] if segments else []
    keys: dict[str, tuple[SegmentKey, ...]] = {type_.table: segment_keys(segments, type_) for type_ in types}
    plan = Plan(metrics, keys, whole=whole, intervals=intervals)
    if not segments:
        if len(_PLANS) > 500:  # metrics made on the fly must not be kept for ever
            _PLANS.clear()
        _PLANS[key] = plan  # the plan holds the metrics, so their identities stay theirs
    return plan


def _parameter_values(metrics: Sequence[Metric], given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters inside expressions, by their printed form; days become durations."""
    known = {name for metric in metrics for name in metric.parameters}
    for name in given:
        if name not in known:
            raise UnknownNameError(f"None of the metrics has a parameter {name!r}. {did_you_mean(name, known)}")
    values: dict[str, Any] = {}
    for metric in metrics:
        if metric.parameters:
            for name, value in metric.parameter_values(given).items():
                parameter: Parameter = metric.parameters[name]
                values[repr(parameter)] = timedelta(days=float(value)) if parameter.unit == "days" else value
    return values


def _converter(rates: Rates, default: str | None, calendar: Calendar) -> Callable[..., Any]:
    def convert(amount: Any, currency: str | None, moment: datetime | None) -> Any:
        day = None if moment is None else calendar.local_day(moment)
        return rates.convert(amount, currency if currency is not None else default, day)

    return convert


def _currency(metric: Metric, inputs: Mapping[str, Input]) -> str | None:
    if metric.unit != "money":
        return None
    return next((found.currency for found in inputs.values() if found.currency is not None), None)


def _sorted(segments: list[tuple[Hashable, ...]]) -> list[tuple[Hashable, ...]]:
    """Segments in a stable order, whatever the order of the records; None comes last."""
    return sorted(segments, key=lambda segment: [(key is None, _sort_text(key)) for key in segment])


def _sort_text(key: Hashable) -> tuple[int, Any]:
    return (0, key) if isinstance(key, int | float) else (1, str(key))


def _title(periods: Sequence[Period | None], every: str | None, by: By, segments: Sequence[Segment]) -> str:
    first, last = periods[0], periods[-1]
    if first is None or last is None:
        text = "all data"
    else:
        text = first.label if len(periods) == 1 else f"{first.label} to {last.label}"
    grouped = ", ".join(segment.name for segment in segments)
    return text + (f" by {grouped}" if by and grouped else "") + (f", every {every}" if every else "")


def _table_of_first(records: Any) -> bool:
    """Whether the table holds records of a class of the user's own."""
    first = next(iter(records), None) if isinstance(records, Sequence) and not isinstance(records, str) else None
    if first is None:
        return False
    try:
        return record_type(type(first)) is not None
    except UnknownNameError:
        return False
