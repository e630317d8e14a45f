"""From rows of cells to records: whole chunks at once, and row by row only where a chunk has a fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from crmkpi.errors import CrmKpiError, RowError
from crmkpi.records.base import RecordType, record_type
from crmkpi.records.faults import fault, shortened
from crmkpi.sources.columns import Columns, Options, matched_columns
from crmkpi.sources.conversions import Conversion, conversions_for, convert
from crmkpi.sources.grid import Grid, Part, Row
from crmkpi.sources.loaded import Records, Rejected
from crmkpi.sources.zones import checked_zones

__all__ = ["load"]

_R = TypeVar("_R")
_Raw = dict[str, Any]
_Builder = Callable[[Part], list[_Raw]]
_EXACT_INTEGERS = 2**53


def load(grid: Grid, record: type[_R], options: Options) -> Records[_R]:
    """Read all rows of a grid: each one is a record of the result or among its rejected rows."""
    kind = record_type(record)
    columns = matched_columns(grid.headers, kind, options, source=grid.source)
    reader = _Reader(
        kind=kind,
        columns=columns,
        conversions=conversions_for(grid, columns, kind, options),
        build=_builder(columns, options.defaults, text=grid.text),
        validate=TypeAdapter(list[record]).validate_python,  # type: ignore[valid-type]
    )
    records: list[_R] = []
    rejected: list[Rejected] = []
    for part in grid.parts():
        for result in [part] if isinstance(part, Rejected) else reader.results(part):
            if not isinstance(result, Rejected):
                records.extend(result)
            elif options.strict:
                raise RowError(f"Line {result.line} of {grid.source} is no {record.__name__}: {_sentence(result)}.")
            else:
                rejected.append(result)
    notes = _notes(columns, kind, rows=len(records) + len(rejected))
    if options.tz is None:
        notes += checked_zones(records, grid=grid, columns=columns, kind=kind, conversions=reader.conversions)
    return Records(tuple(records), record, tuple(rejected), columns.unmapped, tuple(notes), grid.source, options.tz)


class _RefusedError(Exception):
    def __init__(self, row: Rejected) -> None:
        super().__init__(row.reason)
        self.row = row


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reader(Generic[_R]):
    kind: RecordType
    columns: Columns
    conversions: Sequence[Conversion]
    build: _Builder
    validate: Callable[[list[_Raw]], list[_R]]

    def results(self, part: Part) -> list[list[_R] | Rejected]:
        """The records of a part and the rows that are none, in the order of the source."""
        try:
            raws = self.build(part)
            for conversion in self.conversions:
                convert(raws, conversion.field, conversion.fast)
            return [self.validate(raws)]
        except (TypeError, ValueError, OverflowError):
            for conversion in self.conversions:
                conversion.fast = conversion.careful  # so that a file of other dates than ISO is not read twice
        rows = zip(part.lines(), part.rows, strict=True)
        return [self._of_one(row, line) for line, row in rows if row]  # an empty row is a blank line of the file

    def _of_one(self, row: Row, line: int) -> list[_R] | Rejected:
        try:
            return self.validate([self._carefully(row, line)])
        except ValidationError as problem:
            return Rejected(line, *fault(problem))
        except _RefusedError as problem:
            return problem.row

    def _carefully(self, row: Row, line: int) -> _Raw:
        if len(row) != self.columns.width:
            reason = f"it has {len(row)} cells under {self.columns.width} headers"
            raise _RefusedError(Rejected(line, None, None, reason))
        raw = self.build(Part([row], lambda: [line]))[0]
        for field, value in list(raw.items()):
            if isinstance(value, str) and not value.strip() and self.kind.fields[field].kind != "text":
                del raw[field]
        for conversion in self.conversions:
            value = raw.get(conversion.field)
            try:
                convert([raw], conversion.field, conversion.careful)
            except CrmKpiError:
                raise
            except ValueError as problem:
                raise _RefusedError(Rejected(line, conversion.field, shortened(value), str(problem))) from None
        return raw


def _builder(columns: Columns, constants: Mapping[str, Any], *, text: bool) -> _Builder:
    """A function from a part to one dict of present values a row; a row of another width is a `ValueError`."""
    positions = [position for position, _ in columns.fields]
    names = tuple(name for _, name in columns.fields)
    attributes = tuple(name for _, name in columns.attributes)
    pick = None if positions == list(range(columns.width)) else _picker(positions)
    pick_attributes = _picker([position for position, _ in columns.attributes])

    def build(part: Part) -> list[_Raw]:
        rows = part.rows
        if not set(map(len, rows)) <= {columns.width}:
            raise ValueError
        raws = _present(names, rows if pick is None else map(pick, rows), text=text)
        if attributes:
            for raw, found in zip(raws, _present(attributes, map(pick_attributes, rows), text=text), strict=True):
                if found:
                    raw["attributes"] = found if text else {name: _plain(value) for name, value in found.items()}
        if constants:
            for raw in raws:
                raw.update(constants)
        if columns.numbered:
            for raw, line in zip(raws, part.lines(), strict=True):
                raw["id"] = f"row {line}"
        return raws

    return build


def _picker(positions: Sequence[int]) -> Callable[[Row], Row]:
    if len(positions) > 1:
        return itemgetter(*positions)
    return lambda row: [row[position] for position in positions]


def _present(names: Sequence[str], rows: Iterable[Row], *, text: bool) -> list[_Raw]:
    if text:
        return [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows]
    return [{name: cell for name, cell in zip(names, row, strict=True) if cell is not None} for row in rows]


def _plain(value: Any) -> Any:
    """A value as attributes hold it: dates as ISO text, and integers that a float would round as text too."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int) and abs(value) > _EXACT_INTEGERS:
        return f"{value:d}"
    return value


def _sentence(row: Rejected) -> str:
    if row.field is None:
        return row.reason
    return f"{row.field} is {row.reason}" if row.value is None else f"{row.field} {row.value} is {row.reason}"


def _notes(columns: Columns, kind: RecordType, *, rows: int) -> list[str]:
    notes = []
    if not rows:
        notes.append("There are headers and no rows.")
    if columns.numbered:
        notes.append(f"No column holds the id of {kind.table}, so ids are line numbers, such as 'row 2'.")
    return notes
