"""Arguments of layers, losses and optimisers, declared once.

A field made by one of the functions below carries its type, bounds, default and a sentence of documentation. The
parser, the JSON Schema and the README's tables read them from the dataclass; nothing repeats them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, dataclass
from typing import Any, Literal

FieldType = Literal[
    "integer", "pair", "border", "side", "number", "numbers", "boolean", "choice", "init", "layers", "branches"
]
Pair = int | tuple[int, int]
"""One number for the rows and the columns of an image, or one for each."""
Border = int | tuple[int | tuple[int, int], int | tuple[int, int]] | Literal["same"]
"""Pixels around an image: one number, one for rows and one for columns, or [top, bottom] and [left, right]; or what windows need."""


@dataclass(frozen=True)
class Param:
    """What the spec may say for one argument."""

    type: FieldType
    doc: str
    gt: float | None = None
    ge: float | None = None
    lt: float | None = None
    le: float | None = None
    choices: tuple[str, ...] = ()

    def expected(self, value: float | None = None) -> str:
        """Return a phrase that says which values are right: ``a positive integer``, ``a number in [0, 1)``.

        With a ``value`` that is out of bounds, the phrase names the bound that it breaks.
        """
        if self.type == "boolean":
            return "true or false"
        if self.type == "side":
            return f"{dataclasses.replace(self, type='integer').expected(value)}, or same"
        if self.type == "choice":
            return "one of " + ", ".join(self.choices)
        noun = {
            "integer": "integer",
            "pair": "integer",
            "border": "integer",
            "number": "number",
            "numbers": "number",
        }.get(self.type)
        if noun is None:
            return {
                "init": "an initialisation",
                "layers": "a list of layers",
                "branches": "a list of lists of layers",
            }[self.type]
        article = "an" if noun == "integer" else "a"
        if noun == "integer" and value is not None and self.le is not None and value > self.le:
            return f"{article} {noun} of at most {_plain(self.le)}"
        if self.gt == 0 or (noun == "integer" and self.ge == 1):
            positive = f"a positive {noun}"
            return positive if self.lt is None else f"{positive} below {_plain(self.lt)}"
        low, high = (self.ge if self.gt is None else self.gt), (self.le if self.lt is None else self.lt)
        if noun == "number" and low is not None and high is not None:
            opening, closing = ("[" if self.gt is None else "("), ("]" if self.lt is None else ")")
            return f"a number in {opening}{_plain(low)}, {_plain(high)}{closing}"
        return f"{article} {noun}" if low is None else f"{article} {noun} of at least {_plain(low)}"

    def allows(self, value: float) -> bool:
        """Whether a number lies within the bounds."""
        return (
            (self.gt is None or value > self.gt)
            and (self.ge is None or value >= self.ge)
            and (self.lt is None or value < self.lt)
            and (self.le is None or value <= self.le)
        )


def _plain(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def _field(param: Param, default: object) -> Any:
    return dataclasses.field(default=default, metadata={"param": param}, kw_only=True)


def integer(doc: str, default: object = MISSING, *, ge: int = 1, le: int | None = None) -> Any:
    """Declare an integer argument; positive unless ``ge`` says otherwise."""
    return _field(Param("integer", doc, ge=ge, le=le), default)


def pair(doc: str, default: object = MISSING, *, ge: int = 1, le: int | None = None) -> Any:
    """Declare an integer argument that rows and columns of an image may each have their own of (:data:`Pair`)."""
    return _field(Param("pair", doc, ge=ge, le=le), default)


def border(doc: str, default: object = 0) -> Any:
    """Declare what is added around an image (:data:`Border`)."""
    return _field(Param("border", doc, ge=0, le=1024), default)


def side_border(doc: str, default: object = 0) -> Any:
    """Declare what is added at the two ends of a signal: a number, or same."""
    return _field(Param("side", doc, ge=0, le=1024), default)


def borders(value: Border) -> tuple[tuple[int, int] | Literal["same"], tuple[int, int] | Literal["same"]]:
    """Return what is added before and after the rows, and before and after the columns."""
    if value == "same":
        return "same", "same"
    rows, cols = (value, value) if isinstance(value, int) else value
    sides = tuple((side, side) if isinstance(side, int) else side for side in (rows, cols))
    return sides[0], sides[1]


def both(value: Pair) -> tuple[int, int]:
    """Return the number of the rows and that of the columns."""
    return (value, value) if isinstance(value, int) else value


def as_written(value: Pair | Border) -> str:
    """Return a pair or a border as a spec has it: ``3``, ``[1, 7]``, ``[[0, 1], [0, 1]]``, ``same``."""
    if isinstance(value, int | str):
        return str(value)
    return f"[{', '.join(str(list(each) if isinstance(each, tuple) else each) for each in value)}]"


def number(
    doc: str,
    default: object = MISSING,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
) -> Any:
    """Declare a real argument with its bounds."""
    return _field(Param("number", doc, gt=gt, ge=ge, lt=lt, le=le), default)


def two_numbers(doc: str, default: tuple[float, float], *, ge: float, lt: float) -> Any:
    """Declare an argument of two real numbers within the same bounds, such as the betas of Adam."""
    return _field(Param("numbers", doc, ge=ge, lt=lt), default)


def flag(doc: str, default: object = MISSING) -> Any:
    """Declare a true-or-false argument."""
    return _field(Param("boolean", doc), default)


def choice(doc: str, choices: tuple[str, ...], default: object = MISSING) -> Any:
    """Declare an argument that is one of a few names."""
    return _field(Param("choice", doc, choices=choices), default)


def initialisation(doc: str, default: object = None) -> Any:
    """Declare an argument that holds an initialisation (a name, or variances)."""
    return _field(Param("init", doc), default)


def layer_list(doc: str, default: object = MISSING) -> Any:
    """Declare an argument that holds a list of layers."""
    return _field(Param("layers", doc), default)


def branch_list(doc: str, default: object = MISSING) -> Any:
    """Declare an argument that holds lists of layers, side by side."""
    return _field(Param("branches", doc), default)


def params(cls: type) -> dict[str, tuple[Param, object]]:
    """Return ``{argument: (Param, default or MISSING)}`` of a dataclass, in the order of its declaration."""
    return {f.name: (f.metadata["param"], f.default) for f in dataclasses.fields(cls) if "param" in f.metadata}
