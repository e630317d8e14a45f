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

    An error makes a KPI silently wrong, or stops it. After a warning KPIs leave records out with a note, or they may be
    wrong. Information needs no action. `code` is the name of the check, `count` the number of affected records (or rows
    of the file, or months) out of `of`, `example` the first of them. `impacts` are the affected KPIs, and how; they are
    derived from the definitions of the KPIs that these tables allow.

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
        """The affected fraction of the records (rows, months), from 0 to 1; None without records."""
        return self.count / self.of if self.of else None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The affected KPIs, each once."""
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
    """The findings of a check, and the account of each table: print it, display it in a notebook, or query it.

    `findings` are in order of their level. `tables` has the account of each table: the treatment of its rows and
    columns by the reader. `notes` name the checks that could not run, and why.

    >>> from crmkpi import Dataset, Order
    >>> report = Dataset(orders=[Order(id="1", customer_id="A", ordered_at="2026-01-05", amount=12)]).check()
    >>> report.is_clean, report.count("error"), report.tables["orders"].used
    (True, 0, 1)
    """

    findings: tuple[Finding, ...]
    tables: Mapping[str, LoadAccount] = field(default_factory=lambda: ReadOnly({}))
    notes: tuple[str, ...] = ()

    def __reduce__(self) -> tuple[Any, ...]:  # a mapping proxy cannot be pickled, its contents can
        return _restored, (self.findings, dict(self.tables), self.notes)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __bool__(self) -> bool:
        return True  # a report without findings is a report

    def of_level(self, level: Level) -> tuple[Finding, ...]:
        """The findings of a level: "error", "warning" or "information"."""
        return tuple(finding for finding in self.findings if finding.level == level)

    def count(self, level: Level) -> int:
        """The number of findings of a level."""
        return len(self.of_level(level))

    @property
    def is_clean(self) -> bool:
        """Whether there is neither an error nor a warning."""
        return not self.of_level("error") and not self.of_level("warning")

    @property
    def heading(self) -> str:
        """The numbers of findings by level, in one line."""
        counts = {level: self.count(level) for level in LEVELS}
        parts = [_counted(count, level) for level, count in counts.items() if count]
        return f"Data quality: {', '.join(parts) or 'nothing found'}"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values, ready for JSON; `format` increases when a key is renamed or removed."""
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
        """A complete HTML page, for a file or an email."""
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
