"""Charts of survival curves, cohorts and models: each function gives an Altair chart, and never shows it.

They need the extra `plot`: pip install 'crmkpi[plot]'. A notebook shows a chart by itself, `chart.save("chart.html")`
writes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from crmkpi.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from crmkpi.clv.purchases import HoldoutCheck
    from crmkpi.insight.cohorts import CohortTable
    from crmkpi.insight.survival import SurvivalCurve

__all__ = ["altair", "cohort_chart", "holdout_chart", "survival_chart", "tracking_chart"]

_WIDTH, _HEIGHT = 480, 280
_STEPS = 1_000  # more steps than this cannot be told apart in a picture
_MANY_CELLS = 15  # from this many periods on, cells are too small for figures


def altair() -> Any:
    """Altair, which draws all charts; an error that names the extra where it is not installed."""
    try:
        return import_module("altair")
    except ImportError as error:
        raise MissingExtraError("Charts need Altair; install it with pip install 'crmkpi[plot]'.") from error


def survival_chart(curves: SurvivalCurve | Mapping[Any, SurvivalCurve]) -> Any:
    """The share that lasts, step by step, with its band; of several curves by name, one colour each.

    Curves of more than a thousand steps are drawn with a thousand.
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
    # By its name: importing the class would load all that a chart is not about.
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
    """The triangle in colours: one cohort a row, one period a column; periods that are not over are paler.

    Periods that have not begun are left empty: that is not zero.
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
    cells = base.mark_rect().encode(
        color=alt.Color("share:Q", title=title, legend=alt.Legend(format=style)), opacity=shade
    )
    if len(table.cohorts[0].cells) > _MANY_CELLS:
        return cells
    return cells + base.mark_text(fontSize=10).encode(text=alt.Text("share:Q", format=".0%" if rates else style))


def holdout_chart(check: HoldoutCheck) -> Any:
    """The mean purchases of a holdout, predicted and actual, by how often customers had come back before."""
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
    """All repeat purchases so far, actual and expected, as `tracking` of a model gives them; counts time in `unit`.

    `ends` draws a line where what the model was fitted to ends.
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
