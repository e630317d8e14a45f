"""`Metric.sql`: run on a database, the rows of the statement give the results that measuring gives."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import duckdb
import pytest

import crmkpi as ck
from crmkpi.errors import ColumnError, InputError, PeriodError, UnknownNameError

from .backends import frame_of
from .test_frames import METRICS

DIALECTS = ("postgresql", "mariadb", "clickhouse", "sqlite", "duckdb")
NUMBERS = count()
DEALS = [
    ck.Deal(
        id=str(number),
        status=("won", "lost", "won", "open")[number % 4],
        owner=("Ada", "ada", None, "Bo's; --")[number % 3],
        amount=Decimal(number * 10_007 % 99_999) / 100 if number % 7 else None,
        created_at=datetime(2025, 11, 1) + timedelta(hours=number * 5),
        closed_at=datetime(2025, 12, 20) + timedelta(hours=number * 7, microseconds=number)
        if number % 4 != 3
        else None,
    )
    for number in range(300)
]
COLUMNS = ["id", "status", "owner", "amount", "created_at", "closed_at"]
KPIS = ("win_rate", "revenue", "average_deal_size", "deal_volume", "sales_cycle_length")


def table_in(dialect: str) -> tuple[str, Any]:
    """The deals as a table of a database, and what runs a statement there."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    table = pa.Table.from_pylist([{name: getattr(deal, name) for name in COLUMNS} for deal in DEALS])
    if dialect == "duckdb":
        connection, name = duckdb.connect(), "deals of ours"
        connection.from_arrow(table).create(f'"{name}"')

        def run(text: str) -> list[dict[str, Any]]:
            found = connection.sql(text)
            return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

        return name, run
    made = frame_of(dialect, table)
    source = made.source

    def asks(text: str) -> list[dict[str, Any]]:
        names, rows = source.all_rows(text)
        return [dict(zip(names, row, strict=True)) for row in rows]

    return made.relation.name, asks


@pytest.mark.parametrize(
    "dialect", [pytest.param(each, marks=pytest.mark.slow) if each == "clickhouse" else each for each in DIALECTS]
)
def test_the_rows_of_a_statement_give_the_results_of_measuring(dialect) -> None:
    name, run = table_in(dialect)
    measured = 0
    for id_ in KPIS:
        metric = METRICS[id_]
        if dialect == "sqlite" and id_ == "sales_cycle_length":
            continue  # its sums of microseconds would not fit
        for question in ({}, {"by": "owner"}, {"by": "owner", "period": "2026-Q1", "every": "month"}):
            expected = {
                (result.segment.get("owner"), str(result.period) if "period" in question else None): result
                for result in ck.Dataset(deals=DEALS, currency="EUR").measure(metric, confidence=None, **question)
                if result.accounts[0].given and any(result.inputs.values())
            }
            rows = run(metric.sql(dialect=dialect, table=name, columns=COLUMNS, **question))
            assert expected
            for row in rows:
                totals = {name: row[name] for name in metric.measures}
                found = metric.from_totals(currency="EUR", **totals)
                wanted = expected.pop((row.get("owner"), row.get("period")), None)
                if wanted is None:
                    assert not any(totals.values())
                elif isinstance(wanted.value, Decimal):
                    assert round(Decimal(str(found.value)), 8) == round(wanted.value, 8)
                elif isinstance(wanted.value, timedelta):
                    assert abs(found.value - wanted.value) < timedelta(microseconds=2)
                else:
                    assert found.value == wanted.value
                measured += 1
            assert not expected
    assert measured > 40


def test_a_statement_takes_the_columns_and_words_of_the_user() -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE opps AS SELECT 1 AS \"Opp\", 'Closed Won' AS \"Stage\" UNION ALL SELECT 2, 'gone'")
    text = ck.win_rate.sql(
        dialect="duckdb",
        table="opps",
        columns={"Opp": "id", "Stage": "status"},
        values={"status": {"Closed Won": "won", "gone": "lost"}},
    )
    assert connection.sql(text).fetchall() == [(1, 2)]


def test_nothing_of_a_user_ends_a_statement_or_its_comment() -> None:
    hard = "x\"'; DROP TABLE opps; --\n"
    text = ck.win_rate.sql(dialect="postgresql", table=hard, schema=hard, columns={hard: "status"}, by=None)
    assert text.splitlines()[0].startswith("-- win_rate")
    assert '"x""\'; DROP TABLE opps; --\n"."x""\'; DROP TABLE opps; --\n"' in text


@pytest.mark.parametrize(
    "id_, given, error, message",
    [
        ("win_rate", {"dialect": "oracle"}, UnknownNameError, "No statements are written in the dialect 'oracle'"),
        ("win_rate", {"columns": []}, ColumnError, r"sql\(\) needs columns=, since it sees no table"),
        ("win_rate", {"columns": "id"}, ColumnError, r"sql\(\) needs columns=, since it sees no table"),
        ("win_rate", {"by": "owner", "columns": ["id", "status"]}, ColumnError, "by= names 'owner', which"),
        ("win_rate", {"types": {"stat": "text"}}, ColumnError, "types= names the column 'stat', which columns= lacks"),
        ("win_rate", {"by": "customer.industry"}, InputError, "A statement groups by fields of deals that are text"),
        ("win_rate", {"by": "amount"}, InputError, "A statement groups by fields of deals that are text"),
        ("revenue", {"columns": ["id", "status"]}, ColumnError, "reads 'amount' for 'amount', which"),
        ("win_rate", {"columns": ["id", "status"], "period": "2026"}, ColumnError, "reads 'closed_at' for 'won'"),
        ("sales_cycle_length", {"dialect": "sqlite"}, InputError, "a sum that one column of sqlite cannot hold"),
        ("sales_cycle_length.median", {}, InputError, "one statement gives counts, sums and mean durations"),
        ("pipeline_value", {"period": "2026", "every": "month"}, InputError, "is a stock"),
        ("win_rate", {"every": "month"}, PeriodError, None),
    ],
)  # fmt: skip
def test_what_one_statement_cannot_say_is_an_error(id_, given, error, message) -> None:
    with pytest.raises(error, match=message):
        METRICS[id_].sql(**{"dialect": "postgresql", "columns": COLUMNS, **given})
