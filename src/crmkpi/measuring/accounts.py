"""The account of a KPI's records: used, left out by reason, outside the period, rejected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["Account", "sums_of", "unreadable_of"]


@dataclass(frozen=True, slots=True)
class Account:
    """The account of the records of one table; it adds up to all of them.

    `given` = `used` + everything in `left_out` + `outside` + `rejected`. `outside` are the records that the KPI does
    not cover: of another period, or of a kind that the definition does not count. `rejected` rows of a file could not
    be read, so that their segment is unknown; every segment's account includes all of them, and `unread` has their
    reasons. `skipped` counts rows of the source that are not records, by reason, such as total rows; they are not in
    `given`. `unreadable` has, for each field that decides whether a record is used, its unreadable values and their
    counts; `left_out` includes these records. `searched` says whether the table was searched for duplicate ids: lists
    and files are, and leave out such records as `duplicate id`; streams, frames and databases are not, and
    `Dataset.check` searches them.
    """

    table: str
    at: str | None
    given: int
    used: int
    left_out: Mapping[str, int]
    rejected: int = 0
    unread: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    unreadable: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    searched: bool = field(default=False, compare=False)

    @property
    def outside(self) -> int:
        """Records of another period, or of a kind that the definition does not count."""
        return self.given - self.used - sum(self.left_out.values()) - self.rejected


def sums_of(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Sum counts by reason."""
    total: dict[str, int] = {}
    for each in counts:
        for reason, count in each.items():
            total[reason] = total.get(reason, 0) + count
    return total


def unreadable_of(values: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Sum counts of unreadable values by field, over tables."""
    total: dict[str, dict[str, int]] = {}
    for each in values:
        for name, counts in each.items():
            total[name] = sums_of((total.get(name, {}), counts))
    return total
