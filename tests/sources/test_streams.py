"""Streams of records, for files larger than memory: equal to `read_csv`, in bounded memory."""

from __future__ import annotations

import gc
import io
import json
import tracemalloc
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi.errors import CrmKpiError, InputError, RowError, TimeZoneError
from crmkpi.sources.presets import PRESETS

AS_OF = date(2026, 1, 31)
PRESET_FILES = Path(__file__).parent.parent / "presets" / "files"
CELLS = {
    "Id": st.sampled_from(["1", "2", "D-7", "", " ", "Grand Total (3)"]),
    "Status": st.sampled_from(["won", "Lost", "open", "sold", ""]),
    "Amount": st.sampled_from(["12", "12.50", "1.234,56", "$1,234.56", "7,5", "1,234", "x", "--", "1e5", ""]),
    "Cost": st.sampled_from(["3", "3.5", "4,25", "1.000", ""]),
    "Created At": st.sampled_from(["2026-01-05", "05/01/2026", "25/01/2026", "2026-01-05T09:00Z", "31 Jan 2026", "?"]),
    "Region": st.sampled_from(["North", "", '"quoted"', "a\nb"]),
}
ROWS = st.lists(st.tuples(*CELLS.values()), max_size=12)


def outcome(read: Any) -> Any:
    """The records and the account, or the error message."""
    try:
        found = read()
        return list(found), found.account
    except CrmKpiError as problem:
        return type(problem), str(problem)


def as_csv(rows: list[tuple[str, ...]], *, times: int = 1) -> str:
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in [tuple(CELLS), *rows * times]]
    return "\n".join(quoted) + "\n"


@given(ROWS, st.sampled_from([1, 40]), st.sampled_from([{}, {"tz": "Europe/Berlin"}, {"day_first": True}]))
def test_a_stream_gives_the_records_and_the_account_of_the_whole_file(
    rows: list[tuple[str, ...]], times: int, options: dict[str, Any]
) -> None:
    text = as_csv(rows, times=times)
    whole = outcome(lambda: ck.read_csv(io.StringIO(text), record=ck.Deal, **options))
    streamed = outcome(lambda: ck.stream_csv(io.StringIO(text), record=ck.Deal, **options))
    if whole[0] is TimeZoneError:  # a stream reaches the fault before the end
        assert streamed[0] is TimeZoneError
    else:
        assert streamed == whole


def test_what_is_no_number_is_told_alike_before_and_after_the_decimal_sign_is_known() -> None:
    """The decimal comma is only in the last row, which a stream reads before it yields the first."""
    rows = [("won", "x"), ("", "x"), ("won", "1.234,56")]
    text = as_csv([("1", status, amount, "3", "2026-01-05", "North") for status, amount in rows])
    whole, streamed = (
        outcome(partial(read, io.StringIO(text), record=ck.Deal)) for read in (ck.read_csv, ck.stream_csv)
    )
    assert whole == streamed
    assert "amount unreadable in 2: 'x' (2)\n  status unreadable in 1: no value (1)\n" in str(whole[1])


@given(st.binary(max_size=300))
def test_no_bytes_make_a_stream_differ_from_the_whole(content: bytes) -> None:
    data = b"id,amount,created at\n" + content
    whole = outcome(lambda: ck.read_csv(io.BytesIO(data), record=ck.Order))
    assert outcome(lambda: ck.stream_csv(io.BytesIO(data), record=ck.Order)) == whole


@pytest.mark.parametrize(
    "name",
    [name for name, each in PRESETS.items() if each.record and not each.history and name != "zendesk_ticket_api"],
)
def test_every_preset_streams_as_it_reads(name: str) -> None:
    path = next(path for path in PRESET_FILES.glob(f"{name}.*") if ".expected" not in path.name)
    options = json.loads((PRESET_FILES / f"{name}.expected.json").read_text(encoding="utf-8")).get("options", {})
    whole = outcome(lambda: ck.read_csv(path, preset=name, **options))
    assert isinstance(whole[0], list)
    assert outcome(lambda: ck.stream_csv(path, preset=name, **options)) == whole


