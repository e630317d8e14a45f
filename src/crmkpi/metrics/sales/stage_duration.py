"""The time that deals stay in a stage."""

from datetime import timedelta

from crmkpi.definition.expressions import as_of
from crmkpi.definition.metric import metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import stage_visits

stay = stage_visits.left_at - stage_visits.entered_at
by_deal = stage_visits.per(
    stage_visits.deal_id,
    stay=stage_visits.sum(stay),
    visits=stage_visits.count(stay.present()),
)
backwards = {"negative duration": stay < timedelta(0)}
has_left = stage_visits.left_at < as_of
still_there = (stage_visits.left_at.missing() | (stage_visits.left_at >= as_of)) & (stage_visits.entered_at <= as_of)
stay_so_far = as_of - stage_visits.entered_at


@metric(
    at=stage_visits.left_at,
    stay=stage_visits.mean(stay),
    leave_out={"still there": stage_visits.left_at.missing()},
    unit="duration",
    better="lower",
    empty="no visit ended",
    also_known_as=("time in stage", "stage time", "average time in stage", "days in stage"),
    default_because="A finished visit has a length that never changes; each counts, also of a deal that came back.",
    sources=(CRACKING_SALES,),
    ahead_of=("sales_cycle_length",),
    guarded_by=("stage_conversion_rate",),
)
def stage_duration() -> None:
    r"""How long a deal stays in a stage on average; group by="stage".

    $$\text{stage duration} = \operatorname{mean}(\text{left} - \text{entered})$$

    A visit counts in the period in which it ended. Visits that last are left out under "still there".

    Notes:
        HubSpot shows the time of all visits of a deal (`cumulative`) beside that of the latest. Salesforce's history
        has a row for each change of amount or date as well: join rows of the same stage before measuring.

    Pitfalls:
        Deals that are stuck have not left, so that the default cannot see them: `including_current` does.

    >>> visits = [StageVisit(id="1", deal_id="A", entered_at="2026-01-01", left_at="2026-01-03"),
    ...           StageVisit(id="2", deal_id="B", entered_at="2026-01-10")]
    >>> stage_duration(visits).to("days"), stage_duration(visits).left_out
    (2.0, {'still there': 1})
    """


stage_duration.also("median")


@stage_duration.add_variant(
    stay=by_deal.mean(by_deal.stay, by_deal.visits >= 1),
    leave_out={"still there": stage_visits.left_at.missing()} | backwards,
)
def cumulative() -> None:
    r"""How long a deal stays in a stage on average over all its visits to it; group by="stage".

    $$\text{cumulative stage duration}
    = \operatorname{mean}(\text{time of all visits})\ \text{over deals}$$

    One number per deal first, then their mean. Without grouping by stage it is the time in all of them.

    >>> visits = [StageVisit(id="1", deal_id="A", entered_at="2026-01-01", left_at="2026-01-03"),
    ...           StageVisit(id="2", deal_id="A", entered_at="2026-01-10", left_at="2026-01-14")]
    >>> stage_duration.variant("cumulative")(visits).to("days")
    6.0
    """


@stage_duration.add_variant(
    at=stage_visits.entered_at,
    finished=stage_visits.sum(stay, has_left),
    finished_visits=stage_visits.count(has_left & stay.present()),
    so_far=stage_visits.sum(stay_so_far, still_there),
    current_visits=stage_visits.count(still_there),
    leave_out=backwards,
    needs_as_of=True,
    empty="no visit began",
)
def including_current(finished: float, finished_visits: int, so_far: float, current_visits: int) -> float:
    r"""How long a visit has lasted on average, those that still last included up to now.

    $$\text{stage duration so far}
    = \operatorname{mean}(\min(\text{left}, \text{as of}) - \text{entered})$$

    A visit counts in the period in which it began. It grows from day to day while deals stay, and shows deals that are
    stuck, which the default cannot see.

    >>> visits = [StageVisit(id="1", entered_at="2026-01-01", left_at="2026-01-03"),
    ...           StageVisit(id="2", entered_at="2026-01-01")]
    >>> stage_duration.variant("including_current")(visits, as_of="2026-01-10").to("days")
    6.0
    """
    return (finished + so_far) / (finished_visits + current_visits)


@stage_duration.add_variant(stay=stage_visits.sum(stay))
def total() -> None:
    r"""How much time all deals together spend in a stage; group by="stage".

    $$\text{total stage duration} = \sum (\text{left} - \text{entered})$$

    Visits that ended in the period, whole. Of one deal (by="deal_id") it is the time that the deal spent in the stage.

    >>> visits = [StageVisit(id="1", deal_id="A", entered_at="2026-01-01", left_at="2026-01-03"),
    ...           StageVisit(id="2", deal_id="A", entered_at="2026-01-10", left_at="2026-01-14")]
    >>> stage_duration.variant("total")(visits).to("days")
    6.0
    """
