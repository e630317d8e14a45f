"""Refuse secrets in a company file, which is shared and under version control."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crmkpi.errors import InputError

__all__ = ["check_no_secrets"]

_URL_WITH_PASSWORD = re.compile(r"[A-Za-z][\w+.-]*://[^/\s:@]*:[^/\s@]+@")
_SECRET_KEYS = re.compile(r"(^|_)(password|passwd|pwd|secret|token|api_?key|private_key|credentials?)$", re.IGNORECASE)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def check_no_secrets(given: Any, place: str = "") -> None:
    """Refuse passwords anywhere in the file, and a database that is not the name of an environment variable.

    The message never shows the value.

    >>> check_no_secrets({"tables": {"deals": {"database": "CRM_URL"}}})
    >>> check_no_secrets({"tables": {"deals": {"database": "postgresql://ada:1234@host/crm"}}})
    Traceback (most recent call last):
    crmkpi.errors.InputError: tables.deals.database holds a URL with a password, which does not belong in ...
    """
    if isinstance(given, Mapping):
        for key, value in given.items():
            where = f"{place}.{key}" if place else str(key)
            if isinstance(value, str):
                _check(where, str(key), value)
            check_no_secrets(value, where)
    elif isinstance(given, list):
        for number, value in enumerate(given, 1):
            check_no_secrets(value, f"{place}.{number}")
    elif isinstance(given, str) and _URL_WITH_PASSWORD.search(given):
        raise _refused(place, "a URL with a password")


def _check(place: str, key: str, value: str) -> None:
    if _URL_WITH_PASSWORD.search(value):
        raise _refused(place, "a URL with a password")
    if _SECRET_KEYS.search(key) and not re.search(r"\.(columns|values|kinds|defaults)\.", place):
        raise _refused(place, "a secret")
    if re.fullmatch(r"tables\.\w+\.database", place) and not _VARIABLE.fullmatch(value):
        raise _refused(place, "something else than the name of an environment variable")


def _refused(place: str, what: str) -> InputError:
    return InputError(
        f"{place} holds {what}, which does not belong in a file; put the URL into an environment variable and name "
        'that, such as database = "CRM_DATABASE_URL".'
    )
