"""Human-formatted numbers and amounts: the same value and currency in every reader, or the same refusal."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import CrmKpiError, CurrencyError, InputError
from crmkpi.quality.frames import records_of_frame
from crmkpi.sources.spellings import shown_by, spelling_of

HEADERS = ["id", "status", "amount"]
DELIMITERS = [",", ";", "\t", "|"]


def by_csv(text: str, path: Path, **options: Any) -> Any:
    del path
    return list(ck.read_csv(io.StringIO(text, newline=""), record=ck.Deal, **options))


def by_stream(text: str, path: Path, **options: Any) -> Any:
    del path
    return list(ck.stream_csv(io.StringIO(text, newline=""), record=ck.Deal, **options))


def by_scan(text: str, path: Path, **options: Any) -> Any:
    pytest.importorskip("polars")
    file = path / "deals.csv"
    file.write_text(text, encoding="utf-8", newline="")
    options["columns"] = {field: header for header, field in options.get("columns", {}).items()}
    return list(records_of_frame("deals", ck.scan(file, record=ck.Deal, **options)))


def by_dicts(text: str, path: Path, **options: Any) -> Any:
    del path
    return list(ck.read_dicts(rows_of(text), record=ck.Deal, **options))


def by_workbook(text: str, path: Path, **options: Any) -> Any:
    openpyxl = pytest.importorskip("openpyxl")
    del path
    book, file = openpyxl.Workbook(), io.BytesIO()
    rows = rows_of(text)
    book.active.append(list(rows[0]))
    for row in rows:
        book.active.append(list(row.values()))
    book.save(file)
    return list(ck.read_excel(file, record=ck.Deal, **options))


READERS = [by_csv, by_stream, by_scan, by_dicts, by_workbook]


def said(found: Any) -> str:
    """The account of some records, on one line."""
    told = [repr(found.account), *(f"{one.value} is {one.reason}" for one in found.account.unreadable)]
    return " ".join(" ".join(told).split())


def rows_of(text: str) -> list[dict[str, str]]:
    head = text.splitlines()[0]
    mark = next(each for each in DELIMITERS if each in head)
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=mark))


def file_of(cells: list[str], delimiter: str = ",", **more: list[str]) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow([*HEADERS, *more])
    for number, cell in enumerate(cells):
        writer.writerow([f"D{number}", "won", cell, *(column[number] for column in more.values())])
    return out.getvalue()


def outcome(read: Callable[..., Any], text: str, path: Path, **options: Any) -> Any:
    try:
        return [(deal.amount, deal.currency) for deal in read(text, path, **options)]
    except CrmKpiError as problem:
        return type(problem), str(problem).replace("deals.csv", "<file>").replace("memory", "<file>")


@dataclass(frozen=True)
class Form:
    """A country's number format: its marks, and whether groups after the first have two digits."""

    thousands: str
    decimal: str
    indian: bool = False

    def write(self, amount: Decimal) -> str:
        whole, _, cents = f"{abs(amount):.2f}".partition(".")
        groups = [whole[-3:]]
        rest, size = whole[:-3], 2 if self.indian else 3
        while rest:
            groups.insert(0, rest[-size:])
            rest = rest[:-size]
        text = (self.thousands or "").join(groups)
        return text if cents == "00" else f"{text}{self.decimal}{cents}"


