"""Mutation testing: change one thing in the library, and check whether a test fails.

    python .ci/mutation.py                                        300 mutants of each area
    python .ci/mutation.py dates/periods metrics/sales --sample 0  all mutants of two areas
    python .ci/mutation.py --list                                 the areas, and the number of mutants of each

The report has the mutation score of each area and lists the survivors. Equivalent mutants are in .ci/equivalent.toml
with the reason, and do not count. A sample is chosen by a hash of the mutant, so that it is the same in every run, and
hypothesis draws the same examples.

Every mutant runs in a process of its own. A mutant in a function is forked from a process that has collected the tests
(see nursery.py), all others from one that has imported everything except the library, so that a mutant costs little
more than its tests until one fails.
"""

from __future__ import annotations

import argparse
import ast
import importlib.machinery
import os
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib import import_module
from itertools import groupby
from pathlib import Path
from types import CodeType
from typing import Any

from mutants import Mutant, Words, mutants
from nursery import NEW_IMPORT, Nursery, Quick, in_a_child, limit

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src"
EQUIVALENT = ROOT / ".ci" / "equivalent.toml"

METHODS = "tests/test_oracles.py::test_the_interval_is_the_one_that_the_manual_speaks_of_or_none"
REASONS = "tests/test_oracles.py::test_what_is_left_out_is_counted_under_the_same_reasons_as_by_sql"
LAWS = "tests/test_contract.py::test_every_metric_of_the_catalogue_and_its_variants_obey_the_laws"
ORACLES = "tests/test_oracles.py::test_the_same_number_as_sql_over_the_whole_data_and_by_month"
EXAMPLES = "tests/test_docstrings.py::test_the_examples_of_a_kpi_give_what_they_say"
# One KPI for each feature of definitions: all KPIs would take longer than all other tests together.
VARIED = (
    *("average_interaction_cost", "campaign_roi", "customer_lifespan", "lead_conversion_rate.by_event"),
    "net_promoter_score.latest_per_customer",
    *("new_mrr", "pipeline_value", "resolution_time.business", "revenue_growth_rate", "stage_conversion_rate"),
    *("repeat_purchase_rate", "win_rate.by_amount"),
)
LEAVING = {*VARIED} - {"repeat_purchase_rate"}
LAWFUL = ("customer_lifespan", "new_mrr", "pipeline_value", "stage_conversion_rate")
# The tests that kill most come first; the catalogue's own tests come last, as they use everything.
ENGINE = (
    "tests/engines/test_plan.py",
    "tests/engines/test_code.py",
    "tests/engines/test_loops.py",
    "tests/engines/test_timeline.py",
    "tests/engines/test_guards.py",
    "tests/test_bad_input.py",
    "tests/test_misuse.py",
    "tests/test_expressions.py",
    "tests/test_metric.py",
    "tests/test_faults_of_others.py",
    "tests/engines/test_expressions_in_loops.py",
    "tests/engines/test_records.py",
    "tests/test_segments.py",
    "tests/test_measures.py",
    "tests/test_money.py",
    "tests/test_values_and_rows.py",
    *(f"{ORACLES}[{name}]" for name in VARIED),
    *(f"{REASONS}[{name}-{period}]" for name in VARIED if name in LEAVING for period in ("whole", "2026")),
    *(f"{LAWS}[{name}]" for name in LAWFUL),
)
MERGING = (
    *("test_the_order_and_size_of_parts_change_nothing", "test_different_values_are_counted_once_over_all_parts"),
    "test_rows_that_could_not_be_read_are_counted_over_all_parts",
)
PERIODS = ("tests/test_periods.py", "tests/test_calendars.py", "tests/test_misuse.py", "tests/test_faults_of_others.py")
SHOWN = (
    *("tests/test_results.py", "tests/display/test_rows.py", "tests/display/test_text.py"),
    *("tests/test_values_and_rows.py", "tests/test_faults_of_others.py"),
)
AREAS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "definition/measures": (("definition/measures",), ("tests/test_measures.py", *ENGINE)),
    "definition/expressions": (
        ("definition/expressions", "definition/expression_types", "definition/planned_expressions"),
        ENGINE,
    ),
    "definition/metric": (
        ("definition/metric", "definition/checks", "definition/interval_rules"),
        ("tests/test_metric.py", "tests/test_catalogue.py", *ENGINE),
    ),
    "measuring/plan": (("measuring/plan",), ENGINE),
    "measuring/reading": (
        ("measuring/reading", "measuring/cuts", "measuring/counting"),
        ("tests/test_measures.py", *ENGINE, "tests/test_dataset.py"),
    ),
    "measuring/measurement": (
        ("measuring/measurement", "measuring/asking", "measuring/evidence"),
        ("tests/test_dataset.py", "tests/test_vendors.py", *ENGINE),
    ),
    "measuring/results": (
        ("measuring/results", "measuring/formula"),
        (*SHOWN, *(f"{ORACLES}[{name}]" for name in VARIED)),
    ),
    "dates/periods": (("dates/periods", "dates/period_texts", "dates/spans"), PERIODS),
    "statistics/intervals": (
        ("statistics/intervals", "statistics/distributions"),
        ("tests/test_intervals.py",),
    ),
    "sources/unreadable": (
        ("sources/guards", "sources/header_units", "measuring/unreadable", "measuring/unfilled", "records/faults"),
        (
            "tests/sources/test_units_in_headers.py",
            "tests/test_unreadable.py",
            "tests/test_unfilled.py",
            "tests/records/test_records.py",
            "tests/sources/test_rows_that_are_no_records.py",
            "tests/engines/test_blank_texts.py",
        ),
    ),
    "quality/unreadable": (
        ("quality/checks/unreadable_rows", "quality/checks/scores_off_scale", "quality/checks/inclusive_ends"),
        ("tests/quality/test_checks.py",),
    ),
    "insight/control": (
        ("insight/control", "insight/control_series", "statistics/control_limits"),
        ("tests/insight/test_control.py", "tests/insight/test_insight_oracles.py"),
    ),
    "insight/explain": (
        ("insight/explain", "insight/search", "statistics/decomposition"),
        ("tests/insight/test_explain.py", "tests/insight/test_insight_oracles.py"),
    ),
    "insight/forecast": (
        ("insight/forecast", "statistics/forecasting"),
        ("tests/insight/test_forecast.py",),
    ),
    "insight/targets": (
        ("insight/targets", "insight/alerts", "insight/kpi_sets", "statistics/pace"),
        (
            *("tests/insight/test_targets.py", "tests/insight/test_open_periods.py"),
            "tests/insight/test_insight_oracles.py",
        ),
    ),
    "insight/change": (
        ("statistics/differences", "measuring/comparing", "measuring/changes"),
        ("tests/test_changes.py", "tests/insight/test_insight_oracles.py"),
    ),
    "engines/query": (("engines/query",), (*(f"tests/test_tally.py::{name}" for name in MERGING), *ENGINE)),
    "engines/records/source": (("engines/records/source", "engines/records/conjuncts"), ENGINE),
    "engines/records/loops": (("engines/records/loops", "engines/records/layouts", "engines/records/branches"), ENGINE),
    "engines/records/engine": (("engines/records/engine",), (*ENGINE, "tests/test_dataset.py")),
    "engines/records/interpreter": (("engines/records/interpreter",), ENGINE),
}
# What this process has imported pytest cannot rewrite for plainer messages, and says so. Four tests are for other
# things: three take long, and one runs the library in a process that knows nothing of the mutant.
OPTIONS = (
    *("-x", "-q", "-s", "--tb=native", "-p", "no:cacheprovider", "-p", "no:randomly", "-p", "no:xdist"),
    "--deselect=tests/engines/test_records.py::test_a_stream_of_a_hundred_thousand_records_equals_the_list",
    "--deselect=tests/test_dataset.py::test_many_metrics_in_one_pass_are_each_what_they_are_alone",
    "--deselect=tests/test_money.py::test_a_hundred_thousand_huge_and_tiny_amounts_add_up_to_the_cent",
    "--deselect=tests/test_tally.py::test_a_definition_has_the_same_digest_in_another_process",
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)
THEMES = ("marketing", "sales", "customers", "value", "service", "experience")
MODELLED = "customer_lifetime_value.predictive"  # its oracle is a model, not SQL
PREDICTIVE = "tests/test_oracles.py::test_predictive_value_is_that_of_the_models_fitted_to_histories_that_sql_has_made"
METRIC_TESTS = ("tests/test_catalogue.py", "tests/test_vendors.py", "tests/test_faults_of_others.py")


