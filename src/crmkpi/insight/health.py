"""Customer health: several KPIs of each customer, each mapped to 0 to 100 points, combined by your weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from crmkpi.dates.given import PeriodLike
from crmkpi.definition.metric import Metric
from crmkpi.errors import InputError, ParameterError
from crmkpi.measuring.dataset import Dataset
from crmkpi.measuring.results import Result
from crmkpi.measuring.segments import Segment
from crmkpi.metrics.catalogue import catalogue
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.tabular import Tabular

__all__ = ["CustomerHealth", "HealthPart", "HealthTable", "health_score"]


@dataclass(frozen=True, slots=True)
class HealthPart:
    """A KPI as part of a score: the values that are worth 0 and 100 points, and its relative weight.

    `worst` may be above `best`, as for a time to reply. Bounds are in the unit of the KPI: a fraction, an amount, a
    timedelta.

    >>> HealthPart(worst=timedelta(hours=48), best=timedelta(0)).points(timedelta(hours=12))
    75.0
    """

    worst: Any
    best: Any
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not (isfinite(self.weight) and self.weight > 0):
            raise ParameterError(f"The weight of a part of a health score is above zero; got {self.weight!r}.")
        if self.worst == self.best:
            raise ParameterError(f"The bounds of a part of a health score differ; both are {self.best!r}.")

    def points(self, value: Any) -> float:
        """The points of a value: from 0 at `worst` to 100 at `best`, limited to that range."""
        worst, best = _number(self.worst), _number(self.best)
        return 100 * min(max((_number(value) - worst) / (best - worst), 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class CustomerHealth:
    """One customer: the score from 0 to 100, the points of each part, and the parts without a value.

    `reasons` has the reason for each missing part. The weights of missing parts go to the others pro rata;
    `known_weight` is the share of all weights that the other parts have. `score` is `None` where no part has a value.
    """

    customer_id: Hashable
    score: float | None
    points: Mapping[str, float]
    missing: tuple[str, ...]
    known_weight: float
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HealthTable(Tabular):
    """The customers, worst score first and those without one last."""

    customers: tuple[CustomerHealth, ...]
    parts: Mapping[str, HealthPart]

    def __iter__(self) -> Iterator[CustomerHealth]:
        """The customers in order."""
        return iter(self.customers)

    def __len__(self) -> int:
        """The number of customers."""
        return len(self.customers)

    @property
    def mean(self) -> float | None:
        """The mean score of the customers who have one."""
        scores = [customer.score for customer in self.customers if customer.score is not None]
        return sum(scores) / len(scores) if scores else None

    @property
    def missing(self) -> dict[str, int]:
        """The number of customers without a value, by part."""
        return {name: sum(name in customer.missing for customer in self.customers) for name in self.parts}

    @property
    def reasons(self) -> dict[str, dict[str, int]]:
        """The reasons for missing values with their numbers of customers, by part, the most frequent first.

        >>> from crmkpi import Dataset, Deal
        >>> deals = [Deal(id="1", status="open", customer_id="A")]
        >>> health_score(Dataset(deals=deals), {"win_rate": HealthPart(worst=0, best=1)}).reasons
        {'win_rate': {'no deal was closed': 1}}
        """
        counts = {
            name: Counter(one.reasons[name] for one in self.customers if name in one.reasons) for name in self.parts
        }
        return {name: dict(reasons.most_common()) for name, reasons in counts.items() if reasons}

    def __repr__(self) -> str:
        return f"<HealthTable of {len(self):,} customers by {', '.join(self.parts)}>"

    def to_dicts(self) -> list[dict[str, Any]]:
        """One dict per customer, for a frame or a file: missing points are None."""
        return [
            {
                "customer_id": customer.customer_id,
                "score": customer.score,
                "known_weight": customer.known_weight,
                **{name: customer.points.get(name) for name in self.parts},
            }
            for customer in self.customers
        ]


def health_score(
    crm: Dataset,
    parts: Mapping[Metric | str, HealthPart],
    *,
    period: PeriodLike | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> HealthTable:
    """A score from 0 to 100 for each customer: the weighted mean of the points of KPIs that you name.

    `parts` are the KPIs, each with its bounds and weight. A KPI that is undefined for a customer is left out of that
    score and listed with its reason. The customers are those of the table `customers`, if the dataset has it, and
    otherwise all that any record names. KPIs are measured per customer over `period`, so that their tables need a
    field for the customer.

    >>> from crmkpi import Customer, Dataset, Survey, Ticket
    >>> crm = Dataset(
    ...     customers=[Customer(id="A"), Customer(id="B")],
    ...     surveys=[Survey(id="1", kind="csat", customer_id="A", score=5, scale_low=1, scale_high=5)],
    ...     tickets=[Ticket(id="1", customer_id="A"), Ticket(id="2", customer_id="B")],
    ... )
    >>> table = health_score(crm, {
    ...     "customer_satisfaction_score": HealthPart(worst=0, best=1, weight=2),
    ...     "ticket_volume": HealthPart(worst=4, best=0),
    ... })
    >>> [(customer.customer_id, round(customer.score, 1), customer.missing) for customer in table]
    [('B', 75.0, ('customer_satisfaction_score',)), ('A', 91.7, ())]
    """
    if not parts:
        raise InputError("A health score needs at least one KPI with its bounds; got none.")
    if not isinstance(crm, Dataset):
        raise InputError(f"A health score is of a Dataset; got {type(crm).__name__}.")
    for name, part in parts.items():
        if not isinstance(part, HealthPart):
            raise InputError(f"{name} needs its bounds, such as HealthPart(worst=0, best=1); got {part!r}.")
    metrics = {_metric(name): part for name, part in parts.items()}
    tables = {table: _key(table) for metric in metrics for table in metric.tables}
    asked: dict[str, Any] = {"period": period, "parameters": parameters, "confidence": None}
    found = crm.measure(tuple(metrics), by=Segment("customer", tables), **asked)
    values: dict[Hashable, dict[str, Result]] = {}
    for result in found:
        values.setdefault(result.segment["customer"], {})[result.definition] = result
    values.pop(None, None)
    if "customers" in crm.tables:
        # A customer without records has the KPIs of an empty table: a count is 0.
        empty: dict[str, Any] = {"calendar": crm.calendar, "as_of": crm.as_of, **{table: [] for table in tables}}
        of_none = Dataset(**empty).measure(tuple(metrics), **asked)
        nothing = {result.definition: result for result in of_none}
        everyone = crm.measure("new_customers", by=Segment("customer", {"customers": "id"}), confidence=None)
        values = {result.segment["customer"]: nothing for result in everyone} | values
    by_metric = {metric.id: part for metric, part in metrics.items()}
    rows = [_scored(customer, known, by_metric) for customer, known in values.items()]
    rows.sort(key=lambda row: (row.score is None, row.score or 0.0, str(row.customer_id)))
    return HealthTable(tuple(rows), by_metric)


def _scored(customer: Hashable, values: Mapping[str, Result], parts: Mapping[str, HealthPart]) -> CustomerHealth:
    found = {name: part.points(values[name].value) for name, part in parts.items() if values[name].value is not None}
    known = sum(parts[name].weight for name in found)
    score = sum(parts[name].weight * points for name, points in found.items()) / known if known else None
    missing = tuple(name for name in parts if name not in found)
    reasons = {name: str(values[name].reason) for name in missing}
    return CustomerHealth(customer, score, found, missing, known / sum(part.weight for part in parts.values()), reasons)


def _metric(name: Metric | str) -> Metric:
    return catalogue.find(name) if isinstance(name, str) else name


def _key(table: str) -> str:
    """The field of a table that names the customer."""
    if table == "customers":
        return "id"
    if "customer_id" not in record_type(RECORDS[table]).fields:
        raise InputError(
            f"The records of {table} name no customer, so a health score cannot use a KPI that reads them."
        )
    return "customer_id"


def _number(value: Any) -> float:
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, int | float | Decimal):
        return float(value)
    raise ParameterError(f"The bounds of a part of a health score are numbers or durations; got {value!r}.")
