"""Polars expressions that cast text columns to the same values as the row reader."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any

from pydantic import TypeAdapter

from crmkpi.records.base import FieldType, RecordType
from crmkpi.sources.columns import Columns, MatchedColumn
from crmkpi.sources.computed_values import SCALES
from crmkpi.sources.conversions import Conversion, conversions_for
from crmkpi.sources.dates import zone_named, zone_of_header
from crmkpi.sources.durations import SECONDS
from crmkpi.sources.grid import Grid
from crmkpi.sources.header_units import says_percent
from crmkpi.sources.presets.library import folded
from crmkpi.sources.reading import ENDS, ReadingOptions
from crmkpi.sources.report_rows import FIRST_CELLS, MAY_BE_TOTAL, SUBTOTAL, TOTAL
from crmkpi.sources.tallies import Tallies

__all__ = ["NotPlainError", "TypedColumns", "field_column", "first_places"]

_MOST_WORDS = 10_000
_FEW_WORDS = 8  # so few are faster compared one by one
_NUMBER = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,6})?$"
_CENTS = r"^[+-]?[0-9]{1,15}(\.[0-9]{1,2})?$"
_INTEGER = r"^[+-]?[0-9]{1,15}$"
_OPEN_SIGN = r"^[+-]?[1-9][0-9]{0,2}\.[0-9]{3}$"  # 1.234 is ambiguous until another number shows the decimal sign
_SHOWN_POINT = r"^[+-]?(0*|[0-9]{4,})\.|\.([0-9]{1,2}|[0-9]{4,})$"
_MOMENT = re.compile(r"[12]\d{3}-\d\d-\d\d(?:([T ])\d\d:\d\d(:\d\d)?(\.\d{3}|\.\d{6})?(Z|\+00:00|\+0000)?)?", re.ASCII)
_YEAR = r"(?:20[0-9]{2}|19(?:[1-689][0-9]|0[1-9]|7[1-9])|2[1-9][0-9]{2})"  # without the years of placeholder dates
_DAY = rf"{_YEAR}-[01][0-9]-[0-3][0-9]"
_CLOCK = r"[0-2][0-9]:[0-5][0-9]"


class NotPlainError(Exception):
    """The row reader must read the file."""


def field_column(name: str) -> str:
    """The name of the column that holds a field, distinct from the headers of the file."""
    return f"crmkpi {name}"


class TypedColumns:
    """The expressions that cast text columns, and that find rows which are not plain."""

    def __init__(
        self,
        pl: Any,
        texts: Any,
        grid: Grid,
        columns: Columns,
        kind: RecordType,
        options: ReadingOptions,
        *,
        whole: bool,
        full: Collection[int] = (),
        sample: Sequence[Sequence[str]] | None = None,
    ) -> None:
        """`texts` have all columns of the grid if they are `whole`; the `full` columns have no empty cell.

        With the rows of a `sample` the texts are not profiled: a cell is plain if it has the form of the sample's.
        """
        self._pl = pl
        self._sampled = sample is not None
        self._whole = whole
        self._full = full
        self._texts = texts
        self._grid = grid
        self._columns = columns
        self._kind = kind
        self._known = {**kind.fields, **{column.field: known for column, known in columns.typed}}
        self._options = options
        self._conversions = {each.slot: each for each in conversions_for(grid, columns, kind, options, Tallies())}
        self._bad: list[Any] = []
        self._seen = self._looked_at() if sample is None else self._seen_in(sample)
        self._wanted = {*(options.only or ()), *(column.field for column in columns.fields)}

    def frame(self, first_line: int | None) -> Any:
        """All columns, the reason for leaving a row out, and whether one of its cells is not plain."""
        pl, columns = self._pl, self._columns
        made: dict[str, Any] = {}
        only = self._options.only
        for name, known in self._kind.fields.items():
            if known.kind == "attributes" or (only is not None and not known.required and name not in self._wanted):
                continue
            expression = self._field(name, known)
            made[name] = self._checked(name, known, expression)
        texts = self._texts
        if columns.numbered:
            if first_line is None:
                raise NotPlainError  # a cell may hold a line break
            texts = texts.with_row_index("line", offset=first_line)
            made["id"] = pl.concat_str(pl.lit("row "), pl.col("line").cast(pl.String))
        self._bad.append(self._of_report())
        own = [self._read(column, known).alias(_label_of(column)) for column, known in columns.typed]
        bad = reduce(or_, self._bad) if self._bad else pl.lit(value=False)
        return texts.select(
            *(expression.alias(field_column(name)) for name, expression in made.items()),
            *(pl.col(f"c{place}").alias(label) for place, label in columns.attributes),
            *own,
            self._reason().alias("reason"),
            bad.alias("bad"),
        )

    def _looked_at(self) -> dict[int, list[Any]]:
        """Profile columns: distinct cells of words, one cell of times, and whether amounts have more than cents."""
        pl, asked = self._pl, []
        for column in (*self._columns.fields, *(column for column, _ in self._columns.typed)):
            known, cells = self._known[column.field], pl.col(f"c{column.position}").drop_nulls()
            if self._is_worded(column):
                asked.append(cells.unique().sort().head(_MOST_WORDS + 1).implode().alias(f"{column.position}"))
            elif known.kind in ("timestamp", "date"):
                asked.append(cells.head(1).implode().alias(f"{column.position}"))
            elif known.kind in ("money", "number"):
                asked.append(cells.str.contains(r"\.[0-9]{3}").any().implode().alias(f"{column.position}"))
        different = {each.meta.output_name(): each for each in asked}
        if not different:
            return {}
        found = self._texts.select(*different.values()).collect()
        seen = {int(name): found[name][0].to_list() for name in found.columns}
        self._check_points([place for place, cells in seen.items() if cells == [True]])
        return seen

    def _seen_in(self, sample: Sequence[Sequence[str]]) -> dict[int, list[Any]]:
        """The profile of `_looked_at`, taken from a sample of rows."""
        seen: dict[int, list[Any]] = {}
        preset = self._options.preset
        if preset is not None and preset.fill_down:
            raise NotPlainError  # every row must be profiled
        for column in (*self._columns.fields, *(column for column, _ in self._columns.typed)):
            known, place = self._known[column.field], column.position
            cells = [row[place] for row in sample if row[place]]
            if self._is_worded(column):
                if known.kind == "text" and column.field != "currency":
                    raise NotPlainError  # a few rows do not show all of its words
                seen[place] = sorted({*cells, *known.choices})
            elif known.kind in ("timestamp", "date"):
                seen[place] = cells[:1]
                if not cells:
                    raise NotPlainError
            elif known.kind in ("money", "number"):
                seen[place] = [False]
        return seen

    def _check_points(self, places: Sequence[int]) -> None:
        """Refuse columns with numbers such as 1.234, unless another number shows that the point sets off decimals."""
        if not places or self._options.decimal or (self._options.preset and self._options.preset.decimal):
            return
        pl = self._pl
        cells = [pl.col(f"c{place}").drop_nulls().str for place in places]
        signs = [(one.contains(_OPEN_SIGN).any(), one.contains(_SHOWN_POINT).any()) for one in cells]
        named = [one.alias(f"{n} {k}") for n, both in enumerate(signs) for k, one in enumerate(both)]
        row = self._texts.select(*named).collect().row(0)
        if any(is_open and not shown for is_open, shown in zip(row[::2], row[1::2], strict=True)):
            raise NotPlainError

    def _is_worded(self, column: MatchedColumn) -> bool:
        by = column.by
        return (
            column.field == "currency"
            or self._known[column.field].kind in ("choice", "flag")
            or (by is not None and (by.unit == "capitals" or by.reads_others))
        )

    def _field(self, name: str, known: FieldType) -> Any:
        filling = self._columns.of(name)
        if not filling:
            return self._constant(name, known)
        if any(
            each.by is not None and (each.by.per or each.by.after or each.by.unit in ("smallest", *SCALES))
            for each in filling
        ):
            raise NotPlainError
        made = self._read(filling[0], known)
        for column in filling[1:]:
            before = len(self._bad)
            other = self._read(column, known)
            self._bad[before:] = [bad & made.is_null() for bad in self._bad[before:]]  # the others are not read
            made = self._pl.coalesce(made, other)
        return made

    def _constant(self, name: str, known: FieldType) -> Any:
        value = self._columns.constants.get(name)
        if value is not None:
            conversion = self._conversions.get(name)
            value = value if conversion is None or conversion.careful is None else conversion.careful(value)
            if known.kind not in ("text", "choice", "number") or not isinstance(value, str | int | float):
                raise NotPlainError
            return self._pl.lit(float(value) if known.kind == "number" else str(value))
        return self._pl.lit(None, dtype=self._type_of(known))

    def _type_of(self, known: FieldType) -> Any:
        pl = self._pl
        return {
            "number": pl.Float64,
            "integer": pl.Int64,
            "money": pl.Decimal(38, 6),
            "timestamp": pl.Datetime("us"),
            "date": pl.Date,
            "flag": pl.Boolean,
        }.get(known.kind, pl.String)

    def _checked(self, name: str, known: FieldType, expression: Any) -> Any:
        """The field as the record has it; a value that the record would refuse is not plain."""
        field = self._kind.model.__pydantic_fields__[name]
        if not known.required and not known.optional:
            expression = expression.fill_null(field.get_default(call_default_factory=True))
        elif not known.optional and not (name == "id" and self._columns.numbered):
            self._bad.append(expression.is_null())
        for rule in field.metadata:
            if getattr(rule, "ge", None) is not None:
                self._bad.append((expression < rule.ge).fill_null(value=False))
            if getattr(rule, "le", None) is not None:
                self._bad.append((expression > rule.le).fill_null(value=False))
        return expression

    def _read(self, column: MatchedColumn, known: FieldType) -> Any:
        pl, text = self._pl, self._pl.col(f"c{column.position}")
        if column.by is not None and column.by.first_of is not None and known.kind != "choice":
            self._bad.append(text.str.contains(column.by.first_of, literal=True).fill_null(value=False))
        if self._is_worded(column):
            return self._worded(column, known, text)
        words = self._words(column)
        if known.kind == "text":
            return text if not words else self._replaced(text, words, loose=column.by is not None)
        if words:
            self._bad.append(text.is_in([str(word) for word in words]).fill_null(value=False))
        unit = None if column.by is None else column.by.unit
        if unit in SECONDS or column.field.endswith("seconds"):
            return self._seconds(text, unit or "seconds")
        if known.kind in ("timestamp", "date"):
            return self._moment(column, known, text)
        if unit is None and known.kind == "number" and says_percent(column.header):
            raise NotPlainError
        self._must_match(text, _INTEGER if known.kind == "integer" else self._number)
        if known.kind == "money":
            return text.cast(pl.Decimal(38, 6 if self._seen[column.position][0] else 2), strict=False)
        if known.kind == "integer":
            return text.cast(pl.Int64, strict=False)
        number = text.cast(pl.Float64, strict=False)
        # Divide by a column: Polars turns a division by a constant into a product with its rounded inverse.
        return number / (number * 0.0 + 100.0) if unit == "percent" else number

    @property
    def _number(self) -> str:
        """The pattern of numbers; without a profile of the decimal sign they have two decimals at most."""
        return _CENTS if self._sampled else _NUMBER

    def _must_match(self, text: Any, pattern: str) -> None:
        self._bad.append((~text.str.contains(pattern)).fill_null(value=False))

    def _seconds(self, text: Any, unit: str) -> Any:
        """Seconds of whole units; a fraction of a minute is computed in decimals, since floats are not exact."""
        pl = self._pl
        if unit == "seconds":
            self._must_match(text, self._number)
            return text.cast(pl.Float64, strict=False)
        self._must_match(text, _INTEGER)
        number = text.cast(pl.Float64, strict=False)
        if unit == "milliseconds":
            return number / (number * 0.0 + 1000.0)
        return number * float(SECONDS[unit])

    def _moment(self, column: MatchedColumn, known: FieldType, text: Any) -> Any:
        pl = self._pl
        sample = self._seen[column.position]
        if not sample:
            return pl.lit(None, dtype=self._type_of(known))
        found = _MOMENT.fullmatch(sample[0])
        if found is None or (known.kind == "date" and found[1]):
            raise NotPlainError
        between, seconds, fraction, offset = found.groups()
        pattern = _DAY
        if between is not None:
            pattern = f"{_DAY}{between}{_CLOCK}" + (":[0-5][0-9]" if seconds else "")
            if fraction and not seconds:
                raise NotPlainError
            pattern += f"\\.[0-9]{{{len(fraction) - 1}}}" if fraction else ""
        self._must_match(text, f"^{pattern}{re.escape(offset or '')}$")
        if known.kind == "date":
            made = text.str.to_date("%Y-%m-%d", strict=False)
        else:
            bare = text.str.strip_suffix(offset) if offset else text
            if between is None:
                made = bare.str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
            else:
                made = self._of_form(bare, between, seconds=bool(seconds), digits=len(fraction) - 1 if fraction else 0)
            if column.field in ENDS and self._options.ends_inclusive:
                made = made.dt.truncate("1d").dt.offset_by("1d")
            zone = zone_of_header(column.header) or (zone_named(self._options.tz) if self._options.tz else None)
            if offset:
                made = made.dt.replace_time_zone("UTC")
            elif zone is not None:  # an hour that a clock change repeats is the first of the two, as in the row reader
                made = made.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
                made = made.dt.convert_time_zone("UTC")
        self._bad.append(text.is_not_null() & made.is_null())
        return made

    def _of_form(self, text: Any, between: str, *, seconds: bool, digits: int) -> Any:
        """Parse the timestamps of one form; Polars is fast for seconds, milliseconds and microseconds."""
        pl = self._pl
        form = f"%Y-%m-%d{between}%H:%M{':%S' if seconds else ''}"
        if not digits:
            return text.str.to_datetime(form, strict=False, time_unit="us")
        if digits in (3, 6):
            return text.str.to_datetime(f"{form}.%{digits}f", strict=False, time_unit="us", cache=False)
        fraction = text.str.slice(20, digits).cast(pl.Int64, strict=False) * 10 ** (6 - digits)
        return text.str.head(19).str.to_datetime(form, strict=False, time_unit="us") + fraction.cast(pl.Duration("us"))

    def _words(self, column: MatchedColumn) -> dict[Any, Any]:
        """The words to replace in a column of numbers, dates or free text."""
        by, preset = column.by, self._options.preset
        words: dict[Any, Any] = {}
        if by is not None:
            words = dict.fromkeys(() if preset is None else preset.missing) | dict(by.words)
        words |= self._options.values.get(column.field, {})
        if any(ours is not None and not isinstance(ours, str) for ours in words.values()):
            raise NotPlainError
        return words

    def _replaced(self, text: Any, words: Mapping[Any, Any], *, loose: bool) -> Any:
        pl = self._pl
        spelt = text.str.strip_chars().str.to_lowercase() if loose else text
        made = text
        for word, ours in words.items():
            same = str(word).strip().casefold() if loose else str(word)
            made = pl.when(spelt == same).then(pl.lit(ours, dtype=pl.String)).otherwise(made)
        return made

    def _worded(self, column: MatchedColumn, known: FieldType, text: Any) -> Any:
        """Replace each distinct word by the value that the row reader returns for it."""
        words = self._seen[column.position]
        if len(words) > _MOST_WORDS:
            raise NotPlainError
        conversion = self._conversions.get(column.slot)
        meant: dict[str, Any] = {}
        unknown = []
        for word in words:
            try:
                meant[word] = _meaning(word, conversion, known)
            except (ValueError, TypeError):
                unknown.append(word)
        if self._sampled:
            self._bad.append((~self._is_one_of(text, meant)).fill_null(value=False))
        elif unknown:
            self._bad.append(text.is_in(unknown).fill_null(value=False))
        made = self._type_of(known)
        if not meant:
            return self._pl.lit(None, dtype=made)
        if all(ours == word for word, ours in meant.items()):
            return text
        if known.kind == "flag" and None not in meant.values():
            right = [text == word for word, ours in meant.items() if ours]
            return reduce(or_, right, text != text)  # noqa: PLR0124  # false, and missing where the text is
        ours = self._pl.Series([*meant.values()], dtype=made)
        return text.replace_strict([*meant], ours, default=None, return_dtype=made)

    def _is_one_of(self, text: Any, words: Collection[str]) -> Any:
        if len(words) > _FEW_WORDS:
            return text.is_in(list(words))
        return reduce(or_, (text == word for word in words), text != text)  # noqa: PLR0124  # false, or missing

    def _of_report(self) -> Any:
        """Whether a row may be a total or a repeated header, by the rules of `sources.report_rows`."""
        firsts = [self._pl.col(f"c{place}") for place in first_places(self._columns)]
        if self._sampled and len(firsts) == 1:
            return firsts[0].cast(self._pl.Int64, strict=False).is_null()  # a number is never a word for a total
        if self._options.preset is not None and self._options.preset.fill_down:
            self._refuse_groups(self._pl.coalesce(firsts))
        words = [first.str.contains(TOTAL if len(firsts) == 1 else MAY_BE_TOTAL) for first in firsts]
        return reduce(or_, [first.fill_null(value=False) for first in (firsts[0] == self._grid.headers[0], *words)])

    def _refuse_groups(self, first: Any) -> None:
        """Leave reports with subtotals, whose groups need a forward fill, to the row reader."""
        if self._texts.select(first.str.contains(SUBTOTAL).any().fill_null(value=False)).collect().item():
            raise NotPlainError

    def _reason(self) -> Any:
        """The reason why a row is not a record, or None, by the rules of `sources.leaving_out`."""
        pl, preset = self._pl, self._options.preset
        width = self._columns.width if self._whole else 0
        every = [pl.col(f"c{place}") for place in range(width)]
        first = next((place for place in range(width) if place in self._full), width)
        reason = pl.lit(None, dtype=pl.String)
        places = {folded(header): place for place, header in reversed(list(enumerate(self._grid.headers)))}
        rules = () if preset is None else preset.leave_out
        alone = next((rule.reason for rule in rules if rule.alone and len(every) > 1), None)
        if alone is not None and len(self._full) < 2:
            filled = pl.sum_horizontal(*(one.is_not_null().cast(pl.UInt16) for one in every))
            reason = pl.when(filled == 1).then(pl.lit(alone)).otherwise(reason)
        for rule in reversed(rules):
            for header in rule.headers:
                if folded(header) in places:
                    spelt = pl.col(f"c{places[folded(header)]}").str.strip_chars().str.to_lowercase()
                    words = [word.casefold() for word in rule.words or rule.keep]
                    found = spelt.is_in(words).fill_null(value=False)
                    reason = pl.when(~found if rule.keep else found).then(pl.lit(rule.reason)).otherwise(reason)
        for rule in reversed(rules):
            if rule.starts:
                start = rf"^\s*(?:{'|'.join(map(re.escape, rule.starts))})"
                is_so = pl.coalesce(*every[: first + 1]).str.contains(start).fill_null(value=False)
                reason = pl.when(is_so).then(pl.lit(rule.reason)).otherwise(reason)
        if not self._whole or self._full:  # then no row is blank
            return reason
        return pl.when(pl.all_horizontal(one.is_null() for one in every)).then(pl.lit("blank row")).otherwise(reason)


def _label_of(column: MatchedColumn) -> str:
    """The name of the attribute that a custom column becomes."""
    return column.field.removeprefix("attributes.")


def _meaning(word: str, conversion: Conversion | None, known: FieldType) -> Any:
    ours = word if conversion is None or conversion.careful is None else conversion.careful(word)
    if ours is None or known.kind != "flag" or isinstance(ours, bool):
        return ours
    return TypeAdapter(bool).validate_python(ours)


def first_places(columns: Columns) -> range:
    """The columns that may have a word for a total; only the first one if it holds the ids."""
    named = [column.position for column in columns.of("id")] == [0]
    return range(1 if named else min(FIRST_CELLS, columns.width))
