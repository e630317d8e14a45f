"""Small drawings of a KPI over time, as SVG within a page: a line of its values, and a chart with the intervals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from html import escape
from typing import Any

from crmkpi.display.format import format_value, value_text
from crmkpi.display.sheet import period_label
from crmkpi.measuring.results import Result

__all__ = ["sparkline", "trend_chart"]

_WIDTH, _HEIGHT, _EDGE = 96, 24, 3
_CHART_WIDTH, _CHART_HEIGHT = 420, 120
_LEFT, _TOP, _BOTTOM = 6, 16, 18


def sparkline(results: Sequence[Result], *, label: str = "") -> str:
    """The values of one KPI over periods as a line; a gap where there is none, a ring where a period is not over.

    With a `label` it is an image that is read out, else decoration. Of fewer than two values nothing is drawn.

    >>> from crmkpi import Dataset, Deal
    >>> deals = [Deal(id=str(n), status="won", closed_at=f"2026-0{1 + n % 3}-05") for n in range(5)]
    >>> report = Dataset(deals=deals).measure("won_deals", period="2026-01-01..2026-03-31", every="month")
    >>> sparkline(report, label="won deals").count("<path")
    1
    """
    values = [_plain(result.value) for result in results]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    across = (_WIDTH - 2 * _EDGE) / max(1, len(values) - 1)
    low, high = min(known), max(known)
    points = [
        None if value is None else (_EDGE + number * across, _height(value, low, high, _EDGE, _HEIGHT - _EDGE))
        for number, value in enumerate(values)
    ]
    last = max(number for number, point in enumerate(points) if point is not None)
    x, y = points[last] or (0.0, 0.0)
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2"{_filled(results[last])}/>'
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return f'<svg class="s" viewBox="0 0 {_WIDTH} {_HEIGHT}" {said}><path d="{_path(points)}"/>{dot}</svg>'


def trend_chart(results: Sequence[Result], *, label: str) -> str:
    """The values of one KPI over periods with the band of their intervals, and its largest and smallest value in words.

    The last point is a ring where its period is not over.
    """
    values = [_plain(result.value) for result in results]
    bounds = [
        None if result.interval is None else (_plain(result.interval.low), _plain(result.interval.high))
        for result in results
    ]
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    edges = [edge for pair in bounds if pair is not None for edge in pair if edge is not None]
    low, high = min([*known, *edges]), max([*known, *edges])
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


def _filled(result: Result) -> str:
    """The class of a point; that of a period which is not over has none and is a ring."""
    return "" if result.complete is False else ' class="d"'


def _bands(bounds: Sequence[tuple[Any, Any] | None], at: Any) -> list[str]:
    """The band of the intervals, one for each run of periods that have one."""
    found, run = [], list[tuple[int, float, float]]()
    for number, pair in enumerate([*bounds, None]):
        if pair is not None and None not in pair:
            run.append((number, *pair))
            continue
        if len(run) > 1:
            upper = [at(place, high) for place, _, high in run]
            lower = [at(place, low) for place, low, _ in reversed(run)]
            found.append(f'<path class="b" d="{_path([*upper, *lower])}Z"/>')
        run = []
    return found


def _path(points: Sequence[tuple[float, float] | None]) -> str:
    """A line through points, broken where there is none."""
    parts, before = [], None
    for point in points:
        if point is not None:
            parts.append(f"{'M' if before is None else 'L'}{point[0]:.1f} {point[1]:.1f}")
        before = point
    return "".join(parts).replace(".0L", "L").replace(".0M", "M").replace(".0 ", " ")


def _height(value: float, low: float, high: float, top: float, bottom: float) -> float:
    """Where a value lies between the upper and the lower edge of a drawing; in the middle where all are equal."""
    return (top + bottom) / 2 if high == low else bottom - (bottom - top) * (value - low) / (high - low)


def _plain(value: Any) -> float | None:
    if value is None:
        return None
    return value.total_seconds() if isinstance(value, timedelta) else float(value)


def _shown(value: float, results: Sequence[Result]) -> str:
    """A number of the scale in the unit of the KPI."""
    for result in results:
        if _plain(result.value) == value:
            return value_text(result)
    unit = results[0].unit
    currency = next((result.currency for result in results if result.currency), None)
    if unit == "count":
        return format_value(round(value), unit)
    return format_value(timedelta(seconds=value) if unit == "duration" else value, unit, currency=currency)
