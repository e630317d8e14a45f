"""Read CSV files fast as Polars frames of typed columns, with the same rows and values as `read_csv`.

Polars reads the text. If each cell of a file is written plainly (ISO dates, numbers with no mark but a decimal point,
words that the preset or the user names), Polars also casts the columns. The row reader reads any other file, in
batches, so that no value has two readings.
"""

from __future__ import annotations

from codecs import getincrementaldecoder
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from crmkpi.records.base import RecordType
from crmkpi.sources.columns import Columns, matched_columns
from crmkpi.sources.frames.typed_columns import NotPlainError, TypedColumns, first_places
from crmkpi.sources.grid import Grid, Part
from crmkpi.sources.guards import check_filled, check_table, check_units, may_be_of_intervals, may_hold_currency
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset
from crmkpi.sources.reading import ReadingOptions

__all__ = ["plain_frame"]

_APOSTROPHES = (b"'=", b"'+", b"'-", b"'@", b"'\t", b"'\r")
_DELIMITERS = (",", ";", "\t", "|")
_BLOCK = 250_000  # bytes that stay in the CPU cache


class _Facts(NamedTuple):
    """Facts from the bytes of a file: the number of delimiters in its rows, and whether it has quotes.

    A file without quotes is `even` if all lines have as many delimiters as the headers.
    """

    delimiters: int
    quoted: bool
    even: bool


def plain_frame(
    path: Path, grid: Grid, kind: RecordType, options: ReadingOptions, *, held: bool
) -> tuple[Any, dict[str, int]]:
    """The file as a lazy frame of typed columns, and the counts of its skipped rows by reason.

    `held` frames are in memory; others read the file at each query.

    Raises:
        NotPlainError: a cell is not written plainly, or reading it needs the whole file.
    """
    pl = import_module("polars")

    preset = options.preset
    if kind.is_survey or (preset is not None and (preset.history or preset.merged or preset.decimal == ",")):
        raise NotPlainError  # scores need their scales, and the other cases need all rows at once
    if preset is not None and preset.record != kind.model.__name__:
        raise NotPlainError
    if (
        options.date_format is not None
        or options.decimal == ","
        or any(isinstance(headers, tuple) for headers in options.columns)
        or grid.delimiter not in _DELIMITERS
        or len(grid.headers) < 2
    ):
        raise NotPlainError
    first = next(iter(grid.parts()), None)
    if not isinstance(first, Part) or not first.rows:
        raise NotPlainError
    start = first.lines()[0]
    try:
        facts = _facts(path, grid.delimiter, start - 1, len(grid.headers))
    except UnicodeDecodeError as problem:
        raise NotPlainError from problem
    check_table(grid.headers, kind, options, source=grid.source)
    columns = matched_columns(grid.headers, kind, options, source=grid.source)
    check_filled(grid.headers, columns, kind, options, source=grid.source)
    may_lack = may_hold_currency(grid.headers, columns, kind, options) or may_be_of_intervals(columns, kind)
    if options.only is not None:
        columns = columns.looked_at(options.only, kind, preset)
    check_units(columns, kind, source=grid.source)
    if may_lack and columns.has_money(kind):
        raise NotPlainError  # the row reader raises the error with the way out
    texts = pl.scan_csv(
        path,
        has_header=False,
        skip_lines=start - 1,
        separator=grid.delimiter,
        quote_char='"' if facts.quoted else None,
        schema={f"c{place}": pl.String for place in range(len(grid.headers))},
        infer_schema=False,
        glob=False,
    )
    if facts.quoted:  # an empty quoted cell is text for Polars, and a missing value for the row reader
        texts = texts.with_columns(pl.when(pl.all() != "").then(pl.all()).name.keep())
    places = _places_read(grid, columns, preset) if facts.even and options.only is not None else None
    alike = all(len(row) == len(grid.headers) for row in first.rows)
    if held and facts.even and alike and columns.place_of_ids is not None:
        with suppress(NotPlainError, pl.exceptions.PolarsError):  # then a first pass profiles the texts
            asked = texts if places is None else texts.select(f"c{place}" for place in sorted(places))
            made = TypedColumns(pl, asked, grid, columns, kind, options, whole=places is None, sample=first.rows)
            return _checked(pl, made.frame(start).collect().lazy(), grid)
    try:
        looked_at, full = _looked_at(texts, places, held=held)
        if places is not None and not full and _has_empty_row(pl, looked_at):
            places = None
            looked_at, full = _looked_at(texts, None, held=held)
        if not facts.even:
            _check_widths(pl, looked_at, grid.delimiter, facts, len(grid.headers))
        made = TypedColumns(pl, looked_at, grid, columns, kind, options, whole=places is None, full=full)
        whole = made.frame(None if facts.quoted else start)
        if held:
            whole = whole.collect().lazy()
        return _checked(pl, whole, grid)
    except pl.exceptions.PolarsError as problem:  # an unclosed quote, or more cells than headers
        raise NotPlainError from problem


