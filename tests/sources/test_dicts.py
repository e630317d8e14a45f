from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from crmkpi.errors import ColumnError, InputError
from crmkpi.records import Deal, Order
from crmkpi.sources import read_dicts


def test_values_that_have_their_type_already_are_kept() -> None:
    rows = [{"id": 7, "status": "Won", "amount": Decimal("1.10"), "created_at": datetime(2026, 1, 31), "deleted": True}]
    [deal] = read_dicts(rows, record=Deal)
    assert (deal.id, deal.status, deal.amount, deal.created_at, deal.deleted) == (
        "7",
        "won",
        Decimal("1.10"),
        datetime(2026, 1, 31),
        True,
    )


def test_zero_and_false_are_values_and_none_and_empty_text_are_not() -> None:
    [deal] = read_dicts([{"id": 1, "status": "won", "amount": 0, "owner": "", "kind": None, "x": False}], record=Deal)
    assert (deal.amount, deal.owner, deal.kind, dict(deal.attributes)) == (Decimal(0), None, None, {"x": False})


def test_the_missing_values_of_dataframes_are_missing() -> None:
    [order] = read_dicts([{"id": 1, "amount": float("nan"), "product": float("nan")}], record=Order)
    assert (order.amount, order.product) == (None, None)


def test_rows_need_not_have_the_same_keys() -> None:
    first, second = read_dicts([{"id": 1, "product": "a"}, {"channel": "web", "id": 2}], record=Order)
    assert (first.product, first.channel, second.product, second.channel) == ("a", None, None, "web")


def test_other_objects_become_text() -> None:
    name = UUID(int=7)
    [order] = read_dicts([{"id": name, "day": date(2026, 1, 31), "at": datetime(2026, 1, 1, tzinfo=UTC)}], record=Order)
    assert order.id == str(name)
    assert dict(order.attributes) == {"day": "2026-01-31", "at": "2026-01-01T00:00:00+00:00"}


def test_a_list_that_json_cannot_write_is_shown_as_python_shows_it() -> None:
    endless: list[Any] = []
    endless.append(endless)
    shown = read_dicts([{"id": 1, "x": endless}], record=Order)[0].attributes["x"]
    assert isinstance(shown, str)
    assert set(shown) == set("[.]")


def test_rows_are_numbered_from_one_and_those_that_are_no_dicts_are_rejected() -> None:
    rows: list[Any] = [{"id": 1}, 7, {2: "x"}, {"id": 3, "amount": [1]}]
    found = read_dicts(rows, record=Order)
    assert [(row.line, row.reason) for row in found.rejected] == [
        (2, "it is not an object with named values"),
        (3, "it is not an object with named values"),
    ]
    assert [(one.line, one.reason) for one in found.account.unreadable] == [(4, "not a number")]


def test_a_value_of_another_type_cannot_be_read() -> None:
    [one] = read_dicts([{"id": 1, "status": b"won"}], record=Deal).account.unreadable
    assert (one.field, one.reason) == ("status", "not one of its values (Known: 'lost', 'open', 'won')")


def test_a_generator_is_read_once_and_whole() -> None:
    assert len(read_dicts(({"id": number} for number in range(1_001)), record=Order)) == 1_001


def test_no_rows_are_no_records() -> None:
    assert read_dicts([], record=Deal).notes == ("There are no rows.",)


def test_rows_without_a_required_key_are_an_error() -> None:
    with pytest.raises(ColumnError, match="memory has no column for 'status'"):
        read_dicts([{"id": 1}], record=Deal)


@pytest.mark.parametrize("rows", [{"id": 1}, "id", b"id", 7])
def test_rows_must_be_an_iterable_of_dicts(rows: Any) -> None:
    with pytest.raises(InputError, match=f"an iterable of dicts, and this is a {type(rows).__name__}"):
        read_dicts(rows, record=Deal)


@pytest.mark.parametrize("rows", [[1, "two"], [("D1", "won"), ("D2", "lost")], [object()]])
def test_rows_that_are_all_no_objects_are_an_error_with_the_way_out(rows: Any) -> None:
    with pytest.raises(InputError, match=r"None of the \d rows? of memory is a record.*dict\(zip\(names, row\)\)"):
        read_dicts(rows, record=Deal)


def test_rows_read_once_they_are_given_the_form_that_the_error_names() -> None:
    named = [dict(zip(("id", "status"), row, strict=True)) for row in [("D1", "won"), ("D2", "lost")]]
    assert [deal.status for deal in read_dicts(named, record=Deal)] == ["won", "lost"]
