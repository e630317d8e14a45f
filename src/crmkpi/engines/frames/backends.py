"""Which frame libraries are understood, what each can do right, and what is refused in words.

One table, read by the engine and printed by the documentation: a measure that a backend cannot do right raises an error
that names both, and never gives a number that may be wrong.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

from crmkpi.engines.frames.homes.spark import WORDS as SPARK_WORDS
from crmkpi.errors import InputError, MissingExtraError

__all__ = [
    "BACKENDS",
    "OLDEST_NARWHALS",
    "WORDS",
    "Backend",
    "at_home",
    "backend_of",
    "check_versions",
    "narwhals",
    "refuse",
    "support_table",
    "words",
]

Word = Literal[
    "count", "sum", "mean", "quantile", "distinct", "latest", "extremes", "per", "related", "business", "sql", "plan"
]

WORDS: Mapping[Word, str] = MappingProxyType(
    {
        "count": "counts, left-out reasons, stocks and flows, segments",
        "sum": "exact sums of money and durations",
        "mean": "means with their interval",
        "quantile": "medians and quantiles with their interval, the values themselves",
        "distinct": "different values",
        "latest": "the latest record of each",
        "extremes": "smallest and largest value",
        "per": "one row per key first",
        "related": "fields of related records",
        "business": "business time",
        "sql": "report.sql()",
        "plan": "report.plan()",
    }
)
_ALL = frozenset(WORDS) - {"sql", "plan"}
_RAISING = ("duckdb", "polars", "py4j", "pyspark")  # libraries that read only when they are asked
OLDEST_NARWHALS = "2.16"  # before, it did not know how many digits of a decimal are behind the point


@dataclass(frozen=True, slots=True)
class Backend:
    """One frame library: its name, the extra that brings it, its oldest version that is right, and what it can do."""

    name: str
    extra: str
    oldest: str
    words: frozenset[str]
    note: str
    lazy: bool = False


BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "polars": Backend(
            "polars", "polars", "1.32", _ALL, "DataFrame and LazyFrame; lazy frames stay lazy", lazy=True
        ),
        "pandas": Backend("pandas", "pandas", "2.2", _ALL, "numpy, nullable and Arrow columns"),
        "pyarrow": Backend("pyarrow", "frames", "19", _ALL, "Table"),
        "duckdb": Backend("duckdb", "duckdb", "1.5", _ALL | {"sql"}, "relations and tables", lazy=True),
        "pyspark": Backend(
            "pyspark", "spark", "4.0", _ALL | {"plan"}, "DataFrame; only rows of groups are collected", lazy=True
        ),
    }
)
# What narwhals would take, and would get wrong without a word: tried, and left out on purpose.
_REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "dask": "it drops conditions inside aggregations and adds decimals as text; call .compute() and give that",
        "ibis": "it shifts aware timestamps to UTC; give the table of the library below it, such as a DuckDB relation",
        "modin": "it was not tried; give its pandas frame",
        "cudf": "it was not tried; give its pandas frame",
        "sqlframe": "it turns wall-clock times into UTC; give the DuckDB relation below it",
    }
)


def backend_of(data: object) -> Backend | None:
    """The library that a frame belongs to; None for what is no frame, an error for a frame that cannot be trusted.

    Nothing is imported for it: the module of the object's class says what it is.
    """
    if type(data) in (list, tuple, dict):  # by far the most, and asked in each call
        return None
    names = [part.__module__.partition(".")[0].lstrip("_") for part in type(data).__mro__]
    for name in names:
        if name in BACKENDS and _is_table(data, name):
            return BACKENDS[name]
        if name in _REFUSED:
            raise InputError(f"A {name} frame is not measured: {_REFUSED[name]}.")
    if "narwhals" in names and hasattr(data, "to_native"):
        return backend_of(data.to_native())
    return None


def _is_table(data: object, name: str) -> bool:
    kinds = {
        "polars": ("DataFrame", "LazyFrame"),
        "pandas": ("DataFrame",),
        "pyarrow": ("Table",),
        "duckdb": ("DuckDBPyRelation",),
        "pyspark": ("DataFrame",),
    }
    return any(part.__name__ in kinds[name] for part in type(data).__mro__)


def narwhals(backend: Backend) -> Any:
    """The layer over all frame libraries, loaded when a frame is first measured."""
    try:
        return import_module("narwhals.stable.v2")
    except ImportError as error:
        raise MissingExtraError(
            f"Measuring a {backend.name} frame needs narwhals; install it with pip install 'crmkpi[{backend.extra}]'."
        ) from error


def words(backend: Backend) -> Any:
    """The module whose words make expressions over the plain columns of a frame: the library's own where it has them.

    Polars speaks the words of narwhals itself, and building its expressions directly takes a tenth of the time. For
    Spark they are written as SQL.
    """
    if backend.name == "pyspark":
        return SPARK_WORDS
    return import_module("polars") if backend.name == "polars" else narwhals(backend)


def check_versions(backend: Backend) -> None:
    """Refuse a library that is older than those with which every number was found right."""
    narwhals(backend)
    for name, oldest in (("narwhals", OLDEST_NARWHALS), (backend.name, backend.oldest)):
        found = str(sys.modules[name].__version__)
        if tuple(map(int, found.split(".")[:2])) < tuple(map(int, oldest.split("."))):
            raise InputError(
                f"A {backend.name} frame is measured with {name} {oldest} or newer; got {found}. "
                f"Run pip install --upgrade 'crmkpi[{backend.extra}]'."
            )


@contextmanager
def at_home(backend: Backend, table: str) -> Iterator[None]:
    """Say as an error of ours what the library itself refuses: a closed connection, a file that has gone."""
    try:
        yield
    except Exception as error:
        own = type(error).__module__.partition(".")[0].lstrip("_") in _RAISING
        if not own and not (backend.lazy and isinstance(error, OSError)):  # Polars says so of a file that has gone
            raise
        first = str(error).strip().partition("\n")[0]
        raise InputError(
            f"The {backend.name} table for {table} cannot be read; its connection may be closed, or its data gone or "
            f"damaged: {first}"
        ) from error


def refuse(backend: Backend, what: str, way_out: str) -> InputError:
    """The error for a measure that a backend cannot do right."""
    return InputError(f"{what} cannot be measured on {backend.name}: {way_out}.")


def support_table() -> str:
    """What each backend can do, as Markdown; the documentation shows it.

    >>> print(support_table().splitlines()[0])
    | measure | polars | pandas | pyarrow | duckdb | pyspark |
    """
    lines = [
        "| measure | " + " | ".join(BACKENDS) + " |",
        "|---|" + "---|" * len(BACKENDS),
    ]
    for word, meaning in WORDS.items():
        marks = ("yes" if word in backend.words else "no" for backend in BACKENDS.values())
        lines.append(f"| {meaning} | " + " | ".join(marks) + " |")
    lines.append("| taken as | " + " | ".join(backend.note for backend in BACKENDS.values()) + " |")
    return "\n".join(lines)
