"""The slots of a pass over a frame, each with its columns in the projected frame."""

from __future__ import annotations

from dataclasses import dataclass

from crmkpi.engines.frames.compiled_values import Value
from crmkpi.engines.frames.exact_sums import Sum
from crmkpi.engines.frames.group_keys import Key
from crmkpi.engines.query import Slot

__all__ = ["PassSlot"]


@dataclass(slots=True)
class PassSlot:
    """One slot of a pass."""

    number: int
    slot: Slot
    flag: str | None = None  # the column that is 1 where the slot counts; None where it always does
    value: Value | None = None
    moment: Value | None = None  # the timestamp that orders records, for the latest one
    per: tuple[Key, ...] = ()  # the keys per which the state is kept
    column: str = ""  # the value where the slot counts, else NULL
    whole: str = ""  # the value in all rows
    ends: tuple[str, ...] = ()  # the smallest and the largest value of each class of rows
    sums: tuple[Sum, ...] = ()
    currency: str | None = None  # the name of the key that holds the currency

    @property
    def counted(self) -> str:
        """The column of the answer that holds the number of rows that count."""
        return "n" if self.flag is None else f"n {self.flag}"

    def is_apart(self, *, merging: bool) -> bool:
        """Whether elementary aggregates do not suffice for the state, so that the slot needs a query of its own."""
        slot = self.slot
        if slot.what == "distinct":
            return merging
        if slot.what != "values":
            return slot.what == "latest"
        added = bool(self.sums) or (self.value is not None and self.value.kind in ("timestamp", "date"))
        return "values" in slot.keep or not added
