"""What became of a source when it was read: every row, every column, and each value that was not taken as it stood."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from textwrap import wrap
from types import MappingProxyType
from typing import Any

__all__ = ["LoadAccount", "Recognised", "Rejected", "reasons_of"]

_WIDTH = 80
_MOST_SHOWN = 5


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
    stage, is used though it makes no record or several. `mapped` says which columns fill which field, in the order in
    which they are asked, and `unmapped` which fill none. `coerced` counts, for each column, the values that were not
    taken as they stood, by what was done to them. `notes` says in words what was decided.

    >>> import io, crmkpi as ck
    >>> file = io.StringIO("Id,Status,Amount\n1,WON,\"€1,200.50\"\n2,sold,5\n")
    >>> account = ck.read_csv(file, record=ck.Deal).account
    >>> account.rows, account.used, len(account.rejected)
    (2, 1, 1)
    >>> dict(account.coerced["Amount"])
    {'thousands set apart': 1, '€ read as EUR': 1}
    """

    source: str
    record: str
    rows: int
    used: int
    rejected: tuple[Rejected, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    mapped: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    unmapped: tuple[str, ...] = ()
    coerced: Mapping[str, Mapping[str, int]] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    preset: str | None = None
    recognised: Recognised | None = None

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
            "skipped": dict(self.skipped),
            "mapped": {name: list(headers) for name, headers in self.mapped.items()},
            "unmapped": list(self.unmapped),
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
        mapped = [f"{' or '.join(headers)} as {name}" for name, headers in self.mapped.items()]
        lines += _listed("mapped", mapped) + _listed("unmapped", self.unmapped)
        for header, kinds in self.coerced.items():
            lines += _listed(f"coerced {header}", [f"{kind} ({count:,})" for kind, count in kinds.items()])
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(part for line in lines for part in _wrapped(line))


def _listed(what: str, parts: list[str] | tuple[str, ...]) -> list[str]:
    return [f"  {what}: {', '.join(parts)}"] if parts else []


def _wrapped(line: str) -> list[str]:
    return wrap(line, _WIDTH, subsequent_indent="    ", drop_whitespace=True) or [""]
