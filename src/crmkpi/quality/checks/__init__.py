"""The checks, each in the file of its name; to add one, write its file and add it to the list."""

from __future__ import annotations

from crmkpi.quality.checks.amounts_in_cents import amounts_in_cents
from crmkpi.quality.checks.canceled_without_end import canceled_without_end
from crmkpi.quality.checks.closed_without_date import closed_without_date
from crmkpi.quality.checks.constant_columns import constant_columns
from crmkpi.quality.checks.dates_too_early import dates_too_early
from crmkpi.quality.checks.duplicate_ids import duplicate_ids
from crmkpi.quality.checks.duplicate_records import duplicate_records
from crmkpi.quality.checks.empty_periods import empty_periods
from crmkpi.quality.checks.empty_tables import empty_tables
from crmkpi.quality.checks.future_dates import future_dates
from crmkpi.quality.checks.inclusive_ends import inclusive_ends
from crmkpi.quality.checks.lost_deals_absent import lost_deals_absent
from crmkpi.quality.checks.missing_amounts import missing_amounts
from crmkpi.quality.checks.missing_customers import missing_customers
from crmkpi.quality.checks.missing_start_dates import missing_start_dates
from crmkpi.quality.checks.mixed_currencies import mixed_currencies
from crmkpi.quality.checks.mojibake import mojibake
from crmkpi.quality.checks.negative_amounts import negative_amounts
from crmkpi.quality.checks.negative_durations import negative_durations
from crmkpi.quality.checks.nobody_left import nobody_left
from crmkpi.quality.checks.open_past_close_date import open_past_close_date
from crmkpi.quality.checks.orphans import orphans
from crmkpi.quality.checks.overlapping_subscriptions import overlapping_subscriptions
from crmkpi.quality.checks.placeholder_words import placeholder_words
from crmkpi.quality.checks.scores_off_scale import scores_off_scale
from crmkpi.quality.checks.shared_timestamps import shared_timestamps
from crmkpi.quality.checks.unknown_words import unknown_words
from crmkpi.quality.checks.unreadable_rows import unreadable_rows
from crmkpi.quality.checks.zero_amounts import zero_amounts
from crmkpi.quality.tables import Check

__all__ = ["CHECKS"]

CHECKS: tuple[Check, ...] = (
    # rows that were not read
    empty_tables,
    unreadable_rows,
    unknown_words,
    scores_off_scale,
    lost_deals_absent,
    nobody_left,
    empty_periods,
    # duplicates, and references to missing records
    duplicate_ids,
    duplicate_records,
    overlapping_subscriptions,
    inclusive_ends,
    orphans,
    missing_customers,
    # dates
    missing_start_dates,
    closed_without_date,
    canceled_without_end,
    negative_durations,
    open_past_close_date,
    future_dates,
    dates_too_early,
    shared_timestamps,
    # money
    missing_amounts,
    zero_amounts,
    negative_amounts,
    mixed_currencies,
    amounts_in_cents,
    # words
    mojibake,
    placeholder_words,
    constant_columns,
)
