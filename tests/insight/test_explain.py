"""Explanations add up, change sign when the periods are swapped, and name KPIs that cannot be split."""

from __future__ import annotations

import json
import math
import random
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import InputError, UndefinedError
from crmkpi.insight.explain import explain, explain_inputs, explain_totals
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.search import search_totals
from crmkpi.statistics.decomposition import along_the_line, mix_and_rate, mix_and_rate_errors, shapley

PAIR = st.integers(0, 60).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))
SIDE = st.dictionaries(st.sampled_from("abcde"), PAIR, min_size=1).filter(lambda side: sum(d for _, d in side.values()))
MONEY = st.dictionaries(st.sampled_from("abc"), st.tuples(st.integers(-50, 50), st.integers(0, 9)), min_size=1).filter(
    lambda side: sum(d for _, d in side.values())
)


def ratio(side: dict[str, tuple[int, int]]) -> Fraction:
    return Fraction(sum(n for n, _ in side.values()), sum(d for _, d in side.values()))


@given(SIDE | MONEY, SIDE | MONEY)
def test_the_parts_of_a_ratio_add_up_exactly_and_turn_with_the_periods(before: Any, after: Any):
    parts = mix_and_rate(before, after)
    assert sum(part.total for part in parts.values()) == ratio(after) - ratio(before)
    back = mix_and_rate(after, before)
    assert {name: -part.total for name, part in parts.items()} == {name: part.total for name, part in back.items()}
    for name, part in parts.items():
        if not (before.get(name, (0, 0))[1] and after.get(name, (0, 0))[1]):
            assert part.rate == 0, "a segment that was not there has no rate"


@given(SIDE, SIDE, st.integers(1, 20), st.integers(0, 20))
def test_splitting_a_segment_that_did_not_change_leaves_the_others(before: Any, after: Any, whole: int, part: int):
    same = (min(part, whole), whole)
    plain = mix_and_rate({**before, "x": same}, {**after, "x": same})
    third = (Fraction(same[0], 3), Fraction(same[1], 3))
    rest = (same[0] - third[0], same[1] - third[1])
    split = mix_and_rate({**before, "x1": third, "x2": rest}, {**after, "x1": third, "x2": rest})
    assert {name: split[name] for name in plain if name != "x"} == {n: p for n, p in plain.items() if n != "x"}
    assert split["x1"].total + split["x2"].total == plain["x"].total


def test_by_hand_rate_mix_and_what_has_no_denominator():
    # w 1/2 and 1/2 before, 4/5 and 1/5 after; rates 20 and 50 %, then 20 and 60 %: the totals are 35 % and 28 %.
    parts = mix_and_rate({"web": (20, 100), "fair": (50, 100)}, {"web": (80, 400), "fair": (60, 100)})
    middle = (Fraction(35, 100) + Fraction(28, 100)) / 2
    assert parts["web"].rate == 0
    assert parts["web"].mix == (Fraction(1, 5) - middle) * Fraction(3, 10)
    assert parts["fair"].rate == Fraction(7, 20) * Fraction(1, 10)
    assert parts["fair"].mix == (Fraction(55, 100) - middle) * Fraction(-3, 10)
    cost = mix_and_rate({"ads": (900, 30), "stand": (60, 0)}, {"ads": (900, 30), "stand": (120, 0)})
    assert (cost["stand"].alone, cost["stand"].rate, cost["ads"].total) == (2, 0, 0)


def test_standard_errors_are_those_of_resampled_records():
    rng = random.Random(3)
    before = {"a": (40, 160), "b": (66, 120), "c": (18, 60)}
    after = {"a": (30, 150), "b": (70, 125), "c": (40, 140)}
    variances = [{name: (n, n, d) for name, (n, d) in side.items()} for side in (before, after)]
    errors = mix_and_rate_errors(before, after, variances)

    def drawn(side: dict[str, tuple[int, int]]) -> dict[str, tuple[float, float]]:
        out = {}
        for name, (n, d) in side.items():
            won = rng.gauss(n, math.sqrt(n))
            out[name] = (won, won + rng.gauss(d - n, math.sqrt(d - n)))
        return out

    worlds = [mix_and_rate(drawn(before), drawn(after)) for _ in range(600)]
    for name in before:
        for place, part in enumerate(("rate", "mix", "total")):
            values = [float(getattr(world[name], part)) for world in worlds]
            mean = sum(values) / len(values)
            spread = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
            assert errors[name][place] == pytest.approx(spread, rel=0.12)


