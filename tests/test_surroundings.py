"""The environment does not change a measurement: the caller's decimal context, the names of functions, copies."""

from __future__ import annotations

import copy
import pickle
from datetime import datetime, timedelta
from decimal import Context, Decimal, Inexact, localcontext

import pytest

import crmkpi as ck
from crmkpi.errors import InputError

COARSE = [Context(prec=3), Context(prec=9, traps=[Inexact]), Context(prec=2, rounding="ROUND_UP")]


def dataset() -> ck.Dataset:
    amounts = [123464, 99, 3, 5, 7, 11, 13, 777]
    deals = [
        ck.Deal(
            id=str(n), status="won", owner="ab"[n % 2], amount=Decimal(f"{amount}.88"),
            created_at=datetime(2026, 1, 1), closed_at=datetime(2026, 1 + n % 2, 5) + timedelta(hours=n),
        )
        for n, amount in enumerate(amounts)
    ]  # fmt: skip
    return ck.Dataset(deals=deals, currency="EUR")


def told() -> tuple[object, ...]:
    crm = dataset()
    names = ["revenue", "average_deal_size", "win_rate", "sales_cycle_length"]
    report = crm.measure(names, period="2026-02", compare="previous")
    changes = [(one.change.absolute, one.change.relative) for one in report]
    return (
        [(one.value, one.interval, one.inputs) for one in report], changes,
        str(report), report.to_markdown(), report.to_csv(), report.to_html(), report.to_json(),
    )  # fmt: skip


@pytest.mark.parametrize("context", COARSE, ids=["prec 3", "Inexact trapped", "rounding up"])
def test_the_callers_decimal_context_changes_no_figure_and_no_word(context: Context) -> None:
    expected = told()
    with localcontext(context):
        found = told()
    assert found == expected


def by(function: object) -> ck.Tally:
    return ck.Tally("win_rate", by={"group": function})


def test_tallies_by_different_functions_do_not_merge() -> None:
    deals = [ck.Deal(id="1", status="won", owner="Ada", amount=5)]
    pairs = [
        (by(lambda deal: deal.owner), by(lambda deal: deal.source)),
        (by(lambda deal: deal.amount > 3), by(lambda deal: deal.amount > 4)),
    ]
    for first, second in pairs:
        with pytest.raises(InputError, match="same definitions"):
            first.add(deals=deals).merge(second.add(deals=deals))


def longer_than(limit: int) -> object:
    return lambda deal: deal.amount > limit


def test_tallies_by_functions_that_keep_different_values_do_not_merge_and_equal_ones_do() -> None:
    assert by(longer_than(3)).digest != by(longer_than(4)).digest
    assert by(longer_than(3)).digest == by(longer_than(3)).digest


def test_tallies_of_formulas_that_keep_different_values_do_not_merge() -> None:
    deals = ck.Table(ck.Deal)

    def times(factor: int) -> ck.Metric:
        @ck.metric(unit="number", won=deals.count(deals.status == "won"))
        def product(won: int) -> float:
            """Won deals times a number."""
            return won * factor

        return product

    assert ck.Tally(times(2)).digest != ck.Tally(times(3)).digest
    assert ck.Tally(times(2)).digest == ck.Tally(times(2)).digest


def test_a_table_and_what_is_said_with_it_can_be_copied_and_pickled() -> None:
    deals = ck.Table(ck.Deal)
    buyers = deals.per(deals.customer_id, deals=deals.count())
    for made in (deals, deals.amount, deals.status == "won", deals.count(deals.amount > 5), buyers, buyers.deals):
        for copied in (copy.copy(made), copy.deepcopy(made), pickle.loads(pickle.dumps(made))):
            assert repr(copied) == repr(made)
    assert repr(copy.copy(deals).amount) == repr(copy.deepcopy(deals).amount) == "deals.amount"
