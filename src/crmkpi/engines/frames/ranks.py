"""The sorted values of each group, and those at some places among them: what quantiles rest on.

Each frame library is asked in its own words, since none of theirs for this are shared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmkpi.engines.frames.backends import Backend
from crmkpi.engines.frames.homes.duckdb import DuckDbSql
from crmkpi.engines.frames.native import rows_of

__all__ = ["gathered", "ranked", "with_sorted"]


def gathered(
    backend: Backend, frame: Any, keys: Sequence[str], values: Sequence[str]
) -> dict[tuple[Any, ...], list[list[Any]]]:
    """For each group the values of each column, sorted, without nulls."""
    size = len(keys)
    if backend.name == "polars":
        import polars as pl  # noqa: PLC0415  # only where a Polars frame is given

        lists = [
            pl.col(value).drop_nulls().sort().implode() if not keys else pl.col(value).drop_nulls().sort()
            for value in values
        ]
        lazy = frame.select(*keys, *values)
        found = (lazy.group_by(*keys).agg(*lists) if keys else lazy.select(*lists)).collect()
        return {row[:size]: list(row[size:]) for row in found.rows()}
    if backend.name == "duckdb":
        quoted = map(DuckDbSql.quoted, values)
        parts = [f"list({value} ORDER BY {value}) FILTER (WHERE {value} IS NOT NULL)" for value in quoted]
        listed = ", ".join([*map(DuckDbSql.quoted, keys), *parts])
        rows = rows_of(backend, frame.written(f"SELECT {listed} FROM {frame.source} GROUP BY ALL"))  # noqa: S608  # names are quoted
        return {row[:size]: [part or [] for part in row[size:]] for row in rows}
    gathered_: dict[tuple[Any, ...], list[list[Any]]] = {}
    for number, value in enumerate(values):
        for key, one in frame.sorted_values(keys, value):
            gathered_.setdefault(key, [[] for _ in values])[number] = one if isinstance(one, list) else one.tolist()
    return gathered_


def with_sorted(frame: Any, keys: Sequence[str], aggregations: Sequence[Any], values: Sequence[str]) -> Any:
    """A Polars frame grouped, held in memory, with the sorted values of each group beside the aggregations."""
    import polars as pl  # noqa: PLC0415  # only where a Polars frame is given

    lists = [pl.col(value).sort(nulls_last=True) for value in values]
    grouped = (
        frame.group_by(*keys).agg(*aggregations, *lists)
        if keys
        else frame.select(*aggregations, *(column.implode() for column in lists))
    )
    return grouped.collect().lazy()


def ranked(
    backend: Backend, frame: Any, keys: Sequence[str], value: str, counted: str, places: Mapping[int, Sequence[int]]
) -> list[tuple[tuple[Any, ...], Sequence[Any]]]:
    """For each group the values at some places of its sorted ones; which, depends on how many it has.

    A Polars frame is one `with_sorted`, in which the column `counted` says how many they are.
    """
    size, most = len(keys), max(map(len, places.values()))
    wanted = {count: [*found, *[found[-1]] * (most - len(found))] for count, found in places.items()}
    if backend.name == "polars":
        import polars as pl  # noqa: PLC0415  # only where a Polars frame is given

        schema: Any = {"at": pl.List(pl.UInt32), counted: pl.UInt32}
        counts = pl.LazyFrame({"at": list(wanted.values()), counted: list(wanted)}, schema=schema)
        chosen = frame.with_columns(pl.col(counted).cast(pl.UInt32)).join(counts, on=counted)
        found = chosen.select(*keys, pl.col(value).list.gather(pl.col("at"))).collect()
        return [(row[:size], row[size]) for row in found.rows()]
    if backend.name in ("pandas", "pyarrow"):
        return [(key, one[list(places[len(one)])].tolist()) for key, one in frame.sorted_values(keys, value)]
    names, column = [*map(DuckDbSql.quoted, keys)], DuckDbSql.quoted(value)
    sorted_ = ", ".join([*names, f"list_sort(list({column})) AS sorted"])
    extracts = ", ".join([*names, *(f"sorted[spots[{number + 1}] + 1]" for number in range(most))])
    # As one text each: a list of constants takes longer to read.
    spots = f"SELECT unnest('{[*wanted]}'::INTEGER[]) AS n, unnest('{[*wanted.values()]}'::INTEGER[][]) AS spots"
    groups = f"SELECT {sorted_} FROM {frame.source} WHERE {column} IS NOT NULL GROUP BY ALL"  # noqa: S608  # names are quoted
    statement = f"SELECT {extracts} FROM ({groups}) JOIN ({spots}) ON len(sorted) = n"  # noqa: S608  # all of it is ours
    return [(row[:size], row[size:]) for row in rows_of(backend, frame.written(statement))]
