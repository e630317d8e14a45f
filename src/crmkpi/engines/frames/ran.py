"""The statements that run for a measurement, for `Report.sql()`: all of them, whichever part of the engine asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["collecting", "ran"]

_NOTED: ContextVar[list[tuple[str, str]] | None] = ContextVar("noted", default=None)


@contextmanager
def collecting(statements: list[tuple[str, str]] | None) -> Iterator[None]:
    """Put what runs meanwhile into a list: the language and the text of each statement."""
    before = _NOTED.set(statements)
    try:
        yield
    finally:
        _NOTED.reset(before)


def ran(text: Callable[[], str]) -> None:
    """Say that a statement of SQL has run; its text is only made where somebody wants it."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append(("sql", text()))
