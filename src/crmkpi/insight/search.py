"""Find the parts of the records that moved differently from the rest; there may be none.

The change of each value of each attribute, and of each pair of values of two attributes, is tested against the change
of all other records. The p-values are adjusted for their number (Benjamini-Hochberg). A finding shows where to look
first, and never the cause of the change.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from math import exp, log, sqrt
from typing import Any

from crmkpi.dates.given import PeriodLike
from crmkpi.definition.metric import Metric, Share
from crmkpi.errors import InputError
from crmkpi.insight.explain import explained_periods, ratio_of
from crmkpi.insight.tables import InsightTable, ShownTable, number_in, shown_value
from crmkpi.measuring.dataset import Compare, Dataset
from crmkpi.measuring.measurement import chosen_metrics, measure
from crmkpi.measuring.moments import is_mean
from crmkpi.measuring.results import Result
from crmkpi.measuring.segments import segments_of
from crmkpi.statistics.decomposition import mix_and_rate
from crmkpi.statistics.differences import benjamini_hochberg
from crmkpi.statistics.distributions import normal_quantile, normal_tails
from crmkpi.statistics.intervals import Interval

__all__ = ["Found", "Search", "search", "search_totals"]

_FEWEST = 30  # records of a cell on each side
_MOST_CELLS = 2000
_MOST_FOUND = 5
_Q = 0.05
_NEAR = 10.0  # a parent whose p-value is within this factor of its child's replaces it

Cell = tuple[tuple[str, Hashable], ...]  # attribute and value, of one or two attributes
Totals = tuple[float, float, float]  # of a share: part, whole, 0; of a mean or a sum: sum, count, squares


@dataclass(frozen=True, slots=True)
class Found:
    """A part that moved differently from the rest: by `difference` more than the rest, with its interval.

    For a share or mean the difference is in the unit of the KPI; for a count or sum it is the ratio of the growth
    factors minus 1. `share` is the fraction of the whole change that the part accounts for, and `otherwise` the value
    of the KPI if the part had moved like the rest.
    """

    cell: Mapping[str, Hashable]
    n_before: int
    n_after: int
    before: Any
    after: Any
    difference: Any
    interval: Interval[Any]
    p_value: float
    adjusted_p: float
    share: float | None
    otherwise: Any


@dataclass(frozen=True, slots=True, repr=False)
class Search(InsightTable):
    """The findings, most certain first; there may be none."""

    title: str
    unit: str
    before: Any
    after: Any
    found: tuple[Found, ...]
    cells: int
    labels: tuple[str, str] = ("before", "after")
    growth: bool = False
    currency: str | None = None

    @property
    def broad(self) -> bool:
        """Whether no part moved differently from the rest."""
        return not self.found

    @property
    def answer(self) -> str:
        """The answer in one sentence."""
        if self.broad:
            return "the change is broad: no part moved differently from the rest"
        return f"look here first: {'; '.join(_named(one.cell) for one in self.found)}"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One row per finding."""
        return [
            {
                "cell": _named(one.cell),
                "n_before": one.n_before,
                "n_after": one.n_after,
                "before": one.before,
                "after": one.after,
                "difference": one.difference,
                "low": one.interval.low,
                "high": one.interval.high,
                "p_value": one.p_value,
                "adjusted_p": one.adjusted_p,
                "share": one.share,
                "otherwise": one.otherwise,
            }
            for one in self.found
        ]

    def grid(self) -> ShownTable:
        """The table for display."""

        def shown(value: Any, *, change: bool = False) -> str:
            if change and self.growth:
                return f"{100 * value:+.1f} %"
            return shown_value(value, self.unit, currency=self.currency, change=change)

        rows = [
            (
                _named(one.cell),
                f"{one.n_after:,}",
                shown(one.before),
                shown(one.after),
                shown(one.difference, change=True),
                f"{shown(one.interval.low, change=True)} to {shown(one.interval.high, change=True)}",
                shown(one.otherwise),
            )
            for one in self.found
        ]
        headers = ("part", "n", *self.labels, "beyond the rest", "interval", "otherwise")
        notes = [
            f"{self.cells:,} parts were compared (Benjamini-Hochberg)",
            "it says where to look, not what caused it",
        ]
        heading = f"{self.title}, {shown(self.before)} to {shown(self.after)}: {self.answer}"
        return ShownTable(heading, headers, rows, notes)


