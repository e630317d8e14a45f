"""Scan Parquet and CSV files as tables to measure, including files larger than memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Unpack
from zoneinfo import ZoneInfo

from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import FileFormatError, InputError, MissingExtraError, did_you_mean
from crmkpi.sources.frames.csv_duckdb import duckdb_table
from crmkpi.sources.frames.csv_files import csv_table
from crmkpi.sources.frames.tables import table
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading, TextReading

__all__ = ["scan"]

_FORMATS = (".parquet", ".csv")
_ENGINES: tuple[Literal["polars", "duckdb"], ...] = ("polars", "duckdb")


def scan(
    path: str | Path,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    columns: Mapping[str, str | Sequence[str]] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    tz: str | ZoneInfo | None = None,
    engine: Literal["polars", "duckdb"] | None = None,
    **texts: Unpack[TextReading],
) -> FrameTable:
    """Scan Parquet or CSV files as a table of a `Dataset`.

    `path` may hold `*` for several files with the same columns. The other arguments are those of `table`. `engine` is
    the library that reads: Polars, or DuckDB if only that is installed.

    Parquet is read in parts, at each measurement. Polars loads a CSV file at once, as a table of typed columns that
    takes a fraction of the memory of records; files of more than two gigabytes in all are not loaded, but read at each
    measurement. The records are those of `read_csv`, and so are the rejected and skipped rows, in `.rejected` and
    `.skipped`. A file with values that are not written plainly, such as $1,200.50 or 31/01/2026, is read by the same
    code as `read_csv`, which takes longer. `texts` are the arguments of `read_csv` for such values: `decimal`,
    `date_format`, `day_first` and `defaults`. DuckDB reads a CSV file in place if all its values are written plainly
    and neither a preset nor `texts` are given; any other file is read by the code of `read_csv` into a temporary table
    of DuckDB's own connection.

    Raises:
        FileFormatError: the files are neither Parquet nor CSV, or there is none; or one of more than two gigabytes has
            values that are not written plainly: use `stream_csv`.
        InputError: `texts` are given for a Parquet file.
        MissingExtraError: neither Polars nor DuckDB is installed.

    >>> scan("deals.xlsx", record=__import__("crmkpi").Deal)
    Traceback (most recent call last):
    crmkpi.errors.FileFormatError: scan() reads Parquet and CSV files; got 'deals.xlsx'. Known: '.csv', '.parquet'.
    """
    if not isinstance(path, str | Path):
        raise FileFormatError(f"scan() reads Parquet and CSV files; got {path!r}.")
    file = Path(path)
    if file.suffix not in _FORMATS:
        raise FileFormatError(
            f"scan() reads Parquet and CSV files; got {str(path)!r}. {did_you_mean(file.suffix, _FORMATS)}"
        )
    if not _files(file):
        raise FileFormatError(f"scan() found no file {str(path)!r}; write * for a part of a name that varies.")
    if engine is not None and engine not in _ENGINES:
        raise InputError(
            f"scan() reads with engine='polars' or engine='duckdb'; got engine={engine!r}. Without it, the one that is "
            "installed reads."
        )
    chosen = engine or next((name for name in _ENGINES if find_spec(name)), None)
    if chosen is None:
        raise MissingExtraError("scan() needs Polars or DuckDB; install one with pip install 'crmkpi[polars]'.")
    library = _library(chosen)
    reads_lazily = hasattr(library, "scan_parquet")  # Polars, for which crmkpi parses CSV files itself
    if file.suffix == ".csv" and reads_lazily:
        return csv_table(_files(file), record, preset, columns, _reading(texts, values, tz))
    if file.suffix == ".csv":
        return duckdb_table(library, _files(file), record, preset, columns, _reading(texts, values, tz))
    ends = texts.pop("ends", None)  # applies to Parquet too, unlike the other `texts`
    frame = library.scan_parquet(path) if reads_lazily else library.read_parquet(str(path))
    if texts:
        raise InputError(
            f"{'=, '.join(texts)}= say how texts are read, and {str(path)!r} is no CSV file; leave them out."
        )
    return table(frame, record=record, preset=preset, columns=columns, values=values, tz=tz, ends=ends)


def _reading(texts: TextReading, values: Mapping[str, Mapping[Any, Any]] | None, tz: str | ZoneInfo | None) -> Reading:
    said: Any = {**texts, "values": values, "tz": tz}
    return said  # type: ignore[no-any-return]


def _files(file: Path) -> list[Path]:
    """The files of a name that may hold `*`."""
    return sorted(Path(file.anchor or ".").glob(str(file.relative_to(file.anchor))))


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"scan(engine={name!r}) needs {name}; install it with pip install 'crmkpi[{name}]'."
        ) from error
