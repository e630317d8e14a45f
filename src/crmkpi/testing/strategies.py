"""Hypothesis strategies for records of a CRM, with the faults of real exports."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any

from crmkpi.errors import MissingExtraError
from crmkpi.measuring.dataset import Dataset
from crmkpi.records.base import RecordType, record_type
from crmkpi.testing.pools import (
    ALLOWED,
    AS_OF,
    CALENDAR,
    CURRENCIES,
    LONGEST,
    accepted,
    built,
    fields_to_lose,
    pools,
    without_field,
)

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

__all__ = ["datasets", "records"]


def records(
    model: type[Any], /, *, unreadable: bool = False, **fields: SearchStrategy[Any]
) -> SearchStrategy[list[Any]]:
    """Lists of up to ten records of one class, with unique ids, and other fields with the faults of real exports.

    Timestamps have no time zone and money is in EUR. With `unreadable=True` some records have an unreadable field, in
    the form that readers of files produce: KPIs that read it leave the record out. `fields` are strategies for fields
    of your choice, such as `currency=sampled_from(["EUR", "USD"])`; an unknown field is an error. Values that the
    record class refuses are drawn again.

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
    return _built(type_, _rows(type_, fields), aware=False, unreadable=unreadable)


def datasets(*models: type[Any], unreadable: bool = False) -> SearchStrategy[Dataset]:
    """Datasets of these record classes, whose records refer to each other, and at times to missing records.

    All timestamps of a dataset have a time zone, or none has. Amounts are in EUR, some of them without a currency. The
    data is known up to the end of June 2026, or `as_of` is None; offices open Monday to Friday, 9 to 17. With
    `unreadable=True` some records have an unreadable field, as in `records`, and the dataset allows only a few of them,
    or any number (`most_unreadable`).

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
            tables[type_.table] = draw(_built(type_, _rows(type_, own), aware=aware, unreadable=unreadable))
        as_of = draw(st.sampled_from((None, AS_OF)))
        most = draw(st.sampled_from(ALLOWED)) if unreadable else ALLOWED[0]
        return Dataset(calendar=CALENDAR, currency="EUR", as_of=as_of, most_unreadable=most, **tables)

    return drawn()  # type: ignore[no-any-return]


def _built(
    type_: RecordType, rows: SearchStrategy[list[Mapping[str, Any]]], *, aware: bool, unreadable: bool
) -> SearchStrategy[list[Any]]:
    """Records of these values, with ids; with `unreadable` some have an unreadable field."""
    st = _strategies()
    found: SearchStrategy[list[Any]] = rows.map(lambda listed: built(type_, listed, aware=aware))
    lost = st.sampled_from((None, *fields_to_lose(type_)))
    if not unreadable:
        return found
    return st.tuples(found, st.lists(lost, min_size=LONGEST, max_size=LONGEST)).map(  # type: ignore[no-any-return]
        lambda drawn: [
            record if name is None else without_field(record, name) for record, name in zip(*drawn, strict=False)
        ]
    )


def _rows(type_: RecordType, own: Mapping[str, SearchStrategy[Any]]) -> SearchStrategy[list[Mapping[str, Any]]]:
    """Lists of the values of records, without their ids."""
    st = _strategies()
    wanted: dict[str, tuple[()]] = dict.fromkeys(type_.fields, ())
    usual = {name: st.sampled_from(pool) for name, pool in pools(type_, wanted).items()}
    row = st.fixed_dictionaries({**usual, **own}).map(lambda values: accepted(type_, values))
    return st.lists(row.filter(lambda values: values is not None), max_size=LONGEST)  # type: ignore[no-any-return]


def _strategies() -> ModuleType:
    """The module of strategies, loaded lazily, because crmkpi and `check_metric` do not need hypothesis."""
    try:
        from hypothesis import strategies  # noqa: PLC0415  # an optional library
    except ImportError as error:
        raise MissingExtraError(
            "Strategies for records need hypothesis, which is not installed; pip install 'crmkpi[testing]'."
        ) from error
    return strategies
