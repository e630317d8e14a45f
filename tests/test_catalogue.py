from __future__ import annotations

import re
from datetime import date
from decimal import Decimal

import pytest

import crmkpi as ck
from crmkpi import metrics
from crmkpi.display.manual import metric_page
from crmkpi.errors import DefinitionError, UnknownNameError
from crmkpi.metrics.catalogue import _SEVERAL, _VARIANTS, Catalogue

deals = ck.Table(ck.Deal)


@pytest.mark.parametrize("metric", list(ck.catalogue), ids=lambda metric: metric.id)
def test_a_metric_is_found_by_its_id_its_title_and_every_other_name(metric: ck.Metric) -> None:
    for name in (metric.id, metric.title, *metric.also_known_as):
        for spelling in (name, name.upper(), name.replace("_", " "), name.replace(" ", "-")):
            assert ck.catalogue.find(spelling) is metric
            assert spelling in ck.catalogue


@pytest.mark.parametrize("metric", list(ck.catalogue.everything()), ids=lambda metric: metric.id)
def test_a_variant_is_found_by_the_id_that_its_results_carry(metric: ck.Metric) -> None:
    assert ck.catalogue.find(metric.id) is metric


def test_every_theme_and_unit_holds_its_metrics_and_together_they_hold_all() -> None:
    everything = list(ck.catalogue)
    assert [metric for theme in ck.catalogue.themes() for metric in ck.catalogue.by_theme(theme)] == everything
    assert all(metric.unit == "money" for metric in ck.catalogue.by_unit("money"))
    assert len(ck.catalogue) == len(everything) == len({metric.id for metric in everything})


def test_every_metric_is_a_name_of_the_package_and_of_its_theme() -> None:
    for metric in ck.catalogue:
        assert getattr(ck, metric.id) is metric
        assert getattr(getattr(ck, metric.theme), metric.id) is metric


@pytest.mark.parametrize("metric", list(ck.catalogue.everything()), ids=lambda metric: metric.id)
def test_the_name_says_what_the_value_is(metric: ck.Metric) -> None:
    units = {
        "_rate": {"ratio"},
        "_value": {"money"},
        "_time": {"duration"},
        "_length": {"duration"},
        "_volume": {"count"},
    }
    for ending, allowed in units.items():
        if metric.name.endswith(ending):
            assert metric.unit in allowed
    assert re.fullmatch(r"[a-z_]+(\.[a-z0-9_]+)?", metric.id)


# A reason such as "no amount" is about the field; some have other words.
LACKING = {
    "campaign": ["campaign_id"],
    "sentiment": ["sentiment", "sentiment_score"],
    "contact yet": ["first_contacted_at"],
    "reply yet": ["first_replied_at"],
    "cost and no time": ["cost", "seconds"],
}


def test_what_is_left_out_for_the_lack_of_something_lacks_it() -> None:
    reasons = [(reason, what) for metric in ck.catalogue.everything() for reason, what in metric.leave_out.items()]
    lacking = [(reason.removeprefix("no "), repr(what)) for reason, what in reasons if reason.startswith("no ")]
    assert len(lacking) > 50
    for words, what in lacking:
        for field in LACKING.get(words, [words]):
            assert f".{field}).missing()" in what


def test_what_is_as_old_as_the_day_it_is_asked_on_cannot_be_told_without_that_day() -> None:
    assert {metric.id for metric in ck.catalogue.everything() if metric.needs_as_of} == {
        "churn_rate.by_inactivity",
        "customer_lifespan",
        "customer_lifespan.exponential",
        "customer_lifetime_value.discounted",
        "customer_lifetime_value.predictive",
        "lead_conversion_rate.within",
        "stage_duration.including_current",
    }


def test_a_parameter_has_the_unit_that_its_name_says_and_a_default_only_where_there_is_a_usual_one() -> None:
    every = [pair for metric in ck.catalogue.everything() for pair in metric.parameters.items()]
    assert {(name, one.unit, one.default) for name, one in every} == {
        ("days", "days", 30),
        ("days", "days", 90),
        ("horizon", "days", 5 * 365.25),
        ("lifespan", "days", None),
        ("market_revenue", "money", None),
        ("quota", "money", None),
        ("hourly_rate", "money", 0),
        ("margin", "ratio", 1),
        ("discount", "ratio", None),
        ("periods", "number", 1),
    }


