"""Row expressions: conditions and values computed from one record, written with Python operators.

An expression is symbolic: `deals.status == "won"` compares nothing, it states a comparison, and every engine
evaluates it with the same meaning. Comparison with a missing value is neither true nor false, as with NULL in SQL; such
a record is not counted, and `~` does not change that.

| written | meaning |
|---|---|
| `deals.amount > 100`, `==`, `!=`, `<=` ... | comparison; constants are checked against the record |
| `a & b`, `a | b`, `~a` | and, or, not |
| `deals.status.is_in("won", "lost")` | the value is one of these |
| `deals.amount.missing()`, `.present()` | the field has no value, has a value |
| `+ - * /` | arithmetic; the difference of two timestamps is a duration |
| `tickets.created_at.day()` | the calendar day in the calendar's time zone |
| `business_time(start, end)` | opening hours between two timestamps |
| `tickets.customer.industry` | a field of a related record |
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NoReturn

from crmkpi.definition.expression_types import ArithmeticSign, CompareSign, ValueKind, family, kind_of, kind_under
from crmkpi.errors import DefinitionError, did_you_mean

__all__ = [
    "AsOf",
    "Bound",
    "BusinessTime",
    "Combination",
    "Comparison",
    "Constant",
    "Day",
    "Expression",
    "Field",
    "Membership",
    "Negation",
    "Now",
    "Operation",
    "Presence",
    "ValueKind",
    "as_of",
    "as_predicate",
    "business_time",
    "period",
    "table_of",
    "walk",
]


class Expression:
    """A condition on one record, or a value of it; the docstring of the module lists the operators."""

    __slots__ = ("_text",)
    kind: ValueKind
    _text: str

    def __repr__(self) -> str:
        try:
            return self._text
        except AttributeError:  # cached, since planning compares texts again and again
            object.__setattr__(self, "_text", self._written())
            return self._text

    def _written(self) -> str:
        """The expression as it is written in Python."""
        raise NotImplementedError

    def is_in(self, *options: object) -> Membership:
        """True where the value is one of `options`."""
        if not options:
            raise DefinitionError(f"{self!r}.is_in() needs at least one value to compare with; got none.")
        constants = [_constant(option, beside=self) for option in options]
        for constant in constants:
            _compare("==", self, constant)  # an option that could never be equal is an error
        return Membership(self, tuple(constant.value for constant in constants))

    def missing(self) -> Presence:
        """True where there is no value."""
        return Presence(self, present_=False)

    def present(self) -> Presence:
        """True where there is a value."""
        return Presence(self, present_=True)

    def day(self) -> Day:
        """The calendar day of a timestamp, in the time zone of the dataset's calendar."""
        return Day(self)

    def __eq__(self, other: object) -> Comparison:  # type: ignore[override]
        return _compare("==", self, other)

    def __ne__(self, other: object) -> Comparison:  # type: ignore[override]
        return _compare("!=", self, other)

    def __lt__(self, other: object) -> Comparison:
        return _compare("<", self, other)

    def __le__(self, other: object) -> Comparison:
        return _compare("<=", self, other)

    def __gt__(self, other: object) -> Comparison:
        return _compare(">", self, other)

    def __ge__(self, other: object) -> Comparison:
        return _compare(">=", self, other)

    def __and__(self, other: object) -> Combination:
        return Combination("and", as_predicate(self), as_predicate(other))

    def __or__(self, other: object) -> Combination:
        return Combination("or", as_predicate(self), as_predicate(other))

    def __invert__(self) -> Negation:
        return Negation(as_predicate(self))

    def __add__(self, other: object) -> Operation:
        return _operate("+", self, other)

    def __sub__(self, other: object) -> Operation:
        return _operate("-", self, other)

    def __mul__(self, other: object) -> Operation:
        return _operate("*", self, other)

    def __rmul__(self, other: object) -> Operation:
        return _operate("*", _constant(other, beside=self), self)

    def __truediv__(self, other: object) -> Operation:
        return _operate("/", self, other)

    def __bool__(self) -> NoReturn:
        raise DefinitionError(
            f"{self!r} has no truth value before it meets a record; write `&` for and, `|` for or, `~` for not, "
            "`.is_in(...)` for in, and `(a < b) & (b < c)` for a chained comparison."
        )

    def __contains__(self, item: object) -> NoReturn:
        self.__bool__()

    __iter__ = None  # `for` and `in` over an expression are mistakes, and raise a plain TypeError
    __hash__ = object.__hash__


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Field(Expression):
    """A field of the table's record, or of a related one: `path` names the relations on the way, then the field."""

    table: str
    path: tuple[str, ...]
    kind: ValueKind
    choices: tuple[str, ...] = ()
    planned: bool = False  # a timestamp of a planned event

    def _written(self) -> str:
        return ".".join((self.table, *self.path) if self.table else self.path)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Constant(Expression):
    """A fixed value."""

    value: Any
    kind: ValueKind

    def _written(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Bound(Expression):
    """The instant at which the measured period starts or ends; for stocks, such as customers active at the start.

    A query over several periods numbers the bounds.
    """

    side: Literal["start", "end"]
    number: int | None = None

    @property
    def kind(self) -> ValueKind:  # type: ignore[override]
        """A bound is a timestamp."""
        return "timestamp"

    def _written(self) -> str:
        return f"period{'' if self.number is None else self.number}.{self.side}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AsOf(Expression):
    """The instant up to which the data is known, given at measurement; by default after everything in the data."""

    @property
    def kind(self) -> ValueKind:  # type: ignore[override]
        """An as-of instant is a timestamp."""
        return "timestamp"

    def _written(self) -> str:
        return "as_of"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Now(Expression):
    """True in a query without a period: a stock is then counted as of now."""

    number: int | None = None
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"period{'' if self.number is None else self.number}.now"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Comparison(Expression):
    """A comparison of two values."""

    sign: CompareSign
    left: Expression
    right: Expression
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"{self.left!r} {self.sign} {self.right!r}"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Membership(Expression):
    """The condition that a value is one of several."""

    item: Expression
    options: tuple[Any, ...]
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"{self.item!r}.is_in({', '.join(map(repr, self.options))})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Presence(Expression):
    """The condition that there is a value (`present_`), or that there is none."""

    item: Expression
    present_: bool
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"({self.item!r}).{'present' if self.present_ else 'missing'}()"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Combination(Expression):
    """Two predicates joined by and/or."""

    word: Literal["and", "or"]
    left: Expression
    right: Expression
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"({self.left!r}) {'&' if self.word == 'and' else '|'} ({self.right!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Negation(Expression):
    """The opposite of a predicate; neither true nor false if the predicate is neither."""

    item: Expression
    kind: ValueKind = "predicate"

    def _written(self) -> str:
        return f"~({self.item!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Operation(Expression):
    """Arithmetic on two values; missing if either value is missing, or if a divisor is zero."""

    sign: ArithmeticSign
    left: Expression
    right: Expression
    kind: ValueKind

    def _written(self) -> str:
        return f"({self.left!r} {self.sign} {self.right!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Day(Expression):
    """The calendar day of a timestamp in the calendar's time zone."""

    item: Expression
    kind: ValueKind = "date"

    def __post_init__(self) -> None:
        if self.item.kind != "timestamp":
            raise DefinitionError(f"Only a timestamp has a calendar day; {self.item!r} is a {self.item.kind}.")

    def _written(self) -> str:
        return f"{self.item!r}.day()"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BusinessTime(Expression):
    """Opening hours between two timestamps, by the dataset's calendar."""

    start: Expression
    end: Expression
    kind: ValueKind = "duration"

    def _written(self) -> str:
        return f"business_time({self.start!r}, {self.end!r})"


class _PeriodBounds:
    """`period.start`, `period.end` and `period.now`, for use inside definitions."""

    __slots__ = ()
    start = Bound("start")
    end = Bound("end")
    now = Now()

    def begun(self, since: Expression) -> Expression:
        """True of records that began before the end of the period; without a period also if no beginning is known.

        A record that exists now has begun, whenever that was.
        """
        return (since < self.end) | (self.now & since.missing())


period = _PeriodBounds()
as_of = AsOf()


def business_time(start: Expression, end: Expression) -> BusinessTime:
    """Opening hours between two timestamps, by the opening hours and holidays of the dataset's calendar."""
    for moment in (start, end):
        if not isinstance(moment, Expression) or moment.kind != "timestamp":
            raise DefinitionError(f"business_time() goes from one timestamp to another; got {moment!r}.")
    return BusinessTime(start, end)


def as_predicate(item: object) -> Expression:
    """`item` as a predicate; a flag becomes the predicate that it is true."""
    if isinstance(item, Expression):
        if item.kind == "predicate":
            return item
        if item.kind == "flag":
            return Comparison("==", item, Constant(value=True, kind="flag"))
    raise DefinitionError(
        f"A condition must be a comparison, is_in(), missing(), present() or a flag; got {item!r}. "
        "Comparisons inside `&` and `|` need brackets of their own: `(a > 1) & (b > 2)`."
    )


def walk(expression: Expression | None) -> Iterator[Expression]:
    """The expression and all its parts."""
    waiting = [] if expression is None else [expression]
    while waiting:
        part = waiting.pop()
        yield part
        for name in reversed(_parts_of(type(part))):
            operand = getattr(part, name)
            if isinstance(operand, tuple):
                waiting.extend(reversed(operand))
            elif operand is not None:
                waiting.append(operand)


_PARTS: dict[type[Expression], tuple[str, ...]] = {}


def _parts_of(node: type[Expression]) -> tuple[str, ...]:
    """The names of a node's operands, cached: planning walks many trees, and most attributes are not expressions."""
    if node not in _PARTS:
        fields = getattr(node, "__dataclass_fields__", {}).values()
        _PARTS[node] = tuple(each.name for each in fields if "Expression" in each.type or each.type == "Field")
    return _PARTS[node]


def table_of(expression: Expression) -> str:
    """The table whose records an expression reads.

    >>> from crmkpi import Deal, Table
    >>> table_of(Table(Deal).amount > 100)
    'deals'
    """
    return next(part.table for part in walk(expression) if isinstance(part, Field))


def _constant(value: object, *, beside: Expression) -> Constant:
    """`value` as a constant, validated against the other operand."""
    if value is None:
        raise DefinitionError(f"None is not comparable; write {beside!r}.missing() or .present().")
    kind = kind_of(value)
    if kind is None:
        several = list(value) if isinstance(value, list | tuple | set | frozenset) else []
        hint = f" For one of several write {beside!r}.is_in({', '.join(map(repr, several))})." if several else ""
        raise DefinitionError(f"{value!r} cannot be used in an expression with {beside!r}.{hint}")
    if isinstance(beside, Field) and beside.choices and value not in beside.choices:
        raise DefinitionError(f"{beside!r} is never {value!r}. {did_you_mean(str(value), beside.choices)}")
    if beside.kind == "money" and isinstance(value, float):
        raise DefinitionError(f"{beside!r} is money, which is exact; write Decimal('{value}') for {value!r}.")
    if beside.kind == "money" and kind == "integer":
        return Constant(Decimal(str(value)), kind)
    return Constant(value, kind)


def _compare(sign: CompareSign, left: Expression, right: object) -> Comparison:
    other = right if isinstance(right, Expression) else _constant(right, beside=left)
    families = {family(left.kind), family(other.kind)} - {"any"}
    if len(families) > 1:
        day = left.kind == "timestamp" and other.kind == "date"
        hint = f"; compare its day, {left!r}.day()" if day else ""
        raise DefinitionError(
            f"{left!r} is a {left.kind} and cannot be compared with {other!r}, which is a {other.kind}{hint}."
        )
    if families == {"predicate"}:
        raise DefinitionError(f"{left!r} and {other!r} are conditions; join them with `&` or `|`, do not compare them.")
    return Comparison(sign, left, other)


def _operate(sign: ArithmeticSign, left: Expression, right: object) -> Operation:
    other = right if isinstance(right, Expression) else _constant(right, beside=left)
    if sign in "+-" and left.kind == "money" and isinstance(other, Constant) and isinstance(other.value, Decimal):
        other = Constant(other.value, "money")  # a number added to an amount is an amount
    kind = kind_under(left.kind, sign, other.kind)
    if kind is None:
        raise DefinitionError(f"{left!r} {sign} {other!r} has no meaning: a {left.kind} and a {other.kind}.")
    return Operation(sign, left, other, kind)
