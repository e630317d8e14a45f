"""KPIs of customer relationships, each said once and measured with its evidence.

>>> import crmkpi as ck
>>> deals = [ck.Deal(id="1", status="won"), ck.Deal(id="2", status="lost"), ck.Deal(id="3", status="open")]
>>> ck.win_rate(deals).value
0.5

Every KPI of the catalogue is a name of this module (`crmkpi.win_rate`) and of its theme (`crmkpi.sales.win_rate`);
`crmkpi.catalogue` finds it by the names that people use. Words for writing KPIs of your own, such as period bounds and
business time, are in `crmkpi.expressions`; tools for testing them in `crmkpi.testing`.
"""

from __future__ import annotations

from crmkpi.calendars import Calendar
from crmkpi.catalogue import catalogue
from crmkpi.dataset import Dataset
from crmkpi.errors import CrmKpiError
from crmkpi.expressions import Parameter
from crmkpi.measures import Table
from crmkpi.metric import Mean, Metric, NetPromoter, Share, metric
from crmkpi.metrics import customers, experience, marketing, sales, service, value
from crmkpi.metrics.customers import average_order_value, churn_rate, repeat_purchase_rate, retention_rate
from crmkpi.metrics.experience import customer_effort_score, customer_satisfaction_score, net_promoter_score
from crmkpi.metrics.marketing import campaign_roi, cost_per_lead, lead_conversion_rate, lead_volume, mql_rate
from crmkpi.metrics.sales import (
    average_deal_size,
    pipeline_value,
    revenue,
    revenue_growth_rate,
    sales_cycle_length,
    weighted_pipeline,
    win_rate,
)
from crmkpi.metrics.service import first_response_time, resolution_time, ticket_volume
from crmkpi.metrics.value import customer_acquisition_cost, customer_lifetime_value, return_on_investment
from crmkpi.money import Rates
from crmkpi.periods import Period
from crmkpi.records import (
    Campaign,
    Customer,
    Deal,
    Expense,
    Interaction,
    Lead,
    Order,
    StageVisit,
    Subscription,
    Survey,
    Ticket,
    Visit,
)
from crmkpi.results import Report, Result
from crmkpi.segments import Segment, split
from crmkpi.sources import read_csv, read_dicts, read_json, write_csv

__version__ = "0.1.0"
