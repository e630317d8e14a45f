"""Durations, ended or censored: the input of survival analysis, from plain lists and from records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Literal

from crmkpi.clv.engine import ColumnLike
from crmkpi.dates.calendars import Calendar
from crmkpi.errors import InputError, MissingTableError, ParameterError, TimeZoneError
from crmkpi.insight.arguments import reading
from crmkpi.measuring.dataset import Dataset

__all__ = [
    "Durations",
    "LifetimeMethod",
    "customer_durations",
    "deal_durations",
    "mean_lifetime",
    "subscription_durations",
    "ticket_durations",
]

Unit = Literal["days", "weeks", "months", "years"]
LifetimeMethod = Literal["exponential", "churned_only", "inverse_churn"]

_SECONDS: dict[str, float] = {"days": 86400.0, "weeks": 604800.0, "months": 2629800.0, "years": 31557600.0}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Durations:
    """Durations, each `ended` or censored, with delayed entries.

    `entries` holds the time already passed when the observation began (delayed entry); `left_out` counts records that
    could not be used, by reason.

    >>> Durations([3.0, 5.0], [True, False], unit="months").ended_count
    1
    """

    durations: ColumnLike
    ended: ColumnLike
    unit: Unit = "days"
    entries: ColumnLike | None = None
    left_out: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.unit not in _SECONDS:
            raise ParameterError(f"`unit` must be one of days, weeks, months or years; got {self.unit!r}.")
        for name, column in (("ended", self.ended), ("entries", self.entries)):
            if column is not None and len(column) != len(self.durations):
                raise InputError(
                    f"`{name}` needs one value per duration; got {len(column)} for {len(self.durations)} durations."
                )

    def __repr__(self) -> str:
        return f"<Durations in {self.unit}: {len(self):,}, {self.ended_count:,} of them ended>"

    def __len__(self) -> int:
        """The number of durations."""
        return len(self.durations)

    @property
    def ended_count(self) -> int:
        """The number of durations that ended."""
        return int(sum(self.ended))


def _moment(value: Any, calendar: Calendar | None = None) -> datetime | None:
    if value is None or isinstance(value, datetime):
        return value if value is None or calendar is None else calendar.wall(value)
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise InputError(f"A record's dates must be dates or timestamps; got {value!r}.")


def _durations(
    table: str,
    records: Iterable[Any] | Dataset,
    start: str,
    end: str,
    *,
    as_of: date | None,
    unit: Unit,
    observed_from: date | None = None,
    open_if: Callable[[Any], bool] = lambda _: False,
    counts: Callable[[Any], bool] = lambda _: True,
    unusable: Callable[[Any], str | None] = lambda _: None,
) -> Durations:
    """Durations of records from the field `start` to `end`; impossible ones are left out by reason, never clipped.

    `open_if` marks records without an end, even if the field has a value; `counts` those whose end is the event;
    `unusable` returns the reason to leave a record out. A dataset provides `as_of`, and its calendar the time zone.
    """
    calendar = None
    if isinstance(records, Dataset):
        crm = records
        if table not in crm.tables:
            raise MissingTableError(f"The dataset has no table {table!r}; it has {', '.join(crm.tables) or 'none'}.")
        records, calendar = crm.records(table), crm.calendar
        as_of = crm.as_of if as_of is None else as_of
    if unit not in _SECONDS:
        raise ParameterError(f"`unit` must be one of days, weeks, months or years; got {unit!r}.")
    if not isinstance(as_of, date):
        raise ParameterError(
            f"`as_of` is the last moment of the observation, such as date(2026, 3, 31); got {as_of!r}."
        )
    now, seen_from = _moment(as_of, calendar), _moment(observed_from, calendar)
    lasting, over, entries = [], [], []
    left_out: Counter[str] = Counter()
    with reading(table, records):
        for record in records:
            begun = _moment(getattr(record, start), calendar)
            done = None if open_if(record) else _moment(getattr(record, end), calendar)
            if (why := unusable(record)) is not None:
                left_out[why] += 1
                continue
            if begun is None or now is None:
                left_out["no start"] += 1
                continue
            try:
                finished = done is not None and done <= now
                length = ((done if finished and done is not None else now) - begun).total_seconds()
                entry = 0.0 if seen_from is None else max(0.0, (seen_from - begun).total_seconds())
                backwards = done is not None and done < begun
            except TypeError as error:
                raise TimeZoneError(
                    "Some timestamps have a time zone and others, or `as_of`, do not; give them all one."
                ) from error
            if backwards:
                left_out["ends before it starts"] += 1
            elif length < 0:
                left_out["starts after the observation"] += 1
            elif seen_from is not None and entry >= length:
                left_out["ended before the observation began"] += 1
            else:
                lasting.append(length / _SECONDS[unit])
                over.append(finished and counts(record))
                entries.append(entry / _SECONDS[unit])
    return Durations(lasting, over, unit, entries if seen_from is not None else None, dict(left_out))


def customer_durations(
    customers: Iterable[Any] | Dataset,
    *,
    as_of: date | None = None,
    unit: Unit = "months",
    observed_from: date | None = None,
) -> Durations:
    """The time that customers stay: from `since` to `until`, or to `as_of` for current customers.

    With `observed_from`, customers count only from that day on: earlier leavers are not in the data. A `Dataset`
    provides its table of customers, its `as_of` and the time zone of its calendar; the other functions of this module
    accept one too.

    >>> from types import SimpleNamespace
    >>> customers = [SimpleNamespace(since=date(2026, 1, 1), until=None)]
    >>> customer_durations(customers, as_of=date(2026, 1, 15), unit="weeks").durations
    [2.0]
    """
    return _durations("customers", customers, "since", "until", as_of=as_of, unit=unit, observed_from=observed_from)


def subscription_durations(
    subscriptions: Iterable[Any] | Dataset,
    *,
    as_of: date | None = None,
    unit: Unit = "months",
    observed_from: date | None = None,
) -> Durations:
    """The time that subscriptions run: from `started_at` to `ended_at`, or to `as_of` for active ones.

    Canceled subscriptions without an end are left out, because they did not last until `as_of`.

    >>> from types import SimpleNamespace
    >>> gone = SimpleNamespace(started_at=date(2026, 1, 1), ended_at=None, status="canceled")
    >>> subscription_durations([gone], as_of=date(2026, 3, 1)).left_out
    {'canceled, no ended_at': 1}
    """
    return _durations(
        "subscriptions",
        subscriptions,
        "started_at",
        "ended_at",
        as_of=as_of,
        unit=unit,
        observed_from=observed_from,
        unusable=lambda one: (
            "canceled, no ended_at" if getattr(one, "status", None) == "canceled" and one.ended_at is None else None
        ),
    )


def deal_durations(
    deals: Iterable[Any] | Dataset,
    *,
    as_of: date | None = None,
    unit: Unit = "days",
    outcome: Literal["closed", "won"] = "closed",
) -> Durations:
    """The time of deals from `created_at` to `closed_at`; open deals are censored at `as_of`.

    Only the status decides whether a deal is open: many systems keep an expected date in `closed_at`. With
    `outcome="won"`, a lost deal is censored at its loss.
    """
    if outcome not in ("closed", "won"):
        raise ParameterError(f"`outcome` must be 'closed' or 'won'; got {outcome!r}.")
    return _durations(
        "deals",
        deals,
        "created_at",
        "closed_at",
        as_of=as_of,
        unit=unit,
        open_if=lambda deal: deal.status == "open",
        counts=lambda deal: outcome == "closed" or deal.status == "won",
    )


def ticket_durations(tickets: Iterable[Any] | Dataset, *, as_of: date | None = None, unit: Unit = "days") -> Durations:
    """The time of tickets from `created_at` to `solved_at`; open tickets are censored at `as_of`.

    A reopened ticket is open again, even if `solved_at` has a value.
    """
    return _durations(
        "tickets",
        tickets,
        "created_at",
        "solved_at",
        as_of=as_of,
        unit=unit,
        open_if=lambda ticket: getattr(ticket, "status", None) in ("open", "pending"),
    )


def mean_lifetime(durations: Durations, *, method: LifetimeMethod = "exponential") -> float | None:
    """A mean lifetime by a simple formula; `None` where nothing has ended.

    - `exponential`: observed time / ends. Correct if the risk of leaving is constant.
    - `inverse_churn`: customers / ends, the inverse of the share that left. Correct only for one observed period.
    - `churned_only`: the mean of leavers. Far too short while many stay: 18 months where 54 is right (telco).

    The restricted mean of `kaplan_meier` needs none of these assumptions.

    >>> mean_lifetime(Durations([2, 4, 6], [True, True, False]))
    6.0
    """
    ends = durations.ended_count
    lasting: list[float] = list(durations.durations)
    if ends == 0:
        return None
    if method == "exponential":
        entered = float(sum(durations.entries)) if durations.entries is not None else 0.0
        return (sum(lasting) - entered) / ends
    if method == "inverse_churn":
        return len(lasting) / ends
    if method == "churned_only":
        return sum(length for length, ended in zip(lasting, durations.ended, strict=True) if ended) / ends
    raise ParameterError(f"`method` must be 'exponential', 'inverse_churn' or 'churned_only'; got {method!r}.")
