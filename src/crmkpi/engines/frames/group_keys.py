"""The keys of GROUP BY (segments, bins, periods, days of rates), and how to decode their plain values."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from crmkpi.currencies import code_of
from crmkpi.definition.expressions import Expression, Field
from crmkpi.engines.frames.compiled_values import Condition, Value
from crmkpi.engines.frames.compiler import Compiler
from crmkpi.engines.frames.local_time import from_micros, step_numbers
from crmkpi.engines.frames.time_buckets import cells_of
from crmkpi.engines.frames.words import Cell, Expr, Words, only_where
from crmkpi.engines.query import EXACT, NO_DATE, SegmentKey
from crmkpi.errors import InputError

__all__ = [
    "OUTSIDE",
    "UNDATED",
    "Key",
    "all_rows",
    "as_it_is",
    "beyond_part",
    "currency_of",
    "day_key",
    "decoder",
    "scaled",
    "segment_key",
    "step_key",
    "undated_key",
]

UNDATED = "undated"
OUTSIDE = -2  # the part of records outside all wanted periods
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of wall clocks


class Key(NamedTuple):
    """A key to group by: the name of its column, its expression, and the function that decodes its plain value."""

    name: str
    source: Expr
    decode: Callable[[Cell], Cell]
    within: Expr | None = None  # a filter on the rows
    single: bool = True  # different plain values decode to different values


def as_it_is(value: Cell) -> Cell:
    """The value itself, for keys that need no decoding."""
    return value


def currency_of(cell: Cell) -> Cell:
    """The code of a currency; a name or a sign raises an error, since two groups of one currency would not be merged.

    Raises:
        InputError: the value is not a code; the message has the mapping to pass.
    """
    if cell is None:
        return None
    code, problem = "EUR", ""
    try:
        if (code := code_of(str(cell))) == cell:
            return cell
        problem = f"which is {code}"
    except InputError as found:
        problem = str(found)
    raise InputError(
        f"A column of currencies holds {cell!r}, {problem}; map it with crmkpi.table(..., "
        f"values={{'currency': {{{cell!r}: {code!r}}}}})."
    )


def step_key(name: str, compiler: Compiler, stamp: Value, edges: Sequence[int]) -> Key:
    """The number of edges that a timestamp has reached; rows before the first or from the last on are filtered out."""
    nw, source = compiler.nw, stamp.source
    within = nw.lit(False)  # noqa: FBT003  # without two edges there is no period
    if len(edges) > 1:
        within = compiler.between(stamp, edges[0], edges[-1])
    backend = compiler.prepared.backend
    months = _months(edges) if backend.months and stamp.raw is not None else None
    if months is not None and stamp.raw is not None:
        return Key(name, backend.home.month(stamp.raw[0]), lambda month: months[month], within)
    cells = cells_of(edges) if backend.cells is not None and len(edges) >= backend.cells else None
    if cells is not None:
        return Key(name, backend.home.looked_up(source, edges[0], *cells), _whole_or_none, within)
    if backend.cells is None and stamp.raw is not None:  # reading the original column skips the conversion
        column, zone = stamp.raw
        return Key(
            name,
            step_numbers(backend.home, column, [backend.home.moment(edge, zone) for edge in edges]),
            _whole_or_none,
            within,
        )
    return Key(name, step_numbers(backend.home, source, edges), _whole_or_none, within)


def _months(edges: Sequence[int]) -> dict[int, int] | None:
    """The months from the first edge to the last, each with its step; None unless each step is one month."""
    found = [from_micros(edge) for edge in edges]
    numbers = [moment.year * 12 + moment.month for moment in found]
    if any(moment != datetime(moment.year, moment.month, 1) for moment in found):  # noqa: DTZ001  # on the wall clock
        return None
    consecutive = numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else False
    return dict(zip(numbers, range(1, len(numbers)), strict=False)) if consecutive else None


def all_rows(keys: Sequence[Key], stamp: Value, compiler: Compiler) -> list[Key]:
    """The keys without their filter: other rows get the part `OUTSIDE` or `NO_DATE`, and no day of a rate."""
    nw, (part, *days) = compiler.nw, keys
    assert part.within is not None
    source = nw.when(part.within).then(part.source).otherwise(nw.lit(OUTSIDE))
    if stamp.needs:
        stored = stamp.source if stamp.raw is None else stamp.raw[0]
        source = nw.when(stored.is_null()).then(nw.lit(NO_DATE)).otherwise(source)
    decode = part.decode
    made = part._replace(
        source=source, decode=lambda cell: cell if cell in (OUTSIDE, NO_DATE) else decode(cell), within=None
    )
    return [made, *(day._replace(source=only_where(nw, part.within, day.source)) for day in days)]


def beyond_part(nw: Words, least: int) -> Condition:
    """The condition that a row grouped by `all_rows` is in a period; with `OUTSIDE`, or that it has no date."""
    beyond = nw.col("part") > nw.lit(least)
    return Condition(beyond, beyond, ("part",))


def undated_key(stamp: Value, compiler: Compiler) -> Key:
    """The key for a pass over the rows without a timestamp."""
    stored = stamp.source if stamp.raw is None else stamp.raw[0]
    return Key(UNDATED, compiler.nw.lit(0), as_it_is, stored.is_null())


def day_key(name: str, compiler: Compiler, at: Expression, days: Sequence[date]) -> Key:
    """The number of the given days that a timestamp's local day has reached."""
    edges = [(day - date(1970, 1, 1)).days for day in days]
    return Key(name, step_numbers(compiler.prepared.backend.home, compiler.local_day(at).source, edges), _whole_or_none)


