"""Where frames live: one module for each library or dialect."""

from __future__ import annotations

__all__: list[str] = []
