"""The numbers of Wei, Stokes and Schwab 2019 and of the corrected theory, 784-1000-1000-1000-10.

Provenance: the column "published" evaluates the paper's recursions (its slips of print put right); the columns
"frozen" and "through" evaluate the corrected ones by hand, without bias terms. sigma_w^2 = 2, sigma_b^2 = 0.5.
"""

from __future__ import annotations

import pytest

from lrbound import predict
from lrbound.errors import Refused
from tests.nets import dense, network

TABLE = [  # gamma, published, its rate at momentum 0.9, frozen, through
    (0.25, 10.53, 0.3609, 22.59, 9.95),
    (0.5, 47.53, 0.0800, 90.38, 39.79),
    (1.0, 229.89, 0.01653, 361.51, 159.15),
    (1.5, 564.52, 0.00673, 813.40, 358.10),
    (2.0, 1045.31, 0.00364, 1446.05, 636.62),
    (3.0, 2432.29, 0.00156, 3253.61, 1432.39),
]


@pytest.mark.parametrize(("gamma", "published", "rate"), [row[:3] for row in TABLE])
def test_published_recursion(gamma: float, published: float, rate: float) -> None:
    """`--method wei2019` gives the published lambda_max and the rate 3.8/lambda."""
    p = predict(dense(gamma=gamma), method="wei2019")

    assert p.lambda_max == pytest.approx(published, abs=0.005)
    assert p.max_learning_rate == pytest.approx(rate, abs=0.5 * 10 ** -(4 if rate > 0.02 else 5))
    assert p.max_learning_rate == pytest.approx(3.8 / p.lambda_max)


def test_published_without_normalisation() -> None:
    """The ReLU net without BN: f_4 .. f_1, their sum and its rate."""
    p = predict(dense(gamma=None), method="wei2019")
    parts = [layer.lambda_ for layer in p.layers if layer.parameters]

    assert p.lambda_max == pytest.approx(2234.17, abs=0.005)
    assert parts == pytest.approx([0.0, 263.7, 688.1, 1282.4], abs=0.05)
    assert p.max_learning_rate == pytest.approx(0.001701, abs=5e-7)


@pytest.mark.parametrize(
    ("method", "statistics", "crossing"),
    [("wei2019", "frozen", 2.879), ("mean-field", "frozen", 2.486), ("mean-field", "through", 3.747)],
)
def test_normalisation_equals_none_at(method: str, statistics: str, crossing: float) -> None:
    """BN stops to help at gamma 2.879 (published; the paper says 3), 2.486 and 3.747 (corrected)."""

    def weights_only(gamma: float | None) -> float:
        net = dense(gamma=gamma, learnable=False, eps=0.0)
        p = predict(net, method=method, batch_statistics=statistics)  # type: ignore[arg-type]
        return p.lambda_max - (bias_terms(gamma, statistics) if method == "mean-field" else 0.0)

    none = weights_only(None)
    below, above = weights_only(crossing - 0.001), weights_only(crossing + 0.001)

    assert below < none < above


@pytest.mark.parametrize(("gamma", "frozen", "through"), [(row[0], row[3], row[4]) for row in TABLE])
def test_corrected_columns(gamma: float, frozen: float, through: float) -> None:
    """The mean-field method at a full batch gives the corrected columns plus the biases' terms."""
    net = dense(gamma=gamma, learnable=False, eps=0.0)

    for statistics, expected in (("frozen", frozen), ("through", through)):
        p = predict(net, batch_statistics=statistics)  # type: ignore[arg-type]
        assert p.lambda_max - bias_terms(gamma, statistics) == pytest.approx(expected, abs=0.006)


def bias_terms(gamma: float | None, statistics: str) -> float:
    """Sum of the coherent gradients qt_xy of the four layers, from the closed forms."""
    from math import asin, pi, sqrt

    if gamma is None:
        q, q_xy, gradient, slopes = 2.5, 0.5, 1.0, []
        for _ in range(3):
            c = q_xy / q
            slopes.append(2 * (pi / 2 + asin(c)) / (2 * pi))
            q, q_xy = 0.5 + q, 0.5 + 2 * q * (sqrt(1 - c * c) + c * pi / 2 + c * asin(c)) / (2 * pi)
        total = 1.0
        for slope in reversed(slopes):
            gradient *= slope
            total += gradient
        return total
    if statistics == "through":
        return 1.0
    rate = 0.5 / (2 * (0.5 - 1 / (2 * pi)))  # gamma^2 cancels between two normalised layers
    return 1 + rate + rate**2 + rate**2 * gamma**2 * 0.5 / 2.0


def test_wei2019_does_not_know_other_layers() -> None:
    """A layer outside the paper is refused by name, not approximated."""
    net = network("- linear: 10\n- tanh\n- linear: 1", head="input: {shape: [4]}")

    with pytest.raises(Refused) as info:
        predict(net, method="wei2019")

    assert str(info.value) == (
        "--method wei2019 knows linear, conv2d (one group), batch_norm (beta 0), relu and flatten; got tanh"
    )


def test_wei2019_convolution_leaves_out_the_stride() -> None:
    """By hand, one strided conv layer of 4x4 places and a dense head: f_2 = N P gamma^2/(2 pi), f_1 is 0."""
    from math import pi

    net = network(
        "- conv2d: {channels: 30, kernel: 3, stride: 2, padding: 1}\n- batch_norm\n- relu\n- flatten\n- linear: 10",
        head="input: {shape: [3, 8, 8]}\ninit: {weight_variance: 2.0, bias_variance: 0.5}",
    )
    p = predict(net, method="wei2019")

    assert p.lambda_max == pytest.approx(30 * 16 / (2 * pi))
    assert p.bounds.minibatch is None
