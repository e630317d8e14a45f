"""The manual in plain text."""

from __future__ import annotations

import pytest

from crmkpi import catalogue, customer_lifetime_value, win_rate
from crmkpi.definition.metric import Metric
from crmkpi.display.manual import metric_list, metric_page


def test_the_list_has_every_kpi_under_its_theme() -> None:
    text = metric_list(catalogue)
    for theme in catalogue.themes():
        assert theme in text.splitlines()
    for metric in catalogue:
        assert f"  {metric.id} " in text


def test_the_page_of_a_kpi_tells_all_about_it() -> None:
    text = metric_page(win_rate)
    assert text.startswith(
        "win_rate\n========\n\nShare of closed deals that were won.\n\n    win rate = won / (won + lost)\n"
    )
    for part in (
        "unit        ratio, higher is better",
        "at          deals.closed_at",
        "measures    won = deals.count(deals.status == 'won')",
        "inputs      won: how many deals where status is won",
        "left out    deleted: deleted is true",
        "for         sales manager, founder",
        'shown by    HubSpot, "Deal close rate": ',
        "variants    win_rate.of_created: ",
        "also called sales conversion rate, close rate",
    ):
        assert part in text


def test_parameters_say_whether_they_must_be_given() -> None:
    text = " ".join(metric_page(customer_lifetime_value).split())
    assert "(days, must be given)" in text
    assert "(ratio, 1 unless given)" in text


@pytest.mark.parametrize("metric", list(catalogue.everything()), ids=lambda metric: metric.id)
def test_every_page_is_plain_text_that_fits_a_terminal(metric: Metric) -> None:
    lines = metric_page(metric).splitlines()
    assert not [line for line in lines if "$$" in line or "\\frac" in line or "\\text" in line]
    prose = [line for line in lines if not line.startswith("    ") and " " in line.strip()]
    assert max(map(len, prose)) <= 80
