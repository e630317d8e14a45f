"""Expressions as Python source, for the loop that the records engine compiles.

The source contains only declared field names and generated names. Every constant, attribute name and function is
passed in as a variable, so nothing that a user typed is ever executed.

A predicate becomes a list of conjuncts that must all hold for it to be *true*, so the loop needs no three-valued logic:
a comparison is true where both sides are present and it holds, and `~` is true where the comparison is *false*, which
needs both sides to be present as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import reduce

from crmkpi._read_only import ReadOnly
from crmkpi.definition.expressions import (
    AsOf,
    Bound,
    BusinessTime,
    Combination,
    Comparison,
    Constant,
    Day,
    Expression,
    Field,
    Membership,
    Negation,
    Now,
    Operation,
    Presence,
    walk,
)
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Happened, IsUnreadable, Together, Unless, UnreadValue
from crmkpi.engines.query import Value
from crmkpi.engines.records.conjuncts import OPPOSITE, Conjunct, either, not_all, unique
from crmkpi.errors import DefinitionError

__all__ = [
    "Names",
    "Scope",
    "false_of",
    "shared_of",
    "true_of",
    "unreadable_of",
    "value_of",
    "zero_of",
]

_ALL_READ: Mapping[str, str] = ReadOnly({})


@dataclass(slots=True)
class Names:
    """The variables of one loop: how each field is loaded, and the constants that are passed in."""

    loads: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)
    constants: dict[str, object] = field(default_factory=dict)
    relations: dict[str, tuple[str, str]] = field(default_factory=dict)
    always: frozenset[str] = frozenset()  # the fields that are never missing
    at_once: set[str] = field(default_factory=set)  # the variables that can be loaded for every record
    _shared: dict[str, str] = field(default_factory=dict)

    def constant(self, value: object) -> str:
        """The variable that holds `value`."""
        text = f"{type(value).__name__} {value!r}" if not callable(value) else f"function {id(value)}"
        if text not in self._shared:
            self._shared[text] = name = f"k{len(self.constants)}"
            self.constants[name] = value
        return self._shared[text]

    def parameter(self, parameter: Expression) -> str:
        """The variable that holds a value known only when the loop runs: a parameter, a bound, an instant."""
        text = repr(parameter)
        if text not in self._shared:
            self._shared[text] = name = f"k{len(self.constants)}"
            self.constants[name] = parameter
        return self._shared[text]

    def computed(self, source: str, variables: frozenset[str]) -> str:
        """The variable that holds a computed value."""
        if source not in self._shared:
            self._shared[source] = name = f"v{len(self._shared)}"
            self.loads[name] = (source, variables)
        return self._shared[source]

    def field(self, path: Sequence[str], resolve: Callable[[tuple[str, ...]], tuple[str, str]]) -> str:
        """The variable of a field; `resolve` returns the key field and table of the relation that a path ends in."""
        name = "f_" + "__".join(path)
        if len(path) > 1 and path[-2] == "attributes":
            *owner, _, attribute = path
            name = f"f_{self.constant(attribute)}_of_{'__'.join(owner)}"
            record, needs = self._record(tuple(owner), resolve)
            if name not in self.loads:
                guard = "" if not owner else f" if {record} is not None else None"
                self.loads[name] = (f"{record}.attributes.get({self.constant(attribute)}){guard}", needs)
            return name
        if name not in self.loads:
            record, needs = self._record(tuple(path[:-1]), resolve)
            guard = "" if len(path) == 1 else f" if {record} is not None else None"
            self.loads[name] = (f"{record}.{path[-1]}{guard}", needs)
            if len(path) == 1:
                self.at_once.add(name)
        return name

    def unread(self, path: tuple[str, ...], resolve: Callable[[tuple[str, ...]], tuple[str, str]]) -> str:
        """The variable of the unreadable fields of the record, or of the related one that `path` leads to."""
        name = "u_" + "__".join(path)
        if name not in self.loads:
            record, needs = self._record(path, resolve)
            guard = f" if {record} is not None else {self.constant(_ALL_READ)}" if path else ""
            self.loads[name] = (f"{record}.unreadable{guard}", needs)
        return name

    def _record(
        self, path: tuple[str, ...], resolve: Callable[[tuple[str, ...]], tuple[str, str]]
    ) -> tuple[str, frozenset[str]]:
        if not path:
            return "r", frozenset()
        name = "r_" + "__".join(path)
        if name not in self.loads:
            key, table = resolve(path)
            key_name = self.field((*path[:-1], key), resolve)
            index = f"{name}_by_id"
            self.relations[index] = (table, ".".join(path))
            self.loads[name] = (f"{index}({key_name})", frozenset({key_name}))
        return name, frozenset({name})


@dataclass(frozen=True, slots=True)
class Scope:
    """The context of compiling expressions: the loop's variables, and how to follow a relation."""

    names: Names
    resolve: Callable[[tuple[str, ...]], tuple[str, str]]
    zoned: bool = False  # the clocks of the calendar change


