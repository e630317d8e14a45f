"""Unreadable values invalidate only their field on every engine: numbers, accounts and reasons are equal."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkpi import Dataset, win_rate
from crmkpi.definition.metric import Metric
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

from .backends import arrow_of, assert_same, frame_of, homed
from .test_frames import METRICS, asked, questions_of
from .worlds import World, spoiled, with_cells, world

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

SOME = ("win_rate", "revenue", "average_deal_size", "email_open_rate", "net_promoter_score", "handle_time")
_KEPT = ("calendar", "currency", "rates", "as_of")


def both(metric: Metric, random: Random, backend: str) -> tuple[Dataset, Dataset, World]:
    """A dataset with some unreadable fields, as records and as frames."""
    found = world(metric, random, spoil=False)
    money = "float" if backend == "sqlite" else found.money
    records, cells = spoiled(found.crm.tables, random, money, share=random.choice((0.1, 0.4)))
    whole = {
        name: arrow_of(list(table), record_type(RECORDS[name]), money=money, zone=found.zone)
        for name, table in found.crm.tables.items()
    }
    arrows = {name: with_cells(arrow, cells[name]) for name, arrow in whole.items()}
    kept = {name: getattr(found.crm, name) for name in _KEPT} | {"most_unreadable": random.choice((0.02, 1))}
    return Dataset(**records, **kept), Dataset(**homed(backend, arrows), **kept), found


def compare(metric: Metric, random: Random, backend: str, question: Mapping[str, Any]) -> None:
    records, frames, found = both(metric, random, backend)
    options = {**question, "by": found.by, "parameters": asked(metric)}
    mine, theirs = records.measure(metric, **options), frames.measure(metric, **options)
    assert_same(mine, theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert one.unreadable == other.unreadable
        assert (one.interval is None) == (other.interval is None)
        assert one.interval is None or one.interval.without == other.interval.without
        for account in other.accounts:
            assert account.used + sum(account.left_out.values()) + account.outside + account.rejected == account.given


@pytest.mark.in_turns
@pytest.mark.parametrize("name", SOME)
def test_a_frame_sets_aside_what_records_set_aside(backend: str, name: str) -> None:
    metric = METRICS[name]
    questions = questions_of(metric)
    for seed in range(3):  # the slow test below runs all definitions
        number = crc32(f"{name} {seed}".encode())
        compare(metric, Random(number), backend, questions[number % len(questions)])


@pytest.mark.in_turns
@pytest.mark.parametrize("name", SOME[:3])
def test_read_and_empty_and_unreadable_are_given_on_every_engine(backend: str, name: str) -> None:
    records, frames, _ = both(METRICS[name], Random(crc32(name.encode())), backend)
    for table, whole in records.tables.items():
        counts = records.fields(table)
        assert frames.fields(table) == counts
        assert {sum(each.values()) for each in counts.values()} == {len(list(whole))}
    found = [each["unreadable"] for table in records.tables for each in records.fields(table).values()]
    assert sum(found) > 0


@pytest.mark.in_turns
def test_a_period_before_dates_that_cannot_all_be_read(backend: str) -> None:
    if backend == "pyspark":
        pytest.skip("Spark takes no moments out of its calendar")
    moments = pa.array([1767571200000000] * 2 + [None], pa.int64()).cast(pa.timestamp("us"))
    deals = pa.table({"id": ["1", "2", "3"], "status": ["won", "Dead", "lost"], "closed_at": moments})
    assert win_rate(frame_of(backend, deals), period="2025-01").left_out == {"no closed_at": 1}
    if backend in ("polars", "polars-lazy", "pyarrow"):
        late = pa.array([1767571200000000, 9 * 10**18, None], pa.int64()).cast(pa.timestamp("us"))
        found = win_rate(frame_of(backend, deals.set_column(2, "closed_at", late)), period="2025-01", most_unreadable=1)
        assert found.left_out == {"no closed_at": 1, "closed_at unreadable": 1}


@pytest.mark.slow
@pytest.mark.parametrize("name", METRICS)
def test_every_definition_sets_aside_what_records_set_aside(backend: str, name: str, examples: int) -> None:
    metric = METRICS[name]

    @settings(
        max_examples=max(6, examples // 10), deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.randoms(use_true_random=False), st.sampled_from(questions_of(metric)))
    def check(random: Random, question: dict[str, Any]) -> None:
        compare(metric, random, backend, question)

    check()
