"""Measure: run one query per table, read the answers, run the formulas, and build results with their evidence."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from crmkpi._read_only import ReadOnly
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.ran import collecting
from crmkpi.errors import (
    CurrencyError,
    InputError,
)
from crmkpi.measuring.asking import queries_of, read
from crmkpi.measuring.changes import Adjust
from crmkpi.measuring.evidence import Witness
from crmkpi.measuring.files import of_files
from crmkpi.measuring.formula import counted, evaluated
from crmkpi.measuring.locations import MetricPlan
from crmkpi.measuring.narrowing import INSIDE, Narrowing, told
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.reach import Reaches
from crmkpi.measuring.reading import Input, Reader
from crmkpi.measuring.results import Report, Result, compared, measured, together
from crmkpi.measuring.segments import By, Segment, segments_of
from crmkpi.measuring.undefined import all_left_out
from crmkpi.measuring.unfilled import unfilled_field, why_unfilled
from crmkpi.measuring.unreadable import DataReason, too_many_unreadable
from crmkpi.metrics import THEMES
from crmkpi.metrics.catalogue import catalogue
from crmkpi.time.periods import Period

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

    `statements` receives the SQL or plan that was run, where a table lies in a database or cluster, and `notes` what
    the tables say of these periods: that they begin later, or reach into the future.
    """
    segments = segments_of(by)
    everything = [*periods, *(against or ())]
    moments = moments or against is not None

    def asked(data: Dataset) -> tuple[tuple[Result, ...], list[tuple[str, str]], list[str]]:
        ran: list[tuple[str, str]] = []
        noting = None if statements is None else ran
        told: list[str] = []
        reader, plan = read(
            data, metrics, everything, segments, parameters, statements=noting, confidence=confidence, moments=moments
        )
        with collecting(noting):  # a period without records asks where the data begin
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

    queries = partial(queries_of, crm, metrics, segments, undated=not any(everything), confidence=confidence)
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
    """A period next to another one, and each metric over earlier periods and this one, in one pass over each table."""

    def asked(data: Dataset) -> tuple[Report, tuple[Result, ...]]:
        everything = [*earlier, period, against]
        reader, plan = read(data, metrics, everything, (), parameters, confidence=confidence, moments=True)
        given: dict[str, Any] = {"parameters": parameters, "confidence": confidence}
        notes: list[str] = []
        beside = built(data, reader, plan, (), periods=[period], against=[against], notes=notes, **given)
        notes += zone_notes(crm, [period], metrics)
        trend = built(data, reader, plan, (), periods=[*earlier, period], against=None, **given)
        shown = report(together(beside, "bh"), [period], None, None, notes=tuple(notes), narrowings=crm.narrowings)
        return shown, trend

    return of_files(crm, metrics, partial(queries_of, crm, metrics, (), undated=False, confidence=confidence), asked)


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
    """The results of answers that are there."""
    builder = _Builder(crm, reader, segments, parameters, confidence, alone=len(plan.metrics) == 1)
    ordered = _sorted(reader.segments() if segments else [()], segments)
    if crm.narrowings and not segments:
        ordered = [INSIDE]
    results = tuple(
        result
        for found in plan.metrics
        for each, other in zip(periods, against or [None] * len(periods), strict=True)
        for result in builder.results(found, ordered, each, other)
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
        builder = _Builder(data, reader, (), parameters, confidence)
        return next(builder.results(plan.metrics[0], [segment], period, against))

    queries = partial(queries_of, crm, (metric,), (), undated=not any(periods), confidence=confidence)
    return of_files(crm, (metric,), queries, asked)


def chosen_metrics(
    metrics: Metric | str | Iterable[Metric | str], *, of_theme: Callable[[str], Iterable[Metric]] | None = None
) -> tuple[Metric, ...]:
    """The metrics that are meant: themselves, or by their names in the catalogue; `of_theme` gives those of a theme."""
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

    __slots__ = (
        "_alone",
        "_confidence",
        "_crm",
        "_given",
        "_made",
        "_names",
        "_reaches",
        "_reader",
        "_segments",
        "begins",
    )

    def __init__(
        self,
        crm: Dataset,
        reader: Reader,
        segments: Sequence[Segment],
        given: Mapping[str, Any],
        confidence: float | None,
        *,
        alone: bool = True,
    ) -> None:
        """`alone` means a call for one KPI, in which mixed currencies are an error."""
        self._alone = alone
        self._reaches = Reaches(crm)
        self.begins: dict[str, None] = {}  # that tables begin after a period, in words
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
        money = [name for name, measure in metric.measures.items() if measure.kind == "money"]
        in_money = metric.unit == "money" or bool(money)
        related, lacks = len(metric.tables) > 1, cut.lacks
        unfilled = unfilled_field(metric, self._crm.unfilled, dated=period is not None)
        contradicted = any(self._reader.answers[table].contradictions for table in metric.tables)
        doubtful = any(account.unread is not None for account in (*plan.accounts, *plan.earlier))
        reached: bool | None = None
        for segment in segments:
            try:
                inputs = cut.inputs(segment)
                currency = _currency(metric, inputs, money) if in_money else None
            except CurrencyError as mixed:
                if self._alone:
                    raise
                # Among several KPIs this one is undefined, and the others are shown.
                find = replace(witness, confidence=None).finding(cut, cut.counts(segment), segment, {}, None)
                named, why = self._named(segment), DataReason(mixed)
                yield measured(metric, None, why, {}, None, parameters, period, named, complete, None, find=find)
                continue
            totals = {name: found.value for name, found in inputs.items()}
            numbers = totals | parameters if parameters else totals
            reason: str | None = None if unfilled is None else why_unfilled(*unfilled)
            if reason is None and related:
                reason = self._blank(metric, segment)
            counts = cut.counts(segment)
            if reason is None and contradicted:
                reason = cut.contradiction(segment)
            if reason is None and doubtful:
                asked = [*zip(plan.accounts, counts, strict=True), *cut.earlier_counts(segment)]
                reason = too_many_unreadable(
                    [(account.table, found) for account, found in asked], self._crm.most_unreadable
                )
            if reason is None and lacks:
                reason = next((one.missing for one in inputs.values() if one.value is None and one.missing), None)
            value, exact, reason = (None, None, reason) if reason else evaluated(metric, numbers)
            if value is not None and not all(totals.values()):  # a 0 may be for want of records that count
                whole = [self._reader.given(account.table, segment) for account in plan.accounts]
                reason = all_left_out(plan.accounts, [one.numbers for one in counts], whole)
                value, exact = (value, exact) if reason is None else (None, None)
            begins = None
            if period is not None and not any(totals[name] for name in metric.measures):
                reached = self._is_reached(plan, period) if reached is None else reached
                begins = None if reached else self._reaches.begins_later(metric, period)
            if begins is not None:
                self.begins[begins] = None
            yield measured(
                metric,
                value,
                reason,
                ReadOnly(counted(totals) if witness.at_once else totals),
                currency,
                parameters,
                period,
                self._named(segment),
                complete if begins is None else None,
                exact,
                find=witness.finding(cut, counts, segment, inputs, None if reason else numbers),
            )

    def _is_reached(self, plan: MetricPlan, period: Period) -> bool:
        """Whether the answers show that a table of the metric has a record of a period, so that it is not asked."""
        parts = frozenset(self._reader.timeline.parts(period, stock=False))
        return any(
            part in parts
            for account in plan.accounts
            if account.at is not None and not account.stock
            for _, part in self._reader.answers[account.table].groups[account.anchor]
        )

    def after_today(
        self, plan: Plan, segments: Sequence[tuple[Hashable, ...]], periods: Sequence[Period | None]
    ) -> list[str]:
        """The notes that counted records are dated after today, where `as_of` is not given."""
        told: dict[str, None] = {}
        for found in plan.metrics:
            for period in periods:
                parts = {stock: self._reader.timeline.parts(period, stock=stock) for stock in (False, True)}
                text = self._reaches.after_today(found, self._reader.answers, segments, parts)
                if text is not None:
                    told[text] = None
        return list(told)

    def _named(self, segment: tuple[Hashable, ...]) -> Mapping[str, Hashable]:
        """The keys of a segment by their names: the same for all its results."""
        if segment not in self._names:
            # A dataset that is narrowed adds a last key, which has no name.
            self._names[segment] = {part.name: key for part, key in zip(self._segments, segment, strict=False)}
        return self._names[segment]

    def _blank(self, metric: Metric, segment: tuple[Hashable, ...]) -> str | None:
        """Why a KPI of several tables says nothing about a segment: a table's records are in no segment at all.

        Expenses without a channel would make leads from every channel free of charge.
        """
        for table in metric.tables:
            given = self._reader.answers[table].given
            for position, key in enumerate(segment[: len(self._segments)]):
                if key is not None and given and all(other[position] is None for other in given):
                    return f"no record of {table} has a {self._segments[position].name}"
        return None


def _currency(metric: Metric, inputs: Mapping[str, Input], money: Sequence[str]) -> str | None:
    """The currency of a KPI in money; its inputs are in one currency, as the amounts of each of them are."""
    found = {}
    for name in money:
        one = inputs[name]
        if one.sample is not None and one.sample.count:
            found[name] = one.currency or "no currency"
    if len(found) > 1 and len(set(found.values())) > 1:
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
    return sorted(found, key=lambda keys: [_sort_key(*pair) for pair in zip(keys, segments, strict=False)])


def _sort_key(key: Hashable, segment: Segment) -> tuple[int, float, str]:
    if key is None:
        return (2, 0, "")
    if segment.bins:
        return (0, segment.labels.index(str(key)), "")
    return (0, key, "") if isinstance(key, int | float) else (1, 0, str(key))


def _title(periods: Sequence[Period | None], every: str | None, by: By, narrowings: Sequence[Narrowing]) -> str:
    """The subject of a report in a few words."""
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
    """The results under a title that says what they are about."""
    return Report(results, _title(periods, every, by, narrowings), notes, tuple(statements))
