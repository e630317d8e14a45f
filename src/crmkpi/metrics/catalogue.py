"""The catalogue: find a KPI by name, alias, theme or unit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from crmkpi.definition.metric import Metric
from crmkpi.definition.units import Unit
from crmkpi.errors import DefinitionError, UnknownNameError, did_you_mean, unknown_name
from crmkpi.metrics import NAMES, THEMES, definition
from crmkpi.metrics.roles import ROLES

__all__ = ["Catalogue", "catalogue", "find_metric"]


# Analyses that people search among the KPIs, and the functions that create them.
_MADE = {"customer_health_score": "health", "health_score": "health", "funnel": "funnel", "sales_funnel": "funnel"}

# Ambiguous names of several KPIs, and the variants that a common name means.
_SEVERAL = {
    "conversion_rate": ("lead_conversion_rate", "visit_conversion_rate", "win_rate"),
    "conversions": ("ad_conversions", "lead_conversion_rate", "visit_conversion_rate"),
    "response_time": ("first_response_time", "average_response_time", "lead_response_time"),
    "interaction": ("interactions_per_customer", "social_mentions", "sales_calls"),
    "interactions": ("interactions_per_customer", "social_mentions", "sales_calls"),
    "growth": ("revenue_growth_rate", "net_new_mrr"),
    "satisfaction": ("customer_satisfaction_score", "customer_satisfaction_rating", "net_promoter_score"),
    "loyalty": ("net_promoter_score", "repeat_purchase_rate", "retention_rate"),
    "sentiment_score": ("net_sentiment", "negative_mention_share"),
    "reviews": ("review_rating", "social_mentions"),
    "turnover": ("revenue", "churn_rate"),
}
_VARIANTS = {
    "average_resolution_time": "resolution_time.mean",
    "mean_resolution_time": "resolution_time.mean",
    "average_case_resolution_time": "resolution_time.mean",
    "average_first_response_time": "first_response_time.mean",
    "average_lead_response_time": "lead_response_time.mean",
    "median_deal_size": "average_deal_size.median",
    "median_sales_cycle": "sales_cycle_length.median",
    "top_box": "customer_satisfaction_score.top_box",
}

_WORDS_OF_QUESTIONS = """
a an and are at be by can did do does each for from have how i in is it many me month much my of on our per quarter show
the there to us was we were what when which who why with year
"""
_LITTLE = frozenset(_WORDS_OF_QUESTIONS.split())  # words that no KPI is named by


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
        """A catalogue of `metrics`, whose names and aliases must all differ; `roles` has those of each role."""
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
        if found is None and not variant and _folded(head) in _VARIANTS:
            return self.find(_VARIANTS[_folded(head)])
        if found is None and _folded(head) in _SEVERAL:
            *others, last = _SEVERAL[_folded(head)]
            raise UnknownNameError(f"{name!r} may mean {', '.join(others)} or {last}; say which.")
        if found is None and _folded(head) in THEMES:
            raise UnknownNameError(
                f"{name!r} is a theme of several KPIs: Dataset.measure({head!r}) measures all of them that it can, and "
                f"catalogue.by_theme({head!r}) lists them."
            )
        if found is None and _folded(head) in _MADE:
            raise UnknownNameError(
                f"There is no KPI {name!r}; crmkpi.{_MADE[_folded(head)]} makes one of your own data."
            )
        if found is None:
            known = (*self._by_name, *(metric.id for metric in self))
            raise UnknownNameError(f"There is no KPI {name!r}. {self._hint(head)}", name=name, known=known)
        return found.variant(variant) if variant else found

    def _hint(self, words: str) -> str:
        """The suggestion for an unknown name: the nearest name, else the KPIs whose pages mention it."""
        hint = did_you_mean(words, [*self._by_name, *(metric.id for metric in self)])
        about = [] if hint.startswith("Did you") else [metric.id for metric in self._with_all_of(words)][:3]
        return f"KPIs that mention it: {', '.join(about)}." if about else hint

    def search(self, words: str) -> tuple[Metric, ...]:
        """The KPIs that these words may mean: those called so, then those of whose name or meaning they are part.

        Where none has all of the words, those that have the most of them come, the rarest words first.

        >>> from crmkpi import catalogue
        >>> [metric.id for metric in catalogue.search("conversion rate")][:3]
        ['lead_conversion_rate', 'visit_conversion_rate', 'win_rate']
        >>> [metric.id for metric in catalogue.search("reply")]
        ['first_response_time', ...]
        """
        return self._with_all_of(words) or self._with_most_of(words)

    def _with_all_of(self, words: str) -> tuple[Metric, ...]:
        folded = _folded(words)
        named = [self._by_name[folded]] if folded in self._by_name else []
        named += [self._by_name[name] for name in _SEVERAL.get(folded, ())]
        named += [self._by_name[_VARIANTS[folded].partition(".")[0]]] if folded in _VARIANTS else []
        wanted = folded.split("_")
        called = [m for m in self if any(_holds(name, wanted) for name in (m.id, m.title, *m.also_known_as))]
        about = [m for m in self if _holds(m.__doc__ or "", wanted)]
        return tuple(dict.fromkeys([*named, *called, *about]))

    def _with_most_of(self, words: str) -> tuple[Metric, ...]:
        """The KPIs with some of these words in their name or meaning; a frequent word weighs little."""
        scores: dict[Metric, float] = {}
        asked = [word.removesuffix("s") for word in re.findall(r"\w+", words.casefold()) if word not in _LITTLE]
        for word in dict.fromkeys(asked):
            named = [m for m in self if any(_holds(name, [word]) for name in (m.id, m.title, *m.also_known_as))]
            about = [m for m in self if _holds(m.meaning, [word])]
            for found in (named, about):
                if 0 < len(found) <= len(self) / 3:
                    scores |= {metric: scores.get(metric, 0.0) + 1 / len(found) for metric in found}
        return tuple(sorted(scores, key=lambda metric: -scores[metric]))

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


def _holds(text: str, words: Sequence[str]) -> bool:
    """Whether a text contains all words, each as the beginning of one of its words."""
    inside = "_".join(["", *re.findall(r"[^\W_]+", text.casefold())])
    return bool(words) and all(f"_{word}" in inside for word in words)


def _folded(name: str) -> str:
    return name.casefold().replace(" ", "_").replace("-", "_")


class _Whole(Catalogue):
    # A lookup by id loads only that KPI; any other lookup loads all of them.
    __doc__ = Catalogue.__doc__
    __slots__ = ()

    def __init__(self) -> None:
        """Create the catalogue without loading any KPI."""

    def find(self, name: str) -> Metric:
        """The KPI of that name, alias ("CAC") or id with a variant ("churn_rate.stripe")."""
        head, _, variant = name.partition(".") if isinstance(name, str) else ("", "", "")
        if head not in NAMES:
            return super().find(name)
        return definition(head).variant(variant) if variant else definition(head)

    def themes(self) -> tuple[str, ...]:
        """The themes, in the order of the catalogue."""
        return THEMES

    def __contains__(self, name: object) -> bool:
        return name in NAMES or super().__contains__(name)

    def __getattr__(self, name: str) -> Any:
        if name not in Catalogue.__slots__:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        roles = {role: tuple(map(definition, names)) for role, names in ROLES.items()}
        super().__init__(map(definition, NAMES), roles)
        return getattr(self, name)


catalogue: Catalogue = _Whole()


def find_metric(name: str) -> Metric:
    """The KPI of the catalogue with a name, alias or id."""
    return catalogue.find(name)
