"""Attributes of errors for programs and notebooks, in addition to their sentence."""

from __future__ import annotations

import ast
import copy
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import crmkpi as ck
from crmkpi import errors
from crmkpi.errors import CrmKpiError, DatabaseError, InputError, MissingExtraError, UnknownNameError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CrmKpiError)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_error_has_a_code_a_status_and_details_that_outlive_copies(kind: type[CrmKpiError]) -> None:
    error = kind("No such thing.", name="x", known=("y",))
    for same in (error, copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        assert (type(same), str(same)) == (kind, "No such thing.")
        assert dict(same.details) == {"name": "x", "known": ("y",)}
    assert error.code.replace("_", "") == kind.__name__.removesuffix("Error").lower()
    known = (UnknownNameError, 404), (DatabaseError, 503), (InputError, 422), (CrmKpiError, 500)
    status = next(status for base, status in known if issubclass(kind, base))
    assert error.http_status == status


def test_a_misspelt_kpi_names_itself_and_the_known_ones_in_its_details() -> None:
    with pytest.raises(UnknownNameError) as caught:
        ck.Dataset(deals=[]).measure("winrate_")
    assert caught.value.details["name"] == "winrate_"
    assert "win_rate" in list(caught.value.details["known"])  # type: ignore[call-overload]


def test_an_uncaught_error_in_a_notebook_is_the_line_of_the_user_and_the_sentence() -> None:
    try:
        ck.Dataset(deal=[])  # type: ignore[call-arg]
    except CrmKpiError as error:
        shown = error._render_traceback_()  # IPython's name for it
    place, line, sentence = shown
    assert place.startswith(f"{__file__}, line ")
    assert line.startswith("    ck.Dataset(deal=[])")
    assert sentence == "UnknownNameError: A dataset has no table 'deal'. Did you mean 'deals'?"


def test_a_missing_extra_is_told_as_shortly() -> None:
    assert MissingExtraError("Install it.")._render_traceback_() == ["MissingExtraError: Install it."]


def test_ipython_shows_the_cell_and_the_sentence_and_no_inner_frames(tmp_path: Path) -> None:
    script = tmp_path / "cell.ipy"
    script.write_text("import crmkpi as ck\nck.Dataset(deal=[])\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", str(script)],
        capture_output=True, check=False, text=True, env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )  # fmt: skip
    told = ran.stdout + ran.stderr
    assert "UnknownNameError: A dataset has no table 'deal'. Did you mean 'deals'?" in told
    assert "dataset.py" not in told


def suggestions() -> Iterator[tuple[str, str, str]]:
    """Each sentence before a suggestion of known names in the library: its location, and both as source."""
    for path in sorted(Path(ck.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "unknown_name" and len(node.args) > 2:
                yield f"{path.name}:{node.lineno}", ast.unparse(node.args[0]), ast.unparse(node.args[2])


def test_a_sentence_does_not_list_the_known_names_that_its_suggestion_lists() -> None:
    found = list(suggestions())
    assert len(found) > 30
    listed = re.compile(r"'\w+'(, '\w+')* or '\w+'")
    twice = [place for place, sentence, known in found if f".join({known})" in sentence or listed.search(sentence)]
    assert twice == []
