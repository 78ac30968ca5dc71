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
    bias = squeeze.arguments.get("bias", True)
    if (
        outer.kind not in _choices("gate")
        or inner.kind not in _choices("activation")
        or inner.arguments
        or excite.shape[0] != item.shape[0]
        or excite.arguments.get("bias", True) != bias
    ):
        return item
    arguments = {
        **_units(item.shape[0], squeeze.shape[0]),
        "activation": inner.kind,
        "gate": outer.kind,
        "bias": bias,
        **_inits(squeeze, excite),
    }
    parent = _parent(squeeze.places)
    places = (parent,) if parent else item.places[:1]
    drawn = (*squeeze.drawn, *excite.drawn)
    return Item("squeeze_excite", _without_defaults(arguments), (), item.shape, places, drawn)


def _choices(name: str) -> tuple[str, ...]:
    found: tuple[str, ...] = SqueezeExcite.__dataclass_fields__[name].metadata["param"].choices
    return found


def _units(channels: int, inside: int) -> dict[str, int]:
    """Return the units inside as a reduction where there is one that gives them."""
    reduction = channels // inside
    return {"reduction": reduction} if reduction and channels // reduction == inside else {"units": inside}


def _inits(squeeze: Item, excite: Item) -> dict[str, object]:
    """Return the initialisation of both weight layers where one may have drawn both, else that of each."""
    layers, inits = (squeeze.drawn + excite.drawn), [dense.arguments["init"] for dense in (squeeze, excite)]
    both = [init for init in inits if not any(misfits(init, layer) for layer in layers)]
    return {"init": both[0]} if both else {"squeeze_init": inits[0], "excite_init": inits[1]}


def _without_defaults(arguments: dict[str, object]) -> dict[str, object]:
    defaults = {name: field.default for name, field in SqueezeExcite.__dataclass_fields__.items()}
    return {name: value for name, value in arguments.items() if defaults[name] != value}


def _parent(places: tuple[str, ...]) -> str:
    return places[0].rpartition(".")[0] if places else ""
