"""A table under check: its record class, its dataset, and the fields that KPIs use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Protocol

from crmkpi.engines.records.marks import asked
from crmkpi.measuring.dataset import Dataset
from crmkpi.quality.field_usage import FieldUsage, Role
from crmkpi.quality.findings import Finding, Impact, Level
from crmkpi.records.base import Kind, RecordType
from crmkpi.records.faults import shortened
from crmkpi.sources.account import Rejected, Unreadable

__all__ = ["Check", "CheckedTable", "Inspector", "shown"]


class Inspector(Protocol):
    """One check of one table: it sees all records, a batch at a time, and then returns its findings."""

    def see(self, records: Sequence[Any]) -> None:
        """Process a batch of records."""

    def findings(self) -> Iterable[Finding]:
        """The findings, after all tables have been read."""


@dataclass(eq=False, kw_only=True)
class CheckedTable:
    """A table in a check: its record class, the dataset around it, and the KPIs that read its fields."""

    name: str
    type_: RecordType
    crm: Dataset
    usage: FieldUsage
    founded: date | None
    ids: dict[str, set[str]] = field(default_factory=dict)  # the ids seen so far, by table
    rejected: tuple[Rejected, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()  # the values that could not be read, of the records seen so far
    count: int = 0  # the records seen so far

    @cached_property
    def moments(self) -> tuple[str, ...]:
        """The timestamp fields; the first one is the start of the record."""
        return self.fields("timestamp")

    def fields(self, *kinds: Kind) -> tuple[str, ...]:
        """The fields of these kinds."""
        return tuple(known.name for known in self.type_.fields.values() if known.kind in kinds)

    @cached_property
    def today(self) -> date | None:
        """The day up to which the data is known."""
        known = self.crm.as_of
        return self.day(known) if isinstance(known, datetime) else known

    def day(self, moment: datetime) -> date:
        """The calendar day of a timestamp."""
        return self.crm.calendar.wall(moment).date()

    def is_known(self, moment: datetime) -> bool:
        """Whether a timestamp is before the instant up to which the data is known."""
        return moment < self._known[0 if moment.tzinfo is None else 1]

    @cached_property
    def _known(self) -> tuple[datetime, datetime]:
        return self.crm.known_until()

    def impact(self, does: str, field: str | None = None, *roles: Role) -> Impact:
        """The impact on the KPIs that read a field (in one of these roles), or the table."""
        if field is None:
            return Impact(does, self.usage.of_table(self.name))
        return Impact(does, self.usage.of(self.name, field, *roles))

    def finding(
        self,
        code: str,
        what: str,
        *,
        count: int,
        level: Level = "warning",
        field: str | None = None,
        of: int | None = None,
        example: str = "",
        impacts: Iterable[Impact] = (),
        error_from: float | None = None,
    ) -> Finding:
        """A finding; an error if its share is at least `error_from`. Each KPI appears under its first impact only."""
        of = self.count if of is None else of
        if error_from is not None and of and count / of >= error_from:
            level = "error"
        named: set[str] = set()
        told = []
        for impact in impacts:
            metrics = tuple(name for name in impact.metrics if name not in named)
            named.update(metrics)
            told += [Impact(impact.does, metrics)] if metrics else []
        return Finding(
            code=code,
            level=level,
            table=self.name,
            field=field,
            what=what,
            count=count,
            of=of,
            example=example,
            impacts=tuple(told),
        )

    def inspector(
        self, is_faulty: Callable[[Any], bool], *, code: str, what: str, show: Sequence[str] = (), **more: Any
    ) -> Inspector:
        """An inspector of records for a fault. The example shows the fields `show`; `more` goes to the finding."""
        return _Faulty(self, is_faulty, code, what, show, more)


@dataclass(slots=True)
class _Faulty:
    table: CheckedTable
    is_faulty: Callable[[Any], bool]
    code: str
    what: str
    show: Sequence[str]
    more: dict[str, Any]
    count: int = 0
    example: str = ""

    def see(self, records: Sequence[Any]) -> None:
        # Unreadable values have their own check: they are neither missing nor faulty here.
        found = [record for record in records if asked(self.is_faulty, record, otherwise=False)]
        if found and not self.count:
            self.example = shown(found[0], *self.show)
        self.count += len(found)

    def findings(self) -> Iterable[Finding]:
        if self.count:
            yield self.table.finding(self.code, self.what, count=self.count, example=self.example, **self.more)


Check = Callable[[CheckedTable], Iterable[Inspector]]


def shown(record: Any, *fields: str) -> str:
    """A record by its id (or its class, if it has none) and the values of some fields, as an example.

    >>> from crmkpi import Deal
    >>> shown(Deal(id="D7", status="won", amount="12.50"), "status", "amount")
    "'D7' (status 'won', amount 12.50)"
    """
    values = ", ".join(f"{name} {_text(getattr(record, name))}" for name in fields)
    name = shortened(record.id) if hasattr(record, "id") else type(record).__name__
    return f"{name} ({values})" if values else name


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        return "missing"
    return str(value) if isinstance(value, Decimal | timedelta) else shortened(value)
