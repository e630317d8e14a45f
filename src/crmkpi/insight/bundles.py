"""Starter KPI sets by role or by kind of business: a choice of KPIs, without figures."""

from __future__ import annotations

from collections.abc import Mapping

from crmkpi.errors import UnknownNameError, did_you_mean
from crmkpi.metrics.catalogue import catalogue
from crmkpi.metrics.roles import ROLES

__all__ = ["INDUSTRIES", "starter_set"]

_FIRST = 7  # people do not read more

# Industries whose choice of KPIs follows from their revenue model.
INDUSTRIES: Mapping[str, tuple[str, ...]] = {
    "subscription": (
        "mrr",
        "net_revenue_retention",
        "gross_revenue_retention",
        "churn_rate",
        "new_mrr",
        "customer_acquisition_cost",
        "ltv_to_cac_ratio",
        "arpu",
        "cac_payback_period",
    ),
    "shop": (
        "revenue",
        "average_order_value",
        "purchase_frequency",
        "repeat_purchase_rate",
        "cart_abandonment_rate",
        "visit_conversion_rate",
        "return_rate",
        "delivery_time",
        "customer_acquisition_cost",
    ),
    "lead-driven B2B": (
        "lead_volume",
        "lead_conversion_rate",
        "lead_response_time",
        "win_rate",
        "average_deal_size",
        "sales_cycle_length",
        "revenue",
        "pipeline_value",
        "cost_per_lead",
    ),
    "support desk": (
        "ticket_volume",
        "first_response_time",
        "resolution_time",
        "first_contact_resolution_rate",
        "sla_attainment",
        "customer_satisfaction_score",
        "backlog",
        "reopen_rate",
        "escalation_rate",
    ),
}


def starter_set(name: str) -> str:
    r"""A KPI set as TOML for a role ("sales manager") or an industry ("subscription"), its targets left to you.

    The first seven are the first tier, the others are supporting. `read_kpi_set` reads it as it is.

    >>> print(*starter_set("support desk").splitlines()[:8], sep="\n")
    name = "Support desk"
    period = "month"
    <BLANKLINE>
    [[kpi]]
    id = "ticket_volume"  # Ticket volume
    # target = { at_most = ? }
    # owner = "?"
    # why = "?"
    """
    bundles = {**ROLES, **INDUSTRIES}
    if name not in bundles:
        raise UnknownNameError(f"There is no KPI set for {name!r}. {did_you_mean(name, bundles)}")
    lines = [f'name = "{name[0].upper()}{name[1:]}"', 'period = "month"']
    for number, kpi in enumerate(bundles[name]):
        metric = catalogue.find(kpi)
        relation = "at_least" if metric.better == "higher" else "at_most"
        lines += ["", "[[kpi]]", f'id = "{kpi}"  # {metric.title}']
        if number >= _FIRST:
            lines.append('tier = "supporting"')
        lines += [f"# target = {{ {relation} = ? }}", '# owner = "?"', '# why = "?"']
    return "\n".join(lines) + "\n"
