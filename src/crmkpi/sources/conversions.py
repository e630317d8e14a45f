"""The conversions of each field's cells, before validation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

from crmkpi.errors import InputError, UnknownNameError
from crmkpi.records.base import FieldType, RecordType
from crmkpi.sources.choices import FLAGS_OF_LANGUAGES, Words, choice_reader, currency_reader, flag_words, word_reader
from crmkpi.sources.columns import Columns, MatchedColumn, check_fields
from crmkpi.sources.computed_values import (
    PERCENT,
    SCALES,
    Combine,
    a_month,
    after,
    fraction,
    in_its_currency,
    in_whole_units,
    plain_fraction,
    scaled,
    stripe_items,
)
from crmkpi.sources.dates import NUMERIC_FORMS, DateReader, check_iso, zone_named, zone_of_header
from crmkpi.sources.durations import SECONDS, DurationReader
from crmkpi.sources.grid import Grid
from crmkpi.sources.numbers import NumberKind, NumberReader
from crmkpi.sources.presets.model import PresetColumn
from crmkpi.sources.reading import ENDS, ReadingOptions
from crmkpi.sources.tallies import Count, Tallies
from crmkpi.sources.usual_words import usual_words

__all__ = ["Conversion", "conversions_for", "convert", "is_computed"]

Reader = Callable[[Any], Any]
_NUMBERS = ("money", "number", "integer")
_DATES = ("timestamp", "date")
_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "number": float,
    "integer": lambda found: int(Decimal(str(found))),
    "money": lambda found: Decimal(str(found)),
}


@dataclass(slots=True, eq=False, repr=False)
class Conversion:
    """How the cells of one slot are read. `fast` may fail on a cell that `careful` reads, but never reads it otherwise.

    Without `fast` the cells go to the record as they are. `check` sees all cells of a chunk before `fast` does, and
    raises where `careful` is needed; `counted` counts them. `words` is the lookup table of cells, where a lookup is
    the whole conversion; `combine` computes with other values of the row. `attribute` is the custom attribute that
    the value becomes. `computed` values come from others of the row, and are unreadable where those are.
    """

    slot: str
    field: str
    careful: Reader | None
    fast: Reader | None
    check: Callable[[Sequence[Any]], None] | None = None
    combine: Combine | None = None
    number: NumberReader | None = None
    words: Words | None = None
    counted: Callable[[int], None] | None = None
    attribute: str | None = None
    computed: bool = False


def convert(raws: list[dict[str, Any]], conversion: Conversion, *, fast: bool) -> None:
    """Read one slot of some rows; `None` means a missing value, and a field that has a value keeps it."""
    slot, field, combine, words = conversion.slot, conversion.field, conversion.combine, conversion.words
    read = conversion.fast if fast else conversion.careful
    cells: list[Any] = []
    if words is not None or (fast and conversion.check is not None):
        cells = [raw[slot] for raw in raws if slot in raw and (slot == field or field not in raw)]
        if fast and conversion.check is not None:
            conversion.check(cells)
        if fast and conversion.counted is not None:
            conversion.counted(len(cells))
    if conversion.attribute is not None:
        _convert_attribute(raws, conversion)
    elif slot != field:
        for raw in raws:
            value = raw.pop(slot, None)
            if value is not None and field not in raw:
                value = value if read is None else read(value)
                if value is not None and combine is not None:
                    value = combine(value, raw)
                if value is not None:
                    raw[field] = value
    elif read is not None and not (words is not None and fast and combine is None and _say_the_same(cells, words)):
        for raw in raws:
            value = raw.get(slot)
            if value is not None:
                value = read(value)
                if value is not None and combine is not None:
                    value = combine(value, raw)
                if value is None:
                    del raw[slot]
                else:
                    raw[slot] = value
    if words is not None and words.changed:
        words.count(cells)


def _say_the_same(cells: Sequence[Any], words: Words) -> bool:
    """Whether each word maps to itself, so that no cell needs converting."""
    return all(type(words[word]) is type(word) and words[word] == word for word in set(cells))


def _convert_attribute(raws: list[dict[str, Any]], conversion: Conversion) -> None:
    """Convert one custom column of a declared kind, and move it from its slot to the attributes of the rows."""
    for raw in raws:
        value = raw.pop(conversion.slot, None)
        value = value if value is None or conversion.careful is None else conversion.careful(value)
        if value is not None:
            value = value if conversion.combine is None else conversion.combine(value, raw)
            raw.setdefault("attributes", {})[conversion.attribute] = value


def conversions_for(
    grid: Grid, columns: Columns, kind: RecordType, options: ReadingOptions, tallies: Tallies
) -> list[Conversion]:
    """The conversions that the fields of a source need, in order of execution."""
    for name, words in options.values.items():
        filled = next((column.field for column in columns.fields if column.header == name), None)
        if name not in kind.fields and filled is not None:
            raise UnknownNameError(
                f"values= names {name!r}, which is no field of {kind.model.__name__}; that column fills {filled!r}, so "
                f"say values={{{filled!r}: ...}}."
            )
        if not isinstance(words, Mapping):
            raise InputError(
                f"values= maps the words of {name!r} to what they mean, such as {{'Closed Won': 'won'}}; got {words!r}."
            )
    check_fields(options.values, kind, "values")
    if isinstance(options.date_format, Mapping):
        check_fields(options.date_format, kind, "date_format")
    constants = [MatchedColumn(-1, name, name, name) for name in columns.constants]
    made = _Conversions(grid, kind, options, tallies, columns.constants)
    found = [made.of(column) for column in (*columns.fields, *constants)]
    found += [made.attribute(column, field) for column, field in columns.typed]
    return sorted((each for each in found if each is not None), key=_place)


def is_computed(by: PresetColumn | None) -> bool:
    """Whether the values of a column are computed from others of their row."""
    return by is not None and bool(by.after or by.per or by.unit in ("smallest", "stripe_items"))


def _place(conversion: Conversion) -> int:
    """The sort key: currencies first, since amounts are validated against them; computed fields last."""
    if conversion.field == "currency":
        return 0
    return 2 if conversion.combine is not None and conversion.slot != conversion.field else 1


class _Conversions(NamedTuple):
    grid: Grid
    kind: RecordType
    options: ReadingOptions
    tallies: Tallies
    constants: Mapping[str, Any]

    def of(self, column: MatchedColumn) -> Conversion | None:
        """The conversion that a column needs, if any."""
        field = self.kind.fields[column.field]
        firsts, words = self._words(column, field)
        steps: list[Reader] = [*firsts, *([] if words is None else [words.read])]
        fast = list(steps)
        number: NumberReader | None = None
        combine: Combine | None = None
        check: Callable[[Sequence[Any]], None] | None = None
        counted: Callable[[int], None] | None = None
        unit = None if column.by is None else column.by.unit
        if unit == "capitals" and words is None:
            steps.append(str.upper)
            fast.append(str.upper)
        if unit in SECONDS or column.field.endswith("seconds"):
            number = self._number(column, field)
            read = DurationReader(unit=unit or "seconds", number=number, count=self._count(column))
            steps.append(read)
            if unit is not None:
                fast.append(read)
            else:
                check = number.check
        elif unit == "stripe_items":
            pass  # a list of items: its combination reads it with the rest of the row
        elif field.kind in _NUMBERS:
            number = self._number(column, field, percent=unit == "percent")
            steps.append(fraction(number, self._count(column)) if unit == "percent" else number)
            if number.decimal == ",":
                fast.append(steps[-1])
            else:
                check = number.check
                if unit == "percent":
                    fast.append(plain_fraction)
                    counted = partial(self._count(column), PERCENT)
        elif field.kind in _DATES:
            reader = self._date(column, field, unit)
            steps.append(reader)
            of_iso = reader.of_iso()
            check = None if of_iso is None else check_iso
            fast.append(of_iso or reader)
        elif field.kind == "flag" and words is None:
            steps.append(word_reader(FLAGS_OF_LANGUAGES, count=self._count(column), loose=True).read)
        combine = self._combination(column, field, unit, number)
        if not steps and column.slot == column.field:
            return None
        if words is not None and len(steps) == 1:
            return Conversion(column.slot, column.field, words.__getitem__, words.__getitem__, words=words)
        return Conversion(
            column.slot,
            column.field,
            _chain(steps),
            _chain(fast),
            check,
            combine,
            number,
            counted=counted,
            computed=is_computed(column.by),
        )

    def attribute(self, column: MatchedColumn, field: FieldType) -> Conversion:
        """The conversion of a custom column of a declared kind."""
        name = column.field.removeprefix("attributes.")
        number: NumberReader | None = None
        read: Reader
        if field.kind in _NUMBERS:
            number = self._number(column, field)
            read = partial(_as_number, number, _TYPES[field.kind])
        elif field.kind == "flag":
            words = flag_words({"yes": True, "no": False})
            read = partial(_as_flag, word_reader(words, count=self._count(column), loose=True).read)
        else:
            read = self._date(column, field, None)
        combine = self._combination(column, field, None, number)
        return Conversion(column.slot, column.field, read, read, combine=combine, number=number, attribute=name)

    def _words(self, column: MatchedColumn, field: FieldType) -> tuple[list[Reader], Words | None]:
        by, count = column.by, self._count(column)
        own = self.options.values.get(column.field, {})
        words: dict[Any, Any] = {}
        others: dict[str, Any] | None = None
        steps: list[Reader] = []
        if by is not None:
            if by.first_of is not None:
                steps.append(partial(_first, by.first_of, count))
            flags = flag_words(by.words) if by.unit == "flag" else {}
            preset = self.options.preset
            words = dict.fromkeys(() if preset is None else preset.missing) | dict(by.words) | flags
            if by.reads_others:
                others = {"meaning": by.others}
        words |= own
        if field.name == "currency":
            return steps, currency_reader(words, column=column.header, count=count)
        if field.kind == "choice":
            usual = usual_words(self.kind.table, field.name)
            brackets = by is not None and by.in_brackets
            return steps, choice_reader(
                field.name, field.choices, words, usual=usual, count=count, others=others, in_brackets=brackets
            )
        if words:
            return steps, word_reader(words, count=count, others=others, loose=by is not None)
        return steps, None

    def _count(self, column: MatchedColumn) -> Count:
        return self.tallies.counter(column.header)

    def _cells(self, column: MatchedColumn) -> Iterable[Any]:
        if column.position < 0:
            return [self.constants[column.field]]
        return (cell for _, cell in self.grid.column(column.position))

    def _number(self, column: MatchedColumn, field: FieldType, *, percent: bool = False) -> NumberReader:
        kind: NumberKind = field.kind if field.kind in ("money", "integer") else "number"
        if percent:
            kind = "percentage"
        elif column.by is not None and column.by.unit == "plain":
            pass  # a declared unit goes before the header's
        elif kind == "number" and field.name in self.kind.fields and _is_share(self.kind, field):
            kind = "share"
        preset = self.options.preset
        return NumberReader(
            field=field.name,
            column=column.header,
            values=partial(self._cells, column),
            kind=kind,
            decimal=self.options.decimal or (None if preset is None else preset.decimal),
            count=self._count(column),
        )

    def _date(self, column: MatchedColumn, field: FieldType, unit: str | None) -> DateReader:
        forms = self.options.date_format
        zone = zone_of_header(column.header)
        if zone is None and self.options.tz is not None:
            zone = zone_named(self.options.tz)
        return DateReader(
            column=column.header,
            values=partial(self._cells, column),
            kind="date" if field.kind == "date" else "timestamp",
            form=forms.get(column.field) if isinstance(forms, Mapping) else forms,
            day_first=self.options.day_first,
            zone=zone,
            numbers=unit if unit in NUMERIC_FORMS else None,
            inclusive=column.field in ENDS and self.options.ends_inclusive,
            count=self._count(column),
        )

    def _combination(
        self, column: MatchedColumn, field: FieldType, unit: str | None, number: NumberReader | None
    ) -> Combine | None:
        by, count = column.by, self._count(column)
        combine: Combine | None = None
        if by is not None and by.after is not None:
            combine = after(by.after, count)
        elif by is not None and by.per is not None:
            smallest = in_whole_units(count) if unit == "smallest" else None
            combine = a_month(column.field, count, first=smallest)
        elif unit == "smallest":
            combine = in_whole_units(count)
        elif unit == "stripe_items":
            return stripe_items(count)
        elif unit in SCALES:
            combine = scaled(unit, count)
        if number is None or field.kind != "money" or "currency" not in self.kind.fields:
            return combine
        words = self.options.values.get("currency", {})
        return in_its_currency(number, words, column=column.header, count=count, then=combine)


def _is_share(kind: RecordType, field: FieldType) -> bool:
    """Whether the record restricts a number to 0 to 1."""
    rules = kind.model.__pydantic_fields__[field.name].metadata
    bounds = {name: getattr(rule, name) for rule in rules for name in ("ge", "le") if hasattr(rule, name)}
    return bounds == {"ge": 0, "le": 1}


def _as_number(number: NumberReader, made: Callable[[Any], Any], value: Any) -> Any:
    """A number of a custom column, validated here because no record validates attributes."""
    found = number(value)
    try:
        return None if found is None or isinstance(found, bool) else _finite(made(found), found)
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError("not a whole number" if made is _TYPES["integer"] else "not a number") from None


def _finite(made: Any, found: Any) -> Any:
    if not Decimal(made).is_finite() or (isinstance(made, int) and made != Decimal(str(found))):
        raise ValueError
    return made


def _as_flag(read: Reader, value: Any) -> bool | None:
    found = read(value)
    if found is not None and not isinstance(found, bool):
        raise ValueError("neither yes nor no")
    return found


def _chain(steps: Sequence[Reader]) -> Reader | None:
    if len(steps) < 2:
        return steps[0] if steps else None

    def read(value: Any) -> Any:
        for step in steps:
            if value is None:
                return None
            value = step(value)
        return value

    return read


def _first(mark: str, count: Count, value: Any) -> Any:
    if not isinstance(value, str) or mark not in value:
        return value
    values = [each.strip() for each in value.split(mark) if each.strip()]
    if len(values) > 1:
        count("first of several values")
    return values[0] if values else None
