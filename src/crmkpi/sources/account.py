"""The account of a source that was read: every row, every column, and every value that was converted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from textwrap import wrap
from typing import Any

from crmkpi._read_only import ReadOnly

__all__ = ["LoadAccount", "Noted", "Recognised", "Rejected", "Unreadable", "id_of_line", "is_of_line", "reasons_of"]

_OF_LINE = re.compile(r"row \d+")
_WIDTH = 80
_MOST_SHOWN = 5
_MOST_VALUES = 1_000
_OTHERS = "other values"


def id_of_line(line: int) -> str:
    """The placeholder id of a record without one: the number of its line."""
    return f"row {line}"


def is_of_line(own: str) -> bool:
    """Whether an id is a placeholder made from a line number; two files can share such ids by accident.

    >>> is_of_line(id_of_line(2)), is_of_line("D-2")
    (True, False)
    """
    return bool(_OF_LINE.fullmatch(own))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not used, and the first reason for it.

    `line` is the line of the file on which the row starts, counted from 1; rows given as dicts are numbered from 1.
    `field` and `value` are None when the row as a whole is wrong. `value` is the `repr` of the cell, cut at 80
    characters.

    >>> Rejected(line=7, field="amount", value="'n/a'", reason="not a number")
    Rejected(line=7, field='amount', value="'n/a'", reason='not a number')
    """

    line: int
    field: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value of a field that could not be read, the number of rows that have it, and the line of the first.

    The records of these rows are kept, and `unreadable` of each record names the field. `value` is the `repr` of the
    cell; it is the empty text where the cell of a required field is empty.

    >>> Unreadable(field="status", value="'Dead'", reason="not one of its values", line=4, count=2)
    Unreadable(field='status', value="'Dead'", reason='not one of its values', line=4, count=2)
    """

    field: str
    value: str
    reason: str
    line: int
    count: int = 1


class Noted:
    """Collects unreadable values of records: a thousand distinct values per field, and the number of others."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[Any]] = {}  # the reason, the first line, how often
        self._kinds: Counter[str] = Counter()

    def count(self, lost: Mapping[str, tuple[str | None, str]], line: int) -> None:
        """Add the unreadable fields of one record: by field, the value and the fault."""
        for name, (value, reason) in lost.items():
            key = name, value or ""
            if key not in self._found and self._kinds[name] >= _MOST_VALUES:
                key = name, _OTHERS
            if key not in self._found:
                self._kinds[name] += 1
                self._found[key] = [reason, line, 0]
            self._found[key][2] += 1

    def add(self, one: Unreadable) -> None:
        """Add a value that another reader collected."""
        self.count({one.field: (one.value, one.reason)}, one.line)
        key = one.field, one.value if (one.field, one.value) in self._found else _OTHERS
        self._found[key][2] += one.count - 1

    def see(self, records: Iterable[Any], before: int) -> None:
        """Add the unreadable fields of these records, which follow `before` others."""
        for place, record in enumerate(records, before + 1):
            if lost := getattr(record, "unreadable", None):
                self.count({name: (value, "not a value that the field takes") for name, value in lost.items()}, place)

    def clear(self) -> None:
        """Forget all values, because reading starts again from the first row."""
        self._found.clear()
        self._kinds.clear()

    def found(self) -> tuple[Unreadable, ...]:
        """Every value with its count."""
        return tuple(Unreadable(*key, *rest) for key, rest in self._found.items())


