"""Faults of the caller: a wrong argument is refused in one sentence, without an inner error."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

import crmkpi as ck
from crmkpi import clv
from crmkpi.display.charts import cohort_chart, survival_chart
from crmkpi.errors import CrmKpiError
from crmkpi.insight.cohorts import cohorts
from crmkpi.insight.funnel import funnel
from crmkpi.insight.health import HealthPart, health_score
from crmkpi.insight.rfm import rfm
from crmkpi.insight.survival import customer_durations, kaplan_meier, log_rank
from crmkpi.statistics.intervals import wilson
from crmkpi.testing import check_metric

DEAL = ck.Deal(id="1", status="won", amount=100, closed_at="2026-01-05", owner="Ada", attributes={"region": "north"})
DEALS = [DEAL, ck.Deal(id="2", status="lost", closed_at="2026-02-05", owner="Bo")]
CRM = ck.Dataset(deals=DEALS)
ROWS = [{"id": 1, "status": "won", "code": 2}]
DAY = date(2026, 6, 30)
MOMENT = datetime(2026, 6, 30, 12)
ORDERS = [ck.Order(id=str(n), customer_id="C1", amount=10, ordered_at=date(2026, 1, n)) for n in (1, 9, 17)]
deals = ck.Table(ck.Deal)
WON = deals.count(deals.status == "won")
TALLY = ck.Tally("win_rate", period="2026")
NO_BOUNDS: Any = 1
BY_TEXT: Any = {"2026-01-01": "0.9"}
_class: Any = ck.Deal


def _letters(deal: Any) -> Any:
    return [deal.owner]


def measured(**asked: Any) -> Any:
    return CRM.measure(**{"metrics": "win_rate", **asked})


def read(**how: Any) -> Any:
    return ck.read_dicts(ROWS, **{"record": ck.Deal, **how})


def defined(**definition: Any) -> Any:
    def won_deals(won: int) -> int:
        """How many deals were won."""
        return won

    return ck.metric(**{"unit": "count", "won": WON, **definition})(won_deals)


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    # the data argument
    "no metric": (lambda: measured(metrics=None), r"measure\(\) takes metrics or their names; got None\."),
    "a number for a metric": (lambda: measured(metrics=5), r"measure\(\) takes metrics or their names; got 5\."),
    "a record class for a metric": (lambda: measured(metrics=ck.Deal), r"takes metrics or their names; got <class "),
    "a number for the name of a KPI": (lambda: ck.catalogue.find(3), r"found by its name, such as 'win_rate'; got 3\."),
    "a number for a theme": (lambda: CRM.scorecard(5, period="2026"), r"There is no theme 5\. Known: "),
    "no name for a variant": (lambda: ck.win_rate.variant(None), r"win_rate has no variant None\. Known: 'by_amount'"),
    # periods
    "a year as a number": (lambda: measured(period=2026), r"A period is text such as '2026-Q1', .*; got 2026\."),
    "a moment for a period": (
        lambda: measured(period=MOMENT),
        r"A moment is not a period; got datetime\.datetime.* Give its day, or Period\.between\(start, end\)\.",
    ),
    "a pair of moments for a period": (
        lambda: measured(period=(DAY, MOMENT)),
        r"A pair of dates is a period with both of its days; got .* Period\.between\(start, end\) runs between",
    ),
    "a pair of texts for a period": (
        lambda: measured(period=("2026-01-01", "2026-03-31")),
        r"A pair of texts may be two days or the span .*; got .* Write '2026-01-01\.\.2026-03-31' for the span, or",
    ),
    "the class of periods": (lambda: measured(period=ck.Period), r"A period is text such as '2026-Q1', .*; got <class"),
    "no periods": (lambda: measured(period=[]), r"A period is text such as '2026-Q1', .*; got \[\]\."),
    "a comparison with a number": (
        lambda: measured(period="2026", compare=2025),
        r"A period is text such as '2026-Q1', .*; got 2025\.",
    ),
    "two periods for one result": (
        lambda: ck.win_rate(DEALS, period=["2026-01", "2026-02"]),
        r"win_rate returns one result and takes one period; got 2\. .*every='month'.*measure\(\)",
    ),
    "two periods to compare one with": (
        lambda: measured(period="2026-02", compare=["2026-01", "2025-12"]),
        r"A period is compared with one other; got 2\.",
    ),
    "bounds as text": (
        lambda: ck.Period.between("2026-01-01", "2026-02-01"),
        r"A period runs between dates or datetimes; got '2026-01-01'\.",
    ),
    "a period without an end": (lambda: ck.Period.between(DAY, None), r"between dates or datetimes; got None\."),
    "a zone for a calendar": (
        lambda: ck.Period("2026", calendar="UTC"),
        r"`calendar` is a Calendar, such as Calendar\(tz='Europe/Berlin'\); got 'UTC'\.",
    ),
    "the last known day as text": (
        lambda: ck.Period("last month", as_of="01.01.2026"),
        r"`as_of` is a date or a datetime, or the text of one, such as '2026-03-31'; got '01\.01\.2026'\.",
    ),
    "records of nothing": (
        lambda: ck.Period("2026").select(None, at="closed_at"),
        r"select\(\) needs .*; got NoneType",
    ),
    "opening hours as numbers": (
        lambda: ck.Calendar(opening_hours={"mon": (9, 17)}),
        r"The opening hours of 'mon' must be pairs of times; got \(9, 17\)\.",
    ),
    "a period of a text": (
        lambda: ck.Period.of("2026-01-01", "month"),
        r"between dates or datetimes; got '2026-01-01'",
    ),
    "a rolling period to a text": (lambda: ck.Period.rolling(until="today", days=3), r"between dates .*; got 'today'"),
    "a window of three": (
        lambda: ck.Period("2026").windows(3, every="month"),
        r"The size of a window must be a number of days, .*; got 3\.",
    ),
    # one KPI
    "text for records": (lambda: ck.win_rate("deals.csv"), r"win_rate needs records, .*a Dataset; got str\."),
    # segments
    "a segment without a name": (lambda: ck.Segment(None, "owner"), r"A segment has a name, .*; got None\."),
    "a segment without a source": (lambda: ck.Segment("size", None), r"The segment 'size' is of a field, .*; got None"),
    "one bound as bins": (
        lambda: ck.Segment("size", "amount", bins=5),
        r"The bins of the segment 'size' are bounds, such as \(1000, 5000\); got 5\.",
    ),
    "bins of words": (lambda: ck.Segment("size", "amount", bins=("big",)), r"are bounds, .*; got \('big',\)\."),
    "a bound that is no number": (
        lambda: ck.Segment("size", "amount", bins=(float("nan"),)),
        r"are bounds, .*got \(nan",
    ),
    "a function that gives a list": (
        lambda: measured(by={"letters": _letters}),
        r"Deal '1' .*text, a number, a date or another value that hashes",
    ),
    "a list to split by": (lambda: ck.split(DEALS, by=_letters), r"another value that hashes"),
    "nothing to split": (lambda: ck.split(None, by="owner"), r"split\(\) needs .*; got NoneType\."),
    # numeric arguments
    "parameters without names": (
        lambda: measured(parameters=[1]),
        r"`parameters` maps names to numbers, .*; got \[1\]\.",
    ),
    "confidence as text": (
        lambda: measured(confidence="95%"),
        r"`confidence` must lie between 0 and 1, .*; got '95%'\.",
    ),
    "no confidence of an interval": (lambda: wilson(1, 2, confidence=None), r"`confidence` must lie .*; got None\."),
    "a negative quota": (
        lambda: ck.quota_attainment(DEALS, period="2026", quota=-5),
        r"'quota' of quota_attainment must be a finite number that is not negative; got -5\.",
    ),
    "text for a total": (lambda: ck.win_rate.from_totals(won="3", closed=4), r"win_rate: won must be .*; got '3'\."),
    "yes for a total": (lambda: ck.win_rate.from_totals(won=True, closed=4), r"win_rate: won must be .*; got True\."),
    "no number for a total": (
        lambda: ck.revenue.from_totals(amount=Decimal("NaN")),
        r"revenue: amount must be a finite number; got Decimal\('NaN'\)\.",
    ),
    "half a record": (
        lambda: ck.customer_satisfaction_score.from_totals(satisfied=3.5, answers=6),
        r"satisfied is a count of records, so it is whole; got 3\.5\.",
    ),
    # records
    "a day as a number": (
        lambda: ck.Deal(id="1", status="won", closed_at=20260105),
        r"Deal: closed_at 20260105 is a number and not a date; write '2026-01-31', or .*date_format=\.",
    ),
    "a year as text": (
        lambda: ck.Deal(id="1", status="won", closed_at="2026"),
        r"closed_at '2026' is a number and not a ",
    ),
    "a day without hyphens": (
        lambda: ck.Deal(id="1", status="won", closed_at="20260105"),
        r"is a number and not a date",
    ),
    "a date as a number": (
        lambda: ck.Deal(id="1", status="won", expected_close_on=86400),
        r"expected_close_on 86400 is a number and not a date",
    ),
    "yes for a number": (
        lambda: ck.Survey(id="1", kind="nps", score=True),
        r"score True is yes or no, and not a number",
    ),
    "yes for a count": (lambda: ck.Ticket(id="1", replies=True), r"replies True is yes or no, and not a number"),
    "yes for a probability": (lambda: ck.Deal(id="1", status="won", probability=True), r"True is yes or no"),
    "the edge of the calendar": (
        lambda: ck.Deal(id="1", status="won", closed_at="9999-12-31T23:59:59-05:00"),
        r"closed_at '9999-12-31T23:59:59-05:00' is at the edge of the calendar, with no counterpart in UTC\.",
    ),
    "fields without names": (lambda: _class("1", "won"), r"Deal takes its fields by name, as in Deal\(id=.*; got '1'"),
    # money
    "a dict for rates": (
        lambda: ck.revenue(DEALS, rates={"USD": "0.9"}),
        r"Rates as a dict convert to the dataset's currency, and none is given; .* Give currency='EUR' as well",
    ),
    "a number for a currency": (
        lambda: ck.Dataset(deals=DEALS, currency=5),
        r"`currency` is .* such as 'EUR'; got 5\.",
    ),
    "one currency for rates": (lambda: ck.Rates("EUR", "USD"), r"Rates map currencies to numbers, .*; got 'USD'\."),
    "rates to no currency": (lambda: ck.Rates(None, {}), r"Rates convert to a currency, such as 'EUR'; got None\."),
    "rates by days as text": (
        lambda: ck.Rates("EUR", {"USD": BY_TEXT}),
        r"The rates of USD must begin on dates, such as date\(2026, 1, 1\); got '2026-01-01'\.",
    ),
    # reading and writing
    "a word for a record class": (
        lambda: read(record="deal"),
        r"A record class is needed, such as crmkpi\.Deal; got 'deal'",
    ),
    "a record for its class": (
        lambda: read(record=DEAL),
        r"A record class is needed, such as crmkpi\.Deal; got Deal\(",
    ),
    "a table of a word": (lambda: ck.Table("deals"), r"A record class is needed, such as crmkpi\.Deal; got 'deals'\."),
    "columns as text": (lambda: read(columns="code"), r"columns= maps .*\{'its header': 'owner'\}; got 'code'\."),
    "columns as a list": (lambda: read(columns=["code"]), r"columns= maps .*; got \['code'\]\."),
    "a column that fills a number": (lambda: read(columns={"code": 5}), r"columns= names 5, which is no field of Deal"),
    "words without a field": (lambda: read(values="status"), r"values= maps .*; got 'status'\."),
    "a word for words": (lambda: read(values={"status": "won"}), r"values= maps the words of 'status' .*; got 'won'\."),
    "words of a header": (
        lambda: ck.read_csv(
            io.StringIO("id,Phase\n1,Won\n"),
            record=ck.Deal,
            columns={"Phase": "status"},
            values={"Phase": {"Won": "won"}},
        ),
        r"values= names 'Phase', which is no field of Deal; that column fills 'status', so say values=\{'status'",
    ),
    "defaults as text": (lambda: read(defaults="won"), r"defaults= maps .*; got 'won'\."),
    "a word for yes": (lambda: read(day_first="yes"), r"day_first= is True or False; got 'yes'\."),
    "strictness as a word": (lambda: read(strict="no"), r"strict= is True or False; got 'no'\."),
    "a number for a preset": (lambda: read(preset=5), r"A preset is a name, a dict or a file, .*; got 5\."),
    "a row without columns": (lambda: ck.read_dicts([{}], record=ck.Deal), r"needs; it has no columns: name the one"),
    "nowhere to write": (lambda: ck.write_csv(DEALS, None), r"write_csv\(\) needs a path or an open file; got None\."),
    "nothing to write": (lambda: ck.write_csv(None, io.StringIO()), r"write_csv\(\) needs records; got NoneType\."),
    "numbers to write": (lambda: ck.write_csv([1], io.StringIO()), r"int is not a record class"),
    # definitions
    "a field as text": (
        lambda: defined(at="closed_at"),
        r"`at` of won_deals names a timestamp, as deals.closed_at .*; got ",
    ),
    "a reason without records": (
        lambda: defined(leave_out="deleted"),
        r"leave_out of won_deals maps reasons .*; got 'del",
    ),
    "an interval as text": (lambda: defined(interval="wilson"), r"interval of won_deals .*Share.*; got 'wilson'\."),
    "no formula": (lambda: ck.metric(unit="count", won=WON)(5), r"@metric decorates a function, the formula; got 5\."),  # type: ignore[call-overload]
    "an attribute as a field": (
        lambda: deals.attributes.region,
        r"A custom attribute is written deals\.attributes\['region'\]\.",
    ),
    "choices as a list": (
        lambda: deals.status.is_in(["won", "lost"]),
        r"write deals\.status\.is_in\('won', 'lost'\)\.",
    ),
    "a day for a moment": (
        lambda: deals.created_at > date(2026, 1, 1),
        r"is a timestamp and cannot be compared with .*, which is a date; compare its day, deals\.created_at\.day",
    ),
    "a name to check": (lambda: check_metric("win_rate"), r"check_metric\(\) takes a metric, .*; got 'win_rate'\."),
    # reports, files and scores
    "a result of a report by its name": (
        lambda: ck.Dataset(deals=DEALS).measure("win_rate")["win_rate"],  # type: ignore[call-overload]
        r"A report is indexed by numbers; got 'win_rate'\. For one KPI write report\.get\('win_rate'\)\.",
    ),
    "a result of nothing": (
        lambda: measured().get(None),
        r"The report has no results for None; get\(\) needs exactly one\.",
    ),
    "leads of nothing": (lambda: ck.join_leads(None, None), r"takes leads and then deals, and this is a NoneType\."),
    "a file of nothing": (lambda: ck.scan(None, record=ck.Deal), r"scan\(\) reads Parquet and CSV files; got None\."),
    "a score of records": (
        lambda: health_score(DEALS, {"win_rate": HealthPart(worst=0, best=1)}),
        r"A health score is of a Dataset; got list\.",
    ),
    "a score without bounds": (
        lambda: health_score(CRM, {"win_rate": NO_BOUNDS}),
        r"win_rate needs its bounds, .*; got 1\.",
    ),
    # tallies
    "nothing to merge": (lambda: TALLY.merge(None), r"merge\(\) takes another Tally; got None\."),
    "no stored tally": (
        lambda: TALLY.from_json(None),
        r"A tally is read from what Tally\.to_json\(\) wrote; got None\.",
    ),
    "a tally that was changed": (
        lambda: TALLY.from_json(TALLY.to_json().replace('"state": {}', '"state": [1]')),
        r"A tally is read from what Tally\.to_json\(\) wrote; got ",
    ),
    # insight
    "no orders": (lambda: rfm(None, as_of=DAY), r"The orders must be an iterable of records; got NoneType\."),
    "deals for orders": (
        lambda: rfm(DEALS, as_of=DAY),
        r"Records of orders need 'ordered_at'; got Deal, which has none\.",
    ),
    "orders as rows": (
        lambda: cohorts([{"id": 1}], as_of=DAY),
        r"Records of orders need 'ordered_at'; got dict, which has none\.",
    ),
    "the last day as text": (
        lambda: rfm(ORDERS, as_of="2026-06-30"),
        r"`as_of` is the last day .*; got '2026-06-30'\.",
    ),
    "the last day of cohorts as text": (lambda: cohorts(ORDERS, as_of="x"), r"`as_of` is the last day .*; got 'x'\."),
    "orders for customers": (
        lambda: customer_durations(ORDERS, as_of=DAY),
        r"Records of customers need 'since'; got Order",
    ),
    "a time of now as text": (lambda: customer_durations([], as_of="now"), r"`as_of` .*; got 'now'\."),
    "records for durations": (lambda: kaplan_meier(DEALS), r"A survival curve is made of Durations, .*; got list\."),
    "groups without names": (lambda: log_rank([1, 2]), r"groups by name, .*; got list\."),
    "stages of nothing": (
        lambda: funnel([], stages=None),
        r"`stages` names at least two different stages .*; got None",
    ),
    "a table to fit": (
        lambda: clv.BgNbd.fit(rfm(ORDERS, as_of=DAY)),
        r"a PurchaseHistory, such as rfm\(orders, as_of=\.\.\.\)\.history\('weeks'\); got RfmTable\.",
    ),
    "a span as text": (
        lambda: clv.months("3"),
        r"A span of time must be a number above zero and finite; got '3' months",
    ),
    "a discount as text": (lambda: clv.annual("10%"), r"A discount rate must be zero or above, .*; got '10%'\."),
    "a discount in percent": (lambda: clv.annual(10), r"a fraction, 0\.1 for 10 %; got 10 per 1 year\."),
    "a chart of nothing": (lambda: survival_chart(None), r"survival_chart\(\) draws a SurvivalCurve; got NoneType\."),
    "a chart of orders": (lambda: cohort_chart(ORDERS), r"cohort_chart\(\) draws a CohortTable; got list\."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_wrong_thing_is_refused_in_one_sentence(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(CrmKpiError, match=message):
        call()


@pytest.mark.parametrize(
    "closed_at",
    [
        "2026-01-05",
        "2026-01-05T10:00",
        "2026-01-05 10:00:00Z",
        date(2026, 1, 5),
        datetime(2026, 1, 5, 10),
        b"2026-01-05",
    ],
)
def test_a_record_takes_a_date_in_each_of_its_forms(closed_at: Any) -> None:
    assert ck.Deal(id="1", status="won", closed_at=closed_at).closed_at.day == 5


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("state", r"columns= maps columns to fields, such as .*; got 'state'\."),
        (
            {"owner": "state"},
            r"needs the column 'id', .*crmkpi\.table\(frame, record=crmkpi\.Deal, columns=\{'its column': 'id'\}\)\.",
        ),
    ],
)
def test_columns_of_a_frame_that_are_named_wrongly_say_how_to_name_them(columns: Any, message: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"number": ["1"], "state": ["won"]})
    with pytest.raises(CrmKpiError, match=message):
        ck.table(frame, record=ck.Deal, columns=columns)


@pytest.mark.parametrize("values", ["status", {"status": "won"}])
def test_words_of_a_frame_are_given_by_their_field(values: Any) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"id": ["1"], "status": ["won"]})
    with pytest.raises(CrmKpiError, match=r"values= maps fields to the meanings of their words, such as .*; got "):
        ck.table(frame, record=ck.Deal, values=values)
