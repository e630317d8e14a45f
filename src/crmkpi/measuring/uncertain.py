"""Conditions over unreadable fields: those that certainly hold of a record, and those that may.

An unreadable field may have held anything. A condition *certainly* holds if it is true for every value of that field,
and *may* hold if it is true for some value. A record for which the two differ is set aside; a record that cannot count
anyway, such as an open deal among won ones, is not, even if its amount is unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from operator import and_, or_
from typing import NamedTuple

from crmkpi.definition.expressions import (
    Combination,
    Expression,
    Field,
    Negation,
    Presence,
    walk,
)
from crmkpi.definition.planned_expressions import IsUnreadable, Unless
from crmkpi.measuring.conditions import every, sides, union

__all__ = ["Doubt", "Uncertainty", "doubt_of", "fields_of"]


class Uncertainty(NamedTuple):
    """Rewrites conditions for records with unreadable fields; `may` says which fields may be unreadable."""

    may: Callable[[Field], bool]

    def fields(self, *roots: Expression | None) -> list[Field]:
        """The fields among these that may be unreadable, each once, in order."""
        return [field for field in fields_of(*roots) if self.may(field)]

    def is_sure(self, condition: Expression) -> bool:
        """Whether every field of the condition is readable in all records."""
        return not any(isinstance(part, Field) and self.may(part) for part in walk(condition))

    def readable(self, *roots: Expression | None) -> list[Expression]:
        """The conditions under which all of these fields are readable."""
        return [Unless(IsUnreadable(field)) for field in self.fields(*roots)]

    def certainly(self, condition: Expression) -> Expression:
        """True where the condition holds for any value of the unreadable fields."""
        if self.is_sure(condition):
            return condition
        match condition:
            case Combination("and", left, right):
                return self.certainly(left) & self.certainly(right)
            case Combination("or", left, right):
                return self.certainly(left) | self.certainly(right)
            case Negation(item):
                return self._certainly_not(item)
            case Unless(item):
                return Unless(self.possibly(item))
            case Presence(item, False):
                lacking = [field.missing() & Unless(IsUnreadable(field)) for field in self.fields(item)]
                read = reduce(and_, [condition, *self.readable(item)])
                return reduce(or_, [read, *lacking]) if not isinstance(item, Field) else read
            case _:
                return reduce(and_, [condition, *self.readable(condition)])

    def possibly(self, condition: Expression) -> Expression:
        """True where the condition holds for some value of the unreadable fields."""
        if self.is_sure(condition):
            return condition
        match condition:
            case Combination("and", left, right):
                return self.possibly(left) & self.possibly(right)
            case Combination("or", left, right):
                return self.possibly(left) | self.possibly(right)
            case Negation(item):
                return self._possibly_not(item)
            case Unless(item):
                return Unless(self.certainly(item))
            case _:
                return condition | self._open(condition)

    def _certainly_not(self, condition: Expression) -> Expression:
        match condition:
            case Combination("and", left, right):
                return self._certainly_not(left) | self._certainly_not(right)
            case Combination("or", left, right):
                return self._certainly_not(left) & self._certainly_not(right)
            case Negation(item) | Unless(item):
                return self.certainly(item)
            case Presence(item, present):
                return self.certainly(Presence(item, not present))
            case _:
                return reduce(and_, [Negation(condition), *self.readable(condition)])

    def _possibly_not(self, condition: Expression) -> Expression:
        if not self.fields(condition):
            return Negation(condition)
        match condition:
            case Combination("and", left, right):
                return self._possibly_not(left) | self._possibly_not(right)
            case Combination("or", left, right):
                return self._possibly_not(left) & self._possibly_not(right)
            case Negation(item) | Unless(item):
                return self.possibly(item)
            case Presence(item, present):
                return self.possibly(Presence(item, not present))
            case _:
                return Negation(condition) | self._open(condition)

    def _open(self, condition: Expression) -> Expression:
        """True where a field is unreadable and no other field that the condition needs is missing."""
        unread = reduce(or_, [IsUnreadable(field) for field in self.fields(condition)])
        if isinstance(condition, Presence) and not condition.present_:
            return unread
        needed = fields_of(condition)
        if len(needed) == 1:
            return unread
        there = [field.present() | IsUnreadable(field) if self.may(field) else field.present() for field in needed]
        return reduce(and_, [unread, *there])


def fields_of(*roots: Expression | None) -> list[Field]:
    """The fields of some expressions, each once, in the order in which they are written."""
    found = {repr(part): part for root in roots for part in walk(root) if isinstance(part, Field)}
    return list(found.values())


class Doubt(NamedTuple):
    """The uncertain records of one KPI, table and anchor.

    `certain` has, for each condition under which a measure uses records, the condition that it holds without doubt.
    `aside` holds for a record that is set aside, because one of these conditions may or may not hold.
    """

    certain: Mapping[str, Expression | None]
    aside: Expression
    possible: Expression | None
    fields: tuple[Field, ...]


def _slim(condition: Expression | None) -> Expression | None:
    """The condition without redundant negations: a and not (a and b) is a and not b.

    Where a is uncertain, the two occurrences of a would count as independent.
    """
    parts = sides(condition)
    known = {repr(part) for part in parts}
    found: list[Expression] = []
    for part in parts:
        denied = sides(part.item) if isinstance(part, Unless) else []
        rest = [one for one in denied if repr(one) not in known]
        found.append(Unless(reduce(and_, rest)) if rest and len(rest) < len(denied) else part)
    return every(found)


def doubt_of(uncertainty: Uncertainty, ways: Sequence[tuple[Expression | None, Field | None]]) -> Doubt | None:
    """The doubt about records used in these ways, each a condition and the currency field that is also read."""
    fields = uncertainty.fields(*(root for way in ways for root in way))
    if not fields:
        return None
    certain: dict[str, Expression | None] = {}
    possible: list[Expression | None] = []
    doubts: dict[str, Expression] = {}
    for used, currency in ways:
        slim = _slim(used)
        sure = slim if slim is None else uncertainty.certainly(slim)
        certain[repr(used)] = sure = every([certain.get(repr(used), sure), *uncertainty.readable(currency)])
        possible.append(slim if slim is None else uncertainty.possibly(slim))
        if sure is not None and uncertainty.fields(used, currency):
            doubt = Unless(sure) if possible[-1] is None else possible[-1] & Unless(sure)
            doubts[repr(used)] = doubt
    aside = reduce(or_, doubts.values())
    if len(certain) > 1:  # a record is set aside from the whole KPI, not from one of its numbers
        certain = {text: every([sure, Unless(aside)]) for text, sure in certain.items()}
    return Doubt(certain, aside, union(possible), tuple(fields))
