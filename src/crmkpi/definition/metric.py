"""The definition of a KPI: named measures and a pure formula of their values.

    @metric(
        at=deals.closed_at,                              # assigns a deal to a period
        won=deals.count(deals.status == "won"),
        closed=deals.count(deals.status.is_in("won", "lost")),
        unit="ratio", better="higher", interval=Share("won", "closed"),
    )
    def win_rate(won, closed):
        \"\"\"Share of closed deals that were won.\"\"\"
        return won / closed

The formula's parameters and the measures have the same names, which is checked when the module is imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Context, Decimal, DivisionUndefined, InvalidOperation, localcontext
from types import FunctionType
from typing import Any

from crmkpi._hooks import hook
from crmkpi._read_only import ReadOnly
from crmkpi.definition.calls import Calls, CallSignature
from crmkpi.definition.checks import check_definition, check_range, check_tables, check_words, told_apart
from crmkpi.definition.expressions import Expression, as_predicate, table_of
from crmkpi.definition.interval_rules import (
    Estimated,
    IntervalRule,
    Mean,
    Monotone,
    NetPromoter,
    Range,
    Share,
    check_totals,
    usual_range,
)
from crmkpi.definition.measures import Grouped, LastDay, Measure, MonthDays, PeriodDays
from crmkpi.definition.numbers import as_money, in_unit, is_finite, plain_numbers
from crmkpi.definition.page import Docstring, theme_of, title_of, usual_docstring
from crmkpi.definition.parameters import Parameter, parameter_value
from crmkpi.definition.reasons import Empty, why_missing, why_zero
from crmkpi.definition.units import Better, Decorator, RollUp, Timing, Unit, UnitName, Value_co
from crmkpi.definition.variants import described, is_itself, itself, varied
from crmkpi.errors import DefinitionError, InputError, UndefinedError, unknown_name

__all__ = ["Better", "Estimated", "Mean", "Metric", "Monotone", "NetPromoter", "RollUp", "Share", "Unit", "metric"]

# Formulas divide money in this context, whatever the context of the caller is.
ARITHMETIC = Context(prec=28)

_statement_text: Callable[..., str] = hook("statement_text")
_find_metric: Callable[[str], Metric] = hook("find_metric")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Metric(Calls[Value_co]):
    """A KPI: call it on records or on a dataset to get one `Result`.

    >>> from datetime import datetime
    >>> from crmkpi import Deal, win_rate
    >>> deals = [Deal(id=str(n), status=status) for n, status in enumerate(["won", "won", "lost", "open"])]
    >>> win_rate(deals).value
    0.6666666666666666
    >>> win_rate.formula(won=2, closed=3)
    0.6666666666666666
    """

    docstring = Docstring("The manual of a KPI, its formulas in LaTeX.", plain=False)
    __doc__ = Docstring(__doc__, plain=True)  # pyrefly: ignore
    __signature__ = CallSignature()

    id: str
    function: Callable[..., Any]
    measures: Mapping[str, Measure]
    parameters: Mapping[str, Parameter]
    days: str | None  # the input that is the length of the period in days, if the formula takes it
    until: str | None  # the input that is the last measured day, if the formula takes it
    at: Expression | None
    unit: Unit
    better: Better
    theme: str
    also_known_as: tuple[str, ...]
    leave_out: Mapping[str, Expression]
    interval: IntervalRule | None
    sources: tuple[str, ...]
    title: str
    default_because: str
    variants: dict[str, Metric]
    needs_as_of: bool
    tables: tuple[str, ...]  # the tables that the KPI reads, in the order of its measures
    asked: frozenset[str]  # the inputs of the formula; other parameters only serve the measures
    empty: Empty
    within: Range = (None, None)  # the lowest and the highest number that the value can be, None for no bound
    timing: Timing | None = None  # whether it moves before the outcome or with it
    ahead_of: tuple[str, ...] = ()  # the KPIs that it is meant to move ahead of
    guarded_by: tuple[str, ...] = ()  # the KPIs of quality that suffer if only this one is optimised
    monthly: bool = False  # whether the period must be a calendar month

    @property
    def name(self) -> str:
        """The name without the variant."""
        return self.id.partition(".")[0]

    @property
    def meaning(self) -> str:
        """The meaning of the KPI, in one line."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def is_measure(self) -> bool:
        """Whether the value is that of the KPI's one measure, as it is."""
        return is_itself(self.function)

    @property
    def additive(self) -> bool:
        """Whether the KPI is one count or one sum, so that the values of parts add up to that of the whole."""
        (first, *rest) = self.measures.values()
        return not rest and self.days is None and self.until is None and first.aggregate in ("count", "sum")

    @property
    def roll_up(self) -> RollUp:
        """How the value of a whole follows from its parts.

        The values of an "additive" KPI add up, and so do the inputs of a "ratio". A "distributional" KPI, such as a
        median or the mean of a survival curve, and a "distinct" KPI, which counts customers once however often they
        occur, must be computed from all records again.

        >>> from crmkpi import first_response_time, purchase_frequency, revenue, win_rate
        >>> [kpi.roll_up for kpi in (revenue, win_rate, first_response_time, purchase_frequency)]
        ['additive', 'ratio', 'distributional', 'distinct']
        """
        measures = self.measures.values()
        if any(measure.aggregate in ("median", "quantile", "values", "rows") for measure in measures):
            return "distributional"
        if any(measure.aggregate == "distinct" or isinstance(measure.table, Grouped) for measure in measures):
            return "distinct"
        return "additive" if self.additive else "ratio"

    def variant(self, name: str) -> Metric:
        """The variant of that name; an unknown name is an error that suggests the nearest."""
        if name not in self.variants:
            raise unknown_name(f"{self.id} has no variant {name!r}.", name, self.variants)
        return self.variants[name]

    def add_variant(self, **definition: Any) -> Callable[[Callable[..., Any]], Metric]:
        """Decorate a formula as another way to count the same KPI; options that are not given are those of the default.

        A measure that the formula takes and the variant does not define is that of the default. A formula without
        parameters only holds the docstring: a variant with one measure returns that measure, and one with several or
        none has the formula of the default. The variant inherits `leave_out` for the tables that it reads, unless it
        has its own.
        """
        return lambda function: self._add(function, definition)

    def _add(self, function: Callable[..., Any], definition: dict[str, Any]) -> Metric:
        own = [name for name, value in definition.items() if isinstance(value, Measure)]
        if len(own) != 1 and isinstance(self.function, FunctionType) and not inspect.signature(function).parameters:
            function = described(self.function, function)
        taken = inspect.signature(function).parameters
        known: dict[str, Any] = {**self.measures, **definition}
        definition = {name: known[name] for name in taken if name in known} | definition
        inherited: dict[str, Any] = {
            "at": self.at,
            "unit": self.unit,
            "better": self.better,
            "theme": self.theme,
            "interval": self.interval,
            "timing": self.timing,
            "ahead_of": self.ahead_of,
            "guarded_by": self.guarded_by,
            "empty": self.empty
            if isinstance(self.empty, str)
            else {name: why for name, why in self.empty.items() if name in definition},
            "title": f"{self.title} ({function.__name__.replace('_', ' ')})",
        }
        tables = {value.base.record_type_.table for value in definition.values() if isinstance(value, Measure)}
        inherited["leave_out"] = {reason: what for reason, what in self.leave_out.items() if table_of(what) in tables}
        if definition.get("unit", self.unit) == self.unit and self.within != usual_range(self.unit, self.interval):
            inherited["within"] = self.within
        made = metric(**(inherited | definition))(function)
        made = replace(made, id=f"{self.id}.{function.__name__}")
        self.variants[function.__name__] = made
        return made

    def also(self, *words: str, of: str = "") -> None:
        """Add standard variants, each by its word, to a KPI that is one mean, median or quantile.

        "mean", "median" and "p90" use another aggregate; "business" measures a time in opening hours, "calendar_days"
        in calendar days. With `of`, they vary that variant, and their names have both: `from_lead_median`.

        >>> from crmkpi import Ticket, Table, metric
        >>> tickets = Table(Ticket)
        >>> @metric(unit="duration", wait=tickets.median(tickets.first_replied_at - tickets.created_at))
        ... def waiting_time() -> None:
        ...     \"\"\"How long customers wait.\"\"\"
        >>> waiting_time.also("mean", "business")
        >>> list(waiting_time.variants)
        ['mean', 'business']
        """
        varies = self.variant(of) if of else self
        for word in words:
            if len(varies.measures) != 1:
                raise DefinitionError(
                    f"{varies.id}.{word} varies a KPI of one measure; it has {len(varies.measures)}. Write it with "
                    "@add_variant(...)."
                )
            ((name, measure),) = varies.measures.items()

            ways: dict[str, Any] = {"at": varies.at, "leave_out": varies.leave_out, "empty": varies.empty}
            ways |= {"interval": None, name: varied(measure, word, varies.id)}

            def made() -> None: ...

            made.__name__, made.__module__ = f"{of}_{word}" if of else word, self.function.__module__
            made.__doc__ = usual_docstring(word, varies.title, inspect.getdoc(varies.function) or "")
            self._add(made, ways)

    def formula(self, **totals: Any) -> Any:
        """The value of the KPI for totals that you already have; `None` if it is undefined."""
        try:
            return self.evaluate(self._complete(totals))
        except UndefinedError:
            return None

    def sql(
        self,
        *,
        dialect: str,
        columns: Mapping[str, str] | Sequence[str],
        table: str | None = None,
        schema: str | None = None,
        types: Mapping[str, str] | None = None,
        values: Mapping[str, Mapping[Any, Any]] | None = None,
        **asked: Any,
    ) -> str:
        """The KPI as the text of one SQL statement for dbt, a view or a dashboard; nothing is sent.

        The `dialect` is postgresql, mariadb, clickhouse, sqlite or duckdb, or one that was never run: redshift,
        snowflake, databricks, trino, bigquery, mysql. `columns` are the columns of the table: their names, or a mapping
        of columns to fields; missing fields have no values. `types` are their declared types, if they differ from the
        type that a database usually has for such a field. `table`, `schema` and `values` are those of `database` and
        `table`; `by`, `period`, `every`, `calendar` and `parameters` those of `measure`.

        The statement returns a row for each group that has records: its segments, its period, and the totals that the
        formula takes. `from_totals` turns a row into a result, and `Tally.add_rows` all rows into a report. Durations
        are in seconds. Unreadable values are neither counted nor reported; `crmkpi.database` reports them.

        Raises:
            InputError: the KPI needs more than counts and sums of one table, such as a median.
            ColumnError: a named column does not exist.

        >>> from crmkpi import win_rate
        >>> text = win_rate.sql(dialect="postgresql", table="opps", columns=["id", "status", "owner"], by="owner")
        >>> print(text.splitlines()[-2])
        SELECT "s0" AS "owner", CAST("n w0_" AS BIGINT) AS "won", CAST("n w1_" AS BIGINT) AS "closed"
        """
        described = {"dialect": dialect, "columns": columns, "table": table, "schema": schema, "types": types}
        return _statement_text(self, values=values, **described, **asked)

    def evaluate(self, inputs: Mapping[str, Any]) -> Any:
        """The formula's value for complete inputs, in the KPI's unit; raises `UndefinedError` if there is none."""
        with localcontext(ARITHMETIC):
            return self.value_of(inputs)

    def value_of(self, inputs: Mapping[str, Any]) -> Any:
        """Like `evaluate`, for a caller that has already set the decimal context `ARITHMETIC`."""
        for name, value in inputs.items():
            if value is None:
                raise UndefinedError(why_missing(name, self.measures, self.empty))
        check_totals(self.id, self.interval, inputs)
        numbers = plain_numbers(inputs, self.asked)
        try:
            value = self.function(**numbers)
        except (ZeroDivisionError, DivisionUndefined, InvalidOperation):
            raise UndefinedError(why_zero(numbers, self.measures, self.interval, self.empty)) from None
        except OverflowError:
            raise UndefinedError("it is too large for a number") from None
        return in_unit(value, self.unit, self.id)

    def parameter_values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The value of each parameter: the given value, or the default; a parameter without either is an error."""
        return {name: parameter_value(self.id, name, parameter, given) for name, parameter in self.parameters.items()}

    def _complete(self, totals: Mapping[str, Any]) -> dict[str, Any]:
        asked = [*self.measures, *filter(None, (self.days, self.until))]
        known = [*asked, *self.parameters]
        if (unknown := next((name for name in totals if name not in known), None)) is not None:
            raise unknown_name(f"{self.id} has no input {unknown!r}.", unknown, known)
        missing = [name for name in asked if name not in totals]
        if missing:
            raise InputError(f"{self.id} needs {', '.join(known)}; missing: {', '.join(missing)}.")
        given = {name: totals[name] for name in asked}
        for name, value in given.items():
            if isinstance(value, str | bool) or not is_finite(value):
                raise InputError(f"{self.id}: {name} must be a finite number; got {value!r}.")
        for name, measure in self.measures.items():
            if measure.kind == "money":
                given[name] = as_money(given[name])
            elif measure.aggregate == "count" and isinstance(given[name], Decimal) and not given[name] % 1:
                given[name] = int(given[name])  # some databases count in decimals
        return {**given, **self.parameter_values(totals)}

    def __repr__(self) -> str:
        return f"<metric {self.id}: {self.meaning}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return (_of_catalogue, (self.id,))  # a metric of the catalogue is pickled by its name


def metric(
    *,
    unit: UnitName,
    better: Better = "neither",
    theme: str = "",
    at: Expression | None = None,
    also_known_as: tuple[str, ...] = (),
    leave_out: Mapping[str, Expression] | None = None,
    interval: IntervalRule | None = None,
    sources: tuple[str, ...] = (),
    title: str = "",
    default_because: str = "",
    parameters: tuple[Parameter, ...] = (),
    needs_as_of: bool = False,
    empty: Empty = "",
    within: Range | None = None,
    timing: Timing | None = None,
    ahead_of: tuple[str, ...] = (),
    guarded_by: tuple[str, ...] = (),
    **inputs: Measure | PeriodDays | LastDay,
) -> Decorator[UnitName]:
    """Decorate a formula as a KPI.

    `inputs` are the formula's measures by name (and `period_days`, the length of the period, or `last_day`, the last
    measured day), `parameters` the numbers that the caller gives. `at` is the timestamp that assigns a record to a
    period, for every measure without its own. `leave_out` maps a reason to the records that are left out and counted
    under it. `needs_as_of` says that there is no value without the day up to which the data is known.
    `within` is the lowest and the highest number that the value can be, None for no bound; it limits the interval too.
    `unit` is "count", "ratio" (a fraction, shown in percent), "multiple" (how many times over), "score", "number",
    "money" or "duration". `theme` is the group that lists the KPI in a catalogue, by default "custom"; a KPI of the
    library has the theme of its folder. `timing` is "leading" or "lagging". `ahead_of` names the KPIs that this one is
    meant to precede, which makes it leading (a KPI of the library without `ahead_of` is lagging), and `guarded_by` the
    quality KPIs to read along with it. `empty` says in business words why there is no value, or 0, such as "no deal was
    closed"; if several inputs may be empty, it maps each to its reason. A KPI that is its one measure has a formula
    without parameters, which only holds the docstring. A formula without a value raises `UndefinedError` with the
    reason; dividing by zero does so by itself.

    >>> from crmkpi import Deal, Share, Table, metric
    >>> deals = Table(Deal)
    >>> @metric(unit="ratio", better="lower", lost=deals.count(deals.status == "lost"), all_deals=deals.count(),
    ...         interval=Share("lost", "all_deals"))
    ... def lost_share(lost, all_deals):
    ...     \"\"\"Share of all deals that are lost.\"\"\"
    ...     return lost / all_deals
    >>> lost_share([Deal(id="1", status="lost"), Deal(id="2", status="open")]).value
    0.5
    >>> lost_share([]).reason
    'there are no deals'
    """
    as_given: dict[str, Any] = {
        "unit": unit,
        "better": better,
        "at": at,
        "also_known_as": tuple(also_known_as),
        "interval": interval,
        "sources": tuple(sources),
        "default_because": default_because,
        "needs_as_of": needs_as_of,
        "timing": timing or ("leading" if ahead_of else None),
        "ahead_of": tuple(ahead_of),
        "guarded_by": tuple(guarded_by),
    }
    return lambda function: _defined(
        function, inputs, parameters, leave_out, as_given, theme=theme, title=title, within=within, empty=empty
    )


def _defined(
    function: Callable[..., Any],
    inputs: Mapping[str, Measure | PeriodDays | LastDay],
    parameters: tuple[Parameter, ...],
    leave_out: Mapping[str, Expression] | None,
    as_given: dict[str, Any],
    *,
    theme: str,
    title: str,
    within: Range | None,
    empty: Empty,
) -> Metric:
    """Build the KPI from a formula and the arguments of `metric`, with the fields derived from them."""
    unit, at, interval = as_given["unit"], as_given["at"], as_given["interval"]
    check_words(function, unit, as_given["better"], as_given["timing"])
    name, named = function.__name__, {parameter.name: parameter for parameter in parameters}
    home = theme_of(function.__module__)
    measures, days, until = told_apart(name, inputs)
    names = [*measures, *filter(None, [days, until])]
    if len(names) == 1 and not named and not inspect.signature(function).parameters:
        function = itself(function, names[0])
    check_definition(name, function, names, measures, named, at, interval=interval, leave_out=leave_out)
    if home != "custom":
        as_given = as_given | {"timing": as_given["timing"] or "lagging"}
    made = Metric(
        **as_given,
        id=name,
        function=function,
        measures=ReadOnly(dict(measures)),
        parameters=ReadOnly(named),
        days=days,
        monthly=days is not None and isinstance(inputs[days], MonthDays),
        until=until,
        theme=theme or home,
        leave_out=ReadOnly({reason: as_predicate(what) for reason, what in (leave_out or {}).items()}),
        title=title or title_of(name),
        variants={},
        tables=tuple(dict.fromkeys(measure.base.record_type_.table for measure in measures.values())),
        asked=frozenset(inspect.signature(function).parameters),
        empty=empty if isinstance(empty, str) else ReadOnly(dict(empty)),
        within=usual_range(unit, interval) if within is None else within,
    )
    check_tables(made)
    check_range(name, made.within)
    return made


def _of_catalogue(name: str) -> Metric:
    return _find_metric(name)
