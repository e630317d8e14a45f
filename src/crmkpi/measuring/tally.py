"""Tallies: mergeable measurements; shards, days and services merge to exactly the numbers of the whole."""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import textwrap
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from types import CodeType, FunctionType
from typing import Any
from zoneinfo import ZoneInfo

from crmkpi.dates.calendars import DEFAULT_CALENDAR, Calendar, CalendarUnit
from crmkpi.dates.given import PeriodLike
from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.engines.query import MICROSECOND, UNREADABLE, Answer, Query, Sample
from crmkpi.errors import InputError, UnknownNameError, did_you_mean
from crmkpi.measuring.asking import read
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.measurement import built, chosen_metrics, report
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.reading import Reader
from crmkpi.measuring.results import Report
from crmkpi.measuring.segments import By, Segment, segments_of
from crmkpi.measuring.tally_rows import Totals, merged_totals, results_of_totals, totals_of_rows
from crmkpi.measuring.unreadable import MOST_UNREADABLE
from crmkpi.money import Rates

__all__ = ["Tally"]

_VERSION = 2
_NOT_WRITTEN = "A tally is read from what Tally.to_json() wrote"


@dataclass(frozen=True, slots=True)
class _Settings:
    """The metrics and settings of a tally: tallies with equal settings merge."""

    metrics: tuple[Metric, ...]
    periods: tuple[Period | None, ...]
    every: CalendarUnit | None
    by: By
    segments: tuple[Segment, ...]
    parameters: Mapping[str, Any]
    confidence: float | None
    crm: Dataset


