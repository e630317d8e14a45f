"""Run the pages' Python examples as doctests, each page in a folder with the files that it uses."""

import os
import runpy
import shutil
from pathlib import Path

import pytest

from crmkpi.demo import run

HERE = Path(__file__).parent
SERVERS = HERE.parent / "tests" / "engines" / "servers.py"
# Pages that `python .ci/pages.py` writes: their examples are those of docstrings, which run where they stand.
collect_ignore = ["api", "catalogue", "presets", "reference.md"]


@pytest.fixture(scope="session")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample company's files, created once."""
    folder = tmp_path_factory.mktemp("demo") / "crmkpi-demo"
    run(folder)
    return folder


@pytest.fixture(autouse=True)
def _page_folder(
    demo_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    doctest_namespace: dict[str, object],
) -> None:
    if request.path.name == "frames.md":
        for library in ("polars", "duckdb"):
            pytest.importorskip(library, reason=f"{library} is not installed")
    if request.path.name == "what_is_a_customer_worth.md":
        data = os.environ.get("CRMKPI_REAL_DATA")
        if not data:
            pytest.skip("The page reads orders that are not ours: CRMKPI_REAL_DATA names no folder of public data.")
        shutil.copy(Path(data) / "cdnow" / "CDNOW_master.txt", tmp_path)
    if request.path.parent.name == "databases":
        pytest.importorskip("sqlalchemy", reason="SQLAlchemy is not installed")
        if request.path.name in ("postgresql.md", "warehouse.md"):
            doctest_namespace["url"] = runpy.run_path(str(SERVERS))["postgresql"]()
        if request.path.name == "clickhouse.md":
            pytest.importorskip("chdb", reason="chdb is not installed")
    shutil.copytree(demo_folder, tmp_path / "crmkpi-demo")
    shutil.copy(HERE / "opportunities.csv", tmp_path)
    shutil.copytree(HERE / "samples", tmp_path / "samples")
    monkeypatch.chdir(tmp_path)
