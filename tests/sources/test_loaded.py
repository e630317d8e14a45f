from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi.records import Order, StageVisit
from crmkpi.records.faults import shortened
from crmkpi.sources import Records, Rejected

ORDERS = tuple(Order(id=str(number)) for number in range(5))


@given(st.slices(5))
def test_records_are_a_sequence_and_a_slice_is_a_tuple(part: slice) -> None:
    records = Records(ORDERS, record=Order)
    assert records[part] == ORDERS[part]
    assert (len(records), list(records), records[-1], ORDERS[2] in records) == (5, list(ORDERS), ORDERS[4], True)


def test_records_do_not_change() -> None:
    records: Any = Records(ORDERS, record=Order)
    with pytest.raises(dataclasses.FrozenInstanceError):
        records.rejected = ()
    with pytest.raises(TypeError):
        records[0] = ORDERS[1]


def test_records_say_what_they_are() -> None:
    assert repr(Records(ORDERS[:1] * 8_797, record=Order, source="o.csv")) == "Records: 8,797 orders from o.csv"
    assert repr(Records((StageVisit(id="1"),), record=StageVisit)) == "Records: 1 stage visit from memory"
    assert repr(Records((), record=StageVisit)) == "Records: 0 stage visits from memory"


def test_records_say_what_was_left_out() -> None:
    rejected = (Rejected(2, None, None, "x"),) * 3
    records = Records((), record=Order, rejected=rejected, unmapped=tuple("abcdefghij"))
    assert repr(records) == (
        "Records: 0 orders from memory; 3 rows rejected, see .rejected; "
        "unmapped columns: a, b, c, d, e, f, g, h and 2 more"
    )


@given(st.text(max_size=100) | st.binary(max_size=100) | st.lists(st.integers(), max_size=40))
def test_a_value_is_shown_in_at_most_80_characters(value: object) -> None:
    assert len(shortened(value)) <= 80


@given(st.text(max_size=15))
def test_a_short_text_is_shown_as_python_writes_it(value: str) -> None:
    assert shortened(value) == repr(value) or len(repr(value)) > 80
