"""The findings of a data quality check, in three levels, and the report of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from crmkpi._hooks import hook
from crmkpi._read_only import ReadOnly
from crmkpi.sources.account import LoadAccount

__all__ = ["LEVELS", "Finding", "Impact", "Level", "QualityReport"]

Level = Literal["error", "warning", "information"]
LEVELS: tuple[Level, ...] = get_args(Level)

_listed: Callable[[Iterable[str]], str] = hook("listed")
_format_value: Callable[[Any, str], str] = hook("format_value")
_quality_text: Callable[[QualityReport], str] = hook("quality_text")
_quality_html: Callable[[QualityReport], str] = hook("quality_html")
_quality_page: Callable[[QualityReport], str] = hook("quality_page")


@dataclass(frozen=True, slots=True)
class Impact:
    """The impact of a fault on some KPIs: `does` is a phrase that their names complete, such as "left out of"."""

    does: str
    metrics: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.does} {_listed(self.metrics)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found in one table.

    An error makes a KPI wrong without a word, or stops it. After a warning KPIs leave records out and say so, or they
    may be wrong. Information is good to know. `code` is the name of the check, `count` how many of `of` records (or
    rows of the file, or months) are concerned, `example` the first of them. `impacts` say which KPIs it harms, and how;
    they are derived from the definitions of the KPIs that these tables allow.

    >>> finding = Finding(code="duplicate_ids", level="error", table="deals", field="id", what="the same id again",
    ...                   count=3, of=12, example="'D7'", impacts=(Impact("counted twice by", ("win_rate",)),))
    >>> finding.share
    0.25
    >>> print(finding)
    deals: the same id again: 3 of 12 (25.0 %), such as 'D7'; counted twice by win_rate
    """

    code: str
    level: Level
    table: str
    field: str | None
    what: str
    count: int
    of: int
    example: str
    impacts: tuple[Impact, ...] = ()

    @property
    def share(self) -> float | None:
        """The fraction of the records (rows, months) that is concerned, from 0 to 1; None where there are none."""
        return self.count / self.of if self.of else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The KPIs that it does something to, each once."""
        return tuple(dict.fromkeys(name for impact in self.impacts for name in impact.metrics))

    @property
    def amount(self) -> str:
        """The count, the total and the share, formatted: "3 of 12 (25.0 %)"."""
        share = "" if self.share is None else f" ({_format_value(self.share, 'ratio')})"
        return f"{self.count:,} of {self.of:,}{share}"

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain values, ready for JSON."""
        return {
            "code": self.code,
            "level": self.level,
            "table": self.table,
            "field": self.field,
            "what": self.what,
            "count": self.count,
            "of": self.of,
            "share": self.share,
            "example": self.example,
            "impacts": [{"does": impact.does, "metrics": list(impact.metrics)} for impact in self.impacts],
        }

    def __str__(self) -> str:
        example = f", such as {self.example}" if self.example else ""
        impacts = "".join(f"; {impact}" for impact in self.impacts)
        return f"{self.table}: {self.what}: {self.amount}{example}{impacts}"


@dataclass(frozen=True, slots=True, repr=False)
class QualityReport:
    """The findings of a check, and the account of each table: print it, show it in a notebook, or ask it.

    `findings` are in order of their level. `tables` has the account of each table: what became of its rows and columns
    when it was read. `notes` name faults that could not be looked for, and why.

    >>> from crmkpi import Dataset, Order
    >>> report = Dataset(orders=[Order(id="1", customer_id="A", ordered_at="2026-01-05", amount=12)]).check()
    >>> report.is_clean, report.count("error"), report.tables["orders"].used
    (True, 0, 1)
    """

    findings: tuple[Finding, ...]
    tables: Mapping[str, LoadAccount] = field(default_factory=lambda: ReadOnly({}))
    notes: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:  # a view of a dict is not pickled; what it shows is
        return _restored, (self.findings, dict(self.tables), self.notes)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return True  # a report without findings is a report

    def of_level(self, level: Level) -> tuple[Finding, ...]:
        """The findings of that level: "error", "warning" or "information"."""
        return tuple(finding for finding in self.findings if finding.level == level)

    def count(self, level: Level) -> int:
        """How many findings there are of that level."""
        return len(self.of_level(level))

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not self.of_level("error") and not self.of_level("warning")

    @property
    def heading(self) -> str:
        """How many findings there are, by level, in one line."""
        counts = {level: self.count(level) for level in LEVELS}
        parts = [_counted(count, level) for level, count in counts.items() if count]
        return f"Data quality: {', '.join(parts) or 'nothing found'}"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON; `format` grows when a key is renamed or removed."""
        return {
            "format": 1,
            **{f"{level}_count": self.count(level) for level in LEVELS},
            "tables": {name: account.to_dict() for name, account in self.tables.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """`to_dict()` as JSON."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False)

    def to_html(self) -> str:
        """A whole HTML page, for a file or a mail."""
        return _quality_page(self)

    def __str__(self) -> str:
        return _quality_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return _quality_html(self)


def _counted(count: int, level: Level) -> str:
    return f"{count} {level}" + ("s" if count > 1 and level != "information" else "")


def _restored(findings: tuple[Finding, ...], tables: dict[str, LoadAccount], notes: tuple[str, ...]) -> QualityReport:
    return QualityReport(findings, ReadOnly(tables), notes)