@given(st.lists(st.integers(1, 9), min_size=3, max_size=3), st.lists(st.integers(1, 9), min_size=3, max_size=3))
def test_inputs_share_a_change_as_the_mean_over_all_orders(old: list[int], new: list[int]):
    def formula(**x: Any) -> Fraction:
        return Fraction(x["a"]) * x["b"] / x["c"]

    before, after = dict(zip("abc", old, strict=True)), dict(zip("abc", new, strict=True))
    expected = dict.fromkeys("abc", Fraction(0))
    for order in permutations("abc"):
        here = dict(before)
        for name in order:
            start = formula(**here)
            here[name] = after[name]
            expected[name] += (formula(**here) - start) / 6
    found = shapley(formula, before, after)
    assert found == expected
    assert sum(found.values()) == formula(**after) - formula(**before)


def test_inputs_of_a_kpi_are_split_and_a_share_is_refused():
    found = explain_inputs("cost_per_lead", {"spend": 600, "leads": 30}, {"spend": 900, "leads": 20})
    # both orders: 600/30=20, 900/30=30, 600/20=30, 900/20=45
    assert {one.name: float(one.total) for one in found.effects} == {"spend": 12.5, "leads": 12.5}
    assert float(found.change) == 25
    now, before = (ck.cost_per_lead.from_totals(spend=spend, leads=leads) for spend, leads in ((900, 20), (600, 30)))
    assert explain_inputs("cost_per_lead", before, now).effects == found.effects
    hours = {"cost": 100, "interactions": 10, "only_timed": 3}
    cost = [{**hours, "seconds": seconds, "hourly_rate": rate} for seconds, rate in ((3600, 30), (7200, 40))]
    # 100 + 30 an hour over 10 interactions; both orders: 130, 160, 180 and 130, 140, 180
    found = explain_inputs("average_interaction_cost", *cost)
    assert {one.name: float(one.total) for one in found.effects if one.total} == {"seconds": 3.5, "hourly_rate": 1.5}
    with pytest.raises(InputError, match="is a share"):
        explain_inputs("win_rate", {"won": 1, "closed": 2}, {"won": 1, "closed": 3})
    with pytest.raises(UndefinedError, match="is undefined on one side"):
        explain_inputs("cost_per_lead", {"spend": 1, "leads": 0}, {"spend": 1, "leads": 3})


@pytest.mark.parametrize("kind", [np.int64, np.float64, np.float32, Decimal, Fraction])
def test_totals_may_be_numbers_of_any_kind(kind: Any):
    plain = {"web": (10, 40), "fair": (20, 40)}, {"web": (12, 48), "fair": (9, 45)}
    given: list[Any] = [{name: tuple(kind(number) for number in pair) for name, pair in side.items()} for side in plain]
    assert mix_and_rate(*given) == mix_and_rate(*plain)
    totals = [
        {name: {"won": won, "closed": closed} for name, (won, closed) in side.items()} for side in (*plain, *given)
    ]
    assert explain_totals("win_rate", *totals[2:]) == explain_totals("win_rate", *totals[:2])
    cells = [{(name,): (*pair, 0) for name, pair in side.items()} for side in (*plain, *given)]
    assert search_totals(*cells[2:], names=["source"]) == search_totals(*cells[:2], names=["source"])
    if kind is not Fraction:  # no file has one
        goals = kpi_set({"kpi": [{"id": "revenue", "target": {"at_least": kind(500)}}]})
        assert (goals.kpis[0].target.low, type(goals.kpis[0].target.low)) == (500, Decimal)


def test_any_other_formula_is_split_along_the_line_and_unchanged_segments_get_nothing():
    before = {"a": {"x": 4.0, "y": 2.0}, "b": {"x": 9.0, "y": 3.0}}
    after = {**before, "c": {"x": 5.0, "y": 5.0}}
    found = along_the_line(lambda t: t["x"] * t["x"] / t["y"], before, after)
    assert (found["a"], found["b"]) == (0, 0)
    assert found["c"] == pytest.approx(18 * 18 / 10 - 13 * 13 / 5)
    assert along_the_line(lambda t: t["x"] + t["y"], {}, before) == pytest.approx({"a": 6, "b": 12})


def test_the_closed_form_of_a_ratio_along_the_line():
    before, after = {"old": (30.0, 100.0)}, {"old": (30.0, 100.0), "new": (10.0, 20.0)}
    found = explain_totals(
        "win_rate",
        {name: {"won": n, "closed": d} for name, (n, d) in before.items()},
        {name: {"won": n, "closed": d} for name, (n, d) in after.items()},
        effects="volume",
    )
    assert found.effect("old").total == 0
    assert found.effect("new").total == pytest.approx(40 / 120 - 0.3, abs=1e-12)


