"""Sparklines of a KPI over time without a chart library: bars of text, a line in SVG, and a chart with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from html import escape
from typing import Any

from crmkpi.definition.numbers import as_float
from crmkpi.display.format import format_value, value_text
from crmkpi.display.sheet import period_label
from crmkpi.measuring.results import Result

__all__ = ["FEWEST", "sparkline", "sparkline_text", "trend_chart"]

FEWEST = 3  # values; fewer are easier to read as numbers
_BARS = "▁▂▃▄▅▆▇█"
_WIDTH, _HEIGHT, _EDGE = 96, 24, 3
_CHART_WIDTH, _CHART_HEIGHT = 420, 120
_LEFT, _TOP, _BOTTOM = 6, 16, 18


def sparkline_text(results: Sequence[Result | None]) -> str:
    """One bar per result, on a scale from 0 to the largest value; a gap for a missing one.

    With negative values the scale starts at the smallest one.
    """
    values = [None if result is None else _plotted(result.value) for result in results]
    known = [value for value in values if value is not None]
    low, high = min(0.0, *known, 0.0), max(0.0, *known, 0.0)
    steps = len(_BARS) - 1
    return "".join(
        " " if value is None else _BARS[round(steps * (value - low) / (high - low))] if high > low else _BARS[0]
        for value in values
    )


def sparkline(results: Sequence[Result | None], *, label: str = "", band: bool = False) -> str:
    """The values of one KPI over periods as a line, with a gap for a missing value, and a ring if a period is not over.

    With a `label` it is an image for screen readers, else decoration. `band` draws the intervals behind it. Fewer than
    two values yield no drawing.

    >>> from crmkpi import Dataset, Deal
    >>> deals = [Deal(id=str(n), status="won", closed_at=f"2026-0{1 + n % 3}-05") for n in range(5)]
    >>> report = Dataset(deals=deals).measure("won_deals", period="2026-01-01..2026-03-31", every="month")
    >>> sparkline(report, label="won deals").count("<path")
    1
    >>> sparkline_text(report)
    '██▅'
    """
    values = [None if result is None else _plotted(result.value) for result in results]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    bounds = [_bounds(result) if band else None for result in results]
    low, high = _scale(known, bounds)
    across = (_WIDTH - 2 * _EDGE) / max(1, len(values) - 1)

    def at(number: int, value: float) -> tuple[float, float]:
        return _EDGE + number * across, _height(value, low, high, _EDGE, _HEIGHT - _EDGE)

    points = [None if value is None else at(number, value) for number, value in enumerate(values)]
    last = max(number for number, point in enumerate(points) if point is not None)
    x, y = points[last] or (0.0, 0.0)
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2"{_filled(results[last])}/>'
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    line = f'<path d="{_path(points)}"/>'
    return f'<svg class="s" viewBox="0 0 {_WIDTH} {_HEIGHT}" {said}>{"".join(_bands(bounds, at))}{line}{dot}</svg>'


def trend_chart(results: Sequence[Result], *, label: str) -> str:
    """The values of one KPI over periods with the band of their intervals, and its largest and smallest value as text.

    The last point is a ring where its period is not over.
    """
    values = [_plotted(result.value) for result in results]
    bounds = list(map(_bounds, results))
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    low, high = _scale(known, bounds)
    across = (_CHART_WIDTH - 2 * _LEFT) / max(1, len(values) - 1)

    def at(number: int, value: float) -> tuple[float, float]:
        return _LEFT + number * across, _height(value, low, high, _TOP, _CHART_HEIGHT - _BOTTOM)

    points = [None if value is None else at(number, value) for number, value in enumerate(values)]
    parts = [f'<path class="g" d="M{_LEFT} {_CHART_HEIGHT - _BOTTOM}H{_CHART_WIDTH - _LEFT}"/>', *_bands(bounds, at)]
    parts.append(f'<path d="{_path(points)}"/>')
    for number, point in enumerate(points):
        if point is not None:
            parts.append(f'<circle cx="{point[0]:.0f}" cy="{point[1]:.0f}" r="2.5"{_filled(results[number])}/>')
    first, last = period_label(results[0]), period_label(results[-1])
    parts += [
        f'<text x="{_LEFT}" y="10">{escape(_shown(high, results))}</text>',
        f'<text x="{_LEFT}" y="{_CHART_HEIGHT - 4}">{escape(first)}, from {escape(_shown(low, results))}</text>',
        f'<text x="{_CHART_WIDTH - _LEFT}" y="{_CHART_HEIGHT - 4}" text-anchor="end">{escape(last)}</text>',
    ]
    return (
        f'<svg class="t" viewBox="0 0 {_CHART_WIDTH} {_CHART_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f"{''.join(parts)}</svg>"
    )


def _filled(result: Result | None) -> str:
    """The class of a filled point; empty for a period that is not over, whose point is a ring."""
    return "" if result is None or result.complete is False else ' class="d"'


def _bounds(result: Result | None) -> tuple[float, float] | None:
    if result is None or result.interval is None:
        return None
    low, high = _plotted(result.interval.low), _plotted(result.interval.high)
    return None if low is None or high is None else (low, high)


def _scale(known: Sequence[float], bounds: Sequence[tuple[float, float] | None]) -> tuple[float, float]:
    """The smallest and the largest number of the drawing."""
    edges = [edge for pair in bounds if pair is not None for edge in pair]
    return min([*known, *edges]), max([*known, *edges])


def _bands(bounds: Sequence[tuple[float, float] | None], at: Callable[[int, float], tuple[float, float]]) -> list[str]:
    """The band of the intervals, one for each run of periods that have one."""
    found, run = [], list[tuple[int, float, float]]()
    for number, pair in enumerate([*bounds, None]):
        if pair is not None:
            run.append((number, *pair))
            continue
        if len(run) > 1:
            upper = [at(place, high) for place, _, high in run]
            lower = [at(place, low) for place, low, _ in reversed(run)]
            found.append(f'<path class="b" d="{_path([*upper, *lower])}Z"/>')
        run = []
    return found


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """A line through points, broken where one is missing."""
    parts, before = [], None
    for point in points:
        if point is not None:
            parts.append(f"{'M' if before is None else 'L'}{point[0]:.1f} {point[1]:.1f}")
        before = point
    return "".join(parts).replace(".0L", "L").replace(".0M", "M").replace(".0 ", " ")


def _height(value: float, low: float, high: float, top: float, bottom: float) -> float:
    """The vertical position of a value between `top` and `bottom`; in the middle if all values are equal."""
    return (top + bottom) / 2 if high == low else bottom - (bottom - top) * (value - low) / (high - low)


def _plotted(value: Any) -> float | None:
    return None if value is None else as_float(value)


def _shown(value: float, results: Sequence[Result]) -> str:
    """A number of the scale in the unit of the KPI."""
    for result in results:
        if _plotted(result.value) == value:
            return value_text(result)
    unit = results[0].unit
    currency = next((result.currency for result in results if result.currency), None)
    if unit == "count":
        return format_value(round(value), unit)
    return format_value(timedelta(seconds=value) if unit == "duration" else value, unit, currency=currency)
