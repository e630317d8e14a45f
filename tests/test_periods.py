"""Periods: notations, exact bounds, and the laws of splitting and stepping."""

from __future__ import annotations

import calendar as months
import datetime as dt
import pickle
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkpi.dates.calendars import Calendar, CalendarUnit
from crmkpi.dates.periods import Period
from crmkpi.errors import InputError, ParameterError, PeriodError, TimeZoneError, UnknownNameError

# Zones with a half-hour shift, shifts at midnight, a shift back across midnight, and a whole day skipped.
ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia",
    "America/Havana", "America/St_Johns",
)  # fmt: skip
UNITS = get_args(CalendarUnit)
AS_OF = date(2026, 3, 15)  # a Sunday
BERLIN = Calendar(tz="Europe/Berlin")
APIA = Calendar(tz="Pacific/Apia")
APRIL = Calendar(fiscal_year_start=4)

units = st.sampled_from(UNITS)
calendars = st.builds(
    Calendar,
    tz=st.sampled_from(ZONES),
    fiscal_year_start=st.integers(1, 12),
    fiscal_year_named_after=st.sampled_from(["end", "start"]),
    week_start=st.sampled_from(["monday", "sunday", "saturday"]),
)
# Around the clock changes that are awkward, more often than elsewhere.
days = st.dates(date(1990, 1, 1), date(2040, 1, 1)) | st.dates(date(2011, 12, 20), date(2012, 1, 10))
moments = st.datetimes(datetime(1990, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
wholes = st.builds(lambda moment, unit, calendar: Period.of(moment, unit, calendar=calendar), moments, units, calendars)
exact_spans = st.builds(
    lambda start, length, calendar: Period.between(start, start + length, calendar=calendar),
    moments, st.timedeltas(timedelta(seconds=1), timedelta(days=800)), calendars,
)  # fmt: skip
day_spans = st.builds(
    lambda start, length, calendar: Period.between(start, start + timedelta(days=length), calendar=calendar),
    days, st.integers(2, 800), calendars,
)  # fmt: skip
to_dates = st.builds(
    lambda unit, day, calendar: Period(f"{unit} to date", as_of=day, calendar=calendar),
    st.sampled_from([unit for unit in UNITS if unit != "day"]), st.dates(date(2013, 1, 1), date(2040, 1, 1)), calendars,
)  # fmt: skip
rollings = st.builds(
    lambda size, day, calendar: Period.rolling(months=size, until=day, calendar=calendar),
    st.integers(1, 30), st.dates(date(2015, 1, 1), date(2040, 1, 1)), calendars,
)  # fmt: skip
any_period = (
    wholes | exact_spans | day_spans | to_dates | rollings | st.builds(lambda c: Period.all(calendar=c), calendars)
)


@pytest.mark.parametrize(
    ("text", "label", "unit", "first", "last"),
    [
        ("2026", "2026", "year", (2026, 1, 1), (2026, 12, 31)),
        ("2026-03", "2026-03", "month", (2026, 3, 1), (2026, 3, 31)),
        ("2024-02", "2024-02", "month", (2024, 2, 1), (2024, 2, 29)),
        ("2026-Q1", "2026-Q1", "quarter", (2026, 1, 1), (2026, 3, 31)),
        ("2026q4", "2026-Q4", "quarter", (2026, 10, 1), (2026, 12, 31)),
        ("Q2 2026", "2026-Q2", "quarter", (2026, 4, 1), (2026, 6, 30)),
        ("2026-W07", "2026-W07", "week", (2026, 2, 9), (2026, 2, 15)),
        ("2026-W01", "2026-W01", "week", (2025, 12, 29), (2026, 1, 4)),
        ("2026-03-15", "2026-03-15", "day", (2026, 3, 15), (2026, 3, 15)),
        ("FY2026", "FY2026", "fiscal_year", (2025, 4, 1), (2026, 3, 31)),
        ("FY2026-Q4", "FY2026-Q4", "fiscal_quarter", (2026, 1, 1), (2026, 3, 31)),
        ("Q1 FY2026", "FY2026-Q1", "fiscal_quarter", (2025, 4, 1), (2025, 6, 30)),
        ("2026-01-01..2026-03-31", "2026-01-01..2026-03-31", "days", (2026, 1, 1), (2026, 3, 31)),
        ("2026-03-15..2026-03-15", "2026-03-15", "day", (2026, 3, 15), (2026, 3, 15)),
    ],
)
def test_a_fixed_text_names_its_days_both_included(text, label, unit, first, last):
    period = Period(text, calendar=APRIL)
    assert (period.label, period.unit) == (label, unit)
    assert (period.first_day, period.last_day) == (date(*first), date(*last))


@pytest.mark.parametrize(
    ("text", "label", "unit"),
    [
        ("today", "2026-03-15", "day"),
        ("yesterday", "2026-03-14", "day"),
        ("this week", "2026-W11", "week"),
        ("last week", "2026-W10", "week"),
        ("next week", "2026-W12", "week"),
        ("Last Month", "2026-02", "month"),
        ("this quarter", "2026-Q1", "quarter"),
        ("last quarter", "2025-Q4", "quarter"),
        ("next year", "2027", "year"),
        ("this fiscal year", "FY2026", "fiscal_year"),
        ("next fiscal quarter", "FY2027-Q1", "fiscal_quarter"),
        ("last 7 days", "2026-03-08..2026-03-14", "days"),
        ("last 2 weeks", "2026-02-23..2026-03-08", "days"),
        ("last 3 months", "2025-12-01..2026-02-28", "months"),
        ("last_4_quarters", "2025-01-01..2025-12-31", "months"),
        ("last 1 fiscal year", "2024-04-01..2025-03-31", "months"),
        ("week to date", "2026-03-09..2026-03-15", "days"),
        ("month to date", "2026-03-01..2026-03-15", "days"),
        ("quarter to date", "2026-01-01..2026-03-15", "days"),
        ("year to date", "2026-01-01..2026-03-15", "days"),
        ("fiscal year to date", "2025-04-01..2026-03-15", "days"),
    ],
)
def test_a_relative_text_counts_from_the_day_of_as_of(text, label, unit):
    period = Period(text, calendar=APRIL, as_of=AS_OF)
    assert (period.label, period.unit) == (label, unit)
    assert Period(text, calendar=APRIL, as_of=datetime(2026, 3, 15, 23, 59)) == period


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2026-01..2026-03", "2026-01-01..2026-03-31"),
        ("2025-11..2026-02", "2025-11-01..2026-02-28"),
        ("2026-01-15..2026-03", "2026-01-15..2026-03-31"),
        ("2026-01..2026-03-15", "2026-01-01..2026-03-15"),
        ("2024..2025", "2024-01-01..2025-12-31"),
        ("2025-Q4..2026-Q1", "2025-10-01..2026-03-31"),
        ("2025-H2..2026-Q1", "2025-07-01..2026-03-31"),
        ("2026-W01..2026-W02", "2025-12-29..2026-01-11"),
        ("Jan 2026 .. Mar 2026", "2026-01-01..2026-03-31"),
        ("FY2026..FY2027-Q1", "2025-04-01..2026-06-30"),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/Sao_Paulo"])
def test_a_span_of_units_runs_from_the_first_day_of_the_first_to_the_last_day_of_the_last(text, days, zone):
    calendar = Calendar(zone, fiscal_year_start=4)
    assert Period(text, calendar=calendar) == Period(days, calendar=calendar)


def test_as_of_is_a_day_in_the_zone_of_the_calendar():
    late = datetime(2026, 3, 31, 22, 30, tzinfo=UTC)
    assert Period("this month", calendar=BERLIN, as_of=late).label == "2026-04"
    assert Period("this month", as_of=late).label == "2026-03"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-Q5", "A quarter must be from 1 to 4; got '2026-Q5'. Did you mean '2026-Q4'"),
        ("FY2026-Q0", "A quarter must be from 1 to 4; got 'FY2026-Q0'. Did you mean 'FY2026-Q1'"),
        ("2026-13", "A month must be from 1 to 12; got '2026-13'. Did you mean '2026-12'"),
        ("2026-02-30", "A day of 2026-02 must be from 1 to 28; got '2026-02-30'. Did you mean '2026-02-28'"),
        ("2025-W53", "An ISO week of 2025 must be from 1 to 52; got '2025-W53'. Did you mean '2025-W52'"),
        ("lst month", "'lst month' is not a period. Did you mean 'last month'"),
        ("quartr to date", "Did you mean 'quarter to date'"),
        ("2026/03/15", "'2026/03/15' is not a period. Write it as in '2026', '2026-Q1'"),
        ("whenever", "'whenever' is not a period. Write it as in"),
        ("last 0 days", "'last 0 days' is not a period"),
        ("", "'' is not a period"),
        (2026, "must be written as text, such as '2026-Q1'; got 2026"),
        (
            "last month..2026-03",
            "must name its first and last day, month or other unit, as in .* or '2026-01..2026-03'; got 'last",
        ),
        ("2026-01..", "must name its first and last day"),
        ("2026-03..2026-01", "must end after it starts; .*Did you mean '2026-01..2026-03'"),
        ("2026-03-31..2026-01-01", "must end after it starts; .*Did you mean '2026-01-01..2026-03-31'"),
        ("9999", "Periods lie in the years 2 to 9998"),
        ("0000-01", "must lie in the years 2 to 9998; got the year 0"),
    ],
)
def test_a_text_that_is_no_period_is_refused_with_the_way_out(text, message):
    with pytest.raises(PeriodError, match=message):
        Period(text, as_of=AS_OF)


