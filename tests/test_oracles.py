"""Every definition of the catalogue against a few lines of SQL, written from the meaning of the KPI, not from our code.

The SQL is in tests/oracles, one query per definition under `-- its id`. It runs in DuckDB over the same dirty records:
missing values everywhere, dates in the wrong order, negative amounts, dangling references, ties at edges of months.
"""

from __future__ import annotations

import csv
import math
import random
import tomllib
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

import crmkpi as ck
from crmkpi.errors import PeriodError
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type

FOLDER = Path(__file__).parent / "oracles"
AS_OF = date(2026, 6, 30)
CALENDAR = ck.Calendar(opening_hours={"mon-fri": ("09:00", "17:00")})
PARAMETERS: dict[str, Any] = {
    "days": 20,
    "discount": 0.08,
    "horizon": 90,
    "hourly_rate": Decimal("37.50"),
    "lifespan": 730,
    "margin": 0.35,
    "market_revenue": Decimal(9_000_000),
    "periods": 2,
    "quota": Decimal(25_000),
}
TYPES = {
    "text": "VARCHAR",
    "choice": "VARCHAR",
    "number": "DOUBLE",
    "integer": "BIGINT",
    "money": "DECIMAL(18,2)",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "flag": "BOOLEAN",
}
WORDS = {
    ("customers", "status"): ("active", "churned"),
    ("tickets", "kind"): ("complaint", "question", "incident", "<b>"),
    ("campaigns", "channel"): ("email", "email", "search"),
    ("stage_visits", "stage"): ("Demo", "Offer", "Contract"),
}
SIZES = {"customers": 400, "campaigns": 150}
EDGES = [datetime(2026, month, 1) for month in range(1, 13)] + [datetime(2026, 3, 29, 2, 30), datetime(2025, 2, 28)]


def moment(chance: random.Random) -> datetime:
    if chance.random() < 0.1:
        return chance.choice(EDGES)
    return datetime(2025, 1, 1) + timedelta(seconds=chance.randrange(730 * 86_400), microseconds=chance.choice((0, 1)))


def value(chance: random.Random, table: str, field: Any, keys: dict[str, str]) -> Any:
    if field.optional and chance.random() < (0.75 if field.name.endswith("_into") else 0.12):
        return None
    if field.name in keys:
        # A few repeat often, and some references dangle.
        return f"{keys[field.name]}-{int(700 * chance.random() ** 4)}"
    match field.kind:
        case "text":
            return chance.choice(WORDS.get((table, field.name), ("Ada", "Bo", "")))
        case "choice":
            return chance.choice(field.choices)
        case "number":
            some = {"probability": (0.0, 0.1, 0.25, 1.0), "sentiment_score": (-1.0, -0.25, 0.0, 0.5)}
            return chance.choice(some.get(field.name, (0.0, 30.5, 1800.0)))
        case "integer":
            return chance.choice((0, 0, 1, 1, 2, 40, 1000))
        case "money":
            low = {
                "campaigns": 0,
                "interactions": 0,
                "subscriptions": -300_000,
                "deals": -60_000,
                "orders": -60_000,
            }.get(table, -1_000)
            return Decimal(chance.choice((0, 4_990, 4_990, 100_000, chance.randrange(low, 500_000)))) / 100
        case "timestamp":
            return moment(chance)
        case "date":
            return moment(chance).date()
        case "flag":
            return chance.random() < 0.15
        case _:
            return {}


def survey(chance: random.Random, values: dict[str, Any]) -> dict[str, Any]:
    low, high = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7), "awareness": (0, 1), "review": (1, 5)}[values["kind"]]
    if values["kind"] == "nps":
        low, high = chance.choice(((0, 10), (0, 10), (0, 10), (1, 10), (1, 5)))
    if values["kind"] == "csat":
        low, high = chance.choice(((1, 5), (1, 3), (1, 10), (0, 1)))
    score = None if values["score"] is None else chance.randint(low, high)
    return values | {"scale_low": low, "scale_high": high, "score": score}


