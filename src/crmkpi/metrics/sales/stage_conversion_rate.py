from crmkpi.definition.metric import Share, metric
from crmkpi.metrics.literature import CRACKING_SALES
from crmkpi.metrics.tables import stage_visits

deal = stage_visits.deal
# A lost deal leaves its last stage by the loss, and its earlier stages for the next one.
moved_on = stage_visits.left_at.present() & (
    deal.status.is_in("open", "won") | ((deal.status == "lost") & (deal.closed_at > stage_visits.left_at))
)


@metric(
    at=stage_visits.entered_at,
    moved_on=stage_visits.distinct(stage_visits.deal_id, moved_on),
    entered=stage_visits.distinct(stage_visits.deal_id),
    leave_out={
        "unknown deal": stage_visits.deal_id.present() & deal.status.missing(),
        "deleted": deal.deleted,
        "no closed_at": stage_visits.left_at.present() & (deal.status == "lost") & deal.closed_at.missing(),
    },
    interval=Share("moved_on", "entered"),
    unit="ratio",
    better="higher",
    empty="no deal entered",
    also_known_as=("stage-to-stage conversion rate", "stage progression rate", "pipeline conversion rate"),
    default_because="A deal goes on if it leaves the stage and is not lost by that; no order of stages is needed.",
    sources=(CRACKING_SALES,),
    ahead_of=("win_rate",),
)
def stage_conversion_rate(moved_on: int, entered: int) -> float:
    r"""Share of the deals that entered a stage and went on from there; group by="stage".

    $$\text{stage conversion rate}
    = \frac{\text{deals that left the stage, not by being lost}}{\text{deals that entered the stage}}$$

    A cohort: a deal counts in the period in which it entered the stage, once however often it came. Deals that are
    still there have not gone on yet, so that the latest periods are low. The deals say when they were lost.

    Notes:
        A deal that is moved back to an earlier stage has gone on too. Where stages have an order, a funnel says how
        many reached each of them.

    Pitfalls:
        Multiplying the rates of all stages gives the win rate only if no deal skips a stage. Where a system keeps only
        the day of a loss, stages that the deal left on that day look like the one in which it was lost.

    >>> deals = [Deal(id="A", status="won"), Deal(id="B", status="lost", closed_at="2026-01-20")]
    >>> visits = [StageVisit(id="1", deal_id="A", stage="Demo", entered_at="2026-01-01", left_at="2026-01-05"),
    ...           StageVisit(id="2", deal_id="B", stage="Demo", entered_at="2026-01-10", left_at="2026-01-20")]
    >>> stage_conversion_rate(stage_visits=visits, deals=deals).value
    0.5
    """
    return moved_on / entered
