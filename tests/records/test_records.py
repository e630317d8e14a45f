from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from inspect import Parameter, signature
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from crmkpi.demo import sample_company
from crmkpi.errors import DefinitionError, InputError, UnknownNameError
from crmkpi.records import RECORDS, Campaign, Customer, Deal, Interaction, Order, Survey, Ticket, Visit
from crmkpi.records.base import Timestamp, record, record_type
from crmkpi.records.faults import faults, shortened
from crmkpi.sources import read_dicts

# The required fields of each record, written from the catalogue of KPIs, not from the classes.
FIELDS = {
    "leads": "id created_at source channel campaign_id owner country status first_contacted_at mql_at sql_at "
    "converted_at customer_id deal_id merged_into deleted",
    "deals": "id created_at owner customer_id lead_id campaign_id pipeline stage product industry source channel kind "
    "status amount cost currency probability expected_close_on closed_at lost_reason deleted",
    "stage_visits": "id deal_id pipeline stage entered_at left_at",
    "customers": "id since until status industry region plan channel source owner",
    "subscriptions": "id customer_id plan mrr currency started_at ended_at status trial_end",
    "orders": "id customer_id ordered_at amount cost currency status delivered_at product channel",
    "tickets": "id created_at customer_id channel kind priority agent status first_replied_at solved_at "
    "first_solved_at replies reopens escalated self_served handled_seconds sla_due_at opened_by merged_into spam",
    "surveys": "id kind sent_at answered_at score scale_low scale_high customer_id ticket_id agent comment",
    "campaigns": "id name channel started_at ended_at cost currency impressions clicks conversions sent delivered "
    "opened clicked unsubscribed bounced",
    "interactions": "id customer_id lead_id deal_id ticket_id kind direction at outcome resolved sentiment "
    "sentiment_score seconds cost currency agent",
    "expenses": "id spent_at amount currency team channel campaign_id",
    "visits": "id at sessions visitors conversions channel campaign_id",
}
RELATIONS = {
    "deals.customer": "customers",
    "deals.lead": "leads",
    "deals.campaign": "campaigns",
    "leads.campaign": "campaigns",
    "leads.customer": "customers",
    "orders.customer": "customers",
    "subscriptions.customer": "customers",
    "tickets.customer": "customers",
    "surveys.customer": "customers",
    "interactions.customer": "customers",
    "surveys.ticket": "tickets",
    "stage_visits.deal": "deals",
    "expenses.campaign": "campaigns",
    "visits.campaign": "campaigns",
}
REQUIRED = {"deals": {"id", "status"}, "surveys": {"id", "kind"}}


def least(table: str) -> dict[str, str]:
    return {"deals": {"status": "won"}, "surveys": {"kind": "nps"}}.get(table, {})


@pytest.mark.parametrize("table", FIELDS)
def test_every_record_has_the_fields_of_its_table_and_attributes(table: str) -> None:
    assert {*FIELDS[table].split(), "attributes"} == set(record_type(RECORDS[table]).fields)


def test_surveys_alone_are_surveys() -> None:
    assert [table for table, model in RECORDS.items() if record_type(model).is_survey] == ["surveys"]


def test_there_are_no_other_records() -> None:
    assert set(RECORDS) == set(FIELDS)


def test_relations_lead_to_the_tables_that_hold_the_other_record() -> None:
    found = {
        f"{table}.{relation.name}": relation.table
        for table, model in RECORDS.items()
        for relation in record_type(model).relations.values()
    }
    assert found == RELATIONS


@pytest.mark.parametrize("table", FIELDS)
def test_only_what_gives_a_record_its_meaning_is_required(table: str) -> None:
    required = {field.name for field in record_type(RECORDS[table]).fields.values() if field.required}
    assert required == REQUIRED.get(table, {"id"})


@pytest.mark.parametrize("table", FIELDS)
def test_a_record_is_frozen_and_slotted(table: str) -> None:
    made = RECORDS[table](id="1", **least(table))
    assert not hasattr(made, "__dict__")
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.id = "2"


@pytest.mark.parametrize("table", FIELDS)
def test_a_record_refuses_a_field_that_it_does_not_have(table: str) -> None:
    with pytest.raises(InputError, match="nope"):
        RECORDS[table](id="1", nope=1, **least(table))


