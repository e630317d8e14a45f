"""One look over the columns that a query reads, before it is asked.

It says how many rows there are and how large the numbers, so that sums are known to fit; whether amounts kept as floats
stand for decimals without doubt; and which rows the record class would refuse: they are counted, and not measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any

from crmkpi.engines.frames.backends import Backend, refuse
from crmkpi.engines.frames.compiled_values import as_float
from crmkpi.engines.frames.homes.home import TOO_LATE, ColumnType, raw_name
from crmkpi.records import Survey
from crmkpi.records.base import RecordType
from crmkpi.records.survey import LONGEST_SCALES, USUAL_SCALES

__all__ = ["Column", "Path", "Prepared", "inside", "looked_over", "with_usual_scales"]

Path = tuple[str, ...]  # of a field, through relations
_LARGEST = 2**62
_EXACT_FLOAT = 10**15  # up to fifteen digits a decimal and its float stand for each other without doubt
_SCALES = (2, 0, 4, 6, 9)
_MANY_DIGITS = 6  # behind the point
_YEARS = {  # the first and the last plain value that a record can hold
    "timestamp": (-62_135_596_800_000_000, 253_402_300_799_999_999),
    "date": (-719_162, 2_932_896),
}
_OWN_KINDS: Mapping[str, str] = {  # what an attribute is, by the type of its column
    "whole": "integer", "decimal": "money", "float": "number", "flag": "flag", "timestamp": "timestamp", "date": "date",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One plain column: its name inside, what it means, and what is known of its values.

    `digits` says how many digits of its whole numbers are decimals; None where it holds no whole numbers.
    """

    name: str
    kind: str
    digits: int | None = None
    low: int = 0
    high: int = 0
    aware: bool | None = None
    nulls: bool = True
    empty: bool = False
    raw: Any = None  # the type of the timestamp's own column, where that is kept beside under `raw_name`


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frame with plain columns, ready to be asked; `columns` and `exact` go by the path of the field.

    `exact` are the same values as whole numbers, for fields that hold numbers, and as instants, for wall-clock times.
    """

    backend: Backend
    frame: Any
    columns: Mapping[Path, Column]
    exact: Mapping[Path, Column]
    rows: int
    rejected: int
    kept: dict[str, Any] = field(default_factory=dict)  # what the home was asked before


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of the look: its column inside, what it is, and the type of what entered."""

    name: str
    kind: str
    type_: ColumnType

    @property
    def own(self) -> str:
        return inside(self.name)

    @property
    def is_whole(self) -> bool:
        return self.type_.what in ("whole", "decimal") or self.kind in _YEARS

    @property
    def is_measured(self) -> bool:
        return self.is_whole or self.type_.what == "float"


def inside(name: str) -> str:
    """The name of a field's column inside the engine; free of what a database would take for syntax."""
    return "f_" + name.replace(".", "__")


def looked_over(
    backend: Backend,
    type_: RecordType,
    frame: Any,
    types: Mapping[str, ColumnType],
    raws: Mapping[str, Any],
    exact: frozenset[str],
) -> Prepared:
    """The frame as `Prepared`, without the rows that the record would refuse.

    `types` are those of the fields' columns; `raws` those of timestamps that are kept beside.
    """
    fields = [_Field(name, _kind_of(type_, name, known), known) for name, known in types.items()]
    look = _Look(backend, type_, fields, raws, exact)
    found, frame, rejected = look.taken(frame)
    rows = found["rows"]
    columns: dict[tuple[str, ...], Column] = {}
    exacts: dict[tuple[str, ...], Column] = {}
    plain: dict[str, Any] = {}
    for one in fields:
        path = tuple(one.name.split("."))
        made, twin, sources = look.column(one, frame, found)
        plain |= sources
        for each in (made, twin):
            if each is not None and max(abs(each.low), abs(each.high)) > _LARGEST:
                raise refuse(
                    backend,
                    f"{type_.table}.{one.name}",
                    f"it holds a number of more than 18 digits (about {max(abs(each.low), abs(each.high)):.1e})",
                )
        if not found[f"count {one.name}"]:  # timestamps that are not there are of no zone
            made = replace(made, empty=True, aware=None)
        columns[path] = made
        if twin is not None:
            exacts[path] = twin
    if plain:
        frame = frame.with_columns(*(source.alias(name) for name, source in plain.items()))
    return Prepared(backend, frame, MappingProxyType(columns), MappingProxyType(exacts), rows, rejected)


