"""Lazily read files of a table: a query reads only the columns that it needs."""

from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crmkpi._read_only import ReadOnly
from crmkpi.records.base import record_type
from crmkpi.sources.account import LoadAccount
from crmkpi.sources.any_file import read_file
from crmkpi.sources.columns import matched_columns
from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.grid import Grid
from crmkpi.sources.loaded import Records, joined
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import ReadingOptions, options_from
from crmkpi.sources.rows import load, record_of
from crmkpi.sources.text import Source, open_text

if TYPE_CHECKING:
    from crmkpi.engines.frames.table import FrameTable

__all__ = ["FileRecords", "TableFile"]

Tell = Callable[[str, Records[Any]], None]
_LEAST_SCANNED = 2_000_000  # bytes; smaller files are read before Polars is imported


class TableFile(NamedTuple):
    """A file of a table and the arguments of `read_file` for it; messages refer to it by `name`."""

    source: Source
    name: str
    preset: AnyPreset | None = None
    sheet: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    options: Mapping[str, Any] = ReadOnly()

    def read(self, record: type[Any], only: Collection[str] | None) -> Records[Any]:
        """The records, by the reader; those of a CSV file have only the fields in `only`."""
        if only is not None and self.is_text and self.preset != "auto":
            with cells_of_any_length():
                grid, asked = self.grid(record, only)
                return load(grid, record_of(record, asked), asked._replace(in_part=True))
        return read_file(
            self.source,
            record=record,
            preset=self.preset,
            sheet=self.sheet,
            delimiter=self.delimiter,
            encoding=self.encoding,
            **self.given(only),
        )

    def grid(self, record: type[Any], only: Collection[str] | None) -> tuple[Grid, ReadingOptions]:
        """The grid of a CSV file, and its reading options."""
        asked = options_from(self.preset, self.given(only))
        return csv_grid(open_text(self.source, encoding=self.encoding), record, asked, delimiter=self.mark), asked

    def given(self, only: Collection[str] | None) -> Any:
        """The reading options, restricted to the fields in `only`."""
        return {**self.options, "only": only}

    def coerced(self, record: type[Any], only: Collection[str] | None) -> Mapping[str, Mapping[str, int]]:
        """The number of values that the reader converts, by column and conversion."""
        return self.read(record, only).account.coerced

    @property
    def mark(self) -> str | None:
        """The delimiter, if it is known before the file is opened."""
        return "\t" if self.name.lower().endswith(".tsv") else self.delimiter

    @property
    def is_text(self) -> bool:
        """Whether the file is a CSV file on disk in the default encoding."""
        path = self.source
        if not isinstance(path, str | Path) or Path(path).suffix.lower() not in (".csv", ".tsv"):
            return False
        return self.encoding in (None, "utf-8", "utf8", "UTF-8") and stat.S_ISREG(Path(path).stat().st_mode)


@dataclass(slots=True, eq=False, repr=False)
class _Here:
    """The part of a file that has been read: its fields (None for all of them) and their records."""

    only: frozenset[str] | None = frozenset()
    known: Records[Any] | None = None  # with the account
    part: Records[Any] | None = None  # the records with these fields, if the row reader read them
    all: Records[Any] | None = None
    frame: FrameTable | None = None


