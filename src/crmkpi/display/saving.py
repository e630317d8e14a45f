"""Write reports to files, in the format of the suffix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from crmkpi.errors import unknown_name
from crmkpi.measuring.results import Report

__all__ = ["REPORT_SUFFIXES", "check_suffix", "report_file"]


def _workbook(report: Report) -> bytes:
    from crmkpi.display.workbook import report_workbook  # noqa: PLC0415  # only for a workbook

    return report_workbook(report)


_FORMATS: Mapping[str, Callable[[Report], str | bytes]] = {  # their modules are loaded on first use
    ".txt": str,
    ".json": Report.to_json,
    ".csv": Report.to_csv,
    ".md": Report.to_markdown,
    ".html": Report.to_html,
    ".xlsx": _workbook,
}
REPORT_SUFFIXES = tuple(_FORMATS)


def check_suffix(path: str | Path, known: Iterable[str] = REPORT_SUFFIXES) -> str:
    """The suffix of an output path; an unknown format is an error."""
    suffix = Path(path).suffix.lower()
    if suffix not in known:
        raise unknown_name(f"The suffix of an output says its format; got {str(path)!r}.", suffix, known)
    return suffix


def report_file(report: Report, path: str | Path) -> bytes:
    """The content of a report file, in the format of its suffix."""
    made = _FORMATS[check_suffix(path)](report)
    return made if isinstance(made, bytes) else (made.rstrip("\n") + "\n").encode()
