"""Writing what was made to files: by their suffix, and all of them or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from crmkpi.display.html import report_page
from crmkpi.display.markdown import report_markdown
from crmkpi.display.rows import report_csv, report_json
from crmkpi.display.text import report_text
from crmkpi.display.workbook import report_workbook
from crmkpi.errors import InputError, unknown_name
from crmkpi.measuring.results import Report

__all__ = ["PAGE_SUFFIXES", "REPORT_SUFFIXES", "check_suffix", "output_of", "write_all"]

_FORMATS: Mapping[str, Callable[[Report], str | bytes]] = {
    ".txt": report_text,
    ".json": report_json,
    ".csv": report_csv,
    ".md": report_markdown,
    ".html": report_page,
    ".xlsx": report_workbook,
}
REPORT_SUFFIXES = tuple(_FORMATS)
PAGE_SUFFIXES = (".html", ".md", ".xlsx")


def check_suffix(path: str | Path, known: Iterable[str] = REPORT_SUFFIXES) -> str:
    """The suffix of an output, which says its format."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise unknown_name(f"The suffix of an output says its format; got {str(path)!r}.", suffix, known)
    return suffix


def output_of(report: Report, path: str | Path) -> bytes:
    """What a file of that suffix holds of a report."""
    made = _FORMATS[check_suffix(path)](report)
    return made if isinstance(made, bytes) else (made.rstrip("\n") + "\n").encode()


def write_all(contents: Mapping[Path, bytes]) -> None:
    """Write all files, or none: each is written beside its place first, and moved there when all are complete.

    Raises:
        InputError: one of them cannot be written; nothing has changed.
    """
    written: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in contents.items():
            if path.is_dir():
                raise IsADirectoryError(21, "it is a folder", str(path))
            path.parent.mkdir(parents=True, exist_ok=True)
            other = path.with_name(f".{path.name}.{os.getpid()}.new")
            written[other] = path
            other.write_bytes(content)
        for other, path in written.items():
            other.replace(path)
    except OSError as error:
        for other in written:
            other.unlink(missing_ok=True)
        raise InputError(f"{path} cannot be written: {error.strerror or error}; nothing was changed.") from None
