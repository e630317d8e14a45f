"""Compile row expressions to expressions over the plain columns of a frame.

A condition compiles in two ways, as in the records engine: to an expression that it is *true*, and to one that it is
*false*. For a row in which it is neither, both are false, so the result never depends on a backend's rules for NULL.
Money and durations are integers with a known number of decimal places and a known largest value, so that sums and
products are exact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce

from crmkpi.dates.calendars import Calendar
from crmkpi.definition.expression_types import CompareSign
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
from crmkpi.engines.frames.backends import refuse
from crmkpi.engines.frames.compiled_values import (
    Condition,
    Value,
    aligned,
    applied,
    as_float,
    both,
    check_clocks,
    either,
    fitting,
    product,
    sum_of,
    times,
    whole,
    whole_times,
)
from crmkpi.engines.frames.conditions import conjuncts, opposite, presence, sides_of
from crmkpi.engines.frames.constants import Given, constant, option
from crmkpi.engines.frames.homes.home import raw_name
from crmkpi.engines.frames.local_time import DAY, instant, local_day, micros, open_name
from crmkpi.engines.frames.profile import Prepared, ProfiledColumn
from crmkpi.engines.frames.unreadable import is_unreadable, word_of
from crmkpi.engines.frames.words import Expr, Frame, Words, all_of, one_of, only_where
from crmkpi.errors import DefinitionError

__all__ = ["Compiler"]

_OPPOSITE: Mapping[CompareSign, CompareSign] = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Compiler:
    """Compiles expressions for the columns of one prepared frame.

    `bounds` has the start and the end of each period of a stock, both on the wall clock and as instants.
    """

    prepared: Prepared
    parameters: Mapping[str, Given]
    calendar: Calendar
    as_of: tuple[datetime, datetime]
    bounds: Sequence[tuple[datetime, datetime, datetime, datetime]] = ()
    given: Mapping[str, Condition] = field(default_factory=dict)  # presence of a column, as a condition on a group key
    compiled: dict[str, Condition | None] = field(default_factory=dict, init=False)  # conditions, keyed by their text
    truths: dict[str, str] = field(default_factory=dict, init=False)  # columns of conditions, keyed by their text

    @property
    def nw(self) -> Words:
        """The factory of expressions."""
        return self.prepared.backend.home.words

    @property
    def frame(self) -> Frame:
        """The prepared frame, ready for queries."""
        return self.prepared.backend.home.asked(self.prepared.frame, self.prepared.kept)

    def column(self, field: Field) -> ProfiledColumn:
        """The plain column of a field."""
        return self.prepared.columns[field.path]

    def value(self, expression: Expression, beside: Value | None = None, *, exact: bool = False) -> Value:
        """The expression's value; `exact` numbers can be added without rounding."""
        match expression:
            case Field():
                return self._field(expression, exact=exact)
            case Constant():
                return constant(self.nw, expression.value, expression.kind, beside)
            case Parameter():
                return constant(self.nw, self.parameters[repr(expression)], expression.kind, beside)
            case AsOf() | Bound():
                return self._instant(expression, beside)
            case Happened(item):
                return self._so_far(self.value(item))
            case Day(item):
                return self.local_day(item)
            case BusinessTime(start, end):
                return self._business(start, end)
            case Operation():
                return self._operation(expression, exact=exact)
            case UnreadValue(item):
                ways = self.prepared.marks.get(item.path, ())
                return Value(word_of(self.nw, ways) if ways else self.nw.lit(""), "text")
            case Together(items):  # it is only tested for presence
                found = [self.value(item) for item in items]
                also = reduce(both, (part.also for part in found))
                return Value(self.nw.lit(None), "any", frozenset().union(*(part.needs for part in found)), also=also)
            case _:
                raise DefinitionError(f"{expression!r} is a condition where a value is needed.")

    def present(self, value: Value) -> Expr | None:
        """The condition that the value is present; None if it always is."""
        parts = [~self.nw.col(name).is_null() for name in sorted(value.needs)]
        if value.also is not None:
            parts.append(value.also)
        return all_of(parts) if parts else None

    def between(self, stamp: Value, first: int, end: int) -> Expr:
        """The condition that a timestamp is at or after `first` and before `end`."""
        nw = self.nw
        if stamp.raw is None:
            return (stamp.source >= nw.lit(first)) & (stamp.source < nw.lit(end))
        column, zone = stamp.raw
        low, high = (self.prepared.backend.home.moment(edge, zone) for edge in (first, end))
        return (column >= low) & (column < high)

    def presences(self, value: Value, what: Expression) -> dict[str, Condition]:
        """The conditions under which a value is present, keyed by their text."""
        found = {
            text: self.given.get(name) or self._truth(text, ~self.nw.col(name).is_null())
            for name, text in ((name, f"{name} is there") for name in sorted(value.needs))
        }
        text = f"{what!r} is computed"
        return found if value.also is None else found | {text: self._truth(text, value.also)}

    def _truth(self, text: str, source: Expr) -> Condition:
        """A condition that reads more than choices and flags, with a column for its outcome."""
        name = self.truths.setdefault(text, f"truth{len(self.truths)}")
        return Condition(source, self.nw.col(name), truths={name: source})

    def conditions(self, expression: Expression | None) -> dict[str, Condition] | None:
        """The conjuncts of a condition, keyed by their text; None if no row of the table can meet it.

        Parts that the profile of the columns decides are left out, so that conditions that differ only in these share
        a column.
        """
        settled = True if expression is None else self._settled(expression)
        if settled is False:
            return None
        found: dict[str, Condition] = {}
        for part in () if settled is True else conjuncts(settled):
            tested, present = presence(part)
            there = {} if tested is None else self.presences(self.value(tested), tested)
            if present or len(there) == 1:
                found |= there if present else {f"unless({text})": opposite(each) for text, each in there.items()}
            else:
                text = repr(part)
                if text not in self.compiled:
                    self.compiled[text] = self._condition(part)
                if (condition := self.compiled[text]) is not None:
                    found[text] = condition
        return found

    def _condition(self, part: Expression) -> Condition | None:
        met = self.true(part)
        if met is None:
            return None
        rests_on: list[Condition] = []
        held = self._held(part, rests_on)
        words = dict.fromkeys(word for one in rests_on for word in one.words)
        truths = {name: source for one in rests_on for name, source in one.truths.items()}
        return Condition(met, met if held is None else held, tuple(words), truths)

    def _held(self, expression: Expression, rests_on: list[Condition], *, holds: bool = True) -> Expr | None:
        """Like `true`, but over pre-aggregated rows; appends the conditions whose columns it reads to `rests_on`."""
        match expression:
            case Combination(word, left, right):
                join = both if (word == "and") is holds else either
                return join(self._held(left, rests_on, holds=holds), self._held(right, rests_on, holds=holds))
            case Negation(item):
                return self._held(item, rests_on, holds=not holds)
            case Unless(item):
                met = self._held(item, rests_on)
                return self._unmet(met) if holds else met
            case Now():
                return self.true(expression, holds=holds)
            case _ if words := self._words(expression):
                met = self.true(expression, holds=holds)
                rests_on.extend([] if met is None else [Condition(met, met, words)])
                return met
            case Presence(item, present):
                there = self._all_there([item], rests_on)
                return there if present is holds else self._unmet(there)
            case _:
                met = self.true(expression)
                if met is None:
                    return None if holds else self.nw.lit(False)  # noqa: FBT003
                rests_on.append(truth := self._truth(repr(expression), met))
                if holds:
                    return truth.held
                return both(self._all_there(sides_of(expression), rests_on), ~truth.held)

    def _words(self, expression: Expression) -> tuple[str, ...]:
        """The columns of a condition that reads only choices and flags; empty for any other."""
        parts = list(walk(expression))
        columns = [self.column(field) for field in parts if isinstance(field, Field)]
        plain = all(column.kind in ("choice", "flag") for column in columns)
        plain = plain and not any(isinstance(each, IsUnreadable) for each in parts)
        return tuple(column.name for column in columns) if plain else ()

    def _all_there(self, items: Sequence[Expression], rests_on: list[Condition]) -> Expr | None:
        """The condition that all of these are present; None if they always are."""
        found = [one for item in items for one in self.presences(self.value(item), item).values()]
        rests_on.extend(found)
        return all_of(one.held for one in found) if found else None

    def _settled(self, expression: Expression) -> Expression | bool:
        """The condition without the parts that the profile decides; True or False if that is all of it."""
        match expression:
            case Presence(item, present) if self.present(self.value(item)) is None:
                return present
            case IsUnreadable(item) if item.path not in self.prepared.marks:
                return False
            case Now():
                return self._is_now(expression)
            case Unless(Comparison(">=", Field() as stamp, AsOf())) if not self._may_be_later(self.value(stamp)):
                return True
            case Combination(word, left, right):
                first, second = self._settled(left), self._settled(right)
                deciding = word == "or"
                if first is deciding or second is deciding:
                    return deciding
                if isinstance(first, bool) or isinstance(second, bool):
                    return second if isinstance(first, bool) else first
                if repr(first) == repr(second):  # they differed only in settled parts
                    return first
                return Combination(word, first, second)
            case Negation(item) | Unless(item):
                inner = self._settled(item)
                return not inner if isinstance(inner, bool) else type(expression)(inner)
            case _:
                return expression

    def _is_now(self, expression: Now) -> bool:
        """Whether the bound of a stock is now, and not the start of a period."""
        return self.bounds[expression.number or 0][0] == datetime.min  # noqa: DTZ901  # a wall clock

    def true(self, expression: Expression | None, *, holds: bool = True) -> Expr | None:
        """The expression that the condition is true, never NULL; None if it always is.

        Without `holds`, the expression that the condition is false, and not merely unknown.
        """
        match expression:
            case None:
                return None
            case Comparison(sign, left, right):
                return self._compared(sign if holds else _OPPOSITE[sign], left, right)
            case Membership():
                return self._member(expression, inside=holds)
            case Presence(item, present):
                there = self.present(self.value(item))
                return there if present is holds else self._unmet(there)
            case Now():
                return self.nw.lit(self._is_now(expression) is holds)
            case IsUnreadable(item):
                marked = is_unreadable(self.nw, self.prepared.marks[item.path])
                return marked if holds else ~marked
            case Combination(word, left, right):
                join = both if (word == "and") is holds else either
                return join(self.true(left, holds=holds), self.true(right, holds=holds))
            case Negation(item):
                return self.true(item, holds=not holds)
            case Unless(item):
                met = self.true(item)
                return self._unmet(met) if holds else met
            case _:
                raise DefinitionError(f"{expression!r} is a value where a condition is needed.")

    def _unmet(self, met: Expr | None) -> Expr:
        """The negation of an expression that is never NULL."""
        return self.nw.lit(False) if met is None else ~met  # noqa: FBT003

    def _field(self, field: Field, *, exact: bool) -> Value:
        known = self.column(field)
        if exact and field.kind != "timestamp":  # the twin of a timestamp is another clock's
            known = self.prepared.exact.get(field.path, known)
        needs = frozenset({known.name}) if known.nulls else frozenset()
        raw = None if known.raw is None else (self.nw.col(raw_name(known.name)), known.raw)
        return Value(
            self.nw.col(known.name), known.kind, needs, known.digits, known.low, known.high, known.aware, raw=raw
        )

    def _instant(self, expression: Expression, beside: Value | None) -> Value:
        if beside is None or beside.kind != "timestamp":
            raise DefinitionError(f"{expression!r} must be compared with a timestamp of a record.")
        if isinstance(expression, AsOf):
            wall, exact = self.as_of
        else:
            assert isinstance(expression, Bound)
            bound = self.bounds[expression.number or 0]
            wall, exact = bound[:2] if expression.side == "start" else bound[2:]
        moment = exact if beside.aware else wall
        return whole(self.nw, micros(moment), "timestamp")._replace(aware=beside.aware)

    def _known_until(self, stamp: Value) -> int:
        return micros(self.as_of[bool(stamp.aware)])

    def _may_be_later(self, stamp: Value) -> bool:
        """Whether a timestamp of the column may be at or after the as-of instant."""
        return stamp.high >= self._known_until(stamp)

    def _so_far(self, stamp: Value) -> Value:
        """The timestamp, present only where it is before the as-of instant."""
        if not self._may_be_later(stamp):
            return stamp
        until = self._known_until(stamp)
        return stamp._replace(also=both(stamp.also, stamp.source < self.nw.lit(until)), high=until)

    def local_day(self, item: Expression) -> Value:
        """The calendar day of a timestamp."""
        stamp = self.value(item)
        if stamp.aware and (twin := self._twin(item)) is not None:
            source = self.nw.col(twin.name) // self.nw.lit(DAY)
        else:
            known = ProfiledColumn("", "timestamp", 0, stamp.low, stamp.high, stamp.aware)
            source = local_day(self.prepared.backend.home, stamp.source, known, self.calendar)
        low, high = stamp.low // DAY - 1, stamp.high // DAY + 1
        return stamp._replace(source=source, kind="date", low=low, high=high, aware=None)

    def _twin(self, item: Expression) -> ProfiledColumn | None:
        """The column of a timestamp on the other clock, if it has one."""
        field = item.item if isinstance(item, Happened) else item
        return self.prepared.exact.get(field.path) if isinstance(field, Field) else None

    def _business(self, start: Expression, end: Expression) -> Value:
        first, last = self.value(start), self.value(end)
        check_clocks(first, last, start, end)
        fields = [part.item if isinstance(part, Happened) else part for part in (start, end)]
        names = [open_name(self.prepared, part.path) for part in fields if isinstance(part, Field)]
        source = self.nw.col(names[1]) - self.nw.col(names[0])
        size = max(last.high - first.low, first.high - last.low, 0)
        return Value(source, "duration", first.needs | last.needs, 0, -size, size, also=both(first.also, last.also))

    def _sides(self, left: Expression, right: Expression, *, exact: bool = False) -> tuple[Value, Value]:
        if isinstance(left, Constant | Parameter | AsOf | Bound) and not isinstance(right, Constant):
            second = self.value(right, exact=exact)
            return self.value(left, second, exact=exact), second
        first = self.value(left, exact=exact)
        return first, self.value(right, first, exact=exact)

    def _operation(self, expression: Operation, *, exact: bool) -> Value:
        sign, left, right = expression.sign, expression.left, expression.right
        money = "money" in (left.kind, right.kind)
        first, second = self._sides(left, right, exact=exact or money)
        check_clocks(first, second, left, right)
        if sign == "-" and left.kind == right.kind == "timestamp":
            first, second = self._exact_moment(first, left), self._exact_moment(second, right)
        needs = first.needs | second.needs
        also = both(first.also, second.also)
        if sign == "/":
            return self._quotient(expression, first, second, needs, also)
        if first.digits is None or second.digits is None:
            source = applied(
                sign, as_float(self.nw, first.source, first.digits), as_float(self.nw, second.source, second.digits)
            )
            return Value(source, expression.kind, needs, also=also)
        kind = expression.kind
        if left.kind == "date" and kind == "duration":
            first, second = (times(self.nw, part, DAY) for part in (first, second))
        if kind == "duration" and sign == "*":
            first, second = whole_times(self.prepared.backend, first, second, repr(expression))
        made = product(first, second, kind) if sign == "*" else sum_of(self.nw, sign, first, second, kind)
        return fitting(self.prepared.backend, made._replace(needs=needs, also=also), repr(expression))

    def _exact_moment(self, stamp: Value, what: Expression) -> Value:
        """The timestamp as an instant, so that a duration across a daylight-saving change is the elapsed time."""
        if stamp.aware or not self.calendar.clocks_change:
            return stamp
        if (twin := self._twin(what)) is not None:
            source, low, high = self.nw.col(twin.name), twin.low, twin.high
        else:
            known = ProfiledColumn("", "timestamp", 0, stamp.low, stamp.high, stamp.aware)
            source = instant(self.prepared.backend.home, stamp.source, known, self.calendar.zone)
            low, high = stamp.low - DAY, stamp.high + DAY
        return stamp._replace(source=source, low=low, high=high, aware=True, raw=None)

    def _quotient(
        self, expression: Operation, first: Value, second: Value, needs: frozenset[str], also: Expr | None
    ) -> Value:
        if expression.kind != "number" or "money" in (expression.left.kind, expression.right.kind):
            raise refuse(
                self.prepared.backend, f"{expression!r}", "it divides amounts row by row; give records instead"
            )
        divisor = second.source
        also = both(also, divisor != self.nw.lit(0))
        # A zero divisor becomes NULL first, since some backends would raise and others return infinity.
        safe = only_where(self.nw, divisor != self.nw.lit(0), as_float(self.nw, second.source, second.digits))
        return Value(as_float(self.nw, first.source, first.digits) / safe, "number", needs, also=also)

    def _compared(self, sign: CompareSign, left: Expression, right: Expression) -> Expr | None:
        flag = sign in ("==", "!=") and left.kind == "flag" and isinstance(right, Constant)
        if flag and isinstance(right, Constant):
            value = self.value(left)
            wanted = (right.value is True) == (sign == "==")
            return both(self.present(value), value.source if wanted else ~value.source)
        first, second = self._sides(left, right)
        check_clocks(first, second, left, right)
        if (first.digits is None) != (second.digits is None) and "money" in (left.kind, right.kind):
            first, second = self._sides(left, right, exact=True)
        if first.digits is not None and second.digits is not None:
            first, second = aligned(self.nw, first, second)
            fitting(self.prepared.backend, first, repr(left))
            fitting(self.prepared.backend, second, repr(right))
        elif first.digits is not None or second.digits is not None:
            first, second = (
                part._replace(source=as_float(self.nw, part.source, part.digits)) for part in (first, second)
            )
        there = both(self.present(first), self.present(second))
        return both(there, applied(sign, first.source, second.source))

    def _member(self, expression: Membership, *, inside: bool) -> Expr | None:
        value = self.value(expression.item)
        options = [option(self.nw, each, value) for each in expression.options]
        found = one_of(value.source, [option for option in options if option is not None])
        return both(self.present(value), found if inside else ~found)
