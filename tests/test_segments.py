from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given

import crmkpi as ck
from crmkpi.errors import InputError, UnknownNameError
from crmkpi.measuring.segments import segments_of
from crmkpi.testing import records

DEALS = [
    ck.Deal(id="1", status="won", owner="Ada", amount=100, attributes={"region": "north"}, customer_id="a"),
    ck.Deal(id="2", status="lost", owner="Ada", amount=1000, customer_id="b"),
    ck.Deal(id="3", status="won", owner="Bo", amount="999.99", attributes={"region": "south"}, customer_id="gone"),
    ck.Deal(id="4", status="won", amount=5000),
    ck.Deal(id="5", status="lost", owner="Bo", attributes={"region": "north"}),
]
CRM = ck.Dataset(deals=DEALS, customers=[ck.Customer(id="a", industry="law"), ck.Customer(id="b")])


def size_of(deal: ck.Deal) -> str:
    return "large" if (deal.amount or 0) >= 1000 else "small"


# The segment, and the number of closed deals in each group, counted by hand.
GROUPS: Mapping[str, tuple[Any, dict[Any, int]]] = {
    "a field": ("owner", {("Ada",): 2, ("Bo",): 2, (None,): 1}),
    "a custom field": ("attributes.region", {("north",): 2, ("south",): 1, (None,): 2}),
    "a field of the related record": ("customer.industry", {("law",): 1, (None,): 4}),
    "a function": (size_of, {("large",): 2, ("small",): 3}),
    "a function under a name": ({"size": size_of}, {("large",): 2, ("small",): 3}),
    "bins": (
        ck.Segment("size", "amount", bins=(1000, 5000)),
        {("< 1000",): 2, ("1000 to < 5000",): 1, (">= 5000",): 1, (None,): 1},
    ),
    "two fields": (
        ["owner", "status"],
        {("Ada", "lost"): 1, ("Ada", "won"): 1, ("Bo", "lost"): 1, ("Bo", "won"): 1, (None, "won"): 1},
    ),
    "a field for each table": (ck.Segment("who", {"deals": "owner"}), {("Ada",): 2, ("Bo",): 2, (None,): 1}),
}


@pytest.mark.parametrize("name", GROUPS)
def test_each_way_to_group_counts_each_record_in_its_group(name: str) -> None:
    by, expected = GROUPS[name]
    report = CRM.measure("win_rate", by=by)
    assert {tuple(result.segment.values()): result.inputs["closed"] for result in report} == expected


@pytest.mark.parametrize("name", [name for name in GROUPS if name != "a field of the related record"])
def test_splitting_puts_each_record_into_the_same_group(name: str) -> None:
    by, expected = GROUPS[name]
    found = ck.split(DEALS, by=by)
    assert {key if isinstance(key, tuple) else (key,): len(part) for key, part in found.items()} == expected


@given(found=records(ck.Deal))
def test_slicing_first_and_grouping_in_one_pass_give_the_same(found: list[ck.Deal]) -> None:
    report = ck.Dataset(deals=found, currency="EUR").measure("revenue", by="owner")
    parts = ck.split(found, by="owner") if found else {}
    assert {result.segment["owner"]: result.value for result in report} == {
        owner: ck.revenue(part).value for owner, part in parts.items()
    }


@given(found=records(ck.Deal))
def test_segments_come_in_the_same_order_whatever_the_order_of_the_records(found: list[ck.Deal]) -> None:
    orders = [
        [result.segment["owner"] for result in ck.Dataset(deals=each).measure("win_rate", by="owner")]
        for each in (found, found[::-1])
    ]
    assert orders[0] == orders[1]
    assert None not in orders[0][:-1]


def test_values_of_different_kinds_are_still_in_order() -> None:
    keys: tuple[str | float | bool | None, ...] = ("b", 10.0, None, "a", 9.0, True)
    found = [ck.Deal(id=str(n), status="won", attributes={"k": key}) for n, key in enumerate(keys)]
    report = ck.Dataset(deals=found).measure("win_rate", by="attributes.k")
    assert [result.segment["attributes.k"] for result in report] == [True, 9.0, 10.0, "a", "b", None]


@pytest.mark.parametrize(
    ("amount", "label"),
    [("0.09", "< 0.1"), ("0.1", "0.1 to < 1000"), ("999.99", "0.1 to < 1000"), (1000, ">= 1000"), (None, None)],
)
def test_a_bin_holds_its_lower_bound_and_not_its_upper_one(amount: Any, label: str | None) -> None:
    segment = ck.Segment("size", "amount", bins=(0.1, 1000))
    assert segment.label(None if amount is None else Decimal(amount)) == label


