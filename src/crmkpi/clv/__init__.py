"""Predict customer lifetime value: models of buying, leaving and spending, fitted by maximum likelihood."""

from __future__ import annotations

from crmkpi.clv.bg_bb import BgBb
from crmkpi.clv.bg_nbd import BgNbd, MbgNbd
from crmkpi.clv.gamma_gamma import GammaGamma
from crmkpi.clv.history import PurchaseHistory
from crmkpi.clv.model import Estimate, load_model
from crmkpi.clv.pareto_nbd import ParetoNbd
from crmkpi.clv.purchases import HoldoutCheck
from crmkpi.clv.sbg import ShiftedBetaGeometric
from crmkpi.clv.time import DiscountRate, Span, annual, days, monthly, months, weeks
from crmkpi.clv.value import CustomerValue, customer_value, customer_value_interval, value_table

__all__ = [
    "BgBb",
    "BgNbd",
    "CustomerValue",
    "DiscountRate",
    "Estimate",
    "GammaGamma",
    "HoldoutCheck",
    "MbgNbd",
    "ParetoNbd",
    "PurchaseHistory",
    "ShiftedBetaGeometric",
    "Span",
    "annual",
    "customer_value",
    "customer_value_interval",
    "days",
    "load_model",
    "monthly",
    "months",
    "value_table",
    "weeks",
]
