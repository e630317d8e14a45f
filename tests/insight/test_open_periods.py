"""Targets of open periods with overdispersed days, and the display of targets and alerts."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import numpy as np
import pytest
from scipy import stats

import crmkpi as ck
from crmkpi.insight.alerts import watch
from crmkpi.insight.kpi_sets import kpi_set
from crmkpi.insight.targets import target_status
from crmkpi.statistics.pace import count_pace, dispersion


@pytest.mark.parametrize("busy", [1, 7])
def test_days_that_vary_more_than_chance_makes_a_count_less_sure(busy: int):
    # In two earlier months, every day has two deals, or every seventh day, offset by month, has fourteen.
    counts = {month: [2 if busy == 1 else 14 * ((day + month) % 7 == 0) for day in range(28)] for month in (1, 2)}
    sold = [
        ck.Deal(id=f"{month}-{day}-{n}", status="won", closed_at=datetime(2026, month, 1 + day))
        for month, days in {**counts, 3: [2] * 10}.items()
        for day, many in enumerate(days)
        for n in range(many)
    ]
    crm = ck.Dataset(deals=sold, as_of=date(2026, 3, 10))
    rules = kpi_set({"kpi": [{"id": "won_deals", "target": {"at_least": 65}}]})
    (one,) = target_status(crm, rules, period="2026-03").targets
    if busy == 1:
        assert one.probability == pytest.approx(stats.nbinom.sf(65 - 20 - 1, 20.5, 10 / 31))
        return
    table = np.array(list(counts.values()))
    table = table[:, table.sum(axis=0) > 0]
    found = stats.chi2_contingency(table, correction=False)
    varies = found.statistic / found.dof
    assert dispersion(list(counts.values())) == pytest.approx(varies)
    spread = math.sqrt(20.5 * 2.1 * 3.1 * varies)
    assert one.probability == pytest.approx(stats.norm.sf((65 - 20 - 0.5 - 20.5 * 2.1) / spread))


def test_a_sum_without_earlier_periods_goes_on_at_its_rate():
    amounts = [10, 20, 30, 40, 50]
    sold = [
        ck.Deal(id=str(n), status="won", amount=amount, closed_at=datetime(2026, 3, 1 + n))
        for n, amount in enumerate(amounts)
    ]
    rules = kpi_set({"kpi": [{"id": "revenue", "target": {"at_least": 500}}]})
    crm = ck.Dataset(deals=sold, currency="EUR", as_of=date(2026, 3, 10))
    (one,) = target_status(crm, rules, period="2026-03").targets
    spread = math.sqrt(sum(amount * amount for amount in amounts) * 2.1 * 3.1)
    assert one.probability == pytest.approx(stats.norm.sf((500 - 150 * 3.1) / spread))
    assert float(one.projected) == pytest.approx(150 * 3.1)


def test_days_that_are_over_leave_a_dispersed_count_as_it_is():
    pace = count_pace(7, 21, 21, 8, dispersion=2)
    assert (pace.projected, pace.deviation, pace.probability) == (7, 0, 0)
    assert dispersion([[1, 2, 3]]) == dispersion([]) == dispersion([[0, 0], [0, 0]]) == 1.0


def test_critical_alerts_come_before_warnings():
    rules = kpi_set({"kpi": [{"id": "ticket_volume", "alert": [
        {"when": "above", "value": 1}, {"when": "above", "value": 2, "severity": "critical"},
        {"when": "above", "value": 3}, {"when": "above", "value": 4, "severity": "critical"},
    ]}]})  # fmt: skip
    crm = ck.Dataset(tickets=[ck.Ticket(id=str(n), created_at="2026-01-05") for n in range(9)], as_of=date(2026, 2, 1))
    found = watch(crm, rules, period="2026-01")
    assert [one.severity for one in found.alerts] == ["critical", "critical", "warning", "warning"]


def test_bounds_are_told_in_words():
    crm = ck.Dataset(deals=[ck.Deal(id="1", status="won", closed_at="2026-01-10")])

    def told(**target: Any) -> str:
        rules = kpi_set({"kpi": [{"id": "win_rate", "target": target}]})
        return target_status(crm, rules, period="2026-01").targets[0].bounds

    assert told(at_least=0.3) == "at least 30.0 %"
    assert told(at_most=0.3, despite_direction=True) == "at most 30.0 %"
    assert told(between=[0.2, 0.3]) == "20.0 % to 30.0 %"
