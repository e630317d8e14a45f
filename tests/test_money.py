from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Context, Decimal, DefaultContext
from fractions import Fraction
from importlib.util import find_spec, module_from_spec
from itertools import count, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.backends import arrow_of, frame_of

import crmkpi as ck
from crmkpi.engines.query import EXACT
from crmkpi.errors import CurrencyError, InputError, PeriodError
from crmkpi.records.base import record_type

amounts = st.decimals(min_value=-(10**15), max_value=10**15, places=2)
_NUMBERS = count()
YEARLY = ck.Rates("EUR", {"USD": {date(2025, 1, 1): "0.9", date(2026, 1, 1): "0.8"}, "GBP": "1.25"})


def won(*amounts_: Any, **fields: Any) -> list[ck.Deal]:
    return [ck.Deal(id=f"D{next(_NUMBERS)}", status="won", amount=amount, **fields) for amount in amounts_]


@given(st.lists(amounts, max_size=50), st.randoms(use_true_random=False))
def test_money_is_added_to_the_cent_in_any_order(found: list[Decimal], shuffle: random.Random) -> None:
    mixed = found.copy()
    shuffle.shuffle(mixed)
    expected = sum((Fraction(amount) for amount in found), Fraction(0))
    for order in (found, mixed):
        value = ck.revenue(won(*order)).value
        assert isinstance(value, Decimal)
        assert Fraction(value) == expected


def test_a_hundred_thousand_huge_and_tiny_amounts_add_up_to_the_cent() -> None:
    chance = random.Random(7)
    cents = [chance.choice((1, -1)) * chance.randrange(10 ** chance.randrange(1, 22)) for _ in range(100_000)]
    found = won(*(Decimal(cent).scaleb(-2) for cent in cents))
    assert ck.revenue(found).value == Decimal(sum(cents)).scaleb(-2)
    assert ck.revenue(found[::-1]).value == Decimal(sum(cents)).scaleb(-2)


def test_a_mean_of_money_is_rounded_once_to_28_digits() -> None:
    assert ck.average_deal_size(won(1, 1, 0)).value == Decimal("0.6666666666666666666666666667")


@pytest.mark.parametrize("name", ["definition.metric", "measuring.samples", "statistics.intervals", "engines.query"])
def test_divisions_have_28_digits_whatever_decimals_have_where_the_library_is_imported(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DefaultContext, "prec", 5)
    found = find_spec(f"crmkpi.{name}")
    assert found is not None
    assert found.loader is not None
    again = module_from_spec(found)
    found.loader.exec_module(again)
    digits = {context.prec for context in vars(again).values() if isinstance(context, Context)}
    assert digits - {EXACT.prec} == {28}


def test_amounts_in_several_currencies_are_an_error_that_counts_them() -> None:
    found = [*won(1, 2, currency="USD"), *won(3, currency="EUR"), *won(4, 5, 6)]
    message = (
        r"revenue would add amounts in several currencies: 3 in no currency, 2 in USD, 1 in EUR\. "
        r"Give rates=crmkpi\.Rates\(to, \.\.\.\) to convert them, or group by='currency'\."
    )
    with pytest.raises(CurrencyError, match=message):
        ck.revenue(found)


def test_a_result_has_a_currency_where_it_is_money_and_whatever_input_tells_it() -> None:
    deals = ck.Table(ck.Deal)
    per_deal = {"deals": deals.count(), "amount": deals.sum(deals.amount)}

    @ck.metric(unit="money", **per_deal)
    def each(deals: int, amount: Decimal) -> Decimal:
        """What a deal brings."""
        return amount / deals

    @ck.metric(unit="number", **per_deal)
    def plain(deals: int, amount: Decimal) -> Decimal:
        """The same as a mere number."""
        return amount / deals

    found = won(2, 4, currency="USD")
    assert [(result.value, result.currency) for result in (each(found), plain(found))] == [(3, "USD"), (3, None)]


def spent(currency: str | None) -> list[ck.Campaign]:
    return [ck.Campaign(id="C", cost=50, currency=currency)]


