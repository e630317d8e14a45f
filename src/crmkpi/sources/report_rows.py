"""Rows that a report puts among its records: totals of others, and the line of headers again on each page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.sources.currencies import currencies_of
from crmkpi.sources.grid import Row
from crmkpi.sources.spellings import is_missing, spelling_of

__all__ = ["FIRST_CELLS", "TOTAL", "ReportRows"]

_LONGEST_WORD = 200  # with what is added up
FIRST_CELLS = 3  # among which the word of a total stands
_WORDS = (
    r"(?:grand|sub|net|overall|report)?[ -]?totals?",
    r"sums?|overall|summe|(?:zwischen|end|gesamt)summe|gesamt(?:ergebnis)?|insgesamt|teilergebnis",
    r"(?:sous-)?total g[ée]n[ée]ral|somme|total geral|totale(?: complessivo)?|(?:eind|sub)?totaal|totalt|delsumma",
    r"summa|suma(?: końcowa)?|razem|ogółem|łącznie|i alt|yhteensä|toplam|genel toplam|итого|всего",
    r"合計|小計|総計|合计|总计|कुल(?: योग)?",
)
# A word for a total, and what may follow it: a colon and what is added up, or how many.
TOTAL = rf"(?i)^\s*(?:{'|'.join(_WORDS)})\s*(?:\([^)]*\)|:.*)?\s*$"
_TOTAL = re.compile(TOTAL)
_PARTS_OF_WORDS = (
    *("total", "totaa", "sum", "gesamt", "teilerg", "overall", "somme", "razem", "ogół", "łącz", "i alt", "yhteens"),
    *("toplam", "итого", "всего", "合", "小計", "総計", "总计", "कुल"),
)


@dataclass(frozen=True, slots=True)
class ReportRows:
    """Finds such rows by their first cells: a total has a word for it, and numbers in all that follows."""

    headers: tuple[str, ...]

    def may_be(self, rows: Sequence[Row]) -> bool:
        """Whether a look at the first column does not rule out that one of the rows is such a row."""
        if len(self.headers) < 2:
            return False
        firsts = {row[0] if row else None for row in rows}
        if None in firsts or "" in firsts or self.headers[0] in firsts:
            return True
        text = "\n".join([cell for cell in firsts if isinstance(cell, str)]).casefold()
        return any(part in text for part in _PARTS_OF_WORDS) or self.headers[0].casefold() in text

    def reason_of(self, row: Row) -> str | None:
        """Why a row is no record, None where it may be one."""
        if len(self.headers) < 2 or not row:
            return None
        place = next((place for place, cell in enumerate(row[:FIRST_CELLS]) if not _is_empty(cell)), None)
        if place is None or not isinstance(row[place], str):
            return None
        if len(row[place]) <= _LONGEST_WORD and _TOTAL.match(row[place]) and all(map(_adds_up, row[place + 1 :])):
            return "total row"
        if len(row) == len(self.headers) and all(map(_is_header, row, self.headers)):
            return "headers again"
        return None


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_header(cell: Any, header: str) -> bool:
    return ("" if cell is None else str(cell).strip().casefold()) == header.casefold()


def _adds_up(cell: Any) -> bool:
    """Whether a cell may follow the word of a total: nothing, a number, a currency, or another such word."""
    if not isinstance(cell, str):
        return cell is None or isinstance(cell, int | float)
    text = cell.strip()
    if not text or is_missing(text) or spelling_of(text) is not None:
        return True
    return bool(currencies_of(text)) or (len(text) <= _LONGEST_WORD and _TOTAL.match(text) is not None)
