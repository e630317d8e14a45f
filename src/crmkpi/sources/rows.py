"""Build records from rows of cells: in whole chunks, and row by row only where a chunk has a fault."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from crmkpi._read_only import ReadOnly
from crmkpi.errors import CrmKpiError, InputError, RowError
from crmkpi.records.base import RecordType, partly_read, record_type
from crmkpi.records.faults import fault, faults, shortened
from crmkpi.records.in_part import with_fields
from crmkpi.sources.account import LoadAccount, Noted, Recognised, Rejected, id_of_line
from crmkpi.sources.building import Builder, builder
from crmkpi.sources.columns import Columns, matched_columns
from crmkpi.sources.conversions import Conversion, conversions_for, convert
from crmkpi.sources.grid import Grid, Part, Row
from crmkpi.sources.guards import check_currency, check_filled, check_intervals, check_table, check_units
from crmkpi.sources.histories import joined_visits, merged_away, merged_note, stage_grid, without_merged
from crmkpi.sources.joined import with_joined
from crmkpi.sources.leaving_out import LeftOut, left_out
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.model import Preset, record_named
from crmkpi.sources.reading import ReadingOptions
from crmkpi.sources.summary_reports import filled_down
from crmkpi.sources.tallies import Tallies
from crmkpi.sources.zones import Zones, checked_zones, zones_of

__all__ = ["Loading", "check_form", "lacks", "load", "record_of"]

_R = TypeVar("_R")
_Raw = dict[str, Any]
_Fault = tuple[str | None, str]  # the `repr` of the value, None for a missing one, and the fault


def record_of(record: type[_R] | None, options: ReadingOptions) -> type[_R]:
    """The class of the records: `record=`, or the preset's."""
    preset = options.preset
    if preset is None:
        if record is None:
            raise InputError("The record class of the rows is unknown; give record=, such as crmkpi.Deal, or preset=.")
        return record
    if preset.record is None:
        raise InputError(f"{preset.system}, {preset.title}: {preset.notes[0]}")
    known = record_named(preset.record).model
    if record is None:
        return known
    name = record_type(record).model.__name__
    if name == preset.record or (name == "StageVisit" and preset.stages is not None):
        return record
    raise InputError(f"The preset {preset.name} reads {preset.record} records, and record= is {record.__name__}.")


def load(grid: Grid, record: type[_R], options: ReadingOptions, *, recognised: Recognised | None = None) -> Records[_R]:
    """Read all rows of a grid: each one is a record of the result, or rejected, or skipped under a reason."""
    lines: array[int] = array("Q")
    loading = Loading(grid, record, options, recognised=recognised, lines=lines)
    records: list[_R] = []
    for part in loading.parts():
        records.extend(part)
    used = len(records)
    if not used:
        check_form(grid.source, loading.rejected)
    preset, notes = loading.preset, loading.notes(used)
    if options.tz is None:
        notes += loading.zone_notes(zones_of(records, loading.columns, loading.kind))
    joins = preset is not None and preset.history  # a record then comes from several rows
    if joins:
        records = joined_visits(records)
        notes.append(f"{used:,} changes are {len(records):,} visits.")
    gone = 0
    if preset is not None and preset.merged:
        merged = merged_away(records, preset, loading.grid.headers)
        records = list(without_merged(records, merged))
        gone = used - len(records)
        notes += merged_note(merged, gone)
    notes += lacks(records, preset)
    account = loading.account(used=used - gone, merged=gone, notes=notes)
    return Records(
        tuple(records),
        record,
        account.rejected,
        account.unmapped,
        account.notes,
        grid.source,
        tz=options.tz,
        account=account,
        lines=((grid.source, lines),) if len(lines) == len(records) and not joins else (),
    )


def check_form(source: str, rejected: Sequence[Rejected]) -> None:
    """Refuse a source in which no row is a record because of its form: tuples, objects, another file."""
    if not rejected or any(row.field is not None for row in rejected):
        return
    first = rejected[0]
    shown = "" if first.value is None else f" is {first.value}, and"
    rows = "row" if len(rejected) == 1 else "rows"
    raise InputError(
        f"None of the {len(rejected):,} {rows} of {source} is a record; line {first.line}{shown} {first.reason}. Rows "
        "have as many cells as there are headers, or names for their values: dict(zip(names, row)) makes one of a "
        "tuple, vars(row) one of an object."
    )


