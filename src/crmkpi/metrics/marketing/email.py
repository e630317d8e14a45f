"""E-mail campaigns: their number, and the outcomes of the messages."""

from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import EMAIL_METRICS, MARKETING_METRICS
from crmkpi.metrics.tables import campaigns

email = campaigns.channel.is_in("email", "Email", "EMAIL", "e-mail", "E-mail", "E-Mail", "E-MAIL", "eMail")
sent = campaigns.sum(campaigns.sent, email)
delivered = campaigns.sum(campaigns.delivered, email)
opened = campaigns.sum(campaigns.opened, email)
clicked = campaigns.sum(campaigns.clicked, email)
no_sent = {"no sent": email & campaigns.sent.missing()}
no_delivered = {"no delivered": email & campaigns.delivered.missing()}
no_opened = {"no opened": email & campaigns.opened.missing()}
no_clicked = {"no clicked": email & campaigns.clicked.missing()}


@metric(
    at=campaigns.started_at,
    campaigns=campaigns.count(email),
    unit="count",
    empty="none was started",
    also_known_as=("email campaigns sent", "newsletters", "number of email campaigns"),
    default_because="A campaign is one decision to write; how many it reached is another number.",
    sources=(EMAIL_METRICS,),
    ahead_of=("lead_volume",),
)
def email_campaigns() -> None:
    r"""How many e-mail campaigns were started.

    $$\text{e-mail campaigns} = \text{campaigns of the channel e-mail}$$

    A campaign counts in the period in which it started. Its channel must read "email", however
    that is written: Email and E-Mail are the same.

    Pitfalls:
        A campaign whose channel reads "newsletter" is not counted: name the values when the file is read.

    >>> email_campaigns([Campaign(id="1", channel="email"), Campaign(id="2", channel="search")]).value
    1
    """


@metric(
    at=campaigns.started_at,
    clicked=clicked,
    sent=sent,
    leave_out=no_sent | no_clicked,
    unit="ratio",
    better="higher",
    empty="nothing of the channel email was sent",
    also_known_as=("CTR", "click rate", "click-through rate", "email CTR"),
    default_because="Every message that was paid for counts; the variants divide by those that arrived or were opened.",
    sources=(MARKETING_METRICS,),
    ahead_of=("lead_volume",),
)
def email_click_rate(clicked: int, sent: int) -> float:
    r"""Share of the e-mails sent in which someone clicked a link.

    $$\text{click rate} = \frac{\text{recipients who clicked}}{\text{sent}}$$

    All campaigns of the channel "email" together: clicks are added and divided by the messages added, so that a big
    mailing weighs more than a small one. People count, not clicks. A campaign counts in the period in which it started.

    Notes:
        Espo divides by sent, Mailchimp by delivered (`of_delivered`). HubSpot calls clicked / delivered the click rate
        and clicked / opened (`of_opened`) the click-through rate. Scanners that open every link inflate all of them.

    Pitfalls:
        Two systems that show 5 % and 15 % may mean the same mailing: sent, delivered and opened are three denominators.

    >>> mails = [Campaign(id="1", channel="email", sent=900, clicked=9),
    ...          Campaign(id="2", channel="email", sent=100, clicked=11)]
    >>> email_click_rate(mails).value
    0.02
    """
    return clicked / sent


@email_click_rate.add_variant(
    delivered=delivered, leave_out=no_delivered | no_clicked, empty="nothing of the channel email was delivered"
)
def of_delivered(clicked: int, delivered: int) -> float:
    r"""Share of the e-mails delivered in which someone clicked a link.

    $$\text{click rate of delivered} = \frac{\text{recipients who clicked}}{\text{delivered}}$$

    Notes:
        As Mailchimp counts, and what HubSpot calls the click rate.

    >>> email_click_rate.variant("of_delivered")([Campaign(id="1", channel="email", delivered=800, clicked=8)]).value
    0.01
    """
    return clicked / delivered


@email_click_rate.add_variant(
    opened=opened, leave_out=no_opened | no_clicked, empty="nothing of the channel email was opened"
)
def of_opened(clicked: int, opened: int) -> float:
    r"""Share of the opened e-mails in which someone clicked a link.

    $$\text{click-to-open rate} = \frac{\text{recipients who clicked}}{\text{recipients who opened}}$$

    Programs that block images hide opens but not clicks, so that it may exceed 1.

    >>> email_click_rate.variant("of_opened")([Campaign(id="1", channel="email", opened=200, clicked=8)]).value
    0.04
    """
    return clicked / opened


@metric(
    at=campaigns.started_at,
    opened=opened,
    delivered=delivered,
    leave_out=no_delivered | no_opened,
    unit="ratio",
    better="higher",
    empty="nothing of the channel email was delivered",
    also_known_as=("open rate",),
    default_because="Recipients without the message could not open it.",
    sources=(EMAIL_METRICS,),
    ahead_of=("lead_volume",),
)
def email_open_rate(opened: int, delivered: int) -> float:
    r"""Share of the e-mails delivered that someone opened.

    $$\text{open rate} = \frac{\text{recipients who opened}}{\text{delivered}}$$

    Campaigns of the channel "email", by the period in which they started.

    Pitfalls:
        Mail programs that load images in advance count as opens, so that the rate rises without more readers.

    >>> email_open_rate([Campaign(id="1", channel="email", delivered=800, opened=200)]).value
    0.25
    """
    return opened / delivered


@metric(
    at=campaigns.started_at,
    unsubscribed=campaigns.sum(campaigns.unsubscribed, email),
    delivered=delivered,
    leave_out=no_delivered | {"no unsubscribed": email & campaigns.unsubscribed.missing()},
    unit="ratio",
    better="lower",
    empty="nothing of the channel email was delivered",
    also_known_as=("opt-out rate", "email unsubscribe rate"),
    default_because="Recipients without the message could not unsubscribe from it.",
    sources=(EMAIL_METRICS,),
)
def unsubscribe_rate(unsubscribed: int, delivered: int) -> float:
    r"""Share of the e-mails delivered upon which the recipient unsubscribed.

    $$\text{unsubscribe rate} = \frac{\text{unsubscribed}}{\text{delivered}}$$

    Campaigns of the channel "email", by the period in which they started.

    Pitfalls:
        People who mark a message as spam do not unsubscribe and are not in it. A mailing to a list that has been
        cleaned looks better than one to a fresh list.

    >>> unsubscribe_rate([Campaign(id="1", channel="email", delivered=800, unsubscribed=4)]).value
    0.005
    """
    return unsubscribed / delivered


@metric(
    at=campaigns.started_at,
    bounced=campaigns.sum(campaigns.bounced, email),
    sent=sent,
    leave_out=no_sent | {"no bounced": email & campaigns.bounced.missing()},
    unit="ratio",
    better="lower",
    empty="nothing of the channel email was sent",
    also_known_as=("email bounce rate", "undelivered rate"),
    default_because="A bounce is a message that was sent and did not arrive, so that sent is the whole.",
    sources=(EMAIL_METRICS,),
)
def bounce_rate(bounced: int, sent: int) -> float:
    r"""Share of the e-mails sent that could not be delivered.

    $$\text{bounce rate} = \frac{\text{bounced}}{\text{sent}}$$

    Campaigns of the channel "email", by the period in which they started.

    Pitfalls:
        The bounce rate of web analytics is something else: a share of sessions with one page.

    >>> bounce_rate([Campaign(id="1", channel="email", sent=1000, bounced=20)]).value
    0.02
    """
    return bounced / sent
