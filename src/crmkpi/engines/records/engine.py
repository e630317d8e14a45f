"""The records engine: answers a query by one compiled loop over typed records.

Compiled loops are cached, so that the same query again costs only the loop. Records are read in one pass, a stream in
chunks, so memory is bounded by the states of the groups.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta, tzinfo
from decimal import localcontext
from itertools import islice

from crmkpi.engines.query import EXACT, Anchor, Answer, Moments, Query, Record, Value
from crmkpi.engines.records.loops import OUTSIDE, Loop, Scan, compiled, failed
from crmkpi.engines.records.marks import LISTS, Gate, usual_class
from crmkpi.errors import TimeZoneError

__all__ = ["answer"]

_CHUNK = 65_536
_DAY = timedelta(days=1)
_MIDNIGHTS = (datetime.min, datetime.min.replace(tzinfo=UTC))  # noqa: DTZ901  # wall clocks have no zone


def answer(
    query: Query,
    records: Iterable[Record],
    *,
    moments: Moments,
    tables: Callable[[str], Mapping[str, Record]],
    functions: Mapping[str, Callable[..., Value]],
    parameters: Mapping[str, Value],
    related_unreadable: bool = False,
) -> Answer:
    """Run `query` over `records`, any iterable, which is read once.

    Records with an unreadable field that the query reads go through a loop of their own; all records do if
    `related_unreadable` says that related records may have such fields.

    `tables` returns the records of a related table by id; `functions` are the calendar's `local_day` and
    `business_time`, `elapsed` if its clocks change, and `convert` if amounts are converted; `parameters` are the
    caller's numbers by the printed form of their parameter.
    """
    ways = "convert" in functions, "elapsed" in functions
    loop = _loop(query, ways, careful=False)
    days: tuple[dict[int, int], dict[int, int]] = {}, {}
    locators = [_Locator(moments, anchor, days) for anchor in query.anchors]
    gate = Gate(query)
    usual = usual_class(records, query.type_)
    scan = loop.bind(locators, moments, tables, functions, parameters, gate.check, usual)
    second: tuple[Loop, Scan] | None = None
    whole: Answer | None = None
    with localcontext(EXACT):
        for chunk in _chunks(records):
            parts = []
            if not related_unreadable:
                gate.aside.clear()
                found = scan(chunk)
                parts.append((loop, found, len(chunk) - len(gate.aside)))
            aside = list(gate.aside) if not related_unreadable else _let_in(chunk, gate, query)
            if aside or related_unreadable:
                if second is None:
                    careful = _loop(query, ways, careful=True)
                    second = careful, careful.bind(locators, moments, tables, functions, parameters, _pass, usual)
                parts.append((second[0], second[1](aside), len(aside)))
            try:
                for each, found, size in parts:
                    part = each.finish(query, found, size)
                    whole = part if whole is None else whole.merged(part, query)
            except (TypeError, ArithmeticError) as error:  # `finish` compares and adds values that were only gathered
                failed(error, None)
    return whole or Answer({}, [{} for _ in query.anchors])


def _loop(query: Query, ways: tuple[bool, bool], *, careful: bool) -> Loop:
    key = ways, careful
    found: Loop | None = query.compiled.get(key)
    if found is None:
        converts, zoned = ways
        found = query.compiled[key] = compiled(query, converts=converts, zoned=zoned, careful=careful)
    return found


def _pass(_: object) -> bool:
    """The check of the second loop: the first loop has validated its records."""
    return False


def _let_in(chunk: Sequence[Record], gate: Gate, query: Query) -> Sequence[Record]:
    """All records of a chunk, for the careful loop; it raises `UnreadableFoundError` as `Gate.check` does."""
    for record in chunk:
        if type(record) is not query.type_.model:
            gate.check(record)  # type: ignore[arg-type]  # it checks the type first
    gate.aside.clear()
    return chunk


def _chunks(records: Iterable[Record]) -> Iterable[Sequence[Record]]:
    if isinstance(records, LISTS):
        yield records
        return
    stream = iter(records)
    while chunk := list(islice(stream, _CHUNK)):
        yield chunk


class _Locator:
    """Finds the elementary interval of a timestamp; caches whole days, which nearly every lookup hits.

    The anchors of a query share `days`, those of aware timestamps and those of naive ones.
    """

    __slots__ = ("_anchor", "_days", "_moments", "_naive")

    def __init__(self, moments: Moments, anchor: Anchor, days: tuple[dict[int, int], dict[int, int]]) -> None:
        self._moments = moments
        self._anchor = anchor
        self._naive: bool | None = None
        self._days = days

    def align(
        self, moment: datetime, record: Record
    ) -> tuple[tzinfo | None, dict[int, int], Callable[[datetime], int]]:
        """The zone, the cached days and the finder for timestamps like `moment`; refuses a mix of naive and aware."""
        naive = moment.tzinfo is None
        if self._naive not in (None, naive):
            raise TimeZoneError(
                f"{self._anchor.at!r} must have a time zone in all records or in none; {type(record).__name__} "
                f"{record.id!r} has {moment.isoformat()} {'without' if naive else 'with'} one, unlike the records "
                "before it. Give tz= when reading, or convert them."
            )
        self._naive = naive
        edges = self._moments.wall_edges if naive else self._moments.edges
        wanted = self._moments.wanted
        midnight = _MIDNIGHTS[not naive]
        # By the number of edges that are not after a moment.
        parts = [OUTSIDE, *[number if wanted[number] else OUTSIDE for number in range(len(wanted))], OUTSIDE]
        days = self._days[naive]
        if naive and all(edge.time() == time.min for edge in edges):  # then each day is within one interval
            ordinals = [edge.toordinal() for edge in edges]

            def locate_day(moment: datetime) -> int:
                ordinal = moment.toordinal()
                found = days[ordinal] = parts[bisect_right(ordinals, ordinal)]
                return found

            return None, days, locate_day

        def locate(moment: datetime) -> int:
            number = bisect_right(edges, moment) - 1
            found = parts[number + 1]
            ordinal = moment.toordinal()
            first = midnight + _DAY * (ordinal - 1)
            if bisect_right(edges, first) - 1 == number and (
                number + 1 >= len(edges) or edges[number + 1] - first >= _DAY
            ):
                days[ordinal] = found
            return found

        return moment.tzinfo, days, locate
