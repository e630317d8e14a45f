"""The spellings of numbers in cells: the signs around the digits, and the meaning of the marks between them."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Literal, NamedTuple

from crmkpi.currencies import CURRENCY_AFTER, CURRENCY_BEFORE, currencies_of
from crmkpi.sources.limits import LONGEST_NUMBER

__all__ = [
    "PLAIN",
    "DecimalSign",
    "Spelling",
    "as_plain",
    "is_missing",
    "readings_of",
    "shown_by",
    "spelling_of",
    "usual",
]

DecimalSign = Literal[".", ","]

_MISSING_WORDS = "- -- --- \u2013 \u2014 n/a n.a. na nan nat null none nil \\n #n/a <na> (null) #null!"
_MISSING = frozenset(_MISSING_WORDS.split())
_BLANKS = "\t\n\r\x0b\x0c\u0085\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
_WIDE = {0xFF01 + place: chr(0x21 + place) for place in range(94)} | {0xFFE5: "¥", 0xFFE1: "£"}  # in Japanese files
_USUAL = (
    dict.fromkeys(map(ord, _BLANKS), " ")
    | dict.fromkeys(map(ord, _UNSEEN))
    | _WIDE
    | dict.fromkeys(map(ord, "\u2019\u2018\u02bc\u00b4`"), "'")
    | dict.fromkeys(map(ord, "\u2212\u2010\u2011"), "-")
)
PLAIN = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_SCALES = {
    **dict.fromkeys(("k", "tsd", "tsd.", "tys", "tys.", "千"), 1_000),
    **dict.fromkeys(("m", "mn", "mln", "mio", "mio.", "milj", "milj.", "million", "millions", "百万"), 1_000_000),
    "万": 10_000,
    "億": 100_000_000,
    **dict.fromkeys(("b", "bn", "mrd", "mrd.", "mld", "mld.", "billion", "billions"), 1_000_000_000),
    **dict.fromkeys(("l", "lac", "lakh", "lakhs"), 100_000),
    **dict.fromkeys(("cr", "cr.", "crore", "crores"), 10_000_000),
}
_OF_RUPEES = ("l", "cr", "cr.")  # abbreviations that mean lakh and crore only next to rupees
_LETTER = r"[^\W\d_]"
_SCALE = "|".join(re.escape(word) for word in sorted(_SCALES, key=len, reverse=True))
_BEFORE = rf" *(?:(?P<open>\()|(?P<sign>[+\-\u2013▲△])|(?P<percent>%)|(?P<currency>{CURRENCY_BEFORE}))"
_DIGITS = re.compile(r" *(\d(?:[\d.,' ]*\d)?|[.,]\d+)(?P<no_cents>[.,:](?:-{1,2}|[\u2013\u2014]))?", re.ASCII)
_AFTER = (
    rf" *(?:(?P<close>\))|(?P<sign>[+\-])|(?P<percent>%)"
    rf"|(?P<scale>{_SCALE})(?:(?!{_LETTER})|(?=[A-Z]{{3}}(?!{_LETTER})|[円元원]))|(?P<currency>{CURRENCY_AFTER}))"
)
_COULD_BE_BOTH = re.compile(r"[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_GROUPED = r"[1-9]\d{0,2}(?P<mark>[%s' ])\d{3}(?:(?P=mark)\d{3})*"
_INDIAN = r"[1-9]\d?(?:,\d{2})+,\d{3}"  # 12,34,567: thousands, and then hundreds of them
_FORMS = {
    ",": re.compile(rf"({_GROUPED % '.'}|\d+)?(?:,(\d+))?", re.ASCII),
    ".": re.compile(rf"({_GROUPED % ','}|{_INDIAN}|\d+)?(?:\.(\d+))?", re.ASCII),
}


class Spelling(NamedTuple):
    """The parts of a number in a cell: its digits with the marks between them, and the signs around them.

    `currencies` are the signs and codes written next to it.
    """

    digits: str
    negative: bool = False
    percent: bool = False
    scale: int = 1
    scaled_by: str = ""
    in_brackets: bool = False
    currencies: tuple[str, ...] = ()


def usual(text: str) -> str:
    """The text with plain blanks, digits, apostrophes and minus signs in place of the many that Unicode has.

    >>> usual("\u20091\u202f234")
    '1 234'
    """
    return text.strip() if text.isascii() else text.translate(_USUAL).strip()


def is_missing(text: str) -> bool:
    r"""Whether a text means a missing value: dashes, and the words of spreadsheets, databases and libraries.

    >>> [is_missing(word) for word in ("\u2014", "N/A", "NaT", r"\N", "0")]
    [True, True, True, True, False]
    """
    return len(text) <= 12 and text.strip().casefold() in _MISSING


def spelling_of(text: str) -> Spelling | None:
    """The parts of the number in a cell; None where the text is not a number.

    >>> found = spelling_of("(1.234,50 €)")
    >>> found.digits, found.negative, found.currencies
    ('1.234,50', True, ('€',))
    """
    if len(text) > LONGEST_NUMBER:
        return None
    text = usual(text)
    found: list[tuple[str, str]] = []
    place = _parts(_BEFORE, text, 0, found)
    number = _DIGITS.match(text, place)
    if number is None:
        return None
    digits = number[1]
    if number["no_cents"]:
        digits += "" if number["no_cents"][0] == ":" else f"{number['no_cents'][0]}00"
    if _parts(_AFTER, text, number.end(), found) != len(text):
        return None
    said = [kind for kind, _ in found]
    if any(said.count(kind) > 1 for kind in ("open", "close", "sign", "percent", "scale")):
        return None
    brackets = "open" in said
    if brackets != ("close" in said) or (brackets and "sign" in said):
        return None
    word = next((text for kind, text in found if kind == "scale"), "")
    currencies = tuple(text for kind, text in found if kind == "currency")
    if word.casefold() in _OF_RUPEES and not any("INR" in currencies_of(mark) for mark in currencies):
        return None  # CR also means a credit
    return Spelling(
        digits,
        negative=brackets or any(kind == "sign" and text != "+" for kind, text in found),
        percent="percent" in said,
        scale=_SCALES[word.casefold()] if word else 1,
        scaled_by=word,
        in_brackets=brackets,
        currencies=currencies,
    )


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, compiled at first use: with all currencies in it that takes a while, and plain numbers skip it."""
    return re.compile(pattern, re.IGNORECASE)


