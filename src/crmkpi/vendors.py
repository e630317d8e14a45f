"""What other systems show: for each number on their screens the definition and the rounding that reproduce it.

>>> from crmkpi import Campaign, vendors
>>> vendors.mailchimp["Click rate"].metric.id
'email_click_rate.of_delivered'
>>> campaigns = [Campaign(id="1", channel="email", sent=110, delivered=108, clicked=7)]
>>> vendors.mailchimp["Click rate"].shown(vendors.mailchimp["Click rate"].metric(campaigns))
Decimal('6.48')

To reconcile a whole screen: `crm.measure(vendors.stripe.metrics, period=...)`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal

from crmkpi.catalogue import catalogue
from crmkpi.errors import UnknownNameError, did_you_mean
from crmkpi.metric import Metric
from crmkpi.results import Result

__all__ = [
    "Screen",
    "Vendor",
    "chatwoot",
    "hubspot",
    "intercom",
    "mailchimp",
    "salesforce",
    "stripe",
    "zendesk",
    "zoho",
]

ShownIn = Literal["as it is", "percent", "minutes", "hours", "days", "seconds"]

_ONE: Mapping[ShownIn, Decimal] = {
    "as it is": Decimal(1),
    "percent": Decimal("0.01"),
    "seconds": Decimal(1),
    "minutes": Decimal(60),
    "hours": Decimal(3600),
    "days": Decimal(86_400),
}
_MODES = {"half up": ROUND_HALF_UP, "half even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


@dataclass(frozen=True, slots=True)
class Screen:
    """One number on the screen of a system: its definition, in what it is shown, and how it is rounded.

    `digits` are the decimals shown, None where all are. `period_days` is the length of the only period that the system
    measures, `week_start` its first day of the week. `note` says what the records must hold, or what cannot be matched.
    """

    metric: Metric
    shown_in: ShownIn = "as it is"
    digits: int | None = None
    rounding: Literal["half up", "half even", "down"] = "half up"
    period_days: int | None = None
    week_start: Literal["monday", "sunday"] | None = None
    note: str = ""

    def shown(self, result: Result) -> Decimal | None:
        """The number as the system shows it; None where there is none.

        >>> from crmkpi import Ticket, vendors
        >>> bots = vendors.chatwoot["Bot resolution rate"]
        >>> tickets = [Ticket(id="1", self_served=True), Ticket(id="2", self_served=True), Ticket(id="3")]
        >>> bots.shown(bots.metric(tickets))
        Decimal('66')
        >>> bots.shown(bots.metric([])) is None
        True
        """
        if result.value is None:
            return None
        number = Decimal(str(result.exact)) / _ONE[self.shown_in]
        if self.digits is None:
            return number
        return number.quantize(Decimal(1).scaleb(-self.digits), rounding=_MODES[self.rounding])


class Vendor(Mapping[str, Screen]):
    """A system: its numbers by the names that its screens give them.

    >>> from crmkpi import vendors
    >>> list(vendors.zoho)
    ['Lead conversion rate', 'Average sales cycle']
    >>> vendors.zoho["Sales cycle"]
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: Zoho CRM shows no 'Sales cycle' that is known here. Did you mean ...
    """

    __slots__ = ("_screens", "name")

    def __init__(self, name: str, screens: Mapping[str, Screen]) -> None:
        """The system called `name` with its screens."""
        self.name = name
        self._screens = dict(screens)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The definitions behind its numbers, each once."""
        return tuple(dict.fromkeys(screen.metric for screen in self.values()))

    def __getitem__(self, name: str) -> Screen:
        if name not in self._screens:
            raise UnknownNameError(
                f"{self.name} shows no {name!r} that is known here. {did_you_mean(name, self._screens)}"
            )
        return self._screens[name]

    def __contains__(self, name: object) -> bool:
        return name in self._screens

    def __iter__(self) -> Iterator[str]:
        return iter(self._screens)

    def __len__(self) -> int:
        return len(self._screens)

    def __repr__(self) -> str:
        return f"<{self.name}: {', '.join(self)}>"


_find = catalogue.find

chatwoot = Vendor(
    "Chatwoot",
    {
        "First response time": Screen(
            _find("average_response_time"),
            week_start="monday",
            shown_in="seconds",
            note="By the date of the reply. The clock starts when a bot hands over or a conversation is reopened: put "
            "that instant into created_at.",
        ),
        "Resolution time": Screen(
            _find("resolution_time.mean"),
            week_start="monday",
            shown_in="seconds",
            note="Every solution of a reopened conversation counts, from its creation: give a record for each.",
        ),
        "CSAT": Screen(
            _find("customer_satisfaction_score"), shown_in="percent", digits=2, note="Shows 0 where nobody answered."
        ),
        "Response rate": Screen(
            _find("survey_response_rate.by_event"), shown_in="percent", digits=2, note="May exceed 100 %."
        ),
        "Bot resolution rate": Screen(
            _find("self_service_rate"),
            shown_in="percent",
            digits=0,
            rounding="down",
            note="Sets resolutions of a period against conversations created in it, which are others.",
        ),
    },
)