@dataclass(frozen=True)
class Facts:
    """Facts of the imported library: names for `mutants`, and the KPIs that each module of metrics defines."""

    words: dict[str, Words]
    metrics: dict[str, list[str]]
    leaving_out: dict[str, bool]


def facts() -> Facts:
    """Import the library and collect the facts; only in a process that ends afterwards."""
    from typing import get_args  # noqa: PLC0415

    from crmkpi.definition.measures import Aggregate, Shift, Table  # noqa: PLC0415
    from crmkpi.definition.units import Better, Unit  # noqa: PLC0415
    from crmkpi.metrics.catalogue import catalogue  # noqa: PLC0415
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
    return Facts(words, metrics, {known.id: bool(known.leave_out) for known in catalogue.everything()})


def _swaps(fields: dict[str, Any]) -> dict[str, str]:
    """Another field of the same kind for each field of a record that has one."""
    swaps = {}
    for name, field in fields.items():
        alike = [other for other, known in fields.items() if known.kind == field.kind]
        if len(alike) > 1:
            swaps[name] = alike[(alike.index(name) + 1) % len(alike)]
    return swaps


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
    """The tests that should kill the mutants of a module; for a KPI, those that name it."""
    if area in AREAS:
        return list(AREAS[area][1])
    users = {module}
    for other in known.metrics:  # definitions also use names of other modules
        if any(isinstance(part, ast.ImportFrom) and part.module in users for part in ast.walk(tree_of(other))):
            users.add(other)
    names = [name for user in known.metrics if user in users for name in known.metrics[user]]
    return [
        *(f"{EXAMPLES}[{name}]" for name in names),
        *METRIC_TESTS,
        "tests/test_by_hand.py",
        *(["tests/test_value_by_model.py"] if MODELLED in names else []),
        "tests/test_oracles.py::test_every_definition_has_an_oracle_and_every_oracle_a_definition",
        "tests/test_oracles.py::test_every_definition_that_leaves_records_out_says_which_in_sql_too",
        *(PREDICTIVE if name == MODELLED else f"{ORACLES}[{name}]" for name in names),
        *(f"{METHODS}[{name}]" for name in names if name != MODELLED),
        *(f"{REASONS}[{name}-{period}]" for name in names if known.leaving_out[name] for period in ("whole", "2026")),
        *(f"{LAWS}[{name}]" for name in names if "." not in name),
    ]


