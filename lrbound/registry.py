"""Families of members that are one file each: layers, activations, losses, optimisers, report formats, formats of data.

The name of a member is the name of its module, and its class is the one class that the module defines as a subclass
of the family's base. Members are imported when they are asked for, so a family's size costs nothing at start-up.
Each family stands in the ``__init__`` of its package; this module knows none of them.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import Generic, TypeVar

T = TypeVar("T")


class Family(Generic[T]):
    """The members found in some packages of lrbound.

    Parameters
    ----------
    base : str
        ``module:Class``, the base class of all members.
    packages : str
        Packages whose modules (apart from ``base`` and private ones) are the members.
    """

    def __init__(self, base: str, *packages: str) -> None:
        self._base = base
        self._packages = packages

    @cache  # noqa: B019 - a family lives as long as the process
    def _modules(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for package in self._packages:
            (folder,) = importlib.import_module(package).__path__
            for entry in sorted(os.listdir(folder)):
                name, _, suffix = entry.partition(".")
                if suffix == "py" and name != "base" and not name.startswith("_"):
                    found[name] = f"{package}.{name}"
        return found

    def names(self) -> tuple[str, ...]:
        """Return the names of all members, without importing them."""
        return tuple(self._modules())

    def __contains__(self, name: object) -> bool:
        return name in self._modules()

    @cache  # noqa: B019
    def get(self, name: str) -> type[T]:
        """Return the class of the member ``name``; KeyError if there is none."""
        module = importlib.import_module(self._modules()[name])
        module_name, _, class_name = self._base.partition(":")
        base = getattr(importlib.import_module(module_name), class_name)
        members = [
            value
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, base) and value.__module__ == module.__name__
        ]
        (member,) = members
        return member
