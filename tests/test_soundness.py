"""Laws of KPIs for any data: parts make the whole, and unrelated changes do not change a figure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.testing import records
from crmkpi.testing.examples import parameters_of
from crmkpi.testing.laws import takes_period
from crmkpi.testing.pools import random_dataset

ZONES = ("UTC", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia")
calendars = st.builds(
    ck.Calendar,
    tz=st.sampled_from(ZONES),
    fiscal_year_start=st.integers(1, 12),
    week_start=st.sampled_from(("monday", "sunday")),
)
cents = st.decimals(Decimal("-99.99"), Decimal("9999.99"), places=2)


@st.composite
def deals_near_the_edges_of_days(draw: st.DrawFn) -> tuple[ck.Calendar, int, list[ck.Deal]]:
    """Won deals around midnights of a year, leap years included, and around clock changes."""
    calendar, year = draw(calendars), draw(st.sampled_from((2011, 2023, 2024, 2025, 2028)))
    zone = draw(st.sampled_from((None, UTC)))
    days, odd = st.integers(-3, 368), st.sampled_from((0, -1, 1, 30 * 60, 90 * 60, -90 * 60, 12 * 3600))
    deals = []
    for number in range(draw(st.integers(0, 12))):
        wall = datetime(year, 1, 1) + timedelta(days=draw(days))
        moment = wall if zone is None else wall.replace(tzinfo=ZoneInfo(calendar.tz)).astimezone(UTC)
        closed = moment + timedelta(seconds=draw(odd))
        deals.append(ck.Deal(id=str(number), status="won", amount=draw(cents), closed_at=closed, created_at=closed))
    return calendar, year, deals


@pytest.mark.parametrize(
    ("whole", "unit"),
    [
        ("{}-02", "day"),
        ("{}-03", "day"),
        ("{}-10", "week"),
        ("{}-Q4", "month"),
        ("{}", "month"),
        ("{}", "week"),
        ("FY{}", "month"),
        ("FY{}", "fiscal_quarter"),
        ("FY{}-Q2", "day"),
    ],
)
@given(drawn=deals_near_the_edges_of_days())
def test_the_parts_of_a_period_add_up_to_it_in_any_time_zone_and_fiscal_year(whole: str, unit: Any, drawn: Any) -> None:
    calendar, year, deals = drawn
    crm = ck.Dataset(deals=deals, calendar=calendar)
    period = ck.Period(whole.format(year), calendar=calendar)
    for name in ("revenue", "deal_volume"):
        (result,) = crm.measure(name, period=period)
        parts = crm.measure(name, period=period, every=unit)
        assert sum(part.value for part in parts) == result.value
        assert sum(part.accounts[0].used for part in parts) == result.accounts[0].used


MOVES = ("new_mrr", "reactivation_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr")


@given(
    found=records(ck.Subscription),
    every=st.sampled_from(("week", "month", "quarter")),
    by=st.sampled_from((None, "plan")),
)
def test_opening_and_movements_are_closing_to_the_cent(found: list[ck.Subscription], every: Any, by: Any) -> None:
    crm = ck.Dataset(subscriptions=found, currency="EUR")
    report = crm.measure([*MOVES, "net_new_mrr", "mrr"], period="2026", every=every, by=by)
    values: dict[Any, dict[ck.Period, dict[str, Any]]] = {}
    for result in report:
        of_plan = values.setdefault(result.segment.get("plan"), {})
        of_plan.setdefault(result.period, {})[result.definition] = result.value
    for of_plan in values.values():
        closing = None
        for part in ck.Period("2026").split(every):
            value = of_plan.get(part, {})
            # If every subscription is left out, all movements are undefined, never only some.
            moves = [value[name] for name in MOVES]
            if value["net_new_mrr"] is None:
                assert moves == [None] * len(MOVES)
            else:
                assert sum(moves) == value["net_new_mrr"]
            if None not in (closing, value["net_new_mrr"], value["mrr"]):
                assert closing + value["net_new_mrr"] == value["mrr"]
            closing = value["mrr"]


@given(found=records(ck.Customer), every=st.sampled_from(("month", "quarter")))
def test_churn_and_retention_are_one_exactly(found: list[ck.Customer], every: Any) -> None:
    crm = ck.Dataset(customers=found)
    churn, retention = (crm.measure(name, period="2026", every=every) for name in ("churn_rate", "retention_rate"))
    for lost, kept in zip(churn, retention, strict=True):
        assert lost.inputs["active_at_start"] == kept.inputs["active_at_start"]
        assert lost.inputs["lost"] + kept.inputs["kept"] == kept.inputs["active_at_start"]
        if lost.value is not None:
            assert lost.value + kept.value == 1


@given(kept=st.integers(0, 10**9), lost=st.integers(0, 10**9))
def test_shares_of_one_whole_are_one_exactly_also_as_floats(kept: int, lost: int) -> None:
    assume(kept + lost)
    whole = kept + lost
    churn = ck.churn_rate.formula(lost=lost, active_at_start=whole)
    assert churn + ck.retention_rate.formula(kept=kept, active_at_start=whole) == 1


def timestamps(model: type[Any]) -> list[str]:
    return [name for name, field in record_type(model).fields.items() if field.kind == "timestamp"]


@cache
def blank(table: str, name: str) -> Any:
    """A record without any known field."""
    return RECORDS[table](id=name, **{"deals": {"status": "open"}, "surveys": {"kind": "nps"}}.get(table, {}))


@cache
def of_later(table: str, name: str, *, aware: bool) -> Any:
    """A record of the year 2040."""
    dates = dict.fromkeys(timestamps(RECORDS[table]), datetime(2040, 5, 5, tzinfo=UTC if aware else None))
    return RECORDS[table](id=name, **{"deals": {"status": "won"}, "surveys": {"kind": "nps"}}.get(table, {}), **dates)


def has_zones(crm: ck.Dataset) -> bool:
    """True if the timestamps of a dataset have a time zone."""
    stamps = (getattr(each, name) for found in crm.tables.values() for each in found for name in timestamps(type(each)))
    return any(stamp is not None and stamp.tzinfo is not None for stamp in stamps)


def said(result: ck.Result) -> tuple[Any, ...]:
    """The business figures of a result."""
    return result.value, result.reason, result.interval


def of_nothing_used(result: ck.Result) -> bool:
    """True if the value is undefined because every record that would count was left out."""
    unused = [account for account in result.accounts if not account.used and account.left_out]
    return result.value is None and any(
        str(result.reason).startswith(f"every record of {account.table} that would count is left out: ")
        for account in unused
    )


def all_without_a_date(result: ck.Result) -> bool:
    """True if no record of a table is used or outside the period, and one has no date."""
    return any(
        not account.used and not account.outside and account.left_out.get(f"no {account.at}")
        for account in result.accounts
    )


# Without a period every record is related.
IN_PERIODS = [metric for metric in ck.catalogue.everything() if takes_period(metric)]


@pytest.mark.one_of(3)
@pytest.mark.parametrize("metric", IN_PERIODS, ids=lambda metric: metric.id)
def test_an_unrelated_record_changes_nothing(metric: ck.Metric) -> None:
    for seed in range(12):
        crm = random_dataset(metric, Random(seed))
        aware = has_zones(crm)
        settings = {"calendar": crm.calendar, "currency": crm.currency, "as_of": crm.as_of}
        asked = {"period": "2026-Q1", "parameters": parameters_of(metric)}
        more = {
            "blank": {table: [*crm.tables.get(table, ()), blank(table, "x1")] for table in RECORDS},
            "later": {table: [*crm.tables.get(table, ()), of_later(table, "x2", aware=aware)] for table in RECORDS},
        }
        (before,), (unknown,), (later,) = (
            ck.Dataset(**tables, **settings).measure(metric, **asked)
            for tables in (crm.tables, more["blank"], more["later"])
        )
        for after in (unknown, later):
            assert after.inputs == before.inputs
            assert [account.used for account in after.accounts] == [account.used for account in before.accounts]
        # A blank record may belong to any period: the value is undefined if no other record of its table is used.
        if not of_nothing_used(unknown):
            assert said(unknown) == said(before)
        # One of another period defines a value only if all known records of a table lack a date.
        if not (of_nothing_used(before) and all_without_a_date(before)):
            assert said(later) == said(before)


@st.composite
def campaigns_and_deals(draw: st.DrawFn) -> tuple[list[ck.Campaign], list[ck.Deal]]:
    costs = draw(st.lists(cents.map(abs), min_size=1, max_size=4))
    campaigns = [ck.Campaign(id=str(n), cost=cost, started_at="2026-01-05") for n, cost in enumerate(costs)]
    ids = st.sampled_from([*(campaign.id for campaign in campaigns), "gone", None])
    drawn = draw(st.lists(st.tuples(cents, ids), max_size=8))
    return campaigns, [
        ck.Deal(id=str(n), status="won", amount=amount, campaign_id=campaign, closed_at="2026-01-20")
        for n, (amount, campaign) in enumerate(drawn)
    ]


def in_pieces(deal: ck.Deal, count: int) -> list[ck.Deal]:
    """Several deals that together brought what one did."""
    piece = round(deal.amount / count, 2)
    amounts = [*[piece] * (count - 1), deal.amount - piece * (count - 1)]
    return [replace(deal, id=f"{deal.id}.{number}", amount=amount) for number, amount in enumerate(amounts)]


@given(drawn=campaigns_and_deals(), count=st.integers(1, 5), period=st.sampled_from((None, "2026-01")))
def test_splitting_deals_changes_neither_the_cost_of_campaigns_nor_their_return(
    drawn: Any, count: int, period: Any
) -> None:
    campaigns, deals = drawn
    split = [piece for deal in deals for piece in in_pieces(deal, count)]
    for name in ("campaign_roi", "roas"):
        metric = ck.catalogue.find(name)
        whole, parts = (metric(deals=found, campaigns=campaigns, period=period) for found in (deals, split))
        assert parts.inputs["cost"] == whole.inputs["cost"] == sum(campaign.cost for campaign in campaigns)
        assert parts.value == whole.value


@given(drawn=campaigns_and_deals(), cut=st.integers(0, 8))
def test_a_part_of_the_deals_meets_the_whole_cost_of_the_campaigns(drawn: Any, cut: int) -> None:
    campaigns, deals = drawn
    for part in (deals[:cut], deals[cut:]):
        assert ck.campaign_roi(deals=part, campaigns=campaigns).inputs["cost"] == sum(each.cost for each in campaigns)


STATUSES = st.sampled_from(("won", "lost", "open", "wonn", "", None))
AMOUNTS = st.sampled_from((None, "10", "9.99", "much"))
DAYS = st.sampled_from((None, "2026-01-10", "2026-02-10", "yesterday"))


@given(st.lists(st.fixed_dictionaries({"status": STATUSES, "amount": AMOUNTS, "closed_at": DAYS, "created_at": DAYS})))
def test_used_left_out_outside_and_rejected_are_all_the_rows_that_were_given(rows: list[dict[str, Any]]) -> None:
    loaded = ck.read_dicts([{"id": str(n), **row} for n, row in enumerate(rows)], record=ck.Deal)
    # A row without any field of a deal is rejected; a bad cell, or a missing status, invalidates only the field.
    empty = sum(not any(row.values()) for row in rows)
    bad = {"status": ("wonn", "", None), "amount": ("much",)} | dict.fromkeys(
        ("closed_at", "created_at"), ("yesterday",)
    )
    lost = {name: sum(any(row.values()) and row[name] in bad[name] for row in rows) for name in bad}
    assert {name: sum(name in deal.unreadable for deal in loaded) for name in bad} == lost  # type: ignore[attr-defined]
    crm = ck.Dataset(deals=loaded)
    for period in (None, "2026-01"):
        for result in crm.measure(["win_rate", "revenue", "sales_cycle_length", "pipeline_value"], period=period):
            (account,) = result.accounts
            counted = account.used + sum(account.left_out.values()) + account.outside
            assert account.rejected == empty
            assert counted + empty == account.given == len(rows)
            for name, values in account.unreadable.items():
                assert account.left_out[f"{name} unreadable"] == sum(values.values()) <= lost[name]
            assert min(account.used, account.outside, *account.left_out.values()) >= 0
