"""Load a company file as a dataset, with its KPI sets and reports."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from crmkpi.company.keys import CompanyKeys, CompanySetKeys, ReportKeys
from crmkpi.company.reading import Tell, read_table
from crmkpi.company.secrets import check_no_secrets
from crmkpi.dates.calendars import Calendar
from crmkpi.errors import FileFormatError, InputError, unknown_name
from crmkpi.insight.kpi_sets import KpiSet, kpi_set, read_kpi_set
from crmkpi.measuring.dataset import Dataset
from crmkpi.money import Rates
from crmkpi.records import RECORDS
from crmkpi.schemas import said

__all__ = ["NAME", "CompanyFile", "company", "company_file", "found_file"]

NAME = "crmkpi.toml"


@dataclass(frozen=True)
class CompanyFile:
    """A validated company file; its data is read when the dataset is first used."""

    path: Path
    keys: CompanyKeys

    @property
    def folder(self) -> Path:
        """The folder of the file, to which its paths are relative."""
        return self.path.parent

    @property
    def name(self) -> str:
        """The name of the company; by default that of the folder."""
        return self.keys.name or self.folder.name

    @cached_property
    def calendar(self) -> Calendar:
        """The calendar."""
        told = self.keys.calendar.model_dump(exclude_unset=True)
        if isinstance(hours := told.get("opening_hours"), dict):
            told["opening_hours"] = {
                days: [tuple(each) for each in spans] if isinstance(spans[0], list) else tuple(spans)
                for days, spans in hours.items()
                if spans
            }
        return Calendar(**told)

    @cached_property
    def rates(self) -> Rates | None:
        """The rates to the company's currency."""
        if not self.keys.rates:
            return None
        if self.keys.currency is None:
            raise InputError('rates convert to currency, which the company file does not say; add currency = "EUR".')
        rates: dict[str, Any] = {
            currency: {_day(f"rates.{currency}", day): one for day, one in rate.items()}
            if isinstance(rate, dict)
            else rate
            for currency, rate in self.keys.rates.items()
        }
        return Rates(self.keys.currency, rates)

    @property
    def as_of(self) -> date | None:
        """The day or moment up to which the data is known; "today" is today in the calendar's time zone."""
        match self.keys.as_of:
            case "today":
                return datetime.now(self.calendar.zone).date()
            case str() as text:
                return _day("as_of", text)
            case known:
                return known

    @cached_property
    def kpi_sets(self) -> tuple[KpiSet, ...]:
        """The KPI sets: those in the company file and those in separate files."""
        return tuple(map(self._kpi_set, self.keys.kpi_set))

    def _kpi_set(self, keys: CompanySetKeys) -> KpiSet:
        if keys.file is None:
            return kpi_set(keys.model_dump(by_alias=True, exclude_unset=True))
        if keys.kpi:
            raise InputError("A KPI set is in a file of its own or in the company file; got both.")
        try:
            return read_kpi_set(self.folder / keys.file)
        except OSError:
            raise InputError(f"kpi_set: there is no file {keys.file!r} in {self.folder}.") from None

    def kpi_set(self, name: str) -> KpiSet:
        """The KPI set of that name."""
        for one in self.kpi_sets:
            if one.name == name:
                return one
        raise unknown_name(f"The company file has no KPI set {name!r}.", name, [one.name for one in self.kpi_sets])

    def report(self, name: str) -> ReportKeys:
        """The report of that name."""
        for one in self.keys.report:
            if one.name == name:
                return one
        raise unknown_name(f"The company file has no report {name!r}.", name, [one.name for one in self.keys.report])

    def dataset(self, *, tell: Tell | None = None, tables: Collection[str] | None = None) -> Dataset:
        """Read the tables now, with the calendar and money; `tell` is called for each file."""
        if not self.keys.tables:
            raise InputError(
                f'{self.path.name} has no tables; add one, such as [tables.deals] with files = "deals.csv", or let '
                "crmkpi init FILES propose them."
            )
        read: dict[str, Any] = {
            name: read_table(name, keys, self.folder, currency=self.keys.currency, tz=self.calendar.tz, tell=tell)
            for name, keys in self.keys.tables.items()
            if tables is None or name in tables
        }
        more: dict[str, Any] = {}
        if self.keys.most_unreadable is not None:
            more["most_unreadable"] = self.keys.most_unreadable
        return Dataset(
            calendar=self.calendar, currency=self.keys.currency, rates=self.rates, as_of=self.as_of, **more, **read
        )


def company(path: str | Path = NAME) -> Dataset:
    r"""Read the dataset of a company file: its tables, with its calendar, money and `as_of`.

    `crmkpi init FILES` proposes such a file; docs/company-file.md has every key.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "deals.csv").write_text("id,status\n1,won\n2,lost\n")
    >>> _ = (folder / "crmkpi.toml").write_text('[tables.deals]\nfiles = "deals*.csv"\n')
    >>> from crmkpi import win_rate
    >>> win_rate(company(folder / "crmkpi.toml")).value
    0.5
    """
    return company_file(path).dataset()


def company_file(path: str | Path = NAME) -> CompanyFile:
    """Validate a company file; an unknown key, a secret or a name that does not exist is an error at once."""
    file = Path(path).absolute()
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"There is no company file {file.name} in {file.parent}; crmkpi init FILES proposes one."
        ) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise FileFormatError(f"{file.name} is not TOML: {error}.") from None
    check_no_secrets(given)
    found = CompanyFile(file, said(CompanyKeys, given))
    for table in found.keys.tables:
        if table not in RECORDS:
            raise unknown_name(f"There is no table {table!r}.", table, RECORDS)
    _check(found)
    return found


def _check(found: CompanyFile) -> None:
    """Validate the references between the parts of a file, before any data is read."""
    _check_names("Two KPI sets are", [one.name for one in found.kpi_sets])
    _check_names("Two reports are", [one.name for one in found.keys.report])
    outputs = [output for one in found.keys.report for output in one.outputs]
    _check_names("Two outputs are", outputs)
    for report in found.keys.report:
        if report.kpi_set is not None:
            found.kpi_set(report.kpi_set)
    _ = found.calendar, found.rates, found.as_of


def _check_names(what: str, names: list[str]) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{what} called {twice!r}; give each a name of its own.")


def _day(place: str, text: str) -> date:
    try:
        return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
    except ValueError:
        raise InputError(f'{place} is a day such as 2026-03-31, or "today"; got {text!r}.') from None


def found_file(start: Path | None = None) -> Path:
    """The company file in a folder or in one of its parents."""
    folder = (start or Path()).absolute()
    for each in (folder, *folder.parents):
        if (each / NAME).is_file():
            return each / NAME
    raise InputError(f"There is no {NAME} in {folder} or above; crmkpi init FILES proposes one, -c FILE names another.")
