"""A mapping that cannot be changed, and unlike `types.MappingProxyType` can be pickled and copied."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

__all__ = ["ReadOnly"]

K = TypeVar("K")
V = TypeVar("V")


class ReadOnly(dict[K, V]):
    """A dict that refuses to change.

    >>> import pickle
    >>> seats = ReadOnly({"seats": 3})
    >>> pickle.loads(pickle.dumps(seats)) == seats
    True
    >>> seats["seats"] = 4
    Traceback (most recent call last):
    TypeError: This mapping cannot be changed; make a copy of it with dict(...).
    """

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("This mapping cannot be changed; make a copy of it with dict(...).")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)