def _whole_or_none(value: Cell) -> int | None:
    return None if value is None else int(value)


def segment_key(number: int, key: SegmentKey, compiler: Compiler) -> Key:
    """The key of a segment: its field, or the bin that its field falls into."""
    assert isinstance(key.source, Expression), "prepared_for has refused functions"
    value = compiler.value(key.source)
    name = f"s{number}"
    segment = getattr(key.label, "__self__", None)
    if segment is not None and value.kind in ("money", "number", "integer"):
        edges = [_edge(bin_, value) for bin_ in segment.bins]
        source = step_numbers(compiler.prepared.backend.home, value.source, edges)
        return Key(name, source, lambda number: None if number is None else segment.labels[int(number)])
    decode = decoder(value)
    if isinstance(key.source, Field) and key.source.path[-1] == "currency":
        decode = currency_of
    if (label := key.label) is not None:
        return Key(name, value.source, lambda plain: label(decode(plain)), single=False)
    return Key(name, value.source, decode, single=value.kind != "number")  # 0.0 and -0.0 are equal


def _edge(bound: float | Decimal, value: Value) -> float:
    """The smallest plain number at or above the bound of a bin."""
    if value.digits is not None:
        return math.ceil(Decimal(bound).scaleb(value.digits))
    edge = float(bound)
    return edge if Decimal(edge) >= Decimal(bound) else math.nextafter(edge, math.inf)


def decoder(value: Value) -> Callable[[Cell], Cell]:
    """The function that turns a plain value into the value that a record has."""
    origin = _EPOCH.replace(tzinfo=UTC) if value.aware else _EPOCH
    digits = value.digits or 0
    made: dict[str, Callable[[Cell], Hashable]] = {
        "timestamp": lambda plain: origin + timedelta(microseconds=int(plain)),
        "date": lambda plain: date(1970, 1, 1) + timedelta(days=int(plain)),
        "money": lambda plain: scaled(int(plain), digits),
        "integer": int,
        "number": float,
        "flag": bool,
        "duration": lambda plain: timedelta(microseconds=int(plain)),
    }
    decode = made.get(value.kind)
    if decode is None:
        return as_it_is
    return lambda plain: None if plain is None else decode(plain)


def scaled(number: int, digits: int) -> Decimal:
    """An integer with this many decimal places as a decimal."""
    return EXACT.scaleb(Decimal(number), -digits)
