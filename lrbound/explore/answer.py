"""The numbers of a prediction that a sweep keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrbound.errors import Refused
from lrbound.notices import Notice, short

if TYPE_CHECKING:
    from lrbound.explore.source import Predict
    from lrbound.network import Network
    from lrbound.prediction import Prediction


class Answer(NamedTuple):
    """lambda_max and the rates; None where they are not known."""

    lambda_max: float | None
    max_learning_rate: float | None
    recommended_learning_rate: float | None


UNKNOWN = Answer(None, None, None)


def shorten(prediction: Prediction) -> Answer:
    """Return the numbers of a prediction."""
    return Answer(prediction.lambda_max, prediction.max_learning_rate, prediction.recommended_learning_rate)


def ask(predict: Predict, network: Network) -> tuple[Answer, tuple[Notice, ...]]:
    """Return what is predicted and the notices; a refusal is an answer without numbers, and its reason a notice."""
    import numpy as np

    try:
        with np.errstate(over="ignore", invalid="ignore"):
            prediction = predict(network)
    except Refused as error:
        return UNKNOWN, (Notice("LRB061", short(f"no prediction: {error}")),)
    except OverflowError:
        return UNKNOWN, (Notice("LRB061", "no prediction: the numbers grow beyond all bounds"),)
    return shorten(prediction), prediction.warnings
