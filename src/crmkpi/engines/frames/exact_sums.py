"""Sums that do not overflow and do not round.

64-bit integers are added directly if the largest value and the number of rows prove that the sum fits. Else the sum
runs in 128 bits on backends that have them, and on others in limbs: each number is split into short digits whose sums
and products fit, and Python combines the few sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.words import Expr, Words

__all__ = ["Sum", "exact_sum"]

_FITS = 2**62
_FITS_WIDE = 2**125


class Sum(NamedTuple):
    """The columns to add up, and the weight of each column's sum in the total."""

    columns: Mapping[str, Expr]
    weights: Mapping[str, int]


def exact_sum(nw: Words, backend: Backend, name: str, largest: int, rows: int, *, power: int) -> Sum:
    """The sum of a column of integers of absolute value up to `largest`, or of their squares if `power` is 2."""
    column = nw.col(name)
    added = 1 if backend.adds_wide else rows
    if largest**power * added <= _FITS:
        made = {f"{name}p{power}": column if power == 1 else column * column}
        return Sum(made, dict.fromkeys(made, 1))
    if backend.boundless or (backend.wide and largest**power * rows <= _FITS_WIDE):
        wide = column.cast(nw.Int128)
        made = {f"{name}p{power}": wide if power == 1 else wide * wide}
        return Sum(made, dict.fromkeys(made, 1))
    return _in_limbs(nw, name, largest, rows, power=power)


def _in_limbs(nw: Words, name: str, largest: int, rows: int, *, power: int) -> Sum:
    bits = max(1, (62 - rows.bit_length()) // power)
    count = -(-largest.bit_length() // bits)
    base = 2**bits
    column = nw.col(name)
    limbs = []
    for _ in range(count - 1):
        rest = column // nw.lit(base)
        limbs.append(column - rest * nw.lit(base))
        column = rest
    limbs.append(column)
    if power == 1:
        made = {f"{name}p1l{number}": limb for number, limb in enumerate(limbs)}
        return Sum(made, {f"{name}p1l{number}": base**number for number in range(count)})
    columns: dict[str, Expr] = {}
    weights: dict[str, int] = {}
    for one in range(count):
        for other in range(one, count):
            found = f"{name}p2l{one}x{other}"
            columns[found] = limbs[one] * limbs[other]
            weights[found] = base ** (one + other) * (1 if one == other else 2)
    return Sum(columns, weights)
