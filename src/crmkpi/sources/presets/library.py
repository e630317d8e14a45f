"""The presets that come with the package, and those of the user."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from crmkpi.errors import DefinitionError, FileFormatError, InputError, UnknownNameError, unknown_name
from crmkpi.sources.presets.faults import fault
from crmkpi.sources.presets.model import Preset

__all__ = ["PRESETS", "AnyPreset", "folded", "preset", "preset_headers"]

AnyPreset = str | Path | Mapping[str, Any] | Preset
_FOLDER = Path(__file__).parent / "files"
_LARGEST = 1_000_000
_JOINED = ("columns", "leave_out", "notes", "missing")


class _Library(Mapping[str, Preset]):
    """Every preset that comes with the package, by its name.

    >>> from crmkpi import presets
    >>> presets.PRESETS["zendesk_ticket_csv"].record
    'Ticket'
    """

    def __getitem__(self, name: str) -> Preset:
        return _packaged(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_names())

    def __len__(self) -> int:
        return len(_names())

    def __repr__(self) -> str:
        lines = [f"{len(self)} presets; help(crmkpi.preset) says how to make your own"]
        lines += [f"{name:28} {each.record or 'totals':13} seen in {_SEEN[each.seen]}" for name, each in self.items()]
        return "\n".join(lines)


_SEEN = {"file": "a real file", "code": "code", "documents": "documents alone"}
PRESETS: Mapping[str, Preset] = _Library()


def preset(what: AnyPreset) -> Preset:
    """A preset by its name, or one of your own from a dict or a JSON file; see `crmkpi.presets.Preset` for its keys.

    A preset of your own may extend one: its columns go before those of the other, and its other keys replace them.

    Raises:
        UnknownNameError: there is no preset of that name.
        DefinitionError: a preset of your own is not valid.

    >>> preset("hubspot_deal").system
    'HubSpot'
    >>> segment = {"headers": "Segment__c", "fills": "industry"}
    >>> ours = preset({"extends": "salesforce_opportunity", "columns": [segment]})
    >>> ours.columns[0].fills, ours.system
    (('industry',), 'Salesforce')
    """
    if isinstance(what, Preset):
        return what
    if isinstance(what, Mapping):
        return _made({"name": "yours", **what})
    if not isinstance(what, str | Path):
        raise InputError(f"A preset is a name, a dict or a file, such as 'hubspot_deal'; got {what!r}.")
    if isinstance(what, Path) or what.endswith(".json"):
        return _made({"name": Path(what).stem, **_read(Path(what))})
    return _packaged(what)


@lru_cache(maxsize=20_000)
def folded(header: str) -> str:
    """A normalised header: without case, blanks, underscores, hyphens and sort arrows.

    >>> folded("Close Date") == folded("CloseDate") == folded("close_date")
    True
    """
    return "".join(letter for letter in header.casefold() if letter not in " _-\u00a0\t↑↓")


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def preset_headers() -> Mapping[str, Sequence[frozenset[str]]]:
    """The normalised headers of each preset of the package, by record, without validating the presets."""
    found: dict[str, list[frozenset[str]]] = {}
    for name in _names():
        given = _extended(_contents(name))
        headers = frozenset(folded(header) for column in given["columns"] for header in _headers(column))
        found.setdefault(str(given["record"]), []).append(headers)
    return found


@cache
def _packaged(name: str) -> Preset:
    return _made(_contents(name))


def _contents(name: str) -> dict[str, Any]:
    if name not in _names():
        of_system = [known for known in _names() if known.startswith(f"{name.casefold()}_")]
        if of_system:
            raise UnknownNameError(
                f"There is no preset {name!r}, which has one for each kind of record: {', '.join(of_system)}.",
                name=name,
                known=tuple(of_system),
            )
        raise unknown_name(f"There is no preset {name!r}.", name, _names())
    return {"name": name, **_read(_FOLDER / f"{name}.json")}


def _read(path: Path) -> dict[str, Any]:
    if path.stat().st_size > _LARGEST:
        raise FileFormatError(f"{path.name} is not a preset: it is larger than {_LARGEST:,} bytes.")
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as problem:
        raise FileFormatError(f"{path.name} is not a preset, because it is not JSON ({problem}).") from None
    if not isinstance(found, dict):
        raise FileFormatError(f"{path.name} is not a preset: it must hold one JSON object.")
    return found


def _made(given: Mapping[str, Any]) -> Preset:
    try:
        return Preset.model_validate(_extended(given))
    except ValidationError as problem:
        raise DefinitionError(fault(given.get("name"), problem.errors(include_url=False)[0])) from None


def _check_form(given: Mapping[str, Any]) -> None:
    """Refuse a preset that extends another and whose keys cannot be merged."""
    for word in (*_JOINED, "columns"):
        if not isinstance(given.get(word, ()), list | tuple):
            raise DefinitionError(f"The preset {given.get('name')!r} has a fault at {word}: it must be a list.")
    if not isinstance(given.get("constants", {}), Mapping) or not isinstance(given.get("kinds", {}), Mapping):
        raise DefinitionError(f"The preset {given.get('name')!r} has a fault: constants and kinds must be objects.")


def _extended(given: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a preset into the one that it extends; its headers are removed from the other's columns."""
    if given.get("extends") is None:
        return dict(given)
    if not isinstance(given["extends"], str):
        raise DefinitionError(
            f"The preset {given.get('name')!r} has a fault at extends: it must be the name of a preset, such as "
            f"'hubspot_deal'; got {given['extends']!r}."
        )
    other = _contents(given["extends"])
    _check_form(given)
    own = {folded(header) for column in given.get("columns", ()) for header in _headers(column)}
    rest = []
    for column in other["columns"]:
        headers = [header for header in _headers(column) if folded(header) not in own]
        if headers:
            rest.append({**column, "headers": headers})
    joined = {word: [*given.get(word, ()), *other.get(word, ())] for word in _JOINED}
    constants = {**other.get("constants", {}), **given.get("constants", {})}
    kinds = {**other.get("kinds", {}), **given.get("kinds", {})}
    both = {"constants": constants, "kinds": kinds, "columns": [*given.get("columns", ()), *rest]}
    return {**other, **given, **joined, **both}


def _headers(column: Any) -> list[str]:
    headers = column.get("headers", ()) if isinstance(column, Mapping) else ()
    if isinstance(headers, str):
        return [headers]
    return [header for header in headers if isinstance(header, str)] if isinstance(headers, list | tuple) else []
