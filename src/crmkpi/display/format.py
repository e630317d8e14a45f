"""Format values as text by their unit; all displays use this module.

| unit | reads |
|---|---|
| ratio | 63.2 %, and 0.04 % where one decimal would say 0 |
| multiple | 4.20x |
| money | 2,360.91 EUR |
| duration | 51.8 days, 5.2 h, 43 min, 12 s |
| score | 4.3; a score with a sign, such as the net promoter score, +42.0 |
| count | 4,238 |
| number | 2.96 |

An undefined value reads "–"; the reason is in the notes.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from typing import Any

from crmkpi.definition.metric import Metric, NetPromoter
from crmkpi.definition.units import Unit
from crmkpi.measuring.results import Change, Result
from crmkpi.statistics.intervals import Interval

__all__ = [
    "UNDEFINED",
    "format_change",
    "format_change_interval",
    "format_detectable",
    "format_difference",
    "format_input",
    "format_interval",
    "format_label",
    "format_range",
    "format_value",
    "judgement",
    "listed",
    "value_text",
    "words",
]

UNDEFINED = "–"
_TIMES = ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"))
_HOURS_UP_TO = 2 * 86_400.0  # 36 h says more than 1.5 days
_SMALL_PERCENT = 0.1
_NEARLY_ALL = 99.95  # from here on one decimal would say 100
_ALL = 100
_CENTS_BELOW = 100  # the intervals of larger amounts are rounded to whole units
_SMALL_NUMBER = 0.01
_MOST_NAMES = 4


def format_value(value: Any, unit: Unit, *, currency: str | None = None, signed: bool = False) -> str:
    """Format a value for people; `signed` adds a plus to positive values.

    >>> format_value(0.632, "ratio"), format_value(0.0004, "ratio"), format_value(0.99996, "ratio")
    ('63.2 %', '0.04 %', '99.996 %')
    >>> format_value(Decimal("2360.905"), "money", currency="EUR"), format_value(timedelta(hours=5.2), "duration")
    ('2,360.90 EUR', '5.2 h')
    """
    if value is None:
        return UNDEFINED
    match unit:
        case "ratio":
            text = f"{_percent(value)} %"
        case "multiple":
            text = f"{_two_decimals(value)}x"
        case "money":
            text = _with(_cents(value), currency)
        case "duration":
            seconds = _seconds(value)
            size, name = _time_unit(seconds)
            number = _three_digits(seconds / size)
            text = f"{number} {'day' if name == 'days' and number in ('1', '-1') else name}"
        case "score":
            text = f"{value:z,.1f}"
        case "count":
            text = f"{value:,}"
        case _:
            text = _two_decimals(value)
    return f"+{text}" if signed and value > value - value else text


def format_change_interval(change: Change, unit: Unit, *, currency: str | None = None) -> str:
    """The interval of a change, in percentage points, points, or the unit of the KPI.

    >>> from crmkpi.statistics.intervals import Interval
    >>> format_change_interval(Change(0.05, 0.2, interval=Interval(-0.038, 0.137, 0.95, "newcombe")), "ratio")
    '[-3.8 pp, +13.7 pp]'
    """
    if change.interval is None:
        return ""
    return f"[{', '.join(format_difference(bound, unit, currency=currency) for bound in change.interval)}]"


def format_detectable(change: Change, unit: Unit, *, currency: str | None = None) -> str:
    """The smallest change that the data could have shown, without a sign."""
    return (
        "" if change.detectable is None else format_difference(change.detectable, unit, currency=currency).lstrip("+")
    )


def format_difference(size: Any, unit: Unit, *, currency: str | None = None) -> str:
    """A difference of two values with its sign: percentage points for a ratio, points for a score."""
    if unit == "ratio":
        return f"{_signed(_percent(size))} pp"
    if unit == "score":
        return f"{_signed(f'{size:z.1f}')} pts"
    if unit == "count":
        return _signed(f"{size:z,.0f}")
    return format_value(size, unit, currency=currency, signed=True)


def format_interval(interval: Interval[Any] | None, unit: Unit, *, currency: str | None = None) -> str:
    """A confidence interval with the unit at both bounds; empty without an interval.

    >>> from crmkpi.statistics.intervals import wilson
    >>> format_interval(wilson(4238, 6711), "ratio")
    '[62.0 %, 64.3 %]'
    """
    if interval is None:
        return ""
    return f"[{', '.join(format_value(bound, unit, currency=currency) for bound in interval)}]"


def format_range(interval: Interval[Any] | None, unit: Unit, value: Any) -> str:
    """An interval for the column next to its value: in the unit of the value, without repeating the unit.

    >>> from crmkpi.statistics.intervals import wilson
    >>> format_range(wilson(4238, 6711), "ratio", 4238 / 6711)
    '62.0 to 64.3'
    """
    if interval is None or value is None:
        return ""
    match unit:
        case "ratio":
            low, high = map(_percent, interval)
        case "duration":
            size, _ = _time_unit(_seconds(value))
            low, high = (_three_digits(_seconds(bound) / size) for bound in interval)
        case "money" if not -_CENTS_BELOW < value < _CENTS_BELOW:
            low, high = (f"{_whole(bound):,}" for bound in interval)
        case _:
            low, high = (format_value(bound, unit) for bound in interval)
    return f"{low} to {high}"


def format_change(change: Change | None, unit: Unit) -> str:  # one branch per kind of unit
    """The change of a value against the compared one; empty without a comparison.

    Ratios change in percentage points and scores in points. Other units change by a fraction of the compared value, or
    if that is not above 0, by the absolute difference.

    >>> format_change(Change(0.012, 0.019, True), "ratio"), format_change(Change(120, 0.081, True), "count")
    ('+1.2 pp', '+8.1 %')
    """
    if change is None:
        return ""
    if change.absolute is None:
        return UNDEFINED
    if not change.absolute:
        return "unchanged"
    if unit == "ratio":
        return f"{_signed(_percent(change.absolute))} pp"
    if unit == "score":
        return f"{_signed(f'{change.absolute:z.1f}')} pts"
    if change.relative is not None:
        return f"{_signed(_percent(change.relative))} %"
    return format_value(change.absolute, unit, signed=True)


def judgement(change: Change | None) -> str:
    """The verdict on a change in one to three words; "" if nothing changed or no verdict is possible.

    A significant change is better or worse, or up or down if the KPI has no better direction.
    """
    if change is None or change.verdict is None or not change.absolute:
        return ""
    if change.better is None:
        return change.verdict
    return "better" if change.better else "worse"


def format_label(value: Hashable) -> str:
    """The name of a segment on one line; invisible characters, such as terminal codes, become blanks or �.

    A missing value reads "(none)".
    """
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = value.isoformat() if isinstance(value, date) else str(value)
    return (
        "".join(
            character if character.isprintable() else " " if character.isspace() else "�" for character in text
        ).strip()
        or "(blank)"
    )


def value_text(result: Result) -> str:
    """The value of a result with its unit."""
    signed = isinstance(result.metric.interval, NetPromoter)
    return format_value(result.value, result.unit, currency=result.currency, signed=signed)


def format_input(metric: Metric, name: str, value: Any, *, currency: str | None = None) -> str:
    """One input of a formula, in the unit of its measure."""
    measure = metric.measures.get(name)
    kind = "integer" if measure is None or measure.aggregate in ("values", "rows") else measure.kind
    if kind == "duration" and value is not None:
        return format_value(timedelta(seconds=value), "duration")
    if isinstance(value, Decimal):
        return format_value(value, "money", currency=currency)
    if isinstance(value, float):
        return format_value(value, "number")
    return (
        format_value(value, "count") if isinstance(value, int) else UNDEFINED if value is None else format_label(value)
    )


def words(name: str) -> str:
    """A name in code as words: "no_close_date" as "no close date"."""
    return name.replace("_", " ")


def listed(names: Iterable[str]) -> str:
    """A comma-separated list of distinct names, cut after a few.

    >>> listed(["a", "b", "a"]), listed("abcde")
    ('a, b', 'a, b, c and 2 more')
    """
    different = list(dict.fromkeys(names))
    if len(different) <= _MOST_NAMES:
        return ", ".join(different)
    return f"{', '.join(different[: _MOST_NAMES - 1])} and {len(different) - _MOST_NAMES + 1} more"


def _percent(fraction: float) -> str:
    """A fraction in percent with one decimal, or with more if it would otherwise be rounded to 0 or 100."""
    percent = float(fraction) * 100
    size = abs(percent)
    if 0 < size < _SMALL_PERCENT:
        return _significant(percent, 1)
    if _NEARLY_ALL <= size < _ALL:
        decimals = len(_significant(_ALL - size, 1).partition(".")[2])
        return f"{percent:.{decimals}f}"
    return f"{percent:z,.1f}"


def _significant(number: float, digits: int) -> str:
    """A number rounded to `digits` significant digits, never in scientific notation."""
    return f"{Decimal(f'{number:.{digits}g}'):f}"


def _cents(amount: Any) -> str:
    with localcontext(Context(prec=60, rounding=ROUND_HALF_EVEN)):  # the caller's context may be too coarse
        return f"{amount:z,.2f}"


def _whole(amount: Any) -> int:
    return int(Decimal(amount).to_integral_value(ROUND_HALF_EVEN))


def _two_decimals(number: Any) -> str:
    if number and abs(number) < _SMALL_NUMBER:
        return _significant(number, 2)
    return f"{number:z,.2f}"


def _seconds(value: Any) -> float:
    return float(value.total_seconds() if isinstance(value, timedelta) else value)


def _time_unit(seconds: float) -> tuple[float, str]:
    """The largest unit that fits at least once into the duration; days from two days on."""
    size = abs(seconds)
    for length, name in _TIMES:
        if size >= (_HOURS_UP_TO if name == "days" else length):
            return length, name
    return _TIMES[-1]


def _three_digits(number: float) -> str:
    if abs(number) >= _NEARLY_ALL:  # already three digits before the point
        return f"{number:,.0f}"
    return _significant(number, 3)


def _signed(number: str) -> str:
    return number if number.startswith("-") or not number.strip("0.") else f"+{number}"


def _with(number: str, currency: str | None) -> str:
    return number if currency is None else f"{number} {currency}"
