"""Which specs an argument names: itself, the files that a pattern matches, or those in a folder."""

from __future__ import annotations

import os
import re

from lrbound.cli.exit import refuse

ENDINGS = (".yaml", ".yml")
SPEC = re.compile(rb"^layers[ \t]*:", re.MULTILINE)
"""What a file in a folder has at its top level if it is a spec, among others that are none."""
ENOUGH = 1_000_000
"""Bytes of a file in a folder that are looked at."""


def expand(arguments: list[str]) -> list[str]:
    """Return the specs that the arguments name, each once, in their order.

    Raises
    ------
    Refusal
        Where an argument names none.
    """
    return list(dict.fromkeys(spec for argument in arguments for spec in _named(argument)))


def _named(argument: str) -> list[str]:
    if os.path.isdir(argument):
        found = _in_folder(argument)
        if not found:
            raise refuse(f"error: {argument} has no specs: no YAML file with 'layers' at its top level")
        return found
    if any(character in argument for character in "*?[") and not os.path.lexists(argument):
        from glob import glob

        found = sorted(path for path in glob(argument, recursive=True) if os.path.isfile(path))
        if not found:
            raise refuse(f"error: no file matches {argument}")
        return found
    return [argument]


def _in_folder(folder: str) -> list[str]:
    """Return the specs in a folder and those in it, but for hidden ones."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        paths = (os.path.join(here, name) for name in sorted(files) if not name.startswith("."))
        found += [os.path.normpath(path) for path in paths if path.lower().endswith(ENDINGS) and _is_spec(path)]
    return found


def _is_spec(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return SPEC.search(file.read(ENOUGH)) is not None
    except OSError:
        return True  # what is wrong with it is said where it is read
