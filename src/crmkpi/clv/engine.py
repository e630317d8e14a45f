"""Select the arithmetic: the standard library, or numpy if it is installed and wanted.

The formulas exist once, with functions that have the same names in `math` and `numpy` (log, exp, log1p, expm1).
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, Protocol

from crmkpi.errors import MissingExtraError, ParameterError

__all__ = ["ColumnLike", "Engine", "numpy_for"]

Engine = Literal["auto", "python", "numpy"]


class ColumnLike(Protocol):
    """One value per row: a list, a tuple or a numpy array."""

    def __len__(self) -> int:
        """The number of rows."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The values in order."""
        ...

    def __getitem__(self, row: Any, /) -> Any:
        """The value of a row."""
        ...


def numpy_for(engine: Engine) -> Any:
    """The numpy module if `engine` requires it, or is "auto" and it is installed; None for the standard library."""
    if engine == "python":
        return None
    if engine not in ("auto", "numpy"):
        raise ParameterError(f"`engine` must be 'auto', 'python' or 'numpy'; got {engine!r}.")
    if find_spec("numpy") is None:
        if engine == "auto":
            return None
        raise MissingExtraError(
            "engine='numpy' needs numpy; install it with `pip install numpy` or say engine='python'."
        )
    return import_module("numpy")