def value_of(expression: Expression, scope: Scope) -> tuple[str, list[Conjunct], frozenset[str]]:
    """The source of the value, the conjuncts of its presence, and the variables that it needs."""
    match expression:
        case Field():
            name = scope.names.field(expression.path, scope.resolve)
            guard = [] if _never_missing(expression, scope) else [Conjunct(f"{name} is not None", frozenset({name}))]
            return name, guard, frozenset({name})
        case Happened(item):
            source, guards, variables = value_of(item, scope)
            known = f"{source} < (as_of_wall if {source}.tzinfo is None else as_of)"
            return source, _as_one([*guards, Conjunct(known, variables)], scope), variables
        case Constant():
            return scope.names.constant(expression.value), [], frozenset()
        case Parameter():
            return scope.names.parameter(expression), [], frozenset()
        case Operation(sign, left, right):
            return _operation(sign, left, right, scope)
        case Day(item):
            source, guards, variables = value_of(item, scope)
            return f"local_day({source})", guards, variables
        case BusinessTime(start, end):
            first, guards, variables = value_of(start, scope)
            last, more, others = value_of(end, scope)
            return f"business_time({first}, {last})", [*guards, *more], variables | others
        case Together(items):
            found = [value_of(item, scope) for item in items]
            guards = [guard for _, needed, _ in found for guard in needed]
            variables = frozenset().union(*(needed for _, _, needed in found))
            return f"({', '.join(source for source, _, _ in found)})", guards, variables
        case UnreadValue(item):
            return _unread_value(item, scope)
        case _:
            raise DefinitionError(f"{expression!r} is a condition where a value is needed.")


def shared_of(expression: Expression, scope: Scope) -> tuple[str, list[Conjunct], frozenset[str]]:
    """Like `value_of`, but a computed value gets a variable of its own, so that it is computed once per record."""
    source, guards, variables = value_of(expression, scope)
    if not isinstance(expression, Operation | BusinessTime | Day | Together):
        return source, guards, variables
    name = scope.names.computed(source, variables)
    return name, guards, frozenset({name})


def _never_missing(expression: Field, scope: Scope) -> bool:
    return len(expression.path) == 1 and expression.path[0] in scope.names.always


def _operation(
    sign: str, left: Expression, right: Expression, scope: Scope
) -> tuple[str, list[Conjunct], frozenset[str]]:
    first, guards, variables = _operand(left, right, scope)
    second, more, others = _operand(right, left, scope)
    guards = [*guards, *more]
    variables |= others
    if "money" in (left.kind, right.kind):  # money is exact, so a float becomes the decimal that it is printed as
        first, second = (
            source if part.kind == "money" else f"decimal_of({source})"
            for source, part in ((first, left), (second, right))
        )
    if scope.zoned and sign == "-" and left.kind == right.kind == "timestamp":
        return f"elapsed({second}, {first})", guards, variables
    if sign == "/":
        guards.append(Conjunct(f"({second}) != zero_of({second})", others))
        if left.kind == "money":  # money divided by money is a plain number
            source = f"quotient({first}, {second})"
            return source if right.kind != "money" else f"float({source})", guards, variables
    return f"({first} {sign} {second})", guards, variables