def test_a_relative_text_without_a_day_to_count_from_is_refused():
    with pytest.raises(PeriodError, match=r"'last month' counts from a day, which must be given as as_of=date"):
        Period("last month")


def test_iso_weeks_are_refused_where_weeks_do_not_begin_on_monday():
    with pytest.raises(
        PeriodError, match="ISO weeks begin on Monday, but this calendar's weeks on Sunday; got '2026-W07'"
    ):
        Period("2026-W07", calendar=Calendar(week_start="sunday"))


def test_a_week_that_begins_on_sunday_is_named_by_its_days():
    week = Period("this week", calendar=Calendar(week_start="sunday"), as_of=AS_OF)
    assert (week.label, week.unit) == ("2026-03-15..2026-03-21", "week")
    assert week.previous().label == "2026-03-08..2026-03-14"
    assert week.year_ago().first_day == date(2025, 3, 16)


def test_edges_are_midnights_of_the_zone_as_exact_moments_in_utc():
    march = Period("2026-03", calendar=BERLIN)
    assert (march.start, march.end) == (datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 31, 22, tzinfo=UTC))
    assert (march.wall_start, march.wall_end) == (datetime(2026, 3, 1), datetime(2026, 4, 1))


@pytest.mark.parametrize(
    ("tz", "day", "start", "hours"),
    [
        ("America/Sao_Paulo", "2018-11-04", datetime(2018, 11, 4, 3, tzinfo=UTC), 23),  # 00:00 was skipped
        ("America/Sao_Paulo", "2018-02-17", datetime(2018, 2, 17, 2, tzinfo=UTC), 25),  # 23:00 came twice
        ("America/Havana", "2026-11-01", datetime(2026, 11, 1, 4, tzinfo=UTC), 25),  # 00:00 came twice
        ("Australia/Lord_Howe", "2026-10-04", datetime(2026, 10, 3, 13, 30, tzinfo=UTC), 23.5),
    ],
)
def test_a_day_starts_at_its_first_moment_and_is_as_long_as_it_was(tz, day, start, hours):
    period = Period(day, calendar=Calendar(tz=tz))
    assert period.start == start
    assert period.end - period.start == timedelta(hours=hours)


