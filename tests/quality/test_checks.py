"""Each check finds a planted fault, counts it right, and reports nothing without one."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.backends import arrow_of, frame_of

from crmkpi import Calendar, Dataset, Deal, Rates, Survey, read_csv
from crmkpi.demo import AS_OF, sample_company
from crmkpi.quality.checks import CHECKS
from crmkpi.records.base import record_type

from .tables import FIRST, clean, faults, moment, with_faults

AS_OF_CLEAN = date(2026, 2, 15)


def survey_file(*scores: str) -> Any:
    rows = "".join(f"Q{number},nps,2026-01-05,{score}\n" for number, score in enumerate(scores))
    return read_csv(io.StringIO(f"id,kind,answered_at,score\n{rows}"), record=Survey)


def deal_file(*rows: str) -> Any:
    good = "".join(f"G{number},lost,{number}\n" for number in range(20 - len(rows)))
    return read_csv(io.StringIO("id,status,amount\n" + good + "".join(f"{row}\n" for row in rows)), record=Deal)


CLEAN = {table: clean(table) for table in ("deals", "customers", "subscriptions", "tickets", "surveys", "orders")}
SUBSCRIPTIONS = clean("subscriptions")
PRICES = (4900, 1999, 9900)

# The check, the tables with the fault (and settings), and the expected finding: level, table, field, count and of.
CASES: list[tuple[str, dict[str, Any], tuple[str, str, str | None, int, int]]] = [
    ("empty_tables", {"deals": []}, ("error", "deals", None, 0, 0)),
    ("unreadable_rows", {"deals": deal_file("1,won,much")}, ("error", "deals", "amount", 1, 20)),
    ("unknown_words", {"deals": deal_file("1,sold,5", "2,sold,7")}, ("error", "deals", "status", 2, 20)),
    ("scores_off_scale", {"surveys": survey_file("11", "9", "3")}, ("error", "surveys", "score", 1, 3)),
    ("scores_off_scale", {"surveys": survey_file("11", "12", "3")}, ("error", "surveys", "score", 2, 3)),
    ("scores_off_scale", {"surveys": survey_file("0.9", "0.7", "1")}, ("error", "surveys", "score", 2, 3)),
    (
        "scores_off_scale",
        {"surveys": [replace(one, score=float(1 + number % 5)) for number, one in enumerate(clean("surveys", 30))]},
        ("error", "surveys", "score", 30, 30),
    ),
    (
        "scores_off_scale",
        {
            "surveys": [
                Survey(id=f"S{n}", kind="csat", score=4, scale_high=5 if n % 3 else 7, answered_at=moment(n))
                for n in range(9)
            ]
        },
        ("warning", "surveys", "score", 3, 9),
    ),
    (
        "lost_deals_absent",
        {"deals": [deal for deal in clean("deals") if deal.status != "lost"]},
        ("error", "deals", "status", 20, 40),
    ),
    (
        "nobody_left",
        {"customers": with_faults(clean("customers"), 60, until=None), "as_of": date(2026, 12, 31)},
        ("warning", "customers", "until", 60, 60),
    ),
    (
        "nobody_left",
        {"subscriptions": with_faults(SUBSCRIPTIONS, 60, ended_at=None), "as_of": date(2026, 12, 31)},
        ("warning", "subscriptions", "ended_at", 60, 60),
    ),
    (
        "empty_periods",
        {"tickets": [*clean("tickets"), *(replace(one, id=f"b{one.id}", created_at=one.created_at + timedelta(100),
                                                  solved_at=None, status="open") for one in clean("tickets"))]},
        ("warning", "tickets", "created_at", 2, 5),
    ),
    (
        "empty_periods",
        {"orders": clean("orders"), "as_of": date(2026, 5, 31)},
        ("warning", "orders", "ordered_at", 4, 5),
    ),
    ("duplicate_ids", {"orders": with_faults(clean("orders"), 3, id="O59")}, ("error", "orders", "id", 3, 60)),
    (
        "duplicate_records",
        {"orders": [*clean("orders"), *(replace(order, id=f"copy {order.id}") for order in clean("orders", 2))]},
        ("warning", "orders", None, 2, 62),
    ),
    (
        "overlapping_subscriptions",
        {"subscriptions": [*SUBSCRIPTIONS, replace(SUBSCRIPTIONS[1], id="again", started_at=moment(9), mrr=1)]},
        ("warning", "subscriptions", "started_at", 1, 61),
    ),
    (
        "orphans",
        {"tickets": clean("tickets"), "customers": clean("customers", 39)},
        ("warning", "tickets", "customer_id", 1, 60),
    ),
    (
        "orphans",
        {"tickets": with_faults(clean("tickets"), 60, customer_id="c-1"), "customers": clean("customers")},
        ("error", "tickets", "customer_id", 60, 60),
    ),
    (
        "missing_start_dates",
        {"deals": with_faults(clean("deals"), 4, created_at=None)},
        ("warning", "deals", "created_at", 4, 60),
    ),
    (
        "closed_without_date",
        {"deals": with_faults(clean("deals"), 3, closed_at=None)},  # the third is open
        ("warning", "deals", "closed_at", 2, 60),
    ),
    (
        "closed_without_date",
        {"tickets": with_faults(clean("tickets"), 2, solved_at=None)},
        ("warning", "tickets", "solved_at", 1, 60),
    ),
    (
        "closed_without_date",
        {"customers": with_faults(clean("customers"), 5, until=None)},
        ("warning", "customers", "until", 2, 60),
    ),
    (
        "canceled_without_end",
        {"subscriptions": with_faults(SUBSCRIPTIONS, 2, status="canceled", ended_at=None)},
        ("error", "subscriptions", "ended_at", 2, 60),
    ),
    (
        "negative_durations",
        {"deals": with_faults(clean("deals"), 2, closed_at=FIRST - timedelta(hours=1))},
        ("warning", "deals", "closed_at", 2, 60),
    ),
    (
        "negative_durations",
        {"subscriptions": with_faults(SUBSCRIPTIONS, 1, ended_at=FIRST - timedelta(days=1))},
        ("warning", "subscriptions", "ended_at", 1, 60),
    ),
    (
        "open_past_close_date",
        {"deals": with_faults(clean("deals"), 3, closed_at=FIRST + timedelta(days=5)), "as_of": AS_OF_CLEAN},
        ("warning", "deals", "status", 1, 60),
    ),
    (
        "future_dates",
        {"orders": with_faults(clean("orders"), 2, ordered_at=datetime(2026, 3, 2)), "as_of": AS_OF_CLEAN},
        ("warning", "orders", "ordered_at", 2, 60),
    ),
    (
        "dates_too_early",
        {"orders": with_faults(clean("orders"), 2, ordered_at=datetime(1975, 1, 1, tzinfo=UTC))},
        ("warning", "orders", "ordered_at", 2, 60),
    ),
    (
        "dates_too_early",
        {"orders": clean("orders"), "founded": FIRST.date() + timedelta(days=1)},
        ("warning", "orders", "ordered_at", 3, 60),
    ),
    (
        "shared_timestamps",
        {"customers": with_faults(clean("customers"), 25, since=FIRST - timedelta(days=3))},
        ("warning", "customers", "since", 25, 60),
    ),
    (
        "missing_amounts",
        {"deals": with_faults(clean("deals"), 3, amount=None)},  # one of them is won
        ("warning", "deals", "amount", 1, 60),
    ),
    (
        "zero_amounts",
        {"deals": with_faults(clean("deals"), 3, amount=Decimal(0))},
        ("information", "deals", "amount", 1, 60),
    ),
    (
        "negative_amounts",
        {"deals": with_faults(clean("deals"), 3, amount=Decimal(-5))},
        ("information", "deals", "amount", 1, 60),
    ),
    (
        "missing_customers",
        {"subscriptions": with_faults(SUBSCRIPTIONS, 2, customer_id=None)},
        ("warning", "subscriptions", "customer_id", 2, 60),
    ),
    (
        "inclusive_ends",
        {
            "subscriptions": [
                replace(SUBSCRIPTIONS[0], started_at=datetime(2025, 1, 1), ended_at=datetime(2025, 12, 31)),
                replace(SUBSCRIPTIONS[0], id="next", started_at=datetime(2026, 1, 1), ended_at=None),
            ]
        },
        ("warning", "subscriptions", "ended_at", 1, 2),
    ),
    (
        "mixed_currencies",
        {"deals": with_faults(clean("deals"), 7, currency="USD")},
        ("error", "deals", "currency", 7, 60),
    ),
    (
        "mixed_currencies",
        {"deals": with_faults(clean("deals"), 7, currency="CHF"), "rates": Rates("EUR", {"USD": "0.9"})},
        ("error", "deals", "currency", 7, 60),
    ),
    (
        "amounts_in_cents",
        {"subscriptions": [replace(one, mrr=PRICES[number % 3]) for number, one in enumerate(SUBSCRIPTIONS)]},
        ("warning", "subscriptions", "mrr", 60, 60),
    ),
    (
        "mojibake",
        {"deals": [replace(deal, owner=deal.owner.replace("é", "Ã©")) for deal in clean("deals", 10)]},
        ("warning", "deals", None, 5, 10),
    ),
    (
        "placeholder_words",
        {"deals": with_faults(clean("deals"), 2, owner=" N/A ")},
        ("information", "deals", "owner", 2, 60),
    ),
    (
        "constant_columns",
        {"deals": with_faults(clean("deals"), 60, owner="Ada")},
        ("information", "deals", "owner", 60, 60),
    ),
]  # fmt: skip


@pytest.mark.parametrize("code, tables, expected", CASES, ids=[f"{code}-{n}" for n, (code, *_) in enumerate(CASES)])
def test_a_check_finds_what_was_planted_and_counts_it(
    code: str, tables: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    found = [
        (one.level, one.table, one.field, one.count, one.of)
        for one in faults(code, **tables)
    ]  # fmt: skip
    assert expected in found
    assert len(found) == 1


def test_every_check_has_a_case_and_is_in_the_file_of_its_name() -> None:
    names = [check.__name__ for check in CHECKS]
    assert sorted(set(names)) == sorted(names)
    assert {code for code, *_ in CASES} == set(names)
    assert [check.__module__.rpartition(".")[2] for check in CHECKS] == names


@pytest.mark.parametrize("home", ["stream", "polars", "pandas", "duckdb", "sqlite"])
def test_ends_that_include_their_day_are_found_wherever_the_subscriptions_lie(home: str) -> None:
    (planted,) = [tables for code, tables, _ in CASES if code == "inclusive_ends"]
    records = planted["subscriptions"]
    table = iter(records) if home == "stream" else frame_of(home, arrow_of(records, record_type(type(records[0]))))
    assert [(one.count, one.of) for one in faults("inclusive_ends", subscriptions=table)] == [(1, 2)]


def test_a_finding_of_scores_names_one_and_the_kpis_that_it_spoils() -> None:
    low = [replace(one, score=float(1 + number % 5)) for number, one in enumerate(clean("surveys", 30))]
    several = [
        Survey(id=f"S{n}", kind="csat", score=4, scale_high=5 if n else 7, answered_at=moment(n)) for n in range(9)
    ]
    (of_half,), (of_several,) = (faults("scores_off_scale", surveys=surveys) for surveys in (low, several))
    for finding, does, example in (
        (of_half, "counted as bad answers by", "(score 5"),
        (of_several, "in one mean of", "'S0' (score 4"),
    ):
        (impact,) = finding.impacts
        assert (impact.does, "net_promoter_score" in impact.metrics, "ticket_volume" in impact.metrics) == (
            does,
            True,
            False,
        )
        assert example in finding.example


def test_there_is_nothing_to_say_of_clean_tables() -> None:
    report = Dataset(as_of=AS_OF_CLEAN, **CLEAN).check(founded=date(2020, 1, 1))
    assert list(report) == []
    assert report.is_clean


@pytest.mark.slow
@settings(max_examples=10)
@given(st.integers(min_value=5, max_value=60), st.sampled_from(["Europe/Berlin", "UTC", "America/New_York"]))
def test_the_sample_company_has_dirt_and_no_errors(hundredths: int, zone: str) -> None:
    company = sample_company(scale=hundredths / 100)
    crm = Dataset(
        **company, calendar=Calendar(tz=zone), currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}), as_of=AS_OF
    )
    report = crm.check()
    assert report.of_level("error") == ()
    assert [table.used for table in report.tables.values()] == [len(records) for records in company.values()]


PLANTED = {
    "missing_start_dates": {"created_at": None},
    "duplicate_ids": {"id": "D0"},
    "mojibake": {"owner": "ZoÃ«"},
    "placeholder_words": {"owner": "unknown"},
    "dates_too_early": {"created_at": "1970-01-02"},
    "missing_amounts": {"amount": None, "status": "won", "closed_at": "2026-03-01"},
}


@given(
    st.sampled_from(sorted(PLANTED)),
    st.integers(min_value=1, max_value=40),
    st.sets(st.integers(min_value=1, max_value=59)),
)
def test_as_many_are_found_as_were_planted_wherever_they_are(code: str, batch: int, places: set[int]) -> None:
    deals = clean("deals")
    for place in places:
        deals[place] = replace(deals[place], **PLANTED[code])
    stream = (deal for start in range(0, 60, batch) for deal in deals[start : start + batch])
    counts = [finding.count for finding in Dataset(deals=stream).check() if finding.code == code]
    assert counts == ([len(places)] if places else [])


@pytest.mark.parametrize(
    "code, metric, reason",
    [
        ("closed_without_date", "win_rate", "no closed_at"),
        ("missing_amounts", "average_deal_size", "no amount"),
        ("negative_durations", "sales_cycle_length.all_closed", "negative duration"),
    ],
)
def test_a_check_counts_what_the_kpis_leave_out(code: str, metric: str, reason: str) -> None:
    company = sample_company(scale=0.5)
    crm = Dataset(deals=company["deals"], currency="EUR", rates=Rates("EUR", {"CHF": "1.05"}))
    period = "2000-01-01..2100-01-01"  # all, but with an anchor, so that records without a date are left out
    left_out = crm.measure(metric, period=period)[0].left_out
    assert [one.count for one in crm.check() if one.code == code] == [left_out[reason]]


def test_a_date_without_a_time_on_the_day_itself_is_told_apart() -> None:
    deals = with_faults(clean("deals"), 1, closed_at=FIRST.replace(hour=0))
    (finding,) = faults("negative_durations", deals=deals)
    assert finding.what == "closed_at without a time of day, on the day of created_at, so it seems earlier"
    (finding,) = faults("negative_durations", deals=with_faults(deals, 1, closed_at=FIRST.replace(hour=8)))
    assert finding.what == "closed_at before created_at"


def test_an_unknown_word_is_named_and_each_has_its_own_finding() -> None:
    found = faults("unknown_words", deals=deal_file("1,sold,5", "2,gone,7", "3,sold,9"))
    assert [(one.what, one.count) for one in found] == [
        ("status 'sold' is unknown", 2),
        ("status 'gone' is unknown", 1),
    ]
    assert found[0].example.startswith("line 19: 'sold' is not one of its values")


def test_without_a_day_the_future_begins_today_and_the_report_says_so() -> None:
    report = Dataset(orders=with_faults(clean("orders"), 2, ordered_at=datetime(2199, 1, 1))).check()
    assert [finding.count for finding in report if finding.code == "future_dates"] == [2]
    assert "without as_of: dates after today are found" in report.notes[0]


def test_references_are_followed_only_to_tables_that_are_there_and_the_report_says_so() -> None:
    assert faults("orphans", tickets=clean("tickets")) == []
    notes = Dataset(tickets=clean("tickets"), as_of=AS_OF_CLEAN).check().notes
    assert notes == ("tickets: not followed for lack of the other table: customer_id (customers)",)


def test_amounts_that_cannot_be_cents_are_left_alone() -> None:
    subscriptions = [replace(one, mrr=PRICES[number % 3]) for number, one in enumerate(SUBSCRIPTIONS)]
    assert faults("amounts_in_cents", subscriptions=[*subscriptions, replace(SUBSCRIPTIONS[1], id="x", mrr=49)]) == []
    assert faults("amounts_in_cents", subscriptions=[replace(one, currency="JPY") for one in subscriptions]) == []
    assert faults("amounts_in_cents", subscriptions=subscriptions[:19]) == []


def test_several_plans_of_one_customer_are_no_overlap() -> None:
    other = replace(SUBSCRIPTIONS[1], id="other", plan="support")
    later = replace(SUBSCRIPTIONS[0], id="later", started_at=SUBSCRIPTIONS[0].ended_at)
    assert faults("overlapping_subscriptions", subscriptions=[*SUBSCRIPTIONS, other, later]) == []


def test_texts_that_merely_have_accents_are_no_mojibake() -> None:
    names = ["Chloé", "Ångström", "São Paulo", "東京", "“quoted” – Ä", "Müller & Söhne", "naïve Â"]
    assert faults("mojibake", deals=[replace(clean("deals", 1)[0], owner=name) for name in names]) == []


def test_attributes_are_looked_at_for_mojibake_too() -> None:
    deals = [replace(clean("deals", 1)[0], attributes={"city": "KÃ¶ln"})]
    (finding,) = faults("mojibake", deals=deals)
    assert finding.example == "'D0' (city 'KÃ¶ln', meant as 'Köln')"


def test_the_page_on_data_quality_lists_the_checks_in_their_order() -> None:
    page = (Path(__file__).parents[2] / "docs" / "data-quality.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [check.__name__ for check in CHECKS]
