"""By how much samples may move lambda_max of a network of which nothing is stated of the samples: a notice in numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.network import Network

MATTERS = 1.3
"""From which ratio on it is worth a warning."""
TYPICAL = {
    "images": "images",
    "tabular": "standardised tables",
}
MOST_LAYERS = 40
"""Layers up to which it is computed: deeper networks would wait for it as long as for the prediction."""
SPREAD = 0.15
"""Of the logarithm between samples, as nets of a few layers have it at finite width."""


def unknown_data(network: Network) -> list[Notice]:
    """Return a notice where a batch-normalised network has another lambda_max on typical samples; else nothing.

    The ratio of a few drawn samples (:func:`lrbound.curvature.samples.ratio`), without the growth of finite width: a fraction of the
    time of a prediction.
    """
    from lrbound.curvature.samples import ROUGH, Growth, ratio
    from lrbound.errors import Refused
    from lrbound.forward.entrance import leaves
    from lrbound.input_law import typical
    from lrbound.meanfield.contract import Context, NotBySample

    if not network.input.white:
        return []
    batch = network.training.batch_size
    layers = [layer for layer, _ in leaves(network.nodes, network.input.shape)]
    if batch is None or len(layers) > MOST_LAYERS or not any(layer.over_batch for layer in layers):
        return []
    if len(network.input.shape) == 2:
        return []  # what is typical of signals is not known
    kind = "images" if len(network.input.shape) > 1 else "tabular"
    law = typical(network.input.shape, kind, {"mean_square": network.input.mean_square})
    inner = replace(network, input=replace(law, correlation=network.input.correlation))
    context = Context(float(batch), through=True, init=network.init, warn=lambda _: None)
    try:
        factor = ratio(inner, context, Growth(1.0, SPREAD), ROUGH)
    except (NotBySample, Refused, ArithmeticError):
        return []
    if factor < MATTERS:
        return []
    text = f"on {TYPICAL[kind]} lambda_max is about {factor:.2g} times this: give --data FILE or input.kind: {kind}"
    return [Notice("LRB042", text)]
