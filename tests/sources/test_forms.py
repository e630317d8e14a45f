"""Forms of numbers, durations and dates in real files, read or refused with an error."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import (
    AmbiguousDateError,
    InputError,
)
from crmkpi.sources import Records


def read(text: str, **options: Any) -> Records[Any]:
    return ck.read_csv(io.StringIO(text), **{"record": ck.Deal, **options})


def column(field: str, *cells: str, record: type[Any] = ck.Deal, **options: Any) -> Any:
    """The values of one column of a file."""
    rows = "".join(f'{number},won,"{cell}"\n' for number, cell in enumerate(cells, 1))
    kept = {"status": None} if record is not ck.Deal else {}
    found = read(f"id,status,{field}\n{rows}", record=record, columns=kept, **options)
    assert found.account.rows == found.account.used + len(found.rejected) + sum(found.account.skipped.values())
    return [getattr(each, field) for each in found], found


# numbers


@pytest.mark.parametrize(
    ("text", "amount", "kind"),
    [
        ("€1,200.50", "1200.50", "€ read as EUR"),
        ("1.200,50 €", "1200.50", "decimal comma"),
        ("EUR 5", "5", "EUR read as EUR"),
        ("£1,117.10K", "1117100", "K multiplied out"),
        ("1.5M", "1500000", "M multiplied out"),
        ("2,5 bn", "2500000000", "BN multiplied out"),
        ("(1,200.50)", "-1200.50", "brackets to a minus"),
        ("-€5.00", "-5.00", "€ read as EUR"),
        ("\u22125.25", "-5.25", None),
        ("1 234.50", "1234.50", "thousands set apart"),
        (" --", None, "'--' is no value"),
    ],
)
def test_amounts_read_as_people_write_them(text: str, amount: str | None, kind: str | None):
    [found], records = column("amount", text)
    assert found == (None if amount is None else Decimal(amount))
    assert kind is None or records.account.coerced["amount"][kind] == 1


@pytest.mark.parametrize("text", ["none left", "1,5,0", "12 apples", "5%", "(5", "--5", "1e999999999", "9" * 101])
def test_what_is_no_amount_cannot_be_read(text: str):
    assert column("amount", text, "1.50")[1].account.unreadable[0].reason.startswith("not a number")


def test_a_decimal_comma_that_shows_late_holds_for_the_numbers_before_it():
    amounts, _ = column("amount", *["1.234"] * 500, "1.234,50")
    assert amounts == [Decimal(1234)] * 500 + [Decimal("1234.50")]


@pytest.mark.parametrize("cells", [("12.50", "1,5"), ("1,5", "12.50"), ("12.50", *["7"] * 500, "1,5 €")])
def test_a_column_that_shows_both_signs_is_refused_unless_one_is_said(cells: tuple[str, ...]):
    with pytest.raises(InputError, match=r"with a comma \('1,5.*'\) and with a point \('12.50'\); say decimal="):
        column("amount", *cells)
    assert (
        column("amount", *cells, decimal=".")[1].account.unreadable[0].reason
        == "not a number with '.' before its decimals"
    )


def test_whole_numbers_have_thousands_whatever_the_sign():
    assert column("opened", "2,140", "1,234,567", "7", record=ck.Campaign)[0] == [2140, 1234567, 7]


def test_percentages_become_fractions():
    assert column("probability", "45%", "0.5")[0] == [0.45, 0.5]


# durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90.0),
        ("02:15:00", 8100.0),
        ("2 days 01:00:00", 176400.0),
        ("1 day 3 hours", 97200.0),
        ("1h 30m", 5400.0),
        ("5 min, 10 sec", 310.0),
        ("250 ms", 0.25),
        ("PT1H5M", 3900.0),
        ("1 week and 1 day", 691200.0),
    ],
)
def test_durations_read_as_people_write_them(text: str, seconds: float):
    assert column("handled_seconds", text, record=ck.Ticket)[0] == [seconds]


@pytest.mark.parametrize("text", ["12:30", "soon", "5 parsecs", "1:99:00"])
def test_what_is_no_duration_cannot_be_read(text: str):
    assert len(column("handled_seconds", text, record=ck.Ticket)[1].account.unreadable) == 1


@given(st.integers(0, 10**7))
def test_a_duration_on_the_clock_is_its_seconds(seconds: int):
    text = f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    assert column("handled_seconds", text, record=ck.Ticket)[0] == [float(seconds)]


# dates


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("15 Apr, 2021 00:03:00", datetime(2021, 4, 15, 0, 3)),
        ("Jun 09, 2018 09:30 pm", datetime(2018, 6, 9, 21, 30)),
        ("5/25/2026, 9:30\u202fPM", datetime(2026, 5, 25, 21, 30)),
        ("2026-01-31 10:00:00 UTC", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00.000+0000", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("20260131", datetime(2026, 1, 31)),
        ("--", None),
    ],
)
def test_dates_read_as_systems_write_them(text: str, moment: datetime | None):
    assert column("created_at", text)[0] == [moment]


def test_a_number_is_no_date_unless_its_form_is_said():
    assert "date_format='unix_seconds'" in column("created_at", "1710121012345")[1].account.unreadable[0].reason
    assert column("created_at", "1710121012345", date_format="unix_milliseconds")[0][0].year == 2024
    assert column("created_at", "46053.5", date_format="excel_days")[0] == [datetime(2026, 1, 31, 12)]
    assert column("expected_close_on", "46053", date_format="excel_days")[0] == [date(2026, 1, 31)]


def test_the_order_of_days_is_that_of_the_column_and_refused_where_nothing_shows_it():
    assert column("created_at", "03/04/2026", "25/04/2026")[0] == [datetime(2026, 4, 3), datetime(2026, 4, 25)]
    assert column("created_at", "03/04/2026", "04/25/2026")[0] == [datetime(2026, 3, 4), datetime(2026, 4, 25)]
    with pytest.raises(AmbiguousDateError, match="'created_at' could all start with the day or the month"):
        column("created_at", "03/04/2026", "05/06/2026")


def test_the_zone_in_a_header_is_that_of_its_times():
    found = read(
        "id,status,Made (Europe/Berlin)\n1,won,2026-01-31 10:00\n", columns={"Made (Europe/Berlin)": "created_at"}
    )
    assert found[0].created_at == datetime(2026, 1, 31, 9, tzinfo=UTC)
