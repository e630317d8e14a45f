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


# Each call asks for the class of the same few tables many times, and an abstract class takes its time to answer.
@lru_cache(maxsize=500)
def holds_records(class_: type[object]) -> bool:
    """Whether what is of this class may be a table of records: it is an iterable, and neither text nor a mapping."""
    return issubclass(class_, Iterable) and not issubclass(class_, _NOT_TABLES)


@lru_cache(maxsize=500)
def _tells_fields(class_: type[object]) -> bool:
    """Whether the reader of a table of this class tells which fields no column fills."""
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
        given: dict[str, Any] = {name: framed(name, records, zone) for name, records in tables.items()}
        for name, records in given.items():
            if isinstance(records, FrameTable):
                _check_home(name, records)
                continue
            if not is_table(name):
                raise unknown_name(f"A dataset has no table {name!r}.", name, known_tables())
            class_: Any = type(records)
            if not holds_records(class_):
                raise InputError(
                    f"The table {name!r} must be an iterable of records; got {type(records).__name__}. Give a list, "
                    "what crmkpi.read_csv and its like return, or a frame."
                )
        self.tables: Mapping[str, Iterable[Any]] = ReadOnly(given)
        self.calendar = calendar
        self._marks: dict[str, frozenset[str]] = {}
        self._indexes: dict[str, dict[str, Any]] = {}
        self._facts: dict[str, tuple[Sequence[Any] | None, dict[str, Any]]] = {}  # with the records as they were
        self._spent: set[str] = set()
        self._unfilled: dict[tuple[str, str], bool] = {}
        self.told = frozenset([name for name, records in given.items() if _tells_fields(records.__class__)])
        self._read: dict[Any, Any] = {}  # the files of tables as they were read, for their facts

    def fields(self, table: str) -> Mapping[str, Mapping[str, int]]:
        """How many records of a table hold each field, lack it, and hold what cannot be read in it.

        The three numbers of each field add up to the records of the table. A stream is read for it.

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
        """The records of a table, to be read once."""
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
        """The fields of a table that are known to be unreadable somewhere; None where any may be, as of a stream.

        With `look` the records of a list are looked through for them; without, as far as somebody did before. A frame
        knows it of the fields that were asked for.
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
        """Whether no column of a table fills the field, as far as its reader tells; of records made by hand it is no.

        A field that nothing fills in the file may be filled afterwards, as `join_leads` does.
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
        """Whether ids that come twice are looked for whenever a table is measured: those of lists and files are."""
        records = self.tables[table]
        return records.searched if isinstance(records, FrameTable) else is_listed(type(records))

    def duplicates(self, table: str) -> Duplicates | None:
        """The records of a list or file whose id another one has; None without any, or if it is not searched."""
        records: Any = self.tables[table]
        class_: Any = type(records)
        if not is_listed(class_):
            return None
        known = self._facts.get(table)
        # A list may have changed, but a record cannot: to compare a list with its copy takes a hundredth of a search. A
        # copy takes half of one, so it is made when the list is asked again.
        if known is None or (known[0] is not records and known[0] != records):
            unchanging = table in self.told or isinstance(records, tuple)
            kept = records if unchanging else None if known is None else list(records)
            facts = {"duplicates": duplicates_in(records, record_type(record_class(table)))}
            known = self._facts[table] = kept, facts
        found: Duplicates | None = known[1]["duplicates"]
        return found

    def facts(self, table: str) -> dict[str, Any]:
        """The facts about the records of a list or file that holds what it held when `duplicates` looked at it."""
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
    """A frame as a table of records of that name, a path as the records of that file; anything else as it is."""
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
