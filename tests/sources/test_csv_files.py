from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkpi.errors import (
    ColumnError,
    CrmKpiError,
    FileFormatError,
    InputError,
    RowError,
    TimeZoneError,
    UnknownNameError,
)
from crmkpi.records import Deal, Order, Survey, Ticket
from crmkpi.records.texts import is_blank
from crmkpi.sources import Records, read_csv


def deals(text: str, **options: Any) -> Records[Deal]:
    return read_csv(io.StringIO(text), record=Deal, **options)


def orders(text: str, **options: Any) -> Records[Order]:
    return read_csv(io.StringIO(text), record=Order, **options)


# the law


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "", "x,y"]),
            st.sampled_from(["won", "LOST", " open ", "gone", ""]),
            st.sampled_from(["", "2026-01-31", "31/01/2026", "2026-02-30", "soon"]),
            st.sampled_from(["", "12.50", "-1", "1e5", "twelve", "nan", " "]),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
        ),
        max_size=30,
    )
)
def test_every_row_is_a_record_or_rejected(rows: list[tuple[str, ...]]) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(["id", "status", "closed_at", "amount", "note"])
    writer.writerows(rows)
    found = deals(buffer.getvalue())
    blank = sum(not any(row) for row in rows)
    assert len(found) + len(found.rejected) + blank == len(rows) == found.account.rows
    assert found.account.skipped == ({"blank row": blank} if blank else {})
    assert [deal.id for deal in found] == [
        row[0] or f"row {line}" for row, line in zip(rows, lines_of(rows), strict=True) if is_a_record(row)
    ]
    assert [unread(deal) for deal in found] == [lacks(row) for row in rows if is_a_record(row)]
    for deal, row in zip(found, filter(is_a_record, rows), strict=True):
        assert ("status" in unread(deal)) == (deal.status is None)
        assert deal.attributes.get("note", "") == ("" if is_blank(row[4]) else row[4])


def unread(record: Any) -> dict[str, str]:
    """The unreadable fields of a record."""
    return dict(record.unreadable)


def lines_of(rows: list[tuple[str, ...]]) -> list[int]:
    """The lines on which rows start; some rows span several lines."""
    lines = [2]
    for row in rows:
        buffer = io.StringIO(newline="")
        csv.writer(buffer).writerow(row)
        lines.append(lines[-1] + len(re.findall(r"\r\n|\r|\n", buffer.getvalue())))
    return lines[:-1]


def lacks(row: tuple[str, ...]) -> dict[str, str]:
    """The unreadable fields of a row, as in its record."""
    found = {}
    if row[2] not in ("", "2026-01-31", "31/01/2026"):
        found["closed_at"] = repr(row[2])
    if row[3] == "twelve":
        found["amount"] = repr(row[3])
    if row[1] == "gone":
        found["status"] = repr(row[1])
    elif not row[1]:
        found["status"] = ""
    return found | ({} if row[0] else {"id": ""})


def is_a_record(row: tuple[str, ...]) -> bool:
    """True if any cell except the id is readable, or would be with its values mapped."""
    dated, worded = row[2] in ("2026-01-31", "31/01/2026"), row[1] not in ("", "gone")
    if not row[0] and not row[1]:
        return False
    if not (dated or worded or row[3] in ("12.50", "-1", "1e5")):
        return bool(row[0]) and any(lacks(row).values())
    return bool(row[0]) or dated or worded


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode("utf-8", "ignore"))))
@example(b'id,status\n1,"won')
@example(b'"id,status\n1,won')
@example(b"\xff\xfe")
@example(b"id,status\r1,won\r")
@example(b"id,status\n1,won,,,\n\n2\n")
@example(b"id,status,created_at\n1,won,0001-01-01T00:00+14:00\n")
def test_no_bytes_make_it_raise_anything_but_its_own_errors(content: bytes) -> None:
    try:
        read_csv(io.BytesIO(content), record=Deal, defaults={"status": "won"} if b"status" not in content else {})
    except CrmKpiError as problem:
        assert str(problem)


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_no_row_makes_it_raise_anything_but_its_own_errors(row: bytes) -> None:
    try:
        found = read_csv(io.BytesIO(b"id,ordered_at,amount,status,channel\n" + row), record=Order, tz="Europe/Berlin")
    except CrmKpiError as problem:
        assert str(problem)
    else:
        assert len(found) + len(found.rejected) <= row.count(b"\n") + row.count(b"\r") + 1


