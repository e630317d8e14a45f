"""Rows of the file that are not records, and unreadable values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Inspector
from crmkpi.sources.account import Rejected, Unreadable

__all__ = ["UnreadableValues", "kind_of", "unreadable_rows"]

_TOO_MANY = 0.05  # one record in twenty
_WHAT = {
    "unreadable_rows": "{field} that cannot be read",
    "unknown_words": "{field} {value} is unknown",
    "scores_off_scale": "scores off their scale",
}


def unreadable_rows(table: CheckedTable) -> Iterable[Inspector]:
    """Rows that are not records, which count nowhere, and unreadable values, which KPIs that read them leave out.

    A warning, or an error for one record in twenty or more.
    """
    for field in dict.fromkeys(row.field for row in table.rejected):
        yield _RejectedRows(table, field, [row for row in table.rejected if row.field == field])
    yield UnreadableValues(table, "unreadable_rows", lambda one: one.field)


def kind_of(table: CheckedTable, one: Unreadable) -> str:
    """The check that reports an unreadable value."""
    if one.value and table.type_.fields.get(one.field) is not None and table.type_.fields[one.field].kind == "choice":
        return "unknown_words"
    return "scores_off_scale" if one.reason.startswith("The score") else "unreadable_rows"


@dataclass(slots=True)
class _RejectedRows:
    """A finding on rejected rows, which are known before the pass over the records."""

    table: CheckedTable
    field: str | None
    rows: Sequence[Rejected]

    def see(self, records: Sequence[Any]) -> None:
        """Do nothing: rejected rows are not among the records."""

    def findings(self) -> Iterable[Finding]:
        """One finding for all of the rows."""
        first = self.rows[0]
        value = "" if first.value is None else f"{first.value} is "
        yield self.table.finding(
            "unreadable_rows",
            "rows that cannot be read" if self.field is None else f"rows without {self.field} that are no records",
            field=self.field,
            count=len(self.rows),
            of=self.table.count + len(self.table.rejected),
            example=f"line {first.line}: {value}{first.reason}",
            impacts=[self.table.impact("missing in")],
            error_from=_TOO_MANY,
        )


@dataclass(slots=True)
class UnreadableValues:
    """One finding for the unreadable values of a kind, or for each group of them."""

    table: CheckedTable
    code: str
    group: Callable[[Unreadable], object]

    def see(self, records: Sequence[Any]) -> None:
        """Do nothing: the table collects the values during its pass."""

    def findings(self) -> Iterable[Finding]:
        """The findings, after the pass."""
        groups: dict[object, list[Unreadable]] = {}
        for one in self.table.unreadable:
            if kind_of(self.table, one) == self.code:
                groups.setdefault(self.group(one), []).append(one)
        for alike in groups.values():
            first = alike[0]
            value = f"{first.value} is " if first.value else f"{first.field} is "
            yield self.table.finding(
                self.code,
                _WHAT[self.code].format(field=first.field, value=first.value),
                field=first.field,
                count=sum(one.count for one in alike),
                example=f"line {first.line}: {value}{first.reason}",
                impacts=[self.table.impact("left out of", first.field)],
                error_from=_TOO_MANY,
            )
