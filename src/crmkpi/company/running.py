"""Run the reports of a company file: read every table once, and write all outputs or none."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from crmkpi.company.asking import asked, chosen, lost, narrowed, wrong_file
from crmkpi.company.file import CompanyFile
from crmkpi.company.keys import ReportKeys
from crmkpi.company.outputs import PAGE_SUFFIXES, write_all
from crmkpi.company.reading import Tell
from crmkpi.definition.metric import Metric
from crmkpi.display.saving import REPORT_SUFFIXES, check_suffix, report_file
from crmkpi.errors import InputError, PeriodError
from crmkpi.insight.alerts import FiredAlert, Watch, WatchState, held, watch
from crmkpi.insight.kpi_sets import KpiSet
from crmkpi.insight.pages import Page
from crmkpi.insight.targets import Scorecard, TargetStatus, target_status
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.reach import silent_tables
from crmkpi.measuring.results import Report

__all__ = ["Run", "check_reports", "run_reports"]


@dataclass(frozen=True, slots=True)
class Run:
    """The files that a run wrote, and the findings that need attention."""

    written: tuple[Path, ...]
    alerts: tuple[FiredAlert, ...] = ()
    missed: tuple[TargetStatus, ...] = ()
    without_value: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def critical(self) -> bool:
        """Whether a critical alert fires."""
        return any(one.state == "firing" and one.severity == "critical" for one in self.alerts)


@dataclass(frozen=True, slots=True)
class _Made:
    """One report: the contents of its files, and its findings."""

    contents: dict[Path, bytes]
    results: Report
    watched: Watch | None
    targets: Scorecard | None
    notes: tuple[str, ...]


def run_reports(file: CompanyFile, names: Sequence[str] = (), *, tell: Tell | None = None) -> Run:
    """Read the tables, create the named reports (by default all), and write their outputs.

    Nothing is written if a table cannot be read, most of its rows are not records, or a report fails.
    """
    reports = [file.report(name) for name in names] or list(file.keys.report)
    if not reports:
        raise InputError(
            f'{file.path.name} has no reports; add one, such as [[report]] with name = "month", period = "last month" '
            'and outputs = ["month.md"].'
        )
    for report in reports:
        check_reports(file, report)
    crm = file.dataset(tell=tell)
    wrong = wrong_file(crm.tables)
    if wrong is not None:
        raise InputError(wrong)
    with ExitStack() as states:
        for path in sorted({file.folder / report.state for report in reports if report.state is not None}):
            path.parent.mkdir(parents=True, exist_ok=True)
            states.enter_context(held(path))
        made = [_made(file, crm, report) for report in reports]
        contents = {path: content for one in made for path, content in one.contents.items()}
        write_all(contents)
    return Run(
        tuple(contents),
        tuple(alert for one in made if one.watched is not None for alert in one.watched.alerts),
        tuple(t for one in made if one.targets is not None for t in one.targets.targets if t.status == "missed"),
        tuple(dict.fromkeys(name for keys, one in zip(reports, made, strict=True) for name in _lost(file, keys, one))),
        tuple(dict.fromkeys(note for one in made for note in one.notes)),
    )


def check_reports(file: CompanyFile, report: ReportKeys) -> None:
    """Validate the KPIs, the set and the outputs of a report, before data is read."""
    for name in report.kpis:
        chosen(name)
    if report.kpi_set is not None:
        file.kpi_set(report.kpi_set)
        if report.period is None:
            raise PeriodError(f'The report {report.name!r} needs a period for its targets; add period = "last month".')
    elif report.state is not None:
        raise InputError(f"The report {report.name!r} keeps a state of alerts, and names no kpi_set that has any.")
    for output in report.outputs:
        check_suffix(output, PAGE_SUFFIXES if report.show == "page" else REPORT_SUFFIXES)
    if report.show == "page":
        _check_page(report)


def _check_page(report: ReportKeys) -> None:
    if report.period is None:
        raise PeriodError(f'The page {report.name!r} is of one period; add period = "last month".')
    for key in ("every", "sort"):
        if getattr(report, key):
            raise InputError(f"A page shows a whole period, and {key} applies to tables; drop it from {report.name!r}.")


def _made(file: CompanyFile, crm: Dataset, keys: ReportKeys) -> _Made:
    kpis = None if keys.kpi_set is None else file.kpi_set(keys.kpi_set)
    if keys.show == "page":
        page = _page(file, crm, keys, kpis)
        report, notes = page.results, silent_tables(page.results)
        contents = {file.folder / output: page.content(output) for output in keys.outputs}
    else:
        report, notes = _report(file, crm, keys, kpis)
        contents = {file.folder / output: report_file(report, output) for output in keys.outputs}
    if kpis is None:
        return _Made(contents, report, None, None, notes)
    assert keys.period is not None
    state = file.folder / keys.state if keys.state is not None else None
    watched = watch(crm, kpis, period=keys.period, state=WatchState() if state is None else WatchState.read(state))
    if state is not None:
        contents[state] = watched.state.to_json().encode()
    targets = target_status(crm, kpis, period=keys.period)
    return _Made(contents, report, watched, targets, notes)


def _report(file: CompanyFile, crm: Dataset, keys: ReportKeys, kpis: KpiSet | None) -> tuple[Report, tuple[str, ...]]:
    choices: list[Metric | str] = [chosen(name) for name in keys.kpis]
    if not choices and kpis is not None:
        choices = [kpi.metric for kpi in kpis.kpis]
    report, notes = asked(
        crm,
        choices,
        period=keys.period,
        every=keys.every,
        by=keys.by,
        compare=keys.compare,
        where=keys.where,
        sort=keys.sort,
        parameters=keys.parameters,
        usual=file.keys.parameters,
        confidence=keys.confidence,
    )
    title = " ".join(filter(None, (keys.title or file.name, report.title)))
    return replace(report, title=title, notes=(*notes, *report.notes)), notes


def _page(file: CompanyFile, crm: Dataset, keys: ReportKeys, kpis: KpiSet | None) -> Page:
    """The page of a report, with the KPIs of its set and those that it names; by default with all KPIs."""
    assert keys.period is not None
    metrics: list[Metric] = []
    for name in keys.kpis:
        choice = chosen(name)
        metrics += [choice] if isinstance(choice, Metric) else crm.measurable(choice, file.keys.parameters)[0]
    return narrowed(crm, keys.where).page(
        period=keys.period,
        compare=keys.compare or "previous",
        name=keys.title or file.name,
        metrics=metrics or None,
        role=keys.role,
        kpis=kpis,
        by=keys.by or None,
        parameters={**file.keys.parameters, **keys.parameters},
        confidence=keys.confidence,
    )


def _lost(file: CompanyFile, keys: ReportKeys, made: _Made) -> list[str]:
    named = [chosen(name) for name in keys.kpis]
    if keys.kpi_set is not None:
        named += [kpi.metric for kpi in file.kpi_set(keys.kpi_set).kpis]
    return [one.definition for one in lost(made.results, named)]
