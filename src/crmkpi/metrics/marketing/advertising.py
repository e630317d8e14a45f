"""Advertising: impressions, clicks and conversions of ads, and their cost."""

from decimal import Decimal

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import campaigns

shown = campaigns.impressions.present()
cost = campaigns.sum(campaigns.cost, shown)
clicks = campaigns.sum(campaigns.clicks, shown)
conversions = campaigns.sum(campaigns.conversions, shown)
no_cost = {"no cost": shown & campaigns.cost.missing()}
no_clicks = {"no clicks": shown & campaigns.clicks.missing()}
no_conversions = {"no conversions": shown & campaigns.conversions.missing()}


@metric(
    at=campaigns.started_at,
    clicks=clicks,
    impressions=campaigns.sum(campaigns.impressions, shown),
    leave_out=no_clicks | {"more clicks than impressions": campaigns.clicks > campaigns.impressions},
    unit="ratio",
    better="higher",
    empty="nothing was shown",
    also_known_as=("ad CTR", "ad click-through rate", "click-through rate of ads"),
    default_because="Every advertising system shows clicks over impressions.",
    sources=(MARKETING_METRICS,),
    ahead_of=("lead_volume",),
)
def ad_click_rate(clicks: int, impressions: int) -> float:
    r"""Share of the times that an ad was shown in which it was clicked.

    $$\text{ad click rate} = \frac{\text{clicks}}{\text{impressions}}$$

    All campaigns with impressions together, so that a big one weighs more than a small one. A campaign counts in the
    period in which it started.

    Notes:
        Impressions are not independent: ads of one campaign are clicked more, or less, as a whole. So the value has
        no interval, and whether it changed follows from how campaigns differ.

    Pitfalls:
        One person may click twice, so that clicks are no people. Of e-mails it is `email_click_rate`.

    >>> ads = [Campaign(id="1", impressions=900, clicks=9), Campaign(id="2", impressions=100, clicks=11)]
    >>> ad_click_rate(ads).value
    0.02
    """
    return clicks / impressions


@metric(
    at=campaigns.started_at,
    conversions=conversions,
    leave_out=no_conversions,
    unit="number",
    better="higher",
    empty="no ad led to anything",
    also_known_as=("conversions of a campaign", "campaign conversions", "conversions of ads"),
    default_because="As the advertising system credits them; parts of one are parts.",
    sources=(MARKETING_METRICS,),
    ahead_of=("lead_volume",),
)
def ad_conversions() -> None:
    r"""How many conversions advertising led to, as the advertising system counts them.

    $$\text{ad conversions} = \sum \text{conversions of campaigns with impressions}$$

    A system that credits several ads with one purchase counts parts, so that it is no whole number. A campaign counts
    in the period in which it started.

    Pitfalls:
        Each system credits itself: the sum over systems exceeds what was sold. It grows for weeks after the click.

    >>> ad_conversions([Campaign(id="1", impressions=900, conversions=2.5)]).value
    2.5
    """


@metric(
    at=campaigns.started_at,
    cost=cost,
    clicks=clicks,
    leave_out=no_cost | no_clicks,
    unit="money",
    better="lower",
    empty="nobody clicked",
    also_known_as=("CPC", "average cost per click", "average CPC"),
    default_because="All cost over all clicks: a mean of the campaigns' own figures would weigh small ones too much.",
    sources=(MARKETING_METRICS,),
)
def cost_per_click(cost: Decimal, clicks: int) -> Decimal:
    r"""Average cost of a click on an ad.

    $$\text{cost per click} = \frac{\text{cost}}{\text{clicks}}$$

    Campaigns with impressions, by the day they started.

    Pitfalls:
        Cheap clicks of people who never buy are dear: hold it against `cost_per_conversion`.

    >>> cost_per_click([Campaign(id="1", impressions=900, clicks=8, cost=20)]).value
    Decimal('2.5')
    """
    return cost / clicks


@metric(
    at=campaigns.started_at,
    cost=cost,
    impressions=campaigns.sum(campaigns.impressions, shown),
    leave_out=no_cost,
    unit="money",
    better="lower",
    empty="nothing was shown",
    also_known_as=("CPM", "cost per thousand", "cost per thousand impressions"),
    default_because="A thousand impressions is the unit in which they are sold.",
    sources=(MARKETING_METRICS,),
)
def cost_per_mille(cost: Decimal, impressions: int) -> Decimal:
    r"""Cost of showing an ad a thousand times.

    $$\text{cost per mille} = 1000 \times \frac{\text{cost}}{\text{impressions}}$$

    Campaigns with impressions, by the day they started.

    Pitfalls:
        An impression may be an ad that nobody saw, at the end of a page.

    >>> cost_per_mille([Campaign(id="1", impressions=8000, cost=20)]).value
    Decimal('2.5')
    """
    return 1000 * cost / impressions


@metric(
    at=campaigns.started_at,
    cost=cost,
    conversions=conversions,
    leave_out=no_cost | no_conversions,
    unit="money",
    better="lower",
    empty="no ad led to anything",
    also_known_as=("cost per action", "cost per ad conversion", "CPCo"),
    default_because="The advertising system's own conversions; the cost of customers is `customer_acquisition_cost`.",
    sources=(MARKETING_METRICS,),
)
def cost_per_conversion(cost: Decimal, conversions: float) -> Decimal:
    r"""Advertising cost of a conversion.

    $$\text{cost per conversion} = \frac{\text{cost}}{\text{conversions}}$$

    Campaigns with impressions, by the day they started.

    Pitfalls:
        The account defines a conversion, a purchase or the view of a page: compare accounts with equal rules only.

    >>> cost_per_conversion([Campaign(id="1", impressions=900, conversions=2.5, cost=20)]).value
    Decimal('8')
    """
    return cost / Decimal(repr(conversions))