def test_an_evening_shown_again_after_midnight_belongs_to_the_new_day():
    # St. John's: 00:01 on 2006-10-29 became 23:01 on the day before.
    evening = datetime(2006, 10, 29, 3, tzinfo=UTC)
    newfoundland = Calendar(tz="America/St_Johns")
    assert newfoundland.local_day(evening) == date(2006, 10, 28)
    assert Period.of(evening, "day", calendar=newfoundland).label == "2006-10-29"


def test_a_span_from_a_day_without_midnight_is_still_a_span_of_days():
    sao_paulo = Calendar(tz="America/Sao_Paulo")
    span = Period("2018-11-04..2018-11-05", calendar=sao_paulo)
    assert (span.label, span.wall_start) == ("2018-11-04..2018-11-05", datetime(2018, 11, 4))
    first, last = datetime(2018, 11, 4, 3, tzinfo=UTC), datetime(2018, 11, 6, 2, tzinfo=UTC)
    assert Period.between(first, last, calendar=sao_paulo) == span


def test_a_span_of_a_day_that_the_clocks_jumped_over_is_no_period_either():
    with pytest.raises(PeriodError, match="2011-12-30 does not exist in Pacific/Apia"):
        Period("2011-12-30..2011-12-30", calendar=APIA)


def test_a_misspelt_word_is_told_the_nearest():
    with pytest.raises(PeriodError, match="Did you mean 'all'"):
        Period("alll")


def test_the_day_that_apia_skipped_is_no_period_and_neighbours_meet_across_it():
    with pytest.raises(PeriodError, match="2011-12-30 does not exist in Pacific/Apia"):
        Period("2011-12-30", calendar=APIA)
    assert Period("2011-12-31", calendar=APIA).previous().label == "2011-12-29"
    assert Period("2011-12-29", calendar=APIA).next().label == "2011-12-31"
    assert len(Period("2011-12", calendar=APIA).split("day")) == 30


@settings(deadline=None)
@given(period=wholes | exact_spans | day_spans | to_dates | rollings, unit=units)
def test_split_parts_follow_each_other_without_gap_or_overlap(period, unit):
    parts = period.split(unit)
    assert parts[0].start == period.start
    assert parts[-1].end == period.end
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert all(part.start < part.end for part in parts)


@settings(deadline=None)
@given(period=wholes | day_spans, unit=units)
def test_split_parts_are_whole_units_but_for_the_first_and_the_last(period, unit):
    parts = period.split(unit)
    assert all(part.unit == unit for part in parts[1:-1])
    assert all(part == Period.of(part.start, unit, calendar=period.calendar) for part in parts[1:-1])


def test_parts_cut_off_are_named_by_their_days():
    labels = [part.label for part in Period("2026-01-15..2026-03-10").split("month")]
    assert labels == ["2026-01-15..2026-01-31", "2026-02", "2026-03-01..2026-03-10"]


@settings(deadline=None)
@given(year=st.integers(1990, 2040), calendar=calendars)
def test_fiscal_quarters_tile_the_fiscal_year(year, calendar):
    quarters = Period(f"FY{year}", calendar=calendar).split("fiscal_quarter")
    assert list(quarters) == [Period(f"FY{year}-Q{number}", calendar=calendar) for number in (1, 2, 3, 4)]
    assert quarters[0].first_day.month == calendar.fiscal_year_start


