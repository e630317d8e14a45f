"""Rows of a report that are not records: totals, and the header row repeated on each page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from crmkpi.currencies import currencies_of
from crmkpi.sources.grid import Row
from crmkpi.sources.spellings import is_missing, spelling_of

__all__ = ["FIRST_CELLS", "MAY_BE_TOTAL", "SUBTOTAL", "TOTAL", "ReportRows"]

_LONGEST_WORD = 200  # characters, with the name of the total
FIRST_CELLS = 3  # the cells that may have the word for a total
_WORDS = (
    r"(?:grand|sub|net|overall|report)?[ -]?totals?",
    r"sums?|overall|summe|(?:zwischen|end|gesamt)summe|gesamt(?:ergebnis)?|insgesamt|teilergebnis",
    r"(?:sous-)?total g[ée]n[ée]ral|somme|total geral|totale(?: complessivo)?|(?:eind|sub)?totaal|totalt|delsumma",
    r"summa|suma(?: końcowa)?|razem|ogółem|łącznie|i alt|yhteensä|toplam|genel toplam|итого|всего",
    r"合計|小計|総計|合计|总计|कुल(?: योग)?",
)
# A word for a total, and the text that may follow it: a colon and a name, or a count in brackets.
TOTAL = rf"(?i)^\s*(?:{'|'.join(_WORDS)})\s*(?:\([^)]*\)|:.*)?\s*$"
SUBTOTAL = r"(?i)^\s*(?:sub-?total|zwischensumme|teilergebnis|sous-total|subtotaal|delsumma|suma częściowa|小計)\s*$"
_OF_GROUP = rf"(?:{'|'.join(_WORDS)}|ergebnis)"  # next to the name of the group, as in spreadsheets
MAY_BE_TOTAL = rf"(?i)^\s*{_OF_GROUP}(?:[\s(:]|$)|\s{_OF_GROUP}\s*$"
_TOTAL_OF_GROUP = rf"(?i)\s*{_OF_GROUP}\s*"
_PARTS_OF_WORDS = (
    *("total", "totaa", "sum", "gesamt", "ergebnis", "overall", "somme", "razem", "ogół", "łącz", "i alt", "yhteens"),
    *("toplam", "итого", "всего", "合", "小計", "総計", "总计", "कुल"),
)


class ReportRows(NamedTuple):
    """Finds totals and repeated headers: a total has a word for it in a first cell, and numbers in all other cells.

    A total of a group may repeat a value that its rows share, such as their status: the row `above` has it too. A row
    with an id in the column `of_ids` is always a record.
    """

    headers: tuple[str, ...]
    of_ids: int | None = None

    def may_be(self, rows: Sequence[Row]) -> bool:
        """Whether any of the rows may be a total, a header or blank, by a fast check of the first columns."""
        if len(self.headers) < 2:
            return not all(map(any, rows))
        return any(self._may_hold(rows, place) for place in range(1 if self.of_ids == 0 else FIRST_CELLS))

    def _may_hold(self, rows: Sequence[Row], place: int) -> bool:
        try:
            cells: set[Any] = set(map(itemgetter(place), rows))
        except IndexError:
            cells = {row[place] if place < len(row) else None for row in rows}
        if place == 0 and (None in cells or "" in cells or self.headers[0] in cells):
            return True
        try:
            if "".join(cells).isdecimal():  # almost always a column of ids
                return False
            text = "\n".join(cells).casefold()
        except TypeError:  # some cells are not text
            text = "\n".join([cell for cell in cells if isinstance(cell, str)]).casefold()
        return any(part in text for part in _PARTS_OF_WORDS) or (place == 0 and self.headers[0].casefold() in text)

    def reason_of(self, row: Row, above: Row = ()) -> str | None:
        """The reason why a row is not a record, None where it may be one."""
        if len(self.headers) < 2 or not row:
            return None
        if self._is_total(row, [*above, *[None] * (len(row) - len(above))]):
            return "total row"
        if len(row) == len(self.headers) and isinstance(row[0], str) and all(map(_is_header, row, self.headers)):
            return "headers again"
        return None

    def _is_total(self, row: Row, above: Row) -> bool:
        place = next((place for place, cell in enumerate(row[:FIRST_CELLS]) if _is_word(cell, above[place])), None)
        if place is None or (self.of_ids not in (None, place) and not all(map(_is_nothing, self._id_of(row)))):
            return False
        others = [each for at, each in enumerate(zip(row, above, strict=False)) if at != place]
        if not all(_adds_up(cell) or cell == over for cell, over in others):
            return False
        # In a file without ids a deal of the company "Total" fills all columns, as other deals do.
        full = self.of_ids is None and not any(_is_nothing(cell) for cell, _ in others)
        plain = re.match(TOTAL, row[place]) is not None and re.match(SUBTOTAL, row[place]) is None
        return not (full and plain and any(not _adds_up(cell) for cell, _ in others))

    def _id_of(self, row: Row) -> Sequence[Any]:
        return row[self.of_ids : self.of_ids + 1] if self.of_ids is not None else ()


def _is_word(cell: Any, above: Any) -> bool:
    """Whether a cell is a word for a total, alone or next to the group name of the row above."""
    if not isinstance(cell, str) or len(cell) > _LONGEST_WORD:
        return False
    if re.match(TOTAL, cell):
        return True
    group = above.strip() if isinstance(above, str) else ""
    text = cell.strip()
    if not group or group not in text:
        return False
    rest = text.removeprefix(group) if text.startswith(group) else text.removesuffix(group)
    return rest != text and re.fullmatch(_TOTAL_OF_GROUP, rest) is not None


def _is_nothing(cell: Any) -> bool:
    return _is_empty(cell) or (isinstance(cell, str) and is_missing(cell))


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_header(cell: Any, header: str) -> bool:
    return ("" if cell is None else str(cell).strip().casefold()) == header.casefold()


def _adds_up(cell: Any) -> bool:
    """Whether a cell may follow a word for a total: it is empty, a number, a currency, or another such word."""
    if not isinstance(cell, str):
        return cell is None or isinstance(cell, int | float)
    text = cell.strip()
    if not text or is_missing(text) or spelling_of(text) is not None:
        return True
    return bool(currencies_of(text)) or (len(text) <= _LONGEST_WORD and re.match(TOTAL, text) is not None)
