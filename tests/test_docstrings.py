"""The examples in the manual of each KPI are true; those of functions and classes run with `--doctest-modules`."""

from __future__ import annotations

import doctest
import re
import sys

import pytest

import crmkpi as ck
from crmkpi import catalogue
from crmkpi.definition.expressions import as_of
from crmkpi.definition.parameters import Parameter
from crmkpi.display.explanation import explanation, facts

METRICS = {metric.id: metric for metric in catalogue.everything()}
USUAL = (".mean", ".median", ".p90", ".business", "calendar_days", "_median")  # generated from the default
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", METRICS)
def test_the_examples_of_a_kpi_give_what_they_say(name):
    metric = METRICS[name]
    source = sys.modules[metric.function.__module__]
    test = doctest.DocTestParser().get_doctest(metric.__doc__, {}, name, source.__file__, 0)
    assert test.examples or name.endswith(USUAL), f"{name} has no example"
    told: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append)
    assert "".join(told) == ""


@pytest.mark.parametrize("name", METRICS)
def test_the_manual_of_a_kpi_has_its_parts_in_order(name):
    """Meaning, formula, records that count, return value and when it is undefined, other systems, examples."""
    page = METRICS[name].docstring
    order = ["$$", "Returns:", "Raises:", "Notes:", "Pitfalls:", "Examples:"]
    places = {part: page.find(f"\n\n{part}") for part in order if f"\n\n{part}" in page}
    expected = {"$$", "Returns:"} if name.endswith(USUAL) else {"$$", "Returns:", "Examples:"}
    assert expected <= set(places), "a part is missing"
    assert list(places.values()) == sorted(places.values())
    returns = page[places["Returns:"] : places.get("Examples:")]
    assert "undefined" in returns.casefold() or METRICS[name].unit == "count" or "0 where" in returns
    assert page.count(">>>") >= 2 or name.endswith(USUAL)


@pytest.mark.parametrize("name", METRICS)
def test_what_is_said_of_a_kpi_is_complete(name):
    """No section of the catalogue's pages is empty."""
    metric = METRICS[name]
    told, known = explanation(metric), facts(metric)
    assert told.meaning.endswith(".")
    assert told.formula
    for fact in ("title", "theme", "unit", "roll-up", "reads", "at", "inputs"):
        assert known[fact], f"{fact} is missing"


@pytest.mark.parametrize("name", [metric.id for metric in catalogue])
def test_the_default_of_a_kpi_has_its_reason_pitfalls_sources_and_other_names(name):
    metric = METRICS[name]
    pitfalls = " ".join(explanation(metric).sections["Pitfalls"].split())
    assert 1 <= len(re.findall(r"[.?](?: |$)", pitfalls)) <= 3, "one to three sentences"
    assert explanation(metric).text, "what counts is missing"
    assert metric.default_because.endswith(".")
    assert metric.sources
    assert metric.also_known_as


@pytest.mark.parametrize(
    ("within", "said"),
    [
        ((0, 1), "A fraction from 0 to 1; undefined where no deal was closed."),
        ((0, None), "A fraction from 0 up; undefined where no deal was closed."),
        ((-1, None), "A fraction from -1 up; undefined where no deal was closed."),
        ((None, 0), "A fraction up to 0; undefined where no deal was closed."),
        (None, "A fraction; undefined where no deal was closed."),
    ],
    ids=str,
)
def test_the_page_of_a_kpi_says_between_which_numbers_its_value_lies(within, said):
    deals = ck.Table(ck.Deal)

    @ck.metric(
        unit="ratio", lost=deals.count(), closed=deals.count(), empty="no deal was closed", within=within, interval=None
    )
    def lost_share(lost, closed):
        """How many deals are lost for each that is won."""
        return lost / closed

    assert explanation(lost_share).sections["Returns"] == said


def test_the_page_of_a_kpi_says_what_must_be_given_and_that_dividing_by_a_parameter_gives_no_zero():
    deals, quota = ck.Table(ck.Deal), Parameter("quota", "what was to be won", unit="money")

    @ck.metric(
        unit="ratio",
        amount=deals.sum(deals.amount, deals.closed_at < as_of),
        parameters=(quota,),
        needs_as_of=True,
        empty="the quota is 0",
    )
    def reached(amount, quota):
        """Which part of the quota was won.

        Pitfalls:
            None.
        """
        return amount / quota

    told = explanation(reached).sections
    assert list(told) == ["Returns", "Raises", "Pitfalls"]
    assert told["Returns"] == "A fraction; undefined where the quota is 0."
    assert told["Raises"] == (
        "ParameterError: `quota` or the day up to which the data is known (`as_of`) is not given.\n"
        "CurrencyError: amounts are in several currencies and no rates are given."
    )


def test_the_page_of_a_kpi_imports_the_names_that_its_examples_use_and_do_not_make():
    def shipped(deals):
        """How many deals were won.

        Examples:
            >>> from datetime import date
            >>> revenue = [Deal(id=str(number), closed_at=date(2026, 1, 1)) for number in range(2)]
            >>> shipped(revenue), win_rate([
            ...     Deal(id="1", status="won")]).value
            (2, 1.0)
        """
        return deals

    deals = ck.Table(ck.Deal)
    page = ck.metric(unit="count", deals=deals.count())(shipped).__doc__
    assert page.splitlines()[3:5] == ["    >>> from datetime import date", "    >>> from crmkpi import Deal, win_rate"]
