"""Tools for testing your own KPIs: the laws that every KPI of the catalogue obeys, and generated records.

    from crmkpi.testing import check_metric

    def test_my_kpi_obeys_the_laws():
        check_metric(my_kpi)

`records` and `datasets` are strategies for hypothesis, which `pip install 'crmkpi[testing]'` installs; `check_metric`
and the import of this module do not need it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random
from typing import Any

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.errors import InputError
from crmkpi.testing.databases import check_database
from crmkpi.testing.examples import Broken, Case, breaks, smallest
from crmkpi.testing.laws import DATA_LAWS, DEFINITION_LAWS, takes_period
from crmkpi.testing.pools import random_dataset, with_unreadable_fields
from crmkpi.testing.strategies import datasets, records

__all__ = ["check_database", "check_metric", "datasets", "records"]

_UNREADABLE = 0.3  # the share of datasets with unreadable fields
_PERIODS = (Period("2026-Q1"), Period("2026"), Period.between(date(2026, 1, 5), date(2026, 3, 30)))


def check_metric(metric: Metric, *, examples: int = 25, seed: int = 0) -> None:
    """Check that a KPI and its variants obey the laws of the library, on generated records of the tables it reads.

    The laws: the order of records does not matter; a generator and a list give the same result; parts merge into the
    whole; months add up to the year; each record counts once, is used, left out for a reason or outside, and all add up
    to the whole; each field of a record is read, empty or unreadable, and a KPI leaves out a record only for an
    unreadable field that it reads; moving everything by whole weeks changes nothing; the value has the type and range
    of its unit; no data gives 0 or undefined with a reason, and division by zero undefined; inputs are not changed;
    results print, pickle and convert to JSON; and the docstring has a first line, a formula, the result without data,
    and examples.

    `examples` is the number of datasets for each KPI; the same `seed` generates the same ones.

    Raises:
        AssertionError: a law does not hold; one sentence names it, with the smallest counterexample found.

    >>> from crmkpi import win_rate
    >>> check_metric(win_rate, examples=2)
    >>> from crmkpi import Deal, Table, metric
    >>> deals = Table(Deal)
    >>> @metric(unit="ratio", won=deals.count(deals.status == "won"), every=deals.count())
    ... def won_share(won, every):
    ...     '''Share of all deals that were won.
    ...
    ...     $$won / every$$
    ...
    ...     Returns:
    ...         A fraction from 0 to 1; undefined without deals.
    ...
    ...     Examples:
    ...         >>> won_share.formula(won=1, every=2)
    ...         0.5
    ...     '''
    ...     return won / max(every, 1)
    >>> check_metric(won_share, examples=2)
    Traceback (most recent call last):
    AssertionError: won_share breaks a law, no records give 0 or no value: the value of no records is 0.0, not None...
    """
    if not isinstance(metric, Metric):
        raise InputError(f"check_metric() takes a metric, such as crmkpi.win_rate; got {metric!r}.")
    for each in (metric, *metric.variants.values()):
        for law, obeyed_by in DEFINITION_LAWS.items():
            _apply(law, obeyed_by, each, each.id)
        _check_on_data(each, examples, seed)


def _check_on_data(metric: Metric, examples: int, seed: int) -> None:
    random, spoiling = Random(seed), Random(seed)  # noqa: S311  # nothing secret
    periods = (None, *_PERIODS) if takes_period(metric) else (None,)
    for _ in range(examples):
        data = random_dataset(metric, random)
        if spoiling.random() < _UNREADABLE:
            data = with_unreadable_fields(data, spoiling)
        case = Case(metric, data, random.choice(periods))
        for law, obeyed_by in DATA_LAWS.items():
            if breaks(obeyed_by, case):
                case = smallest(case, obeyed_by)
                _apply(law, obeyed_by, case, metric.id, f", for {case}")


def _apply(law: str, obeyed_by: Callable[[Any], None], subject: Any, name: str, example: str = "") -> None:
    """Apply one law; a violation, or any other error, becomes one sentence."""
    try:
        obeyed_by(subject)
    except Broken as found:
        raise AssertionError(f"{name} breaks a law, {law}: {found}{example}.") from None
    except Exception as error:
        raise AssertionError(f"{name} breaks a law, {law}: {type(error).__name__}: {error}{example}.") from error