class Loading(Generic[_R]):
    """One pass over a grid: the readers of its columns, and the account of its rows so far."""

    def __init__(
        self,
        grid: Grid,
        record: type[_R],
        options: ReadingOptions,
        *,
        recognised: Recognised | None = None,
        lines: array[int] | None = None,
    ) -> None:
        """`lines` collects the line number of each record."""
        self._asked = options
        self._record = record
        self._recognised = recognised
        self.kind = record_type(record)
        self.preset = options.preset
        grid, options = with_joined(filled_down(grid, options.preset), options)
        if self.preset is not None and self.preset.record != self.kind.model.__name__:  # stages in a table of deals
            grid, options = stage_grid(grid, options, self.preset)
            self.preset = None
        self.grid, self.options = grid, options
        if grid.text or grid.sheet:
            check_table(grid.headers, self.kind, options, source=grid.source)
        self._matched = matched_columns(grid.headers, self.kind, options, source=grid.source)
        if grid.text or grid.sheet:
            check_filled(grid.headers, self._matched, self.kind, options, source=grid.source)
        self.columns = self._matched
        if options.only is not None:
            self.columns = self._matched.looked_at(options.only, self.kind, options.preset)
        if self.columns.has_money(self.kind):
            check_currency(grid, self._matched, self.kind, options)
            check_intervals(grid, self._matched, self.kind, options)
        check_units(self.columns, self.kind, source=grid.source)
        self.rejected: list[Rejected] = []
        self._tallies = Tallies()
        self._reader = self._reader_of(self.columns, self._tallies, lines)
        if self.columns is not self._matched:
            self._reader.whole = cache(lambda: self._reader_of(self._matched, Tallies(), None))

    def _reader_of(self, columns: Columns, tallies: Tallies, lines: array[int] | None) -> _Reader[_R]:
        record: Any = self._record
        if self.options.in_part and columns is not self._matched:
            record = with_fields(record, columns.given(self.kind))
        return _Reader(
            record=record,
            kind=self.kind,
            columns=columns,
            conversions=conversions_for(self.grid, columns, self.kind, self.options, tallies),
            build=builder(columns, self.kind, text=self.grid.text),
            tallies=tallies,
            leave_out=left_out(self.grid, columns, self.preset),
            text=self.grid.text,
            unreadable=Noted(),
            strict=self.options.strict,
            lines=lines,
        )

    def parts(self) -> Iterator[list[_R]]:
        """Yield the records, part by part; collect rejected rows and count skipped ones."""
        parts: Iterable[Part | Rejected] = self.grid.parts()
        if self.options.progress is not None:
            parts = self.options.progress(parts)
        for part in parts:
            results = [part] if isinstance(part, Rejected) else self._reader.results(part)
            for result in results:
                if not isinstance(result, Rejected):
                    yield result
                elif self.options.strict:
                    name = self._record.__name__
                    raise RowError(f"Line {result.line} of {self.grid.source} is no {name}: {_sentence(result)}.")
                else:
                    self.rejected.append(result)

    def notes(self, used: int) -> list[str]:
        """The conversions that hold for all rows; `used` is the number of records."""
        return _notes(self.columns, self.kind, rows=used + len(self.rejected))

    def zone_notes(self, zones: Zones) -> list[str]:
        """Refuse a column that mixes times with and without an offset, and note columns that differ."""
        return checked_zones(zones, grid=self.grid, columns=self.columns, conversions=self._reader.conversions)

    def account(self, *, used: int, merged: int, notes: Sequence[str]) -> LoadAccount:
        """The account of all rows; `merged` is the number of rows that other records replace."""
        skipped = Counter(self.grid.skipped) + self._reader.skipped
        skipped += Counter({"merged into another record": merged})
        return LoadAccount(
            source=self.grid.source,
            record=self._record.__name__,
            rows=used + len(self.rejected) + sum(skipped.values()),
            used=used,
            rejected=tuple(self.rejected),
            skipped=ReadOnly(dict(skipped)),
            mapped=ReadOnly(_mapped(self._matched)),
            unmapped=self.columns.unmapped,
            unfilled=self.columns.unfilled(self._reader.kind),
            coerced=ReadOnly(self._tallies.by_column()),
            notes=tuple(notes),
            preset=None if self._asked.preset is None else self._asked.preset.name,
            recognised=self._recognised,
            unreadable=self._reader.unreadable.found(),
            not_looked_at=self._not_looked_at(),
            numbered=self.columns.numbered,
        )

    def _not_looked_at(self) -> tuple[str, ...]:
        """Columns that fill a field outside of `only=`, and so are not read."""
        gone = self._matched.places() - self.columns.places()
        return tuple(self.grid.headers[place] for place in sorted(gone))