@pytest.mark.parametrize(
    ("revenue", "cost", "named"),
    [("USD", "EUR", "revenue in USD, cost in EUR"), (None, "EUR", "revenue in no currency, cost in EUR")],
)
def test_amounts_of_two_inputs_are_in_one_currency_too(revenue: str | None, cost: str, named: str) -> None:
    """100 USD are not twice 50 EUR: at half a euro for a dollar they are once."""
    deals = won(100, currency=revenue, campaign_id="C")
    message = rf"roas would combine amounts in several currencies: {named}\. Give rates=crmkpi\.Rates"
    with pytest.raises(CurrencyError, match=message):
        ck.roas(deals=deals, campaigns=spent(cost))
    rates = ck.Rates("EUR", {"USD": "0.5"})
    assert ck.roas(deals=won(100, currency="USD", campaign_id="C"), campaigns=spent("EUR"), rates=rates).value == 1.0
    assert ck.roas(deals=deals, campaigns=spent(cost), currency="EUR", rates=rates).value in (1.0, 2.0)


def test_growth_from_one_currency_to_another_is_an_error() -> None:
    deals = [*won(100, currency="USD", closed_at="2026-01-15")]
    deals += [ck.Deal(id="later", status="won", amount=100, currency="EUR", closed_at="2026-02-15")]
    with pytest.raises(CurrencyError, match=r"current in EUR, previous in USD"):
        ck.revenue_growth_rate(deals, period="2026-02")
    assert ck.revenue_growth_rate(deals[:1], period="2026-02", currency="EUR").value == -1.0  # 0 has no currency


def test_only_the_amounts_that_are_added_must_be_in_one_currency() -> None:
    found = [*won(1, currency="USD"), ck.Deal(id="x", status="lost", amount=9, currency="EUR")]
    result = ck.revenue(found)
    assert (result.value, result.currency) == (1, "USD")


@given(st.lists(st.tuples(amounts, st.sampled_from(("USD", "EUR", "JPY", None))), max_size=20))
def test_grouping_by_currency_keeps_the_currencies_apart(found: list[tuple[Decimal, str | None]]) -> None:
    deals = [
        ck.Deal(id=str(n), status="won", amount=amount, currency=currency) for n, (amount, currency) in enumerate(found)
    ]
    report = ck.Dataset(deals=deals).measure("revenue", by="currency")
    for result in report:
        currency = result.segment["currency"]
        assert result.value == sum(amount for amount, own in found if own == currency)
        assert result.currency == currency


def test_the_datasets_currency_is_that_of_amounts_which_carry_none() -> None:
    result = ck.revenue([*won(1), *won(2, currency="EUR")], currency="EUR")
    assert (result.value, result.currency) == (3, "EUR")


@pytest.mark.parametrize("engine", ["records", "polars"])
@pytest.mark.parametrize("said", ["USD", None])
@pytest.mark.parametrize("named", list(product(["USD", "EUR", None], repeat=2)))
def test_the_datasets_currency_stands_only_for_amounts_that_name_none(
    engine: str, named: tuple[str | None, ...], said: str | None
) -> None:
    found = [one for currency in named for one in won(1, currency=currency)]
    deals = found if engine == "records" else frame_of(engine, arrow_of(found, record_type(ck.Deal)))
    crm = ck.Dataset(deals=deals, currency=said)
    meant = {currency or said for currency in named}
    if len(meant) > 1:
        with pytest.raises(CurrencyError, match="revenue would add amounts in several currencies"):
            crm.measure("revenue")
    else:
        (result,) = crm.measure("revenue")
        assert (result.value, {result.currency}) == (len(named), meant)


def test_fixed_rates_convert_every_amount() -> None:
    found = [*won(10, currency="USD"), *won(5, currency="EUR"), *won("0.01")]
    result = ck.revenue(found, rates=ck.Rates("EUR", {"USD": "0.9"}), currency="EUR")
    assert (result.value, result.currency) == (Decimal("14.01"), "EUR")


def test_fixed_rates_leave_the_account_as_it_is_without_rates() -> None:
    found = [*won(10), ck.Deal(id="x", status="won"), ck.Deal(id="y", status="open", closed_at="2026-01-01")]
    fixed = ck.Rates("EUR", {"USD": "0.9"})
    assert ck.revenue(found, rates=fixed, currency="EUR").accounts == ck.revenue(found).accounts


@pytest.mark.parametrize("period", [None, "2025..2026", "all"])
def test_dated_rates_convert_at_the_rate_of_the_records_own_day(period: str | None) -> None:
    found = [
        *won(100, currency="USD", closed_at="2025-12-31T23:59"),
        *won(100, currency="USD", closed_at="2026-01-01T00:00"),
        *won(100, currency="GBP", closed_at="2026-05-01"),
    ]
    asked = "2025-01-01..2026-12-31" if period == "2025..2026" else period
    assert ck.revenue(found, rates=YEARLY, period=asked).value == 90 + 80 + 125


