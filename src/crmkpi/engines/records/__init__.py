"""The records engine: compiles a query into one loop over an iterable of records."""

from __future__ import annotations

__all__: list[str] = []
