"""Charts of analyses: their numbers are those of the analysis, and so are their colours."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.insight.control import control_chart, funnel_plot
from crmkpi.insight.explain import explain_totals
from crmkpi.insight.forecast import forecast_series
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.targets import target_status

pytest.importorskip("altair")


def rows_of(chart: Any) -> list[dict[str, Any]]:
    """All data rows of a chart, validated."""
    spec = chart.to_dict()
    found: list[dict[str, Any]] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            if isinstance(part.get("values"), list):
                found.extend(row for row in part["values"] if isinstance(row, dict))
            for one in part.values():
                walk(one)
        elif isinstance(part, list):
            for one in part:
                walk(one)

    walk(spec)
    return found


@pytest.mark.parametrize("better", ["higher", "lower", "neither"])
def test_points_of_a_control_chart_have_the_colour_of_the_signal_and_not_of_a_sign(better: str):
    values = [20.0, 22, 21, 19, 20, 21, 22, 20, 19, 21, 20, 22, 21, 40, 20]
    chart = control_chart(values, better=better)
    told = {row["label"]: row["told"] for row in rows_of(chart.chart()) if "told" in row}
    assert told["14"] == {"higher": "better", "lower": "worse", "neither": "change"}[better]
    assert {told[label] for label in told if label != "14"} == {"common"}
    assert [row["high"] for row in rows_of(chart.chart())][:15] == [point.high for point in chart.points]


def test_the_steps_of_an_explanation_lead_from_before_to_after():
    made = explain_totals(
        "win_rate",
        before={"web": {"won": 10, "closed": 100}, "partner": {"won": 60, "closed": 100}},
        after={"web": {"won": 60, "closed": 400}, "partner": {"won": 65, "closed": 100}},
    )
    steps = [row for row in rows_of(made.chart()) if "way" in row]
    assert [row["name"] for row in steps[1:-1]] == [one.name for one in made.effects]
    assert steps[0]["end"] == made.before
    for one, following in pairwise(steps[:-1]):
        assert following["start"] == pytest.approx(one["end"])
    assert steps[-2]["end"] == pytest.approx(steps[-1]["end"])


def test_the_fan_begins_where_the_history_ends_and_holds_the_interval():
    made = forecast_series([20, 22, 19, 24, 23, 25, 24, 27, 26, 28], horizon=2)
    rows = rows_of(made.chart())
    ahead = [row for row in rows if row.get("what") == "forecast"]
    assert ahead[0]["value"] == made.history[-1][1]
    assert [(row["low"], row["high"]) for row in ahead[1:3]] == [tuple(point.interval) for point in made.points]


def test_the_funnel_names_what_lies_outside():
    plot = funnel_plot({"Ada": (62, 100), "Bo": (38, 100), "Cy": (4, 10), "Di": (400, 1000)})
    named = {row["segment"]: row["name"] for row in rows_of(plot.chart()) if "segment" in row}
    assert named == {"Ada": "Ada", "Bo": "", "Cy": "", "Di": ""}


def test_a_bullet_has_the_value_what_it_comes_to_and_the_bounds():
    deals = [ck.Deal(id=str(n), status="lost", closed_at=f"2026-01-{1 + n % 10:02}") for n in range(33)]
    tickets = [ck.Ticket(id="1", created_at="2026-01-05T09:00", first_replied_at="2026-01-05T12:00")]
    goals = kpi_set({"kpi": [
        {"id": "lost_deals", "target": {"at_most": 100}},
        {"id": "average_response_time", "target": {"at_most": "4 h"}},
        {"id": "won_deals"},
    ]})  # fmt: skip
    card = target_status(ck.Dataset(deals=deals, tickets=tickets, as_of=date(2026, 1, 10)), goals, period="2026-01")
    rows = rows_of(card.chart())
    values = {row["name"]: (row["value"], row["projected"]) for row in rows if "status" in row}
    assert values["lost_deals"] == (33.0, float(card.targets[0].projected))
    assert values["average_response_time"][0] == timedelta(hours=3) / timedelta(hours=1)
    assert {(row["name"], row["bound"]) for row in rows if "bound" in row} == {
        ("lost_deals", 100.0), ("average_response_time", 4.0),
    }  # fmt: skip


def test_what_has_no_picture_says_what_has_one():
    found = ck.Dataset(deals=[]).briefing(period="2026-02", metrics="win_rate")
    with pytest.raises(InputError, match="has no chart; control charts"):
        found.chart()
    card = target_status(ck.Dataset(deals=[]), kpi_set({"kpi": [{"id": "won_deals"}]}), period="2026-01")
    with pytest.raises(InputError, match="nothing to draw"):
        card.chart()