def test_unknown_counts_are_missing_and_not_zero() -> None:
    ticket = Ticket(id="1")
    assert (ticket.replies, ticket.reopens, ticket.handled_seconds) == (None, None, None)


def test_flags_are_down_unless_raised() -> None:
    ticket = Ticket(id="1")
    assert (ticket.escalated, ticket.self_served, ticket.spam) == (False, False, False)


def test_an_order_without_a_status_counts_as_completed_and_a_visit_as_one_session() -> None:
    assert (Order(id="1").status, Visit(id="1").sessions) == ("completed", 1)


@pytest.mark.parametrize(
    ("kind", "low", "high"), [("nps", 0, 10), ("csat", 1, 5), ("ces", 1, None), ("awareness", 0, 1)]
)
def test_a_survey_without_a_scale_has_the_usual_one_of_its_kind(kind: Any, low: float, high: float | None) -> None:
    survey = Survey(id="1", kind=kind)
    assert (survey.scale_low, survey.scale_high) == (low, high)


def test_a_scale_that_is_given_holds() -> None:
    survey = Survey(id="1", kind="csat", scale_high=10, score=10)
    assert (survey.scale_low, survey.scale_high, survey.score) == (1, 10, 10)


@given(st.one_of(st.floats(-20, 20), st.floats(0, 1)))
def test_a_score_is_taken_exactly_if_it_is_on_the_scale(score: float) -> None:
    if 0 < score < 1:
        with pytest.raises(
            InputError, match=r"The score .+ is a share, and the scale goes from 0 to 10: give all scores"
        ):
            Survey(id="1", kind="nps", score=score)
        assert Survey(id="1", kind="nps", score=score, scale_low=0, scale_high=1).score == score  # the way out
    elif 0 <= score <= 10:
        assert Survey(id="1", kind="nps", score=score).score == score
    else:
        with pytest.raises(InputError, match=r"The score .+ is off its scale, which goes from 0 to 10"):
            Survey(id="1", kind="nps", score=score)


def test_a_scale_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InputError, match="must end above its start, and this one goes from 5 to 1"):
        Survey(id="1", kind="csat", scale_low=5, scale_high=1)


REFUSED: list[tuple[type[Any], str, Any, str]] = [
    (Deal, "status", "sold", "'sold' is not one of 'open', 'won' or 'lost'"),
    (Deal, "probability", 1.5, "1.5 is above 1, the most that the field takes"),
    (Deal, "probability", "x", "'x' is not a number"),
    (Deal, "probability", [], "[] is not a number"),
    (Deal, "amount", "x", "'x' is not a number"),
    (Deal, "amount", [], "[] is not a number"),
    (Deal, "amount", "1,5", "'1,5' is not a number; if commas separate decimals or thousands, say so with decimal="),
    (Deal, "amount", "inf", "'inf' is not a finite number"),
    (Deal, "deleted", "maybe", "'maybe' is neither yes nor no"),
    (Deal, "deleted", [], "[] is neither yes nor no"),
    (Deal, "owner", [], "[] is not text"),
    (Ticket, "handled_seconds", -5, "-5 is below 0, the least that the field takes"),
    (Ticket, "replies", "x", "'x' is not a whole number"),
    (Ticket, "replies", 2.5, "2.5 is not a whole number"),
    (Ticket, "replies", [], "[] is not a whole number"),
    (Ticket, "replies", "9" * 5000, "... is not a whole number of a usual size"),
]


@pytest.mark.parametrize(("record", "field", "value", "told"), REFUSED, ids=range(len(REFUSED)))
def test_a_refused_value_is_told_with_its_field_and_the_rule(
    record: type[Any], field: str, value: Any, told: str
) -> None:
    with pytest.raises(InputError) as found:
        record(**{"id": "1", "status": "open", field: value})
    assert str(found.value).startswith(f"{record.__name__}: {field} ")
    assert str(found.value).endswith(f"{told}.")


def test_several_fields_that_one_check_refuses_are_unreadable_each_with_its_value() -> None:
    [survey] = read_dicts([{"id": "1", "kind": "csat", "score": 3, "scale_low": 5, "scale_high": 1}], record=Survey)
    lenient: Any = survey
    assert dict(lenient.unreadable) == {"scale_low": "5", "scale_high": "1", "score": "3"}


