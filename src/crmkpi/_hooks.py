"""Hooks: functions that a lower package calls by name and a higher package provides, as for `print(report)`.

A module declares a hook with `_text: Callable[[Report], str] = hook("report_text")`. The package names the provider of
each hook when it is imported; the provider's module is loaded at the first call. docs/architecture.md lists them all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import Any

__all__ = ["PROVIDERS", "hook", "provide"]

PROVIDERS: dict[str, str] = {}  # the name of a hook, and the module that has a function of that name


def provide(providers: Mapping[str, str]) -> None:
    """Name the module that provides each hook."""
    PROVIDERS.update(providers)


def hook(name: str) -> Callable[..., Any]:
    """A function that calls the one that a higher package provides under this name."""

    def call(*arguments: Any, **options: Any) -> Any:
        return _provided(name)(*arguments, **options)

    return call


@cache
def _provided(name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = getattr(import_module(PROVIDERS[name]), name)
    return found
