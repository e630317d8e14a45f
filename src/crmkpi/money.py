"""Money: exact decimals with a currency, and exchange rates.

Amounts of different currencies are never added. Either every amount of a result is in one currency, or `Rates` are
given and every amount is converted, at the rate of the record's own day.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.currencies import said_currency
from crmkpi.errors import CurrencyError, InputError, did_you_mean

__all__ = ["Rates", "rates_of"]

Rate = Decimal | int | str | float


@dataclass(frozen=True, slots=True)
class Rates:
    """Exchange rates: the value of one unit of each currency in `to`, fixed or by the day from which the rate holds.

    A dated rate holds from its day until the next rate begins. An unlisted currency, or a day before the first rate, is
    an error that names it.

    >>> from decimal import Decimal
    >>> Rates("EUR", {"USD": "0.9"}).convert(Decimal(100), "USD", None)
    Decimal('90.0')
    >>> from datetime import date
    >>> dated = Rates("EUR", {"USD": {date(2026, 1, 1): "0.9", date(2026, 7, 1): "0.8"}})
    >>> dated.convert(Decimal(100), "USD", date(2026, 8, 15))
    Decimal('80.0')
    """

    to: str
    rates: Mapping[str, Rate | Mapping[date, Rate]]
    _table: Mapping[str, Decimal | tuple[list[date], list[Decimal]]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not isinstance(self.to, str):
            raise InputError(f"Rates convert to a currency, such as 'EUR'; got {self.to!r}.")
        if not isinstance(self.rates, Mapping):
            raise InputError(f"Rates map currencies to numbers, such as {{'USD': '0.9'}}; got {self.rates!r}.")
        object.__setattr__(self, "to", said_currency("The currency that rates convert to", self.to))
        table: dict[str, Decimal | tuple[list[date], list[Decimal]]] = {self.to: Decimal(1)}
        given: set[str] = set()
        for said, rate in self.rates.items():
            currency = said_currency("A currency of rates", said) if isinstance(said, str) else said
            if currency in given:
                raise InputError(f"Rates name {currency} twice, once as {said!r}; leave one out.")
            given.add(currency)
            if currency == self.to and (isinstance(rate, Mapping) or _positive(currency, rate) != 1):
                raise InputError(f"One {currency} is one {currency}; got a rate of {rate!r}.")
            if isinstance(rate, Mapping):
                for day in rate:
                    if not isinstance(day, date) or isinstance(day, datetime):
                        raise InputError(
                            f"The rates of {currency} must begin on dates, such as date(2026, 1, 1); got {day!r}."
                        )
                days = sorted(rate)
                if not days:
                    raise InputError(f"The rates of {currency} must name at least one day; got none.")
                table[currency] = (days, [_positive(currency, rate[day]) for day in days])
            else:
                table[currency] = _positive(currency, rate)
        object.__setattr__(self, "_table", ReadOnly(table))

    @property
    def dated(self) -> bool:
        """Whether any rate depends on the day."""
        return any(isinstance(rate, tuple) for rate in self._table.values())

    @property
    def days(self) -> frozenset[date]:
        """The days from which any dated rate holds."""
        return frozenset(day for rate in self._table.values() if isinstance(rate, tuple) for day in rate[0])

    def convert(self, amount: Decimal, currency: str | None, moment: date | datetime | None) -> Decimal:
        """Convert an amount to the currency `to`, unrounded, at the rate of the day of `moment`."""
        rate = self._table.get(currency) if currency is not None else None
        if isinstance(rate, Decimal):
            return amount * rate
        day = moment.date() if isinstance(moment, datetime) else moment
        if rate is None:
            hint = "Give the dataset's own currency=..." if currency is None else did_you_mean(currency, self._table)
            raise CurrencyError(
                f"There is no rate from {currency or 'no currency'} to {self.to}; add it to rates. {hint}"
            )
        if day is None:
            raise CurrencyError(f"An amount in {currency} has no date, and its rates to {self.to} depend on the day.")
        days, values = rate
        number = bisect_right(days, day) - 1
        if number < 0:
            raise CurrencyError(
                f"There is no rate from {currency} to {self.to} on {day.isoformat()}; the first is of "
                f"{days[0].isoformat()}."
            )
        return amount * values[number]


def rates_of(given: Rates | Mapping[str, Any] | None, currency: str | None) -> Rates | None:
    """Normalise to `Rates`: a `Rates`, or a dict of the value of one unit of each currency in `currency`.

    >>> rates_of({"USD": 0.9}, "EUR").to
    'EUR'
    """
    if given is None or isinstance(given, Rates):
        return given
    if not isinstance(given, Mapping):
        raise InputError(f"`rates` is a Rates, such as Rates('EUR', {{'USD': '0.9'}}), or its dict; got {given!r}.")
    if currency is None:
        raise InputError(
            f"Rates as a dict convert to the dataset's currency, and none is given; got {dict(given)!r}. Give "
            "currency='EUR' as well, or Rates('EUR', {...})."
        )
    return Rates(currency, given)


def _positive(currency: str, rate: Any) -> Decimal:
    try:
        value = Decimal(str(rate))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value <= 0:
        raise InputError(f"The rate of {currency} must be a positive number; got {rate!r}.")
    return value
