"""Values computed from several cells of a row, as presets declare them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from crmkpi.currencies import currencies_of, several_currencies
from crmkpi.sources.numbers import NumberReader
from crmkpi.sources.tallies import Count

__all__ = [
    "INTERVALS",
    "PERCENT",
    "SCALES",
    "Combine",
    "a_month",
    "after",
    "fraction",
    "in_its_currency",
    "in_whole_units",
    "plain_fraction",
    "scaled",
    "stripe_items",
]

Combine = Callable[[Any, dict[str, Any]], Any]
_WITHOUT_CENTS = (
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"),
)
_OF_THOUSAND = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")
_MONTHS = {
    **dict.fromkeys(("month", "monthly"), Decimal(1)),
    **dict.fromkeys(("quarter", "quarterly"), Decimal(3)),
    **dict.fromkeys(("year", "yearly", "annual", "annually"), Decimal(12)),
}
_DAYS = {**dict.fromkeys(("week", "weekly"), 7), **dict.fromkeys(("day", "daily"), 1)}
_SIZES = {"thousands": Decimal(1_000), "millions": Decimal(1_000_000)}
SCALES = (*_SIZES, "yearly", "quarterly")
INTERVALS = frozenset((*_MONTHS, *_DAYS))
PERCENT = "percent to a fraction"
_MOST_DECIMALS = Decimal("0.000001")


def after(start: str, count: Count) -> Combine:
    """The timestamp in `start` plus a number of seconds; None where `start` is missing."""

    def combine(seconds: float, raw: dict[str, Any]) -> datetime | None:
        moment = raw.get(start)
        if not isinstance(moment, datetime):
            count(f"no {start} to count from, so no value")
            return None
        try:
            found = moment + timedelta(seconds=seconds)
        except OverflowError:
            raise ValueError("not a duration that ends within the calendar") from None
        count(f"counted from {start}")
        return found

    return combine


def in_whole_units(count: Count) -> Combine:
    """An amount in whole units of the currency of its row, from its smallest unit, such as cents."""

    def combine(value: Any, raw: dict[str, Any]) -> Decimal:
        currency = str(raw.get("currency", "")).upper()
        digits = 0 if currency in _WITHOUT_CENTS else 3 if currency in _OF_THOUSAND else 2
        count(f"smallest unit to whole ones, {digits} decimals")
        return _decimal(value).scaleb(-digits)

    return combine


def scaled(unit: str, count: Count) -> Combine:
    """A whole amount from one in thousands or millions, or a monthly amount from a quarterly or yearly one."""

    def combine(value: Any, raw: dict[str, Any]) -> Decimal:  # noqa: ARG001  # the amount alone is enough
        count(f"{unit} to whole amounts" if unit in _SIZES else f"{unit} amounts to those of a month")
        return _decimal(value) * _SIZES[unit] if unit in _SIZES else _monthly(_decimal(value), unit, Decimal(1))

    return combine


def in_its_currency(
    number: NumberReader, words: Mapping[Any, Any], *, column: str, count: Count, then: Combine | None
) -> Combine:
    """An amount in the currency that its cell names, which becomes the row's currency; `words` map signs to codes."""
    said = {_folded(str(sign)): code for sign, code in words.items()}

    def combine(value: Any, raw: dict[str, Any]) -> Any:
        if number.currencies:
            raw["currency"] = _currency(number.currencies, raw.get("currency"), said, column)
            count(f"{' '.join(number.currencies)} read as {raw['currency']}")
        return value if then is None else then(value, raw)

    return combine


def _currency(marks: Sequence[str], of_row: Any, said: Mapping[str, Any], column: str) -> str:
    """The currency that the signs and codes of an amount mean, given the currency of the row, if it has one."""
    shown = " ".join(marks)
    meant = [(said[plain],) if (plain := _folded(mark)) in said else currencies_of(mark) for mark in marks]
    possible = [code for code in meant[0] if all(code in codes for codes in meant)]
    if not possible:
        raise ValueError(f"an amount in two currencies, {shown}")
    if of_row is not None:
        currency = str(of_row).strip().upper()
        if currency not in possible:
            raise ValueError(f"an amount in {shown}, where the currency of its row is {currency}")
        return currency
    if len(possible) > 1:
        raise several_currencies(marks[0], column)
    return possible[0]


