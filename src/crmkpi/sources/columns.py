"""Match columns with fields: by name, by the preset, or by `columns=`; never by similarity."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from crmkpi._read_only import ReadOnly
from crmkpi.currencies import currency_in, one_currency
from crmkpi.errors import ColumnError, InputError, did_you_mean, unknown_name
from crmkpi.records.base import FieldType, RecordType
from crmkpi.records.directions import by_header
from crmkpi.sources.computed_values import SCALES
from crmkpi.sources.headers import FoundHeader, found_columns, stage_of
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset, PresetColumn, Unit, check_column
from crmkpi.sources.reading import ReadingOptions, Targets

__all__ = [
    "Columns",
    "MatchedColumn",
    "check_fields",
    "folded_header",
    "header_score",
    "matched_columns",
    "wanted_columns",
]


class MatchedColumn(NamedTuple):
    """A column that fills a field. Where several columns fill a field, the `slot` of the first is the field's name.

    `by` is the preset's entry for the column.
    """

    position: int
    header: str
    field: str
    slot: str
    by: PresetColumn | None = None


class Columns(NamedTuple):
    """The columns of a source by position: the columns that fill fields, and those that become attributes.

    `beside` are helper columns, read only to compute other fields, each under the name of a slot. `constants` are the
    fields that no column fills. `typed` are the attributes with a declared kind, each in a slot `attributes.HEADER`.
    """

    width: int
    fields: tuple[MatchedColumn, ...]
    attributes: tuple[tuple[int, str], ...]
    unmapped: tuple[str, ...]
    numbered: bool
    beside: tuple[tuple[int, str], ...] = ()
    constants: Mapping[str, Any] = ReadOnly()
    typed: tuple[tuple[MatchedColumn, FieldType], ...] = ()

    def unfilled(self, kind: RecordType) -> tuple[str, ...]:
        """The optional fields that neither a column nor a constant fills."""
        filled = {column.field for column in self.fields} | self.constants.keys()
        return tuple(name for name in kind.may_be_absent if name not in filled)

    def looked_at(self, only: Collection[str], kind: RecordType, preset: Preset | None) -> Columns:
        """The columns to read for the fields in `only`, custom ones as `attributes.HEADER`.

        They include the columns of required fields, and of the fields that others are computed with: the currency of
        an amount, the start of a length. All columns are read where rows have no id, since only the whole row then
        distinguishes a record from a total; where several rows form one record; and where a record validates its
        fields together.
        """
        whole = self.numbered or hasattr(kind.model, "__post_init__")
        if whole or (preset is not None and (preset.history or preset.merged or preset.record != kind.model.__name__)):
            return self
        wanted = {*only, *(name for name, known in kind.fields.items() if known.required)}
        if preset is not None and preset.warn is not None:
            wanted |= preset.warn.without.keys()
        money = {name for name, known in kind.fields.items() if known.kind == "money"} | {"currency"}
        if wanted & money or any(known.kind == "money" for column, known in self.typed if column.field in wanted):
            wanted |= money
        wanted |= {one.by.after for one in self.fields if one.field in wanted and one.by is not None and one.by.after}
        return self._replace(
            fields=tuple(column for column in self.fields if column.field in wanted),
            attributes=tuple((place, label) for place, label in self.attributes if f"attributes.{label}" in wanted),
            beside=tuple((place, slot) for place, slot in self.beside if slot.partition(" ")[0] in wanted),
            typed=tuple((column, known) for column, known in self.typed if column.field in wanted),
        )

    def given(self, kind: RecordType) -> frozenset[str]:
        """The fields that a record may get from the source: an amount can fill its currency as well."""
        named = {"id", *self.constants, *(column.field for column in self.fields)}
        custom = {"attributes"} if self.attributes or self.typed else set()
        money = {"currency"} if self.typed or self.has_money(kind) else set()
        return frozenset((named | custom | money) & kind.fields.keys())

    def has_money(self, kind: RecordType) -> bool:
        """Whether any column fills an amount."""
        return any(kind.fields[column.field].kind == "money" for column in self.fields)

    def places(self) -> frozenset[int]:
        """The positions of the columns that are read."""
        read = [column.position for column in (*self.fields, *(column for column, _ in self.typed))]
        return frozenset((*read, *(place for place, _ in (*self.attributes, *self.beside))))

    @property
    def place_of_ids(self) -> int | None:
        """The column that holds the ids, None where rows are numbered."""
        return next((column.position for column in self.of("id")), None)

    def of(self, name: str) -> list[MatchedColumn]:
        """The columns that fill a field, in order of precedence."""
        return [column for column in self.fields if column.field == name]


def matched_columns(headers: Sequence[str], kind: RecordType, options: ReadingOptions, *, source: str) -> Columns:
    """Match the headers of a source with the fields of a record."""
    options = options._replace(columns=by_header(options.columns, headers, kind.fields))
    wanted = wanted_columns(headers, kind, options.columns, source=source)
    said = {header: _said(header, targets, kind) for header, targets in options.columns.items() if _is_said(targets)}
    check_fields(options.units, kind, "units")
    by_user = {name for targets in wanted.values() for name in targets}
    found = {} if options.preset is None else _found(headers, options.preset, wanted, by_user)
    taken = by_user | {name for each in found.values() for one in each for name in one.column.fills}
    by_name = {folded_header(name): name for name in _mappable(kind) if name not in taken}
    counts = Counter(headers)
    fields: list[tuple[tuple[int, int], MatchedColumn]] = []
    spare: list[tuple[int, str]] = []
    kept: list[tuple[int, str]] = []
    filled: dict[str, str] = {}
    for index, header in enumerate(headers):
        matched = by_name.get(folded_header(header)) if index not in found else None
        targets = wanted.get(header, () if matched is None else (matched,))
        known = [(one, name) for one in found.get(index, ()) for name in one.column.fills]
        if (
            counts[header] > 1
            and known
            and all(name not in kind.fields or kind.fields[name].optional for _, name in known)
        ):
            known = []  # an export of the system itself has this header twice, and it is unknown which one is meant
        chosen = [name for _, name in known if name != "attributes"] or list(targets)
        if chosen and counts[header] > 1:
            raise ColumnError(
                f"{source} has {counts[header]} columns {header!r}, and only one can "
                f"fill {chosen[0]!r}; rename the others."
            )
        for name in targets:
            if name in filled:
                raise ColumnError(
                    f"Two columns of {source}, {filled[name]!r} and {header!r}, both fill {name!r}; "
                    f"drop one with columns={{{header!r}: None}}."
                )
            filled[name] = header
            fields.append(((-1, 0), MatchedColumn(index, header, name, name, said.get(header))))
        for one, name in known:
            if name != "attributes":
                filled.setdefault(name, header)
                fields.append((one.rank, MatchedColumn(index, header, name, name, one.column)))
        label = header if header and counts[header] == 1 else f"{header} (column {index + 1})".strip()
        if not chosen and header not in options.columns:
            spare.append((index, label))
        elif any(name == "attributes" for _, name in known):
            kept.append((index, label))
    amounts = [column.header for _, column in fields if column.position not in found and _is_money(column, kind)]
    constants = _constants(kind, options, filled, found, amounts, source=source)
    numbered = _check_required(headers, kind, {*filled, *constants}, source=source)
    _check_asked(options.preset, filled, source=source)
    typed = _typed(headers, (*spare, *kept) if options.attributes else (), options, source=source)
    places = {column.position for column, _ in typed}
    return Columns(
        len(headers),
        _in_slots([(rank, _in_unit(column, kind, options)) for rank, column in fields]),
        tuple(each for each in (*spare, *kept) if each[0] not in places) if options.attributes else (),
        tuple(label for _, label in spare),
        numbered,
        _beside(headers, fields),
        constants,
        typed,
    )


def _typed(
    headers: Sequence[str], attributes: Sequence[tuple[int, str]], options: ReadingOptions, *, source: str
) -> tuple[tuple[MatchedColumn, FieldType], ...]:
    """The custom columns whose kind the user or the preset declares."""
    of_preset = {} if options.preset is None else options.preset.kinds
    known = {folded(header): kind for header, kind in of_preset.items()}
    custom = [headers[place] for place, _ in attributes]
    for header in options.kinds:
        if header not in custom:
            what = "fills a field, which has its own kind" if header in headers else "is not one of its columns"
            raise ColumnError(
                f"kinds= says what the custom column {header!r} of {source} holds, but it {what}. "
                f"{did_you_mean(header, custom) if custom else 'There are no custom columns.'}"
            )
    found = []
    for place, label in attributes:
        kind = options.kinds.get(headers[place], known.get(folded(headers[place])))
        if kind is not None and kind != "text":
            name = f"attributes.{label}"
            found.append(
                (MatchedColumn(place, headers[place], name, name), FieldType(name, kind, required=False, optional=True))
            )
    return tuple(found)


def _is_said(targets: Targets) -> bool:
    return isinstance(targets, Mapping)


def _said(header: str, targets: Any, kind: RecordType) -> PresetColumn:
    """A column that the user declares with the keys of a preset, such as "fills", "unit" and "after"."""
    try:
        column = PresetColumn.model_validate({"headers": (header,), **targets})
        check_column(column, kind)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        place = ".".join(map(str, error["loc"])) or "its words"
        raise InputError(f"columns= has a fault for {header!r} at {place}: {error['msg']}.") from None
    except ValueError as problem:
        raise InputError(f"columns= does not fit {header!r}: {problem}") from None
    return column


def _in_unit(column: MatchedColumn, kind: RecordType, options: ReadingOptions) -> MatchedColumn:
    """The column with the unit and the inclusive end that the user declares for its field."""
    unit = options.units.get(column.field)
    if unit is None:
        return column
    by = column.by or PresetColumn(headers=(column.header,), fills=(column.field,))
    try:
        by = PresetColumn.model_validate({**by.model_dump(exclude_unset=True), "fills": (column.field,), "unit": unit})
        check_column(by, kind)
    except ValidationError:
        units = get_args(Unit)
        raise InputError(
            f"units= gives {column.field!r} a unit that no column has: {unit!r}. {did_you_mean(unit, units)}"
        ) from None
    except ValueError as problem:
        raise InputError(f"units= does not fit {column.field!r}: {problem}") from None
    return column._replace(by=by)


def header_score(headers: Sequence[str], kind: RecordType, options: ReadingOptions) -> int:
    """The number of cells that are headers: they fill a field, or the user or the preset names them."""
    by_name = {folded_header(name) for name in _mappable(kind)}
    return sum(
        header in options.columns
        or folded_header(header) in by_name
        or (
            options.preset is not None
            and (bool(found_columns(header, options.preset)) or stage_of(header, options.preset) is not None)
        )
        for header in map(str.strip, headers)
    )


def check_fields(names: Mapping[str, Any], kind: RecordType, argument: str) -> None:
    """Refuse an argument keyed by field that names a field which the record does not have."""
    for name in names:
        if name not in _mappable(kind):
            raise unknown_name(
                f"{argument}= names {name!r}, which is no field of {kind.model.__name__}.", str(name), _mappable(kind)
            )


def _mappable(kind: RecordType) -> list[str]:
    return [field.name for field in kind.fields.values() if field.kind != "attributes"]


def folded_header(header: str) -> str:
    """A normalised header: case-folded, with underscores for blanks."""
    return re.sub(r"[\s_]+", "_", header.strip()).casefold()


def wanted_columns(
    headers: Sequence[str], kind: RecordType, columns: Mapping[str, Targets], *, source: str
) -> dict[str, tuple[str, ...]]:
    """The fields that the user names for each header; an unknown header or field is an error."""
    wanted: dict[str, tuple[str, ...]] = {}
    for header, targets in columns.items():
        if header not in headers:
            raise unknown_name(f"{source} has no column {header!r}.", str(header), headers)
        listed: Any = targets.get("fills", ()) if isinstance(targets, Mapping) else targets
        if not isinstance(listed, Iterable) or isinstance(listed, str):
            listed = () if listed is None else (listed,)
        wanted[header] = tuple(listed)
        check_fields(dict.fromkeys(wanted[header]), kind, "columns")
    return wanted


def _found(
    headers: Sequence[str], preset: Preset, wanted: Mapping[str, Any], by_user: set[str]
) -> dict[int, list[FoundHeader]]:
    """The preset's entries for each column, except for the columns and the fields that the user names."""
    found: dict[int, list[FoundHeader]] = {}
    for index, header in enumerate(headers):
        if header in wanted:
            continue
        if each := found_columns(header, preset):
            found[index] = [one if not by_user & {*one.column.fills} else _without(one, by_user) for one in each]
    return found


