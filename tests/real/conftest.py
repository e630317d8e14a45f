"""Published figures of public data sets, read from the folder that CRMKPI_REAL_DATA names.

Beside the data lies one file `<data set>.expected.json` for each data set: figures that others computed, each with its
definition. No number of them is repeated here. A test module names its data set in `DATA_SET` and says in three tables
how each figure comes about: `CATALOGUE` with the library's metrics, `CUSTOM` with metrics that a user writes,
`NOT_COVERED` why not at all.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import md5
from pathlib import Path
from typing import Any

import pytest

from crmkpi.measuring.results import Report, Result

VARIABLE = "CRMKPI_REAL_DATA"
NOT_RUN = (
    f"The public data sets were not read. Set {VARIABLE} to the folder that holds them and run `pytest tests/real`, "
    "as CI does."
)
_HERE = Path(__file__).parent
_TIME_UNITS: Mapping[str, Any] = {"days": "days", "hours": "hours", "business hours": "hours"}
_CENTS = -2


def _folder() -> Path | None:
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    if not Path(named).is_dir():
        raise pytest.UsageError(f"{VARIABLE} must name the folder that holds the public data sets; got {named!r}.")
    return Path(named)


@dataclass(frozen=True, slots=True)
class Check:
    """One published figure: a number, or numbers by segment or period."""

    id: str
    definition: str
    unit: str
    value: Any
    totals: Mapping[str, Any] = field(default_factory=dict)

    def confirm(self, found: Any) -> None:
        """Fail unless `found` is the figure: a Result, a Report, or plain values by label."""
        _compare(self.value, _plain(found, self.unit), self.id)
        if isinstance(found, Result):
            shown = [*found.inputs.values(), found.n]
            if len(found.inputs) > 1 or "numerator" not in self.totals:
                for name, total in self.totals.items():
                    assert total in shown, f"{self.id}: the {name} {total} is none of {shown}"


def _plain(found: Any, unit: str) -> Any:
    """Values by label: by segment, by period, or by period within segment."""
    if isinstance(found, Result):
        return found.to(_TIME_UNITS[unit]) if found.unit == "duration" else found.value
    if isinstance(found, Report):
        by_label: dict[str, Any] = {}
        for result in found:
            segment = ["|".join(map(str, result.segment.values()))] if result.segment else []
            period = [result.period.label] if result.period is not None else []
            *outer, inner = segment + period
            place = by_label.setdefault(outer[0], {}) if outer else by_label
            assert inner not in place, f"two results for {inner}"
            place[inner] = result
        return _plain(by_label, unit)
    if isinstance(found, Mapping):
        return {label.replace("-Q", "Q"): _plain(value, unit) for label, value in found.items()}
    return found


def _compare(expected: Any, found: Any, where: str) -> None:
    if isinstance(expected, dict):
        for label, value in expected.items():
            assert label in found, f"{where}: nothing was found for {label!r} among {list(found)}"
            _compare(value, found[label], f"{where}, {label}")
        # Labels without a figure have no value: a month without an order, the group of deals without a customer.
        unlisted = {label: value for label, value in found.items() if label not in expected and _is_something(value)}
        assert not unlisted, f"{where}: also found {unlisted}"
    elif isinstance(expected, Decimal) and not _is_exact(expected, found):
        # The figures are floating-point sums, whose last digits depend on the order of addition.
        assert math.isclose(float(expected), float(found), rel_tol=1e-12), f"{where}: {found!r} is not {expected}"
    else:
        assert found == expected, f"{where}: {found!r} is not {expected!r}"


def _is_exact(expected: Decimal, found: Any) -> bool:
    """Sums of money are exact; means of it have more digits than cents."""
    exponent = expected.as_tuple().exponent
    return isinstance(found, Decimal | None) and isinstance(exponent, int) and exponent >= _CENTS


def _is_something(value: Any) -> bool:
    return any(map(_is_something, value.values())) if isinstance(value, dict) else value not in (None, 0)


def _published(data_set: str) -> dict[str, Any]:
    folder = _folder()
    assert folder is not None, NOT_RUN
    text = (folder / f"{data_set}.expected.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text, parse_float=Decimal)
    return found


def _checks(data_set: str) -> list[Check]:
    """All figures of a data set; each number of a list, such as [mean, median], is a separate figure."""
    checks = []
    for given in _published(data_set)["checks"]:
        totals = {name: given[name] for name in ("numerator", "denominator") if name in given}
        value = given["value"]
        listed = isinstance(value, list) and not isinstance(value[0], str)
        parts = (
            {f"{given['id']}[{place}]": part for place, part in enumerate(value)} if listed else {given["id"]: value}
        )
        checks += [Check(name, given["definition"], given["unit"], part, totals) for name, part in parts.items()]
    return checks


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a `check` runs once for every figure that is not in NOT_COVERED."""
    if "check" in metafunc.fixturenames:
        module: Any = metafunc.module
        found = [] if _folder() is None else _checks(module.DATA_SET)
        wanted = [pytest.param(check, id=check.id) for check in found if check.id not in module.NOT_COVERED]
        metafunc.parametrize("check", wanted or [pytest.param(None, id="not read")])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder, and skip them without the data."""
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.real)
            if _folder() is None:
                item.add_marker(pytest.mark.skip(reason=NOT_RUN))


@pytest.fixture
def cases(folder: Path) -> dict[str, Any]:
    """The cases of the insight layer, next to the data sets."""
    found = folder.parent / "insight_oracles.json"
    if not found.exists():
        pytest.skip("there are no cases of the insight layer beside the data sets")
    return {one["name"]: one for one in json.loads(found.read_text("utf-8"))["cases"]}


@pytest.fixture(scope="session")
def folder() -> Path:
    """The folder of the data sets."""
    found = _folder()
    if found is None:
        pytest.skip(NOT_RUN)
    return found


@pytest.fixture(scope="module")
def published(request: pytest.FixtureRequest) -> list[Check]:
    """All figures of the module's data set."""
    return _checks(request.module.DATA_SET)


@pytest.fixture(scope="module")
def checksums(request: pytest.FixtureRequest, folder: Path) -> dict[str, bool]:
    """True if each file behind the figures is in the folder, byte for byte."""
    there = {md5(path.read_bytes(), usedforsecurity=False).hexdigest() for path in folder.glob("*/*") if path.is_file()}
    return {name: given["md5"] in there for name, given in _published(request.module.DATA_SET)["files"].items()}
