"""A KPI as the text of one SQL statement that is never sent, for a view, dbt or a dashboard.

The engine runs as usual on a table that is only described: it assumes the facts that a database would report about the
columns, and each number of the answer is a placeholder for a column of the statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from crmkpi.dates.calendars import DEFAULT_CALENDAR, Calendar, CalendarUnit
from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.definition.expressions import Field, walk
from crmkpi.definition.measures import Grouped
from crmkpi.definition.metric import Metric
from crmkpi.engines.frames.backends import BACKENDS, Backend
from crmkpi.engines.frames.homes.database import DatabaseFrame, DatabaseHome, DatabaseTable, TableOrQuery
from crmkpi.engines.frames.homes.sessions import Session, Source
from crmkpi.engines.frames.homes.sql import Sql
from crmkpi.engines.frames.table import FrameTable
from crmkpi.engines.query import Sample
from crmkpi.errors import ColumnError, InputError, did_you_mean, unknown_name
from crmkpi.measuring.asking import read
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.locations import Location
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.reading import Reader
from crmkpi.measuring.segments import By, Segment, segments_of
from crmkpi.records.base import RecordType

__all__ = ["statement_text"]

_FIRST = 1_000_001  # the placeholder of the first column
_ROWS = 10**6  # the assumed size of a table; where sums are wide enough, larger amounts are assumed instead
_AMOUNTS = {True: 10**15, False: 10**10}  # the largest amount, by whether whole numbers may be wide
_YEARS = {"low": -62_135_596_800_000_000, "high": 253_402_300_799_999_999}  # microseconds of the years 1 to 9999
_COUNT_OR_SUM = re.compile(r"n\b|[uv]\d")  # the names of the columns of slots in an answer
_UNSENT = {
    "duckdb": BACKENDS["postgresql"]._replace(name="duckdb", place="duckdb_text:DuckDbTextHome", boundless=False)
}
_UNTESTED = "-- This dialect is written from its documentation and was never run: compare a figure first.\n"
_LABELS = ("text", "choice", "flag", "integer")  # kinds of segments that a statement can show as they are


def statement_text(
    metric: Metric,
    *,
    dialect: str,
    columns: Mapping[str, str] | Sequence[str],
    table: str | None = None,
    schema: str | None = None,
    types: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    by: By = None,
    period: PeriodLike | None = None,
    every: CalendarUnit | None = None,
    parameters: Mapping[str, Any] | None = None,
    calendar: Calendar = DEFAULT_CALENDAR,
) -> str:
    """The statement for a metric; see `Metric.sql`."""
    backend = _backend(dialect)
    home: object = backend.home
    assert isinstance(home, DatabaseHome)
    _check(metric)
    type_ = next(iter(metric.measures.values())).base.record_type_
    source = _Unsent(None, dialect, home)
    described = _described(type_, source, TableOrQuery(table or type_.table, schema), columns, types or {})
    fields = dict(columns) if isinstance(columns, Mapping) else {name: name for name in columns}
    frame = FrameTable(described, type_=type_, backend=backend, columns=_with_id(fields), values=values)
    segments = segments_of(by)
    _check_segments(segments, type_, frame)
    tables: dict[str, Any] = {type_.table: frame}
    crm = Dataset(calendar=calendar, **tables)
    periods = crm.periods(period, every)
    _check_columns(metric, frame, dated=any(periods))
    try:
        reader, plan = read(crm, (metric,), periods, segments, parameters or {}, confidence=None)
    except InputError as error:
        if (column := _float_of(metric, frame, described)) is None:
            raise
        raise InputError(
            f"{metric.id} sums the column {column!r}, which may be a float of any precision; declare its type, as in "
            f"types={{{column!r}: 'numeric(18,2)'}}, or measure it with crmkpi.database()."
        ) from error
    return _written(metric, source, reader, plan, frame, segments=segments, periods=periods)


def _backend(dialect: str) -> Backend:
    known = {name: each for name, each in BACKENDS.items() if isinstance(each.home, DatabaseHome)} | _UNSENT
    if dialect not in known:
        raise unknown_name(f"No statements are written in the dialect {dialect!r}.", dialect, known)
    return known[dialect]._replace(counts_all=False)  # a view has no account of rows outside its periods


def _check(metric: Metric) -> None:
    if len(metric.tables) != 1:
        raise InputError(
            f"{metric.id} reads the tables {', '.join(metric.tables)}, and a statement is over one; measure it with "
            "crmkpi.database()."
        )
    for name, measure in metric.measures.items():
        known = (measure.aggregate, measure.kind) == ("mean", "duration") or measure.aggregate in ("count", "sum")
        if not known or measure.shift != "none" or isinstance(measure.table, Grouped):
            raise InputError(
                f"{metric.id} needs {name!r} ({measure!r}), and one statement gives counts, sums and mean durations of "
                "records in each period only; measure it with crmkpi.database()."
            )


def _check_columns(metric: Metric, frame: FrameTable, *, dated: bool) -> None:
    """Refuse to count or sum a missing column: a figure of nothing would look like a real one."""
    for name, measure in metric.measures.items():
        at = measure.at if measure.at is not None else metric.at
        parts = [measure.value, measure.where, at if dated else None]
        fields = [part for root in parts if root is not None for part in walk(root) if isinstance(part, Field)]
        for each in fields:
            if each.path[0] not in (*frame.type_.fields, "attributes"):
                raise InputError(
                    f"{metric.id} needs {name!r} of {each.path[0]!r}, which is no column of {frame.type_.table}; "
                    "measure it with crmkpi.database()."
                )
            if each.path[0] not in frame.columns and each.path[0] != "attributes":
                raise ColumnError(
                    f"{metric.id} reads {each.path[0]!r} for {name!r}, which columns= lacks. "
                    f"{did_you_mean(each.path[0], frame.columns)}"
                )


def _float_of(metric: Metric, frame: FrameTable, table: DatabaseTable) -> str | None:
    """The first column of floats that a metric sums."""
    floats = table.source.home.declared["number"]
    parts = (part for measure in metric.measures.values() if measure.value is not None for part in walk(measure.value))
    found = (frame.columns.get(part.path[0]) for part in parts if isinstance(part, Field))
    return next((column for column in found if column is not None and table.columns[column] == floats), None)


def _described(
    type_: RecordType, source: _Unsent, target: TableOrQuery, columns: Any, types: Mapping[str, str]
) -> _UnsentTable:
    if isinstance(columns, str) or not isinstance(columns, Mapping | Sequence) or not columns:
        raise ColumnError(
            "sql() needs columns=, since it sees no table: the names of its columns, such as ['id', 'status'], or the "
            f"field of each column, such as {{'stage': 'status'}}; got {columns!r}."
        )
    fields = columns if isinstance(columns, Mapping) else {name: name for name in columns}
    made: dict[str, str] = {}
    for column, name in fields.items():
        kind = type_.field(name).kind if name in type_.fields else "text"
        made[column] = types.get(column, source.home.declared[kind])
    if wrong := next((name for name in types if name not in made), None):
        raise ColumnError(f"types= names the column {wrong!r}, which columns= lacks. {did_you_mean(wrong, made)}")
    return _UnsentTable(source, target, {"id": source.home.declared["text"], **made})


def _with_id(fields: Mapping[str, str]) -> Mapping[str, str]:
    return fields if "id" in fields.values() else {"id": "id", **fields}


def _check_segments(segments: Sequence[Segment], type_: RecordType, frame: FrameTable) -> None:
    for segment in segments:
        path = segment.source if isinstance(segment.source, str) else None
        field_ = segment.source if isinstance(segment.source, Field) else None
        name = path or (field_.path[0] if field_ is not None and len(field_.path) == 1 else None)
        kind = type_.fields[name].kind if name is not None and name in type_.fields else None
        if name is None or segment.bins or kind not in _LABELS:
            raise InputError(
                f"A statement groups by fields of {type_.table} that are text, flags or whole numbers; got "
                f"{segment.name!r}. Measure it with crmkpi.database()."
            )
        if name not in frame.columns:
            raise ColumnError(f"by= names {name!r}, which columns= lacks. {did_you_mean(name, frame.columns)}")


class _Described(Session):
    """A stub of a database session: it answers with assumptions about the columns, and keeps each statement."""

    def __init__(self, source: Source) -> None:
        super().__init__(source, _never)
        self.asked: list[tuple[DatabaseFrame, str]] = []  # the column behind each placeholder of an answer

    def answered(self, frame: DatabaseFrame, text: str) -> list[tuple[Any, ...]]:  # noqa: ARG002  # nothing is sent
        """One row: placeholders of its columns, or the assumed facts about the columns of the table."""
        if not frame.columns:
            return []
        if "rows" in frame.columns:
            most = _AMOUNTS[bool(self.source.home.words.Int128)]
            return [tuple(_assumed(name, most) for name in frame.columns)]
        return [tuple(self._number(frame, name) for name in frame.columns)]

    def _number(self, frame: DatabaseFrame, name: str) -> int | None:
        if name == "part":
            return 1
        if not _COUNT_OR_SUM.match(name):
            return None  # a segment, the currency, and counts of rows that break an assumption
        self.asked.append((frame, name))
        return _FIRST + len(self.asked) - 1


def _never(text: str) -> Any:
    raise AssertionError(text)


def _assumed(name: str, most: int) -> int:
    what, _, column = name.partition(" ")
    if what in _YEARS:
        if column.endswith(("_at", "since", "until")):
            return _YEARS[what]
        return most if what == "high" else -most
    return {"rows": _ROWS, "count": _ROWS - 1, "raw": _ROWS - 1}.get(what, 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Unsent(Source):
    """A database without a connection."""

    sessions: list[_Described] = field(default_factory=list)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """The stub of the session."""
        self.sessions.append(_Described(self))
        yield self.sessions[-1]

    def all_rows(self, text: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """No statement is ever sent, so no rows are ever read."""
        raise AssertionError(text)

    def is_drivers(self, error: Exception) -> bool:  # noqa: ARG002  # there is no driver
        """Whether an error comes from the driver."""
        return False


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _UnsentTable(DatabaseTable):
    """A table that is only described."""

    @property
    def backend_name(self) -> str:
        """The row of `BACKENDS` that writes its statements."""
        return self.source.dialect

    def within(self, session: Session) -> Self:
        """The same table within a session."""
        session.seen[self.target] = None
        return replace(self, session=session)


def _written(
    metric: Metric,
    source: _Unsent,
    reader: Reader,
    plan: Plan,
    table: FrameTable,
    *,
    segments: Sequence[Segment],
    periods: Sequence[Period | None],
) -> str:
    (session,) = source.sessions[-1:]
    (metric_plan,) = plan.metrics
    words = source.home.dialect
    columns = {name: next(iter(planned.columns.values())) for name, planned in metric_plan.measures.items()}
    stock = any(column.stock for column in columns.values())
    if not all(column.stock == stock for column in columns.values()):
        raise InputError(
            f"{metric.id} combines records at a moment with events of a period; measure it with crmkpi.database()."
        )
    labels = _labels(periods, reader, metric, stock=stock) if tuple(periods) != (None,) else {}
    found = [
        {
            name: _column_of(metric, name, column, session, reader, source.home, moment)
            for name, column in columns.items()
        }
        for moment in (labels or (0,) if stock else (0,))
    ]
    frames = list({id(frame): frame for each in found for frame, _ in each.values()}.values())
    if len(frames) != 1:
        raise InputError(f"{metric.id} takes {len(frames)} statements; measure it with crmkpi.database().")
    (frame,) = frames
    shown = [words.col(f"s{number}").alias(segment.name) for number, segment in enumerate(segments)]
    if "currency" in table.columns:
        shown += [words.col(name).alias("currency") for name in frame.columns if name == "c0"]
    totals = [[part.alias(name) for name, (_, part) in each.items()] for each in found]
    if labels and stock:  # one SELECT per moment, since the totals of each are columns of their own
        periods_shown = (words(words.written(label), "period") for label in labels.values())
        rows = (frame.listed([*shown, label, *each]) for label, each in zip(periods_shown, totals, strict=True))
        answer = frame.written("\nUNION ALL\n".join(f"SELECT {row} FROM {frame.source}" for row in rows))  # noqa: S608  # names are quoted
    else:
        counted = frame.written(f"SELECT * FROM {frame.source}", frame.columns)  # noqa: S608  # a name of our own
        if labels:
            listed = " ".join(f"WHEN {part + 1} THEN {words.written(label)}" for part, label in labels.items())
            shown.append(words(f"CASE {words.col('part').text} {listed} END", "period"))
            counted = counted.filter(words.col("part").is_in([part + 1 for part in labels]))
        answer = counted.select(*shown, *totals[0])
    return (
        f"-- {metric.id}, for {source.dialect}: a row for each group, with the totals that its formula takes.\n"
        f"-- {metric.id}.from_totals({', '.join(f'{name}=...' for name in columns)}) makes a result of a row.\n"
        f"{'' if BACKENDS[source.dialect].tested else _UNTESTED}"
        f"{source.home.sent(answer.statement, None)}\n"
    )


def _labels(periods: Sequence[Period | None], reader: Reader, metric: Metric, *, stock: bool) -> dict[int, str]:
    """The label of each period, by its part of the timeline, or of stocks by the moment at its end."""
    made: dict[int, str] = {}
    for each in periods:
        parts = reader.timeline.parts(each, stock=stock)
        if each is None or len(parts) != 1 or parts[0] is None or parts[0] < 0:
            raise InputError(
                f"A statement of {metric.id} takes periods that do not overlap; got {each}. Write one for each of them."
            )
        made[parts[0]] = str(each)
    return made


def _column_of(
    metric: Metric,
    name: str,
    column: Location,
    session: _Described,
    reader: Reader,
    home: DatabaseHome[Any],
    moment: int,
) -> tuple[DatabaseFrame, Sql]:
    """The frame with a measure (of a stock, that of one moment), and the measure in its own unit."""
    states = [
        state
        for (_, part), group in reader.answers[column.table].groups[column.anchor].items()
        if part in (None, moment) and (state := group[column.number])
    ]
    if len(states) != 1:
        raise InputError(
            f"{metric.id} needs {name!r}, for which no record can count: columns= lacks a column that it reads."
        )
    state = states[0]
    number, digits = (state, 0) if isinstance(state, int) else _total_of(state)
    if not 0 <= number - _FIRST < len(session.asked):
        raise InputError(
            f"{metric.id} needs {name!r}, a sum that one column of {session.source.dialect} cannot hold; measure it "
            "with crmkpi.database()."
        )
    frame, found = session.asked[number - _FIRST]
    words = home.dialect
    made = words.col(found)
    if isinstance(state, int):
        return frame, made.cast(home.words.Int64)
    if column.measure.kind == "duration":
        seconds = made / words.lit(1_000_000.0)
        if column.measure.aggregate == "sum":
            return frame, seconds
        (sample,) = state.values()
        _, rows = session.asked[sample.count - _FIRST]
        return frame, words(f"({seconds.text} / nullif({words.col(rows).text}, 0))")
    return frame, words(home.scaled(made.text, digits))


def _total_of(state: Mapping[str | None, Sample]) -> tuple[int, int]:
    """The placeholder of a sum, and the number of decimal places of the sum."""
    (sample,) = state.values()
    total = sample.total
    digits = -int(total.as_tuple().exponent) if isinstance(total, Decimal) else 0
    return int(Decimal(total).scaleb(digits)), digits
