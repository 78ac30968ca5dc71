"""Defaults from ``lrbound.toml`` or ``[tool.lrbound]`` of ``pyproject.toml``: of this folder, or the nearest above that has them.

A spec that states something, and an option on the command line, win over a default.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from lrbound.cli.exit import refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.spec.overrides import Default

OWN, SHARED, TABLE = "lrbound.toml", "pyproject.toml", "tool.lrbound"
KEYS = ("loss", "optimizer", "fail-above", "ignore")
OF_TRAINING = {"loss": "training.loss", "optimizer": "training.optimizer"}
ROOT = ".git"
"""What the folder has above which nothing is looked for."""
FORM = {
    "loss": 'a text, such as loss = "cross_entropy"',
    "optimizer": 'a name or a table, such as optimizer = {name = "sgd", momentum = 0.9}',
    "fail-above": 'fail-above = "max", "curvature" or a positive number',
    "ignore": 'a list of codes, such as ignore = ["LRB012"]; lrbound explain lists all',
}


@dataclass(frozen=True)
class Config:
    """What a file says; None or nothing where it says nothing.

    Attributes
    ----------
    file : str
    table : str
        What messages put before a key: ``tool.lrbound.`` or nothing.
    values : dict of str to value
    """

    file: str = ""
    table: str = ""
    values: tuple[tuple[str, Any], ...] = ()

    def get(self, key: str) -> Any:
        """Return a value, None where there is none."""
        return dict(self.values).get(key)

    def origin(self, key: str) -> str:
        """Return where a value stands."""
        return f"{self.file}: {self.table}{key}"

    @property
    def defaults(self) -> tuple[Default, ...]:
        """What a spec takes that does not say it itself: path, value as YAML, and origin."""
        from json import dumps

        return tuple(
            (OF_TRAINING[key], dumps(value), self.origin(key)) for key, value in self.values if key in OF_TRAINING
        )

    def said(self) -> Iterator[str]:
        """Yield a line on each default, for --verbose."""
        from json import dumps

        for key, value in self.values:
            unless = (
                "unless the spec or an option says otherwise"
                if key in OF_TRAINING
                else "unless an option says otherwise"
            )
            yield f"default: {key} = {dumps(value)} {unless} ({self.origin(key)})"


@cache
def config(folder: str | None = None) -> Config:
    """Return the defaults that hold in a folder, the current one if none is named.

    Raises
    ------
    Refusal
        Where the file says what it cannot say, with file and key, all errors at once.
    """
    here = os.path.abspath(folder or os.getcwd())
    while True:
        for name, mark in ((OWN, None), (SHARED, TABLE)):
            path = os.path.join(here, name)
            text = _text(path)
            if text is not None and (mark is None or mark in text):
                found = _read(path, text, shared=mark is not None)
                if found is not None:
                    return found
        parent = os.path.dirname(here)
        if parent == here or os.path.exists(os.path.join(here, ROOT)):
            return Config()
        here = parent


def _text(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise refuse(f"{_shown(path)}: cannot be read: {error}") from error


def _read(path: str, text: str, *, shared: bool) -> Config | None:
    """Return what a file says; None where a shared one has no table for lrbound."""
    import tomllib

    shown = _shown(path)
    try:
        values: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        where = f":{place[1]}:{place[2]}" if place else ""
        message = str(error)[: place.start()] if place else str(error)
        raise refuse(f"{shown}{where}: not valid TOML: {message}") from error
    if shared:
        tool = values.get("tool", {})
        values = tool.get("lrbound") if isinstance(tool, dict) else None
        if values is None:
            return None
    table = f"{TABLE}." if shared else ""
    if not isinstance(values, dict):
        raise refuse(f"{shown}: {TABLE} must be a table with keys such as loss, got {values!r}")
    wrong = [f"{shown}: {table}{key}: {problem}" for key, value in values.items() for problem in _problems(key, value)]
    if wrong:
        raise refuse("\n".join(wrong))
    return Config(shown, table, tuple(values.items()))


def _problems(key: str, value: Any) -> Iterator[str]:
    """Yield what is wrong with a value, and what would be right; what a spec would say of it is said when it is used."""
    if key not in KEYS:
        from difflib import get_close_matches

        near = get_close_matches(key, KEYS, n=1)
        yield f"unknown key; did you mean {near[0]}?" if near else f"unknown key; known: {', '.join(KEYS)}"
    elif not _fits(key, value):
        yield f"must be {FORM[key]}, got {value!r}"


def _fits(key: str, value: Any) -> bool:
    if key == "loss":
        return isinstance(value, str)
    if key == "optimizer":
        return isinstance(value, str | dict)
    if key == "fail-above":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return value in ("max", "curvature") if isinstance(value, str) else number and 0.0 < value < float("inf")
    from lrbound.notices import codes

    return isinstance(value, list) and all(code in codes() for code in value)


def _shown(path: str) -> str:
    """Return a path relative to the current folder where it is in it."""
    name = os.path.relpath(path)
    return path if name.startswith(os.pardir + os.sep + os.pardir) else name
