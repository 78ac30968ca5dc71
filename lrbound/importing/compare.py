"""Where a spec and a model differ."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from lrbound.fields import params
from lrbound.importing.vote import misfits
from lrbound.layers.base import Branching, unroll

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.importing.item import Chain, Item
    from lrbound.init import Init
    from lrbound.layers.base import Layer, Node
    from lrbound.network import Network

FAR = 7.0
"""Standard errors of a variance; both the file's and the model's may have been measured."""


def differences(network: Network, chain: Chain, shape: tuple[int, ...]) -> list[str]:
    """Return a line on each difference between a spec and the layers of a model; the training does not count.

    Parameters
    ----------
    network : Network
        Of the spec.
    chain : tuple of Item
        Of the model, repeats not folded.
    shape : tuple of int
        Of one sample of the model's input.
    """
    found = []
    if network.input.shape != shape:
        found.append(f"input.shape: {list(network.input.shape)} in the file, {list(shape)} in the model")
    return [*found, *_chains(network.nodes, chain, network.init)]


def _chains(nodes: tuple[Node, ...], chain: Chain, init: Init) -> Iterator[str]:
    ours = [node for node in unroll(nodes) if node.layer.kind != "identity"]
    theirs = [item for item in chain if item.kind != "identity"]
    for node, item in zip_longest(ours, theirs):
        if node is None:
            yield f"the end of the file's list: the model goes on with {item.kind}{_place(item)}"
            return
        if item is None:
            yield f"{node.path}: {node.layer.kind} in the file, nothing in the model"
            return
        yield from _pair(node, item, init)
        if _normal(node.layer.kind, _given(node.layer))[0] != _normal(item.kind, item.arguments)[0]:
            return  # from here on everything would differ


def _pair(node: Node, item: Item, init: Init) -> Iterator[str]:
    """Yield where a layer of the file and one of the model differ."""
    kind, arguments = _normal(node.layer.kind, _given(node.layer))
    other, others = _normal(item.kind, item.arguments)
    if kind != other:
        yield f"{node.path}: {kind} in the file, {other} in the model{_place(item)}"
        return
    inits = {name for name, (param, _) in params(type(node.layer)).items() if param.type == "init"}
    for key in {**arguments, **others}:
        mine, its = (given.get(key, _default(node.layer, key)) for given in (arguments, others))
        if key not in inits and mine != its:
            yield f"{node.path}.{kind}.{key}: {mine} in the file, {its} in the model{_place(item)}"
    for drawn, own_init in zip(item.drawn, node.layer.inits, strict=False):
        for name, stated, own in misfits(own_init or init, drawn, FAR):
            yield f"{node.path}: {name} {stated:.4g} in the file, {own:.4g} in the model{_place(item)}"
    if isinstance(node.layer, Branching):
        arms = node.layer.arms()
        if len(arms) != len(item.branches):
            yield f"{node.path}: {len(arms)} branches in the file, {len(item.branches)} in the model{_place(item)}"
            return
        for arm, branch in zip(arms, item.branches, strict=True):
            yield from _chains(arm, branch, init)


def _given(layer: Layer) -> dict[str, Any]:
    lists = ("layers", "branches")
    return {
        name: getattr(layer, name)
        for name, (param, default) in params(type(layer)).items()
        if param.type not in lists and getattr(layer, name) != default
    }


def _default(layer: Layer, name: str) -> Any:
    return params(type(layer))[name][1] if name in params(type(layer)) else None


def _normal(kind: str, arguments: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the one way to write what can be written in two."""
    if kind == "group_norm" and arguments.get("groups") == 1:
        return "layer_norm", {key: value for key, value in arguments.items() if key != "groups"}
    if "stride" in arguments and arguments["stride"] == arguments.get("kernel") and kind.endswith("pool2d"):
        return kind, {key: value for key, value in arguments.items() if key != "stride"}
    return kind, arguments


def _place(item: Item) -> str:
    return f" ({item.places[0]})" if item.places else ""