class Above:
    """A function of a deal that prints like all others of its kind."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    def __call__(self, deal: ck.Deal) -> bool:
        return (deal.amount or 0) > self.limit

    def __repr__(self) -> str:
        return "above"


def test_functions_that_print_alike_are_told_apart() -> None:
    counts = [
        {result.segment["above"]: result.inputs["closed"] for result in CRM.measure("win_rate", by={"above": function})}
        for function in (Above(500), Above(2000))
    ]
    assert counts == [{False: 2, True: 3}, {False: 4, True: 1}]
    both = CRM.measure("win_rate", by={"low": Above(500), "high": Above(2000)})
    assert {tuple(result.segment.values()) for result in both} == {(False, False), (True, False), (True, True)}


def test_bins_come_from_low_to_high_and_what_has_no_value_last() -> None:
    report = CRM.measure("win_rate", by=ck.Segment("size", "amount", bins=(1000, 5000)))
    assert [result.segment["size"] for result in report] == ["< 1000", "1000 to < 5000", ">= 5000", None]


expenses = ck.Table(ck.Expense)
leads = ck.Table(ck.Lead)
SPENT = [ck.Expense(id="e", amount=90, channel="email")]
CAME = [ck.Lead(id=str(number), channel=channel) for number, channel in enumerate(("email", "event", "event", None))]


@ck.metric(unit="money", spent=expenses.sum(expenses.amount), came=leads.count())
def spent_per_lead(spent: Decimal, came: int) -> Decimal:
    """What a lead costs."""
    return spent / came


@pytest.mark.parametrize(
    ("spent", "expected"),
    [
        pytest.param(SPENT, {"email": Decimal(90), "event": Decimal(0), None: Decimal(0)}, id="known"),
        pytest.param(
            [replace(SPENT[0], channel=None)], {"email": None, "event": None, None: Decimal(90)}, id="never known"
        ),
        pytest.param(
            [*SPENT, replace(SPENT[0], id="f", channel=None)],
            {"email": Decimal(90), "event": Decimal(0), None: Decimal(90)},
            id="known of some",
        ),
        pytest.param([], {"email": Decimal(0), "event": Decimal(0), None: Decimal(0)}, id="nothing spent"),
    ],
)
def test_where_no_record_of_a_table_tells_the_segment_a_kpi_of_two_tables_has_no_value_in_it(
    spent: list[ck.Expense], expected: dict[str | None, Decimal | None]
) -> None:
    report = ck.Dataset(expenses=spent, leads=CAME).measure(spent_per_lead, by="channel")
    assert {result.segment["channel"]: result.value for result in report} == expected
    reasons = {result.reason for result in report if result.value is None}
    assert reasons <= {"no record of expenses has a channel"}


def test_a_kpi_of_one_table_is_not_undefined_in_segments_of_another() -> None:
    crm = ck.Dataset(deals=[replace(DEALS[0], channel=None)], leads=CAME)
    report = crm.measure(["revenue", "lead_volume"], by="channel")
    assert report.get("revenue", channel="email").value == 0


def test_that_a_table_has_no_such_segment_is_told_before_that_an_input_has_no_value() -> None:
    @ck.metric(unit="money", typical=expenses.median(expenses.amount), came=leads.count())
    def typical_cost(typical: Decimal, came: int) -> Decimal:
        """A typical expense for each lead."""
        return typical / came

    crm = ck.Dataset(expenses=[replace(SPENT[0], channel=None)], leads=CAME)
    result = crm.measure(typical_cost, by="channel").get(typical_cost, channel="email")
    assert result.reason == "no record of expenses has a channel"


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ({}, "all data"),
        ({"by": ["owner", "status"]}, "all data by owner, status"),
        ({"period": "2026-02"}, "2026-02"),
        ({"period": "2026", "every": "quarter", "by": "owner"}, "2026-Q1 to 2026-Q4 by owner, every quarter"),
    ],
)
def test_a_report_is_headed_by_what_was_asked(asked: dict[str, Any], title: str) -> None:
    assert CRM.measure("win_rate", **asked).title == title


def test_other_bins_of_the_same_field_are_other_groups() -> None:
    for bound in (500, 2000):
        report = CRM.measure("win_rate", by=ck.Segment("size", "amount", bins=(bound,)))
        sizes = [result.segment["size"] for result in report]
        assert sizes == [f"< {bound}", f">= {bound}", None]


WRONG: Mapping[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "a misspelt field": (
        lambda: CRM.measure("win_rate", by="ownr"),
        UnknownNameError,
        r"`by` must name fields of Deal or of a related record; got 'ownr'\. Did you mean 'owner'\? Columns that fill ",
    ),
    "a misspelt relation": (
        lambda: CRM.measure("win_rate", by="custmer.industry"),
        UnknownNameError,
        r"`by` must lead from deals over declared relations; .* has no relation 'custmer'\. Did you mean 'customer'\?",
    ),
    "a misspelt related field": (
        lambda: CRM.measure("win_rate", by="customer.industri"),
        UnknownNameError,
        r"`by` must name fields of Customer or .*; got 'customer\.industri'\. Did you mean 'customer\.industry'\?",
    ),
    "a misspelt attribute": (
        lambda: CRM.measure("win_rate", by="attributes.regoin"),
        UnknownNameError,
        r"The segment 'attributes\.regoin' reads the attribute 'regoin', which no record has\. Did you mean 'region'\?",
    ),
    "a misspelt attribute of a stream": (
        lambda: ck.Dataset(deals=iter(DEALS)).measure("win_rate", by={"where": "attributes.regoin"}),
        UnknownNameError,
        r"The segment 'where' reads the attribute 'regoin', which no record has\. Did you mean 'region'\?",
    ),
    "a misspelt attribute of a stream beside a field": (
        lambda: ck.Dataset(deals=iter(DEALS)).measure("win_rate", by=["owner", "attributes.regoin"]),
        UnknownNameError,
        r"reads the attribute 'regoin', which no record has\. Did you mean 'region'\?",
    ),
    "a misspelt attribute of a related record": (
        lambda: CRM.measure("win_rate", by="customer.attributes.size"),
        UnknownNameError,
        r"reads the attribute 'size', which no record has\. There are none\.",
    ),
    "a misspelt attribute that bins are made of": (
        lambda: CRM.measure("win_rate", by=ck.Segment("size", "attributes.sise", bins=(1, 2))),
        UnknownNameError,
        r"The segment 'size' reads the attribute 'sise', which no record has\.",
    ),
    "a table left unsaid": (
        lambda: CRM.measure("win_rate", by=ck.Segment("who", {"leads": "owner"})),
        InputError,
        r"The segment 'who' says nothing about deals, which the metric reads; add 'deals' to \{'leads': 'owner'\}\.",
    ),
    "bins that fall": (
        lambda: ck.Segment("size", "amount", bins=(10, 5)),
        InputError,
        r"The bins of the segment 'size' must increase; got \(10, 5\)\.",
    ),
    "one name twice": (
        lambda: segments_of(["owner", {"owner": size_of}]),
        InputError,
        r"`by` names the segment 'owner' twice; give one of them another name, \{'name': \.\.\.\}\.",
    ),
    "a number": (
        lambda: segments_of([3]),
        InputError,
        r"`by` is a field, a Segment, a function of a record, .* got 3\.",
    ),
    "nothing to split by": (
        lambda: ck.split(DEALS, by=None),
        InputError,
        r"split\(\) needs something to split by, such as by='owner'\.",
    ),
    "splitting by another table": (
        lambda: ck.split(DEALS, by="customer.industry"),
        InputError,
        r"split\(\) sees one table; 'customer\.industry' needs another\. Use Dataset\.measure\(\.\.\., by=\.\.\.\)\.",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_segment_that_is_none_is_an_error_that_says_the_way_out(name: str) -> None:
    ask, error, message = WRONG[name]
    with pytest.raises(error, match=message):
        ask()


def test_text_has_no_bins() -> None:
    with pytest.raises(InputError, match="Only numbers, money and dates have bins"):
        ck.Dataset(deals=[]).measure("win_rate", by=ck.Segment("owner", "owner", bins=(1, 2)))


def test_an_attribute_that_only_one_of_the_tables_has_is_no_mistake() -> None:
    crm = ck.Dataset(deals=DEALS, leads=[ck.Lead(id="1", attributes={"size": 2})], customers=[])
    report = crm.measure(["win_rate", "lead_volume"], by="attributes.region")
    assert {result.segment["attributes.region"] for result in report} == {"north", "south", None}


def test_an_attribute_without_any_value_and_a_table_without_records_are_no_mistakes() -> None:
    blank = [ck.Deal(id="1", status="won", attributes={"region": None})]
    for found in (blank, iter(blank), []):
        report = ck.Dataset(deals=found).measure("win_rate", by="attributes.region")
        assert [result.segment for result in report] == [{"attributes.region": None}] * (found != [])


def test_a_column_that_fills_a_field_is_said_to_fill_it():
    rows = [{"id": "1", "Rep": "Ada", "status": "won"}]
    read = ck.read_dicts(rows, record=ck.Deal, columns={"Rep": "owner"})
    told = "`by` names fields, and 'Rep' is the column of deals that fills 'owner'; group by 'owner'"
    with pytest.raises(UnknownNameError, match=told):
        ck.Dataset(deals=read).measure("win_rate", by="Rep")
    frame = pytest.importorskip("polars").DataFrame(rows)
    with pytest.raises(UnknownNameError, match=told):
        ck.Dataset(deals=ck.table(frame, record=ck.Deal, columns={"Rep": "owner"})).measure("win_rate", by="Rep")
    with pytest.raises(UnknownNameError, match=r"columns', which belongs to a table: win_rate\(crmkpi\.table\("):
        ck.win_rate(frame, columns={"Rep": "owner"})  # type: ignore[call-arg]
