"""Tools for testing KPIs of your own: the laws that every KPI of the catalogue obeys, and records to try them on.

    from crmkpi.testing import check_metric

    def test_my_kpi_obeys_the_laws():
        check_metric(my_kpi)

`records` and `datasets` are strategies for hypothesis, which `pip install 'crmkpi[testing]'` brings; `check_metric` and
the import of this module do without it.
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

_UNREADABLE = 0.3  # of the datasets have fields that cannot be read
_PERIODS = (Period("2026-Q1"), Period("2026"), Period.between(date(2026, 1, 5), date(2026, 3, 30)))


def check_metric(metric: Metric, *, examples: int = 25, seed: int = 0) -> None:
    """Check that a KPI and its variants obey the laws of the library, on generated records of the tables it reads.

    The laws: the order of records does not matter; a generator gives the same as a list; parts merge into the whole;
    months add up to the year; each record counts once, is used, left out for a reason or outside, and all add up to the
    whole; each field of a record is read, empty or unreadable, and such a field costs the record only where it is read;
    moving everything by whole weeks changes nothing; the value has the type and range of its unit; nothing, and
    what is divided by zero, is 0 or undefined with a reason; inputs are not changed; results print, pickle and turn
    into JSON; and the docstring has a first line, a formula, what it returns without data, and examples.

    `examples` is how many datasets each KPI is measured on, `seed` chooses them: the same seed tries the same ones.

    Raises:
        AssertionError: a law does not hold; one sentence names it, with the smallest example that was found.

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
    """Apply one law; a violation, or any error on the way, becomes one sentence."""
    try:
        obeyed_by(subject)
    except Broken as found:
        raise AssertionError(f"{name} breaks a law, {law}: {found}{example}.") from None
    except Exception as error:
        raise AssertionError(f"{name} breaks a law, {law}: {type(error).__name__}: {error}{example}.") from error
