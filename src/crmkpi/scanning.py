"""Files larger than memory: scanned where they lie, only the columns that a KPI reads."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from crmkpi.engines.frames_columns import FrameTable, table
from crmkpi.errors import FileFormatError, MissingExtraError, did_you_mean
from crmkpi.presets.library import AnyPreset

__all__ = ["scan"]

_FORMATS = (".parquet", ".csv")


def scan(
    path: str | Path,
    *,
    record: type[Any] | None = None,
    preset: AnyPreset | None = None,
    columns: Mapping[str, str] | None = None,
    values: Mapping[str, Mapping[Any, Any]] | None = None,
    tz: str | ZoneInfo | None = None,
    engine: Literal["polars", "duckdb"] | None = None,
) -> FrameTable:
    """Parquet or CSV files as a table of a `Dataset`, read in parts when something is measured.

    `path` may hold `*` for many files of the same columns. The other arguments are those of `table`. `engine` is the
    library that reads: Polars, or DuckDB where only that is installed.

    Raises:
        FileFormatError: the files are neither Parquet nor CSV, or there is none.
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
    if not any(Path(file.anchor or ".").glob(str(file.relative_to(file.anchor)))):
        raise FileFormatError(f"scan() found no file {str(path)!r}; write * for a part of a name that varies.")
    chosen = engine or next((name for name in ("polars", "duckdb") if find_spec(name)), None)
    if chosen is None:
        raise MissingExtraError("scan() needs Polars or DuckDB; install one with pip install 'crmkpi[polars]'.")
    library = _library(chosen)
    if chosen == "polars":
        frame = (
            library.scan_parquet(path) if file.suffix == ".parquet" else library.scan_csv(path, try_parse_dates=True)
        )
    else:
        frame = library.read_parquet(str(path)) if file.suffix == ".parquet" else library.read_csv(str(path))
    return table(frame, record=record, preset=preset, columns=columns, values=values, tz=tz)


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtraError(
            f"scan(engine={name!r}) needs {name}; install it with pip install 'crmkpi[{name}]'."
        ) from error
