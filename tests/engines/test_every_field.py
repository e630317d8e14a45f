"""For every field of every record and every KPI: one record with an unreadable field, on every engine.

tests/test_unreadable_catalogue.py tests each field alone on records. Here each field of a table is unreadable in one
record, and one call measures all KPIs of the table: engines must agree with records.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.demo import sample_company
from crmkpi.records import RECORDS
from crmkpi.records.base import FieldType, RecordType, partly_read, record_type

from .backends import arrow_of, assert_same, homed
from .test_frames import DATELESS, METRICS, OPTIONS, PARAMETERS

pa = pytest.importorskip("pyarrow", reason="PyArrow is not installed")

OUT_OF_TIME = "a time outside the years 1 to 9999"
NEVER = ("id", "attributes")
ROWS = 60  # per table; more than it has fields


@cache
def company() -> Mapping[str, list[Any]]:
    return {table: records[-ROWS:] for table, records in sample_company(scale=0.1).items()}


def places(table: str, names: Sequence[str]) -> dict[str, int]:
    """A record for each of these fields, with a value in the field if any record has one; records are distinct."""
    free, found = list(range(len(company()[table]))), {}
    for name in names:
        has = [place for place in free if getattr(company()[table][place], name) is not None]
        free.remove(place := (has or free)[len(has or free) // 2])
        found[name] = place
    return found


def refused(type_: RecordType, known: FieldType, backend: str) -> tuple[Any, str] | None:
    """A value that a column of the field's type can hold but its record refuses, and the record's text for it."""
    rules = type_.model.__pydantic_fields__[known.name].metadata
    low = next((rule.ge for rule in rules if getattr(rule, "ge", None) is not None), None)
    if known.kind == "choice":
        return "Dead", "'Dead'"
    if known.required:
        return None, ""
    if known.kind == "number" or (known.kind == "money" and backend in FLOATS):
        if backend in FINITE:
            return None if low is None else (float(low - 5), repr(float(low - 5)))
        return math.inf, "inf"
    if known.kind == "integer" and low is not None:
        return low - 5, repr(low - 5)
    if known.kind == "money" and low is not None:
        return Decimal(low - 5).quantize(Decimal("0.01")), repr(Decimal(low - 5).quantize(Decimal("0.01")))
    if known.kind in LATE and backend in KEEP_LATE:
        return LATE[known.kind], OUT_OF_TIME
    return None


FLOATS = ("polars-lazy", "pandas", "sqlite", "mariadb")  # the others have amounts as decimals
FINITE = ("mariadb",)  # all floats of these are numbers
KEEP_LATE = ("polars", "polars-lazy", "pyarrow", "duckdb")  # their columns can hold timestamps that no record can
LATE = {"timestamp": 9 * 10**18, "date": 3_000_000}


def of_frames(backend: str, spoiled: str) -> tuple[ck.Dataset, ck.Dataset, set[str]]:
    """Records in which each field of one table is unreadable once, the same as frames, and these fields."""
    tables, arrows, seen = dict(company()), {}, set()
    for table, whole in company().items():
        type_ = record_type(RECORDS[table])
        arrow = arrow_of(whole, type_, money="float" if backend in FLOATS else "decimal")
        if table == spoiled:
            known = [one for one in type_.fields.values() if one.name not in NEVER]
            cells = {one.name: cell for one in known if (cell := refused(type_, one, backend))}
            where = places(table, list(cells))
            lost = {place: (name, cells[name][1]) for name, place in where.items()}
            tables[table] = [unread(record, *lost[n]) if n in lost else record for n, record in enumerate(whole)]
            for name, place in where.items():
                arrow = with_cell(arrow, name, place, cells[name][0])
            seen = set(where)
        arrows[table] = arrow
    options = {**OPTIONS, "most_unreadable": 1}
    frames = homed(backend, arrows, wall="Europe/Berlin")
    return ck.Dataset(**tables, **options), ck.Dataset(**frames, **options), seen


def with_cell(arrow: Any, name: str, place: int, cell: Any) -> Any:
    """The table with another cell."""
    column = arrow.column(name)
    dated = pa.int32() if pa.types.is_date(column.type) else pa.int64()
    plain = column.cast(dated) if is_late(column) else column
    cells = plain.to_pylist()
    made = pa.array([*cells[:place], cell, *cells[place + 1 :]], plain.type).cast(column.type)
    return arrow.set_column(arrow.column_names.index(name), name, made)


def is_late(column: Any) -> bool:
    return pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)


def unread(record: Any, name: str, word: str) -> Any:
    """The record with this field unreadable."""
    values = {each: getattr(record, each) for each in record_type(type(record)).fields}
    return partly_read(type(record))(**{**values, name: None}, unreadable={name: word})


def hold(mine: ck.Report, theirs: ck.Report) -> None:
    """The same numbers, reasons, values and accounts, each of which adds up."""
    assert_same(mine, theirs)
    for one, other in zip(mine, theirs, strict=True):
        assert one.unreadable == other.unreadable, one.definition
        assert [one.interval is None, *without(one)] == [other.interval is None, *without(other)], one.definition
        for account in other.accounts:
            counts = [account.used, *account.left_out.values(), account.outside, account.rejected]
            assert min(counts) >= 0, one.definition
            assert sum(counts) == account.given, one.definition


def without(result: ck.Result) -> Iterator[int]:
    if result.interval is not None:
        yield result.interval.without


def asked(table: str, question: Mapping[str, Any], *, but: Sequence[str] = ()) -> dict[str, Any]:
    """All KPIs that read a table, in one call."""
    metrics = [metric for metric in METRICS.values() if table in metric.tables and metric.id not in but]
    metrics = [metric for metric in metrics if not (question and metric.id in DATELESS)]
    names = {name for metric in metrics for name in metric.parameters}
    given = {name: value for name, value in PARAMETERS.items() if name in names}
    return {"metrics": metrics, "parameters": given, **question}


def check(backend: str, table: str, question: Mapping[str, Any]) -> None:
    records, frames, seen = of_frames(backend, table)
    mine, theirs = (crm.measure(**asked(table, question)) for crm in (records, frames))
    hold(mine, theirs)
    check_counts(table, records, frames, seen)


def check_counts(table: str, records: ck.Dataset, other: ck.Dataset, seen: set[str]) -> None:
    """Readable, empty and unreadable add up to given for each field; the spoiled fields are unreadable."""
    counts = other.fields(table)
    assert counts == records.fields(table)
    assert {name for name, each in counts.items() if each["unreadable"]} == seen
    assert {sum(each.values()) for each in counts.values()} == {len(company()[table])}


TABLES = list(RECORDS)
QUESTIONS: Mapping[str, Mapping[str, Any]] = {"all": {}, "quarter": {"period": "2026-Q3"}}


@pytest.mark.slow
@pytest.mark.parametrize("table", ["deals", "orders"])
def test_every_field_that_cannot_be_read_costs_kpis_the_same_as_on_records(table: str) -> None:
    pytest.importorskip("polars")
    check("polars", table, QUESTIONS["quarter"])


@pytest.mark.slow
@pytest.mark.parametrize(("place", "table"), list(enumerate(TABLES)))
def test_every_field_of_every_table_costs_every_kpi_the_same(place: int, table: str) -> None:
    """Each table on one engine; the slow test below runs all tables on all engines."""
    backend = ("pandas", "duckdb", "pyarrow", "sqlite")[place % 4]
    pytest.importorskip({"sqlite": "sqlite3"}.get(backend, backend))
    check(backend, table, QUESTIONS["quarter"])


def spoiled_cells(table: str) -> dict[str, int]:
    """The position of a cell for each field that may be unreadable in a file."""
    known = record_type(RECORDS[table]).fields.values()
    names = [one.name for one in known if one.name not in NEVER and (one.kind != "text" or one.required)]
    return places(table, names)


def records_of_cells(table: str, cells: Mapping[str, int]) -> list[Any]:
    lost = {place: name for name, place in cells.items()}
    return [unread(one, lost[n], "'?'") if n in lost else one for n, one in enumerate(company()[table])]


def read(reader: str, table: str, cells: Mapping[str, int], folder: Path) -> Any:
    """A table by one of the readers; some cells hold a question mark."""
    model = RECORDS[table]
    path = folder / f"{table}.csv"
    ck.write_csv(company()[table], path)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for name, place in cells.items():
        rows[place][name] = "?"
    if reader == "read_dicts":
        plain = [{name: getattr(one, name) for name in record_type(model).fields} for one in company()[table]]
        own = [{**one.pop("attributes"), **one} for one in plain]
        return ck.read_dicts(
            [one | {name: "?" for name in cells if cells[name] == n} for n, one in enumerate(own)], record=model
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    if reader == "file":
        return path
    if reader in ("polars", "duckdb"):
        return ck.scan(path, record=model, engine=reader)  # type: ignore[arg-type]
    read: Any = {"read_csv": ck.read_csv, "stream_csv": ck.stream_csv}[reader]
    return read(path, record=model)


@cache
def of_records(spoiled: str, question: str, but: Sequence[str]) -> tuple[ck.Dataset, ck.Report]:
    """Records in which each field that a file may spoil is unreadable once, and all of their KPIs."""
    tables = {**company(), spoiled: records_of_cells(spoiled, spoiled_cells(spoiled))}
    crm = ck.Dataset(**tables, **OPTIONS, most_unreadable=1)
    return crm, crm.measure(**asked(spoiled, QUESTIONS[question], but=but))


def check_reader(reader: str, spoiled: str, question: str, folder: Path) -> None:
    cells = spoiled_cells(spoiled)

    def of_reader() -> ck.Dataset:
        tables: dict[str, Any] = dict(company())
        # Fields of related frames are looked up in frames, and times of files are those of the calendar's zone.
        for name in company() if reader in ("polars", "duckdb", "file") else (spoiled,):
            tables[name] = read(reader, name, cells if name == spoiled else {}, folder)
        return ck.Dataset(**tables, **OPTIONS, most_unreadable=1)

    but = TWICE if reader == "stream_csv" and spoiled == "customers" else ()
    records, mine = of_records(spoiled, question, but)
    hold(mine, of_reader().measure(**asked(spoiled, QUESTIONS[question], but=but)))
    check_counts(spoiled, records, of_reader(), set(cells))


TWICE = ("customer_lifetime_value.discounted",)  # it measures customers and looks them up; a stream is read once
READERS = ("read_dicts", "read_csv", "stream_csv", "file", "polars", "duckdb")


@pytest.mark.slow
@pytest.mark.parametrize(("place", "reader"), list(enumerate(READERS)))
def test_every_field_that_a_reader_cannot_read_costs_kpis_the_same(place: int, reader: str, tmp_path: Path) -> None:
    """One table by each reader; the slow test below runs all tables through all readers."""
    pytest.importorskip("polars")
    check_reader(
        reader, ("subscriptions", "surveys", "tickets", "deals", "leads", "orders")[place], "quarter", tmp_path
    )


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("reader", READERS)
def test_every_field_gives_the_same_result_by_every_reader(
    reader: str, table: str, question: str, tmp_path: Path
) -> None:
    check_reader(reader, table, question, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("table", TABLES)
def test_every_field_gives_the_same_result_on_every_engine(backend: str, table: str, question: str) -> None:
    check(backend, table, QUESTIONS[question])