@pytest.mark.parametrize("metric", list(ck.catalogue.everything()), ids=lambda metric: metric.id)
def test_the_manual_says_what_the_unit_says(metric: ck.Metric) -> None:
    words = {"ratio": {"fraction", "number"}, "multiple": {"number"}}.get(metric.unit, {metric.unit})
    returns = (metric.__doc__ or "").partition("Returns:")[2].split()
    what = " ".join(returns).partition(";")[0].partition(",")[0]
    assert words & set(what.casefold().split())


@pytest.mark.parametrize("metric", list(ck.catalogue.everything()), ids=lambda metric: metric.id)
def test_the_manual_says_they_of_a_customer(metric: ck.Metric) -> None:
    assert re.findall(r"\b(?:he|him|his|she|hers?)\b", metric.__doc__ or "") == []


# KPIs that should fall, and KPIs without a direction; all others should rise.
LESS = {
    *("bounce_rate", "unsubscribe_rate", "cost_per_lead", "cost_per_mql", "cost_per_sql", "lead_response_time"),
    *("lost_deals", "lost_rate", "sales_cycle_length", "stage_duration"),
    *("cart_abandonment_rate", "churn_rate", "delivery_time", "lost_customers", "return_rate", "revenue_churn_rate"),
    *("cac_payback_period", "customer_acquisition_cost", "average_interaction_cost", "customer_effort_score"),
    *("average_response_time", "backlog", "complaints", "escalation_rate", "first_response_time", "handle_time"),
    *("recurring_issues", "reopen_rate", "resolution_time", "tickets_per_customer"),
    *("cost_per_click", "cost_per_mille", "cost_per_conversion"),
    *("call_abandon_rate", "talk_time", "negative_mention_share"),
}
EITHER = {"email_campaigns", "lead_volume", "mql_volume", "social_mentions", "sql_volume", "ticket_volume"}
# The share of customers with little effort, and the inverted scale, should rise.
TURNED = {"customer_effort_score.ease", "customer_effort_score.low_effort_share"}


