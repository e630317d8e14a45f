"""The CI steps, one session each: `nox --list` lists them, `nox -s style types` runs two.

Sessions that check the code run in the environment that nox itself is in, `pip install --editable ".[dev]"`; the others
create their own. `.ci/run` runs the README's commands in a clean copy, and then all of these.
"""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from shutil import which

import nox

ROOT = Path(__file__).parent
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
UNCONSTRAINED = {"PIP_CONSTRAINT": ""}  # .ci/run pins versions, and these environments need others

ENGINES = (".[testing,pandas,duckdb,sql]", "pytest", "pytest-xdist", "scipy", "sqlglot", "tzdata")  # for their tests

EIGHT = (
    *("win_rate", "revenue", "mrr", "first_response_time", "net_promoter_score"),
    *("email_open_rate", "handle_time", "churn_rate"),
)
# Tests of every KPI on every library: each takes many minutes.
EVERYTHING = ("change_no_result", "gives_the_same_result", "gives_the_same_value", "every_definition_sets_aside")
OF_EIGHT = " or ".join(f"-{name}]" for name in EIGHT)
SMALL = f"not ({' or '.join(EVERYTHING)}) or {OF_EIGHT} or its_turn"

nox.needs_version = ">=2024.4"
nox.options.error_on_external_run = False
nox.options.sessions = [
    *("style", "types", "doctests", "slow", "coverage", "mutants", "site", "rivals", "oldest", "newest"),
    *("spark", "databases", "clickhouse", "browser", "wheel"),
]


@nox.session(venv_backend="none")
def coverage(session: nox.Session) -> None:
    """Line coverage of a fifth of the tests: at least the share in pyproject.toml, which may only rise.

    Tracing more than doubles the time on Python 3.11, so only a sample runs; `nox -s coverage -- --sample 1` runs all.
    """
    session.run("pytest", "-q", "-n", "auto", "--cov", "--sample", "5", *session.posargs)


@nox.session(venv_backend="none")
def slow(session: nox.Session) -> None:
    """The tests that the README's command skips; property-based tests run again, with more examples.

    Tests of every KPI on every library run for eight KPIs on each library, and for the others on one;
    `nox -s slow -- -k ""` runs them for all KPIs.
    """
    chosen = session.posargs or ("-k", SMALL)
    session.run("pytest", "-q", "-n", "auto", "--slow", "-m", "slow or hypothesis", *chosen)


@nox.session(venv_backend="none")
def doctests(session: nox.Session) -> None:
    """The docstring examples of the modules, with the hypothesis settings of the tests."""
    session.run("pytest", "-q", "-n", "auto", "--doctest-modules", "src/crmkpi", "tests/conftest.py")


