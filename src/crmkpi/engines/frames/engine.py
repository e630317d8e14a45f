"""The frames engine: runs a query in the library or database that holds the frame.

An anchor takes three steps: project plain columns (flags and integers), group by once with elementary aggregates, and
collect the few result rows. A backend computes no ratio and rounds nothing; the engine turns its rows into the states
that the records engine returns, so all later code is shared. Only plain columns are aggregated: an expression inside
an aggregate silently returns wrong numbers on some backends.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import NamedTuple, TypeVar

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.expressions import BusinessTime, Expression, Field, walk
from crmkpi.engines.frames.assumptions import WrongAssumptionError, none_later
from crmkpi.engines.frames.compiler import Compiler
from crmkpi.engines.frames.constants import Given
from crmkpi.engines.frames.group_keys import (
    OUTSIDE,
    Key,
    all_rows,
    beyond_part,
    day_key,
    segment_key,
    step_key,
    undated_key,
)
from crmkpi.engines.frames.local_time import micros
from crmkpi.engines.frames.passes import Pass, given
from crmkpi.engines.frames.profile import Path
from crmkpi.engines.frames.related import prepared_for, with_open_times
from crmkpi.engines.frames.states import Convert
from crmkpi.engines.frames.stocks import at_bounds
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.frames.unreadable import groups_with_unreadable, is_unreadable, segments_with_unreadable
from crmkpi.engines.frames.words import Cell
from crmkpi.engines.query import (
    NO_DATE,
    Anchor,
    Answer,
    Group,
    Moments,
    Query,
    State,
    UnreadableFoundError,
    padded,
    with_care,
    without_unreadable,
)
from crmkpi.errors import InputError
from crmkpi.money import Rates

__all__ = ["answer"]

Found = TypeVar("Found")
_KEPT = 200  # cached answers per table
_STOCKS = 16  # periods of a stock per pass


class _Options(NamedTuple):
    """The options that `answer` passes on to each pass."""

    moments: Moments
    rates: Rates | None
    currency: str | None
    confidence: float | None
    merging: bool

    def converter(self, day_of: Callable[[int | None], date | None]) -> Convert | None:
        """The function that converts an amount at the rate of its group's day; None without rates."""
        if (rates := self.rates) is None:
            return None

        def convert(amount: Decimal, currency: str | None, number: int | None) -> Decimal:
            return rates.convert(amount, currency if currency is not None else self.currency, day_of(number))

        return convert


def answer(
    query: Query,
    table: FrameTable,
    *,
    moments: Moments,
    tables: Mapping[str, object],
    calendar: Calendar,
    rates: Rates | None,
    currency: str | None,
    parameters: Mapping[str, Given],
    confidence: float | None,
    merging: bool,
) -> Answer:
    """The answer to `query` over a frame.

    `tables` are the dataset's, for related fields. `rates` convert amounts without a currency from `currency`. With the
    `confidence` of the intervals around quantiles, only the values at the ranks that they need are fetched. `merging`
    says that the caller merges the states: distinct values are then returned, not only their number.

    Raises:
        UnreadableFoundError: the query reads a field that is unexpectedly unreadable in some row.
    """
    options = _Options(moments, rates, currency, confidence, merging)
    dated = rates is not None and bool(rates.days)
    as_of = (moments.as_of_wall, moments.as_of)
    while True:
        prepared = prepared_for(query, table, tables, calendar, dated=dated)
        if prepared.assumed is not None and None not in table.unlike:
            prepared = none_later(prepared, query, as_of)
        compiler = Compiler(prepared, parameters, calendar, as_of)
        try:
            return _answered(query, table, compiler, options)
        except WrongAssumptionError as error:
            table.unlike.add(None if error.later else prepared.assumed)
        except InputError as error:
            # A wrong assumption, such as about the size of amounts, may have caused the error; unless the driver did.
            if prepared.assumed is None or error.__suppress_context__:
                raise
            table.unlike.add(prepared.assumed)


def _answered(query: Query, table: FrameTable, compiler: Compiler, options: _Options) -> Answer:
    """The answer over one prepared frame; raises `WrongAssumptionError` if a column breaks an assumption."""
    prepared, calendar = compiler.prepared, compiler.calendar
    marked = {".".join(path) for path in query.fields if path in prepared.marks}
    if not marked <= query.unreadable:
        raise UnreadableFoundError
    whole = query
    query = with_care(whole) if marked else without_unreadable(whole)
    spans = {repr(part): part for root in query.expressions for part in walk(root) if isinstance(part, BusinessTime)}
    added: set[Path] = set()
    for span in spans.values():
        prepared = with_open_times(prepared, span, calendar, added)
    compiler = replace(compiler, prepared=prepared)
    groups: list[dict[Group, list[State]]] = []
    given: Mapping[tuple[Hashable, ...], int] | None = None
    moments, merging = options.moments, options.merging
    basis = (compiler.parameters, moments.as_of, calendar, options.rates, options.currency, options.confidence, merging)
    for number, anchor in enumerate(query.anchors):
        found: dict[Group, list[State]] = {}
        everything = table.backend.counts_all and given is None
        for run in _runs(query, anchor, compiler, options, everything=everything):
            answered = partial(run.answered, merging=merging, first=given is None)
            if run.undated:
                what = f"undated {number} {query.text} {moments.dated} {basis!r}"
                states, counted = _once(table, compiler, query, what, answered)
            else:
                states, counted = answered()
            found |= states
            given = counted if given is None else given
        groups.append(found)
    if given is None and prepared.assumed is not None:
        raise WrongAssumptionError(later=False)  # no statement read all rows, so none validated the assumptions
    given = _given(query, table, compiler) if given is None else segments_with_unreadable(query, given, prepared.marks)
    groups = groups_with_unreadable(query, groups, prepared.marks) if marked else padded(whole, groups)
    return Answer(given, groups, prepared.rejected)


