"""Service: how much customers ask, and how fast they are helped."""

from __future__ import annotations

from crmkpi.metrics.service.first_response_time import first_response_time
from crmkpi.metrics.service.resolution_time import resolution_time
from crmkpi.metrics.service.ticket_volume import ticket_volume

__all__ = ["first_response_time", "resolution_time", "ticket_volume"]

METRICS = (ticket_volume, first_response_time, resolution_time)
