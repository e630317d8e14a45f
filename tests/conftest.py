"""Hypothesis profiles for all tests: few examples by default, the same ones in CI; `pytest --exhaustive` tries many."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "quick",
    max_examples=30,
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("exhaustive", settings.get_profile("quick"), max_examples=2_000, derandomize=False)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="try many generated examples instead of few")
    parser.addoption(
        "--backends", default="", help="frame libraries, such as polars,pyspark; else those installed but Spark"
    )


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("exhaustive" if config.getoption("--exhaustive") else "quick")


@pytest.fixture(scope="session")
def examples(request: pytest.FixtureRequest) -> int:
    """How many datasets a contract is checked on."""
    return 1_000 if request.config.getoption("--exhaustive") else 25
