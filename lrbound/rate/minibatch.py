"""From curvature to learning rate: the repeated batch, and batches drawn anew each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.layers.base import Branching, unroll

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lrbound.backward.sweep import Term
    from lrbound.curvature.fisher import Spectrum
    from lrbound.layers.base import Node
    from lrbound.optimizers.base import Optimizer


def can_explode(term: Term) -> bool:
    """Return whether nothing undoes the growth of a layer: no normaliser stands between it and the outputs.

    The weights under a batch normalisation are scale invariant and settle by themselves (theory, section 7). Its own
    gamma and beta are not: they add about 1 to lambda, which counts where the head adds little (a small gamma, the
    gate of instance enhancement, a narrow pooled head).
    """
    return term.exposed


def bare_arms(nodes: Sequence[Node]) -> bool:
    """Say whether a branch with weights has no normaliser of its own: what is above does not undo its growth alone."""
    for node in unroll(tuple(nodes)):
        if isinstance(node.layer, Branching):
            for arm in node.layer.arms():
                layers = [inner.layer for inner in unroll(arm)]
                if bare_arms(arm) or (
                    any(layer.kind in ("linear", "conv2d") for layer in layers)
                    and not any(layer.fixes_scale for layer in layers)
                ):
                    return True
    return False


def explosive(everywhere: Iterator[Term], known: Iterable[Term]) -> list[Term]:
    """Return the layers of a sweep that can explode, and leave the sweep when the last of them has been met.

    ``known`` are the layers of a sweep that has been finished.
    """
    paths = {term.node.path for term in known if can_explode(term) and term.share is not None}
    found: list[Term] = []
    while len(found) < len(paths):
        term = next(everywhere)
        if term.node.path in paths:
            found.append(term)
    return found


def minibatch_rate(
    optimizer: Optimizer, large: Spectrum, batch_size: int, loss_factor: float, noise_factor: float
) -> float:
    """Return the largest rate that is stable in the mean square when each step draws ``batch_size`` new samples.

    Parameters
    ----------
    optimizer : Optimizer
    large : Spectrum
        Of the layers that can explode, at an infinite batch: the coherent part is K2, the trace K1.
    batch_size : int
        B; the curvature that a step sees varies by f K2 max(g K1 - f K2, 0)/B.
    loss_factor, noise_factor : float
        Curvature of the loss in units of half_squared_error: f that of the mean over the samples, g that of single ones
        along it.
    """
    noise = max(noise_factor * large.trace - loss_factor * large.coherent, 0.0) / batch_size
    return optimizer.stable_rate_minibatch(loss_factor * large.coherent, noise)
