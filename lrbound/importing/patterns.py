"""Layers that models write out: squeeze-and-excitation, and activations as products."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.importing.item import Item, rebuilt
from lrbound.importing.vote import misfits
from lrbound.layers.squeeze_excite import SqueezeExcite

if TYPE_CHECKING:
    from lrbound.importing.item import Chain


def recognised(chain: Chain) -> Chain:
    """Return a chain with the products that are a known layer as that layer."""
    return rebuilt(chain, _recognised)


def _recognised(item: Item) -> Item:
    if item.kind != "multiply" or len(item.branches) != 2 or () not in item.branches:
        return item
    gate = item.branches[0] or item.branches[1]
    kinds = [inner.kind for inner in gate]
    if kinds == ["sigmoid"]:
        return Item("silu", {}, (), item.shape, item.places)
    if len(kinds) == 5 and kinds[0] == "global_avg_pool" and kinds[1::2] == ["linear", "linear"]:
        return _squeeze_excite(item, gate)
    return item


def _squeeze_excite(item: Item, gate: Chain) -> Item:
    """Return the gate as ``squeeze_excite`` where that layer can say it, else as it is."""
    _, squeeze, inner, excite, outer = gate
    channels, inside = item.shape[0], squeeze.shape[0]
    reduction = channels // inside
    options = SqueezeExcite.__dataclass_fields__["activation"].metadata["param"].choices
    if (
        outer.kind != "sigmoid"
        or inner.kind not in options
        or inner.arguments
        or not reduction
        or channels // reduction != inside
        or "bias" in squeeze.arguments
        or "bias" in excite.arguments
    ):
        return item
    layers = (*squeeze.drawn, *excite.drawn)
    inits = [dense.arguments["init"] for dense in (squeeze, excite)]
    both = [init for init in inits if not any(misfits(init, layer) for layer in layers)]
    if not both:
        return item
    arguments = {"reduction": reduction, "activation": inner.kind, "init": both[0]}
    places = (_parent(squeeze.places) or item.places[0],) if item.places or squeeze.places else ()
    return Item("squeeze_excite", _without_defaults(arguments), (), item.shape, places, layers)


def _without_defaults(arguments: dict[str, object]) -> dict[str, object]:
    defaults = {name: field.default for name, field in SqueezeExcite.__dataclass_fields__.items()}
    return {name: value for name, value in arguments.items() if defaults[name] != value}


def _parent(places: tuple[str, ...]) -> str:
    return places[0].rpartition(".")[0] if places else ""
