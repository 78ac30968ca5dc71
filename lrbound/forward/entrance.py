"""Where the forward sweep of a prediction at finite size starts: small maps are taken position by position.

An average pool gives all positions of a window the same gradient. Sums over classes of positions spread that over all pairs
of the classes, so that the gradient seems to have as many independent values as there are positions, not windows; the bulk of
the spectrum is too narrow by as much (two nets of one convolution under a pool of 4x4: 35 and 32 % of lambda_max). Where every
position is a class of its own, the solver's maps carry matrices over positions, exactly. Larger maps stay by class: there a
segment has so many degrees of freedom that the spread it adds is small.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lrbound.forward.sweep import entrance
from lrbound.layers import base
from lrbound.layers.avg_pool2d import AvgPool2d
from lrbound.meanfield.positions import Axis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.architecture import Architecture
    from lrbound.forward.sweep import Place
    from lrbound.layers.base import Layer, Node
    from lrbound.meanfield.contract import Shape
    from lrbound.meanfield.kernel import Kernel

SMALL_MAP, SMALLEST_MAP = 256, 25
"""Positions up to which maps are taken position by position: under average pools, and always."""
WORK = 1_000_000
"""Pairs of such positions, added up over the layers, up to which that is done: about half a second."""


def resolved_entrance(network: Architecture) -> Place:
    """Return the place where a forward sweep starts, with every position a class of its own where that matters."""
    place = entrance(network)
    layers = list(leaves(network.nodes, network.input.shape))
    windows = any(
        isinstance(layer, AvgPool2d) and any(along.kernel > 1 for along in layer.window) for layer, _ in layers
    )
    maps = [math.prod(shape[1:]) for _, shape in layers]
    if max(maps) > (SMALL_MAP if windows else SMALLEST_MAP) or sum(size**2 for size in maps) > WORK:
        return place
    return place._replace(kernel=_by_position(place.kernel))


def leaves(nodes: tuple[Node, ...], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """Return all layers, those of branches too, with the shapes of their inputs."""
    return ((node.layer, inner) for node, inner in base.leaves(nodes, shape))


def _by_position(kernel: Kernel) -> Kernel:
    """Return the kernel of white inputs, alike at all positions, with every position a class of its own."""
    rows, cols = (Axis(tuple(range(axis.size))) for axis in (kernel.rows, kernel.cols))
    pair = np.broadcast_to(kernel.pair, (len(kernel.pair), rows.size, rows.size, cols.size, cols.size))
    site = np.broadcast_to(kernel.site, (2, rows.size, cols.size))
    return replace(kernel, rows=rows, cols=cols, pair=pair, site=site)
