"""The main job: a network in, lambda_max and the learning rates out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from lrbound.errors import Refused
from lrbound.layers.base import Context
from lrbound.losses.base import Logits
from lrbound.meanfield.fisher import Spectrum, complement, spectrum
from lrbound.meanfield.learning_rate import explosive, minibatch_rate
from lrbound.meanfield.sweep import Term, backward, forward
from lrbound.prediction import Assumptions, Bounds, LayerReport, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.network import Network

Method = Literal["mean-field", "wei2019"]
BatchStatistics = Literal["through", "frozen"]

__all__ = ["BatchStatistics", "Method", "Refused", "predict"]


def predict(
    network: Network, *, method: Method = "mean-field", batch_statistics: BatchStatistics = "through"
) -> Prediction:
    """Predict the largest curvature at initialisation and the learning rates that it allows.

    Parameters
    ----------
    network : Network
        From :func:`lrbound.load` or :func:`lrbound.parse`.
    method : {"mean-field", "wei2019"}
        The corrected theory, or the formulas as published by Wei, Stokes and Schwab 2019.
    batch_statistics : {"through", "frozen"}
        Whether gradients run through batch statistics, as in training, or treat them as constants.

    Returns
    -------
    Prediction

    Raises
    ------
    Refused
        Where the theory has no answer for this network.
    """
    if method == "wei2019":
        return _published(network)
    return _mean_field(network, batch_statistics)


def _mean_field(network: Network, batch_statistics: BatchStatistics) -> Prediction:
    warnings: dict[str, None] = {}
    through = batch_statistics == "through"
    training = network.training

    def context(samples: float) -> Context:
        return Context(samples, through, network.init, warn=lambda text: warnings.update({text: None}))

    terms = list(backward(forward(network, context(training.samples)), training.samples))[::-1]
    parts = spectrum(terms, training.samples)
    loss_factor = training.loss.factor(_logits(terms, network.outputs))
    coherent = parts.coherent >= parts.complement
    for text in _doubts(parts, training.samples):
        warnings.setdefault(text)
    lambda_max = loss_factor * max(parts.coherent, parts.complement)
    curvature = training.optimizer.stable_rate(lambda_max)
    minibatch = None
    if training.batch_size is None:
        warnings.setdefault("bounds.minibatch is null: the batch is full, so every step sees the same curvature")
    else:
        large = parts.without_batch(training.samples)
        if large is None or any(term.node.layer.over_batch for term in terms):
            everywhere = backward(forward(network, context(math.inf)), math.inf)
            large = spectrum(explosive(everywhere, terms) if through else list(everywhere), math.inf)
        minibatch = minibatch_rate(training.optimizer, large, training.batch_size, loss_factor)
    largest = curvature if minibatch is None else minibatch
    warnings.setdefault("lambda_max_interval is null: the spread over initialisations is not predicted yet")
    return Prediction(
        name=network.name,
        method="mean-field",
        assumptions=assumptions(network, batch_statistics),
        lambda_max=lambda_max,
        lambda_max_interval=None,
        max_learning_rate=largest,
        recommended_learning_rate=training.optimizer.recommended_rate(largest),
        bounds=Bounds(curvature, minibatch),
        layers=tuple(
            LayerReport(
                t.node.path,
                t.node.layer.kind,
                t.parameters,
                t.q,
                t.q_xy,
                _part(t, training.samples, coherent=coherent) * loss_factor,
            )
            for t in terms
        ),
        warnings=tuple(warnings),
    )


def _published(network: Network) -> Prediction:
    from lrbound.meanfield.wei2019 import rows

    training = network.training
    if training.loss.kind == "cross_entropy":
        raise Refused("--method wei2019 knows squared errors only; use --method mean-field for cross_entropy")
    terms = rows(network)
    loss_factor = training.loss.factor(Logits(terms[-1].after.q, terms[-1].after.q_xy, network.outputs))
    lambda_max = loss_factor * math.fsum(row.part for row in terms)
    curvature = training.optimizer.stable_rate(lambda_max)
    return Prediction(
        name=network.name,
        method="wei2019",
        assumptions=assumptions(network, "frozen"),
        lambda_max=lambda_max,
        lambda_max_interval=None,
        max_learning_rate=curvature,
        recommended_learning_rate=training.optimizer.recommended_rate(curvature),
        bounds=Bounds(curvature, None),
        layers=tuple(
            LayerReport(
                row.node.path,
                row.node.layer.kind,
                row.node.layer.parameters(row.shape),
                row.after.q,
                row.after.q_xy,
                loss_factor * row.part,
            )
            for row in terms
        ),
        warnings=(
            (
                "the published formulas are kept for comparison: real networks with batch_norm differ by up to 1.7 times; "
                "use --method mean-field for a rate"
            ),
            "lambda_max_interval is null: the published theory has no spread over initialisations",
            "bounds.minibatch is null: the published theory has no batch size",
        ),
    )


def assumptions(network: Network, batch_statistics: str) -> Assumptions:
    """Return what the numbers of a prediction hold for."""
    training = network.training
    return Assumptions(
        loss=training.loss.kind,
        batch_size=training.batch_size,
        batch_statistics=batch_statistics,
        optimizer=training.optimizer.kind,
        momentum=training.optimizer.momentum,
        outputs=network.outputs,
        parameters=network.parameters,
    )


def _logits(terms: Sequence[Term], outputs: int) -> Logits:
    return Logits(terms[-1].q, terms[-1].q_xy, outputs)


def _part(term: Term, samples: float, *, coherent: bool) -> float:
    """Return a layer's part of the larger eigenvalue."""
    if term.share is None:
        return 0.0
    own, trace = float(term.share.coherent), float(term.share.trace)
    return own if coherent else complement(own, trace, samples)


def _doubts(parts: Spectrum, samples: float) -> list[str]:
    """Say where the leading order in the width is not the whole story."""
    if math.isinf(samples) or 4.0 * parts.complement < parts.coherent:
        return []
    return [
        (
            f"the directions orthogonal to the mean over the batch have a mean curvature of {parts.complement:.3g} "
            f"beside {parts.coherent:.3g} along it: at this batch size and depth the edge of their spectrum can be the "
            "largest eigenvalue, and measured networks of this kind lie up to 7 times above lambda_max"
        )
    ]