def _named(cell: Mapping[str, Hashable]) -> str:
    return ", ".join(f"{name} {'(none)' if value is None else value}" for name, value in cell.items())


def search(
    crm: Dataset,
    metric: Metric | str,
    *,
    period: PeriodLike,
    compare: Compare = "previous",
    by: Sequence[Any],
    depth: int = 2,
    parameters: Mapping[str, Any] | None = None,
) -> Search:
    """The parts of the records, by the attributes `by`, that moved differently from the rest between two periods.

    The KPI is a share, a mean, a count or a sum; parts with fewer than 30 records on a side are not tested.

    >>> from crmkpi import Deal
    >>> deals = [Deal(id=f"{month}{source}{owner}{n}", source=source, owner=owner, closed_at=f"2026-0{month}-05",
    ...               status="won" if n % 100 < (40 if month == 1 or source != "web" else 15) else "lost")
    ...          for month in (1, 2) for source in ("web", "fair", "partner") for owner in ("Ada", "Bo")
    ...          for n in range(200)]
    >>> print(search(Dataset(deals=deals), "win_rate", period="2026-02", by=["source", "owner"]).answer)
    look here first: source web
    """
    (chosen,) = chosen_metrics(metric)
    kind = _kind_of(chosen)
    later, earlier = explained_periods(crm, period, compare)
    results = measure(
        crm,
        (chosen,),
        periods=[earlier, later],
        against=None,
        by=by,
        parameters=parameters or {},
        confidence=0.95,
        moments=True,
    )
    sides: list[dict[tuple[Hashable, ...], Totals]] = [{}, {}]
    for one in results:
        sides[one.period == later][tuple(one.segment.values())] = _totals(chosen, kind, one)
    names = [segment.name for segment in segments_of(by)]
    currency = next((one.currency for one in results if one.currency is not None), None)
    asked = _Asked(chosen.title, chosen.unit, kind, names, depth, (earlier.label, later.label), currency)
    return _searched(asked, sides)


def search_totals(
    before: Mapping[tuple[Hashable, ...], Totals],
    after: Mapping[tuple[Hashable, ...], Totals],
    *,
    names: Sequence[str],
    kind: str = "share",
    depth: int = 2,
) -> Search:
    """The search over given totals, by the finest cells: a tuple of one value per attribute.

    `kind` is "share" (part, whole, 0), "mean" or "sum" (sum, count, sum of squares).
    """
    if kind not in ("share", "mean", "sum"):
        raise InputError(f"`kind` is 'share', 'mean' or 'sum'; got {kind!r}.")
    unit = "ratio" if kind == "share" else "number"
    asked = _Asked("values", unit, kind, names, depth, ("before", "after"))
    plain = [
        {cell: (float(part), float(whole), float(squares)) for cell, (part, whole, squares) in side.items()}
        for side in (before, after)
    ]
    return _searched(asked, plain)


def _kind_of(metric: Metric) -> str:
    if isinstance(metric.interval, Share) and ratio_of(metric) is not None and metric.roll_up == "ratio":
        return "share"
    if is_mean(metric) is not None and metric.roll_up == "ratio":
        return "mean"
    if metric.additive and not any(measure_.is_stock for measure_ in metric.measures.values()):
        return "sum"
    raise InputError(
        f"The search is over shares, means, counts and sums of records; {metric.id} is none of these. "
        "explain() splits its change over the segments of one attribute."
    )


