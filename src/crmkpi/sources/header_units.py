"""The unit that a header declares for its numbers: amounts in thousands, durations in minutes, shares in percent."""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["OF_MONEY", "OF_MRR", "OF_TIME", "says_month", "says_percent", "unit_in"]

_CURRENCY = r"(?:[€$£¥₹]|eur|usd|gbp|chf)?"
OF_MONEY: Mapping[str, str] = {
    "thousands": (
        rf"{_CURRENCY}[kt]{_CURRENCY}|{_CURRENCY}'?000s?|thousands?|tsd\.?|tausend|milliers|tys\.?|тыс\.?|千円"
    ),
    "millions": (rf"{_CURRENCY}(?:m|mm|mn){_CURRENCY}|mio\.?{_CURRENCY}|millions?|millionen|mill?ones|milhões|百万円"),
    "smallest": r"cents?|pence|minor(?: units?)?|centimes|centavos|c[ée]ntimos",
}
OF_MRR: Mapping[str, str] = {
    "yearly": r"arr|acv|annual(?:ly)?|year(?:ly)?|jährlich|jahr|annuel(?:le)?|anual|an|år|rok",
    "quarterly": r"quarter(?:ly)?|quartal|trimest(?:re|riel|ral)",
}
OF_TIME: Mapping[str, str] = {
    "milliseconds": r"ms|msecs?|millis|milliseconds?",
    "minutes": r"m|mins?\.?|minutes?|minuten|minutos",
    "hours": r"h|hrs?\.?|hours?|std\.?|stunden?|heures?|horas?|uur",
    "days": r"d|days?|tage?|jours?|d[ií]as?|dagen",
}
_PERCENT = r"%|percent(?:age)?|pct\.?|prozent|pourcent(?:age)?|porcentaje|percentagem|procent"
_MONTH = re.compile(r"mrr|month|monat|mensu|mois|maand|månad|mies", re.IGNORECASE)
_BRACKETS = re.compile(r"[(\[\uff08]([^)\]\uff09]*)[)\]\uff09]")
_BETWEEN = re.compile(r"[\s,;/_-]+")
_SHORT = 2  # letters of a word that means nothing outside of brackets


def unit_in(header: str, units: Mapping[str, str]) -> str | None:
    """The unit that a header names, from `units`, which maps units to patterns.

    >>> [unit_in(header, OF_MONEY) for header in ("Amount (k€)", "Umsatz in T€", "amount_cents", "Amount (EUR)")]
    ['thousands', 'thousands', 'smallest', None]
    """
    text = header.casefold()
    inside = [part for found in _BRACKETS.findall(text) for part in (found.strip(), *_BETWEEN.split(found))]
    words = [word for word in _BETWEEN.split(_BRACKETS.sub(" ", text)) if not word.isalpha() or len(word) > _SHORT]
    return next(
        (unit for unit, spelt in units.items() for part in (*inside, *words) if re.fullmatch(spelt, part)), None
    )


def says_percent(header: str) -> bool:
    """Whether a header says that its numbers are percentages.

    >>> says_percent("Probability (%)"), says_percent("win_pct"), says_percent("probability")
    (True, True, False)
    """
    return unit_in(header, {"percent": _PERCENT}) is not None


def says_month(header: str) -> bool:
    """Whether a header says that its amounts are monthly."""
    return _MONTH.search(header) is not None
