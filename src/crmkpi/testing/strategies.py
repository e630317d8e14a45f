"""Hypothesis strategies for the records of a CRM, as dirty as its exports are."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crmkpi.errors import MissingExtraError
from crmkpi.measuring.dataset import Dataset
from crmkpi.records.base import RecordType, record_type
from crmkpi.testing.pools import AS_OF, CALENDAR, CURRENCIES, LONGEST, accepted, built, pools

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["datasets", "records"]


def records(model: type[Any], /, **fields: SearchStrategy[Any]) -> SearchStrategy[list[Any]]:
    """Lists of up to ten records of one class, with ids that differ and everything else as dirty as exports are.

    Timestamps have no time zone and money is in EUR. `fields` are strategies for fields of your choice, such as
    `currency=sampled_from(["EUR", "USD"])`; an unknown field is an error. What the record class refuses is drawn again.

    >>> from crmkpi import Deal, win_rate
    >>> from hypothesis import given, strategies
    >>> @given(records(Deal, owner=strategies.just("Ada")))
    ... def ada_wins_between_none_and_all(deals):
    ...     assert win_rate(deals).value is None or 0 <= win_rate(deals).value <= 1
    >>> ada_wins_between_none_and_all()
    >>> records(Deal, ownr=strategies.none())
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: Deal has no field 'ownr'. Did you mean 'owner'?
    """
    type_ = record_type(model)
    for name in fields:
        type_.field(name)
    if "currency" in type_.fields:
        fields = {"currency": _strategies().just("EUR"), **fields}
    return _rows(type_, fields).map(lambda rows: built(type_, rows, aware=False))


def datasets(*models: type[Any]) -> SearchStrategy[Dataset]:
    """Datasets of these record classes, whose records refer to each other, and at times to records that are not there.

    All timestamps of a dataset have a time zone, or none has. Amounts are in EUR, some of them without saying so. The
    data is known up to the end of June 2026, or nothing is said about that; offices open Monday to Friday, 9 to 17.

    >>> from crmkpi import Customer, Deal, win_rate
    >>> from hypothesis import given
    >>> @given(datasets(Deal, Customer))
    ... def industries_share_all_deals(crm):
    ...     report = crm.measure(win_rate, by="customer.industry")
    ...     assert sum(result.inputs["closed"] for result in report) == win_rate(crm).inputs["closed"]
    >>> industries_share_all_deals()
    """
    st = _strategies()

    @st.composite
    def drawn(draw: DrawFn) -> Dataset:
        aware = draw(st.booleans())
        tables: dict[str, Any] = {}
        for type_ in map(record_type, models):
            own = {"currency": st.sampled_from(CURRENCIES)} if "currency" in type_.fields else {}
            tables[type_.table] = built(type_, draw(_rows(type_, own)), aware=aware)
        as_of = draw(st.sampled_from((None, AS_OF)))
        return Dataset(calendar=CALENDAR, currency="EUR", as_of=as_of, **tables)

    return drawn()  # type: ignore[no-any-return]


def _rows(type_: RecordType, own: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[list[Mapping[str, Any]]]:
    """Lists of the values of records, without their ids."""
    st = _strategies()
    wanted: dict[str, tuple[()]] = dict.fromkeys(type_.fields, ())
    usual = {name: st.sampled_from(pool) for name, pool in pools(type_, wanted).items()}
    row = st.fixed_dictionaries({**usual, **own}).map(lambda values: accepted(type_, values))
    return st.lists(row.filter(lambda values: values is not None), max_size=LONGEST)  # type: ignore[no-any-return]


def _strategies() -> ModuleType:
    """Hypothesis is not needed to use crmkpi, nor to check a KPI, so it is loaded at the first strategy."""
    try:
        from hypothesis import strategies  # noqa: PLC0415  # an optional library
    except ImportError as error:
        raise MissingExtraError(
            "Strategies for records need hypothesis, which is not installed; pip install 'crmkpi[testing]'."
        ) from error
    return strategies
