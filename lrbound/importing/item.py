"""Layers as they will be written: names, arguments, and what they hold."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrbound.fields import params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lrbound.importing.graph import Shape
    from lrbound.importing.step import Drawn
    from lrbound.layers.base import Layer

Chain = tuple["Item", ...]


@dataclass(frozen=True)
class Item:
    """One entry of a list of layers.

    Attributes
    ----------
    kind : str
        Name of the layer.
    arguments : dict
        By name, without those at their defaults and without lists of layers.
    branches : tuple of tuple of Item
        The lists of layers that it holds; of a residual the body and the shortcut.
    shape : tuple of int
        Of what it gives.
    places : tuple of str
        Paths of the modules that it comes from, the first and the last.
    drawn : tuple of Drawn
        Its weights; several of a gate.
    note : str
        For the reader.
    """

    kind: str
    arguments: dict[str, Any]
    branches: tuple[Chain, ...] = ()
    shape: Shape = ()
    places: tuple[str, ...] = ()
    drawn: tuple[Drawn, ...] = ()
    note: str = ""

    @property
    def pattern(self) -> tuple[Any, ...]:
        """What two copies of a repeat have in common: everything but where they come from."""
        inner = tuple(tuple(item.pattern for item in branch) for branch in self.branches)
        return (self.kind, tuple(self.arguments.items()), self.note, inner)


def item_of(layer: Layer, shape: Shape, place: str, drawn: Drawn | None, note: str) -> Item:
    """Return a layer as it will be written."""
    given = {
        name: getattr(layer, name)
        for name, (_, default) in params(type(layer)).items()
        if getattr(layer, name) != default
    }
    return Item(layer.kind, given, (), shape, (place,) if place else (), () if drawn is None else (drawn,), note)


def walk(chain: Chain) -> Iterator[Item]:
    """Yield all entries, those inside others after them."""
    for item in chain:
        yield item
        for branch in item.branches:
            yield from walk(branch)


def rebuilt(chain: Chain, change: Callable[[Item], Item]) -> Chain:
    """Return a chain with every entry changed, inner ones first."""
    return tuple(
        change(dataclasses.replace(item, branches=tuple(rebuilt(branch, change) for branch in item.branches)))
        for item in chain
    )
