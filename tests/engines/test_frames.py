"""Every KPI and variant is the same on records and on each frame library.

pytest tests/engines --backends=polars,duckdb    # or pyspark, which is slow and only run where it is asked for

Two errors are never taken for agreement: an error on either side fails.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crmkpi import Calendar, Dataset, Rates, Segment, catalogue
from crmkpi.definition.metric import Metric
from crmkpi.demo import sample_company
from crmkpi.errors import PeriodError

from .backends import assert_same, frames_of
from .worlds import FIRST_TEXT, ZONES, World, features, whole_world, world

PARAMETERS: dict[str, Any] = {
    "discount": 0.1,
    "horizon": timedelta(days=200),
    "lifespan": timedelta(days=900),
    "quota": Decimal(90_000),
    "market_revenue": Decimal(10_000_000),
}
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"period": "2026", "every": "month"},
    {"period": "2026-Q1", "compare": "previous"},
)
FIRST_SEEDS = {  # the first datasets on which these have a value: the search for them takes longer than the test
    "cac_payback_period": 3,
    "call_abandon_rate": 39,
    "call_answer_rate": 10,
    "call_resolution_rate": 158,
    "cohort_retention": 73,
    "cohort_retention.rolling": 73,
    "contraction_mrr": 5,
    "customer_effort_score.low_effort_share": 10,
    "customer_lifetime_value.discounted": 9,
    "customer_satisfaction_score.good_bad": 3,
    "customer_satisfaction_score.top_box": 13,
    "expansion_mrr": 18,
    "expansion_revenue": 8,
    "gross_revenue_retention": 8,
    "lead_conversion_rate.within": 8,
    "ltv_to_cac_ratio": 32,
    "ltv_to_cac_ratio.arpu_over_churn": 1_061,
    "net_revenue_retention": 8,
    "net_sentiment": 5,
    "reactivation_mrr": 85,
    "revenue_growth_rate.year_over_year": 24,
    "revenue_per_customer": 5,
    "review_rating.top_share": 34,
    "roas": 8,
    "sales_calls": 11,
    "sales_velocity": 10,
    "talk_time": 142,
    "talk_time.median": 142,
}
OF_BUYERS = ("customer_lifetime_value.predictive",)
DATELESS = ("churn_rate.by_status",)  # a customer with a status has no timestamp
# Timestamps that a backend cannot hold, by the error for a dataset that has them.
TOO_FAR = {"clickhouse": {"extreme date"}, "mariadb": {"extreme date", "instants"}}
HARD = (
    *("null", "duplicates", "tie at a bound", "extreme date", "empty table", "None segment", "wall clock"),
    *("decimal", "float", "huge", "negative", "francs", "unreadable field"),
    *(f"{what} of {zone}" for what in ("calendar", "column") for zone in ZONES),
)


def every_metric() -> Iterator[Metric]:
    for metric in catalogue:
        yield metric
        yield from metric.variants.values()


METRICS = {metric.id: metric for metric in every_metric()}


def asked(metric: Metric) -> dict[str, Any]:
    return {name: value for name, value in PARAMETERS.items() if name in metric.parameters}


def questions_of(metric: Metric) -> Sequence[dict[str, Any]]:
    """The possible arguments: a period only if the metric has a timestamp."""
    return QUESTIONS[:1] if metric.id in DATELESS else QUESTIONS


def compare(records: Dataset, frames: Dataset, metrics: Any, question: dict[str, Any], by: Any = None) -> Any:
    """The reports of both engines; an error on either side fails: only results count as equal."""
    parameters = {name: value for metric in metrics for name, value in asked(metric).items()}
    options = {**question, "by": by, "parameters": parameters}
    report = records.measure(metrics, **options)
    assert_same(report, frames.measure(metrics, **options))
    return report


def says_something(metric: Metric, found: World, question: dict[str, Any]) -> bool:
    """True if a result of the records has a value other than 0 and None."""
    results = found.crm.measure(metric, **question, by=found.by, parameters=asked(metric))
    return any(result.value not in (None, 0, timedelta(0)) for result in results)


def fits(backend: str, found: World) -> bool:
    """True if the timestamps of a backend can hold those of a dataset."""
    return backend not in TOO_FAR or not TOO_FAR[backend] <= features(found)


def buyers(metric: Metric, random: Random) -> World:
    """The orders of the sample company, made worse: few generated datasets have enough repeat customers."""
    orders = sample_company(0.05)["orders"]
    return whole_world((metric,), {"orders": orders}, random, money="decimal", aware=False)


def telling(metric: Metric, backend: str) -> tuple[World, dict[str, Any]]:
    """The first dataset and arguments, in rotation, for which a metric has a value."""
    turn = crc32(f"{metric.id} {backend}".encode())
    asked_first = turn % len(questions_of(metric))
    questions = [*questions_of(metric)[asked_first:], *questions_of(metric)[:asked_first]]
    for seed in count(FIRST_SEEDS.get(metric.id, 0)):
        found = buyers(metric, Random(seed)) if metric.id in OF_BUYERS else world(metric, Random(seed))
        if not fits(backend, found):
            continue
        question = next((each for each in questions if says_something(metric, found, each)), None)
        if question is not None:
            return found, question
    raise AssertionError  # the seeds never end


@pytest.mark.one_of(3)
@pytest.mark.in_turns
@pytest.mark.parametrize("name", METRICS)
def test_a_frame_gives_the_same_value_as_records(backend: str, name: str) -> None:
    """Each definition is compared at least once with a value other than 0 and None on each library."""
    metric = METRICS[name]
    found, question = telling(metric, backend)
    compare(found.crm, found.frames(backend), [metric], question, found.by)


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
def test_a_frame_gives_the_same_result_as_records(backend: str, name: str, examples: int) -> None:
    metric = METRICS[name]

    @settings(
        max_examples=max(2, examples // 50), deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.randoms(use_true_random=False), st.sampled_from(questions_of(metric)))
    def check(random: Random, question: dict[str, Any]) -> None:
        found = world(metric, random)
        assume(fits(backend, found))
        compare(found.crm, found.frames(backend), [metric], question, found.by)

    check()


def test_the_datasets_have_all_that_makes_data_hard() -> None:
    seen = Counter(
        word for metric in METRICS.values() for seed in range(5) for word in features(world(metric, Random(seed)))
    )
    assert not {word: seen[word] for word in HARD if seen[word] < 20}


def test_a_definition_without_dates_refuses_a_period_on_both_sides(backend: str) -> None:
    for name in DATELESS:
        found = world(METRICS[name], Random(0))
        for crm in (found.crm, found.frames(backend)):
            with pytest.raises(PeriodError, match="cannot be measured in a period"):
                crm.measure(METRICS[name], period="2026")


@pytest.fixture(scope="module")
def company() -> dict[str, Any]:
    return dict(sample_company(0.05))


OPTIONS = {
    "calendar": Calendar(tz="Europe/Berlin", fiscal_year_start=4, opening_hours={"mon-fri": ("09:00", "17:00")}),
    "as_of": date(2026, 9, 30),
    "currency": "EUR",
    "rates": Rates("EUR", {"CHF": {date(2020, 1, 1): "1.05", date(2026, 3, 1): "1.07"}}),
}


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS, ids=["all", "months", "quarters"])
def test_the_whole_catalogue_of_the_sample_company_is_the_same(
    backend: str, company: Any, question: Any, request: pytest.FixtureRequest
) -> None:
    """In one call, so that all definitions share the passes over each table."""
    if "every" in question and not request.config.getoption("--exhaustive"):
        pytest.skip("twelve months take as long as all the rest; --exhaustive asks for them")
    dated = [metric for metric in METRICS.values() if metric.id not in DATELESS]
    records, frames = (
        Dataset(**company, **OPTIONS),
        Dataset(**frames_of(backend, company, wall="Europe/Berlin"), **OPTIONS),
    )
    compare(records, frames, dated, question)
    compare(records, frames, dated, question, Segment("first", FIRST_TEXT))


@pytest.mark.one_of(3)
@pytest.mark.in_turns
@pytest.mark.parametrize(
    "by",
    [
        "customer.industry",
        "lead.campaign.channel",
        ["owner", "product"],
        "currency",
        "amount",
        "closed_at",
        "expected_close_on",
        "deleted",
        "probability",
        Segment("size", "amount", bins=(1000, 5000.5)),
        Segment("chance", "probability", bins=(0.1, 0.3)),
    ],
    ids=str,
)
def test_segments_are_the_same(backend: str, company: Any, by: Any) -> None:
    records = Dataset(**company, **OPTIONS)
    frames = Dataset(**frames_of(backend, company, wall="Europe/Berlin"), **OPTIONS)
    for name in ("win_rate", "revenue", "sales_cycle_length.median", "weighted_pipeline"):
        compare(records, frames, [METRICS[name]], {"period": "2026", "every": "fiscal_quarter"}, by)


@pytest.mark.in_turns
def test_a_stock_is_the_same_at_more_bounds_than_one_pass_asks(backend: str, company: Any) -> None:
    names = ("pipeline_value", "active_customers", "mrr", "churn_rate", "backlog")
    options = {name: value for name, value in OPTIONS.items() if name != "rates"}
    tables = {
        name: [record for record in records if getattr(record, "currency", None) in (None, "EUR")]
        for name, records in company.items()
    }
    records, frames = (
        Dataset(**tables, **options),
        Dataset(**frames_of(backend, tables, wall="Europe/Berlin"), **options),
    )
    compare(records, frames, [METRICS[name] for name in names], {"period": "2026", "every": "week"})
