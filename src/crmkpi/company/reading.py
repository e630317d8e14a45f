"""Read the tables of a company file with its settings as arguments of the readers in `crmkpi.sources`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crmkpi.company.keys import TableKeys
from crmkpi.currencies import meanings_of
from crmkpi.errors import CrmKpiError, InputError, did_you_mean
from crmkpi.records import RECORDS
from crmkpi.records.base import record_type
from crmkpi.sources.files import FileRecords, TableFile
from crmkpi.sources.frames.databases import database
from crmkpi.sources.frames.tables import table as frame_table
from crmkpi.sources.loaded import Records

__all__ = ["Tell", "files_of", "read_table"]

Tell = Callable[[str, Records[Any]], None]
_GLOB = "*?["


def read_table(
    name: str, keys: TableKeys, folder: Path, *, currency: str | None, tz: str, tell: Tell | None = None
) -> Any:
    """One table as records of its files, or as a table of a database; `tell` is called for each file."""
    if keys.database is not None:
        return _of_database(name, keys)
    options: Any = _options(name, keys, currency, tz)
    how = {word: options.pop(word) for word in ("sheet", "encoding", "delimiter")}
    files = [
        TableFile(source=path, name=str(path), preset=keys.preset, options=options, **how)
        for path in files_of(name, keys, folder)
    ]
    found = FileRecords(files, RECORDS[name], tell=tell, whole=True)
    try:
        found.look(None)
    except CrmKpiError as error:
        raise type(error)(f"tables.{name}: {error}", **error.details) from error
    return found


def files_of(name: str, keys: TableKeys, folder: Path) -> list[Path]:
    """The files of a table, in order of their patterns and names; a pattern that matches none is an error."""
    patterns = [keys.files] if isinstance(keys.files, str) else keys.files
    if not patterns:
        raise InputError(
            f'tables.{name} has neither files nor a database; add files = "{name}*.csv", or database = "VARIABLE" and '
            "source."
        )
    found: dict[Path, None] = {}
    for pattern in patterns:
        path = folder / pattern
        if not any(sign in pattern for sign in _GLOB):
            if not path.is_file():
                raise InputError(f"tables.{name}: there is no file {pattern!r} in {folder}. {_nearest(path)}".rstrip())
            found[path] = None
            continue
        anchor = Path(path.anchor)
        matches = sorted(each for each in anchor.glob(str(path.relative_to(anchor))) if each.is_file())
        if not matches:
            raise InputError(f"tables.{name}: no file matches {pattern!r} in {folder}. {_nearest(path)}".rstrip())
        found.update(dict.fromkeys(matches))
    return list(found)


def _nearest(path: Path) -> str:
    if not path.parent.is_dir():
        return f"There is no folder {path.parent}."
    names = [each.name for each in path.parent.iterdir() if each.is_file()]
    return did_you_mean(path.name, names)


def _options(name: str, keys: TableKeys, currency: str | None, tz: str) -> dict[str, Any]:
    """The settings as arguments of the readers: an empty text drops a column or means a missing value."""
    values = {
        field: {word: None if mean == "" else mean for word, mean in of.items()} for field, of in keys.values.items()
    }
    if currency is not None and "currency" in record_type(RECORDS[name]).fields:
        values["currency"] = {**meanings_of(currency), **values.get("currency", {})}
    columns = {
        header: None if fills == "" else tuple(fills) if isinstance(fills, list) else fills
        for header, fills in keys.columns.items()
    }
    said = {"columns": columns, "values": values, "tz": keys.tz or tz}
    for key in ("defaults", "kinds", "units", "headers", "decimal", "date_format", "day_first", "ends", "attributes"):
        said[key] = getattr(keys, key)
    for key in ("sheet", "encoding", "delimiter"):
        said[key] = getattr(keys, key)
    return said


def _of_database(name: str, keys: TableKeys) -> Any:
    """A table or view that is measured in the database."""
    if keys.files:
        raise InputError(f"tables.{name} has files and a database; keep one of them.")
    if keys.source is None:
        raise InputError(
            f'tables.{name} names a database and no source; add source = "opportunities", its table or view.'
        )
    url = os.environ.get(keys.database or "")
    if not url:
        raise InputError(
            f"tables.{name}: the environment variable {keys.database} is not set; it holds the database's URL."
        )
    options = _options(name, keys, None, "UTC")
    fields: dict[str, str] = {}
    for header, fills in options["columns"].items():
        if not isinstance(fills, str):
            raise InputError(f"tables.{name}: in a database a column fills one field; got {header!r} = {fills!r}.")
        fields[fills] = header
    try:
        found = database(url).table(keys.source)
        return frame_table(
            found, record=RECORDS[name], preset=keys.preset, columns=fields, values=options["values"], ends=keys.ends
        )
    except CrmKpiError as error:
        raise type(error)(f"tables.{name}: {error}", **error.details) from error
