"""Epoch days are missing dates in every reader and backend."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import crmkpi as ck
from crmkpi.errors import InputError
from crmkpi.records import RECORDS
from crmkpi.records.base import Day, RecordType, Timestamp, record, record_type
from crmkpi.records.placeholders import PLACEHOLDERS, is_placeholder

from .backends import frame_of

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

TYPES = [record_type(RECORDS[table]) for table in RECORDS]
DATED = [
    (type_, name)
    for type_ in TYPES
    for name, known in type_.fields.items()
    if known.kind in ("timestamp", "date") and known.optional
]
HELD = tuple(day for day in PLACEHOLDERS if day.year > 1)
NAMES = [f"{type_.table}.{name}" for type_, name in DATED]
DAY = [datetime(2026, 1, 5, 9), None]


def moments_of(type_: RecordType, name: str, day: date, zone: Any = None) -> list[Any]:
    """An epoch day, the day after, an ordinary timestamp and None."""
    start = datetime(day.year, day.month, day.day)
    found = [start, start + timedelta(days=1), datetime(2026, 1, 5, 9), None]
    if day in (date(1899, 12, 30), date(1899, 12, 31)):
        found[1] = start + timedelta(days=5)
    kept = [None if each is None else each.replace(tzinfo=zone) for each in found]
    if type_.fields[name].kind == "date":
        return [None if each is None else each.date() for each in kept]
    return kept


def rows_of(type_: RecordType, name: str, day: date, zone: Any = None) -> list[dict[str, Any]]:
    needed: dict[str, Any] = {
        each: known.choices[0] if known.choices else DAY[0] if known.kind == "timestamp" else "1"
        for each, known in type_.fields.items()
        if known.required
    }
    moments = moments_of(type_, name, day, zone)
    return [{**needed, "id": f"R{row}", name: moment} for row, moment in enumerate(moments)]


def account(type_: RecordType, name: str, table: Any) -> tuple[Any, Any]:
    """The number of readable values, and the account of the others."""
    crm = ck.Dataset(**{type_.table: table}, currency="EUR")
    field: Any = getattr(ck.Table(type_.model), name)
    rows: Any = ck.Table(type_.model)

    @ck.metric(dated=rows.count(field.present()), unit="count")
    def counted(dated: int) -> int:
        """The number of records with a date."""
        return dated

    result = crm.measure([counted], most_unreadable=1)[0]
    words = [str(word) for found in result.unreadable.values() for word in found] if result.unreadable else []
    return crm.fields(type_.table)[name], (result.value, [word[1:11] for word in words])


WANTED = {"read": 2, "empty": 2, "unreadable": 0}


@pytest.mark.parametrize(("type_", "name"), DATED, ids=NAMES)
@pytest.mark.parametrize("day", HELD, ids=str)
def test_records_and_readers_take_it_for_no_date(type_: RecordType, name: str, day: date) -> None:
    rows = rows_of(type_, name, day)
    for row in rows:
        made = getattr(type_.model(**row), name)
        assert (made is None) == (row[name] is None or is_placeholder(row[name]))
    assert account(type_, name, [type_.model(**row) for row in rows]) == (WANTED, (2, []))
    read = ck.read_dicts(rows, record=type_.model)
    found = account(type_, name, read)
    assert found == (WANTED, (2, []))
    file = io.StringIO()
    writer = csv.DictWriter(file, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    any_csv: Any = ck.read_csv
    assert account(type_, name, any_csv(io.StringIO(file.getvalue()), record=type_.model)) == found


@pytest.mark.one_of(3)
@pytest.mark.in_turns
@pytest.mark.parametrize("zone", [None, UTC], ids=["wall clock", "UTC"])
@pytest.mark.parametrize(("type_", "name"), DATED, ids=NAMES)
def test_frames_and_databases_take_it_for_no_date_as_readers_do(
    backend: str, type_: RecordType, name: str, zone: Any
) -> None:
    day = date(1970, 1, 1)
    rows = rows_of(type_, name, day, zone)
    columns = {each: pa.array([row[each] for row in rows]) for each in rows[0]}
    frame = ck.table(frame_of(backend, pa.table(columns)), record=type_.model)
    assert account(type_, name, frame) == (WANTED, (2, []))


@pytest.mark.in_turns
@pytest.mark.parametrize("day", HELD, ids=str)
def test_each_such_day_is_found_in_frames(backend: str, day: date) -> None:
    if backend in ("mariadb", "clickhouse") and day.year < 1970:
        pytest.skip("its timestamps begin later")
    type_ = record_type(ck.Subscription)
    for given in ({}, {"ends": "inclusive"}):
        rows = rows_of(type_, "ended_at", day)
        columns = {each: pa.array([row[each] for row in rows]) for each in rows[0]}
        frame = ck.table(frame_of(backend, pa.table(columns)), record=ck.Subscription, **given)
        assert account(type_, "ended_at", frame) == (WANTED, (2, []))


@record(table="signatures")
class Signature:
    id: str
    at: Timestamp
    on: Day


@pytest.mark.parametrize("field", ["at", "on"])
def test_a_field_that_must_have_a_date_lacks_it_then(field: str) -> None:
    usual = {"at": datetime(2026, 1, 5), "on": date(2026, 1, 5)}
    assert Signature(id="1", **usual).at == usual["at"]
    with pytest.raises(InputError, match=f"^Signature needs {field}, which is missing"):
        Signature(id="1", **usual | {field: date(1970, 1, 1)})
    with pytest.raises(InputError, match=f"^Signature needs {field}, which is missing"):
        Signature(id="1", **{name: each for name, each in usual.items() if name != field})


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Asia/Tokyo"])
def test_it_is_the_midnight_of_any_zone(zone: str) -> None:
    moment = datetime(1970, 1, 1, tzinfo=ZoneInfo(zone))
    assert ck.Customer(id="C", since=moment).since is None
    assert ck.Customer(id="C", since=moment + timedelta(seconds=1)).since
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"id": ["C"], "since": [moment.astimezone(UTC)]})
    assert ck.Dataset(customers=frame).fields("customers")["since"]["empty"] == 1
