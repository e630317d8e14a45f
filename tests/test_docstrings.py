"""The examples in the manual of each KPI are true; those of functions and classes run with `--doctest-modules`."""

from __future__ import annotations

import doctest
import sys

import pytest

from crmkpi import catalogue

METRICS = {metric.id: metric for metric in catalogue.everything()}
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", METRICS)
def test_the_examples_of_a_kpi_give_what_they_say(name):
    metric = METRICS[name]
    source = sys.modules[metric.function.__module__]
    test = doctest.DocTestParser().get_doctest(metric.__doc__, vars(source).copy(), name, source.__file__, 0)
    assert test.examples, f"{name} has no example"
    told: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=told.append)
    assert "".join(told) == ""


@pytest.mark.parametrize("name", METRICS)
def test_the_manual_of_a_kpi_has_its_parts_in_order(name):
    """Meaning, formula, what counts, what is returned and when there is none, two examples."""
    page = METRICS[name].__doc__
    places = [page.find(part) for part in ("$$", "Returns:", "Examples:")]
    assert -1 not in places, "a part is missing"
    assert places == sorted(places)
    assert "undefined" in page[places[1] : places[2]].casefold() or METRICS[name].unit == "count" or "0 where" in page
    assert page[places[2] :].count(">>>") >= 2