def test_a_row_that_is_faulty_does_not_cost_the_others_of_its_chunk() -> None:
    lines = [f"{number},{'wonn' if number % 400 == 7 else 'won'}" for number in range(1_000)]
    found = deals("id,status\n" + "\n".join(lines))
    assert [(one.line, one.count) for one in found.account.unreadable] == [(9, 3)]
    assert [deal.id for deal in found if unread(deal)] == ["7", "407", "807"]
    assert [deal.id for deal in found] == [str(number) for number in range(1_000)]


# columns


def test_headers_match_fields_whatever_their_case_and_blanks() -> None:
    [deal] = deals("ID,Status,Created At,LOST_reason\n1,won,2026-01-31,price\n")
    assert (deal.created_at, deal.lost_reason) == (datetime(2026, 1, 31), "price")


def test_a_header_can_be_mapped_to_one_field_to_several_and_to_none() -> None:
    found = deals(
        "Nr,Status,Day,Memo\n1,won,2026-01-31,x\n",
        columns={"Nr": "id", "Day": ("created_at", "closed_at"), "Memo": None},
    )
    assert found[0].created_at == found[0].closed_at == datetime(2026, 1, 31)
    assert (dict(found[0].attributes), found.unmapped) == ({}, ())


def test_columns_that_fill_no_field_become_attributes_as_text() -> None:
    found = deals("id,status,Region,Seats\n1,won,North,5\n2,won,,7\n")
    assert [dict(deal.attributes) for deal in found] == [{"Region": "North", "Seats": "5"}, {"Seats": "7"}]
    assert found.unmapped == ("Region", "Seats")


def test_attributes_can_be_declined_and_are_still_listed() -> None:
    found = deals("id,status,Region\n1,won,North\n", attributes=False)
    assert (dict(found[0].attributes), found.unmapped) == ({}, ("Region",))


def test_columns_without_a_header_and_with_the_same_one_keep_their_values_apart() -> None:
    found = deals("id,status,x,x,\n1,won,a,b,c\n")
    assert dict(found[0].attributes) == {"x (column 3)": "a", "x (column 4)": "b", "(column 5)": "c"}


def test_a_column_named_by_the_user_goes_before_one_of_the_same_name() -> None:
    found = deals("id,status,amount,Net\n1,won,120,100\n", columns={"Net": "amount"})
    assert (found[0].amount, dict(found[0].attributes)) == (Decimal(100), {"amount": "120"})


