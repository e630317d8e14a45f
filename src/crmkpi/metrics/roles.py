"""The first KPIs for each role; a KPI may serve several roles. `crmkpi.catalogue.by_role` returns them."""

from collections.abc import Mapping

__all__ = ["ROLES"]

_LOOKED_AT_FIRST = {
    "sales manager": """
        win_rate won_deals revenue quota_attainment average_deal_size sales_cycle_length sales_velocity
        pipeline_value weighted_pipeline stage_conversion_rate stage_duration lost_deals sales_calls
        meetings_held
    """,
    "marketer": """
        lead_volume lead_conversion_rate mql_volume mql_to_sql_rate lead_response_time cost_per_lead
        campaign_roi roas visit_conversion_rate email_open_rate email_click_rate unsubscribe_rate
        brand_awareness cost_per_click cost_per_conversion social_mentions net_sentiment
    """,
    "support lead": """
        ticket_volume backlog first_response_time resolution_time first_contact_resolution_rate reopen_rate
        escalation_rate sla_attainment self_service_rate handle_time call_answer_rate tickets_per_customer
        customer_satisfaction_score customer_effort_score
    """,
    "customer success": """
        retention_rate churn_rate net_revenue_retention gross_revenue_retention expansion_mrr
        contraction_mrr customer_lifespan repeat_purchase_rate expansion_revenue net_promoter_score
        customer_satisfaction_score complaints tickets_per_customer
    """,
    "finance": """
        revenue revenue_growth_rate mrr arr net_new_mrr revenue_churn_rate arpu customer_acquisition_cost
        cac_payback_period return_on_investment revenue_per_customer average_interaction_cost
    """,
    "founder": """
        mrr net_new_mrr revenue_growth_rate net_revenue_retention churn_rate customer_acquisition_cost
        customer_lifetime_value ltv_to_cac_ratio cac_payback_period win_rate net_promoter_score market_share
    """,
}
ROLES: Mapping[str, tuple[str, ...]] = {role: tuple(names.split()) for role, names in _LOOKED_AT_FIRST.items()}
