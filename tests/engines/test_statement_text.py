"""`Metric.sql`: run on a database, the rows of the statement equal the measured results."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

import duckdb
import pytest

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.errors import ColumnError, CrmKpiError, CurrencyError, InputError, PeriodError, UnknownNameError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

from .backends import arrow_of, frame_of
from .test_frames import METRICS, PARAMETERS

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
QUESTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"by": "owner"},
    {"by": "owner", "period": "2026-Q1", "every": "month"},
)
KPIS = (
    "win_rate", "revenue", "average_deal_size", "deal_volume", "sales_cycle_length", "open_deals", "pipeline_value",
    "sales_cycle_length.calendar_days",
)  # fmt: skip


def arrow_of_deals(deals: Any = DEALS) -> Any:
    """The deals as an Arrow table."""
    import pyarrow as pa  # noqa: PLC0415  # only where it is tested

    return pa.Table.from_pylist([{name: getattr(deal, name) for name in COLUMNS} for deal in deals])


def table_in(dialect: str, deals: Any = DEALS) -> tuple[str, Any]:
    """The deals as a table of a database, and a function that runs a statement there."""
    return run_in(dialect, arrow_of_deals(deals), "deals of ours")


def run_in(dialect: str, table: Any, name: str) -> tuple[str, Any]:
    """An Arrow table as a table of a database, and a function that runs a statement there."""
    if dialect == "duckdb":
        connection = duckdb.connect()
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

    return made.target.name, asks


@pytest.mark.parametrize(
    "dialect", [pytest.param(each, marks=pytest.mark.slow) if each == "clickhouse" else each for each in DIALECTS]
)
def test_the_rows_of_a_statement_give_the_results_of_measuring(dialect) -> None:
    name, run = table_in(dialect)
    measured = 0
    for id_ in KPIS:
        if dialect == "sqlite" and id_.startswith("sales_cycle_length"):
            continue  # its sums of microseconds would not fit
        for question in QUESTIONS:
            rows = run(METRICS[id_].sql(dialect=dialect, table=name, columns=COLUMNS, **question))
            measured += assert_results(METRICS[id_], rows, question)
    assert measured > 40


def assert_results(metric: ck.Metric[Any], rows: list[dict[str, Any]], question: dict[str, Any]) -> int:
    """Compare the rows with the measured results; return the number of comparisons."""
    expected = {
        (result.segment.get("owner"), str(result.period) if "period" in question else None): result
        for result in ck.Dataset(deals=DEALS, currency="EUR").measure(metric, confidence=None, **question)
        if result.accounts[0].given and any(result.inputs.values())
    }
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
    assert not expected
    return len(rows)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_statement_of_each_dialect_is_written_without_a_server(dialect) -> None:
    assert "deals" in METRICS["win_rate"].sql(dialect=dialect, columns=COLUMNS, **QUESTIONS[-1])


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
        ("win_rate", {"every": "month"}, PeriodError, None),
    ],
)  # fmt: skip
def test_what_one_statement_cannot_say_is_an_error(id_, given, error, message) -> None:
    with pytest.raises(error, match=message):
        METRICS[id_].sql(**{"dialect": "postgresql", "columns": COLUMNS, **given})


REFUSED: dict[str, dict[str, Any]] = {
    "sales_cycle_length.median": {},
    "revenue_growth_rate": {"period": "2026-Q1", "every": "month"},
    "sales_velocity": {"period": "2026-Q1"},
    "sales_cycle_length": {},  # a sum that SQLite could not hold
}


@pytest.mark.parametrize("id_", REFUSED)
def test_what_a_statement_is_refused_for_is_measured_as_its_error_says(id_) -> None:
    metric, question = METRICS[id_], REFUSED[id_]
    with pytest.raises(InputError, match=r"; measure it with crmkpi.database\(\)\.$"):
        metric.sql(dialect="sqlite", columns=COLUMNS, **question)
    crm = ck.Dataset(deals=frame_of("sqlite", arrow_of_deals()), currency="EUR")
    found, right = (each.measure(metric, **question) for each in (crm, ck.Dataset(deals=DEALS, currency="EUR")))
    assert [(one.value, one.interval) for one in found] == [(one.value, one.interval) for one in right]
    assert any(one.value for one in right)


def test_a_stock_has_a_row_for_each_moment() -> None:
    name, run = table_in("duckdb")
    rows = run(
        METRICS["open_deals"].sql(dialect="duckdb", table=name, columns=COLUMNS, period="2026-Q1", every="month")
    )
    tally = ck.Tally("open_deals", period="2026-Q1", every="month").add_rows(rows)
    right = ck.Dataset(deals=DEALS).measure("open_deals", period="2026-Q1", every="month")
    assert [(one.period, one.value) for one in tally.report()] == [(one.period, one.value) for one in right]
    with pytest.raises(
        InputError, match="sales_velocity combines records at a moment with events of a period; measure it with"
    ):
        METRICS["sales_velocity"].sql(dialect="duckdb", columns=COLUMNS, period="2026-Q1")


def test_a_row_for_each_key_and_a_related_field_are_refused_by_their_names() -> None:
    with pytest.raises(InputError, match="needs 'cycle' of 'lead', which is no column of deals; measure it with"):
        METRICS["sales_cycle_length.from_lead"].sql(dialect="duckdb", columns=COLUMNS)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_row_for_each_customer_is_refused_in_every_dialect(dialect) -> None:
    metric = METRICS["net_promoter_score.latest_per_customer"]
    with pytest.raises(
        InputError, match=r"needs 'promoters' \(surveys.per\(surveys.customer_id\).count.*; measure it with"
    ):
        metric.sql(dialect=dialect, columns=["id", "customer_id", "score", "kind", "answered_at"])


def test_a_float_that_is_added_up_needs_its_digits_as_its_error_says() -> None:
    columns = ["id", "impressions", "conversions", "started_at"]
    with pytest.raises(
        InputError, match=r"declare its type, as in types=\{'conversions': 'numeric\(18,2\)'\}, or"
    ) as told:
        METRICS["ad_conversions"].sql(dialect="postgresql", columns=columns)
    types = eval(str(told.value).partition("types=")[2].partition(", or")[0])
    text = METRICS["ad_conversions"].sql(dialect="duckdb", columns=columns, types=types, table="ads")
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE ads(id TEXT, impressions INTEGER, conversions DECIMAL(18, 2), started_at TIMESTAMP)"
    )
    connection.execute("INSERT INTO ads VALUES (1, 9, 2.25, NULL), (2, 9, 0.5, NULL)")
    assert [float(row[0]) for row in connection.sql(text).fetchall()] == [2.75]


def test_a_name_of_duckdb_may_be_long() -> None:
    long = "x" * 90
    assert f'"{long}"' in METRICS["win_rate"].sql(dialect="duckdb", columns={long: "status"})
    assert f'"{long}"' not in METRICS["win_rate"].sql(dialect="postgresql", columns={long: "status"})


# Rows in a tally


@pytest.mark.parametrize("id_", ["win_rate", "revenue", "average_deal_size"])
def test_rows_of_two_databases_add_up_to_the_figures_of_both(id_) -> None:
    metric, question = METRICS[id_], {"by": "owner", "period": "2026-Q1", "every": "month"}
    confidence = 0.95 if id_ == "win_rate" else None
    tally = ck.Tally(metric, confidence=confidence, currency="EUR", **question)
    parts = []
    for half in (DEALS[:150], DEALS[150:]):
        name, run = table_in("duckdb", half)
        parts.append(tally.add_rows(run(metric.sql(dialect="duckdb", table=name, columns=COLUMNS, **question))))
    stored = tally.from_json(parts[1].to_json())
    found = parts[0].merge(stored).report()
    assert "groups of rows" in repr(parts[0])
    measured = ck.Dataset(deals=DEALS, currency="EUR").measure(metric, confidence=confidence, **question)
    assert [(r.value, r.period, dict(r.segment), r.currency) for r in found] == [
        (r.value, r.period, dict(r.segment), r.currency) for r in measured
    ]
    if id_ == "win_rate":
        assert [(r.interval, r.n) for r in found] == [(r.interval, r.n) for r in measured]


def test_counts_of_a_database_may_be_decimals() -> None:
    (found,) = ck.Tally("win_rate").add_rows([{"won": Decimal(1), "closed": Decimal(2)}]).report()
    assert (found.inputs, found.value) == ({"won": 1, "closed": 2}, 0.5)
    assert ck.win_rate.from_totals(won=Decimal(1), closed=Decimal(2)).interval == found.interval


def test_a_tally_without_rows_and_one_of_no_group_give_what_nothing_gives() -> None:
    assert ck.Tally("win_rate").add_rows([]).report()[0].value is None
    assert ck.Tally("revenue", currency="EUR").add_rows([{"amount": None}]).report()[0].value == 0


ROW = {"owner": "Ada", "won": 1, "closed": 2}


@pytest.mark.parametrize(
    "tally, rows, message",
    [
        (ck.Tally("win_rate", by="owner"), [{"owner": "Ada", "won": 1}], "this one lacks 'closed'"),
        (ck.Tally("win_rate", by="owner"), [("Ada", 1, 2)], r"takes rows as mappings .*got \('Ada', 1, 2\)"),
        (ck.Tally("win_rate", by="owner"), [ROW | {"period": "2026-01"}], "The rows have a period"),
        (ck.Tally("win_rate", by="owner", period="2026"), [ROW], "this one lacks 'period'"),
        (
            ck.Tally("win_rate", by="owner", period="2026", every="month"),
            [ROW | {"period": "2025-01"}],
            "has the period '2025-01', which the tally does not have",
        ),
        (ck.Tally(["win_rate", "revenue"]), [ROW], "Rows are of one KPI; make a tally for each of win_rate, revenue"),
        (ck.Tally("sales_cycle_length"), [{"cycle": 3.0}], "takes 'cycle', a mean, and such values of parts do not"),
    ],
)
def test_rows_that_a_tally_cannot_take_are_an_error(tally, rows, message) -> None:
    with pytest.raises(InputError, match=message):
        tally.add_rows(rows)


def test_rows_and_records_do_not_merge_in_silence() -> None:
    rows, records = ck.Tally("win_rate").add_rows([ROW]), ck.Tally("win_rate").add(deals=DEALS)
    with pytest.raises(InputError, match=r"Rows of Metric\.sql do not say what was left out"):
        rows.merge(records)


def test_amounts_of_two_currencies_are_not_added() -> None:
    tally = ck.Tally("revenue").add_rows([{"currency": word, "amount": 1} for word in ("EUR", "USD")])
    with pytest.raises(CurrencyError, match="of all is in EUR, USD, and amounts of several currencies are not added"):
        tally.report()


def company() -> dict[str, list[Any]]:
    """The sample company with amounts of one currency."""
    found = {name: list(records) for name, records in sample_company(scale=0.05).items()}
    return {
        name: [replace(each, currency=None) for each in records] if hasattr(records[0], "currency") else records
        for name, records in found.items()
    }


@pytest.mark.slow
def test_the_statement_of_every_kpi_gives_the_results_of_measuring() -> None:
    records, tables, said = company(), {}, set()
    crm = ck.Dataset(**records, currency="EUR")
    for name, found in records.items():
        arrow, fields = arrow_of(found, record_type(RECORDS[name])), record_type(RECORDS[name]).fields
        columns = [each for each in arrow.column_names if each in fields and each != "currency"]
        tables[name] = (*run_in("duckdb", arrow.select(columns), name), columns)
    for metric in METRICS.values():
        given = {name: PARAMETERS[name] for name in metric.parameters if name in PARAMETERS}
        for question in ({}, {"period": "2026-Q1", "every": "month"}):
            name, run, columns = tables[metric.tables[0]]
            try:
                text = metric.sql(dialect="duckdb", table=name, columns=columns, parameters=given, **question)
            except CrmKpiError:
                continue
            rows = {row.get("period"): row for row in run(text)}
            for right in crm.measure(metric, confidence=None, parameters=given, **question):
                row = rows.get(str(right.period) if question else None, {})
                for each in metric.measures:
                    if right.inputs.get(each) is not None:
                        assert same(row.get(each), right.inputs[each]), (metric.id, question, each)
                        said.add(metric.id)
    assert len(said) > 80
    assert {"pipeline_value", "mrr", "backlog", "active_customers"} <= said  # stocks, a row for each moment


def same(found: Any, right: Any) -> bool:
    if isinstance(right, timedelta):
        right = right.total_seconds()
    return float(found or 0) == pytest.approx(float(right or 0), rel=1e-9, abs=1e-9)
