"""A seeded fuzz of files: every reader gives the same records and the same account of them, or the same error in words.

    CRMKPI_FUZZ=10000 pytest -q --slow tests/sources/test_dirty_files.py

reads as many files as it says; without it, some. CRMKPI_FUZZ_FROM=123 begins with that seed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import CrmKpiError, TimeZoneError
from crmkpi.quality.frames import records_of_frame
from crmkpi.records.base import record_type

from .dirty_files import dirty_file

FIRST = int(os.environ.get("CRMKPI_FUZZ_FROM", "0"))
SOME = 40
MANY = int(os.environ.get("CRMKPI_FUZZ", "600"))
PER_TEST = 200


def outcome(read: Any) -> Any:
    """The records, what was rejected and skipped and why, and what is unreadable in which field; or the error."""
    try:
        return facts(*read())
    except CrmKpiError as problem:
        return type(problem), str(problem)


def facts(records: Iterable[Any], rejected: Any, skipped: Mapping[str, int], unreadable: Mapping[str, int]) -> Any:
    listed = [
        (
            {name: getattr(one, name) for name in record_type(type(one)).fields if name != "attributes"},
            dict(one.unreadable),
            {name: value for name, value in one.attributes.items() if value is not None},
        )
        for one in records
    ]
    return listed, list(rejected), dict(skipped), {name: count for name, count in unreadable.items() if count}


def of_records(found: Any) -> Any:
    listed = list(found)
    return listed, found.rejected, found.account.skipped, found.account.unreadable_fields


def of_scan(table: Any) -> Any:
    found = records_of_frame(table.type_.table, table)
    return list(found), found.rejected, table.skipped, found.account.unreadable_fields


def without_missing_ids(found: Any) -> Any:
    """Without the ids that are missing: records have the line of the file, and a frame the number of the row."""
    if isinstance(found[0], type):
        return found
    listed, rejected, skipped, unreadable = found
    plain = [
        (
            one | ({"id": None} if one["id"].startswith("row ") else {}),
            {name: word for name, word in lost.items() if name != "id"},
            own,
        )
        for one, lost, own in listed
    ]
    return plain, rejected, skipped, {name: count for name, count in unreadable.items() if name != "id"}


def law(found: Any) -> None:
    """Rows are records, rejected or skipped; each field of the records is read, empty or unreadable."""
    assert len(found) + len(found.rejected) + sum(found.account.skipped.values()) == found.account.rows
    if not len(found):
        return
    table = record_type(type(found[0])).table
    for counts in ck.Dataset(**{table: found}).fields(table).values():
        assert sum(counts.values()) == len(found)


def check(seed: int, folder: Path) -> None:
    random = Random(seed)
    data, model, said = dirty_file(random)
    path = folder / "export.csv"
    path.write_bytes(data)
    whole = outcome(lambda: of_records(ck.read_csv(path, record=model, **said)))
    streamed = outcome(lambda: of_records(ck.stream_csv(path, record=model, **said)))
    failed = isinstance(whole[0], type)
    if failed and whole[0] is TimeZoneError:  # a stream meets the fault before the end
        assert streamed[0] is TimeZoneError
    else:
        assert streamed == whole
    scanned = outcome(lambda: of_scan(ck.scan(path, record=model, engine="polars", **said)))
    if failed:
        assert scanned[0] is whole[0], (scanned, whole)
        return
    law(ck.read_csv(path, record=model, **said))
    assert without_missing_ids(scanned) == without_missing_ids(whole)


@pytest.mark.parametrize("first", range(0, SOME, SOME))
def test_some_dirty_files_are_read_alike_by_every_reader(first: int, tmp_path: Path) -> None:
    pytest.importorskip("polars")
    for seed in range(first, first + SOME):
        check(seed, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(FIRST, FIRST + MANY, PER_TEST))
def test_many_dirty_files_are_read_alike_by_every_reader(first: int, tmp_path: Path) -> None:
    pytest.importorskip("polars")
    for seed in range(first, min(first + PER_TEST, FIRST + MANY)):
        check(seed, tmp_path)
