"""A dataset: tables, and the calendar, currency and rates that they are measured with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, Unpack
from zoneinfo import ZoneInfo

from crmkpi._hooks import hook
from crmkpi._read_only import ReadOnly
from crmkpi.currencies import said_currency
from crmkpi.dates.calendars import DEFAULT_CALENDAR, Calendar, CalendarUnit, calendar_of, known_day
from crmkpi.dates.given import PeriodLike, in_words
from crmkpi.dates.periods import Period
from crmkpi.definition.measures import Grouped
from crmkpi.definition.metric import Metric
from crmkpi.definition.options import TableOptions
from crmkpi.errors import InputError, MissingTableError, PeriodError
from crmkpi.measuring.changes import Adjust, check_adjust
from crmkpi.measuring.lookup import on_one_line
from crmkpi.measuring.measurement import chosen_metrics, measure, report, zone_notes
from crmkpi.measuring.narrowing import Narrowing, beside, lacking_segment, narrowings_of, told
from crmkpi.measuring.questions import Questions
from crmkpi.measuring.reading import EVER
from crmkpi.measuring.results import Report
from crmkpi.measuring.segments import By, segments_of
from crmkpi.measuring.tables import Tables, size_of
from crmkpi.measuring.unfilled import unfilled_field
from crmkpi.measuring.unreadable import MOST_UNREADABLE, check_most_unreadable
from crmkpi.measuring.whole_days import end_notes
from crmkpi.metrics.catalogue import catalogue
from crmkpi.money import Rates, rates_of

if TYPE_CHECKING:
    from crmkpi.quality.findings import QualityReport

__all__ = ["Compare", "Dataset"]

Compare = Literal["previous", "year_ago"] | PeriodLike | None  # one of the two words, or a period

_check: Callable[..., QualityReport] = hook("check")


class Dataset(Tables, Questions):
    """Tables that are measured together: `Dataset(deals=..., customers=..., calendar=Calendar(tz="Europe/Berlin"))`.

    A table is any iterable of its records; one that can be read only once, such as a generator, serves one call. Pass
    tables of your own record classes in a dict, `Dataset({"invoices": invoices}, customers=...)`.
    `calendar` has the time zone in which days begin, and the fiscal year, week start and opening hours; `tz` is the
    zone alone. `currency` applies to amounts without one. `rates` convert every amount to one currency: `Rates`, or a
    dict of the value of one unit of each other currency in `currency`. `as_of` is the day (to its end) or instant up
    to which the data is known, also as text: it decides which periods are complete, and what "last month" means.
    `most_unreadable` is the share of records that a KPI may leave out because a field that it reads is unreadable;
    above it the KPI has no value, since the remaining records are not a fair sample.

    >>> from crmkpi import Deal, win_rate
    >>> crm = Dataset(deals=[Deal(id="1", status="won", owner="Ada"), Deal(id="2", status="lost", owner="Bo")])
    >>> [result.value for result in crm.measure(win_rate, by="owner")]
    [1.0, 0.0]
    >>> Dataset(deal=[])
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: A dataset has no table 'deal'. Did you mean 'deals'?
    """

    __slots__ = ("as_of", "currency", "most_unreadable", "narrowings", "rates")

    def __init__(
        self,
        own: Mapping[str, Any] | None = None,
        /,
        *,
        calendar: Calendar = DEFAULT_CALENDAR,
        tz: str | ZoneInfo | None = None,
        currency: str | None = None,
        rates: Rates | Mapping[str, Any] | None = None,
        as_of: date | str | None = None,
        most_unreadable: float = MOST_UNREADABLE,
        **tables: Unpack[TableOptions],
    ) -> None:
        super().__init__(_by_name(own, tables), calendar_of(calendar, tz))
        if currency is not None and not isinstance(currency, str):
            raise InputError(f"`currency` is the name of a currency, such as 'EUR'; got {currency!r}.")
        check_most_unreadable(most_unreadable)
        self.currency = None if currency is None else said_currency("`currency`", currency)
        self.rates = rates_of(rates, self.currency)
        self.as_of = known_day(as_of)
        self.most_unreadable = most_unreadable
        self.narrowings: tuple[Narrowing, ...] = ()

    def measure(
        self,
        metrics: Metric | str | Iterable[Metric | str],
        *,
        period: PeriodLike | Sequence[PeriodLike] | None = None,
        every: CalendarUnit | None = None,
        by: By = None,
        compare: Compare = None,
        parameters: Mapping[str, Any] | None = None,
        confidence: float | None = 0.95,
        adjust: Adjust = "bh",
        most_unreadable: float | None = None,
    ) -> Report:
        """Measure KPIs, all in one pass over each table: one result per metric, period and segment.

        `metrics` are KPIs, their names, or themes ("sales"), which stand for their KPIs that the tables allow.
        `period` is a Period or its text ("2026-Q1"; "last month" needs the dataset's `as_of`), a pair of dates that
        both belong to it, or several periods, which may overlap (`Period("2026").windows("3 months", every="month")`);
        by default all data. `every` splits the period ("month"), without sub-periods that have not begun as of `as_of`.
        `by` groups (see `crmkpi.measuring.segments`). `compare` compares each period with the "previous" one, the one a
        "year_ago", or another period. `parameters` are the numbers that KPIs require from the caller.
        `confidence` is the level of the intervals; None skips them, which is faster. The verdicts of several
        comparisons are adjusted for their number (Benjamini-Hochberg); `adjust="none"` judges each by itself.
        `most_unreadable` overrides that of the dataset.
        """
        check_adjust(adjust)
        if most_unreadable is not None:
            return self._allowing(most_unreadable).measure(
                metrics,
                period=period,
                every=every,
                by=by,
                compare=compare,
                parameters=parameters,
                confidence=confidence,
                adjust=adjust,
            )
        if isinstance(period, Iterator):
            period = list(period)
        periods = self.periods(period, every)
        against = None if compare is None else [self.other_period(each, compare) for each in periods]
        statements: list[tuple[str, str]] = []
        lacking: list[str] = []
        reaching: list[str] = []

        def of_theme(theme: str) -> tuple[Metric, ...]:
            found, notes = self.measurable(theme, parameters, by=by)
            lacking.extend(notes)
            return found

        chosen = chosen_metrics(metrics, of_theme=of_theme)
        results = measure(
            self,
            chosen,
            periods=periods,
            against=against,
            by=by,
            parameters=parameters or {},
            confidence=confidence,
            statements=statements,
            notes=reaching,
            adjust=adjust,
        )
        notes = (
            *lacking,
            *reaching,
            *self._told_of_later(period, every),
            *zone_notes(self, periods, chosen),
            *end_notes(self, chosen),
        )
        return report(results, periods, every, by, notes=notes, statements=statements, narrowings=self.narrowings)

    def _allowing(self, most_unreadable: float) -> Dataset:
        """The same tables and cached facts, with another `most_unreadable`."""
        check_most_unreadable(most_unreadable)
        other = copy(self)
        other.most_unreadable = most_unreadable
        return other

    def _read_as(self, tables: Mapping[str, Any]) -> Self:
        """The dataset with these tables in place of files; facts found about them are cached for the next call."""
        made = copy(self)
        made.tables = ReadOnly({**self.tables, **tables})
        key = tuple((name, id(table)) for name, table in tables.items())
        known = self._read.setdefault(key, (tables, {}, {}, {}, {}))
        _, made._marks, made._indexes, made._facts, made._unfilled = known  # noqa: SLF001  # of its own class
        return made

    def where(self, fields: Mapping[str, Any] | None = None, /, **more: Any) -> Dataset:
        """The same dataset, filtered to the records with these values.

        A list means any of its values, and None means records without a value. Fields of related records and custom
        ones are given as a dict: `crm.where({"customer.industry": "retail"})`. A value that no record has is an error.
        The filter applies when a table is measured: lookups of related records still see the whole table, rows that
        could not be read stay in the account, and nothing is copied.

        >>> from crmkpi import Deal
        >>> crm = Dataset(deals=[Deal(id="1", status="won", owner="Ada"), Deal(id="2", status="lost", owner="Bo")])
        >>> crm.where(owner="Ada").measure("win_rate")[0].inputs
        {'won': 1, 'closed': 1}
        >>> crm.where(owner=["Ada", "Cy"]).measure("win_rate")
        Traceback (most recent call last):
        crmkpi.errors.UnknownNameError: No record has 'Cy' as its owner. Known: 'Ada', 'Bo'.
        """
        made = copy(self)
        made.narrowings = (*self.narrowings, *narrowings_of({**(fields or {}), **more}))
        names = [one.segment.name for one in made.narrowings]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"where() narrows {twice!r} twice; give all of its values in one list.")
        return made

    def scorecard(
        self,
        theme: str | None = None,
        *,
        period: PeriodLike,
        compare: Compare = "previous",
        by: By = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Report:
        """All KPIs of a theme (of every theme by default) that the dataset has tables for, with a comparison.

        The notes of the report name the omitted KPIs, and what they lack.
        """
        given = parameters or {}
        chosen, notes = self.measurable(theme, given, by=by)
        found = self.measure(chosen, period=period, compare=compare, by=by, parameters=given)
        return replace(found, notes=(*notes, *found.notes), names="title")

    def measurable(
        self, theme: str | None = None, parameters: Mapping[str, Any] | None = None, *, by: By = None
    ) -> tuple[tuple[Metric, ...], tuple[str, ...]]:
        """The KPIs of a theme, or of all themes, that these tables and parameters allow, and notes on the others.

        With `by`, only KPIs whose tables have these segments.

        Each note is a line of at most 80 characters about one missing table, column or argument. A KPI that lacks
        several is listed with the first of them.
        """
        offered = list(catalogue) if theme is None else catalogue.by_theme(theme)
        segments = (*segments_of(by), *beside(self.narrowings, segments_of(by)))
        lacking: dict[str, list[str]] = {}
        for metric in offered:
            lacks = self._lacks(metric, parameters or {}) or lacking_segment(metric, segments)
            lacking.setdefault(lacks, []).append(metric.id)
        chosen = tuple(metric for metric in offered if metric.id in lacking.get("", ()))
        if not chosen:
            raise MissingTableError(
                f"No KPI of {theme or 'the catalogue'} can be measured with the tables "
                f"{', '.join(self.tables) or '(none)'} alone; crmkpi show KPI says what each one reads."
            )
        return chosen, tuple(
            on_one_line(f"not measured for lack of {what}: ", names) for what, names in lacking.items() if what
        )

    def _lacks(self, metric: Metric, parameters: Mapping[str, Any]) -> str:
        """The first table, argument or column that the KPI lacks, as text; "" if it can be measured in a period."""
        tables = [table for table in metric.tables if table not in self.tables]
        values = [
            f"{name}=..."
            for name, parameter in metric.parameters.items()
            if parameter.default is None and name not in parameters
        ]
        unfilled = unfilled_field(metric, self.unfilled, dated=True)
        columns = [] if unfilled is None else [f"a column for {unfilled[0]}.{' or '.join(unfilled[1])}"]
        undated = metric.at is None and not all(
            measure.at is not None or measure.is_stock or isinstance(measure.table, Grouped)
            for measure in metric.measures.values()
        )
        unknown = ["as_of=..."] if metric.needs_as_of and self.as_of is None else []
        return next(iter([*tables, *values, *unknown, *columns, *(["a date"] if undated else [])]), "")

    def periods(
        self, period: PeriodLike | Sequence[PeriodLike] | None, every: CalendarUnit | None
    ) -> list[Period | None]:
        """The requested periods in the calendar of the dataset; None means all data."""
        if period is None:
            if every is not None:
                raise PeriodError(f"every={every!r} splits a period; say which one, such as period='2026'.")
            return [None]
        period = in_words(period)
        if not isinstance(period, Period | str):
            if not isinstance(period, Iterable) or not (several := list(period)):
                raise PeriodError(
                    "A period is text such as '2026-Q1', a Period, a date, a pair of dates, or several of these; got "
                    f"{period!r}."
                )
            return [found for each in several for found in self.periods(each, every)]
        whole = period if isinstance(period, Period) else Period(period, calendar=self.calendar, as_of=self.as_of)
        if every is not None:
            return list(self._begun(whole.split(every)))
        return [None if whole.unit == "all" else whole]

    def _begun(self, parts: Sequence[Period]) -> Sequence[Period]:
        """The sub-periods that have begun as of the as-of instant; all of them if none has, or without `as_of`."""
        known = self.known_until()[1]
        begun = [each for each in parts if self.as_of is None or each.start < known]
        return begun or parts

    def _told_of_later(self, period: Any, every: CalendarUnit | None) -> tuple[str, ...]:
        """A note on the sub-periods that are omitted because they have not begun."""
        if every is None or self.as_of is None:
            return ()
        wholes = [each for each in self.periods(period, None) if each is not None]
        found = [(each.split(every), self._begun(each.split(every))) for each in wholes]
        later = [each.label for parts, begun in found for each in parts[len(begun) :]]
        if not later:
            return ()
        named = later[0] if len(later) == 1 else f"{later[0]} to {later[-1]}"
        return (f"without {named}, which {'has' if len(later) == 1 else 'have'} not begun as of {self.as_of}",)

    def other_period(self, period: Period | None, compare: Compare) -> Period | None:
        """The period that `period` is compared to."""
        if compare is None:
            return None
        if period is None:
            raise PeriodError("A comparison needs a period to compare with another; give period=...")
        if compare == "previous":
            return period.previous()
        if compare == "year_ago":
            return period.year_ago()
        others = self.periods(compare, None)
        if len(others) != 1:
            raise PeriodError(f"A period is compared with one other; got {len(others)}.")
        return others[0]

    def check(
        self, *, metrics: Metric | str | Iterable[Metric | str] | None = None, founded: date | None = None
    ) -> QualityReport:
        """Check the data quality: faults, their counts and their effect on KPIs, in one pass over each table.

        Findings are errors (a KPI is silently wrong, or fails), warnings (KPIs leave records out and report it, or may
        be wrong) and information. They name the KPIs of the catalogue that these tables allow, or `metrics` only.
        Dates before the company was `founded` are found. With the dataset's `as_of`, dates in the future and open
        deals whose close date has passed are found too. Frames are checked as records, up to 2,000,000 rows.

        >>> from crmkpi import Deal
        >>> crm = Dataset(deals=[Deal(id="7", status="won", created_at="2026-01-05", amount=12)])
        >>> finding = crm.check(metrics=["win_rate"]).findings[0]
        >>> finding.what, finding.count, finding.impacts[0].does, finding.metrics
        ('won or lost, and no closed_at', 1, 'counted in no period by', ('win_rate',))
        >>> Dataset(deals=[]).check().count("error")
        1
        """
        if self.narrowings:
            raise InputError(
                f"check() looks at whole tables, and this dataset is narrowed to {told(self.narrowings)}; call it on "
                "the dataset before where()."
            )
        return _check(self, metrics=metrics, founded=founded)

    def known_until(self) -> tuple[datetime, datetime]:
        """The as-of instant on the wall clock and exactly; a date means the end of its day."""
        known = self.as_of
        if known is None:
            return EVER
        if not isinstance(known, datetime):
            known = datetime.combine(known + timedelta(days=1), time())
        if known.tzinfo is None:
            return known, self.calendar.instant(known)
        return self.calendar.wall(known), known

    def __repr__(self) -> str:
        tables = ", ".join(f"{name}: {size_of(records)}" for name, records in self.tables.items())
        return f"<Dataset {tables or 'without tables'}{f', only {told(self.narrowings)}' if self.narrowings else ''}>"


def _by_name(own: Mapping[str, Any] | None, tables: Mapping[str, Any]) -> Mapping[str, Any]:
    """The tables of a dataset: those of custom record classes and those of crmkpi."""
    if own is None:
        return tables
    if not isinstance(own, Mapping):
        raise InputError(f"A dataset takes its tables by name, such as Dataset(deals=...); got {type(own).__name__}.")
    twice = next((name for name in own if name in tables), None)
    if twice is not None:
        raise InputError(f"The table {twice!r} is given twice, in the dict and by name; give it once.")
    return {**own, **tables}
