"""The supported frame libraries and databases, and the capabilities of their homes.

The engine reads this table, and the documentation prints it. A capability is a field of a row; no other code of the
engine compares the names of libraries. A measure that a home cannot compute exactly raises an error that names both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, partial
from importlib import import_module
from threading import RLock
from types import MappingProxyType
from typing import Literal, NamedTuple

from crmkpi.engines.frames.homes.home import Home
from crmkpi.errors import DatabaseError, InputError, MissingExtraError

__all__ = [
    "BACKENDS",
    "Backend",
    "at_home",
    "backend_of",
    "check_versions",
    "refuse",
    "support_table",
]


class Backend(NamedTuple):
    """One frame library: the class of its frames, its home, the extra that installs it, and its capabilities.

    `parse` is the expression with which users convert text to timestamps. `needs` are further libraries, each with its
    oldest supported version.
    """

    name: str
    extra: str
    oldest: str
    tables: tuple[str, ...]
    place: str  # the module of the home and its class
    note: str
    parse: str
    shows: Literal["", "sql", "plan"] = ""  # the method of a report that shows the statements
    needs: tuple[tuple[str, str], ...] = ()
    raises: tuple[str, ...] = ()  # libraries whose errors mean that the data is unreadable
    lazy: bool = False  # each query reads the source again, which may be gone by then
    adds_flags: bool = True  # SUM adds true and false as 1 and 0
    adds_wide: bool = False  # SUM of 64-bit integers has 128 bits
    divides: bool = False  # divides floats by a constant, and does not multiply by its rounded inverse
    nan_is_largest: bool = True  # MAX returns NaN if there is one, or floats are never NaN
    wide: bool = False  # has integers of 128 bits
    boundless: bool = False  # has integers of any length
    sure_moments: bool = False  # timestamps within bounds are valid; other backends store dates such as 31 February
    preaggregates: bool = False  # sums rows by equal condition outcomes first: more groups cost less than CASEs
    keeps_ranks: bool = False  # fetches values at some ranks of a group without the others
    slices_groups: bool = False  # one GROUP BY returns aggregates and a slice of the sorted values of each group
    sorts_groups: bool = False  # keeps the sorted values of each group while it aggregates
    counts_all: bool = False  # a statement costs more than rows outside the periods, so one statement groups all rows
    lists_in_rows: bool = False  # a statement costs more than a column of lists
    months: bool = False  # computes the month of a wall-clock timestamp
    cells: int | None = None  # with this number of edges or more, a timestamp's period is looked up by its time bucket
    closed: str = ""  # fragments of its error for a closed connection, separated by |
    module: str = ""  # the module that has the version, if not named like the library
    version: str = "__version__"
    tested: bool = True  # on a server; an untested one needs `untested=True`
    lock: AbstractContextManager[object] = nullcontext()  # serialises queries

    @property
    def home(self) -> Home:
        """The home that runs queries on its frames."""
        return _home(self.place)


@cache
def _home(place: str) -> Home:
    module, _, name = place.partition(":")
    made: Callable[[], Home] = getattr(import_module(f"crmkpi.engines.frames.homes.{module}"), name)
    return made()


_in_memory = partial(
    Backend,
    place="polars:PolarsHome",
    raises=("polars",),
    wide=True,
    keeps_ranks=True,
    sorts_groups=True,
    nan_is_largest=False,
    cells=2,
)
_OLDEST_POLARS = ("polars", "1.32")
_database = partial(
    Backend,
    extra="sql",
    oldest="2.0",
    tables=(),
    note="crmkpi.database(engine).table(name)",
    shows="sql",
    keeps_ranks=True,
    module="sqlalchemy",
)
_untested = partial(_database, note="crmkpi.database(engine, untested=True).table(name)", counts_all=True, tested=False)

BACKENDS: Mapping[str, Backend] = MappingProxyType(
    {
        "polars": _in_memory(
            "polars", "polars", "1.32", ("DataFrame", "LazyFrame"),
            note="DataFrame and LazyFrame; lazy frames stay lazy",
            parse="pl.col(...).str.to_datetime('%Y-%m-%d %H:%M:%S')", lazy=True,
        ),
        "pandas": _in_memory(
            "pandas", "pandas", "2.2", ("DataFrame",),
            note="numpy, nullable and Arrow columns, measured by Polars",
            parse="pandas.to_datetime(frame[...], format='ISO8601')",
            needs=(_OLDEST_POLARS, ("pyarrow", "19")),
        ),
        "pyarrow": _in_memory(
            "pyarrow", "frames", "19", ("Table",), note="Table, measured by Polars",
            parse="pyarrow.compute.strptime(column, format='%Y-%m-%d %H:%M:%S', unit='us')",
            needs=(_OLDEST_POLARS,),
        ),
        "duckdb": Backend(
            "duckdb", "duckdb", "1.5", ("DuckDBPyRelation",), "duckdb:DuckDbHome",
            "relations and tables", "strptime(column, '%Y-%m-%d %H:%M:%S')", raises=("duckdb",), lazy=True,
            adds_wide=True, divides=True, wide=True, preaggregates=True, slices_groups=True, keeps_ranks=True,
            months=True, cells=17, counts_all=True, shows="sql",
            closed="already closed|already been closed", lock=RLock(),
        ),
        "pyspark": Backend(
            "pyspark", "spark", "4.0", ("DataFrame",), "spark:SparkHome",
            "DataFrame; only rows of groups are collected", "functions.to_timestamp(column, 'yyyy-MM-dd HH:mm:ss')",
            raises=("py4j", "pyspark"), lazy=True, adds_flags=False, lists_in_rows=True, months=True, counts_all=True,
            shows="plan", closed="stopped|has been shut down|Connection refused",
        ),
        "sqlite": _database(
            "sqlite", extra="", oldest="3.35", place="sqlite:SqliteHome",
            note="crmkpi.database(connection).table(name)", parse="strftime('%Y-%m-%d %H:%M:%S', column)",
            preaggregates=True, counts_all=True, module="sqlite3", version="sqlite_version",
        ),
        "postgresql": _database(
            "postgresql", place="postgresql:PostgresqlHome", parse="CAST(column AS TIMESTAMP)", adds_flags=False,
            adds_wide=True, wide=True, boundless=True, sure_moments=True, preaggregates=True, counts_all=True,
        ),
        "mariadb": _database(
            "mariadb", place="mariadb:MariaDbHome", parse="STR_TO_DATE(column, '%Y-%m-%d %H:%i:%s')", adds_wide=True,
            wide=True, preaggregates=True, counts_all=True,
        ),
        "clickhouse": _database(
            "clickhouse", place="clickhouse:ClickhouseHome", note="crmkpi.database(connection).table(name)",
            parse="parseDateTime64BestEffort(column, 6, 'UTC')", wide=True, nan_is_largest=False,
        ),
        "mysql": _untested(
            "mysql", place="mysql:MySqlHome", parse="STR_TO_DATE(column, '%Y-%m-%d %H:%i:%s')", adds_wide=True,
            wide=True, preaggregates=True,
        ),
        **{
            name: _untested(name, place=f"{name}:{home}", parse=parse, adds_flags=False, wide=wide)
            for name, home, wide, parse in (
                ("redshift", "RedshiftHome", True, "CAST(column AS TIMESTAMP)"),
                ("snowflake", "SnowflakeHome", True, "to_timestamp_ntz(column)"),
                ("databricks", "DatabricksHome", False, "to_timestamp(column, 'yyyy-MM-dd HH:mm:ss')"),
                ("trino", "TrinoHome", True, "date_parse(column, '%Y-%m-%d %H:%i:%s')"),
                ("bigquery", "BigQueryHome", True, "parse_datetime('%Y-%m-%d %H:%M:%S', column)"),
            )
        },
    }
)  # fmt: skip
# Libraries that returned silently wrong figures in tests, or are not tested.
_REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "dask": "it drops conditions inside aggregations and adds decimals as text; give the result of .compute()",
        "ibis": "it shifts aware timestamps to UTC; give the table of the library below it, such as a DuckDB relation",
        "modin": "it was not tried; give its pandas frame",
        "cudf": "it was not tried; give its pandas frame",
        "sqlframe": "it turns wall-clock times into UTC; give the DuckDB relation below it",
    }
)
# Connections and databases: users pass one of their tables.
_WHOLE: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("crmkpi", "Database"): "database.table('deals')",
        ("sqlalchemy", "Engine"): "crmkpi.database(engine).table('deals')",
        ("sqlalchemy", "Connection"): "crmkpi.database(connection).table('deals')",
        ("sqlite3", "Connection"): "crmkpi.database(connection).table('deals')",
        ("chdb", "Connection"): "crmkpi.database(connection).table('deals')",
        ("duckdb", "DuckDBPyConnection"): "connection.table('deals')",
    }
)


def backend_of(data: object) -> Backend | None:
    """The backend of a frame; None for anything else, an error for a library that is not supported.

    It imports nothing: the module of the object's class names the library.
    """
    if type(data) in (list, tuple, dict):  # the common case
        return None
    if hasattr(type(data), "backend_name"):
        return BACKENDS[data.backend_name]  # type: ignore[attr-defined]
    kinds = type(data).__mro__
    names = [part.__module__.partition(".")[0].lstrip("_") for part in kinds]
    for name in names:
        if name in BACKENDS and any(part.__name__ in BACKENDS[name].tables for part in kinds):
            return BACKENDS[name]
        if name in _REFUSED:
            raise InputError(f"A {name} frame is not measured: {_REFUSED[name]}.")
    if (names[0], type(data).__name__) in _WHOLE:
        raise InputError(f"A database has many tables; give one: {_WHOLE[names[0], type(data).__name__]}.")
    if "narwhals" in names and hasattr(data, "to_native"):
        return backend_of(data.to_native())
    return None


def check_versions(backend: Backend) -> None:
    """Raise an error for a library that is missing, or older than the oldest tested version."""
    for name, oldest in ((backend.module or backend.name, backend.oldest), *backend.needs):
        try:
            found = str(getattr(import_module(name), backend.version if name == backend.module else "__version__"))
        except ImportError as error:
            raise MissingExtraError(
                f"Measuring a {backend.name} frame needs {name}; install it with pip install 'crmkpi[{backend.extra}]'."
            ) from error
        if tuple(map(int, found.split(".")[:2])) < (*map(int, oldest.split(".")), 0)[:2]:
            raise InputError(
                f"A {backend.name} frame is measured with {name} {oldest} or newer; got {found}. "
                f"Run pip install --upgrade 'crmkpi[{backend.extra}]'."
            )


@contextmanager
def at_home(backend: Backend, table: str) -> Iterator[None]:
    """Turn errors of the library into a `DatabaseError`, such as a closed connection or a deleted file."""
    try:
        with backend.lock:
            yield
    except Exception as error:
        own = type(error).__module__.partition(".")[0].lstrip("_") in backend.raises
        if not own and not (backend.lazy and isinstance(error, OSError)):  # as Polars raises for a deleted file
            raise
        first = str(error).strip().partition("\n")[0]
        closed = any(word in str(error) for word in backend.closed.split("|")) if backend.closed else False
        why = "its connection is closed" if closed else "its data may have changed, or be gone or damaged"
        raise DatabaseError(f"The {backend.name} table for {table} cannot be read; {why}: {first}") from error


def refuse(backend: Backend, what: str, way_out: str) -> InputError:
    """The error for a measure that a backend cannot compute exactly."""
    return InputError(f"{what} cannot be measured on {backend.name}: {way_out}.")


def support_table() -> str:
    """The libraries and databases as a Markdown table for the documentation, with the method that shows statements.

    >>> print(support_table().splitlines()[5])
    | duckdb | relations and tables | `report.sql()` | yes |
    """
    lines = ["| library | tables | statements | tested |", "|---|---|---|---|"]
    for name, each in BACKENDS.items():
        shown = f"`report.{each.shows}()`" if each.shows else ""
        lines.append(f"| {name} | {each.note} | {shown} | {'yes' if each.tested else 'no'} |")
    return "\n".join(lines)
