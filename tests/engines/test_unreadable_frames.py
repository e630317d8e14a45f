"""Fields that cannot be read cost their field on every engine: the same numbers, accounts and reasons as on records."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmkpi import Dataset, win_rate
from crmkpi.definition.metric import Metric
from crmkpi.records import RECORDS
from crmkpi.records.base import RecordType, partly_read, record_type

from .backends import arrow_of, assert_same, frame_of, homed
from .test_frames import METRICS, asked, questions_of
from .worlds import World, world

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

SOME = ("win_rate", "revenue", "average_deal_size", "email_open_rate", "net_promoter_score", "handle_time")
_KEPT = ("calendar", "currency", "rates", "as_of")


def faults(type_: RecordType, name: str, money: str, kind: str | None) -> Iterator[tuple[Any, str]]:
    """What a field may hold that its record refuses, as a frame has it and as records say it."""
    known = type_.fields[name]
    if known.kind == "choice":
        yield "Dead", "'Dead'"
    if known.required:
        yield None, ""
    floats = known.kind == "number" or (known.kind == "money" and money == "float")
    if floats:
        yield math.inf, "inf"
    for rule in type_.model.__pydantic_fields__[name].metadata:
        if getattr(rule, "ge", None) is not None:
            below = rule.ge - 5
            made = (
                float(below) if floats else Decimal(below).quantize(Decimal("0.01")) if known.kind == "money" else below
            )
            yield made, repr(made)
        if getattr(rule, "le", None) is not None:
            yield float(rule.le + 149), repr(float(rule.le + 149))
    if type_.table == "surveys" and name == "score":
        yield 1000.0, "1000.0"
        if kind == "nps":
            yield 0.9, "0.9"  # a share of its scale


def spoiled(found: World, tables: Mapping[str, Sequence[Any]], random: Random, money: str) -> tuple[Any, Any]:
    """The records of which some fields cannot be read, and Arrow tables of the same."""
    records: dict[str, list[Any]] = {}
    arrows = {}
    for table, whole in tables.items():
        type_ = record_type(RECORDS[table])
        cells: dict[str, dict[int, Any]] = {}
        records[table] = []
        share = random.choice((0.1, 0.4))
        for place, record in enumerate(whole):
            lost: dict[str, str] = {}
            for name in type_.fields:
                options = (
                    []
                    if name in ("id", "attributes")
                    else list(faults(type_, name, money, getattr(record, "kind", None)))
                )
                if name == "score" and lost:  # without its kind and scale no score is off it
                    options = [each for each in options if each[0] == math.inf]
                if options and random.random() < share:
                    cell, lost[name] = random.choice(options)
                    cells.setdefault(name, {})[place] = cell
            values = {each.name: getattr(record, each.name) for each in fields(record)} | dict.fromkeys(lost)
            records[table].append(partly_read(type(record))(**values, unreadable=lost) if lost else record)
        arrow = arrow_of(whole, type_, money=money, zone=found.zone)
        for name, places in cells.items():
            column = arrow.column(name)
            listed = [places.get(place, value) for place, value in enumerate(column.to_pylist())]
            arrow = arrow.set_column(arrow.column_names.index(name), name, pa.array(listed, column.type))
        arrows[table] = arrow
    return records, arrows


def both(metric: Metric, random: Random, backend: str) -> tuple[Dataset, Dataset, World]:
    """A dataset of which some fields cannot be read, as records and as frames."""
    found = world(metric, random)
    money = "float" if backend == "sqlite" else found.money
    records, arrows = spoiled(found, found.crm.tables, random, money)  # type: ignore[arg-type]
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
    for seed in range(3):  # the slow test below asks all of all definitions
        number = crc32(f"{name} {seed}".encode())
        compare(metric, Random(number), backend, questions[number % len(questions)])


@pytest.mark.parametrize("name", SOME[:3])
def test_read_and_empty_and_unreadable_are_given_on_every_engine(backend: str, name: str) -> None:
    records, frames, _ = both(METRICS[name], Random(crc32(name.encode())), backend)
    for table, whole in records.tables.items():
        counts = records.fields(table)
        assert frames.fields(table) == counts
        assert {sum(each.values()) for each in counts.values()} == {len(list(whole))}
    found = [each["unreadable"] for table in records.tables for each in records.fields(table).values()]
    assert sum(found) > 0


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
