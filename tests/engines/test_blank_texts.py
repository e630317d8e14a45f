"""Whitespace text is a missing value: records, dicts, a file and each backend have equal counts and accounts."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.records import RECORDS
from crmkpi.records.base import FieldType, RecordType, record_type
from crmkpi.records.texts import is_blank

from .backends import frame_of

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

WORDS = ("Ada", "", " ", "Ada", " \t\r\n", "Ada ", " Bo", "-")  # for each field, shifted by one row
CURRENCIES = ("EUR", "", " ", "EUR", " \t\r\n", "USD", "GBP", "CHF")
TYPES = [record_type(RECORDS[table]) for table in RECORDS]


def texts_of(type_: RecordType) -> list[str]:
    """The free-text fields, references included, except the id, and a custom attribute."""
    return [*(name for name, known in type_.fields.items() if known.kind == "text" and name != "id"), "note"]


def rows_of(type_: RecordType) -> list[dict[str, Any]]:
    """Rows in which each field has each word, plus the required fields of the record."""
    needed = {name: example(known) for name, known in type_.fields.items() if known.required}
    names = texts_of(type_)
    return [
        {
            **needed,
            "id": f"R{row}",
            **{name: _words(name)[(row + place) % len(WORDS)] for place, name in enumerate(names)},
        }
        for row in range(len(WORDS))
    ]


def _words(name: str) -> tuple[str, ...]:
    return CURRENCIES if name == "currency" else WORDS


def example(known: FieldType) -> str:
    return known.choices[0] if known.choices else {"timestamp": "2026-01-05", "date": "2026-01-05"}.get(known.kind, "1")


def typed(type_: RecordType) -> list[Any]:
    names = type_.fields
    return [
        type_.model(**{name: row[name] for name in row if name in names}, attributes={"note": row["note"]})
        for row in rows_of(type_)
    ]


def measured(type_: RecordType, table: Any) -> dict[Any, Any]:
    """The counts of each field, and its account."""
    crm = ck.Dataset(**{type_.table: table}, currency="EUR")
    found: dict[Any, Any] = {}
    asked: Any = ck.Table(type_.model)
    for name in texts_of(type_):
        path = name if name in type_.fields else f"attributes.{name}"
        field: Any = getattr(asked, name) if name in type_.fields else asked.attributes[name]

        @ck.metric(
            different=asked.distinct(field),
            there=asked.count(),
            leave_out={f"no {name}": field.missing()},
            unit="count",
        )
        def counted(different: int, there: int) -> int:
            """The number of distinct words."""
            return different * 100 + there

        for each in crm.measure([counted], by=path):
            account = each.accounts[0]
            found[name, str(each.segment)] = each.value, dict(each.left_out), account.given, account.used
        ((whole,),) = (crm.measure([counted]),)
        found[name] = whole.value, dict(whole.left_out)
    read = {name: dict(counts) for name, counts in crm.fields(type_.table).items() if name in texts_of(type_)}
    return {**found, **read}


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.table)
def test_records_dicts_and_files_agree(type_: RecordType) -> None:
    known = measured(type_, typed(type_))
    rows = rows_of(type_)
    names = list(rows[0])
    file = io.StringIO()
    writer = csv.DictWriter(file, names)
    writer.writeheader()
    writer.writerows(rows)
    read: Any = ck.read_csv
    assert measured(type_, ck.read_dicts(rows, record=type_.model)) == known
    assert measured(type_, read(io.StringIO(file.getvalue()), record=type_.model)) == known
    for name in texts_of(type_):
        assert known[name] == ({"read": 5, "empty": 3, "unreadable": 0} if name != "note" else (405, {"no note": 3}))


@pytest.mark.one_of(3)
@pytest.mark.in_turns
@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.table)
def test_frames_and_databases_agree_with_records(backend: str, type_: RecordType) -> None:
    rows = rows_of(type_)
    table = pa.table({name: _column(type_, name, [row[name] for row in rows]) for name in rows[0]})
    frame = ck.table(frame_of(backend, table), record=type_.model)
    assert measured(type_, frame) == measured(type_, typed(type_))


def _column(type_: RecordType, name: str, cells: list[str]) -> Any:
    kind = type_.fields[name].kind if name in type_.fields else "text"
    if kind in ("text", "choice"):
        return pa.array(cells, pa.string())
    made = [getattr(record, name) for record in typed(type_)]
    return pa.array(made)


@pytest.mark.parametrize("type_", TYPES, ids=lambda type_: type_.table)
@pytest.mark.parametrize("blank", ["", "  ", "\t\n"])
def test_a_record_whose_id_is_blank_lacks_it(type_: RecordType, blank: str) -> None:
    row = {name: value for name, value in rows_of(type_)[0].items() if name != "note"}
    with pytest.raises(InputError, match=rf"^{type_.model.__name__} needs id, which is missing\.$"):
        type_.model(**{**row, "id": blank})


@pytest.mark.parametrize("value", ["", "\u00a0", "  \u3000", "\x1f", "0", "- "])
def test_only_spaces_tabs_and_ends_of_lines_are_blank(value: str) -> None:
    assert is_blank(value) is (value == "")
    assert ck.Customer(id="C", region=value).region == (value or None)


def test_related_records_are_not_found_by_blanks() -> None:
    orders = [ck.Order(id="O", customer_id=" ", amount="5", ordered_at="2026-01-05")]
    customers = [ck.Customer(id="C", region="North")]
    found = ck.Dataset(orders=orders, customers=customers, currency="EUR").measure(
        "revenue.ordered" if "revenue.ordered" in ck.catalogue else "average_order_value", by="customer.region"
    )
    assert [list((each.segment or {}).values()) for each in found] == [[None]]
