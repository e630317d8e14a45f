from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi.errors import InputError
from crmkpi.sources.numbers import DecimalSign, number_reader, settled_decimal

AMOUNTS = st.decimals(-(10**9), 10**9, places=2)


def written(amount: Decimal, sign: str) -> str:
    """An amount in accounting format, with the other mark as thousands separator."""
    english = f"{amount:,.2f}"
    return english if sign == "." else english.translate(str.maketrans(",.", ".,"))


@given(AMOUNTS, st.sampled_from([".", ","]))
def test_a_number_reads_as_it_was_written(amount: Decimal, sign: DecimalSign) -> None:
    assert Decimal(number_reader(sign)(written(amount, sign))) == amount


@given(st.lists(AMOUNTS, min_size=1), st.sampled_from([".", ","]))
def test_a_column_with_decimals_shows_its_sign(amounts: list[Decimal], sign: str) -> None:
    assert settled_decimal("amount", [written(amount, sign) for amount in amounts]) == sign


@pytest.mark.parametrize(
    ("text", "sign", "number"),
    [
        ("1 234,5", ",", "1234.5"),
        ("1\u00a0234,50", ",", "1234.50"),
        ("1'234.50", ".", "1234.50"),
        ("1\u2019234.50", ".", "1234.50"),
        (" +7 ", ".", "7"),
        (",5", ",", ".5"),
        ("-0,5", ",", "-0.5"),
        ("1.234.567", ",", "1234567"),
    ],
)
def test_the_usual_ways_to_set_thousands_apart_read(text: str, sign: DecimalSign, number: str) -> None:
    assert number_reader(sign)(text) == number


@pytest.mark.parametrize("text", ["1,23,4", "1.2345,6", "12.34", "0.123", "", "-", ",", "x", "1,5 €", "1..234"])
def test_what_is_no_number_with_a_decimal_comma_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a number with ',' before its decimals"):
        number_reader(",")(text)


def test_numbers_that_are_numbers_already_stay_as_they_are() -> None:
    assert number_reader(",")(1.5) == 1.5


def test_a_column_of_thousands_or_decimals_is_refused() -> None:
    with pytest.raises(InputError, match=r"'1,234' is 1234 with decimal=\".\" and 1.234 with decimal=\",\"; say"):
        settled_decimal("amount", ["50", "1,234", "x", ""])


def test_a_column_of_both_signs_is_refused() -> None:
    with pytest.raises(InputError, match=r"with a comma \('2,5'\) and with a point \('1.5'\); say decimal="):
        settled_decimal("amount", ["1.5", "2,5"])


@pytest.mark.parametrize(
    ("values", "sign"),
    [
        (["50", "7"], "."),
        ([], "."),
        (["0.123"], "."),
        (["0,123"], ","),
        (["1.234.567"], ","),
        (["1,234,567"], "."),
        (["1.234", "1,5"], ","),
        (["1.234", "1.5"], "."),
    ],
)
def test_one_number_settles_the_column(values: list[str], sign: str) -> None:
    assert settled_decimal("amount", values) == sign
