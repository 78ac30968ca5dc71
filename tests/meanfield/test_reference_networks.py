"""Predictions against lambda_max measured on real networks, over several random initialisations.

Provenance: tests/reference/measured.json holds Lanczos eigenvalues of the Gram matrix of real networks built from the
specs beside it (mean, std and values over initialisations).
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lrbound import load, predict

FOLDER = Path(__file__).parent.parent / "reference"
MEASURED = json.loads((FOLDER / "measured.json").read_text())

TOLERANCE = {
    # everything that matters is coherent, and the rest is of order 1/width
    "fc-bn-relu-gamma0.5": 0.03,
    "fc-bn-relu-gamma1.0": 0.03,
    "fc-bn-relu-gamma3.0": 0.03,
    "cnn-bn-relu": 0.03,
    "cnn-bn-gap": 0.03,
    # the law of the stream is exact for one position, the copula and finite width cost 2 %
    "resmlp-bn-post": 0.05,
    "resnet-bn-post": 0.05,
    # without normalisation the mean gradients of 10 outputs are not orthogonal at finite width
    "fc-relu": 0.20,
    "cnn-relu": 0.20,
    "fc-relu-pytorch-init": 0.20,
    # the law of the softmax and the spread of its top eigenvalue
    "fc-bn-relu-ce": 0.15,
}


@pytest.mark.parametrize("name", sorted(TOLERANCE))
def test_predicts_the_measured_mean(name: str) -> None:
    """lambda_max lies within the stated tolerance of the measured mean."""
    p = predict(load(FOLDER / "specs" / f"{name}.yaml"))

    assert p.lambda_max == pytest.approx(MEASURED[name]["mean"], rel=TOLERANCE[name])
