"""Pre-aggregate rows that share the same condition outcomes, so that many measures cost one GROUP BY.

A condition on choices and flags, such as `status == "won"`, has the same outcome for all rows of one status; any other
is a column that is true or false. Grouping by the keys, these choices and flags, and these outcomes makes a dozen
measures with a dozen conditions cost little more than one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from crmkpi.engines.frames.assumptions import UNLIKE, doubted
from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.compiled_values import Condition, Value
from crmkpi.engines.frames.exact_sums import Sum, exact_sum
from crmkpi.engines.frames.faults import some_of
from crmkpi.engines.frames.slots import PassSlot
from crmkpi.engines.frames.words import Expr, Frame, Words, all_of, only_where, with_named

__all__ = ["Classes"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Classes:
    """The values to pre-aggregate per class (rows with equal condition outcomes) of a table of at most `rows` rows."""

    nw: Words
    backend: Backend
    rows: int
    values: dict[str, tuple[str, Expr]] = field(default_factory=dict)  # keyed by their text
    terms: dict[str, Expr] = field(default_factory=dict)

    def value(self, text: str, source: Expr) -> str:
        """The name of a value's column, which holds it in all rows, whether they count or not."""
        return self.values.setdefault(text, (f"u{len(self.values)}_", source))[0]

    def sum(self, name: str, value: Value, flag: str | None, *, power: int) -> Sum:
        """The sum of a value's column, or of its squares, over the rows in which `flag` is true."""
        made = exact_sum(self.nw, self.backend, name, value.largest, self.rows, power=power)
        self.terms.update(made.columns)
        columns = {f"{term} {flag}": self.nw.col(term) for term in made.columns}
        return Sum(columns, {f"{term} {flag}": weight for term, weight in made.weights.items()})

    def added_up(
        self,
        frame: Frame,
        keys: Sequence[str],
        parts: Sequence[PassSlot],
        conditions: Mapping[str, Mapping[str, Condition]],
        listed: Collection[int] = (),
        doubts: Mapping[str, Expr] = MappingProxyType({}),
    ) -> Frame:
        """One row per class, with the columns of each slot: NULL where its conditions do not hold.

        `conditions` are keyed by flag. The column `rows_` counts the rows of the class. The slots in `listed` get their
        values as a list. Rows in which one of `doubts` holds are counted; these are keyed by the column that they test.
        """
        nw = self.nw
        flags = {part.flag: conditions[part.flag] for part in parts if part.flag is not None}
        rests_on = {text: condition for way in flags.values() for text, condition in way.items()}
        words = dict.fromkeys(word for condition in rests_on.values() for word in condition.words)
        truths = {name: source for condition in rests_on.values() for name, source in condition.truths.items()}
        in_rows = dict(self.values.values()) | truths
        for part in (part for part in parts if part.number in listed):
            ways = [one.source for one in conditions[part.flag].values()] if part.flag is not None else []
            source = next(source for name, source in self.values.values() if name == part.whole)
            in_rows[part.column] = only_where(nw, all_of(ways), source) if ways else source
        names = list(dict.fromkeys((*keys, *words, *truths)))
        of_classes = some_of(doubt for name, doubt in doubts.items() if name in names)
        counted = doubted({name: doubt for name, doubt in doubts.items() if name not in names}, nw)
        frame = with_named(with_named(frame, in_rows | counted), self.terms)
        asked = (
            {"rows_": nw.len()}
            | {name: nw.col(name).sum() for name in counted}
            | {name: nw.col(name).sum() for name in self.terms}
        )
        asked |= {part.column: self.backend.home.gathered(part.column) for part in parts if part.number in listed}
        shown: dict[str, Expr] = {}
        if of_classes is not None:
            rest = nw.col(UNLIKE) if UNLIKE in counted else nw.lit(0)
            shown[UNLIKE] = nw.when(of_classes).then(nw.col("rows_")).otherwise(rest)
        for part in parts:
            met = nw.col(f"{part.flag} met")
            columns = {name: source for one in part.sums for name, source in one.columns.items()}
            if part.ends:
                low, high = (f"{end} of {part.whole}" for end in ("low", "high"))
                asked |= {low: nw.col(part.whole).min(), high: nw.col(part.whole).max()}
                columns |= dict(zip(part.ends, (nw.col(low), nw.col(high)), strict=True))
            if part.flag is not None:
                columns = {name: only_where(nw, met, source) for name, source in columns.items()}
                columns[part.flag] = only_where(nw, met, nw.col("rows_"))
            shown |= columns
        chosen = [source.alias(name) for name, source in asked.items()]
        classes = frame.group_by(*names).agg(*chosen) if names else frame.select(*chosen)
        met_in = {f"{flag} met": all_of(one.held for one in way.values()) for flag, way in flags.items()}
        return with_named(with_named(classes, met_in), shown)
