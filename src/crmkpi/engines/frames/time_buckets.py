"""Equal time buckets ("cells"), so that the period of a timestamp is looked up by index instead of searched."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd

__all__ = ["cells_of"]

_MANY = 2**17  # cells: the hours of fifteen years


def cells_of(edges: Sequence[int]) -> tuple[int, list[int]] | None:
    """Split the time from the first to the last edge into equal cells: their size, and how many edges each has reached.

    No edge is inside a cell. None if there would be too many cells, or if there are fewer than two edges.

    The days of a year are 365 cells, its hours 8,760; the cost of a lookup does not depend on the number of edges.

    >>> cells_of([0, 20, 30])
    (10, [1, 1, 2])
    """
    if len(edges) < 2:
        return None
    first, last = edges[0], edges[-1]
    size = gcd(*(edge - first for edge in edges))
    if (last - first) // size > _MANY:
        return None
    reached = zip(range(1, len(edges)), edges, edges[1:], strict=False)
    return size, [number for number, low, high in reached for _ in range((high - low) // size)]
