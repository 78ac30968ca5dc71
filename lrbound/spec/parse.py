"""The whole way from a file to a Network."""

from __future__ import annotations

import os
import sys
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from lrbound.input_law import Input
from lrbound.network import Network
from lrbound.spec.compose import compose
from lrbound.spec.diagnostics import Diagnostic, Mark, Problems, SpecError
from lrbound.spec.header import VERSION, read_input, read_name, read_training, read_version
from lrbound.spec.inits import Inits, read_inits
from lrbound.spec.layers import LayerReader
from lrbound.spec.names import known_entries
from lrbound.spec.scalars import describe, is_null
from lrbound.spec.shapes import ShapeChecker
from lrbound.spec.size import check_size
from lrbound.spec.tree import MapValue, Value
from lrbound.spec.wording import listing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.layers.base import Node
    from lrbound.meanfield.contract import Shape
    from lrbound.spec.overrides import Default

T = TypeVar("T")

LONGEST_TEXT = 1_000_000
KEYS = ("version", "name", "input", "init", "training", "layers")
REQUIRED = ("version", "input", "layers")
UNNAMED = "network"
FREE = "x-"
"""Beginning of the keys at the top level that nobody reads."""


def parse(
    text: str,
    *,
    source: str = "<string>",
    name: str | None = None,
    overrides: Sequence[tuple[str, str]] = (),
    defaults: Sequence[Default] = (),
) -> Network:
    """Read a spec.

    Parameters
    ----------
    text : str
        The spec in YAML.
    source : str
        What messages call the text; usually the file as the user named it.
    name : str, optional
        The network's name where the spec has none.
    overrides : sequence of (str, str)
        Paths and values (``("layers.*.batch_norm.gamma", "0.5")``) that replace what the text says, in this order.
    defaults : sequence of (str, str, str)
        Paths and values (``("training.loss", "mse", "a.toml: loss")``) for what the text does not say, and what messages call them.

    Returns
    -------
    Network
        Checked: every layer can take the shape that reaches it, and the output is flat.

    Raises
    ------
    SpecError
        With everything that is wrong with the spec.
    """
    if len(text) > LONGEST_TEXT:
        raise _unreadable(source, f"larger than {LONGEST_TEXT} characters; a spec is a small text")
    text = text.removeprefix("\ufeff")
    problems = Problems(source, text)
    root = _root(text, problems)
    if defaults:
        from lrbound.spec.overrides import apply_defaults

        apply_defaults(root, defaults, problems)
    if overrides:
        from lrbound.spec.overrides import apply

        apply(root, overrides, problems)
    return _network(root, name or UNNAMED, problems)


def load(
    path: str | os.PathLike[str], *, overrides: Sequence[tuple[str, str]] = (), defaults: Sequence[Default] = ()
) -> Network:
    """Read a spec from a file; ``-`` is the standard input.

    Parameters
    ----------
    path : str or path-like
        The file; its stem is the network's name where the spec has none.
    overrides, defaults
        As in :func:`parse`.

    Returns
    -------
    Network
        As from :func:`parse`.

    Raises
    ------
    SpecError
        Where the file cannot be read, or with everything that is wrong with the spec.
    """
    return parse(**read(path)._asdict(), overrides=overrides, defaults=defaults)


class Text(NamedTuple):
    """A spec as it was read, under the names of the arguments of :func:`parse`."""

    text: str
    source: str
    name: str


def read(path: str | os.PathLike[str]) -> Text:
    """Read the text of a spec, for those who parse it more than once; arguments and errors as in :func:`load`."""
    shown = os.fspath(path)
    source, name = ("<stdin>", "stdin") if shown == "-" else (shown, PurePath(shown).stem)
    content = _read(shown, source)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} is 0x{content[error.start]:02x}"
        raise _unreadable(source, f"not UTF-8 text ({found})") from None
    return Text(text, source, name if name.isprintable() else UNNAMED)


