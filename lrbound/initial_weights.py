"""Initialisations as they come out: standard deviations, what looks like a slip, and weights that start at 0."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lrbound.forward.roles import weighted
from lrbound.init import NAMED
from lrbound.layers.base import Branching, Node, run, with_inner
from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.init import Fans, Init
    from lrbound.layers.base import Layer
    from lrbound.meanfield.contract import Shape
    from lrbound.network import Network

SMALLEST, LARGEST = 0.05, 25.0
"""sigma_w^2 of weights that shrink a signal 5 times a layer, or make it 3.5 times as large with ReLU: nobody means that."""
AWAKE = NAMED["lecun"]
"""What weights that start at 0 are taken as for the rates: of the size that fits a normalised signal."""


class Drawn(NamedTuple):
    """The random weights of one layer.

    Attributes
    ----------
    path : str
    init : Init
    fans : Fans
    normalised : bool
        Whether a normaliser takes the size of what they make away, before other weights or the end of the branch.
    """

    path: str
    init: Init
    fans: Fans
    normalised: bool

    @property
    def std(self) -> float:
        """Standard deviation of the weights."""
        return math.sqrt(self.init.variance(self.fans))


def drawn_weights(network: Network) -> list[Drawn]:
    """Return the weights of all layers that have some of their own, branches included, in network order."""
    return list(_drawn(network.nodes, network.input.shape, network.init))


def _drawn(nodes: tuple[Node, ...], shape: Shape, init: Init) -> Iterator[Drawn]:
    chain = list(run(nodes, shape))
    for at, (node, inner) in enumerate(chain):
        layer = node.layer
        if isinstance(layer, Branching):
            for arm in layer.arms():
                yield from _drawn(arm, inner, init)
        elif weighted(layer):
            above = (later.layer for later, _ in chain[at + 1 :])
            after = next((one for one in above if one.fixes_scale or one.rescales or one.has_weights), None)
            yield Drawn(
                node.path, layer.init or init, layer.fans(inner[0]), after is not None and not after.has_weights
            )


def doubts(weights: list[Drawn]) -> list[Notice]:
    """Return what looks like a standard deviation given as a variance, or the reverse, and which weights start at 0."""
    found: list[Notice] = []
    for one in weights:
        stated, made = one.init.weight_variance, one.init.sigma_w2(one.fans)
        if made == 0.0:
            found.append(
                Notice("LRB045", "weights start at 0: lambda_max sees nothing below; rates are for 1/fan_in", one.path)
            )
        elif one.normalised:
            continue
        elif one.init.fan == "in" and stated < SMALLEST:
            text = f"weight_variance {stated:.3g} is over fan_in: std {one.std:.2g}; for std {_meant(stated):.2g} say {{std: ...}}"
            found.append(Notice("LRB044", text, one.path))
        elif one.init.fan == "none" and made > LARGEST:
            text = (
                f"std {one.std:.3g} makes sigma_w^2 {made:.3g}; for sigma_w^2 over fan_in say {{weight_variance: ...}}"
            )
            found.append(Notice("LRB044", text, one.path))
    return found


def _meant(stated: float) -> float:
    """Return the standard deviation that a small number was meant as: itself, or its root where it is below that of any net."""
    return stated if stated > 2e-3 else math.sqrt(stated)


def awake(network: Network) -> Network | None:
    """Return the network with random weights where they start at 0; None where none do."""
    if all(one.init.weight_variance for one in drawn_weights(network)):
        return None
    init = AWAKE if network.init.weight_variance == 0.0 else network.init
    return replace(network, init=init, nodes=_awake(network.nodes))


def _awake(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(
        node if (layer := _awake_layer(node.layer)) is node.layer else replace(node, layer=layer) for node in nodes
    )


def _awake_layer(layer: Layer) -> Layer:
    init: Init | None = getattr(layer, "init", None)
    if init is not None and init.weight_variance == 0.0:
        layer = replace(layer, init=replace(AWAKE, bias_mean=init.bias_mean))  # type: ignore[call-arg]
    return with_inner(layer, _awake)
