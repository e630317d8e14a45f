"""The branches of a compiled loop: a test that actions share runs once, and a field is loaded at its first use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from crmkpi.engines.records.conjuncts import Conjunct, any_of, are_opposites, implied
from crmkpi.engines.records.source import Names

__all__ = ["Action", "Writer", "guard_of"]

_FEW = 3  # alternative conditions that are tested before a record's period is looked up
_Way = TypeVar("_Way", bound=Sequence[Conjunct])


@dataclass(frozen=True, slots=True)
class Action:
    """Lines of source to run where all conjuncts hold, and the variables that the lines need."""

    conjuncts: tuple[Conjunct, ...]
    lines: tuple[str, ...]
    variables: frozenset[str] = frozenset()


@dataclass(slots=True)
class Writer:
    """Writes the loop, line by line; loads each variable at the first place that needs it."""

    names: Names
    lines: list[str] = field(default_factory=list)

    def line(self, depth: int, source: str) -> None:
        """Add a line."""
        self.lines.append("    " * depth + source)

    def load(self, depth: int, variables: Iterable[str], loaded: set[str]) -> None:
        """Load the variables that are not loaded yet, after those that they depend on."""
        for variable in sorted(variables):
            if variable in loaded:
                continue
            source, needs = self.names.loads[variable]
            self.load(depth, needs, loaded)
            self.line(depth, f"{variable} = {source}")
            loaded.add(variable)

    def branches(self, depth: int, actions: Sequence[Action], loaded: set[str]) -> None:
        """Run each action where its conjuncts hold, testing shared conjuncts only once."""
        waiting: dict[Conjunct, list[Action]] = {}
        for action in actions:
            if action.conjuncts:
                first, *rest = action.conjuncts
                waiting.setdefault(first, []).append(Action(tuple(rest), action.lines, action.variables))
            else:
                self.load(depth, action.variables, loaded)
                for line in action.lines:
                    self.line(depth, line)
        self.load(depth, self._shared(waiting), loaded)
        while waiting:
            conjunct = next(iter(waiting))
            group = waiting.pop(conjunct)
            self.load(depth, conjunct.variables, loaded)
            self.line(depth, f"if {conjunct.source}:")
            self.branches(depth + 1, group, set(loaded))
            opposite = next((other for other in waiting if are_opposites(conjunct, other)), None)
            if opposite is not None:
                self.line(depth, "else:")
                self.branches(depth + 1, waiting.pop(opposite), set(loaded))

    def _shared(self, waiting: Mapping[Conjunct, Sequence[Action]]) -> list[str]:
        """The variables that several branches need, so that not each of them loads them again."""
        needed = Counter(
            variable
            for conjunct, actions in waiting.items()
            for variable in self.needed(
                conjunct.variables.union(
                    *(action.variables for action in actions),
                    *(part.variables for action in actions for part in action.conjuncts),
                )
            )
        )
        return [variable for variable, times in needed.items() if times > 1 and variable in self.names.at_once]

    def needed(self, variables: Iterable[str]) -> set[str]:
        """The variables and those that they depend on."""
        known = set(variables)
        return known.union(*(self.needed(self.names.loads[variable][1]) for variable in known))


def guard_of(actions: Sequence[Action]) -> tuple[list[Conjunct], list[Action]]:
    """The conjuncts that all of the actions need, and the actions without these."""
    widest = _widest([action.conjuncts for action in actions])
    if any(not way for way in widest):
        return [], list(actions)
    if len(widest) > 1:
        # If x alone is a way and is tested first, "not x and y" need only test y.
        alone = [way[0] for way in widest if len(way) == 1]
        slimmer = [[part for part in way if not any(are_opposites(part, other) for other in alone)] for way in widest]
        slimmer.sort(key=lambda way: way[:1] not in [[part] for part in alone])
        if len(slimmer) > _FEW:  # all of their tests would cost more than they save
            slimmer = _widest([sorted(way, key=lambda part: not part.options)[:1] for way in slimmer])
            return ([any_of(slimmer)] if all(slimmer) else []), list(actions)
        guard = [any_of(slimmer)]
        if len(slimmer) == 2 and len(alone) == 1:  # past the guard, y holds if x is false
            known = slimmer[1]
            return guard, [_without(action, known) if _denies(action, alone[0]) else action for action in actions]
        return guard, list(actions)
    (only,) = widest
    return list(only), [_without(action, only) for action in actions]


def _widest(ways: Sequence[_Way]) -> list[_Way]:
    """The ways without those that imply another one."""
    return [
        way
        for number, way in enumerate(ways)
        if not any(
            implied(other, way) and not (implied(way, other) and position >= number)
            for position, other in enumerate(ways)
            if position != number
        )
    ]


def _without(action: Action, known: Sequence[Conjunct]) -> Action:
    """The action without conjuncts that are known to hold."""
    return Action(tuple(part for part in action.conjuncts if part not in known), action.lines, action.variables)


def _denies(action: Action, conjunct: Conjunct) -> bool:
    """Whether the action runs only where the conjunct is false."""
    return any(are_opposites(part, conjunct) for part in action.conjuncts)