def dirty_records(table: str) -> list[Any]:
    type_ = record_type(RECORDS[table])
    chance = random.Random(table)
    keys = {relation.key: relation.table for relation in type_.relations.values()} | {"customer_id": "customers"}
    rows = []
    for number in range(SIZES.get(table, 600)):
        values = {name: value(chance, table, field, keys) for name, field in type_.fields.items()}
        values = survey(chance, values) if table == "surveys" else values
        currency = {"currency": chance.choice(("EUR", None))} if "currency" in type_.fields else {}
        rows.append(type_.model(**values | currency | {"id": f"{table}-{number}"}))
    return rows


@pytest.fixture(scope="module")
def crm() -> ck.Dataset:
    tables = {table: dirty_records(table) for table in RECORDS}
    return ck.Dataset(calendar=CALENDAR, currency="EUR", **tables)


def asks(metric: ck.Metric) -> bool:
    return metric.needs_as_of or "as_of()" in QUERIES.get(metric.id, "")


def known(crm: ck.Dataset, metric: ck.Metric) -> ck.Dataset:
    """The `as_of` of the SQL, for the definitions that need one."""
    # Without it everything in the data has happened; tests/engines/test_so_far.py tests its other effects.
    settings = {"calendar": crm.calendar, "currency": crm.currency, "as_of": AS_OF if asks(metric) else None}
    return ck.Dataset(**crm.tables, **settings)


def cell(value: Any) -> Any:
    """A value in a file for DuckDB, which loads faster than bound values."""
    return "\\N" if value is None else value


@pytest.fixture(scope="module")
def database(crm: ck.Dataset, tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    folder = tmp_path_factory.mktemp("oracles")
    for table, records in crm.tables.items():
        fields = {
            name: field for name, field in record_type(RECORDS[table]).fields.items() if field.kind != "attributes"
        }
        columns = ", ".join(f'"{name}" {TYPES[field.kind]}' for name, field in fields.items())
        connection.execute(f"CREATE TABLE {table} ({columns})")
        file = folder / f"{table}.csv"
        with file.open("w", encoding="utf-8", newline="") as opened:
            csv.writer(opened).writerows([cell(getattr(record, name)) for name in fields] for record in records)
        connection.execute(f"COPY {table} FROM '{file}' (HEADER false, NULLSTR '\\N')")
    for name, given in PARAMETERS.items():
        connection.execute(f"CREATE MACRO {name}() AS {given}")
    connection.execute("CREATE MACRO as_of() AS TIMESTAMP '2026-07-01'")
    speak_of(connection, None)
    connection.execute((FOLDER / "words.sql").read_text("utf-8"))
    return connection


def queries() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in sorted(FOLDER.glob("*.sql")):
        if file.name != "words.sql":
            for part in file.read_text("utf-8").split("\n-- ")[1:]:
                name, _, query = part.partition("\n")
                assert name not in found, f"{name} has two oracles"
                found[name] = query.strip().removesuffix(";")
    return found


QUERIES = queries()
METRICS = {metric.id: metric for metric in ck.catalogue.everything()}


def speak_of(database: duckdb.DuckDBPyConnection, period: ck.Period | None) -> None:
    """Define the period macros of the queries as instants."""
    if period is None:
        bounds = {"period_start": datetime.min, "period_end": datetime.max}
        bounds |= {
            f"{name}_{side}": datetime.min for name in ("previous", "year_ago", "lagged") for side in ("start", "end")
        }
    else:
        others = {
            "period": period,
            "previous": period.previous(),
            "year_ago": period.year_ago(),
            "lagged": period.previous().previous(),
        }
        bounds = {f"{name}_start": other.wall_start for name, other in others.items()}
        bounds |= {f"{name}_end": other.wall_end for name, other in others.items()}
    for name, instant in bounds.items():
        database.execute(f"CREATE OR REPLACE MACRO {name}() AS TIMESTAMP '{instant.isoformat(' ')}'")
    database.execute(f"CREATE OR REPLACE MACRO whole() AS {period is None}")


def answer(database: duckdb.DuckDBPyConnection, query: str, period: ck.Period | None) -> Any:
    """The SQL result for a period, or for the whole data; a division by zero is NULL."""
    speak_of(database, period)
    (found,) = database.execute(query).fetchall()
    (number,) = found
    return None if isinstance(number, float) and not math.isfinite(number) else number


def agree(result: ck.Result, expected: Any) -> bool:
    if result.value is None and "is left out" in str(result.reason):  # law 2: no 0 for missing data
        return not expected and not all(account.used for account in result.accounts)
    if expected is None or result.value is None:
        return expected is None and result.value is None and bool(result.reason)
    if isinstance(expected, int | Decimal) and result.unit in ("count", "money"):
        return bool(result.value == expected)
    return math.isclose(result.exact, expected, rel_tol=1e-12, abs_tol=1e-15)


def test_every_definition_has_an_oracle_and_every_oracle_a_definition():
    assert sorted([*QUERIES, "customer_lifetime_value.predictive"]) == sorted(METRICS)


@pytest.mark.parametrize("name", sorted(set(QUERIES) & set(METRICS)))
def test_the_same_number_as_sql_over_the_whole_data_and_by_month(name, crm, database):
    compare(name, crm, database, "2026-Q1")


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(QUERIES) & set(METRICS)))
def test_the_same_number_as_sql_in_every_month_of_a_year(name, crm, database):
    compare(name, crm, database, "2026")


