"""CSV files as tables of a `Dataset`, with the same rows and values as `read_csv`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import FileFormatError
from crmkpi.records.base import record_type
from crmkpi.records.directions import together
from crmkpi.sources.account import Rejected
from crmkpi.sources.columns import matched_columns
from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.dates import zone_named
from crmkpi.sources.frames.batches import UNREADABLE, frame_of_records
from crmkpi.sources.frames.csv_text import plain_frame
from crmkpi.sources.frames.typed_columns import NotPlainError, field_column
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, ReadingOptions, options_from
from crmkpi.sources.rows import load, record_of
from crmkpi.sources.streams import RecordStream
from crmkpi.sources.text import open_text

__all__ = ["csv_table"]

_MOST_HELD = 2_000_000_000  # bytes of all files; larger files are read at each query


def csv_table(
    files: Sequence[Path],
    record: type[Any] | None,
    preset: AnyPreset | None,
    columns: Mapping[str, str | Sequence[str]] | None,
    given: Reading,
) -> FrameTable:
    """Files of the same columns as one table of Polars; `columns` is that of `read_csv`."""
    pl = import_module("polars")

    record = record_of(record, options_from(preset, given))
    kind = record_type(record)
    options = options_from(preset, {**given, "columns": together(columns or {}, kind.fields)})
    held = sum(path.stat().st_size for path in files) <= _MOST_HELD
    frames: list[Any] = []
    skipped: Counter[str] = Counter()
    rejected: list[Rejected] = []
    unfilled: list[frozenset[str]] = []
    numbered = False
    for path in files:
        if not path.is_file():
            raise FileFormatError(
                f"{path.name} is not a file on disk, and scan() reads its files more than once; read it with read_csv "
                f"or stream_csv, which accept pipes."
            )
        frame, out, refused, lacking, without = _frame_of(path, record, options, held=held)
        frames.append(frame)
        unfilled.append(frozenset(lacking))
        skipped.update(out)
        rejected += refused
        numbered = numbered or without
    whole = frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")
    names = whole.collect_schema().names()
    start = field_column("")
    unread = {
        name.removeprefix(start).removesuffix(UNREADABLE): name
        for name in names
        if name.startswith(start) and name.endswith(UNREADABLE)
    }
    mapped = {known.name: own for known in kind.fields.values() if (own := field_column(known.name)) in names}
    return FrameTable(
        whole,
        type_=kind,
        columns=mapped,
        zone=None if options.tz is None else zone_named(options.tz),
        skipped=dict(skipped) or None,
        rejected=tuple(rejected),
        unfilled=frozenset.intersection(*unfilled),
        unread=unread,
        numbered=numbered,
    )


def _frame_of(
    path: Path, record: type[Any], options: ReadingOptions, *, held: bool
) -> tuple[Any, Mapping[str, int], Sequence[Rejected], Sequence[str], bool]:
    """The records of a file as a frame, counts of skipped rows, rejected rows, unfilled fields, whether ids lack."""
    text = open_text(path, encoding=None)
    with cells_of_any_length():
        grid = csv_grid(text, record, options, delimiter=None)
        kind = record_type(record)
        if text.encoding == "utf-8" and kind.model is record:  # a subclass may validate more
            try:
                frame, skipped = plain_frame(path, grid, kind, options, held=held)
                columns = matched_columns(grid.headers, kind, options, source=grid.source)
                return frame, skipped, (), columns.unfilled(kind), columns.numbered
            except NotPlainError:
                pass
        if not held:
            raise FileFormatError(
                f"{path.name} is too large to load at once, and has values that are not written plainly, such as "
                f"$1,200 or 31/01/2026; measure its records, which stream_csv reads one at a time."
            )
        if options.preset is not None and options.preset.history:
            records = load(grid, record, options)
            return frame_of_records(records, kind), records.account.skipped, records.rejected, (), False
    stream = RecordStream(grid, record, options)
    frame = frame_of_records(stream, kind, stream.typed)
    account = stream.account
    return frame, account.skipped, stream.rejected, account.unfilled, account.lacks_ids
