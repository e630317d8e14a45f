"""The briefing of a period equals the functions behind it, and reports only significant changes."""

from __future__ import annotations

import json
from datetime import date
from random import Random
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.insight.at_risk import at_risk
from crmkpi.insight.briefings import QUESTIONS
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.targets import target_status


def deals(rates: dict[tuple[int, str], int], many: int = 400) -> list[ck.Deal]:
    """Deals by month and source, with the given percentages won."""
    return [
        ck.Deal(
            id=f"{month}{source}{n}",
            source=source,
            owner=("Ada", "Bo")[n % 2],
            amount=100,
            status="won" if n * 100 < won * many else "lost",
            closed_at=date(2026, month, 5),
        )
        for (month, source), won in rates.items()
        for n in range(many)
    ]


FALLEN = deals({(1, "web"): 40, (1, "fair"): 40, (1, "mail"): 40, (2, "web"): 10, (2, "fair"): 40, (2, "mail"): 40})
CRM = ck.Dataset(deals=FALLEN, as_of=date(2026, 2, 28))


def test_it_says_what_changed_with_its_interval_and_which_part_moved():
    found = CRM.briefing(period="2026-02", metrics=["win_rate", "lost_rate"], by=["source", "owner"])
    (fact,) = found.line("changed").facts  # won and lost are complementary
    change = CRM.measure("win_rate", period="2026-02", compare="previous")[0].change
    assert change is not None
    assert change.interval is not None
    assert (fact.change, fact.low, fact.high, fact.better) == (change.absolute, *change.interval, False)
    (part,) = found.line("accounts for it").facts
    assert part.subject == "source web"
    assert part.change == pytest.approx(-0.3)
    assert part.better is None  # where to look, not whether it is good


def test_a_change_of_all_parts_alike_is_broad():
    same = deals({(month, source): won for month, won in ((1, 40), (2, 30)) for source in ("web", "fair", "mail")})
    found = ck.Dataset(deals=same).briefing(period="2026-02", metrics="win_rate")
    assert "the change is broad, no part by source, owner, product" in found.line("accounts for it").text


def test_where_nothing_changed_nothing_is_said_to_have():
    random = Random(3)
    rates = {(month, source): 30 + random.randrange(-1, 2) for month in (1, 2) for source in ("web", "fair")}
    found = ck.Dataset(deals=deals(rates, 100)).briefing(period="2026-02", metrics=["win_rate", "average_deal_size"])
    assert found.line("changed").text == "nothing by more than chance, of 1 KPI that can be compared"
    assert found.line("accounts for it").text == "no change to account for"


def test_a_formula_is_accounted_for_by_its_inputs():
    campaigns = [
        ck.Campaign(id=str(month), started_at=f"2026-0{month}-01", cost=cost) for month, cost in ((1, 4000), (2, 9000))
    ]
    leads = [ck.Lead(id=f"{month}{n}", created_at=f"2026-0{month}-09") for month in (1, 2) for n in range(400)]
    crm = ck.Dataset(campaigns=campaigns, leads=leads, expenses=[])
    found = crm.briefing(period="2026-02", metrics="cost_per_lead")
    changed = found.line("changed").facts
    if changed[0].metrics:  # one campaign per month shows little of the variation of costs
        assert "accounts for" in found.line("accounts for it").text


@pytest.mark.parametrize("line", QUESTIONS)
def test_every_question_has_an_answer_even_where_nothing_was_given(line: Any):
    found = CRM.briefing(period="2026-02")
    assert found.line(line).facts
    assert found.line(line).title == QUESTIONS[line]


def test_the_targets_that_are_missed_are_those_of_the_scorecards():
    goals = kpi_set({"kpi": [{"id": "win_rate", "target": {"at_least": 0.35}}, {"id": "lost_deals"}]})
    found = CRM.briefing(period="2026-02", kpis=goals)
    card = target_status(CRM, goals, period="2026-02")
    assert card.targets[0].status == "missed"
    first = found.line("will be missed").facts[0]
    assert first.text.startswith("win_rate 2026-02 missed: 30.0 %, target at least 35.0 %")
    assert first.probability == card.targets[0].probability
    assert "not known" in CRM.briefing(period="2026-02").line("will be missed").text


def test_the_customers_at_risk_are_named_by_what_is_at_stake():
    risk = at_risk(alive={str(n): 0.5 for n in range(5)}, value={str(n): 100 * n for n in range(5)})
    line = CRM.briefing(period="2026-02", metrics="win_rate", at_risk=risk).line("at risk")
    assert [fact.value for fact in line.facts] == [200, 150, 100, 50]
    assert line.facts[-1].text == "1 other: 50 at stake"


def test_what_the_data_cannot_say_names_every_kpi_without_a_verdict():
    few = ck.Dataset(deals=deals({(1, "web"): 30, (2, "web"): 40}, 10), tickets=[], as_of=date(2026, 2, 28))
    asked = ("win_rate", "sales_cycle_length", "pipeline_value", "handle_time")
    found = few.briefing(period="2026-02", metrics=asked)
    said = {name for fact in found.line("cannot say").facts for name in fact.metrics}
    results = few.measure(asked, period="2026-02", compare="previous")
    silent = {one.definition for one in results if one.change is None or one.change.verdict in (None, "too few to say")}
    assert silent <= said


def test_it_is_shown_as_text_json_html_markdown_and_a_frame():
    found = CRM.briefing(period="2026-02", metrics="win_rate")
    assert str(found).startswith("Briefing, 2026-02 against 2026-01\n\nWhat really changed\n- win_rate 30.0 %")
    rows = json.loads(found.to_json())
    assert [row["question"] for row in rows][:2] == ["changed", "accounts for it"]
    assert "What really changed" in found.to_html()
    assert "| What really changed |" in found.to_markdown()
    assert len(found.to_polars()) == len(rows)
    assert "because" not in str(found)


def test_more_than_one_period_and_an_unknown_question_are_refused():
    with pytest.raises(InputError, match="A briefing is of one period"):
        CRM.briefing(period="all")
    with pytest.raises(InputError, match="A briefing answers"):
        CRM.briefing(period="2026-02", metrics="win_rate").line("gossip")  # type: ignore[arg-type]


def test_fields_to_split_by_that_no_table_has_and_a_period_beside_itself_are_refused():
    crm = ck.Dataset(deals=[ck.Deal(id="1", status="won", closed_at="2026-02-05")])
    with pytest.raises(
        UnknownNameError, match=r"^`by` names fields of the tables; got 'ownr'\. Did you mean 'owner'\?$"
    ):
        crm.briefing(period="2026-02", by="ownr")
    assert crm.briefing(period="2026-02", by="owner") == crm.briefing(period="2026-02", by=["owner"])
    with pytest.raises(InputError, match="A briefing compares a period with another"):
        crm.briefing(period="2026-02", compare="2026-02")
    with pytest.raises(InputError, match="explained between periods that share no day; got 2026-02 and 2026-Q1"):
        crm.explain("win_rate", period="2026-02", compare="2026-Q1", by="owner")
    with pytest.raises(InputError, match="A page compares a period with another"):
        crm.page(period="2026-02", compare="2026-02")
    with pytest.raises(InputError, match="The name of a page is a text; got 5"):
        crm.page(period="2026-02", name=5)
    with pytest.raises(InputError, match="`stages` lists the stages of the funnel in their order; got 'Proposal'"):
        crm.page(period="2026-02", stages="Proposal")
