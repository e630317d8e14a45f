"""The definition of a KPI as JSON, for other programs: all that its value depends on, and the text of its page."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from typing import Any

from crmkpi.definition.metric import Metric
from crmkpi.display.explanation import explanation, facts
from crmkpi.display.wording import measure_in_words

__all__ = ["definition_json", "definition_row"]


def definition_row(metric: Metric) -> dict[str, Any]:
    """The definition as plain values: measures and conditions as code and as text, the formula, the records left out.

    >>> from crmkpi import win_rate
    >>> row = definition_row(win_rate)
    >>> row["at"], row["measures"]["won"]["code"], row["interval"]
    (['deals.closed_at'], "deals.count(deals.status == 'won')", {'rule': 'Share', 'part': 'won', 'whole': 'closed'})
    """
    told, known = explanation(metric), facts(metric)
    return {
        "id": metric.id,
        "title": metric.title,
        "theme": metric.theme,
        "meaning": told.meaning,
        "formula": told.formula,
        "unit": metric.unit,
        "better": metric.better,
        "tables": list(metric.tables),
        "at": [entry.replace("`", "") for entry in known["at"]],
        "measures": {
            name: {"code": repr(measure), "words": measure_in_words(measure)}
            for name, measure in metric.measures.items()
        },
        "interval": _rule(metric.interval),
        "roll_up": metric.roll_up,
        "leave_out": {reason: repr(what) for reason, what in metric.leave_out.items()},
        "left_out": known["left out"],
        "empty": metric.empty if isinstance(metric.empty, str) else dict(metric.empty),
        "parameters": {
            name: {"unit": each.unit, "meaning": each.meaning, "default": _as_json(each.default)}
            for name, each in metric.parameters.items()
        },
        "days": metric.days,
        "until": metric.until,
        "needs_as_of": metric.needs_as_of,
        "within": _as_json(metric.within),
        "text": told.text,
        **{title.casefold(): text for title, text in told.sections.items()},
        "variants": {variant.id: variant.meaning for variant in metric.variants.values()},
        "roles": known["for"],
        "also_known_as": list(metric.also_known_as),
        "default_because": metric.default_because,
        "shown_by": known["shown by"],
        "sources": list(metric.sources),
    }


def definition_json(metric: Metric) -> str:
    """The definition as a JSON object."""
    return json.dumps(definition_row(metric), ensure_ascii=False, allow_nan=False, indent=1)


def _rule(rule: Any) -> Any:
    if rule is None or not is_dataclass(rule):
        return None if rule is None else str(rule)
    return {
        "rule": type(rule).__name__,
        **{
            each.name: _as_json(getattr(rule, each.name))
            for each in fields(rule)
            if not callable(getattr(rule, each.name))
        },
    }


def _as_json(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_as_json(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
