"""Readers of frames: CSV text and exports as typed columns."""

from __future__ import annotations

__all__: list[str] = []
