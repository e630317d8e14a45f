"""Collect the statements of a measurement, for `Report.sql()` and `Report.plan()`: each home says what it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

__all__ = ["collecting", "ran"]

_NOTED: ContextVar[list[tuple[str, str]] | None] = ContextVar("noted", default=None)


@contextmanager
def collecting(statements: list[tuple[str, str]] | None) -> Iterator[None]:
    """Collect the language and the text of each statement that runs meanwhile."""
    before = _NOTED.set(statements)
    try:
        yield
    finally:
        _NOTED.reset(before)


def ran(language: Literal["sql", "plan"], text: Callable[[], str]) -> None:
    """Collect a statement of SQL, or the plan of a cluster; the text is only made where statements are collected."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append((language, text()))
