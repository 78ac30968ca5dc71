"""The prediction of Wei, Stokes and Schwab's published formulas, for comparison; and what all predictions assume."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.losses.base import Logits
from lrbound.notices import Notice
from lrbound.optimizers.base import LayerwiseCurvature
from lrbound.prediction import Assumptions, Bounds, LayerReport, Prediction
from lrbound.rate.reasons import no_maximum

if TYPE_CHECKING:
    from lrbound.network import Network


COMPARISON = Notice("LRB009", "the published formulas are kept for comparison; --method mean-field gives a rate")
NOT_PUBLISHED = Notice(
    "LRB010", "lambda_max_interval, bounds.minibatch, critical_batch_size are null in the published theory"
)
NO_CURVATURE = Notice("LRB011", "bounds.curvature is null: the published formula gives no curvature")
NO_FIRST_STEP = Notice(
    "LRB013", "recommended_learning_rate, first_step_learning_rate are null: published for gradient descent"
)


def published_prediction(network: Network) -> Prediction:
    """Return the prediction of the formulas as printed; Refused for layers and losses that the paper does not treat."""
    from lrbound.curvature.wei2019 import rows

    training = network.training
    if not training.loss.is_squared:
        raise Refused(f"--method wei2019 knows squared errors only; use --method mean-field for {training.loss.kind}")
    terms = rows(network)
    loss_factor = training.loss.factor(Logits(terms[-1].after.q, terms[-1].after.q_xy, network.outputs))
    lambda_max = loss_factor * math.fsum(row.part for row in terms)
    curvature = known_rate(training.optimizer.stable_rate(LayerwiseCurvature(lambda_max, 0.0, ())))
    reason = no_maximum(training.optimizer) or NO_CURVATURE
    return Prediction(
        name=network.name,
        method="wei2019",
        assumptions=assumptions(network, "frozen"),
        lambda_max=lambda_max,
        lambda_max_interval=None,
        max_learning_rate=curvature,
        recommended_learning_rate=None if curvature is None else training.optimizer.recommended_rate(curvature),
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
            COMPARISON,
            NOT_PUBLISHED,
            *([reason] if curvature is None else []),
            *([NO_FIRST_STEP] if training.optimizer.no_maximum else []),
        ),
    )


def known_rate(rate: float | None) -> float | None:
    """Return a rate, None where no rate is too large."""
    return None if rate is None or math.isinf(rate) else rate


def assumptions(network: Network, batch_statistics: str) -> Assumptions:
    """Return what the numbers of a prediction hold for."""
    return Assumptions(network.training, batch_statistics, network.outputs, network.parameters)
