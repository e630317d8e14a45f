"""Reports as files, in the format of a suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from crmkpi.display.html import report_page
from crmkpi.display.markdown import report_markdown
from crmkpi.display.rows import report_csv, report_json
from crmkpi.display.text import report_text
from crmkpi.display.workbook import report_workbook
from crmkpi.errors import unknown_name
from crmkpi.measuring.results import Report

__all__ = ["REPORT_SUFFIXES", "check_suffix", "report_file"]

_FORMATS: Mapping[str, Callable[[Report], str | bytes]] = {
    ".txt": report_text,
    ".json": report_json,
    ".csv": report_csv,
    ".md": report_markdown,
    ".html": report_page,
    ".xlsx": report_workbook,
}
REPORT_SUFFIXES = tuple(_FORMATS)


def check_suffix(path: str | Path, known: Iterable[str] = REPORT_SUFFIXES) -> str:
    """The suffix of an output, which says its format."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise unknown_name(f"The suffix of an output says its format; got {str(path)!r}.", suffix, known)
    return suffix


def report_file(report: Report, path: str | Path) -> bytes:
    """The content of a file with that suffix."""
    made = _FORMATS[check_suffix(path)](report)
    return made if isinstance(made, bytes) else (made.rstrip("\n") + "\n").encode()
