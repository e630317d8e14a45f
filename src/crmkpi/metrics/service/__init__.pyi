# Written by `python .ci/stubs.py`; do not edit.
from crmkpi.metrics.service.average_interaction_cost import average_interaction_cost as average_interaction_cost
from crmkpi.metrics.service.average_response_time import average_response_time as average_response_time
from crmkpi.metrics.service.first_contact_resolution_rate import (
    first_contact_resolution_rate as first_contact_resolution_rate,
)
from crmkpi.metrics.service.first_response_time import first_response_time as first_response_time
from crmkpi.metrics.service.handle_time import handle_time as handle_time
from crmkpi.metrics.service.resolution_time import resolution_time as resolution_time
from crmkpi.metrics.service.telephone import call_abandon_rate as call_abandon_rate
from crmkpi.metrics.service.telephone import call_answer_rate as call_answer_rate
from crmkpi.metrics.service.telephone import call_resolution_rate as call_resolution_rate
from crmkpi.metrics.service.telephone import talk_time as talk_time
from crmkpi.metrics.service.ticket_counts import backlog as backlog
from crmkpi.metrics.service.ticket_counts import complaints as complaints
from crmkpi.metrics.service.ticket_counts import recurring_issues as recurring_issues
from crmkpi.metrics.service.ticket_rates import escalation_rate as escalation_rate
from crmkpi.metrics.service.ticket_rates import reopen_rate as reopen_rate
from crmkpi.metrics.service.ticket_rates import self_service_rate as self_service_rate
from crmkpi.metrics.service.ticket_rates import sla_attainment as sla_attainment
from crmkpi.metrics.service.ticket_volume import ticket_volume as ticket_volume
from crmkpi.metrics.service.tickets_per_customer import tickets_per_customer as tickets_per_customer

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