def _operand(expression: Expression, beside: Expression, scope: Scope) -> tuple[str, list[Conjunct], frozenset[str]]:
    """Like `value_of`, but a bound of the period takes the form (naive or aware) of the timestamp in `beside`."""
    if not isinstance(expression, Bound | AsOf):
        return value_of(expression, scope)
    stamp = next((part for part in walk(beside) if isinstance(part, Field) and part.kind == "timestamp"), None)
    if stamp is None:
        raise DefinitionError(f"{expression!r} must be compared with a timestamp of a record; got {beside!r}.")
    name, guards, variables = value_of(stamp, scope)
    naive, aware = (
        ("as_of_wall", "as_of") if isinstance(expression, AsOf) else (f"{expression.side}_wall", expression.side)
    )
    return f"({naive} if {name}.tzinfo is None else {aware})", guards, variables


def true_of(expression: Expression | None, scope: Scope) -> list[Conjunct]:
    """The conjuncts that must all hold for the predicate to be true."""
    match expression:
        case None:
            return []
        case Comparison(sign, left, right):
            first, guards, variables = _operand(left, right, scope)
            second, more, others = _operand(right, left, scope)
            if _is_flag(expression, scope):
                return [Conjunct(first, variables)]
            if _are_timestamps(expression):
                return [*guards, *more, Conjunct(f"({first} - {second}) {sign} ZERO", variables | others)]
            if sign == "==" and isinstance(right, Constant):
                options = frozenset({right.value})
                # None is equal to no constant, so no guard is needed.
                return (
                    [Conjunct(f"{first} == {second}", variables, about=first, options=options)]
                    if isinstance(left, Field)
                    else [*guards, Conjunct(f"{first} == {second}", variables)]
                )
            compared = _compared(first, sign, second, (left, right), variables | others, scope)
            found = [*guards, *more, compared]
            return _as_one(found, scope) if isinstance(right, Bound | AsOf) else found
        case Membership(item, options) if item.kind == "timestamp":
            return true_of(_any_equal(item, options), scope)
        case Membership(item, options):
            source, guards, variables = value_of(item, scope)
            conjunct = Conjunct(
                f"{source} in {scope.names.constant(frozenset(options))}",
                variables,
                about=source,
                options=frozenset(options),
            )
            return [conjunct] if isinstance(item, Field) else [*guards, conjunct]
        case Presence(item, True):
            return value_of(item, scope)[1]
        case Presence(item, False):
            return [not_all(value_of(item, scope)[1])]
        case Now():
            return [Conjunct(f"start_wall == {scope.names.constant(datetime.min)}")]  # noqa: DTZ901  # a wall clock
        case Combination("and", left, right):
            return unique([*true_of(left, scope), *true_of(right, scope)])
        case Combination("or", left, right):
            return either([true_of(left, scope), true_of(right, scope)])
        case Negation(item):
            return false_of(item, scope)
        case Unless(item):
            return [not_all(true_of(item, scope))]
        case IsUnreadable(item):
            return [unreadable_of(item, scope)]
        case _:
            raise DefinitionError(f"{expression!r} is a value where a condition is needed.")


def false_of(expression: Expression, scope: Scope) -> list[Conjunct]:
    """The conjuncts that must all hold for the predicate to be false (and not merely unknown)."""
    match expression:
        case Comparison(sign, left, right):
            first, guards, variables = _operand(left, right, scope)
            if _is_flag(expression, scope):
                return [Conjunct(f"not {first}", variables)]
            second, more, others = _operand(right, left, scope)
            if _are_timestamps(expression):
                return [*guards, *more, Conjunct(f"({first} - {second}) {OPPOSITE[sign]} ZERO", variables | others)]
            compared = _compared(first, OPPOSITE[sign], second, (left, right), variables | others, scope)
            found = [*guards, *more, compared]
            return _as_one(found, scope) if isinstance(right, Bound | AsOf) else found
        case Membership(item, options) if item.kind == "timestamp":
            return false_of(_any_equal(item, options), scope)
        case Membership(item, options):
            source, guards, variables = value_of(item, scope)
            return [*guards, Conjunct(f"{source} not in {scope.names.constant(frozenset(options))}", variables)]
        case Presence(item, present):
            return true_of(Presence(item, not present), scope)
        case Now():
            return [Conjunct(f"start_wall != {scope.names.constant(datetime.min)}")]  # noqa: DTZ901  # a wall clock
        case Combination("and", left, right):
            return either([false_of(left, scope), false_of(right, scope)])
        case Combination("or", left, right):
            return unique([*false_of(left, scope), *false_of(right, scope)])
        case Negation(item):
            return true_of(item, scope)
        case Unless(item):
            return true_of(item, scope)
        case IsUnreadable(item):
            return [not_all([unreadable_of(item, scope)])]
        case _:
            raise DefinitionError(f"{expression!r} is a value where a condition is needed.")


