"""Every KPI and variant is the same on records and on each frame library.

pytest tests/engines --backends=polars,duckdb    # or pyspark, which is slow and only run where it is asked for
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkpi import Calendar, Dataset, Rates, Segment, catalogue
from crmkpi.demo import sample_company
from crmkpi.metric import Metric
from crmkpi.testing.pools import random_dataset

from .backends import frames_of

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
FIRST_TEXT = {
    "deals": "owner",
    "customers": "region",
    "tickets": "channel",
    "orders": "product",
    "leads": "source",
    "surveys": "kind",
    "campaigns": "channel",
    "expenses": "channel",
    "interactions": "kind",
    "visits": "channel",
    "subscriptions": "plan",
    "stage_visits": "stage",
}


def every_metric() -> Iterator[Metric]:
    for metric in catalogue:
        yield metric
        yield from metric.variants.values()


METRICS = {metric.id: metric for metric in every_metric()}


def asked(metric: Metric) -> dict[str, Any]:
    return {name: value for name, value in PARAMETERS.items() if name in metric.parameters}


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return one == other or math.isclose(one, other, rel_tol=1e-12)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    return bool(one == other)


def shown(result: Any) -> dict[str, Any]:
    """All that a result says."""
    interval = result.interval
    return {
        "definition": result.definition,
        "period": result.period,
        "segment": dict(result.segment),
        "value": result.value.total_seconds() if isinstance(result.value, timedelta) else result.value,
        "reason": result.reason,
        "inputs": dict(result.inputs),
        "currency": result.currency,
        "low": None if interval is None else _number(interval.low),
        "high": None if interval is None else _number(interval.high),
        "n": result.n,
        "accounts": [(account.table, account.given, account.used, account.left_out) for account in result.accounts],
        "rejected": [account.rejected for account in result.accounts],
    }


def _number(bound: Any) -> float:
    return float(bound.total_seconds() if isinstance(bound, timedelta) else bound)


def assert_same(records: Any, frames: Any) -> None:
    assert len(records) == len(frames)
    for mine, theirs in zip(records, frames, strict=True):
        one, other = shown(mine), shown(theirs)
        different = {name: (one[name], other[name]) for name in one if not alike(one[name], other[name])}
        assert not different, f"{theirs.definition} {different}"


def asked_of(crm: Dataset, metric: Metric, question: dict[str, Any], by: Any = None) -> Any:
    """The report, or the error that stands in its place."""
    try:
        return crm.measure(metric, **question, by=by, parameters=asked(metric))
    except ValueError as error:
        return type(error)


def settings_of(crm: Dataset) -> dict[str, Any]:
    return {"calendar": crm.calendar, "currency": crm.currency, "rates": crm.rates, "as_of": crm.as_of}


def compare(crm: Dataset, frames: Dataset, metric: Metric, question: dict[str, Any], by: Any = None) -> None:
    expected, found = asked_of(crm, metric, question, by), asked_of(frames, metric, question, by)
    if isinstance(expected, type):
        assert found is expected
    else:
        assert_same(expected, found)


@pytest.mark.parametrize("name", METRICS)
def test_a_frame_gives_the_same_result_as_records(backend: str, name: str, examples: int) -> None:
    metric = METRICS[name]

    @settings(
        max_examples=max(1, examples // 50), deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.data())
    def check(data: Any) -> None:
        crm = random_dataset(metric, Random(data.draw(st.integers(0, 2**32))))
        money = data.draw(st.sampled_from(("decimal", "float")))
        frames = Dataset(**frames_of(backend, crm.tables, money=money), **settings_of(crm))
        question = data.draw(st.sampled_from(QUESTIONS))
        compare(crm, frames, metric, question)

    check()


@pytest.fixture(scope="module")
def company() -> dict[str, Any]:
    return dict(sample_company(0.05))


OPTIONS = {
    "calendar": Calendar(tz="Europe/Berlin", fiscal_year_start=4, opening_hours={"mon-fri": ("09:00", "17:00")}),
    "as_of": date(2026, 9, 30),
    "currency": "EUR",
    "rates": Rates("EUR", {"CHF": {date(2020, 1, 1): "1.05", date(2026, 3, 1): "1.07"}}),
}


def test_the_whole_catalogue_of_the_sample_company_is_the_same(backend: str, company: Any, examples: int) -> None:
    """Over one quarter and the one before; `--exhaustive` asks every question."""
    records = Dataset(**company, **OPTIONS)
    frames = Dataset(**frames_of(backend, company), **OPTIONS)
    for question in QUESTIONS if examples > 100 else QUESTIONS[-1:]:
        for metric in METRICS.values():
            compare(records, frames, metric, question)
            by = Segment("first", {table: FIRST_TEXT[table] for table in metric.tables})
            compare(records, frames, metric, question, by)


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
    frames = Dataset(**frames_of(backend, company), **OPTIONS)
    for name in ("win_rate", "revenue", "sales_cycle_length.median", "weighted_pipeline"):
        compare(records, frames, METRICS[name], {"period": "2026", "every": "fiscal_quarter"}, by)