def _read(path: str, source: str) -> bytes:
    """Return the content; at most one byte more than is allowed is read, so that endless files end."""
    try:
        if path == "-":
            content = sys.stdin.buffer.read(LONGEST_TEXT + 1)
        else:
            with open(path, "rb") as file:
                content = file.read(LONGEST_TEXT + 1)
    except OSError as error:
        raise _unreadable(source, f"cannot be read: {error.strerror or error}") from None
    except ValueError:  # a NUL or half a surrogate pair in the name
        raise _unreadable(source, "cannot be read: not a file name") from None
    if len(content) > LONGEST_TEXT:
        raise _unreadable(source, f"larger than {LONGEST_TEXT} bytes; a spec is a small text")
    return content


def _unreadable(source: str, message: str) -> SpecError:
    return SpecError((Diagnostic(source, 0, 0, message),))


def _root(text: str, problems: Problems) -> MapValue:
    """Return the top level; raise SpecError where it is no mapping."""
    root = compose(text, problems)
    if isinstance(root, MapValue):
        return root
    if not problems:
        empty = root is None or is_null(root)
        what = "the spec is empty" if root is None or empty else f"a spec is a mapping, got {describe(root)}"
        problems.add(root.mark if root else Mark(1, 1), f"{what}; it needs the keys version, input and layers")
    raise problems.error()


def _network(root: MapValue, name: str, problems: Problems) -> Network:
    given = known_entries(_without_free_blocks(root), KEYS, "key", "", problems)
    reader = LayerReader(problems)
    reader.marks["layers"] = root.entries["layers"].mark if "layers" in given else root.mark

    def part(key: str, read: Callable[[Value], T], default: T) -> T:
        absent = key not in given or (key not in REQUIRED and is_null(given[key]))
        if not absent:
            with problems.collecting():
                return read(given[key])
        return default

    _check_required(given, root.mark, problems)
    part("version", read_version, None)
    law = part("input", lambda value: read_input(value, problems), Input((1,)))
    inits = part("init", lambda value: read_inits(value, problems), Inits())
    reader.inits = inits.by_kind
    default_training = read_training(MapValue(root.mark, {}), problems)
    training = part("training", lambda value: read_training(value, problems), default_training)
    no_nodes: tuple[Node, ...] = ()
    nodes = part("layers", lambda value: reader.read_list(value, "layers", "'layers'"), no_nodes)
    check_size(nodes, reader.marks, problems)
    name = part("name", read_name, name)
    problems.check()
    shape = _output_shape(law.shape, nodes, reader.marks, problems)
    message = training.loss.check(shape[0])
    if message:
        mark = _loss_mark(given, reader.marks["layers"])
        problems.add(mark, message)
        problems.check()
    return Network(name, law, inits.rest, nodes, shape, training)


def _without_free_blocks(root: MapValue) -> MapValue:
    """Return the top level without what a spec keeps for itself, such as anchors."""
    return MapValue(root.mark, {key: entry for key, entry in root.entries.items() if not key.startswith(FREE)})


def _check_required(given: dict[str, Value], mark: Mark, problems: Problems) -> None:
    missing = [f"'{key}'" for key in REQUIRED if key not in given]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        hint = "" if "version" in given else f"; write 'version: {VERSION}'"
        problems.add(mark, f"{listing(missing)} {verb} missing{hint}")


def _output_shape(shape: Shape, nodes: tuple[Node, ...], marks: dict[str, Mark], problems: Problems) -> Shape:
    """Return the shape of the output; raise SpecError where a layer cannot take its input or the output is not flat."""
    checker = ShapeChecker(marks, problems)
    output = checker.follow(nodes, shape)
    if output is not None and len(output) != 1:
        message = f"the network's output has the shape {list(output)}, not [outputs]; end with flatten or "
        problems.add(marks[nodes[-1].path], message + "global_avg_pool, then linear")
    if output is not None and not checker.learns:
        problems.add(marks["layers"], "no layer has parameters to learn")
    problems.check()
    assert output is not None  # or a problem would have been raised
    return output


def _loss_mark(given: dict[str, Value], default: Mark) -> Mark:
    training = given.get("training")
    if isinstance(training, MapValue) and "loss" in training.entries:
        return training.entries["loss"].value.mark
    return default