def company() -> ck.Dataset:
    rng = random.Random(1)
    deals = [
        ck.Deal(id=f"{month}-{n}", source=rng.choice(["web", "fair", "partner", None]), owner=rng.choice(["Ada", "Bo"]),
                status=rng.choice(["won", "lost", "lost"]), amount=rng.randrange(50, 900), currency="EUR",
                created_at="2025-11-01", closed_at=f"2026-0{month}-{1 + n % 28:02}")
        for month in (1, 2)
        for n in range(150 + 30 * month)
    ]  # fmt: skip
    spend = [ck.Expense(id=f"{month}-{n}", team="marketing", amount=10 * n + month, currency="EUR", channel="web",
                        spent_at=f"2026-0{month}-03") for month in (1, 2) for n in range(5)]  # fmt: skip
    leads = [ck.Lead(id=f"{month}-{n}", channel="web", created_at=f"2026-0{month}-03")
             for month in (1, 2) for n in range(20 + month)]  # fmt: skip
    return ck.Dataset(deals=deals, expenses=spend, leads=leads)


@pytest.mark.parametrize(
    ("metric", "method"),
    [
        ("revenue", "additive"),
        ("deal_volume", "additive"),
        ("win_rate", "mix and rate"),
        ("average_deal_size", "mix and rate"),
        ("sales_cycle_length", "mix and rate"),
        ("win_rate.by_amount", "mix and rate"),
    ],
)
@pytest.mark.parametrize("by", ["source", ["source", "owner"]])
def test_parts_add_up_for_every_kind_of_kpi(metric: str, method: str, by: Any):
    crm = company()
    found = crm.explain(metric, period="2026-02", by=by)
    assert found.method == method
    now, before = crm.measure(metric, period=["2026-02", "2026-01"])

    def plain(value: Any) -> float:
        return float(value.total_seconds() if hasattr(value, "total_seconds") else value)

    total = sum(plain(one.total) for one in found.effects)
    assert total == pytest.approx(plain(now.value) - plain(before.value), rel=1e-9, abs=1e-9)
    assert plain(found.change) == pytest.approx(total, rel=1e-5, abs=1e-9)
    assert all(one.standard_error is not None for one in found.effects)
    assert found.currency == now.currency
    volume = crm.explain(metric, period="2026-02", by=by, effects="volume")
    assert volume.method == ("additive" if method == "additive" else "volume")
    back = crm.explain(metric, period="2026-01", compare="2026-02", by=by)
    assert {one.name: round(plain(one.total), 6) for one in back.effects} == {
        one.name: round(-plain(one.total), 6) for one in found.effects
    }
    rows = json.loads(found.to_json())
    assert len(rows) == len(found.effects)
    assert str(found).splitlines()[0].startswith(found.title)


def test_a_formula_over_two_tables_is_split():
    found = company().explain("cost_per_lead", period="2026-02", by="channel")
    assert sum(float(one.total) for one in found.effects) == pytest.approx(float(found.change))


def test_what_has_no_split_names_the_variant_that_has_one_and_the_advice_works():
    crm = company()
    with pytest.raises(InputError, match=r"use average_deal_size") as refused:
        crm.explain("average_deal_size.median", period="2026-02", by="source")
    variant = str(refused.value).rsplit(" ", 1)[1].rstrip(".")
    assert crm.explain(variant, period="2026-02", by="source").effects
    with pytest.raises(UndefinedError, match=r"in 2025-12 \(no deal was closed\), .* take periods with a value"):
        crm.explain("win_rate", period="2026-01", by="source")
    with pytest.raises(InputError, match=r"share no day; got 2026-02 and 2026-02. Give .* compare='previous'"):
        crm.explain("win_rate", period="2026-02", compare="2026-02", by="source")


def test_few_records_have_no_interval():
    found = explain_totals(
        "win_rate",
        {"a": {"won": 3, "closed": 5}, "b": {"won": 30, "closed": 90}},
        {"a": {"won": 4, "closed": 5}, "b": {"won": 40, "closed": 90}},
    )
    assert found.effect("b").interval is not None
    assert found.effect("b").standard_error > 0


@given(st.integers(0, 9), st.integers(1, 9))
def test_totals_that_contradict_each_other_are_refused(more: int, whole: int):
    with pytest.raises(InputError, match="won is a part of closed"):
        explain_totals("win_rate", {"a": {"won": whole + more + 1, "closed": whole}}, {"a": {"won": 0, "closed": 1}})
    with pytest.raises(InputError, match="missing: closed"):
        explain_totals("win_rate", {"a": {"won": 1}}, {"a": {"won": 0, "closed": 1}})


def worlds(rng: random.Random, deals: int, rate: Any) -> list[dict[tuple[int, int, int], tuple[float, float, float]]]:
    sides = []
    for later in (False, True):
        side: dict[tuple[int, int, int], list[int]] = {}
        for _ in range(deals):
            cell = (rng.randrange(6), rng.randrange(4), rng.randrange(5))
            pair = side.setdefault(cell, [0, 0])
            pair[1] += 1
            pair[0] += rng.random() < rate(cell, later)
        sides.append({cell: (float(won), float(many), 0.0) for cell, (won, many) in side.items()})
    return sides


