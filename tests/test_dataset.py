from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import FileFormatError, InputError, MissingTableError, PeriodError, TimeZoneError, UnknownNameError
from crmkpi.testing import datasets, records

deals = ck.Table(ck.Deal)
tickets = ck.Table(ck.Ticket)
ZONES = ("Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "America/Santiago")


@ck.metric(unit="count", at=deals.closed_at, deals=deals.count())
def closed_deals(deals: int) -> int:
    """How many deals have a close date."""
    return deals


@ck.metric(unit="count", at=tickets.created_at, tickets=tickets.count(tickets.customer.industry == "law"))
def law_tickets(tickets: int) -> int:
    """How many tickets lawyers open."""
    return tickets


def closed_at(*moments: datetime | str) -> list[ck.Deal]:
    return [ck.Deal(id=str(number), status="won", closed_at=moment) for number, moment in enumerate(moments)]


# Periods and time zones


def edges_of(zone: str) -> list[datetime]:
    """Instants next to day boundaries in the two weeks around the clock changes of a zone in 2026."""
    near = []
    for month, day in ((3, 28), (4, 4), (9, 5), (10, 3), (10, 24), (3, 7), (10, 31)):
        first = datetime(2026, month, day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
        near += [first + timedelta(hours=hours) for hours in (-24, -1, 0, 1, 11, 23, 24, 25, 36, 47, 48, 49)]
    return near


@pytest.mark.parametrize("zone", ZONES)
@given(data=st.data())
def test_every_instant_is_counted_in_the_one_period_that_holds_it(zone: str, data: st.DataObject) -> None:
    small = st.sampled_from([timedelta(0), timedelta(microseconds=-1), timedelta(minutes=29), timedelta(minutes=-30)])
    moments = data.draw(st.lists(st.builds(lambda a, b: a + b, st.sampled_from(edges_of(zone)), small), max_size=20))
    calendar = ck.Calendar(tz=zone)
    cut = data.draw(st.sampled_from((timedelta(hours=5, minutes=17), timedelta(hours=30), timedelta(days=9))))
    start = datetime(2026, 3, 28, 1, 30)
    odd = ck.Period.between(start, start + cut, calendar=calendar)  # its edges cut days in two
    crm = ck.Dataset(deals=closed_at(*moments), calendar=calendar)
    for whole in (ck.Period("2026-03", calendar=calendar), ck.Period("2026-10", calendar=calendar)):
        report = crm.measure(closed_deals, period=[*whole.split("day"), odd, whole])
        for result in report:
            assert result.period is not None
            assert result.value == sum(moment in result.period for moment in moments), result.period


@given(found=records(ck.Deal), days=st.integers(1, 60))
def test_windows_that_overlap_are_each_measured_as_if_alone(found: list[ck.Deal], days: int) -> None:
    windows = ck.Period("2026-Q1").windows(f"{days} days", every="week")
    together = ck.Dataset(deals=found).measure(closed_deals, period=windows)
    assert [result.value for result in together] == [closed_deals(found, period=window).value for window in windows]


@given(found=records(ck.Deal))
def test_a_comparison_holds_the_result_of_the_other_period(found: list[ck.Deal]) -> None:
    result = closed_deals(found, period="2026-02", compare="previous")
    assert result.compared_to is not None
    assert result.compared_to.value == closed_deals(found, period="2026-01").value
    year = closed_deals(found, period="2026-02", compare="year_ago").compared_to
    assert year is not None
    assert year.value == closed_deals(found, period="2025-02").value


def test_the_edges_of_the_calendar_are_in_all_time_and_in_their_own_year() -> None:
    first = datetime(1, 1, 1, 0, 1)  # its midnight is a missing date
    found = closed_at(first, datetime.max, datetime(9998, 12, 31), datetime(2, 1, 1))
    assert closed_deals(found).value == closed_deals(found, period="all").value == 4
    assert closed_deals(found, period="2026").value == 0
    assert closed_deals(found, period="0002").value == 1
    aware = closed_at(first.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert closed_deals(aware, calendar=ck.Calendar(tz="Asia/Tokyo")).value == 2
    assert closed_deals(aware, calendar=ck.Calendar(tz="Asia/Tokyo"), period="2026").value == 0


def test_a_naive_timestamp_is_wall_clock_time_and_an_exact_one_is_not() -> None:
    berlin = ck.Calendar(tz="Europe/Berlin")
    assert closed_deals(closed_at("2026-03-31T23:30"), calendar=berlin, period="2026-03").value == 1
    assert closed_deals(closed_at("2026-03-31T23:30Z"), calendar=berlin, period="2026-03").value == 0
    assert closed_deals(closed_at("2026-03-31T23:30Z"), calendar=berlin, period="2026-04").value == 1


@pytest.mark.parametrize("moments", [("2026-01-01", "2026-01-02T00:00Z"), ("2026-01-02T00:00Z", "2026-01-01")])
def test_a_naive_timestamp_beside_an_exact_one_is_an_error_that_names_the_record(moments: tuple[str, str]) -> None:
    message = (
        r"deals\.closed_at must have a time zone in all records or in none; Deal '1' has 2026-01-0.* with(out)? one"
    )
    with pytest.raises(TimeZoneError, match=message):
        closed_deals(closed_at(*moments), period="2026")


def test_a_difference_of_a_naive_and_an_exact_timestamp_is_an_error_that_names_the_record() -> None:
    mixed = ck.Deal(id="D7", status="won", created_at="2026-01-01", closed_at="2026-01-02T00:00Z")
    with pytest.raises(TimeZoneError, match=r"Deal 'D7' has timestamps with and without a time zone; give tz="):
        ck.sales_cycle_length([mixed])


NOON = datetime(2026, 1, 1, 12)
MIXED: Mapping[str, Any] = {
    "equal": deals.closed_at == deals.created_at,
    "unequal": deals.closed_at != deals.created_at,
    "not equal": ~(deals.closed_at == deals.created_at),
    "equal to a constant": deals.created_at == NOON,
    "among constants": deals.created_at.is_in(NOON, datetime(2026, 1, 2)),
    "not among constants": ~deals.created_at.is_in(NOON, datetime(2026, 1, 2)),
    "before": deals.closed_at < deals.created_at,
}


@pytest.mark.parametrize("name", MIXED)
def test_a_naive_timestamp_is_neither_equal_nor_unequal_to_an_exact_one(name: str) -> None:
    @ck.metric(unit="count", found=deals.count(MIXED[name]))
    def found(found: int) -> int:
        """How many deals it is true of."""
        return found

    mixed = ck.Deal(id="D7", status="won", created_at=NOON.replace(tzinfo=UTC), closed_at=NOON)
    with pytest.raises(TimeZoneError, match=r"Deal 'D7' has timestamps with and without a time zone; give tz="):
        found([mixed])
    alike = ck.Deal(id="D8", status="won", created_at=NOON, closed_at=NOON)
    apart = ck.Deal(id="D9", status="won", created_at=NOON, closed_at=datetime(2025, 1, 2))
    lacking = ck.Deal(id="D10", status="won")
    expected = {"equal": 1, "unequal": 1, "not equal": 1, "equal to a constant": 2, "among constants": 2, "before": 1}
    assert found([alike, apart, lacking]).value == expected.get(name, 0)


def test_a_naive_timestamp_beside_an_exact_one_in_a_row_of_a_customer_is_an_error_as_well() -> None:
    orders = ck.Table(ck.Order)
    buyers = orders.per(
        orders.customer_id, ordered=orders.max(orders.ordered_at), delivered=orders.max(orders.delivered_at)
    )

    @ck.metric(unit="count", same=buyers.count(buyers.ordered == buyers.delivered))
    def served_at_once(same: int) -> int:
        """How many customers were served at once."""
        return same

    mixed = ck.Order(id="1", customer_id="A", ordered_at=NOON, delivered_at=NOON.replace(tzinfo=UTC))
    with pytest.raises(
        TimeZoneError, match="ordered == delivered combines a timestamp with a time zone and one without"
    ):
        served_at_once([mixed])


def test_the_latest_of_naive_and_exact_timestamps_is_an_error() -> None:
    latest = ck.metric(unit="number", last=deals.max(deals.closed_at))

    @latest
    def last_close(last: datetime) -> float:
        """When the last deal was closed."""
        return last.timestamp()

    with pytest.raises(TimeZoneError, match="time zone"):
        last_close(closed_at("2026-01-01", "2026-01-02T00:00Z"))


def test_closed_without_a_date_counts_in_the_whole_and_is_left_out_of_every_period() -> None:
    found = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="open")]
    whole, period = ck.win_rate(found), ck.win_rate(found, period="2026")
    assert (whole.value, whole.left_out) == (0.5, {})
    assert (period.value, period.reason, period.left_out) == (None, "no deal was closed", {"no closed_at": 2})
    assert period.accounts[0].outside == 1


@pytest.mark.parametrize(
    ("as_of", "complete"),
    [
        pytest.param(date(2026, 3, 31), True, id="the last day stands for its end"),
        pytest.param(date(2026, 3, 30), False, id="the day before"),
        pytest.param(datetime(2026, 3, 31, 23, 59), False, id="a minute before"),
        pytest.param(datetime(2026, 4, 1, tzinfo=UTC), True, id="the exact end"),
        pytest.param(None, None, id="not given"),
    ],
)
def test_a_period_is_complete_or_not_as_of_a_day(as_of: date | None, complete: bool | None) -> None:
    assert closed_deals([], period="2026-03", as_of=as_of).complete is complete


def test_relative_periods_count_from_the_as_of_day() -> None:
    crm = ck.Dataset(deals=closed_at("2026-02-10"), as_of=date(2026, 3, 5))
    assert crm.measure(closed_deals, period="last month")[0].value == 1
    with pytest.raises(PeriodError, match=r"'last month' counts from a day, which must be given as as_of="):
        closed_deals([], period="last month")


NOTE = (
    "the times of deals were read as those of Europe/Berlin, and days begin in UTC; "
    "calendar=Calendar(tz='Europe/Berlin') lets them begin there"
)


@pytest.mark.parametrize(
    ("tz", "calendar", "period", "notes"),
    [
        pytest.param("Europe/Berlin", "UTC", "2026-01", (NOTE,), id="another zone"),
        pytest.param("Europe/Berlin", "Europe/Berlin", "2026-01", (), id="the same zone"),
        pytest.param(None, "Europe/Berlin", "2026-01", (), id="wall-clock times"),
        pytest.param("Europe/Berlin", "UTC", None, (), id="no days at all"),
    ],
)
def test_times_read_in_another_zone_than_that_of_the_days_are_noted(
    tz: Any, calendar: str, period: Any, notes: Any
) -> None:
    rows = [{"id": "1", "status": "won", "closed_at": "2026-01-05 10:00"}]
    found = ck.read_dicts(rows, record=ck.Deal, tz=tz)
    report = ck.Dataset(deals=found, calendar=ck.Calendar(tz=calendar)).measure("win_rate", period=period)
    assert report.notes == notes
    assert all(note in " ".join(str(report).split()) for note in notes)


def test_the_note_on_zones_stands_under_a_scorecard_too() -> None:
    rows = [{"id": "1", "status": "won", "closed_at": "2026-01-05 10:00"}]
    found = ck.read_dicts(rows, record=ck.Deal, tz="Europe/Berlin")
    assert NOTE in ck.Dataset(deals=found).scorecard("sales", period="2026-01").notes


# Related records


@given(crm=datasets(ck.Ticket, ck.Customer))
def test_related_records_are_looked_up_and_never_joined(crm: ck.Dataset) -> None:
    industry = {customer.id: customer.industry for customer in crm.tables["customers"]}
    report = crm.measure(ck.ticket_volume, by="customer.industry")
    expected: dict[Any, int] = {}
    for ticket in crm.tables["tickets"]:
        key = industry.get(ticket.customer_id)
        created, known = ticket.created_at, crm.known_until()
        there = created is None or created < known[created.tzinfo is not None]  # later events have not happened
        expected[key] = expected.get(key, 0) + (there and not ticket.spam and ticket.merged_into is None)
    assert {result.segment["customer.industry"]: result.value for result in report} == expected


def test_a_related_table_that_is_not_there_is_an_error() -> None:
    with pytest.raises(
        MissingTableError, match=r"needs the table 'customers', which the dataset lacks; it has tickets\."
    ):
        law_tickets([ck.Ticket(id="1")])


def test_related_records_of_one_id_are_an_error_where_they_differ_in_what_is_looked_up() -> None:
    twins = [ck.Customer(id="C1"), ck.Customer(id="C1", industry="law")]
    told = r"A lookup in customers is ambiguous: several customers have the id 'C1' and differ in industry: rec"
    with pytest.raises(InputError, match=told):
        law_tickets([ck.Ticket(id="1")], customers=twins)
    others = [ck.Customer(id="C1", industry="law"), ck.Customer(id="C1", industry="law", region="north")]
    assert law_tickets([ck.Ticket(id="1", customer_id="C1")], customers=others).value == 1


# Streams


def test_a_stream_is_read_once_and_asking_again_is_an_error() -> None:
    crm = ck.Dataset(deals=(deal for deal in closed_at("2026-01-05")))
    report = crm.measure([closed_deals, "win_rate", ck.revenue], period="2026")
    assert report[0].inputs == {"deals": 1}
    with pytest.raises(
        InputError, match=r"The table 'deals' is a stream that has been read already; measure everything"
    ):
        crm.measure(closed_deals)


def test_a_stream_is_not_read_further_than_its_end() -> None:
    read = []

    def stream() -> Iterator[ck.Deal]:
        for deal in closed_at("2026-01-05", "2026-01-06"):
            read.append(deal.id)
            yield deal

    assert closed_deals(stream()).value == 2
    assert read == ["0", "1"]


# Invalid arguments

WRONG: Mapping[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a misspelt table": (
        lambda: ck.Dataset(deal=[]),  # type: ignore[call-arg]
        UnknownNameError,
        r"A dataset has no table 'deal'\. Did you mean 'deals'\?",
    ),
    "text for records": (
        lambda: ck.Dataset(deals="deals"),
        FileFormatError,
        r"deals is none of the files that can be read \(\.csv, \.tsv, \.xlsx, \.json, \.jsonl\); export it as one\.",
    ),
    "a mapping for records": (
        lambda: ck.Dataset(deals={}),
        InputError,
        r"'deals' must be an iterable of records; got dict",
    ),
    "a number for records": (
        lambda: ck.Dataset(deals=3),
        InputError,
        r"'deals' must be an iterable of records; got int\.",
    ),
    "a word for the as-of day": (
        lambda: ck.Dataset(deals=[], as_of="today"),
        InputError,
        r"`as_of` is a date .*, or the text of one, such as '2026-03-31'; got 'today'\. Today is date\.today\(\)\.",
    ),
    "a zone for a calendar": (
        lambda: ck.Dataset(deals=[], calendar="Europe/Berlin"),
        InputError,
        r"`calendar` is a Calendar, such as Calendar\(tz='Europe/Berlin'\); got 'Europe/Berlin'\.",
    ),
    "no metric": (
        lambda: ck.Dataset(deals=[]).measure([]),
        InputError,
        r"measure\(\) needs at least one metric; got none\.",
    ),
    "no kind of metric": (
        lambda: ck.Dataset(deals=[]).measure([len]),  # type: ignore[list-item]
        InputError,
        r"measure\(\) takes metrics or their names; got <built-in function len>\.",
    ),
    "a misspelt metric": (
        lambda: ck.Dataset(deals=[]).measure("win_rte"),
        UnknownNameError,
        r"There is no KPI 'win_rte'\. Did you mean 'win_rate'\?",
    ),
    "a missing table": (
        lambda: ck.Dataset(leads=[]).measure("win_rate"),
        MissingTableError,
        r"win_rate needs the table 'deals', which the dataset lacks; it has leads\. Add deals=\.\.\. to the Dataset\.",
    ),
    "no table at all": (
        lambda: ck.Dataset().measure("win_rate"),
        MissingTableError,
        r"win_rate needs the table 'deals', which the dataset lacks; it has none\.",
    ),
    "every without a period": (
        lambda: ck.Dataset(deals=[]).measure("win_rate", every="month"),
        PeriodError,
        r"every='month' splits a period; say which one, such as period='2026'\.",
    ),
    "a misspelt every": (
        lambda: ck.Dataset(deals=[]).measure("win_rate", period="2026", every="mounth"),
        PeriodError,
        r"There is no unit 'mounth' of a calendar\. Did you mean 'month'\?",
    ),
    "a misspelt theme": (
        lambda: ck.Dataset(deals=[]).scorecard("sale", period="2026"),
        UnknownNameError,
        r"There is no theme 'sale'\. Did you mean 'sales'\?",
    ),
    "a theme without its tables": (
        lambda: ck.Dataset(leads=[]).scorecard("sales", period="2026"),
        MissingTableError,
        r"No KPI of sales can be measured with the tables leads alone",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_question_is_an_error_that_says_the_way_out(name: str) -> None:
    ask, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        ask()


def test_an_empty_dataset_has_results_and_no_segments() -> None:
    crm = ck.Dataset(deals=[])
    assert [result.reason for result in crm.measure("win_rate")] == ["no deal was closed"]
    assert len(crm.measure("win_rate", by="owner")) == 0


def test_the_account_of_a_quarter_is_that_of_its_months_where_both_are_asked_for() -> None:
    found = [
        ck.Deal(id=str(number), status="won", amount=amount, closed_at=datetime(2026, month, 5))
        for number, (month, amount) in enumerate([(1, None), (1, 5), (2, None), (2, None), (3, 7), (4, None)])
    ]
    result = ck.revenue(found, period="2026-02", compare=ck.Period("2026-Q1"))
    accounts = [(one.accounts[0].used, dict(one.left_out)) for one in (result, result.compared_to)]
    assert accounts == [(0, {"no amount": 2}), (2, {"no amount": 3})]


def test_rejected_rows_are_in_every_account() -> None:
    loaded = ck.read_dicts([{"id": "1", "status": "won"}, {"status": None}], record=ck.Deal)
    (account,) = ck.win_rate(loaded).accounts
    assert (account.given, account.used, account.rejected, account.outside) == (2, 1, 1, 0)


@given(crm=datasets(ck.Deal, ck.Customer))
def test_many_metrics_in_one_pass_are_each_what_they_are_alone(crm: ck.Dataset) -> None:
    metrics = [*ck.catalogue.by_theme("sales"), ck.churn_rate, *ck.win_rate.variants.values()]
    metrics = [metric for metric in metrics if set(metric.tables) <= set(crm.tables)]
    quota = {"quota": 1000}
    together = crm.measure(metrics, period="2026-Q1", every="month", by={"owner": "owner"}, parameters=quota)
    for metric in metrics:
        given = quota if metric.parameters else {}
        alone = crm.measure(metric, period="2026-Q1", every="month", by={"owner": "owner"}, parameters=given)
        theirs = {
            (str(result.period), *result.segment.values()): result for result in together if result.metric is metric
        }
        for result in alone:
            same = theirs[str(result.period), *result.segment.values()]
            assert (result.value, result.interval, result.accounts) == (same.value, same.interval, same.accounts)


def test_a_scorecard_without_a_last_known_day_leaves_off_what_needs_one_and_says_so():
    crm = ck.Dataset(customers=[ck.Customer(id="1", since="2026-01-01")])
    report = crm.scorecard("customers", period="2026-01")
    assert "customer_lifespan" not in {result.definition for result in report}
    assert any(note.startswith("not measured for lack of as_of=...: ") for note in report.notes)


def test_a_month_that_the_next_one_is_compared_with_is_computed_once() -> None:
    months: list[int] = []

    @ck.metric(unit="count", at=ck.Table(ck.Deal).closed_at, closed=ck.Table(ck.Deal).count())
    def closed_deals(closed: int) -> int:
        """How many deals were closed."""
        months.append(closed)
        return closed

    found = [ck.Deal(id=str(n), status="won", closed_at=datetime(2026, 1 + n % 3, 5)) for n in range(6)]
    report = ck.Dataset(deals=found).measure(closed_deals, period="2026-Q1", every="month", compare="previous")
    assert [(result.value, result.compared_to.value) for result in report] == [(2, 0), (2, 2), (2, 2)]
    assert sorted(months) == [0, 2, 2, 2]


def test_what_a_scorecard_lacks_takes_a_line_for_each_thing_and_accounts_for_every_kpi():
    deals = [ck.Deal(id="1", status="won", amount=10, created_at="2025-12-20", closed_at="2026-01-02")]
    report = ck.Dataset(deals=deals).scorecard(period="2026-01")
    notes = [note for note in report.notes if note.startswith("not measured")]
    lacking = [note.split(":")[0].removeprefix("not measured for lack of ") for note in notes]
    tables = "leads visits expenses campaigns customers surveys stage_visits interactions subscriptions orders tickets"
    assert sorted(lacking) == sorted([*tables.split(), "market_revenue=...", "quota=..."])
    assert max(map(len, notes)) <= 80
    left_off = 0
    for note in notes:
        names, _, more = note.partition(": ")[2].partition(" and ")
        left_off += len(names.split(", ")) + int(more.removesuffix(" more") or 0)
    assert left_off + len({result.definition for result in report}) == len(ck.catalogue)
    for text in (str(report), report.to_markdown(), report._repr_html_()):
        assert text.count("not measured for lack of") == len(notes)


def test_tables_of_own_records_are_given_in_a_dict_and_each_table_once() -> None:
    deals = [ck.Deal(id="1", status="won")]
    assert ck.win_rate(ck.Dataset({"deals": deals})).value == 1
    with pytest.raises(ck.errors.InputError, match=r"given twice, in the dict and by name; give it once"):
        ck.Dataset({"deals": deals}, deals=deals)
    with pytest.raises(ck.errors.InputError, match=r"takes its tables by name, such as Dataset\(deals=...\); got list"):
        ck.Dataset(deals)
    with pytest.raises(ck.errors.UnknownNameError, match="Did you mean 'deals'"):
        ck.Dataset({"deal": deals})
