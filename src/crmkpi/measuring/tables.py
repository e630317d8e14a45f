"""The tables of a dataset, and the facts known about them: ids, duplicates, unreadable and unfilled fields."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from crmkpi._read_only import ReadOnly
from crmkpi.dates.calendars import DEFAULT_CALENDAR, Calendar
from crmkpi.engines.frames.backends import backend_of
from crmkpi.engines.frames.table import FrameTable
from crmkpi.errors import InputError, MissingTableError, UnknownNameError, did_you_mean, unknown_name
from crmkpi.measuring.duplicates import Duplicates, duplicates_in
from crmkpi.measuring.fields import counted_fields
from crmkpi.measuring.lookup import index_of, unreadable_fields
from crmkpi.records import RECORDS, is_table, known_tables
from crmkpi.records.base import record_class, record_type
from crmkpi.sources.any_file import check_suffix
from crmkpi.sources.files import FileRecords, TableFile
from crmkpi.sources.loaded import Records
from crmkpi.sources.streams import RecordStream

__all__ = ["Tables", "framed", "holds_records", "is_listed", "is_stream", "size_of"]

_NOT_TABLES = (str, bytes, Mapping)  # iterable, but not of records
_PATHS = (str, Path)


# Cached, as each call checks the same few classes many times, and a check against an abstract class is slow.
@lru_cache(maxsize=500)
def holds_records(class_: type[object]) -> bool:
    """Whether an object of this class may be a table of records: an iterable that is neither text nor a mapping."""
    return issubclass(class_, Iterable) and not issubclass(class_, _NOT_TABLES)


@lru_cache(maxsize=500)
def _tells_fields(class_: type[object]) -> bool:
    """Whether the reader of a table of this class knows the fields that no column fills."""
    return issubclass(class_, (FileRecords, FrameTable, Records, RecordStream))


@lru_cache(maxsize=500)
def is_listed(class_: type[object]) -> bool:
    """Whether the records of a table of this class can be read again, as those of a list or a file."""
    return issubclass(class_, Sequence)


@lru_cache(maxsize=500)
def is_stream(class_: type[object]) -> bool:
    """Whether the records of a table of this class can be read only once."""
    return issubclass(class_, Iterator)


class Tables:
    """The tables of a `Dataset` by name: records, streams, files and frames."""

    __slots__ = ("_facts", "_indexes", "_marks", "_read", "_spent", "_unfilled", "calendar", "tables", "told")

    def __init__(self, tables: Mapping[str, Any], calendar: Calendar) -> None:
        zone = None if calendar is DEFAULT_CALENDAR else calendar.tz
        given: dict[str, Any] = {}
        told: list[str] = []
        for name, table in tables.items():
            given[name] = records = framed(name, table, zone)
            class_: Any = type(records)
            if _tells_fields(class_):
                told.append(name)
            if isinstance(records, FrameTable):
                _check_home(name, records)
                continue
            if not is_table(name):
                raise unknown_name(f"A dataset has no table {name!r}.", name, known_tables())
            if not holds_records(class_):
                raise InputError(
                    f"The table {name!r} must be an iterable of records; got {type(records).__name__}. Give a list, "
                    "the records that crmkpi.read_csv or another reader returns, or a frame."
                )
        self.tables: Mapping[str, Iterable[Any]] = ReadOnly(given)
        self.calendar = calendar
        self._marks: dict[str, frozenset[str]] = {}
        self._indexes: dict[str, dict[str, Any]] = {}
        self._facts: dict[str, tuple[Sequence[Any] | None, dict[str, Any]]] = {}  # with a copy of the records
        self._spent: set[str] = set()
        self._unfilled: dict[tuple[str, str], bool] = {}
        self.told = frozenset(told)
        self._read: dict[Any, Any] = {}  # the tables of files as read, for their facts

    def fields(self, table: str) -> Mapping[str, Mapping[str, int]]:
        """Count the records of a table in which each field is read, empty and unreadable.

        The three numbers of each field add up to the records of the table. A stream is consumed.

        >>> from crmkpi import Dataset, Deal, read_dicts
        >>> deals = read_dicts([{"id": 1, "status": "won", "amount": 5}, {"id": 2, "status": "Dead"}], record=Deal)
        >>> counts = Dataset(deals=deals).fields("deals")
        >>> counts["status"], counts["amount"]
        ({'read': 1, 'empty': 0, 'unreadable': 1}, {'read': 1, 'empty': 1, 'unreadable': 0})
        """
        if table not in self.tables:
            raise unknown_name(f"The dataset has no table {table!r}.", table, self.tables)
        source = self.tables[table]
        return counted_fields(table, source if isinstance(source, FrameTable) else self.records(table), self.calendar)

    def records(self, table: str) -> Iterable[Any]:
        """The records of a table, for one pass."""
        records = self.tables[table]
        if is_stream(type(records)):
            if table in self._spent:
                raise InputError(
                    f"The table {table!r} is a stream that has been read already; measure everything in one call, or "
                    f"give a list."
                )
            self._spent.add(table)
        return records

    def unreadable(self, table: str, *, look: bool = False) -> frozenset[str] | None:
        """The fields known to be unreadable in some record of a table; None if unknown, as for a stream.

        With `look` a list is searched for them; without, the fields that an earlier search found are returned. A frame
        knows them among the fields that were queried.
        """
        records = self.tables[table]
        if isinstance(records, FrameTable):
            return records.unreadable_fields
        if table in self.told and isinstance(records, Records):
            return frozenset(records.account.unreadable_fields)
        if not is_listed(type(records)) and table not in self._indexes:
            return None
        if look and table not in self._indexes:
            self._marks[table] = unreadable_fields(records)
        return self._marks.get(table, frozenset())

    def unfilled(self, table: str, field: str) -> bool:
        """Whether no column of a table fills the field, as far as its reader knows; False for records built by hand.

        A field that no column of the file fills may be filled later, as `join_leads` does.
        """
        if table not in self.told:
            return False
        records = self.tables[table]
        if isinstance(records, FileRecords):
            return records.is_unfilled(field)
        if isinstance(records, FrameTable | RecordStream):
            return field in records.unfilled
        if not isinstance(records, Records) or field not in records.account.unfilled:
            return False
        key = (table, field)
        if key not in self._unfilled:
            default = record_type(records.record).fields[field].default
            self._unfilled[key] = all(getattr(record, field) == default for record in records)
        return self._unfilled[key]

    def searched(self, table: str) -> bool:
        """Whether each measurement searches the table for duplicate ids: lists and files are searched."""
        records = self.tables[table]
        return records.searched if isinstance(records, FrameTable) else is_listed(type(records))

    def duplicates(self, table: str) -> Duplicates | None:
        """The duplicate ids of a list or file; None if it has none, or if the table is not searched."""
        records: Any = self.tables[table]
        class_: Any = type(records)
        if not is_listed(class_):
            return None
        known = self._facts.get(table)
        # A list may have changed, but a record cannot: comparing a list with its copy takes a hundredth of a search. A
        # copy takes half of one, so only the second measurement makes it.
        if known is None or (known[0] is not records and known[0] != records):
            unchanging = table in self.told or isinstance(records, tuple)
            kept = records if unchanging else None if known is None else list(records)
            facts = {"duplicates": duplicates_in(records, record_type(record_class(table)))}
            known = self._facts[table] = kept, facts
        found: Duplicates | None = known[1]["duplicates"]
        return found

    def facts(self, table: str) -> dict[str, Any]:
        """The facts cached for a list or file by the last call of `duplicates`."""
        return self._facts[table][1] if table in self._facts else {}

    def index(self, table: str) -> Mapping[str, Any]:
        """The records of a related table by id."""
        if table not in self._indexes:
            if table not in self.tables:
                raise MissingTableError(
                    f"A related field needs the table {table!r}, which the dataset lacks; it has "
                    f"{', '.join(self.tables)}. Add {table}=... to the Dataset."
                )
            if isinstance(self.tables[table], FrameTable):
                raise InputError(
                    f"Fields of {table} are looked up for records, so {table} must be records as well; got a frame. "
                    "Give both tables as frames of one library."
                )
            self._indexes[table] = index = index_of(table, self.records(table), self.tables[table])
            self._marks[table] = unreadable_fields(index.values())
        return self._indexes[table]


def size_of(records: Any) -> str:
    """How large a table is, as `repr` shows it."""
    if isinstance(records, FrameTable):
        return f"a {records.backend.name} frame"
    return f"{len(records):,}" if isinstance(records, Sequence) else "a stream"


def framed(name: str, records: Any, tz: str | None = None) -> Any:
    """Wrap a frame as the table of that name, and a path as the records of its file; return others as they are."""
    if isinstance(records, _PATHS) and name in RECORDS:
        check_suffix(records)
        file = TableFile(source=records, name=str(records), options={"tz": tz})
        return FileRecords([file], RECORDS[name])
    if isinstance(records, FrameTable) or backend_of(records) is None:
        return records
    if name not in RECORDS:
        raise UnknownNameError(
            f"A dataset has no table {name!r} for a frame. {did_you_mean(name, RECORDS)} A table of your own record "
            "class is given as crmkpi.table(frame, record=...)."
        )
    return FrameTable(records, type_=record_type(RECORDS[name]))


def _check_home(name: str, table: FrameTable) -> None:
    if table.type_.table != name:
        raise InputError(
            f"The table {name!r} was given a frame of {table.type_.table}; name it {table.type_.table}=..."
        )