def _totals(metric: Metric, kind: str, result: Result) -> Totals:
    assert result.moments is not None  # the measurement requested them
    totals, products = result.moments.totals, result.moments.products
    if kind == "share":
        assert isinstance(metric.interval, Share)
        return float(totals[metric.interval.part]), float(totals[metric.interval.whole]), 0.0
    if kind == "mean":
        mean = is_mean(metric)
        assert mean is not None
        total, count = mean
        return float(totals[total]), float(totals[count]), float(products[total, total])
    (name,) = metric.measures
    return float(totals[name]), float(result.n), float(products[name, name])


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parameters of a search."""

    title: str
    unit: str
    kind: str
    names: Sequence[str]
    depth: int
    labels: tuple[str, str]
    currency: str | None = None


def _searched(asked: _Asked, sides: Sequence[Mapping[tuple[Hashable, ...], Totals]]) -> Search:
    kind, names, depth, labels, unit = asked.kind, asked.names, asked.depth, asked.labels, asked.unit
    if depth not in (1, 2):
        raise InputError(f"`depth` is 1 (values of one attribute) or 2 (pairs as well); got {depth!r}.")
    cells = _cells(names, sides, depth)
    if len(cells) > _MOST_CELLS:
        widths = {name: len({cell for cell in cells if len(cell) == 1 and cell[0][0] == name}) for name in names}
        widest = max(widths, key=widths.__getitem__)
        raise InputError(
            f"The search looks at {_MOST_CELLS:,} parts at most; got {len(cells):,}. {widest} alone has "
            f"{widths[widest]:,} values; group it, or leave it out."
        )
    everything = [_added(side.values()) for side in sides]
    empty = next((label for label, one in zip(labels, everything, strict=True) if not one[1]), None)
    if empty is not None:
        raise InputError(f"The search compares two periods with records; {empty} has none.")
    left = [dict(side) for side in sides]
    found: list[Found] = []
    tested = 0
    for _ in range(_MOST_FOUND):
        whole = [_added(side.values()) for side in left]
        every = {cell: _test(kind, sums, whole) for cell, sums in _sums(cells, left).items()}
        tests = {cell: test for cell, test in every.items() if test is not None}
        tested = tested or len(tests)
        adjusted = dict(zip(tests, benjamini_hochberg([test[2] for test in tests.values()]), strict=True))
        shown = {cell: test for cell, test in tests.items() if (adjusted[cell] or 0.0) < _Q}
        if not shown:
            break
        best = min(shown, key=partial(_order, kind, names, shown, left))
        parents = [(part,) for part in best] if len(best) == 2 else []
        near = [one for one in parents if one in tests and tests[one][2] <= _NEAR * tests[best][2]]
        chosen = min(near, key=lambda cell: tests[cell][2]) if near else best
        own = [_added(totals for key, totals in side.items() if _holds(chosen, names, key)) for side in left]
        test = (*tests[chosen], adjusted[chosen] or 0.0)
        found.append(_found(asked, chosen, own, whole, everything, test))
        left = [{key: totals for key, totals in side.items() if not _holds(chosen, names, key)} for side in left]
    ends = [number_in(_value(kind, one), unit) for one in everything]
    return Search(asked.title, unit, ends[0], ends[1], tuple(found), tested, labels, kind == "sum", asked.currency)


def _order(
    kind: str,
    names: Sequence[str],
    tests: Mapping[Cell, tuple[float, float, float]],
    sides: Sequence[Mapping[tuple[Hashable, ...], Totals]],
    cell: Cell,
) -> tuple[float, int, float, str]:
    """Sort key: the most certain part first; of equally certain ones, such as two complements, the larger move."""
    before, after = (_added(totals for key, totals in side.items() if _holds(cell, names, key)) for side in sides)
    moved = after[0] - before[0] if kind == "sum" else (_value(kind, after) - _value(kind, before)) * after[1]
    return float(f"{tests[cell][2]:.9g}"), len(cell), -abs(moved), str(cell)


def _cells(names: Sequence[str], sides: Sequence[Mapping[tuple[Hashable, ...], Totals]], depth: int) -> list[Cell]:
    keys = list(dict.fromkeys([*sides[0], *sides[1]]))
    found: dict[Cell, None] = {}
    for key in keys:
        for cell in _cells_of(names, key, depth):
            found[cell] = None
    return list(found)


def _cells_of(names: Sequence[str], key: tuple[Hashable, ...], depth: int) -> Iterator[Cell]:
    for size in range(1, depth + 1):
        yield from combinations(tuple(zip(names, key, strict=True)), size)


def _sums(cells: Sequence[Cell], sides: Sequence[Mapping[tuple[Hashable, ...], Totals]]) -> dict[Cell, list[Totals]]:
    """The totals of each part, before and after."""
    depth = max(map(len, cells))
    names = list(dict.fromkeys(name for cell in cells for name, _ in cell))
    sums: dict[Cell, list[list[float]]] = {cell: [[0.0] * 3, [0.0] * 3] for cell in cells}
    for place, side in enumerate(sides):
        for key, totals in side.items():
            for cell in _cells_of(names, key, depth):
                into = sums[cell][place]
                for number in range(3):
                    into[number] += totals[number]
    return {cell: [(a[0], a[1], a[2]), (b[0], b[1], b[2])] for cell, (a, b) in sums.items()}


def _holds(cell: Cell, names: Sequence[str], key: tuple[Hashable, ...]) -> bool:
    return set(cell) <= set(zip(names, key, strict=True))


def _added(many: Any) -> Totals:
    a = b = c = 0.0
    for one, two, three in many:
        a, b, c = a + one, b + two, c + three
    return a, b, c


def _without(whole: Totals, part: Totals) -> Totals:
    return whole[0] - part[0], whole[1] - part[1], whole[2] - part[2]


def _value(kind: str, totals: Totals) -> float:
    return totals[0] if kind == "sum" else totals[0] / totals[1]


def _test(kind: str, own: Sequence[Totals], whole: Sequence[Totals]) -> tuple[float, float, float] | None:
    """The difference between the moves of a part and the rest, its standard error, and its p-value."""
    rest = [_without(one, part) for one, part in zip(whole, own, strict=True)]
    if min(one[1] for one in (*own, *rest)) < _FEWEST:
        return None
    steps, variance = [], 0.0
    for before, after in (own, rest):
        if kind == "sum":
            if before[0] <= 0 or after[0] <= 0:
                return None
            steps.append(log(after[0] / before[0]))
            variance += sum(one[2] / one[0] ** 2 for one in (before, after))
            continue
        steps.append(_value(kind, after) - _value(kind, before))
        variance += sum(_variance(kind, one) for one in (before, after))
    if variance <= 0:
        return None
    difference, error = steps[0] - steps[1], sqrt(variance)
    return difference, error, normal_tails(_score_of_sums(own, rest) if kind == "sum" else difference / error)


def _score_of_sums(own: Sequence[Totals], rest: Sequence[Totals]) -> float:
    """The distance of a sum from its value if it had grown like the rest, in standard errors.

    It uses plain differences: logarithms of sums of skewed amounts raise four times as many false alarms. Swapping the
    periods only flips the sign, and so does swapping the part with the rest.
    """
    moved = own[1][0] * rest[0][0] - rest[1][0] * own[0][0]
    spread = sum(
        mine[2] * other_rest[0] ** 2 + theirs[2] * other_own[0] ** 2
        for mine, theirs, other_own, other_rest in zip(own, rest, reversed(own), reversed(rest), strict=True)
    )
    return moved / sqrt(spread)


def _variance(kind: str, totals: Totals) -> float:
    """The variance of a share or of a mean."""
    total, count, squares = totals
    if kind == "share":
        share = (total + 0.5) / (count + 1)
        return share * (1 - share) / count
    return max(0.0, (squares - total * total / count) / (count - 1)) / count


def _found(
    asked: _Asked,
    cell: Cell,
    own: Sequence[Totals],
    whole: Sequence[Totals],
    everything: Sequence[Totals],
    test: tuple[float, float, float, float],
) -> Found:
    kind, unit = asked.kind, asked.unit
    difference, error, p_value, adjusted = test
    half = normal_quantile(0.95) * error
    rest = [_without(one, part) for one, part in zip(whole, own, strict=True)]
    change = _value(kind, everything[1]) - _value(kind, everything[0])
    if kind == "sum":
        like_rest = own[0][0] * rest[1][0] / rest[0][0]
        otherwise = everything[1][0] - own[1][0] + like_rest
        part = own[1][0] - own[0][0]
        bounds = [exp(one) - 1 for one in (difference, difference - half, difference + half)]
    else:
        like_rest = _value(kind, own[0]) + _value(kind, rest[1]) - _value(kind, rest[0])
        otherwise = (everything[1][0] + (like_rest - _value(kind, own[1])) * own[1][1]) / everything[1][1]
        others = [_without(one, mine) for one, mine in zip(everything, own, strict=True)]
        split = mix_and_rate({"own": own[0][:2], "others": others[0][:2]}, {"own": own[1][:2], "others": others[1][:2]})
        part = float(split["own"].total)
        bounds = [difference, difference - half, difference + half]
    in_unit = [bounds[0], bounds[1], bounds[2]] if kind == "sum" else [number_in(one, unit) for one in bounds]
    return Found(
        dict(cell),
        int(own[0][1]),
        int(own[1][1]),
        number_in(_value(kind, own[0]), unit),
        number_in(_value(kind, own[1]), unit),
        in_unit[0],
        Interval(in_unit[1], in_unit[2], 0.95, "normal"),
        p_value,
        adjusted,
        part / change if change else None,
        number_in(otherwise, unit),
    )
