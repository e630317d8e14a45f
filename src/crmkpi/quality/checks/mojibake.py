"""Text decoded with a wrong encoding: ChloÃ© for Chloé."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector, shown
from crmkpi.records.faults import shortened

__all__ = ["mojibake", "repaired"]


def mojibake(table: CheckedTable) -> Iterable[Inspector]:
    """UTF-8 that was decoded as Windows or Latin text, and lost characters: one name then forms two segments."""
    names = table.fields("text")
    if names:
        yield _Texts(
            table, names, table.fields("attributes"), attrgetter(*names, names[0])
        )  # two at least, for a tuple


@dataclass(slots=True)
class _Texts:
    table: CheckedTable
    names: tuple[str, ...]
    attributes: tuple[str, ...]
    values: Callable[[Any], tuple[str | None, ...]]
    count: int = 0
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        for record in records:
            wrong = next(self._wrong(record), None)
            if wrong is not None:
                self.count += 1
                if not self.example:
                    name, text = wrong
                    right = repaired(text)
                    meant = "" if right is None else f", meant as {shortened(right)}"
                    self.example = f"{shown(record)} ({name} {shortened(text)}{meant})"

    def _wrong(self, record: Any) -> Iterator[tuple[str, str]]:
        texts = self.values(record)
        if not "".join(filter(None, texts)).isascii():
            for name, text in zip(self.names, texts, strict=False):
                if text is not None and _is_wrong(text):
                    yield name, text
        for attributes in self.attributes:
            for name, text in getattr(record, attributes).items():
                if isinstance(text, str) and not text.isascii() and _is_wrong(text):
                    yield name, text

    def findings(self) -> Iterable[Finding]:
        if self.count:
            yield self.table.finding(
                "mojibake",
                "text of a wrong encoding; read the file again with encoding=",
                count=self.count,
                example=self.example,
            )


def _is_wrong(text: str) -> bool:
    return "\ufffd" in text or repaired(text) is not None


def repaired(text: str) -> str | None:
    """The correct text of UTF-8 that was decoded as Windows or Latin text; None for a correct text.

    >>> repaired("ChloÃ© Martin"), repaired("Chloé Martin")
    ('Chloé Martin', None)
    """
    for encoding in ("cp1252", "latin-1"):
        try:
            right = text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if right != text:
            return right
    return None