def unreadable_of(item: Field, scope: Scope) -> Conjunct:
    """True if a field is unreadable, or the key of a relation on the way to it."""
    names = scope.names
    found = [(names.unread(owner, scope.resolve), names.constant(name)) for owner, name in _steps(item, scope)]
    steps = [step for step, _ in found]
    source = " or ".join(f"{name} in {step}" for step, name in found)
    return Conjunct(f"({source})" if len(steps) > 1 else source, frozenset(steps))


def _unread_value(item: Field, scope: Scope) -> tuple[str, list[Conjunct], frozenset[str]]:
    """The text of an unreadable field, or of the unreadable key of a relation on the way to it."""
    names = scope.names
    steps = [(names.unread(owner, scope.resolve), names.constant(name)) for owner, name in _steps(item, scope)]
    *before, (last, name) = steps
    source = f"{last}.get({name})"
    for step, key in reversed(before):
        source = f"({step}[{key}] if {key} in {step} else {source})"
    return source, [], frozenset(step for step, _ in steps)


def _steps(item: Field, scope: Scope) -> list[tuple[tuple[str, ...], str]]:
    """The steps to a field that may be unreadable: a record's path, and the name of its key or of the field itself."""
    path = item.path
    own = path[:-2] if len(path) > 1 and path[-2] == "attributes" else path[:-1]
    keys = [(path[:number], scope.resolve(path[: number + 1])[0]) for number in range(len(own))]
    return [*keys, (own, ".".join(path[len(own) :]))]


def _as_one(conjuncts: Sequence[Conjunct], scope: Scope) -> list[Conjunct]:
    """Conjuncts as one variable, computed once per record: many slots test whether a date is before a moment."""
    if any(part.plain is not None for part in conjuncts):  # of a computed value, which may be missing
        return list(conjuncts)
    variables = frozenset().union(*(part.variables for part in conjuncts))
    name = scope.names.computed(" and ".join(part.source for part in unique(conjuncts)), variables)
    scope.names.at_once.add(name)
    return [Conjunct(name, frozenset({name}))]


def _is_flag(comparison: Comparison, scope: Scope) -> bool:
    """Whether a comparison tests a flag that every record has, whose value is already the answer."""
    left, right = comparison.left, comparison.right
    return (
        comparison.sign == "=="
        and isinstance(left, Field)
        and left.kind == "flag"
        and isinstance(right, Constant)
        and right.value is True
        and _never_missing(left, scope)
    )


def _are_timestamps(comparison: Comparison) -> bool:
    """Whether a comparison tests two timestamps for equality.

    Python silently treats a naive and an aware timestamp as unequal; subtracting them raises an error instead.
    """
    return comparison.sign in ("==", "!=") and comparison.left.kind == comparison.right.kind == "timestamp"


def _any_equal(item: Expression, options: Sequence[Value]) -> Expression:
    equal: list[Expression] = [Comparison("==", item, Constant(option, "timestamp")) for option in options]
    return reduce(lambda one, other: Combination("or", one, other), equal)


def _compared(
    first: str, sign: str, second: str, sides: tuple[Expression, Expression], variables: frozenset[str], scope: Scope
) -> Conjunct:
    left, right = sides
    if isinstance(left, Operation | BusinessTime | Day) and not isinstance(right, Bound | AsOf):
        name, _, needed = shared_of(left, scope)
        others = value_of(right, scope)[2]
        return Conjunct(f"{name} {sign} {second}", needed | others, (f"{first} {sign} {second}", variables))
    return Conjunct(f"{first} {sign} {second}", variables)


def zero_of(value: Value) -> int | timedelta:
    """The zero of the type of `value`, for a test of a divisor."""
    return timedelta(0) if isinstance(value, timedelta) else 0
