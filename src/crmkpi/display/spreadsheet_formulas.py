"""Translate the formula of a KPI for a spreadsheet, by calling it with numbers that record their operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import isclose
from typing import Any

from crmkpi.measuring.results import Result

__all__ = ["spreadsheet_formula"]

_OPERATIONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
}


class _Noted:
    """A number with its spreadsheet text; it compares like the number, so that the formula takes the right branch."""

    __slots__ = ("text", "value")

    def __init__(self, value: Any, text: str) -> None:
        self.value = value
        self.text = text

    def _with(self, other: Any, sign: str, *, turned: bool = False) -> Any:
        one = other if isinstance(other, _Noted) else _constant(other)
        if one is None:
            return NotImplemented
        left, right = (one, self) if turned else (self, one)
        a, b = _alike(left.value, right.value)
        return _Noted(_OPERATIONS[sign](a, b), f"({left.text}{sign}{right.text})")

    def __add__(self, other: Any) -> Any:
        return self._with(other, "+")

    def __radd__(self, other: Any) -> Any:
        return self._with(other, "+", turned=True)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, "-")

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, "-", turned=True)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, "*")

    def __rmul__(self, other: Any) -> Any:
        return self._with(other, "*", turned=True)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, "/")

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, "/", turned=True)

    def __neg__(self) -> Any:
        return _Noted(-self.value, f"(-{self.text})")

    def __eq__(self, other: object) -> bool:
        return bool(self.value == _number(other))

    def __hash__(self) -> int:
        return hash(self.value)

    def __lt__(self, other: Any) -> bool:
        return bool(self.value < _number(other))

    def __le__(self, other: Any) -> bool:
        return bool(self.value <= _number(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self.value > _number(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self.value >= _number(other))

    def __bool__(self) -> bool:
        return bool(self.value)


def _number(other: Any) -> Any:
    return other.value if isinstance(other, _Noted) else other


def _constant(value: Any) -> _Noted | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return _Noted(value, f"({value})" if value < 0 else f"{value}")


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Both numbers as Decimals if one is a Decimal and the other a float constant."""
    if isinstance(a, Decimal) and isinstance(b, float):
        return a, Decimal(repr(b))
    if isinstance(b, Decimal) and isinstance(a, float):
        return Decimal(repr(a)), b
    return a, b


def spreadsheet_formula(result: Result, cells: Mapping[str, str]) -> str | None:
    """The formula of a result over the cells of its inputs; None if basic arithmetic does not reproduce the value.

    Durations are in seconds, as are the inputs.

    >>> from crmkpi import win_rate
    >>> spreadsheet_formula(win_rate.from_totals(won=3, closed=4), {"won": "C2", "closed": "D2"})
    '(C2/D2)'
    """
    if result.value is None:
        return None
    inputs = {**result.inputs, **result.parameters}
    numbers: dict[str, Any] = {}
    for name in result.metric.asked:
        value = inputs.get(name)
        if name not in cells or isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            return None
        numbers[name] = _Noted(value, cells[name])
    try:
        found = result.metric.function(**numbers)
    except Exception:  # noqa: BLE001  # any failure means that the figure has no spreadsheet formula
        return None
    if not isinstance(found, _Noted) or found.text in cells.values():
        return None
    wanted = result.exact if result.exact is not None else result.value
    return found.text if isclose(float(found.value), float(wanted), rel_tol=1e-9, abs_tol=1e-12) else None