def test_changes_of_stages_cannot_be_streamed() -> None:
    with pytest.raises(InputError, match="visits only when all of them are there, so that they cannot be streamed"):
        ck.stream_csv(PRESET_FILES / "salesforce_stage_history.csv", preset="salesforce_stage_history")


def test_the_account_is_complete_at_the_end_and_not_before() -> None:
    orders = ck.stream_csv(io.StringIO("id,amount\n1,5\n2,x\n"), record=ck.Order)
    with pytest.raises(InputError, match=r"The account of <file> is complete only at the end of the stream"):
        _ = orders.account
    assert repr(orders) == "<stream of Order records from <file>, not read to its end>"
    assert [order.id for order in orders] == ["1", "2"]
    assert (orders.account.rows, orders.account.used, orders.account.unreadable[0].line) == (2, 2, 3)
    assert repr(orders) == "<stream of Order records from <file>, 2 used>"


def test_a_stream_can_be_strict() -> None:
    with pytest.raises(RowError, match="Line 3 of <file> is no Order: amount 'x' is not a number"):
        list(ck.stream_csv(io.StringIO("id,amount\n1,5\n2,x\n"), record=ck.Order, strict=True))


def test_a_kpi_of_a_stream_tells_the_rows_that_could_not_be_read() -> None:
    text = "id,status\n1,won\n2,lost\n3,gone\n4\n"
    left_out = {"status unreadable": 1}
    result = ck.win_rate(ck.stream_csv(io.StringIO(text), record=ck.Deal), most_unreadable=0.5)
    assert (result.value, result.accounts[0].rejected, result.left_out) == (0.5, 1, left_out)
    tally = ck.Tally([ck.win_rate], most_unreadable=0.5).add(deals=ck.stream_csv(io.StringIO(text), record=ck.Deal))
    assert [(each.value, each.accounts[0].rejected, each.left_out) for each in tally.report()] == [(0.5, 1, left_out)]
    assert ck.Tally([ck.win_rate]).add(deals=ck.stream_csv(io.StringIO(text), record=ck.Deal)).report()[0].value is None


def test_amounts_are_read_alike_whoever_asks_for_the_records() -> None:
    text = (
        "id,Customer ID,Status,Amount,Interval,Start Date (UTC)\n"
        "S1,C1,active,100.00,year,2026-01-05 09:00\nS2,C2,active,ten,month,2026-01-05 09:00\n"
    )
    whole = ck.read_csv(io.StringIO(text), preset="stripe_subscription")
    asked: dict[str, Any] = {"as_of": AS_OF, "currency": "USD", "most_unreadable": 0.5}
    streamed = ck.mrr(ck.stream_csv(io.StringIO(text), preset="stripe_subscription"), **asked)
    assert (streamed.value, streamed.accounts) == (whole[0].mrr, ck.mrr(whole, **asked).accounts)
    assert (streamed.value, streamed.left_out) == (Decimal("8.333333"), {"mrr unreadable": 1})


@pytest.mark.slow
@pytest.mark.parametrize("preset", [None, "salesforce_opportunity"])
def test_memory_does_not_grow_with_the_file(preset: str | None, tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        path = tmp_path / f"{rows}.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("Id,Name,CreatedDate,CloseDate,IsClosed,IsWon,Status,StageName,Amount\n")
            for number in range(rows):
                file.write(f"D{number},Deal,2026-01-05,2026-02-{number % 28 + 1:02},true,true,won,Won,{number}.50\n")
        gc.collect()
        tracemalloc.start()
        count = sum(1 for _ in ck.stream_csv(path, record=ck.Deal, preset=preset))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == rows
        return most

    peak(1_000)  # sources that can be read once
    few, many = peak(60_000), peak(120_000)
    assert many < few * 1.2
