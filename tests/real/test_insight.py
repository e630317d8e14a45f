"""The insight layer against cases that others computed, in a file next to the public data sets."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import crmkpi as ck
from crmkpi.insight.benchmarks import Benchmark
from crmkpi.insight.control import control_chart, detectable
from crmkpi.insight.explain import explain_inputs, explain_totals
from crmkpi.insight.forecast import forecast_series
from crmkpi.insight.groups import compare_groups, to_frame_rows
from crmkpi.statistics.control_limits import limits_of_rates
from crmkpi.statistics.decomposition import mix_and_rate, mix_and_rate_errors, shapley
from crmkpi.statistics.differences import benjamini_hochberg, mean_difference, share_difference
from crmkpi.statistics.forecasting import exponential, seasonal, seasonal_index, theta
from crmkpi.statistics.pace import count_pace, curve_pace, share_meets, sum_pace


def near(value: Any, rel: float = 1e-9) -> Any:
    return pytest.approx(value, rel=rel, abs=1e-12)


def test_explanations(cases: dict[str, Any]) -> None:
    for name, case in cases.items():
        if name.startswith("explain.kitagawa."):
            parts = mix_and_rate(case["inputs"]["before"], case["inputs"]["after"])
            for segment, one in case["expected"]["effects"].items():
                assert [str(parts[segment].rate), str(parts[segment].mix), str(parts[segment].alone)] == one["exact"]
    given, expected = cases["explain.oaxaca_totals"]["inputs"], cases["explain.standard_errors"]["expected"]
    sides = [
        dict(enumerate(zip(given[f"won_{when}"], given[f"closed_{when}"], strict=True))) for when in ("before", "after")
    ]
    totals = cases["explain.oaxaca_totals"]["expected"]
    parts = mix_and_rate(sides[0], sides[1])
    assert [float(parts[n].rate) for n in range(3)] == near(totals["rate"])
    assert [float(parts[n].mix) for n in range(3)] == near(totals["mix"])
    spread = [{name: (n, n, d) for name, (n, d) in side.items()} for side in sides]
    errors = mix_and_rate_errors(sides[0], sides[1], spread)
    for place, key in enumerate(("se_rate", "se_mix", "se_total")):
        assert [errors[n][place] for n in range(3)] == near(expected[key], 1e-6)
    found = explain_totals(
        "win_rate", *({str(name): {"won": int(n), "closed": int(d)} for name, (n, d) in side.items()} for side in sides)
    )
    assert {one.name: one.standard_error for one in found.effects} == near(
        {str(n): error for n, error in enumerate(expected["se_total"])}, 1e-6
    )


def test_a_new_segment_has_no_rate_of_before(cases: dict[str, Any]) -> None:
    case = cases["explain.rivals.new_segment"]
    parts = mix_and_rate(case["inputs"]["before"], case["inputs"]["after"])
    assert (parts["fair"].rate, str(parts["fair"].mix)) == (0, "-7/72")
    assert min(parts, key=lambda name: parts[name].mix) == "fair"
    for rival in ("icanexplain 0.3.0", "metriclens 0.1.0"):
        theirs = case["expected"][rival]["fair"]
        assert (theirs["inner"] if isinstance(theirs, dict) else theirs) == near(1 / 60, 1e-4)  # an impossible gain


def test_inputs(cases: dict[str, Any]) -> None:
    formulas: dict[str, Any] = {
        "explain.shapley.sales_velocity": lambda deals, win, size, cycle: deals * win * size / cycle,
        "explain.shapley.sum": lambda new, expansion, contraction, churned: new + expansion + contraction + churned,
        "explain.shapley.cost_per_lead": lambda leads, cost: cost / leads,
    }
    for name, formula in formulas.items():
        case = cases[name]
        effects = case["expected"].get("effects", case["expected"])
        found = shapley(formula, case["inputs"]["before"], case["inputs"]["after"])
        wanted = {key: value for key, value in effects.items() if key not in ("exact", "sum")}
        assert {key: float(found[key]) for key in wanted} == near(wanted)
        shown = explain_inputs(formula, case["inputs"]["before"], case["inputs"]["after"])
        assert {one.name: one.total for one in shown.effects} == near(wanted)


def test_differences(cases: dict[str, Any]) -> None:
    case = cases["difference.newcombe"]
    shares = share_difference(*case["inputs"]["first"], *case["inputs"]["second"])
    assert shares is not None
    assert shares.interval is not None
    assert tuple(shares.interval) == near(tuple(case["expected"]))
    case = cases["difference.welch"]
    moments: list[Any] = []
    for side in ("treatment", "control"):
        values = case["inputs"][side]
        mean = sum(values) / len(values)
        moments += [len(values), mean, (sum((x - mean) ** 2 for x in values) / (len(values) - 1)) ** 0.5]
    means = mean_difference(*moments)
    assert means is not None
    assert means.interval is not None
    assert [means.p_value, *means.interval] == near([case["expected"]["p"], *case["expected"]["ci"]])
    case = cases["multiple.bh"]
    assert benjamini_hochberg(case["inputs"]["p"]) == near(case["expected"]["adjusted"])
    case = cases["mde.share"]
    assert detectable(case["inputs"]["share"], case["inputs"]["n_each"]) == near(case["expected"], 1e-7)


def test_charts(cases: dict[str, Any]) -> None:
    case = cases["control.xmr"]
    chart = control_chart(case["inputs"]["values"])
    limits = case["expected"]["qicharts2 (divisor 1.128)"]
    assert [chart.centre, chart.low, chart.high] == near([limits["centre"], limits["low"], limits["high"]])
    assert not chart.signals
    case = cases["control.p"]
    chart = control_chart(case["inputs"]["won"], of=case["inputs"]["closed"])
    assert [point.low for point in chart.points] == near(case["expected"]["low"])
    assert [point.high for point in chart.points] == near(case["expected"]["high"])
    case = cases["control.trend"]
    rules = ["beyond", "trend", "run_of_seven"]
    chart = control_chart(case["inputs"]["values"], rules=rules, autocorrelation=False)
    assert (chart.low, chart.high) == near((case["expected"]["low"], case["expected"]["high"]), 1e-3)
    assert [one.last for one in chart.signals if one.rule == "beyond"] == case["expected"]["beyond"]


def test_forecasts(cases: dict[str, Any]) -> None:
    case = cases["forecast.ses"]
    level = exponential(case["inputs"]["values"], 1)
    assert [*level.parameters, level.values[0]] == near(
        [case["expected"]["alpha"], case["expected"]["level0"], case["expected"]["forecast"]], 2e-4
    )
    case = cases["forecast.theta"]
    assert list(theta(case["inputs"]["values"], 3).values) == near(case["expected"], 1e-5)
    assert forecast_series(case["inputs"]["values"], horizon=3).values == near(tuple(case["expected"]), 1e-5)


def test_pace(cases: dict[str, Any]) -> None:
    for name, case in cases.items():
        given, expected = case["inputs"], case["expected"]
        if name.startswith("pace.count."):
            pace = count_pace(given["done"], given["elapsed"], given["of"], given["target"])
            assert [pace.projected, pace.probability] == near([expected["projected"], expected["probability"]])
        elif name.startswith("target.share."):
            assert share_meets(given["won"], given["closed"], given["target"]) == near(expected["confidence_met"])
    case = cases["pace.sum.52000"]
    given, expected = case["inputs"], case["expected"]
    pace = sum_pace(given["done"], given["squares"], given["elapsed"], given["of"], given["target"])
    assert [pace.projected, pace.deviation, pace.probability] == near(
        [expected["projected"], expected["sd"], expected["probability"]]
    )
    case = cases["pace.curve"]
    curve = curve_pace(case["inputs"]["history"], case["inputs"]["done"], case["inputs"]["target"])
    assert curve is not None
    assert [curve.factor, curve.deviation, curve.probability] == near(
        [case["expected"][key] for key in ("factor", "se_mack", "p_target_110_t5")]
    )


# Airline passengers by month from 1949 on, in thousands: series G of Box and Jenkins (1976).
PASSENGERS = [
    112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118,
    115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140,
    145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166,
    171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194,
    196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201,
    204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229,
    242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278,
    284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306,
    315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336,
    340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337,
    360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405,
    417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
]  # fmt: skip


def test_seasons(cases: dict[str, Any]) -> None:
    index = seasonal_index(PASSENGERS, 12)
    assert index == near(cases["forecast.decompose"]["expected"])
    flat = [value / index[number % 12] for number, value in enumerate(PASSENGERS)]
    ahead = [value * index[step % 12] for step, value in enumerate(theta(flat, 12).values)]
    assert ahead == near(cases["forecast.theta_seasonal"]["expected"], 1e-5)
    for last, weight in cases["forecast.shrunk_season"]["expected"]["weight"].items():
        assert seasonal(PASSENGERS[-int(last) :], 12).weight == near(weight, 1e-8)


def test_counts_and_screened_ranges(cases: dict[str, Any]) -> None:
    case = cases["control.c"]
    limits = limits_of_rates(case["inputs"]["events"], [1.0] * 8)
    assert limits is not None
    expected = case["expected"]
    assert [limits.centre, limits.low(0), limits.high(0)] == near([expected[key] for key in ("centre", "low", "high")])
    case = cases["control.xmr"]
    chart = control_chart(case["inputs"]["values"], screen=True)
    limits_2_66 = next(value for name, value in case["expected"].items() if name.startswith("NHSR"))
    # 2.66 is 3 / 1.128, rounded.
    assert [chart.centre, chart.low, chart.high] == near([limits_2_66[key] for key in ("centre", "low", "high")], 1e-3)


def test_groups_and_benchmarks(cases: dict[str, Any]) -> None:
    case = cases["experiment.mean"]
    sides = {name: [float(one) for one in case["inputs"][name]["rev"]] for name in ("control", "treatment")}
    found = compare_groups(sides, control="control")
    expected = case["expected"]
    assert found.relative_interval is not None
    assert [
        found.value_control, found.value_treatment, found.difference, *found.interval, found.relative,
        *found.relative_interval, found.p_value,
    ] == near([
        expected[key]
        for key in (
            "control", "treatment", "effect_size", "effect_size_ci_lower", "effect_size_ci_upper", "rel_effect_size",
            "rel_effect_size_ci_lower", "rel_effect_size_ci_upper", "pvalue",
        )
    ])  # fmt: skip
    case = cases["benchmark.percentile"]
    points = {int(name[1:]): value for name, value in case["inputs"]["points"].items()}
    given = Benchmark("win_rate", points, source="case", year=2026)
    assert given.position(case["inputs"]["value"]).percentile == near(case["expected"])


def test_rows_of_customers_give_tea_tasting_what_it_needs(cases: dict[str, Any]) -> None:
    tea_tasting = pytest.importorskip("tea_tasting")
    wanted = {
        "experiment.mean": tea_tasting.Mean("numerator", use_t=True),
        "experiment.mean_student": tea_tasting.Mean("numerator", use_t=True, equal_var=True),
        "experiment.cuped": tea_tasting.Mean("numerator", covariate="pre", use_t=True),
    }
    customers, orders, groups = cases["experiment.cuped"]["inputs"], [], {}
    for name in ("control", "treatment"):
        for number, (before, now) in enumerate(zip(customers[name]["pre"], customers[name]["rev"], strict=True)):
            groups[f"{name}{number}"] = name
            for month, amount in (("02", before), ("03", now)):
                order = {"id": f"{name}{number}-{month}", "customer_id": f"{name}{number}", "amount": amount}
                orders.append(ck.Order(**order, ordered_at=f"2026-{month}-05"))
    crm = ck.Dataset(orders=orders, currency="EUR")
    rows = to_frame_rows(crm, "average_order_value", groups=groups, period="2026-03", before="2026-02")
    made = tea_tasting.Experiment(wanted).analyze(pl.DataFrame(rows), control="control")
    for name in wanted:
        for key, value in cases[name]["expected"].items():
            assert getattr(made[name], key) == near(value), (name, key)
