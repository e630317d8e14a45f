"""The result of reading a file: records, rejected rows with their reasons, and the columns that fill no field."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar, overload

from crmkpi.records.base import record_type
from crmkpi.sources.account import LoadAccount, Rejected

__all__ = ["Records", "Rejected", "joined"]

_R = TypeVar("_R")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Records(Sequence[_R], Generic[_R]):
    """The records of one source: an immutable sequence with the account of its rows.

    Every row of the source is either a record, or in `rejected`, or counted in the account as skipped. A record with an
    unreadable value is kept without it: `unreadable` of the record names the field, and `account.unreadable` counts the
    values. `unmapped` names the columns that fill no field of the record (they are in `attributes` unless that was
    declined). `notes` lists the decisions of the reader as sentences. `account` has all of this, and how each column
    and value was treated. `tz` is the time zone in which times without an offset were read, and `joined` the result of
    `join_leads`, as text. `lines` are the line numbers of the records in each source, if each record is one row of it.
    A slice is a plain tuple.

    >>> from crmkpi.records import Order
    >>> orders = Records((Order(id="1"), Order(id="2")), record=Order, source="orders.csv")
    >>> orders
    Records: 2 orders from orders.csv
    >>> orders[0].id, len(orders[1:])
    ('1', 1)
    """

    _items: tuple[_R, ...]
    record: type[_R]
    rejected: tuple[Rejected, ...] = ()
    unmapped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = "memory"
    tz: str | None = None
    account: LoadAccount = field(default=None)  # type: ignore[assignment]
    joined: str = ""
    lines: tuple[tuple[str, Sequence[int]], ...] = ()

    def __post_init__(self) -> None:
        if self.account is None:  # created by hand, or from a source without rows
            account = LoadAccount(
                source=self.source,
                record=self.record.__name__,
                rows=len(self._items) + len(self.rejected),
                used=len(self._items),
                rejected=self.rejected,
                unmapped=self.unmapped,
                notes=self.notes,
            )
            object.__setattr__(self, "account", account)

    def place(self, number: int) -> str:
        """The line of the record at this index, or its number from 1 where lines are unknown."""
        before = 0
        for source, lines in self.lines:
            if number < before + len(lines):
                return f"line {lines[number - before]} of {source}"
            before += len(lines)
        return f"record {number + 1}"

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[_R]:
        return iter(self._items)

    @overload
    def __getitem__(self, index: int) -> _R: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_R, ...]: ...
    def __getitem__(self, index: int | slice) -> _R | tuple[_R, ...]:
        return self._items[index]

    def __repr__(self) -> str:
        parts = [f"Records: {_counted(len(self), self.record)} from {self.source}"]
        if self.rejected:
            rows = "row" if len(self.rejected) == 1 else "rows"
            parts.append(f"{len(self.rejected):,} {rows} rejected, see .rejected")
        for name, count in self.account.unreadable_fields.items():
            parts.append(f"{name} unreadable in {count:,}, see .account")
        skipped = sum(self.account.skipped.values())
        if skipped:
            parts.append(f"{skipped:,} {'row' if skipped == 1 else 'rows'} skipped, see .account")
        if self.joined:
            parts.append(self.joined)
        if self.unmapped:
            shown = ", ".join(self.unmapped[:8])
            more = f" and {len(self.unmapped) - 8} more" if len(self.unmapped) > 8 else ""
            parts.append(f"unmapped columns: {shown}{more}")
        return "; ".join(parts)


def joined(parts: Sequence[Records[_R]]) -> Records[_R]:
    """Concatenate the records of several sources of one kind, and combine their accounts."""
    first, *others = parts
    if not others:
        return first
    accounts = [part.account for part in parts]
    skipped: Counter[str] = Counter()
    coerced: dict[str, Counter[str]] = {}
    for account in accounts:
        skipped.update(account.skipped)
        for column, counts in account.coerced.items():
            coerced.setdefault(column, Counter()).update(counts)
    account = replace(
        first.account,
        source=", ".join(account.source for account in accounts),
        rows=sum(account.rows for account in accounts),
        used=sum(account.used for account in accounts),
        rejected=tuple(row for account in accounts for row in account.rejected),
        skipped=dict(skipped),
        mapped={name: columns for account in reversed(accounts) for name, columns in account.mapped.items()},
        unmapped=tuple(dict.fromkeys(name for account in accounts for name in account.unmapped)),
        unfilled=tuple(name for name in first.account.unfilled if all(name in each.unfilled for each in accounts)),
        coerced={column: dict(counts) for column, counts in coerced.items()},
        notes=tuple(dict.fromkeys(note for account in accounts for note in account.notes)),
        unreadable=tuple(one for account in accounts for one in account.unreadable),
        not_looked_at=tuple(dict.fromkeys(name for account in accounts for name in account.not_looked_at)),
        numbered=any(account.numbered for account in accounts),
    )
    return Records(
        tuple(record for part in parts for record in part),
        first.record,
        account.rejected,
        account.unmapped,
        account.notes,
        account.source,
        first.tz,
        account,
        lines=tuple(lines for part in parts for lines in part.lines) if all(part.lines for part in parts) else (),
    )


def _counted(count: int, record: type[Any]) -> str:
    if count == 1:
        return "1 " + re.sub(r"(?<!^)(?=[A-Z])", " ", record.__name__).lower()
    return f"{count:,} {record_type(record).table.replace('_', ' ')}"