class Tally:
    """The state of a measurement as a value: add records, merge it with another, and report at any time.

    `add` returns a new tally and leaves the old one unchanged. Add every record exactly once, in any part: a tally does
    not keep the records that it has seen. Pass tables of related records again in each `add`. The tallies of two shards
    merge into exactly the tally of both, and so do records and frames. If a table would be both measured and looked
    up, that is impossible, and the constructor raises an `InputError`.

    >>> from crmkpi import Deal, Tally
    >>> empty = Tally(["win_rate", "revenue"], by="owner")
    >>> monday = empty.add(deals=[Deal(id="1", status="won", owner="Ada", amount=100)])
    >>> tuesday = empty.add(deals=[Deal(id="2", status="lost", owner="Ada"), Deal(id="3", status="won", owner="Bo")])
    >>> [result.value for result in monday.merge(tuesday).report()]
    [0.5, 1.0, Decimal('100'), None]
    >>> stored = monday.to_json()
    >>> [result.value for result in empty.from_json(stored).merge(tuesday).report()]
    [0.5, 1.0, Decimal('100'), None]
    """

    __slots__ = ("_answers", "_rows", "_settings")

    def __init__(
        self,
        metrics: Metric | str | Iterable[Metric | str],
        *,
        period: PeriodLike | None = None,
        every: CalendarUnit | None = None,
        by: By = None,
        parameters: Mapping[str, Any] | None = None,
        confidence: float | None = 0.95,
        calendar: Calendar = DEFAULT_CALENDAR,
        currency: str | None = None,
        rates: Rates | Mapping[str, Any] | None = None,
        as_of: date | str | None = None,
        tz: str | ZoneInfo | None = None,
        most_unreadable: float = MOST_UNREADABLE,
    ) -> None:
        """An empty tally; the arguments are those of `Dataset` and `Dataset.measure`."""
        settings: dict[str, Any] = {
            "calendar": calendar,
            "tz": tz,
            "currency": currency,
            "rates": rates,
            "as_of": as_of,
        }
        crm = Dataset(**settings, most_unreadable=most_unreadable)
        periods = tuple(crm.periods(period, every))
        chosen = chosen_metrics(metrics)
        self._settings = _Settings(chosen, periods, every, by, segments_of(by), dict(parameters or {}), confidence, crm)
        self._answers: dict[str, Answer] = {}
        self._rows: Totals = {}
        self._check_parts()

    def add(self, **tables: Any) -> Tally:
        """A new tally with these tables added: records or frames, as for a `Dataset`."""
        read_by = {table for metric in self._settings.metrics for table in metric.tables}
        if not read_by & set(tables):
            hint = did_you_mean(next(iter(tables), ""), read_by)
            raise UnknownNameError(
                f"The tally reads {', '.join(sorted(read_by))}; got {', '.join(tables) or 'nothing'}. {hint}"
            )
        reader, plan = self._read(tables)
        return self._with({table: answer for table, answer in reader.answers.items() if table in tables}, plan)

    def add_rows(self, rows: Iterable[Any]) -> Tally:
        """A new tally with rows of `Metric.sql` added, queried with the same segments and periods.

        The rows of several databases, days or shards add up. They have totals only: the results have no account of
        records left out, and an interval only if counts suffice for it, as with `Metric.from_totals`.

        >>> from crmkpi import Tally
        >>> north = Tally("win_rate", by="owner").add_rows([{"owner": "Ada", "won": 1, "closed": 2}])
        >>> south = Tally("win_rate", by="owner").add_rows([{"owner": "Ada", "won": 2, "closed": 2}])
        >>> [result.value for result in north.merge(south).report()]
        [0.75]
        """
        mine = self._settings
        found = totals_of_rows(mine.metrics, rows, [segment.name for segment in mine.segments], mine.periods)
        return self._with({}, None, found)

    def merge(self, other: Tally) -> Tally:
        """The tally of both parts of the data; a tally with other definitions or settings is an error."""
        if not isinstance(other, Tally):
            raise InputError(f"merge() takes another Tally; got {other!r}.")
        if self.digest != other.digest:
            raise InputError(
                "Only tallies of the same definitions and settings merge; these two differ in metrics, periods, "
                "segments, calendar, money, parameters or the definition of a metric. Measure one of them again."
            )
        return self._with(other._answers, self._read({})[1], other._rows)

    def report(self) -> Report:
        """The report that `Dataset.measure` would return for all records added."""
        mine = self._settings
        if self._rows:
            found = results_of_totals(
                mine.metrics[0],
                self._rows,
                [segment.name for segment in mine.segments],
                mine.periods,
                parameters=mine.parameters,
                confidence=mine.confidence,
                currency=mine.crm.currency,
            )
            return report(tuple(found), mine.periods, mine.every, mine.by)
        reader, plan = self._read({})
        answers = {table: self._answers.get(table, _nothing(query)) for table, query in plan.queries.items()}
        whole = reader._replace(answers=answers)
        results = built(
            mine.crm,
            whole,
            plan,
            mine.segments,
            periods=mine.periods,
            against=None,
            parameters=mine.parameters,
            confidence=mine.confidence,
        )
        return report(results, mine.periods, mine.every, mine.by)

    @property
    def digest(self) -> str:
        """The digest of definitions and settings, to detect that they changed."""
        mine = self._settings
        crm = mine.crm
        text = [
            *(_definition(metric) for metric in mine.metrics),
            *(repr(period) for period in mine.periods),
            *(_segment_text(segment) for segment in mine.segments),
            repr(sorted(mine.parameters.items())),
            repr((crm.calendar, crm.currency, crm.rates, crm.as_of, mine.confidence is None)),
        ]
        return hashlib.sha256("\n".join(text).encode()).hexdigest()

    def to_json(self) -> str:
        """The state as JSON, with the digest of its definitions; no number is rounded."""
        state = {
            table: [_encoded(answer.given), [_encoded(groups) for groups in answer.groups], *_of_source(answer)]
            for table, answer in self._answers.items()
        }
        rows = {"rows": _encoded(self._rows)} if self._rows else {}
        return json.dumps({"version": _VERSION, "digest": self.digest, "state": state, **rows})

    def from_json(self, text: str) -> Tally:
        """Load a state that `to_json` wrote, with the definitions and settings of this tally; its own state is ignored.

        A state with other definitions or settings is an error, and so is a state of another version.
        """
        try:
            found = json.loads(text)
            version, digest, state = found["version"], found["digest"], found["state"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{_NOT_WRITTEN}; got {text!r:.60}.") from error
        if version != _VERSION:
            raise InputError(
                f"The tally was written in version {version!r}, and this is version {_VERSION}; measure again."
            )
        if digest != self.digest:
            raise InputError(
                "The stored tally has other definitions or settings than this one: a metric, its periods, segments, "
                "calendar, money or parameters have changed since. Measure the data again."
            )
        made = self._with({}, None)
        try:
            made._answers = {  # noqa: SLF001  # of its own class
                table: Answer(_decoded(given), [_decoded(part) for part in groups], *of_source)
                for table, (given, groups, *of_source) in state.items()
            }
            made._rows = _decoded(found.get("rows", {"map": []}))  # noqa: SLF001
            if not all(isinstance(answer.given, Mapping) for answer in made._answers.values()):  # noqa: SLF001
                raise TypeError  # noqa: TRY301
        except (AttributeError, TypeError, ValueError, ArithmeticError, LookupError, RecursionError) as error:
            raise InputError(f"{_NOT_WRITTEN}; got {text!r:.60}.") from error
        return made

    def __repr__(self) -> str:
        names = ", ".join(metric.id for metric in self._settings.metrics)
        counts = ", ".join(f"{sum(answer.given.values()):,} {table}" for table, answer in self._answers.items())
        counts = counts or (f"{len(self._rows)} groups of rows" if self._rows else "")
        return f"<Tally of {names}: {counts or 'nothing yet'}>"

    def _check_parts(self) -> None:
        """Refuse to measure a table in parts if lookups from another table need it as a whole."""
        queries = self._read({})[1].queries
        for query in queries.values():
            for field in query.fields.values():
                for table in query.type_.tables_towards(field.path):
                    if table in queries:
                        raise InputError(
                            f"A tally cannot measure {table} in parts and look up {field!r} in them, since a part may "
                            f"hold {query.type_.table} without their {table}; use Dataset.measure on all records, or "
                            "a tally for each metric."
                        )

    def _read(self, tables: Mapping[str, Any]) -> tuple[Reader, Plan]:
        mine, crm = self._settings, self._settings.crm
        data = Dataset(calendar=crm.calendar, currency=crm.currency, rates=crm.rates, as_of=crm.as_of, **tables)
        return read(
            data, mine.metrics, mine.periods, mine.segments, mine.parameters, confidence=mine.confidence, partly=True
        )

    def _with(self, answers: Mapping[str, Answer], plan: Plan | None, rows: Totals | None = None) -> Tally:
        made = object.__new__(Tally)
        made._settings = self._settings
        made._rows = merged_totals(self._rows, rows or {})
        made._answers = dict(self._answers)
        for table, answer in answers.items():
            assert plan is not None
            mine = made._answers.get(table)
            made._answers[table] = answer if mine is None else mine.merged(answer, plan.queries[table])
        if made._rows and made._answers:
            raise InputError(
                "Rows of Metric.sql do not say what was left out, so they merge with rows and not with records; keep "
                "one tally of rows and one of records."
            )
        return made


def _of_source(answer: Answer) -> tuple[int, Mapping[str, int], Mapping[str, int]]:
    return answer.rejected, answer.unread, answer.skipped


def _nothing(query: Query) -> Answer:
    return Answer({}, [{} for _ in query.anchors])


def _definition(metric: Metric) -> str:
    """Everything that determines a metric's value, as text that is the same in every process."""
    measures = [f"{name}={measure!r} {measure.steps!r}" for name, measure in metric.measures.items()]
    left_out = [f"{reason}: {what!r}" for reason, what in metric.leave_out.items()]
    return repr(
        (
            metric.id,
            measures,
            left_out,
            repr(metric.at),
            metric.unit,
            repr(metric.interval),
            _formula(metric),
            _made_with(metric.function),
        )
    )


def _formula(metric: Metric) -> str:
    """The code of the formula, without its docstring and comments."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(metric.function)))
    except (OSError, TypeError, SyntaxError):
        code = metric.function.__code__
        return f"{code.co_code.hex()} {code.co_consts!r}"
    functions = [part for part in ast.walk(tree) if isinstance(part, ast.FunctionDef | ast.Lambda)]
    function = functions[0]
    if (
        isinstance(function, ast.Lambda) and len(functions) > 1
    ):  # several on one line, and the source does not show which it is
        return _code(metric.function)
    body: Sequence[Any] = function.body if isinstance(function.body, list) else [function.body]
    return " ".join(
        ast.dump(part) for part in body if not (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
    )


def _segment_text(segment: Segment) -> str:
    source = segment.source
    named = getattr(source, "__qualname__", None)
    if isinstance(source, FunctionType):  # two lambdas have one name
        named = f"{named} {_code(source)}"
    return f"{segment.name} {named or source!r} {segment.bins!r}"


def _code(function: Any) -> str:
    """The identity of a function: its code and the values of its closure."""
    return f"{_code_text(function.__code__)} {_made_with(function)}"


def _made_with(function: Any) -> str:
    """The values in the closure of a function, and the defaults of its parameters."""
    values = [cell.cell_contents for cell in getattr(function, "__closure__", None) or ()]
    values += [getattr(function, "__defaults__", None), getattr(function, "__kwdefaults__", None)]
    return " ".join(_code(value) if isinstance(value, FunctionType) else repr(value) for value in values)


def _code_text(code: CodeType) -> str:
    constants = [_code_text(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {code.co_varnames} {constants}"


def _encoded(value: Any) -> Any:
    """A state as JSON; a type that JSON lacks is an object with one member."""
    match value:
        case None | str() | bool() | int() | float():
            return value
        case _ if value is UNREADABLE:
            return {"unreadable": None}
        case Decimal():
            return {"decimal": str(value)}
        case datetime():
            return {"timestamp": value.isoformat()}
        case date():
            return {"date": value.isoformat()}
        case timedelta():
            return {"duration": value // MICROSECOND}
        case Sample(count, total, squares, values, low, high):
            return {"sample": [_encoded(part) for part in (count, total, squares, list(values), low, high)]}
        case Mapping():
            return {"map": [[_encoded(key), _encoded(one)] for key, one in value.items()]}
        case frozenset() | set():
            return {"set": [_encoded(one) for one in sorted(value, key=repr)]}
        case tuple():
            return {"tuple": [_encoded(one) for one in value]}
        case list():
            return [_encoded(one) for one in value]
        case _:
            raise InputError(
                f"A tally can be stored where its segments and values are text, numbers, dates and flags; "
                f"got {value!r}."
            )


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    ((word, inner),) = value.items()
    match word:
        case "decimal":
            return Decimal(inner)
        case "timestamp":
            return datetime.fromisoformat(inner)
        case "date":
            return date.fromisoformat(inner)
        case "duration":
            return inner * MICROSECOND
        case "sample":
            return Sample(*(_decoded(part) for part in inner))
        case "map":
            return {_hashable(_decoded(key)): _decoded(one) for key, one in inner}
        case "unreadable":
            return UNREADABLE
        case "set":
            return frozenset(_decoded(one) for one in inner)
        case _:
            return tuple(_decoded(one) for one in inner)


def _hashable(key: Any) -> Hashable:
    return tuple(key) if isinstance(key, list) else key
