"""The insight layer against values of other libraries; tests/oracles/insight.json has the derivation of each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from crmkpi.insight.control import control_chart
from crmkpi.statistics.decomposition import mix_and_rate
from crmkpi.statistics.differences import (
    benjamini_hochberg,
    detectable_share,
    mean_difference,
    share_difference,
)
from crmkpi.statistics.pace import count_pace, curve_pace, share_meets

ORACLES: dict[str, Any] = json.loads((Path(__file__).parents[1] / "oracles" / "insight.json").read_text("utf-8"))


def near(value: Any) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-12)


def test_differences():
    case = ORACLES["share_difference"]
    found = share_difference(*case["inputs"])
    assert [*found.interval, found.p_value] == near([*case["interval"], case["p_value"]])
    case = ORACLES["mean_difference"]
    sides = [(len(x), float(stats.tmean(x)), float(stats.tstd(x))) for x in (case["first"], case["second"])]
    found = mean_difference(*sides[0], *sides[1])
    assert [*found.interval, found.p_value] == near([*case["interval"], case["p_value"]])
    case = ORACLES["benjamini_hochberg"]
    assert benjamini_hochberg(case["p"]) == near(case["adjusted"])
    case = ORACLES["detectable_share"]
    assert detectable_share(*case["inputs"]) == near(case["value"])


def test_charts():
    case = ORACLES["xmr"]
    chart = control_chart(case["values"])
    assert [chart.low, chart.centre, chart.high] == near([case["low"], case["centre"], case["high"]])
    case = ORACLES["u_chart"]
    chart = control_chart(case["events"], exposure=case["exposure"])
    assert (chart.kind, chart.centre) == ("u", near(case["centre"]))
    assert [point.high for point in chart.points] == near(case["high"])


def test_explanations():
    case = ORACLES["mix_and_rate"]
    found = mix_and_rate(case["before"], case["after"])
    assert {name: [str(part.rate), str(part.mix)] for name, part in found.items()} == case["parts"]
    assert str(sum(part.total for part in found.values())) == case["change"]


def test_pace():
    case = ORACLES["count_pace"]
    pace = count_pace(*case["inputs"])
    assert [pace.probability, pace.projected] == near([case["probability"], case["projected"]])
    case = ORACLES["share_meets"]
    assert share_meets(*case["inputs"]) == near(case["probability"])
    case = ORACLES["curve_pace"]
    curve = curve_pace(case["history"], case["done"], case["target"])
    assert [curve.factor, curve.deviation, curve.probability] == near(
        [case["factor"], case["deviation"], case["probability"]]
    )
