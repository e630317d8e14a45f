"""The frames engine: answers a query with the words of the library or database that holds the data."""

from __future__ import annotations

__all__: list[str] = []