def compare(name: str, crm: ck.Dataset, database: duckdb.DuckDBPyConnection, period: str) -> None:
    """Compare a KPI with its SQL, over the whole data and in the months of a period."""
    metric, query = METRICS[name], QUERIES[name]
    given = {parameter: PARAMETERS[parameter] for parameter in metric.parameters}
    crm = known(crm, metric)
    results: list[Any] = [(None, crm.measure(metric, parameters=given)[0])]
    try:
        months = crm.measure(metric, period=period, every="month", parameters=given)
    except PeriodError:  # the definition has no dates
        assert name == "churn_rate.by_status"
    else:
        results += [(result.period, result) for result in months]
    wrong = [
        (month and month.label, result.exact, expected, result.reason)
        for month, result in results
        if not agree(result, expected := answer(database, query, month))
    ]
    assert wrong == []
    if name == "customer_satisfaction_rating":  # scales of different length have no common mean
        results += [(None, result) for result in crm.measure(metric, by="scale_high")]
    assert any(result.value for _, result in results), "the data never gives a value: the comparison proves nothing"


METHODS = {
    "Wilson's": "wilson",
    "Student's t": "student",
    "log-Student": "log student",
    "order statistics": "order statistics",
    "adjusted Wald": "adjusted wald",
    "Greenwood's": "estimated",
}


@pytest.mark.parametrize("name", sorted(METRICS.keys() - {"customer_lifetime_value.predictive"}))  # see its own test
def test_the_interval_is_the_one_that_the_manual_speaks_of_or_none(name, crm):
    metric = METRICS[name]
    given = {parameter: PARAMETERS[parameter] for parameter in metric.parameters}
    periods = [None] if name == "churn_rate.by_status" else ["2026", "2026-03"]
    by = "scale_high" if name == "customer_satisfaction_rating" else None  # other scales have no common mean
    measured = [known(crm, metric).measure(metric, period=period, parameters=given, by=by)[0] for period in periods]
    result = next(result for result in measured if result.value is not None)
    returns = " ".join(metric.__doc__.partition("Returns:")[2].partition("\n\n")[0].split())
    said = [method for words, method in METHODS.items() if words in returns]
    found = [result.interval.method] if result.interval else []
    assert found == said


LEFT_OUT = tomllib.loads((FOLDER / "left_out.toml").read_text("utf-8"))["group"]


def test_every_definition_that_leaves_records_out_says_which_in_sql_too():
    said: dict[str, set[str]] = {}
    for group in LEFT_OUT:
        for name in group["definitions"].split():
            said.setdefault(name, set()).update(group["reasons"])
    assert said == {name: set(metric.leave_out) for name, metric in METRICS.items() if metric.leave_out}


