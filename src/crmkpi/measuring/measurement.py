"""Measure: run one query per table, read the answers, run the formulas, and build results with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.ran import collecting
from crmkpi.engines.frames.snapshots import at_one_moment
from crmkpi.engines.query import Answer, Query
from crmkpi.errors import (
    CurrencyError,
    InputError,
)
from crmkpi.measuring.asking import queries_of, read
from crmkpi.measuring.changes import Adjust
from crmkpi.measuring.counting import Counts, Rows
from crmkpi.measuring.cuts import Cut, InputColumn, currencies_of
from crmkpi.measuring.evidence import Block, without_groups
from crmkpi.measuring.files import of_files
from crmkpi.measuring.formula import evaluated_each
from crmkpi.measuring.locations import MetricPlan
from crmkpi.measuring.narrowing import INSIDE, Narrowing, told
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.reach import Reaches, placed
from crmkpi.measuring.reading import Reader
from crmkpi.measuring.results import Report, Result, compared, measured, together
from crmkpi.measuring.segments import By, Segment, segments_of
from crmkpi.measuring.undefined import all_left_out
from crmkpi.measuring.unfilled import unfilled_field, why_unfilled
from crmkpi.measuring.unreadable import DataReason, too_many_unreadable
from crmkpi.metrics import THEMES
from crmkpi.metrics.catalogue import catalogue

if TYPE_CHECKING:
    from crmkpi.measuring.dataset import Dataset

__all__ = ["built", "chosen_metrics", "measure", "measure_one", "measure_with_trend", "report", "zone_notes"]


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
    notes: list[str] | None = None,
    moments: bool = False,
    adjust: Adjust = "bh",
) -> tuple[Result, ...]:
    """One result per metric, period and segment; `against` are the periods that each one is compared to.

    `statements` receives the SQL or plans that ran in a database or cluster, and `notes` the notes that tables begin
    after these periods, or reach into the future.
    """
    segments = segments_of(by)
    everything = [*periods, *(against or ())]
    moments = moments or against is not None

    def asked(data: Dataset) -> tuple[tuple[Result, ...], list[tuple[str, str]], list[str]]:
        ran: list[tuple[str, str]] = []
        told: list[str] = []
        # A period without records queries the first date.
        with at_one_moment(data.tables), collecting(None if statements is None else ran):
            reader, plan = read(data, metrics, everything, segments, parameters, confidence=confidence, moments=moments)
            found = built(
                data,
                reader,
                plan,
                segments,
                periods=periods,
                against=against,
                parameters=parameters,
                confidence=confidence,
                notes=None if notes is None else told,
            )
        return found, ran, told

    def queries() -> Mapping[str, Query]:
        return queries_of(crm, metrics, segments, undated=not any(everything), confidence=confidence)

    results, ran, told = of_files(crm, metrics, queries, asked)
    if statements is not None:
        statements += ran
    if notes is not None:
        notes += told
    return results if against is None else together(results, adjust)


def measure_with_trend(
    crm: Dataset,
    metrics: Sequence[Metric],
    *,
    period: Period,
    against: Period,
    earlier: Sequence[Period],
    parameters: Mapping[str, Any],
    confidence: float | None,
) -> tuple[Report, tuple[Result, ...]]:
    """A report that compares two periods, and each metric over earlier periods too, in one pass over each table."""

    def asked(data: Dataset) -> tuple[Report, tuple[Result, ...]]:
        everything = [*earlier, period, against]
        given: dict[str, Any] = {"parameters": parameters, "confidence": confidence}
        notes: list[str] = []
        with at_one_moment(data.tables):
            reader, plan = read(data, metrics, everything, (), parameters, confidence=confidence, moments=True)
            beside = built(data, reader, plan, (), periods=[period], against=[against], notes=notes, **given)
            notes += zone_notes(crm, [period], metrics)
            trend = built(data, reader, plan, (), periods=[*earlier, period], against=None, **given)
        shown = report(together(beside, "bh"), [period], None, None, notes=tuple(notes), narrowings=crm.narrowings)
        return shown, trend

    def queries() -> Mapping[str, Query]:
        return queries_of(crm, metrics, (), undated=False, confidence=confidence)

    return of_files(crm, metrics, queries, asked)


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
    notes: list[str] | None = None,
) -> tuple[Result, ...]:
    """Build the results from the answers of the engines."""
    ordered = _sorted(reader.segments() if segments else [()], segments)
    if crm.narrowings and not segments:
        ordered = [INSIDE]
    builder = _Builder(crm, reader, segments, ordered, parameters, confidence, alone=len(plan.metrics) == 1)
    results = tuple(
        result
        for found in plan.metrics
        for each, other in zip(periods, against or [None] * len(periods), strict=True)
        for result in builder.results(found, each, other)
    )
    if notes is not None:
        notes += [f"{told}, and nothing is known of periods before it" for told in builder.begins]
        if crm.as_of is None:
            notes += builder.after_today(plan, ordered, periods)
    return results


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

    def asked(data: Dataset) -> Result:
        moments = against is not None
        reader, plan = read(data, (metric,), periods, (), parameters, confidence=confidence, moments=moments)
        segment = INSIDE if data.narrowings else ()
        builder = _Builder(data, reader, (), [segment], parameters, confidence)
        (result,) = builder.results(plan.metrics[0], period, against)
        return result

    def queries() -> Mapping[str, Query]:
        return queries_of(crm, (metric,), (), undated=not any(periods), confidence=confidence)

    return of_files(crm, (metric,), queries, asked)


def chosen_metrics(
    metrics: Metric | str | Iterable[Metric | str], *, of_theme: Callable[[str], Iterable[Metric]] | None = None
) -> tuple[Metric, ...]:
    """Resolve metrics: themselves, or by their names in the catalogue; `of_theme` returns those of a theme."""
    several: Any = metrics if isinstance(metrics, Iterable) and not isinstance(metrics, str) else (metrics,)
    found: list[Metric] = []
    of_themes: set[str] = set()
    for metric in several:
        if isinstance(metric, str) and metric in THEMES and of_theme is not None:
            more = [each for each in of_theme(metric) if each not in found]
            of_themes.update(each.id for each in more)
            found += more
            continue
        one = catalogue.find(metric) if isinstance(metric, str) else metric
        if not isinstance(one, Metric):
            raise InputError(f"measure() takes metrics or their names; got {one!r}.")
        if one.id not in of_themes:
            found.append(one)
    if not found:
        raise InputError("measure() needs at least one metric; got none.")
    return tuple(found)


class _Builder:
    """Builds the results of one measurement."""

    def __init__(
        self,
        crm: Dataset,
        reader: Reader,
        segments: Sequence[Segment],
        keys: Sequence[tuple[Hashable, ...]],
        given: Mapping[str, Any],
        confidence: float | None,
        *,
        alone: bool = True,
    ) -> None:
        """Build results of the segments with these `keys`; with one KPI `alone`, mixed currencies are an error."""
        self._alone = alone
        self._reaches = Reaches(crm)
        self.begins: dict[str, None] = {}  # notes that tables begin after a period
        self._crm = crm
        self._reader = reader
        self._segments = segments
        self._given = given
        self._confidence = confidence
        self._rows = Rows(reader.answers, keys)
        self._kept: dict[str, Answer] = {}
        self._contradicted: set[str] = set()
        for table, answer in reader.answers.items():
            self._kept[table] = without_groups(answer)
            if answer.contradictions:
                self._contradicted.add(table)
        # A filtered dataset adds a last key, which has no name.
        names = [part.name for part in segments]
        self._names = [dict(zip(names, key, strict=False)) for key in keys] if names else [{}] * len(keys)
        self._made: dict[tuple[int, Period | None], list[Result]] = {}

    def results(
        self,
        plan: MetricPlan,
        period: Period | None,
        against: Period | None,
    ) -> list[Result]:
        """A metric's results over one period, each compared to its result over `against`."""
        mine = self._over(plan, period)
        return mine if against is None else list(map(compared, mine, self._over(plan, against)))

    def _over(self, plan: MetricPlan, period: Period | None) -> list[Result]:
        """A metric's results over one period, cached because the month that a month is compared to has results too."""
        key = (id(plan), period)
        made = self._made.get(key)
        if made is None:
            block = self._block(plan, period)
            block.settle()
            made = self._made[key] = [measured(block, number) for number in range(len(block.segments))]
        return made

    def _block(self, plan: MetricPlan, period: Period | None) -> Block:
        """A metric's values over one period; errors are raised here, and evidence is computed at first access."""
        metric, segments = plan.metric, self._rows.segments
        cut = Cut(self._reader, plan, period, self._rows)
        parameters = metric.parameter_values(self._given) if metric.parameters else {}
        # Among several KPIs, one with mixed currencies is undefined and the others are still shown.
        mixed: dict[int, CurrencyError] = {}
        columns = cut.inputs(None if self._alone else mixed)
        currencies = currencies_of(metric, columns, len(segments), None if self._alone else mixed)
        rows = list(zip(*[column.values for column in columns.values()], strict=True))
        totals: list[dict[str, Any]] = [dict(zip(columns, row, strict=True)) for row in rows]
        counts = cut.counts()
        numbers: list[Mapping[str, Any] | str] = [one | parameters for one in totals] if parameters else [*totals]
        for number, reason in self._reasons(plan, period, cut, counts, columns):
            numbers[number] = reason
        for number, error in mixed.items():
            numbers[number], totals[number] = DataReason(error), {}
        found = evaluated_each(metric, numbers)
        for number, row in enumerate(rows):
            if found[number][2] is None and not all(row):  # a 0 may mean that all records were left out
                whole = [self._reader.given(account.table, segments[number]) for account in plan.accounts]
                left_out = all_left_out(plan.accounts, [column[number].numbers for column in counts], whole)
                if left_out is not None:
                    found[number] = None, None, left_out
        return Block(
            plan,
            self._confidence,
            self._kept,
            parameters,
            period,
            None if period is None or self._crm.as_of is None else period.is_complete(self._crm.as_of),
            segments,
            self._names,
            totals,
            found,
            currencies,
            columns,
            counts,
            None if plan.joints is None else cut.joints(),
            self._silent(metric, period, rows, mixed),
            mixed.keys(),
        )

    def _silent(
        self, metric: Metric, period: Period | None, rows: Sequence[Sequence[Any]], mixed: Collection[int]
    ) -> Collection[int]:
        """The segments without any number, if the data begins after the period."""
        if period is None:
            return frozenset()
        size = len(metric.measures)
        none = {number for number, row in enumerate(rows) if not any(row[:size]) and number not in mixed}
        if not none or any(row[position] for position in placed(metric) for row in rows):
            return frozenset()
        begins = self._reaches.begins_later(metric, period)
        if begins is None:
            return frozenset()
        self.begins[begins] = None
        return none

    def _reasons(
        self,
        plan: MetricPlan,
        period: Period | None,
        cut: Cut,
        counts: Sequence[Sequence[Counts]],
        columns: Mapping[str, InputColumn],
    ) -> Iterator[tuple[int, str]]:
        """The segments in which a metric has no value for a reason other than its formula, with the reason."""
        metric, crm = plan.metric, self._crm
        unfilled = unfilled_field(metric, crm.unfilled, dated=period is not None) if crm.told else None
        contradicted = not self._contradicted.isdisjoint(metric.tables)
        doubtful, related, lacks = plan.doubtful, len(metric.tables) > 1, cut.lacks
        if not (unfilled is not None or contradicted or doubtful or related or lacks):
            return
        earlier = cut.earlier_counts() if doubtful else []
        for number, segment in enumerate(self._rows.segments):
            reason: str | None = None if unfilled is None else why_unfilled(*unfilled)
            if reason is None and related:
                reason = self._blank(metric, segment)
            if reason is None and contradicted:
                reason = cut.contradiction(segment)
            if reason is None and doubtful:
                asked = [*zip(plan.accounts, counts, strict=True), *earlier]
                reason = too_many_unreadable(
                    [(account.table, column[number]) for account, column in asked], crm.most_unreadable
                )
            if reason is None and lacks:
                missing = (one.missing for one in columns.values() if one.values[number] is None and one.missing)
                reason = next(missing, None)
            if reason:
                yield number, reason

    def after_today(
        self, plan: Plan, segments: Sequence[tuple[Hashable, ...]], periods: Sequence[Period | None]
    ) -> list[str]:
        """The notes that counted records are dated after today, if `as_of` is not given."""
        told: dict[str, None] = {}
        for found in plan.metrics:
            for period in periods:
                parts = {stock: self._reader.timeline.parts(period, stock=stock) for stock in (False, True)}
                told |= dict.fromkeys(self._reaches.after_today(found, self._reader.answers, segments, parts, period))
        return list(told)

    def _blank(self, metric: Metric, segment: tuple[Hashable, ...]) -> str | None:
        """The reason if no record of one of the KPI's tables has a segment at all, else None.

        Without it, expenses that have no channel would make the leads of every channel free of charge.
        """
        for table in metric.tables:
            given = self._reader.answers[table].given
            for position, key in enumerate(segment[: len(self._segments)]):
                if key is not None and given and all(other[position] is None for other in given):
                    return f"no record of {table} has a {self._segments[position].name}"
        return None


