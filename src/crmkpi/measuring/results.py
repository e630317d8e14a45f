"""Results: a KPI's value with its evidence; and reports, which are sequences of results."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, overload

from crmkpi._hooks import hook
from crmkpi._read_only import ReadOnly
from crmkpi.currencies import said_currency
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.definition.units import Unit, Value_co
from crmkpi.errors import InputError, UnknownNameError, did_you_mean, unknown_name
from crmkpi.measuring.accounts import Account, sums_of, unreadable_of
from crmkpi.measuring.changes import Adjust, Change, Comparisons, change_of, comparisons_told
from crmkpi.measuring.formula import SMALL_SAMPLE, counted, evaluated, interval_of, no_interval
from crmkpi.measuring.moments import SampleMoments
from crmkpi.measuring.source import Evidence, Source
from crmkpi.statistics.intervals import Interval
from crmkpi.tabular import FrameColumn, Money, Tabular, write_whole

if TYPE_CHECKING:
    from crmkpi.measuring.pivot import Pivot

__all__ = ["Change", "Report", "Result", "compared", "measured", "result_from_totals", "together", "told_of"]

TimeUnit = Literal["seconds", "minutes", "hours", "days", "weeks"]
_SECONDS: Mapping[TimeUnit, float] = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400, "weeks": 604_800}
_ABSENT = object()

_result_row: Callable[[Result], dict[str, Any]] = hook("result_row")
_result_text: Callable[[Result], str] = hook("result_text")
_report_rows: Callable[[Report], list[dict[str, Any]]] = hook("report_rows")
_report_json: Callable[[Report], str] = hook("report_json")
_report_csv: Callable[[Report], str] = hook("report_csv")
_report_markdown: Callable[[Report], str] = hook("report_markdown")
_report_page: Callable[[Report], str] = hook("report_page")
_report_file: Callable[[Report, str | Path], bytes] = hook("report_file")
_report_table: Callable[[Report], str] = hook("report_table")
_report_text: Callable[[Report], str] = hook("report_text")
_report_columns: Callable[[Report], Mapping[str, FrameColumn]] = hook("report_columns")
_wide_columns: Callable[[Report], Mapping[str, FrameColumn]] = hook("wide_columns")
_pivot: Callable[..., Pivot] = hook("pivot")
_report_chart: Callable[..., Any] = hook("report_chart")
_result_schema: Callable[[object], Any] = hook("result_schema")
_report_schema: Callable[[object], Any] = hook("report_schema")


@dataclass(frozen=True, slots=True)
class Result(Generic[Value_co]):
    """The value of one KPI for one period and segment, with its evidence.

    `value` is an int (count), a float (ratio, score, number), a Decimal (money, with `currency`), a timedelta
    (duration), or None if the KPI is undefined; `reason` then says why. `inputs` are the inputs of the formula, with
    the length in place of a list. `n` is how many records the value rests on, and `accounts` count the records that
    were left out. `complete` is False if the period has not ended as of `as_of`, and None without `as_of`, or if the
    data begins after the period.
    """

    metric: Metric[Value_co]
    value: Value_co | None
    reason: str | None
    inputs: Mapping[str, Any]
    currency: str | None = None
    interval: Interval[Any] | None = None
    n: int = 0
    accounts: tuple[Account, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    period: Period | None = None
    segment: Mapping[str, Hashable] = field(default_factory=dict)
    complete: bool | None = None
    compared_to: Result[Value_co] | None = None
    exact: Any = field(default=None, repr=False)
    moments: SampleMoments | None = field(default=None, repr=False, compare=False)
    _find: tuple[Source, int] | None = field(default=None, init=False, repr=False, compare=False)
    _family: tuple[Comparisons, int] | None = field(default=None, init=False, repr=False, compare=False)
    _make: tuple[Source, int] | None = field(default=None, init=False, repr=False, compare=False)

    if not TYPE_CHECKING:  # for type checkers it would make any name an attribute

        def __getattr__(self, name: str) -> Any:
            """Compute the fields at first access, and the evidence too, since a scorecard has many results."""
            if name in _MADE:
                if (made := self._make) is not None:
                    for put, value in zip(_PUT, (*made[0].result(made[1]), made), strict=True):
                        put(self, value)
                    _PUT_MAKE(self, None)
            elif name in _EVIDENCE and (find := self._find) is not None:
                for put, value in zip(_PUT_EVIDENCE, find[0].evidence(find[1]), strict=True):
                    put(self, value)
                _PUT_FIND(self, None)  # so that a result does not keep the measurement in memory
            return object.__getattribute__(self, name)

    @property
    def definition(self) -> str:
        """The id of the definition: the metric, and the variant if it is one."""
        return self.metric.id

    @property
    def unit(self) -> Unit:
        """The unit of the value."""
        return self.metric.unit

    @property
    def left_out(self) -> dict[str, int]:
        """How many records were left out, by reason, over all tables."""
        return sums_of(account.left_out for account in self.accounts)

    @property
    def unread(self) -> dict[str, int]:
        """How many rows of the sources a reader rejected, by field and reason, over all tables."""
        # A table has several accounts if it is measured at several dates; its rows count once, here and below.
        return sums_of({account.table: account.unread for account in self.accounts}.values())

    @property
    def skipped(self) -> dict[str, int]:
        """How many rows of the sources are not records, by reason, over all tables."""
        return sums_of({account.table: account.skipped for account in self.accounts}.values())

    @property
    def unreadable(self) -> dict[str, dict[str, int]]:
        """Counts of unreadable values by field, of the records that are left out for them."""
        return unreadable_of(account.unreadable for account in self.accounts)

    @property
    def small_sample(self) -> bool:
        """Whether the value rests on fewer than 30 records and so says little; always False for a count or a sum."""
        return self.value is not None and self.n < SMALL_SAMPLE and not self.metric.additive

    @property
    def no_interval(self) -> str | None:
        """The reason for a missing interval of a KPI that declares one: a mean of fewer than five values; else None."""
        return None if self.value is None or self.interval is not None else no_interval(self.metric, self.n)

    @property
    def change(self) -> Change | None:
        """The change from the result that this one is compared to; None without a comparison.

        The change has an interval, a p-value, and a verdict that is adjusted for the number of comparisons in the call.
        """
        other = self.compared_to
        if other is None:
            return None
        if self._family is None:
            return change_of(self, other)
        comparisons, number = self._family
        return comparisons.change(number)

    def against(self, other: Result) -> Result[Value_co]:
        """The same result, compared to another of the same KPI; `change` has the difference.

        The two must not share records.

        >>> from crmkpi import win_rate
        >>> now, before = win_rate.from_totals(won=56, closed=70), win_rate.from_totals(won=48, closed=80)
        >>> change = now.against(before).change
        >>> round(change.absolute, 2), [round(bound, 3) for bound in change.interval], change.verdict
        (0.2, [0.052, 0.334], 'up')
        """
        if not isinstance(other, Result) or other.definition != self.definition:
            got = other.definition if isinstance(other, Result) else repr(other)
            raise InputError(f"{self.definition} is compared with another result of {self.definition}; got {got}.")
        return compared(self, other)

    def to(self, unit: TimeUnit) -> float | None:
        """A duration as a number of `unit`, at full precision (a timedelta rounds to microseconds); None if undefined.

        >>> from crmkpi import Ticket, first_response_time
        >>> answered = Ticket(id="1", created_at="2026-01-05T09:00", first_replied_at="2026-01-05T10:30")
        >>> first_response_time([answered]).to("hours")
        1.5
        """
        if self.unit != "duration":
            raise InputError(f"{self.definition} is a {self.unit}, not a duration, and has no value in {unit}.")
        if unit not in _SECONDS:
            raise unknown_name(f"A duration does not convert to the unit {unit!r}.", unit, _SECONDS)
        return None if self.value is None else self.exact / _SECONDS[unit]

    def to_dict(self) -> dict[str, Any]:
        """The result as one flat row of plain values, ready for JSON: money as text, durations in seconds."""
        return _result_row(self)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """The schema of the result's row, so that pydantic and FastAPI accept results; see `to_dict()`."""
        return _result_schema(handler)

    def __str__(self) -> str:
        return _result_text(self)

    def __repr__(self) -> str:
        return f"<{self}>"

    def _repr_html_(self) -> str:
        return Report((self,))._repr_html_()


