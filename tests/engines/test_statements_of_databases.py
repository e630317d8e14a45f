"""The number of statements of a measurement and of their rows; a report lists all statements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.engines.frames.homes.duckdb import DuckDbHome
from crmkpi.engines.frames.homes.sessions import Session

from .backends import homed
from .test_acceptance_of_databases import CUSTOMERS, DATABASES, PLANS, tables

ROWS, OWNERS, MONTHS = 2_000, 20, 3
CATALOGUES = ("pg_catalog", "information_schema", "system.", "PRAGMA", "DESCRIBE")
QUARTER: dict[str, Any] = {"period": "2025-Q1", "every": "month"}
BY_OWNER: dict[str, Any] = {**QUARTER, "by": "owner"}


@dataclass(frozen=True)
class Question:
    """KPIs, what is asked of them, and of how many tables, timestamps and medians they are.

    `groups` are the rows that one statement may give: a group for each segment and month, and for what is in none.
    """

    kpis: list[str]
    asked: dict[str, Any]
    groups: int
    anchors: int = 1
    medians: int = 0
    related: int = 0


QUESTIONS = {
    "a flow": Question(["win_rate"], BY_OWNER, OWNERS * (MONTHS + 1)),
    "a sum": Question(["revenue"], BY_OWNER, OWNERS * (MONTHS + 1)),
    "five at once": Question(
        ["win_rate", "revenue", "average_deal_size", "sales_cycle_length", "deal_volume"],
        BY_OWNER,
        OWNERS * (MONTHS + 1),
        anchors=2,
    ),
    "a median": Question(["sales_cycle_length.median"], BY_OWNER, OWNERS * (MONTHS + 1), medians=1),
    "two medians": Question(
        ["sales_cycle_length.median", "average_deal_size.median"], BY_OWNER, OWNERS * (MONTHS + 1), medians=2
    ),
    "a median of all": Question(["average_deal_size.median"], {"by": "owner"}, OWNERS, medians=1),
    "a stock": Question(["pipeline_value"], BY_OWNER, OWNERS),
    "recurring revenue": Question(["mrr"], {**QUARTER, "by": "plan"}, len(PLANS)),
    "growth": Question(["revenue_growth_rate"], QUARTER, 2 * MONTHS + 1),
    "customers": Question(["active_customers"], {**QUARTER, "by": "plan"}, len(PLANS)),
    # The amounts at the start and at the end are compared per customer: a row for each customer.
    "retention": Question(["net_revenue_retention"], {"period": "2025-Q1", "by": "plan"}, CUSTOMERS, anchors=2),
    "a related field": Question(["win_rate"], {**QUARTER, "by": "customer.industry"}, 7 * (MONTHS + 1), related=2),
    "all that there is": Question(["win_rate", "revenue"], {}, 1),
}


@dataclass
class Watched:
    """The statements that read the tables of a dataset, and the number of rows of each."""

    crm: ck.Dataset
    names: list[str]
    texts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)

    def see(self, text: str, rows: list[Any]) -> None:
        if any(name in text for name in self.names) and not any(word in text for word in CATALOGUES):
            self.texts.append(" ".join(text.split()))
            self.rows.append(len(rows))


@pytest.fixture(params=DATABASES)
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Watched:
    pytest.importorskip({"duckdb": "duckdb", "sqlite": "sqlite3"}.get(request.param, "sqlalchemy"))
    data = homed(request.param, tables(ROWS))
    names = ["measured"] if request.param == "duckdb" else [table.target.name for table in data.values()]
    made = Watched(ck.Dataset(**data, currency="EUR"), names)
    watch(monkeypatch, made.see)
    return made


def watch(monkeypatch: pytest.MonkeyPatch, see: Callable[[str, list[Any]], None]) -> None:
    rows, leave = Session.rows, DuckDbHome.leave

    def asked(self: Session, text: str) -> Any:
        found = rows(self, text)
        see(self.source.home.sent(text, None), found)
        return found

    def left(self: DuckDbHome, frame: Any) -> Any:
        found = leave(self, frame)
        see(frame.to_native().sql_query(), found)
        return found

    monkeypatch.setattr(Session, "rows", asked)
    monkeypatch.setattr(DuckDbHome, "leave", left)


def measured(watched: Watched, question: Question) -> ck.Report:
    report = watched.crm.measure(question.kpis, **question.asked)
    assert all(account.given for result in report for account in result.accounts)
    return report


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_report_lists_every_statement_that_was_sent(watched: Watched, name: str) -> None:
    report = measured(watched, QUESTIONS[name])
    listed = [" ".join(text.split()) for text in report.sql().removesuffix(";\n").split(";\n\n")]
    assert watched.texts
    assert sorted(listed) == sorted(watched.texts)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_measurement_takes_two_statements_for_each_table_and_timestamp(watched: Watched, name: str) -> None:
    # The values at the ranks of a median take one of their own. ClickHouse, whose statements cost less than the rows of
    # other periods, looks first, and asks by itself how many records each segment has.
    question = QUESTIONS[name]
    measured(watched, question)
    each = 3 if "clickhouse" in repr(watched.crm.tables["deals"]) else 2
    assert len(watched.texts) <= each * question.anchors + question.medians + question.related


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_statement_gives_more_rows_than_there_are_groups(watched: Watched, name: str) -> None:
    question = QUESTIONS[name]
    measured(watched, question)
    places = 4 * question.groups * question.medians  # the values in the middle of each group, and its interval's
    assert max(watched.rows) <= max(question.groups, 4 * question.groups if question.medians else 0)
    looks = question.anchors + question.related  # each a row
    assert sum(watched.rows) <= 2 * question.anchors * question.groups + places + looks
