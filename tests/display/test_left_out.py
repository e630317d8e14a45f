"""Descriptions of left-out records."""

from __future__ import annotations

from random import Random

import pytest

from crmkpi import average_deal_size, catalogue, first_response_time, resolution_time, stage_conversion_rate
from crmkpi.display.left_out import left_out_in_words
from crmkpi.measuring.so_far import AFTER_AS_OF
from crmkpi.testing.examples import parameters_of
from crmkpi.testing.laws import takes_period
from crmkpi.testing.pools import random_dataset


@pytest.mark.one_of(3)
@pytest.mark.parametrize("name", [metric.id for metric in catalogue.everything()])
def test_every_reason_that_occurs_in_random_data_is_told(name):
    metric, random = catalogue.find(name), Random(name)
    periods = [None, "2026-Q1", "2026"] if takes_period(metric) else [None]
    found = set()
    for number in range(15):
        data, period = random_dataset(metric, random), periods[number % len(periods)]
        found |= set(metric(data, period=period, **parameters_of(metric)).left_out)
    # Records after `as_of` are left out of every KPI, whatever its definition.
    assert found - {AFTER_AS_OF} <= set(left_out_in_words(metric))


def test_a_reason_of_the_definition_is_not_told_twice():
    assert list(left_out_in_words(average_deal_size)) == ["deleted", "no amount", "refund", "no closed_at"]


def test_a_duration_that_goes_backwards_is_said_with_its_two_times():
    told = left_out_in_words(first_response_time)
    assert told["negative duration"] == "first replied at is before created at"
    assert told["no reply yet"] == "first replied at is missing"
    assert "no first_replied_at" not in told


def test_a_reason_that_covers_only_some_of_the_records_leaves_the_others_to_be_told():
    told = left_out_in_words(resolution_time.variant("by_created"))
    assert told["not solved yet"] == "solved at is missing and (status is open or pending)"
    assert told["no solved_at"] == "(status is solved or closed or status is missing) and solved at is missing"


def test_a_missing_key_is_told():
    assert left_out_in_words(stage_conversion_rate)["no deal_id"].endswith("deal id is missing")
