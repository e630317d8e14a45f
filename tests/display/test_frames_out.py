"""Reports as frames of pandas, Polars and Arrow: typed numbers, equal to `to_dicts()`."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crmkpi as ck
from crmkpi import clv
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.insight.control import control_chart
from crmkpi.insight.funnel_plots import funnel_plot
from crmkpi.tabular import inferred

OWNERS = st.sampled_from(["Ada", "Bo", "=1+1", None])
AMOUNTS = st.none() | st.decimals("-1e9", "1e9", places=2)
DAYS = st.dates(date(2025, 11, 1), date(2026, 3, 31))
DEALS = st.lists(
    st.builds(
        lambda status, owner, amount, created, closed: ck.Deal(
            id="x", status=status, owner=owner, amount=amount, created_at=created, closed_at=closed
        ),
        st.sampled_from(["won", "lost", "open"]),
        OWNERS,
        AMOUNTS,
        DAYS,
        DAYS,
    ),
    max_size=12,
).map(lambda deals: [ck.Deal(**{**_fields(deal), "id": str(number)}) for number, deal in enumerate(deals)])
KPIS = st.lists(
    st.sampled_from(["win_rate", "revenue", "sales_cycle_length", "lost_deals", "average_deal_size.median"]),
    min_size=1,
    unique=True,
)
MORE = st.sampled_from([{}, {"period": "2026-Q1"}, {"period": "2026-Q1", "every": "month", "compare": "previous"}])
LIBRARIES = ("pandas", "polars", "arrow")
AMOUNTS_OF_RESULTS = ("value", "low", "high", "change", "previous_value", "change_low", "change_high")


def _fields(deal: ck.Deal) -> dict[str, Any]:
    return {name: getattr(deal, name) for name in ("status", "owner", "amount", "created_at", "closed_at")}


def rows_of(frame: Any) -> list[dict[str, Any]]:
    """The rows of a frame of any library, with None for missing values."""
    if isinstance(frame, pd.DataFrame):
        return [
            {name: None if value is None or value is pd.NaT or pd.isna(value) else value for name, value in row.items()}
            for row in frame.to_dict("records")
        ]
    return frame.to_dicts() if isinstance(frame, pl.DataFrame) else frame.to_pylist()


def plain(value: Any) -> Any:
    """A cell of a frame as `to_dicts()` writes it."""
    match value:
        case Decimal():
            return value.normalize()
        case timedelta():
            return value.total_seconds()
        case pd.Timestamp():
            return value.isoformat()
        case _ if hasattr(value, "isoformat"):
            return value.isoformat()
        case _:
            return value


def as_frame(report: ck.Report, library: str, **options: Any) -> Any:
    return getattr(report, f"to_{library}")(**options)


@pytest.mark.parametrize("library", LIBRARIES)
@settings(max_examples=12, deadline=None)
@given(deals=DEALS, kpis=KPIS, by=st.sampled_from([None, "owner", ["owner", "status"]]), more=MORE)
def test_a_frame_says_what_the_plain_rows_say(library: str, deals: Any, kpis: Any, by: Any, more: Any) -> None:
    crm = ck.Dataset(deals=deals, currency="EUR", calendar=ck.Calendar(tz="Europe/Berlin"), as_of=date(2026, 2, 10))
    report = crm.measure(kpis, by=by, **more)
    frame = rows_of(as_frame(report, library))
    assert len(frame) == len(report)
    mixed = len({result.unit for result in report}) > 1
    for row, told in zip(frame, report.to_dicts(), strict=True):
        told["left_out"] = sum(told["left_out"].values())
        for name, cell in row.items():
            expected = told.get(name)
            if name in AMOUNTS_OF_RESULTS and isinstance(expected, str):
                expected = float(expected) if mixed else Decimal(expected).normalize()
            if isinstance(expected, Decimal):
                assert abs(cell - expected) <= Decimal("1e-20") * max(Decimal(1), abs(expected)), name
            else:
                assert plain(cell) == (pytest.approx(expected) if isinstance(expected, float) else expected), name


COLUMNS = dict.fromkeys(
    ("id", "status", "owner", "amount", "created_at", "closed_at", "currency", "deleted"), pl.String
)
TEXTS = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", "4", "5", "6"]),
        "status": st.sampled_from(["won", "won", "lost", "open", "Dead", ""]),
        "owner": st.sampled_from(["Ada", "Bo", "Cy", ""]),
        "amount": st.sampled_from(["100", "20.5", "7", "much", ""]),
        "created_at": st.sampled_from(["2025-12-20", "2026-01-10", "soon", ""]),
        "closed_at": st.sampled_from(["2026-01-15", "2026-02-15", "2026-03-01", "later", ""]),
        "currency": st.sampled_from(["EUR", "EUR", "EUR", "USD"]),
        "deleted": st.sampled_from(["false", "false", "true"]),
    }
)
ASKED = [
    "win_rate",
    "revenue",
    "average_deal_size",
    "average_deal_size.median",
    "sales_cycle_length",
    "win_rate.by_amount",
    "revenue_growth_rate",
    "sales_velocity",
]


@settings(max_examples=8, deadline=None)
@given(
    texts=st.lists(TEXTS, max_size=25),
    by=st.sampled_from([None, "owner", ["owner", "currency"]]),
    more=MORE,
    framed=st.booleans(),
    confidence=st.sampled_from([0.95, None]),
    looked=st.data(),
)
def test_a_frame_of_results_that_nobody_looked_at_is_that_of_results_looked_at(
    texts: Any, by: Any, more: Any, framed: bool, confidence: Any, looked: Any
) -> None:
    if framed:
        deals: Any = ck.table(pl.DataFrame(texts, schema=COLUMNS), record=ck.Deal, parse=True)
    else:
        deals = ck.read_dicts(texts, record=ck.Deal)
    crm = ck.Dataset(
        deals=deals, calendar=ck.Calendar(tz="Europe/Berlin"), as_of=date(2026, 2, 10), most_unreadable=0.5
    )
    report = crm.measure(ASKED, by=by, confidence=confidence, **more)
    some = looked.draw(st.sets(st.integers(0, max(len(report) - 1, 0))))
    for number in sorted(some)[: len(report)]:
        _ = report[number].value if number % 2 else report[number].accounts
    fresh, part = report.to_polars(), report[3:7].to_polars()
    rows, text, sheet = report.to_dicts(), report.to_json(), report.to_csv()
    for result in report:
        _ = result.interval
    assert fresh.equals(report.to_polars())
    assert part.equals(report[3:7].to_polars())
    assert (rows, text, sheet) == (report.to_dicts(), report.to_json(), report.to_csv())
    assert rows == [result.to_dict() for result in report]


@pytest.mark.parametrize("library", LIBRARIES)
def test_amounts_are_added_sorted_and_joined_as_numbers(library: str) -> None:
    deals = [
        ck.Deal(id=str(number), status="won", owner=owner, amount=amount)
        for number, (owner, amount) in enumerate([("Ada", "43085.38"), ("Bo", "9104.14"), ("Bo", "0.01"), ("Cy", 100)])
    ]
    report = ck.Dataset(deals=deals, currency="EUR").measure("revenue", by="owner")
    frame = as_frame(report, library)
    values = frame["value"].to_pylist() if library == "arrow" else frame["value"]
    assert (sum(values) if library == "arrow" else values.sum()) == Decimal("52289.53")
    if library == "pandas":
        assert frame.sort_values("value")["owner"].to_list() == ["Cy", "Bo", "Ada"]
        assert frame.groupby("owner")["value"].sum()["Bo"] == Decimal("9104.15")
        teams = pd.DataFrame({"owner": ["Ada", "Bo"], "team": ["north", "south"]})
        assert len(frame.merge(teams, on="owner")) == 2
    floats = as_frame(report, library, money="float")["value"]
    assert sum(floats.to_pylist() if library == "arrow" else floats.to_list()) == pytest.approx(52289.53)


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_wide_frame_has_a_column_of_its_own_type_for_each_kpi(library: str) -> None:
    crm = ck.Dataset(
        deals=[
            ck.Deal(id="1", status="won", owner="Ada", amount=10, created_at="2026-01-01", closed_at="2026-01-03"),
            ck.Deal(id="2", status="lost", owner="Bo", created_at="2026-01-01", closed_at="2026-02-03"),
        ],
        currency="EUR",
    )
    report = crm.measure(["win_rate", "revenue", "sales_cycle_length"], period="2026-Q1", every="month", by="owner")
    rows = rows_of(as_frame(report, library, wide=True))
    assert len(rows) == len({(result.period, result.segment["owner"]) for result in report})
    ada = next(row for row in rows if (row["owner"], row["period"]) == ("Ada", "2026-01"))
    assert (ada["win_rate"], ada["revenue"], plain(ada["sales_cycle_length"])) == (1.0, Decimal(10), 172800.0)
    bo = next(row for row in rows if (row["owner"], row["period"]) == ("Bo", "2026-01"))
    assert bo["win_rate"] is None


def test_a_wide_frame_takes_the_0_of_a_segment_without_amounts_for_any_currency() -> None:
    sold = ck.Deal(id="1", status="won", owner="Ann", closed_at="2026-01-01", amount="100", currency="EUR")
    lost = ck.Deal(id="2", status="lost", owner="Bo", closed_at="2026-01-02", amount="7", currency="EUR")
    columns = ck.Dataset(deals=[sold, lost]).measure([ck.revenue, ck.won_deals], by="owner").to_polars(wide=True)
    assert columns["revenue"].to_list() == [100, 0]
    unsaid = ck.Deal(id="3", status="won", owner="Bo", closed_at="2026-01-02", amount="7")
    with pytest.raises(InputError, match="its amounts are in EUR, no currency; leave out wide=True"):
        ck.Dataset(deals=[sold, unsaid]).measure([ck.revenue, ck.won_deals], by="owner").to_polars(wide=True)


def test_a_wide_frame_of_amounts_in_two_currencies_is_refused_unless_the_currency_is_a_segment() -> None:
    deals = [
        ck.Deal(id="1", status="won", owner="Ada", amount=1, currency="EUR"),
        ck.Deal(id="2", status="won", owner="Bo", amount=1, currency="USD"),
    ]
    crm = ck.Dataset(deals=deals)
    with pytest.raises(InputError, match=r"one column for revenue, and its amounts are in EUR, USD; leave out wide"):
        crm.measure("revenue", by="owner").to_polars(wide=True)
    assert crm.measure("revenue", by="owner").to_polars()["currency"].to_list() == ["EUR", "USD"]
    assert crm.measure("revenue", by="currency").to_polars(wide=True)["revenue"].to_list() == [1, 1]


def test_polars_duckdb_and_arrow_read_a_report_as_it_is() -> None:
    deals = [ck.Deal(id="1", status="won", owner="Ada", amount="1.25"), ck.Deal(id="2", status="won", amount="2.5")]
    report = ck.Dataset(deals=deals, currency="EUR").measure("revenue", by="owner")
    assert pl.DataFrame(report)["value"].sum() == Decimal("3.75")
    assert pa.table(report)["owner"].to_pylist() == ["Ada", None]
    assert duckdb.sql("SELECT sum(value) FROM report").fetchall() == [(Decimal("3.75"),)]


def test_a_report_of_nothing_is_a_frame_without_rows() -> None:
    report = ck.Dataset(deals=[]).measure("revenue", by="owner")
    assert (len(report.to_pandas()), len(report.to_polars()), report.to_arrow().num_rows) == (0, 0, 0)


@pytest.mark.parametrize("library", LIBRARIES)
def test_an_unknown_type_of_money_is_an_error_that_names_both(library: str) -> None:
    report = ck.Dataset(deals=[]).measure("revenue")
    with pytest.raises(UnknownNameError, match=r"`money` has no form 'floats'. Did you mean 'float'?"):
        as_frame(report, library, money="floats")


def test_amounts_that_no_decimal_column_holds_are_an_error_with_the_way_out() -> None:
    deals = [ck.Deal(id="1", status="won", amount=Decimal("1e39"))]
    report = ck.Dataset(deals=deals, currency="EUR").measure("revenue")
    with pytest.raises(InputError, match=r"column 'value' have 40 digits before the point.*use money='float'"):
        report.to_polars()
    assert report.to_polars(money="float")["value"].to_list() == [1e39]


@pytest.mark.parametrize("library", ["polars", "arrow"])
def test_means_beside_large_amounts_keep_as_many_digits_as_a_decimal_column_holds(library: str) -> None:
    amounts = {"Ada": ("1000000000000000000", "1", "1"), "Bo": ("0.01", "0.02", "0.02")}
    deals = [
        ck.Deal(id=f"{owner}{place}", status="won", owner=owner, amount=amount)
        for owner, some in amounts.items()
        for place, amount in enumerate(some)
    ]
    report = ck.Dataset(deals=deals, currency="EUR").measure("average_deal_size", by="owner")
    for row, result in zip(rows_of(as_frame(report, library)), report, strict=True):
        assert abs(row["value"] - result.value) <= Decimal("1e-18")


def test_a_column_of_values_of_several_kinds_becomes_text() -> None:
    assert inferred([True, 2]).cells == ["True", "2"]
    assert inferred([date(2026, 1, 1), None]).kind == "date"
    assert inferred([None]).kind == "text"


def test_no_frame_library_is_loaded_before_a_frame_is_asked_for() -> None:
    program = """if True:
        import sys, crmkpi as ck
        report = ck.Dataset(deals=[ck.Deal(id="1", status="won")]).measure("win_rate")
        report.to_dicts()
        print({"pandas", "polars", "pyarrow"} & set(sys.modules))
    """
    ran = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert ran.stdout == "set()\n"


ORDERS = [
    ck.Order(
        id=str(number),
        customer_id=f"<C{number % 30}>",
        ordered_at=date(2026, 1, 1) + timedelta(days=number),
        amount=number,
    )
    for number in range(90)
]
VISITS = [
    ck.StageVisit(id=str(n), deal_id=str(n // 2), stage=("Lead", "Offer")[n % 2], entered_at=date(2026, 1, 1 + n))
    for n in range(9)
]


def _value_table() -> Any:
    history = ck.rfm.rfm(ORDERS, as_of=date(2026, 6, 30)).history("weeks")
    buying = clv.BgNbd(r=0.24, alpha=4.4, a=0.79, b=2.4, unit="weeks")
    return clv.value_table(buying, clv.GammaGamma(p=6.2, q=3.7, v=15.4), history)


SOLD = ck.Dataset(
    deals=[
        ck.Deal(
            id=f"{month}-{number}",
            status="won" if (number * month) % 3 else "lost",
            owner=f"O{number % 3}",
            source=("web", "fair")[number % 2],
            amount=10 * number + month,
            closed_at=date(2024 + month // 12, 1 + month % 12, 1 + number),
        )
        for month in range(30)
        for number in range(20)
    ],
    currency="EUR",
)
MONTHS: dict[str, Any] = {"period": "2024-01-01..2026-06-30", "every": "month"}

TABLES = {
    "control chart": lambda: control_chart(SOLD.measure("win_rate", **MONTHS)),
    "explanation": lambda: SOLD.explain("revenue", period="2026-05", by="source"),
    "forecast": lambda: SOLD.forecast("revenue", history="2024-01-01..2026-06-30", horizon=3),
    "funnel plot": lambda: funnel_plot(SOLD.measure("win_rate", by="owner")),
    "search": lambda: SOLD.search("win_rate", period="2026-05", by=["owner", "source"]),
    "cohorts": lambda: ck.cohorts.cohorts(ORDERS, as_of=date(2026, 6, 30)),
    "funnel": lambda: ck.funnel.funnel(VISITS, stages=["Lead", "Offer"]),
    "rfm": lambda: ck.rfm.rfm(ORDERS, as_of=date(2026, 6, 30)),
    "survival": lambda: ck.survival.kaplan_meier(ck.survival.Durations(range(1, 40), [True] * 39)),
    "value": _value_table,
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_a_frame_of_its_rows(name: str, library: str) -> None:
    table = TABLES[name]()
    frame = rows_of(getattr(table, f"to_{library}")())
    assert frame == [{key: plain(value) for key, value in row.items()} for row in table.to_dicts()]


@given(
    orders=st.lists(
        st.tuples(st.integers(1, 5), st.integers(0, 200), st.decimals(0, 10**6, places=2)), min_size=1, max_size=30
    ),
    every=st.sampled_from(["week", "month", "quarter"]),
    measure=st.sampled_from(["customers", "orders", "value"]),
)
def test_tables_of_any_orders_are_frames_of_their_rows_and_add_up(orders: Any, every: Any, measure: Any) -> None:
    first = date(2026, 1, 1)
    made = [
        ck.Order(id=str(number), customer_id=str(customer), ordered_at=first + timedelta(days=day), amount=amount)
        for number, (customer, day, amount) in enumerate(orders)
    ]
    as_of = date(2026, 12, 31)
    for table in (ck.cohorts.cohorts(made, as_of=as_of, every=every, measure=measure), ck.rfm.rfm(made, as_of=as_of)):
        rows = [{key: plain(value) for key, value in row.items()} for row in table.to_dicts()]
        for library in LIBRARIES:
            assert rows_of(getattr(table, f"to_{library}")()) == rows
    sizes = ck.cohorts.cohorts(made, as_of=as_of, every=every).to_polars().filter(period=0)["size"].sum()
    assert sizes == len({customer for customer, _, _ in orders})


@pytest.mark.parametrize("name", TABLES)
def test_every_table_shows_itself_in_a_notebook_and_is_short_on_a_line(name: str) -> None:
    table = TABLES[name]()
    html = table._repr_html_()
    assert html.count("<tr>") <= 40
    assert "<C" not in html
    assert len(repr(table)) < 20_000
    if len(table.to_dicts()) > 20 and name in ("rfm", "survival", "value"):
        assert f"and {len(table.to_dicts()) - 20} more rows" in html


def test_pandas_does_not_take_a_table_apart(by_owner):
    told = r"^A Report is not an array, and pandas\.DataFrame\(\.\.\.\) would split it; make the frame with to_pandas"
    with pytest.raises(InputError, match=told):
        pd.DataFrame(by_owner)
