"""The fields of a spec that a path can name, for completion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.fields import params
from lrbound.init import BIASES, FORMS
from lrbound.layers.base import children
from lrbound.spec import parse
from lrbound.spec.header import LAW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrbound.layers.base import Layer, Node

INNER = ("layers", "branches")


def known_paths(text: str, *, indices: bool = False) -> list[str]:
    """Return the paths that ``--set`` takes for a spec.

    Parameters
    ----------
    text : str
        The spec.
    indices : bool
        Whether layers are named one by one (``layers.0.linear.features``) rather than all of a kind
        (``layers.*.linear.features``).
    """
    network = parse(text)
    nodes = list(_all(network.nodes))
    named = [f"{node.path}.{name}" for node in nodes for name in _arguments(node.layer)]
    kinds = dict.fromkeys(f"layers.*.{name}" for node in nodes for name in _arguments(node.layer))
    header = [
        *(f"input.{name}" for name in ("shape", *LAW)),
        *(f"init.{name}" for name in (*(name for name, form in FORMS.items() if form.number is not None), *BIASES)),
        *(f"training.{name}" for name in ("batch_size", "loss")),
        *(f"training.optimizer.{name}" for name in ("name", *params(type(network.training.optimizer)))),
    ]
    return ["name", *header, *(named if indices else kinds)]


def _all(nodes: Iterable[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _all(children(node.layer))


def _arguments(layer: Layer) -> Iterator[str]:
    for name, (param, _) in params(type(layer)).items():
        if param.type not in INNER:
            yield f"{layer.kind}.{name}"
