"""A network with another normaliser: which there are, and what stands where one of them is put in place of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from lrbound.activations.base import Activation
from lrbound.errors import Refused
from lrbound.explore.knobs import WIDTHS
from lrbound.explore.normaliser_names import ALL, NONE, find, kinds
from lrbound.fields import params
from lrbound.layers._normaliser import Normaliser
from lrbound.layers.base import Node, ShapeError, children, shape_after
from lrbound.layers.batch_norm import BatchNorm
from lrbound.layers.proxy_norm import ProxyNorm
from lrbound.registry import LAYERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.layers.base import Layer, Shape
    from lrbound.network import Network

OF_ITS_OWN = ("eps",)
"""Arguments that a normaliser does not take over from the one that stood there: papers choose them for their own."""


def names() -> tuple[str, ...]:
    """Return the kinds of all normalisers in the order in which they were published."""
    found = {kind: normaliser_class(kind).year for kind in kinds()}
    return tuple(sorted(found, key=lambda kind: (found[kind], kind)))


def normaliser_class(kind: str) -> type[Normaliser]:
    """Return the class of a normaliser."""
    cls = LAYERS.get(kind)
    assert issubclass(cls, Normaliser)
    return cls


def split_names(text: str) -> tuple[str, ...]:
    """Return the kinds of ``all`` or ``layer,group,none``; ``none``, the baseline, first, and each of them once."""
    if text.strip() == ALL:
        return (NONE, *names())
    return tuple(dict.fromkeys([NONE, *(find(name.strip()) for name in text.split(","))]))


def has_normaliser(network: Network) -> bool:
    """Return whether there is a normaliser anywhere in a network."""
    return any(map(_normalises, network.nodes))


def _normalises(node: Node) -> bool:
    return isinstance(node.layer, Normaliser) or any(map(_normalises, children(node.layer)))


def with_normaliser(network: Network, kind: str) -> Network:
    """Return a network whose normalisers are all of one kind; ``none`` takes them out.

    What stands there is left as it is where it is of this kind already. Otherwise the new one takes over the arguments
    that both have (gamma, beta, learnable, groups), apart from eps. A network without normalisers is given one after
    each weight layer but the last. Nothing else changes: weight layers keep or lack their biases.

    Parameters
    ----------
    network : Network
    kind : str
        A kind of :func:`names`, or ``none``.

    Raises
    ------
    Refused
        Where the normaliser is undefined in this network, or has no place in it.
    """
    nodes = network.nodes if has_normaliser(network) else _given_places(network.nodes, below_weights=False)
    try:
        built = _Replacer(kind).chain(nodes, "layers", network.input.shape)
        shape = shape_after(built, network.input.shape)
    except ShapeError as error:
        raise Refused(str(error)) from error
    if kind != NONE and not _stands(built, kind):
        raise Refused(
            f"{kind} has no place: "
            + ("no activation follows a normaliser" if has_normaliser(network) else "no weight layer but the last")
        )
    changed = replace(network, nodes=built, output_shape=shape)
    if not changed.parameters:
        raise Refused("no layer has parameters to learn then")
    return changed


def _stands(nodes: Sequence[Node], kind: str) -> bool:
    return any(node.layer.kind == kind or _stands(tuple(children(node.layer)), kind) for node in nodes)


def _given_places(nodes: Sequence[Node], *, below_weights: bool) -> tuple[Node, ...]:
    """Return the layers with a batch norm after each weight layer that another one stands above."""
    found: list[Node] = []
    for node in reversed(nodes):
        weighs = node.layer.main in WIDTHS
        if weighs and below_weights:
            found.append(Node(node.path, BatchNorm()))
        inside = partial(_inside_given_places, below_weights=below_weights)
        found.append(replace(node, layer=_with_chains(node.layer, inside)))
        below_weights |= _weighs(node)
    return tuple(reversed(found))


def _inside_given_places(chain: tuple[Node, ...], place: str, *, below_weights: bool) -> tuple[Node, ...]:
    del place
    return _given_places(chain, below_weights=below_weights)


def _weighs(node: Node) -> bool:
    return node.layer.main in WIDTHS or any(map(_weighs, children(node.layer)))


def _with_chains(layer: Layer, change: Callable[[tuple[Node, ...], str], tuple[Node, ...]]) -> Layer:
    """Return a layer with each list of layers among its arguments changed; the change is told the list's place."""
    changed: dict[str, Any] = {}
    for name, (param, _) in params(type(layer)).items():
        value = getattr(layer, name)
        if param.type == "layers":
            changed[name] = change(value, f"{layer.kind}.{name}")
        elif param.type == "branches":
            place = f"{layer.kind}.{name}"
            changed[name] = tuple(change(chain, f"{place}.{index}") for index, chain in enumerate(value))
    return replace(layer, **changed) if changed else layer


class _Replacer:
    """Writes lists of layers anew, with the paths that they have then."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def chain(self, nodes: tuple[Node, ...], path: str, shape: Shape) -> tuple[Node, ...]:
        """Return a list of layers at ``path`` for inputs of ``shape`` with the normaliser in place."""
        built: list[Node] = []
        at = 0
        while at < len(nodes):
            own = _place(nodes, at)
            layers = self._instead(own, shape) if own else (nodes[at].layer,)
            for layer in layers:
                node = replace(nodes[at], path=f"{path}.{len(built)}", layer=layer)
                node = replace(node, layer=self._inside(node, shape))
                built.append(node)
                shape = node.layer.output_shape(shape)
            at += len(own) or 1
        return tuple(built)

    def _inside(self, node: Node, shape: Shape) -> Layer:
        return _with_chains(node.layer, lambda chain, place: self.chain(chain, f"{node.path}.{place}", shape))

    def _instead(self, own: tuple[Layer, ...], shape: Shape) -> tuple[Layer, ...]:
        """Return what stands in place of a normaliser and the activation, or proxy, that follows it."""
        *_, last = own
        proxy = last if isinstance(last, ProxyNorm) else None
        if self._kind == (own[0] if proxy is None else proxy).kind:
            return own
        above = proxy.phi if proxy is not None else last if isinstance(last, Activation) else None
        if self._kind == NONE:
            return () if above is None else (above,)
        cls = normaliser_class(self._kind)
        told = {
            name: getattr(layer, name)
            for layer in (own[0], *([] if proxy is None else [proxy]))
            for name in params(type(layer))
            if name in params(cls) and name not in OF_ITS_OWN
        }
        return cls.standing(shape, told, above)


def _place(nodes: tuple[Node, ...], at: int) -> tuple[Layer, ...]:
    """Return the normaliser that stands at an index, with the activation or the proxy on it; nothing if there is none."""
    first = nodes[at].layer
    if not isinstance(first, Normaliser):
        return ()
    following = nodes[at + 1].layer if at + 1 < len(nodes) else None
    if isinstance(following, Activation | ProxyNorm) and not isinstance(first, ProxyNorm):
        return (first, following)
    return (first,)
