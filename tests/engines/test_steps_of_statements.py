"""The steps (subqueries) of a database statement: few per column, and only columns that are read."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.engines.frames.homes.database import DatabaseFrame
from crmkpi.engines.frames.homes.sqlite import SqliteSql

NAMES = ("a", "b", "c", "d")
ROWS = [{"a": 1, "b": 2}, {"a": -3, "b": 5}, {"a": 4, "b": 4}, {"a": 1, "b": 2}]
TERMS = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES), st.sampled_from(NAMES), st.integers(-3, 3))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("columns"), st.lists(TERMS, min_size=1, max_size=3, unique_by=lambda term: term[0])),
        st.tuples(st.just("filter"), TERMS),
        st.tuples(st.just("unique"), st.none()),
        st.tuples(st.just("join"), st.none()),
        st.tuples(st.just("select"), st.lists(st.sampled_from(NAMES), min_size=1, unique=True)),
    ),
    max_size=7,
)


class Answers:
    """A session that only counts its steps."""

    number = 0

    def next_number(self) -> int:
        self.number += 1
        return self.number


def start() -> DatabaseFrame:
    session: Any = Answers()
    return DatabaseFrame("t", ("a", "b"), SqliteSql, session)


def value(row: dict[str, int], term: tuple[str, str, str, int]) -> int:
    _, first, second, number = term
    return row.get(first, 7) + row.get(second, 7) * number


def expression(frame: DatabaseFrame, term: tuple[str, str, str, int]) -> SqliteSql:
    name, first, second, number = term
    sides = [SqliteSql.col(each) if each in frame.columns else SqliteSql.lit(7) for each in (first, second)]
    return (sides[0] + sides[1] * number).alias(name)


@pytest.mark.parametrize("letters", [0, 40, 10_000])
@given(steps=STEPS)
def test_a_statement_gives_the_rows_of_its_steps_one_by_one(letters: int, steps: list[Any]) -> None:
    frame, rows = start(), [dict(row) for row in ROWS]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SqliteSql, "fence_letters", letters)
        for what, asked in steps:
            if what == "columns":
                rows = [row | {term[0]: value(row, term) for term in asked} for row in rows]
                frame = frame.with_columns(*(expression(frame, term) for term in asked))
            elif what == "filter":
                rows = [row for row in rows if value(row, asked) > 0]
                frame = frame.filter(expression(frame, asked) > 0)
            elif what == "unique":
                rows = [dict(pairs) for pairs in {tuple(sorted(row.items())): None for row in rows}]
                frame = frame.unique()
            elif what == "join" and "a" in frame.columns:
                keyed = frame.select("a").unique().with_columns((SqliteSql.col("a") * 2).alias("z"))
                rows = [row | {"b": 2 * row["a"]} for row in rows]
                frame = frame.join(keyed, left_on="a", right_on="a", how="left")
                names = sorted({*frame.columns, "b"} - {"z"})
                frame = frame.with_columns(SqliteSql.col("z").alias("b")).select(*names)
            elif what == "select" and (kept := [name for name in asked if name in frame.columns]):
                rows = [{name: row[name] for name in kept} for row in rows]
                frame = frame.select(*kept)
        frame = frame if frame.steps else frame.select(*frame.columns)
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t(a INTEGER, b INTEGER)")
    connection.executemany("INSERT INTO t VALUES (:a, :b)", ROWS)
    found = connection.execute(frame.statement)
    names = [column for column, *_ in found.description]
    assert names == list(frame.columns)
    told = [dict(zip(names, row, strict=True)) for row in found]
    assert sorted(map(in_order, told)) == sorted(map(in_order, rows))


def in_order(row: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(row.items())


def test_columns_that_do_not_need_each_other_are_one_step_and_those_that_nobody_reads_are_none() -> None:
    one = SqliteSql.col("a") + 1
    frame = start().with_columns(one.alias("c")).with_columns((SqliteSql.col("b") * 2).alias("d"))
    assert len(frame.steps) == 1
    frame = frame.with_columns((SqliteSql.col("c") * 3).alias("e"))
    assert len(frame.steps) == 2
    text = frame.select("e").statement
    assert '"d"' not in text
    assert '"b"' not in text
    assert '"d"' in frame.statement


def test_a_statement_of_a_kpi_names_no_column_that_it_does_not_read() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE deals(id TEXT, status TEXT, owner TEXT, amount REAL, closed_at TIMESTAMP)")
    connection.execute("INSERT INTO deals VALUES ('1', 'won', 'Ada', 5.0, '2026-01-05 10:00:00')")
    report = ck.Dataset(deals=ck.database(connection).table("deals"), currency="EUR").measure("revenue", period="2026")
    assert "owner" not in report.sql()
    assert report[0].value == 5