hubspot = Vendor(
    "HubSpot",
    {
        "Deal close rate": Screen(_find("win_rate"), note="Open deals carry a close date as well; the stage decides."),
        "Open rate": Screen(_find("email_open_rate"), shown_in="percent", digits=2),
        "Click rate": Screen(_find("email_click_rate.of_delivered"), shown_in="percent", digits=2),
        "Click-through rate": Screen(_find("email_click_rate.of_opened"), shown_in="percent", digits=2),
        "Cumulative time in stage": Screen(
            _find("stage_duration.cumulative"), shown_in="days", note="Exports hold ms."
        ),
    },
)

intercom = Vendor(
    "Intercom",
    {
        "First response time": Screen(
            _find("first_response_time"), note="A median, by the start of the conversation: its first inbound message."
        ),
        "Time to close": Screen(_find("resolution_time"), note="A median, to the last close."),
        "Time to first close": Screen(_find("resolution_time.first_solve"), note="A median."),
    },
)

mailchimp = Vendor(
    "Mailchimp",
    {
        "Open rate": Screen(_find("email_open_rate"), shown_in="percent", digits=2),
        "Click rate": Screen(_find("email_click_rate.of_delivered"), shown_in="percent", digits=2),
        "Unsubscribe rate": Screen(_find("unsubscribe_rate"), shown_in="percent", digits=2),
        "Bounce rate": Screen(_find("bounce_rate"), shown_in="percent", digits=2),
    },
)

salesforce = Vendor(
    "Salesforce",
    {
        "Win rate": Screen(_find("win_rate"), note="WON:SUM / CLOSED:SUM."),
        "Won of all": Screen(_find("win_rate.of_created"), note="WON:SUM / RowCount; open opportunities included."),
        "Campaign ROI": Screen(
            _find("campaign_roi"), shown_in="percent", note="Won opportunities by their primary campaign source."
        ),
        "Lead conversion rate": Screen(_find("lead_conversion_rate"), note="Merged leads are deleted there."),
    },
)

stripe = Vendor(
    "Stripe",
    {
        "Subscriber churn rate": Screen(
            _find("churn_rate.stripe"),
            period_days=30,
            note="The base is who was active 30 days ago and who came since.",
        ),
        "MRR": Screen(_find("mrr"), digits=2, note="Without tax, trials and metered parts; past due still counts."),
        "New MRR": Screen(_find("new_mrr"), digits=2),
        "Reactivation MRR": Screen(_find("reactivation_mrr"), digits=2),
        "Expansion MRR": Screen(_find("expansion_mrr"), digits=2),
        "Contraction MRR": Screen(_find("contraction_mrr"), digits=2, note="Cancelling one of two is a contraction."),
        "Churned MRR": Screen(_find("churned_mrr"), digits=2),
        "Gross MRR churn rate": Screen(_find("revenue_churn_rate")),
        "Average revenue per user": Screen(_find("arpu"), digits=2),
    },
)

zendesk = Vendor(
    "Zendesk",
    {
        "First reply time": Screen(
            _find("first_response_time.mean"),
            shown_in="minutes",
            note="Of a ticket that an agent opened it is the second public comment: put that into first_replied_at.",
        ),
        "Resolution time": Screen(
            _find("resolution_time.mean"),
            shown_in="hours",
            digits=0,
            note="To the latest solve. The export rounds every ticket to whole hours before anyone averages them.",
        ),
        "One-touch tickets": Screen(
            _find("first_contact_resolution_rate"),
            shown_in="percent",
            digits=0,
            note="A ticket that was opened again, and solved without another reply, still counts there.",
        ),
        "One-touch tickets (fewer than two replies)": Screen(
            _find("first_contact_resolution_rate.zero_or_one_reply"),
            shown_in="percent",
            digits=0,
            note="A ticket that was opened again, and solved without another reply, still counts there.",
        ),
        "Satisfaction score": Screen(
            _find("customer_satisfaction_score.good_bad"),
            shown_in="percent",
            digits=0,
            note="Scores on a scale from 0 (bad) to 1 (good); an offered survey is no answer.",
        ),
        "Tickets created": Screen(_find("ticket_volume"), note="Deleted tickets are not in it."),
        "Backlog": Screen(_find("backlog"), note="A snapshot at 23 hours, with what is solved after that."),
    },
)

zoho = Vendor(
    "Zoho CRM",
    {
        "Lead conversion rate": Screen(_find("lead_conversion_rate"), shown_in="percent"),
        "Average sales cycle": Screen(
            _find("sales_cycle_length.calendar_days"), shown_in="days", note="Days between two dates of the calendar."
        ),
    },
)
