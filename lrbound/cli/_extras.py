"""What a verb needs besides the library itself, and the line that says so."""

from __future__ import annotations

from importlib.util import find_spec

from lrbound.cli.exit import refuse

NAMES = {"torch": "PyTorch", "sklearn": "scikit-learn"}


def need(verb: str, extra: str, *modules: str) -> None:
    """End the command with one line where a module of an extra is not installed."""
    for module in modules:
        if find_spec(module) is None:
            name = NAMES.get(module, module)
            raise refuse(f"lrbound {verb} needs {name}: pip install 'lrbound[{extra}]'")
