"""Two networks as nested tuples that are equal if and only if the networks are: repeats written out, one form for each
meaning, and the variances that an initialisation gives each layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lrbound.fields import params
from lrbound.init import Fans
from lrbound.layers.base import Branching, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.init import Init
    from lrbound.layers.base import Node
    from lrbound.meanfield.contract import Shape
    from lrbound.network import Network


def structure(network: Network) -> tuple[Any, ...]:
    """Return everything about the layers but how their weights are drawn."""
    return (network.input.shape, _chain(network.nodes, network.input.shape))


def _chain(nodes: tuple[Node, ...], shape: Shape) -> tuple[Any, ...]:
    found = []
    for node, inner in run(nodes, shape):
        layer = node.layer
        if isinstance(layer, Branching):
            arms = [_chain(arm, inner) for arm in layer.arms()]
            # a sum has no order
            found.append((layer.kind, tuple(sorted(arms, key=repr)) if layer.kind == "residual" else tuple(arms)))
        elif layer.kind != "identity" and not (layer.kind == "flatten" and len(inner) == 1):
            found.append(_plain(layer, inner))
    return tuple(found)


def _plain(layer: Any, shape: Shape) -> tuple[Any, ...]:
    given = {name: getattr(layer, name) for name, (param, _) in params(type(layer)).items() if param.type != "init"}
    kind = layer.kind
    if kind == "group_norm" and given["groups"] == 1:
        kind, given = "layer_norm", {k: v for k, v in given.items() if k != "groups"}
    if kind == "squeeze_excite":
        given["units"] = layer.inside(shape[0])
        del given["reduction"]
    if kind in ("avg_pool2d", "max_pool2d"):
        given["stride"] = given["stride"] or given["kernel"]
    return (kind, tuple(sorted(given.items())))


def variances(network: Network) -> list[tuple[float, float, int, int]]:
    """Return sigma_w^2 and sigma_b^2 of each weight layer in order, with the numbers of its weights and biases."""
    return list(_variances(network.nodes, network.input.shape, network.init))


def _variances(nodes: tuple[Node, ...], shape: Shape, init: Init) -> Iterator[tuple[float, float, int, int]]:
    for node, inner in run(nodes, shape):
        layer: Any = node.layer
        if isinstance(layer, Branching):
            for arm in layer.arms():
                yield from _variances(arm, inner, init)
        elif layer.kind == "squeeze_excite":
            yield from _variances(layer.chain(inner[0]), inner, init)
        elif layer.kind in ("linear", "conv2d"):
            own, groups, area = layer.init or init, getattr(layer, "groups", 1), _area(getattr(layer, "kernel", 1))
            fan_in, outputs = inner[0] // groups * area, layer.output_shape(inner)[0]
            biases = outputs if layer.bias else 0
            sigma_b2 = own.sigma_b2(fan_in) if biases else 0.0
            yield own.sigma_w2(Fans(fan_in, outputs * area, outputs)), sigma_b2, fan_in * outputs, biases


def inits_agree(one: Network, other: Network, errors: float = 6.0) -> bool:
    """Whether the variances of two networks agree to so many standard errors of what a draw can show."""
    pairs = zip(variances(one), variances(other), strict=True)
    return all(
        _close(w, v, errors, weights) and _close(b, c, errors, biases)
        for (w, b, weights, biases), (v, c, _, _) in pairs
    )


def _close(a: float, b: float, errors: float, samples: int) -> bool:
    # a bias of one output is a sample of one: whatever it is, it may have been drawn
    return samples == 1 or abs(a - b) <= errors * math.sqrt(2.0 / max(samples, 1)) * max(a, b) + 1e-6 * max(a, b)


def _area(kernel: int | tuple[int, int]) -> int:
    return kernel**2 if isinstance(kernel, int) else math.prod(kernel)