def _sorted(found: list[tuple[Hashable, ...]], segments: Sequence[Segment]) -> list[tuple[Hashable, ...]]:
    """Segments in a stable order, whatever the order of the records: bins from low to high, None last."""
    return sorted(found, key=lambda keys: [_sort_key(*pair) for pair in zip(keys, segments, strict=False)])


def _sort_key(key: Hashable, segment: Segment) -> tuple[int, float, str]:
    if key is None:
        return (2, 0, "")
    if segment.bins:
        return (0, segment.labels.index(str(key)), "")
    return (0, key, "") if isinstance(key, int | float) else (1, 0, str(key))


def _title(periods: Sequence[Period | None], every: str | None, by: By, narrowings: Sequence[Narrowing]) -> str:
    """The title of a report."""
    labels = [period.label for period in periods if period is not None] or ["all data"]
    text = labels[0] if len(labels) == 1 else f"{labels[0]} to {labels[-1]}"
    text += f", {told(narrowings)}" if narrowings else ""
    grouped = ", ".join(segment.name for segment in segments_of(by))
    return text + (f" by {grouped}" if grouped else "") + (f", every {every}" if every else "")


def zone_notes(crm: Dataset, periods: Sequence[Period | None], metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The note that times were read in one time zone and days begin in another."""
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
    narrowings: Sequence[Narrowing] = (),
) -> Report:
    """The results under a title that names KPIs, periods and segments."""
    return Report(results, _title(periods, every, by, narrowings), notes, tuple(statements))
