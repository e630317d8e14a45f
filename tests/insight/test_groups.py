"""Two groups: figures of tea-tasting 1.14.0 on generated customers, laws, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.insight.groups import compare_groups, compare_measured_groups, to_frame_rows

# Generated data; expected values by tea_tasting 1.14.0, Mean("amount") and RatioOfMeans("amount", "orders").
OLD = [
    (20.0, 1.0), (0.0, 0.0), (75.0, 2.0), (120.0, 3.0), (15.0, 1.0), (60.0, 1.0), (0.0, 0.0), (44.0, 2.0),
]  # fmt: skip
NEW = [
    (35.0, 1.0),
    (90.0, 2.0),
    (0.0, 0.0),
    (160.0, 3.0),
    (28.0, 1.0),
    (110.0, 2.0),
    (51.0, 1.0),
    (12.0, 1.0),
    (70.0, 2.0),
]
MEAN = [
    41.75,
    61.77777777777778,
    20.02777777777778,
    -28.215074948545457,
    68.270630504101,
    0.479707252162342,
    -0.43707178884207476,
    2.889543122377947,
    0.3900296640600869,
]
RATIO = [
    33.4,
    42.769230769230774,
    9.369230769230775,
    -5.151905908886487,
    23.890367447348037,
    0.28051589129433463,
    -0.1406388394004392,
    0.9080696487531745,
    0.1888406803849729,
]


def figures(found: Any) -> list[float]:
    assert found.relative_interval is not None
    return [
        found.value_control, found.value_treatment, found.difference, *found.interval, found.relative,
        *found.relative_interval, found.p_value,
    ]  # fmt: skip


def test_means_and_ratios_are_those_of_tea_tasting():
    means = compare_groups({"old": [a for a, _ in OLD], "new": [a for a, _ in NEW]}, control="old")
    assert figures(means) == pytest.approx(MEAN, rel=1e-9)
    ratios = compare_groups({"old": OLD, "new": NEW}, control="old")
    assert figures(ratios) == pytest.approx(RATIO, rel=1e-9)


def test_the_rows_of_customers_go_into_tea_tasting_and_come_out_the_same():
    tea_tasting = pytest.importorskip("tea_tasting")
    arrow = pytest.importorskip("pyarrow")
    crm, groups = orders(), {str(n): ("old", "new")[n % 2] for n in range(40)}
    how: dict[str, Any] = {"groups": groups, "period": "2026-03"}
    rows = to_frame_rows(crm, "average_order_value", **how)
    frame = arrow.Table.from_pylist(rows)
    made = tea_tasting.Experiment(value=tea_tasting.RatioOfMeans("numerator", "denominator")).analyze(
        frame, control="old"
    )
    mine = compare_measured_groups(crm, "average_order_value", control="old", **how)
    theirs = made["value"]
    assert float(mine.difference) == pytest.approx(theirs.effect_size)
    assert mine.p_value == pytest.approx(theirs.pvalue)


def orders() -> ck.Dataset:
    made = [
        ck.Order(
            id=f"{month}-{n}-{k}", customer_id=str(n), amount=40 + 3 * (n % 2) + 7 * k, ordered_at=f"2026-0{month}-05"
        )
        for month in (2, 3)
        for n in range(38)
        for k in range(n % 4)
    ]
    return ck.Dataset(orders=made, currency="EUR")


def test_each_customer_is_one_row_with_what_was_before_and_those_without_records_are_kept():
    groups = {str(n): ("old", "new")[n % 2] for n in range(40)}
    rows = to_frame_rows(orders(), "average_order_value", groups=groups, period="2026-03", before="2026-02")
    assert [row["customer"] for row in rows] == list(groups)
    assert rows[3] == {"customer": "3", "variant": "new", "numerator": 150.0, "denominator": 3.0, "pre": 150.0}
    assert rows[39] == {"customer": "39", "variant": "new", "numerator": 0.0, "denominator": 0.0, "pre": 0.0}
    volumes = to_frame_rows(
        ck.Dataset(tickets=[ck.Ticket(id="1", customer_id="a", created_at="2026-03-05")]),
        "ticket_volume",
        groups={"a": "old", "b": "new"},
        period="2026-03",
    )
    assert [(row["numerator"], row["denominator"]) for row in volumes] == [(1.0, 1.0), (0.0, 1.0)]


values = st.lists(st.floats(1, 1000), min_size=3, max_size=12)


@given(values, values, st.floats(0.1, 10))
def test_swapped_groups_turn_the_sign_and_scale_scales(one: list[float], other: list[float], size: float):
    assume(len(set(one)) > 1)
    sides = {"a": one, "b": other}
    plan = {"a": float(len(one)), "b": float(len(other))}
    first = compare_groups(sides, control="a", split=plan)
    second = compare_groups(sides, control="b", split=plan)
    assert first.difference == pytest.approx(-second.difference, abs=1e-9)
    assert first.interval.low == pytest.approx(-second.interval.high, abs=1e-6)
    assert first.p_value == pytest.approx(second.p_value)
    scaled = compare_groups({name: [size * v for v in side] for name, side in sides.items()}, control="a", split=plan)
    assert scaled.difference == pytest.approx(size * first.difference, rel=1e-6, abs=1e-9)
    assert scaled.p_value == pytest.approx(first.p_value, rel=1e-6)


@given(values, values)
def test_a_mean_is_the_ratio_whose_denominators_are_1(one: list[float], other: list[float]):
    assume(len(set(one)) > 1)
    plan = {"a": float(len(one)), "b": float(len(other))}
    mean = compare_groups({"a": one, "b": other}, control="a", split=plan)
    ratio = compare_groups({"a": [(v, 1.0) for v in one], "b": [(v, 1.0) for v in other]}, control="a", split=plan)
    assert (mean.difference, mean.p_value) == (ratio.difference, ratio.p_value)


def test_better_is_said_only_of_what_is_shown_and_by_the_direction_of_the_kpi():
    far = {"a": [1.0, 2.0, 3.0, 2.0], "b": [11.0, 12.0, 13.0, 12.0]}
    assert compare_groups(far, control="a", better="lower").better is False
    assert compare_groups(far, control="a", better="higher").better is True
    assert compare_groups(far, control="a").better is None
    near = {"a": [1.0, 2.0, 3.0, 2.0], "b": [1.5, 2.0, 3.0, 2.0]}
    found = compare_groups(near, control="a", better="higher")
    assert (found.verdict, found.better) == ("no clear difference", None)


def test_the_relative_difference_is_undefined_where_the_control_may_be_0():
    found = compare_groups({"a": [-5.0, 5.0, 1.0, -1.0], "b": [3.0, 4.0, 5.0, 4.0]}, control="a")
    assert (found.relative, found.relative_interval) == (None, None)
    assert "–" in str(found)


def test_a_split_that_chance_does_not_give_is_refused_unless_it_was_the_plan():
    sides = {"a": [float(n % 7) for n in range(300)], "b": [float(n % 5) for n in range(200)]}
    with pytest.raises(InputError, match="300 a and 200 b, where 250 and 250 were planned"):
        compare_groups(sides, control="a")
    assert compare_groups(sides, control="a", split={"a": 3, "b": 2}).split_p == pytest.approx(1)


@pytest.mark.parametrize(
    ("sides", "how", "error", "message"),
    [
        ({"a": [1.0, 2.0]}, {"control": "a"}, InputError, "two groups"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"control": "c"}, UnknownNameError, "one of the groups"),
        ({"a": [1.0], "b": [1.0, 2.0]}, {"control": "a"}, InputError, "a has 1"),
        ({"a": [1.0, 1.0], "b": [1.0, 1.0]}, {"control": "a"}, InputError, "do not vary"),
        (
            {"a": [(1.0, 0.0), (2.0, 0.0)], "b": [(1.0, 1.0), (1.0, 2.0)]},
            {"control": "a"},
            InputError,
            "add up to 0",
        ),
        ({"a": [1.0, float("nan")], "b": [1.0, 2.0]}, {"control": "a"}, InputError, "a has other rows"),
        ({"a": [1.0, 2.0], "b": [1.0, 2.0]}, {"control": "a", "split": {"a": 1}}, InputError, "for each of a, b"),
    ],
)
def test_what_cannot_be_compared_is_refused(sides: Any, how: Any, error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        compare_groups(sides, **how)


def test_a_kpi_without_customers_or_of_no_two_totals_is_refused():
    crm = ck.Dataset(leads=[], tickets=[])
    with pytest.raises(InputError, match="none"):
        to_frame_rows(crm, "first_response_time", groups={"1": "a"}, period="2026-03")
    with pytest.raises(InputError, match="name no customer"):
        to_frame_rows(ck.Dataset(visits=[]), "visit_conversion_rate", groups={"1": "a"}, period="2026-03")
