"""Names of currencies that systems write instead of a code: US Dollar, Schweizer Franken, 日本円."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ALONE", "NAMES"]

_IN_WORDS = """
USD: us dollar, u.s. dollar, us-dollar, united states dollar, american dollar, amerikanischer dollar, dollar américain,
USD: dollar des états-unis, dólar estadounidense, dólar americano, dólar dos estados unidos, amerikansk dollar, 米ドル
EUR: euro, евро, ユーロ, यूरो
GBP: british pound, pound sterling, british pound sterling, uk pound, great britain pound, britisches pfund, 英ポンド
GBP: pfund sterling, livre sterling, libra esterlina, funt szterling, brittiskt pund
JPY: japanese yen, yen, japanischer yen, yen japonais, yen japonés, iene japonês, 日本円
CNY: chinese yuan, yuan renminbi, chinese yuan renminbi, yuan, renminbi, 人民元, 人民币
CHF: swiss franc, schweizer franken, franc suisse, franco suizo, franco suíço, franco svizzero, schweizisk franc
CAD: canadian dollar, kanadischer dollar, dollar canadien, dólar canadiense, dólar canadense
AUD: australian dollar, australischer dollar, dólar australiano
NZD: new zealand dollar
HKD: hong kong dollar
SGD: singapore dollar
TWD: new taiwan dollar, taiwan dollar
INR: indian rupee, indische rupie, roupie indienne, rupia india, भारतीय रुपया
PKR: pakistani rupee, pakistan rupee
SEK: swedish krona, svensk krona, svenska kronor, schwedische krone, kronor
NOK: norwegian krone, norsk krone, norske kroner, norwegische krone
DKK: danish krone, dansk krone, danske kroner, dänische krone
ISK: icelandic krona, icelandic króna
PLN: polish zloty, polish złoty, polnischer zloty, złoty polski, złotych, złoty, zloty
CZK: czech koruna, česká koruna, tschechische krone
HUF: hungarian forint, forint
RON: romanian leu, leu românesc
BGN: bulgarian lev
RUB: russian ruble, russian rouble, российский рубль
UAH: ukrainian hryvnia, українська гривня
TRY: turkish lira, türk lirasi
ILS: israeli new shekel, israeli shekel, new israeli shekel
AED: uae dirham, united arab emirates dirham, emirati dirham
SAR: saudi riyal
QAR: qatari riyal, qatari rial
KWD: kuwaiti dinar
EGP: egyptian pound
ZAR: south african rand
NGN: nigerian naira
KES: kenyan shilling
BRL: brazilian real, real brasileiro, real brasileño, réal brésilien, brasilianischer real, reais
MXN: mexican peso, peso mexicano, mexican nuevo peso
ARS: argentine peso, argentinian peso, peso argentino
CLP: chilean peso, peso chileno
COP: colombian peso, peso colombiano
PEN: peruvian sol, peruvian nuevo sol, sol peruano
PHP: philippine peso
IDR: indonesian rupiah, rupiah
MYR: malaysian ringgit
THB: thai baht
VND: vietnamese dong
KRW: south korean won, korean won, 대한민국 원
USD CAD AUD NZD HKD SGD: dollar, dólar, ドル
GBP EGP: pound, pfund, livre, libra
SEK ISK: krona
NOK DKK: krone, kroner
INR PKR LKR NPR: rupee, rupie, roupie
MXN ARS CLP COP UYU PHP: peso
CHF XOF XAF: franc, franken
"""


def _names() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for line in _IN_WORDS.strip().splitlines():
        codes, names = line.split(": ")
        for name in names.rstrip(",").split(", "):
            found[name] = tuple(codes.split())
            if name[-1].isascii() and name[-1] != "s":
                found[f"{name}s"] = found[name]
    return found


NAMES: Mapping[str, tuple[str, ...]] = _names()  # the codes of the currencies that a name may mean
ALONE = tuple(filter(str.isalpha, NAMES))  # names of one word, which may be written next to an amount
