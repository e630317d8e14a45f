"""Results as pydantic types: the schema of the rows of `to_dicts()`, tagged by unit; results round-trip.

`-> ck.Result` and `-> ck.Report` work as response models of FastAPI, and `TypeAdapter(ck.Result)` reads its own output.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from crmkpi.dates.periods import Period
from crmkpi.definition.metric import Metric
from crmkpi.display.rows import result_row
from crmkpi.errors import PeriodError, UnknownNameError
from crmkpi.measuring.accounts import Account
from crmkpi.measuring.changes import Change, Verdict
from crmkpi.measuring.results import Report, Result, compared, told_of
from crmkpi.metrics.catalogue import catalogue
from crmkpi.statistics.intervals import Interval

__all__ = ["CountResult", "DurationResult", "MoneyResult", "NumberResult", "report_schema", "result_schema"]

Plain = str | int | float | bool | None
_CONFIDENCE = 0.95  # of the interval of a change whose value has no interval


class _Row(BaseModel):
    """A result as one flat row, as `Result.to_dict()` writes it; segments are keys of their own names."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Plain]

    metric: str = Field(description="The id of the KPI, and of the variant if it is one.")
    title: str = Field(description="The name of the KPI.")
    period: str | None = Field(description="The name of the period; None for the whole data.")
    period_start: datetime | None = Field(description="The first moment of the period.")
    period_end: datetime | None = Field(description="The first moment after the period.")
    currency: str | None = Field(description="The currency of an amount.")
    confidence: float | None = Field(description="The confidence level of the interval, such as 0.95.")
    n: int = Field(description="The number of records behind the value.")
    small_sample: bool = Field(description="Whether there are so few records that the value says little.")
    given: int = Field(description="Records given: used, left out, outside and rejected.")
    used: int
    left_out: dict[str, int] = Field(description="Records that were left out, by reason.")
    outside: int = Field(description="Records outside of the definition, the period or the segment.")
    rejected: int = Field(description="Rows of the source that could not be read.")
    unread: dict[str, int] = Field(description="The reasons for rejected rows.")
    skipped: dict[str, int] = Field(description="Rows of the source that are not records, by reason.")
    unreadable: dict[str, dict[str, int]] = Field(description="Values of fields that could not be read, by field.")
    complete: bool | None = Field(description="Whether the period was over as of the given day.")
    reason: str | None = Field(description="The reason for an undefined value.")
    inputs: dict[str, Plain] = Field(description="The inputs of the formula.")
    parameters: dict[str, Plain]
    previous_period: str | None = None
    relative_change: float | None = None
    better: bool | None = Field(default=None, description="Whether a significant change is an improvement.")
    p_value: float | None = Field(default=None, description="The probability of a change as large by chance.")
    adjusted_p: float | None = Field(
        default=None, description="The p-value adjusted for all comparisons of the measurement."
    )
    comparisons: int = 1
    verdict: Verdict | None = None
    no_verdict: str | None = Field(default=None, description="The reason for a missing verdict.")


class CountResult(_Row):
    """A count."""

    unit: Literal["count"]
    value: int | None
    low: float | None
    high: float | None
    previous_value: int | None = None
    change: int | None = None
    change_low: float | None = None
    change_high: float | None = None
    detectable: float | None = None


class NumberResult(_Row):
    """A fraction (ratio), a multiple, a score on its scale, or a number."""

    unit: Literal["ratio", "multiple", "score", "number"]
    value: float | None
    low: float | None
    high: float | None
    previous_value: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    detectable: float | None = None


class MoneyResult(_Row):
    """An amount, as text that keeps its digits."""

    unit: Literal["money"]
    value: Decimal | None
    low: Decimal | None
    high: Decimal | None
    previous_value: Decimal | None = None
    change: Decimal | None = None
    change_low: Decimal | None = None
    change_high: Decimal | None = None
    detectable: Decimal | None = None


class DurationResult(_Row):
    """A duration in seconds."""

    unit: Literal["duration"]
    value: float | None = Field(description="seconds")
    low: float | None = Field(description="seconds")
    high: float | None = Field(description="seconds")
    previous_value: float | None = Field(default=None, description="seconds")
    change: float | None = Field(default=None, description="seconds")
    change_low: float | None = Field(default=None, description="seconds")
    change_high: float | None = Field(default=None, description="seconds")
    detectable: float | None = Field(default=None, description="seconds")


Row = Annotated[CountResult | NumberResult | MoneyResult | DurationResult, Field(discriminator="unit")]


