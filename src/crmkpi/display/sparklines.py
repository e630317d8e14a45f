"""Small pictures of a series that need no library: bars of text, and a line in SVG for a page."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["FEWEST", "sparkline_svg", "sparkline_text"]

FEWEST = 3  # fewer values are read faster as numbers
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT, _MARGIN = 96, 20, 3

Bounds = tuple[float, float] | None


def sparkline_text(values: Sequence[float | None]) -> str:
    """One bar a value, on a scale from 0 to the largest of them; a gap where there is none.

    Negative values put the lowest bar at the smallest value.

    >>> sparkline_text([0.2, 0.4, None, 0.8])
    '▃▅ █'
    """
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    steps = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[round(steps * (value - low) / (high - low))] if high > low else _BARS[0]
        for value in values
    )


def sparkline_svg(values: Sequence[float | None], bounds: Sequence[Bounds] = ()) -> str:
    """A line through the values with its last point marked, and the band of their intervals, as inline SVG.

    It has the colour of the text around it, and says nothing to a screen reader: the numbers stand beside it.

    >>> sparkline_svg([1.0, 2.0, 3.0]).count("<path")
    1
    """
    edges = [edge for pair in bounds if pair is not None for edge in pair]
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known, *edges, 0.0), max(0.0, *known, *edges, 0.0)
    wide = (_WIDTH - 2 * _MARGIN) / max(len(values) - 1, 1)
    tall = (_HEIGHT - 2 * _MARGIN) / ((high - low) or 1.0)

    def at(number: int, value: float) -> str:
        return f"{_MARGIN + wide * number:.1f} {_HEIGHT - _MARGIN - tall * (value - low):.1f}"

    parts = []
    for first, last in _runs(bounds):
        upper = [at(number, pair[1]) for number in range(first, last) if (pair := bounds[number]) is not None]
        lower = [at(number, pair[0]) for number in range(first, last) if (pair := bounds[number]) is not None]
        parts.append(
            f'<path d="M{"L".join([*upper, *reversed(lower)])}Z" fill="currentColor" stroke="none" opacity=".18"/>'
        )
    for first, last in _runs(values):
        line = [at(number, value) for number in range(first, last) if (value := values[number]) is not None]
        parts.append(f'<path d="M{"L".join(line if len(line) > 1 else line * 2)}"/>')
    ends = [(number, value) for number, value in enumerate(values) if value is not None][-1:]
    for number, value in ends:
        across, down = at(number, value).split()
        parts.append(f'<circle cx="{across}" cy="{down}" r="2" fill="currentColor" stroke="none"/>')
    return (
        f'<svg class="spark" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" fill="none" '
        f'stroke="currentColor" stroke-width="1.5" stroke-linecap="round" aria-hidden="true">{"".join(parts)}</svg>'
    )


def _runs(values: Sequence[object]) -> list[tuple[int, int]]:
    """The stretches without a gap, each from its first place to the one after its last."""
    runs: list[tuple[int, int]] = []
    for number, value in enumerate(values):
        if value is None:
            continue
        if runs and runs[-1][1] == number:
            runs[-1] = (runs[-1][0], number + 1)
        else:
            runs.append((number, number + 1))
    return runs