@dataclass(slots=True, eq=False, repr=False, kw_only=True)
class _Reader(Generic[_R]):
    record: Any
    kind: RecordType
    columns: Columns
    conversions: Sequence[Conversion]
    build: Builder
    tallies: Tallies
    leave_out: LeftOut
    text: bool
    strict: bool
    unreadable: Noted
    lines: array[int] | None = None
    skipped: Counter[str] = field(default_factory=Counter)
    above: Row = ()  # the last row that could be a record
    whole: Callable[[], _Reader[_R]] | None = None  # reads all columns, if this one reads some

    def results(self, part: Part) -> list[list[_R] | Rejected]:
        """The records and the rejected rows of a part, in the order of the source."""
        part = self._kept(part)
        try:
            raws = self.build(part)
            for conversion in self.conversions:
                convert(raws, conversion, fast=True)
            self._drop_beside(raws)
            found = _validator(self.record)(raws)
        except (TypeError, ValueError, OverflowError):
            self.tallies.drop()
            for conversion in self.conversions:
                conversion.check = conversion.counted = None
                conversion.fast = conversion.careful  # so that a file with dates other than ISO is not parsed twice
        else:
            self.tallies.keep()
            if self.lines is not None:
                self.lines.extend(part.lines())
            return [found]
        return [self._of_one(row, line) for line, row in zip(part.lines(), part.rows, strict=True)]

    def _kept(self, part: Part) -> Part:
        """The rows that could be records: neither blank nor left out by the preset."""
        leave_out = self.leave_out
        if not leave_out.may_leave_out(part.rows):
            self.above = part.rows[-1]
            return part
        kept: list[int] = []
        for place, row in enumerate(part.rows):
            if self.text and not any(row):
                if row:  # else it is a blank line
                    self.skipped["blank row"] += 1
            elif (reason := leave_out.reason_of(row, self.above)) is not None:
                self.skipped[reason] += 1
            else:
                kept.append(place)
                self.above = row
        if len(kept) == len(part.rows):
            return part
        return Part([part.rows[place] for place in kept], lambda: _picked(part.lines(), kept))

    def _drop_beside(self, raws: Iterable[_Raw]) -> None:
        for _, slot in self.columns.beside:
            for raw in raws:
                raw.pop(slot, None)

    def _of_one(self, row: Row, line: int) -> list[_R] | Rejected:
        """The record of one row, without its unreadable fields; a row that is not a record is rejected."""
        if len(row) != self.columns.width:
            return Rejected(line, None, None, f"it has {len(row)} cells under {self.columns.width} headers")
        lost: dict[str, _Fault] = {}
        found = self._validated(self._carefully(row, line, lost), lost, line)
        if isinstance(found, Rejected) and self.whole is not None and self._is_of_whole(row, line):
            lost.clear()
            found = self._validated(self._carefully(row, line, lost), lost, line, kept=True)
        if isinstance(found, Rejected):
            self.tallies.drop()
            return found
        self.tallies.keep()
        if self.lines is not None:
            self.lines.append(line)
        return [found]

    def _is_of_whole(self, row: Row, line: int) -> bool:
        """Whether a row is a record by all columns, though not by the columns of `only=`."""
        assert self.whole is not None
        try:
            return not isinstance(self.whole()._of_one(row, line), Rejected)  # noqa: SLF001  # of its own class
        except CrmKpiError:  # a column outside of `only=` cannot be read, which must not stop the others
            return True

    def _carefully(self, row: Row, line: int, lost: dict[str, _Fault]) -> _Raw:
        """The values of a row that can be read; `lost` collects the others."""
        raw = self.build(Part([row], lambda: [line]))[0]
        for slot, value in list(raw.items()):
            if isinstance(value, str) and not value.strip():
                known = self.kind.fields.get(slot.partition(" ")[0])
                if known is None or known.kind != "text":
                    del raw[slot]
        for conversion in self.conversions:
            name, value = conversion.field, raw.get(conversion.slot)
            if conversion.attribute is not None:
                name = f"attributes.{conversion.attribute}"
            if name in lost:  # the first column with a value wins, readable or not
                raw.pop(conversion.slot, None)
                continue
            try:
                convert([raw], conversion, fast=False)
            except CrmKpiError:
                raise
            except (ValueError, OverflowError) as problem:
                lost[name] = shortened(value), str(problem)
                raw.pop(conversion.slot, None)
                _drop(raw, name)
            else:
                computed = lost and conversion.computed and value is not None
                if computed and (name not in raw or "currency" in lost):
                    _drop(raw, name)
                    lost[name] = shortened(value), "computed from a value that cannot be read"
        self._drop_beside([raw])
        return raw

    def _validated(self, raw: _Raw, lost: dict[str, _Fault], line: int, *, kept: bool = False) -> _R | Rejected:
        """The record, or the reason why the row is not one; invalid fields are removed until the rest is valid.

        A row that is `kept` is known to be a record.
        """
        required = [known.name for known in self.kind.fields.values() if known.required]
        while True:
            if lost:
                lost |= {name: (None, "missing") for name in required if name not in raw and name not in lost}
            if "id" in lost:
                raw["id"] = id_of_line(line)
            if lost and not kept and (self.strict or self._is_nothing(raw, lost)):
                empty = (each for each, (value, _) in lost.items() if value is None)
                first = next(empty, next(iter(lost)))
                return Rejected(line, first, *lost[first])
            try:
                if not lost:
                    valid: _R = _validator(self.record)([raw])[0]
                    return valid
                gone = {name: None for name in lost if name != "id" and name in self.kind.fields}
                found: _R = _lenient(self.record)(
                    raw | gone | {"unreadable": {name: value or "" for name, (value, _) in lost.items()}}
                )
            except ValidationError as problem:
                wrong = faults(problem)
                if None in wrong or not wrong.keys() - lost.keys():
                    return Rejected(line, *fault(problem))
                for name, reason in wrong.items():
                    _drop(raw, str(name))
                    lost[str(name)] = reason
            else:
                self.unreadable.count(lost, line)
                return found

    def _is_nothing(self, raw: _Raw, lost: Mapping[str, _Fault]) -> bool:
        """Whether a row with a fault is not a record: no field can be read, or it looks like a total.

        Lines below a table have one cell; totals have numbers, but neither an id nor another required field.
        """
        named = "id" in raw and "id" not in lost and not self.columns.numbered
        kinds = {
            known.kind
            for name, known in self.kind.fields.items()
            if name in raw and name not in ("id", *lost, *self.columns.constants) and known.kind != "attributes"
        }
        empty = [name for name, (value, _) in lost.items() if value is None]
        if not kinds:
            return not named or len(empty) == len(lost)
        return not named and (kinds <= {"number", "integer", "money"} or ("id" in empty and len(empty) > 1))


