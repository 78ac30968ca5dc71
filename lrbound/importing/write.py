"""The YAML of a spec, with where each layer comes from as comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.init import Init, spelled
from lrbound.layers import LAYERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lrbound.importing.graph import Shape
    from lrbound.importing.item import Chain, Item

MARGIN = 100
"""Columns after which a comment of the head goes on in the next line."""


def written(
    chain: Chain, *, name: str, shape: Shape, init: Init, loss: str | None = None, comments: Iterable[str] = ()
) -> str:
    """Return a spec.

    Parameters
    ----------
    chain : tuple of Item
    name : str
        Of the network.
    shape : tuple of int
        Of one sample.
    init : Init
        Of the layers that have none of their own.
    loss : str, optional
        The loss; none is the format's default.
    comments : iterable of str
        For the head of the file.
    """
    lines = [line for comment in comments for line in _comment(comment)]
    lines += ["version: 1", f"name: {scalar(name)}", "input:", f"  shape: {list(shape)}", f"init: {scalar(init)}"]
    if loss is not None:
        lines += ["training:", f"  loss: {loss}"]
    return "\n".join([*lines, "layers:", *_chain(chain, "  ")]) + "\n"


def _comment(text: str) -> Iterator[str]:
    import textwrap

    yield from textwrap.wrap(text, MARGIN, initial_indent="# ", subsequent_indent="#   ")


def _chain(chain: Chain, indent: str) -> Iterator[str]:
    for item in chain:
        yield from _item(item, indent)


def _item(item: Item, indent: str) -> Iterator[str]:
    remark = _remark(item)
    if not item.branches:
        yield f"{indent}- {_plain(item)}{remark}"
        return
    yield f"{indent}- {item.kind}:{remark}"
    inner = indent + "    "
    if item.kind in ("concat", "multiply"):
        for branch in item.branches:
            yield from _branch(branch, inner)
        return
    for key, value in item.arguments.items():
        yield f"{inner}{key}: {scalar(value)}"
    for key, branch in zip(("layers", "shortcut"), item.branches, strict=False):
        if branch:
            yield f"{inner}{key}:"
            yield from _chain(branch, inner + "  ")
        elif key == "layers":
            yield f"{inner}{key}: []"


def _branch(branch: Chain, indent: str) -> Iterator[str]:
    """Yield a list inside a list: its first layer stands beside the dash."""
    if not branch:
        yield f"{indent}- []"
        return
    first, *rest = _chain(branch, indent + "  ")
    yield f"{indent}- {first.removeprefix(indent + '  ')}"
    yield from rest


def _plain(item: Item) -> str:
    main = LAYERS.get(item.kind).main
    if not item.arguments:
        return item.kind
    if main is not None and list(item.arguments) == [main]:
        return f"{item.kind}: {scalar(item.arguments[main])}"
    given = ", ".join(f"{key}: {scalar(value)}" for key, value in item.arguments.items())
    return f"{item.kind}: {{{given}}}"


def _remark(item: Item) -> str:
    places = list(dict.fromkeys(item.places))
    parts: Sequence[str] = [" ... ".join(places)] if any(places) else []
    text = "; ".join((*parts, *((item.note,) if item.note else ())))
    return f"  # {' '.join(text.split())}" if text else ""


def scalar(value: Any) -> str:
    """Return a value as YAML: numbers so that every reader takes them as numbers."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(scalar, value))}]"
    if isinstance(value, Init):
        return _flow(spelled(value))
    if isinstance(value, str):
        return (
            value if value.replace("_", "a").replace("-", "a").isalnum() and not value[0].isdigit() else _quoted(value)
        )
    return str(value)


def _quoted(text: str) -> str:
    import json

    return json.dumps(text)


def _number(value: float) -> str:
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    # YAML 1.1 reads 1e-06 as text
    return text if not exponent else f"{mantissa if '.' in mantissa else mantissa + '.0'}e{int(power)}"


def _flow(value: str | float | dict[str, Any]) -> str:
    """Return an initialisation on one line."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name}: {_flow(inner)}' for name, inner in value.items())}}}"
    return scalar(value)
