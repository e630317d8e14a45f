"""For any records, a check returns a report that adds up, and changes nothing."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkpi import Dataset
from crmkpi.records import RECORDS, Subscription, Survey
from crmkpi.records.base import record
from crmkpi.testing import datasets
from crmkpi.testing.pools import without_field

KINDS = ("error", "warning", "information")


@pytest.mark.slow
@given(datasets(*RECORDS.values(), unreadable=True), st.randoms(use_true_random=False))
def test_a_report_on_any_records_adds_up_and_does_not_depend_on_their_order(crm: Dataset, chance: Random) -> None:
    before = {name: deepcopy(list(records)) for name, records in crm.tables.items()}
    report = crm.check()
    for finding in report:
        assert 0 <= finding.count <= finding.of
        assert finding.level in KINDS
        assert all(impact.metrics for impact in finding.impacts)
        assert len(finding.metrics) == sum(len(impact.metrics) for impact in finding.impacts)
    for name, records in crm.tables.items():
        assert report.tables[name].used == len(list(records))
    assert [KINDS.index(finding.level) for finding in report] == sorted(KINDS.index(one.level) for one in report)
    assert max(map(len, str(report).splitlines())) <= 80
    assert json.loads(report.to_json())["error_count"] == report.count("error")
    assert {name: list(records) for name, records in crm.tables.items()} == before
    shuffled = {name: chance.sample(records, len(records)) for name, records in before.items()}
    other = Dataset(calendar=crm.calendar, currency=crm.currency, as_of=crm.as_of, **shuffled).check()
    counted = [(one.code, one.level, one.table, one.what, one.count, one.of) for one in report]
    assert sorted(counted) == sorted((one.code, one.level, one.table, one.what, one.count, one.of) for one in other)


def test_what_could_not_be_read_is_neither_on_a_scale_nor_without_an_end() -> None:
    stays = [Subscription(id=str(place), customer_id="A", started_at=f"202{place % 6}-01-05") for place in range(60)]
    surveys = [Survey(id=str(place), kind="nps", score=place % 5, scale_high=10) for place in range(40)]
    lost = Dataset(
        subscriptions=[without_field(stay, "ended_at") for stay in stays],
        surveys=[without_field(survey, "scale_low") for survey in surveys],
    )
    kept = Dataset(subscriptions=stays, surveys=surveys)
    codes = ("nobody_left", "scores_off_scale")
    assert [one.code for one in kept.check() if one.code in codes] == ["scores_off_scale", "nobody_left"]
    assert not [one.code for one in lost.check() if one.code in codes]


@record(table="own_meters")
class Meter:
    """A meter reading: a user's own record class, without an id and without attributes."""

    read_at: datetime | None = None
    value: float | None = None


def test_records_of_your_own_are_checked_as_far_as_they_go() -> None:
    meters = [Meter(read_at="2026-01-05", value=1), Meter(read_at="2026-01-05", value=1), Meter(value=2)]
    report = Dataset({"own_meters": meters}, as_of=datetime(2026, 1, 31)).check()
    assert {finding.code: finding.count for finding in report} == {"duplicate_records": 1, "missing_start_dates": 1}
    assert [finding.example for finding in report] == ["Meter (read_at 2026-01-05T00:00:00)", "Meter"]


def test_an_empty_table_of_your_own_is_named_too() -> None:
    report = Dataset({"own_meters": []}).check()
    assert [(finding.code, finding.table) for finding in report] == [("empty_tables", "own_meters")]
    assert report.tables["own_meters"].rows == 0