@cache
def _validator(record: Any) -> Callable[[list[_Raw]], list[Any]]:
    """The validator of rows, built lazily."""
    validate: Callable[[list[_Raw]], list[Any]] = TypeAdapter(list[record]).validate_python
    return validate


@cache
def _lenient(record: Any) -> Callable[[_Raw], Any]:
    """The validator of a row with unreadable fields."""
    validate: Callable[[_Raw], Any] = TypeAdapter(partly_read(record)).validate_python
    return validate


def _drop(raw: _Raw, name: str) -> None:
    """Remove an invalid value from a row."""
    own = name.removeprefix("attributes.")
    if own == name:
        raw.pop(name, None)
    elif own in raw.get("attributes", {}):
        raw["attributes"] = {each: value for each, value in raw["attributes"].items() if each != own}


def _picked(lines: Sequence[int], places: Sequence[int]) -> list[int]:
    return [lines[place] for place in places]


def _sentence(row: Rejected) -> str:
    if row.field is None:
        return row.reason
    return f"{row.field} is {row.reason}" if row.value is None else f"{row.field} {row.value} is {row.reason}"


def _mapped(columns: Columns) -> dict[str, tuple[str, ...]]:
    mapped: dict[str, list[str]] = {}
    for column in columns.fields:
        mapped.setdefault(column.field, []).append(column.header)
    return {name: tuple(headers) for name, headers in mapped.items()}


def lacks(records: Sequence[Any], preset: Preset | None, *, rows: bool = False) -> list[str]:
    """The preset's warning that no record has an expected value; with `rows` also if there are no records."""
    if preset is None or preset.warn is None or not (records or rows):
        return []
    wanted = preset.warn.without.items()
    found = any(all(getattr(each, name) == value for name, value in wanted) for each in records)
    return [] if found else [preset.warn.note]


def _notes(columns: Columns, kind: RecordType, *, rows: int) -> list[str]:
    notes = []
    if not rows:
        notes.append("There are headers and no rows.")
    if columns.numbered:
        notes.append(f"No column holds the id of {kind.table}, so ids are line numbers, such as 'row 2'.")
    return notes
