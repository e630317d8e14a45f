"""Sales opportunities of a hardware manufacturer: deals, accounts, products and sales teams."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.definition.expressions import as_of, period
from crmkpi.definition.measures import Measure
from crmkpi.definition.metric import Metric
from crmkpi.definition.units import Unit
from crmkpi.records.base import Money, record

DATA_SET = "maven_crm"
QUARTERS = "2016-10-01..2017-12-31"

deals = ck.Table(ck.Deal)
won = deals.status == "won"
lost = deals.status == "lost"
closed = deals.status.is_in("won", "lost")
cycle = deals.closed_at - deals.created_at
was_open = (deals.created_at < period.end) & ((deals.status == "open") | (deals.closed_at >= period.end))


@record(table="products")
class Product:
    """What is sold, with its list price."""

    id: str
    series: str
    sales_price: Money


@record(table="agents")
class Agent:
    """Who sells, for whom and where."""

    id: str
    manager: str
    regional_office: str


@dataclass(frozen=True, slots=True)
class Maven:
    """The files as records.

    The amounts of `listed` are list prices; `accounts` has each deal as an order of its account.
    """

    crm: ck.Dataset
    listed: ck.Dataset
    accounts: ck.Dataset
    products: Mapping[str, Product]
    agents: Mapping[str, Agent]

    def of_agent(self, name: str) -> ck.Segment:
        """Group deals by something that their agent has."""
        return ck.Segment(name, lambda deal: getattr(self.agents[deal.owner], name))

    def of_product(self, name: str) -> ck.Segment:
        """Group deals by something that their product has."""
        return ck.Segment(name, lambda deal: getattr(self.products[deal.product], name))


@pytest.fixture(scope="module")
def maven(folder: Path) -> Maven:
    files = folder / "maven_crm"
    columns = {
        "opportunity_id": "id",
        "sales_agent": "owner",
        "account": "customer_id",
        "deal_stage": ("status", "stage"),
        "engage_date": "created_at",
        "close_date": "closed_at",
        "close_value": "amount",
    }
    values: dict[str, dict[str, Any]] = {
        "status": {"Engaging": "open", "Prospecting": "open"},
        "product": {"GTXPro": "GTX Pro"},
    }
    products = ck.read_csv(files / "products.csv", record=Product, columns={"product": "id"}, strict=True)
    agents = ck.read_csv(files / "sales_teams.csv", record=Agent, columns={"sales_agent": "id"}, strict=True)
    customers = ck.read_csv(
        files / "accounts.csv",
        record=ck.Customer,
        columns={"account": "id", "sector": "industry", "office_location": "region"},
        strict=True,
    )
    pipeline = files / "sales_pipeline.csv"
    prices = {product.id: product.sales_price for product in products}
    listed = ck.read_csv(
        pipeline,
        record=ck.Deal,
        columns=columns | {"close_value": None, "product": ("product", "amount")},
        values=values | {"amount": prices | {"GTXPro": prices["GTX Pro"]}},
        strict=True,
    )
    orders = ck.read_csv(
        pipeline,
        record=ck.Order,
        columns={
            "opportunity_id": "id",
            "account": "customer_id",
            "deal_stage": "status",
            "close_date": "ordered_at",
            "close_value": "amount",
        },
        values={"status": {"Won": "completed"} | dict.fromkeys(("Lost", "Engaging", "Prospecting"), "abandoned")},
        strict=True,
    )
    return Maven(
        ck.Dataset(
            deals=ck.read_csv(pipeline, record=ck.Deal, columns=columns, values=values, strict=True),
            customers=customers,
            currency="USD",
        ),
        ck.Dataset(deals=listed, currency="USD"),
        ck.Dataset(orders=orders, currency="USD"),
        {product.id: product for product in products},
        {agent.id: agent for agent in agents},
    )


def asked(unit: Unit, measure: Measure, *, at: Any = None) -> Metric:
    """A metric that is one measure and nothing else."""

    @ck.metric(unit=unit, at=at, measure=measure)
    def custom(measure: Any) -> Any:
        """What the measure says."""
        return measure

    return custom


@ck.metric(at=deals.created_at, won=deals.count(won), closed=deals.count(closed), unit="ratio")
def win_rate_by_engagement(won: int, closed: int) -> float:
    """Share of the deals engaged in the period and closed by now that were won."""
    return won / closed


@ck.metric(
    at=deals.closed_at,
    won=deals.count(won),
    closed=deals.count(closed),
    amount=deals.sum(deals.amount, won),
    cycle=deals.mean(cycle, won),
    unit="number",
)
def velocity(won: int, closed: int, amount: Decimal, cycle: float) -> float:
    """Closed deals times win rate times mean amount won, per day of the mean cycle."""
    return closed * (won / closed) * (float(amount) / won) / (cycle / 86_400)


CATALOGUE: dict[str, Callable[[Maven], Any]] = {
    "win_rate_closed": lambda maven: ck.win_rate(maven.crm),
    "win_rate_all_created": lambda maven: ck.win_rate.variant("of_created")(maven.crm),
    "win_rate_value_recorded": lambda maven: ck.win_rate.variant("by_amount")(maven.crm),
    "win_rate_value_list_price": lambda maven: ck.win_rate.variant("by_amount")(maven.listed),
    "win_rate_by_sales_agent": lambda maven: maven.crm.measure(ck.win_rate, by="owner"),
    "win_rate_by_manager": lambda maven: maven.crm.measure(ck.win_rate, by=maven.of_agent("manager")),
    "win_rate_by_regional_office": lambda maven: maven.crm.measure(ck.win_rate, by=maven.of_agent("regional_office")),
    "win_rate_by_product": lambda maven: maven.crm.measure(ck.win_rate, by="product"),
    "win_rate_by_series": lambda maven: maven.crm.measure(ck.win_rate, by=maven.of_product("series")),
    "win_rate_by_sector": lambda maven: maven.crm.measure(ck.win_rate, by="customer.industry"),
    "win_rate_by_close_quarter": lambda maven: maven.crm.measure(ck.win_rate, period="2017", every="quarter"),
    "win_rate_by_close_month": lambda maven: maven.crm.measure(ck.win_rate, period="2017", every="month"),
    "win_rate_by_engage_quarter_all": lambda maven: maven.crm.measure(
        ck.win_rate.variant("of_created"), period=QUARTERS, every="quarter"
    ),
    "avg_deal_size_won": lambda maven: ck.average_deal_size(maven.crm),
    "avg_deal_size_closed_incl_lost": lambda maven: ck.average_deal_size.variant("all_closed")(maven.crm),
    "median_deal_size_won": lambda maven: ck.average_deal_size.variant("median")(maven.crm),
    "avg_deal_size_by_sales_agent": lambda maven: maven.crm.measure(ck.average_deal_size, by="owner"),
    "avg_deal_size_by_regional_office": lambda maven: maven.crm.measure(
        ck.average_deal_size, by=maven.of_agent("regional_office")
    ),
    "avg_deal_size_by_product": lambda maven: maven.crm.measure(ck.average_deal_size, by="product"),
    "avg_deal_size_by_sector": lambda maven: maven.crm.measure(ck.average_deal_size, by="customer.industry"),
    "revenue_total": lambda maven: ck.revenue(maven.crm),
    "revenue_by_close_quarter": lambda maven: maven.crm.measure(ck.revenue, period="2017", every="quarter"),
    "revenue_growth_by_quarter": lambda maven: maven.crm.measure(
        ck.revenue_growth_rate, period="2017", every="quarter"
    ),
    "revenue_by_close_month": lambda maven: maven.crm.measure(ck.revenue, period="2017", every="month"),
    "won_count_by_close_quarter": lambda maven: {
        result.period.label: result.inputs["won"]
        for result in maven.crm.measure(ck.win_rate, period="2017", every="quarter")
        if result.period is not None
    },
    "cycle_mean_won": lambda maven: ck.sales_cycle_length(maven.crm),
    "cycle_median_won": lambda maven: ck.sales_cycle_length.variant("median")(maven.crm),
    "cycle_p90_won": lambda maven: ck.sales_cycle_length.variant("p90")(maven.crm),
    "cycle_mean_lost": lambda maven: maven.crm.measure(ck.sales_cycle_length.variant("all_closed"), by="status").get(
        "sales_cycle_length.all_closed", status="lost"
    ),
    "cycle_mean_closed": lambda maven: ck.sales_cycle_length.variant("all_closed")(maven.crm),
    "cycle_mean_won_by_product": lambda maven: maven.crm.measure(ck.sales_cycle_length, by="product"),
    "cycle_mean_won_by_agent": lambda maven: maven.crm.measure(ck.sales_cycle_length, by="owner"),
    "cycle_mean_won_by_close_quarter": lambda maven: maven.crm.measure(
        ck.sales_cycle_length, period="2017", every="quarter"
    ),
    "open_pipeline_list_value_2017-12-31": lambda maven: ck.pipeline_value(maven.listed, period="2017-12-31"),
    "agents_without_deals": lambda maven: [
        agent
        for agent in sorted(maven.agents)
        if ck.win_rate([deal for deal in maven.crm.tables["deals"] if deal.owner == agent]).value is None
    ],
    "repeat_purchase_rate_accounts": lambda maven: ck.repeat_purchase_rate(maven.accounts),
}

CUSTOM: dict[str, Callable[[Maven], Any]] = {
    "count_by_stage": lambda maven: maven.crm.measure(asked("count", deals.count()), by="stage"),
    "win_rate_by_engage_quarter_closed_only": lambda maven: maven.crm.measure(
        win_rate_by_engagement, period=QUARTERS, every="quarter"
    ),
    "cycle_median_lost": lambda maven: asked("duration", deals.median(cycle, lost))(maven.crm),
    "cycle_p90_lost": lambda maven: asked("duration", deals.quantile(cycle, 0.9, lost))(maven.crm),
    "cycle_median_closed": lambda maven: asked("duration", deals.median(cycle, closed))(maven.crm),
    "cycle_p90_closed": lambda maven: asked("duration", deals.quantile(cycle, 0.9, closed))(maven.crm),
    "open_pipeline_at": lambda maven: {
        result.period.last_day.isoformat(): result
        for result in maven.crm.measure(asked("count", deals.count(was_open)), period=QUARTERS, every="quarter")
        if result.period is not None
    },
    "avg_age_open_2017-12-31": lambda maven: asked(
        "duration", deals.mean(as_of - deals.created_at, deals.status == "open")
    )(maven.crm, as_of=datetime(2017, 12, 31)),
    "missing_account": lambda maven: asked(
        "count", deals.count((deals.status == "open") & deals.customer_id.missing())
    )(maven.crm),
    "sales_velocity_2017Q4": lambda maven: velocity(maven.crm, period="2017-Q4"),
}

NOT_COVERED: dict[str, str] = {}


def test_the_published_figure_is_reproduced(check: Any, maven: Maven) -> None:
    check.confirm((CATALOGUE | CUSTOM)[check.id](maven))


def test_each_published_figure_is_in_exactly_one_table(published: list[Any]) -> None:
    assert sorted([*CATALOGUE, *CUSTOM, *NOT_COVERED]) == sorted(check.id for check in published)


def test_the_files_are_those_of_the_figures(checksums: dict[str, bool]) -> None:
    assert checksums == dict.fromkeys(checksums, True)


def test_an_agent_without_deals_has_no_win_rate_rather_than_zero(maven: Maven) -> None:
    busy = {deal.owner for deal in maven.crm.tables["deals"]}
    idle = next(agent for agent in maven.agents if agent not in busy)
    assert (
        ck.win_rate([deal for deal in maven.crm.tables["deals"] if deal.owner == idle]).reason == "no deal was closed"
    )


def test_deals_never_engaged_are_left_out_of_the_pipeline_and_counted(maven: Maven) -> None:
    prospects = sum(deal.stage == "Prospecting" for deal in maven.listed.tables["deals"])
    assert ck.pipeline_value(maven.listed, period="2017-12-31").left_out == {"no created_at": prospects}


def test_every_deal_is_used_left_out_or_outside(maven: Maven) -> None:
    quarters = maven.crm.measure(ck.win_rate, period="2017", every="quarter")
    whole = ck.win_rate(maven.crm)
    assert sum(result.accounts[0].used for result in quarters) == whole.accounts[0].used
    for result in (*quarters, whole):
        (account,) = result.accounts
        assert account.used + sum(account.left_out.values()) + account.outside + account.rejected == account.given


def test_the_file_is_recognised_and_read_by_its_preset_as_it_is_by_hand(folder: Path, maven: Maven) -> None:
    found = ck.read_export(folder / "maven_crm" / "sales_pipeline.csv", values={"product": {"GTXPro": "GTX Pro"}})
    assert found.account.preset == "maven_crm"
    assert (found.account.rows, found.account.used) == (len(found), len(found))
    assert list(found) == list(maven.crm.tables["deals"])
