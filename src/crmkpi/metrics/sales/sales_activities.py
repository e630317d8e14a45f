"""Activities of sales people: calls, messages and meetings."""

from crmkpi.definition.expressions import as_of
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import interactions

outbound = interactions.direction == "outbound"
call = interactions.kind == "call"
email = interactions.kind == "email"
sms = interactions.kind == "sms"
meeting = interactions.kind == "meeting"
no_direction = interactions.direction.missing()


@metric(
    at=interactions.at,
    calls=interactions.count(call & outbound),
    leave_out={"no direction": call & no_direction},
    unit="count",
    better="higher",
    empty="nobody called",
    also_known_as=("outbound calls", "calls made", "number of calls", "number of sales calls"),
    default_because="Calls that sales made are its work; calls that came in are demand.",
    sources=(CRACKING_SALES,),
    ahead_of=("deal_volume",),
    guarded_by=("meetings_held",),
)
def sales_calls() -> None:
    r"""How many calls were made.

    $$\text{sales calls} = \text{outbound interactions of the kind call}$$

    A call counts when it took place. Calls that came in do not count.

    Pitfalls:
        More calls are not more sales. A dialler that logs each attempt makes ten of one conversation.

    >>> ways = ["outbound", "inbound", None]
    >>> calls = [Interaction(id=str(n), kind="call", direction=way) for n, way in enumerate(ways)]
    >>> sales_calls(calls).value, sales_calls(calls).left_out
    (1, {'no direction': 1})
    """


@metric(
    at=interactions.at,
    messages=interactions.count(email & outbound),
    leave_out={"no direction": email & no_direction},
    unit="count",
    better="higher",
    empty="none was sent",
    also_known_as=("number of emails", "emails sent", "outbound emails", "number of emails sent"),
    default_because="Messages that someone wrote; mailings to many are campaigns.",
    sources=(CRACKING_SALES,),
    ahead_of=("deal_volume",),
    guarded_by=("unsubscribe_rate",),
)
def emails_sent() -> None:
    r"""How many e-mails were written to leads and customers, one by one.

    $$\text{e-mails sent} = \text{outbound interactions of the kind e-mail}$$

    A message of several recipients counts once. Mailings are campaigns: `email_campaigns`.

    Pitfalls:
        Systems that log the same message at the contact and at the deal count it twice, unless it has one id.

    >>> emails_sent([Interaction(id="1", kind="email", direction="outbound"),
    ...              Interaction(id="2", kind="chat", direction="outbound")]).value
    1
    """


@metric(
    at=interactions.at,
    messages=interactions.count(sms & outbound),
    leave_out={"no direction": sms & no_direction},
    unit="count",
    better="higher",
    empty="none was sent",
    also_known_as=("number of SMS", "text messages sent", "outbound SMS", "number of SMS sent"),
    default_because="Messages that were sent; replies are the customers' work.",
    sources=(CRACKING_SALES,),
    ahead_of=("deal_volume",),
)
def sms_sent() -> None:
    r"""How many text messages were sent.

    $$\text{SMS sent} = \text{outbound interactions of the kind SMS}$$

    A message of several recipients counts once.

    Pitfalls:
        A long message is several to the carrier and one here.

    >>> sms_sent([Interaction(id="1", kind="sms", direction="outbound"),
    ...           Interaction(id="2", kind="sms", direction="inbound")]).value
    1
    """


@metric(
    at=interactions.at,
    # Most systems store no direction for meetings; only one that the customer called is inbound.
    meetings=interactions.count(
        meeting & (outbound | no_direction) & ((interactions.at < as_of) | interactions.at.missing())
    ),
    unit="count",
    better="higher",
    empty="none was held",
    also_known_as=("meetings", "number of meetings", "customer meetings"),
    default_because="Meetings seldom have a direction, so that only those that the customer called are left aside.",
    sources=(CRACKING_SALES,),
    ahead_of=("deal_volume",),
)
def meetings_held() -> None:
    r"""How many meetings sales held.

    $$\text{meetings held} = \text{interactions of the kind meeting, up to now}$$

    A meeting counts when it takes place; one that lies ahead of `as_of` is not held yet. Meetings mostly have no
    direction, so that only inbound ones are left aside.

    Pitfalls:
        Calendars hold meetings that never took place: without `as_of`, those of next month count too.

    >>> meetings = [Interaction(id=day, kind="meeting", at=day) for day in ("2026-01-05", "2026-03-05")]
    >>> meetings_held(meetings, as_of="2026-01-31").value
    1
    """
