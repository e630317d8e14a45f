"""Records with some of the fields of their class, as a measurement reads them from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

import crmkpi as ck
from crmkpi.records import Deal, Lead, Order
from crmkpi.records.base import is_record, partly_read, record, record_type
from crmkpi.records.in_part import with_fields
from crmkpi.sources.files import FileRecords, TableFile

NAMES = frozenset({"id", "status", "closed_at", "probability"})


def test_fields_that_are_not_held_are_what_they_are_where_nothing_is_said() -> None:
    deal = with_fields(Deal, NAMES)(id="7", status="won")
    plain = Deal(id="7", status="won")
    assert {name: getattr(deal, name) for name in record_type(Deal).fields} == {
        name: getattr(plain, name) for name in record_type(Deal).fields
    }
    assert repr(deal) == repr(plain)


def test_a_value_is_checked_as_that_of_a_whole_record() -> None:
    with pytest.raises(ck.CrmKpiError) as whole:
        Deal(id="7", status="won", probability=2)
    with pytest.raises(ck.CrmKpiError) as part:
        with_fields(Deal, NAMES)(id="7", status="won", probability=2)
    assert str(part.value) == str(whole.value)


def test_a_record_in_part_is_one_of_its_class_and_of_no_other() -> None:
    deal = with_fields(Deal, NAMES)(id="7", status="won")
    unread = partly_read(type(deal))(id="8", unreadable={"status": "'Dead'"})
    assert is_record(deal, record_type(Deal))
    assert is_record(unread, record_type(Deal))
    assert not is_record(deal, record_type(Lead))
    assert record_type(type(deal)) is record_type(Deal)


def test_a_class_of_the_users_own_is_held_in_part_with_its_own_fields() -> None:
    @record(table="offers")
    class Offer:
        id: str
        price: float = 1.5
        note: str | None = None

    offer = with_fields(Offer, frozenset({"id", "price"}))(id="7")
    assert (offer.price, offer.note) == (1.5, None)


def test_a_question_reads_records_of_a_file_in_part_and_whoever_looks_at_them_has_them_whole(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id,ordered_at,amount,status\n1,2026-01-02,5,completed\n2,2026-01-03,7,returned\n")
    files = FileRecords([TableFile(source=path, name="orders.csv")], Order)
    files.look({"ordered_at"})
    assert [(one.id, one.amount, type(one) is Order) for one in files.records_read] == [
        ("1", None, False),
        ("2", None, False),
    ]
    assert [(one.amount, type(one) is Order) for one in files] == [(5, True), (7, True)]