FORMS = {
    "en": Form(",", "."),
    "plain": Form("", "."),
    "hi": Form(",", ".", indian=True),
    "de": Form(".", ","),
    "fr": Form("\u202f", ","),
    "sv": Form("\u00a0", ","),
    "pl": Form(" ", ","),
    "ch": Form("\u2019", "."),
    "li": Form("'", "."),
}
AROUND = ["{}", "€{}", "{} €", "EUR {}", "{}\u00a0EUR", "{} zł", "PLN{}", "₹{}", "US$ {}", "CHF {}", "R$ {}", "{} Kč"]
CURRENCIES = [None, *["EUR"] * 4, "PLN", "PLN", "INR", "USD", "CHF", "BRL", "CZK"]
NEGATIVES = ["-{}", "({})", "{}-", "\u2212{}", "- {}"]
AMOUNTS = st.lists(st.decimals(-(10**9), 10**9, places=2), min_size=1, max_size=6)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    AMOUNTS,
    st.sampled_from([*FORMS]),
    st.integers(0, len(AROUND) - 1),
    st.sampled_from(NEGATIVES),
    st.sampled_from(DELIMITERS),
)
def test_every_reader_reads_an_amount_as_it_was_written(
    tmp_path: Path, amounts: list[Decimal], form: str, around: int, negative: str, delimiter: str
) -> None:
    how = FORMS[form]
    written = [how.write(amount) for amount in amounts]
    cells = [
        negative.format(AROUND[around].format(text)) if amount < 0 else AROUND[around].format(text)
        for amount, text in zip(amounts, written, strict=True)
    ]
    shown = {shown_by(spelt.digits) for cell in cells if (spelt := spelling_of(cell))}
    found = [outcome(read, file_of(cells, delimiter), tmp_path) for read in READERS]
    for other in found[1:]:
        assert other == found[0]
    if "both" in shown and not shown & {",", "."}:
        assert found[0][0] is InputError
        found = [outcome(read, file_of(cells, delimiter), tmp_path, decimal=how.decimal) for read in READERS]
    for each in found:
        assert each == [(amount, CURRENCIES[around]) for amount in amounts]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("cell", ["1.200", "1.200 €", "€1.200", "1,200", "EUR 1,200", "(1.200)", "1.200-", "1,200K"])
def test_a_column_that_could_be_read_in_two_ways_is_refused_with_both(
    read: Any, delimiter: str, cell: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r'is 1200 with decimal="[.,]" and 1.2 with decimal="[.,]"; say which'):
        read(file_of([cell, "950"], delimiter), tmp_path)
    scale = 1000 if "K" in cell else 1
    point = [abs(deal.amount) for deal in read(file_of([cell, "950"], delimiter), tmp_path, decimal=".")]
    comma = [abs(deal.amount) for deal in read(file_of([cell, "950"], delimiter), tmp_path, decimal=",")]
    assert sorted([point, comma]) == [[Decimal("1.2") * scale, 950], [1200 * scale, 950]]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (["₹1,00,000", "₹12,34,567.00", "₹50,000"], ["100000", "1234567", "50000"]),
        (["1'200.50", "900.–"], ["1200.50", "900"]),
        (["€ 500,-", "€ 1.200,-"], ["500", "1200"]),
        (["\uffe5\uff11\uff0c\uff12\uff13\uff14\uff0c\uff15\uff16\uff17\u5186"], ["1234567"]),
        (["2,5 Mio. €", "1.000 Tsd. €"], ["2500000", "1000000"]),
        (["₹1.5 Cr", "₹12 lakh"], ["15000000", "1200000"]),
        (["US$ 1,000.00 USD", "12.5"], ["1000", "12.5"]),
    ],
)
def test_forms_of_one_country_read(read: Any, cells: list[str], amounts: list[str], tmp_path: Path) -> None:
    found = read(file_of(cells), tmp_path, **({"values": {"currency": {"¥": "JPY"}}} if "\uffe5" in cells[0] else {}))
    assert [deal.amount for deal in found] == [*map(Decimal, amounts)]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("cell", ["1000 CR", "1000 Cr.", "€1000 cr", "500 L"])
def test_abbreviations_of_crore_and_lakh_multiply_only_rupees(read: Any, cell: str, tmp_path: Path) -> None:
    [deal] = read(file_of([cell]), tmp_path)  # elsewhere, 1000 CR is a credit
    assert (deal.amount, [*deal.unreadable]) == (None, ["amount"])


WORDS = ["-", "--", "\u2013", "\u2014", "N/A", "n/a", "NA", "nan", "NaN", "NaT", "NULL", "null", "None", r"\N", "#N/A"]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("word", WORDS)
def test_words_for_nothing_are_nothing_in_numbers_and_dates(read: Any, word: str, tmp_path: Path) -> None:
    text = file_of(["100", word], closed_at=["2026-01-05", word], probability=[word, "0.5"])
    found = read(text, tmp_path)
    assert [(deal.amount, deal.probability, deal.closed_at and deal.closed_at.day) for deal in found] == [
        (100, None, 5),
        (None, 0.5, None),
    ]


