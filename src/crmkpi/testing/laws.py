"""The laws that every KPI obeys, one function each, which raises `Broken` if the law does not hold.

The argument of a law is a `Case`: a KPI, a dataset of short lists of records, and an optional period.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Callable, Mapping
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from crmkpi.definition.expressions import Field, walk
from crmkpi.definition.measures import Grouped, Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.units import Unit
from crmkpi.engines.query import Answer
from crmkpi.engines.records import engine as records_engine
from crmkpi.errors import InputError, PeriodError
from crmkpi.measuring import asking
from crmkpi.measuring.accounts import Account
from crmkpi.measuring.counting import Rows
from crmkpi.measuring.cuts import Cut, InputColumn
from crmkpi.measuring.plan import Plan
from crmkpi.measuring.results import Result
from crmkpi.measuring.segments import Segment
from crmkpi.metrics.catalogue import catalogue
from crmkpi.testing.examples import Broken, Case, moved, parameters_of

__all__ = [
    "DATA_LAWS",
    "DEFINITION_LAWS",
    "accounts",
    "adds_up",
    "documented",
    "fields_add_up",
    "inputs_untouched",
    "kind",
    "later",
    "nothing",
    "order",
    "parts",
    "records_add_up",
    "shown",
    "stream",
    "subperiods",
    "takes_period",
    "totals",
    "travels",
    "unreadable_alone",
]

_TYPES: Mapping[Unit, type[Any]] = {
    "count": int,
    "ratio": float,
    "multiple": float,
    "score": float,
    "number": float,
    "money": Decimal,
    "duration": timedelta,
}
_DIVIDED = ("ratio", "multiple", "score", "duration")


@cache
def takes_period(metric: Metric) -> bool:
    """Whether the KPI can be measured in a period: its records have timestamps for it."""
    try:
        Plan((metric,), {}, whole=False, intervals=False)
    except PeriodError:
        return False
    return True


def order(case: Case) -> None:
    """Any order of the records gives exactly the same result."""
    whole = _evidence(case.result())
    for name, change in (("reversed", lambda found: found[::-1]), ("turned", lambda found: [*found[3:], *found[:3]])):
        other = case.result({table: change(list(found)) for table, found in case.data.tables.items()})
        _same(whole, _evidence(other), f"with the records {name}")


def parts(case: Case) -> None:
    """The engine's answers for two parts of a table merge into its answer for the whole."""
    data, calendar = case.data, case.data.calendar
    asked = parameters_of(case.metric)
    reader, plan = asking.read(data, (case.metric,), [case.period], (), asked, confidence=0.95)
    halves: dict[str, Answer] = {}
    for table, query in plan.queries.items():
        found = list(data.tables[table])
        first, second = (
            records_engine.answer(
                query,
                part,
                moments=reader.timeline.moments,
                tables=data.index,
                functions={
                    "local_day": calendar.local_day,
                    "business_time": calendar.business_time,
                    **({"elapsed": calendar.elapsed} if calendar.clocks_change else {}),
                },
                parameters=reader.parameters,
                related_unreadable=any(map(data.unreadable, data.tables)),
            )
            for part in (found[: len(found) // 2], found[len(found) // 2 :])
        )
        halves[table] = first.merged(second, query)
        _same(reader.answers[table].given, halves[table].given, f"records of {table} in two parts")
    merged, (found_plan,) = reader._replace(answers=halves), plan.metrics
    cuts = [Cut(one, found_plan, case.period, Rows(one.answers, [()])) for one in (reader, merged)]
    inputs = [_canonical(cut.inputs()) for cut in cuts]
    _same(inputs[0], inputs[1], "as inputs of the formula, merged from two parts")
    kept = [[column[0] for column in cut.counts()] for cut in cuts]
    _same(kept[0], kept[1], "used and left out, merged from two parts")


def stream(case: Case) -> None:
    """A generator and a list give the same result."""
    related = _related_tables(case.metric)
    tables = {
        name: found if name in related else (record for record in found) for name, found in case.data.tables.items()
    }
    _same(_evidence(case.result()), _evidence(case.result(tables)), "from generators")


def nothing(case: Case) -> None:
    """No records give 0 for a count or a sum, and an undefined value with a reason for a quotient."""
    result = case.result({name: [] for name in case.data.tables})
    if adds_up(case.metric):
        _check(result.exact == 0, f"the value of no records is {result.value!r}, not 0")
    elif case.metric.unit in _DIVIDED and not case.metric.asked & set(case.metric.parameters):
        # A share of a number that the caller gives, such as a target, is 0 without records.
        _check(result.value is None and bool(result.reason), f"the value of no records is {result.value!r}, not None")


def subperiods(case: Case) -> None:
    """The months of a year add up to the year, for counts and sums.

    A month whose records were all left out is undefined, and adds nothing.
    """
    (measure, *_) = case.metric.measures.values()
    exact = case.metric.unit in ("count", "money")
    if not exact or not adds_up(case.metric) or measure.is_stock or not takes_period(case.metric):
        return
    asked = parameters_of(case.metric)
    whole = case.data.measure(case.metric, period="2026", parameters=asked)[0]
    months = case.data.measure(case.metric, period="2026", every="month", parameters=asked)
    known = [month.value for month in months if month.value is not None]
    if whole.value is not None:
        _same(whole.value, sum(known), "as the sum of the months of 2026")
    used = sum(month.accounts[0].used for month in months)
    _same(whole.accounts[0].used, used, "records used in the months of 2026")


def records_add_up(case: Case) -> None:
    """Each record is used, left out for one reason, or outside; inputs and accounts of all add up to the whole's."""
    by = Segment("record", dict.fromkeys(case.metric.tables, "id"))
    alone = case.data.measure(case.metric, period=case.period, by=by, parameters=parameters_of(case.metric))
    whole = case.result()
    for name, measure in case.metric.measures.items():
        if measure.aggregate in ("count", "sum") and not isinstance(measure.table, Grouped):
            values = [result.inputs[name] for result in alone]
            if None not in values and whole.inputs[name] is not None:
                _check(
                    _close(sum(values), whole.inputs[name]), f"{name} is {whole.inputs[name]!r}, its parts {values!r}"
                )
    for number, account in enumerate(whole.accounts):
        each = [result.accounts[number] for result in alone]
        for one in each:
            _check_account(one)
        sums = (sum(one.given for one in each), sum(one.used for one in each))
        _same((account.given, account.used), sums, f"{account.table} given and used, as the sum of each")
        for reason in {*account.left_out, *(reason for one in each for reason in one.left_out)}:
            found = sum(one.left_out.get(reason, 0) for one in each)
            _same(
                account.left_out.get(reason, 0), found, f"{account.table} left out for {reason!r}, as the sum of each"
            )


def later(case: Case) -> None:
    """Moving all times and the period by whole weeks changes neither the value nor the account."""
    if any(measure.shift == "year_ago" for measure in case.metric.measures.values()):
        return  # a year is not a whole number of weeks
    if case.period is not None and case.period.unit != "days":
        return  # months differ in length
    before, after = case.result(), moved(case).result()
    _same((before.exact, before.accounts), (after.exact, after.accounts), "five weeks later")


def kind(case: Case) -> None:
    """The value has the type and the range of its unit, or it is None with a reason."""
    result = case.result()
    value, metric = result.value, case.metric
    _check((value is None) == bool(result.reason), f"the value is {value!r} and the reason {result.reason!r}")
    if value is None:
        return
    _check(type(value) is _TYPES[metric.unit], f"a {metric.unit} is {value!r}, a {type(value).__name__}")
    if not isinstance(value, timedelta):
        _check(math.isfinite(value), f"the value is {value!r}")
    low, high = metric.within
    for what, number in [("value", value), *(("interval", bound) for bound in result.interval or ())]:
        plain = number.total_seconds() if isinstance(number, timedelta) else number
        _check(low is None or plain >= low, f"the {what} reaches {number!r}, below {low}")
        _check(high is None or plain <= high, f"the {what} reaches {number!r}, above {high}")
    if result.interval is not None:
        bounds = tuple(result.interval)
        _check(bounds[0] <= value <= bounds[1], f"the value {value!r} lies outside its own interval {bounds!r}")


def accounts(case: Case) -> None:
    """Used, left out, outside and rejected records add up to the given ones."""
    result = case.result()
    _check(bool(result.accounts), "the result has no account of its records")
    for account in result.accounts:
        _same(len(list(case.data.tables[account.table])), account.given, f"{account.table} given")
        _check_account(account)


def fields_add_up(case: Case) -> None:
    """Each field is read, empty or unreadable in every record."""
    for table, records in case.data.tables.items():
        for name, counts in case.data.fields(table).items():
            _same(len(list(records)), sum(counts.values()), f"records of {table} with {name} {' or '.join(counts)}")


def unreadable_alone(case: Case) -> None:
    """A record with an unreadable field is left out under the reason of this field, with its values."""
    result = case.result()
    for account in result.accounts:
        for name, values in account.unreadable.items():
            _same(account.left_out.get(f"{name} unreadable"), sum(values.values()), f"{account.table} without {name}")


def inputs_untouched(case: Case) -> None:
    """Measuring changes no record and no list."""
    before = deepcopy(dict(case.data.tables))
    case.result(case.data.tables)
    _same(before, dict(case.data.tables), "after measuring")


def shown(case: Case) -> None:
    """A result can be printed, shown in a notebook and written as JSON."""
    result = case.result()
    _check(bool(str(result)) and bool(repr(result)) and bool(result._repr_html_()), "the result prints as nothing")
    json.dumps(result.to_dict(), allow_nan=False)


def travels(case: Case) -> None:
    """A result of a KPI of the catalogue round-trips through pickle."""
    if _is_listed(case.metric):
        result = case.result()
        _same(result, pickle.loads(pickle.dumps(result)), "after pickling")  # noqa: S301  # our own bytes


def totals(metric: Metric) -> None:
    """A formula that divides by zero, or lacks an input, is undefined with a reason: never 0, NaN or infinity."""
    names = [*metric.measures, *([metric.days] if metric.days else [])]
    usual = {name: _total(metric.measures.get(name), 1) for name in names}
    zero = {name: _total(metric.measures.get(name), 0) for name in names}
    if metric.until:
        zero[metric.until] = usual[metric.until] = date(2026, 6, 30)
    asked: dict[str, Any] = parameters_of(metric)
    for changed in (zero, *({**usual, name: zero[name]} for name in names)):
        try:
            result = metric.from_totals(**changed, **asked)
        except InputError:
            continue  # totals that contradict each other, such as one won of none closed
        finite = result.value is None or isinstance(result.value, timedelta) or math.isfinite(result.value)
        _check(finite and (result.value is None) == bool(result.reason), f"{changed} gives {result.value!r}")
    for name in metric.measures:
        lacking: dict[str, Any] = {**usual, name: None, **asked}
        result = metric.from_totals(**lacking)
        _check(result.value is None and bool(result.reason), f"without {name} the value is {result.value!r}")


def documented(metric: Metric) -> None:
    """The docstring has a first line, a formula in $$, Returns with the result without data, and Examples."""
    text = metric.docstring
    lines = text.splitlines()
    _check(bool(lines) and (len(lines) == 1 or not lines[1]), "the first line does not stand alone")
    _check(text.count("$$") >= 2, "there is no $$formula$$")
    returns = text.partition("Returns:")[2].partition("\n\n")[0]
    _check(
        "undefined" in returns.casefold() or "0 where" in returns, "Returns does not say 'undefined where' or '0 where'"
    )
    if metric.id == metric.name:  # the default's examples cover a stock variant
        _check(">>>" in text.partition("Examples:")[2], "there are no Examples with >>>")


DEFINITION_LAWS: Mapping[str, Callable[[Metric], None]] = {
    "the docstring says what the KPI means": documented,
    "division by zero is undefined": totals,
}
DATA_LAWS: Mapping[str, Callable[[Case], None]] = {
    "the value has the type and range of its unit": kind,
    "every record is accounted for": accounts,
    "each field is read, empty or unreadable": fields_add_up,
    "an unreadable field is left out under its own reason": unreadable_alone,
    "no records give 0 or no value": nothing,
    "the order of the records does not matter": order,
    "a generator gives the same as a list": stream,
    "two parts merge into the whole": parts,
    "months add up to the year": subperiods,
    "each record counts once, and all add up to the whole": records_add_up,
    "moving everything by whole weeks changes nothing": later,
    "inputs are not changed": inputs_untouched,
    "a result can be shown": shown,
    "a result can be pickled": travels,
}


def adds_up(metric: Metric) -> bool:
    """Whether the KPI is a single count or sum, so that its parts add up."""
    if len(metric.measures) != 1 or metric.days or metric.until or metric.parameters:
        return False
    (measure,) = metric.measures.values()
    if measure.aggregate not in ("count", "sum") or measure.shift != "none" or isinstance(measure.table, Grouped):
        return False
    return all(metric.function(number) == number for number in (Decimal(0), Decimal(7)))


def _evidence(result: Result) -> tuple[Any, ...]:
    value = (result.value, result.exact, result.reason, dict(result.inputs), result.currency)
    return (*value, result.interval, result.n, result.accounts)


def _canonical(inputs: Mapping[str, InputColumn]) -> dict[str, Any]:
    """Inputs in a canonical order of values."""
    found = {}
    for name, one in inputs.items():
        sample = one.samples[0] if one.samples else None
        kept = None if sample is None else (sample.count, sample.total, sample.squares, sorted(sample.values))
        found[name] = (one.values[0], one.currencies and one.currencies[0], kept)
    return found


def _related_tables(metric: Metric) -> set[str]:
    """The tables that are looked up by id, which a generator cannot provide twice."""
    found: set[str] = set()
    for measure in metric.measures.values():
        roots = (measure.where, measure.value, measure.at, *metric.leave_out.values())
        if any(isinstance(part, Field) and len(part.path) > 1 for root in roots for part in walk(root)):
            found |= set(metric.tables)
    return found


def _check_account(account: Account) -> None:
    counts = [account.used, *account.left_out.values(), account.outside, account.rejected]
    _check(
        min(counts) >= 0, f"of {account.given} {account.table} {sum(counts) - account.outside} are counted: {account}"
    )


def _total(measure: Measure | None, number: int) -> Any:
    if measure is not None and measure.aggregate in ("values", "rows"):
        return (float(number),) if number and measure.aggregate == "values" else ()
    if measure is None or measure.kind not in ("integer", "money"):
        return float(number)
    return Decimal(number) if measure.kind == "money" else number


def _is_listed(metric: Metric) -> bool:
    return metric.name in catalogue and metric in catalogue.everything()


def _close(found: Any, expected: Any) -> bool:
    if isinstance(found, float) or isinstance(expected, float):
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-9)
    return bool(found == expected)


def _check(holds: bool, found: str) -> None:  # noqa: FBT001  # reads as a sentence
    if not holds:
        raise Broken(found)


def _same(expected: Any, found: Any, where: str) -> None:
    if expected != found:
        raise Broken(f"{expected!r} became {found!r} {where}")
