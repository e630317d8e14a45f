"""Results without a value because every record that would count was left out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crmkpi.measuring.locations import AccountPlan

__all__ = ["all_left_out"]


def all_left_out(accounts: Iterable[AccountPlan], counts: Iterable[Sequence[int]], given: Sequence[int]) -> str | None:
    """The reason if every record of a table that would count is left out; None if the value is usable.

    `given` is the number of records in each account's table. A record without a date may belong to any period: it is
    a cause only in addition to another one, or if the whole table was left out.
    """
    for account, (used, *others), whole in zip(accounts, counts, given, strict=True):
        if used:
            continue
        left_out = account.left_out(others)
        *reasons, dateless = others
        unknown: dict[str, int] = {}
        for (reason, _), count, lacking in zip(account.reasons, reasons, account.lacking, strict=True):
            if count and lacking:
                unknown[reason] = unknown.get(reason, 0) + count
        if dateless and (unknown or sum(left_out.values()) == whole):
            unknown[account.no_date] = unknown.get(account.no_date, 0) + dateless
        if unknown:
            listed = ", ".join(f"{count:,} {reason}" for reason, count in unknown.items())
            return f"every record of {account.table} that would count is left out: {listed}"
    return None
