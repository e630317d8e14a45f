"""The account of a source that was read: every row, every column, and each value that was not taken as it stood."""

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
    """What stands for the id of a record that has none."""
    return f"row {line}"


def is_of_line(own: str) -> bool:
    """Whether an id only stands for one, so that two records which share it may be of two files.

    >>> is_of_line(id_of_line(2)), is_of_line("D-2")
    (True, False)
    """
    return bool(_OF_LINE.fullmatch(own))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is not used, and the first reason why.

    `line` is the line of the file on which the row starts, with the first line as 1; rows given as dicts are numbered
    from 1. `field` and `value` are missing when the row as a whole is wrong. `value` is written as Python writes it and
    cut at 80 characters.

    >>> Rejected(line=7, field="amount", value="'n/a'", reason="not a number")
    Rejected(line=7, field='amount', value="'n/a'", reason='not a number')
    """

    line: int
    field: str | None
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A value of a field that could not be read, on how many rows it stands, and on which first.

    The records of these rows are there, and `unreadable` of each one names the field. `value` is written as Python
    writes it; it is the empty text where a record must have the field and its cell is empty.

    >>> Unreadable(field="status", value="'Dead'", reason="not one of its values", line=4, count=2)
    Unreadable(field='status', value="'Dead'", reason='not one of its values', line=4, count=2)
    """

    field: str
    value: str
    reason: str
    line: int
    count: int = 1


class Noted:
    """Notes the values that could not be read while records go by: a thousand of each field, and how many others."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], list[Any]] = {}  # the reason, the first line, how often
        self._kinds: Counter[str] = Counter()

    def count(self, lost: Mapping[str, tuple[str | None, str]], line: int) -> None:
        """Note the unreadable fields of one record: by field, the value and the fault."""
        for name, (value, reason) in lost.items():
            key = name, value or ""
            if key not in self._found and self._kinds[name] >= _MOST_VALUES:
                key = name, _OTHERS
            if key not in self._found:
                self._kinds[name] += 1
                self._found[key] = [reason, line, 0]
            self._found[key][2] += 1

    def add(self, one: Unreadable) -> None:
        """Add the notes of another reader."""
        self.count({one.field: (one.value, one.reason)}, one.line)
        key = one.field, one.value if (one.field, one.value) in self._found else _OTHERS
        self._found[key][2] += one.count - 1

    def see(self, records: Iterable[Any], before: int) -> None:
        """Note the unreadable fields of these records; `before` others came first."""
        for place, record in enumerate(records, before + 1):
            if lost := getattr(record, "unreadable", None):
                self.count({name: (value, "not a value that the field takes") for name, value in lost.items()}, place)

    def clear(self) -> None:
        """Reading starts once more from the beginning."""
        self._found.clear()
        self._kinds.clear()

    def found(self) -> tuple[Unreadable, ...]:
        """Every value with its count."""
        return tuple(Unreadable(*key, *rest) for key, rest in self._found.items())


def reasons_of(rows: Iterable[Rejected]) -> dict[str, int]:
    """How many rows were rejected, by field and reason.

    >>> reasons_of([Rejected(line=7, field="amount", value="'n/a'", reason="not a number")])
    {'amount is not a number': 1}
    """
    return dict(Counter(row.reason if row.field is None else f"{row.field} is {row.reason}" for row in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """Which system a file was taken to come from, and how sure that is.

    `score` goes from 0 to 1: the share of the file's columns that the preset knows, where a column counts for less the
    more presets know it. `runner_up` is the preset that comes next, None when no other knows any column.

    >>> Recognised(preset="zoho_deal", score=0.93, runner_up="zoho_lead", runner_up_score=0.41)
    Recognised(preset='zoho_deal', score=0.93, runner_up='zoho_lead', runner_up_score=0.41)
    """

    preset: str
    score: float
    runner_up: str | None = None
    runner_up_score: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoadAccount:
    r"""What became of each row, column and value of a source.

    `rows` are all rows of the source but its header: `used` + `rejected` + `skipped` = `rows`, where `skipped` counts
    rows by the reason why they are no records, such as total rows. A row of a history, or one with a date for each
    stage, is used though it makes no record or several. `unreadable` are the values of used rows that could not be
    read: they cost their field, and not the record. `mapped` says which columns fill which field, in the order in
    which they are asked, and `unmapped` which fill none; `unfilled` are the fields that no column fills, so that a KPI
    which needs one has no value. `not_looked_at` are the columns outside of `only=`, whose cells were not read.
    `coerced` counts, for each column, the values that were converted, by conversion. `notes` are the decisions of the
    reader, in words.

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
    numbered: bool = False  # whether ids are the numbers of lines, for lack of a column of ids

    def __reduce__(self) -> tuple[Any, ...]:  # views of dicts are not pickled; what they show is
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        values |= {name: dict(values[name]) for name in ("skipped", "mapped")}
        values["coerced"] = {name: dict(counts) for name, counts in self.coerced.items()}
        return partial(LoadAccount, **values), ()

    @property
    def unreadable_fields(self) -> Mapping[str, int]:
        """In how many records each field could not be read; fields that were always read are not named."""
        found: dict[str, int] = {}
        for one in self.unreadable:
            found[one.field] = found.get(one.field, 0) + one.count
        return found

    @property
    def lacks_ids(self) -> bool:
        """Whether the id of a record is but the number of its line, so that no other record can name it."""
        return self.numbered or "id" in self.unreadable_fields

    def words_of(self, field: str, most: int = 3) -> str:
        """The commonest values of a field that could not be read, and how often each of them stands there."""
        found = sorted((one for one in self.unreadable if one.field == field), key=lambda one: -one.count)
        listed = [f"{one.value or 'no value'} ({one.count:,})" for one in found[:most]]
        return ", ".join(listed) + (f" and {len(found) - most:,} more" if len(found) > most else "")

    def to_dict(self) -> dict[str, Any]:
        """The account as plain values, for JSON; `format` grows when its words change.

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
