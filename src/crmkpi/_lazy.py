"""Packages whose names are loaded lazily, each from its own module at its first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any, NoReturn

__all__ = ["listed", "loader"]


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: loads a name from its module in `homes`, and caches it in the package."""
    module = sys.modules[package]
    module.__dict__["_homes"] = homes
    module.__class__ = _Package
    _list_children(module)

    def load(name: str) -> Any:
        if name not in homes:
            raise _unknown(package, name, dir(module))
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        module.__dict__[name] = value
        return value

    return load


def _unknown(module: str, name: str, known: Iterable[str]) -> AttributeError:
    """The error for an unknown name; private and dunder names, which tools look up, get no hint."""
    sentence = f"module {module!r} has no attribute {name!r}"
    if name.startswith("_"):
        return AttributeError(sentence)
    from crmkpi.errors import UnknownAttributeError, did_you_mean  # noqa: PLC0415  # importing the package loads nothing

    names = sorted(each for each in known if not each.startswith("_"))
    return UnknownAttributeError(f"{sentence}. {did_you_mean(name, names)}", name=name, known=tuple(names))


class _Package(ModuleType):
    """Keeps `crmkpi.sales.win_rate` the KPI, although the module that defines it has the same name."""

    def __dir__(self) -> list[str]:
        own = self.__dict__
        return own["__dir__"]() if "__dir__" in own else sorted({*own.get("__all__", ()), *own["_homes"]})

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a module of a package makes it an attribute of the package.
        own = isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}"
        given = listed(value) if isinstance(value, ModuleType) else value
        if not (own and name in self.__dict__["_homes"]):
            super().__setattr__(name, given)


def listed(module: ModuleType) -> ModuleType:
    """Make a module, and the modules in it, list only public names, for completion in notebooks."""
    if type(module) is ModuleType and module.__name__.startswith("crmkpi."):
        module.__class__ = _Listed
        _list_children(module)
    return module


def _list_children(module: ModuleType) -> None:
    for loaded in list(vars(module).values()):
        if isinstance(loaded, ModuleType) and loaded.__name__.startswith(f"{module.__name__}."):
            listed(loaded)


class _Listed(ModuleType):
    def _public(self) -> list[str]:
        own = self.__dict__
        inside = [name for name, one in own.items() if isinstance(one, ModuleType) and name in one.__name__.split(".")]
        return list(own.get("__all__") or [name for name in inside if not name.startswith("_")])

    def __dir__(self) -> list[str]:
        return sorted(self._public())

    def __getattr__(self, name: str) -> NoReturn:
        if name == "__path__":  # each import from a module looks it up
            raise AttributeError(name)
        raise _unknown(self.__name__, name, () if name.startswith("_") else self._public())

    def __call__(self, *_given: object, **_options: object) -> object:
        from crmkpi._names import MODULES, SUBMODULES  # noqa: PLC0415  # importing the package loads nothing
        from crmkpi.errors import InputError  # noqa: PLC0415

        name = self.__name__.rpartition(".")[2]
        known_as = f"crmkpi.{name}" if name in (*MODULES, *SUBMODULES) else self.__name__
        has = self._public()
        ways = f"call {known_as}.{name}(...)" if name in has else f"it has {', '.join(has[:6])}"
        raise InputError(f"{known_as} is a module, and only its functions can be called; {ways}.")

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a module of a package makes it an attribute of the package.
        super().__setattr__(name, listed(value) if isinstance(value, ModuleType) else value)