def _kind_of(type_: RecordType, name: str, known: ColumnType) -> str:
    return _OWN_KINDS.get(known.what, "attributes") if name.startswith("attributes.") else type_.fields[name].kind


@dataclass(frozen=True, slots=True)
class _Look:
    backend: Backend
    type_: RecordType
    fields: Sequence[_Field]
    raws: Mapping[str, Any]
    exact: frozenset[str]

    @property
    def nw(self) -> Any:
        return self.backend.home.words

    def _is_decimal_float(self, one: _Field) -> bool:
        """Whether floats stand for decimals: of money, and of numbers that are added up."""
        if one.type_.what != "float" or one.name.startswith("attributes."):
            return False
        return one.kind == "money" or (one.kind == "number" and one.name in self.exact)

    def taken(self, frame: Any) -> tuple[dict[str, Any], Any, int]:
        """What is known of each column, the frame without refused rows, and how many these are.

        A first pass hopes that no row is refused; only where one is the frame is asked again.
        """
        nw = self.nw
        asked: dict[str, Any] = {"rows": nw.len()}
        flags: dict[str, Any] = {}
        for one in self.fields:
            column = nw.col(one.own)
            asked[f"count {one.name}"] = column.count()
            if one.is_measured:
                asked[f"low {one.name}"], asked[f"high {one.name}"] = column.min(), column.max()
            if self._is_decimal_float(one):
                flags[f"_off {one.name}"] = _off(nw, column, _SCALES[0])
                asked[f"off {one.name}"] = nw.col(f"_off {one.name}").sum()
            if raw_name(one.own) in self.raws:
                asked[f"raw {one.name}"] = nw.col(raw_name(one.own)).count()
        faults = self._faults()
        refused = reduce(or_, faults.values()) if faults else None
        if refused is not None:
            flags["_refused"] = nw.when(refused).then(nw.lit(1)).otherwise(nw.lit(0))
            asked["rejected"] = nw.col("_refused").sum()
        found = self._ask(frame, flags, asked)
        late = self._out_of_time(found)
        if not (found.pop("rejected", 0) or late):
            return found, frame, 0
        every = reduce(or_, [*faults.values(), *late])
        flags.pop("_refused", None)
        asked.pop("rejected", None)
        marked = nw.when(every).then(nw.lit(1)).otherwise(nw.lit(0)).alias("_refused")
        frame = frame.with_columns(marked).filter(nw.col("_refused") == nw.lit(0))
        known = self._ask(frame, flags, asked)
        return known, frame, found["rows"] - known["rows"]

    def _ask(self, frame: Any, flags: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
        if flags:
            frame = frame.with_columns(*(flag.alias(name) for name, flag in flags.items()))
        (row,) = self.backend.home.leave(frame.select(*(part.alias(name) for name, part in asked.items())))
        return dict(zip(asked, row, strict=True))

    def _number(self, name: str) -> Any:
        """A field's column as a float."""
        known = next(one for one in self.fields if one.name == name)
        return _as_number(self.nw, known)

    def _faults(self) -> dict[str, Any]:
        """Where the record class would refuse a value, or the lack of one, by the field that is read."""
        nw = self.nw
        wrong: dict[str, list[Any]] = {}
        for one in self.fields:
            if one.name.startswith("attributes."):
                continue
            column, known, found = nw.col(one.own), self.type_.fields[one.name], wrong.setdefault(one.name, [])
            there = ~column.is_null()
            if known.choices:
                found.append(there & ~column.is_in(list(known.choices)))
            if not known.optional:
                found.append(column.is_null())
            if one.type_.what == "float":
                found.append(there & ~column.is_finite())
            if one.type_.wild:
                found.append(there & (column == nw.lit(TOO_LATE)))
            if one.kind == "integer" and one.type_.what == "float":
                found.append(there & (column.round(0) != column))
            if one.kind == "integer" and one.type_.digits:
                found.append(there & (column % nw.lit(10**one.type_.digits) != nw.lit(0)))
            for rule in self.type_.model.__pydantic_fields__[one.name].metadata:
                if getattr(rule, "ge", None) is not None:
                    found.append(there & (column < nw.lit(_bound(rule.ge, one, math.ceil))))
                if getattr(rule, "le", None) is not None:
                    found.append(there & (column > nw.lit(_bound(rule.le, one, math.floor))))
        if self.type_.model is Survey and "score" in wrong:
            low, high, score = (self._number(name) for name in ("scale_low", "scale_high", "score"))
            for word, most in LONGEST_SCALES.items():
                unsaid = high.is_null() & (nw.col(inside("kind")) == nw.lit(word))
                high = nw.when(unsaid).then(nw.lit(most)).otherwise(high)
            wrong["score"] += [low >= high, ~score.is_null() & ((score < low) | (score > high))]
        return {name: reduce(or_, found) for name, found in wrong.items() if found}

    def _out_of_time(self, found: Mapping[str, Any]) -> list[Any]:
        """Where a timestamp or a day is none that a record can hold, such as infinity or the year 290,000."""
        nw, late = self.nw, []
        for one in self.fields:
            if one.kind not in _YEARS or found[f"low {one.name}"] is None:
                lost = found.get(f"raw {one.name}", 0) != found[f"count {one.name}"]
                if one.kind in _YEARS and raw_name(one.own) in self.raws and lost:
                    late.append(~nw.col(raw_name(one.own)).is_null() & nw.col(one.own).is_null())
                continue
            first, last = _YEARS[one.kind]
            column = nw.col(one.own)
            if found[f"low {one.name}"] < first or found[f"high {one.name}"] > last:
                late.append(~column.is_null() & ((column < nw.lit(first)) | (column > nw.lit(last))))
            if found.get(f"raw {one.name}", found[f"count {one.name}"]) != found[f"count {one.name}"]:
                late.append(~nw.col(raw_name(one.own)).is_null() & column.is_null())
        return late

    def column(self, one: _Field, frame: Any, found: Mapping[str, Any]) -> tuple[Column, Column | None, dict[str, Any]]:
        """What is known of a column, its exact twin where it needs one, and the plain columns to be made."""
        nw, own = self.nw, one.own
        nulls = found[f"count {one.name}"] < found["rows"]
        low, high = found.get(f"low {one.name}"), found.get(f"high {one.name}")
        if self._is_decimal_float(one):
            scale = self._scale_of(frame, one, found)
            least, most = (round(float(bound or 0) * 10**scale) for bound in (low, high))
            name = own if one.kind == "money" else f"{own}_exact"
            exact = Column(name, one.kind, scale, least, most, nulls=nulls)
            plain = {name: _whole(nw, nw.col(own), scale)}
            return (exact, None, plain) if one.kind == "money" else (Column(own, one.kind, nulls=nulls), exact, plain)
        if one.type_.what == "float":
            if one.kind == "integer":
                made = Column(own, one.kind, 0, int(low or 0), int(high or 0), nulls=nulls)
                return made, None, {own: nw.col(own).cast(nw.Int64)}
            wild = one.name.startswith("attributes.")
            # What is not a number is nothing, and not a group that no row is ever in.
            plain = {own: nw.when(~nw.col(own).is_nan()).then(nw.col(own))} if wild else {}
            return Column(own, one.kind, nulls=nulls or wild), None, plain
        if not one.is_whole:
            return Column(own, one.kind, nulls=nulls), None, {}
        digits, source, least, most = self._fitted(one, frame, int(low or 0), int(high or 0))
        aware = one.type_.aware if one.kind == "timestamp" else None
        raw = self.raws.get(raw_name(own))
        whole = Column(own, one.kind, digits, least, most, aware, nulls, raw=raw)
        if one.kind != "number" or one.name.startswith("attributes."):
            return whole, None, {} if source is None else {own: source}
        name = f"{own}_exact"
        plain = {own: _as_number(nw, one)}
        if one.name not in self.exact:
            return Column(own, one.kind, nulls=nulls), None, plain
        plain[name] = nw.col(own) if source is None else source
        return Column(own, one.kind, nulls=nulls), replace(whole, name=name), plain

    def _fitted(self, one: _Field, frame: Any, low: int, high: int) -> tuple[int, Any, int, int]:
        """Whole numbers in 64 bits: how many of their digits are decimals, their source unless they are that already.

        Digits behind the point that are 0 in all rows are left out where there are many, so that products fit.
        """
        nw, column, digits = self.nw, self.nw.col(one.own), one.type_.digits
        if one.kind == "integer" and digits:
            return 0, (column // nw.lit(10**digits)).cast(nw.Int64), low // 10**digits, high // 10**digits
        if digits > _MANY_DIGITS or (digits and max(abs(low), abs(high)) > _LARGEST):
            factors = {scale: 10 ** (digits - scale) for scale in sorted(_SCALES) if scale < digits}
            lost = {
                f"_lost{scale}": nw.when(column % nw.lit(factor) != nw.lit(0)).then(nw.lit(1)).otherwise(nw.lit(0))
                for scale, factor in factors.items()
            }
            counted = self._ask(frame, lost, {name: nw.col(name).sum() for name in lost})
            for scale, factor in factors.items():
                if not counted[f"_lost{scale}"]:
                    return scale, (column // nw.lit(factor)).cast(nw.Int64), low // factor, high // factor
        return digits, column.cast(nw.Int64) if one.type_.wide else None, low, high

    def _scale_of(self, frame: Any, one: _Field, found: Mapping[str, Any]) -> int:
        """With how many decimal digits all values of a float column are exactly what they say."""
        if not found[f"off {one.name}"]:
            return _SCALES[0]
        nw, column = self.nw, self.nw.col(one.own)
        flags = {f"_off{scale}": _off(nw, column, scale) for scale in _SCALES[1:]}
        counted = self._ask(frame, flags, {flag: nw.col(flag).sum() for flag in flags})
        for scale in _SCALES[1:]:
            if not counted[f"_off{scale}"]:
                return scale
        raise refuse(
            self.backend,
            f"{self.type_.table}.{one.name}",
            "its floats have more digits than can be added exactly; round the column in 64 bits, cast it to a decimal, "
            "or give records",
        )


def _bound(bound: Any, one: _Field, rounded: Any) -> Any:
    """A bound of a rule as a plain number of the column."""
    return rounded(Decimal(str(bound)) * 10**one.type_.digits) if one.is_whole else float(bound)


def _as_number(nw: Any, one: _Field) -> Any:
    column = nw.col(one.own)
    if one.type_.what == "float":
        return column
    return as_float(nw, column, one.type_.digits)


def _whole(nw: Any, column: Any, scale: int) -> Any:
    """A float as the whole number of its smallest digit."""
    return nw.when(~column.is_null()).then((column * nw.lit(float(10**scale))).round(0)).cast(nw.Int64)


def _off(nw: Any, column: Any, scale: int) -> Any:
    """1 where the float does not round-trip through a decimal of `scale` digits, else 0."""
    factor = float(10**scale)
    number = (column * nw.lit(factor)).round(0)
    # By a column, since Polars divides by a constant as a product with its rounded inverse.
    divisor = column * nw.lit(0.0) + nw.lit(factor)
    wrong = (number / divisor != column) | (number.abs() >= nw.lit(float(_EXACT_FLOAT)))
    return nw.when(~column.is_null() & wrong).then(nw.lit(1)).otherwise(nw.lit(0))


def with_usual_scales(nw: Any, frame: Any, types: Mapping[str, ColumnType]) -> tuple[Any, dict[str, ColumnType]]:
    """A survey without a scale has the usual one of its kind, as the record has."""
    kind = nw.col(inside("kind"))
    made = []
    for name, place in (("scale_low", 0), ("scale_high", 1)):
        usual: Any = nw.lit(None).cast(nw.Float64)
        for word, scale in USUAL_SCALES.items():
            if scale[place] is not None:
                usual = nw.when(kind == nw.lit(word)).then(nw.lit(scale[place])).otherwise(usual)
        column = _as_number(nw, _Field(name, "number", types[name]))
        made.append(nw.when(column.is_null()).then(usual).otherwise(column).alias(inside(name)))
    floats = ColumnType("float", "Float64")
    return frame.with_columns(*made), {**types, "scale_low": floats, "scale_high": floats}
