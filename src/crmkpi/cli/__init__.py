"""The command-line interface, `crmkpi`."""

from __future__ import annotations

__all__: list[str] = []