@settings(deadline=None)
@given(year=st.integers(1990, 2040), month=st.integers(1, 12))
def test_a_month_has_as_many_days_as_the_calendar_says(year, month):
    assert len(Period(f"{year}-{month:02}").split("day")) == months.monthrange(year, month)[1]


@settings(deadline=None)
@given(day=days)
def test_a_week_is_the_iso_week(day):
    assert Period.of(day, "week").label == day.strftime("%G-W%V")


@settings(deadline=None)
@given(moment=moments, unit=units, calendar=calendars)
def test_a_moment_lies_in_its_unit_and_in_neither_neighbour(moment, unit, calendar):
    period = Period.of(moment, unit, calendar=calendar)
    assert moment in period
    assert moment not in period.previous()
    assert moment not in period.next()


@settings(deadline=None)
@given(period=wholes)
def test_the_previous_unit_ends_where_the_unit_starts(period):
    assert period.previous().end == period.start
    assert period.previous().unit == period.unit


@settings(deadline=None)
@given(period=wholes | exact_spans)
def test_the_next_and_then_the_previous_is_the_period_itself(period):
    assert period.next().start == period.end
    assert period.next().previous() == period


@settings(deadline=None)
@given(period=day_spans)
def test_the_previous_of_a_span_has_the_same_number_of_days_and_is_adjacent(period):
    previous = period.previous()
    assert previous.end == period.start
    months = 12 * (period.wall_end.year - period.wall_start.year) + period.wall_end.month - period.wall_start.month
    whole_months = months and period.calendar.shift(period.wall_end, "month", -months) == period.wall_start
    if period.calendar.tz != "Pacific/Apia" and not whole_months:  # it skipped a day
        assert previous.last_day - previous.first_day == period.last_day - period.first_day


@settings(deadline=None)
@given(period=exact_spans)
def test_the_previous_of_a_span_of_hours_is_as_long_and_adjacent(period):
    whole_units = [period.unit != "days", period.start == period.calendar.midnight(period.first_day)]
    if not any(whole_units):
        assert period.previous().end == period.start
        assert period.end - period.start == period.start - period.previous().start


@settings(deadline=None)
@given(size=st.integers(1, 30), day=st.dates(date(2015, 1, 1), date(2040, 1, 1)), calendar=calendars)
def test_a_rolling_window_of_months_is_preceded_by_as_many_months(size, day, calendar):
    until = calendar.floor(day, "month") - timedelta(days=1)
    window = Period.rolling(months=size, until=until, calendar=calendar)
    assert len(window.split("month")) == size
    assert window.last_day == until
    assert window.previous() == Period.rolling(
        months=size, until=window.first_day - timedelta(days=1), calendar=calendar
    )
    assert window.next().previous() == window


def test_a_month_long_window_from_the_31st_becomes_a_plain_span_when_it_cannot_stay_whole():
    window = Period.rolling(months=1, until=date(2026, 3, 30))
    assert (window.label, window.unit) == ("2026-02-28..2026-03-30", "months")
    assert (window.next().label, window.next().unit) == ("2026-03-31..2026-04-29", "days")


@pytest.mark.parametrize(
    ("text", "as_of", "previous"),
    [
        ("month to date", (2026, 3, 15), "2026-02-01..2026-02-15"),
        ("month to date", (2026, 3, 31), "2026-02-01..2026-02-28"),
        ("month to date", (2026, 3, 1), "2026-02-01"),
        ("week to date", (2026, 3, 11), "2026-03-02..2026-03-04"),
        ("month to date", (2026, 2, 28), "2026-01-01..2026-01-31"),
        ("quarter to date", (2026, 5, 15), "2026-01-01..2026-02-15"),
        ("quarter to date", (2026, 3, 31), "2025-10-01..2025-12-31"),
        ("quarter to date", (2026, 2, 28), "2025-10-01..2025-11-30"),
        ("half year to date", (2026, 2, 28), "2025-07-01..2025-08-31"),
        ("year to date", (2025, 12, 31), "2024-01-01..2024-12-31"),
        ("year to date", (2024, 3, 31), "2023-01-01..2023-03-31"),
        ("year to date", (2026, 3, 15), "2025-01-01..2025-03-15"),
        ("fiscal year to date", (2026, 5, 15), "2025-04-01..2025-05-15"),
    ],
)
def test_a_unit_to_date_is_compared_with_the_unit_before_up_to_the_same_date(text, as_of, previous):
    period = Period(text, as_of=date(*as_of), calendar=APRIL)
    assert period.previous().label == previous
    assert period.previous().to_date == period.to_date


def test_a_unit_to_date_is_followed_by_the_unit_after_up_to_the_same_date():
    assert Period("month to date", as_of=date(2026, 1, 31)).next().label == "2026-02-01..2026-02-28"


