"""Type checkers on programs that use the library: valid calls pass, invalid ones are refused."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from inspect import Parameter, signature
from pathlib import Path
from typing import get_overloads, get_type_hints

import pytest

import crmkpi
from crmkpi.definition.calls import Calls
from crmkpi.definition.options import Options
from crmkpi.records import RECORDS

CALLS = Path(__file__).parent / "type_checkers" / "calls.py"
REFUSED = {
    number: code
    for number, line in enumerate(CALLS.read_text(encoding="utf-8").splitlines(), 1)
    for code in re.findall(r"# refused: ([\w-]+)", line)
}


def said(*command: str, folder: Path) -> str:
    """The output of a type checker, run like a user: in another folder, without the settings of this project."""
    home = Path(crmkpi.__file__).parents[1]
    installed = home.name == "site-packages"  # type checkers search it anyway, and mypy refuses it as an option
    where = {} if installed else {"MYPYPATH": str(home), "PYTHONPATH": str(home)}
    done = subprocess.run(
        [sys.executable, "-m", *command, str(CALLS)],
        cwd=folder,
        env={**os.environ, **where},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.slow
def test_mypy_takes_ordinary_calls_and_refuses_wrong_ones(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    told = said("mypy", "--strict", "--config-file=", folder=tmp_path)
    errors = re.findall(r"calls\.py:(\d+): error: .*\[([\w-]+)\]$", told, re.MULTILINE)
    assert {int(number): code for number, code in errors} == REFUSED, told


@pytest.mark.slow
def test_pyrefly_takes_ordinary_calls_and_refuses_wrong_ones(tmp_path: Path) -> None:
    pytest.importorskip("pyrefly")
    told = said("pyrefly", "check", "--output-format=min-text", folder=tmp_path)
    assert {int(number) for number in re.findall(r"ERROR .*calls\.py:(\d+):", told)} == set(REFUSED), told


def test_the_options_of_a_call_are_those_of_a_dataset_and_the_parameters_and_tables_of_the_catalogue() -> None:
    asked = {"period", "compare", "confidence", "parameters"}
    settings = {"calendar", "tz", "currency", "rates", "as_of", "most_unreadable"}
    parameters = {name for metric in crmkpi.catalogue.everything() for name in metric.parameters}
    assert set(get_type_hints(Options)) == asked | settings | parameters | set(RECORDS)


def test_a_call_names_each_option_for_completions_that_know_no_unpack() -> None:
    plain, *_ = get_overloads(Calls.__call__)
    named = {name for name, one in signature(plain).parameters.items() if one.kind is Parameter.KEYWORD_ONLY}
    assert named == set(get_type_hints(Options)) - set(RECORDS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("written", "options"),
    [
        ("ck.win_rate(", {"period=", "by=", "every=", "compare=", "as_of=", "quota="}),
        ("ck.Dataset(", {"calendar=", "currency=", "as_of="}),
        ("ck.read_csv(", {"preset=", "record="}),
    ],
)
def test_jedi_completes_calls_in_files(written: str, options: set[str]) -> None:
    jedi = pytest.importorskip("jedi")
    found = jedi.Script(f"import crmkpi as ck\n{written}").complete(2, len(written))
    assert options <= {one.name for one in found}
