"""The frames engine: answers a query on a frame where it lies.

Three steps for each anchor: project plain columns (flags and whole numbers), group once with elementary aggregations,
and collect the few rows. No ratio and no rounding happens in a backend; the rows become the same states that the
records engine gives, so everything after it is the same code. An expression inside an aggregation gives silently wrong
numbers on some backends, so there is none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from crmkpi.definition.expressions import (
    BusinessTime,
    Day,
    Expression,
    Field,
    Operation,
    walk,
)
from crmkpi.definition.planned_expressions import Happened
from crmkpi.engines.frames.assumptions import WrongAssumptionError, none_later
from crmkpi.engines.frames.compiler import Compiler, Given
from crmkpi.engines.frames.faults import inside
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
from crmkpi.engines.frames.local_time import micros, with_open_time
from crmkpi.engines.frames.passes import Pass, given
from crmkpi.engines.frames.profile import Path, Prepared
from crmkpi.engines.frames.states import Convert
from crmkpi.engines.frames.stocks import at_bounds
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.frames.unreadable import is_unreadable, joined_marks, segments_told, words_told
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
from crmkpi.errors import DefinitionError, InputError, MissingTableError
from crmkpi.money import Rates
from crmkpi.time.calendars import Calendar

__all__ = ["answer"]

Found = TypeVar("Found")
_KEPT = 200  # answers of one table
_STOCKS = 16  # periods of a stock in one pass


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
    statements: list[tuple[str, str]] | None = None,
) -> Answer:
    """The answer to `query` over a frame.

    `tables` are those of the dataset, for related fields. `currency` is that of amounts which carry none, where `rates`
    convert them. `confidence` is that of intervals around quantiles, of whose values only the few that matter are
    fetched; but `merging` says that states will be merged, so that different values are kept and not only counted.
    `statements` receives the plan that was run, where the backend has one.

    Raises:
        UnreadableFoundError: a field that the query reads cannot be read in some row, which the query does not expect.
    """
    dated = rates is not None and bool(rates.days)
    as_of = (moments.as_of_wall, moments.as_of)
    while True:
        prepared = _prepared(query, table, tables, calendar, dated=dated)
        if prepared.assumed is not None and not table.has_later:
            prepared = none_later(prepared, query, as_of)
        compiler = Compiler(prepared, parameters, calendar, as_of)
        try:
            return _answered(
                query,
                table,
                compiler,
                moments=moments,
                rates=rates,
                currency=currency,
                confidence=confidence,
                merging=merging,
                statements=statements,
            )
        except WrongAssumptionError as error:
            table.is_unlike(None if error.later else prepared.assumed)
        except InputError as error:
            # It may rest on what was only assumed, such as how large amounts are; but not what a driver says.
            if prepared.assumed is None or error.__suppress_context__:
                raise
            table.is_unlike(prepared.assumed)


def _answered(
    query: Query,
    table: FrameTable,
    compiler: Compiler,
    *,
    moments: Moments,
    rates: Rates | None,
    currency: str | None,
    confidence: float | None,
    merging: bool,
    statements: list[tuple[str, str]] | None,
) -> Answer:
    """The answer over one prepared frame, which may turn out not to be as assumed."""
    prepared, calendar = compiler.prepared, compiler.calendar
    marked = {".".join(path) for path in query.fields if path in prepared.marks}
    if not marked <= query.unreadable:
        raise UnreadableFoundError
    whole = query
    query = with_care(whole) if marked else without_unreadable(whole)
    spans = {repr(part): part for root in query.expressions for part in walk(root) if isinstance(part, BusinessTime)}
    added: set[Path] = set()
    for span in spans.values():
        prepared = _with_open_times(prepared, span, calendar, added)
    compiler = replace(compiler, prepared=prepared)
    groups: list[dict[Group, list[State]]] = []
    given: Mapping[tuple[Hashable, ...], int] | None = None
    asked = (compiler.parameters, moments.as_of, calendar, rates, currency, confidence, merging)
    for number, anchor in enumerate(query.anchors):
        found: dict[Group, list[State]] = {}
        everything = table.backend.counts_all and given is None
        runs = _runs(
            query, anchor, compiler, moments, rates, currency, confidence, merging=merging, everything=everything
        )
        for run in runs:
            answered = partial(run.states, merging=merging, statements=statements)
            if run.undated:
                found |= _once(
                    table, compiler, query, f"undated {number} {query.text} {moments.dated} {asked!r}", answered
                )
            else:
                found |= answered()
            given = run.given if given is None else given
        groups.append(found)
    if given is None and prepared.assumed is not None:
        raise WrongAssumptionError(later=False)  # no statement had all rows
    given = _given(query, table, compiler) if given is None else segments_told(query, given, prepared.marks)
    groups = words_told(query, groups, prepared.marks) if marked else padded(whole, groups)
    return Answer(given, groups, prepared.rejected)


def _segments(query: Query, compiler: Compiler) -> list[Key]:
    """What segments the rows: the values of the fields, and behind these the flags of those that may be unreadable."""
    found = [segment_key(number, key, compiler) for number, key in enumerate(query.segments)]
    marks = compiler.prepared.marks
    flags = (
        Key(f"u{number}", is_unreadable(compiler.nw, marks[key.source.path]), bool)
        for number, key in enumerate(query.segments)
        if isinstance(key.source, Field) and key.source.path in marks
    )
    return [*found, *flags]


def _given(query: Query, table: FrameTable, compiler: Compiler) -> dict[tuple[Hashable, ...], int]:
    """How many rows each segment has."""
    if not query.segments:
        return {(): compiler.prepared.rows}
    find = partial(given, compiler, _segments(query, compiler))
    found = _once(table, compiler, query, f"given {[key.text for key in query.segments]}", find)
    return segments_told(query, found, compiler.prepared.marks)


def _once(table: FrameTable, compiler: Compiler, query: Query, what: str, find: Callable[[], Found]) -> Found:
    """Run a query that does not depend on the period once per set of columns, and cache its answer with the table."""
    columns = compiler.prepared.columns
    known: tuple[object, Query, Found] | None = table.kept.get(what)
    if known is None or known[0] is not columns:
        if len(table.kept) > _KEPT:  # questions made on the fly must not be kept for ever
            table.kept.clear()
        # The query holds the labels of its segments, so their identities stay theirs.
        known = table.kept[what] = (columns, query, find())
    return known[2]


def _runs(
    query: Query,
    anchor: Anchor,
    compiler: Compiler,
    moments: Moments,
    rates: Rates | None,
    currency: str | None,
    confidence: float | None,
    *,
    merging: bool,
    everything: bool,
) -> list[Pass]:
    """The passes over the frame that an anchor needs, each over parts of its own; with `everything` one has it all."""
    segments = _segments(query, compiler)
    if anchor.stock:
        made = []
        looked_at = moments.looked_at
        for first in range(0, len(looked_at), _STOCKS):
            bounds = looked_at[first : first + _STOCKS]
            convert = _converter(rates, currency, partial(_day_at, bounds))
            asked, numbers = at_bounds(anchor, len(bounds)), range(first, first + len(bounds))
            placed = replace(compiler, bounds=bounds)
            counts = everything and not first
            made.append(Pass(placed, segments, [], asked, convert, confidence, numbers, everything=counts))
        return made
    if anchor.at is None:
        convert = _converter(rates, currency, lambda _: None)
        return [Pass(compiler, segments, [], anchor, convert, confidence, everything=everything)]
    stamp = compiler.value(anchor.at)
    edges = moments.edges if stamp.aware else moments.wall_edges
    steps = step_key("part", compiler, stamp, [micros(edge) for edge in edges])

    def part(cell: Cell) -> int:
        step = steps.decode(cell)
        inside = step is not None and 0 < step <= len(moments.wanted) and moments.wanted[step - 1]
        return step - 1 if inside else OUTSIDE

    keys = [replace(steps, decode=part)]
    dates = sorted(rates.days) if rates is not None else []
    if dates:
        keys.append(day_key("rate", compiler, anchor.at, dates))

    def day_of(number: int | None) -> date | None:
        return None if number is None else dates[max(number - 1, 0)] if number else dates[0].replace(year=1)

    convert = _converter(rates, currency, day_of if dates else lambda _: None)
    counts_alone = moments.dated and not merging and rates is None  # an amount without a rate is an error
    if everything or (compiler.prepared.backend.counts_all and stamp.needs):
        whole = Pass(
            _by_part(compiler, anchor.at),
            segments,
            all_rows(keys, stamp, compiler),
            anchor,
            convert,
            confidence,
            everything=True,
        )
        whole.counts_alone = counts_alone
        return [whole]
    dated = Pass(_with_dates(compiler, anchor.at), segments, keys, anchor, convert, confidence)
    if not stamp.needs:
        return [dated]
    undated = Pass(compiler, segments, [undated_key(stamp, compiler)], anchor, convert, confidence, (NO_DATE,))
    undated.counts_alone = counts_alone
    return [dated, undated]


def _day_at(bounds: Sequence[tuple[datetime, datetime, datetime, datetime]], number: int | None) -> date:
    """The last day of one of the periods of a stock, whose rates are those of that day."""
    return bounds[number or 0][2].date()


def _with_dates(compiler: Compiler, at: Expression) -> Compiler:
    """The compiler for rows that have the timestamp: conditions need not ask for it."""
    if not isinstance(at, Field):
        return compiler
    columns = {**compiler.prepared.columns, at.path: replace(compiler.column(at), nulls=False)}
    return replace(compiler, prepared=replace(compiler.prepared, columns=columns))


def _by_part(compiler: Compiler, at: Expression) -> Compiler:
    """The compiler for all rows: the part that a row is of says whether it has the timestamp."""
    if not isinstance(at, Field):
        return compiler
    return replace(compiler, given={compiler.column(at).name: beyond_part(compiler.nw, NO_DATE)})


def _converter(rates: Rates | None, default: str | None, day_of: Callable[[int | None], date | None]) -> Convert | None:
    """Turns an amount in a currency, of a day that a group stands for, into the currency of the rates."""
    if rates is None:
        return None

    def convert(amount: Decimal, currency: str | None, number: int | None) -> Decimal:
        return rates.convert(amount, currency if currency is not None else default, day_of(number))

    return convert


def _prepared(
    query: Query, table: FrameTable, tables: Mapping[str, object], calendar: Calendar, *, dated: bool
) -> Prepared:
    """The frame with all columns that the query reads, those of related records joined on their key."""
    function = next((key for key in query.segments if not isinstance(key.source, Expression)), None)
    if function is not None:
        raise InputError(
            f"The segment {function.name!r} is a Python function, which a {table.backend.name} frame cannot run on its "
            "rows; add a column to the frame and group by its name (by='attributes.name'), use Segment(..., bins=...), "
            "or give records."
        )
    fields = query.fields
    summed = {
        part.path
        for anchor in query.anchors
        for slot in anchor.slots
        for part in walk(slot.value)
        if isinstance(part, Field) and part.kind != "timestamp"
    }
    turned = {field.path for root in query.expressions for part in walk(root) for field in _turned(part)}
    if dated:
        turned |= {anchor.at.path for anchor in query.anchors if isinstance(anchor.at, Field)}
    if any(slot.what == "latest" for anchor in query.anchors for slot in anchor.slots):
        fields[("id",)] = Field(query.type_.table, ("id",), "text")
    clock = calendar.zone if turned and calendar.tz != "UTC" else None
    spans = any(isinstance(part, BusinessTime) for root in query.expressions for part in walk(root))
    # Clocks and business time are written out for the years that there are.
    assumes = table.backend.counts_all and clock is None and not spans
    return _joined(table, list(fields), summed | turned if clock else summed, tables, clock, assumes=assumes)


def _turned(part: Expression) -> list[Field]:
    """The timestamps whose twin is needed: spans need instants, days need wall-clock times."""
    match part:
        case BusinessTime(start, end) | Operation("-", start, end):
            ends = [start, end]
        case Day(item):
            ends = [item]
        case _:
            return []
    fields = (end.item if isinstance(end, Happened) else end for end in ends)
    return [end for end in fields if isinstance(end, Field) and end.kind == "timestamp"]


def _joined(
    table: FrameTable,
    paths: Sequence[Path],
    exact: Collection[Path],
    tables: Mapping[str, object],
    clock: ZoneInfo | None,
    *,
    assumes: bool = False,
) -> Prepared:
    own = [path for path in paths if path[0] not in table.type_.relations or len(path) == 1]
    related: dict[str, list[Path]] = {}
    for path in paths:
        if path not in own:
            related.setdefault(path[0], []).append(path[1:])
    keys = [table.type_.relations[name].key for name in related]
    names = [*(".".join(path) for path in own), *keys]
    added = frozenset(".".join(path) for path in own if path in exact)
    prepared = (table.assumed(names, added) if assumes else None) or table.prepared(names, added, clock)
    nw = table.backend.home.words
    for name, inner in related.items():
        relation = table.type_.relations[name]
        other = _related(table, relation.table, tables)
        deeper = {path[1:] for path in exact if path[0] == name}
        right = _joined(other, [("id",), *inner], deeper, tables, clock)
        if other.kept.get("unique") != right.rows:
            _check_unique(right, relation.table)
            other.kept["unique"] = right.rows
        renamed = {
            old: f"{inside(name)}__{old}"
            for old in (
                *(column.name for column in (*right.columns.values(), *right.exact.values())),
                *(part for ways in right.marks.values() for mark in ways for part in (mark.flag, mark.word)),
            )
        }
        frame = prepared.frame.join(
            right.frame.select(*(nw.col(old).alias(new) for old, new in renamed.items())),
            left_on=inside(relation.key),
            right_on=renamed[inside("id")],
            how="left",
        )
        flags = [renamed[mark.flag] for ways in right.marks.values() for mark in ways]
        if flags:  # a record that refers to none is not unreadable
            frame = frame.with_columns(*(nw.col(flag).fill_null(0).alias(flag) for flag in dict.fromkeys(flags)))
        columns, twins = (
            {
                (name, *path): replace(column, name=renamed[column.name], nulls=True, raw=None)
                for path, column in side.items()
            }
            for side in (right.columns, right.exact)
        )
        columns.pop((name, "id"), None)
        if ("id",) in inner:
            raise DefinitionError(f"{table.type_.table}.{name}.id is {table.type_.table}.{relation.key}; write that.")
        marks = joined_marks(prepared.marks.get((relation.key,), ()), right.marks, renamed, name, inner)
        prepared = replace(
            prepared,
            frame=frame,
            columns={**prepared.columns, **columns},
            exact={**prepared.exact, **twins},
            marks={**prepared.marks, **marks},
        )
    return prepared


def _related(table: FrameTable, name: str, tables: Mapping[str, object]) -> FrameTable:
    if name not in tables:
        raise MissingTableError(
            f"A related field needs the table {name!r}, which the dataset lacks; it has {', '.join(tables)}. "
            f"Add {name}=... to the Dataset."
        )
    other = tables[name]
    if not isinstance(other, FrameTable) or other.backend.home is not table.backend.home:
        got = f"a {other.backend.name} frame" if isinstance(other, FrameTable) else "records"
        raise InputError(
            f"Fields of {name} are joined to a {table.backend.name} frame, so {name} must be a "
            f"{table.backend.name} frame as well; got {got}. Convert one of the two."
        )
    return other


def _check_unique(prepared: Prepared, name: str) -> None:
    """A join must never multiply rows."""
    nw = prepared.backend.home.words
    key = nw.col(inside("id"))
    counted = prepared.frame.group_by(inside("id")).agg(nw.len().alias("n"))
    counted = counted.filter(nw.col("n") > nw.lit(1), ~key.is_null()).head(1)
    for found, _ in prepared.backend.home.leave(counted):
        raise InputError(
            f"Two records of {name} have the id {found!r}, so that a reference to it is ambiguous; remove one of them."
        )


def _with_open_times(prepared: Prepared, span: BusinessTime, calendar: Calendar, added: set[Path]) -> Prepared:
    for bound in (span.start, span.end):
        part = bound.item if isinstance(bound, Happened) else bound
        if not isinstance(part, Field):
            raise DefinitionError(f"On frames business time goes from one field to another; got {span!r}.")
        if part.path not in added:
            added.add(part.path)
            prepared = with_open_time(prepared, part.path, calendar)
    return prepared
