"""Reading the answer of a pass: turn rows of plain values into the states that the records engine returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from decimal import Decimal

from crmkpi.engines.frames.compiled_values import Value
from crmkpi.engines.frames.exact_sums import Sum
from crmkpi.engines.frames.group_keys import OUTSIDE, Key, as_it_is, decoder, scaled
from crmkpi.engines.frames.grouping import GroupedRows, Grouping
from crmkpi.engines.frames.slots import PassSlot
from crmkpi.engines.frames.words import Cell, Row
from crmkpi.engines.query import EXACT, Group, Number, Ranked, Sample, Slot, State, empty_state, merged_state

__all__ = ["Convert", "States"]

Convert = Callable[[Decimal, str | None, int | None], Decimal]  # of an amount, its currency, the number of its day


class States:
    """The states per group, collected from the answers to the queries of a pass.

    The first `segments` keys are segments. Without a key for the part, `parts` holds the part of all rows; or several,
    and each has slots of its own.
    """

    def __init__(
        self, slots: Sequence[Slot], segments: int, parts: Sequence[int | None], convert: Convert | None
    ) -> None:
        self.groups: dict[Group, list[State]] = {}
        self.given: Counter[tuple[Hashable, ...]] = Counter()  # the number of rows per segment, if all are grouped
        self._empty = [empty_state(slot) for slot in slots]
        self._segments = segments
        self._parts = parts
        self._convert = convert

    def add(self, grouping: Grouping, found: GroupedRows, *, counts: bool = False) -> None:
        """Store the states of all rows of an answer; with `counts` also the number of rows per segment."""
        readers = [
            (slot, _state_reader(slot, found.place), self._finishing(slot, grouping.keys))
            for slot in grouping.slots
            if slot.number in grouping.ranked or not slot.is_apart(merging=grouping.merging)
        ]
        decoders = [key.decode for key in grouping.keys]
        for row in found.rows:
            keys = [decode(cell) for decode, cell in zip(decoders, row, strict=False)]
            group = self._group(keys, grouping.keys)
            if counts:
                self.given[group[0]] += int(row[found.place["n"]] or 0)
            if group[1] == OUTSIDE:
                continue
            states = self.groups.get(group)
            fresh = states is None and not grouping.per
            if states is None:
                states = self.groups[group] = list(self._empty)
            for slot, read, finish in readers:
                state = read(row)
                if state is not None:
                    made = finish(state, keys) if finish else state
                    if fresh:
                        states[slot.number] = made
                    else:
                        _put(states, slot, keys, grouping.per, made)
        for slot in grouping.slots:
            if slot.number in found.apart:
                self._add_apart(slot, grouping, found)

    def _add_apart(self, slot: PassSlot, grouping: Grouping, found: GroupedRows) -> None:
        """Store the answer to the query of a slot that needs its own."""
        value = slot.value
        assert value is not None
        exact = _sample_decoder(value)
        ranks, finish, read = (
            found.ranks.get(slot.number),
            self._finishing(slot, grouping.keys),
            _apart_reader(slot, value),
        )
        for cells, plain in found.apart[slot.number]:
            keys = [key.decode(cell) for key, cell in zip(grouping.keys, cells, strict=True)]
            group = self._group(keys, grouping.keys)
            if group[1] == OUTSIDE:
                continue
            states = self.groups.setdefault(group, list(self._empty))
            if ranks is None:
                state = read(plain)
                _put(states, slot, keys, grouping.per, finish(state, keys) if finish else state)
            else:
                sample = states[slot.number][None]
                known = {place: exact(one) for place, one in zip(ranks[sample.count], plain, strict=False)}
                sample.values = Ranked(sample.count, known)

    def _group(self, decoded: Sequence[Cell], keys: Sequence[Key]) -> Group:
        """The group of decoded keys: first the segments, then the part, unless all rows have the same one."""
        size = self._segments
        dated = len(keys) > size and keys[size].name == "part"
        return tuple(decoded[:size]), decoded[size] if dated else self._parts[0]

    def _finishing(
        self, slot: PassSlot, keys: Sequence[Key]
    ) -> Callable[[Sample, Sequence[Cell]], dict[str | None, Sample]] | None:
        """The function that converts a sample, or keys it by its currency; None if the slot keeps no sample."""
        if slot.slot.what != "values":
            return None
        where = {key.name: number for number, key in enumerate(keys)}
        currency, rate = where.get(slot.currency or ""), where.get("rate")
        convert = self._convert if slot.slot.currency is not None else None
        place = slot.number * len(self._parts) // len(self._empty) if len(self._parts) > 1 else None

        def finished(sample: Sample, decoded: Sequence[Cell]) -> dict[str | None, Sample]:
            found = None if currency is None else decoded[currency]
            if convert is None:
                return {found: sample}
            return {None: _times(sample, convert(Decimal(1), found, place if rate is None else decoded[rate]))}

        return finished


def _put(states: list[State], slot: PassSlot, keys: Sequence[Cell], per: Sequence[Key], state: State) -> None:
    """Store a state in its group, merged with an earlier one."""
    before = states[slot.number]
    if per:
        key = keys[-1] if len(per) == 1 else tuple(keys[-len(per) :])
        mine = before.get(key)
        merged = state if mine is None else merged_state(slot.slot, {key: mine}, {key: state})[key]
        if not before:  # groups share the empty state, so it must not be changed
            states[slot.number] = {key: merged}
        else:
            before[key] = merged
    elif not before:
        states[slot.number] = state
    else:
        assert not (slot.slot.what == "distinct" and isinstance(state, int)), "numbers of distinct values do not add up"
        states[slot.number] = merged_state(slot.slot, before, state)


def _state_reader(slot: PassSlot, place: Mapping[str, int]) -> Callable[[Row], State]:
    """The function that reads a slot's state from a row; it returns None if no record counts."""
    value, counted = slot.value, place[slot.counted]
    if slot.slot.what == "count":
        return lambda row: int(row[counted] or 0) or None
    if slot.slot.what == "distinct":
        different, rows = place[f"distinct {slot.number}"], place["n"]

        def read_distinct(row: Row) -> int | None:
            # The backend counts NULL as one more value, and the column is NULL where the slot does not count.
            count = int(row[counted] or 0)
            return int(row[different]) - (count < row[rows]) if count else None

        return read_distinct
    assert value is not None
    digits, kind = value.digits or 0, value.kind
    total, squares = ([*(_sum_reader(one, place) for one in slot.sums), None, None])[:2]
    ends = [place[f"{side} {slot.number}"] for side in ("low", "high")] if "extremes" in slot.slot.keep else []
    decode = _sample_decoder(value)

    def read_sample(row: Row) -> Sample | None:
        count = row[counted]
        if not count:
            return None
        sample = Sample(int(count))
        if total is not None:
            sample.total = _number(total(row), digits, kind)
        if squares is not None:
            sample.squares = _number(squares(row), 2 * digits, kind)
        if ends:
            sample.low, sample.high = (decode(row[end]) for end in ends)
        return sample

    return read_sample