def test_without_a_period_dated_rates_ask_for_no_timestamp_where_no_money_is_converted() -> None:
    customers = [ck.Customer(id="1", status="churned"), ck.Customer(id="2", status="active"), ck.Customer(id="3")]
    by_status = ck.churn_rate.variant("by_status")
    plain, dated = by_status(customers), by_status(customers, rates=YEARLY)
    assert (dated.value, dated.left_out, dated.accounts) == (plain.value, plain.left_out, plain.accounts)
    assert dated.value == 0.5
    by = ck.Dataset(customers=customers, rates=YEARLY).measure(by_status, by="status")
    assert [result.value for result in by] == [0.0, 1.0, None]
    with pytest.raises(PeriodError, match="cannot be measured in a period: customers have no timestamp"):
        by_status(customers, rates=YEARLY, period="2026")


def test_the_day_of_a_rate_is_that_of_the_calendar() -> None:
    eve = won(100, currency="USD", closed_at="2025-12-31T23:30Z")
    assert ck.revenue(eve, rates=YEARLY).value == 90
    assert ck.revenue(eve, rates=YEARLY, calendar=ck.Calendar(tz="Europe/Berlin")).value == 80


def test_a_stock_is_converted_at_the_end_of_the_period() -> None:
    open_deal = ck.Deal(id="1", status="open", amount=100, currency="USD", created_at="2025-03-01")
    assert ck.pipeline_value([open_deal], rates=YEARLY, period="2025-06").value == 90
    assert ck.pipeline_value([open_deal], rates=YEARLY, period="2026-06").value == 80


WRONG: Mapping[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "an unknown currency": (
        lambda: ck.revenue(won(1, currency="USB"), rates=YEARLY),
        CurrencyError,
        r"There is no rate from USB to EUR; add it to rates\. Did you mean 'USD'\?",
    ),
    "no currency": (
        lambda: ck.revenue(won(1), rates=YEARLY),
        CurrencyError,
        r"There is no rate from no currency to EUR; add it to rates\. Give the dataset's own currency=\.\.\.",
    ),
    "no date for a dated rate": (
        lambda: YEARLY.convert(Decimal(1), "USD", None),
        CurrencyError,
        r"An amount in USD has no date, and its rates to EUR depend on the day\.",
    ),
    "a day before the first rate": (
        lambda: ck.revenue(won(1, currency="USD", closed_at="2024-12-31"), rates=YEARLY),
        CurrencyError,
        r"There is no rate from USD to EUR on 2024-12-31; the first is of 2025-01-01\.",
    ),
    "a rate of zero": (
        lambda: ck.Rates("EUR", {"USD": 0}),
        InputError,
        r"The rate of USD must be a positive number; got 0\.",
    ),
    "a rate below zero": (lambda: ck.Rates("EUR", {"USD": "-1"}), InputError, r"The rate of USD must be .* got '-1'\."),
    "an endless rate": (
        lambda: ck.Rates("EUR", {"USD": float("inf")}),
        InputError,
        r"The rate of USD must .* got inf\.",
    ),
    "a rate that is no number": (
        lambda: ck.Rates("EUR", {"USD": "0,9"}),
        InputError,
        r"The rate of USD must be a positive number; got '0,9'\.",
    ),
    "a currency worth something else in itself": (
        lambda: ck.Rates("EUR", {"EUR": "1.1"}),
        InputError,
        r"One EUR is one EUR; got a rate of '1\.1'\.",
    ),
    "no rates of a currency": (
        lambda: ck.Rates("EUR", {"USD": {}}),
        InputError,
        r"The rates of USD must name at least one day; got none\.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_money_that_cannot_be_converted_is_an_error_that_names_the_currency(name: str) -> None:
    convert, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        convert()


@given(amounts, st.datetimes(min_value=datetime(2025, 1, 1), max_value=datetime(2027, 1, 1)))
def test_a_dated_rate_holds_from_its_day_until_the_next_one(amount: Decimal, moment: datetime) -> None:
    rate = Decimal("0.9") if moment.year == 2025 else Decimal("0.8")
    assert YEARLY.convert(amount, "USD", moment) == amount * rate
