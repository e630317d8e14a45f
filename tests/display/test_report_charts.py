"""The chart of a report holds its numbers, and is of the kind that its dimensions call for."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError, UnknownNameError

DEALS = [
    ck.Deal(
        id=f"{month}-{number}",
        status="won" if (month + number) % 3 else "lost",
        owner=f"owner {number % 9}",
        source=("web", "fair")[number % 2],
        amount=100 * number,
        created_at=date(2026, month, 1),
        closed_at=date(2026, month, 2 + number),
    )
    for month in (1, 2, 3)
    for number in range(18)
]


def by_tens(deal: Any) -> int:
    """Six segments, too many for overlapping bands."""
    return int(deal.amount) // 300


CRM = ck.Dataset(deals=DEALS, currency="EUR", as_of=date(2026, 3, 10))


def marks(drawn: dict[str, Any]) -> set[str]:
    found = {drawn["mark"]["type"]} if "mark" in drawn else set()
    found |= marks(drawn["spec"]) if "spec" in drawn else set()
    return found.union(*(marks(part) for key in ("layer", "vconcat") for part in drawn.get(key, [])))


def rows_of(drawn: dict[str, Any]) -> list[dict[str, Any]]:
    for part in [drawn, *drawn.get("layer", []), *drawn.get("vconcat", [])]:
        if "values" in part.get("data", {}):
            return part["data"]["values"]
    return next(iter(drawn["datasets"].values()))


@pytest.mark.parametrize(
    "question, expected",
    [
        ({}, {"text"}),
        ({"by": "source"}, {"bar", "rule", "text"}),
        ({"period": "2026-Q1", "every": "month"}, {"area", "line", "point"}),
        ({"period": "2026-Q1", "every": "month", "by": "source"}, {"area", "line", "point"}),
        ({"period": "2026-Q1", "every": "month", "by": "owner"}, {"rect", "text"}),
        ({"period": "2026-Q1", "every": "month", "by": by_tens}, {"area", "line", "point"}),
        ({"period": "2026-01", "every": "month"}, {"text"}),
        ({"by": ["owner", "source"]}, {"rect", "text"}),
    ],
)
@pytest.mark.parametrize("kpi", ["win_rate", "revenue", "sales_cycle_length", "lost_deals"])
def test_the_dimensions_of_a_report_say_what_is_drawn(kpi: str, question: dict[str, Any], expected: set[str]) -> None:
    report = CRM.measure(kpi, **question)
    drawn = report.chart().to_dict()  # it validates the chart against the schema of Vega-Lite
    assert marks(drawn) == expected
    assert len(rows_of(drawn)) == len(report)


def test_the_numbers_of_a_chart_are_those_of_the_report() -> None:
    report = CRM.measure("win_rate", by="source")
    rows = rows_of(report.chart().to_dict())
    assert [(row["value"], row["low"], row["high"]) for row in rows] == [
        (result.value, result.interval.low, result.interval.high) for result in report
    ]
    longest = CRM.measure("sales_cycle_length")
    assert rows_of(longest.chart().to_dict())[0]["value"] == pytest.approx(longest[0].value.total_seconds() / 86_400)


def test_each_kpi_has_a_panel_of_its_own() -> None:
    drawn = CRM.measure(["win_rate", "revenue"], by="source").chart().to_dict()
    assert [panel["title"]["text"] for panel in drawn["vconcat"]] == ["Win rate", "Revenue"]


def test_a_chart_says_what_its_values_share() -> None:
    assert CRM.measure("win_rate", by="source", period="2026-01").chart().to_dict()["title"]["subtitle"] == "2026-01"
    one = CRM.measure("win_rate", period="2026-02", compare="previous").chart().to_dict()
    assert one["title"]["subtitle"] == "2026-02, against 2026-01"
    assert rows_of(one)[0]["change"] == "unchanged"
    against = CRM.measure("win_rate", by="source").results
    changed = ck.Report((against[0].against(against[1]),)).chart().to_dict()
    assert rows_of(changed)[0]["change"] == "+3.0 pp, too few to say"


def test_many_lines_get_a_panel_each_and_few_share_one() -> None:
    asked: dict[str, Any] = {"period": "2026-Q1", "every": "month"}
    assert "facet" in CRM.measure("win_rate", **asked, by=by_tens).chart().to_dict()
    assert "facet" not in CRM.measure("win_rate", **asked, by="source").chart().to_dict()


def test_a_cell_without_a_value_has_no_figure() -> None:
    deals = [*DEALS, ck.Deal(id="open", status="open", owner="O1", source="call")]
    drawn = ck.Dataset(deals=deals).measure("win_rate", by=["owner", "source"]).chart().to_dict()
    assert any(row["value"] is None for row in rows_of(drawn))
    assert drawn["layer"][1]["transform"] == [{"filter": "datum.value !== null"}]


def test_a_kind_can_be_asked_for() -> None:
    report = CRM.measure("revenue", period="2026-Q1", every="month")
    assert marks(report.chart("bars").to_dict()) == {"bar", "rule", "text"}


@pytest.mark.parametrize(
    "report, kind, message",
    [
        (lambda: CRM.measure("revenue", by="owner").where(lambda result: False), None, "the report has no results"),
        (lambda: ck.Dataset(deals=[]).measure("win_rate"), None, "no result of the report has a value, because "),
        (
            lambda: CRM.measure("revenue"),
            "line",
            "A line shows periods, and at most one segment, and of revenue there vary nothing",
        ),
        (
            lambda: CRM.measure("revenue", by="owner"),
            "number",
            "A number shows one result, and of revenue there varies owner",
        ),
        (
            lambda: CRM.measure("revenue", by=["owner", "source"], period="2026-Q1", every="month"),
            None,
            "A heatmap shows two dimensions, and of revenue there vary period and owner and source; pick with",
        ),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_sentence(report: Any, kind: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        report().chart(kind)


def test_amounts_in_several_currencies_have_no_common_axis() -> None:
    deals = [ck.Deal(id=code, status="won", amount=1, currency=code) for code in ("EUR", "USD")]
    with pytest.raises(InputError, match=r"The amounts of revenue are in EUR, USD, and a chart has one axis; give"):
        ck.Dataset(deals=deals).measure("revenue", by="currency").chart()


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no chart 'bar' of a report. Did you mean 'bars'?"):
        CRM.measure("revenue").chart("bar")  # type: ignore[arg-type]


def test_without_altair_the_error_names_the_extra() -> None:
    program = """if True:
        import sys
        sys.modules["altair"] = None
        import crmkpi as ck
        try:
            ck.Dataset(deals=[ck.Deal(id="1", status="won")]).measure("win_rate").chart()
        except ck.CrmKpiError as error:
            print(error)
    """
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert "pip install 'crmkpi[plot]'. Without it, print(report.pivot()) draws periods" in ran.stdout
