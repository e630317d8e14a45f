# Written by `python .ci/stubs.py`; do not edit.
from crmkpi.metrics.service.average_interaction_cost import average_interaction_cost
from crmkpi.metrics.service.average_response_time import average_response_time
from crmkpi.metrics.service.first_contact_resolution_rate import first_contact_resolution_rate
from crmkpi.metrics.service.first_response_time import first_response_time
from crmkpi.metrics.service.handle_time import handle_time
from crmkpi.metrics.service.resolution_time import resolution_time
from crmkpi.metrics.service.telephone import call_abandon_rate, call_answer_rate, call_resolution_rate, talk_time
from crmkpi.metrics.service.ticket_counts import backlog, complaints, recurring_issues
from crmkpi.metrics.service.ticket_rates import escalation_rate, reopen_rate, self_service_rate, sla_attainment
from crmkpi.metrics.service.ticket_volume import ticket_volume
from crmkpi.metrics.service.tickets_per_customer import tickets_per_customer

__all__ = [
    "average_interaction_cost",
    "average_response_time",
    "backlog",
    "call_abandon_rate",
    "call_answer_rate",
    "call_resolution_rate",
    "complaints",
    "escalation_rate",
    "first_contact_resolution_rate",
    "first_response_time",
    "handle_time",
    "recurring_issues",
    "reopen_rate",
    "resolution_time",
    "self_service_rate",
    "sla_attainment",
    "talk_time",
    "ticket_volume",
    "tickets_per_customer",
]