def _without(one: FoundHeader, names: set[str]) -> FoundHeader:
    fills = tuple(name for name in one.column.fills if name not in names)
    return FoundHeader(one.rank, one.column.model_copy(update={"fills": fills}), one.currency)


def _in_slots(fields: Sequence[tuple[tuple[int, int], MatchedColumn]]) -> tuple[MatchedColumn, ...]:
    """Columns in order of precedence, each in its own slot where several fill one field.

    The input of a computed value also has a slot of its own until the value is computed.
    """
    seen: Counter[str] = Counter()
    placed = []
    for _, column in sorted(fields, key=lambda each: each[0]):
        seen[column.field] += 1
        by = column.by
        computed = by is not None and (by.after or by.per or by.unit in ("smallest", "stripe_items", *SCALES))
        own = seen[column.field] == 1 and not computed
        placed.append(column if own else column._replace(slot=f"{column.field} {seen[column.field]}"))
    return tuple(placed)


def _beside(
    headers: Sequence[str], fields: Sequence[tuple[tuple[int, int], MatchedColumn]]
) -> tuple[tuple[int, str], ...]:
    places = {folded(header): index for index, header in reversed(list(enumerate(headers)))}
    beside: dict[str, int] = {}
    for _, column in fields:
        if column.by is not None:
            for word, header in (("per", column.by.per), ("times", column.by.times), ("every", column.by.every)):
                if header is not None and folded(header) in places:
                    beside[f"{column.field} {word}"] = places[folded(header)]
    return tuple((position, slot) for slot, position in beside.items())


