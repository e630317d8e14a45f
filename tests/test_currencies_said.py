"""A currency may be a code, name or sign everywhere; an unknown word is never a currency of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.errors import CrmKpiError, InputError

FILE = "id,status,closed_at,amount\n1,won,2026-01-05,5\n"
DEALS = [ck.Deal(id="1", status="won", closed_at="2026-01-05", amount="5")]
SAID = {"EUR": "EUR", "eur": "EUR", "Euro": "EUR", "€": "EUR", "Schweizer Franken": "CHF", "XTS": "XTS"}
REFUSED = {"dollar": "several currencies", "$": "several currencies", "credits": "neither the code", "E": "neither the"}


def of_company(said: str, folder: Path) -> str | None:
    (folder / "deals.csv").write_text(FILE, encoding="utf-8")
    (path := folder / "crmkpi.toml").write_text(
        f'currency = "{said}"\n[tables.deals]\nfiles = "deals.csv"\n', encoding="utf-8"
    )
    return ck.company(path).measure("revenue", period="2026")[0].currency


WAYS: dict[str, Callable[[str, Path], Any]] = {
    "dataset": lambda said, _: ck.Dataset(deals=DEALS, currency=said).measure("revenue", period="2026")[0].currency,
    "call": lambda said, _: ck.revenue(DEALS, period="2026", currency=said).currency,
    "tally": lambda said, _: ck.Tally(ck.revenue, currency=said).add(deals=DEALS).report()[0].currency,
    "record": lambda said, _: ck.Deal(id="1", status="won", currency=said).currency,
    "dicts": lambda said, _: (
        ck.read_dicts([{"id": "1", "status": "won"}], record=ck.Deal, defaults={"currency": said}, strict=True)[
            0
        ].currency
    ),
    "rates to": lambda said, _: ck.Rates(said, {}).to,
    "rates from": lambda said, _: said_in(ck.Rates("JPY", {said: 2})),
    "company file": of_company,
}


def said_in(rates: ck.Rates) -> str:
    return next(code for code in SAID.values() if _converts(rates, code))


def _converts(rates: ck.Rates, code: str) -> bool:
    try:
        return bool(rates.convert(DEALS[0].amount, code, None))
    except CrmKpiError:
        return False


@pytest.mark.parametrize(("said", "code"), SAID.items())
@pytest.mark.parametrize("way", WAYS)
def test_a_code_a_name_and_a_sign_are_the_code(way: str, said: str, code: str, tmp_path: Path) -> None:
    assert WAYS[way](said, tmp_path) == code


@pytest.mark.parametrize(("said", "reason"), REFUSED.items())
@pytest.mark.parametrize("way", WAYS)
def test_a_word_that_is_no_one_currency_is_refused(way: str, said: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(CrmKpiError, match=reason):
        WAYS[way](said, tmp_path)


@pytest.mark.parametrize("said", ["Euro", "€"])
def test_the_command_line_takes_them_too(said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path := tmp_path / "deals.csv").write_text(FILE, encoding="utf-8")
    asked = ["report", "revenue", "--deals", str(path), "--period", "2026", "--currency", said, "--rate", "dollar=2"]
    assert main(asked[:-2]) == 0
    assert "5.00 EUR" in capsys.readouterr().out
    assert main(asked) == 2
    assert "the currency is 'dollar', the sign or name of several currencies" in capsys.readouterr().err


def test_a_column_of_a_frame_holds_codes_and_the_error_says_what_to_write() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "id": ["1", "2"],
            "status": ["won", "won"],
            "closed_at": [datetime(2026, 1, 5)] * 2,
            "amount": [10.5, 20.0],
            "currency": ["EUR", "Euro"],
        }
    )
    for metric, by in (("revenue", None), ("win_rate", "currency")):
        with pytest.raises(InputError, match="holds 'Euro', which is EUR; map it") as problem:
            ck.Dataset(deals=frame).measure(metric, period="2026", by=by)
        words = {"currency": {"Euro": "EUR"}}
        assert f"values={words}" in str(problem.value)
        found = ck.Dataset(deals=ck.table(frame, record=ck.Deal, values=words)).measure(metric, period="2026", by=by)
        assert len(found) == 1


def test_one_currency_has_one_rate() -> None:
    with pytest.raises(InputError, match="Rates name USD twice, once as 'us dollar'"):
        ck.Rates("EUR", {"USD": "0.9", "us dollar": "0.8"})
