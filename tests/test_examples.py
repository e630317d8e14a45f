"""The examples run on the sample company and print the contents of examples/expected.

After an intended change, `python tests/test_examples.py` writes the expected outputs again; review the diff.
"""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest

from crmkpi import Tally
from crmkpi.demo import run
from crmkpi.errors import InputError

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
EXPECTED = EXAMPLES / "expected"
BASH = shutil.which("bash")
needs_bash = pytest.mark.skipif(BASH is None, reason="the example is a script for bash, which is not installed")


def expected(name: str) -> str:
    return (EXPECTED / f"{name}.txt").read_text(encoding="utf-8")


def prepare(folder: Path) -> None:
    """The sample company's files, and the command `crmkpi` of this checkout."""
    with redirect_stdout(io.StringIO()):
        run(folder / "crmkpi-demo")
    (folder / "bin").mkdir()
    command = folder / "bin" / "crmkpi"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m crmkpi "$@"\n', encoding="utf-8")
    command.chmod(0o755)


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("examples")
    prepare(made)
    return made


def finished(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A command that ran in a folder."""
    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT / "src"), "PYTHONUTF8": "1"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False)


def analyst(folder: Path) -> subprocess.CompletedProcess[str]:
    return finished([sys.executable, "-W", "error", str(EXAMPLES / "analyst.py")], folder)


def nightly(folder: Path) -> subprocess.CompletedProcess[str]:
    return finished([str(BASH), str(EXAMPLES / "nightly.sh")], folder)


def example(name: str) -> Any:
    """An example as a module."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def conversation(app: Any, script: str) -> str:
    """The service's responses to the requests of a script, in the script's format: request, status, response."""
    parts = []
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as client:
        for part in script.strip().split("\n\n"):
            request, _, rest = part.partition("\n")
            method, url = request.split()
            body, after = json.JSONDecoder().raw_decode(rest) if method == "POST" else (None, 0)
            answer = await client.request(method, url, json=body)
            lines = [request, *rest[:after].splitlines(), str(answer.status_code)]
            parts.append("\n".join([*lines, json.dumps(answer.json(), indent=2, ensure_ascii=False)]))
    return "\n\n".join(parts) + "\n"


@pytest.mark.slow
def test_the_analysts_script_prints_what_is_expected_and_writes_a_page(folder: Path) -> None:
    done = analyst(folder)
    assert (done.stdout, done.stderr) == (expected("analyst"), "")
    assert "Win rate" in (folder / "quarter.html").read_text(encoding="utf-8")


def test_the_service_answers_what_is_expected() -> None:
    assert asyncio.run(conversation(example("service").create_app(), expected("service"))) == expected("service")


DEALS = [
    {"id": "D1", "status": "won", "owner": "Ada", "amount": "1200.50", "closed_at": "2026-01-20T10:00:00+01:00"},
    {"id": "D2", "status": "lost", "owner": "Ada", "amount": "800", "closed_at": "2026-02-11T09:30:00+01:00"},
    {"id": "D3", "status": "won", "owner": "Bo", "amount": "640", "closed_at": "2026-03-31T23:30:00+02:00"},
    {"id": "D4", "status": "won", "owner": "Ada", "amount": "99.99", "closed_at": "2026-04-01T00:00:00+02:00"},
]


def test_the_counter_goes_on_after_a_restart_as_if_there_had_been_none(tmp_path: Path) -> None:
    async def told(*parts: list[dict[str, Any]]) -> Any:
        """The scorecard after each part is sent to a new process of the service."""
        file = tmp_path / f"{len(parts)}.json"
        for part in parts:
            app = example("counter").create_app(file)
            async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://counter") as client:
                assert (await client.post("/closed-deals", json=part)).json()["received"] == len(part)
                answer = (await client.get("/scorecard")).json()
        return answer

    once, twice = asyncio.run(told(DEALS)), asyncio.run(told(DEALS[:2], DEALS[2:]))
    assert once == twice
    first = next(row for row in twice if (row["metric"], row["period"], row["owner"]) == ("win_rate", "2026-Q1", "Ada"))
    assert (first["value"], first["n"]) == (0.5, 2)


def test_the_counter_refuses_a_state_of_other_definitions(tmp_path: Path) -> None:
    file = tmp_path / "tally.json"
    file.write_text(Tally("win_rate").to_json(), encoding="utf-8")
    with pytest.raises(InputError, match="stored tally has other definitions or settings"):
        example("counter").create_app(file)


@pytest.mark.slow
@needs_bash
def test_the_nightly_script_prints_what_is_expected_and_writes_the_same_kpis_as_json(folder: Path) -> None:
    done = nightly(folder)
    assert (done.stdout, done.stderr, done.returncode) == (expected("nightly"), "", 0)
    rows = json.loads((folder / "reports" / "kpis.json").read_text(encoding="utf-8"))
    assert rows
    assert all(f"`{row['metric']}`" in done.stdout for row in rows)


@pytest.mark.slow
@needs_bash
def test_the_nightly_script_ends_with_1_and_the_reason_when_the_data_cannot_be_used(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "crmkpi-demo" / "deals.csv").write_text("id,stage\nD1,won\n", encoding="utf-8")
    done = nightly(tmp_path)
    assert done.returncode == 1
    assert "has no column for 'status'" in done.stderr


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        prepare(Path(made))
        for name, output in (
            ("analyst", analyst(Path(made)).stdout),
            ("nightly", nightly(Path(made)).stdout),
            ("service", asyncio.run(conversation(example("service").create_app(), expected("service")))),
        ):
            (EXPECTED / f"{name}.txt").write_text(output, encoding="utf-8")
