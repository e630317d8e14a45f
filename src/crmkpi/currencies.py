"""Resolve currencies from signs, codes and names, in the cells of files and in arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from crmkpi.currency_names import ALONE, NAMES
from crmkpi.errors import AmbiguousCurrencyError, ColumnError, InputError

__all__ = [
    "CURRENCY_AFTER",
    "CURRENCY_BEFORE",
    "SIGNS",
    "code_of",
    "currencies_of",
    "currency_in",
    "meanings_of",
    "one_currency",
    "said_currency",
    "several_currencies",
]

_OF_ISO_4217 = """
AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLF
CLP CNH CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG
HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD
SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES VND
VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
"""
_SIGNS = """
$ USD CAD AUD NZD HKD SGD TWD MXN ARS CLP COP UYU BBD BMD BND BSD BZD DOP FJD GYD JMD KYD LRD NAD NIO SBD SRD TTD XCD
¥ JPY CNY
kr SEK NOK DKK ISK
rs INR PKR LKR NPR
€ EUR | £ GBP | ₹ INR | ₽ RUB | ₩ KRW | ₺ TRY | ₫ VND | ₪ ILS | ₴ UAH | ₱ PHP | ฿ THB | ₦ NGN | ₸ KZT | ₾ GEL | ₼ AZN
₡ CRC | ₲ PYG | ₵ GHS | 円 JPY | 元 CNY | 원 KRW | zł PLN | zl PLN | kč CZK | ft HUF | fr CHF | sfr CHF | lei RON
us$ USD | u$s USD | a$ AUD | au$ AUD | c$ CAD | ca$ CAD | nz$ NZD | hk$ HKD | s$ SGD | sg$ SGD | nt$ TWD | mx$ MXN
r$ BRL | cn¥ CNY | jp¥ JPY | rmb CNY | r ZAR | rm MYR | rp IDR
"""
_CODES = frozenset(_OF_ISO_4217.split())
_LINES = (line.split() for line in _SIGNS.replace("|", "\n").strip().splitlines())
SIGNS: Mapping[str, tuple[str, ...]] = {
    line[0]: tuple(line[1:]) for line in _LINES
}  # the codes that each sign may mean
_BEFORE_ALONE = ("r", "rm", "rp")  # after a number, K or M would be read as part of them
_CODE = re.compile(r"[A-Za-z]{3}")
_LONGEST_NAME = 4  # words
_APART = r"(?![^\W\d_])"  # no letter follows


def _any_of(signs: list[str]) -> str:
    ordered = sorted(signs, key=len, reverse=True)
    return "|".join(re.escape(sign) + (r"\.?" if sign[-1].isalpha() else "") for sign in ordered)


_IN_HEADER = re.compile(
    r"[(\[]([A-Za-z]{3}|[^\w\s]|[Zz]ł|[Kk]č)[)\]]\s*$|(?:\bin |[ _-])([€£₹]|(?!ALL$|TOP$|TRY$|CUP$)[A-Z]{3})$"
)
_WORDS = rf"(?:[A-Za-z]{{3}}|{'|'.join(sorted(ALONE, key=len, reverse=True))}){_APART}"
CURRENCY_BEFORE = rf"(?:{_WORDS}|{_any_of([*SIGNS])})"
CURRENCY_AFTER = rf"(?:{_WORDS}|{_any_of([sign for sign in SIGNS if sign not in _BEFORE_ALONE])})"
_WITH_CODE = re.compile(r"([A-Z]{3})\s*[-–—:(].*|.*\(([A-Z]{3})\)|.*\s[-–—]\s*([A-Z]{3})")  # as in "EUR - Euro"


def currencies_of(mark: str) -> tuple[str, ...]:
    """The codes of the currencies that a sign, a code or a name may mean; empty if it is none of them.

    >>> currencies_of("€"), currencies_of("usd"), currencies_of("kr."), currencies_of("Swiss Franc")
    (('EUR',), ('USD',), ('SEK', 'NOK', 'DKK', 'ISK'), ('CHF',))
    >>> currencies_of("EUR - Euro"), currencies_of("pcs")
    (('EUR',), ())
    """
    plain = mark.strip()
    if (code := plain.upper()) in _CODES:
        return (code,)
    folded = plain.casefold()
    found = SIGNS.get(folded.removesuffix("."), ()) or NAMES.get(" ".join(folded.split()), ())
    if not found and (written := _WITH_CODE.fullmatch(plain)):
        code = written[1] or written[2] or written[3]
        return (code,) if code in _CODES else ()
    return found


@lru_cache(maxsize=10_000)
def code_of(said: str) -> str:
    """The code of a currency from its code, sign or name in an argument, a record or a frame.

    Three letters that are not an ISO code are kept: a company may have its own currency.

    Raises:
        InputError: the sign or name is that of several currencies, or of none.

    >>> code_of("Euro"), code_of("usd"), code_of("£"), code_of("XTS")
    ('EUR', 'USD', 'GBP', 'XTS')
    """
    codes = currencies_of(said)
    if len(codes) > 1:
        raise InputError(f"the sign or name of several currencies ({', '.join(codes[:4])}); write the code of the one")
    if not codes and not _CODE.fullmatch(said.strip()):
        raise InputError("neither the code of a currency, such as 'EUR', nor a name or sign that is known")
    return codes[0] if codes else said.strip()


def said_currency(what: str, said: str) -> str:
    """Like `code_of`, for an argument that the error names.

    >>> said_currency("`currency`", "dollar")
    Traceback (most recent call last):
    crmkpi.errors.InputError: `currency` is 'dollar', the sign or name of several currencies (USD, CAD, AUD, NZD); ...
    """
    try:
        return code_of(said)
    except InputError as problem:
        raise InputError(f"{what} is {said!r}, {problem}.") from None


def currency_in(header: str) -> str | None:
    """The one currency that a header of amounts ends with, in brackets or as a code; None if it names none.

    >>> [currency_in(header) for header in ("Amount (EUR)", "Umsatz in €", "value_usd", "Amount ($)", "Amount TOP")]
    ['EUR', 'EUR', None, None, None]
    >>> currency_in("Amount (US Dollar)"), currency_in("Umsatz in Euro")
    ('USD', 'EUR')
    """
    found = _IN_HEADER.search(header)
    codes = () if found is None else currencies_of(found[1] or found[2])
    words = header.rstrip(" )]").replace("(", " ").replace("[", " ").replace("_", " ").casefold().split()
    ends = (NAMES.get(" ".join(words[-many:]), ()) for many in range(_LONGEST_NAME, 0, -1))
    codes = codes or next(filter(None, ends), ())
    return codes[0] if len(codes) == 1 else None


def one_currency(named: Iterable[str | None], source: str) -> str | None:
    """The one currency that the headers of amounts name, if any; several currencies are refused."""
    currencies = sorted({currency.strip().upper() for currency in named if currency is not None})
    if len(currencies) > 1:
        raise ColumnError(
            f"The headers of {source} name several currencies, {' and '.join(currencies)}; "
            f"drop all but one with columns={{header: None}}."
        )
    return currencies[0] if currencies else None


def meanings_of(currency: str) -> dict[str, str]:
    """The ambiguous signs that may mean a currency, each with its code.

    >>> meanings_of("JPY")
    {'¥': 'JPY'}
    """
    return {sign: currency for sign, codes in SIGNS.items() if len(codes) > 1 and currency in codes}


def several_currencies(sign: str, column: str) -> AmbiguousCurrencyError:
    """The error for a column with an ambiguous sign; it asks which currency is meant."""
    codes = currencies_of(sign)
    known = ", ".join(codes[:4]) + (" and others" if len(codes) > 4 else "")
    return AmbiguousCurrencyError(
        f"The sign {sign!r} in the column {column!r} is that of several currencies ({known}); say which is meant with "
        f'values={{"currency": {{"{sign}": "{codes[0]}"}}}}.',
        sign=sign,
        code=codes[0],
    )
