"""Where the arithmetic runs: the standard library, or numpy where it is installed and wanted.

The formulas are written once, in functions that `math` and `numpy` share by name (log, exp, log1p, expm1).
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
    """One value a row: a list, a tuple or a numpy array."""

    def __len__(self) -> int:
        """How many rows."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """The values in order."""
        ...

    def __getitem__(self, row: Any, /) -> Any:
        """The value of a row."""
        ...


def numpy_for(engine: Engine) -> Any:
    """The numpy module if `engine` asks for it or finds it, and None for the standard library."""
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
