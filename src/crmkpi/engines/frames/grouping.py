"""The GROUP BYs of a pass: which slots share one, its aggregates, and the rows that it returns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import NamedTuple

from crmkpi.engines.frames.assumptions import check, doubted
from crmkpi.engines.frames.group_keys import Key
from crmkpi.engines.frames.projection import Projection
from crmkpi.engines.frames.slots import PassSlot
from crmkpi.engines.frames.words import Cell, Expr, Frame, Row
from crmkpi.statistics.intervals import quantile_place, quantile_ranks

__all__ = ["GroupedRows", "Grouping", "grouped", "groupings"]


class Grouping(NamedTuple):
    """The slots that share one GROUP BY, and its keys; with `classes`, rows are pre-aggregated.

    `per` are the keys of slots that keep a state per key. The slots in `ranked` fetch only the values at the ranks that
    their quantiles need.
    """

    slots: Sequence[PassSlot]
    keys: Sequence[Key]
    per: Sequence[Key]
    classes: bool
    merging: bool
    ranked: frozenset[int]
    checked: bool = False  # also counts the rows that break an assumption

    @property
    def names(self) -> list[str]:
        """The columns of the keys."""
        return [key.name for key in self.keys]


@dataclass(slots=True, eq=False, repr=False)
class GroupedRows:
    """The answer of a GROUP BY: `place` has the position in a row of each key and aggregate, by name.

    `apart` holds the answers of the slots that need a query of their own: for each, the groups with their values.
    """

    rows: Sequence[Row]
    place: Mapping[str, int]
    apart: dict[int, Sequence[tuple[Row, Sequence[Cell]]]] = field(default_factory=dict)
    ranks: dict[int, Mapping[int, Sequence[int]]] = field(default_factory=dict)  # of each slot, by the count of values


def groupings(projection: Projection, *, merging: bool, converts: bool) -> Iterable[Grouping]:
    """The groupings of the slots: one for each key that states are kept by.

    Numbers of distinct values cannot be added over currencies or classes, so they get a grouping without these.
    """
    backend = projection.backend
    for keyed in sorted({repr(slot.slot.key) for slot in projection.slots}, key=lambda text: (text != "None", text)):
        own = [slot for slot in projection.slots if repr(slot.slot.key) == keyed]
        per = own[0].per
        classes = projection.preaggregates and not per
        alone = [slot for slot in own if slot.slot.what == "distinct" and (classes or projection.splits)]
        for chosen, split in (([slot for slot in own if slot not in alone], True), (alone, False)):
            keys = projection.keys(per, split=split)
            fetched = backend.keeps_ranks and not (merging or converts or per) and all(key.single for key in keys)
            ranked = frozenset(slot.number for slot in chosen if fetched and _has_ranks(slot))
            if chosen:
                yield Grouping(chosen, keys, per, classes and split, merging, ranked)


def _has_ranks(slot: PassSlot) -> bool:
    """True if a slot needs its values only at some ranks."""
    keep = slot.slot.keep
    return "values" in keep and "all" not in keep and bool(slot.sums) and slot.currency is None


def grouped(projection: Projection, grouping: Grouping, *, confidence: float | None) -> GroupedRows:
    """Run a GROUP BY, and a query of its own for each slot that elementary aggregates cannot serve."""
    home, backend, names = projection.backend.home, projection.backend, grouping.names
    sliced = grouping.ranked if grouping.classes and backend.slices_groups else frozenset()
    spread = 0.0 if confidence is None else NormalDist().inv_cdf((1 + confidence) / 2) / 2
    aggregates = _aggregates(projection, grouping) | _slices(projection, grouping, sliced, spread)
    chosen = [source.alias(name) for name, source in aggregates.items()]
    apart = [slot for slot in grouping.slots if slot.is_apart(merging=grouping.merging)]
    if grouping.classes:
        frame = projection.classes.added_up(
            projection.keyed(grouping.keys, {}),
            names,
            grouping.slots,
            projection.ways,
            sliced,
            projection.doubts if grouping.checked else {},
        )
        whole = projection.frame() if apart else frame
    else:
        frame = whole = projection.only(projection.frame(), grouping.slots) if grouping.per else projection.frame()
    sorted_in = [slot.column for slot in apart if slot.number in grouping.ranked] if backend.sorts_groups else []
    if sorted_in:
        groups = home.grouped(frame, names, chosen, sorted_in)
        answer = groups.select(*names, *aggregates)
    else:
        groups = whole
        answer = frame.group_by(*names).agg(*chosen) if names else frame.select(*chosen)
    found = GroupedRows(home.leave(answer), {name: place for place, name in enumerate((*names, *aggregates))})
    if grouping.checked:
        columns = ("n", *_counted(projection, grouping))
        rows, *unlike = (sum(int(row[found.place[name]] or 0) for row in found.rows) for name in columns)
        check(rows, dict(zip(columns[1:], unlike, strict=True)))
    for slot in apart:
        kept = whole if slot.flag is None else whole.filter(projection.met(slot.flag))
        if slot.number in grouping.ranked:
            counts = {int(row[found.place[slot.counted]] or 0) for row in found.rows}  # a sum of MariaDB is a decimal
            places = {count: _places(count, slot.slot.fractions, confidence) for count in counts if count}
            if places:
                source = groups if sorted_in else kept
                found.ranks[slot.number] = places
                known = _in_slices(found, slot, len(names)) if slot.number in sliced else None
                if known is None:
                    known = home.ranks(source, names, slot.column, slot.counted, places)
                found.apart[slot.number] = known
        elif (listed := found.place.get(f"values {slot.number}")) is not None:
            found.apart[slot.number] = [(row[: len(names)], row[listed]) for row in found.rows if row[listed]]
        else:
            found.apart[slot.number] = _values_apart(projection, kept, slot, names)
    return found


def _counted(projection: Projection, grouping: Grouping) -> list[str]:
    """The columns that count the rows that break an assumption."""
    return list(doubted(projection.doubts, projection.nw)) if grouping.checked else []


def _aggregates(projection: Projection, grouping: Grouping) -> dict[str, Expr]:
    """The aggregates of a group, by name: numbers of rows, sums, extremes and numbers of distinct values."""
    nw, home = projection.nw, projection.backend.home
    made: dict[str, Expr] = {"n": nw.col("rows_").sum() if grouping.classes else nw.len()}
    made |= {name: nw.col(name).sum() for name in _counted(projection, grouping)}
    for slot in grouping.slots:
        if slot.flag is not None:
            made[slot.counted] = nw.col(slot.flag).sum()
        if slot.is_apart(merging=grouping.merging) and slot.number not in grouping.ranked:
            if projection.backend.lists_in_rows and slot.slot.what == "values":
                made[f"values {slot.number}"] = home.listed(slot.column)
            continue
        if slot.slot.what == "distinct":
            made[f"distinct {slot.number}"] = nw.col(slot.column).n_unique()
        for one in slot.sums:
            made |= {name: nw.col(name).sum() for name in one.columns}
        if "extremes" in slot.slot.keep:
            low, high = slot.ends or (slot.column, slot.column)
            made[f"low {slot.number}"] = nw.col(low).min()
            made[f"high {slot.number}"] = nw.col(high).max()
    return made


def _slices(projection: Projection, grouping: Grouping, sliced: Collection[int], spread: float) -> dict[str, Expr]:
    """Slices of the sorted values around each quantile, as wide as a normal approximation of its interval."""
    made: dict[str, Expr] = {}
    for slot in (slot for slot in grouping.slots if slot.number in sliced):
        for fraction in sorted(slot.slot.fractions):
            first, values = projection.backend.home.slice_of(slot.column, fraction, spread)
            made |= {f"first {slot.number} {fraction}": first, f"slice {slot.number} {fraction}": values}
    return made


def _in_slices(found: GroupedRows, slot: PassSlot, keys: int) -> list[tuple[Row, Sequence[Cell]]] | None:
    """Per group, the values at the ranks that it needs; None if some rank is outside the slices."""
    made: list[tuple[Row, Sequence[Cell]]] = []
    counted = found.place[slot.counted]
    sides = [[found.place[f"{what} {slot.number} {one}"] for what in ("first", "slice")] for one in slot.slot.fractions]
    for row in found.rows:
        if not row[counted]:
            continue
        known = {row[first] + place: value for first, values in sides for place, value in enumerate(row[values])}
        wanted = found.ranks[slot.number][row[counted]]
        if not known.keys() >= set(wanted):
            return None
        made.append((row[:keys], [known[place] for place in wanted]))
    return made


def _places(count: int, fractions: Collection[float], confidence: float | None) -> tuple[int, ...]:
    """The positions, among `count` sorted values, that these quantiles and their intervals need."""
    found: set[int] = set()
    for fraction in fractions:
        place, weight = quantile_place(count, fraction)
        found |= {place, place + (weight > 0)}
        ranks = None if confidence is None else quantile_ranks(count, fraction, confidence=confidence)
        if ranks is not None:
            found |= {rank - 1 for rank in ranks[:2]}
    return tuple(sorted(found))


def _values_apart(
    projection: Projection, frame: Frame, slot: PassSlot, names: Sequence[str]
) -> list[tuple[Row, Sequence[Cell]]]:
    """Per group, the distinct values, the values, or the latest record's moment, id and value."""
    home = projection.backend.home
    if slot.slot.what == "values":
        return home.sorted_values(frame, names, slot.column)
    if slot.slot.what == "latest":
        return [(row[:-3], row[-3:]) for row in home.leave(_latest(projection, frame, slot, names))]
    sets: dict[Row, list[Cell]] = {}
    for *group, value in home.leave(frame.select(*names, slot.column).unique()):
        sets.setdefault(tuple(group), []).append(value)
    return list(sets.items())


def _latest(projection: Projection, frame: Frame, slot: PassSlot, names: Sequence[str]) -> Frame:
    """The latest record per group; among equal moments, the one whose id sorts last."""
    nw = projection.nw
    assert slot.moment is not None
    made = {"moment_": slot.moment.source, "id_": nw.col("f_id"), "all_": nw.lit(0)}
    frame = frame.with_columns(*(source.alias(name) for name, source in made.items()))
    frame = frame.select(*names, *made, slot.column)
    for column in ("moment_", "id_"):
        best = nw.col(column).max().over(*(names or ["all_"]))
        frame = frame.with_columns(best.alias(f"best_{column}")).filter(nw.col(column) == nw.col(f"best_{column}"))
    return frame.select(*names, "moment_", "id_", slot.column)