def reasons_of(rows: Iterable[Rejected]) -> dict[str, int]:
    """The number of rejected rows by field and reason.

    >>> reasons_of([Rejected(line=7, field="amount", value="'n/a'", reason="not a number")])
    {'amount is not a number': 1}
    """
    return dict(Counter(row.reason if row.field is None else f"{row.field} is {row.reason}" for row in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """The preset that was recognised from a file's headers, with its score and the runner-up.

    `score` goes from 0 to 1: the share of the file's columns that the preset knows, where a column that many presets
    know weighs less. `runner_up` is the preset with the second best score, None when no other knows any column.

    >>> Recognised(preset="zoho_deal", score=0.93, runner_up="zoho_lead", runner_up_score=0.41)
    Recognised(preset='zoho_deal', score=0.93, runner_up='zoho_lead', runner_up_score=0.41)
    """

    preset: str
    score: float
    runner_up: str | None = None
    runner_up_score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoadAccount:
    r"""How each row, column and value of a source was treated.

    `rows` counts all rows of the source except its header: `used` + `rejected` + `skipped` = `rows`, where `skipped`
    counts rows by the reason why they are not records, such as total rows. A row of a history, or one with a date for
    each stage, counts as used even if it yields no record or several. `unreadable` are the values of used rows that
    could not be read: the field is missing, the record is kept. `mapped` lists the columns that fill each field, in
    order of precedence, and `unmapped` the columns that fill none; `unfilled` are the fields that no column fills, so
    that a KPI which needs one has no value. `not_looked_at` are the columns outside of `only=`, whose cells were not
    read. `coerced` counts, for each column, the converted values by conversion. `notes` are the decisions of the
    reader, as sentences.

    >>> import io, crmkpi as ck
    >>> file = io.StringIO("Id,Status,Amount\n1,WON,\"€1,200.50\"\n2,sold,5\n")
    >>> account = ck.read_csv(file, record=ck.Deal).account
    >>> account.rows, account.used, [one.value for one in account.unreadable]
    (2, 2, ["'sold'"])
    >>> dict(account.coerced["Amount"])
    {'thousands set apart': 1, '€ read as EUR': 1}
    """

    source: str
    record: str
    rows: int
    used: int
    rejected: tuple[Rejected, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=lambda: ReadOnly({}))
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: ReadOnly({}))
    unmapped: tuple[str, ...] = ()
    coerced: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: ReadOnly({}))
    notes: tuple[str, ...] = ()
    preset: str | None = None
    recognised: Recognised | None = None
    unreadable: tuple[Unreadable, ...] = ()
    unfilled: tuple[str, ...] = ()
    not_looked_at: tuple[str, ...] = ()
    numbered: bool = False  # True where the file has no id column, so that ids are line numbers

    def __reduce__(self) -> tuple[Any, ...]:  # mapping proxies cannot be pickled, their contents can
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values |= {name: dict(values[name]) for name in ("skipped", "mapped")}
        values["coerced"] = {name: dict(counts) for name, counts in self.coerced.items()}
        return partial(LoadAccount, **values), ()

    @property
    def unreadable_fields(self) -> Mapping[str, int]:
        """The number of records with an unreadable value, by field; fields without one are left out."""
        found: dict[str, int] = {}
        for one in self.unreadable:
            found[one.field] = found.get(one.field, 0) + one.count
        return found

    @property
    def lacks_ids(self) -> bool:
        """Whether ids are line numbers, so that no other record can refer to one."""
        return self.numbered or "id" in self.unreadable_fields

    def words_of(self, field: str, most: int = 3) -> str:
        """The most frequent unreadable values of a field, each with its count."""
        found = sorted((one for one in self.unreadable if one.field == field), key=lambda one: -one.count)
        listed = [f"{one.value or 'no value'} ({one.count:,})" for one in found[:most]]
        return ", ".join(listed) + (f" and {len(found) - most:,} more" if len(found) > most else "")

    def to_dict(self) -> dict[str, Any]:
        """The account as plain values, for JSON; `format` increases when its keys change.

        >>> LoadAccount(source="a.csv", record="Deal", rows=2, used=2).to_dict()["used"]
        2
        """
        sure = self.recognised
        return {
            "format": 1,
            "source": self.source,
            "record": self.record,
            "preset": self.preset,
            "recognised": None if sure is None else {name: getattr(sure, name) for name in Recognised.__slots__},
            "rows": self.rows,
            "used": self.used,
            "rejected": [{name: getattr(row, name) for name in Rejected.__slots__} for row in self.rejected],
            "unreadable": [{name: getattr(one, name) for name in Unreadable.__slots__} for one in self.unreadable],
            "skipped": dict(self.skipped),
            "mapped": {name: list(headers) for name, headers in self.mapped.items()},
            "unmapped": list(self.unmapped),
            "unfilled": list(self.unfilled),
            "not_looked_at": list(self.not_looked_at),
            "numbered": self.numbered,
            "coerced": {header: dict(kinds) for header, kinds in self.coerced.items()},
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        by = f", read as {self.preset}" if self.preset else ""
        lines = [f"{self.source}: {self.rows:,} rows to {self.record} records{by}"]
        if self.recognised is not None:
            sure, second = self.recognised, self.recognised.runner_up
            next_one = f"; next {second} at {sure.runner_up_score:.0%}" if second else ""
            lines.append(f"  recognised {sure.score:.0%}{next_one}")
        lines.append(f"  used {self.used:,}, rejected {len(self.rejected):,}, skipped {sum(self.skipped.values()):,}")
        lines += [f"  skipped {count:,}: {reason}" for reason, count in self.skipped.items()]
        for row in self.rejected[:_MOST_SHOWN]:
            what = " ".join(filter(None, (row.field, row.value)))
            lines.append(f"  line {row.line}: {f'{what} is ' if what else ''}{row.reason}")
        if len(self.rejected) > _MOST_SHOWN:
            lines.append(f"  and {len(self.rejected) - _MOST_SHOWN:,} more in .rejected")
        lines += [
            f"  {name} unreadable in {count:,}: {self.words_of(name)}" for name, count in self.unreadable_fields.items()
        ]
        mapped = [f"{' or '.join(headers)} as {name}" for name, headers in self.mapped.items()]
        lines += _listed("mapped", mapped) + _listed("unmapped", self.unmapped)
        lines += _listed("not looked at", self.not_looked_at)
        for header, kinds in self.coerced.items():
            lines += _listed(f"coerced {header}", [f"{kind} ({count:,})" for kind, count in kinds.items()])
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(part for line in lines for part in _wrapped(line))


def _listed(what: str, parts: list[str] | tuple[str, ...]) -> list[str]:
    return [f"  {what}: {', '.join(parts)}"] if parts else []


def _wrapped(line: str) -> list[str]:
    return wrap(line, _WIDTH, subsequent_indent="    ", drop_whitespace=True) or [""]
