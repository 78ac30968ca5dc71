"""The recursions as Wei, Stokes and Schwab 2019 (arXiv 1903.02606) publish them, for comparison.

Three slips of print are put right: the swapped base case (E[x^2] and E[x y] of the input are 1 and 0), the tilde in
the dense f_l that must be a hat, and a sign. Nothing else is: the backward step divides by q where the batch variance
is q - q_xy, statistics are constants, biases do not count, the batch is infinite, and a convolution leaves out its
stride and padding. The flatten boundary, on which the paper is silent, gives each of its |K| positions 1/|K| of the
dense layer's gradient, independently.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.activations.relu import Relu
from lrbound.errors import Refused
from lrbound.layers.batch_norm import BatchNorm
from lrbound.layers.conv2d import Conv2d
from lrbound.layers.flatten import Flatten
from lrbound.layers.linear import Linear

if TYPE_CHECKING:
    from lrbound.architecture import Architecture
    from lrbound.layers.base import Layer, Node
    from lrbound.meanfield.contract import Shape


@dataclass(frozen=True)
class Order:
    """Order parameters at one place of the network.

    Attributes
    ----------
    q, q_xy : float
        E[z(x)^2] and E[z(x) z(y)] at one position.
    normalised_by : float
        gamma^2/q of a batch normalisation that an activation follows; 0 where there is none.
    """

    q: float
    q_xy: float
    normalised_by: float = 0.0


@dataclass(frozen=True)
class Row:
    """One layer with the order parameters of its input and its output, and its part f_l of lambda_max."""

    node: Node
    shape: Shape
    before: Order
    after: Order
    part: float = 0.0


def rows(network: Architecture) -> tuple[Row, ...]:
    """Run both recursions; return the layers in order with their parts of lambda_max.

    Raises
    ------
    Refused
        For layers that the paper does not treat.
    """
    order = Order(network.input.mean_square, network.input.mean_square * network.input.correlation)
    forward: list[Row] = []
    for node, shape in network.unrolled():
        after = _forward(node.layer, order, shape, network)
        forward.append(Row(node, shape, order, after))
        order = after
    gradient = 1.0
    backward: list[Row] = []
    for row in reversed(forward):
        part, gradient = _backward(row, gradient, network)
        backward.append(Row(row.node, row.shape, row.before, row.after, part))
    return tuple(reversed(backward))


def _sigmas(layer: Linear | Conv2d, shape: Shape, network: Architecture) -> tuple[float, float]:
    init = layer.init or network.init
    fans = layer.fans(shape[0])
    return init.sigma_w2(fans), init.bias_square(fans.fan_in) if layer.bias else 0.0


def _forward(layer: Layer, at: Order, shape: Shape, network: Architecture) -> Order:
    if isinstance(layer, Linear) or (isinstance(layer, Conv2d) and layer.groups == 1):
        sigma_w2, sigma_b2 = _sigmas(layer, shape, network)
        return Order(sigma_b2 + sigma_w2 * at.q, sigma_b2 + sigma_w2 * at.q_xy)
    if isinstance(layer, BatchNorm) and layer.beta == 0.0:
        # what an activation makes of it: relu of gamma z/sqrt(q) has qh = gamma^2/2, qh_xy = gamma^2/(2 pi)
        return Order(layer.gamma**2, 0.0, layer.gamma**2 / at.q)
    if isinstance(layer, Relu):
        c = at.q_xy / at.q
        return Order(at.q / 2.0, at.q * (math.sqrt(1.0 - c * c) + c * math.pi / 2.0 + c * math.asin(c)) / (2 * math.pi))
    if isinstance(layer, Flatten):
        return at
    raise Refused(
        f"--method wei2019 knows linear, conv2d (one group), batch_norm (beta 0), relu and flatten; got {layer.kind}"
    )


def _backward(row: Row, gradient: float, network: Architecture) -> tuple[float, float]:
    """Return (f_l, qt_xy below) from qt_xy above, at one position and summed over channels."""
    layer, at = row.node.layer, row.before
    if isinstance(layer, (Linear, Conv2d)):
        sigma_w2, _ = _sigmas(layer, row.shape, network)
        places = math.prod(layer.output_shape(row.shape)[1:])
        side = layer.window.size if isinstance(layer, Conv2d) else 1
        # different positions never share a gradient below a flatten boundary, so |K| same-position terms remain
        return row.shape[0] * side * places * at.q_xy * gradient, sigma_w2 * gradient
    if isinstance(layer, BatchNorm):
        return 0.0, row.after.normalised_by * gradient
    if isinstance(layer, Relu):
        return 0.0, (0.25 + math.asin(at.q_xy / at.q) / (2.0 * math.pi)) * gradient
    return 0.0, gradient / math.prod(row.shape[1:])
