"""Cross-entropy at finite size.

Provenance of MEASURED: means of 12 initialisations of the specs below by lrbound.empirical.measure in float32, each good to
2 to 10 %. They cover each branch with few and with many outputs. No constant was fitted to them.
"""

from __future__ import annotations

import numpy as np
import pytest

from lrbound import predict
from lrbound.curvature.softmax import matching, seen
from lrbound.curvature.wishart import top
from lrbound.losses._hessians import OutputHessians
from tests.nets import network


def net(*, layers: str, inputs: int, init: str, batch: int, outputs: int, correlation: float = 0.0, loss: str = ""):
    head = f"""
    input: {{shape: [{inputs}], correlation: {correlation}}}
    init: {init}
    training: {{loss: {loss or "cross_entropy"}, batch_size: {batch}}}
    """
    return network(f"{layers}\n- linear: {outputs}\n", head=head)


def blocks(widths: tuple[int, ...], *, norm: str = "", activation: str) -> str:
    return "\n".join(f"- linear: {width}\n{norm and f'- {norm}'}\n- {activation}" for width in widths)


MEASURED = {
    # many samples, two outputs: all of the complement counts, not the coherent direction alone
    "bulk": (
        {
            "layers": blocks((218, 208, 160, 160, 244), norm="batch_norm: 2.01", activation="tanh"),
            "inputs": 60,
            "init": "{weight_variance: 1.61, bias_variance: 0.28}",
            "batch": 140,
            "outputs": 2,
        },
        19.41,
    ),
    "single sample, two outputs": (
        {
            "layers": blocks((63, 59, 39, 58, 39, 70, 53), norm="batch_norm", activation="relu"),
            "inputs": 53,
            "correlation": 0.76,
            "init": "lecun",
            "batch": 88,
            "outputs": 2,
        },
        16.44,
    ),
    "single sample, many outputs": (
        {
            "layers": blocks((106, 98, 127, 155), norm="batch_norm: {gamma: 1.72, beta: -0.47}", activation="selu"),
            "inputs": 87,
            "init": "xavier",
            "batch": 20,
            "outputs": 20,
        },
        75.24,
    ),
    "coherent": (
        {
            "layers": blocks((288, 243, 183), activation="selu"),
            "inputs": 189,
            "correlation": 0.44,
            "init": "{weight_variance: 1.99, bias_variance: 0.01}",
            "batch": 9,
            "outputs": 5,
        },
        334.0,
    ),
}


@pytest.mark.parametrize("name", sorted(MEASURED))
def test_measured_networks(name: str) -> None:
    spec, value = MEASURED[name]

    assert predict(net(**spec)).lambda_max == pytest.approx(value, rel=0.15)


@pytest.mark.parametrize("norm", ["", "batch_norm"])
@pytest.mark.parametrize("outputs", [10, 100])
def test_small_logits_give_one_over_the_outputs(norm: str, outputs: int) -> None:
    # the softmax has no curvature along the sum of the outputs: one combination less to choose from
    layers = blocks((200, 200), norm=norm, activation="relu")
    head = f"- linear: {{features: {outputs}, init: {{weight_variance: 1.0e-6, bias_variance: 0.0}}}}"
    specs = [
        network(
            f"{layers}\n{head}\n",
            head=f"input: {{shape: [100]}}\ninit: he\ntraining: {{loss: {loss}, batch_size: 32}}",
        )
        for loss in ("cross_entropy", "half_squared_error")
    ]
    found, squared = (predict(spec).lambda_max for spec in specs)

    assert found == pytest.approx(squared / outputs, rel=0.05)


def test_more_outputs_than_matrices_are_formed_for() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(100), (3, 40))

    q = OutputHessians(p, p, most=0.5)

    # it ends where a step changes the value by 1e-4, near which several eigenvalues may be
    assert q._power(p).values == pytest.approx(q.steepest.values, rel=3e-3)


@pytest.mark.parametrize("outputs", [3, 20, 150])
def test_second_moment_of_the_curvature_of_single_samples(outputs: int) -> None:
    """Of samples with drawn gradients, along the mean gradient of the steepest combination: h = J'Q J, E h^2 / E h."""
    rng = np.random.default_rng(0)
    samples, parameters, k1, k2 = 500, 2000, 30.0, 2.0
    logits = 1.5 * rng.standard_normal(outputs) + 1.5 * rng.standard_normal((samples, outputs))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    mean = np.linalg.qr(rng.standard_normal((parameters, outputs)))[0].T * np.sqrt(k2)
    q = OutputHessians(p[None], p[None], most=0.5)
    v = np.linalg.eigh(q.averaged())[1][0, :, -1]
    u = v @ mean / np.linalg.norm(v @ mean)
    first, second = [], []
    for each in p:
        jacobian = mean + np.sqrt((k1 - k2) / parameters) * rng.standard_normal(mean.shape)
        hu = jacobian.T @ ((np.diag(each) - np.outer(each, each)) @ (jacobian @ u))
        first.append(u @ hu)
        second.append(hu @ hu)

    assert np.mean(second) / np.mean(first) == pytest.approx(k1 * q.noise(q.steepest), rel=0.08)


@pytest.mark.parametrize("outputs", [2, 10, 40])
@pytest.mark.parametrize("growth", [1.2, 1.7])
def test_one_wishart_matrix_has_the_growth_of_the_chain(outputs: int, growth: float) -> None:
    freedom = matching(outputs, growth, 1.0)
    drawn = seen(np.broadcast_to(np.eye(outputs), (400, outputs, outputs)), freedom)

    assert float(top(outputs, np.array([freedom])).mean[0]) == pytest.approx(growth, rel=1e-3)
    # of two outputs the law of Tracy and Widom is a sketch
    assert drawn.mean() == pytest.approx(growth, rel=0.15 if outputs == 2 else 0.05)


def test_many_outputs_are_warned_of() -> None:
    spec = {"layers": blocks((60,), activation="relu"), "inputs": 30, "init": "he", "batch": 16}
    few, many = (predict(net(**spec, outputs=outputs)).warnings for outputs in (10, 60))

    assert not few
    assert "60 outputs" in many[0].message
