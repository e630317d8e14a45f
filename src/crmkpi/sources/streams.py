"""Stream CSV files that are larger than memory: records one at a time, and the account at the end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import getcontext, localcontext
from itertools import chain
from typing import Any, Generic, TypeVar, Unpack, overload

from crmkpi.errors import InputError
from crmkpi.records.base import FieldType
from crmkpi.sources.account import LoadAccount, Rejected
from crmkpi.sources.csv_tables import cells_of_any_length, csv_grid
from crmkpi.sources.grid import Grid
from crmkpi.sources.histories import merged_away, merged_note, without_merged
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, ReadingOptions, options_from
from crmkpi.sources.rows import Loading, check_form, lacks, record_of
from crmkpi.sources.text import Source, open_text
from crmkpi.sources.zones import Zones, zones_of

__all__ = ["RecordStream", "stream_csv"]

_R = TypeVar("_R")


class RecordStream(Iterator[_R], Generic[_R]):
    r"""Records read lazily, in one pass; returned by `stream_csv`.

    `rejected` are the rows refused so far. `account` is available after the last record.

    >>> import io
    >>> from crmkpi.records import Order
    >>> orders = stream_csv(io.StringIO("id,amount\n1,5\n2,x\n"), record=Order)
    >>> next(orders).amount
    Decimal('5')
    >>> next(orders).amount, orders.account.used if next(orders, None) is None else None
    (None, 2)
    """

    def __init__(self, grid: Grid, record: type[_R], options: ReadingOptions) -> None:
        self.record = record
        self.source = grid.source
        self.tz = options.tz
        self._options = options
        self._decimals = getcontext().copy()
        with cells_of_any_length():
            self._merged = self._found_merged(grid)
            self._loading = Loading(grid, record, options)
        self._account: LoadAccount | None = None
        self._records = chain.from_iterable(self._parts())

    def __next__(self) -> _R:
        return next(self._records)

    @property
    def rejected(self) -> tuple[Rejected, ...]:
        """The rows that were refused so far."""
        return tuple(self._loading.rejected)

    @property
    def typed(self) -> tuple[FieldType, ...]:
        """The custom attributes of a declared kind."""
        return tuple(known for _, known in self._loading.columns.typed)

    @property
    def unfilled(self) -> tuple[str, ...]:
        """The fields that no column fills, known before the first record."""
        return self._loading.columns.unfilled(self._loading.kind)

    @property
    def account(self) -> LoadAccount:
        """The account of each row, column and value, equal to that of `read_csv`.

        Raises:
            InputError: the stream has not been read to its end.
        """
        if self._account is None:
            raise InputError(
                f"The account of {self.source} is complete only at the end of the stream; read it to its end first."
            )
        return self._account

    def __repr__(self) -> str:
        state = "not read to its end" if self._account is None else f"{self._account.used:,} used"
        return f"<stream of {self.record.__name__} records from {self.source}, {state}>"

    def _found_merged(self, grid: Grid) -> dict[str, str]:
        """The ids of merged records, for which the file is read an extra time."""
        preset = self._options.preset
        if preset is None or not preset.merged:
            return {}
        first = Loading(grid, self.record, self._options._replace(progress=None))
        if first.preset is None:  # a table of deals with stage dates, unpivoted
            return {}
        return merged_away(chain.from_iterable(first.parts()), preset, first.grid.headers)

    def _parts(self) -> Iterator[list[_R]]:
        loading, preset = self._loading, self._loading.preset
        zones: Zones = {}
        used = gone = 0
        lacking = lacks((), preset, rows=True)
        parts = loading.parts()
        while True:
            # Both settings are global to the process or thread, and the caller may have set them otherwise.
            with cells_of_any_length(), localcontext(self._decimals):
                part = next(parts, None)
            if part is None:
                break
            if self.tz is None:
                for field, found in zones_of(part, loading.columns, loading.kind).items():
                    zones.setdefault(field, set()).update(found)
                if any(len(found) > 1 for found in zones.values()):
                    loading.zone_notes(zones)
            kept = list(without_merged(part, self._merged)) if self._merged else part
            gone += len(part) - len(kept)
            used += len(kept)
            if lacking and kept:
                lacking = lacks(kept, preset)
            yield kept
        if not used + gone:
            check_form(self.source, loading.rejected)
        notes = loading.notes(used + gone)
        notes += loading.zone_notes(zones) if self.tz is None else []
        notes += merged_note(self._merged, gone) + (lacking if used else [])
        self._account = loading.account(used=used, merged=gone, notes=notes)


@overload
def stream_csv(
    path: Source,
    *,
    record: type[_R],
    preset: AnyPreset | None = ...,
    delimiter: str | None = ...,
    encoding: str | None = ...,
    **options: Unpack[Reading],
) -> RecordStream[_R]: ...
@overload
def stream_csv(
    path: Source,
    *,
    record: None = ...,
    preset: AnyPreset,
    delimiter: str | None = ...,
    encoding: str | None = ...,
    **options: Unpack[Reading],
) -> RecordStream[Any]: ...
def stream_csv(
    path: Source,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    **options: Unpack[Reading],
) -> RecordStream[Any]:
    r"""Read a CSV file of any size as records one at a time; the arguments are those of `read_csv`.

    The records are those of `read_csv`, and so is the account, which is complete after the last record. Memory holds
    one block of a file on disk, and each rejected row. Properties of a whole column, such as the order of day and
    month, are inferred in a first pass, so that the file may be read more than once; a column that mixes times with
    and without an offset is an error at the first time of the second kind.

    Raises:
        InputError: the preset reads stage changes, which make visits only together.

    >>> import io
    >>> from crmkpi import win_rate
    >>> from crmkpi.records import Deal
    >>> deals = stream_csv(io.StringIO("id,status\nD1,won\nD2,lost\nD3,gone\n"), record=Deal)
    >>> win_rate(deals, most_unreadable=0.5).value
    0.5
    >>> deals.account.rows, deals.account.used, deals.account.unreadable[0].value
    (3, 3, "'gone'")
    """
    asked = options_from(preset, options)
    record = record_of(record, asked)
    if asked.preset is not None and asked.preset.history:
        raise InputError(
            f"The preset {asked.preset.name} reads changes of stages, which make visits only when all of them are "
            f"there, so that they cannot be streamed; read them with read_csv."
        )
    with cells_of_any_length():
        grid = csv_grid(open_text(path, encoding=encoding), record, asked, delimiter=delimiter)
    return RecordStream(grid, record, asked)