def _parts(pattern: str, text: str, place: int, found: list[tuple[str, str]]) -> int:
    """Parse the signs on one side of a number into `found`, and return the position after them."""
    compiled = _compiled(pattern)
    while match := compiled.match(text, place):
        assert match.lastgroup is not None
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return place


def shown_by(digits: str) -> DecimalSign | Literal["both", ""]:
    """The decimal sign that a number shows: `both` where its mark may separate thousands or decimals, "" without one.

    >>> [shown_by(digits) for digits in ("12,5", "1,234.5", "12,34,567", "1.234", "1234", "1,2,3")]
    [',', '.', '.', 'both', '', '']
    """
    if not ("," in digits or "." in digits):
        return ""
    if _COULD_BE_BOTH.fullmatch(digits):
        return "both"
    for sign in (",", "."):
        if _FORMS[sign].fullmatch(digits):
            return sign
    return ""


def as_plain(digits: str, sign: DecimalSign) -> str:
    """The digits with a point before the decimals and nothing else; a `ValueError` where they do not fit the sign.

    >>> as_plain("1.234,50", ",")
    '1234.50'
    """
    found = _FORMS[sign].fullmatch(digits)
    if found is None or not (found[1] or found[found.re.groups]):
        raise ValueError(f"not a number with {sign!r} before its decimals")
    whole = re.sub(r"\D", "", found[1] or "")
    decimals = found[found.re.groups]
    return f"{whole}.{decimals}" if decimals else whole


def readings_of(digits: str) -> str:
    """The two readings of a number that could have thousands or decimals, side by side.

    >>> readings_of("1.200")
    '1200 with decimal="," and 1.2 with decimal="."'
    """
    thousands, decimals = (
        as_plain(digits, "," if "." in digits else "."),
        as_plain(digits, "." if "." in digits else ","),
    )
    first, second = (",", ".") if "." in digits else (".", ",")
    return f'{thousands} with decimal="{first}" and {Decimal(decimals).normalize():f} with decimal="{second}"'
