from __future__ import annotations

import pytest

import crmkpi as ck
from crmkpi.testing import check_metric


@pytest.mark.parametrize("metric", list(ck.catalogue), ids=lambda metric: metric.id)
def test_every_metric_of_the_catalogue_and_its_variants_obey_the_laws(metric: ck.Metric, examples: int) -> None:
    check_metric(metric, examples=examples)
