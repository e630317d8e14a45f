"""Conditions as lists of conjuncts: pieces of source that must all hold, with the variables that each tests.

Conjuncts that repeat or follow from others are dropped, so that a compiled loop tests each fact once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

__all__ = [
    "OPPOSITE",
    "Conjunct",
    "any_of",
    "are_opposites",
    "either",
    "implied",
    "not_all",
    "opposite_of",
    "simplified",
    "unique",
]

OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}


@dataclass(frozen=True, slots=True)
class Conjunct:
    """Source of a boolean expression, the variables it needs, and the field and options that it tests.

    `plain` is the same source without shared values, which may not be computed yet inside "or" and "not".
    """

    source: str
    variables: frozenset[str] = frozenset()
    plain: tuple[str, frozenset[str]] | None = None
    about: str = ""
    options: frozenset[Hashable] = frozenset()
    denied: tuple[Conjunct, ...] = ()  # the conjuncts inside "not (... and ...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Conjunct) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)


def unique(conjuncts: Iterable[Conjunct]) -> list[Conjunct]:
    """The conjuncts without repetitions."""
    return list(dict.fromkeys(conjuncts))


def _all_of(conjuncts: Sequence[Conjunct]) -> str:
    return " and ".join(f"({_source_of(conjunct)[0]})" for conjunct in conjuncts) or "True"


def _source_of(conjunct: Conjunct) -> tuple[str, frozenset[str]]:
    return conjunct.plain or (conjunct.source, conjunct.variables)


def any_of(ways: Sequence[Sequence[Conjunct]]) -> Conjunct:
    """True where all conjuncts of any of the ways hold."""
    variables = frozenset().union(*(_source_of(conjunct)[1] for way in ways for conjunct in way))
    return Conjunct(" or ".join(f"({_all_of(way)})" for way in ways), variables)


def either(ways: Sequence[Sequence[Conjunct]]) -> list[Conjunct]:
    """The conjuncts of "one way or another": those of one way alone, if the others imply it."""
    found = [simplified(way) for way in ways]
    widest = [
        way
        for number, way in enumerate(found)
        if not any(
            set(other) < set(way) or (set(other) == set(way) and position < number)
            for position, other in enumerate(found)
        )
    ]
    return list(widest[0]) if len(widest) == 1 else [any_of(widest)]


def not_all(conjuncts: Sequence[Conjunct]) -> Conjunct:
    """True unless all of the conjuncts hold; keeps them, so that those known to hold can be removed."""
    if len(conjuncts) == 1:
        source = conjuncts[0].source
        if source.isidentifier():
            return Conjunct(f"not {source}", conjuncts[0].variables)
        if source.endswith(" is not None"):
            return Conjunct(source.removesuffix(" is not None") + " is None", conjuncts[0].variables)
        if source.endswith(" is None"):
            return Conjunct(source.removesuffix(" is None") + " is not None", conjuncts[0].variables)
    variables: frozenset[str] = frozenset().union(*(_source_of(conjunct)[1] for conjunct in conjuncts))
    return Conjunct(f"not ({_all_of(conjuncts)})", variables, denied=tuple(conjuncts))


def simplified(conjuncts: Iterable[Conjunct]) -> tuple[Conjunct, ...]:
    """The same condition without redundant conjuncts."""
    # Negations come last, after the tests that may make parts of them redundant.
    kept = sorted(unique(conjuncts), key=lambda conjunct: bool(conjunct.denied))
    for number, conjunct in enumerate(kept):
        rest = [part for part in conjunct.denied if part not in kept]
        if len(rest) < len(conjunct.denied):
            kept[number] = not_all(rest) if rest else Conjunct("False")
    # A negation follows if one of its parts is the opposite of another conjunct.
    kept = [
        conjunct
        for conjunct in kept
        if not any(are_opposites(part, other) for part in conjunct.denied for other in kept if not other.denied)
    ]
    # The shorter negation is stronger: not (a and b) implies not (a and b and c).
    needless = {
        conjunct for conjunct in kept for other in kept if other.denied and set(other.denied) < set(conjunct.denied)
    }
    return tuple(conjunct for conjunct in unique(kept) if conjunct not in needless)


def are_opposites(one: Conjunct, other: Conjunct) -> bool:
    """Whether exactly one of the two holds whenever both can be evaluated."""
    pairs = {(one.source, other.source), (other.source, one.source)}
    if any(second == f"not {first}" for first, second in pairs):
        return True
    if any(first.removesuffix(" is None") + " is not None" == second != first for first, second in pairs):
        return True
    words, others = one.source.split(), other.source.split()
    return len(words) == len(others) == 3 and (  # left, sign, right
        words[0] == others[0] and words[2] == others[2] and OPPOSITE.get(words[1]) == others[1]
    )


def opposite_of(conjunct: Conjunct) -> Conjunct | None:
    """The conjunct that holds where this one can be evaluated and is false; None if its form does not show it."""
    left, sign, right = words if len(words := conjunct.source.split()) == 3 else ("", "", "")
    if sign not in OPPOSITE or conjunct.plain is not None:
        return None
    return Conjunct(f"{left} {OPPOSITE[sign]} {right}", conjunct.variables)


def implied(conjuncts: Sequence[Conjunct], by: Sequence[Conjunct]) -> bool:
    """Whether `conjuncts` hold wherever all of `by` do, as far as their form shows."""
    return all(
        conjunct in by
        or any(
            known.about and known.about == conjunct.about and conjunct.options and known.options <= conjunct.options
            for known in by
        )
        for conjunct in conjuncts
    )
