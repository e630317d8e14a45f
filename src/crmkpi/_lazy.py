"""Packages whose names are loaded one by one, each from its own module when it is first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["listed", "loader"]


def loader(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package: gives a name from the module that `homes` says, and keeps it from then on."""
    module = sys.modules[package]
    module.__dict__["_homes"] = homes
    module.__class__ = _Package
    for loaded in list(vars(module).values()):
        if isinstance(loaded, ModuleType) and loaded.__name__.startswith(f"{package}."):
            listed(loaded)

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        module.__dict__[name] = value
        return value

    return load


class _Package(ModuleType):
    """Keeps `crmkpi.sales.win_rate` the KPI that it is, though the module that defines it has the same name."""

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__["_homes"]})

    def __setattr__(self, name: str, value: object) -> None:
        # Importing a module of a package makes it an attribute of the package.
        own = isinstance(value, ModuleType) and value.__name__ == f"{self.__name__}.{name}"
        if not (own and name in self.__dict__["_homes"]):
            super().__setattr__(name, listed(value) if isinstance(value, ModuleType) else value)


def listed(module: ModuleType) -> ModuleType:
    """The module, which lists its public names alone, as completion in a notebook shows them."""
    if type(module) is ModuleType:
        module.__class__ = _Listed
    return module


class _Listed(ModuleType):
    def _public(self) -> list[str]:
        own = self.__dict__
        return list(own.get("__all__", [name for name in own if not name.startswith("_")]))

    def __dir__(self) -> list[str]:
        return sorted(self._public())

    def __call__(self, *_given: object, **_options: object) -> object:
        from crmkpi.errors import InputError  # noqa: PLC0415  # the package loads nothing before it is used

        name = self.__name__.rpartition(".")[2]
        has = self._public()
        ways = f"call crmkpi.{name}.{name}(...)" if name in has else f"it has {', '.join(has[:6])}"
        raise InputError(f"crmkpi.{name} is a module, and what is called is a function of it; {ways}.")
