"""Rules of counting: refunds are no purchases, scales are separate, overdue is missed, currencies never mix."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.engines.backends import arrow_of, frame_of, frames_of

import crmkpi as ck
from crmkpi.errors import CurrencyError, InputError
from crmkpi.insight.rfm import rfm
from crmkpi.records.base import record_type

ENGINES = ("records", "polars", "pandas", "pyarrow", "duckdb")
ORDERS = [
    ck.Order(id="1", customer_id="A", ordered_at="2026-01-01", amount=50),
    ck.Order(id="C1", customer_id="A", ordered_at="2026-01-05", amount=-50),
    ck.Order(id="3", customer_id="B", ordered_at="2026-01-01", amount=50),
]
DEALS = [
    ck.Deal(id="1", status="won", amount=300, closed_at="2026-01-05"),
    ck.Deal(id="2", status="won", amount=-100, closed_at="2026-01-06"),
]
ANSWERS = [6.5, 7, 8.9, 9, 6.99, 10]
NPS = [ck.Survey(id=str(n), kind="nps", score=score, answered_at="2026-01-05") for n, score in enumerate(ANSWERS)]
TICKETS = [
    ck.Ticket(
        id="1",
        created_at="2026-01-05T09:00",
        solved_at="2026-01-05T10:00",
        sla_due_at="2026-01-05T17:00",
        status="closed",
    ),
    ck.Ticket(id="2", sla_due_at="2026-01-05T17:00", status="open"),
    ck.Ticket(id="3", sla_due_at="2026-01-05T17:00", status="open"),
]
COUNTS: Mapping[str, tuple[ck.Metric, Sequence[Any], Any, Mapping[str, int]]] = {
    "order value": (ck.average_order_value, ORDERS, Decimal(50), {"refund": 1}),
    "order value with refunds": (ck.average_order_value.variant("with_refunds"), ORDERS, Decimal(50) / 3, {}),
    "frequency": (ck.purchase_frequency, ORDERS, 1.0, {"refund": 1}),
    "frequency with refunds": (ck.purchase_frequency.variant("with_refunds"), ORDERS, 1.5, {}),
    "repeat rate": (ck.repeat_purchase_rate, ORDERS, 0.0, {"refund": 1}),
    "repeat rate by days": (ck.repeat_purchase_rate.variant("by_days"), ORDERS, 0.0, {"refund": 1}),
    "repeat rate with refunds": (ck.repeat_purchase_rate.variant("with_refunds"), ORDERS, 0.5, {}),
    "revenue": (ck.revenue, DEALS, Decimal(200), {}),
    "deal size": (ck.average_deal_size, DEALS, Decimal(300), {"refund": 1}),
    "promoters": (ck.net_promoter_score, NPS, 0.0, {}),
    "sla": (ck.sla_attainment, TICKETS, 1.0, {}),
    "sla, overdue missed": (ck.sla_attainment.variant("overdue_missed"), TICKETS, 1 / 3, {}),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", COUNTS)
def test_what_counts_is_the_same_on_every_engine(name: str, engine: str) -> None:
    metric, records, value, left_out = COUNTS[name]
    table = list(records) if engine == "records" else frame_of(engine, arrow_of(records, record_type(type(records[0]))))
    result = metric(table, period="2026-01")
    assert float(result.value) == pytest.approx(float(value))
    assert result.left_out == left_out


@pytest.mark.parametrize("engine", ENGINES)
def test_a_refund_is_no_purchase_for_recency_frequency_and_value(engine: str) -> None:
    table = ORDERS if engine == "records" else frame_of(engine, arrow_of(ORDERS, record_type(ck.Order)))
    found = rfm(table, as_of=date(2026, 1, 31))
    assert [(row.customer_id, row.frequency, row.age) for row in found.rows] == [
        ("A", 0, 30),
        ("B", 0, 30),
    ]  # no repeat
    assert dict(found.left_out) == {"refund": 1}


SHARES = "id,kind,score,answered_at\n1,nps,0.9,2026-01-05\n2,nps,1.0,2026-01-05\n3,nps,0.7,2026-01-05\n"
READERS: Mapping[str, Callable[[Path], Any]] = {
    "read_csv": lambda path: ck.read_csv(path, record=ck.Survey),
    "read_dicts": lambda path: ck.read_dicts(list(csv.DictReader(io.StringIO(SHARES))), record=ck.Survey),
    "stream_csv": lambda path: ck.stream_csv(path, record=ck.Survey),
    "polars": lambda path: ck.scan(path, record=ck.Survey),
    "duckdb": lambda path: ck.scan(path, record=ck.Survey, engine="duckdb"),
    "frame of numbers": lambda path: ck.table(
        pd.read_csv(io.StringIO(SHARES), dtype={"id": str}, parse_dates=["answered_at"]), record=ck.Survey
    ),
}


@pytest.mark.parametrize("reader", READERS)
def test_recommendations_given_as_shares_are_not_taken_for_answers_from_0_to_10(reader: str, tmp_path: Path) -> None:
    (path := tmp_path / "answers.csv").write_text(SHARES)
    result = ck.net_promoter_score(READERS[reader](path))
    assert result.value is None
    assert "score cannot be read in 2 of the 3 surveys" in str(result.reason)
    assert {str(word).strip("'"): count for word, count in result.unreadable["score"].items()} == {"0.9": 1, "0.7": 1}


def test_passives_are_those_from_seven_to_below_nine() -> None:
    assert dict(ck.net_promoter_score(NPS).inputs) == {"promoters": 2, "detractors": 2, "answers": 6}


RATINGS = {
    "answers on scales of 4 to 9 steps": ((4, 1, 5), (8, 1, 10)),
    "answers on scales of 4 to 5 steps": ((4, 1, 5), (5, 0, 5)),
    "answers on scales from 0 and from 1": ((4, 1, 5), (3, 0, 4)),
}


@pytest.mark.parametrize("metric", [ck.customer_satisfaction_rating, ck.review_rating], ids=lambda metric: metric.id)
@pytest.mark.parametrize("said", RATINGS)
@pytest.mark.parametrize("engine", ENGINES)
def test_ratings_on_different_scales_have_no_mean_together(engine: str, said: str, metric: ck.Metric) -> None:
    kind = "review" if metric is ck.review_rating else "csat"
    ratings = [
        ck.Survey(id=str(number), kind=kind, score=score, scale_low=low, scale_high=high)
        for number, (score, low, high) in enumerate(RATINGS[said])
    ]
    table = ratings if engine == "records" else frame_of(engine, arrow_of(ratings, record_type(ck.Survey)))
    (result,) = ck.Dataset(surveys=table).measure(metric)
    by = "scale_high" if "9 steps" in said else ["scale_low", "scale_high"]
    assert (result.value, result.reason) == (None, f"{said} have no mean together; group by={by!r}")
    apart = ck.Dataset(surveys=table).measure(metric, by=by)
    assert sorted(one.value for one in apart) == sorted(score for score, *_ in RATINGS[said])


MIXED = [
    ck.Deal(id="1", status="won", amount=300, currency="EUR", closed_at="2026-01-05"),
    ck.Deal(id="2", status="won", amount=100, currency="USD", closed_at="2026-01-06"),
    ck.Deal(id="3", status="lost", closed_at="2026-01-06"),
]


@pytest.mark.parametrize("engine", ENGINES)
def test_mixed_currencies_leave_the_money_undefined_and_show_the_rest(engine: str) -> None:
    crm = ck.Dataset(deals=MIXED if engine == "records" else frame_of(engine, arrow_of(MIXED, record_type(ck.Deal))))
    report = crm.measure([ck.revenue, ck.win_rate], period="2026-01")
    assert [result.value for result in report] == [None, 2 / 3]
    assert "several currencies: 1 in USD, 1 in EUR" in str(report[0].reason)
    with pytest.raises(CurrencyError, match="several currencies"):
        crm.measure(ck.revenue)
    with pytest.raises(CurrencyError, match="several currencies"):
        ck.revenue(crm)
    scorecard = crm.scorecard("sales", period="2026-01")
    assert scorecard.get(ck.win_rate).value == 2 / 3
    assert scorecard.get(ck.revenue).value is None


SCALES = {"csat": ck.customer_satisfaction_rating, "ces": ck.customer_effort_score, "review": ck.review_rating}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", SCALES)
def test_scores_of_scales_of_several_lengths_do_not_average(kind: Any, engine: str) -> None:
    answers = [
        ck.Survey(id=str(n), kind=kind, score=score, scale_low=1, scale_high=high, answered_at="2026-01-05")
        for n, (score, high) in enumerate([(4, 5), (2, 5), (9, 10)])
    ]
    for found, value in ((answers, None), (answers[:2], 3.0), (answers[2:], 9.0)):
        table = found if engine == "records" else frame_of(engine, arrow_of(found, record_type(ck.Survey)))
        result = SCALES[kind](table, period="2026-01")
        assert result.value == value
        if value is None:
            scales = "2 scales" if kind == "ces" else "scales of 4 to 9 steps"
            assert result.reason == f"answers on {scales} have no mean together; group by='scale_high'"
            by_scale = ck.Dataset(surveys=table).measure(SCALES[kind], by="scale_high")
            assert [one.value for one in by_scale] == [3.0, 9.0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("scores", "said", "share", "mean"),
    [
        ((1, 2, 3, 5, 5), None, None, 3.2),  # on a scale to 5 that is 0.4, on one to 7 it is 0.6
        ((1, 2, 3, 5, 5), 5, 0.4, 3.2),
        ((1, 2, 3, 5, 5), 7, 0.6, 3.2),
        ((1, 2, 3, 5, 6), None, 0.6, 3.4),
    ],
)
def test_the_scale_of_efforts_is_asked_for_where_the_scores_do_not_show_it(
    scores: Any, said: Any, share: Any, mean: float, engine: str
) -> None:
    answers = [ck.Survey(id=str(n), kind="ces", score=score, scale_high=said) for n, score in enumerate(scores)]
    table = answers if engine == "records" else frame_of(engine, arrow_of(answers, record_type(ck.Survey)))
    result = ck.customer_effort_score.variant("low_effort_share")(table)
    assert result.value == share
    assert ck.customer_effort_score(table).value == pytest.approx(mean)
    if share is None:
        assert "it may end at 5 or at 7; say which when reading, defaults={'scale_high': 7}" in str(result.reason)


def test_the_way_out_of_an_unsaid_scale_works_and_a_score_off_the_longest_is_refused() -> None:
    file = "id,kind,score\n1,ces,1\n2,ces,2\n3,ces,3\n4,ces,5\n"
    for high, share in ((5, 2 / 4), (7, 3 / 4)):
        found = ck.read_csv(io.StringIO(file), record=ck.Survey, defaults={"scale_high": high})
        assert ck.customer_effort_score.variant("low_effort_share")(found).value == pytest.approx(share)
    with pytest.raises(InputError, match="The score 8 is off its scale, which goes from 1 to 7"):
        ck.Survey(id="1", kind="ces", score=8)


def test_a_report_hints_at_ends_that_include_their_day():
    def subscriptions(end):
        return [
            ck.Subscription(id="1", customer_id="A", mrr=50, started_at="2025-02-01", ended_at=end),
            ck.Subscription(id="2", customer_id="A", mrr=50, started_at="2026-02-01"),
        ]

    notes = ck.Dataset(subscriptions=subscriptions("2026-01-31")).measure("mrr").notes
    assert notes == (
        (
            "1 of 2 subscriptions end the day before the same customer's next begins, such as 1 before 2: where an end "
            "includes its day, say ends='inclusive' when the file is read"
        ),
    )
    assert ck.Dataset(subscriptions=subscriptions("2026-02-01")).measure("mrr").notes == ()


PURCHASES = [
    ck.Order(
        id=f"{customer}{number}",
        customer_id=customer,
        ordered_at=datetime(2025, 7, 1) + timedelta(days=41 * number + 5 * place),
        amount=20 + place + number,
    )
    for place, customer in enumerate("ABCDEFGH")
    for number in range(1 + place % 4)
]
REFUNDS = [
    ck.Order(id="RA", customer_id="A", ordered_at="2025-12-30", amount=-20),
    ck.Order(id="RD", customer_id="D", ordered_at="2025-09-30", amount=-3),
    ck.Order(id="RZ", customer_id="Z", ordered_at="2025-08-01", amount=-1),  # bought before the data begins
]
OF_ORDERS = [
    metric
    for metric in ck.catalogue.everything()
    if "orders" in metric.tables
    and "with_refunds" not in metric.id
    and metric.id not in ("cart_abandonment_rate", "return_rate")
]


@pytest.mark.one_of(3)
@pytest.mark.parametrize("engine", ["records", "polars", "duckdb"])
@pytest.mark.parametrize("metric", OF_ORDERS, ids=lambda metric: metric.id)
def test_a_refund_lowers_amounts_and_is_no_purchase_for_any_kpi(metric: ck.Metric, engine: str) -> None:
    customers = [ck.Customer(id=name, since="2025-07-01") for name in "ABCDEFGHZ"]
    expenses = [ck.Expense(id="1", team="sales", amount=10, spent_at="2025-08-01")]
    given = {"lifespan": timedelta(days=300), "discount": 0.1, "horizon": 100}
    inputs = []
    for orders in (PURCHASES, [*PURCHASES, *REFUNDS]):
        tables = {"orders": orders, "customers": customers, "expenses": expenses}
        known = {name: table for name, table in tables.items() if name in (*metric.tables, "customers")}
        crm = ck.Dataset(known if engine == "records" else frames_of(engine, known), as_of=date(2025, 12, 31))
        needed = {name: value for name, value in given.items() if name in metric.parameters}
        found = crm.measure(metric, period=["2025", "2025-12"], parameters=needed)
        inputs.append([dict(one.inputs) for one in found])
    plain, refunded = inputs
    in_december = 0 if metric.id == "customer_lifetime_value.discounted" else 20  # by the date on which customers began
    for before, after, lost in zip(plain, refunded, (24, in_december), strict=True):
        if "amount" in before and metric.id != "average_order_value":
            before["amount"] -= lost
        assert after == before
