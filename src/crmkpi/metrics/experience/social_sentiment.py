"""Social sentiment: positive and negative mentions of the firm."""

from crmkpi.definition.metric import NetPromoter, Share, metric
from crmkpi.metrics.literature import MARKETING_METRICS
from crmkpi.metrics.tables import interactions

mention = (interactions.kind == "social") & (interactions.direction == "inbound")
by_score = interactions.sentiment.missing()
positive = (interactions.sentiment == "positive") | (by_score & (interactions.sentiment_score > 0))
negative = (interactions.sentiment == "negative") | (by_score & (interactions.sentiment_score < 0))
left_out = {
    "no direction": (interactions.kind == "social") & interactions.direction.missing(),
    "no sentiment": mention & interactions.sentiment.missing() & interactions.sentiment_score.missing(),
}


@metric(
    at=interactions.at,
    positive=interactions.count(mention & positive),
    negative=interactions.count(mention & negative),
    mentions=interactions.count(mention),
    leave_out=left_out,
    interval=NetPromoter("positive", "negative", "mentions"),
    unit="score",
    better="higher",
    empty="no mention has a sentiment",
    also_known_as=("social sentiment", "net sentiment score", "brand sentiment", "sentiment", "sentiment analysis"),
    default_because="Neutral mentions count in the base, so that a quiet month is not a good one.",
    sources=(MARKETING_METRICS,),
    ahead_of=("net_promoter_score",),
)
def net_sentiment(positive: int, negative: int, mentions: int) -> float:
    r"""By how much praise outnumbers blame on social media, in points of a hundred.

    $$\text{net sentiment} = 100 \times \frac{\text{positive} - \text{negative}}{\text{mentions with a sentiment}}$$

    The mentions of `social_mentions`, by their sentiment: positive, neutral or negative. Where only a score from -1 to
    1 is known, above 0 is positive and below 0 negative.

    Pitfalls:
        Irony reads as praise to most tools. A tool's threshold decides what is neutral: do not compare two tools.

    >>> posts = [Interaction(id=str(n), kind="social", direction="inbound", sentiment=found)
    ...          for n, found in enumerate(["positive", "positive", "neutral", "negative"])]
    >>> net_sentiment(posts).value
    25.0
    """
    return 100 * (positive - negative) / mentions


@metric(
    at=interactions.at,
    negative=interactions.count(mention & negative),
    mentions=interactions.count(mention),
    leave_out=left_out,
    interval=Share("negative", "mentions"),
    unit="ratio",
    better="lower",
    empty="no mention has a sentiment",
    also_known_as=("share of negative mentions", "negative mentions", "negative sentiment"),
    default_because="Of all mentions with a sentiment, as alerts for a crisis are set.",
    sources=(MARKETING_METRICS,),
    ahead_of=("churn_rate",),
)
def negative_mention_share(negative: int, mentions: int) -> float:
    r"""Share of the social mentions that blame the firm.

    $$\text{negative mention share} = \frac{\text{negative mentions}}{\text{mentions with a sentiment}}$$

    Counted as in `net_sentiment`.

    Pitfalls:
        A campaign that is much praised lowers it while as many blame the firm as before: look at the count too.

    >>> posts = [Interaction(id=str(n), kind="social", direction="inbound", sentiment_score=score)
    ...          for n, score in enumerate([0.9, 0.4, 0.0, -0.7])]
    >>> negative_mention_share(posts).value
    0.25
    """
    return negative / mentions
