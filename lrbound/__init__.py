"""lrbound: the largest stable learning rate of a network, from its architecture alone.

The names below are imported when they are first used: ``import lrbound`` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrbound.empirical.build import to_torch
    from lrbound.importing.from_torch import from_torch
    from lrbound.predictor import predict
    from lrbound.spec import load, parse

__version__ = "0.1.0"
__all__ = ["__version__", "from_torch", "load", "parse", "predict", "to_torch"]

_HOMES = {
    "from_torch": "lrbound.importing.from_torch",
    "load": "lrbound.spec",
    "parse": "lrbound.spec",
    "predict": "lrbound.predictor",
    "to_torch": "lrbound.empirical.build",
}


def __getattr__(name: str) -> object:
    if name == "torch":
        return importlib.import_module("lrbound.torch")
    if name not in _HOMES:
        raise AttributeError(f"module 'lrbound' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
