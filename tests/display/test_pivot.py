"""Reports as grids."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Dataset, Deal
from crmkpi.display.pivot import pivot
from crmkpi.display.sparkline import sparkline, sparkline_text
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.measuring.results import Report
from crmkpi.statistics.intervals import Interval


@pytest.fixture
def monthly(crm: Dataset) -> Report:
    return crm.measure("revenue", period="2026-Q2", every="month", by="owner")


def test_a_grid_shows_the_values(monthly: Report) -> None:
    assert str(monthly.pivot(rows="owner", columns="period")).splitlines() == [
        "revenue, 2026-04 to 2026-06 by owner, every month",
        "",
        "owner   trend     2026-04     2026-05     2026-06",
        "-------------------------------------------------",
        "Ada     █▃▁    300.00 EUR  100.00 EUR  0.00 EUR °",
        "Bo      ▁▁▁      0.00 EUR    0.00 EUR  0.00 EUR °",
        "(none)  ▁▁▁      0.00 EUR    0.00 EUR  0.00 EUR °",
        "",
        "° the period is not over",
        "left out in each period: 1 no closed_at",
    ]


def test_every_cell_is_the_result_of_the_report(monthly: Report) -> None:
    grid = pivot(monthly, rows="owner", columns="period")
    assert (grid.rows, grid.columns) == (("Ada", "Bo", None), ("2026-04", "2026-05", "2026-06"))
    for result in monthly:
        assert result.period is not None
        assert grid.cell(result.segment["owner"], result.period.label) is result


def test_plain_values_are_in_dicts(monthly: Report) -> None:
    assert pivot(monthly, rows="period", columns="owner").to_dicts()[0] == {
        "period": "2026-04", "Ada": "300", "Bo": "0", "(none)": "0",
    }  # fmt: skip


def test_columns_that_read_the_same_are_told_apart() -> None:
    deals = [
        Deal(id="1", status="won", owner="(none)"),
        Deal(id="2", status="won"),
        Deal(id="3", status="won", owner="metric"),
    ]
    (row,) = Dataset(deals=deals).measure("win_rate", by="owner").pivot(columns="owner").to_dicts()
    assert list(row) == ["metric", "(none)", "metric (2)", "(none) (2)"]


def test_kpis_by_period_is_the_usual_grid(crm: Dataset) -> None:
    grid = crm.measure(["win_rate", "revenue"], period="2026", every="quarter").pivot()
    assert grid.rows == ("win_rate", "revenue")
    assert grid.columns == ("2026-Q1", "2026-Q2")


def test_a_cell_that_the_report_lacks_is_none(monthly: Report) -> None:
    some = monthly.where(lambda result: result.segment["owner"] == "Ada" or str(result.period) == "2026-04")
    grid = pivot(some, rows="owner", columns="period")
    assert grid.cell("Bo", "2026-05") is None
    assert grid.to_dicts()[1]["2026-05"] is None
    assert str(grid).splitlines()[5] == "Bo      ▁        0.00 EUR"


def test_a_grid_is_markdown_and_html_too(monthly: Report) -> None:
    grid = pivot(monthly, rows="owner", columns="period")
    assert "| Ada | █▃▁ | 300.00 EUR | 100.00 EUR | 0.00 EUR ° |" in grid.to_markdown()
    html = grid._repr_html_()
    assert html.count('<svg class="s"') == 3
    assert '<td class="text">Ada</td><td><svg' in html
    assert '<td class="value">300.00 EUR</td>' in html


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=30))
def test_a_sparkline_has_one_sign_a_value_and_the_largest_is_the_highest(values: list[float | None]) -> None:
    shown = Interval(-1e9, 1e9, 0.95, "wilson")
    results: list[Any] = [SimpleNamespace(value=value, interval=shown, complete=True) for value in values]
    drawn = sparkline_text(results)
    assert [sign == " " for sign in drawn] == [value is None for value in values]
    known = [(value, sign) for value, sign in zip(values, drawn, strict=True) if value is not None]
    assert [sign for _, sign in sorted(known)] == sorted(sign for _, sign in known)
    svg = sparkline(results, band=True)
    assert svg.count("<circle") == (len(known) > 1)
    assert "nan" not in svg


def test_two_periods_have_no_trend(crm: Dataset) -> None:
    assert "trend" not in str(crm.measure("win_rate", period=["2026-04", "2026-05"]).pivot())


def test_two_results_in_one_cell_are_an_error_that_names_what_varies(monthly: Report) -> None:
    with pytest.raises(InputError, match=r"The cell of metric revenue and period 2026-04 .* because owner varies"):
        pivot(monthly, rows="metric", columns="period")


def test_an_unknown_dimension_is_an_error(monthly: Report) -> None:
    with pytest.raises(UnknownNameError, match=r"no dimension 'ownr'.* Did you mean 'owner'\?"):
        pivot(monthly, rows="ownr", columns="period")


def test_rows_and_columns_must_differ(monthly: Report) -> None:
    with pytest.raises(InputError, match="must differ; both are 'owner'"):
        pivot(monthly, rows="owner", columns="owner")


def test_an_unknown_row_or_column_is_an_error(monthly: Report) -> None:
    grid = pivot(monthly, rows="owner", columns="period")
    with pytest.raises(UnknownNameError, match=r"no owner 'Adda'\. Did you mean 'Ada'\?"):
        grid.cell("Adda", "2026-04")
    with pytest.raises(UnknownNameError, match="no period '2026-13'"):
        grid.cell("Ada", "2026-13")
