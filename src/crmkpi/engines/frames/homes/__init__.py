"""The homes of frames: one module per library or SQL dialect."""

from __future__ import annotations

__all__: list[str] = []
