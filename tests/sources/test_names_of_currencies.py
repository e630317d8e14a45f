"""Names of currencies in columns, headers, cells and defaults are read as codes, or are unreadable."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.errors import AmbiguousCurrencyError, CrmKpiError

NAMED = (
    *(("US Dollar", "USD"), ("U.S. Dollars", "USD"), ("Dólar americano", "USD"), ("米ドル", "USD"), ("Euro", "EUR")),
    *(("euros", "EUR"), ("British Pound", "GBP"), ("Pound Sterling", "GBP"), ("Swiss Franc", "CHF"), ("円", "JPY")),
    *(("Schweizer Franken", "CHF"), ("Svenska kronor", "SEK"), ("Indian Rupee", "INR"), ("Brazilian Real", "BRL")),
    *(("EUR - Euro", "EUR"), ("Euro (EUR)", "EUR"), ("Canadian dollar - CAD", "CAD"), ("Japanese Yen", "JPY")),
)
HEADERS = (
    *(("Amount (US Dollar)", "USD"), ("Amount in Euro", "EUR"), ("Umsatz in Schweizer Franken", "CHF")),
    *(("Valor (Reais)", "BRL"), ("Amount [Euros]", "EUR"), ("Amount (Dollars)", None), ("Amount Won", None)),
)
CELLS = (
    ("1.200,50 Euro", "EUR"),
    ("12 yen", "JPY"),
    ("100 złotych", "PLN"),
    ("Euro 12,50", "EUR"),
    ("3k euros", "EUR"),
)


def readers(text: str, folder: Path, **options: Any) -> dict[str, Any]:
    file = folder / "deals.csv"
    file.write_text(text, encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    return {
        "read_csv": lambda: ck.read_csv(file, record=ck.Deal, **options),
        "stream_csv": lambda: ck.stream_csv(file, record=ck.Deal, **options),
        "polars": lambda: ck.scan(file, record=ck.Deal, engine="polars", **options),
        "duckdb": lambda: ck.scan(file, record=ck.Deal, engine="duckdb", **options),
        "read_dicts": lambda: ck.read_dicts(rows, record=ck.Deal, **options),
    }


def by_every_reader(text: str, folder: Path, **options: Any) -> dict[str, Any]:
    """The currency and the reason of revenue, or the error, by each reader."""
    found: dict[str, Any] = {}
    for name, read in readers(text, folder, **options).items():
        try:
            result = ck.Dataset(deals=read()).measure("revenue")[0]
            found[name] = result.currency if result.value is not None else result.reason
        except CrmKpiError as problem:
            found[name] = type(problem)
    return found


def test_the_name_of_a_currency_in_its_column_is_its_code(tmp_path: Path) -> None:
    text = "id,status,amount,currency\n" + "".join(f"{place},won,1,{name}\n" for place, (name, _) in enumerate(NAMED))
    for name, read in readers(text, tmp_path).items():
        report = ck.Dataset(deals=read()).measure("revenue", by="currency")
        assert {each.segment["currency"]: each.value for each in report} == Counter(code for _, code in NAMED), name


@pytest.mark.parametrize(("header", "code"), HEADERS)
def test_the_name_of_a_currency_ends_a_header_of_amounts(header: str, code: str | None, tmp_path: Path) -> None:
    text = f"id,status,{header}\n1,won,100\n"
    assert set(by_every_reader(text, tmp_path, columns={header: "amount"}).values()) == {code}


@pytest.mark.parametrize(("cell", "code"), CELLS)
def test_the_name_of_a_currency_stands_beside_an_amount(cell: str, code: str) -> None:
    assert ck.revenue(ck.read_csv(io.StringIO(f'id,status,amount\n1,won,"{cell}"\n'), record=ck.Deal)).currency == code


def test_a_default_may_be_a_name(tmp_path: Path) -> None:
    text = "id,status,amount\n1,won,100\n"
    assert set(by_every_reader(text, tmp_path, defaults={"currency": "Euro"}).values()) == {"EUR"}


@pytest.mark.parametrize("word", ["dollar", "Pounds", "peso"])
def test_a_name_of_several_currencies_is_asked_about(word: str, tmp_path: Path) -> None:
    text = f"id,status,amount,currency\n1,won,100,{word}\n"
    assert set(by_every_reader(text, tmp_path).values()) == {AmbiguousCurrencyError}
    said = {"currency": {word: "MXN"}}
    assert set(by_every_reader(text, tmp_path, values=said).values()) == {"MXN"}


@pytest.mark.parametrize("word", ["Coins", "US", "floating", "12"])
def test_what_names_no_currency_is_unreadable_and_never_a_code(word: str, tmp_path: Path) -> None:
    text = f"id,status,amount,currency\n1,won,100,{word}\n"
    for reason in by_every_reader(text, tmp_path).values():
        assert reason.startswith("currency cannot be read in 1 of the 1 deals")
        assert f"{{'currency': {{'{word}': ...}}}}" in reason
    said = {"currency": {word: "EUR"}}
    assert set(by_every_reader(text, tmp_path, values=said).values()) == {"EUR"}
    assert ck.win_rate(ck.read_csv(tmp_path / "deals.csv", record=ck.Deal)).value == 1