def _segments(query: Query, compiler: Compiler) -> list[Key]:
    """The keys of the segments: first their values, then a flag for each field that has unreadable values."""
    found = [segment_key(number, key, compiler) for number, key in enumerate(query.segments)]
    marks = compiler.prepared.marks
    flags = (
        Key(f"u{number}", is_unreadable(compiler.nw, marks[key.source.path]), bool)
        for number, key in enumerate(query.segments)
        if isinstance(key.source, Field) and key.source.path in marks
    )
    return [*found, *flags]


def _given(query: Query, table: FrameTable, compiler: Compiler) -> dict[tuple[Hashable, ...], int]:
    """The number of rows per segment."""
    if not query.segments:
        return {(): compiler.prepared.rows}
    find = partial(given, compiler, _segments(query, compiler))
    found = _once(table, compiler, query, f"given {[key.text for key in query.segments]}", find)
    return segments_with_unreadable(query, found, compiler.prepared.marks)


def _once(table: FrameTable, compiler: Compiler, query: Query, what: str, find: Callable[[], Found]) -> Found:
    """Run a query that does not depend on the period, and cache its answer with the table until its columns change."""
    columns = compiler.prepared.columns
    known: tuple[object, Query, Found] | None = table.kept.get(what)
    if known is None or known[0] is not columns:
        if len(table.kept) > _KEPT:  # segments created on the fly would fill the cache without end
            table.kept.clear()
        # Caching the query keeps its label functions alive, so that no other function gets their ids.
        known = table.kept[what] = (columns, query, find())
    return known[2]


def _runs(query: Query, anchor: Anchor, compiler: Compiler, options: _Options, *, everything: bool) -> list[Pass]:
    """The passes over the frame that an anchor needs; with `everything` the first groups all rows."""
    segments = _segments(query, compiler)
    moments, rates, confidence = options.moments, options.rates, options.confidence
    if anchor.stock:
        made = []
        looked_at = moments.looked_at
        for first in range(0, len(looked_at), _STOCKS):
            bounds = looked_at[first : first + _STOCKS]
            convert = options.converter(partial(_day_at, bounds))
            repeated, numbers = at_bounds(anchor, len(bounds)), range(first, first + len(bounds))
            placed = replace(compiler, bounds=bounds)
            counts = everything and not first
            made.append(Pass(placed, segments, [], repeated, convert, confidence, numbers, everything=counts))
        return made
    if anchor.at is None:
        convert = options.converter(lambda _: None)
        return [Pass(compiler, segments, [], anchor, convert, confidence, everything=everything)]
    stamp = compiler.value(anchor.at)
    edges = moments.edges if stamp.aware else moments.wall_edges
    steps = step_key("part", compiler, stamp, [micros(edge) for edge in edges])

    def part(cell: Cell) -> int:
        step = steps.decode(cell)
        inside = step is not None and 0 < step <= len(moments.wanted) and moments.wanted[step - 1]
        return step - 1 if inside else OUTSIDE

    keys = [steps._replace(decode=part)]
    dates = sorted(rates.days) if rates is not None else []
    if dates:
        keys.append(day_key("rate", compiler, anchor.at, dates))

    def day_of(number: int | None) -> date | None:
        return None if number is None else dates[max(number - 1, 0)] if number else dates[0].replace(year=1)

    convert = options.converter(day_of if dates else lambda _: None)
    counts_alone = moments.dated and not options.merging and rates is None  # an amount without a rate is an error
    if everything or (compiler.prepared.backend.counts_all and stamp.needs):
        placed, keys = _by_part(compiler, anchor.at), all_rows(keys, stamp, compiler)
        whole = Pass(placed, segments, keys, anchor, convert, confidence, everything=True, counts_alone=counts_alone)
        return [whole]
    dated = Pass(_with_dates(compiler, anchor.at), segments, keys, anchor, convert, confidence)
    if not stamp.needs:
        return [dated]
    key = undated_key(stamp, compiler)
    without = Pass(compiler, segments, [key], anchor, convert, confidence, (NO_DATE,), counts_alone=counts_alone)
    return [dated, without]


def _day_at(bounds: Sequence[tuple[datetime, datetime, datetime, datetime]], number: int | None) -> date:
    """The last day of a period of a stock: amounts are converted at the rates of this day."""
    return bounds[number or 0][2].date()


def _with_dates(compiler: Compiler, at: Expression) -> Compiler:
    """The compiler for rows that have the timestamp, so that conditions need no NULL check of it."""
    if not isinstance(at, Field):
        return compiler
    columns = {**compiler.prepared.columns, at.path: compiler.column(at)._replace(nulls=False)}
    return replace(compiler, prepared=compiler.prepared._replace(columns=columns))


def _by_part(compiler: Compiler, at: Expression) -> Compiler:
    """The compiler for all rows: the column of the part says whether a row has the timestamp."""
    if not isinstance(at, Field):
        return compiler
    return replace(compiler, given={compiler.column(at).name: beyond_part(compiler.nw, NO_DATE)})
