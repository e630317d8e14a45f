"""From the words of a file to ours: won, Won and "Closed Won"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crmkpi.errors import UnknownNameError, did_you_mean

__all__ = ["choice_reader", "word_reader"]


def choice_reader(field: str, choices: Sequence[str], words: Mapping[Any, Any]) -> Callable[[Any], Any]:
    """A function from a word of the file to one of `choices`, whatever its case; `words` adds the file's own words.

    >>> choice_reader("status", ["won", "lost"], {"Closed Won": "won"})("closed won")
    'won'
    """
    for ours in words.values():
        if ours is not None and ours not in choices:
            raise UnknownNameError(
                f"values= gives the field {field!r} a value that it does not have: {ours!r}. "
                f"{did_you_mean(str(ours), choices)}"
            )
    return _Choices(choices, words).__getitem__


def word_reader(words: Mapping[Any, Any]) -> Callable[[Any], Any]:
    """A function that puts our value in place of the file's, and leaves values alone that `words` does not name."""

    def read(value: Any) -> Any:
        return words.get(value, value)

    return read


class _Choices(dict[Any, Any]):
    """Spellings already seen, so that each is looked at once."""

    def __init__(self, choices: Sequence[str], words: Mapping[Any, Any]) -> None:
        super().__init__({choice: choice for choice in choices} | dict(words))
        self._choices = choices
        self._folded = {_folded(spelling): ours for spelling, ours in self.items()}

    def __missing__(self, value: Any) -> Any:
        folded = _folded(value)
        if folded not in self._folded:
            raise ValueError(f"not one of its values ({did_you_mean(str(value), self._choices).removesuffix('.')})")
        self[value] = self._folded[folded]
        return self[value]


def _folded(value: Any) -> Any:
    return value.strip().casefold() if isinstance(value, str) else value
