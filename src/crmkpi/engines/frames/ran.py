"""Collect the statements of a measurement, for `Report.sql()` and `Report.plan()`; each home calls `ran`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

__all__ = ["collecting", "ran"]

_NOTED: ContextVar[list[tuple[str, str]] | None] = ContextVar("noted", default=None)


@contextmanager
def collecting(statements: list[tuple[str, str]] | None) -> Iterator[None]:
    """Collect the language and the text of each statement that runs within the context."""
    before = _NOTED.set(statements)
    try:
        yield
    finally:
        _NOTED.reset(before)


def ran(language: Literal["sql", "plan"], text: Callable[[], str]) -> None:
    """Collect an SQL statement, or the plan of a cluster; `text` is only called while statements are collected."""
    noted = _NOTED.get()
    if noted is not None:
        noted.append((language, text()))
