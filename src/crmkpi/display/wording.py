"""Describe definitions as text: the records that a measure counts, and the condition that selects them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from crmkpi.definition.expressions import (
    AsOf,
    Bound,
    BusinessTime,
    Combination,
    Comparison,
    Constant,
    Day,
    Expression,
    Field,
    Membership,
    Negation,
    Now,
    Operation,
    Presence,
    walk,
)
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Happened, Together, Unless
from crmkpi.display.format import format_value, words

__all__ = ["condition_in_words", "measure_in_words", "nothing_in_words", "value_in_words"]

_SIGNS = {
    "==": "is",
    "!=": "is not",
    "<": "is below",
    "<=": "is at most",
    ">": "is above",
    ">=": "is at least",
}
_TIME_SIGNS = {"<": "is before", "<=": "is not after", ">": "is after", ">=": "is not before"}
_ARITHMETIC = {"+": "+", "-": "−", "*": "×", "/": "/"}


def measure_in_words(measure: Measure) -> str:
    """A measure as text, such as "how many deals where status is won or lost".

    >>> from crmkpi import win_rate
    >>> measure_in_words(win_rate.measures["won"])
    'how many deals where status is won'
    """
    rows = _rows(measure)
    value = "" if measure.value is None else value_in_words(measure.value)
    match measure.aggregate:
        case "count":
            text = f"how many {rows}"
        case "distinct":
            plural = f"days of {value_in_words(measure.value.item)}" if isinstance(measure.value, Day) else f"{value}s"
            text = f"how many different {plural} among {rows}"
        case "quantile":
            text = f"the {measure.fraction:.0%} quantile of {value} over {rows}"
        case "min" | "max":
            text = f"the {'smallest' if measure.aggregate == 'min' else 'largest'} {value} of {rows}"
        case "values":
            text = f"each {value} of {rows}"
        case "rows":
            text = f"the {rows}"
        case "latest":
            text = f"the latest {value} of {rows}"
        case _:
            text = f"the {measure.aggregate} of {value} over {rows}"
    if measure.where is not None:
        text += f" where {condition_in_words(measure.where)}"
    if measure.shift == "year_ago":
        text += ", a year earlier"
    elif measure.shift == "previous":
        text += f", {_steps(measure.steps)} earlier"
    return text + _columns(measure)


def nothing_in_words(measure: Measure) -> str:
    """The reason for an empty measure, such as "there are no deals where status is won".

    >>> from crmkpi import resolution_time, win_rate
    >>> nothing_in_words(win_rate.measures["won"])
    'there are no deals where status is won'
    >>> nothing_in_words(resolution_time.measures["resolution"])
    'no tickets where status is solved or closed or status is missing have solved at − created at'
    """
    text = measure_in_words(measure)
    if measure.aggregate in ("count", "distinct"):
        return f"there are no {text.removeprefix('how many ')}"
    if measure.value is None:
        return f"there are no {_rows(measure)}"
    where = "" if measure.where is None else f" where {condition_in_words(measure.where)}"
    return f"no {_rows(measure)}{where} have {value_in_words(measure.value)}"


def condition_in_words(condition: Expression) -> str:
    """A condition as text, such as "status is won and amount is missing".

    >>> from crmkpi import Deal, Table
    >>> deals = Table(Deal)
    >>> condition_in_words((deals.status == "won") & deals.amount.missing())
    'status is won and amount is missing'
    """
    match condition:
        case Comparison("==", left, Constant(True)):
            return f"{value_in_words(left)} is true"
        case Comparison(sign, left, right):
            signs = _SIGNS | (_TIME_SIGNS if left.kind in ("timestamp", "date") else {})
            return f"{value_in_words(left)} {signs[sign]} {value_in_words(right)}"
        case Membership(item, options):
            return f"{value_in_words(item)} is {' or '.join(map(str, options))}"
        case Presence(item, present):
            return f"{value_in_words(item)} is {'known' if present else 'missing'}"
        case Combination(word, left, right):
            return f" {word} ".join(_bracketed(part, word) for part in (left, right))
        case Now():
            return "no period is given"
        case Negation(item) | Unless(item):
            return f"not ({condition_in_words(item)})"
        case _:
            return value_in_words(condition)


def value_in_words(value: Expression) -> str:
    """A value of a record as text, such as "closed at − created at".

    >>> from crmkpi import Deal, Table
    >>> deals = Table(Deal)
    >>> value_in_words(deals.closed_at - deals.created_at), value_in_words(deals.customer.industry)
    ('closed at − created at', 'industry of the customer')
    """
    match value:
        case Field(_, path):
            *relations, name = map(words, path)
            return " of the ".join([name, *reversed(relations)])
        case Constant(constant):
            return _constant(constant)
        case Parameter(name):
            return f"`{name}`"
        case Bound(side):
            return f"the {side} of the period"
        case AsOf():
            return "`as_of`"
        case Happened(item):
            return value_in_words(item)
        case Operation("*", Constant(), right) if value.kind == "duration":  # a number of seconds as a duration
            return value_in_words(right)
        case Operation(sign, left, right):
            return f"{value_in_words(left)} {_ARITHMETIC[sign]} {value_in_words(right)}"
        case Day(item):
            return f"the day of {value_in_words(item)}"
        case Together(items):
            return " and ".join(map(value_in_words, items))
        case BusinessTime(start, end):
            return f"opening hours from {value_in_words(start)} to {value_in_words(end)}"
        case _:
            return condition_in_words(value)


def _rows(measure: Measure) -> str:
    if isinstance(measure.table, Grouped):
        key = measure.table.parts_[1]
        return f"pairs of {value_in_words(key)}" if isinstance(key, Together) else f"{value_in_words(key)}s"
    return words(repr(measure.table))


def _columns(measure: Measure) -> str:
    """The columns of a measure over one row per key, each with its aggregate as text."""
    if not isinstance(measure.table, Grouped):
        return ""
    _, key, columns = measure.table.parts_
    used = {part.path[0] for root in (measure.value, measure.where) for part in walk(root) if isinstance(part, Field)}
    if measure.aggregate == "rows":
        used = set(columns)
    told = [f"{words(name)} is {measure_in_words(column)}" for name, column in columns.items() if name in used]
    return f"; for each {value_in_words(key)}, {', and '.join(told)}"


def _steps(steps: int | Parameter) -> str:
    if isinstance(steps, Parameter):
        return f"`{steps.name}` periods"
    return "one period" if steps == 1 else f"{steps} periods"


def _bracketed(part: Expression, word: str) -> str:
    text = condition_in_words(part)
    several = isinstance(part, Membership) and len(part.options) > 1 and word == "and"
    return f"({text})" if several or (isinstance(part, Combination) and part.word != word) else text


def _constant(value: Any) -> str:
    if isinstance(value, timedelta):
        return format_value(value, "duration")
    return str(value)
