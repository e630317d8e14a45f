"""Profile the columns that a query reads, before the query runs.

The profile has the number of rows and the extremes, which show that sums do not overflow; it says whether amounts
stored as floats round-trip as decimals, and whether all fields are readable.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from crmkpi.definition.expressions import ValueKind
from crmkpi.engines.frames.backends import Backend, refuse
from crmkpi.engines.frames.faults import (
    YEARS,
    EnteredField,
    Entry,
    as_number,
    blank_text,
    fields_of,
    is_beyond,
    may_stand_for_nothing,
    odd_one,
    scale_faults,
    some_of,
)
from crmkpi.engines.frames.homes.home import Kept, raw_name, word_name
from crmkpi.engines.frames.unreadable import Mark
from crmkpi.engines.frames.words import Cell, Expr, Frame, Words, flagged, only_where, with_named
from crmkpi.records.base import RecordType

__all__ = ["Path", "Prepared", "ProfiledColumn", "Profiler", "profiled"]

Path = tuple[str, ...]  # the names of relations that lead to a field, then its own
_LARGEST = 2**62
_EXACT_FLOAT = 10**15  # decimals of up to fifteen digits round-trip through floats
_SCALES = (2, 0, 4, 6, 9)
_MANY_DIGITS = 6  # decimal places


class ProfiledColumn(NamedTuple):
    """One plain column: its name in the engine, its kind, and the known facts about its values.

    `digits` is the number of decimal places in its integers; None if it does not hold integers.
    """

    name: str
    kind: ValueKind
    digits: int | None = None
    low: int = 0
    high: int = 0
    aware: bool | None = None
    nulls: bool = True
    empty: bool = False
    raw: str | None = None  # the zone of the timestamp's original column, if `raw_name` keeps this too


class Prepared(NamedTuple):
    """A frame with plain columns, ready for queries; `columns` and `exact` are keyed by the path of the field.

    `exact` has a twin of some columns: numbers as integers, wall-clock times as instants, instants as wall-clock
    times. `marks` name the columns that flag unreadable values: of the keys that lead to a related field, then its own.
    """

    backend: Backend
    frame: Frame
    columns: Mapping[Path, ProfiledColumn]
    exact: Mapping[Path, ProfiledColumn]
    rows: int
    rejected: int
    kept: Kept  # the home's cache of statements
    marks: Mapping[tuple[str, ...], tuple[Mark, ...]] = MappingProxyType({})
    # The conditions under which a row breaks an assumption, keyed by the column that they test.
    doubts: Mapping[str, Expr] = MappingProxyType({})
    assumed: Hashable = None  # the key of these columns, if they are assumed and not profiled


def profiled(
    backend: Backend, type_: RecordType, entry: Entry, exact: frozenset[str], *, settled: bool = False
) -> Prepared | None:
    """Profile an entry; None if a field has unreadable values, unless these are `settled` (removed already)."""
    fields = fields_of(type_, entry.types)
    profiler = Profiler(backend, type_, fields, entry, exact)
    found = profiler.known(settled=settled)
    if found is None:
        return None
    rows, frame = found["rows"], entry.frame
    columns: dict[tuple[str, ...], ProfiledColumn] = {}
    exacts: dict[tuple[str, ...], ProfiledColumn] = {}
    plain: dict[str, Expr] = {}
    for one in fields:
        path = tuple(one.name.split("."))
        made, twin, sources = profiler.column(one, frame, found)
        plain |= sources
        for each in (made, twin):
            if each is not None and max(abs(each.low), abs(each.high)) > _LARGEST:
                raise refuse(
                    backend,
                    f"{type_.table}.{one.name}",
                    f"it holds a number of more than 18 digits (about {max(abs(each.low), abs(each.high)):.1e}); "
                    "look for a wrong value, or give records",
                )
        if not found[f"count {one.name}"]:  # an empty column is neither aware nor on the wall clock
            made = made._replace(empty=True, aware=None)
        columns[path] = made
        if twin is not None:
            exacts[path] = twin
    return Prepared(backend, with_named(frame, plain), MappingProxyType(columns), MappingProxyType(exacts), rows, 0, {})


class Profiler(NamedTuple):
    """Profiles the columns of some fields."""

    backend: Backend
    type_: RecordType
    fields: list[EnteredField]
    entry: Entry
    exact: frozenset[str]

    @property
    def nw(self) -> Words:
        """The factory of expressions."""
        return self.backend.home.words

    def is_decimal_float(self, one: EnteredField) -> bool:
        """Whether floats are read as decimals: money, and numbers to be added up."""
        if one.type_.what != "float" or one.name.startswith("attributes."):
            return False
        return one.kind == "money" or (one.kind == "number" and one.name in self.exact)

    def known(self, *, settled: bool) -> dict[str, Cell] | None:
        """The counts, extremes and other facts of each column; None if a field has unreadable values."""
        nw, backend = self.nw, self.backend
        aggregates: dict[str, Expr] = {"rows": nw.len()}
        flags: dict[str, Expr] = {}
        for one in self.fields:
            column = nw.col(one.own)
            aggregates[f"count {one.name}"] = column.count()
            if one.is_measured:
                aggregates[f"low {one.name}"], aggregates[f"high {one.name}"] = column.min(), column.max()
            if self.is_decimal_float(one):
                flags[f"_off {one.name}"] = self.off(one, _SCALES[0])
                aggregates[f"off {one.name}"] = nw.col(f"_off {one.name}").sum()
            if raw_name(one.own) in self.entry.raws:
                aggregates[f"raw {one.name}"] = nw.col(raw_name(one.own)).count()
            if not settled and one.type_.what == "float" and not backend.nan_is_largest:
                flags[f"_nan {one.name}"] = flagged(nw, column.is_nan())
                aggregates[f"nan {one.name}"] = nw.col(f"_nan {one.name}").sum()
        refused = None if settled else self._refused()
        if refused is not None:
            flags["_refused"] = flagged(nw, refused)
            aggregates["refused"] = nw.col("_refused").sum()
        found = self._aggregated(self.entry.frame, flags, aggregates)
        return found if settled or not (found.get("refused") or self._is_refused(found)) else None

    def _aggregated(self, frame: Frame, flags: Mapping[str, Expr], aggregates: Mapping[str, Expr]) -> dict[str, Cell]:
        frame = with_named(frame, flags)
        (row,) = self.backend.home.leave(frame.select(*(part.alias(name) for name, part in aggregates.items())))
        return dict(zip(aggregates, row, strict=True))

    def _refused(self) -> Expr | None:
        """True where the record class would reject a value for a reason that counts and extremes do not show."""
        nw, found = self.nw, []
        for one in self.fields:
            if one.name in self.entry.told:
                found.append(~nw.col(word_name(one.own)).is_null())
            elif one.name not in self.entry.fixed:
                ways = (odd_one(nw, self.type_, one, self.entry), blank_text(nw, self.type_, one))
                found += [way for way in ways if way is not None]
        return some_of([*found, *self.off_scale()])

    def off_scale(self) -> list[Expr]:
        """True where a survey's score is off its scale, or its scale is empty."""
        if not self.type_.is_survey or all(one.name != "score" for one in self.fields):
            return []
        return [*scale_faults(self.nw, self.fields)]

    def round_trips(self, one: EnteredField, scale: int) -> Expr:
        """True where a float round-trips through a decimal of `scale` places; NULL where it is NULL."""
        nw, factor, column = self.nw, float(10**scale), self.nw.col(one.own)
        number = (column * nw.lit(factor)).round(0)
        divisor = nw.lit(factor) if self.backend.divides else column * nw.lit(0.0) + nw.lit(factor)
        return number / divisor == column

    def off(self, one: EnteredField, scale: int) -> Expr:
        """1 where a float does not round-trip through a decimal of `scale` places, else 0."""
        return flagged(self.nw, ~self.nw.col(one.own).is_null() & ~self.round_trips(one, scale))

    def _is_refused(self, found: Mapping[str, Cell]) -> bool:
        """Whether counts and extremes show a value that the record class rejects: missing, NaN, or out of bounds."""
        for one in self.fields:
            count, low, high = (found.get(f"{what} {one.name}") for what in ("count", "low", "high"))
            own = self.type_.fields.get(one.name)
            if one.name not in self.entry.told and own is not None:
                lacks = not own.optional and count < found["rows"]
                if lacks or found.get(f"nan {one.name}") or is_beyond(self.type_, one, low, high):
                    return True
            if one.kind in YEARS and low is not None and high is not None:
                first, last = YEARS[one.kind]
                if low < first or high > last or (own is not None and may_stand_for_nothing(one.kind, low)):
                    return True
            if found.get(f"raw {one.name}", count) != count:
                return True
        return False

    def column(
        self, one: EnteredField, frame: Frame, found: Mapping[str, Cell]
    ) -> tuple[ProfiledColumn, ProfiledColumn | None, dict[str, Expr]]:
        """The profile of a column, its exact twin if it needs one, and the plain columns to compute."""
        nw, own = self.nw, one.own
        nulls = found[f"count {one.name}"] < found["rows"]
        low, high = found.get(f"low {one.name}"), found.get(f"high {one.name}")
        if self.is_decimal_float(one):
            scale = self._scale_of(frame, one, found)
            least, most = (round(float(bound or 0) * 10**scale) for bound in (low, high))
            name = own if one.kind == "money" else f"{own}_exact"
            exact = ProfiledColumn(name, one.kind, scale, least, most, nulls=nulls)
            plain = {name: _whole(nw, nw.col(own), scale)}
            return (
                (exact, None, plain)
                if one.kind == "money"
                else (ProfiledColumn(own, one.kind, nulls=nulls), exact, plain)
            )
        if one.type_.what == "float":
            if one.kind == "integer":
                made = ProfiledColumn(own, one.kind, 0, int(low or 0), int(high or 0), nulls=nulls)
                return made, None, {own: nw.col(own).cast(nw.Int64)}
            wild = one.name.startswith("attributes.")
            # NaN becomes NULL: as a key it would be a group that equals no other.
            plain = {own: only_where(nw, ~nw.col(own).is_nan(), nw.col(own))} if wild else {}
            return ProfiledColumn(own, one.kind, nulls=nulls or wild), None, plain
        if not one.is_whole:
            return ProfiledColumn(own, one.kind, nulls=nulls), None, {}
        digits, source, least, most = self._fitted(one, frame, int(low or 0), int(high or 0))
        aware = one.type_.aware if one.kind == "timestamp" else None
        raw = self.entry.raws.get(raw_name(own))
        whole = ProfiledColumn(own, one.kind, digits, least, most, aware, nulls, raw=raw)
        if one.kind != "number" or one.name.startswith("attributes."):
            return whole, None, {} if source is None else {own: source}
        name = f"{own}_exact"
        plain = {own: as_number(nw, one)}
        if one.name not in self.exact:
            return ProfiledColumn(own, one.kind, nulls=nulls), None, plain
        plain[name] = nw.col(own) if source is None else source
        return ProfiledColumn(own, one.kind, nulls=nulls), whole._replace(name=name), plain

    def _fitted(self, one: EnteredField, frame: Frame, low: int, high: int) -> tuple[int, Expr | None, int, int]:
        """Integers in 64 bits: their decimal places, their expression unless it is the column itself, and extremes.

        Of many decimal places, those that are 0 in all rows are dropped, so that products do not overflow.
        """
        nw, column, digits = self.nw, self.nw.col(one.own), one.type_.digits
        if one.kind == "integer" and digits:
            return 0, (column // nw.lit(10**digits)).cast(nw.Int64), low // 10**digits, high // 10**digits
        if digits > _MANY_DIGITS or (digits and max(abs(low), abs(high)) > _LARGEST):
            factors = {scale: 10 ** (digits - scale) for scale in sorted(_SCALES) if scale < digits}
            lost = {
                f"_lost{scale}": flagged(nw, column % nw.lit(factor) != nw.lit(0)) for scale, factor in factors.items()
            }
            counted = self._aggregated(frame, lost, {name: nw.col(name).sum() for name in lost})
            for scale, factor in factors.items():
                if not counted[f"_lost{scale}"]:
                    return scale, (column // nw.lit(factor)).cast(nw.Int64), low // factor, high // factor
        return digits, column.cast(nw.Int64) if one.type_.wide else None, low, high

    def _scale_of(self, frame: Frame, one: EnteredField, found: Mapping[str, Cell]) -> int:
        """The number of decimal places with which all values of a float column round-trip."""
        largest = max(abs(found[f"{side} {one.name}"] or 0) for side in ("low", "high"))
        fit = [scale for scale in _SCALES if round(largest * 10**scale) < _EXACT_FLOAT]
        if _SCALES[0] in fit and not found.get(f"off {one.name}"):
            return _SCALES[0]
        nw = self.nw
        flags = {f"_off{scale}": self.off(one, scale) for scale in fit if scale != _SCALES[0]}
        counted = self._aggregated(frame, flags, {flag: nw.col(flag).sum() for flag in flags}) if flags else {}
        for flag, scale in zip(flags, fit[-len(flags) :], strict=True):
            if not counted[flag]:
                return scale
        raise refuse(
            self.backend,
            f"{self.type_.table}.{one.name}",
            "its floats have more digits than can be added exactly; round the column in 64 bits, cast it to a decimal, "
            "or give records",
        )


def _whole(nw: Words, column: Expr, scale: int) -> Expr:
    """A float as an integer of its smallest decimal place."""
    return only_where(nw, ~column.is_null(), (column * nw.lit(float(10**scale))).round(0)).cast(nw.Int64)