def _constants(
    kind: RecordType,
    options: ReadingOptions,
    filled: Mapping[str, str],
    found: Mapping[int, list[FoundHeader]],
    amounts: Sequence[str],
    *,
    source: str,
) -> dict[str, Any]:
    """The values of fields that no column fills: from headers, from the preset, and from the user."""
    check_fields(options.defaults, kind, "defaults")
    for name in options.defaults:
        if name in filled:
            raise InputError(
                f"defaults= gives a value for {name!r}, but the column {filled[name]!r} of {source} fills it; "
                f"leave the default out, or drop the column with columns={{{filled[name]!r}: None}}."
            )
    constants: dict[str, Any] = {}
    if options.preset is not None:
        constants |= {name: value for name, value in options.preset.constants.items() if name in kind.fields}
    named = [one.currency for each in found.values() for one in each] + [currency_in(header) for header in amounts]
    currency = one_currency(named, source) if "currency" in kind.fields and "currency" not in filled else None
    if currency is not None:
        constants["currency"] = currency
        said = options.defaults.get("currency", constants["currency"])
        if str(said).upper() != constants["currency"]:
            raise InputError(
                f"defaults= says that amounts are in {said}, and a header of {source} says {constants['currency']}; "
                f"leave the default out."
            )
    return {name: value for name, value in (constants | {**options.defaults}).items() if name not in filled}


