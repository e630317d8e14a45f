"""Measures: an aggregate over the records where a condition holds, and the timestamp that assigns a record to a period.

    deals = Table(Deal)
    deals.count(deals.status == "won")                       # number of won deals
    deals.sum(deals.amount, deals.status == "won")           # their amount
    deals.median(deals.closed_at - deals.created_at)         # median time to close

    customers = orders.per(orders.customer_id, purchases=orders.count())     # group by: one row per customer
    customers.count(customers.purchases >= 2)                                # number of these rows

Missing values never count. A measure whose condition uses `period.start` or `period.end` is a stock: it tests every
record as of that bound. Every other measure is a flow: `at` is the timestamp that assigns a record to the period.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from crmkpi._read_only import ReadOnly
from crmkpi.definition.expressions import (
    Bound,
    Expression,
    Field,
    Now,
    ValueKind,
    as_predicate,
    walk,
)
from crmkpi.definition.parameters import Parameter
from crmkpi.definition.planned_expressions import Together, Unless
from crmkpi.errors import DefinitionError, UnknownNameError, unknown_name
from crmkpi.records.base import RecordType, record_type

__all__ = [
    "Aggregate",
    "Grouped",
    "LastDay",
    "Measure",
    "MonthDays",
    "PeriodDays",
    "Related",
    "Shift",
    "Table",
    "last_day",
    "month_days",
    "period_days",
]

Aggregate = Literal["count", "sum", "mean", "median", "quantile", "distinct", "min", "max", "latest", "values", "rows"]
Shift = Literal["none", "previous", "year_ago"]

_SUMMABLE = ("number", "integer", "money", "duration", "any")
_ORDERED = (*_SUMMABLE, "timestamp", "date")
# No money: the currency of the latest record would be lost.
_LATEST = ("text", "choice", "number", "integer", "timestamp", "date", "flag", "duration", "any")
_KINDS: Mapping[Aggregate, tuple[str, ...]] = {
    "sum": _SUMMABLE,
    "mean": _SUMMABLE,
    "median": _SUMMABLE,
    "quantile": _SUMMABLE,
    "values": _SUMMABLE,
    "min": _ORDERED,
    "max": _ORDERED,
    "latest": _LATEST,
}


class _Aggregates:
    """The aggregates that turn rows into one number; shared by tables and by tables of one row per key."""

    __slots__ = ()

    def count(self, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The number of rows."""
        return _measure(self, "count", None, where, at)

    def sum(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The sum of the values; 0 if there are none."""
        return _measure(self, "sum", value, where, at)

    def mean(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The arithmetic mean of the values; undefined if there are none."""
        return _measure(self, "mean", value, where, at)

    def median(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The value in the middle (or the mean of the two in the middle); undefined if there are none."""
        return _measure(self, "median", value, where, at, fraction=0.5)

    def quantile(
        self, value: Expression, fraction: float, where: Expression | None = None, *, at: Expression | None = None
    ) -> Measure:
        """The value below which this fraction of all lies, interpolated linearly; undefined if there are none."""
        if not 0 <= fraction <= 1:
            raise DefinitionError(f"A quantile's fraction lies between 0 and 1; got {fraction!r}.")
        return _measure(self, "quantile", value, where, at, fraction=fraction)

    def distinct(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The number of different values."""
        return _measure(self, "distinct", value, where, at)

    def min(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The smallest value; undefined if there are none."""
        return _measure(self, "min", value, where, at)

    def max(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The largest value; undefined if there are none."""
        return _measure(self, "max", value, where, at)

    def values(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The values themselves in ascending order, for a formula that needs more than one aggregate of them."""
        return _measure(self, "values", value, where, at)


class Related:
    """A related record on the way to one of its fields: `tickets.customer` in `tickets.customer.industry`."""

    __slots__ = ("_path", "_table", "_type")

    def __init__(self, table: str, path: tuple[str, ...], type_: RecordType) -> None:
        """Made by attribute access on a table."""
        self._table = table
        self._path = path
        self._type = type_

    def __getattr__(self, name: str) -> Any:
        """A field of the related record, or a record related to it."""
        return _member(self._table, self._path, self._type, name)

    def __repr__(self) -> str:
        return ".".join((self._table, *self._path))


class Table(_Aggregates):
    """The symbolic table of a record class: attribute access returns its fields, validated against the class.

    >>> from crmkpi import Deal
    >>> from crmkpi.definition.measures import Table
    >>> deals = Table(Deal)
    >>> deals.count(deals.status == "won")
    deals.count(deals.status == 'won')
    >>> deals.customer.industry
    deals.customer.industry
    """

    __slots__ = ("_type",)

    def __init__(self, record: type[Any]) -> None:
        """The table of `record`, a record class."""
        self._type = record_type(record)

    def per(self, key: Expression, /, *more: Expression, **columns: Measure) -> Grouped:
        """One row per value of `key`, with the named measures as its columns; rows without a key are left out.

        Several keys, such as a customer and a day, make one row for each of their combinations that occur.

        >>> from crmkpi import Order
        >>> from crmkpi.definition.measures import Table
        >>> orders = Table(Order)
        >>> buyers = orders.per(orders.customer_id, purchases=orders.count())
        >>> buyers.count(buyers.purchases >= 2)
        orders.per(orders.customer_id).count(purchases >= 2)
        """
        return Grouped(self, Together((key, *more)) if more else key, columns)

    def latest(self, value: Expression, where: Expression | None = None, *, at: Expression | None = None) -> Measure:
        """The value of the latest record by `at` (ties: the id that sorts last); not for money."""
        return _measure(self, "latest", value, where, at)

    @property
    def record_type_(self) -> RecordType:
        """The described record class; the underscore keeps the name free for a field."""
        return self._type

    def __getattr__(self, name: str) -> Any:
        """A field of the record, or a related record."""
        if name.startswith("__") or name in self.__slots__:  # during unpickling the slots are still empty
            raise AttributeError(name)
        return _member(self._type.table, (), self._type, name)

    def __reduce__(self) -> tuple[Any, ...]:
        return Table, (self._type.model,)

    def __repr__(self) -> str:
        return self._type.table


class Grouped(_Aggregates):
    """One row per key, made by `Table.per`; its columns are read like fields."""

    __slots__ = ("_columns", "_key", "_table")

    def __init__(self, table: Table, key: Expression, columns: Mapping[str, Measure]) -> None:
        """Made by `Table.per`."""
        if not columns:
            raise DefinitionError(f"{table!r}.per({key!r}) needs at least one measure as a column; got none.")
        for name, measure in columns.items():
            if not isinstance(measure, Measure) or measure.table is not table:
                raise DefinitionError(
                    f"The column {name!r} of {table!r}.per() must be a measure of {table!r}; got {measure!r}."
                )
            if hasattr(Grouped, name):
                raise DefinitionError(
                    f"A column of {table!r}.per() cannot be called {name!r}, which is the name of an aggregate; "
                    "give it another name."
                )
        self._table = table
        self._key = key
        self._columns = ReadOnly(dict(columns))

    def rows(self, where: Expression | None = None) -> Measure:
        """The rows themselves, in ascending order of their keys: each a tuple of the key or keys and the columns."""
        return _measure(self, "rows", None, where, None)

    @property
    def parts_(self) -> tuple[Table, Expression, Mapping[str, Measure]]:
        """The table, the key and the columns; the underscore keeps the name free for a column."""
        return self._table, self._key, self._columns

    def __getattr__(self, name: str) -> Field:
        """A column, as a value to compare or aggregate."""
        if name.startswith("__") or name in self.__slots__:
            raise AttributeError(name)
        if name not in self._columns:
            raise unknown_name(f"{self!r} has no column {name!r}.", name, self._columns)
        return Field("", (name,), self._columns[name].kind)

    def __reduce__(self) -> tuple[Any, ...]:
        return Grouped, (self._table, self._key, dict(self._columns))

    def __repr__(self) -> str:
        return f"{self._table!r}.per({self._key!r})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Measure:
    """One aggregate of one table, written with the methods of `Table`.

    `at` is the timestamp that assigns a record to a period; by default that of the metric.
    """

    table: Table | Grouped
    aggregate: Aggregate
    value: Expression | None = None
    where: Expression | None = None
    at: Expression | None = None
    fraction: float | None = None
    shift: Shift = "none"
    steps: int | Parameter = 1
    # Every cache lookup of a compiled query uses the printed form, so it is cached.
    text: str = field(default="", init=False)

    def __post_init__(self) -> None:
        arguments = [repr(part) for part in (self.value, self.fraction, self.where) if part is not None]
        if self.aggregate == "median":
            arguments.remove("0.5")
        text = f"{self.table!r}.{self.aggregate}({', '.join(arguments)})"
        text += f" at {self.at!r}" if self.at is not None else ""
        object.__setattr__(self, "text", text + (f", {self.steps} {self.shift}" if self.shift != "none" else ""))

    def previous(self, steps: int | Parameter = 1) -> Measure:
        """The same measure `steps` periods earlier."""
        return self._moved("previous", steps)

    def year_ago(self) -> Measure:
        """The same measure one year earlier."""
        return self._moved("year_ago", 1)

    def _moved(self, shift: Shift, steps: int | Parameter) -> Measure:
        for measure in (self, *self.columns):
            if measure.shift != "none":
                raise DefinitionError(
                    f"A measure is moved to an earlier period once; got a second move of {measure!r}. Write the steps "
                    "together, as in previous(2)."
                )
        return replace(self, shift=shift, steps=steps)

    @property
    def kind(self) -> ValueKind:
        """The kind of the measure's value."""
        if self.aggregate in ("count", "distinct"):
            return "integer"
        if self.aggregate == "rows":
            return "any"
        assert self.value is not None
        return self.value.kind

    @property
    def base(self) -> Table:
        """The table whose records are read."""
        return self.table if isinstance(self.table, Table) else self.table.parts_[0]

    @property
    def columns(self) -> tuple[Measure, ...]:
        """The column measures of a table of one row per key; empty for a plain table."""
        return tuple(self.table.parts_[2].values()) if isinstance(self.table, Grouped) else ()

    @property
    def is_stock(self) -> bool:
        """Whether the measure tests all records as of a bound of the period, rather than those of the period."""
        if isinstance(self.table, Grouped) and self.at is not None:
            return True
        return any(isinstance(part, Bound | Now) for root in (self.where, self.value) for part in walk(root))

    def __repr__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class PeriodDays:
    """The length of the measured period in days, as an input of a formula (`days=period_days`); None for all time."""


@dataclass(frozen=True, slots=True)
class MonthDays(PeriodDays):
    """The length of the measured calendar month in days (`days=month_days`); None for any other period."""


period_days = PeriodDays()
month_days = MonthDays()


@dataclass(frozen=True, slots=True)
class LastDay:
    """The last measured day, as an input of a formula (`until=last_day`).

    This is the last day of the period, or the day up to which the data is known if that is earlier.
    """


last_day = LastDay()


def _member(table: str, path: tuple[str, ...], type_: RecordType, name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    if name in type_.relations:
        from crmkpi.records import RECORDS  # noqa: PLC0415  # the records import nothing of this module

        relation = type_.relations[name]
        if relation.table not in RECORDS:
            raise DefinitionError(f"{type_.model.__name__}.{name} leads to an unknown table {relation.table!r}.")
        return Related(table, (*path, name), record_type(RECORDS[relation.table]))
    found = type_.field(name)
    if found.kind == "attributes":
        return _AttributesOf(table, (*path, name))
    return Field(table, (*path, name), found.kind, found.choices, found.planned)


@dataclass(frozen=True, slots=True)
class _AttributesOf:
    """The custom attributes of a record: `deals.attributes["region"]`."""

    table: str
    path: tuple[str, ...]

    def __getitem__(self, name: str) -> Field:
        return Field(self.table, (*self.path, name), "any")

    def __getattr__(self, name: str) -> Field:
        if name.startswith("__"):  # Python itself looks these up, when it copies
            raise AttributeError(name)
        raise UnknownNameError(f"A custom attribute is written {'.'.join((self.table, *self.path))}[{name!r}].")


def _dated(table: Grouped, aggregate: Aggregate, at: Any) -> Grouped:
    """The rows over all records; a row counts if its column `at` is in the period."""
    base, key, columns = table.parts_
    name = at.path[0] if isinstance(at, Field) and not at.table else ""
    if name not in columns or at.kind != "timestamp":
        raise DefinitionError(
            f"{table!r}.{aggregate}() assigns a row to a period by one of its columns that is a timestamp, such as the "
            f"latest date of the row; got at={at!r}."
        )
    if any(column.at is not None or column.is_stock for column in columns.values()):
        raise DefinitionError(
            f"{table!r}.{aggregate}() with at={at!r} reads all records and assigns whole rows to periods, so its "
            "columns can have no period themselves."
        )
    moment = columns[name].value
    assert moment is not None  # a timestamp column is a min, a max or a latest
    before = moment < Bound("end")
    ever = before | Unless(before)  # true of every record, and evaluated as of the period
    return Grouped(
        base,
        key,
        {
            each: replace(column, where=ever if column.where is None else column.where & ever)
            for each, column in columns.items()
        },
    )


def _measure(
    table: Any,
    aggregate: Aggregate,
    value: Expression | None,
    where: Expression | None,
    at: Expression | None,
    fraction: float | None = None,
) -> Measure:
    if value is not None:
        if not isinstance(value, Expression):
            raise DefinitionError(f"{table!r}.{aggregate}() needs a field or an expression; got {value!r}.")
        allowed = _KINDS.get(aggregate)
        if allowed is not None and value.kind not in allowed:
            raise DefinitionError(f"{table!r}.{aggregate}() cannot be taken of {value!r}, which is a {value.kind}.")
    if at is not None and isinstance(table, Grouped):
        table = _dated(table, aggregate, at)
    if at is not None and (not isinstance(at, Expression) or at.kind != "timestamp"):
        raise DefinitionError(f"`at` names the timestamp that assigns a record to a period; got {at!r}.")
    if where is not None:
        where = as_predicate(where)
    allowed_tables = {""} if isinstance(table, Grouped) else {table.record_type_.table}
    for root in (value, where, at):
        for part in walk(root):
            if isinstance(part, Field) and part.table not in allowed_tables:
                raise DefinitionError(f"{table!r}.{aggregate}() can only use its own fields; got {part!r}.")
    return Measure(table, aggregate, value, where, at, fraction)
