"""Read a file of any supported kind, by its suffix."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from crmkpi.errors import FileFormatError
from crmkpi.sources.csv_files import read_csv
from crmkpi.sources.excel_files import WORKBOOKS, read_excel
from crmkpi.sources.exports import read_export
from crmkpi.sources.json_files import JSON_FILES, read_json
from crmkpi.sources.loaded import Records
from crmkpi.sources.presets.library import AnyPreset
from crmkpi.sources.reading import Reading
from crmkpi.sources.text import Source

__all__ = ["SUFFIXES", "check_suffix", "read_file"]

SUFFIXES = (".csv", ".tsv", ".xlsx", *JSON_FILES)


def read_file(
    source: Source,
    *,
    record: type[Any],
    preset: AnyPreset | None = None,
    sheet: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    **options: Unpack[Reading],
) -> Records[Any]:
    r"""Read CSV, a workbook or JSON by the suffix of the path; an open file is read as CSV.

    `preset="auto"` recognises the preset by the headers. The other arguments are those of `read_csv` and `read_excel`.

    >>> import io
    >>> from crmkpi.records import Deal
    >>> read_file(io.StringIO("id,status\n1,won\n"), record=Deal)[0].status
    'won'
    """
    suffix = check_suffix(source) if isinstance(source, str | Path) else ".csv"
    if preset == "auto":
        return read_export(source, record=record, encoding=encoding, **options)
    if suffix in WORKBOOKS:
        return read_excel(Path(str(source)), record=record, preset=preset, sheet=sheet, **options)
    if suffix in JSON_FILES:
        return read_json(source, record=record, preset=preset, encoding=encoding, **options)
    delimiter = "\t" if suffix == ".tsv" else delimiter
    return read_csv(source, record=record, preset=preset, delimiter=delimiter, encoding=encoding, **options)


def check_suffix(path: str | Path) -> str:
    """The suffix of a path; one of an unsupported kind of file is an error."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise FileFormatError(
            f"{path} is none of the files that can be read ({', '.join(SUFFIXES)}); export it as one."
        )
    return suffix
