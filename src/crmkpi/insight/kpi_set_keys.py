"""The schema of a KPI set in a file, for validation by `kpi_set` and for completion in editors."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, WithJsonSchema

from crmkpi.metrics.catalogue import catalogue
from crmkpi.schemas import Keyed

__all__ = ["AlertKeys", "KpiKeys", "KpiSetKeys", "TargetKeys", "kpi_set_schema"]

Bound = Annotated[Any, WithJsonSchema({"type": ["number", "string"]})]  # its unit is that of the KPI: 0.3, 1200, "4 h"
Day = date | str


class TargetKeys(Keyed):
    """The target of a KPI, with exactly one relation."""

    called: ClassVar[str] = "The target of a KPI"

    at_least: Bound = Field(None, description="A lower bound, inclusive.")
    at_most: Bound = Field(None, description="An upper bound, inclusive.")
    between: list[Bound] | None = Field(None, description="A low and a high bound.")
    growth: float | None = Field(None, description="Growth as a fraction, such as 0.10.")
    against: Literal["previous", "year_ago"] = Field("year_ago", description="The period that growth is compared with.")
    despite_direction: bool = Field(default=False, description="The target works against the KPI's own direction.")


class AlertKeys(Keyed):
    """The condition under which a KPI raises an alert."""

    called: ClassVar[str] = "An alert of a KPI"

    when: Literal["below", "above"] | None = None
    value: Bound = Field(None, description="The threshold, exclusive: the alert does not fire at the value itself.")
    clear: Bound = Field(None, description="The threshold to clear, on the other side of the value.")
    for_: int = Field(1, alias="for", description="Consecutive periods before it fires.")
    clear_for: int = Field(1, description="Consecutive periods before it clears.")
    sure: float | None = Field(None, description="Compare the interval at this confidence instead of the value.")
    at_least_n: int = Field(0, description="A period with fewer records counts as one without data.")
    severity: Literal["warning", "critical"] = "warning"
    signal: Literal["concern", "change"] | None = Field(None, description="A signal of the control chart.")
    no_data: Literal["keep", "fire", "ok"] = "keep"


class KpiKeys(Keyed):
    """One KPI of a set."""

    called: ClassVar[str] = "A KPI of a set"

    id: str = Field(description="The KPI, such as win_rate or churn_rate.stripe.")
    by: str | None = Field(None, description="A field to group by, such as owner.")
    weight: float = Field(1.0, description="Its weight in the score of the set.")
    target: TargetKeys | None = None
    from_: Day | None = Field(None, alias="from", description="The first period of the target.")
    until: Day | None = Field(None, description="The last period of the target.")
    owner: str | None = Field(None, description="The person who is responsible.")
    why: str | None = Field(None, description="The origin of the target, such as a plan.")
    segments: dict[str, TargetKeys] = Field({}, description="Targets of single segments.")
    alert: list[AlertKeys] | AlertKeys = Field([], description="Alerts.")
    parameters: dict[str, Any] = Field({}, description="Parameters of the KPI.")
    tier: Literal["first", "supporting"] = Field("first", description='"first", or "supporting".')
    reviewed: Day | None = None


class KpiSetKeys(Keyed):
    """The KPIs of a role or team."""

    called: ClassVar[str] = "A KPI set"

    name: str = Field("KPIs", description="The role or team.")
    period: Literal["day", "week", "month", "quarter", "year"] = Field(
        "month", description="The length of its periods."
    )
    kpi: list[KpiKeys] = Field([], description="Its KPIs.")
    reviewed: Day | None = None


def kpi_set_schema() -> str:
    """The JSON Schema of a KPI-set file, for completion and validation in editors; it lists the catalogue's KPIs.

    >>> '"win_rate"' in kpi_set_schema()
    True
    """
    schema = KpiSetKeys.model_json_schema(by_alias=True)
    schema["$defs"]["KpiKeys"]["properties"]["id"]["enum"] = [metric.id for metric in catalogue.everything()]
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
