"""The source of the compiled loop: short, in the right order, without repetition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given

from crmkpi import Deal, Table
from crmkpi.definition.expressions import Expression, Field, business_time
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Together, Unless
from crmkpi.engines.records.conjuncts import Conjunct, any_of, implied, simplified
from crmkpi.engines.records.source import Names, Scope, false_of, shared_of, true_of, value_of
from crmkpi.errors import DefinitionError
from crmkpi.records.base import record_type

from .test_expressions_in_loops import predicates, values

deals = Table(Deal)
status, amount, cost, owner, stage = deals.status, deals.amount, deals.cost, deals.owner, deals.stage
won, hers = status == "won", owner == "Ada"
took = deals.closed_at - deals.created_at
DAY = timedelta(days=1)
DAY_OF, TODAY = deals.created_at.day(), date(2026, 1, 1)
NOON = datetime(2026, 1, 1, 12)


def scope_of() -> Scope:
    always = frozenset(name for name, known in record_type(Deal).fields.items() if not known.optional)
    return Scope(Names(always=always), lambda path: (f"{path[-1]}_id", f"{path[-1]}s"))


def readable(conjuncts: Sequence[Conjunct], scope: Scope) -> list[str]:
    """The source of conjuncts, with constants and computed values inlined."""

    def written(name: re.Match[str]) -> str:
        constants, loads = scope.names.constants, scope.names.loads
        found = repr(constants[name[0]]) if name[0] in constants else loads[name[0]][0]
        return re.sub(r"\b[kv]\d+\b", written, found)

    return [re.sub(r"\b[kv]\d+\b", written, conjunct.source).replace("f_", "") for conjunct in conjuncts]


ASKED: Mapping[str, tuple[Expression, list[str]]] = {
    "a field that is always there": (status != "won", ["status != 'won'"]),
    "a field that may be missing": (amount > 5, ["amount is not None", "amount > Decimal('5')"]),
    "what no missing value is equal to": (hers, ["owner == 'Ada'"]),
    "two fields": (amount > cost, ["amount is not None", "cost is not None", "amount > cost"]),
    "one of several": (status.is_in("won"), ["status in frozenset({'won'})"]),
    "none of several": (~owner.is_in("Ada"), ["owner is not None", "owner not in frozenset({'Ada'})"]),
    "a flag": (deals.deleted & won, ["deleted", "status == 'won'"]),
    "no flag": (~(deals.deleted & deals.deleted), ["not deleted"]),
    "a flag denied": (Unless(deals.deleted & deals.deleted), ["not deleted"]),
    "a flag compared with false": (deals.deleted == False, ["deleted == False"]),  # noqa: E712
    "a value": (amount.present(), ["amount is not None"]),
    "no value": (amount.missing(), ["amount is None"]),
    "a value denied": (Unless(amount.present()), ["amount is None"]),
    "no value denied": (Unless(amount.missing()), ["amount is not None"]),
    "neither of two values": (~(amount.present() | cost.present()), ["amount is None", "cost is None"]),
    "a condition on one denied, and on another": (
        Unless(amount.missing() | cost.missing()),
        ["not ((((amount is None)) or ((cost is None))))"],
    ),
    "a condition denied": (Unless(hers), ["not ((owner == 'Ada'))"]),
    "a value computed of two": (took.present(), ["closed_at is not None", "created_at is not None"]),
    "a computed value": (
        took > DAY,
        [
            "closed_at is not None",
            "created_at is not None",
            "(closed_at - created_at) > datetime.timedelta(days=1)",
        ],
    ),
    "the same twice": (
        won & won & (amount > 5) & (amount > 6),
        [
            "status == 'won'",
            "amount is not None",
            "amount > Decimal('5')",
            "amount > Decimal('6')",
        ],
    ),
    # Subtracting a wall-clock time from an instant is an error, although comparing them is not.
    "the same instant": (
        deals.closed_at == deals.created_at,
        ["closed_at is not None", "created_at is not None", "(closed_at - created_at) == ZERO"],
    ),
    "not the same instant": (
        ~(deals.closed_at == deals.created_at),
        ["closed_at is not None", "created_at is not None", "(closed_at - created_at) != ZERO"],
    ),
    "a later instant": (
        deals.closed_at > deals.created_at,
        ["closed_at is not None", "created_at is not None", "closed_at > created_at"],
    ),
    "one of two instants": (
        deals.closed_at.is_in(NOON, NOON + DAY),
        [
            " or ".join(
                f"((closed_at is not None) and ((closed_at - {moment!r}) == ZERO))" for moment in (NOON, NOON + DAY)
            )
        ],
    ),
    "none of two instants": (
        ~deals.closed_at.is_in(NOON, NOON + DAY),
        [
            "closed_at is not None",
            "(closed_at - datetime.datetime(2026, 1, 1, 12, 0)) != ZERO",
            "(closed_at - datetime.datetime(2026, 1, 2, 12, 0)) != ZERO",
        ],
    ),
    "what denies comes last": (Unless(hers) & won, ["status == 'won'", "not ((owner == 'Ada'))"]),
    "what is denied of what is known": (
        Unless(won & hers & (stage == "Offer")) & hers & won,
        ["owner == 'Ada'", "status == 'won'", "not ((stage == 'Offer'))"],
    ),
    "a value that may be missing where another condition holds": (
        Unless(won & amount.missing()) & won,
        ["status == 'won'", "amount is not None"],
    ),
    "one way that only says more": (
        (won & hers) | (won & hers & (stage == "Offer")),
        ["status == 'won'", "owner == 'Ada'"],
    ),
    "two ways that say the same": (
        (Unless(won & hers) & won) | (won & Unless(hers)),
        ["status == 'won'", "not ((owner == 'Ada'))"],
    ),
    "what the opposite denies": (
        Unless(amount < 5) & (amount >= 5) & won,
        ["amount is not None", "amount >= Decimal('5')", "status == 'won'"],
    ),
    "what cannot be": (Unless(won & hers) & hers & won, ["owner == 'Ada'", "status == 'won'", "False"]),
    "what denies less says more": (
        Unless(won & hers & (stage == "Offer")) & Unless(hers & won),
        ["not ((owner == 'Ada') and (status == 'won'))"],
    ),
    "what denies the same in the end": (
        Unless(won & hers & (stage == "Offer")) & Unless(won & hers) & (stage == "Offer"),
        ["stage == 'Offer'", "not ((status == 'won') and (owner == 'Ada'))"],
    ),
    "what denies something else as well": (
        Unless(won & hers) & Unless(hers & (stage == "Offer")),
        ["not ((status == 'won') and (owner == 'Ada'))", "not ((owner == 'Ada') and (stage == 'Offer'))"],
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_condition_is_asked_in_as_few_words_as_it_takes(name: str) -> None:
    condition, expected = ASKED[name]
    scope = scope_of()
    assert readable(simplified(true_of(condition, scope)), scope) == expected


@given(predicates, values)
def test_what_is_asked_says_which_variables_it_needs(condition: Expression, value: Expression) -> None:
    scope = scope_of()
    source, guards, variables = shared_of(value, scope)
    true, false = true_of(condition, scope), false_of(condition, scope)
    asked = [(one.source, one.variables) for one in (*guards, *true, *false, any_of([true, false, guards]))]
    asked += [one.plain for one in (*true, *false) if one.plain is not None]
    asked += [(one.source, one.variables) for one in simplified([*true, *true_of(Unless(condition), scope)])]
    for text, needed in (*asked, (source, variables), *scope.names.loads.values()):
        assert set(re.findall(r"\bf_\w+|\bv\d+|\br_\w+", text)) == needed, text


# True if the first of two conditions implies the second, as far as their form shows.
IMPLIED: Mapping[str, tuple[Expression, Expression, bool]] = {
    "itself": (won, won, True),
    "one of two": (won & hers, won, True),
    "the other of two": (won & hers, hers, True),
    "two of two": (won, won & hers, False),
    "among several": (won, status.is_in("won", "lost"), True),
    "several among more": (status.is_in("won", "lost"), status.is_in("won", "lost", "open"), True),
    "more among several": (status.is_in("won", "lost"), won, False),
    "others": (status == "open", status.is_in("won", "lost"), False),
    "of another field": (stage == "won", status.is_in("won", "lost"), False),
    "among several, with more": (won & hers, status.is_in("won", "lost") & hers, True),
    "one of one": (won, status.is_in("won"), True),
    "one of one, the other way round": (status.is_in("won"), won, True),
    "the same comparison": (amount > 5, amount > 5, True),
    "another comparison": (amount > 5, amount > 4, False),
    "what is not compared with several": (amount > 5, status.is_in("won"), False),
}


@pytest.mark.parametrize("name", IMPLIED)
def test_what_follows_from_the_form_of_a_condition_is_seen(name: str) -> None:
    narrow, wide, expected = IMPLIED[name]
    scope = scope_of()
    assert implied(true_of(wide, scope), true_of(narrow, scope)) is expected


def test_what_is_computed_twice_is_one_variable_and_so_is_a_constant() -> None:
    scope = scope_of()
    limit = Parameter("limit", "how long at most", unit="days")
    within = [took > timedelta(days=1), took <= timedelta(days=1), took < limit, took >= limit]
    for condition in (*within, won, owner == "won", stage.is_in("Offer", "won"), ~stage.is_in("Offer", "won")):
        true_of(condition, scope)
    names = scope.names
    assert sorted(names.loads) == ["f_closed_at", "f_created_at", "f_owner", "f_stage", "f_status", "v1"]
    assert [repr(value) for value in names.constants.values() if not isinstance(value, frozenset)] == [
        *map(repr, (DAY, limit, "won"))
    ]
    assert [value for value in names.constants.values() if isinstance(value, frozenset)] == [{"won", "Offer"}]


@pytest.mark.parametrize(
    "value",
    [
        took,
        amount / cost,
        business_time(deals.created_at, deals.closed_at),
        deals.created_at.day(),
        Together((owner, stage)),
    ],
    ids=repr,
)
def test_what_is_computed_has_a_variable_of_its_own(value: Expression) -> None:
    scope = scope_of()
    name, _, needed = shared_of(value, scope)
    assert needed == {name}
    assert scope.names.loads[name][0] == value_of(value, scope)[0]
    assert shared_of(owner, scope)[0] == "f_owner"


@pytest.mark.parametrize(
    "condition",
    [
        took > DAY,
        ~(took > DAY),
        amount / cost <= 2,
        business_time(deals.created_at, deals.closed_at) < DAY,
        DAY_OF < TODAY,
    ],
    ids=repr,
)
def test_what_is_computed_and_compared_is_computed_once(condition: Expression) -> None:
    scope = scope_of()
    *_, first = true_of(condition, scope)
    *_, second = false_of(condition, scope)
    (name,) = first.variables
    assert first.variables == second.variables
    assert name.startswith("v")
    assert scope.names.loads[name][1] == {"f_amount", "f_cost"} or "f_created_at" in scope.names.loads[name][1]


def test_a_related_record_is_looked_up_once_and_may_be_missing() -> None:
    scope = scope_of()
    way = ("customer", "partner")  # a relation of a relation
    further = [Field("deals", (*way, *path), "any") for path in (("name",), ("attributes", "size"))]
    of_customer = (deals.customer.industry, deals.customer.attributes["size"])
    for field in (amount, deals.attributes["size"], *of_customer, *further):
        value_of(field, scope)
        value_of(field, scope)
    assert {name: source for name, (source, _) in scope.names.loads.items()} == {
        "f_amount": "r.amount",
        "f_k0_of_": "r.attributes.get(k0)",
        "f_customer_id": "r.customer_id",
        "r_customer": "r_customer_by_id(f_customer_id)",
        "f_customer__industry": "r_customer.industry if r_customer is not None else None",
        "f_k0_of_customer": "r_customer.attributes.get(k0) if r_customer is not None else None",
        "f_customer__partner_id": "r_customer.partner_id if r_customer is not None else None",
        "r_customer__partner": "r_customer__partner_by_id(f_customer__partner_id)",
        "f_customer__partner__name": "r_customer__partner.name if r_customer__partner is not None else None",
        "f_k0_of_customer__partner": (
            "r_customer__partner.attributes.get(k0) if r_customer__partner is not None else None"
        ),
    }
    assert (scope.names.constants, scope.names.relations) == (
        {"k0": "size"},
        {"r_customer_by_id": ("customers", "customer"), "r_customer__partner_by_id": ("partners", "customer.partner")},
    )


def test_a_value_is_no_condition_and_a_condition_no_value() -> None:
    for ask in (true_of, false_of):
        with pytest.raises(DefinitionError, match=r"deals\.amount is a value where a condition is needed\."):
            ask(amount, scope_of())
    with pytest.raises(DefinitionError, match=r"deals\.status == 'won' is a condition where a value is needed\."):
        value_of(won, scope_of())