@nox.session(venv_backend="none")
def style(session: nox.Session) -> None:
    """The linter, the formatter and the spelling."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell", "src", "docs", ".ci", "README.md", "CONTRIBUTING.md", "CHANGELOG.md")


@nox.session(venv_backend="none")
def types(session: nox.Session) -> None:
    """Two type checkers."""
    session.run("mypy")
    session.run("pyrefly", "check")


@nox.session(venv_backend="none")
def mutants(session: nox.Session) -> None:
    """Mutation tests of a small sample of one area; `nox -s mutants -- AREA` runs another."""
    asked = session.posargs or ("statistics/intervals", "--sample", "4", "--at-least", "75")
    session.run("python", ".ci/mutation.py", "--list", silent=True)  # fails if an equivalent mutant no longer exists
    session.run("python", ".ci/mutation.py", *asked)


@nox.session
def mutmut(session: nox.Session) -> None:
    """All mutants of the intervals, by mutmut; `mutmut results` in this folder lists the survivors.

    `nox -s mutmut -- "crmkpi.statistics.intervals.x_wilson*"` runs those of one function.
    """
    session.install(".[dev]", "mutmut>=3.8")
    session.run("mutmut", "run", *session.posargs)


@nox.session
def site(session: nox.Session) -> None:
    """The documentation site, with the pages that are generated from the code."""
    session.install(".[docs]")
    session.run("python", ".ci/pages.py")
    session.run("zensical", "build", "--strict")
    session.run("python", ".ci/site.py")


@nox.session
def rivals(session: nox.Session) -> None:
    """Agreement with lifetimes and lifelines, which do not support the newest pandas, and with tea-tasting."""
    try:
        session.install(
            *(
                "--only-binary",
                "numpy,pandas,scipy,matplotlib",
                ".[rivals,experiments]",
                "pytest",
                "hypothesis",
                "polars",
            ),
            env=UNCONSTRAINED,
        )
    except nox.command.CommandFailed:
        session.skip(f"lifetimes and lifelines do not install on Python {sys.version}")
    tests = ("clv/test_against_rivals.py", "clv/test_robustness.py", "insight/test_against_lifelines.py")
    tests += ("real/test_insight.py", "insight/test_groups.py")  # for tea-tasting
    session.run("pytest", "-q", *(f"tests/{name}" for name in tests))


@nox.session
def oldest(session: nox.Session) -> None:
    """Frames with the oldest supported version of each library."""
    promised = {
        entry.replace(">=", "==") for name in ("pandas", "polars", "duckdb", "frames") for entry in EXTRAS[name]
    }
    try:
        session.install("--only-binary", ":all:", *sorted(promised), "numpy<2", env=UNCONSTRAINED)
    except nox.command.CommandFailed:
        session.skip(f"there are no builds of {', '.join(sorted(promised))} for Python {sys.version}")
    session.install(".", "pytest", "hypothesis", "pytest-xdist", "tzdata", env=UNCONSTRAINED)
    # DuckDB extensions are packages for one DuckDB version each; there are none for newer versions yet.
    beside = ("duckdb-extension-postgres-scanner==1.5.0", "sqlalchemy>=2", "psycopg[binary]")
    try:
        session.install(*beside, env=UNCONSTRAINED)
    except nox.command.CommandFailed:
        session.log(f"there are no builds of {', '.join(beside)}")
    else:
        session.run("pytest", "-q", "-rs", "--slow", "tests/engines/test_databases.py", "-k", "duckdb_attaches")
    # The whole catalogue once; the newest versions run it three times. DuckDB 1.5 still answers for a
    # relation whose connection is closed, so that test needs a newer version.
    left_out = "not a_frame_gives and not closed_connection and not (sample_company and not quarters)"
    tests = [f"tests/engines/test_frames{part}.py" for part in ("", "_bad_input", "_columns")]
    session.run("pytest", "-q", "-n", "auto", "--slow", *tests, "-k", left_out)


@nox.session
def newest(session: nox.Session) -> None:
    """A small run with the newest version of every dependency, which `.ci/constraints.txt` may not have yet."""
    session.install("--upgrade", ".[dev]", env=UNCONSTRAINED)
    tests = ("engines/test_frames_columns.py", "engines/test_homes.py", "display", "records", "test_by_hand.py")
    session.run("pytest", "-q", "-n", "auto", *(f"tests/{name}" for name in tests))


@nox.session
def spark(session: nox.Session) -> None:
    """Spark, and the refused libraries."""
    if which("java") is None:
        session.skip("java is not installed")
    refused = ("dask[dataframe]", "ibis-framework", "pyarrow-hotfix")
    session.install(".[spark]", *ENGINES, *refused, env=UNCONSTRAINED)
    session.run("pytest", "-q", "--backends=pyspark", "tests/engines/test_spark.py")
    session.run("pytest", "-q", "--slow", "-k", "spark_gives", "tests/engines/test_warehouses.py")
    # Importing Ibis emits a warning about pandas.
    session.run("pytest", "-q", "-W", "default", "tests/engines/test_frames_columns.py", "-k", "dask or ibis")


@nox.session(venv_backend="none")
def databases(session: nox.Session) -> None:
    """Databases on servers that the tests start, against records: every KPI on edge cases and the sample company."""
    tests = [f"tests/engines/{name}.py" for name in ("test_frames", "test_homes")]
    chosen = ("--slow", "-k", "test_homes or whole_catalogue or same_value")
    session.run("pytest", "-q", "-n", "auto", "--backends=postgresql,mariadb,sqlite", *chosen, *tests)
    session.run("pytest", "-q", "-rs", "tests/engines/test_databases.py", "tests/engines/test_mariadb_databases.py")
    session.run("pytest", "-q", "-n", "auto", "--slow", "-k", "not clickhouse", "tests/engines/test_check_database.py")


@nox.session
def clickhouse(session: nox.Session) -> None:
    """ClickHouse in process, against records, with edge cases for eight KPIs; it has wheels for Linux and macOS."""
    if sys.platform == "win32":
        session.skip("there is no chdb for Windows")
    session.install(".[clickhouse]", *ENGINES)
    tests = [f"tests/engines/{name}.py" for name in ("test_frames", "test_homes")]
    chosen = ("--slow", "-k", f"test_homes or whole_catalogue or same_value and ({OF_EIGHT})")
    session.run("pytest", "-q", "-n", "auto", "--backends=clickhouse", *chosen, *tests)
    session.run("pytest", "-q", "-n", "auto", "--slow", "tests/engines/test_clickhouse_databases.py")
    beside = ("check_database", "traps", "databases_that_move", "acceptance_of_databases", "statement_text")
    beside += ("settings_of_databases", "wrong_uses_of_databases", "laws_of_databases")
    files = [f"tests/engines/test_{name}.py" for name in beside]
    session.run("pytest", "-q", "--slow", "-k", "clickhouse", *files)
    session.run("pytest", "-q", "docs/databases/clickhouse.md")


@nox.session
def browser(session: nox.Session) -> None:
    """The HTML page in a real browser, checked by axe. Installs Chromium if it is missing and can be installed."""
    if which("chromium") is None and which("apt-get") and os.geteuid() == 0:
        session.run("apt-get", "update", "--quiet", external=True)
        session.run("apt-get", "install", "--yes", "--quiet", "chromium", external=True, success_codes=[0, 100])
    if not any(map(which, ("chromium", "chromium-browser", "google-chrome"))):
        session.skip("there is no Chromium")
    session.install(".[testing,plot,browser]", "pytest")
    session.run("pytest", "-q", "--slow", "tests/display/test_page_in_browser.py")


@nox.session
def wheel(session: nox.Session) -> None:
    """The wheel in an empty environment."""
    folder = session.create_tmp()
    session.run("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ".")
    (built,) = Path(folder).glob("crmkpi-*.whl")
    session.install("--force-reinstall", str(built), env=UNCONSTRAINED)
    session.chdir(folder)
    session.run("pip", "list")
    told = 'import crmkpi; print("crmkpi", crmkpi.__version__, "with", len(crmkpi.catalogue), "KPIs")'
    session.run("python", "-c", told, env={"PYTHONPATH": ""})
    session.run("crmkpi", "list", env={"PYTHONPATH": ""})
