"""Tests that take a `backend` run on each frame library: those named by `--backends`, or all that are installed but Spark."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from .backends import BACKENDS


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        named = metafunc.config.getoption("--backends")
        usual = [
            name
            for name in BACKENDS
            if name != "pyspark" and find_spec(name.partition("-")[0]) and find_spec("pyarrow")
        ]
        metafunc.parametrize("backend", named.split(",") if named else usual)
