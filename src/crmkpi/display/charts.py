"""Charts of survival curves, cohorts, funnels and models: each function returns an Altair chart, and does not show it.

They need the extra `plot`: pip install 'crmkpi[plot]'. A notebook shows the chart that a cell returns, and
`chart.save("chart.svg")` writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from crmkpi.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from crmkpi.clv.purchases import HoldoutCheck
    from crmkpi.insight.cohorts import CohortTable
    from crmkpi.insight.funnel import Funnel
    from crmkpi.insight.survival import SurvivalCurve

__all__ = ["altair", "cohort_chart", "funnel_chart", "holdout_chart", "survival_chart", "tracking_chart"]

_WIDTH, _HEIGHT = 480, 280
_STEPS = 1_000  # more steps than this are indistinguishable in a picture
_MANY_CELLS = 15  # from this many periods on, cells are too small for figures


def altair() -> Any:
    """The module Altair, which draws all charts; an error that names the extra if it is not installed."""
    try:
        return import_module("altair")
    except ImportError as error:
        raise MissingExtraError("Charts need Altair; install it with pip install 'crmkpi[plot]'.") from error


def survival_chart(curves: SurvivalCurve | Mapping[Any, SurvivalCurve]) -> Any:
    """The survival curve with its confidence band, or several curves by name, each with its own colour.

    A curve of more than a thousand steps is drawn with a thousand.
    """
    named = dict(curves) if isinstance(curves, Mapping) else {"": curves}
    for curve in named.values():
        _check_drawn("survival_chart()", curve, "SurvivalCurve")
    units = {curve.unit for curve in named.values()}
    if len(units) != 1:
        raise InputError(
            f"Curves in one chart count in one unit of time; got {', '.join(sorted(units)) or 'no curve'}."
        )
    alt = altair()
    rows = [
        {"group": str(name), "time": time, "survival": share, "low": low, "high": high}
        for name, curve in named.items()
        for time, share, low, high in _steps(curve)
    ]
    x = alt.X("time:Q", title=units.pop())
    base = alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT)
    if len(named) > 1:
        base = base.encode(color=alt.Color("group:N", title=None, legend=alt.Legend(symbolOpacity=1)))
    scale = alt.Scale(domain=[0, 1])
    low = alt.Y("low:Q", title="share that lasts longer", scale=scale, axis=alt.Axis(format="%"))
    band = base.mark_area(interpolate="step-after", opacity=0.2).encode(x=x, y=low, y2="high:Q")
    line = base.mark_line(interpolate="step-after").encode(x=x, y=alt.Y("survival:Q", scale=scale))
    return band + line


def _check_drawn(chart: str, drawn: object, kind: str) -> None:
    # Compared by name, because importing the class would load modules that the chart does not need.
    if kind not in {base.__name__ for base in type(drawn).__mro__}:
        raise InputError(f"{chart} draws a {kind}; got {type(drawn).__name__}.")


def _steps(curve: SurvivalCurve) -> Iterable[tuple[float, float, float, float]]:
    yield 0.0, 1.0, 1.0, 1.0
    shown = 0.0
    for time in curve.times:
        if len(curve.times) <= _STEPS or time - shown >= curve.last_time / _STEPS or time == curve.last_time:
            point = curve.at(time)
            yield time, point.survival, point.low, point.high
            shown = time


def cohort_chart(table: CohortTable) -> Any:
    """The triangle as a heatmap: one row per cohort, one column per period; periods that are not over are paler.

    Periods that have not begun are empty, not zero.
    """
    _check_drawn("cohort_chart()", table, "CohortTable")
    alt = altair()
    rates = table.measure == "customers"
    rows = [
        {
            "cohort": row["cohort"],
            "period": row["period"],
            "share": row["value"] / row["size"],
            "over": "yes" if row["complete"] else "not yet",
        }
        for row in table.to_dicts()
        if row["value"] is not None
    ]
    title = "share of the cohort" if rates else f"{table.measure} per customer"
    style = "%" if rates else ".2f"
    base = alt.Chart(alt.Data(values=rows)).encode(
        x=alt.X("period:O", title=f"{table.every}s since the beginning", axis=alt.Axis(labelAngle=0)),
        y=alt.Y("cohort:O", title=None, sort=[cohort.label for cohort in table.cohorts]),
    )
    shade = alt.Opacity("over:N", title="over", scale=alt.Scale(domain=["yes", "not yet"], range=[1, 0.4]))
    scale, legend = alt.Scale(scheme="blues"), alt.Legend(format=style)
    cells = base.mark_rect().encode(color=alt.Color("share:Q", title=title, scale=scale, legend=legend), opacity=shade)
    if len(table.cohorts[0].cells) > _MANY_CELLS:
        return cells
    known = [row["share"] for row in rows]
    middle = min(known) + 0.55 * (max(known) - min(known))
    ink = alt.condition(f"datum.share > {middle!r} && datum.over == 'yes'", alt.value("white"), alt.value("black"))
    figures = base.mark_text(fontSize=11).encode(text=alt.Text("share:Q", format=".0%" if rates else style), color=ink)
    return (cells + figures).properties(width=alt.Step(44), height=alt.Step(26))


def funnel_chart(funnel: Funnel) -> Any:
    """The number of deals that reached each stage, as centred bars, with the share of the previous stage."""
    _check_drawn("funnel_chart()", funnel, "Funnel")
    alt = altair()
    rows = [
        {
            "stage": stage.stage,
            "reached": stage.reached,
            "from": -stage.reached / 2,
            "to": stage.reached / 2,
            "text": f"{stage.reached:,}"
            + ("" if stage.from_previous is None else f" · {stage.from_previous:.0%} of the stage before"),
        }
        for stage in funnel.stages
    ]
    base = alt.Chart(alt.Data(values=rows), width=_WIDTH, height=alt.Step(34)).encode(
        y=alt.Y("stage:N", title=None, sort=None)
    )
    bars = base.mark_bar(opacity=0.5).encode(x=alt.X("from:Q", axis=None), x2="to:Q")
    return bars + base.mark_text().encode(x=alt.datum(0), text="text:N")


def holdout_chart(check: HoldoutCheck) -> Any:
    """The mean purchases of a holdout, predicted and actual, by the number of earlier repeat purchases."""
    _check_drawn("holdout_chart()", check, "HoldoutCheck")
    alt = altair()
    rows = [
        {"repeats": row.frequency, "customers": row.customers, "which": which, "mean": mean}
        for row in check.by_frequency
        for which, mean in (("actual", row.actual_mean), ("predicted", row.predicted_mean))
    ]
    return (
        alt.Chart(alt.Data(values=rows), width=_WIDTH, height=_HEIGHT)
        .mark_line(point=True)
        .encode(
            x=alt.X("repeats:O", title="repeat purchases before", axis=alt.Axis(labelAngle=0),
                    sort=[row.frequency for row in check.by_frequency]),
            y=alt.Y("mean:Q", title=f"mean purchases in {check.horizon}"),
            color=alt.Color("which:N", title=None),
            strokeDash=alt.StrokeDash("which:N", title=None),
        )
    )  # fmt: skip


def tracking_chart(rows: Sequence[tuple[float, float, float]], *, unit: str, ends: float | None = None) -> Any:
    """Cumulative repeat purchases, actual and expected, from `tracking` of a model, over time in `unit`.

    `ends` draws a line at the end of the data for the fit.
    """
    if not rows:
        raise InputError("A chart of tracking needs at least one row; got none.")
    alt = altair()
    values = [
        {"time": time, "which": which, "purchases": number}
        for time, actual, expected in rows
        for which, number in (("actual", actual), ("expected", expected))
    ]
    lines = (
        alt.Chart(alt.Data(values=values), width=_WIDTH, height=_HEIGHT)
        .mark_line()
        .encode(
            x=alt.X("time:Q", title=unit),
            y=alt.Y("purchases:Q", title="repeat purchases so far"),
            color=alt.Color("which:N", title=None),
            strokeDash=alt.StrokeDash("which:N", title=None),
        )
    )
    if ends is None:
        return lines
    return lines + alt.Chart(alt.Data(values=[{"time": ends}])).mark_rule(strokeDash=[4, 4]).encode(x="time:Q")