@pytest.mark.parametrize(
    ("text", "year_ago"),
    [
        ("2026-Q1", "2025-Q1"),
        ("2024-02", "2023-02"),
        ("2024-02-29", "2023-02-28"),
        ("2026-W07", "2025-W07"),
        ("FY2026-Q2", "FY2025-Q2"),
        ("2024-02-01..2024-02-29", "2023-02-01..2023-02-28"),
        ("2024-02-27..2024-02-28", "2023-02-27..2023-02-28"),
        ("2026-01-15..2026-03-10", "2025-01-15..2025-03-10"),
        ("month to date", "2025-03-01..2025-03-15"),
        ("last 3 months", "2024-12-01..2025-02-28"),
    ],
)
def test_a_year_ago_is_the_same_period_one_year_earlier(text, year_ago):
    assert Period(text, as_of=AS_OF, calendar=APRIL).year_ago().label == year_ago


@settings(deadline=None)
@given(period=wholes.filter(lambda period: period.unit not in ("day", "week")))
def test_a_year_ago_is_as_many_units_back_as_a_year_has(period):
    back = period
    for _ in range(
        {"month": 12, "quarter": 4, "fiscal_quarter": 4, "half_year": 2, "fiscal_half_year": 2}.get(period.unit, 1)
    ):
        back = back.previous()
    assert period.year_ago() == back


def test_week_53_has_no_year_ago_where_the_year_before_has_52():
    with pytest.raises(PeriodError, match=r"An ISO week of 2025 must be from 1 to 52.* Did you mean '2025-W52'"):
        Period("2026-W53").year_ago()


def test_hours_of_a_leap_day_have_no_year_ago():
    noon = datetime(2024, 2, 28, 12)
    with pytest.raises(PeriodError, match="lies on 29 February and has no counterpart a year earlier"):
        Period.between(noon, noon + timedelta(days=1)).year_ago()


def test_windows_look_back_from_the_end_of_each_unit():
    windows = Period("2026-Q1", calendar=BERLIN).windows("12 months", every="month")
    assert [window.label for window in windows] == [
        "2025-02-01..2026-01-31", "2025-03-01..2026-02-28", "2025-04-01..2026-03-31",
    ]  # fmt: skip
    assert all(window.unit == "months" for window in windows)
    assert [window.label for window in Period("2026-03-10..2026-03-11").windows("1 week", every="day")] == [
        "2026-03-04..2026-03-10", "2026-03-05..2026-03-11",
    ]  # fmt: skip


@settings(deadline=None)
@given(
    period=wholes | exact_spans,
    every=units,
    count=st.integers(1, 12),
    unit=st.sampled_from(["days", "months", "weeks"]),
)
def test_windows_end_where_the_parts_end(period, every, count, unit):
    windows = period.windows(f"{count} {unit}", every=every)
    assert [window.end for window in windows] == [part.end for part in period.split(every)]


def test_a_rolling_window_of_days_ends_with_its_last_day():
    window = Period.rolling(days=7, until=datetime(2026, 3, 14, 23, 30, tzinfo=UTC), calendar=BERLIN)
    assert (window.first_day, window.last_day) == (date(2026, 3, 9), date(2026, 3, 15))


def test_all_time_has_no_bounds():
    everything = Period("all", calendar=BERLIN)
    assert everything == Period.all(calendar=BERLIN)
    assert (everything.label, everything.unit) == ("all time", "all")
    assert (everything.start, everything.end) == (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
    assert (everything.first_day, everything.last_day) == (date.min, date.max)
    assert datetime.max in everything
    assert not everything.is_complete(date(2026, 1, 1))


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (Period.previous, "All time has no previous period"),
        (Period.next, "All time has no next period"),
        (Period.year_ago, "All time has no year before"),
        (lambda period: period.split("month"), r"All time cannot be split; give it bounds with Period.between\(first"),
        (lambda period: period.windows("3 months", every="month"), "All time cannot be split"),
    ],
)
def test_all_time_is_refused_where_bounds_are_needed(step, message):
    with pytest.raises(PeriodError, match=message):
        step(Period.all())


@pytest.mark.parametrize(
    ("attempt", "error", "message"),
    [
        (
            lambda: Period.between(date(2026, 1, 2), date(2026, 1, 1)),
            PeriodError,
            "end after it starts; got 2026-01-02 to",
        ),
        (lambda: Period.between(date(2026, 1, 1), date(2026, 1, 1)), PeriodError, "must end after it starts"),
        (lambda: Period.between(datetime(2026, 1, 1), datetime(2026, 1, 2, tzinfo=UTC)), TimeZoneError, "both have a"),
        (lambda: Period.rolling(until=AS_OF), PeriodError, "either days or months.*days=None, months=None"),
        (lambda: Period.rolling(until=AS_OF, days=1, months=1), PeriodError, "got days=1, months=1"),
        (lambda: Period.rolling(until=AS_OF, days=0), PeriodError, "a whole number from 1; got days=0"),
        (lambda: Period("2026-01-01..2026-02-01..2026-03-01"), PeriodError, "A span must name its first and last day"),
        (lambda: Period.between("2026-01-01", date(2026, 2, 1)), InputError, "got '2026-01-01'"),
        (lambda: Period.between(date(2026, 1, 1), 2026), InputError, "got 2026"),
        (lambda: Period("2026-01-02..2026-01-01"), PeriodError, "Did you mean '2026-01-01..2026-01-02'"),
        (lambda: Period("fiscl year to date"), PeriodError, "Did you mean 'fiscal year to date'"),
        (lambda: Period("this fiscl year"), PeriodError, "Did you mean 'this fiscal year'"),
        (lambda: Period("2026").split("months"), PeriodError, "no unit 'months' of a calendar. Did you mean 'month'"),
        (
            lambda: Period.of(AS_OF, "decade"),
            PeriodError,
            "There is no unit 'decade' of a calendar. Known: 'day', .*'year'",
        ),
        (lambda: Period("2026").windows("3 moons", every="month"), PeriodError, "got '3 moons'"),
        (lambda: "2026-03-15" in Period("2026"), InputError, "Only a date or a datetime .*; got '2026"),  # type: ignore[operator]
        (lambda: Period.between(datetime(9, 1, 1), datetime(9000, 1, 1, 9)).next(), PeriodError, "is too long to have"),
    ],
)
def test_misuse_is_refused_in_words(attempt, error, message):
    with pytest.raises(error, match=message):
        attempt()