def _places_read(grid: Grid, columns: Columns, preset: Preset | None) -> frozenset[int] | None:
    """The columns needed to read rows or leave them out; None for all columns."""
    rules = () if preset is None else preset.leave_out
    if any(rule.alone or rule.starts for rule in rules):
        return None
    named = {folded(header) for rule in rules for header in rule.headers}
    of_rules = (place for place, header in enumerate(grid.headers) if folded(header) in named)
    return columns.places() | {*of_rules, *first_places(columns)}


def _looked_at(texts: Any, places: frozenset[int] | None, *, held: bool) -> tuple[Any, frozenset[int]]:
    """The columns to read, and the positions of those known to have no empty cell."""
    asked = texts if places is None else texts.select(f"c{place}" for place in sorted(places))
    if not held:
        return asked, frozenset()
    frame = asked.collect()
    return frame.lazy(), frozenset(int(name[1:]) for name in frame.columns if not frame[name].null_count())


def _has_empty_row(pl: Any, texts: Any) -> bool:
    """Whether all columns to read are empty in some row, which may then be a blank line."""
    (found,) = texts.select(pl.all_horizontal(pl.all().is_null()).any()).collect().row(0)
    return bool(found)


def _facts(path: Path, delimiter: str, above: int, width: int) -> _Facts:
    """The facts of a first pass over the bytes; most files have the same delimiters in each line, which is fast."""
    mark = delimiter.encode()
    others = bytes(set(range(256)) - {*mark, *b"\r\n\"'\0"})
    line, passed, even = b"", 0, True  # the usual delimiters and end of a line, and the bytes that match so far
    count, quoted, waiting, last = 0, False, above, b""
    decoder = getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            if not block.isascii() or decoder.getstate()[0]:
                decoder.decode(block)
            if last == b"\r" and block[:1] != b"\n":
                raise NotPlainError
            place = 0
            while waiting and place >= 0:
                place = block.find(b"\n", place) + 1
                waiting -= 1
                if not place:
                    raise NotPlainError  # the headers are longer than a block
            line = line or mark * (width - 1) + (b"\r\n" if block[: block.find(b"\n")][-1:] == b"\r" else b"\n")
            marks = block[place:].translate(None, others)
            rare = block[:place] + marks  # all quotes and the like of the block, in a tenth of its bytes
            quoted = quoted or b'"' in rare
            if b"\0" in rare or (b"'" in rare and any(each in last + block for each in _APOSTROPHES)):
                raise NotPlainError
            last = block[-1:]
            bare = marks.translate(None, b"\"'") if b'"' in rare or b"'" in rare else marks
            if even:
                start = passed % len(line)
                lines = line * ((start + len(bare)) // len(line) + 1)
                even = lines[start : start + len(bare)] == bare
                passed += len(bare) if even else 0
            if not even:
                count += bare.count(mark)
            # Lines of the usual pattern have returns only if they end in \r\n, of which a cell may hold one half.
            if _has_bare_return(block[:place] if even and line[-2:] != b"\r\n" else block):
                raise NotPlainError
    decoder.decode(b"", final=True)
    if last == b"\r":
        raise NotPlainError
    lines_passed, rest = divmod(passed, len(line) or 1)
    count += lines_passed * (width - 1) + min(rest, width - 1)
    ended = rest == width - 1 or (rest == 0 and last == b"\n")  # the last line may lack its end
    return _Facts(count, quoted, even and not quoted and ended)


def _has_bare_return(block: bytes) -> bool:
    """Whether a lone carriage return ends a line: it does for `read_csv`, but not for Polars."""
    return block.count(b"\r", 0, -1) != block.count(b"\r\n")


def _check_widths(pl: Any, texts: Any, delimiter: str, facts: _Facts, width: int) -> None:
    """Count the delimiters: Polars rejects rows that are too long, but fills rows that are too short."""
    inner = [pl.lit(0)]
    if facts.quoted:
        inner += [pl.col(f"c{place}").str.count_matches(delimiter, literal=True).sum() for place in range(width)]
    rows, *within = (
        texts.select(pl.len().alias("rows"), *(one.alias(f"i{n}") for n, one in enumerate(inner))).collect().row(0)
    )
    if facts.delimiters != (width - 1) * rows + sum(count or 0 for count in within):
        raise NotPlainError


def _checked(pl: Any, whole: Any, grid: Grid) -> tuple[Any, dict[str, int]]:
    """The frame of records, after validating that all of them are plain."""
    found = whole.group_by("reason").agg(pl.len().alias("rows"), pl.col("bad").sum()).collect().rows()
    skipped = dict(grid.skipped)
    for reason, rows, bad in sorted(found, key=str):
        if reason is not None:
            skipped[reason] = skipped.get(reason, 0) + rows
        elif bad:
            raise NotPlainError
    return whole.filter(pl.col("reason").is_null()).drop("reason", "bad"), skipped
