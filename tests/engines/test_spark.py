"""Spark aggregates and returns a few rows, whatever its session time zone.

Slow, so it runs only on request: pytest tests/engines --backends=pyspark
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from random import Random
from shutil import which
from typing import Any

import pytest

from crmkpi import Calendar, Dataset, Deal, win_rate
from crmkpi.demo import sample_company
from crmkpi.engines.frames.backends import BACKENDS
from crmkpi.errors import ColumnError, InputError

from .backends import assert_same, frames_of, spark
from .test_frames import DATELESS, METRICS, OPTIONS, compare, telling
from .worlds import features, whole_world

SCORECARD = (
    *("win_rate", "lost_rate", "deal_volume", "average_deal_size", "revenue", "expansion_revenue", "lost_deals"),
    *("sales_cycle_length", "sales_velocity", "pipeline_value", "weighted_pipeline", "revenue_growth_rate"),
)


# KPIs without enough records in the sample company, measured on other datasets.
UNSAID = (
    *("brand_awareness", "social_mentions", "reactivation_mrr", "ltv_to_cac_ratio", "ltv_to_cac_ratio.arpu_over_churn"),
    *("customer_lifetime_value.arpu_over_churn", "interactions_per_customer", "expansion_mrr", "call_abandon_rate"),
)
SETTINGS = {  # for small tables that are each queried once
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(autouse=True)
def _asked_for(request: pytest.FixtureRequest) -> None:
    if "pyspark" not in request.config.getoption("--backends"):
        pytest.skip("Spark is slow; --backends=pyspark runs it")
    if find_spec("pyspark") is None or which("java") is None:
        pytest.skip("PySpark or Java is not installed")


@contextmanager
def session_with(settings: Mapping[str, str]) -> Iterator[Any]:
    """The session, temporarily with other settings."""
    session = spark()
    before = {name: session.conf.get(name) for name in settings}
    for name, value in settings.items():
        session.conf.set(name, value)
    try:
        yield session
    finally:
        for name, value in before.items():
            session.conf.set(name, value)


def session_in(zone: str) -> AbstractContextManager[Any]:
    """The session, temporarily in another time zone."""
    return session_with({"spark.sql.session.timeZone": zone})


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of rows that each query of Spark collected, by any method."""
    from pyspark.sql.classic.dataframe import DataFrame  # noqa: PLC0415  # only where Spark is there

    counts: list[int] = []

    def counted(way: Callable[..., Any]) -> Callable[..., Any]:
        def counting(*args: Any, **options: Any) -> Any:
            found = way(*args, **options)
            counts.append(len(found))
            return found

        return counting

    def refused(*_args: Any, **_options: Any) -> Any:
        raise AssertionError("rows left Spark in a way that is not counted")

    monkeypatch.setattr(DataFrame, "collect", counted(DataFrame.collect))
    for way in ("toPandas", "toArrow", "toLocalIterator", "tail", "foreach", "cache", "persist"):
        monkeypatch.setattr(DataFrame, way, refused)
    return counts


def test_spark_gives_back_no_more_rows_than_groups_times_measures(collected: list[int]) -> None:
    company = {name: sample_company(0.2)[name] for name in ("deals", "leads")}
    records, frames = (Dataset(**tables, **OPTIONS) for tables in (company, frames_of("pyspark", company)))
    asked = {"period": "2026-Q1", "every": "month", "by": "owner", "compare": "previous"}
    report = frames.measure(SCORECARD, **asked)
    assert_same(records.measure(SCORECARD, **asked), report)
    owners = len({result.segment["owner"] for result in report})
    parts = 4 + 2  # four months, before and after, and rows without a date
    measures = sum(len(result.metric.measures) for result in report if result.segment["owner"] is None) // 3
    assert len(company["deals"]) > 300
    # Rates of two days and two currencies cut each group in four, so that amounts are converted here.
    assert max(collected) <= owners * parts * 4
    assert sum(collected) <= owners * parts * measures


def test_the_whole_catalogue_is_the_same_as_on_records() -> None:
    """In two calls over dirty data: on Spark one call takes as long as a single KPI."""
    random, said, seen = Random(0), set(UNSAID), set()
    company = {name: random.sample(table, min(120, len(table))) for name, table in sample_company(0.1).items()}
    for money, question in (("decimal", {"period": "2026-Q1", "compare": "previous"}), ("float", {})):
        metrics = [metric for metric in METRICS.values() if not (question and metric.id in DATELESS)]
        found = whole_world(metrics, company, random, money=money, aware=money == "float")
        seen |= features(found)
        with session_with(SETTINGS):
            report = compare(found.crm, found.frames("pyspark"), metrics, question, found.by)
        said |= {result.definition for result in report if result.value not in (None, 0, timedelta(0))}
    assert said == set(METRICS)
    assert {"null", "duplicates", "tie at a bound", "extreme date", "None segment", "wall clock"} <= seen
    assert {"huge", "negative", "francs", "decimal", "float"} <= seen


