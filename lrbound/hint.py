"""In words: which layer dominates lambda_max, and what would lower it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.prediction import LayerReport

SHARE_WORTH_NAMING = 0.3
"""A layer with less than this part of lambda_max does not dominate it."""


def hint(layers: Sequence[LayerReport], normalisers: frozenset[str], *, batch_matters: bool) -> str:
    """Return a sentence on what limits the learning rate.

    Parameters
    ----------
    layers : sequence of LayerReport
        In network order, with their parts of lambda_max.
    normalisers : frozenset of str
        Paths of the layers that fix the scale of what is below them.
    batch_matters : bool
        Whether directions other than the mean over the batch give the largest eigenvalue.
    """
    total = sum(layer.lambda_ for layer in layers)
    index, top = max(enumerate(layers), key=lambda pair: pair[1].lambda_)
    if total <= 0.0 or top.lambda_ <= 0.0:
        return "no layer carries curvature"
    share = top.lambda_ / total
    if share < SHARE_WORTH_NAMING:
        who = f"no layer dominates; the largest part, {share:.0%}, is that of {top.path} ({top.layer})"
    else:
        who = f"{top.path} ({top.layer}) carries {share:.0%} of lambda_max"
    return f"{who}; {_remedy(layers[:index], normalisers, batch_matters=batch_matters)} would lower it"


def _remedy(below: Sequence[LayerReport], normalisers: frozenset[str], *, batch_matters: bool) -> str:
    if batch_matters:
        return "a larger batch, or fewer normalised layers in a row,"
    last = next((layer for layer in reversed(below) if layer.path in normalisers), None)
    if last is not None:
        return f"a smaller gamma in {last.path} ({last.layer}), the last normaliser before it,"
    return "a batch_norm after the last hidden layer, or a smaller weight_variance,"
