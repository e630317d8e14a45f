"""Results and reports as plain text."""

from __future__ import annotations

from datetime import datetime
from textwrap import dedent

from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi import (
    Dataset,
    Deal,
    Order,
    average_deal_size,
    average_order_value,
    customer_lifetime_value,
    net_promoter_score,
    sales_cycle_length,
    win_rate,
)
from crmkpi.display.sheet import Sheet, SheetColumn
from crmkpi.display.text import draw_text, report_text, result_text
from crmkpi.measuring.results import Report
from crmkpi.sources import Records, Rejected


def test_one_thing_has_no_plural_and_a_value_without_a_margin_says_so() -> None:
    one = [Order(id="1", customer_id="A", amount=73, ordered_at="2026-02-01")]
    assert str(average_order_value(one)) == "average_order_value 73.00, 73.00 amount, 1 order; small sample"
    two = [*one, Order(id="2", customer_id="B", amount=73, ordered_at="2026-02-01")]
    assert ", 2 orders;" in str(average_order_value(two))
    revenue = customer_lifetime_value(one, period="2026", lifespan=730)
    assert "1 order, 1 buyer, 365.00 days; revenue, no margin given" in str(revenue)
    assert "no margin" not in str(customer_lifetime_value(one, period="2026", lifespan=730, margin=0.5))


def lines(text: str) -> list[str]:
    return dedent(text).strip("\n").splitlines()


def test_working_time_without_an_hourly_rate_is_told():
    timed = [ck.Interaction(id="1", kind="call", seconds=600, cost="0.5")]
    told = "working time costs nothing, no hourly_rate given"
    assert told in str(ck.average_interaction_cost(timed))
    assert f"average_interaction_cost: {told}" in str(
        ck.Dataset(interactions=timed).measure("average_interaction_cost")
    )
    assert told not in str(ck.average_interaction_cost(timed, hourly_rate=90))
    assert told not in str(ck.average_interaction_cost([ck.Interaction(id="1", kind="call", cost="0.5")]))


def test_a_result_reads_as_one_line_with_its_evidence(crm: Dataset) -> None:
    assert result_text(win_rate(crm, period="2026-Q2", compare="previous")) == (
        "win_rate (2026-Q2) 50.0 % [15.0 %, 85.0 %], 2 won of 4 closed; left out: 1 no closed_at; "
        "-16.7 pp [-61.0 pp, +41.1 pp] against 2026-Q1: too few to say; small sample; the period is not over"
    )


def test_totals_read_as_people_say_them() -> None:
    text = result_text(win_rate.from_totals(won=4238, closed=6711))
    assert text == "win_rate 63.2 % [62.0 %, 64.3 %], 4,238 won of 6,711 closed"


def test_an_undefined_result_says_why() -> None:
    assert result_text(win_rate.from_totals(won=0, closed=0)) == "win_rate undefined: no deal was closed"


def test_several_inputs_are_all_told() -> None:
    text = result_text(average_deal_size.from_totals(amount=90, deals=40, currency="EUR"))
    assert text.startswith("average_deal_size 2.25 EUR, 90")
    text = result_text(net_promoter_score.from_totals(promoters=52, detractors=10, answers=100))
    assert text.endswith("52 promoters, 10 detractors, 100 answers")


def test_a_result_that_is_its_only_input_says_on_how_many_records_it_rests() -> None:
    deal = Deal(id="1", status="won", created_at=datetime(2026, 1, 1), closed_at=datetime(2026, 1, 4))
    assert result_text(sales_cycle_length([deal])) == "sales_cycle_length 3 days, 1 record; small sample"


def test_rows_that_could_not_be_read_are_told() -> None:
    rejected = (Rejected(2, "amount", "'x'", "not a number"),)
    deals = Records((Deal(id="1", status="won"),), record=Deal, rejected=rejected)
    assert "; 1 row could not be read" in result_text(win_rate(deals))


def test_a_report_reads_as_an_aligned_table_with_notes(by_owner: Report) -> None:
    assert report_text(by_owner).splitlines() == lines("""
        win_rate, 2026-Q2 by owner

        owner     value  95 % interval  n                vs 2026-Q1
        ---------------------------------------------------------------
        Ada     100.0 %  34.2 to 100.0  2   +50.0 pp too few to say  †°
        Bo        0.0 %    0.0 to 79.3  1  -100.0 pp too few to say  †°
        (none)    0.0 %    0.0 to 79.3  1                         –  †°

        † rests on fewer than 30 records, so it says little
        ° the period is not over
        verdicts take into account that there are 2 comparisons (Benjamini-Hochberg)
        left out: 1 no closed_at
        """)


