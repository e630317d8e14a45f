"""The schema of a preset, validated when it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crmkpi.errors import did_you_mean
from crmkpi.records import RECORDS
from crmkpi.records.base import Kind, RecordType, record_type

__all__ = [
    "AttributeKind",
    "LeaveOut",
    "Preset",
    "PresetColumn",
    "Seen",
    "StageColumns",
    "Unit",
    "Warn",
    "check_column",
    "record_named",
]

AttributeKind = Literal["text", "number", "integer", "money", "flag", "date", "timestamp"]
Seen = Literal["file", "code", "documents"]
Unit = Literal[
    "percent",
    "smallest",
    "stripe_items",
    "milliseconds",
    "seconds",
    "minutes",
    "hours",
    "days",
    "flag",
    "capitals",
    "plain",
    "thousands",
    "millions",
    "yearly",
    "quarterly",
    "unix_seconds",
    "unix_milliseconds",
    "excel_days",
]

_DURATIONS = ("milliseconds", "seconds", "minutes", "hours", "days")
_NUMERIC_DATES = ("unix_seconds", "unix_milliseconds", "excel_days")
_DATES: tuple[Kind, ...] = ("timestamp", "date")
_TIMES: tuple[Kind, ...] = ("number", "timestamp")
_KINDS_OF_UNITS: dict[str, tuple[Kind, ...]] = {
    "percent": ("number",),
    "smallest": ("money",),
    "stripe_items": ("money",),
    "flag": ("flag", "choice"),
    "capitals": ("text",),
    "plain": ("money", "number"),
    "thousands": ("money",),
    "millions": ("money",),
    "yearly": ("money",),
    "quarterly": ("money",),
}
_KINDS_OF_UNITS |= dict.fromkeys(_NUMERIC_DATES, _DATES) | dict.fromkeys(_DURATIONS, _TIMES)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class PresetColumn(_Part):
    """One column of an export, and the fields that it fills.

    `headers` are its names, that of the API first; case, blanks, underscores and hyphens do not matter. `<zone>`,
    `<currency>` and `<question>` in a header match any text; the zone is that of the column's times, the currency that
    of all rows. `fills` names fields of the record, or `attributes` to keep the text as it is; a column that fills
    nothing becomes an attribute. Where several columns fill one field, the first non-empty cell is used. `unit` is the
    unit of the file: `smallest` is cents, or the smallest unit of the row's currency, `yearly` an amount of a year,
    which is converted to a month, and `plain` the unit of the field, regardless of the header.
    `words` maps the words of the file to values, `null` for a missing value; `others` is the value of all other words.
    With `in_brackets` a text in brackets may follow a word, such as the pipeline of a stage.
    `first_of` is the separator of several values in a cell, of which the first is used. `after` names the field from
    which a duration counts, so that it becomes a moment. `per` is the header of the column with the billing interval
    of an amount, which is then converted to a month, `every` that of the number of intervals between two payments,
    and `times` that of its quantity.
    `seen` is the evidence for the column if it differs from the preset's; `headers_seen` is that for single headers,
    and `words_seen` that for the words.

    >>> PresetColumn(headers="Probability (%)", fills="probability", unit="percent", seen="code").fills
    ('probability',)
    """

    headers: tuple[str, ...]
    fills: tuple[str, ...] = ()
    unit: Unit | None = None
    words: Mapping[str, str | None] = Field(default_factory=dict)
    others: str | None = None
    in_brackets: bool = False
    first_of: str | None = Field(default=None, min_length=1)
    after: str | None = None
    per: str | None = None
    times: str | None = None
    every: str | None = None
    seen: Seen | None = None
    headers_seen: Mapping[str, Seen] = Field(default_factory=dict)
    words_seen: Seen | None = None
    note: str = ""

    @field_validator("headers", "fills", mode="before")
    @classmethod
    def _listed(cls, given: Any) -> Any:
        return (given,) if isinstance(given, str) else () if given is None else given

    @property
    def reads_others(self) -> bool:
        """Whether unlisted words have a meaning, be it a missing value."""
        return "others" in self.model_fields_set


class LeaveOut(_Part):
    """Rows that are not records, by the start of their first cell, or by a word in a column.

    Rows with one of `words` are left out; or all rows except those with one of `keep`. `alone` leaves out rows with a
    single filled cell, such as the lines below a report.

    >>> LeaveOut(starts=["Total: "], reason="total row").reason
    'total row'
    """

    headers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    alone: bool = False
    reason: str = Field(min_length=1)
    seen: Seen | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ways = [bool(self.words), bool(self.keep), bool(self.starts), self.alone]
        if sum(ways) != 1 or bool(self.headers) == (bool(self.starts) or self.alone):
            raise ValueError(
                "Rows are left out by headers and words, by headers and words to keep, by how they start, or alone."
            )
        return self


class StageColumns(_Part):
    """Columns with one date for each stage, which become stage visits; `<stage>` stands for the name of the stage.

    >>> StageColumns(id=["Record ID"], entered=['Date entered "<stage>"']).left
    ()
    """

    id: tuple[str, ...]
    entered: tuple[str, ...]
    left: tuple[str, ...] = ()
    headers_seen: Mapping[str, Seen] = Field(default_factory=dict)


class Warn(_Part):
    """A note for when no record has a certain value, because exports of this system may lack such rows.

    >>> Warn(without={"status": "lost"}, note="Lost deals are archived.").note
    'Lost deals are archived.'
    """

    without: Mapping[str, str]
    note: str


class Preset(_Part):
    """The rules for reading one kind of export of one system.

    `record` is the class of its records, None where the export holds totals and not records. `seen` is the evidence
    for its columns, unless a column has its own: a real `file`, published `code` that reads or writes such files, or
    `documents` alone. `constants` are values of fields that no column fills, `missing` words for a missing value,
    `leave_out` rows that are not records. `asks` are fields whose column the user must name. `numbered` allows line
    numbers as ids. `ends` are inclusive where `until`, `ended_at` and `left_at` are the last day and not the first
    moment after it. `kinds` maps headers of custom columns to their kinds; the default is text. `merged` are columns
    with the ids of records that were merged into the row's. `fill_down` says that a report with subtotals writes the
    value of a group only in its first row. `history` says that a row is a stage change, so that the rows of a deal
    are joined to visits. `stages` are columns with a date for each stage.

    >>> from crmkpi import preset
    >>> preset("zoho_deal").system, preset("zoho_deal").seen
    ('Zoho CRM', 'file')
    """

    name: str = "yours"
    extends: str | None = None
    system: str
    title: str
    record: str | None
    seen: Seen = "documents"
    source: str = ""
    notes: tuple[str, ...] = ()
    constants: Mapping[str, str | float] = Field(default_factory=dict)
    missing: tuple[str, ...] = ()
    decimal: Literal[".", ","] | None = None
    header_rows: int = Field(default=1, ge=1, le=3)
    ends: Literal["inclusive", "exclusive"] = "exclusive"
    kinds: Mapping[str, AttributeKind] = Field(default_factory=dict)
    numbered: bool = False
    fill_down: bool = False
    history: bool = False
    leave_out: tuple[LeaveOut, ...] = ()
    columns: tuple[PresetColumn, ...] = Field(min_length=1)
    stages: StageColumns | None = None
    asks: tuple[str, ...] = ()
    merged: tuple[str, ...] = ()
    warn: Warn | None = None

    @model_validator(mode="after")
    def _fits_its_record(self) -> Self:
        if self.record is None:
            return self
        kind = record_named(self.record)
        for column in self.columns:
            check_column(column, kind)
        for name in (*self.constants, *self.asks):
            _check_field(name, kind)
        return self

    def seen_of(self, column: PresetColumn) -> Seen:
        """The evidence for a column: its own, else that of the preset."""
        return column.seen or self.seen


def record_named(name: str) -> RecordType:
    """The record class of a name, such as Deal."""
    known = {model.__name__: record_type(model) for model in RECORDS.values()}
    if name not in known:
        raise ValueError(f"There is no record {name!r}. {did_you_mean(name, known)}")
    return known[name]


def check_column(column: PresetColumn, kind: RecordType) -> None:
    """Raise a `ValueError` for keys of a column that do not fit the fields that it fills."""
    for name in (*column.fills, *filter(None, (column.after,))):
        _check_field(name, kind)
    kinds = {name: kind.fields[name].kind for name in column.fills if name != "attributes"}
    for name, of in kinds.items():
        if column.unit is not None and of not in _KINDS_OF_UNITS[column.unit]:
            raise ValueError(f"The unit {column.unit!r} does not fit {name!r}, which holds a {of}.")
        if of == "timestamp" and (column.unit in _DURATIONS) != (column.after is not None):
            raise ValueError(f"A duration and `after` belong together where a column fills {name!r}.")
        choices = kind.fields[name].choices
        for meant in (*column.words.values(), column.others):
            if choices and meant is not None and meant not in choices:
                raise ValueError(f"{name!r} has no value {meant!r}. {did_you_mean(meant, choices)}")


def _check_field(name: str, kind: RecordType) -> None:
    if name not in kind.fields:
        raise ValueError(f"{kind.model.__name__} has no field {name!r}. {did_you_mean(name, kind.fields)}")