class FileRecords(Records[Any]):  # pyrefly: ignore  # not a dataclass itself
    """The records of the files of a table.

    Iterating over them reads all fields. A query first declares the fields that it needs (`look`), and only these are
    read: as a frame where `crmkpi[polars]` is installed and the files allow it (`frame`), else as records
    (`records_read`). The rule is that of `scan`: CSV files on disk in UTF-8, of two megabytes or more in all, whose
    requested cells are all written plainly, with a unique id column. A second query that needs other fields reads all
    of them. Both ways return the same records and the same account.
    """

    __slots__ = ("_files", "_here", "_tell", "_whole_at_once")
    _files: tuple[TableFile, ...]
    _here: _Here
    _tell: Tell | None
    _whole_at_once: bool

    def __init__(
        self, files: Sequence[TableFile], record: type[Any], *, tell: Tell | None = None, whole: bool = False
    ) -> None:
        """`tell` is called when a file is first read; with `whole` the first query reads all columns."""
        for name, value in {
            "record": record,
            "source": ", ".join(Path(file.name).name for file in files),
            "tz": files[0].options.get("tz"),
            "joined": "",
            "_files": tuple(files),
            "_tell": tell,
            "_whole_at_once": whole,
            "_here": _Here(),
        }.items():
            object.__setattr__(self, name, value)

    def look(self, fields: Collection[str] | None) -> None:
        """Read the columns of these fields; all columns if they are None, or custom, or after an earlier query."""
        if self._here.known is not None and (
            self._here.only is None or (fields is not None and self._here.only.issuperset(fields))
        ):
            return
        custom = fields is None or any(name.startswith("attributes.") for name in fields)
        only = None if self._whole_at_once or self._here.known is not None or custom else frozenset(fields or ())
        first = self._here.known is None
        told = self._scanned(only) or self._read(only)
        self._here.only = only
        if first and self._tell is not None:
            for file, part in zip(self._files, told, strict=True):
                self._tell(file.name, part)

    @property
    def frame(self) -> FrameTable | None:
        """The requested fields as a frame; None where only the row reader can read the files."""
        return self._here.frame

    @property
    def records_read(self) -> Records[Any]:
        """The records with the requested fields."""
        if self._here.part is None:
            self._read(self._here.only)
        assert self._here.part is not None
        return self._true(self._here.part)

    def is_unfilled(self, name: str) -> bool:
        """Whether no column fills a field, judged by the headers."""
        if self._here.known is None and all(file.is_text and file.preset != "auto" for file in self._files):
            with cells_of_any_length():
                return all(self._lacks(file, name) for file in self._files)
        return name in self._true(self._looked).account.unfilled

    def _lacks(self, file: TableFile, name: str) -> bool:
        grid, asked = file.grid(self.record, None)
        kind = record_type(self.record)
        return name in matched_columns(grid.headers, kind, asked, source=grid.source).unfilled(kind)

    def _scanned(self, only: frozenset[str] | None) -> list[Records[Any]] | None:
        """The accounts of the files, read as a frame; None where they cannot be read as one."""
        paths = [Path(str(file.source)) for file in self._files if file.is_text]
        if len(paths) < len(self._files) or find_spec("polars") is None:
            return None
        if sum(path.stat().st_size for path in paths) < _LEAST_SCANNED:
            return None
        from crmkpi.sources.frames.csv_parts import Coerced, plain_table  # noqa: PLC0415  # only where Polars is

        files = [
            (path, file.preset, file.mark, file.given(only)) for path, file in zip(paths, self._files, strict=True)
        ]
        found = plain_table(files, self.record)
        if found is None:
            return None
        table, accounts = found
        coerced = [Coerced(partial(file.coerced, self.record, only)) for file in self._files]
        parts = [self._of_account(replace(one, coerced=own)) for one, own in zip(accounts, coerced, strict=True)]
        whole = joined([self._of_account(one) for one in accounts])
        account = replace(whole.account, coerced=Coerced(lambda: self.records_read.account.coerced))
        self._here.known = replace(whole, account=account)
        self._here.part = None
        self._here.frame = table
        return parts

    def _of_account(self, account: LoadAccount) -> Records[Any]:
        """An empty `Records` that carries the account."""
        return Records(
            (), self.record, account.rejected, account.unmapped, account.notes, account.source, self.tz, account
        )

    def _read(self, only: frozenset[str] | None) -> list[Records[Any]]:
        parts = [file.read(self.record, only) for file in self._files]
        whole = joined(parts)
        if self._here.frame is None or self._here.known is None or only != self._here.only:
            self._here.known = whole
            self._here.frame = None
        self._here.part = whole
        if only is None:
            self._here.all = whole
        return parts

    def _true(self, records: Records[Any]) -> Records[Any]:
        """The records; a field that was not read does not count as unfilled."""
        account = records.account
        unfilled = tuple(name for name in account.unfilled if name not in account.mapped)
        return (
            records if unfilled == account.unfilled else replace(records, account=replace(account, unfilled=unfilled))
        )

    @property
    def _looked(self) -> Records[Any]:
        if self._here.known is None:
            self.look(None)
        assert self._here.known is not None
        return self._here.known

    @property
    def whole(self) -> Records[Any]:
        """All records with all fields."""
        if self._here.all is None:
            self._read(None)
            self._here.only = None
        assert self._here.all is not None
        return self._here.all

    @property
    def _items(self) -> tuple[Any, ...]:
        return tuple(self.whole)

    @property
    def lines(self) -> tuple[tuple[str, Sequence[int]], ...]:
        """The line numbers of the records, by file."""
        return self.whole.lines

    @property
    def account(self) -> LoadAccount:
        """The account of the rows, and of the columns that were read."""
        return self._true(self._looked).account

    @property
    def rejected(self) -> Any:
        """The rows that are not records."""
        return self._looked.rejected

    @property
    def unmapped(self) -> tuple[str, ...]:
        """The columns that fill no field."""
        return self._looked.unmapped

    @property
    def notes(self) -> tuple[str, ...]:
        """The decisions of the reader, as sentences."""
        return self._looked.notes

    def __len__(self) -> int:
        known = self._looked
        return len(known) or (0 if self._here.frame is None else known.account.used)

    def __reduce__(self) -> tuple[Any, ...]:
        whole = self.whole
        return replace, (whole,)
