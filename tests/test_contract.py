from __future__ import annotations

import pytest

import crmkpi as ck
from crmkpi.testing import check_metric


@pytest.mark.parametrize("metric", list(ck.catalogue), ids=lambda metric: metric.id)
def test_every_metric_of_the_catalogue_and_its_variants_obey_the_laws(metric: ck.Metric, examples: int) -> None:
    check_metric(metric, examples=examples)


@pytest.mark.slow
@pytest.mark.parametrize("metric", list(ck.catalogue), ids=lambda metric: metric.id)
def test_they_obey_them_on_many_datasets(metric: ck.Metric) -> None:
    check_metric(metric, examples=25, seed=1)
