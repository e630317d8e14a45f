"""One pass over a frame: project plain columns, group by, collect the result rows, and read the states."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

from crmkpi.engines.frames.compiler import Compiler
from crmkpi.engines.frames.group_keys import UNDATED, Key
from crmkpi.engines.frames.grouping import grouped, groupings
from crmkpi.engines.frames.projection import Projection
from crmkpi.engines.frames.states import Convert, States
from crmkpi.engines.frames.stocks import parted
from crmkpi.engines.query import Anchor, Group, State

__all__ = ["Pass", "RowsBySegment", "given"]

RowsBySegment = Mapping[tuple[Hashable, ...], int]  # the number of rows per segment


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pass:
    """An anchor's slots over one frame, grouped by the `segments` and by `keys`: the part and the day of the rate.

    Without a key for the part, `parts` holds the part of all rows; or several, and the anchor has slots for each. With
    `everything`, rows outside the periods are grouped too. With `counts_alone`, rows without a date are only counted.
    """

    compiler: Compiler
    segments: Sequence[Key]
    keys: Sequence[Key]
    anchor: Anchor
    convert: Convert | None
    confidence: float | None
    parts: Sequence[int | None] = (None,)
    everything: bool = False
    counts_alone: bool = False

    @property
    def undated(self) -> bool:
        """True if the pass reads only rows without a date, so that its answer does not depend on the periods."""
        return any(key.name == UNDATED for key in self.keys)

    def answered(self, *, merging: bool, first: bool) -> tuple[dict[Group, list[State]], RowsBySegment | None]:
        """The states per group; and from the `first` pass, if it reads all rows, the number of rows per segment."""
        prepared, slots = self.compiler.prepared, self.anchor.slots
        once, undated = len(self.parts) == 1, self.counts_alone and self.undated
        projection = Projection(
            # The first pass has validated the assumptions about all rows.
            self.compiler if first else replace(self.compiler, prepared=prepared._replace(doubts={})),
            self.segments,
            self.keys,
            [slot if slot.what == "count" or not undated else None for slot in slots],
            preaggregates=prepared.backend.preaggregates and once,
            everything=self.everything,
            counts_alone=self.counts_alone,
        )
        states = States(slots, len(self.segments), self.parts, self.convert)
        known: RowsBySegment | None = None
        for each in groupings(projection, merging=merging, converts=self.convert is not None):
            counts = self.everything and first and known is None and not each.per
            grouping = each._replace(checked=counts and prepared.assumed is not None)
            states.add(grouping, grouped(projection, grouping, confidence=self.confidence), counts=counts)
            known = states.given if counts else known
        return (states.groups if once else parted(states.groups, self.parts)), known


def given(compiler: Compiler, segments: Sequence[Key]) -> dict[tuple[Hashable, ...], int]:
    """The number of rows per segment."""
    names = [key.name for key in segments]
    frame = compiler.frame.with_columns(*(key.source.alias(key.name) for key in segments)).select(*names)
    found: dict[tuple[Hashable, ...], int] = {}
    for *cells, count in compiler.prepared.backend.home.leave(frame.group_by(*names).agg(compiler.nw.len().alias("n"))):
        segment = tuple(key.decode(cell) for key, cell in zip(segments, cells, strict=True))
        found[segment] = found.get(segment, 0) + count
    return found