@pytest.mark.parametrize(
    ("words", "as_of", "last_day"),
    [
        ("quarter to date", date(2024, 3, 1), date(2023, 3, 1)),
        ("quarter to date", date(2024, 3, 31), date(2023, 3, 31)),
        ("fiscal year to date", date(2024, 12, 31), date(2023, 12, 31)),
        ("month to date", date(2025, 2, 28), date(2024, 2, 29)),  # the last day of a month with the last
        ("month to date", date(2024, 2, 29), date(2023, 2, 28)),
        ("month to date", date(2024, 2, 28), date(2023, 2, 28)),
        ("month to date", date(2026, 3, 15), date(2025, 3, 15)),
        ("week to date", date(2026, 2, 11), date(2025, 2, 12)),  # Wednesday of the seventh week
        ("year to date", date(2025, 3, 1), date(2024, 3, 1)),
        ("year to date", date(2025, 12, 31), date(2024, 12, 31)),
    ],
)
def test_a_unit_to_date_ends_on_the_same_date_a_year_ago(words, as_of, last_day):
    ago = Period(words, as_of=as_of).year_ago()
    assert (ago.last_day, repr(ago)) == (last_day, f"Period({words!r}, as_of={last_day!r})")


@pytest.mark.parametrize(
    ("words", "months"),
    [
        ("last 2 months", 2),
        ("last 2 quarters", 6),
        ("last 2 years", 24),
        ("last 2 fiscal quarters", 6),
        ("last 2 fiscal years", 24),
    ],
)
def test_windows_of_any_unit_hold_as_many_months(words, months):
    assert repr(Period(words, as_of=date(2026, 1, 15))) == (
        f"Period.rolling(months={months}, until=datetime.date(2025, 12, 31))"
    )


def test_a_unit_to_date_of_one_day_is_no_day():
    first = Period("month to date", as_of=date(2026, 3, 1))
    assert (first.unit, first.label, first.previous().label) == ("days", "2026-03-01", "2026-02-01")
    assert Period("2026-03-01").previous().label == "2026-02-28"


def test_a_span_that_ends_a_moment_into_a_day_has_that_day():
    midnight = datetime(2026, 1, 2)
    moment = timedelta(microseconds=1)
    ends = [Period.between(date(2026, 1, 1), midnight + length).last_day for length in (0 * moment, moment, 2 * moment)]
    assert ends == [date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 2)]


def test_a_span_of_days_that_is_a_month_moves_by_months():
    august = Period.between(date(2026, 8, 1), date(2026, 9, 1))
    july = august.previous()
    assert (july.label, july.unit) == ("2026-07-01..2026-07-31", "days")
    assert july.previous().label == "2026-06-01..2026-06-30"
    assert august.next().label == "2026-09-01..2026-09-30"


def _edges(move):
    try:
        moved = move()
    except PeriodError as refused:
        return str(refused)
    return moved.start, moved.end


def _spellings(first, last, calendar):
    """All notations of the days from the first to the last; those "to date" last, by their label."""
    end = last + timedelta(days=1)
    span = Period(f"{first}..{last}", calendar=calendar)
    ways = [
        span,
        Period.between(first, end, calendar=calendar),
        Period.rolling(days=(end - first).days, until=last, calendar=calendar),
    ]
    count = 12 * (end.year - first.year) + end.month - first.month
    months = [Period.rolling(months=count, until=last, calendar=calendar)] if count else []
    units = [Period.of(first, unit, calendar=calendar) for unit in UNITS]
    to_dates = [Period(f"{unit} to date", as_of=last, calendar=calendar) for unit in UNITS if unit != "day"]
    whole = {(unit.start, unit.end): unit for unit in units}
    same = [way for way in (*ways, *months, *units) if (way.start, way.end) == (span.start, span.end)]
    dated = [way for way in to_dates if (way.start, way.end) == (span.start, span.end)]
    return same, dated, whole.get((span.start, span.end))


zoned = calendars.filter(lambda calendar: calendar.tz != "Pacific/Apia")  # it skipped a day
first_days = st.dates(date(1995, 1, 1), date(2035, 1, 1))