_EVIDENCE = ("interval", "n", "accounts", "moments")
_WITNESSED = attrgetter(*_EVIDENCE)
_LATER = ("compared_to", "_find", "_family", "_make")
_AT_ONCE = [one.name for one in fields(Result) if one.name not in (*_EVIDENCE, *_LATER)]
_GOT = attrgetter(*_AT_ONCE)
_MADE = frozenset([*_AT_ONCE, "_find"])
_SET = {one.name: getattr(Result, one.name).__set__ for one in fields(Result)}  # faster than its constructor
_PUT = [_SET[name] for name in (*_AT_ONCE, "_find")]
_PUT_EVIDENCE = [_SET[name] for name in _EVIDENCE]
_PUT_MAKE, _PUT_FIND, _PUT_OTHER, _PUT_FAMILY = (_SET[name] for name in ("_make", "_find", "compared_to", "_family"))


def measured(source: Source, number: int, compared_to: Result | None = None) -> Result:
    """A result whose fields `source` computes at first access; `number` identifies the result there."""
    made = object.__new__(Result)
    _PUT_MAKE(made, (source, number))
    _PUT_OTHER(made, compared_to)
    _PUT_FAMILY(made, None)
    return made


def together(results: tuple[Result, ...], adjust: Adjust = "bh") -> tuple[Result, ...]:
    """Mark results as compared in one call, so that their verdicts are adjusted for their number."""
    family = Comparisons(results, adjust)
    for number, result in enumerate(results):
        _PUT_FAMILY(result, (family, number))
    return results


