"""The matrix-free eigenvalue against a dense one in float64, on networks small enough to form the matrix."""

from __future__ import annotations

import numpy as np
import pytest

from lrbound.empirical.measure import Setting, measure
from lrbound.losses import LOSSES
from tests.empirical.oracle import largest_eigenvalue
from tests.nets import network

PRECISE = 1e-4
DENSE_BN = "- linear: 10\n- batch_norm: {gamma: 0.8, beta: 0.1}\n- relu\n- linear: 9\n- batch_norm\n- tanh\n- linear: 5"
CONV_BN = """
- conv2d: {channels: 4, kernel: 3, padding: 1}
- batch_norm
- gelu
- avg_pool2d: 2
- conv2d: {channels: 5, kernel: 3, padding: 1, padding_mode: circular, bias: false}
- batch_norm
- relu
- flatten
- linear: 4
"""
NETS = {
    "dense with batch norm": ("[7]", DENSE_BN),
    "dense with dropout": ("[7]", "- linear: 12\n- relu\n- dropout: 0.4\n- linear: 12\n- relu\n- linear: 5"),
    "convolution with batch norm": ("[2, 6, 6]", CONV_BN),
    "more outputs than parameters": ("[4]", "- linear: 5\n- silu\n- linear: 6"),
    "few parameters": ("[2]", "- linear: 2"),
}


def make(case: str, loss: str, batch: int = 16):
    shape, layers = NETS[case]
    head = f"""
    input: {{shape: {shape}, correlation: 0.2, mean_square: 1.5}}
    init: {{weight_variance: 2.0, bias_variance: 0.3}}
    training: {{loss: {loss}, batch_size: {batch}}}
    """
    return network(layers, head=head)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("statistics", ["through", "frozen"])
@pytest.mark.parametrize("loss", LOSSES.names())
@pytest.mark.parametrize("case", NETS)
def test_equals_the_dense_eigenvalue_and_its_parts(case, loss, statistics, dtype):
    net = make(case, loss)
    setting = Setting(batch_statistics=statistics, dtype=dtype)
    for index, sample in enumerate(measure(net, seeds=2, seed=3, setting=setting)):
        value, parts = largest_eigenvalue(net, seed=3, index=index, frozen=statistics == "frozen")

        assert sample.lambda_max == pytest.approx(value, rel=PRECISE)
        assert sum(sample.parts.values()) == pytest.approx(sample.lambda_max, rel=1e-6)
        assert set(sample.parts) == set(parts)
        # a part is of first order in the error of the eigenvector, the value of second
        assert list(sample.parts.values()) == pytest.approx(list(parts.values()), abs=0.01 * value)


def test_a_batch_of_few_values_is_solved_without_lanczos():
    net = make("dense with batch norm", "half_squared_error", batch=4)
    (sample,) = measure(net, seeds=1)

    assert sample.lambda_max == pytest.approx(largest_eigenvalue(net, seed=0, index=0, frozen=False)[0], rel=PRECISE)


def test_frozen_statistics_change_the_gradients():
    net = make("dense with batch norm", "half_squared_error")
    through, frozen = (
        next(measure(net, seeds=1, setting=Setting(batch_statistics=s))).lambda_max for s in ("through", "frozen")
    )

    assert not np.isclose(through, frozen, rtol=0.05)


def test_a_network_without_gradient_has_lambda_zero():
    layers = "- linear: 4\n- batch_norm: {gamma: 0.0, learnable: false}\n- linear: {features: 40, bias: false}"
    (sample,) = measure(network(layers, head="input: {shape: [3]}\ntraining: {batch_size: 16}"), seeds=1)

    assert sample.lambda_max == 0.0
