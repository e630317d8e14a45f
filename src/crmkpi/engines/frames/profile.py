"""One look over the columns that a query reads, before it is asked.

It says how many rows there are and how large the numbers, so that sums are known to fit; whether amounts kept as floats
stand for decimals without doubt; and which rows the record class would refuse: they are counted, and not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any

from crmkpi.engines.frames.backends import Backend, refuse, words
from crmkpi.engines.frames.homes.sql import raw_name
from crmkpi.engines.frames.native import rows_of
from crmkpi.records import Survey
from crmkpi.records.base import RecordType

__all__ = ["Column", "Prepared", "inside", "looked_over", "with_usual_scales"]

_LARGEST = 2**62
_EXACT_FLOAT = 10**15  # up to fifteen digits a decimal and its float stand for each other without doubt
_SCALES = (2, 0, 4, 6, 9)
_USUAL_SCALES = {"nps": (0.0, 10.0), "csat": (1.0, 5.0), "ces": (1.0, 7.0), "awareness": (0.0, 1.0)}
_MEASURED = ("timestamp", "date", "integer", "money", "number")


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

    `exact` are the same values as whole numbers, for fields that hold floats.
    """

    backend: Backend
    frame: Any
    columns: Mapping[tuple[str, ...], Column]
    exact: Mapping[tuple[str, ...], Column]
    rows: int
    rejected: int
    kept: dict[str, Any] = field(default_factory=dict)  # what DuckDB was asked before


def inside(name: str) -> str:
    """The name of a field's column inside the engine; free of what a database would take for syntax."""
    return "f_" + name.replace(".", "__")


def looked_over(
    backend: Backend,
    type_: RecordType,
    frame: Any,
    names: Sequence[str],
    digits: Mapping[str, int],
    aware: Mapping[str, bool],
    exact: frozenset[str],
) -> Prepared:
    """The frame as `Prepared`, without the rows that the record would refuse."""
    nw = words(backend)
    schema = frame.collect_schema()
    kinds = {name: "attributes" if name.startswith("attributes.") else type_.fields[name].kind for name in names}
    floats = [
        name
        for name in names
        if schema[inside(name)].is_float() and (kinds[name] == "money" or (kinds[name] == "number" and name in exact))
    ]
    found, frame = _look(nw, backend, type_, frame, kinds, schema, floats)
    rows, rejected = found["rows"], found.get("rejected") or 0
    columns: dict[tuple[str, ...], Column] = {}
    exacts: dict[tuple[str, ...], Column] = {}
    plain: list[Any] = []
    for name, kind in kinds.items():
        path, own = tuple(name.split(".")), inside(name)
        low, high = found.get(f"low {name}"), found.get(f"high {name}")
        nulls = found[f"count {name}"] < rows
        shown = digits.get(own, 0)
        if kind in ("timestamp", "date", "integer") or own in digits:
            raw = schema.get(raw_name(own))
            made = Column(own, kind, shown, int(low or 0), int(high or 0), aware.get(name), nulls, raw=raw)
            if schema[own].is_float():
                plain.append(nw.col(own).cast(nw.Int64).alias(own))
        elif kind == "money" and not schema[own].is_float():
            scale = schema[own].scale if schema[own].is_decimal() else 0
            least, most = (int((bound or 0) * 10**scale) for bound in (low, high))
            made = Column(own, kind, scale, least, most, nulls=nulls)
            if scale:
                plain.append((nw.col(own) * nw.lit(10**scale)).cast(nw.Int64).alias(own))
        elif name in floats:
            scale = _scale_of(nw, backend, frame, name, found, type_)
            least, most = (round(float(bound or 0) * 10**scale) for bound in (low, high))
            made = Column(own if kind == "money" else f"{own}_exact", kind, scale, least, most, nulls=nulls)
            plain.append(_whole(nw, nw.col(own), scale).alias(made.name))
            if kind == "number":
                exacts[path] = made
                made = Column(own, kind, nulls=nulls)
        else:
            wild = kind == "attributes" and schema[own].is_float()
            made = Column(own, kind, nulls=nulls or wild)
            if wild:  # what is not a number is nothing, and not a group that no row is ever in
                plain.append(nw.when(~nw.col(own).is_nan()).then(nw.col(own)).alias(own))
            elif kind == "number" and not schema[own].is_float():
                plain.append(nw.col(own).cast(nw.Float64).alias(own))
        largest = max(abs(made.low), abs(made.high))
        if largest > _LARGEST:
            raise refuse(
                backend, f"{type_.table}.{name}", f"it holds a number of more than 18 digits (about {largest:.1e})"
            )
        if not found[f"count {name}"]:  # timestamps that are not there are of no zone
            made = replace(made, empty=True, aware=None)
        columns[path] = made
    if plain:
        frame = frame.with_columns(*plain)
    return Prepared(backend, frame, MappingProxyType(columns), MappingProxyType(exacts), rows, rejected)


