"""Charts of reports: a line with its band over periods, bars by segment, a heatmap of two dimensions, or one number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

from crmkpi.display.charts import altair
from crmkpi.display.format import format_change, format_label, judgement, value_text
from crmkpi.display.sheet import compared_label, period_label
from crmkpi.errors import InputError, MissingExtraError, unknown_name
from crmkpi.measuring.results import Report, Result

__all__ = ["ChartKind", "report_chart"]

ChartKind = Literal["line", "bars", "heatmap", "number"]
_KINDS: Sequence[ChartKind] = ("line", "bars", "heatmap", "number")
_WIDTH, _HEIGHT = 480, 240
_MANY_LINES = 8  # from this number of segments on, panels are too many to compare
_OVERLAID = 3  # most bands that may overlap; more lines get a panel each
_MANY_CELLS = 400  # more cells than this are too small for figures
_TIMES = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def report_chart(report: Report, kind: ChartKind | None = None) -> Any:
    """An Altair chart of a report, of the kind that suits its dimensions, or of `kind`.

    Several periods yield a line with the band of the intervals, one for each segment if there are few; segments yield
    bars with their intervals, two of them (or many segments over periods) a heatmap; a single result its value and
    change. Each KPI has its own panel, since scales differ.
    """
    if kind is not None and kind not in _KINDS:
        raise unknown_name(f"There is no chart {kind!r} of a report.", kind, _KINDS)
    if not report:
        raise InputError("There is nothing to draw: the report has no results.")
    if all(result.value is None for result in report):
        raise InputError(f"There is nothing to draw: no result of the report has a value, because {report[0].reason}.")
    try:
        alt = altair()
    except MissingExtraError as error:
        raise MissingExtraError(f"{error} Without it, print(report.pivot()) draws periods as bars of text.") from None
    by_metric: dict[str, list[Result]] = {}
    for result in report:
        by_metric.setdefault(result.definition, []).append(result)
    panels = [_panel(alt, results, kind) for results in by_metric.values()]
    return panels[0] if len(panels) == 1 else alt.vconcat(*panels)


def _panel(alt: Any, results: list[Result], kind: ChartKind | None) -> Any:
    currencies = sorted({result.currency for result in results if result.value is not None and result.currency})
    if len(currencies) > 1:
        raise InputError(
            f"The amounts of {results[0].definition} are in {', '.join(currencies)}, and a chart has one axis; "
            "give the dataset rates, or draw one currency with report.where(...)."
        )
    names = dict.fromkeys(name for result in results for name in result.segment)
    segments = [name for name in names if _varies(results, name)]
    over_time = len({result.period for result in results}) > 1
    chosen = kind or _usual_kind(len(segments), over_time=over_time, lines=_count(results, segments))
    dimensions = [*(["period"] if over_time else []), *segments]
    most = {"line": 2, "bars": 1, "heatmap": 2, "number": 0}[chosen]
    if (
        len(dimensions) > most
        or (chosen == "line" and not over_time)
        or (chosen == "heatmap" and len(dimensions) < most)
    ):
        raise InputError(
            f"A {chosen} shows {_SHOWS[chosen]}, and of {results[0].definition} there "
            f"{'vary' if len(dimensions) != 1 else 'varies'} {' and '.join(dimensions) or 'nothing'}; pick with "
            "report.where(...), or leave out kind=."
        )
    rows, title, style = _rows(results, segments, currencies)
    base = alt.Chart(alt.Data(values=rows))
    match chosen:
        case "line":
            drawn = _line(alt, base, segments, title, style)
        case "bars":
            drawn = _bars(alt, base, dimensions, title, style)
        case "heatmap":
            drawn = _heatmap(alt, base, dimensions, title, style)
        case "number":
            drawn = _number(alt, base)
    return drawn.properties(title=alt.Title(results[0].metric.title, anchor="start", subtitle=_about(results, chosen)))


def _about(results: list[Result], kind: ChartKind) -> str:
    """The subtitle: the period, or segments with one value, which all values of the chart share."""
    labels = dict.fromkeys(map(period_label, results))
    shared = [*labels] if len(labels) == 1 else []
    names = dict.fromkeys(name for result in results for name in result.segment)
    shared += [f"{name} {format_label(results[0].segment.get(name))}" for name in names if not _varies(results, name)]
    if kind == "number" and results[0].compared_to is not None:
        shared[0] += f", against {compared_label(results[0])}"
    return ", ".join(shared)


_SHOWS: dict[ChartKind, str] = {
    "line": "periods, and at most one segment",
    "bars": "one segment, or periods",
    "heatmap": "two dimensions",
    "number": "one result",
}


def _varies(results: list[Result], name: str) -> bool:
    return len({result.segment.get(name) for result in results}) > 1


def _count(results: list[Result], segments: list[str]) -> int:
    return len({tuple(result.segment.get(name) for name in segments) for result in results})


def _usual_kind(segments: int, *, over_time: bool, lines: int) -> ChartKind:
    if over_time:
        return "line" if segments == 0 or (segments == 1 and lines <= _MANY_LINES) else "heatmap"
    return ("number", "bars", "heatmap")[min(segments, 2)]


def _rows(results: list[Result], segments: list[str], currencies: list[str]) -> tuple[list[dict[str, Any]], str, str]:
    """The numbers behind the chart, the title of their axis and their format."""
    unit = results[0].unit
    size, title = 1.0, ""
    style = {"ratio": ".0%", "count": ",d", "money": ",.3~s"}.get(unit, ",.3~r")
    if unit == "duration":
        longest = max(abs(result.value) for result in results if result.value is not None).total_seconds()
        title, size = next(((name, size) for name, size in _TIMES if longest >= 2 * size), _TIMES[-1])
    elif currencies:
        title = currencies[0]
    rows = [
        {
            "period": period_label(result),
            **{f"by {name}": format_label(result.segment.get(name)) for name in segments},
            "value": _scaled(result.value, size),
            "low": None if result.interval is None else _scaled(result.interval.low, size),
            "high": None if result.interval is None else _scaled(result.interval.high, size),
            "text": value_text(result),
            "change": "" if result.change is None else _changed(result),
            "over": "not yet" if result.complete is False else "yes",
        }
        for result in results
    ]
    return rows, title, style


def _changed(result: Result) -> str:
    change = result.change
    return "" if change is None else ", ".join(filter(None, (format_change(change, result.unit), judgement(change))))


def _scaled(value: Any, size: float) -> float | None:
    if value is None:
        return None
    return (value.total_seconds() if isinstance(value, timedelta) else float(value)) / size


def _line(alt: Any, base: Any, segments: list[str], title: str, style: str) -> Any:
    x = alt.X("period:O", title=None, sort=None, axis=alt.Axis(labelAngle=0, labelOverlap=True))
    axis = alt.Axis(format=style)
    panels = bool(segments) and len({row[f"by {segments[0]}"] for row in base.data.values}) > _OVERLAID
    if segments and not panels:
        base = base.encode(
            color=alt.Color(f"by {segments[0]}:N", title=segments[0], sort=None, legend=alt.Legend(symbolOpacity=1))
        )
    tip = [alt.Tooltip(f"{name}:N") for name in ("period", *(f"by {name}" for name in segments), "text")]
    band = base.mark_area(opacity=0.15).encode(x=x, y=alt.Y("low:Q", title=title, axis=axis), y2="high:Q")
    line = base.mark_line().encode(x=x, y=alt.Y("value:Q", title=title, axis=axis))
    points = base.mark_point(filled=True, size=45).encode(
        x=x,
        y=alt.Y("value:Q", title=title),
        opacity=alt.Opacity("over:N", legend=None, scale=alt.Scale(domain=["yes", "not yet"], range=[1, 0.35])),
        tooltip=tip,
    )
    if panels:  # many bands would hide each other
        panel = (band + line + points).properties(width=_WIDTH / 2, height=_HEIGHT / 2)
        return panel.facet(facet=alt.Facet(f"by {segments[0]}:N", title=segments[0], sort=None), columns=2)
    return (band + line + points).properties(width=_WIDTH, height=_HEIGHT)


def _bars(alt: Any, base: Any, dimensions: list[str], title: str, style: str) -> Any:
    name = "period" if not dimensions or dimensions == ["period"] else f"by {dimensions[0]}"
    y = alt.Y(
        f"{name}:N", title=None, sort=None if name == "period" else alt.EncodingSortField("value", order="descending")
    )
    x = alt.X("value:Q", title=title, axis=alt.Axis(format=style))
    bars = base.mark_bar(opacity=0.4, size=16).encode(
        x=x, y=y, tooltip=[alt.Tooltip(f"{name}:N"), alt.Tooltip("text:N")]
    )
    rules = base.mark_rule().encode(x="low:Q", x2="high:Q", y=y)
    texts = base.mark_text(align="left", dx=4).encode(x=alt.value(0), y=y, text="text:N")
    return (bars + rules + texts).properties(width=_WIDTH, height=alt.Step(24))


def _heatmap(alt: Any, base: Any, dimensions: list[str], title: str, style: str) -> Any:
    names = ["period" if name == "period" else f"by {name}" for name in dimensions]
    rows = base.data.values
    if names[0] != "period":  # the dimension with more values goes into the rows, whose names are horizontal
        names.sort(key=lambda name: len({row[name] for row in rows}))
    across, down = names
    x = alt.X(f"{across}:O", title=None, sort=None, axis=alt.Axis(labelAngle=0, orient="top", labelLimit=90))
    y = alt.Y(f"{down}:N", title=None, sort=None)
    # A sequential scale of one hue, with the figures in the contrasting colour.
    scale = alt.Scale(scheme="blues")
    colour = alt.Color("value:Q", title=title or None, scale=scale, legend=None)
    tip = [alt.Tooltip(f"{name}:N") for name in (across, down, "text")]
    cells = base.mark_rect().encode(x=x, y=y, color=colour, tooltip=tip)
    if len(rows) > _MANY_CELLS:
        return cells
    known = [row["value"] for row in rows if row["value"] is not None]
    middle = min(known) + 0.55 * (max(known) - min(known))
    ink = alt.condition(f"datum.value > {middle!r}", alt.value("white"), alt.value("black"))
    figures = (
        base.transform_filter("datum.value !== null")
        .mark_text(fontSize=11)
        .encode(x=x, y=y, text=alt.Text("value:Q", format=style), color=ink)
    )
    return (cells + figures).properties(width=alt.Step(92), height=alt.Step(28))


def _number(alt: Any, base: Any) -> Any:
    text = base.mark_text(fontSize=36, align="left", fontWeight="bold").encode(x=alt.value(0), text="text:N")
    change = base.mark_text(fontSize=14, align="left", dy=34, opacity=0.75).encode(x=alt.value(0), text="change:N")
    return (text + change).properties(width=_WIDTH, height=80, view=alt.ViewBackground(stroke=None))