def result_schema(handler: GetCoreSchemaHandler) -> CoreSchema:
    """The schema of `Result` for pydantic: writes the row, and reads a result or the row of one."""
    row = handler.generate_schema(Row)
    read = core_schema.chain_schema([row, core_schema.no_info_plain_validator_function(_result_of)])
    return _either(Result, read, core_schema.plain_serializer_function_ser_schema(_row_of, return_schema=row))


def report_schema(handler: GetCoreSchemaHandler) -> CoreSchema:
    """The schema of `Report` for pydantic: writes the rows, and reads a report or the rows of one."""
    rows = core_schema.list_schema(handler.generate_schema(Row))
    read = core_schema.chain_schema([rows, core_schema.no_info_plain_validator_function(_report_of)])
    write = core_schema.plain_serializer_function_ser_schema(_rows_of, return_schema=rows)
    return _either(Report, read, write)


def _either(kind: type, read: CoreSchema, write: core_schema.SerSchema) -> CoreSchema:
    """A schema that accepts an instance of the class or its serialised form."""
    itself = core_schema.union_schema([core_schema.is_instance_schema(kind), read])
    return core_schema.json_or_python_schema(json_schema=read, python_schema=itself, serialization=write)


@cache
def _reader() -> TypeAdapter[Any]:
    return TypeAdapter(Row)


def _row_of(result: Result) -> Any:
    """The row as a model; without a comparison its keys are None."""
    return _reader().validate_python(result_row(result))


def _rows_of(report: Report) -> list[Any]:
    return [_row_of(result) for result in report]


def _report_of(rows: list[_Row]) -> Report:
    return Report(tuple(map(_result_of, rows)))


def _result_of(row: Any) -> Result:
    """The result from its row; a row whose definition differs from the catalogue's is an error.

    A row has no method of the interval, which becomes "estimated", and one account for all tables together.
    """
    metric = _metric_of(row)
    low, high = _typed(row, row.low, row.high)
    interval = None if low is None else Interval(low, high, row.confidence, "estimated")
    table = " and ".join(metric.tables)
    account = Account(
        table, None, row.given, row.used, row.left_out, row.rejected, row.unread, row.skipped, row.unreadable
    )
    value, before, absolute, detectable = _typed(row, row.value, row.previous_value, row.change, row.detectable)
    period = None if row.period is None else _period_of(row.period, row.period_start, row.period_end)
    result = Result(
        metric,
        value,
        row.reason,
        row.inputs,
        row.currency,
        interval,
        row.n,
        (account,),
        row.parameters,
        period,
        _segment_of(row),
        row.complete,
        exact=row.value,
    )
    if row.previous_period is None:
        return result
    other = _period_of(row.previous_period, None, None)
    result = compared(result, Result(metric, before, None, {}, row.currency, period=other, exact=row.previous_value))
    low, high = _typed(row, row.change_low, row.change_high)
    change = Change(
        absolute,
        row.relative_change,
        row.better,
        None if low is None else Interval(low, high, row.confidence or _CONFIDENCE, "estimated"),
        row.p_value,
        row.verdict,
        detectable,
        row.adjusted_p,
        row.comparisons,
        row.no_verdict,
    )
    return told_of(result, change)


def _metric_of(row: _Row) -> Metric:
    try:
        metric = catalogue.find(row.metric)
    except UnknownNameError as error:
        raise PydanticCustomError("unknown_metric", "{reason}", {"reason": str(error)}) from error
    unit: str = getattr(row, "unit")  # noqa: B009  # each kind of row has its own
    if (metric.unit, metric.title) != (unit, row.title):
        raise PydanticCustomError(
            "changed_definition",
            "{metric} is {title} in {unit}, and the row says {told} in {told_unit}: it was changed, or written by "
            "another version",
            {"metric": metric.id, "title": metric.title, "unit": metric.unit, "told": row.title, "told_unit": unit},
        )
    return metric


def _typed(row: Any, *values: Any) -> tuple[Any, ...]:
    """Numbers of a row in the type of its unit."""
    if row.unit != "duration":
        return values
    return tuple(None if value is None else timedelta(seconds=value) for value in values)


def _period_of(label: str, start: datetime | None, end: datetime | None) -> Period | None:
    """The period with this label, if its bounds agree; else the span between the bounds, under this label."""
    try:
        named = Period(label)
    except PeriodError:
        named = None
    if start is None or end is None:
        return named
    if named is not None and (named.start, named.end) == (start, end):
        return named
    return Period.between(start, end, label=label)


def _segment_of(row: _Row) -> dict[str, Plain]:
    names = {*type(row).model_fields}
    return {
        name.removeprefix("by_") if name.removeprefix("by_") in names else name: value
        for name, value in (row.__pydantic_extra__ or {}).items()
    }
