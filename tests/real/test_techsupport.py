"""Tickets of a technical support team: replies, solutions, service levels and satisfaction.

Many of the published figures include the two tickets that were answered before they were created. The library's metrics
leave them out and say so; those figures are reproduced by metrics of numbers of hours, which are of any sign.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import business_time, period
from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.units import Unit

DATA_SET = "techsupport"
YEAR = "2023"
HOUR = timedelta(hours=1)

tickets = ck.Table(ck.Ticket)
surveys = ck.Table(ck.Survey)
solved = tickets.solved_at.present()
reply_hours = (tickets.first_replied_at - tickets.created_at) / HOUR
solution_hours = (tickets.solved_at - tickets.created_at) / HOUR
open_to_reply = business_time(tickets.created_at, tickets.first_replied_at)
open_to_solution = business_time(tickets.created_at, tickets.solved_at)
in_time = "Within SLA"
backlog = (tickets.created_at < period.end) & (tickets.solved_at.missing() | (tickets.solved_at >= period.end))

reply_mean = ck.first_response_time.variant("mean")
solution_mean = ck.resolution_time.variant("mean")
solution_p90 = ck.resolution_time.variant("p90")
solution_business = ck.resolution_time.variant("business")


@dataclass(frozen=True, slots=True)
class Support:
    """The file as tickets and surveys.

    The tickets of `due_reply` are due by the first response, those of `closing` are solved when they are closed. The
    others are due by the solution. `holidays` is `crm` with a calendar that has holidays.
    """

    crm: ck.Dataset
    holidays: ck.Dataset
    due_reply: ck.Dataset
    closing: ck.Dataset


@pytest.fixture(scope="module")
def support(folder: Path) -> Support:
    path = folder / "techsupport" / "tickets.csv"
    columns = {
        "Ticket ID": "id",
        "Source": "channel",
        "Topic": "kind",
        "Agent Name": "agent",
        "Created time": "created_at",
        "First response time": "first_replied_at",
        "Agent interactions": "replies",
    }

    def read(*, solution: str, due: str) -> ck.sources.Records[ck.Ticket]:
        return ck.read_csv(
            path,
            record=ck.Ticket,
            columns=columns | {solution: "solved_at", due: "sla_due_at"},
            values={"status": {"In progress": "pending", "Resolved": "solved"}},
            strict=True,
        )

    by_ticket = read(solution="Resolution time", due="Expected SLA to resolve")
    answers = ck.read_csv(
        path,
        record=ck.Survey,
        columns={"Ticket ID": ("id", "ticket_id"), "Survey results": "score", "Close time": "answered_at"},
        defaults={"kind": "csat"},
        strict=True,
    )
    hours = {"mon-fri": ("09:00", "17:00")}
    days_off = [date(2023, 5, 1), date(2023, 12, 25), date(2023, 12, 26)]
    return Support(
        ck.Dataset(tickets=by_ticket, surveys=answers, calendar=ck.Calendar(opening_hours=hours)),
        ck.Dataset(tickets=by_ticket, calendar=ck.Calendar(opening_hours=hours, holidays=days_off)),
        ck.Dataset(tickets=read(solution="Resolution time", due="Expected SLA to first response")),
        ck.Dataset(tickets=read(solution="Close time", due="Expected SLA to resolve")),
    )


def asked(unit: Unit, measure: Measure, *, at: Any = None) -> Metric:
    """A metric that is one measure and nothing else."""

    @ck.metric(unit=unit, at=at, measure=measure)
    def custom(measure: Any) -> Any:
        """What the measure says."""
        return measure

    return custom


def share(part: Measure, whole: Measure) -> Metric:
    """A metric that is one count over another."""

    @ck.metric(unit="ratio", part=part, whole=whole)
    def custom_share(part: int, whole: int) -> float:
        """The part of the whole."""
        return part / whole

    return custom_share


def open_hours(spent: Any, end: Any) -> Metric:
    """Mean opening hours up to `end`, where a negative time counts as none."""

    @ck.metric(unit="duration", total=tickets.sum(spent), ended=tickets.count(end.present()))
    def custom_open_hours(total: float, ended: int) -> float:
        """Opening hours in all over the tickets."""
        return total / ended

    return custom_open_hours


@ck.metric(
    unit="ratio",
    mean=surveys.mean(surveys.score),
    low=surveys.min(surveys.scale_low),
    high=surveys.max(surveys.scale_high),
)
def mean_on_the_scale(mean: float, low: float, high: float) -> float:
    """Where the mean score lies between the ends of the scale."""
    return (mean - low) / (high - low)


one_touch = share(tickets.count(solved & (tickets.replies == 1)), tickets.count(solved))
answered_share = share(surveys.count(surveys.score.present()), tickets.count(solved))
volume_by_solution = asked("count", tickets.count(), at=tickets.solved_at)
mean_by_creation = asked("duration", tickets.mean(tickets.solved_at - tickets.created_at), at=tickets.created_at)
mean_reply_hours = asked("number", tickets.mean(reply_hours))


CATALOGUE: dict[str, Callable[[Support], Any]] = {
    "tickets": lambda support: ck.ticket_volume(support.crm),
    "tickets_by_status": lambda support: support.crm.measure(ck.ticket_volume, by={"status": _published_status}),
    "tickets_by_created_month": lambda support: support.crm.measure(ck.ticket_volume, period=YEAR, every="month"),
    "resolution_mean": lambda support: solution_mean(support.crm),
    "resolution_median": lambda support: ck.resolution_time(support.crm),
    "resolution_p90": lambda support: solution_p90(support.crm),
    "close_mean": lambda support: solution_mean(support.closing),
    "close_median": lambda support: ck.resolution_time(support.closing),
    "close_p90": lambda support: solution_p90(support.closing),
    "frt_mean_no_negative": lambda support: reply_mean(support.crm),
    "resolution_median_by_Priority": lambda support: support.crm.measure(ck.resolution_time, by="priority"),
    "resolution_median_by_Source": lambda support: support.crm.measure(ck.resolution_time, by="channel"),
    "resolution_median_by_Agent Group": lambda support: support.crm.measure(
        ck.resolution_time, by="attributes.Agent Group"
    ),
    "resolution_mean_by_resolved_month": lambda support: support.crm.measure(
        solution_mean, period="2023-01-01..2024-01-31", every="month"
    ),
    "unanswered": lambda support: ck.first_response_time(support.crm).left_out["no reply yet"],
    "csat_top2": lambda support: ck.customer_satisfaction_score(support.crm),
    "csat_top1": lambda support: ck.customer_satisfaction_score.variant("top_box")(support.crm),
    "csat_top2_by_Source": lambda support: support.crm.measure(
        ck.customer_satisfaction_score, by={"source": "ticket.channel"}
    ),
    "csat_by_closed_month": lambda support: support.crm.measure(
        ck.customer_satisfaction_score, period="2023-01-01..2024-01-31", every="month"
    ),
    "topic_case_folded": lambda support: support.crm.measure(
        ck.ticket_volume, by={"topic": lambda ticket: ticket.kind.lower()}
    ),
    "business_resolution_mean_median[1]": lambda support: solution_business(support.crm),
    "business_resolution_holidays_mean_median[1]": lambda support: solution_business(support.holidays),
}

CUSTOM: dict[str, Callable[[Support], Any]] = {
    "tickets_by_resolved_month": lambda support: support.crm.measure(
        volume_by_solution, period="2023-01-01..2024-01-31", every="month"
    ),
    "frt_mean": lambda support: mean_reply_hours(support.crm),
    "frt_median": lambda support: asked("number", tickets.median(reply_hours))(support.crm),
    "frt_p90": lambda support: asked("number", tickets.quantile(reply_hours, 0.9))(support.crm),
    "frt_mean_by_Priority": lambda support: support.crm.measure(mean_reply_hours, by="priority"),
    "frt_mean_by_Source": lambda support: support.crm.measure(mean_reply_hours, by="channel"),
    "frt_mean_by_Agent Group": lambda support: support.crm.measure(mean_reply_hours, by="attributes.Agent Group"),
    "resolution_mean_by_created_month": lambda support: support.crm.measure(
        mean_by_creation, period=YEAR, every="month"
    ),
    "sla_first_response_flag": lambda support: share(
        tickets.count(tickets.attributes["SLA For first response"] == in_time), tickets.count()
    )(support.crm),
    "sla_first_response_recomputed": lambda support: share(
        tickets.count(tickets.first_replied_at <= tickets.sla_due_at),
        tickets.count(tickets.first_replied_at.present()),
    )(support.due_reply),
    "sla_resolution_recomputed": lambda support: share(
        tickets.count(tickets.solved_at <= tickets.sla_due_at), tickets.count(solved)
    )(support.crm),
    "sla_resolution_flag": lambda support: share(
        tickets.count(tickets.attributes["SLA For Resolution"] == in_time), tickets.count()
    )(support.crm),
    "csat_mean": lambda support: asked("score", surveys.mean(surveys.score))(support.crm),
    "csat_mean_pct": lambda support: mean_on_the_scale(support.crm),
    "csat_response_rate": lambda support: answered_share(support.crm),
    "one_touch": lambda support: one_touch(support.crm),
    "one_touch_by_source": lambda support: support.crm.measure(one_touch, by="channel"),
    "interactions_per_resolved": lambda support: asked("number", tickets.mean(tickets.replies, solved))(support.crm),
    "backlog_at_end_of": lambda support: {
        result.period.last_day.isoformat(): result
        for result in support.crm.measure(asked("count", tickets.count(backlog)), period=YEAR, every="quarter")
        if result.period is not None
    },
    "business_frt_mean_median[0]": lambda support: open_hours(open_to_reply, tickets.first_replied_at)(support.crm),
    "business_frt_mean_median[1]": lambda support: asked("number", tickets.median(open_to_reply / HOUR))(support.crm),
    "business_frt_zero_count": lambda support: _count_of_none(open_to_reply)(support.crm),
    "business_resolution_mean_median[0]": lambda support: open_hours(open_to_solution, tickets.solved_at)(support.crm),
    "business_resolution_zero_count": lambda support: _count_of_none(open_to_solution)(support.crm),
    "business_resolution_holidays_mean_median[0]": lambda support: open_hours(open_to_solution, tickets.solved_at)(
        support.holidays
    ),
    "business_resolution_holidays_zero_count": lambda support: _count_of_none(open_to_solution)(support.holidays),
}

NOT_COVERED: dict[str, str] = {}


def _published_status(ticket: ck.Ticket) -> str:
    """The status in the words of the file."""
    words = {"pending": "In progress", "solved": "Resolved"}
    assert ticket.status is not None
    return words.get(ticket.status, ticket.status.capitalize())


def _count_of_none(spent: Any) -> Metric:
    """How many tickets took no opening hours at all, or less."""
    return asked("count", tickets.count(spent <= timedelta(0)))


def test_the_published_figure_is_reproduced(check: Any, support: Support) -> None:
    check.confirm((CATALOGUE | CUSTOM)[check.id](support))


def test_each_published_figure_is_in_exactly_one_table(published: list[Any]) -> None:
    assert sorted([*CATALOGUE, *CUSTOM, *NOT_COVERED]) == sorted(check.id for check in published)


def test_the_files_are_those_of_the_figures(checksums: dict[str, bool]) -> None:
    assert checksums == dict.fromkeys(checksums, True)


def test_replies_before_the_ticket_are_left_out_of_the_first_response_time_and_counted(support: Support) -> None:
    result = reply_mean(support.crm)
    early = sum(
        ticket.first_replied_at < ticket.created_at
        for ticket in support.crm.tables["tickets"]
        if ticket.first_replied_at is not None
    )
    assert early > 0
    assert result.left_out["negative duration"] == early
    assert result.n + sum(result.left_out.values()) == ck.ticket_volume(support.crm).value


def test_first_response_times_are_the_published_ones_wherever_no_reply_is_early(
    published: list[Any], support: Support
) -> None:
    figures = next(check.value for check in published if check.id == "frt_mean_by_Source")
    results = {result.segment["channel"]: result for result in support.crm.measure(reply_mean, by="channel")}
    assert set(results) == set(figures)
    for channel, result in results.items():
        figure = float(figures[channel])
        if "negative duration" in result.left_out:
            assert (result.to("hours") or 0) > figure
        else:
            assert result.to("hours") == pytest.approx(figure, rel=1e-12)


def test_topics_that_differ_in_case_are_two_unless_the_user_folds_them(support: Support) -> None:
    topics = {str(result.segment["kind"]) for result in support.crm.measure(ck.ticket_volume, by="kind")}
    assert len(topics) == len({topic.lower() for topic in topics}) + 1
