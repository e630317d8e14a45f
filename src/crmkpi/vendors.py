"""The numbers of other systems: for each number on their screens the definition and the rounding that reproduce it.

>>> from crmkpi import Campaign, vendors
>>> vendors.mailchimp["Click rate"].metric.id
'email_click_rate.of_delivered'
>>> campaigns = [Campaign(id="1", channel="email", sent=110, delivered=108, clicked=7)]
>>> vendors.mailchimp["Click rate"].shown(vendors.mailchimp["Click rate"].metric(campaigns))
Decimal('6.48')

To reconcile a whole screen: `crm.measure(vendors.stripe.metrics, period=...)`. `refused` has the numbers that these
records cannot reproduce, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from typing import Literal

from crmkpi._read_only import ReadOnly
from crmkpi.definition.metric import Metric
from crmkpi.errors import UnknownNameError, unknown_name
from crmkpi.measuring.results import Result
from crmkpi.metrics.catalogue import catalogue

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
    """One number on the screen of a system: its definition, the unit in which it is shown, and its rounding.

    `digits` is the number of decimals shown, None if all are shown. `period_days` is the length of the only period that
    the system measures, `week_start` its first day of the week. `note` says what the records must hold, or which
    differences remain.
    """

    metric: Metric
    shown_in: ShownIn = "as it is"
    digits: int | None = None
    rounding: Literal["half up", "half even", "down"] = "half up"
    period_days: int | None = None
    week_start: Literal["monday", "sunday"] | None = None
    note: str = ""

    def shown(self, result: Result) -> Decimal | None:
        """The number as the system shows it; None if the KPI is undefined.

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
    """A system: its numbers by their names on its screens.

    >>> from crmkpi import vendors
    >>> list(vendors.zoho)
    ['Lead conversion rate', 'Average sales cycle']
    >>> vendors.zoho["Sales cycle"]
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: Zoho CRM shows no 'Sales cycle' that is known here. Did you mean ...
    >>> vendors.intercom.refused["First contact resolution"]
    'it asks how many teammates took part in a conversation, and a ticket does not hold that'
    """

    __slots__ = ("_screens", "name", "refused")

    def __init__(self, name: str, screens: Mapping[str, Screen], refused: Mapping[str, str] = ReadOnly({})) -> None:
        """The system called `name` with its numbers, and the reasons why others cannot be reproduced."""
        self.name = name
        self.refused = ReadOnly(dict(refused))
        self._screens = dict(screens)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The definitions of the system's numbers, each once."""
        return tuple(dict.fromkeys(screen.metric for screen in self.values()))

    def __getitem__(self, name: str) -> Screen:
        if name in self.refused:
            raise UnknownNameError(f"{name!r} of {self.name} cannot be reproduced: {self.refused[name]}.")
        if name not in self._screens:
            raise unknown_name(f"{self.name} shows no {name!r} that is known here.", name, self._screens)
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
            "that instant into created_at, and the person who replied into agent.",
        ),
        "Resolution time": Screen(
            _find("resolution_time.mean"),
            week_start="monday",
            shown_in="seconds",
            note="Every solution of a reopened conversation counts, from its creation: give a record for each.",
        ),
        "CSAT": Screen(
            _find("customer_satisfaction_score"),
            shown_in="percent",
            digits=2,
            note="By the day of the answer. Shows 0 if nobody answered.",
        ),
        "Response rate": Screen(
            _find("survey_response_rate.by_event"),
            shown_in="percent",
            digits=2,
            note="May exceed 100 %. Shows 0 if nothing was sent.",
        ),
        "Bot resolution rate": Screen(
            _find("self_service_rate"),
            shown_in="percent",
            digits=0,
            rounding="down",
            note="A conversation is resolved by a bot if no person wrote in it and it was not handed over. Divides the "
            "resolutions of a period by all conversations created in it, which are others. Shows 0 if there was none.",
        ),
    },
    {
        "Reply time": "it measures the wait of each message of a customer, and a ticket holds only its first reply",
        "Bot handoff rate": "a ticket does not hold that a bot handed it over",
        "Resolution time in business hours": "it is a mean, and 0 if no hours are set; resolution_time.business is "
        "the median, and an error without hours",
    },
)

_BOTS = "Includes the opens and clicks of bots, unless they were filtered out before."

hubspot = Vendor(
    "HubSpot",
    {
        "Deal close rate": Screen(
            _find("win_rate"),
            note="Open deals have a close date as well; the stage decides. A deal that moves from won to lost, or "
            "back, gets a new date; one that moves from one won stage to another keeps the old date.",
        ),
        "Open rate": Screen(_find("email_open_rate"), shown_in="percent", digits=2, note=_BOTS),
        "Click rate": Screen(_find("email_click_rate.of_delivered"), shown_in="percent", digits=2, note=_BOTS),
        "Click-through rate": Screen(_find("email_click_rate.of_opened"), shown_in="percent", digits=2, note=_BOTS),
        "Cumulative time in stage": Screen(
            _find("stage_duration.cumulative"), shown_in="days", note="Exports hold ms."
        ),
    },
    {
        "Latest time in stage": "the records hold every visit; keep the last of each deal, and stage_duration is it",
        "Lifecycle stage conversion": "moving a contact back clears the later date; mql_to_sql_rate reads the others",
    },
)