def _look(
    nw: Any,
    backend: Backend,
    type_: RecordType,
    frame: Any,
    kinds: Mapping[str, str],
    schema: Mapping[str, Any],
    floats: Sequence[str],
) -> tuple[dict[str, Any], Any]:
    """What is known of each column, and the frame without refused rows."""
    asked: dict[str, Any] = {"rows": nw.len()}
    for name, kind in kinds.items():
        asked[f"count {name}"] = nw.col(inside(name)).count()
        if kind in _MEASURED:
            asked[f"low {name}"], asked[f"high {name}"] = nw.col(inside(name)).min(), nw.col(inside(name)).max()
    flags: dict[str, Any] = {f"_off {name}": _off(nw, nw.col(inside(name)), _SCALES[0]) for name in floats}
    asked |= {f"off {name}": nw.col(f"_off {name}").sum() for name in floats}
    refused = _refused(nw, type_, kinds, schema)
    if refused is not None:
        flags["_refused"] = nw.when(refused).then(nw.lit(1)).otherwise(nw.lit(0))
        asked["rejected"] = nw.col("_refused").sum()
    found = _ask(backend, frame, flags, asked)
    if found.get("rejected"):
        frame = frame.with_columns(flags.pop("_refused").alias("_refused")).filter(nw.col("_refused") == 0)
        rejected = found["rejected"]
        del asked["rejected"]
        found = {**_ask(backend, frame, flags, asked), "rejected": rejected}
    return found, frame


def _ask(backend: Backend, frame: Any, flags: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    if flags:
        frame = frame.with_columns(*(flag.alias(name) for name, flag in flags.items()))
    (row,) = rows_of(backend, frame.select(*(part.alias(name) for name, part in asked.items())))
    return dict(zip(asked, row, strict=True))


def _whole(nw: Any, column: Any, scale: int) -> Any:
    """A float as the whole number of its smallest digit."""
    return nw.when(~column.is_null()).then((column * nw.lit(float(10**scale))).round(0)).cast(nw.Int64)


def _off(nw: Any, column: Any, scale: int) -> Any:
    """1 where the float is not the decimal with so many digits that it looks like, else 0."""
    factor = float(10**scale)
    number = (column * nw.lit(factor)).round(0)
    # By a column, since Polars divides by a constant as a product with its rounded inverse.
    divisor = column * nw.lit(0.0) + nw.lit(factor)
    wrong = (number / divisor != column) | (number.abs() >= nw.lit(float(_EXACT_FLOAT)))
    return nw.when(~column.is_null() & wrong).then(nw.lit(1)).otherwise(nw.lit(0))


def _scale_of(nw: Any, backend: Backend, frame: Any, name: str, found: Mapping[str, Any], type_: RecordType) -> int:
    """With how many decimal digits all values of a float column are exactly what they say."""
    if not found[f"off {name}"]:
        return _SCALES[0]
    column = nw.col(inside(name))
    flags = {f"_off{scale}": _off(nw, column, scale) for scale in _SCALES[1:]}
    found = _ask(backend, frame, flags, {flag: nw.col(flag).sum() for flag in flags})
    for scale in _SCALES[1:]:
        if not found[f"_off{scale}"]:
            return scale
    raise refuse(
        backend,
        f"{type_.table}.{name}",
        "its floats have more digits than can be added exactly; round the column, cast it to a decimal, or "
        "give records",
    )


def _refused(nw: Any, type_: RecordType, kinds: Mapping[str, str], schema: Mapping[str, Any]) -> Any:
    """The rows that the record class would refuse, by the fields that are read."""
    wrong: list[Any] = []
    for name, kind in kinds.items():
        if kind == "attributes":
            continue
        column, known = nw.col(inside(name)), type_.fields[name]
        if known.choices:
            wrong.append(~column.is_null() & ~column.is_in(list(known.choices)))
        if not known.optional:
            wrong.append(column.is_null())
        if schema[inside(name)].is_float():
            wrong.append(~column.is_null() & ~column.is_finite())
        if kind == "integer" and schema[inside(name)].is_float():
            wrong.append(~column.is_null() & (column.round(0) != column))
        for rule in type_.model.__pydantic_fields__[name].metadata:
            if getattr(rule, "ge", None) is not None:
                wrong.append(~column.is_null() & (column < nw.lit(rule.ge)))
            if getattr(rule, "le", None) is not None:
                wrong.append(~column.is_null() & (column > nw.lit(rule.le)))
    if type_.model is Survey and "score" in kinds:
        low, high, score = (nw.col(inside(name)) for name in ("scale_low", "scale_high", "score"))
        wrong += [low >= high, ~score.is_null() & ((score < low) | (score > high))]
    return reduce(or_, wrong) if wrong else None


def with_usual_scales(nw: Any, frame: Any) -> Any:
    """A survey without a scale has the usual one of its kind, as the record has."""
    kind = nw.col(inside("kind"))
    made = []
    for name, place in (("scale_low", 0), ("scale_high", 1)):
        usual: Any = nw.lit(None).cast(nw.Float64)
        for word, scale in _USUAL_SCALES.items():
            usual = nw.when(kind == nw.lit(word)).then(nw.lit(scale[place])).otherwise(usual)
        column = nw.col(inside(name)).cast(nw.Float64)
        made.append(nw.when(column.is_null()).then(usual).otherwise(column).alias(inside(name)))
    return frame.with_columns(*made)
