"""The schema of a company file, for validation and for completion in editors."""

from __future__ import annotations

import json
from datetime import date, datetime
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from crmkpi.currencies import said_currency
from crmkpi.dates.calendars import CalendarUnit
from crmkpi.dates.opening_hours import Weekday
from crmkpi.insight.kpi_set_keys import KpiSetKeys
from crmkpi.records import RECORDS
from crmkpi.schemas import Keyed

__all__ = ["CalendarKeys", "CompanyKeys", "CompanySetKeys", "ReportKeys", "TableKeys", "company_schema"]

Rate = float | str | dict[str, float | str]
Hours = Literal["24/7"] | dict[str, list[str] | list[list[str]]]


class TableKeys(Keyed):
    """One table: its files or its database, and the reading options."""

    called: ClassVar[str] = "A table"

    files: str | list[str] = Field([], description="Paths or patterns, such as exports/deals*.csv.")
    database: str | None = Field(None, description="The NAME of the environment variable that holds the URL.")
    source: str | None = Field(None, description="The table or view of the database.")
    preset: str | None = Field(None, description='The system of the file, or "auto" to recognise it by the headers.')
    columns: dict[str, str | list[str] | dict[str, Any]] = Field(
        {}, description='Header = "field", several fields, or "" to drop the column.'
    )
    values: dict[str, dict[str, Any]] = Field(
        {}, description='By field, word of the file = "value", or "" for a missing value.'
    )
    defaults: dict[str, Any] = Field({}, description="Fields that no column fills.")
    kinds: dict[str, str] = Field({}, description="The kinds of custom columns: number, integer, money, flag, date ...")
    units: dict[str, str] = Field({}, description="By field, such as percent, minutes or smallest.")
    headers: list[str] | None = Field(None, description="The names of all columns of a file without headers.")
    sheet: str | None = Field(None, description="The sheet of a workbook.")
    encoding: str | None = None
    delimiter: str | None = None
    decimal: Literal[".", ","] | None = None
    date_format: str | dict[str, str] | None = None
    day_first: bool | None = None
    ends: Literal["inclusive", "exclusive"] | None = None
    tz: str | None = Field(None, description="The zone of times without an offset; by default the calendar's.")
    attributes: bool = Field(default=True, description="Keep columns that fill no field.")


class CalendarKeys(Keyed):
    """The calendar conventions of the company."""

    called: ClassVar[str] = "The calendar"

    tz: str = "UTC"
    fiscal_year_start: int = 1
    fiscal_year_named_after: Literal["end", "start"] = "end"
    week_start: Weekday = "monday"
    opening_hours: Hours | None = Field(None, description='Such as { "mon-fri" = ["09:00", "17:00"] }, or "24/7".')
    holidays: list[date] = Field([], description="Days without business time.")


class CompanySetKeys(KpiSetKeys):
    """A KPI set in the company file, or a reference to its file."""

    file: str | None = Field(None, description="A file with the KPI set, instead of the keys.")


class ReportKeys(Keyed):
    """The KPIs to measure, and the files to write."""

    called: ClassVar[str] = "A report"

    name: str = Field(description="The name of the report in `crmkpi run`.")
    show: Literal["table", "page"] = Field("table", description="A table of results, or a page for people.")
    title: str | None = None
    kpis: list[str] = Field([], description="KPIs or themes; by default all that the tables allow.")
    kpi_set: str | None = Field(None, description="The KPI set with the targets and alerts.")
    role: str | None = Field(
        None, description="The role whose KPIs are at the head of the page, such as sales manager."
    )
    period: str | None = None
    every: CalendarUnit | None = None
    by: list[str] = Field([], description="Fields to group by.")
    compare: str | None = Field(None, description="previous, year_ago, none, or a period.")
    where: dict[str, str] = Field({}, description="Only these segments, such as { owner = 'Ada' }.")
    sort: str | None = Field(None, description='"value", "change" or "name"; with a minus descending.')
    parameters: dict[str, Any] = Field({}, description="Parameters of KPIs.")
    confidence: float = 0.95
    outputs: list[str] = Field(min_length=1, description="Files by suffix: .md .html .xlsx .csv .json .txt.")
    state: str | None = Field(None, description="The file that keeps the state of alerts between runs.")


class CompanyKeys(Keyed):
    """The file of a company."""

    called: ClassVar[str] = "The company file"

    name: str | None = Field(None, description="The name of the company.")
    currency: Annotated[str, AfterValidator(partial(said_currency, "currency"))] | None = Field(
        None, description="The currency of amounts without one; with rates, the one to convert to."
    )
    as_of: date | datetime | str | None = Field(None, description='The day up to which the data is known, or "today".')
    most_unreadable: float | None = Field(None, description="The share of unreadable records a KPI may leave out.")
    calendar: CalendarKeys = CalendarKeys()
    rates: dict[str, Rate] = Field({}, description="The value of one unit of a currency, or its values by day.")
    tables: dict[str, TableKeys] = Field(
        {}, description="The tables, by name.", json_schema_extra={"propertyNames": {"enum": list(RECORDS)}}
    )
    segments: list[str] = Field([], description="The fields by which an assistant may group.")
    parameters: dict[str, Any] = Field({}, description="Parameters of KPIs, such as lifespan.")
    kpi_set: list[CompanySetKeys] = Field([], description="KPI sets, with targets and alerts.")
    report: list[ReportKeys] = Field([], description="The reports of `crmkpi run`.")


def company_schema() -> str:
    """The JSON Schema of a company file, for editors.

    >>> '"opening_hours"' in company_schema()
    True
    """
    return json.dumps(CompanyKeys.model_json_schema(by_alias=True), indent=1, ensure_ascii=False) + "\n"
