"""Formatted numbers."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_UP, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import net_promoter_score, win_rate
from crmkpi.display.format import (
    format_change,
    format_interval,
    format_label,
    format_range,
    format_value,
    judgement,
    value_text,
)
from crmkpi.measuring.results import Change
from crmkpi.statistics.intervals import Interval


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (0.632, "ratio", "63.2 %"),
        (0.0, "ratio", "0.0 %"),
        (1.0, "ratio", "100.0 %"),
        (0.0004, "ratio", "0.04 %"),
        (1e-9, "ratio", "0.0000001 %"),
        (-0.0004, "ratio", "-0.04 %"),
        (0.9996, "ratio", "99.96 %"),
        (0.999999, "ratio", "99.9999 %"),
        (12.345, "ratio", "1,234.5 %"),
        (Decimal("0.5"), "ratio", "50.0 %"),
        (4.2, "multiple", "4.20x"),
        (1234.5, "multiple", "1,234.50x"),
        (0.004, "multiple", "0.004x"),
        (None, "multiple", "–"),
        (timedelta(days=51, hours=19), "duration", "51.8 days"),
        (timedelta(days=2), "duration", "2 days"),
        (timedelta(hours=47), "duration", "47 h"),
        (timedelta(hours=5, minutes=12), "duration", "5.2 h"),
        (timedelta(minutes=43), "duration", "43 min"),
        (timedelta(seconds=12), "duration", "12 s"),
        (timedelta(milliseconds=120), "duration", "0.12 s"),
        (timedelta(0), "duration", "0 s"),
        (timedelta(days=-3), "duration", "-3 days"),
        (timedelta(days=1234), "duration", "1,234 days"),
        (4238, "count", "4,238"),
        (42.04, "score", "42.0"),
        (-0.01, "score", "0.0"),
        (2.956, "number", "2.96"),
        (0.00123, "number", "0.0012"),
        (None, "ratio", "–"),
        (None, "money", "–"),
    ],
)
def test_a_value_reads_by_its_unit(value: object, unit: str, text: str) -> None:
    assert format_value(value, unit) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "amount, text",
    [
        ("2360.905", "2,360.90 EUR"),
        ("2360.915", "2,360.92 EUR"),
        ("-0.004", "0.00 EUR"),
        ("12345678901234567890123456789012.345", "12,345,678,901,234,567,890,123,456,789,012.34 EUR"),
    ],
)
def test_money_is_rounded_half_even_to_the_cent(amount: str, text: str) -> None:
    assert format_value(Decimal(amount), "money", currency="EUR") == text


def test_money_reads_the_same_whatever_rounding_the_program_has_set() -> None:
    with localcontext() as context:
        context.rounding = ROUND_UP
        context.prec = 3
        assert format_value(Decimal("2360.901"), "money") == "2,360.90"


@given(st.floats(0, 1))
def test_a_share_reads_zero_or_all_only_where_it_is(share: float) -> None:
    text = format_value(share, "ratio")
    assert (text == "0.0 %") == (share == 0)
    assert (text == "100.0 %") == (share * 100 == 100)


@given(st.floats(0, 1))
def test_a_share_reads_as_it_is_to_a_twentieth_of_a_percent(share: float) -> None:
    assert abs(float(format_value(share, "ratio").removesuffix(" %")) - share * 100) <= 0.05 + 1e-9


@given(st.timedeltas(timedelta(seconds=1), timedelta(days=90_000)))
def test_a_duration_reads_as_it_is_to_half_a_percent(duration: timedelta) -> None:
    number, unit = format_value(duration, "duration").replace(",", "").split()
    seconds = {"days": 86_400, "h": 3_600, "min": 60, "s": 1}[unit]
    assert float(number) * seconds == pytest.approx(duration.total_seconds(), rel=0.0051)


def test_an_interval_has_the_unit_at_both_bounds() -> None:
    interval = Interval(0.62, 0.643, 0.95, "wilson")
    assert format_interval(interval, "ratio") == "[62.0 %, 64.3 %]"
    assert format_interval(None, "ratio") == ""


def test_a_range_beside_its_value_has_the_unit_of_the_value() -> None:
    interval = Interval(timedelta(hours=36), timedelta(hours=96), 0.95, "student")
    assert format_range(interval, "duration", timedelta(days=2.5)) == "1.5 to 4"


def test_a_range_of_large_amounts_has_no_cents() -> None:
    interval = Interval(Decimal("-12.5"), Decimal("4321.55"), 0.95, "student")
    assert format_range(interval, "money", Decimal(2000)) == "-12 to 4,322"
    assert format_range(interval, "money", Decimal(20)) == "-12.50 to 4,321.55"


@pytest.mark.parametrize(
    "change, unit, text, word",
    [
        (Change(0.012, 0.02, better=True, verdict="up"), "ratio", "+1.2 pp", "better"),
        (Change(-0.0004, -0.02, better=False, verdict="down"), "ratio", "-0.04 pp", "worse"),
        (Change(Decimal(5), 0.081, better=True, verdict="up"), "money", "+8.1 %", "better"),
        (Change(timedelta(hours=-1), -0.5, better=True, verdict="down"), "duration", "-50.0 %", "better"),
        (Change(3.25, 0.1, better=False, verdict="up"), "score", "+3.2 pts", "worse"),
        (Change(3.25, 0.1, verdict="up"), "score", "+3.2 pts", "up"),
        (Change(3.25, 0.1, verdict="no clear change"), "score", "+3.2 pts", "no clear change"),
        (Change(3.25, 0.1, verdict="too few to say"), "score", "+3.2 pts", "too few to say"),
        (Change(5, None, better=None), "count", "+5", ""),
        (Change(0, 0.0, better=None), "count", "unchanged", ""),
        (Change(None, None, better=None), "count", "–", ""),
        (None, "count", "", ""),
    ],
)
def test_a_change_reads_by_its_unit_and_says_in_a_word_whether_it_is_good(
    change: Change | None, unit: str, text: str, word: str
) -> None:
    assert format_change(change, unit) == text  # type: ignore[arg-type]
    assert judgement(change) == word


def test_only_a_net_promoter_score_has_a_sign() -> None:
    assert value_text(net_promoter_score.from_totals(promoters=52, detractors=10, answers=100)) == "+42.0"
    assert value_text(net_promoter_score.from_totals(promoters=10, detractors=52, answers=100)) == "-42.0"
    assert value_text(win_rate.from_totals(won=1, closed=2)) == "50.0 %"


@pytest.mark.parametrize(
    "value, text",
    [
        (None, "(none)"),
        ("", "(blank)"),
        (True, "yes"),
        (3, "3"),
        (date(2026, 1, 2), "2026-01-02"),
        ("two\nlines\tand more", "two lines and more"),
        ("red\x1b[31m", "red�[31m"),
        ("\u202eright to left", "�right to left"),
        ("東京", "東京"),
    ],
)
def test_the_name_of_a_segment_stays_on_one_line_and_moves_no_cursor(value: object, text: str) -> None:
    assert format_label(value) == text


@given(st.text())
def test_every_character_of_a_label_can_be_seen(text: str) -> None:
    assert format_label(text).isprintable()
    assert format_label(text)
