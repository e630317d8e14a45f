"""The tables that definitions measure: `deals.closed_at` is a field of `Deal`. Each is created at its first import."""

from crmkpi.definition.measures import Table
from crmkpi.records import RECORDS

__all__ = sorted(RECORDS)  # noqa: PLE0605  # a list, though not a literal one


def __getattr__(name: str) -> Table:
    if name not in RECORDS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = table = Table(RECORDS[name])
    return table
