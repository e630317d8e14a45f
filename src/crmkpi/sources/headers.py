"""Match the headers of a file with the columns of a preset."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from crmkpi.sources.limits import LONGEST_HEADER
from crmkpi.sources.presets.library import folded
from crmkpi.sources.presets.model import Preset, PresetColumn

__all__ = ["FoundHeader", "found_columns", "known_headers", "stage_of"]

_PLACE = re.compile(r"<(zone|currency|question|stage)>")
_SEPARATORS = re.compile(r"[\s_-]+")


class FoundHeader(NamedTuple):
    """A column of a preset that a header matches, with its position in the preset and the currency in the header."""

    rank: tuple[int, int]
    column: PresetColumn
    currency: str | None = None


def found_columns(header: str, preset: Preset) -> list[FoundHeader]:
    """The columns of a preset that a header matches; an exact match excludes matches by normalised spelling."""
    if len(header) > LONGEST_HEADER:
        return []
    exact: list[FoundHeader] = []
    alike: list[FoundHeader] = []
    for place, column in enumerate(preset.columns):
        for number, known in enumerate(column.headers):
            rank = (place, number)
            if known == header:
                exact.append(FoundHeader(rank, column))
            elif "<" in known:
                if match := _pattern(known).fullmatch(header.strip()):
                    alike.append(FoundHeader(rank, column, match.groupdict().get("currency")))
            elif folded(known) == folded(header):
                alike.append(FoundHeader(rank, column))
            else:
                continue
            break
    return exact or alike


def known_headers(headers: Iterable[str], preset: Preset) -> list[str]:
    """The headers that a preset knows."""
    return [header for header in headers if found_columns(header, preset) or stage_of(header, preset) is not None]


def stage_of(header: str, preset: Preset) -> tuple[str, bool] | None:
    """The stage of a column of stage dates, and whether the date is its entry or exit; None for other columns."""
    if preset.stages is None or len(header) > LONGEST_HEADER:
        return None
    for templates, entered in ((preset.stages.entered, True), (preset.stages.left, False)):
        for template in templates:
            if match := _pattern(template).fullmatch(header.strip()):
                return match["stage"], entered
    return None


@lru_cache(maxsize=1_000)
def _pattern(template: str) -> re.Pattern[str]:
    parts: Sequence[Any] = _PLACE.split(template)
    texts = [
        f"(?P<{part}>.+?)" if number % 2 else r"[\s_-]*".join(map(re.escape, _SEPARATORS.split(part)))
        for number, part in enumerate(parts)
    ]
    return re.compile("".join(texts), re.IGNORECASE)