@st.composite
def written_days(draw):
    calendar = draw(zoned)
    first = draw(first_days)
    if draw(st.booleans()):
        first = calendar.floor(first, draw(units))
    last = first + timedelta(days=draw(st.integers(0, 400)))
    if draw(st.booleans()):
        last = max(first, calendar.shift(calendar.floor(last, draw(units)), "day", -1))
    return first, last, calendar


@settings(deadline=None)
@given(written=written_days())
@example(written=(date(2025, 1, 1), date(2025, 12, 31), Calendar()))
@example(written=(date(2024, 1, 1), date(2024, 3, 31), Calendar()))
@example(written=(date(2026, 2, 1), date(2026, 2, 28), Calendar()))
@example(written=(date(2026, 2, 16), date(2026, 3, 15), Calendar()))
@example(written=(date(2026, 2, 9), date(2026, 2, 15), Calendar()))
def test_two_spellings_of_one_period_are_compared_with_the_same_periods(written):
    same, dated, whole = _spellings(*written)
    for move in ("previous", "next", "year_ago"):
        assert len({_edges(getattr(way, move)) for way in same}) == 1, move
    by_date = [way for way in dated if way.to_date != "week"]  # a week to date keeps its weekdays
    a_week = whole is not None and whole.unit == "week"  # a year ago is the week of the same number
    assert len({_edges(way.year_ago) for way in (*by_date, *(same if by_date and not a_week else ()))}) <= 1
    for way in dated:
        if whole is not None and whole.unit == way.to_date:  # a unit to its last date equals the unit
            assert _edges(way.previous) == _edges(whole.previous)
            assert _edges(way.next) == _edges(whole.next)


@pytest.mark.parametrize(
    ("text", "label", "first", "last"),
    [
        ("2026-H1", "2026-H1", (2026, 1, 1), (2026, 6, 30)),
        ("H2 2026", "2026-H2", (2026, 7, 1), (2026, 12, 31)),
        ("2026h2", "2026-H2", (2026, 7, 1), (2026, 12, 31)),
        ("FY2026-H1", "FY2026-H1", (2025, 4, 1), (2025, 9, 30)),
        ("H2 FY2026", "FY2026-H2", (2025, 10, 1), (2026, 3, 31)),
        ("last half year", "2025-H2", (2025, 7, 1), (2025, 12, 31)),
        ("this fiscal half year", "FY2026-H2", (2025, 10, 1), (2026, 3, 31)),
        ("half year to date", "2026-01-01..2026-03-15", (2026, 1, 1), (2026, 3, 15)),
    ],
)
def test_half_years_are_periods(text, label, first, last):
    period = Period(text, as_of=AS_OF, calendar=APRIL)
    assert (period.label, period.first_day, period.last_day) == (label, date(*first), date(*last))


def test_half_years_follow_each_other_and_are_refused_beyond_two():
    half = Period("2026-H1")
    assert [half.previous().label, half.next().label, half.year_ago().label] == ["2025-H2", "2026-H2", "2025-H1"]
    assert [part.label for part in Period("2026").split("half_year")] == ["2026-H1", "2026-H2"]
    with pytest.raises(PeriodError, match=r"A half year must be from 1 to 2; got '2026-H3'\. Did you mean '2026-H2'"):
        Period("2026-H3")


@pytest.mark.parametrize("text", ["2026-P03", "FY2026-P12", "4-4-5", "2026 4-4-5"])
def test_years_of_weeks_are_refused_with_a_way_that_works(text):
    with pytest.raises(PeriodError, match=r"Years of weeks \(4-4-5\) have no periods of their own.*Period.between"):
        Period(text)
    with pytest.raises(ParameterError, match=r"in the UK on 6 April.*Period.between"):
        Calendar(fiscal_year_start="6 April")  # type: ignore[arg-type]
    uk = Period.between(date(2026, 4, 6), date(2027, 4, 6), label="2026/27")
    assert (uk.previous().label, uk.year_ago().label) == ("2025-04-06..2026-04-05", "2025-04-06..2026-04-05")


def test_a_span_of_hours_is_named_by_its_wall_clock_times():
    shift = Period.between(datetime(2026, 3, 15, 8, tzinfo=UTC), datetime(2026, 3, 15, 16, tzinfo=UTC), calendar=BERLIN)
    assert shift.label == "2026-03-15T09:00..2026-03-15T17:00"
    assert shift.previous().label == "2026-03-15T01:00..2026-03-15T09:00"


def test_a_label_of_ones_own_is_kept():
    campaign = Period.between(date(2026, 3, 1), date(2026, 5, 1), label="Spring")
    assert str(campaign) == "Spring"
    assert campaign.previous().label == "2026-01-01..2026-02-28"


@settings(deadline=None)
@given(period=any_period)
@example(period=Period.between(date(2011, 12, 1), date(2011, 12, 31), calendar=APIA))  # the 30th was jumped over
def test_a_period_survives_pickle_and_repr(period):
    namespace = {"Period": Period, "Calendar": Calendar, "datetime": dt}
    for other in (pickle.loads(pickle.dumps(period)), eval(repr(period), namespace)):
        assert other == period
        assert hash(other) == hash(period)


