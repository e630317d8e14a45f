"""Outcomes of tickets: reopened, escalated, in time, solved by the customer."""

from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CALL_CENTER, ISO_18295, ITIL
from crmkpi.metrics.service.resolution_time import is_solved, not_counted
from crmkpi.metrics.service.ticket_volume import merged_or_spam
from crmkpi.metrics.tables import tickets

solved = tickets.solved_at.present() | tickets.status.is_in("solved", "closed")
# Some systems clear the date of the solution when a ticket is reopened.
was_solved = solved | tickets.first_solved_at.present() | (tickets.reopens > 0)
in_time = (tickets.solved_at <= tickets.sla_due_at) & is_solved
solved_some_day = tickets.status.is_in("solved", "closed") & tickets.sla_due_at.present() & tickets.solved_at.missing()


@metric(
    at=tickets.solved_at,
    reopened=tickets.count(was_solved & (tickets.reopens > 0)),
    solved=tickets.count(was_solved),
    leave_out=merged_or_spam | {"no reopens": was_solved & tickets.reopens.missing()},
    interval=Share("reopened", "solved"),
    unit="ratio",
    better="lower",
    empty="no ticket was solved",
    also_known_as=("ticket reopen rate", "reopened tickets rate", "case reopen rate"),
    default_because="Over tickets that were solved once: only those can be opened again.",
    sources=(ITIL,),
    ahead_of=("customer_satisfaction_score",),
)
def reopen_rate(reopened: int, solved: int) -> float:
    r"""Share of the tickets once solved that were opened again.

    $$\text{reopen rate} = \frac{\text{opened again at least once}}{\text{solved}}$$

    A ticket counts in the period of its latest solution, also if it is open again now; one without that date counts
    over all data, and is left out of periods.

    Notes:
        fivetran's dbt_zendesk counts solutions after the first; Zendesk counts the steps from solved to open.

    Pitfalls:
        A customer's "thank you" opens a ticket again in many systems. The latest weeks are low: few came back yet.

    >>> reopen_rate([Ticket(id=str(n), status="solved", reopens=reopens)
    ...              for n, reopens in enumerate([0, 2, 0, 0])]).value
    0.25
    """
    return reopened / solved


@metric(
    at=tickets.solved_at,
    escalated=tickets.count(solved & tickets.escalated),
    solved=tickets.count(solved),
    leave_out=not_counted,
    interval=Share("escalated", "solved"),
    unit="ratio",
    better="lower",
    empty="no ticket was solved",
    also_known_as=("ticket escalation rate", "case escalation rate"),
    default_because="Over solved tickets, of which it is known whether they were escalated in the end.",
    sources=(ITIL,),
    ahead_of=("customer_satisfaction_score",),
)
def escalation_rate(escalated: int, solved: int) -> float:
    r"""Share of the solved tickets that had been escalated.

    $$\text{escalation rate} = \frac{\text{solved tickets that were escalated}}{\text{solved}}$$

    A ticket counts in the period in which it was solved. Tickets that are open again are left out.

    Pitfalls:
        Escalated tickets take longer, so that the open ones hold more of them. A flag that nobody sets gives 0 %.

    >>> escalation_rate([Ticket(id="1", status="solved", escalated=True), Ticket(id="2", status="solved")]).value
    0.5
    """
    return escalated / solved


@metric(
    at=tickets.solved_at,
    met=tickets.count(tickets.solved_at <= tickets.sla_due_at),
    with_outcome=tickets.count(tickets.solved_at.present() & tickets.sla_due_at.present()),
    leave_out=not_counted | {"no solved_at": solved_some_day},
    interval=Share("met", "with_outcome"),
    unit="ratio",
    better="higher",
    empty="no ticket with a due time was solved",
    also_known_as=("SLA", "SLA compliance", "SLA achievement", "SLA met rate"),
    default_because="Only tickets with an outcome: one that is still open has neither kept nor broken its promise.",
    sources=(ITIL, ISO_18295),
    ahead_of=("customer_satisfaction_score",),
)
def sla_attainment(met: int, with_outcome: int) -> float:
    r"""Share of the tickets solved by the time that was promised.

    $$\text{SLA attainment} = \frac{\text{solved by the due time}}{\text{solved tickets with a due time}}$$

    A ticket counts in the period in which it was solved; at the very due time is in time. Tickets without a due time
    have no outcome. Tickets that are open again are left out.

    Notes:
        Stored flags often call every unsolved ticket violated. Open tickets past their due time are not in here: they
        count as missed once they are solved.

    Pitfalls:
        It can be 100 % while tickets far past their time lie open. A change of priority moves the due time.

    >>> tickets = [Ticket(id=day, status="solved", solved_at=f"2026-01-{day}", sla_due_at="2026-01-10")
    ...            for day in ("09", "10", "11", "12")]
    >>> sla_attainment(tickets).value
    0.5
    """
    return met / with_outcome


@sla_attainment.add_variant(
    at=tickets.sla_due_at,
    met=tickets.count(in_time),
    due=tickets.count(tickets.sla_due_at.present()),
    leave_out=merged_or_spam | {"no solved_at": solved_some_day},
    interval=Share("met", "due"),
    empty="no ticket was due",
)
def overdue_missed(met: int, due: int) -> float:
    r"""Share of the tickets due in the period that were solved in time; tickets open past their due time are missed.

    $$\text{SLA attainment, overdue missed} = \frac{\text{solved by the due time}}{\text{tickets that were due}}$$

    A ticket counts in the period in which it was due, up to `as_of`. Tickets that are open, also again, are missed once
    their due time has passed; without `as_of` every due time has.

    >>> tickets = [Ticket(id="1", status="solved", solved_at="2026-01-05", sla_due_at="2026-01-06"),
    ...            Ticket(id="2", status="open", sla_due_at="2026-01-06")]
    >>> sla_attainment.variant("overdue_missed")(tickets).value, sla_attainment(tickets).value
    (0.5, 1.0)
    """
    return met / due


@metric(
    at=tickets.created_at,
    self_served=tickets.count(tickets.self_served),
    tickets=tickets.count(),
    leave_out=merged_or_spam,
    interval=Share("self_served", "tickets"),
    unit="ratio",
    better="higher",
    empty="nothing was reported",
    also_known_as=("self-service resolution rate", "deflection rate", "bot resolution rate"),
    default_because="All issues reported are the whole; those solved without a person are a part of them.",
    sources=(CALL_CENTER,),
    guarded_by=("customer_satisfaction_score",),
)
def self_service_rate(self_served: int, tickets: int) -> float:
    r"""Share of all reported issues that the customer resolved without a person's help.

    $$\text{self-service rate} = \frac{\text{issues resolved by the customer}}{\text{all issues reported}}$$

    An issue counts in the period in which it was reported.

    Notes:
        Chatwoot divides what bots resolved in a period by the conversations created in it, which are different ones,
        and cuts the decimals off. Intercom tells confirmed resolutions from assumed ones.

    Pitfalls:
        Customers who gave up look like those who were helped. Issues without a ticket, as read articles, are not in it.

    >>> self_service_rate([Ticket(id="1", self_served=True), Ticket(id="2"), Ticket(id="3"), Ticket(id="4")]).value
    0.25
    """
    return self_served / tickets
