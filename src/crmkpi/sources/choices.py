"""Map the words of a file to the values of a field: won, Won and "Closed Won" to `won`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from crmkpi.currencies import currencies_of, several_currencies
from crmkpi.errors import did_you_mean, unknown_name
from crmkpi.sources.tallies import Count, uncounted

__all__ = ["FLAGS_OF_LANGUAGES", "Words", "choice_reader", "currency_reader", "flag_words", "word_reader"]

_CODE = re.compile(r"[A-Za-z]{3}")
_YES = ("yes", "y", "true", "t", "1", "on")  # words that a record converts itself
_NO = ("no", "n", "false", "f", "0", "off")
_MORE_YES = (
    *("x", "1.0", "ja", "oui", "sí", "si", "sim", "tak", "はい", "हाँ"),
    *("wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar", "sant", "prawda"),
)
_MORE_NO = (
    *("0.0", "nein", "non", "não", "nao", "nee", "nej", "nie", "いいえ", "नहीं"),
    *("falsch", "faux", "falso", "onwaar", "falskt", "fałsz"),
)
FLAGS_OF_LANGUAGES: Mapping[str, bool] = dict.fromkeys(_MORE_YES, True) | dict.fromkeys(_MORE_NO, False)
_MOST_SPELLINGS = 10_000
_MOST_KEPT = 50_000  # bounds the memory for a column of distinct values, such as ids


def choice_reader(
    field: str,
    choices: Sequence[str],
    words: Mapping[Any, Any],
    *,
    usual: Mapping[str, str] | None = None,
    count: Count = uncounted,
    others: Mapping[str, Any] | None = None,
    in_brackets: bool = False,
) -> Words:
    """Map a word of the file to one of `choices`, in any case; `words` adds the file's own words.

    `usual` are words of the trade with only one meaning. `others["meaning"]` is the value of all other words; without
    it they are a `ValueError`. With `in_brackets` a word may be followed by a text in brackets.

    >>> choice_reader("status", ["won", "lost"], {"Closed Won": "won"}).read("closed won")
    'won'
    """
    for ours in words.values():
        if ours is not None and ours not in choices:
            raise unknown_name(
                f"values= gives the field {field!r} a value that it does not have: {ours!r}.", str(ours), choices
            )
    known = {choice: choice for choice in choices} | dict(usual or {}) | dict(words)
    return Words(known, choices=choices, others=others, loose=True, count=count, in_brackets=in_brackets)


def word_reader(
    words: Mapping[Any, Any],
    *,
    count: Count = uncounted,
    others: Mapping[str, Any] | None = None,
    loose: bool = False,
) -> Words:
    """Replace the values that `words` names, and keep all others.

    `loose` words match in any case and with any blanks around them.

    >>> word_reader({"--": None}, loose=True).read(" --") is None
    True
    """
    return Words(words, choices=None, others=others, loose=loose, count=count)


def currency_reader(words: Mapping[Any, Any], *, column: str, count: Count = uncounted) -> Words:
    """Map a sign, name or code in a column of currencies to the code in capitals.

    Three letters that are not an ISO code stay as they are: a firm may have a currency of its own.

    >>> read = currency_reader({"$": "CAD"}, column="Currency").read
    >>> read("eur"), read("€"), read("Swiss Franc"), read("$")
    ('EUR', 'EUR', 'CHF', 'CAD')
    """
    return _Currencies(words, column=column, count=count)


def flag_words(words: Mapping[Any, Any]) -> dict[Any, Any]:
    """The meaning of each spelling of yes and no, from the meanings of "yes" and "no".

    >>> flag_words({"yes": "won", "no": None})["TRUE"]
    Traceback (most recent call last):
    KeyError: 'TRUE'
    >>> flag_words({"yes": "won", "no": None})["true"]
    'won'
    """
    meant: dict[Any, Any] = {}
    for word, spellings in (("yes", (*_YES, *_MORE_YES, True, 1)), ("no", (*_NO, *_MORE_NO, False, 0))):
        if word in words:
            meant |= dict.fromkeys(spellings, words[word])
    return meant


class Words(dict[Any, Any]):
    """A cache of spellings, so that each is parsed once; `changed` has the spellings that count as a conversion."""

    def __init__(
        self,
        words: Mapping[Any, Any],
        *,
        choices: Sequence[str] | None,
        others: Mapping[str, Any] | None,
        loose: bool,
        count: Count,
        in_brackets: bool = False,
    ) -> None:
        super().__init__()
        self._in_brackets = in_brackets
        self._exact = dict(words)
        self._written = {_written(spelling): ours for spelling, ours in words.items()}
        self._folded = {_folded(spelling): ours for spelling, ours in words.items()} if loose else {}
        self._choices = choices
        self._others = others
        self._count = count
        self.changed: dict[Any, str] = {}

    def read(self, value: Any) -> Any:
        """The field's value for one of the file's, counted as a conversion where the two differ."""
        ours = self[value]
        if value in self.changed:
            self._count(self.changed[value])
        return ours

    def count(self, values: Iterable[Any]) -> None:
        """Count the values of the file that differ from the field's, after they were looked up."""
        for value, times in Counter(values).items():
            if value in self.changed:
                self._count(self.changed[value], times)

    def __missing__(self, value: Any) -> Any:
        ours = self._meaning(value)
        if ours is None or str(ours) != str(value):
            shown = "no value" if ours is None else repr(ours)
            few = len(self) < _MOST_SPELLINGS
            self.changed[value] = f"{str(value)[:40]!r} read as {shown}" if few else "other words"
        if len(self) < _MOST_KEPT:
            self[value] = ours
        return ours

    def _meaning(self, value: Any) -> Any:
        if value in self._exact:
            return self._exact[value]
        folded = _folded(value)
        if folded in self._folded:
            return self._folded[folded]
        if self._written and (written := _written(value)) in self._written:
            return self._written[written]
        if self._in_brackets and isinstance(folded, str) and (word := folded.partition(" (")[0]) in self._folded:
            return self._folded[word]
        if self._others is not None:
            return None if folded == "" else self._others["meaning"]
        if self._choices is not None:
            raise ValueError(
                f"not one of its values ({did_you_mean(str(value), self._choices, cutoff=0.8).removesuffix('.')})"
            )
        return value


class _Currencies(Words):
    def __init__(self, words: Mapping[Any, Any], *, column: str, count: Count) -> None:
        super().__init__(words, choices=None, others=None, loose=True, count=count)
        self._column = column

    def _meaning(self, value: Any) -> Any:
        ours = super()._meaning(value)
        if ours is not value or not isinstance(value, str):
            return ours
        if not value.strip():
            return None
        codes = currencies_of(value)
        if len(codes) > 1:
            raise several_currencies(value.strip(), self._column)
        if not codes and not _CODE.fullmatch(value.strip()):
            raise ValueError("neither the code of a currency nor a known name or sign")
        return codes[0] if codes else value


def _written(value: Any) -> Any:
    """A number, flag or moment as text, so that 1, 1.0, True and "1" are one word, and "true" is True."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or (isinstance(value, str) and value.strip().casefold() in ("true", "false")):
        return "1" if str(value).strip().casefold() == "true" else "0"
    text = str(value).strip()
    return text.removesuffix(".0") if isinstance(value, int | float | str | date) else value


def _folded(value: Any) -> Any:
    return value.strip().casefold() if isinstance(value, str) else value
