"""What a scalar means (YAML 1.2 core rules, decimal numbers only) and whether it is what a Param asks for."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from lrbound.spec.diagnostics import Invalid, Problems
from lrbound.spec.tree import ListValue, Scalar, Value
from lrbound.spec.wording import abbreviate, quote

if TYPE_CHECKING:
    from lrbound.fields import Border, Pair, Param

LIMIT = 1e12  # beyond this no argument means anything, and products of a few could overflow
MOST_DIGITS = 30

_CONSTANTS: tuple[tuple[str, bool | None], ...] = (("null", None), ("true", True), ("false", False))
_WORDS: dict[str, bool | None] = {
    form: value for word, value in _CONSTANTS for form in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}


def resolve(scalar: Scalar) -> bool | int | float | str | None:
    """Return what the scalar means: quoted ones are texts, ``1e-5`` is a number, ``yes`` and ``0x10`` are texts.

    An integer of very many digits is cut to one that is still far beyond every bound.
    """
    text = scalar.text
    if scalar.quoted:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if re.fullmatch(r"[-+]?[0-9]+", text):
        digits = text.lstrip("+-").lstrip("0") or "0"
        size = int(digits) if len(digits) <= MOST_DIGITS else 10**MOST_DIGITS
        return -size if text[0] == "-" else size
    if re.fullmatch(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", text):
        return float(text)
    special = re.fullmatch(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)", text)
    if special:
        return float(text.replace(".", ""))
    return text


def is_null(value: Value) -> bool:
    """Whether the value is null, or nothing at all (``key:``)."""
    return isinstance(value, Scalar) and resolve(value) is None


def describe(value: Value) -> str:
    """Return what is there instead of what was expected, as a message names it."""
    if not isinstance(value, Scalar):
        return "a list" if isinstance(value, ListValue) else "a mapping"
    meaning = resolve(value)
    if isinstance(meaning, str):
        return f"the text {quote(value.text)}"
    if meaning is None:
        return "nothing" if not value.text else "null"
    return abbreviate(value.text, 24)


def read_text(value: Value, label: str, expected: str) -> str:
    """Return a text (a name); raise Invalid for everything else."""
    meaning = resolve(value) if isinstance(value, Scalar) else None
    if not isinstance(meaning, str):
        raise Invalid(value.mark, f"{label} must be {expected}, got {describe(value)}")
    return meaning


def read_integer(value: Value, param: Param, label: str, expected: str = "") -> int:
    """Return an integer within the bounds of ``param``; raise Invalid for everything else."""
    meaning = resolve(value) if isinstance(value, Scalar) else None
    whole = isinstance(meaning, int) and not isinstance(meaning, bool)
    if isinstance(meaning, int) and whole and param.allows(meaning):
        if abs(meaning) >= LIMIT:
            raise Invalid(value.mark, f"{label} must be below 1e12, got {describe(value)}")
        return meaning
    hint = ""
    if isinstance(meaning, float) and meaning.is_integer() and param.allows(meaning) and abs(meaning) < LIMIT:
        hint = f"; write {int(meaning)}"
    right = expected or param.expected(meaning if isinstance(meaning, int) else None)
    raise Invalid(value.mark, f"{label} must be {right}, got {describe(value)}{hint}")


def read_pair(value: Value, param: Param, label: str) -> Pair:
    """Return one integer for both axes of an image, or ``[rows, columns]`` as two where they differ."""
    expected = f"{param.expected()}, or [rows, columns]"
    if not isinstance(value, ListValue):
        whole = isinstance(value, Scalar) and isinstance(resolve(value), int) and not isinstance(resolve(value), bool)
        return read_integer(value, param, label, "" if whole else expected)
    if len(value.values) != 2:
        raise Invalid(value.mark, f"{label} must be {expected}, got a list of {len(value.values)}")
    rows, cols = (
        read_integer(each, param, f"{label}: {axis}")
        for each, axis in zip(value.values, ("rows", "columns"), strict=True)
    )
    return rows if rows == cols else (rows, cols)


def read_border(value: Value, param: Param, label: str) -> Border:
    """Return pixels around an image: a number, ``[rows, columns]``, ``[[top, bottom], [left, right]]`` or ``same``."""
    if isinstance(value, Scalar) and resolve(value) == "same":
        return "same"
    expected = f"{param.expected()}, [rows, columns], [[top, bottom], [left, right]] or same"
    if not isinstance(value, ListValue):
        whole = isinstance(value, Scalar) and isinstance(resolve(value), int) and not isinstance(resolve(value), bool)
        return read_integer(value, param, label, "" if whole else expected)
    if len(value.values) != 2:
        raise Invalid(value.mark, f"{label} must be {expected}, got a list of {len(value.values)}")
    sides: list[Pair] = [
        read_pair(each, param, f"{label}: {axis}")
        if isinstance(each, ListValue)
        else read_integer(each, param, f"{label}: {axis}")
        for each, axis in zip(value.values, ("rows", "columns"), strict=True)
    ]
    rows, cols = sides
    return rows if isinstance(rows, int) and rows == cols else (rows, cols)


def read_two_numbers(value: Value, param: Param, label: str) -> tuple[float, float]:
    """Return ``[a, b]`` as two numbers within the bounds of ``param``."""
    if not isinstance(value, ListValue) or len(value.values) != 2:
        got = f"a list of {len(value.values)}" if isinstance(value, ListValue) else describe(value)
        raise Invalid(value.mark, f"{label} must be a list of two numbers, got {got}")
    first, second = (
        read_number(each, param, f"{label}: {place}")
        for each, place in zip(value.values, ("the first", "the second"), strict=True)
    )
    return first, second


def read_number(value: Value, param: Param, label: str) -> float:
    """Return a finite number within the bounds of ``param``; raise Invalid for everything else."""
    meaning = resolve(value) if isinstance(value, Scalar) else None
    if isinstance(meaning, bool) or not isinstance(meaning, (int, float)):
        raise Invalid(value.mark, f"{label} must be {param.expected()}, got {describe(value)}")
    if not math.isfinite(meaning):
        raise Invalid(value.mark, f"{label} must be finite, got {describe(value)}")
    if not param.allows(meaning):
        raise Invalid(value.mark, f"{label} must be {param.expected(meaning)}, got {describe(value)}")
    if abs(meaning) >= LIMIT:
        raise Invalid(value.mark, f"{label} must be below 1e12 in size, got {describe(value)}")
    return float(meaning)


def read_flag(value: Value, param: Param, label: str) -> bool:
    """Return true or false; raise Invalid for everything else, ``yes`` and ``no`` included."""
    meaning = resolve(value) if isinstance(value, Scalar) else None
    if not isinstance(meaning, bool):
        raise Invalid(value.mark, f"{label} must be {param.expected()}, got {describe(value)}")
    return meaning


def read_choice(value: Value, param: Param, label: str, problems: Problems) -> str:
    """Return one of the names that ``param`` allows; raise Invalid for everything else."""
    name = read_text(value, label, param.expected())
    if name not in param.choices:
        hint = problems.did_you_mean(name, param.choices)
        raise Invalid(value.mark, f"{label} must be {param.expected()}, got {quote(name)}{hint}")
    return name


def read_scalar(
    value: Value, param: Param, label: str, problems: Problems
) -> Border | tuple[float, float] | bool | float | str:
    """Return what ``param`` asks for; raise Invalid for everything else.

    Parameters
    ----------
    value : Scalar, ListValue or MapValue
        What the spec says.
    param : Param
        An integer, pair of integers, number, two numbers, boolean or choice.
    label : str
        How a message begins: ``linear: 'features'``.
    problems : Problems
        Asked for names that are close.
    """
    if param.type == "integer":
        return read_integer(value, param, label)
    if param.type == "pair":
        return read_pair(value, param, label)
    if param.type == "side":
        return "same" if isinstance(value, Scalar) and resolve(value) == "same" else read_integer(value, param, label)
    if param.type == "border":
        return read_border(value, param, label)
    if param.type == "number":
        return read_number(value, param, label)
    if param.type == "numbers":
        return read_two_numbers(value, param, label)
    if param.type == "boolean":
        return read_flag(value, param, label)
    return read_choice(value, param, label, problems)
