"""The slots of a pass over a frame, each with the columns that it has in the projected frame."""

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
    moment: Value | None = None  # of the latest record
    per: tuple[Key, ...] = ()  # it is kept per value of these
    column: str = ""  # the value where the slot counts, else missing
    whole: str = ""  # the value, whether the slot counts or not
    ends: tuple[str, ...] = ()  # its smallest and its largest in each class of rows
    sums: tuple[Sum, ...] = ()
    currency: str | None = None  # the name of its currency among the keys

    @property
    def counted(self) -> str:
        """The column of an answer with the number of rows that count."""
        return "n" if self.flag is None else f"n {self.flag}"

    def is_apart(self, *, merging: bool) -> bool:
        """Whether elementary aggregates cannot give its state, so that it takes a query of its own."""
        slot = self.slot
        if slot.what == "distinct":
            return merging
        if slot.what != "values":
            return slot.what == "latest"
        added = bool(self.sums) or (self.value is not None and self.value.kind in ("timestamp", "date"))
        return "values" in slot.keep or not added