def _is_money(column: MatchedColumn, kind: RecordType) -> bool:
    return kind.fields[column.field].kind == "money"


def _check_asked(preset: Preset | None, filled: Mapping[str, str], *, source: str) -> None:
    if preset is None:
        return
    for name in preset.asks:
        if name not in filled:
            raise ColumnError(
                f"The preset {preset.name} cannot know which column of {source} is {name!r}; "
                f"name it with columns={{'its header': {name!r}}}."
            )


def _check_required(headers: Sequence[str], kind: RecordType, given: set[str], *, source: str) -> bool:
    """Whether rows must be numbered because there is no id; any other missing required field is an error."""
    numbered = False
    for name, known in kind.fields.items():
        if not known.required or name in given:
            continue
        if name == "id" and headers:
            numbered = True
            continue
        found = ", ".join(repr(header) for header in headers[:12]) + (", ..." if len(headers) > 12 else "")
        has = f"its columns are {found}" if headers else "it has no columns"
        way_out = f"columns={{'its header': {name!r}}}"
        if name != "id":
            way_out += f", or give one value for all rows with defaults={{{name!r}: ...}}"
        raise ColumnError(
            f"{source} has no column for {name!r}, which every {kind.model.__name__} needs; "
            f"{has}: name the one that holds it with {way_out}."
        )
    return numbered