def file_of(test: str) -> str:
    """The file that a test is in."""
    return test.partition("::")[0]


def start(mutant: Mutant | None, tree: ast.Module | None, tests: list[str], seconds: int) -> int:
    """Run tests in a new process with the mutant in the library; returns the process id."""
    process = os.fork()
    if process:
        return process
    try:
        limit(seconds)
        if mutant is not None and tree is not None:
            mutant.apply()
            put_into_place(mutant.module, tree)
        import pytest  # noqa: PLC0415

        code = 0
        for _, listed in groupby(tests, key=file_of):  # collect file by file, only as many as needed
            if code := pytest.main([*OPTIONS, *listed], plugins=[Quick()]):
                break
        os._exit(code)
    except BaseException:  # noqa: BLE001  # any exception kills the mutant
        os._exit(70)


def put_into_place(module: str, tree: ast.Module) -> None:
    """Make Python import the module from the syntax tree."""
    usual = importlib.machinery.SourceFileLoader.get_code
    code = compiled(module, tree)

    def get_code(self: Any, name: str) -> Any:
        return code if name == module else usual(self, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


def compiled(module: str, tree: ast.Module) -> CodeType:
    """The code of a module, compiled from the tree."""
    return compile(ast.fix_missing_locations(tree), str(SOURCE / f"{module.replace('.', '/')}.py"), "exec")


def ended(work: Iterable[tuple[Any, Callable[[], int]]], jobs: int) -> Iterator[tuple[Any, int]]:
    """Run jobs in parallel and yield each with its exit status; `start` returns the process id of a job."""
    waiting, running = iter(work), {}
    while True:
        while len(running) < jobs and (item := next(waiting, None)) is not None:
            running[item[1]()] = item[0]
        if not running:
            return
        process, status = os.wait()
        yield running.pop(process), status


def chosen(found: list[Mutant], sample: int, seed: int) -> list[Mutant]:
    """A sample that depends only on the changes of the mutants."""
    ordered = sorted(found, key=lambda one: sha256(f"{seed} {one.name}".encode()).digest())
    return ordered[: sample or None]


@dataclass(frozen=True)
class Score:
    """The results of the mutants of an area."""

    area: str
    mutants: int
    equivalent: int
    tried: int
    survivors: tuple[Mutant, ...]

    @property
    def killed(self) -> int:
        """The number of killed mutants."""
        return self.tried - len(self.survivors)


@dataclass(frozen=True)
class Sample:
    """The sampled mutants of an area, each with its tree and its tests."""

    area: str
    mutants: int
    equivalent: int
    tried: tuple[tuple[Mutant, ast.Module, list[str]], ...]


def sample_of(area: str, modules: list[str], known: Facts, same: dict[str, Any], asked: argparse.Namespace) -> Sample:
    """Sample the mutants of an area."""
    trees = {module: tree_of(module) for module in modules}
    every = [one for module, tree in trees.items() for one in mutants(module, tree, known.words[module])]
    keys = {module: {one.key for one in every if one.module == module} for module in modules}
    stale = [f"{module}: {key}" for module in modules for key in same.get(module, {}) if key not in keys[module]]
    if stale:
        sys.exit(f"{EQUIVALENT.name} speaks of mutants that there are not: {stale}.")
    counting = [one for one in every if one.key not in same.get(one.module, {})]
    again = asked.again and asked.again.read_text("utf-8")
    wanted = [one for one in counting if not again or f"`{one.name}`" in again]
    tests = {module: tests_of(area, module, known) for module in modules}
    tried = () if asked.list else chosen(wanted, asked.sample, asked.seed)
    work = tuple((one, trees[one.module], tests[one.module]) for one in tried)
    return Sample(area, len(every), len(every) - len(counting), work)


def check_without_mutants(samples: list[Sample], jobs: int) -> None:
    """Exit if a test fails without a mutant: it would kill every mutant."""
    tests = sorted({test for sample in samples for _, _, listed in sample.tried for test in listed})
    files = [(file, partial(start, None, None, list(listed), 600)) for file, listed in groupby(tests, key=file_of)]
    refuse([file for file, status in ended(files, jobs) if status])


def refuse(failing: list[str]) -> None:
    """Exit if tests fail."""
    if failing:
        sys.exit(f"Without any mutant, {', '.join(sorted(failing))} fails; see with pytest why.")


def scores_of(samples: list[Sample], jobs: int, seconds: int, patience: float) -> list[Score]:
    """Run the mutants of all samples, and print each survivor."""
    survived: set[str] = set()
    tried: set[str] = set()
    collected = [one for sample in samples if sample.area in AREAS for one in sample.tried]
    if collected:
        ends, failing = in_a_child(partial(in_a_nursery, collected, jobs, seconds, patience))
        refuse(failing)
        tried = {name for name, status in ends.items() if status != NEW_IMPORT << 8}
        survived = {name for name, status in ends.items() if not status}
    for sample in samples:
        work = [(one[0], partial(start, *one, seconds)) for one in sample.tried if one[0].name not in tried]
        for mutant, status in ended(work, jobs):
            if not status:
                survived.add(mutant.name)
                print(told(mutant), flush=True)
    return [
        Score(
            sample.area,
            sample.mutants,
            sample.equivalent,
            len(sample.tried),
            tuple(mutant for mutant, _, _ in sample.tried if mutant.name in survived),
        )
        for sample in samples
    ]


def in_a_nursery(
    tried: list[tuple[Mutant, ast.Module, list[str]]], jobs: int, seconds: int, patience: float
) -> tuple[dict[str, int], list[str]]:
    """The exit status of each mutant's process, and the tests that fail without a mutant."""
    import pytest  # noqa: PLC0415

    output = os.fdopen(os.dup(1), "w")
    codes = {mutant.module: compiled(mutant.module, tree) for mutant, tree, _ in tried}
    ends: dict[str, int] = {}

    def begin(nursery: Nursery, mutant: Mutant, tree: ast.Module) -> int:
        def change() -> CodeType:
            mutant.apply()
            return compiled(mutant.module, tree)

        return nursery.start(codes[mutant.module], change, seconds)

    def work(nursery: Nursery) -> None:
        each = [] if nursery.failing else [(mutant, partial(begin, nursery, mutant, tree)) for mutant, tree, _ in tried]
        for mutant, status in ended(each, jobs):
            ends[mutant.name] = status
            if not status:
                print(told(mutant), file=output, flush=True)

    nursery = Nursery(work, patience)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    tests = dict.fromkeys(test for _, _, listed in tried for test in listed)
    within = {test for test in tests if "::" in test and file_of(test) in tests}  # of files that are also listed whole
    pytest.main([*OPTIONS, *(test for test in tests if test not in within)], plugins=[nursery])
    return ends, nursery.failing


def told(mutant: Mutant) -> str:
    """A mutant as a line of the report, which `--again` reads."""
    return f"`{mutant.name}` in line {mutant.line}"


def report(scores: list[Score]) -> str:
    """The score of each area, and the survivors."""
    from crmkpi.statistics.intervals import wilson  # noqa: PLC0415  # the tests have been run by now

    counts = (sum(values) for values in zip(*((one.mutants, one.equivalent, one.tried) for one in scores), strict=True))
    everything = Score("all", *counts, tuple(mutant for one in scores for mutant in one.survivors))
    lines = ["| area | mutants | equivalent | tried | killed | score | 95 % interval |", f"|---|{'--:|' * 6}"]
    for one in (*scores, everything):
        line = f"| {one.area} | {one.mutants} | {one.equivalent} | {one.tried} | {one.killed} |"
        if one.tried:
            low, high = wilson(one.killed, one.tried)
            line += f" {one.killed / one.tried:.1%} | {low:.1%} to {high:.1%} |"
        lines.append(line)
    survivors = sorted(everything.survivors, key=lambda mutant: (mutant.module, mutant.line))
    return "\n".join([*lines, "", f"{len(survivors)} survived.", "", *(f"- {told(mutant)}" for mutant in survivors)])


def arguments() -> argparse.Namespace:
    """Parse the arguments."""
    parser = argparse.ArgumentParser(description="Mutation testing: see CONTRIBUTING.md.")
    parser.add_argument("areas", nargs="*", help="areas such as dates/periods or metrics/sales; all if none is given")
    parser.add_argument("--sample", type=int, default=300, help="at most so many mutants of each area, 0 for all")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument("--again", type=Path, help="only what survived in this report")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--seconds", type=int, default=120, help="processor time after which a mutant counts as killed")
    parser.add_argument("--patience", type=float, default=60, help="seconds of tests that a mutant must survive")
    parser.add_argument("--at-least", type=float, default=0, help="the score below which the command fails, in percent")
    parser.add_argument("--output", type=Path, help="a file for the report")
    parser.add_argument("--list", action="store_true", help="only say how many mutants each area has")
    asked = parser.parse_args()
    unknown = set(asked.areas) - set(areas())
    if unknown:
        parser.error(f"there is no area {', '.join(unknown)}; there are {', '.join(areas())}")
    return asked


def main() -> int:
    """Run the command; return 1 if the score is below `--at-least`."""
    asked = arguments()
    os.chdir(ROOT)
    os.environ["CI"] = "1"  # hypothesis then draws the same examples every time
    with tempfile.TemporaryDirectory() as folder:  # a shared cache of compiled modules
        sys.dont_write_bytecode, sys.pycache_prefix = False, folder
        return score(asked)


def score(asked: argparse.Namespace) -> int:
    """Run the mutants, and write the report."""
    sys.path.insert(0, str(SOURCE))
    for library in ("duckdb", "hypothesis", "pydantic", "pytest", "scipy.stats"):  # once, before any fork
        import_module(library)
    known = in_a_child(facts)
    same = tomllib.loads(EQUIVALENT.read_text("utf-8"))
    modules = areas()
    samples = [sample_of(area, modules[area], known, same, asked) for area in asked.areas or modules]
    check_without_mutants([sample for sample in samples if sample.area not in AREAS], asked.jobs)
    scores = scores_of(samples, asked.jobs, asked.seconds, asked.patience)
    text = report(scores)
    print(f"\n{text}")
    if asked.output is not None:
        asked.output.write_text(f"{text}\n", "utf-8")
    tried = sum(one.tried for one in scores)
    return int(tried > 0 and 100 * sum(one.killed for one in scores) / tried < asked.at_least)


if __name__ == "__main__":
    sys.exit(main())