def left_out_by_sql(database: duckdb.DuckDBPyConnection, group: dict[str, Any], period: ck.Period | None) -> dict:
    """The number of records of the period by their first reason."""
    speak_of(database, period)
    found, before = {}, "false"
    for reason, condition in group["reasons"].items():
        # A record without the date that assigns it to a period is in every period's account.
        always = "at" not in group or reason == f"no {group['at']}"
        dated = "true" if always else f"in_period({group.get('moment', group['table'] + '.' + group['at'])})"
        query = f"SELECT count(*) FROM {group['table']} WHERE {dated} AND ({condition}) AND ({before}) IS NOT TRUE"  # noqa: S608
        (found[reason],) = database.execute(query).fetchone()
        before += f" OR ({condition})"
    return found


@pytest.mark.parametrize("period", [None, ck.Period("2026")], ids=["whole", "2026"])
@pytest.mark.parametrize("name", sorted({name for group in LEFT_OUT for name in group["definitions"].split()}))
def test_what_is_left_out_is_counted_under_the_same_reasons_as_by_sql(name, period, crm, database):
    metric = METRICS[name]
    given = {parameter: PARAMETERS[parameter] for parameter in metric.parameters}
    if period is not None and name == "churn_rate.by_status":
        return  # the definition has no dates
    accounts = known(crm, metric).measure(metric, period=period, parameters=given)[0].accounts
    for group in (group for group in LEFT_OUT if name in group["definitions"].split()):
        at = group.get("at") if period is not None else None
        found = [
            {reason: account.left_out.get(reason, 0) for reason in group["reasons"]}
            for account in accounts
            if (account.table, account.at) == (group["table"], at)
        ]
        expected = left_out_by_sql(database, group, period)
        assert expected in found
        asked = [count for reason, count in expected.items() if "NOT whole()" not in group["reasons"][reason]]
        assert period is not None or all(asked), "the data never has a reason: this proves nothing"


HISTORIES = """
WITH days AS (
    SELECT customer_id, ordered_at::DATE AS day, sum(amount) AS spent FROM orders
    WHERE status = 'completed' AND amount >= 0 AND amount IS NOT NULL AND customer_id IS NOT NULL AND ordered_at < ?
    GROUP BY ALL
), ranked AS (SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY day) AS number FROM days)
SELECT count(*) - 1, max(day) - min(day), ? - min(day), coalesce(avg(spent) FILTER (number > 1), 0)::DOUBLE
FROM ranked GROUP BY customer_id ORDER BY customer_id
"""


def test_predictive_value_is_that_of_the_models_fitted_to_histories_that_sql_has_made(crm, database):
    metric = METRICS["customer_lifetime_value.predictive"]
    given = {"discount": 0.08, "margin": 0.35}
    crm = known(crm, metric)
    by_month = crm.measure(metric, period="2026", every="month", parameters=given)
    for result in [crm.measure(metric, parameters=given)[0], *by_month]:
        last = min(AS_OF, AS_OF if result.period is None else result.period.last_day)
        rows = database.execute(HISTORIES, [datetime.combine(last, datetime.max.time()), last]).fetchall()
        history = ck.clv.PurchaseHistory.of(rows, unit="days")
        buying, spending = ck.clv.BgNbd.fit(history), ck.clv.GammaGamma.fit(history)
        monthly = ck.clv.monthly(1.08 ** (1 / 12) - 1)
        values = ck.clv.customer_value(buying, spending, history, discount=monthly, margin=0.35)
        assert result.value == pytest.approx(Decimal(sum(values) / len(values)), abs=Decimal("0.006"))
        top_is_clear = None not in (buying.fit_summary.covariance, spending.fit_summary.covariance)
        assert (result.interval is not None) == top_is_clear
        assert result.interval is None or result.interval.low < result.value < result.interval.high


def test_the_naive_sql_of_a_join_differs_so_that_the_oracles_can_fail(crm, database):
    joined = "SELECT sum(c.cost) FROM campaigns c JOIN deals d ON d.campaign_id = c.id WHERE d.status = 'won'"
    assert database.execute(joined).fetchone()[0] != ck.campaign_roi(crm).inputs["cost"]
