"""Rows of the file that are no records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi.quality.findings import Finding
from crmkpi.quality.tables import CheckedTable, Watch
from crmkpi.sources.loaded import Rejected

__all__ = ["RejectedRows", "kind_of", "unreadable_rows"]

_TOO_MANY = 0.05  # one row in twenty


def unreadable_rows(table: CheckedTable) -> Iterable[Watch]:
    """Rows that could not be read count nowhere: a warning, and an error from one row in twenty on."""
    fields = dict.fromkeys(row.field for row in table.rejected if kind_of(row) == "unreadable_rows")
    for field in fields:
        rows = [row for row in table.rejected if row.field == field and kind_of(row) == "unreadable_rows"]
        what = "rows that cannot be read" if field is None else f"rows whose {field} cannot be read"
        yield RejectedRows(table, "unreadable_rows", what, rows)


def kind_of(row: Rejected) -> str:
    """The check that speaks of a rejected row."""
    if row.reason.startswith("not one of"):
        return "unknown_words"
    return "scores_off_scale" if row.reason.startswith("The score") else "unreadable_rows"


@dataclass(slots=True)
class RejectedRows:
    """A finding on rejected rows: they are known before any record is seen."""

    table: CheckedTable
    code: str
    what: str
    rows: Sequence[Rejected]

    def see(self, records: Sequence[Any]) -> None:
        """The records are those that could be read."""

    def findings(self) -> Iterable[Finding]:
        """One finding for all of the rows."""
        first = self.rows[0]
        value = "" if first.value is None else f"{first.value} is "
        yield self.table.finding(
            self.code,
            self.what,
            field=first.field,
            count=len(self.rows),
            of=self.table.count + len(self.table.rejected),
            example=f"line {first.line}: {value}{first.reason}",
            effects=[self.table.effect("missing in")],
            error_from=_TOO_MANY,
        )