def told_of(result: Result, change: Change) -> Result:
    """The same result with a known change, which is not computed again."""
    _PUT_FAMILY(result, (comparisons_told([change], "none", change.comparisons), 0))
    return result


def compared(result: Result, other: Result) -> Result:
    """The same result, compared to another."""
    return measured(_Copy(result), 0, other)


class _Copy(NamedTuple):
    """The source of a result that copies another one."""

    of: Result

    def result(self, _: int) -> tuple[Any, ...]:
        return _GOT(self.of)

    def evidence(self, _: int) -> Evidence:
        return _WITNESSED(self.of)


@dataclass(frozen=True, slots=True, repr=False)
class Report(Tabular, Generic[Value_co]):
    """Results in order, which also read as a table: print it, show it in a notebook, or make a frame of it.

    `title` is printed above the table and `notes` below it; `names` says whether KPIs are printed by their ids or, as
    in a scorecard, by their titles. A report has the methods of a `collections.abc.Sequence` but is not one, because
    Polars and Altair take a sequence apart before they look for the Arrow interface.

    >>> from crmkpi import Dataset, Deal
    >>> won = [Deal(id="1", status="won", owner="Ada", amount=120), Deal(id="2", status="won", owner="Bo", amount=80)]
    >>> report = Dataset(deals=won, currency="EUR").measure("revenue", by="owner")
    >>> int(report.to_pandas()["value"].sum())
    200
    """

    results: tuple[Result[Value_co], ...]
    title: str = ""
    notes: tuple[str, ...] = ()
    statements: tuple[tuple[str, str], ...] = field(default=(), compare=False)
    names: Literal["id", "title"] = field(default="id", compare=False)

    @overload
    def __getitem__(self, index: int) -> Result[Value_co]: ...
    @overload
    def __getitem__(self, index: slice) -> Report[Value_co]: ...
    def __getitem__(self, index: int | slice) -> Result[Value_co] | Report[Value_co]:
        if isinstance(index, slice):
            return replace(self, results=self.results[index], statements=())
        if isinstance(index, str):
            raise InputError(f"A report is indexed by numbers; got {index!r}. For one KPI write report.get({index!r}).")
        return self.results[index]

    def __len__(self) -> int:
        return len(self.results)

    def __iter__(self) -> Iterator[Result[Value_co]]:
        return iter(self.results)

    def __reversed__(self) -> Iterator[Result[Value_co]]:
        return iter(self.results[::-1])

    def __contains__(self, result: object) -> bool:
        return result in self.results

    def where(self, condition: Callable[[Result[Value_co]], bool]) -> Report[Value_co]:
        """The results for which `condition` holds, as a report."""
        return replace(self, results=tuple(result for result in self if condition(result)), statements=())

    def get(self, metric: str | Metric, *, period: str | None = None, **segment: Hashable) -> Result:
        """The one result of a metric, period label and segment; none or several matches are an error."""
        name = metric.id if isinstance(metric, Metric) else metric
        found = [
            result
            for result in self
            if result.definition == name
            and (period is None or (result.period is not None and result.period.label == period))
            and all(result.segment.get(key, _ABSENT) == value for key, value in segment.items())
        ]
        if len(found) != 1:
            asked = ", ".join(
                [str(name), *([period] if period else []), *(f"{key}={value!r}" for key, value in segment.items())]
            )
            known = {result.definition for result in self}
            hint = did_you_mean(name, known) if name not in known else "Name the period and every segment."
            raise UnknownNameError(
                f"The report has {len(found) or 'no'} results for {asked}; get() needs exactly one. {hint}"
            )
        return found[0]

    def sql(self) -> str:
        """All SQL statements that ran for the numbers, in order, if the tables are in a database."""
        found = [text for language, text in self.statements if language == "sql"]
        if not found:
            raise InputError(
                "The report has no SQL: its tables are records or frames. Only DuckDB and databases run statements."
            )
        return ";\n\n".join(found) + ";\n"

    def plan(self) -> str:
        """The plans that ran for the numbers, if the tables are in a cluster (Spark)."""
        found = [text for language, text in self.statements if language == "plan"]
        if not found:
            raise InputError("The report has no plan: none of its tables is in Spark. DuckDB tables have sql().")
        return "\n\n".join(found) + "\n"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One flat row of plain values per result, ready for JSON.

        Amounts are text, so that JSON keeps their digits, and durations are seconds; `to_pandas()`, `to_polars()` and
        `to_arrow()` return numbers to calculate with.
        """
        return _report_rows(self)

    def to_json(self) -> str:
        """The rows of `to_dicts()` as a JSON array."""
        return _report_json(self)

    def to_csv(self) -> str:
        """The rows of `to_dicts()` as CSV; text that a spreadsheet would take for a formula is neutralised."""
        return _report_csv(self)

    def _columns(self) -> Mapping[str, FrameColumn]:
        return _report_columns(self)

    def to_pandas(self, *, money: Money = "decimal", wide: bool = False) -> Any:
        """A pandas DataFrame of one row per result: value, interval, period bounds, segments, change and reason.

        If all KPIs share a unit, `value` has its type: `decimal.Decimal` for amounts (floats with `money="float"`),
        timedelta64 for durations. Otherwise it is a float, durations in seconds, and the column `unit` has the unit;
        `wide=True` returns one row per period and segment with a column for each KPI in its own type.
        """
        return Tabular.to_pandas(_Wide(self) if wide else self, money=money)

    def to_polars(self, *, money: Money = "decimal", wide: bool = False) -> Any:
        """A Polars DataFrame with the columns of `to_pandas()`; amounts are of type Decimal."""
        return Tabular.to_polars(_Wide(self) if wide else self, money=money)

    def to_arrow(self, *, money: Money = "decimal", wide: bool = False) -> Any:
        """A PyArrow Table with the columns of `to_pandas()`; amounts are of type decimal128."""
        return Tabular.to_arrow(_Wide(self) if wide else self, money=money)

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return _report_markdown(self)

    def to_html(self) -> str:
        """A whole HTML page, for a file or a mail."""
        return _report_page(self)

    def save(self, path: str | Path) -> None:
        """Write a file atomically, in the format of its suffix: .html, .xlsx, .md, .csv, .json or .txt."""
        write_whole(path, _report_file(self, path))

    def chart(self, kind: Literal["line", "bars", "heatmap", "number"] | None = None) -> Any:
        """An Altair chart: a line with its band over periods, bars by segment, a heat map of two, or one big number.

        `kind` selects one of these. Each KPI has a panel of its own. Charts need the extra `plot`.
        """
        return _report_chart(self, kind)

    def pivot(self, rows: str = "metric", columns: str = "period") -> Pivot:
        """The values as a grid; `rows` and `columns` are "metric", "period" or the name of a segment."""
        return _pivot(self, rows=rows, columns=columns)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        """The schema of the report's rows, so that pydantic and FastAPI accept reports; see `to_dicts()`."""
        return _report_schema(handler)

    def __str__(self) -> str:
        return _report_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _report_table(self)


@dataclass(frozen=True, slots=True)
class _Wide(Tabular):
    """A report with one row per period and segment, and a column for each KPI."""

    report: Report

    def _columns(self) -> Mapping[str, FrameColumn]:
        return _wide_columns(self.report)


def result_from_totals(metric: Metric, inputs: Mapping[str, Any], *, confidence: float, currency: str | None) -> Result:
    """The result of totals that the caller already has; see `Metric.from_totals`."""
    totals = {name: value for name, value in inputs.items() if name not in metric.parameters}
    value, exact, reason = evaluated(metric, inputs)
    interval, n = (None, None) if reason else interval_of(metric, inputs, None, confidence=confidence, exact=exact)
    parameters = {name: inputs[name] for name in metric.parameters}
    currency = None if currency is None else said_currency("`currency`", currency)
    return Result(
        metric, value, reason, ReadOnly(counted(totals)), currency, interval, n or 0, parameters=parameters, exact=exact
    )
