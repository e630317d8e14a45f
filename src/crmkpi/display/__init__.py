"""Render results as text, Markdown, HTML, rows and grids."""

from __future__ import annotations

__all__: list[str] = []