def test_a_label_of_ones_own_survives_repr():
    for end in (date(2026, 3, 2), date(2026, 5, 1), datetime(2026, 5, 1, 9)):
        campaign = Period.between(date(2026, 3, 1), end, label="Spring")
        assert eval(repr(campaign), {"Period": Period, "datetime": dt}) == campaign


def test_periods_sort_by_their_start_and_of_one_start_the_shorter_comes_first():
    months_of_2026 = Period("2026").split("month")
    assert sorted(months_of_2026[6:] + months_of_2026[:6]) == list(months_of_2026)
    year, quarter, month = Period("2026"), Period("2026-Q1"), Period("2026-01")
    assert sorted([year, month, quarter]) == sorted([quarter, year, month]) == [month, quarter, year]


@pytest.mark.parametrize(
    "text",
    [
        "Period('2026-Q1')",
        "Period('2026-01-05..2026-01-09')",
        "Period('2026-01-05')",
        "Period('all')",
        "Period('month to date', as_of=datetime.date(2026, 3, 15))",
        "Period('fiscal year to date', as_of=datetime.date(2026, 3, 15))",
        "Period.of(datetime.date(2026, 3, 1), 'week', calendar=Calendar(week_start='sunday'))",
        "Period.rolling(months=3, until=datetime.date(2026, 3, 31))",
        "Period.between(datetime.date(2026, 3, 1), datetime.date(2026, 5, 1), label='Spring')",
    ],
)
def test_a_period_prints_as_one_would_write_it(text):
    assert repr(eval(text, {"Period": Period, "Calendar": Calendar, "datetime": dt})) == text


@settings(deadline=None)
@given(moment=moments, period=wholes)
def test_a_moment_and_its_wall_clock_time_lie_in_the_same_periods(moment, period):
    zone = ZoneInfo(period.calendar.tz)
    wall = moment.astimezone(zone)
    fold_free = wall.utcoffset() == wall.replace(fold=1 - wall.fold).utcoffset()
    if fold_free:
        assert (moment in period) == (wall.replace(tzinfo=None) in period)
        assert (moment in period) == (wall.date() in period)


@pytest.mark.parametrize(
    ("as_of", "complete"),
    [
        (date(2026, 3, 31), True),
        (date(2026, 3, 30), False),
        (datetime(2026, 3, 31, 22, tzinfo=UTC), True),
        (datetime(2026, 3, 31, 21, 59, tzinfo=UTC), False),
        (datetime(2026, 4, 1), True),
        (datetime(2026, 3, 31, 23, 59), False),
    ],
)
def test_a_period_is_complete_when_its_end_has_come(as_of, complete):
    assert Period("2026-03", calendar=BERLIN).is_complete(as_of) is complete


@dataclass
class Deal:
    """A record with a timestamp."""

    closed_at: object


def test_select_keeps_the_records_of_the_period_in_their_order():
    deals = [Deal(datetime(2026, 3, day)) for day in (31, 1)] + [Deal(datetime(2026, 4, 1)), Deal(None)]
    assert Period("2026-03").select(iter(deals), at="closed_at") == deals[:2]
    assert Period.all().select(deals, at="closed_at") == deals[:3]


@settings(deadline=None)
@given(stamps=st.lists(moments), period=wholes, unit=units)
def test_every_selected_record_is_selected_by_exactly_one_part(stamps, period, unit):
    deals = [Deal(stamp) for stamp in sorted(stamps)]
    parts = [deal for part in period.split(unit) for deal in part.select(deals, at="closed_at")]
    assert parts == period.select(deals, at="closed_at")


def test_a_missing_timestamp_of_pandas_lies_in_no_period():
    pandas = pytest.importorskip("pandas")
    assert Period.all().select([Deal(pandas.NaT)], at="closed_at") == []


@pytest.mark.parametrize(
    ("records", "error", "message"),
    [
        (
            [Deal(None)],
            UnknownNameError,
            "Record 1 has no 'closed_on' that assigns it to a period. Did you mean 'closed_at'",
        ),
        ([{"closed_on": None}, {"closed_at": None}], UnknownNameError, "Record 2 has no 'closed_on'.* 'closed_at'"),
        ([{"closed_on": "2026-03-15"}], InputError, "closed_on of record 1 must be a date or a datetime; got '2026-03"),
        (
            [{"closed_on": datetime(2026, 3, 1)}, {"closed_on": datetime(2026, 3, 1, tzinfo=UTC)}],
            TimeZoneError,
            "closed_on of record 2 has a time zone, while those before it have none",
        ),
        (
            [{"closed_on": datetime(2026, 3, 1, tzinfo=UTC)}, {"closed_on": None}, {"closed_on": date(2026, 3, 1)}],
            TimeZoneError,
            "closed_on of record 3 has no time zone, while those before it have one",
        ),
    ],
)
def test_records_that_cannot_be_placed_are_refused_by_number(records, error, message):
    with pytest.raises(error, match=message):
        Period("2026").select(records, at="closed_on")
