"""Why a rate is missing, and where the two bounds disagree in a way that has been seen to matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lrbound.layers.base import leaves
from lrbound.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.network import Network
    from lrbound.optimizers.base import Optimizer


def no_maximum(optimizer: Optimizer) -> Notice | None:
    """Return why an optimiser has no largest rate; None where one is known."""
    if optimizer.no_maximum is None:
        return None
    return Notice("LRB006", f"max_learning_rate and bounds are null: {optimizer.no_maximum}")


def missing(curvature: float | None, minibatch: float | None, network: Network, *, limit: bool) -> Iterator[Notice]:
    """Yield why the bounds and the interval of a prediction are null, where they are.

    Parameters
    ----------
    curvature, minibatch : float or None
        The bounds.
    network : Network
    limit : bool
        Whether the batch is so large that 1/n is 0.
    """
    unknown = no_maximum(network.training.optimizer)
    if unknown is not None:
        yield unknown
    elif network.training.batch_size is None:
        yield Notice("LRB001", "bounds.minibatch is null: the batch is full, so every step sees the same curvature")
    elif minibatch is None:
        yield Notice("LRB003", "bounds.minibatch is null: no layer that can explode has any curvature")
    if network.training.batch_size is None and limit:
        text = "lambda_max_interval is null: a full batch is the limit of large widths; give batch_size a number"
        yield Notice("LRB002", text)
    if curvature is None and unknown is None:
        yield Notice("LRB004", "bounds.curvature is null: the curvature is 0, so no rate is too large")


def above_curvature(largest: float | None, curvature: float | None, network: Network) -> Notice | None:
    """Return that a maximum is above the bound of the curvature, where a map is flattened; else None."""
    if largest is None or curvature is None or largest <= curvature:
        return None
    maps = (
        node.path
        for node, shape in leaves(network.nodes, network.input.shape)
        if node.layer.positions_to_units and math.prod(shape[1:]) > 1
    )
    path = next(maps, None)
    text = "the maximum is above bounds.curvature: with flatten heads training diverged from 0.6 times it on"
    return None if path is None else Notice("LRB043", text, path)