def _sum_reader(one: Sum, place: Mapping[str, int]) -> Callable[[Row], int]:
    weights = [(place[name], weight) for name, weight in one.weights.items()]
    if len(weights) == 1:
        ((only, _),) = weights
        return lambda row: int(row[only] or 0)
    return lambda row: sum(weight * int(row[number] or 0) for number, weight in weights)


def _apart_reader(slot: PassSlot, value: Value) -> Callable[[Sequence[Cell]], State]:
    """The function that turns the plain values of a slot's own query into its state."""
    decode = decoder(value)
    if slot.slot.what == "distinct":
        return lambda plain: frozenset(map(decode, plain))
    if slot.slot.what == "latest":
        assert slot.moment is not None
        when = decoder(slot.moment)
        return lambda plain: (when(plain[0]), plain[1], decode(plain[2]))
    whole = value.digits == 0 and value.kind in ("duration", "integer")
    exact = as_it_is if whole else _sample_decoder(value)
    kind = value.kind if value.digits is None else "integer"
    return lambda plain: Sample.of([exact(one) for one in plain], kind, slot.slot.keep)


def _sample_decoder(value: Value) -> Callable[[Cell], Cell]:
    """The function that turns a plain value into a number of a sample: durations in microseconds, money as decimals."""
    if value.kind in ("timestamp", "date"):
        return decoder(value)
    if value.digits is None:
        return as_it_is
    digits = value.digits
    return lambda plain: _number(int(plain), digits, value.kind)


def _number(number: int, digits: int, kind: str) -> Number:
    return scaled(number, digits) if kind in ("money", "number") or digits else number


def _times(sample: Sample, rate: Decimal) -> Sample:
    """The sample with its amounts multiplied by an exchange rate."""

    def times(amount: object, rate: Decimal = rate) -> Decimal:
        assert isinstance(amount, int | Decimal), "amounts are decimals, and 0 may be a whole number"
        return EXACT.multiply(amount, rate)

    squares = times(sample.squares, EXACT.multiply(rate, rate))
    made = Sample(sample.count, times(sample.total), squares, [times(value) for value in sample.values])
    made.low, made.high = (None if side is None else times(side) for side in (sample.low, sample.high))
    return made
