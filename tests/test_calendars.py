"""Calendars: settings, instants, and business time against a minute-by-minute count."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmkpi.dates.calendars
from crmkpi.dates.calendars import DEFAULT_CALENDAR, Calendar
from crmkpi.dates.opening_hours import WeeklyHours
from crmkpi.errors import ParameterError, PeriodError, TimeZoneError, UnknownNameError

# Zones with a half-hour shift, shifts at midnight, a shift back across midnight, and a whole day skipped.
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "Pacific/Apia")
OFFICE: WeeklyHours = {
    "mon-thu": (("08:30", "12:00"), ("13:00", "17:15")),
    "friday": ("09:00", "15:00"),
    "sun": ("22:00", "24:00"),
}
WINDOWS = {
    **dict.fromkeys(range(4), ((510, 720), (780, 1035))),
    4: ((540, 900),),
    5: (),
    6: ((1320, 1440),),
}
HOLIDAYS = frozenset({date(2011, 10, 3), date(2018, 11, 5), date(2026, 3, 30), date(2026, 12, 25)})
CALENDARS = {zone: Calendar(tz=zone, opening_hours=OFFICE, holidays=HOLIDAYS) for zone in ZONES}
ALWAYS = {zone: Calendar(tz=zone, opening_hours="24/7") for zone in ZONES}

# Weeks around clock changes of each zone, and around the day that Apia skipped.
_starts = st.sampled_from([datetime(2011, 12, 27), datetime(2018, 11, 1), datetime(2018, 2, 15), datetime(2026, 3, 27),
                           datetime(2026, 10, 23), datetime(2026, 4, 3), datetime(2025, 12, 29)])  # fmt: skip
minutes = st.builds(lambda start, offset: start + timedelta(minutes=offset), _starts, st.integers(0, 9 * 1440))
walls = st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1))
moments = st.datetimes(datetime(2005, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
zones = st.sampled_from(ZONES)


def counted_minutes(start: datetime, end: datetime, zone: str) -> timedelta:
    """Business time by a minute-by-minute count of the wall clock."""
    total = 0
    while start < end:
        wall = start.astimezone(ZoneInfo(zone)) if start.tzinfo else start
        minute = 60 * wall.hour + wall.minute
        if wall.date() not in HOLIDAYS and any(low <= minute < high for low, high in WINDOWS[wall.weekday()]):
            total += 1
        start += timedelta(minutes=1)
    return timedelta(minutes=total)


@settings(deadline=None)
@given(start=minutes, length=st.integers(0, 4 * 1440), zone=zones)
def test_exact_business_time_equals_the_count_of_open_minutes(start, length, zone):
    first = start.replace(tzinfo=UTC)
    last = first + timedelta(minutes=length)
    assert CALENDARS[zone].business_time(first, last) == counted_minutes(first, last, zone)


def on_the_wall(moment, zone):
    return moment.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@settings(deadline=None)
@given(start=minutes, length=st.integers(0, 4 * 1440), zone=zones)
def test_wall_clock_business_time_equals_the_count_of_open_minutes(start, length, zone):
    end = start + timedelta(minutes=length)
    exact = [on_the_wall(moment, zone) for moment in (start, end)]
    assert CALENDARS[zone].business_time(start, end) == CALENDARS[zone].business_time(*exact)


@settings(deadline=None)
@given(moments=st.lists(moments, min_size=3, max_size=3), zone=zones)
def test_business_time_adds_up_over_adjacent_spans_in_any_order(moments, zone):
    first, second, third = moments
    measure = CALENDARS[zone].business_time
    assert measure(first, second) + measure(second, third) == measure(first, third)


@settings(deadline=None)
@given(moment=moments, zone=zones)
def test_an_empty_span_has_no_business_time(moment, zone):
    assert CALENDARS[zone].business_time(moment, moment) == timedelta(0)


@settings(deadline=None)
@given(start=moments, end=moments, zone=zones)
def test_around_the_clock_equals_exact_elapsed_time(start, end, zone):
    assert ALWAYS[zone].business_time(start, end) == end - start


@settings(deadline=None)
@given(start=walls, end=walls, zone=zones)
def test_around_the_clock_without_zones_equals_what_passed(start, end, zone):
    passed = on_the_wall(end, zone) - on_the_wall(start, zone)
    assert ALWAYS[zone].business_time(start, end) == ALWAYS[zone].elapsed(start, end) == passed


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (datetime(2026, 3, 28, 20), datetime(2026, 3, 29, 8), 11),  # 02:00 became 03:00
        (datetime(2026, 10, 24, 20), datetime(2026, 10, 25, 8), 13),  # 03:00 became 02:00
        (datetime(2026, 3, 29, 8), datetime(2026, 3, 28, 20), -11),
        (datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 4), 0.5),  # a time that the clock skipped
        (datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 4), 2.5),  # ambiguous: the first occurrence
        (datetime(2026, 6, 1, 20), datetime(2026, 6, 2, 8), 12),
    ],
)
def test_a_span_over_a_change_of_clocks_is_what_passed(start, end, hours):
    berlin = ALWAYS["Europe/Berlin"]
    assert berlin.elapsed(start, end) == berlin.business_time(start, end) == timedelta(hours=hours)
    stretches = berlin.explain(start, end)
    assert sum((closed - opened for opened, closed in stretches), timedelta(0)) == timedelta(hours=hours)
    assert Calendar(opening_hours="24/7").elapsed(start, end) == end - start
    with pytest.raises(TimeZoneError, match="two moments with a time zone, or two without"):
        berlin.elapsed(start, end.replace(tzinfo=UTC))


@settings(deadline=None)
@given(start=minutes, length=st.integers(-20000, 20000), zone=zones, aware=st.booleans())
def test_explained_stretches_add_up_to_the_business_time(start, length, zone, aware):
    start = start.replace(tzinfo=UTC) if aware else start
    end = start + timedelta(minutes=length)
    calendar = CALENDARS[zone]
    stretches = calendar.explain(start, end)
    assert sum((closed - opened for opened, closed in stretches), timedelta()) == calendar.business_time(start, end)


@settings(deadline=None)
@given(start=minutes, length=st.integers(1, 20000), zone=zones)
def test_explained_stretches_are_in_order_apart_and_inside_the_span(start, length, zone):
    first = start.replace(tzinfo=UTC)
    last = first + timedelta(minutes=length)
    edges = [edge for stretch in CALENDARS[zone].explain(first, last) for edge in stretch]
    assert edges == sorted(edges)
    assert all(first <= edge <= last for edge in edges)


@settings(deadline=None)
@given(start=walls, end=walls, weeks=st.integers(-300, 300))
def test_a_shift_by_whole_weeks_in_utc_changes_nothing_without_holidays(start, end, weeks):
    measure = Calendar(opening_hours=OFFICE).business_time
    shift = timedelta(weeks=weeks)
    assert measure(start + shift, end + shift) == measure(start, end)


@settings(deadline=None)
@given(start=moments, end=moments, zone=zones, caller=zones)
def test_the_zone_in_which_a_moment_is_written_does_not_matter(start, end, zone, caller):
    theirs = ZoneInfo(caller)
    measure = CALENDARS[zone].business_time
    assert measure(start.astimezone(theirs), end.astimezone(theirs)) == measure(start, end)


CHANGES = (datetime(2026, 3, 28), datetime(2026, 3, 28, 13, 45), datetime(2026, 3, 28, 22, 30), datetime(2026, 4, 5))
WEEKS: tuple[WeeklyHours, ...] = ({"mon-sun": ("08:00", "20:00")}, "24/7", {"mon-sat": ("09:00", "24:00")}, OFFICE)
OPEN_MINUTES = (lambda day, minute: 480 <= minute < 1200, lambda day, minute: True,
                lambda day, minute: day < 6 and minute >= 540,
                lambda day, minute: any(low <= minute < high for low, high in WINDOWS[day]))  # fmt: skip


@settings(deadline=None)
@given(start=st.integers(0, 9 * 1440), length=st.integers(0, 4 * 1440), zone=zones, aware=st.booleans())
def test_hours_that_change_several_times_a_day_equal_the_count_of_open_minutes(start, length, zone, aware):
    first = datetime(2026, 3, 29) + timedelta(minutes=start)
    first = first.replace(tzinfo=UTC) if aware else first
    calendar = Calendar(tz=zone, opening_hours=dict(zip(CHANGES, WEEKS, strict=True)))
    counted = 0
    for minute in range(length):
        moment = first + timedelta(minutes=minute)
        wall = moment.astimezone(ZoneInfo(zone)) if aware else moment
        week = sum(change <= wall.replace(tzinfo=None) for change in CHANGES) - 1
        counted += OPEN_MINUTES[week](wall.weekday(), 60 * wall.hour + wall.minute)
    assert calendar.business_time(first, first + timedelta(minutes=length)) == timedelta(minutes=counted)


def test_hours_may_change_from_a_day_or_from_a_time_on_whatever_the_order_they_are_given_in():
    hours = {datetime(2026, 3, 10, 12): "24/7", date(2026, 1, 1): {"mon-fri": ("09:00", "17:00")}}
    calendar = Calendar(opening_hours=hours)
    assert calendar == Calendar(opening_hours=dict(reversed(hours.items())))
    assert list(calendar.opening_hours) == [date(2026, 1, 1), datetime(2026, 3, 10, 12)]
    assert calendar.explain(datetime(2026, 3, 10, 8), datetime(2026, 3, 10, 20)) == (
        (datetime(2026, 3, 10, 9), datetime(2026, 3, 10, 12)),
        (datetime(2026, 3, 10, 12), datetime(2026, 3, 10, 20)),
    )


@pytest.mark.parametrize("zone", [None, UTC])
def test_before_the_first_hours_that_are_known_business_time_is_refused_and_not_zero(zone):
    calendar = Calendar(tz="Europe/Berlin", opening_hours={datetime(2026, 3, 10, 12): "24/7"})
    begin = datetime(2026, 3, 10, 12, tzinfo=ZoneInfo("Europe/Berlin")) if zone else datetime(2026, 3, 10, 12)
    assert calendar.business_time(begin, begin + timedelta(hours=1)) == timedelta(hours=1)
    for measure in (calendar.business_time, calendar.explain):
        with pytest.raises(ParameterError, match="The opening hours are known from 2026-03-10 12:00:00 on; got 2026"):
            measure(begin - timedelta(minutes=1), begin)
    assert calendar.business_time(begin, begin + timedelta(hours=1)) == timedelta(hours=1)


SENTINELS = (datetime(1, 1, 1), datetime(9999, 12, 31), datetime(9999, 12, 31, 23, 59, 59))


@pytest.mark.slow
@settings(deadline=None)
@given(moment=moments, zone=zones, far=st.sampled_from(SENTINELS), aware=st.booleans())
def test_around_the_clock_equals_elapsed_time_up_to_any_sentinel_date(moment, zone, far, aware):
    start, end = (moment, far.replace(tzinfo=UTC)) if aware else (moment.replace(tzinfo=None), far)
    apart = abs(ALWAYS[zone].business_time(start, end) - (end - start))
    assert apart == timedelta(0) if aware else apart < timedelta(days=2)  # offsets of the two wall clocks


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("tzinfo", [None, UTC])
def test_four_centuries_have_the_hours_of_their_weeks(zone, tzinfo):
    # Night hours on Sundays are left out, because clocks change in them.
    calendar = Calendar(tz=zone, opening_hours={"mon-fri": (("08:30", "12:00"), ("13:00", "17:15"))})
    start, end = (datetime(year, 1, 1, tzinfo=tzinfo) for year in (2500, 2900))
    weeks = (date(2900, 1, 1) - date(2500, 1, 1)).days // 7
    assert calendar.business_time(start, end) == weeks * 5 * timedelta(hours=7, minutes=45)


class NoHolidays:
    """An empty container of dates that records the last day looked up."""

    last = date.min

    def __contains__(self, day):
        self.last = max(self.last, day)
        return False


def test_a_sentinel_date_does_not_ask_for_the_holidays_of_eight_thousand_years():
    holidays = NoHolidays()
    Calendar(opening_hours="24/7", holidays=holidays).business_time(datetime(2026, 1, 1), datetime(9999, 12, 31))
    assert holidays.last == date(2099, 12, 31)


def test_clocks_that_change_for_less_than_a_week_lose_no_time():
    # Boa Vista: summer time from 8 to 15 October 2000; it began at midnight, so that the first day lacks an hour.
    calendar = Calendar(tz="America/Boa_Vista", opening_hours={"mon-sun": ("00:00", "12:00")})
    days = [calendar.midnight(date(2000, 1, 1) + timedelta(days=number)) for number in range(800)]
    pieces = [calendar.business_time(start, end) for start, end in pairwise(days)]
    assert sum(pieces, timedelta()) == calendar.business_time(days[0], days[-1]) == timedelta(hours=799 * 12 - 1)


def test_a_working_day_has_eight_hours_also_when_clocks_change_at_night():
    calendar = Calendar(tz="Europe/Berlin", opening_hours={"mon-sun": ("09:00", "17:00")})
    for day in (28, 29, 30):
        start = calendar.midnight(date(2026, 3, day))
        assert calendar.business_time(start, calendar.midnight(date(2026, 3, day + 1))) == timedelta(hours=8)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)])
def test_a_day_open_around_the_clock_is_as_long_as_its_clock_changes_make_it(day, hours):
    calendar = ALWAYS["Europe/Berlin"]
    start, end = calendar.midnight(day), calendar.midnight(day + timedelta(days=1))
    assert calendar.business_time(start, end) == timedelta(hours=hours)


def test_the_day_that_apia_skipped_has_no_hours():
    calendar = ALWAYS["Pacific/Apia"]
    assert calendar.midnight(date(2011, 12, 30)) == calendar.midnight(date(2011, 12, 31))
    start, end = calendar.midnight(date(2011, 12, 29)), calendar.midnight(date(2012, 1, 1))
    assert calendar.business_time(start, end) == timedelta(days=2)


def test_clocks_that_jump_over_midnight_lose_no_time_and_count_none_twice():
    # Toronto: 23:30 on 1919-03-30 became 00:30 on the next day.
    calendar = Calendar(tz="America/Toronto", opening_hours="24/7")
    assert calendar.midnight(date(1919, 3, 31)) == datetime(1919, 3, 31, 4, 30, tzinfo=UTC)
    start, end = calendar.midnight(date(1919, 3, 30)), calendar.midnight(date(1919, 4, 1))
    assert calendar.business_time(start, end) == end - start == timedelta(hours=47)


def test_an_end_before_the_start_gives_minus_the_overlap():
    calendar = Calendar(opening_hours={"monday": ("09:00", "12:00")})
    late, early = datetime(2026, 3, 16, 23), datetime(2026, 3, 16, 10)
    assert calendar.business_time(late, early) == -timedelta(hours=2)
    assert calendar.explain(late, early) == ((datetime(2026, 3, 16, 12), datetime(2026, 3, 16, 10)),)


def test_explained_moments_show_the_local_time_of_the_calendar():
    calendar = Calendar(tz="Europe/Berlin", opening_hours={"monday": ("09:00", "12:00")})
    ((opened, closed),) = calendar.explain(datetime(2026, 3, 16, tzinfo=UTC), datetime(2026, 3, 17, tzinfo=UTC))
    assert (opened.isoformat(), closed.isoformat()) == ("2026-03-16T09:00:00+01:00", "2026-03-16T12:00:00+01:00")


def test_holidays_of_the_holidays_package_do_as_they_are():
    holidays = pytest.importorskip("holidays")
    german = holidays.country_holidays("DE")
    calendar = Calendar(opening_hours={"mon-fri": ("09:00", "17:00")}, holidays=german)
    # 2026-12-25 is a Friday.
    assert calendar.business_time(datetime(2026, 12, 24), datetime(2026, 12, 26)) == timedelta(hours=8)
    assert calendar == Calendar(opening_hours={"mon-fri": ("09:00", "17:00")}, holidays=german)
    assert calendar != Calendar(opening_hours={"mon-fri": ("09:00", "17:00")}, holidays=holidays.country_holidays("DE"))
    assert hash(calendar) == hash(copy.copy(calendar))
    restored = pickle.loads(pickle.dumps(calendar))
    assert restored.business_time(datetime(2026, 12, 24), datetime(2026, 12, 26)) == timedelta(hours=8)


def test_holidays_given_as_a_list_are_copied():
    days = [date(2026, 3, 16)]
    calendar = Calendar(opening_hours="24/7", holidays=days)
    days.clear()
    assert calendar.business_time(datetime(2026, 3, 16), datetime(2026, 3, 17)) == timedelta(0)


def test_hours_may_be_written_in_several_ways():
    plain = Calendar(opening_hours={"monday": ("09:00", "17:00"), "tuesday": ("09:00", "17:00")})
    assert Calendar(opening_hours={"Mon-Tue": [(time(9), time(17))]}) == plain
    assert Calendar(opening_hours={"mon": ("09:00:00", time(17)), "tue": ("09:00", "17:00")}) == plain
    assert plain.opening_hours == {"monday": (("09:00", "17:00"),), "tuesday": (("09:00", "17:00"),)}


def test_a_range_of_weekdays_may_run_over_the_end_of_the_week():
    calendar = Calendar(opening_hours={"saturday-monday": ("09:00", "10:00")})
    assert list(calendar.opening_hours) == ["monday", "saturday", "sunday"]


def test_around_the_clock_is_every_day_from_midnight_to_midnight():
    assert Calendar(opening_hours={"mon-sun": ("00:00", "24:00")}).opening_hours == "24/7"


SETTINGS: list[dict[str, Any]] = [
    {},
    {"tz": "Europe/Berlin", "fiscal_year_start": 4, "fiscal_year_named_after": "start", "week_start": "sunday"},
    {"opening_hours": OFFICE, "holidays": {date(2026, 1, 1), date(2026, 5, 1)}},
    {"opening_hours": "24/7"},
    {"opening_hours": {date(2026, 1, 1): OFFICE, datetime(2026, 7, 1, 12): "24/7"}},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_equal_settings_make_equal_calendars_that_survive_pickle_and_repr(settings):
    calendar = Calendar(**settings)
    namespace = {"Calendar": Calendar, "datetime": __import__("datetime")}
    for other in (Calendar(**settings), pickle.loads(pickle.dumps(calendar)), eval(repr(calendar), namespace)):
        assert other == calendar
        assert hash(other) == hash(calendar)


def test_different_settings_make_different_calendars():
    calendars = [Calendar(**settings) for settings in SETTINGS]
    assert len(set(calendars)) == len(calendars)
    assert Calendar() == DEFAULT_CALENDAR
    assert Calendar() != "UTC"


def test_a_zone_object_does_as_well_as_its_name():
    assert Calendar(tz=ZoneInfo("Asia/Tokyo")) == Calendar(tz="Asia/Tokyo")


def test_a_calendar_cannot_be_changed():
    with pytest.raises(AttributeError):
        Calendar().tz = "Asia/Tokyo"  # type: ignore[misc]


@settings(deadline=None)
@given(moment=moments, zone=zones)
def test_the_local_day_is_that_of_the_local_clock(moment, zone):
    assert Calendar(tz=zone).local_day(moment) == moment.astimezone(ZoneInfo(zone)).date()


def test_the_local_day_of_a_wall_clock_time_or_a_date_is_its_own():
    assert CALENDARS["Pacific/Apia"].local_day(datetime(2026, 3, 31, 23, 59)) == date(2026, 3, 31)
    assert CALENDARS["Pacific/Apia"].local_day(date(2026, 3, 31)) == date(2026, 3, 31)


@settings(deadline=None)
@given(moment=moments, zone=zones)
def test_a_wall_clock_time_leads_back_to_its_moment_or_its_first_showing(moment, zone):
    calendar = Calendar(tz=zone)
    back = calendar.instant(calendar.wall(moment))
    assert back <= moment
    assert calendar.wall(back) == calendar.wall(moment)


@settings(deadline=None)
@given(first=walls, second=walls, zone=zones)
def test_later_on_the_wall_clock_is_never_an_earlier_moment(first, second, zone):
    calendar = Calendar(tz=zone)
    low, high = sorted([first, second])
    assert calendar.instant(low) <= calendar.instant(high)


def test_a_time_that_clocks_show_twice_is_its_first_showing():
    # Havana: 01:00 became 00:00 on 2026-11-01, so midnight came twice.
    assert Calendar(tz="America/Havana").midnight(date(2026, 11, 1)) == datetime(2026, 11, 1, 4, tzinfo=UTC)


def test_all_times_that_clocks_skip_are_the_moment_of_the_jump():
    calendar = Calendar(tz="Australia/Lord_Howe")  # 02:00 became 02:30 on 2026-10-04
    jump = datetime(2026, 10, 3, 15, 30, tzinfo=UTC)
    assert {calendar.instant(datetime(2026, 10, 4, 2, minute)) for minute in (0, 1, 29, 30)} == {jump}


@pytest.mark.parametrize(
    ("start", "named_after", "day", "expected"),
    [
        (4, "end", date(2026, 3, 31), 2026),
        (4, "end", date(2026, 4, 1), 2027),
        (4, "start", date(2026, 3, 31), 2025),
        (4, "start", date(2026, 4, 1), 2026),
        (1, "end", date(2026, 4, 1), 2026),
        (1, "start", date(2026, 4, 1), 2026),
        (10, "end", date(2025, 10, 1), 2026),  # the fiscal year 2026 of the United States' government
    ],
)
def test_a_fiscal_year_is_named_after_its_end_or_its_start(start, named_after, day, expected):
    calendar = Calendar(fiscal_year_start=start, fiscal_year_named_after=named_after)
    assert calendar.fiscal_year(day) == expected


UNKNOWN = [
    ({"tz": "Europe/Berln"}, r"tz must be the name of a time zone; got 'Europe/Berln'. Did you mean 'Europe/Berlin'"),
    ({"tz": "../etc"}, "tz must be the name"),
    ({"opening_hours": {"mnday": ("09:00", "17:00")}}, "got 'mnday' in 'mnday'. Did you mean 'monday'"),
]
UNUSABLE = [
    ({"tz": UTC}, "tz must be the name of a time zone, such as"),
    ({"fiscal_year_start": 13}, "fiscal_year_start must be one of 1, 2, .*12; got 13"),
    ({"fiscal_year_start": True}, "fiscal_year_start must be one of .*; got True"),
    ({"fiscal_year_named_after": "middle"}, "fiscal_year_named_after must be one of 'end', 'start'; got 'middle'"),
    ({"week_start": "mon"}, "week_start must be one of 'monday', .*; got 'mon'"),
    ({"holidays": "2026-01-01"}, "holidays must answer `day in holidays`"),
    ({"holidays": iter([date(2026, 1, 1)])}, "holidays must answer `day in holidays`"),
    ({"holidays": [datetime(2026, 1, 1)]}, "holidays must be dates without a time; got datetime"),
    ({"holidays": ["2026-01-01"]}, "holidays must be dates without a time; got '2026-01-01'"),
    ({"opening_hours": {}}, "opening_hours must be '24/7' or name weekdays with their hours"),
    ({"opening_hours": "9-5"}, "opening_hours must be '24/7' or name weekdays with their hours.*got '9-5'"),
    ({"opening_hours": {"monday": ()}}, "must be pairs of times; got .*Leave out a day that is closed"),
    ({"opening_hours": {"monday": "09:00-17:00"}}, "must be pairs of times; got '09:00-17:00'"),
    ({"opening_hours": {"monday": ("09:00", "09:00")}}, "must end after they begin; got 09:00 to 09:00"),
    ({"opening_hours": {"monday": ("22:00", "00:00")}}, "Write midnight at the end as '24:00'"),
    ({"opening_hours": {"monday": (("09:00", "13:00"), ("12:00", "17:00"))}}, "must not overlap; got 12:00"),
    ({"opening_hours": {"mon-fri": ("09:00", "17:00"), "friday": ("09:00", "12:00")}}, "got friday again in 'friday'"),
    ({"opening_hours": {"monday": ("9:00", "17:00")}}, "must be wall-clock times.*got '9:00'"),
    ({"opening_hours": {"monday": ("09:00", "25:00")}}, "must be wall-clock times.*got '25:00'"),
    ({"opening_hours": {date(2026, 1, 1): {}}}, "opening_hours must be '24/7' or name weekdays with their hours"),
    ({"opening_hours": {date(2026, 1, 1): "24/7", "monday": ("09:00", "17:00")}}, "from which they hold.*got 'monday'"),
    ({"opening_hours": {datetime(2026, 1, 1, tzinfo=UTC): "24/7"}}, "from which they hold.*got datetime"),
    ({"opening_hours": {date(2100, 1, 1): "24/7"}}, r"in the years 1800 to 2099; got datetime\.date\(2100, 1, 1\)"),
    ({"opening_hours": {date(2026, 1, 1): "24/7", datetime(2026, 1, 1): "24/7"}}, "must change once at a time; got"),
    ({"opening_hours": {"monday": (time(9, tzinfo=UTC), time(17))}}, "must be wall-clock times"),
]


@pytest.mark.parametrize(("settings", "message"), UNKNOWN)
def test_unknown_names_are_refused_with_the_nearest(settings, message):
    with pytest.raises(UnknownNameError, match=message):
        Calendar(**settings)


@pytest.mark.parametrize(("settings", "message"), UNUSABLE)
def test_unusable_settings_are_refused_in_words(settings, message):
    with pytest.raises(ParameterError, match=message):
        Calendar(**settings)


def test_without_time_zone_data_the_message_says_what_to_install(monkeypatch):
    class MissingZone:
        def __init__(self, key):
            raise ZoneInfoNotFoundError(key)

    monkeypatch.setattr(crmkpi.dates.calendars, "ZoneInfo", MissingZone)
    monkeypatch.setattr(crmkpi.dates.calendars, "available_timezones", set)
    with pytest.raises(UnknownNameError, match=r"'Europe/Berlin' cannot be found: .* pip install tzdata"):
        Calendar(tz="Europe/Berlin")


def test_business_time_without_opening_hours_is_refused():
    with pytest.raises(ParameterError, match="Business time needs opening hours, and the calendar has none; give"):
        Calendar().business_time(datetime(2026, 1, 1), datetime(2026, 1, 2))


@pytest.mark.parametrize("other", [datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), None])
def test_business_time_between_unlike_moments_is_refused(other):
    with pytest.raises(TimeZoneError, match="both with a time zone or both without; got"):
        ALWAYS["UTC"].business_time(datetime(2026, 1, 1), other)


def test_moments_outside_the_years_that_can_be_counted_are_refused():
    with pytest.raises(PeriodError, match="Periods lie in the years 2 to 9998; got 9999-12-31"):
        ALWAYS["UTC"].instant(datetime(9999, 12, 31))
    with pytest.raises(PeriodError, match="Periods lie in the years 2 to 9998; got 9999-12-31 23:30"):
        ALWAYS["Europe/Berlin"].wall(datetime(9999, 12, 31, 23, 30, tzinfo=UTC))
    with pytest.raises(PeriodError, match="got 9998-12-31 moved by 2 years"):
        ALWAYS["UTC"].shift(date(9998, 12, 31), "year", 2)
