"""Models of settings files: an unknown key is refused with a suggestion, any other fault in one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from crmkpi.errors import CrmKpiError, InputError, UnknownNameError, did_you_mean, unknown_name

__all__ = ["Keyed", "said"]

_K = TypeVar("_K", bound="Keyed")


class Keyed(BaseModel):
    """The keys of one table of a file; `called` is its name in errors, such as "A report"."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_by_name=True, validate_by_alias=True)
    called: ClassVar[str] = "The file"

    @model_validator(mode="before")
    @classmethod
    def _keys_are_known(cls, given: Any) -> Any:
        if isinstance(given, Keyed):
            return given
        if not isinstance(given, Mapping):
            raise InputError(f"{cls.called} is a table of keys and values; got {given!r}.")
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in given:
            if key not in known:
                inner = [name for name, field in cls.model_fields.items() if str(key) in _keys_within(field.annotation)]
                if inner:
                    raise UnknownNameError(f"{cls.called} has no key {key!r}, but its {inner[0]} has; write it there.")
                raise unknown_name(f"{cls.called} has no key {key!r}.", str(key), known)
        return given


def _keys_within(annotation: Any) -> set[str]:
    """The keys of the tables that a field holds."""
    if isinstance(annotation, type) and issubclass(annotation, Keyed):
        return {field.alias or name for name, field in annotation.model_fields.items()}
    return {key for part in get_args(annotation) for key in _keys_within(part)}


def said(model: type[_K], given: Any) -> _K:
    """Validate a mapping as the model; the first fault is an error of one sentence.

    >>> class Colours(Keyed):
    ...     called: ClassVar[str] = "The colours"
    ...     front: str
    >>> said(Colours, {"front": "red"}).front
    'red'
    >>> said(Colours, {"frnt": "red"})
    Traceback (most recent call last):
    crmkpi.errors.UnknownNameError: The colours has no key 'frnt'. Did you mean 'front'?
    >>> said(Colours, {"front": 3})
    Traceback (most recent call last):
    crmkpi.errors.InputError: front: input should be a valid string; got 3.
    """
    try:
        return model.model_validate(given)
    except ValidationError as problem:
        error = problem.errors(include_url=False)[0]
        cause = error.get("ctx", {}).get("error")
        if isinstance(cause, CrmKpiError):
            raise cause from None
        raise InputError(_sentence(model, error)) from None


def _sentence(model: type[Keyed], error: Mapping[str, Any]) -> str:
    place = ".".join(_places(error["loc"]))
    match error["type"]:
        case "missing":
            *head, key = _places(error["loc"])
            where = ".".join(head) or model.called
            return f"{where} lacks the key {key!r}."
        case "literal_error":
            choices = [part.strip("' ") for part in error["ctx"]["expected"].replace(" or ", ",").split(",")]
            hint = did_you_mean(str(error["input"]), choices)
            near = f" {hint}" if hint.startswith("Did you") else ""
            return f"{place}: {_message(error)}; got {error['input']!r}.{near}"
        case _:
            return f"{place or model.called}: {_message(error)}; got {error['input']!r}."


def _message(error: Mapping[str, Any]) -> str:
    message: str = error["msg"]
    return message[:1].lower() + message[1:]


def _places(location: tuple[Any, ...]) -> list[str]:
    """The path to an error, with positions in lists counted from 1, and without the types that a union tried."""
    return [
        str(part + 1) if isinstance(part, int) else part
        for part in location
        if isinstance(part, int) or not (set(part) & set("[(-") or part in _KINDS)
    ]


_KINDS = frozenset({"str", "int", "float", "bool", "date", "datetime", "decimal"})
