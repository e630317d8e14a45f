"""Funnel: the deals that reach each stage of a pipeline, and the share that advances."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crmkpi._hooks import hook
from crmkpi.errors import InputError
from crmkpi.insight.arguments import reading
from crmkpi.statistics.intervals import Interval, wilson
from crmkpi.tabular import Tabular

__all__ = ["Funnel", "FunnelStage", "funnel"]


_READ = ("deal_id", "stage", "entered_at")
_funnel_chart: Callable[..., Any] = hook("funnel_chart")


@dataclass(frozen=True, slots=True)
class FunnelStage:
    """A stage: the number of deals that got at least that far, and their share of the stages before.

    `skipped` of them passed it without a visit. Shares are `None` in the first stage, and where no deal came so far.
    """

    stage: str
    reached: int
    skipped: int
    from_previous: float | None
    from_first: float | None
    interval: Interval[float] | None


@dataclass(frozen=True, slots=True)
class Funnel(Tabular):
    """The stages in their order, and the visits that could not be used, by reason."""

    stages: tuple[FunnelStage, ...]
    left_out: Mapping[str, int]

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per stage, for a frame or a file."""
        return [
            {
                "stage": stage.stage,
                "reached": stage.reached,
                "skipped": stage.skipped,
                "from_previous": stage.from_previous,
                "from_first": stage.from_first,
            }
            for stage in self.stages
        ]

    def chart(self) -> Any:
        """The stages as bars, as an Altair chart; it needs the extra `plot`."""
        return _funnel_chart(self)

    def __str__(self) -> str:
        """The stages as a table."""
        width = max(len(stage.stage) for stage in self.stages)
        lines = [f"{'stage':<{width}} {'reached':>8} {'from previous':>14} {'from first':>11}"]
        for stage in self.stages:
            shares = ["–" if share is None else f"{share:.1%}" for share in (stage.from_previous, stage.from_first)]
            lines.append(f"{stage.stage:<{width}} {stage.reached:>8,} {shares[0]:>14} {shares[1]:>11}")
        if self.left_out:
            lines.append("left out: " + ", ".join(f"{count:,} {reason}" for reason, count in self.left_out.items()))
        return "\n".join(lines)


def funnel(visits: Iterable[Any], *, stages: Sequence[str], confidence: float = 0.95) -> Funnel:
    """The number of deals that reached each of the ordered `stages`, and the share that advanced.

    A visit has `deal_id`, `stage` and `entered_at`. A deal in a later stage has reached those before it, visited or
    not, so that shares are never above 1; `skipped` counts the deals without a visit. Going back to an earlier stage
    changes nothing. The interval is Wilson's for the share of the previous stage. For the deals of one period pass only
    their visits.

    >>> from types import SimpleNamespace as Visit
    >>> seen = [("A", "Lead"), ("A", "Offer"), ("B", "Lead"), ("C", "Lead"), ("C", "Demo")]
    >>> visits = [Visit(deal_id=deal, stage=stage, entered_at=n) for n, (deal, stage) in enumerate(seen)]
    >>> print(funnel(visits, stages=["Lead", "Demo", "Offer"]))
    stage  reached  from previous  from first
    Lead         3              –           –
    Demo         2          66.7%       66.7%
    Offer        1          50.0%       33.3%
    """
    listed = isinstance(stages, Sequence) and not isinstance(stages, str)
    order = {stage: place for place, stage in enumerate(stages)} if listed else {}
    if len(order) < 2 or len(order) < len(stages):
        raise InputError(f"`stages` names at least two different stages in their order; got {stages!r}.")
    seen: dict[Any, set[int]] = {}
    left_out: Counter[str] = Counter()
    with reading("visits", visits):
        for visit in visits:
            unread = next((name for name in _READ if name in getattr(visit, "unreadable", ())), None)
            if unread is not None:
                left_out[f"{unread} unreadable"] += 1
            elif visit.deal_id is None or visit.entered_at is None:
                left_out["no deal or date"] += 1
            elif visit.stage not in order:
                left_out[f"no stage of the funnel: {visit.stage}"] += 1
            else:
                seen.setdefault(visit.deal_id, set()).add(order[visit.stage])
    if not seen:
        raise InputError(f"No visit is of a stage of the funnel ({', '.join(stages)}); left out: {dict(left_out)}.")
    found: list[FunnelStage] = []
    for place, stage in enumerate(stages):
        reached = sum(max(places) >= place for places in seen.values())
        skipped = reached - sum(place in places for places in seen.values())
        before = found[-1].reached if found else 0
        found.append(
            FunnelStage(
                stage,
                reached,
                skipped,
                reached / before if before else None,
                reached / found[0].reached if found else None,
                wilson(reached, before, confidence=confidence) if before else None,
            )
        )
    return Funnel(tuple(found), dict(left_out))