def test_words_for_nothing_are_counted() -> None:
    account = ck.read_csv(io.StringIO("id,status,amount,closed_at\n1,won,N/A,NaT\n"), record=ck.Deal).account
    assert dict(account.coerced["amount"]) == {"'N/A' is no value": 1}
    assert dict(account.coerced["closed_at"]) == {"'NaT' is no value": 1}


# shares and percentages


@pytest.mark.parametrize("read", READERS)
def test_percent_is_a_fraction_where_the_field_is_a_share(read: Any, tmp_path: Path) -> None:
    text = file_of(["1", "2", "3"], probability=["45%", "% 5", "12,5 %"])
    assert [deal.probability for deal in read(text, tmp_path)] == [0.45, 0.05, 0.125]


def test_percent_in_a_score_is_unreadable_with_the_reason() -> None:
    text = "id,kind,score\n1,nps,100%\n2,nps,9\n"
    found = ck.read_csv(io.StringIO(text), record=ck.Survey)
    assert "'100%' is not a number: it is a percentage, where a number on a scale is expected" in said(found)


@pytest.mark.parametrize("read", READERS)
def test_probabilities_of_a_hundred_are_asked_about_and_read_when_said(read: Any, tmp_path: Path) -> None:
    text = file_of(["1", "2", "3"], probability=["75", "1", "0"])
    said = read(text, tmp_path, units={"probability": "percent"})
    assert [deal.probability for deal in said] == [0.75, 0.01, 0.0]


def test_one_of_a_column_in_percent_is_not_all() -> None:
    cells = ["1"] * 300 + ["75", "0"]
    found = ck.read_csv(io.StringIO(file_of(cells, probability=cells)), record=ck.Deal)
    assert 'say units={"probability": "percent"}' in said(found)
    assert [deal.probability for deal in found if deal.probability is not None] == [0.0]
    fractions = ck.read_csv(io.StringIO(file_of(["1", "2"], probability=["1", "0.5"])), record=ck.Deal)
    assert [deal.probability for deal in fractions] == [1.0, 0.5]


# currencies


@pytest.mark.parametrize("read", READERS)
def test_the_code_of_a_cell_fills_the_currency(read: Any, tmp_path: Path) -> None:
    found = read(file_of(["EUR 5.50", "USD 1,234.50", "12", "£3"]), tmp_path)
    assert [(deal.amount, deal.currency) for deal in found] == [
        (Decimal("5.50"), "EUR"),
        (Decimal("1234.50"), "USD"),
        (Decimal(12), None),
        (Decimal(3), "GBP"),
    ]


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(("sign", "code"), [("$", "CAD"), ("kr", "NOK"), ("¥", "JPY"), ("Rs", "INR")])
def test_a_sign_of_several_currencies_asks_once_unless_one_was_said(
    read: Any, sign: str, code: str, tmp_path: Path
) -> None:
    text = file_of([f"{sign} 1,234.50", f"{sign} 7"])
    with pytest.raises(CurrencyError, match=r"is that of several currencies .*; say which is meant with values="):
        read(text, tmp_path)
    for said in ({"values": {"currency": {sign: code}}}, {"defaults": {"currency": code}}):
        assert [deal.currency for deal in read(text, tmp_path, **said)] == [code, code]
    [deal] = read(file_of(["1"], currency=[sign]), tmp_path, values={"currency": {sign: code}})
    assert deal.currency == code


def test_a_cell_that_contradicts_the_column_is_unreadable() -> None:
    text = file_of(["€1.234,50", "$2", "3"], currency=["USD", "USD", "USD"])
    found = ck.read_csv(io.StringIO(text), record=ck.Deal)
    assert "an amount in €, where the currency of its row is USD" in said(found)
    assert [deal.amount for deal in found if deal.amount is not None] == [2, 3]


def test_two_files_in_two_currencies_never_add_up() -> None:
    deals = [
        *ck.read_csv(io.StringIO(file_of(["$1,000.00"])), record=ck.Deal, values={"currency": {"$": "USD"}}),
        *ck.read_csv(io.StringIO(file_of(["EUR 1.000,00"]).replace("D0", "E0")), record=ck.Deal),
    ]
    for currency in (None, "USD"):
        with pytest.raises(CurrencyError):
            ck.revenue(ck.Dataset(deals=deals, currency=currency))
