"""Limits of size that protect against broken or hostile sources."""

from __future__ import annotations

__all__ = [
    "LONGEST_CELL",
    "LONGEST_HEADER",
    "LONGEST_LINE",
    "LONGEST_NUMBER",
    "MOST_COLUMNS",
    "MOST_UNPACKED",
    "MOST_UNPACKED_RATIO",
]

LONGEST_LINE = 16_000_000  # characters
LONGEST_CELL = 16_000_000
LONGEST_HEADER = 500  # characters that are matched with the headers of presets
LONGEST_NUMBER = 100
MOST_COLUMNS = 5_000
MOST_UNPACKED = 2_000_000_000  # bytes of a workbook, which is a zip archive
MOST_UNPACKED_RATIO = 200