@pytest.mark.parametrize("score", ["nan", "inf", float("nan")])
def test_a_number_must_be_finite(score: Any) -> None:
    with pytest.raises(InputError, match="finite"):
        Survey(id="1", kind="nps", score=score)


def test_a_campaign_does_not_cost_less_than_nothing() -> None:
    with pytest.raises(InputError, match="below 0"):
        Campaign(id="1", cost=Decimal("-0.01"))


def test_a_deal_may_have_a_negative_amount() -> None:
    assert Deal(id="1", status="won", amount=Decimal("-10.10")).amount == Decimal("-10.10")


def test_seconds_are_not_negative() -> None:
    with pytest.raises(InputError, match="below 0"):
        Interaction(id="1", seconds=-1)


def test_the_status_of_a_customer_is_free_text() -> None:
    assert Customer(id="1", status="paused for winter").status == "paused for winter"


@given(st.datetimes(datetime(1970, 1, 3), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_a_time_with_an_offset_is_kept_in_utc_as_the_same_instant(moment: datetime, minutes: int) -> None:
    given_time = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    kept = Customer(id="1", since=given_time).since
    assert kept is not None
    assert kept.tzinfo is UTC
    assert kept == given_time


def test_a_time_that_utc_cannot_write_is_refused_and_does_not_crash() -> None:
    with pytest.raises(InputError, match="edge of the calendar"):
        Customer(id="1", since=datetime(1, 1, 1, 5, 7, tzinfo=timezone(timedelta(hours=14))))


def test_an_unknown_field_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"Deal has no field 'amuont'\. Did you mean 'amount'\?"):
        record_type(Deal).field("amuont")


def test_a_class_that_is_no_record_is_named() -> None:
    with pytest.raises(UnknownNameError, match="int is not a record class"):
        record_type(int)


def test_a_relation_over_a_field_that_is_not_there_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"does not have: 'client_id'\. Did you mean 'client'\?"):

        @record(table="invoices", relations={"customer": ("client_id", "customers")})
        class Invoice:
            id: str
            client: str | None = None
            at: Timestamp | None = None


def test_a_type_that_records_do_not_hold_is_refused() -> None:
    with pytest.raises(DefinitionError, match="'parts' has a type that records do not hold"):

        @record(table="boxes")
        class Box:
            id: str
            parts: bytes | None = None


def test_the_signature_of_a_record_names_its_fields_and_what_they_are_without_a_value():
    parameters = signature(Deal).parameters
    assert list(parameters)[:3] == ["id", "status", "created_at"]
    assert parameters["status"].default is Parameter.empty
    assert {name: parameters[name].default for name in ("probability", "deleted", "attributes")} == {
        "probability": None,
        "deleted": False,
        "attributes": {},
    }


def test_a_record_is_written_with_the_fields_that_it_has() -> None:
    assert repr(Deal(id="1", status="won", amount=0)) == "Deal(id='1', status='won', amount=Decimal('0'))"
    names = {model.__name__: model for model in RECORDS.values()} | {
        "datetime": __import__("datetime"),
        "Decimal": Decimal,
    }
    for rows in sample_company(scale=0.05).values():
        for one in rows[:20]:
            assert eval(repr(one), names) == one


def test_a_value_is_shown_as_python_writes_it_and_cut_at_eighty_characters() -> None:
    assert shortened("x" * 78) == f"'{'x' * 78}'"
    for long in ("x" * 79, "x" * 81, ["y" * 200] * 3, 10**300):
        assert len(shortened(long)) <= 80
    assert shortened("x" * 79) == f"'{'x' * 76}..."
    assert shortened(datetime(2026, 1, 31, 9)) == "'2026-01-31 09:00:00'"


def test_each_fault_of_a_record_is_told_by_its_field_with_the_value_or_none() -> None:
    with pytest.raises(ValidationError) as found:
        TypeAdapter(Survey).validate_python({"id": "1", "kind": "csat", "scale_low": 7})
    reason = "A scale must end above its start, and this one goes from 7 to 5"
    assert faults(found.value) == {"scale_low": ("7", reason), "scale_high": (None, reason), "score": (None, reason)}
    with pytest.raises(ValidationError) as found:
        TypeAdapter(Deal).validate_python({"id": "1", "amount": "much", "colour": "red"})
    assert faults(found.value) == {
        "status": (None, "missing"),
        "amount": ("'much'", "not a number"),
        "colour": ("'red'", "not a field"),
    }