def test_what_varies_is_a_column_and_what_does_not_is_in_the_heading(crm: Dataset) -> None:
    report = crm.measure(["win_rate", "revenue"], period="2026-Q2", every="month", by="owner")
    text = report_text(report.where(lambda result: result.segment["owner"] == "Ada"))
    assert text.splitlines()[0] == "2026-04 to 2026-06 by owner, every month, owner Ada"
    assert text.splitlines()[2].split() == ["KPI", "period", "value", "95", "%", "interval", "n"]


def test_undefined_results_are_explained_below(crm: Dataset) -> None:
    report = crm.measure("win_rate", period="2026-Q1", by="owner")
    text = report_text(report)
    assert "(none)        –" in text
    assert text.splitlines()[-2] == "win_rate undefined for (none): no deal was closed"


def test_what_is_left_out_is_added_up_over_segments_and_not_over_periods(crm: Dataset) -> None:
    assert "left out: 1 no closed_at" in report_text(crm.measure("win_rate", period="2026-Q2", by="owner"))
    monthly = report_text(crm.measure("win_rate", period="2026-Q2", every="month"))
    assert "left out in each period: 1 no closed_at" in monthly
    amounts = report_text(crm.measure("win_rate.by_amount", period="2026-Q2", every="month"))
    assert "left out in each period: 1 no closed_at, 0 to 1 no amount" in amounts


def test_kpis_that_leave_out_the_same_share_a_note(crm: Dataset) -> None:
    text = report_text(crm.measure(["average_deal_size", "revenue"], period="2026-Q2"))
    assert "left out: 1 no closed_at (average_deal_size, revenue)" in text


def test_a_report_over_several_themes_is_grouped() -> None:
    crm = Dataset(deals=[Deal(id="1", status="won")], leads=[])
    text = report_text(crm.measure(["lead_volume", "win_rate", "revenue"]))
    assert [line for line in text.splitlines() if line in ("marketing", "sales")] == ["marketing", "sales"]


def test_long_names_are_cut_and_lines_are_not_broken() -> None:
    owners = ["Wolfeschlegelsteinhausenbergerdorff " * 3, "東京" * 40]
    deals = [Deal(id=str(n), status="won", owner=owner) for n, owner in enumerate(owners)]
    text = report_text(Dataset(deals=deals).measure("win_rate", by="owner"))
    table = [line for line in text.splitlines() if " %" in line or set(line) == {"-"}]
    assert len(table) == 4
    assert "Wolfeschlegelsteinhausenbergerdorff Wolfes" in text
    assert sum("…" in line for line in table) == 2
    assert max(len(line) + sum(character in "東京" for character in line) for line in table) == 80


def test_wide_characters_keep_columns_aligned() -> None:
    text = draw_text(
        Sheet(
            "",
            (SheetColumn("label", "city", ("東京", "Köln", "e\u0301")), SheetColumn("value", "n", ("1", "2", "3"))),
            (),
        )
    )
    assert text.splitlines()[2:] == ["東京  1", "Köln  2", "e\u0301     3"]


@given(st.lists(st.text().filter(str.strip), min_size=1, max_size=5, unique=True))  # blank text is missing
def test_any_name_takes_one_line(owners: list[str]) -> None:
    deals = [Deal(id=str(n), status="won", owner=owner) for n, owner in enumerate(owners)]
    report = Dataset(deals=deals).measure("win_rate", by="owner")
    assert sum(line.endswith("  1  †") for line in report_text(report).splitlines()) == len(owners)


def test_a_report_without_results_says_so() -> None:
    assert report_text(Report((), "2026")) == "2026: no results"
    assert report_text(Report(())) == "no results"


def test_long_names_of_kpis_that_begin_alike_can_be_told_apart() -> None:
    names = ("customer_satisfaction_score", "customer_satisfaction_rating", "csat")
    text = draw_text(
        Sheet("", (SheetColumn("metric", "KPI", names), SheetColumn("value", "value", ("1", "2", "3"))), ()), width=29
    )
    assert text.splitlines()[2:] == [
        "customer_satisfaction_      1",
        "  score",
        "customer_satisfaction_      2",
        "  rating",
        "csat                        3",
    ]