def _folded(mark: str) -> str:
    return mark.strip().removesuffix(".").casefold()


def a_month(field: str, count: Count, *, first: Combine | None = None) -> Combine:
    """A monthly amount from one per billing interval and a quantity, which are in helper slots of the `field`.

    There may be several intervals between two payments; `first` converts the amount to whole units.
    """

    def combine(value: Any, raw: dict[str, Any]) -> Decimal:
        interval = str(raw.get(f"{field} per", "month")).strip().casefold()
        amount = _decimal(value if first is None else first(value, raw)) * _decimal(raw.get(f"{field} times", 1))
        every = _decimal(raw.get(f"{field} every", 1))
        if every <= 0:
            raise ValueError(
                "not an amount that can be converted to a month: there is no interval between two payments"
            )
        found = _monthly(amount, interval, every)
        if interval not in ("month", "monthly") or every != 1:
            count(
                f"amount of a {interval} to one of a month"
                if every == 1
                else f"amount of {every} {interval}s to one of a month"
            )
        return found

    return combine


def _monthly(amount: Decimal, interval: str, every: Decimal) -> Decimal:
    if interval in _MONTHS:
        amount = amount / (_MONTHS[interval] * every)
    elif interval in _DAYS:
        amount = amount * 365 / (12 * _DAYS[interval] * every)
    else:
        raise ValueError(f"not an amount that can be converted to a month: its interval is {interval[:40]!r}")
    try:
        return amount.quantize(_MOST_DECIMALS).normalize() + 0  # without the zeros that rounding adds
    except InvalidOperation:
        raise ValueError("not a number of a usual size") from None


def stripe_items(count: Count) -> Combine:
    """The monthly sum of a subscription's items, each with a quantity and a price in the smallest unit.

    The currency of the prices becomes the currency of the row.
    """
    whole = in_whole_units(count)

    def combine(value: Any, raw: dict[str, Any]) -> Decimal:
        try:
            items = json.loads(value) if isinstance(value, str) else value
            prices = [(item.get("price") or item["plan"], item.get("quantity", 1)) for item in items]
            if not all(isinstance(price, Mapping) for price, _ in prices):
                raise TypeError  # noqa: TRY301  # the handler below raises the error
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            raise ValueError("not the items of a subscription, each with a price") from None
        currencies = {str(price.get("currency", raw.get("currency", ""))).upper() for price, _ in prices}
        if len(currencies) != 1:
            raise ValueError("not the items of one subscription: they are in several currencies, or there are none")
        if currencies != {""}:
            raw.setdefault("currency", currencies.pop())
        total = Decimal(0)
        for price, quantity in prices:
            often = price.get("recurring") or price
            amount = price.get("unit_amount", price.get("amount"))
            if amount is None:
                raise ValueError("not items with an amount each: metered ones have none before they are used")
            paid = whole(amount, raw) * _decimal(quantity)
            total += _monthly(paid, str(often.get("interval", "month")), _decimal(often.get("interval_count", 1)))
        count(f"{len(prices)} items to an amount of a month")
        return total

    return combine


def fraction(number: NumberReader, count: Count) -> Callable[[Any], Any]:
    """A function from a percentage, with or without its sign, to a fraction."""

    def read(value: Any) -> Any:
        found = number(value)
        if found is None or (isinstance(value, str) and "%" in value):
            return found
        try:
            share = float(found) / 100
        except (TypeError, ValueError):
            return value  # validation of the record reports the fault
        count(PERCENT)
        return share

    return read


def plain_fraction(value: Any) -> float:
    """A fraction from a percentage that is a plain number; any other value is a `ValueError`.

    >>> plain_fraction("75")
    0.75
    """
    return float(value) / 100


def _decimal(value: Any) -> Decimal:
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("not a number") from None
    if not found.is_finite() or abs(found.adjusted()) > 30:
        raise ValueError("not a number of a usual size")
    return found