@pytest.mark.parametrize("name", UNSAID)
def test_what_the_sample_company_does_not_say_is_the_same_too(name: str) -> None:
    found, question = telling(METRICS[name], "pyspark")
    with session_with(SETTINGS):
        compare(found.crm, found.frames("pyspark"), [METRICS[name]], question, found.by)


def test_what_spark_cannot_do_is_refused_in_words() -> None:
    assert BACKENDS["pyspark"].shows == "plan"
    frame = spark().createDataFrame([("1", "won")], "id STRING, status STRING")
    with pytest.raises(InputError, match="SQL"):
        Dataset(deals=frame).measure(win_rate).sql()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("kind", ["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"])
def test_the_zone_of_the_session_changes_nothing(zone: str, kind: str) -> None:
    aware = kind == "TIMESTAMP_LTZ"
    moments = [
        datetime(2025, 12, 31, 23, 30, tzinfo=UTC if aware else None),  # in Berlin it is 2026 already
        datetime(2026, 1, 31, 22, 59, 59, 999999, tzinfo=UTC if aware else None),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC if aware else None),
        datetime(2026, 3, 8, 2, 30, tzinfo=UTC if aware else None),  # this wall-clock time does not exist in New York
        datetime(9990, 12, 31, 23, 59, 59, 999999, tzinfo=UTC if aware else None),
    ]
    deals = [Deal(id=str(number), status="won", closed_at=moment) for number, moment in enumerate(moments)]
    calendar = Calendar(tz="Europe/Berlin")
    with session_in("UTC") as session:
        texts = [(deal.id, deal.status, deal.closed_at.replace(tzinfo=None).isoformat(" ")) for deal in deals]
        plain = session.createDataFrame(texts, "id STRING, status STRING, at STRING")
        frame = plain.selectExpr("id", "status", f"CAST(at AS {kind}) AS closed_at")
        rows = frame.collect()  # the instants are fixed now, whatever the later session settings
        frame = session.createDataFrame(rows, frame.schema)
    with session_in(zone):
        crm = Dataset(deals=frame, calendar=calendar)
        found = crm.measure(win_rate, period="2026-Q1", every="month"), crm.measure(win_rate, by="closed_at")
    crm = Dataset(deals=deals, calendar=calendar)
    assert_same(crm.measure(win_rate, period="2026-Q1", every="month"), found[0])
    assert_same(crm.measure(win_rate, by="closed_at"), found[1])


def test_a_text_column_of_timestamps_says_how_spark_parses_it() -> None:
    frame = spark().createDataFrame([("1", "won", "2026-01-05")], "id STRING, status STRING, closed_at STRING")
    with pytest.raises(ColumnError, match=re.escape("Parse it: functions.to_timestamp(column,")):
        win_rate(frame, period="2026")


def test_two_columns_of_one_name_are_refused() -> None:
    frame = spark().createDataFrame([("1", "won")], "id STRING, status STRING")
    with pytest.raises(ColumnError, match="pyspark frame for deals has two columns 'status'"):
        Dataset(deals=frame.select("id", "status", "status"))


def test_a_table_that_spark_cannot_read_is_said(tmp_path: Any) -> None:
    path = str(tmp_path / "deals")
    spark().createDataFrame([("1", "won")], "id STRING, status STRING").write.parquet(path)
    crm = Dataset(deals=spark().read.parquet(path))
    for file in (tmp_path / "deals").iterdir():
        file.unlink()
    with pytest.raises(InputError, match="pyspark table for deals cannot be read"):
        crm.measure(win_rate)


def test_the_plan_shows_that_spark_groups() -> None:
    frame = spark().createDataFrame([("1", "won")], "id STRING, status STRING")
    plan = Dataset(deals=frame).measure(win_rate).plan()
    assert "HashAggregate" in plan
    assert "status" in plan


def test_the_code_of_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (Path(__file__).parents[2] / "docs" / "frames.md").read_text()
    code = page.partition("## Spark")[2].partition("```python\n")[2].partition("```")[0]
    won = datetime(2026, 1, 5)
    schema = "id STRING, status STRING, owner STRING, closed_at TIMESTAMP_NTZ"
    spark().createDataFrame([("1", "won", "Ada", won)], schema).createOrReplaceTempView("opportunities")
    names: dict[str, Any] = {"spark": spark()}
    exec(compile(code, "docs/frames.md", "exec"), names)  # noqa: S102  # our own page
    assert names["report"].get("win_rate", period="2026-01", owner="Ada").value == 1
    assert "Aggregate" in capsys.readouterr().out