@pytest.mark.parametrize(
    ("rate", "least", "most"),
    [
        (lambda cell, later: 0.3, 0, 3),
        (lambda cell, later: 0.24 if later else 0.3, 0, 3),
        (lambda cell, later: 0.15 if later and cell[1] == 2 else 0.3, 12, 20),
    ],
    ids=["nothing changed", "all fell alike", "one value of four fell"],
)
def test_the_search_finds_the_part_that_moved_and_else_says_that_the_change_is_broad(rate: Any, least: int, most: int):
    rng = random.Random(9)
    hits = 0
    for _ in range(20):
        found = search_totals(*worlds(rng, 1500, rate), names=("source", "owner", "size"))
        hits += (not found.broad) if not least else ({"owner": 2} in [one.cell for one in found.found])
        if found.broad:
            assert found.answer == "the change is broad: no part moved differently from the rest"
    assert least <= hits <= most


def test_the_search_of_records_says_where_to_look():
    deals = [
        ck.Deal(id=f"{month}{source}{n}", source=source, owner="Ada" if n % 2 else "Bo", closed_at=f"2026-0{month}-05",
                status="won" if n // 2 % 10 < (4 if month == 1 or source != "web" else 1) else "lost", amount=100,
                currency="EUR")
        for month in (1, 2)
        for source in ("web", "fair", "partner")
        for n in range(300)
    ]  # fmt: skip
    crm = ck.Dataset(deals=deals)
    found = crm.search("win_rate", period="2026-02", by=["source", "owner"])
    (one,) = found.found
    assert one.cell == {"source": "web"}
    assert (one.before, one.after, one.otherwise) == pytest.approx((0.4, 0.1, 0.4))
    assert one.share == pytest.approx(1)
    assert one.difference == pytest.approx(-0.3)
    assert one.interval.high < 0
    assert crm.search("revenue", period="2026-02", by="source").found[0].cell == {"source": "web"}
    with pytest.raises(InputError, match="none of these"):
        crm.search("sales_cycle_length.median", period="2026-02", by="source")


@pytest.mark.parametrize("kind", ["share", "mean", "sum"])
def test_the_search_is_as_sure_with_the_periods_swapped(kind: str):
    rng = random.Random(4)

    def side(fall: float) -> dict[Any, Any]:
        sums: dict[Any, list[float]] = {}
        for _ in range(1500):
            cell = (rng.randrange(4), rng.randrange(3))
            amount = rng.lognormvariate(3, 0.6) * (fall if cell[0] == 1 else 1)
            added = (
                (rng.random() < 0.6 * (fall if cell[0] == 1 else 1), 1, 0)
                if kind == "share"
                else (amount, 1, amount**2)
            )
            sums[cell] = [a + b for a, b in zip(sums.get(cell, [0.0, 0.0, 0.0]), added, strict=True)]
        return {cell: tuple(three) for cell, three in sums.items()}

    before, after = side(1.0), side(0.5)
    there, back = (
        search_totals(*pair, names=["source", "owner"], kind=kind) for pair in ((before, after), (after, before))
    )
    assert there.found[0].cell == back.found[0].cell == {"source": 1}
    assert there.found[0].p_value == pytest.approx(back.found[0].p_value, rel=1e-6)


def test_too_many_parts_are_refused_and_the_widest_attribute_is_named():
    side = {(n, n % 7): (1.0, 40.0, 0.0) for n in range(1500)}
    with pytest.raises(InputError, match=r"customer alone has 1,500 values"):
        search_totals(side, side, names=("customer", "day"))


@pytest.mark.parametrize("moved", ["fair", "web"])
def test_of_two_values_the_search_names_the_one_that_moved(moved: str):
    before = {(name,): (160.0, 400.0, 0.0) for name in ("fair", "web")}
    after = {**before, (moved,): (60.0, 400.0, 0.0)}
    assert [one.cell for one in search_totals(before, after, names=["source"]).found] == [{"source": moved}]


def test_a_table_of_parts_says_what_its_columns_are_and_intervals_are_of_95_percent():
    deals = [
        ck.Deal(id=f"{month}-{n}", status="won" if n % month else "lost", closed_at=f"2026-0{month}-05", amount=n,
                source="ab"[n % 2])
        for month in (2, 3) for n in range(40)
    ]  # fmt: skip
    crm = ck.Dataset(deals=deals, currency="EUR")
    question = {"period": "2026-03", "compare": "2026-02", "by": "source"}
    assert tuple(explain(crm, "revenue", **question).grid().notes) == (
        "the parts account for the change; what caused it, they do not say",
    )
    rates = explain(crm, "win_rate", **question)
    assert rates.grid().notes[0].startswith("rate: what changed within a segment")
    assert rates == explain(crm, "win_rate", confidence=0.95, **question)
