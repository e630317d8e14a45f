"""Lengths of time and discount rates with their unit, so that weeks and days are never confused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import expm1, isfinite, log, log1p
from numbers import Real
from typing import Any, Literal, cast, get_args

from crmkpi.dates.months import MONTH_DAYS, YEAR_DAYS
from crmkpi.errors import ParameterError, did_you_mean

__all__ = [
    "DiscountRate",
    "Span",
    "TimeUnit",
    "annual",
    "as_discount",
    "as_span",
    "days",
    "is_number",
    "monthly",
    "months",
    "unit_of_time",
    "weeks",
]

TimeUnit = Literal["days", "weeks", "months", "years"]

DAYS_IN: dict[TimeUnit, float] = {"days": 1.0, "weeks": 7.0, "months": MONTH_DAYS, "years": YEAR_DAYS}


def unit_of_time(name: Any) -> TimeUnit:
    """Validate the name of a unit of time; an unknown one is an error that suggests the nearest.

    >>> unit_of_time("weeks")
    'weeks'
    """
    if name not in DAYS_IN:
        way_out = did_you_mean(name, get_args(TimeUnit)) if isinstance(name, str) else "Known: days, weeks, months."
        raise ParameterError(f"The unit of time must be one of days, weeks, months or years; got {name!r}. {way_out}")
    return cast("TimeUnit", name)


def is_number(value: object) -> bool:
    """Whether a value is a number; True and False are not."""
    return isinstance(value, Real | Decimal) and not isinstance(value, bool)


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time with its unit: 39 weeks, 12 months.

    >>> weeks(39)
    39 weeks
    >>> months(12).to("days")
    365.25
    """

    length: float
    unit: TimeUnit

    def __post_init__(self) -> None:
        unit_of_time(self.unit)
        if not (is_number(self.length) and isfinite(self.length) and self.length > 0):
            raise ParameterError(
                f"A span of time must be a number above zero and finite; got {self.length!r} {self.unit}."
            )

    def __repr__(self) -> str:
        """The span as text, such as 39 weeks."""
        return f"{self.length:g} {self.unit[:-1] if self.length == 1 else self.unit}"

    def to(self, unit: TimeUnit) -> float:
        """The same length as a number of `unit`."""
        return self.length if unit == self.unit else self.length * DAYS_IN[self.unit] / DAYS_IN[unit_of_time(unit)]


def days(length: float) -> Span:
    """A span of days.

    >>> days(14).to("weeks")
    2.0
    """
    return Span(length, "days")


def weeks(length: float) -> Span:
    """A span of weeks.

    >>> weeks(2).to("days")
    14.0
    """
    return Span(length, "weeks")


def months(length: float) -> Span:
    """A span of months of 365.25 / 12 days.

    >>> months(1).to("days")
    30.4375
    """
    return Span(length, "months")


def as_span(value: Any, name: str) -> Span:
    """`value` as a span; a bare number is refused because its unit is unknown.

    >>> as_span(timedelta(days=14), "horizon")
    14 days
    """
    if isinstance(value, Span):
        return value
    if isinstance(value, timedelta):
        return Span(value / timedelta(days=1), "days")
    raise ParameterError(
        f"`{name}` needs a unit of time; got {value!r}. "
        f"Say for example weeks({value!r}), months({value!r}) or a timedelta."
    )


@dataclass(frozen=True, slots=True)
class DiscountRate:
    """The compound rate by which later money is worth less: a fraction, and the span to which it applies.

    >>> round(annual(0.15).over(months(1)), 6)
    0.011715
    >>> round(monthly(0.01).factor(months(12)), 6)
    0.887449
    """

    rate: float
    per: Span

    def __post_init__(self) -> None:
        if not (is_number(self.rate) and isfinite(self.rate) and self.rate >= 0):
            raise ParameterError(f"A discount rate must be zero or above, as a fraction; got {self.rate!r}.")
        if self.rate >= 1:
            raise ParameterError(f"A discount rate is a fraction, 0.1 for 10 %; got {self.rate!r} per {self.per}.")

    def over(self, span: Span) -> float:
        """The equivalent compound rate over `span`: a year's 15 % is 1.17 % a month."""
        return expm1(log1p(self.rate) * span.to(self.per.unit) / self.per.length)

    def factor(self, span: Span) -> float:
        """The present value of one unit of money paid after `span`."""
        return 1 / (1 + self.over(span))

    def continuous(self, unit: TimeUnit) -> float:
        """The same rate as continuous compounding per `unit`."""
        return log(1 + self.rate) * Span(1, unit).to(self.per.unit) / self.per.length


def annual(rate: float) -> DiscountRate:
    """A discount rate per year, compounded.

    >>> round(annual(0.12).over(months(12)), 12)
    0.12
    """
    return DiscountRate(rate, Span(1, "years"))


def monthly(rate: float) -> DiscountRate:
    """A discount rate per month, compounded.

    >>> round(monthly(0.01).over(months(1)), 12)
    0.01
    """
    return DiscountRate(rate, Span(1, "months"))


def as_discount(value: Any, name: str = "discount") -> DiscountRate:
    """`value` as a discount rate; a bare number is refused, since 0.1 a year and 0.1 a month differ widely."""
    if isinstance(value, DiscountRate):
        return value
    raise ParameterError(f"`{name}` needs its period; got {value!r}. Give annual({value!r}) or monthly({value!r}).")
