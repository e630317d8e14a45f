"""The catalogue: find a KPI by its name, by another name that people use, by theme or by unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from crmkpi.definition.metric import Metric, Unit
from crmkpi.errors import DefinitionError, UnknownNameError, unknown_name
from crmkpi.metrics import NAMES, definition
from crmkpi.metrics.roles import ROLES

__all__ = ["Catalogue", "catalogue", "find_metric"]


# What people look for among KPIs and is no single number, and the function that makes it.
_MADE = {"customer_health_score": "health", "health_score": "health", "funnel": "funnel", "sales_funnel": "funnel"}


class Catalogue:
    """KPIs by name and alias; iterating gives the KPIs without their variants, in the order of their themes.

    >>> from crmkpi import catalogue
    >>> catalogue.find("close rate").id
    'win_rate'
    >>> catalogue.find("win_rate.by_amount").id
    'win_rate.by_amount'
    >>> catalogue.find("win_rte")
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: There is no KPI 'win_rte'. Did you mean 'win_rate'?
    """

    __slots__ = ("_by_name", "_metrics", "_roles")

    def __init__(self, metrics: Iterable[Metric], roles: Mapping[str, tuple[Metric, ...]] | None = None) -> None:
        """A catalogue of `metrics`, whose names and aliases must all differ; `roles` says who looks at which."""
        self._metrics = tuple(metrics)
        self._roles = dict(roles or {})
        self._by_name: dict[str, Metric] = {}
        for metric in self._metrics:
            for name in dict.fromkeys(map(_folded, (metric.id, metric.title, *metric.also_known_as))):
                if name in self._by_name:
                    raise DefinitionError(
                        f"Both {self._by_name[name].id} and {metric.id} are called {name!r}; names must differ."
                    )
                self._by_name[name] = metric

    def find(self, name: str) -> Metric:
        """The KPI of that name, alias ("CAC") or id with a variant ("churn_rate.stripe")."""
        if not isinstance(name, str):
            raise UnknownNameError(f"A KPI is found by its name, such as 'win_rate'; got {name!r}.")
        head, _, variant = name.partition(".")
        found = self._by_name.get(_folded(head))
        if found is None and _folded(head) in _MADE:
            raise UnknownNameError(
                f"There is no KPI {name!r}; crmkpi.{_MADE[_folded(head)]} makes one of your own data."
            )
        if found is None:
            known = [*self._by_name, *(metric.id for metric in self)]
            raise unknown_name(f"There is no KPI {name!r}.", head, known)
        return found.variant(variant) if variant else found

    def by_theme(self, theme: str) -> tuple[Metric, ...]:
        """The KPIs of a theme, such as "sales"."""
        found = tuple(metric for metric in self if metric.theme == theme)
        if not found:
            raise unknown_name(f"There is no theme {theme!r}.", theme, self.themes())
        return found

    def by_unit(self, unit: Unit) -> tuple[Metric, ...]:
        """The KPIs with that unit."""
        return tuple(metric for metric in self if metric.unit == unit)

    def themes(self) -> tuple[str, ...]:
        """The themes, in the order of the catalogue."""
        return tuple(dict.fromkeys(metric.theme for metric in self))

    def by_role(self, role: str) -> tuple[Metric, ...]:
        """The KPIs that someone in a role looks at first, such as "sales manager".

        >>> from crmkpi import catalogue
        >>> [metric.id for metric in catalogue.by_role("support lead")][:3]
        ['ticket_volume', 'backlog', 'first_response_time']
        """
        if role not in self._roles:
            raise unknown_name(f"There is no role {role!r}.", role, self._roles)
        return self._roles[role]

    def roles(self) -> tuple[str, ...]:
        """The roles, from "sales manager" to "founder"."""
        return tuple(self._roles)

    def everything(self) -> Iterator[Metric]:
        """Every KPI, each followed by its variants."""
        for metric in self:
            yield metric
            yield from metric.variants.values()

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._metrics)

    def __len__(self) -> int:
        return len(self._metrics)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _folded(name) in self._by_name

    def __repr__(self) -> str:
        return f"<Catalogue of {len(self)} KPIs: {', '.join(self.themes())}>"


def _folded(name: str) -> str:
    return name.casefold().replace(" ", "_").replace("-", "_")


class _Whole(Catalogue):
    # A look-up by id loads that KPI alone; any other look-up loads all of them.
    __doc__ = Catalogue.__doc__
    __slots__ = ()

    def __init__(self) -> None:
        """Nothing is loaded yet."""

    def find(self, name: str) -> Metric:
        """The KPI of that name, alias ("CAC") or id with a variant ("churn_rate.stripe")."""
        head, _, variant = name.partition(".") if isinstance(name, str) else ("", "", "")
        if head not in NAMES:
            return super().find(name)
        return definition(head).variant(variant) if variant else definition(head)

    def __getattr__(self, name: str) -> Any:
        if name not in Catalogue.__slots__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        roles = {role: tuple(map(definition, names)) for role, names in ROLES.items()}
        super().__init__(map(definition, NAMES), roles)
        return getattr(self, name)


catalogue: Catalogue = _Whole()


def find_metric(name: str) -> Metric:
    """The KPI of the catalogue with that name, alias or id."""
    return catalogue.find(name)