@pytest.mark.parametrize("metric", list(ck.catalogue.everything()), ids=lambda metric: metric.id)
def test_a_kpi_says_whether_more_of_it_is_better(metric: ck.Metric) -> None:
    less = metric.name in LESS and metric.id not in TURNED
    assert metric.better == ("lower" if less else "neither" if metric.name in EITHER else "higher")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("win_rte", r"There is no KPI 'win_rte'\. Did you mean 'win_rate'\?"),
        ("zzz", r"There is no KPI 'zzz'\. Known: .* and \d+ more\."),
        ("win_rate.by_amout", r"win_rate has no variant 'by_amout'\. Did you mean 'by_amount'\?"),
        ("revenue.monthly", r"revenue has no variant 'monthly'\. There are none\."),
        ("", r"There is no KPI ''\."),
        (
            "customer health score",
            r"There is no KPI 'customer health score'; crmkpi\.health makes one of your own data\.",
        ),
        ("Funnel", r"There is no KPI 'Funnel'; crmkpi\.funnel makes one of your own data\."),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(name: str, message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        ck.catalogue.find(name)


def test_an_unknown_theme_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no theme 'sails'\. Did you mean 'sales'\?"):
        ck.catalogue.by_theme("sails")


def test_two_metrics_of_one_name_are_an_error() -> None:
    @ck.metric(unit="count", deals=deals.count(), also_known_as=("Close-Rate",))
    def deal_count(deals: int) -> int:
        """How many deals there are."""
        return deals

    with pytest.raises(
        DefinitionError, match=r"Both win_rate and deal_count are called 'close_rate'; names must differ\."
    ):
        Catalogue([ck.win_rate, deal_count])


def test_the_catalogue_prints_how_many_and_of_what() -> None:
    assert repr(Catalogue([ck.win_rate, ck.ticket_volume])) == "<Catalogue of 2 KPIs: sales, service>"
    assert 3 not in ck.catalogue


def test_a_role_looks_at_kpis_of_the_catalogue_each_once():
    assert ck.catalogue.roles() == (
        "sales manager",
        "marketer",
        "support lead",
        "customer success",
        "finance",
        "founder",
    )
    for role in ck.catalogue.roles():
        looked_at = ck.catalogue.by_role(role)
        assert set(looked_at) <= set(ck.catalogue)
        assert len(set(looked_at)) == len(looked_at) >= 10


def test_an_unknown_role_is_an_error_that_names_the_nearest():
    with pytest.raises(UnknownNameError, match=r"There is no role 'suport lead'. Did you mean 'support lead'\?"):
        ck.catalogue.by_role("suport lead")


ROLL_UPS = {
    "additive": ["lead_volume", "revenue", "weighted_pipeline", "mrr", "arr", "social_mentions"],
    "ratio": ["win_rate", "campaign_roi", "sales_cycle_length", "net_promoter_score", "revenue_growth_rate"],
    "distributional": [
        "first_response_time",
        "average_deal_size.median",
        "sales_cycle_length.p90",
        "customer_lifespan",
    ],
    "distinct": ["purchase_frequency", "arpu", "repeat_purchase_rate", "new_mrr", "stage_conversion_rate"],
}


@pytest.mark.parametrize("roll_up", ROLL_UPS)
def test_the_kind_of_roll_up_follows_from_the_measures(roll_up):
    assert {ck.catalogue.find(name).roll_up for name in ROLL_UPS[roll_up]} == {roll_up}


@pytest.mark.parametrize("name", [metric.id for metric in ck.catalogue.everything()])
def test_what_is_additive_is_one_count_or_sum_over_records_and_a_median_never_is(name):
    metric = ck.catalogue.find(name)
    if metric.roll_up == "additive":
        (measure,) = metric.measures.values()
        assert measure.aggregate in ("count", "sum")
    assert (metric.roll_up == "distributional") >= name.endswith((".median", ".p90", ".business"))


def test_the_names_that_are_known_without_loading_are_those_of_the_catalogue_in_its_order() -> None:
    assert list(metrics.NAMES) == [metric.id for metric in ck.catalogue]


def test_what_happens_at_the_as_of_instant_is_not_known_yet() -> None:
    within = ck.lead_conversion_rate.variant("within")
    leads = [
        ck.Lead(id=str(number), created_at="2026-01-01", converted_at=moment)
        for number, moment in enumerate(["2026-01-30T23:59:59.999999", "2026-01-31", "2026-02-01"])
    ]
    result = within(leads, as_of=date(2026, 1, 30), days=30)
    assert dict(result.inputs) == {"converted": 1, "leads": 3}


MRR = [  # customer, amount per month, start and end
    ("new", 30, "2026-01-10", None),
    ("back", 20, "2025-01-10", "2025-06-01"),
    ("back", 25, "2026-01-12", None),
    ("gone", 40, "2025-02-01", "2026-01-20"),
    ("up", 10, "2025-03-01", "2026-01-15"),
    ("up", 50, "2026-01-15", None),
    ("down", 60, "2025-03-01", "2026-01-15"),
    ("down", 35, "2026-01-15", None),
    ("same", 15, "2025-03-01", None),
]


def test_money_that_recurs_is_the_same_in_another_unit_of_the_currency() -> None:
    known = {"margin": Decimal("0.5")}
    checked = set()
    for metric in ck.catalogue.everything():
        if metric.tables == ("subscriptions",) and {*metric.parameters} <= {*known}:
            given = {name: known[name] for name in metric.parameters}
            values = []
            for scale in (Decimal(1), Decimal("0.001")):
                found = [
                    ck.Subscription(id=str(n), customer_id=who, mrr=mrr * scale, started_at=start, ended_at=end)
                    for n, (who, mrr, start, end) in enumerate(MRR)
                ]
                values.append(metric(found, period="2026-01", **given).value)
            first, second = values
            assert second == (first * Decimal("0.001") if metric.unit == "money" else first), metric.id
            checked.add(metric.id)
    assert {"new_mrr", "reactivation_mrr", "churned_mrr", "customer_lifetime_value.arpu_over_churn"} <= checked


@pytest.mark.parametrize(
    ("period", "is_month"),
    [
        *(("2026-02", True), ("2026-02-01..2026-02-28", True), ("2026-02-01..2026-02-27", False)),
        *(("2026-02-03..2026-03-02", False), ("2026-02-01..2026-03-03", False), ("2026-Q1", False)),
    ],
)
def test_what_a_month_brings_is_undefined_over_any_other_period(period: str, is_month: bool) -> None:
    by_churn = ck.customer_lifetime_value.variant("arpu_over_churn")
    found = [
        ck.Subscription(id="1", customer_id="A", mrr=60, started_at="2025-01-10"),
        ck.Subscription(id="2", customer_id="B", mrr=40, started_at="2025-01-10", ended_at="2026-02-20"),
    ]
    result = by_churn(found, period=period)
    no_month = "it combines a month's revenue and a month's churn, and the period is not a calendar month"
    assert (result.value, result.reason) == ((100, None) if is_month else (None, no_month))


@pytest.mark.parametrize(
    ("low", "high", "least"),
    [(0, 1, 1), (1, 2, 2), (1, 3, 3), (1, 4, 3), (1, 5, 4), (0, 7, 6), (1, 8, 7), (1, 9, 7), (0, 10, 8), (1, 10, 8)],
)
def test_satisfied_are_one_two_or_three_of_the_best_answers(low: int, high: int, least: int) -> None:
    found = [
        ck.Survey(id=str(score), kind="csat", score=score, scale_low=low, scale_high=high)
        for score in range(low, high + 1)
    ]
    assert dict(ck.customer_satisfaction_score(found).inputs) == {
        "satisfied": high + 1 - least,
        "answers": high + 1 - low,
    }


def test_a_model_of_purchases_needs_some() -> None:
    worth = ck.customer_lifetime_value.variant("predictive")
    result = worth([ck.Order(id="1", customer_id="A")], as_of=date(2025, 12, 31), discount=0.1)
    assert (result.value, result.reason) == (None, "nobody has bought anything")


# Names of KPIs in textbooks: each finds one KPI, or lists several.
NAMES_PEOPLE_TYPE = {
    "prospects": "lead_volume",
    "number of leads": "lead_volume",
    "cost per lead": "cost_per_lead",
    "CPL": "cost_per_lead",
    "click rate": "email_click_rate",
    "CTR": "email_click_rate",
    "website conversion rate": "visit_conversion_rate",
    "conversion rate": ("lead_conversion_rate", "visit_conversion_rate", "win_rate"),
    "sales conversion rate": "win_rate",
    "close rate": "win_rate",
    "win rate": "win_rate",
    "CPC": "cost_per_click",
    "CPM": "cost_per_mille",
    "cost per acquisition": "customer_acquisition_cost",
    "CPA": "customer_acquisition_cost",
    "CAC": "customer_acquisition_cost",
    "CLV": "customer_lifetime_value",
    "LTV": "customer_lifetime_value",
    "ROI": "return_on_investment",
    "ROAS": "roas",
    "upsell and cross-sell": "expansion_revenue",
    "sales cycle": "sales_cycle_length",
    "average deal size": "average_deal_size",
    "number of sales calls": "sales_calls",
    "number of SMS": "sms_sent",
    "number of emails": "emails_sent",
    "deals won": "won_deals",
    "open opportunities": "open_deals",
    "customer turnover rate": "churn_rate",
    "churn": "churn_rate",
    "attrition rate": "churn_rate",
    "customer retention rate": "retention_rate",
    "repeat purchase rate": "repeat_purchase_rate",
    "FRT": "first_response_time",
    "average response time": "average_response_time",
    "response time": ("first_response_time", "average_response_time", "lead_response_time"),
    "average resolution time": "resolution_time.mean",
    "case resolution time": "resolution_time",
    "FCR": "first_contact_resolution_rate",
    "first call resolution": "first_contact_resolution_rate",
    "talk time": "talk_time",
    "abandon rate": "call_abandon_rate",
    "answered calls": "call_answer_rate",
    "NPS": "net_promoter_score",
    "CSAT": "customer_satisfaction_score",
    "satisfaction rate": "customer_satisfaction_score",
    "CES": "customer_effort_score",
    "social sentiment": "net_sentiment",
    "brand mentions": "social_mentions",
    "review ratings": "review_rating",
    "customer engagement": "interactions_per_customer",
    "interaction cost": "average_interaction_cost",
    "brand awareness": "brand_awareness",
    "market share": "market_share",
    "self-service rate": "self_service_rate",
    "quota attainment": "quota_attainment",
    "pipeline": "pipeline_value",
    "ARPU": "arpu",
    "MRR": "mrr",
}


@pytest.mark.parametrize("name", NAMES_PEOPLE_TYPE)
def test_a_name_that_people_type_is_one_kpi_or_a_choice_between_some(name: str) -> None:
    expected = NAMES_PEOPLE_TYPE[name]
    if isinstance(expected, str):
        assert ck.catalogue.find(name).id == expected
    else:
        with pytest.raises(UnknownNameError, match=f"{', '.join(expected[:-1])} or {expected[-1]}; say which"):
            ck.catalogue.find(name)
        assert [metric.id for metric in ck.catalogue.search(name)][: len(expected)] == list(expected)
    assert ck.catalogue.search(name)


def test_every_name_of_several_kpis_and_of_a_variant_leads_somewhere_and_to_nothing_else() -> None:
    for name, several in _SEVERAL.items():
        assert len({ck.catalogue.find(each) for each in several}) == len(several) > 1
        assert name not in ck.catalogue
    for name, variant in _VARIANTS.items():
        assert ck.catalogue.find(name).id == variant
        assert name not in ck.catalogue


def test_an_unknown_name_is_searched_for_in_what_kpis_say() -> None:
    with pytest.raises(UnknownNameError, match=r"There is no KPI 'irony'\. KPIs that mention it: net_sentiment\."):
        ck.catalogue.find("irony")
    assert ck.catalogue.search("zzz") == ()


@pytest.mark.parametrize("metric", ck.catalogue, ids=lambda metric: metric.id)
def test_a_kpi_says_when_it_moves_and_what_it_is_meant_to_move_ahead_of(metric: ck.Metric) -> None:
    assert metric.timing in ("leading", "lagging")
    assert (metric.timing == "leading") == bool(metric.ahead_of)
    for name in (*metric.ahead_of, *metric.guarded_by):
        assert ck.catalogue.find(name) is not metric
        assert name in ck.catalogue
    assert all(variant.timing == metric.timing for variant in metric.variants.values())


def test_a_kpi_of_ones_own_says_nothing_of_when_it_moves_unless_it_is_told() -> None:
    deals = ck.Table(ck.Deal)

    @ck.metric(unit="count", all_deals=deals.count())
    def all_deals() -> None:
        """All deals."""

    @ck.metric(unit="count", calls=deals.count(), ahead_of=("win_rate",))
    def calls() -> None:
        """All calls."""

    assert (all_deals.timing, calls.timing) == (None, "leading")


def test_what_leads_leads_somewhere_and_never_back() -> None:
    for metric in ck.catalogue:
        seen, ahead = {metric.id}, list(metric.ahead_of)
        while ahead:
            name = ahead.pop()
            assert name not in seen, f"{metric.id} leads itself"
            seen.add(name)
            ahead += ck.catalogue.find(name).ahead_of


@pytest.mark.parametrize("metric", ck.catalogue, ids=lambda metric: metric.id)
def test_a_time_that_is_better_short_has_a_guard_of_another_kind(metric: ck.Metric) -> None:
    if metric.unit == "duration" and metric.better == "lower":
        assert metric.guarded_by
    assert all(ck.catalogue.find(name).unit != "duration" for name in metric.guarded_by)


def test_an_unknown_timing_is_an_error_that_names_the_nearest() -> None:
    deals = ck.Table(ck.Deal)
    with pytest.raises(DefinitionError, match="Did you mean 'leading'"):

        @ck.metric(unit="count", all_deals=deals.count(), timing="leadin")  # type: ignore[arg-type]
        def all_deals() -> None:
            """All deals."""


def test_the_manual_says_when_a_kpi_moves_and_what_guards_it() -> None:
    page = metric_page(ck.handle_time)
    assert "timing      lagging" in page
    assert "guarded by  reopen_rate, first_contact_resolution_rate" in page
    assert "timing      leading, meant to move ahead of deal_volume" in metric_page(ck.lead_volume)
    assert "guarded by" not in metric_page(ck.win_rate)


@pytest.mark.parametrize(
    "question, expected",
    [
        ("how many deals do we win", "win_rate"),
        ("cost of a new customer", "customer_acquisition_cost"),
        ("money from subscriptions each month", "mrr"),
    ],
)
def test_a_question_in_words_of_which_no_kpi_has_all_finds_those_that_have_most(question: str, expected: str) -> None:
    assert ck.catalogue.search(question)[0].id == expected
    assert ck.catalogue.search("how many zzz") == ()
