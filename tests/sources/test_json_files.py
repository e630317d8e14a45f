from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkpi.errors import CrmKpiError, FileFormatError, RowError
from crmkpi.records import Deal, Order
from crmkpi.sources import Records, read_json

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=3), PLAIN, max_size=2)
NAMES = st.sampled_from(["id", "status", "amount", "created_at", "deleted", "probability", "owner", "x", "y.z"])


def deals(text: str, **options: Any) -> Records[Deal]:
    return read_json(io.StringIO(text), record=Deal, **options)


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=6) | VALUES, max_size=8), st.booleans())
def test_every_object_is_a_record_or_rejected(objects: list[Any], lines: bool) -> None:
    text = "\n".join(map(json.dumps, objects)) if lines else json.dumps(objects, indent=1)
    if lines and text.startswith("["):
        return  # it is an array
    try:
        found = read_json(io.StringIO(text), record=Order, defaults={"channel": "web"})
    except CrmKpiError as problem:
        assert str(problem)
    else:
        assert len(found) + len(found.rejected) == len(objects)


@settings(max_examples=200)
@given(st.binary(max_size=100) | st.text('[]{}:,"\\u0d8 \n1-eE.ntfalsr', max_size=100).map(str.encode))
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b"[1" + b"0" * 5_000 + b"]")
@example(b'[{"id": "\\ud800"}]')
def test_no_bytes_make_it_raise_anything_but_its_own_errors(content: bytes) -> None:
    try:
        read_json(io.BytesIO(content), record=Deal)
    except CrmKpiError as problem:
        assert str(problem)


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": 1, "status": "won"},\n {"id": 2, "status": "gone"},\n{"id": 3, "status": "lost"}]',
        '{"id": 1, "status": "won"}\n{"id": 2, "status": "gone"}\n\n{"id": 3, "status": "lost"}',
    ],
)
def test_arrays_and_lines_read_alike_and_know_their_lines(text: str) -> None:
    found = deals(text)
    assert [deal.id for deal in found] == ["1", "2", "3"]
    assert [(one.line, one.field) for one in found.account.unreadable] == [(2, "status")]


def test_a_line_that_is_no_object_is_rejected_in_its_place() -> None:
    found = deals('{"id": 1, "status": "won"}\n{"id": 2,\n7\n{"id": 3}\n')
    assert [(row.line, row.reason) for row in found.rejected] == [
        (2, "it is not an object in JSON"),
        (3, "it is not an object with named values"),
        (4, "missing"),
    ]


def test_amounts_keep_their_cents() -> None:
    assert deals('[{"id": 1, "status": "won", "amount": 1234.1}]')[0].amount == Decimal("1234.1")


def test_objects_inside_objects_have_dotted_names_and_lists_are_text() -> None:
    text = '[{"id": 1, "status": "won", "via": {"channel": "web", "page": {"n": 2}}, "tags": ["a", "b"]}]'
    found = deals(text, columns={"via.channel": "channel"})
    assert found[0].channel == "web"
    assert dict(found[0].attributes) == {"via.page.n": 2.0, "tags": '["a", "b"]'}


def test_an_integer_that_a_float_would_round_stays_exact_as_text() -> None:
    assert dict(deals('[{"id": 1, "status": "won", "x": 9007199254740993}]')[0].attributes) == {"x": "9007199254740993"}


def test_an_empty_array_has_no_records() -> None:
    found = deals(" [ ] ")
    assert (len(found), found.notes) == (0, ("There are no rows.",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "<file> is empty"),
        ('[{"id": 1},\n{"id": 2', "the object that starts on line 2 does not parse"),
        ('[{"id": 1}\n{"id": 2}]', "after the object that starts on line 1 comes '{'"),
        ('[{"id": 1}', "after the object that starts on line 1 comes 'the end'"),
        ('[{"id": 1}] x', "after its end comes 'x'"),
        ("[] 1", "after its end comes '1'"),
    ],
)
def test_an_array_that_does_not_parse_is_an_error_that_says_where(text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        deals(text)


def test_strict_raises_at_the_first_row_that_does_not_parse() -> None:
    with pytest.raises(RowError, match="Line 2 of <file> is no Deal: it is not an object in JSON"):
        deals('{"id": 1, "status": "won"}\nx\n', strict=True)
