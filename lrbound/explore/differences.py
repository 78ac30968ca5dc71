"""What is different between two networks, and the networks in which only some of it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from lrbound.fields import params
from lrbound.init import Init, spelled
from lrbound.layers.base import Node

if TYPE_CHECKING:
    from lrbound.network import Network

SKIPPED = ("name", "output_shape", "learning_rate", "line", "column")
NOTHING = "-"
FULL = "full"


@dataclass(frozen=True)
class Difference:
    """One thing that two networks have differently.

    Attributes
    ----------
    path : str
        Where, in the first network, or in the second where the first has nothing there.
    what : str
        The field, or the layer's kind where a whole layer is there in one alone.
    before, after : str
        What the first and the second have.
    """

    path: str
    what: str
    before: str
    after: str

    @property
    def change(self) -> tuple[str, str, str]:
        """What is changed, wherever."""
        return self.what, self.before, self.after


Take = Callable[[Difference], bool]


def differences(one: Network, other: Network) -> list[Difference]:
    """Return what differs."""
    found: list[Difference] = []

    def note(difference: Difference) -> bool:
        found.append(difference)
        return False

    _merge(one, other, note)
    return found


def merge(one: Network, other: Network, take: Take) -> Network:
    """Return the first network with those differences of the second that are wanted.

    Raises
    ------
    ShapeError
        Where the layers do not fit together then.
    """
    mixed = _merge(one, other, take)
    shape = mixed.input.shape
    for node in mixed.nodes:
        shape = node.layer.output_shape(shape)
    return dataclasses.replace(mixed, output_shape=shape)


def _merge(one: Network, other: Network, take: Take) -> Network:
    mixed: Network = _Merger(take).fields(one, other, "")
    return mixed


class _Merger:
    """Walks two networks side by side."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def fields(self, one: Any, other: Any, path: str) -> Any:
        """Merge two dataclasses of one class, field by field."""
        changed = {}
        for field in dataclasses.fields(one):
            if field.name not in SKIPPED:
                here, there = getattr(one, field.name), getattr(other, field.name)
                name = "layers" if field.name == "nodes" else field.name
                mixed = self._value(here, there, f"{path}.{name}" if path else name)
                if mixed is not here:
                    changed[field.name] = mixed
        return dataclasses.replace(one, **changed) if changed else one

    def _value(self, one: Any, other: Any, path: str) -> Any:
        if _is_chain(one) and _is_chain(other):
            return self._chain(one, other, path)
        if type(one) is type(other):
            if dataclasses.is_dataclass(one) and not isinstance(one, Init):
                return self.fields(one, other, path)
            plain = isinstance(one, bool | int | float | str | tuple | Init | None)
            if one == other or not plain:
                return one
        head, _, field = path.rpartition(".")
        kind = head.rpartition(".")[2]
        what = f"{kind}.{field}" if kind else field
        before, after = (FULL if x is None and field == "batch_size" else describe(x) for x in (one, other))
        difference = Difference(path, what, before, after)
        return other if self._take(difference) else one

    def _chain(self, one: tuple[Node, ...], other: tuple[Node, ...], path: str) -> tuple[Node, ...]:
        """Merge two lists of layers: those of one kind in the same order belong together."""
        kinds, theirs = ([node.layer.kind for node in nodes] for nodes in (one, other))
        out: list[Node] = []
        for tag, i1, i2, j1, j2 in SequenceMatcher(None, kinds, theirs, autojunk=False).get_opcodes():
            if tag == "equal":
                out += [self._node(a, b) for a, b in zip(one[i1:i2], other[j1:j2], strict=True)]
            else:
                out += self._block(one[i1:i2], other[j1:j2], path)
        same = len(out) == len(one) and all(a is b for a, b in zip(out, one, strict=True))
        return one if same else tuple(out)

    def _node(self, one: Node, other: Node) -> Node:
        layer = self.fields(one.layer, other.layer, f"{one.path}.{one.layer.kind}")
        return one if layer is one.layer else dataclasses.replace(one, layer=layer)

    def _block(self, one: tuple[Node, ...], other: tuple[Node, ...], path: str) -> tuple[Node, ...]:
        """Take one block of layers or the other, as a whole."""
        place = one[0].path if one else other[0].path
        before, after = (", ".join(map(describe, nodes)) or NOTHING for nodes in (one, other))
        difference = Difference(place, f"{_owner(path)}layers", before, after)
        return other if self._take(difference) else one


def _is_chain(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, Node) for item in value)


def _owner(path: str) -> str:
    """Return the kind of the layer that a list of layers belongs to."""
    owner = path.rpartition(".")[0].rpartition(".")[2]
    return f"{owner}." if owner else ""


def describe(value: Any) -> str:
    """Return a value as a spec would have it, without what is at its default."""
    if isinstance(value, Node):
        return _describe_layer(value)
    if isinstance(value, Init):
        said = spelled(value)
        return said if isinstance(said, str) else str(said).replace("'", "")
    if hasattr(value, "kind"):
        return str(value.kind)
    if dataclasses.is_dataclass(value):
        return _describe_fields(value)
    if isinstance(value, tuple):
        return f"[{', '.join(map(describe, value))}]"
    if value is None:
        return NOTHING
    return f"{value:g}" if isinstance(value, float) else str(value).lower() if isinstance(value, bool) else str(value)


def _describe_fields(value: Any) -> str:
    listed = ((field.name, getattr(value, field.name), field.default) for field in dataclasses.fields(value))
    return "{" + ", ".join(f"{name}: {describe(x)}" for name, x, default in listed if x != default) + "}"


def _describe_layer(node: Node) -> str:
    layer = node.layer
    given = {
        name: getattr(layer, name)
        for name, (_, default) in params(type(layer)).items()
        if getattr(layer, name) != default
    }
    if layer.main is not None and set(given) == {layer.main}:
        return f"{layer.kind}: {describe(given[layer.main])}"
    listed = ", ".join(f"{name}: {describe(value)}" for name, value in given.items())
    return f"{layer.kind}: {{{listed}}}" if given else layer.kind
