"""The frames engine: runs a query in the library or database that holds the data."""

from __future__ import annotations

__all__: list[str] = []
