"""Models on the command line."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import typer

from lrbound.cli._extras import need
from lrbound.cli._notices import line
from lrbound.cli.exit import refuse
from lrbound.notices import Notice, short

if TYPE_CHECKING:
    from lrbound.importing.graph import Graph
    from lrbound.importing.translate import Translation

FILES = (".json", ".onnx")
"""Endings of files that hold a model."""


def is_model(spec: str) -> bool:
    """Whether an argument names a model rather than a spec; a JSON file may be a spec."""
    return spec.endswith(".onnx") or is_object(spec)


def is_object(spec: str) -> bool:
    """Whether an argument names an object in Python code."""
    place, colon, name = spec.rpartition(":")
    return bool(colon and place) and name.replace(".", "").isidentifier() and not os.path.exists(spec)


def read_model(
    verb: str, target: str, shape: str | None, arguments: list[str] | None, *, partial: bool = False
) -> Translation:
    """Read a model; what cannot be read or translated ends the command with every reason."""
    from lrbound.importing.refusal import ModelError, Untranslatable
    from lrbound.importing.translate import translate

    read = _read_file if target.endswith(FILES) else _read_object
    try:
        graph = read(verb, target, shape, arguments)
        translation = translate(graph, name=_name(target), source=target, partial=partial)
    except ModelError as error:
        raise refuse(str(error)) from error
    except Untranslatable as error:
        raise refuse(f"{target} cannot be written as a spec:\n" + _indented(str(error))) from error
    for note in translation.notes:
        typer.echo(f"note: {note}", err=True)
    for stand_in in translation.stand_ins:
        typer.echo(line(Notice("LRB090", short(f"not translated: {stand_in}"))), err=True)
    return translation


def _read_object(verb: str, target: str, shape: str | None, arguments: list[str] | None) -> Graph:
    """Read a PyTorch model, whose code runs."""
    need(verb, "torch", "torch")
    if shape is None:
        raise typer.BadParameter(
            f"{target} is a model, so its input is needed: --input 3,32,32", param_hint="'--input'"
        )
    sides, given = _shape(shape), read_arguments(arguments)
    from lrbound.importing.record import record
    from lrbound.importing.target import load_model

    return record(load_model(target, given), sides)


def _read_file(verb: str, target: str, shape: str | None, arguments: list[str] | None) -> Graph:
    """Read a model from a file, of which nothing runs."""
    if arguments:
        raise typer.BadParameter(f"{target} is a file, so that there is nothing to call", param_hint="'--arg'")
    sides = None if shape is None else _shape(shape)
    if target.endswith(".onnx"):
        need(verb, "onnx", "onnx")
        from lrbound.importing.onnx import read_onnx

        return read_onnx(target, sides)
    from lrbound.importing.keras import read_keras

    return read_keras(target, sides)


def _shape(text: str) -> tuple[int, ...]:
    try:
        sides = tuple(int(part) for part in text.strip("[]() ").split(","))
    except ValueError:
        sides = ()
    if not sides or min(sides) < 1:
        raise typer.BadParameter(
            f"{text!r} is not a shape; write the sides of one sample, without the batch, as 3,32,32 or 784",
            param_hint="'--input'",
        )
    return sides


def read_arguments(texts: list[str] | None) -> dict[str, object]:
    """Return what the object is called with."""
    from lrbound.importing.target import read_argument

    try:
        return dict(read_argument(text) for text in texts or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--arg'") from None


def _name(target: str) -> str:
    """Return what the network is called: the object, in the manner of file names."""
    place, colon, name = target.rpartition(":")
    name = name if colon and place else os.path.basename(target).rpartition(".")[0]
    return name.rpartition(".")[2].strip("_").replace("_", "-").lower() or "network"


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
