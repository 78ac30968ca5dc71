"""One prediction, made by hand, that every format shows."""

from __future__ import annotations

import pytest

from lrbound.losses.half_squared_error import HalfSquaredError
from lrbound.network import Training
from lrbound.notices import Notice
from lrbound.optimizers.sgd import SGD
from lrbound.prediction import Assumptions, Bounds, LayerReport, Prediction
from lrbound.rate.confidence import Confidence


@pytest.fixture
def prediction() -> Prediction:
    return Prediction(
        name="tiny",
        method="mean-field",
        assumptions=Assumptions(Training(HalfSquaredError(), 128, SGD(momentum=0.9)), "through", 10, 11_010),
        lambda_max=160.6,
        lambda_max_interval=(157.04, 165.0),
        max_learning_rate=0.0205,
        recommended_learning_rate=0.0054,
        bounds=Bounds(0.0237, 0.0205),
        layers=(
            LayerReport("layers.0.repeat[0].layers.0", "linear", 10_000, 2.5, 0.5, 40.15),
            LayerReport("layers.0.repeat[0].layers.1", "relu", 0, 0.5, 1 / 3, 0.0),
            LayerReport("layers.1", "linear", 1_010, 16_060.4, 1.5e-7, 120.45),
        ),
        warnings=(Notice("LRB012", "first warning", "layers.1"),),
        limited_by="minibatch",
        confidence=Confidence("medium", "the samples are taken as white"),
    )
