"""One pass over a frame: project plain columns, group, collect the rows, and read their states."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace

from crmkpi.engines.frames.compiler import Compiler
from crmkpi.engines.frames.group_keys import UNDATED, Key
from crmkpi.engines.frames.grouping import grouped, groupings
from crmkpi.engines.frames.projection import Projection
from crmkpi.engines.frames.states import Convert, States
from crmkpi.engines.frames.stocks import parted
from crmkpi.engines.query import Anchor, Group, State

__all__ = ["Pass", "given"]


class Pass:
    """An anchor's slots over one frame; `keys` are the part and the days of rates, grouped by beside the `segments`.

    `parts` is that of all rows, where there is no key for it; or several, and the anchor has slots for each.
    """

    def __init__(
        self,
        compiler: Compiler,
        segments: Sequence[Key],
        keys: Sequence[Key],
        anchor: Anchor,
        convert: Convert | None = None,
        confidence: float | None = None,
        parts: Sequence[int | None] = (None,),
        *,
        everything: bool = False,
    ) -> None:
        """With `everything` rows of no period have groups too, so that `given` says how many each segment has."""
        self.given: Mapping[tuple[Hashable, ...], int] | None = None
        self._everything = everything
        self.counts_alone = False
        self.undated = any(key.name == UNDATED for key in keys)  # its answer does not depend on the period
        self._compiler = compiler
        self._segments = segments
        self._keys = keys
        self._anchor = anchor
        self._convert = convert
        self._confidence = confidence
        self._parts = parts

    def states(self, *, merging: bool) -> dict[Group, list[State]]:
        """The states of each group."""
        once = len(self._parts) == 1
        preaggregates = self._compiler.prepared.backend.preaggregates and once
        slots, segments = self._anchor.slots, self._segments
        undated = self.counts_alone and self.undated
        asked = [slot if slot.what == "count" or not undated else None for slot in slots]
        compiler = self._compiler
        if self.given is not None:  # another pass has all rows, and has checked what is assumed of them
            compiler = replace(compiler, prepared=replace(compiler.prepared, doubts={}))
        projection = Projection(
            compiler,
            segments,
            self._keys,
            asked,
            preaggregates=preaggregates,
            everything=self._everything,
            counts_alone=self.counts_alone,
        )
        states = States(slots, len(segments), self._parts, self._convert)
        for each in groupings(projection, merging=merging, converts=self._convert is not None):
            counts = self._everything and self.given is None and not each.per
            asks = replace(each, checked=counts and self._compiler.prepared.assumed is not None)
            found = grouped(projection, asks, confidence=self._confidence)
            states.add(asks, found, counts=counts)
            if counts:
                self.given = states.given
        return states.groups if once else parted(states.groups, self._parts)


def given(compiler: Compiler, segments: Sequence[Key]) -> dict[tuple[Hashable, ...], int]:
    """How many rows each segment has."""
    names = [key.name for key in segments]
    frame = compiler.frame.with_columns(*(key.source.alias(key.name) for key in segments)).select(*names)
    found: dict[tuple[Hashable, ...], int] = {}
    for *cells, count in compiler.prepared.backend.home.leave(frame.group_by(*names).agg(compiler.nw.len().alias("n"))):
        segment = tuple(key.decode(cell) for key, cell in zip(segments, cells, strict=True))
        found[segment] = found.get(segment, 0) + count
    return found
