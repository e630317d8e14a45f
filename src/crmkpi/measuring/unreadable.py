"""The one rule for unreadable fields: whether a KPI that reads them still has a value.

The readable values of a broken column are not a random sample: unknown words belong to one kind of record, and numbers
off their scale to another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crmkpi.errors import InputError
from crmkpi.measuring.counting import Counts

__all__ = [
    "MOST_UNREADABLE",
    "DataReason",
    "UnreadableReason",
    "check_most_unreadable",
    "commonest",
    "too_many_unreadable",
]

MOST_UNREADABLE = 0.02
_MOST_WORDS = 3
_SHARES = ("probability",)  # fields from 0 to 1, which files may have in percent


def check_most_unreadable(share: float) -> None:
    """Refuse a value that is not a fraction from 0 to 1."""
    if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
        raise InputError(
            f"most_unreadable= is the share of records, from 0 to 1, that may be left out for fields that cannot be "
            f"read, such as {MOST_UNREADABLE}; got {share!r}."
        )


class DataReason(str):
    """The reason why a KPI has no value until the data is corrected or explained."""

    __slots__ = ()


class UnreadableReason(DataReason):
    """The reason why a KPI has no value because of unreadable fields."""

    __slots__ = ()


def too_many_unreadable(counted: Iterable[tuple[str, Counts]], most: float) -> UnreadableReason | None:
    """The reason if more than the share `most` of a table's records were set aside, else None.

    The reason names the field that most of them lack, and says how it can be read.
    """
    for table, counts in counted:
        shares = {name: part / whole for name, (part, whole) in counts.shares.items() if whole}
        if sum(shares.values()) > most:
            name = max(shares, key=lambda each: shares[each])
            part, whole = counts.shares[name]
            values = counts.unread[name]
            return UnreadableReason(
                f"{name} cannot be read in {part:,} of the {whole:,} {table} that it needs "
                f"({part / whole * 100:.1f} %, more than the {most * 100:g} % of most_unreadable={most:g}): "
                f"{commonest(values)}; {_way_out(name, values)}"
            )
    return None


def commonest(values: Mapping[str, int]) -> str:
    """The commonest unreadable values with their counts, as text.

    >>> commonest({"'Dead'": 2, "": 1})
    "'Dead' (2), no value (1)"
    """
    ordered = _by_count(values)
    more = f" and {len(ordered) - _MOST_WORDS:,} more" if len(ordered) > _MOST_WORDS else ""
    return ", ".join(f"{value or 'no value'} ({values[value]:,})" for value in ordered[:_MOST_WORDS]) + more


def _by_count(values: Mapping[str, int]) -> list[str]:
    return sorted(values, key=lambda value: (-values[value], value))


def _way_out(name: str, values: Mapping[str, int]) -> str:
    told = next((value for value in _by_count(values) if value), None)
    if told is None:
        return f"give each record its {name} in the source"
    if " " in told and told[0] not in "'\"(":  # a description of a value that cannot be shown
        return "correct them in the source"
    if name.rpartition(".")[2] in _SHARES and all(map(_is_percentage, filter(None, values))):
        return f'where they are percentages, say units={{"{name.rpartition(".")[2]}": "percent"}} when reading'
    return f"say when reading what they mean, values={{{name!r}: {{{told}: ...}}}}, with None for no value"


def _is_percentage(value: str) -> bool:
    """Whether a value, as Python writes it, is a number from above 0 to 100."""
    try:
        return 0 < float(value.strip("'")) <= 100
    except ValueError:
        return False
