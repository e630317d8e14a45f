"""Charts contain the numbers of their source; Vega-Lite's schema checks that they can be drawn."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from crmkpi.clv import BgNbd, PurchaseHistory, weeks
from crmkpi.display import charts
from crmkpi.errors import InputError, MissingExtraError
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.funnel import funnel
from crmkpi.insight.survival import Durations, kaplan_meier

CURVE = kaplan_meier(Durations([2, 4, 4, 7], [True, True, False, False], unit="months"))
MODEL = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426, unit="weeks")


def data_of(chart: Any) -> list[dict[str, Any]]:
    """The rows behind a chart; `to_dict` also validates them against the schema."""
    drawn = chart.to_dict()
    parts = [drawn, *drawn.get("layer", [])]
    inline: dict[str, Any] = next((part["data"] for part in parts if "data" in part), {})
    return inline.get("values") or next(iter(drawn["datasets"].values()))


@pytest.fixture(autouse=True)
def _altair(request: pytest.FixtureRequest) -> None:
    if "without" not in request.node.name and "refused" not in request.node.name:
        pytest.importorskip("altair")


def test_a_survival_chart_begins_with_all_and_has_the_steps_of_the_curve():
    rows = data_of(charts.survival_chart(CURVE))
    assert [(row["time"], row["survival"]) for row in rows] == [(0, 1), *zip(CURVE.times, CURVE.survival, strict=True)]
    assert all(row["low"] <= row["survival"] <= row["high"] for row in rows)


def test_several_curves_have_a_colour_each():
    drawn = charts.survival_chart({"solo": CURVE, "team": CURVE})
    assert {row["group"] for row in data_of(drawn)} == {"solo", "team"}
    assert drawn.to_dict()["layer"][0]["encoding"]["color"]["field"] == "group"


def test_a_curve_of_many_steps_is_drawn_with_a_thousand_and_keeps_its_end():
    many = kaplan_meier(Durations([n / 7 for n in range(1, 5001)], [True] * 5000))
    rows = data_of(charts.survival_chart(many))
    assert len(rows) <= 1_002
    assert (rows[-1]["time"], rows[-1]["survival"]) == (many.last_time, 0)


def test_a_cohort_chart_marks_periods_that_are_not_over_and_leaves_out_those_not_begun():
    days = {"A": [date(2026, 1, 5), date(2026, 2, 5)], "B": [date(2026, 1, 9)], "C": [date(2026, 2, 20)]}
    orders = [SimpleNamespace(customer_id=c, ordered_at=d, amount=10) for c, ds in days.items() for d in ds]
    found = charts.cohort_chart(cohorts(orders, as_of=date(2026, 2, 25)))
    rows = {(row["cohort"], row["period"]): (row["share"], row["over"]) for row in data_of(found)}
    assert rows == {("2026-01", 0): (1, "yes"), ("2026-01", 1): (0.5, "not yet"), ("2026-02", 0): (1, "not yet")}


def test_a_triangle_of_many_periods_has_no_figures_in_its_cells():
    orders = [
        SimpleNamespace(customer_id=n, ordered_at=date(2026, 1, 5) + timedelta(weeks=n), amount=10) for n in range(20)
    ]
    wide = cohorts(orders, as_of=date(2026, 6, 25), every="week")
    assert "layer" not in charts.cohort_chart(wide).to_dict()
    value = charts.cohort_chart(cohorts(orders, as_of=date(2026, 6, 25), measure="value"))
    assert value.to_dict()["layer"][0]["encoding"]["color"]["title"] == "value per customer"


def test_the_check_of_a_model_draws_its_table():
    history = PurchaseHistory.of([(2, 30.43, 38.86), (0, 0, 38.86), (9, 30, 38)], unit="weeks")
    check = MODEL.check(history, [1, 0, 7], horizon=weeks(39))
    rows = data_of(check.plot())
    assert [(row["repeats"], row["mean"]) for row in rows if row["which"] == "actual"] == [
        ("0", 0),
        ("2", 1),
        ("7+", 7),
    ]
    assert [row["mean"] for row in rows if row["which"] == "predicted"] == [
        part.predicted_mean for part in check.by_frequency
    ]


def test_a_chart_of_tracking_draws_both_lines_and_the_end_of_the_fit():
    rows = MODEL.tracking([0.0, 1.0], [3.0], until=4, every=weeks(2))
    drawn = charts.tracking_chart(rows, unit="weeks", ends=2)
    assert len(drawn.to_dict()["layer"]) == 2
    assert [row["purchases"] for row in data_of(drawn) if row["which"] == "actual"] == [0, 1]
    assert "layer" not in charts.tracking_chart(rows, unit="weeks").to_dict()


def test_curves_of_several_units_are_refused():
    days = kaplan_meier(Durations([1], [True], unit="days"))
    with pytest.raises(InputError, match="Curves in one chart count in one unit of time; got days, months"):
        charts.survival_chart({"a": days, "b": CURVE})
    with pytest.raises(InputError, match="got no curve"):
        charts.survival_chart({})


def test_tracking_without_rows_is_refused():
    with pytest.raises(InputError, match="needs at least one row; got none"):
        charts.tracking_chart([], unit="weeks")


def test_without_altair_the_error_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "altair", None)
    with pytest.raises(MissingExtraError, match=r"Charts need Altair; install it with pip install 'crmkpi\[plot\]'"):
        charts.survival_chart(CURVE)


def test_a_chart_of_a_funnel_draws_its_stages_about_a_middle():
    visits = [
        SimpleNamespace(deal_id=deal, stage=stage, entered_at=1) for deal, stage in ("AL", "AO", "BL", "CL", "CO")
    ]
    drawn = funnel(visits, stages=["L", "O"]).chart()
    rows = data_of(drawn)
    assert [(row["stage"], row["reached"], row["from"], row["to"]) for row in rows] == [
        ("L", 3, -1.5, 1.5),
        ("O", 2, -1.0, 1.0),
    ]
    assert rows[1]["text"] == "2 · 67% of the stage before"
    with pytest.raises(InputError, match=r"funnel_chart\(\) draws a Funnel; got list"):
        charts.funnel_chart([])


def test_what_can_be_drawn_draws_itself():
    orders = [SimpleNamespace(customer_id=1, ordered_at=date(2026, 1, 5), amount=10)]
    table = cohorts(orders, as_of=date(2026, 3, 1))
    assert table.chart().to_dict() == charts.cohort_chart(table).to_dict()
    assert CURVE.chart().to_dict() == charts.survival_chart(CURVE).to_dict()