intercom = Vendor(
    "Intercom",
    {
        "First response time": Screen(
            _find("first_response_time"),
            shown_in="seconds",
            note="A median, by the start of the conversation: its first inbound message. Without the time in the "
            "bot's inbox: put the end of that time into created_at.",
        ),
        "First response time within office hours": Screen(
            _find("first_response_time.business"), shown_in="seconds", note="A median."
        ),
        "Time to close": Screen(_find("resolution_time"), shown_in="seconds", note="A median, to the last close."),
        "Time to close within office hours": Screen(
            _find("resolution_time.business"), shown_in="seconds", note="A median, to the last close."
        ),
        "Time to first close": Screen(_find("resolution_time.first_solve"), shown_in="seconds", note="A median."),
    },
    {
        "Time to first close within office hours": "no definition takes the first solution in opening hours",
        "First contact resolution": "it asks how many teammates took part in a conversation, and a ticket does not "
        "hold that",
        "Fin resolution rate": "confirmed and assumed resolutions are separate there and one flag here; set "
        "self_served on those that are to count, and measure self_service_rate",
    },
)

mailchimp = Vendor(
    "Mailchimp",
    {
        "Open rate": Screen(_find("email_open_rate"), shown_in="percent", digits=2),
        "Click rate": Screen(
            _find("email_click_rate.of_delivered"),
            shown_in="percent",
            digits=2,
            note="Unique clicks over successful deliveries.",
        ),
        "Unsubscribe rate": Screen(_find("unsubscribe_rate"), shown_in="percent", digits=2),
        "Bounce rate": Screen(_find("bounce_rate"), shown_in="percent", digits=2),
    },
)

salesforce = Vendor(
    "Salesforce",
    {
        "Win rate": Screen(
            _find("win_rate"),
            note="WON:SUM / CLOSED:SUM. Open opportunities have a close date as well; the stage decides. Days are in "
            "the time zone of the user who runs the report.",
        ),
        "Won of all": Screen(_find("win_rate.of_created"), note="WON:SUM / RowCount; open opportunities included."),
        "Campaign ROI": Screen(
            _find("campaign_roi"), shown_in="percent", note="Won opportunities by their primary campaign source."
        ),
        "Lead conversion rate": Screen(_find("lead_conversion_rate"), note="Merged leads are deleted there."),
        "Stage duration": Screen(
            _find("stage_duration"),
            shown_in="days",
            note="Its history has a row for each change of amount or date as well: join rows of one stage first.",
        ),
    },
    {
        "Won share of all amounts": "it divides by the amounts of open opportunities, too; win_rate.by_amount divides "
        "by those of closed ones",
    },
)

stripe = Vendor(
    "Stripe",
    {
        "Subscriber churn rate": Screen(
            _find("churn_rate.stripe"),
            period_days=30,
            note="The base is the customers active 30 days ago and those who came since. Past due is active; trials "
            "and free plans are not. A customer who returns and leaves again churns twice: give each stay a record. "
            "Days are in UTC.",
        ),
        "MRR": Screen(
            _find("mrr"),
            digits=2,
            note="Without tax, trials, free plans and metered parts; past due still counts. Coupons without an end are "
            "deducted, those with one are not. Days are in UTC.",
        ),
        "New MRR": Screen(_find("new_mrr"), digits=2),
        "Reactivation MRR": Screen(_find("reactivation_mrr"), digits=2),
        "Expansion MRR": Screen(_find("expansion_mrr"), digits=2),
        "Contraction MRR": Screen(_find("contraction_mrr"), digits=2, note="Cancelling one of two is a contraction."),
        "Churned MRR": Screen(_find("churned_mrr"), digits=2),
        "Gross MRR churn rate": Screen(
            _find("revenue_churn_rate"),
            period_days=30,
            note="Churned and contraction MRR over the MRR of 30 days ago; for churned MRR alone measure "
            "revenue_churn_rate.left_only.",
        ),
        "Average revenue per user": Screen(_find("arpu"), digits=2),
    },
)

_LAST_SCHEDULE = "The latest schedule applies to all time: give a calendar with only those opening hours."

zendesk = Vendor(
    "Zendesk",
    {
        "First reply time": Screen(
            _find("first_response_time.mean"),
            shown_in="minutes",
            note="For a ticket that an agent opened, the reply is the second public comment: put that into "
            "first_replied_at. Internal notes and messages of bots are not replies.",
        ),
        "First reply time in business hours": Screen(
            _find("first_response_time.business"), shown_in="minutes", note=f"A median. {_LAST_SCHEDULE}"
        ),
        "First resolution time": Screen(
            _find("resolution_time.first_solve"),
            shown_in="minutes",
            note="A median. A ticket that was closed without being solved counts by its closing: put that into "
            "first_solved_at.",
        ),
        "Resolution time": Screen(
            _find("resolution_time.mean"),
            shown_in="hours",
            digits=0,
            note="To the latest solve. The export rounds every ticket to whole hours before anyone averages them.",
        ),
        "Resolution time in business hours": Screen(
            _find("resolution_time.business"), shown_in="minutes", note=f"A median. {_LAST_SCHEDULE}"
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
            note="Current scores on a scale from 0 (bad) to 1 (good); an offered survey is not an answer.",
        ),
        "Tickets created": Screen(_find("ticket_volume"), note="Without deleted tickets."),
        "Backlog": Screen(_find("backlog"), note="A snapshot at 23:00; tickets solved later that day count as open."),
    },
    {
        "Requester wait time": "it adds up the time in some of the statuses, and a ticket does not hold that; the "
        "export and the data model even take different ones",
        "Reopens": "it counts the steps from solved to open; reopen_rate counts tickets",
    },
)

zoho = Vendor(
    "Zoho CRM",
    {
        "Lead conversion rate": Screen(
            _find("lead_conversion_rate"), shown_in="percent", note="Leads with CONVERTED = Yes over all leads."
        ),
        "Average sales cycle": Screen(
            _find("sales_cycle_length.calendar_days"),
            shown_in="days",
            note="Days between two calendar dates. Open deals have a closing date as well; the stage decides.",
        ),
    },
)
