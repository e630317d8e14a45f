"""A header with thousands, cents, minutes, percent or a year needs a declared unit, which is then applied."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import crmkpi as ck
from crmkpi.cli.main import main
from crmkpi.errors import ColumnError
from crmkpi.sources.computed_values import INTERVALS as WORDS_OF_INTERVALS
from crmkpi.sources.header_units import OF_MONEY, OF_MRR, OF_TIME, says_percent, unit_in

SPELT: list[tuple[Any, str | None, tuple[str, ...]]] = [
    (OF_MONEY, "thousands", ("Amount (k€)", "Umsatz in T€", "Revenue ($000s)", "Betrag Tsd. EUR", "Montant [K EUR]")),
    (OF_MONEY, "thousands", ("Amount (USD thousands)", "金額\uff08千円\uff09", "Amount (000)")),
    (OF_MONEY, "millions", ("Deal value (Mio. €)", "Amount $M", "Revenue, millions", "Price (m)")),
    (OF_MONEY, "smallest", ("amount_cents", "Price (pence)", "unit amount (minor units)")),
    (OF_MONEY, None, ("Amount", "Amount (EUR)", "Total ($)", "Amount 2026", "M", "Amount k")),
    (OF_MRR, "yearly", ("ARR", "Annual Contract Value", "Price / year", "MRR (annual)")),
    (OF_MRR, None, ("mrr", "Monthly amount", "Price")),
    (OF_TIME, "minutes", ("Handle Time (min)", "Minutes", "talk_mins")),
    (OF_TIME, "hours", ("handle_time_hours", "Dauer (Std.)", "Duration (h)")),
    (OF_TIME, None, ("handled_seconds", "Talk Time (mm:ss)", "AHT")),
]
HEADERS = [(units, header, unit) for units, unit, headers in SPELT for header in headers]


@pytest.mark.parametrize(("units", "header", "unit"), HEADERS, ids=[header for _, header, _ in HEADERS])
def test_a_header_names_the_unit_of_its_numbers(units: Any, header: str, unit: str | None) -> None:
    assert unit_in(header, units) == unit


@pytest.mark.parametrize(
    ("header", "field", "unit", "value"),
    [("Amount (k€)", "amount", "thousands", 21500), ("amount_cents", "amount", "smallest", Decimal("0.215"))],
)
def test_the_header_of_a_column_of_a_frame_is_asked_about_too(header: str, field: str, unit: str, value: Any) -> None:
    rows = [{"id": str(place), "status": "won", header: amount} for place, amount in enumerate((1.5, 20.0))]
    frame = pl.DataFrame(rows)
    with pytest.raises(ColumnError, match=rf"rename it to 'amount' where they are not, .+ units={{.+{unit}") as found:
        ck.table(frame, record=ck.Deal, columns={header: field})
    assert "parse=True" in str(found.value)
    named: Any = {header: field}
    assert ck.revenue(ck.table(frame, record=ck.Deal, parse=True, columns=named, units={field: unit})).value == value
    assert ck.revenue(ck.table(frame.rename({header: field}), record=ck.Deal)).value == Decimal("21.5")


def test_headers_of_shares_may_speak_of_percent() -> None:
    headers = ("Probability (%)", "win_pct", "Chance in Prozent", "probability", "percentile")
    assert tuple(filter(says_percent, headers)) == headers[:3]


def scan(path: Path, **options: Any) -> Any:
    columns: Any = {targets: header for header, targets in options.pop("columns", {}).items()}
    return ck.scan(path, columns=columns, **options)


def duckdb(path: Path, **options: Any) -> Any:
    return scan(path, engine="duckdb", **options)


def csv(path: Path, **options: Any) -> Any:
    return ck.read_csv(path, **options)


def stream(path: Path, **options: Any) -> Any:
    return ck.stream_csv(path, **options)


READERS = (csv, stream, scan, duckdb)
DEALS = "id,status,closed_at,{header}\n1,won,2026-01-05,1.5\n2,won,2026-01-06,20\n"
SUBSCRIPTIONS = "id,customer_id,started_at,{header}\n1,A,2026-01-01,120\n2,B,2026-01-01,60.5\n"
TICKETS = (
    "id,created_at,solved_at,status,{header}\n1,2026-01-05,2026-01-05,solved,10\n2,2026-01-05,2026-01-05,solved,20\n"
)
# The KPI, the file, its header, the field, the unit, the value by hand, and the value without conversion.
ASKED: list[tuple[ck.Metric, Any, str, str, str, str, Any, Any]] = [
    (ck.revenue, ck.Deal, DEALS, "Amount (k€)", "amount", "thousands", Decimal(21500), Decimal("21.5")),
    (ck.revenue, ck.Deal, DEALS, "Amount (Mio. €)", "amount", "millions", Decimal(21_500_000), Decimal("21.5")),
    (ck.revenue, ck.Deal, DEALS, "amount_cents", "amount", "smallest", Decimal("0.215"), Decimal("21.5")),
    (ck.mrr, ck.Subscription, SUBSCRIPTIONS, "ARR", "mrr", "yearly", Decimal("15.041667"), Decimal("180.5")),
    (ck.handle_time, ck.Ticket, TICKETS, "Handle Time (min)", "handled_seconds", "minutes", 900, 15),
]  # fmt: skip


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("case", ASKED, ids=lambda case: case[3])
def test_a_unit_in_a_header_is_asked_about(case: Any, read: Callable[..., Any], tmp_path: Path) -> None:
    metric, record, text, header, field, unit, *_ = case
    (path := tmp_path / "file.csv").write_text(text.format(header=header), encoding="utf-8")
    with pytest.raises(ColumnError, match=r"The header .+ of .+ seems to say") as found:
        metric(read(path, record=record, columns={header: field}), period="2026-01")
    assert f'units={{"{field}": "{unit}"}}' in str(found.value)


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize("case", ASKED, ids=lambda case: case[3])
def test_the_unit_that_is_said_is_read(case: Any, read: Callable[..., Any], tmp_path: Path) -> None:
    metric, record, text, header, field, unit, value, as_it_stands = case
    (path := tmp_path / "file.csv").write_text(text.format(header=header), encoding="utf-8")
    for told, expected in ((unit, value), ("seconds" if metric is ck.handle_time else "plain", as_it_stands)):
        result = metric(read(path, record=record, columns={header: field}, units={field: told}), period="2026-01")
        value = result.to("seconds") if metric is ck.handle_time else result.value
        assert float(value) == pytest.approx(float(expected), abs=1e-5)


PIPELINE = "id,status,amount,Probability (%)\n1,open,100,1\n2,open,200,0.5\n"


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
@pytest.mark.parametrize(("unit", "value"), [(None, None), ("percent", 2), ("plain", 200)])
def test_shares_below_a_header_of_percent_are_unreadable_until_their_unit_is_said(
    unit: str | None, value: int | None, read: Callable[..., Any], tmp_path: Path
) -> None:
    (path := tmp_path / "file.csv").write_text(PIPELINE)
    units = None if unit is None else {"probability": unit}
    deals = read(path, record=ck.Deal, columns={"Probability (%)": "probability"}, units=units)
    pipeline, count = ck.Dataset(deals=deals).measure(["weighted_pipeline", "open_deals"])
    assert (pipeline.value, count.value) == (value, 2)  # a deal counts without its probability
    assert value is not None or 'say units={"probability": "percent"}' in str(pipeline.reason)


INTERVALS = "id,customer_id,started_at,Billing,{header}\n1,A,2026-01-01,Annual,1200\n2,B,2026-01-01,Monthly,50\n"


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_amounts_beside_intervals_are_those_of_a_month_only_where_that_is_said(
    read: Callable[..., Any], tmp_path: Path
) -> None:
    (path := tmp_path / "file.csv").write_text(INTERVALS.format(header="Price"))
    with pytest.raises(ColumnError, match=r"The column 'Billing' of .+ holds intervals \(Annual, Monthly\)"):
        ck.mrr(read(path, record=ck.Subscription, columns={"Price": "mrr"}), period="2026-01")
    if read is not duckdb:
        plain = read(path, record=ck.Subscription, columns={"Price": "mrr"}, units={"mrr": "plain"})
        assert ck.mrr(plain, period="2026-01").value == 1250
    if read in (csv, stream):
        per: Any = {"Price": {"fills": "mrr", "per": "Billing"}}
        assert ck.mrr(read(path, record=ck.Subscription, columns=per), period="2026-01").value == 150
    path.write_text(INTERVALS.format(header="mrr"))  # an amount per month by its name
    assert ck.mrr(read(path, record=ck.Subscription), period="2026-01").value == 1250


def test_the_command_line_says_how_a_unit_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (path := tmp_path / "deals.csv").write_text(DEALS.format(header="Amount (k)"))
    command = ["report", "revenue", "--deals", str(path), "--columns", "deals:Amount (k)=amount"]
    assert main(command) == 1
    assert "hint: --units TABLE:FIELD=UNIT says it here" in capsys.readouterr().err
    assert main([*command, "--units", "deals:amount=thousands"]) == 0
    assert "21,500.00" in capsys.readouterr().out


ASKED_IN_WORDS = [
    (ck.Deal, DEALS, "Amount (k€)", "amount", "thousands, and 'amount' holds whole amounts; say units={\"amount\": "),
    (ck.Ticket, TICKETS, "Handle Time (min)", "handled_seconds", "minutes, and 'handled_seconds' holds seconds; say "),
]


@pytest.mark.parametrize("case", ASKED_IN_WORDS, ids=lambda case: case[2])
def test_the_question_names_the_unit_and_the_word_for_none(case: Any, tmp_path: Path) -> None:
    record, text, header, field, words = case
    (path := tmp_path / "file.csv").write_text(text.format(header=header), encoding="utf-8")
    with pytest.raises(ColumnError) as found:
        ck.read_csv(path, record=record, columns={header: field})
    plain = "seconds" if field.endswith("seconds") else "plain"
    assert words in str(found.value)
    assert str(found.value).endswith(f'"}}, or "{plain}" where they are not.')


def test_units_of_other_fields_are_no_matter(tmp_path: Path) -> None:
    (path := tmp_path / "file.csv").write_text(DEALS.format(header="Annual value"), encoding="utf-8")
    assert ck.revenue(ck.read_csv(path, record=ck.Deal, columns={"Annual value": "amount"})).value == Decimal("21.5")
    text = "id,kind,answered_at,Score (min)\n1,csat,2026-01-05,4\n"
    path.write_text(text, encoding="utf-8")
    assert ck.read_csv(path, record=ck.Survey, columns={"Score (min)": "score"})[0].score == 4


@pytest.mark.parametrize(("intervals", "asked"), [("month monthly", False), ("monthly month", False), ("year", True)])
def test_intervals_beside_amounts_are_asked_about_unless_all_are_months(
    intervals: str, asked: bool, tmp_path: Path
) -> None:
    for words in (intervals.split(), sorted(WORDS_OF_INTERVALS) if asked else intervals.split()[:1]):
        rows = "".join(f"{n},A,2026-01-01,10,{word}\n" for n, word in enumerate(words))
        (path := tmp_path / "file.csv").write_text(f"id,customer_id,started_at,Price,Billing\n{rows}", encoding="utf-8")
        if asked:
            with pytest.raises(ColumnError, match="holds intervals"):
                ck.read_csv(path, record=ck.Subscription, columns={"Price": "mrr"})
        else:
            assert len(ck.read_csv(path, record=ck.Subscription, columns={"Price": "mrr"})) == len(words)
