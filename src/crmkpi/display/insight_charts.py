"""Charts of analyses: control chart, waterfall of an explanation, fan of a forecast, funnel plot, bullets of targets.

Colours follow the verdict of the analysis, better or worse, and not the sign of a change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from crmkpi.display.charts import altair
from crmkpi.display.format import format_difference, format_label, format_value
from crmkpi.errors import InputError
from crmkpi.insight.control import ControlChart
from crmkpi.insight.explanations import Explanation
from crmkpi.insight.forecast import Forecast
from crmkpi.insight.funnel_plots import FunnelPlot
from crmkpi.insight.tables import InsightTable
from crmkpi.insight.targets import Scorecard, TargetStatus

__all__ = ["insight_chart"]

_WIDTH, _HEIGHT = 560, 260
_NAMED = 8  # points with a name
_GREY, _BLUE, _ORANGE = "#767676", "#2a6fbb", "#d9731a"
_TOLD = {None: "change", True: "better", False: "worse"}
_COLOURS = {"common": _GREY, "change": "#1b1b1b", "better": _BLUE, "worse": _ORANGE}
_TIMES = (("days", 86_400.0), ("hours", 3_600.0), ("minutes", 60.0), ("seconds", 1.0))


def insight_chart(table: InsightTable) -> Any:
    """The Altair chart of an analysis; an error for an analysis without a chart."""
    match table:
        case ControlChart():
            return _control(altair(), table)
        case Explanation():
            return _waterfall(altair(), table)
        case Forecast():
            return _fan(altair(), table)
        case FunnelPlot():
            return _funnel(altair(), table)
        case Scorecard():
            return _bullets(altair(), table)
        case _:
            raise InputError(
                f"A {type(table).__name__} has no chart; control charts, explanations, forecasts, funnel plots and "
                "scorecards have one."
            )


class _Axis:
    """The axis for numbers of a unit: the scale factor, the title and the format."""

    def __init__(self, unit: str, values: Sequence[Any], currency: str | None) -> None:
        known = [value for value in values if value is not None]
        self.size, self.title = 1.0, currency or ""
        self.style = {"ratio": "%", "count": ",d", "money": ",.4~s"}.get(unit, ",.3~r")
        if unit == "duration":
            longest = max((abs(value).total_seconds() for value in known), default=0.0)
            self.title, self.size = next(((name, size) for name, size in _TIMES if longest >= 2 * size), _TIMES[-1])

    def of(self, value: Any) -> float | None:
        """A value as a number on the axis."""
        if value is None:
            return None
        return (value.total_seconds() if isinstance(value, timedelta) else float(value)) / self.size

    def y(self, alt: Any, field: str, *, zero: bool = False) -> Any:
        """The encoding of a field on this axis."""
        axis, scale = alt.Axis(format=self.style), alt.Scale(zero=zero)
        return alt.Y(f"{field}:Q", title=self.title or None, axis=axis, scale=scale)


def _colour(alt: Any, rows: Sequence[Mapping[str, Any]]) -> Any:
    """The colour of the verdict, with a legend of the verdicts that occur."""
    there = [name for name in _COLOURS if any(row["told"] == name for row in rows)]
    scale = alt.Scale(domain=there, range=[_COLOURS[name] for name in there])
    return alt.Color("told:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def _periods(alt: Any, labels: Sequence[str]) -> Any:
    # The order is explicit, since layers may begin at different periods.
    axis = alt.Axis(labelOverlap="greedy", labelSeparation=8, labelAngle=0)
    return alt.X("label:O", title=None, sort=list(dict.fromkeys(labels)), axis=axis)


def _control(alt: Any, chart: ControlChart) -> Any:
    """The values with centre and limits; points of a signal in the colour of its verdict."""
    bounds = [point.high for point in chart.points]
    axis = _Axis(chart.unit, [point.value for point in chart.points] + bounds, chart.currency)
    labels = [point.label for point in chart.points]
    told = dict.fromkeys(labels, "common")
    for signal in chart.signals:
        for label in labels[labels.index(signal.first) : labels.index(signal.last) + 1]:
            told[label] = _TOLD[signal.better]
    rows = [
        {
            "label": str(point.label),
            "value": axis.of(point.value),
            "centre": axis.of(point.centre),
            "low": axis.of(point.low),
            "high": axis.of(point.high),
            "told": told[point.label],
        }
        for point in chart.points
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(x=_periods(alt, list(map(str, labels))))
    line = base.mark_line(color=_GREY, strokeWidth=1).encode(y=axis.y(alt, "value"))
    tip = ["label:O", alt.Tooltip("value:Q", format=axis.style), "told:N"]
    points = base.mark_point(filled=True, size=55, opacity=1).encode(
        y=axis.y(alt, "value"), color=_colour(alt, rows), tooltip=tip
    )
    centre = base.mark_line(interpolate="step", color=_GREY).encode(y=axis.y(alt, "centre"))
    limits = [
        base.mark_line(interpolate="step", strokeDash=[5, 4], color=_GREY).encode(y=axis.y(alt, side))
        for side in ("low", "high")
    ]
    return alt.layer(centre, *limits, line, points).properties(
        title=f"{chart.title}, {chart.kind} chart", width=_WIDTH, height=_HEIGHT
    )


def _waterfall(alt: Any, made: Explanation) -> Any:
    """The waterfall from before to after, with one step for each part."""
    effects = made.effects
    axis = _Axis(made.unit, [made.before, made.after], made.currency)
    level = axis.of(made.before) or 0.0
    rows = [_step(made.labels[0], 0.0, level, "whole", format_value(made.before, _unit(made), currency=made.currency))]
    for one in effects:
        size = axis.of(one.total) or 0.0
        name = ", ".join(map(format_label, one.name)) if isinstance(one.name, tuple) else format_label(one.name)
        text = format_difference(one.total, _unit(made), currency=made.currency)
        rows.append(_step(name, level, level + size, "up" if size > 0 else "down", text))
        level += size
    last = axis.of(made.after) or 0.0
    rows.append(
        _step(made.labels[1], 0.0, last, "whole", format_value(made.after, _unit(made), currency=made.currency))
    )
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("name:N", title=made.by, sort=None, axis=alt.Axis(labelAngle=-30))
    )
    scale = alt.Scale(domain=["whole", "up", "down"], range=[_GREY, "#5b8fc7", "#b9b9b9"])
    bars = base.mark_bar(size=28).encode(
        y=axis.y(alt, "start", zero=True),
        y2="end:Q",
        color=alt.Color("way:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
        tooltip=["name:N", "text:N"],
    )
    texts = base.mark_text(dy=-7, fontSize=11).encode(y=axis.y(alt, "top", zero=True), text="text:N")
    return (bars + texts).properties(title=made.title, width=max(_WIDTH // 2, 56 * len(rows)), height=_HEIGHT)


def _unit(made: Explanation) -> Any:
    return made.unit


def _step(name: str, start: float, end: float, way: str, text: str) -> dict[str, Any]:
    return {"name": name, "start": start, "end": end, "top": max(start, end), "way": way, "text": text}


def _fan(alt: Any, made: Forecast) -> Any:
    """The history, and the forecast with its interval."""
    past = [{"label": label, "value": value, "what": "history"} for label, value in made.history]
    points = [
        {
            "label": point.label,
            "value": point.value,
            "low": None if point.interval is None else point.interval.low,
            "high": None if point.interval is None else point.interval.high,
            "what": "forecast",
        }
        for point in made.points
    ]
    axis = _Axis(made.unit, [row["value"] for row in (*past, *points)], made.currency)
    joined = {**past[-1], "what": "forecast", "low": past[-1]["value"], "high": past[-1]["value"]}
    sides = ("value", "low", "high")
    rows = [{**row, **{name: axis.of(row.get(name)) for name in sides}} for row in (*past, joined, *points)]
    base = alt.Chart(alt.Data(values=rows)).encode(x=_periods(alt, [str(row["label"]) for row in rows]))
    scale = alt.Scale(domain=["history", "forecast"], range=[_GREY, _BLUE])
    band = base.transform_filter("datum.what == 'forecast'").mark_area(opacity=0.2, color=_BLUE)
    line = base.mark_line(point=True).encode(
        y=axis.y(alt, "value"),
        color=alt.Color("what:N", title=None, scale=scale, legend=alt.Legend(orient="top")),
        tooltip=["label:O", alt.Tooltip("value:Q", format=axis.style)],
    )
    title = f"{made.title}, forecast with its {100 * made.confidence:g} % interval"
    return (band.encode(y=axis.y(alt, "low"), y2="high:Q") + line).properties(title=title, width=_WIDTH, height=_HEIGHT)


def _funnel(alt: Any, plot: FunnelPlot) -> Any:
    """Each segment by its number of records, with limits that narrow as the number grows."""
    axis = _Axis(plot.unit, [point.value for point in plot.points], plot.currency)
    named = plot.outside[:_NAMED]  # the farthest out
    rows = [
        {
            "segment": point.label,
            "n": point.n,
            "value": axis.of(point.value),
            "low": axis.of(point.low),
            "high": axis.of(point.high),
            "told": _TOLD[point.better] if point.outside else "common",
            "name": point.label if point in named else "",
        }
        for point in sorted(plot.points, key=lambda point: point.n)
    ]
    base = alt.Chart(alt.Data(values=rows)).encode(x=alt.X("n:Q", title="records", scale=alt.Scale(zero=False)))
    limits = [
        base.mark_line(strokeDash=[5, 4], color=_GREY, interpolate="monotone").encode(y=axis.y(alt, side))
        for side in ("low", "high")
    ]
    middle = alt.Chart(alt.Data(values=[{"centre": axis.of(plot.centre)}])).mark_rule(color=_GREY)
    tip = ["segment:N", "n:Q", alt.Tooltip("value:Q", format=axis.style)]
    points = base.mark_point(filled=True, size=70, opacity=1).encode(
        y=axis.y(alt, "value"), color=_colour(alt, rows), tooltip=tip
    )
    names = base.mark_text(align="left", dx=7).encode(y=axis.y(alt, "value"), text="name:N")
    return alt.layer(middle.encode(y=axis.y(alt, "centre")), *limits, points, names).properties(
        title=plot.title, width=_WIDTH, height=_HEIGHT
    )


_STATUS = {
    "met": _BLUE,
    "reached": _BLUE,
    "on track": _BLUE,
    "missed": _ORANGE,
    "off track": _ORANGE,
    "at risk": "#c9a227",
}


def _bullets(alt: Any, card: Scorecard) -> Any:
    """A bar per target: the value, its projection, and the bounds of the target as ticks; each has its own scale."""
    shown = [one for one in card.targets if one.target is not None and (one.value, one.projected) != (None, None)]
    if not shown:
        raise InputError("There is nothing to draw: no target of the scorecard has a value.")
    rows = [_bullet(alt, one) for one in shown]
    return alt.vconcat(*rows, spacing=4).properties(title=f"{card.name}, {card.period.label}")


def _bullet(alt: Any, one: TargetStatus) -> Any:
    assert one.target is not None  # KPIs without a target are not drawn
    bounds = [bound for bound in (one.target.low, one.target.high) if bound is not None]
    axis = _Axis(one.metric.unit, [one.value, one.projected, *bounds], one.currency)
    name = " ".join(filter(None, (one.metric.id, "" if one.segment is None else str(one.segment))))
    value = {"name": name, "value": axis.of(one.value), "projected": axis.of(one.projected), "status": one.status}
    base = alt.Chart(alt.Data(values=[value])).encode(
        y=alt.Y("name:N", title=None, axis=alt.Axis(labelLimit=220, minExtent=200))
    )
    across = alt.Axis(format=axis.style, tickCount=5)
    bar = base.mark_bar(size=12, color=_STATUS.get(one.status, _GREY)).encode(
        x=alt.X("value:Q", title=axis.title or None, axis=across), tooltip=["name:N", "status:N"]
    )
    comes = base.mark_bar(size=18, opacity=0.25, color=_GREY).encode(x="projected:Q")
    marks = alt.Chart(alt.Data(values=[{"name": name, "bound": axis.of(bound)} for bound in bounds]))
    ticks = marks.mark_tick(thickness=3, size=26, color="#1b1b1b").encode(x="bound:Q", y="name:N")
    said = base.mark_text(align="left", dx=4, dy=-14, fontSize=10).encode(x=alt.value(0), text="status:N")
    return (comes + bar + ticks + said).properties(width=_WIDTH - 200, height=34)