@pytest.mark.parametrize(
    ("text", "options", "error", "message"),
    [
        (
            "id,amount\n1,2\n",
            {},
            ColumnError,
            r"no column for 'status', which every Deal needs; its columns are 'id', 'am",
        ),
        ("id,status,status\n1,won,won\n", {}, ColumnError, "2 columns 'status', and only one can fill 'status'"),
        ("id,status,Status\n1,won,won\n", {}, ColumnError, "Two columns of <file>, 'status' and 'Status', both fill"),
        (
            "id,state\n1,won\n",
            {"columns": {"sate": "status"}},
            UnknownNameError,
            r"no column 'sate'\. Did you mean 'state'",
        ),
        (
            "id,x\n1,won\n",
            {"columns": {"x": "sttus"}},
            UnknownNameError,
            r"'sttus', which is no field of Deal. Did you mean",
        ),
        (
            "id,x\n1,won\n",
            {"columns": {"x": "attributes"}},
            UnknownNameError,
            "'attributes', which is no field of Deal",
        ),
        ("id,status\n1,won\n", {"defaults": {"curency": "EUR"}}, UnknownNameError, "defaults= names 'curency'"),
        ("id,status\n1,won\n", {"defaults": {"status": "won"}}, InputError, "the column 'status' of <file> fills it"),
        ("id,status\n1,won\n", {"values": {"stats": {}}}, UnknownNameError, "values= names 'stats'.*mean 'status'"),
        (
            "id,status\n1,won\n",
            {"values": {"status": {"W": "wn"}}},
            UnknownNameError,
            "does not have: 'wn'. Did you mean 'won'",
        ),
        (
            "id,status\n1,won\n",
            {"tz": "Europe/Berln"},
            UnknownNameError,
            "no time zone 'Europe/Berln'. Did you mean 'Europe/Berlin'",
        ),
        ("id,status\n1,won\n", {"decimal": ";"}, InputError, "decimal= is ',' or '.', and this is ';'"),
        ("id,status\n1,won\n", {"delimiter": ";;"}, FileFormatError, "A delimiter is one character.*';;'"),
        ("id,status\n1,won\n", {"date_format": {"at": "%d"}}, UnknownNameError, "date_format= names 'at'"),
        ("id,status;x\n1,won;2\n", {}, FileFormatError, "could be separated by ',' or ';'"),
        ("", {}, FileFormatError, "<file> is empty"),
        (" \n", {}, FileFormatError, "<file> is empty"),
        ('id,"sta"tus\n', {}, FileFormatError, "The headers of <file> do not read as CSV"),
        ('id,status\n1,won\n2,"won\n3,won\n', {}, FileFormatError, "a quote that is never closed in the row on line 3"),
    ],
)
def test_what_cannot_be_read_as_asked_is_an_error_that_names_it(
    text: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        deals(text, **options)


def test_defaults_fill_fields_without_a_column() -> None:
    found = deals("id\n1\n", defaults={"status": "Won", "currency": "EUR", "closed_at": "2026-01-31"})
    assert (found[0].status, found[0].currency, found[0].closed_at) == ("won", "EUR", datetime(2026, 1, 31))


def test_a_record_that_nothing_refers_to_is_numbered_by_line_when_it_has_no_id() -> None:
    found = orders('amount,product\n1,"two\nlines"\n2,x\n')
    assert [order.id for order in found] == ["row 2", "row 4"]
    assert found.notes == ("No column holds the id of orders, so ids are line numbers, such as 'row 2'.",)


# values


def test_words_of_the_file_become_ours_and_choices_match_in_any_case() -> None:
    found = deals(
        "id,status,amount,source\n1,Closed Won,5,x\n2,LOST,-,web\n3,closed won,,\n",
        values={"status": {"Closed Won": "won"}, "amount": {"-": None}, "source": {"x": "fair"}},
    )
    assert [(deal.status, deal.amount, deal.source) for deal in found] == [
        ("won", Decimal(5), "fair"),
        ("lost", None, "web"),
        ("won", None, None),
    ]


@pytest.mark.parametrize(
    ("row", "field", "value", "reason"),
    [
        ("1,,,,", "status", None, "missing"),
        (",,5,,", "id", None, "missing"),
        (",gone,5,,", "id", None, "missing"),
        ("1,won,,", None, None, "it has 4 cells under 5 headers"),
        ("1,won,,,,,", None, None, "it has 7 cells under 5 headers"),
        ('1,"w"on,,,', None, None, "a cell has more text after its closing quote"),
    ],
)
def test_a_row_that_does_not_parse_is_kept_with_its_line_and_reason(
    row: str, field: str | None, value: str | None, reason: str
) -> None:
    text = f'id,status,amount,probability,deleted\n"9",won,,,\n{row}\n8,lost,,,\n'
    found = deals(text)
    assert [deal.id for deal in found] == ["9", "8"]
    [rejected] = found.rejected
    assert (rejected.line, rejected.field, rejected.value, rejected.reason) == (3, field, value, reason)
    with pytest.raises(RowError, match="Line 3 of <file> is no Deal: ") as raised:
        deals(text, strict=True)
    assert reason in str(raised.value)


@pytest.mark.parametrize(
    ("row", "field", "value", "reason"),
    [
        ("1,wonn,,,", "status", "'wonn'", "not one of its values (Did you mean 'won'?)"),
        ("1,,5,,", "status", "", "missing"),
        (",won,,,", "id", "", "missing"),
        ("1,won,x,,", "amount", "'x'", "not a number"),
        ("1,won,inf,,", "amount", "'inf'", "not a finite number"),
        (
            "1,won,,75,",
            "probability",
            "'75'",
            'no share from 0 to 1; where the column is in percent, say units={"probability": "percent"}',
        ),
        ("1,won,,-1,", "probability", "'-1'", "below 0, the least that the field takes"),
        ("1,won,,,perhaps", "deleted", "'perhaps'", "neither yes nor no"),
    ],
)
def test_a_value_that_cannot_be_read_costs_its_field_and_not_the_record(
    row: str, field: str, value: str, reason: str
) -> None:
    text = f'id,status,amount,probability,deleted\n"9",won,,,\n{row}\n8,lost,,,\n'
    found = deals(text)
    assert [deal.id for deal in found] == ["9", "row 3" if field == "id" else "1", "8"]
    assert not found.rejected
    assert [unread(deal) for deal in found] == [{}, {field: value}, {}]
    assert [(one.line, one.field, one.value, one.reason, one.count) for one in found.account.unreadable] == [
        (3, field, value, reason, 1)
    ]
    with pytest.raises(RowError, match="Line 3 of <file> is no Deal: ") as raised:
        deals(text, strict=True)
    assert reason in str(raised.value)


def test_reasons_name_whole_numbers_and_rules_over_several_fields() -> None:
    tickets = read_csv(io.StringIO("id,replies\n1,2.5\n2,x\n3,2\n"), record=Ticket)
    assert [one.reason for one in tickets.account.unreadable] == ["not a whole number", "not a whole number"]
    surveys = read_csv(io.StringIO("kind,score\nnps,11\nnps,10\n"), record=Survey)
    assert [unread(survey) for survey in surveys] == [{"score": "'11'"}, {}]
    assert surveys.account.unreadable[0].reason == "The score 11 is off its scale, which goes from 0 to 10"


def test_a_value_that_cannot_be_read_is_cut_at_80_characters() -> None:
    found = deals(f"id,status,amount\n1,won,{'x' * 500}\n")
    assert len(found.account.unreadable[0].value) == len(unread(found[0])["amount"]) == 80


def test_blank_cells_of_fields_other_than_text_are_missing() -> None:
    [order] = orders("id,amount,ordered_at\n1,  , \n")
    assert (order.amount, order.ordered_at) == (None, None)


# time zones


def test_times_without_an_offset_become_instants_of_the_zone() -> None:
    found = orders("id,ordered_at\n1,2026-01-31\n2,2026-07-01T12:00\n3,2026-07-01T12:00Z\n", tz="Europe/Berlin")
    assert [order.ordered_at for order in found] == [
        datetime(2026, 1, 30, 23, tzinfo=UTC),
        datetime(2026, 7, 1, 10, tzinfo=UTC),
        datetime(2026, 7, 1, 12, tzinfo=UTC),
    ]


def test_a_zone_may_be_given_as_zone_info() -> None:
    found = orders("id,ordered_at\n1,2026-07-01T12:00\n", tz=ZoneInfo("Europe/Berlin"))
    assert (found[0].ordered_at, found.tz) == (datetime(2026, 7, 1, 10, tzinfo=UTC), "Europe/Berlin")


@pytest.mark.parametrize("zone", [timezone(timedelta(hours=2)), UTC, 2])
def test_a_zone_without_a_name_is_refused(zone: Any) -> None:
    with pytest.raises(
        InputError, match='tz= is the name of a time zone, such as "Europe/Berlin", or its ZoneInfo; got '
    ):
        orders("id,ordered_at\n1,2026-07-01T12:00\n", tz=zone)


def test_times_without_an_offset_stay_local_without_a_zone() -> None:
    assert orders("id,ordered_at\n1,2026-01-31T08:00\n")[0].ordered_at == datetime(2026, 1, 31, 8)


def test_a_column_that_mixes_times_with_and_without_an_offset_is_refused() -> None:
    with pytest.raises(TimeZoneError, match=r"'At' of <file>.*\(line 4\) and with one \(line 2\); say with tz="):
        orders("id,At\n1,2026-01-01T00:00Z\n2,\n3,2026-01-01\n", columns={"At": "ordered_at"})


def test_columns_that_differ_in_offsets_give_a_note() -> None:
    found = orders("id,ordered_at,delivered_at\n1,2026-01-01T00:00Z,2026-01-02\n")
    assert found.notes == (
        (
            "Times have no offset in delivered_at but one in ordered_at, so they cannot be compared; "
            "tz= says which time zone the former are in."
        ),
    )


# the file


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_outside_of_quotes(delimiter: str) -> None:
    header = delimiter.join(["id", "status", '"a,b;c|d\te,,;;||\t\tx"'])
    [deal] = deals(f"{header}\n{delimiter.join(['1', 'won', 'x'])}\n")
    assert (deal.status, list(deal.attributes)) == ("won", ["a,b;c|d\te,,;;||\t\tx"])


def test_a_run_of_blanks_is_one_delimiter() -> None:
    found = orders(' customer_id  date  amount \n 00001 19970101   11.77\n\n "A B" 19970112  5.00\n', delimiter=" ")
    assert [(order.id, order.customer_id, str(order.amount)) for order in found] == [
        ("row 2", "00001", "11.77"),
        ("row 4", "A B", "5.00"),
    ]


def test_a_missing_cell_between_blanks_is_rejected_not_shifted() -> None:
    found = orders("customer_id channel amount\nA  5\nB web 7\n", delimiter=" ")
    assert [order.customer_id for order in found] == ["B"]
    assert [(row.line, row.reason) for row in found.rejected] == [(2, "it has 2 cells under 3 headers")]


def test_one_column_needs_no_delimiter() -> None:
    assert orders("id\n1\n2\n")[1].id == "2"


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_way_and_cells_may_hold_line_breaks(ending: str) -> None:
    lines = ["", "id,status,lost_reason", '1,lost,"too', 'dear"', "", "2,gone,x", "3,won,"]
    found = deals(ending.join(lines))
    assert found[0].lost_reason == f"too{ending}dear"
    assert [one.line for one in found.account.unreadable] == [6]
    assert len(found) == 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_named_or_marked(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "deals.csv"
    path.write_text("id,status,owner\n1,won,Zoë\n", encoding=encoding)
    found = read_csv(path, record=Deal, encoding="cp1252" if encoding == "cp1252" else None)
    assert found[0].owner == "Zoë"
    assert found.source == "deals.csv"


def test_bytes_of_another_encoding_are_an_error_that_says_where() -> None:
    message = r'not utf-8: the byte 0xEB at position 22 cannot be decoded; say .*encoding="cp1252"'
    with pytest.raises(FileFormatError, match=message):
        read_csv(io.BytesIO("id,status,owner\n1,won,ë\n".encode("cp1252")), record=Deal)


def test_an_unknown_encoding_is_named_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no text encoding 'utf-88'\. Did you mean 'utf-8'\?"):
        read_csv(io.BytesIO(b"id,status\n"), record=Deal, encoding="utf-88")


def test_a_codec_that_is_no_text_encoding_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="no text encoding 'base64'"):
        read_csv(io.BytesIO(b"id,status\n"), record=Deal, encoding="base64")


def test_an_encoding_that_fails_without_a_byte_to_name_is_an_error() -> None:
    with pytest.raises(FileFormatError, match="<file> is not undefined"):
        read_csv(io.BytesIO(b"id,status\n"), record=Deal, encoding="undefined")


def test_a_file_opened_with_another_encoding_is_an_error() -> None:
    file = io.TextIOWrapper(io.BytesIO(b"id,owner\n1,\xeb\n"), encoding="utf-8")
    with pytest.raises(FileFormatError, match="was opened with an encoding that does not fit"):
        read_csv(file, record=Order)


def test_an_open_file_must_give_text_or_bytes() -> None:
    class Numbers:
        def read(self) -> int:
            return 7

    numbers: Any = Numbers()
    with pytest.raises(InputError, match="must give text or bytes, and <file> gave a int"):
        read_csv(numbers, record=Order)


def test_nul_characters_are_an_error() -> None:
    with pytest.raises(FileFormatError, match="NUL character on line 2"):
        deals("id,status\n1,w\0n\n")


def test_a_source_must_be_a_path_or_an_open_file() -> None:
    with pytest.raises(InputError, match="must be a path or an open file, and this is a list"):
        read_csv(["id"], record=Order)  # type: ignore[call-overload]


def test_a_file_with_headers_only_has_no_records() -> None:
    found = deals("id,status\n")
    assert (len(found), found.notes) == (0, ("There are headers and no rows.",))


def test_a_cell_of_a_million_characters_reads_and_the_limit_of_the_process_stays() -> None:
    before = csv.field_size_limit()
    [order] = orders(f"id,product\n1,{'x' * 1_000_000}\n")
    assert len(order.product or "") == 1_000_000
    assert csv.field_size_limit() == before


def test_a_semicolon_file_reads_decimal_commas_by_column() -> None:
    [order] = orders("id;amount;cost;Note\n1;1.234,50;12.5;1,5\n")
    assert (order.amount, order.cost, dict(order.attributes)) == (Decimal("1234.50"), Decimal("12.5"), {"Note": "1,5"})


def test_a_semicolon_file_with_numbers_that_could_be_either_is_refused() -> None:
    with pytest.raises(InputError, match=r"numbers in the column 'amount' could have thousands or decimals.*'1\.234'"):
        orders("id;amount\n1;1.234\n2;50\n")
    assert orders("id;amount\n1;1.234\n", decimal=",")[0].amount == Decimal(1234)
    assert orders("id;amount\n1;1.234\n", decimal=".")[0].amount == Decimal("1.234")


def test_an_unquoted_file_on_disk_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "opportunities.csv"
    path.write_text("id,status,Region\n1,won,N\n2,won,S\n3,x,N\n", encoding="utf-8")
    assert repr(read_csv(str(path), record=Deal)) == (
        "Records: 3 deals from opportunities.csv; status unreadable in 1, see .account; unmapped columns: Region"
    )


def test_records_share_the_words_that_come_again_and_the_attributes_that_they_have_not() -> None:
    rows = "".join(f"{number},won,Ada {number % 3}\n" for number in range(500))
    deals = read_csv(io.StringIO(f"id,status,owner\n{rows}"), record=Deal)
    assert len({id(deal.owner) for deal in deals}) == 3
    assert len({id(deal.attributes) for deal in deals}) == 1
    assert [deal.owner for deal in deals[:3]] == ["Ada 0", "Ada 1", "Ada 2"]
