"""From curvature to learning rate: the repeated batch, and batches drawn anew each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lrbound.meanfield.fisher import spectrum

if TYPE_CHECKING:
    from lrbound.meanfield.sweep import Term
    from lrbound.optimizers.base import Optimizer


def after_last_normaliser(terms: Sequence[Term]) -> Sequence[Term]:
    """Return the layers whose growth nothing undoes: those after the last one that fixes the scale of what is below.

    The weights under a batch normalisation are scale invariant and settle by themselves (theory, section 7).
    """
    last = max((i for i, term in enumerate(terms) if term.node.layer.fixes_scale), default=-1)
    return terms[last + 1 :]


def minibatch_rate(optimizer: Optimizer, terms: Sequence[Term], batch_size: int, loss_factor: float) -> float:
    """Return the largest rate that is stable in the mean square when each step draws ``batch_size`` new samples.

    Parameters
    ----------
    optimizer : Optimizer
    terms : sequence of Term
        Layers that can explode, swept with an infinite batch: their coherent part is K2, their trace K1.
    batch_size : int
        B; the curvature that a step sees varies by K2 max(K1 - K2, 0)/B.
    loss_factor : float
        Curvature of the loss in units of half_squared_error.
    """
    parts = spectrum(terms, float("inf"))
    noise = max(parts.trace - parts.coherent, 0.0) / batch_size
    return optimizer.stable_rate_minibatch(loss_factor * parts.coherent, loss_factor * noise)
