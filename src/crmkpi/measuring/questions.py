"""Methods of a dataset that analyse KPIs: comparison of segments, why a KPI changed, a forecast, a search."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast

from crmkpi._hooks import hook
from crmkpi.dates.calendars import CalendarUnit
from crmkpi.dates.given import PeriodLike
from crmkpi.definition.metric import Metric
from crmkpi.measuring.changes import Adjust, check_adjust
from crmkpi.measuring.results import Report
from crmkpi.measuring.segments import By

if TYPE_CHECKING:
    from crmkpi.insight.briefings import Briefing
    from crmkpi.insight.explain import Explanation
    from crmkpi.insight.forecast import Forecast
    from crmkpi.insight.pages import Page
    from crmkpi.insight.search import Search
    from crmkpi.measuring.dataset import Dataset

__all__ = ["Questions"]

_page: Callable[..., Page] = hook("page")
_briefing: Callable[..., Briefing] = hook("briefing")
_explain: Callable[..., Explanation] = hook("explain")
_forecast: Callable[..., Forecast] = hook("forecast")
_search: Callable[..., Search] = hook("search")


class Questions:
    """The analysis methods of a `Dataset`."""

    __slots__ = ()

    def compare(
        self,
        metric: Metric | str,
        *,
        by: By,
        against: Hashable = "rest",
        period: PeriodLike | None = None,
        parameters: Mapping[str, Any] | None = None,
        confidence: float = 0.95,
        adjust: Adjust = "bh",
    ) -> Report:
        """Compare each segment of a KPI with all the others together, or with the segment named by `against`.

        The verdicts are adjusted for the number of segments. A KPI whose parts do not add up to the whole, such as a
        median, is refused.

        >>> from crmkpi import Dataset, Deal
        >>> deals = [Deal(id=f"{owner}{n}", status="won" if n < won else "lost", owner=owner)
        ...          for owner, won in (("Ada", 45), ("Bo", 20), ("Cy", 22)) for n in range(60)]
        >>> report = Dataset(deals=deals).compare("win_rate", by="owner")
        >>> [(result.segment["owner"], result.change.verdict) for result in report]
        [('Ada', 'up'), ('Bo', 'down'), ('Cy', 'down')]
        """
        check_adjust(adjust)
        from crmkpi.measuring.comparing import compare_segments  # noqa: PLC0415  # loaded at first use

        return compare_segments(
            cast("Dataset", self),
            metric,
            by=by,
            against=against,
            period=period,
            parameters=parameters or {},
            confidence=confidence,
            adjust=adjust,
        )

    def explain(
        self,
        metric: Metric | str,
        *,
        period: PeriodLike,
        compare: PeriodLike = "previous",
        by: By,
        effects: Literal["mix", "volume"] = "mix",
        parameters: Mapping[str, Any] | None = None,
        confidence: float = 0.95,
    ) -> Explanation:
        """Find the segments that account for a change; see `crmkpi.insight.explain.explain`.

        >>> from crmkpi import Dataset, Deal
        >>> deals = [Deal(id="1", status="won", source="web", amount=100, closed_at="2026-01-05"),
        ...          Deal(id="2", status="won", source="fair", amount=40, closed_at="2026-02-05")]
        >>> found = Dataset(deals=deals).explain("revenue", period="2026-02", by="source")
        >>> [(one.name, str(one.total)) for one in found.effects]
        [('web', '-100.0'), ('fair', '40.0')]
        """
        return _explain(
            self,
            metric,
            period=period,
            compare=compare,
            by=by,
            effects=effects,
            parameters=parameters,
            confidence=confidence,
        )

    def search(
        self,
        metric: Metric | str,
        *,
        period: PeriodLike,
        compare: PeriodLike = "previous",
        by: Sequence[Any],
        depth: int = 2,
        parameters: Mapping[str, Any] | None = None,
    ) -> Search:
        """Find the part of the records that moved differently from the rest; see `crmkpi.insight.search.search`."""
        return _search(self, metric, period=period, compare=compare, by=by, depth=depth, parameters=parameters)

    def forecast(
        self,
        metric: Metric | str,
        *,
        every: CalendarUnit = "month",
        history: PeriodLike | None = None,
        horizon: int = 6,
        confidence: float = 0.95,
        parameters: Mapping[str, Any] | None = None,
        working_days: bool | None = None,
        long: bool = False,
    ) -> Forecast:
        """Forecast the next periods of a KPI with their intervals; see `crmkpi.insight.forecast.forecast`."""
        return _forecast(
            self,
            metric,
            every=every,
            history=history,
            horizon=horizon,
            confidence=confidence,
            parameters=parameters,
            working_days=working_days,
            long=long,
        )

    def briefing(
        self,
        *,
        period: PeriodLike,
        compare: PeriodLike = "previous",
        metrics: Metric | str | Iterable[Metric | str] | None = None,
        kpis: Any = None,
        by: Sequence[str] | None = None,
        at_risk: Any = None,
        parameters: Mapping[str, Any] | None = None,
    ) -> Briefing:
        """The five lines that matter about a period; see `crmkpi.insight.briefing.briefing`."""
        return _briefing(
            self,
            period=period,
            compare=compare,
            metrics=metrics,
            kpis=kpis,
            by=by,
            at_risk=at_risk,
            parameters=parameters,
        )

    def page(
        self,
        *,
        period: PeriodLike,
        compare: PeriodLike = "previous",
        name: str | None = None,
        metrics: Metric | str | Iterable[Metric | str] | None = None,
        role: str | None = None,
        kpis: Any = None,
        by: Sequence[str] | None = None,
        at_risk: Any = None,
        stages: Sequence[str] | None = None,
        parameters: Mapping[str, Any] | None = None,
        confidence: float = 0.95,
    ) -> Page:
        """A page for people: the briefing, tiles with trends and targets, tables by theme, and limits of the data.

        `name` is the name of the company. `metrics` are the KPIs on the page, by default all that the tables allow. At
        its head are the first tier of the KPI set `kpis`, or the KPIs that a `role` ("sales manager") looks at first.
        `by` and `at_risk` are as in `briefing()`. `stages` are the stages of the funnel in their order, by default the
        order in which most deals pass them.

        `page.save("q3.html")` writes it, or a workbook (.xlsx), or Markdown (.md).
        """
        return _page(
            self,
            period=period,
            compare=compare,
            name=name,
            metrics=metrics,
            role=role,
            kpis=kpis,
            by=by,
            at_risk=at_risk,
            stages=stages,
            parameters=parameters,
            confidence=confidence,
        )
