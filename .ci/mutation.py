#!/usr/bin/env python3
"""Mutation testing: change one thing in the library, and see whether a test fails.

    python .ci/mutation.py                                    300 mutants of each area
    python .ci/mutation.py measures metrics/sales --sample 0  all mutants of two areas
    python .ci/mutation.py --list                             the areas, and how many mutants each has

The report says how many mutants of each area the tests kill, and lists those that survive. A mutant that does the same
as the code is written down in .ci/equivalent.toml with the reason, and does not count. A sample is chosen by what a
mutant changes, so that it is the same in every run, and hypothesis draws the same examples.

Every mutant runs in a process of its own, forked from one that has imported all but the library, so that it costs
little more than the tests that it takes until one fails.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import os
import resource
import signal
import sys
import tomllib
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

from mutants import Mutant, Words, mutants

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
EQUIVALENT = ROOT / ".ci" / "equivalent.toml"

# What is tried first has found most; the catalogue's own tests come last, as they use everything and take longest.
EVERYTHING = (
    "tests/test_faults_of_others.py",
    "tests/test_docstrings.py",
    "tests/test_oracles.py",
    "tests/test_contract.py",
)
ENGINE = (
    "tests/engines/test_guards.py",
    "tests/engines/test_expressions_in_loops.py",
    "tests/test_measures.py",
    "tests/test_metric.py",
    "tests/test_segments.py",
    "tests/test_money.py",
    "tests/engines/test_records.py",
    *EVERYTHING,
    "tests/test_tally.py",
    "tests/test_dataset.py",
)
PERIODS = ("tests/test_periods.py", "tests/test_calendars.py", "tests/test_faults_of_others.py")
AREAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "measures": (("measures",), ("tests/test_measures.py", "tests/test_metric.py", *ENGINE)),
    "expressions": (("expressions",), ("tests/test_expressions.py", *ENGINE)),
    "metric": (("metric",), ("tests/test_metric.py", "tests/test_catalogue.py", "tests/test_testing.py", *ENGINE)),
    "plan": (("plan",), ENGINE),
    "evaluation": (("evaluation",), ("tests/test_measures.py", *ENGINE)),
    "measurement": (("measurement",), ("tests/test_dataset.py", "tests/test_vendors.py", *ENGINE)),
    "results": (("results",), ("tests/test_results.py", "tests/test_tally.py", "tests/display", *EVERYTHING)),
    "periods": (("periods", "period_texts", "spans"), PERIODS),
    "intervals": (("intervals",), ("tests/test_intervals.py",)),
    "engines/query": (("engines/query",), ENGINE),
    "engines/code": (("engines/code",), ENGINE),
    "engines/loops": (("engines/loops",), ENGINE),
    "engines/records": (("engines/records",), ENGINE),
    "engines/rows": (("engines/rows",), ENGINE),
}
# What this process has imported pytest cannot rewrite for plainer messages, and says so.
OPTIONS = (
    *("-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)
THEMES = ("marketing", "sales", "customers", "value", "service", "experience")
METRIC_TESTS = ("tests/test_catalogue.py", "tests/test_vendors.py", "tests/test_faults_of_others.py")


@dataclass(frozen=True)
class Facts:
    """What only the imported library knows: words for `mutants`, and which KPIs a module of metrics defines."""

    words: dict[str, Words]
    metrics: dict[str, list[str]]


def facts() -> Facts:
    """Import the library and ask it; only in a process that ends afterwards."""
    from typing import get_args  # noqa: PLC0415

    from crmkpi.catalogue import catalogue  # noqa: PLC0415
    from crmkpi.measures import Aggregate, Shift, Table  # noqa: PLC0415
    from crmkpi.metric import Better, Unit  # noqa: PLC0415
    from crmkpi.records import RECORDS  # noqa: PLC0415
    from crmkpi.records.base import record_type  # noqa: PLC0415

    types = [record_type(record) for record in RECORDS.values()]
    choices = [field.choices for type_ in types for field in type_.fields.values() if field.choices]
    choices += [get_args(kind) for kind in (Unit, Better, Aggregate, Shift)]
    words = {}
    for name in (name for names in areas().values() for name in names):
        tables = {key: value for key, value in vars(import_module(name)).items() if isinstance(value, Table)}
        words[name] = Words({key: _swaps(table.record_type_.fields) for key, table in tables.items()}, choices)
    metrics: dict[str, list[str]] = {}
    for known in catalogue.everything():
        metrics.setdefault(known.function.__module__, []).append(known.id)
    return Facts(words, metrics)


def _swaps(fields: dict[str, Any]) -> dict[str, str]:
    """Another field of the same kind for each field of a record that has one."""
    swaps = {}
    for name, field in fields.items():
        alike = [other for other, known in fields.items() if known.kind == field.kind]
        if len(alike) > 1:
            swaps[name] = alike[(alike.index(name) + 1) % len(alike)]
    return swaps


def in_a_child(work: Callable[[], Any]) -> Any:
    """What `work` gives, without a trace of what it has imported here."""
    import multiprocessing  # noqa: PLC0415

    context = multiprocessing.get_context("fork")
    reading, writing = context.Pipe(duplex=False)
    process = context.Process(target=lambda: writing.send(work()))
    process.start()
    writing.close()
    found = reading.recv()
    process.join()
    return found


def areas() -> dict[str, list[str]]:
    """The modules of each area."""
    found = {area: [f"crmkpi.{name.replace('/', '.')}" for name in names] for area, (names, _) in AREAS.items()}
    for theme in THEMES:
        files = sorted((SOURCE / "crmkpi" / "metrics" / theme).glob("*.py"))
        found[f"metrics/{theme}"] = [f"crmkpi.metrics.{theme}.{file.stem}" for file in files if file.stem != "__init__"]
    return found


def tree_of(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse((SOURCE / f"{module.replace('.', '/')}.py").read_text("utf-8"))


def tests_of(area: str, module: str, known: Facts) -> list[str]:
    """The tests that ought to kill the mutants of a module; of a KPI those that name it."""
    if area in AREAS:
        return list(AREAS[area][1])
    users = {module}
    for other in known.metrics:  # definitions are also made of the words of other modules
        if any(isinstance(part, ast.ImportFrom) and part.module in users for part in ast.walk(tree_of(other))):
            users.add(other)
    names = [name for user in known.metrics if user in users for name in known.metrics[user]]
    return [
        *(f"tests/test_docstrings.py::test_the_examples_of_a_kpi_give_what_they_say[{name}]" for name in names),
        "tests/test_oracles.py::test_every_definition_has_an_oracle_and_every_oracle_a_definition",
        *METRIC_TESTS,
        *(
            f"tests/test_oracles.py::test_the_same_number_as_sql_over_the_whole_data_and_by_month[{name}]"
            for name in names
        ),
        *(
            f"tests/test_contract.py::test_every_metric_of_the_catalogue_and_its_variants_obey_the_laws[{name}]"
            for name in names
            if "." not in name
        ),
    ]


def start(module: str, tree: ast.Module | None, tests: list[str], seconds: int) -> int:
    """Run the tests in a process of its own, which sees `tree` for the module; gives its number."""
    process = os.fork()
    if process:
        return process
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_AS, (6 << 30, 6 << 30))
        signal.alarm(10 * seconds)  # for a mutant that waits for ever
        if tree is not None:
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            put_into_place(module, tree)
        import pytest  # noqa: PLC0415

        code = pytest.main([*OPTIONS, *tests])
        sys.stdout.flush()
        os._exit(code)
    except BaseException:  # noqa: BLE001  # whatever it is, the mutant has not passed
        traceback.print_exc()
        os._exit(70)


def put_into_place(module: str, tree: ast.Module) -> None:
    """Have the module imported from the tree."""
    usual = importlib.machinery.SourceFileLoader.get_code
    code = compile(ast.fix_missing_locations(tree), str(SOURCE / f"{module.replace('.', '/')}.py"), "exec")

    def get_code(self: Any, name: str) -> Any:
        return code if name == module else usual(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def outcomes(found: Iterable[tuple[Mutant, ast.Module, list[str]]], jobs: int, seconds: int) -> Iterator[Any]:
    """Each mutant with whether it survived, as its tests end."""
    waiting, running = iter(found), {}
    while True:
        while len(running) < jobs and (item := next(waiting, None)) is not None:
            mutant, tree, tests = item
            before = getattr(mutant.holder, mutant.field)
            before = list(before) if isinstance(before, list) else before
            mutant.apply()
            running[start(mutant.module, tree, tests, seconds)] = mutant
            setattr(mutant.holder, mutant.field, before)
        if not running:
            return
        process, status = os.wait()
        yield running.pop(process), status == 0


def chosen(found: list[Mutant], sample: int, seed: int) -> list[Mutant]:
    """A sample that depends on what the mutants change and on nothing else."""
    ordered = sorted(found, key=lambda one: sha256(f"{seed} {one.module} {one.key}".encode()).digest())
    return ordered[: sample or None]


def report(rows: list[tuple[str, int, int, int, list[Mutant]]]) -> str:
    """The score of each area, and what survived."""
    from crmkpi.intervals import wilson  # noqa: PLC0415  # the tests have been run by now

    lines = [
        "| area | mutants | equivalent | tried | killed | score | 95 % interval |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    total = (
        "all",
        *(sum(row[number] for row in rows) for number in (1, 2, 3)),
        [one for row in rows for one in row[4]],
    )
    for area, count, equivalent, tried, survivors in [*rows, total]:
        killed = tried - len(survivors)
        low, high = wilson(killed, tried) or (0, 1)
        score = f"{killed / tried:.1%} | {low:.1%} to {high:.1%}" if tried else " | "
        lines.append(f"| {area} | {count} | {equivalent} | {tried} | {killed} | {score} |")
    lines += ["", f"{len(total[4])} survived.", ""]
    lines += [
        f"- {one.module}:{one.line} `{one.key}`" for one in sorted(total[4], key=lambda one: (one.module, one.line))
    ]
    return "\n".join(lines)


def main() -> int:
    """Run what is asked for; 1 where the score is below `--at-least`."""
    parser = argparse.ArgumentParser(description="Mutation testing: see CONTRIBUTING.md.")
    parser.add_argument("areas", nargs="*", help="areas such as measures or metrics/sales; all if none is given")
    parser.add_argument("--sample", type=int, default=300, help="at most so many mutants of each area, 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument("--only", default="", help="only mutants whose module or change has this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--seconds", type=int, default=120, help="processor time after which a mutant counts as killed")
    parser.add_argument("--at-least", type=float, default=0, help="the score below which the command fails, in percent")
    parser.add_argument("--output", type=Path, help="a file for the report")
    parser.add_argument("--list", action="store_true", help="list the areas and how many mutants each has")
    asked = parser.parse_args()

    os.chdir(ROOT)
    os.environ["CI"] = "1"  # hypothesis then draws the same examples every time
    sys.path.insert(0, str(SOURCE))
    import duckdb, hypothesis, pydantic, pytest, scipy.stats  # noqa: E401, F401, PLC0415  # once, before any fork

    known, modules = in_a_child(facts), areas()
    unknown = set(asked.areas) - set(modules)
    if unknown:
        parser.error(f"there is no area {', '.join(unknown)}; there are {', '.join(modules)}")
    same = tomllib.loads(EQUIVALENT.read_text("utf-8")) if EQUIVALENT.exists() else {}
    rows = []
    for area in asked.areas or modules:
        trees = {module: tree_of(module) for module in modules[area]}
        every = [one for module, tree in trees.items() for one in mutants(module, tree, known.words[module])]
        stale = {f"{name} {key}" for name in trees for key in same.get(name, {})} - {
            f"{m.module} {m.key}" for m in every
        }
        if stale:
            sys.exit(f"{EQUIVALENT.name} speaks of mutants that there are not: {sorted(stale)}")
        counting = [one for one in every if one.key not in same.get(one.module, {})]
        if asked.list:
            print(f"{area}: {len(every)}")
            continue
        sample = chosen([one for one in counting if asked.only in f"{one.module} {one.key}"], asked.sample, asked.seed)
        tests = {module: tests_of(area, module, known) for module in {one.module for one in sample}}
        for module, listed in tests.items():
            os.waitpid(pid := start(module, None, listed, 600), 0)[1] and sys.exit(f"Tests of {module} fail ({pid}).")
        survivors = []
        work = ((one, trees[one.module], tests[one.module]) for one in sample)
        for number, (mutant, survived) in enumerate(outcomes(work, asked.jobs, asked.seconds), 1):
            if survived:
                survivors.append(mutant)
                print(f"{number}/{len(sample)} {mutant.module}:{mutant.line} {mutant.key}", flush=True)
        rows.append((area, len(every), len(every) - len(counting), len(sample), survivors))
    if asked.list:
        return 0
    text = report(rows)
    print(f"\n{text}")
    if asked.output is not None:
        asked.output.write_text(text + "\n", "utf-8")
    tried = sum(row[3] for row in rows)
    score = 100 * (1 - sum(len(row[4]) for row in rows) / tried) if tried else 100
    return int(score < asked.at_least)


if __name__ == "__main__":
    sys.exit(main())
