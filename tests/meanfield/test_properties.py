"""Scaling laws, limits and identities that the theory obeys exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrbound import predict
from lrbound.backward.sweep import backward
from lrbound.forward.sweep import forward
from lrbound.meanfield import kernel as kernels
from lrbound.meanfield.contract import Context
from lrbound.meanfield.positions import Axis
from lrbound.rate.survival import MARGIN, START
from tests.nets import dense, network

if TYPE_CHECKING:
    from lrbound.network import Network

ACTIVATIONS = st.sampled_from(["relu", "tanh", "leaky_relu", "gelu", "erf", "selu", "identity"])
GAMMAS = st.floats(0.1, 5.0)
BATCHES = st.integers(8, 600)


def by_layer(net: Network, samples: float | None = None, *, through: bool = True) -> list[tuple[float, float]]:
    """(coherent, trace) of every layer with parameters, in network order."""
    n = net.training.samples if samples is None else samples
    ctx = Context(n, through, net.init, warn=lambda _: None)
    terms = list(backward(forward(net, ctx), n))[::-1]
    return [(float(t.share[0]), float(t.share[1])) for t in terms if t.share is not None]


@given(gamma=GAMMAS, factor=st.floats(0.2, 5.0), batch=BATCHES)
@settings(max_examples=30, deadline=None)
def test_head_grows_with_gamma_squared(gamma: float, factor: float, batch: int) -> None:
    """lambda of the head, less its bias, is proportional to gamma^2 of the last normaliser for a ReLU net."""
    one = by_layer(dense(gamma=gamma, batch=batch, eps=0.0))[-1]
    other = by_layer(dense(gamma=gamma * factor, batch=batch, eps=0.0))[-1]

    assert other[0] - 1 == pytest.approx((one[0] - 1) * factor**2)
    assert other[1] - 1 == pytest.approx((one[1] - 1) * factor**2)


@given(gamma=GAMMAS, batch=BATCHES, outputs=st.integers(1, 50))
@settings(max_examples=20, deadline=None)
def test_mse_is_two_over_outputs(gamma: float, batch: int, outputs: int) -> None:
    """The mean over outputs instead of half the sum: lambda times 2/C, rates times C/2."""
    half = predict(dense(gamma=gamma, batch=batch, outputs=outputs))
    mean = predict(dense(gamma=gamma, batch=batch, outputs=outputs, loss="mse"))

    assert mean.lambda_max == pytest.approx(half.lambda_max * 2 / outputs)
    assert mean.max_learning_rate == pytest.approx(half.max_learning_rate * outputs / 2)


@given(activation=ACTIVATIONS, batch=BATCHES, gamma=st.none() | GAMMAS)
@settings(max_examples=30, deadline=None)
def test_parts_add_up(activation: str, batch: int, gamma: float | None) -> None:
    """The layers' parts sum to lambda_max."""
    p = predict(dense(widths=(200, 100), activation=activation, batch=batch, gamma=gamma))

    assert sum(layer.lambda_ for layer in p.layers) == pytest.approx(p.lambda_max)


@given(activation=ACTIVATIONS, gamma=st.none() | GAMMAS)
@settings(max_examples=20, deadline=None)
def test_large_batch_is_the_full_batch(activation: str, gamma: float | None) -> None:
    """batch_size -> infinity meets `full`."""
    net = dense(widths=(300, 300), activation=activation, gamma=gamma)
    for finite, full in zip(by_layer(net, 1e9), by_layer(net, np.inf), strict=True):
        assert finite == pytest.approx(full, rel=1e-5, abs=1e-5)


@given(activation=ACTIVATIONS, times=st.integers(1, 4), gamma=GAMMAS, batch=st.integers(8, 100))
@settings(max_examples=20, deadline=None)
def test_repeat_is_its_unrolling(activation: str, times: int, gamma: float, batch: int) -> None:
    """A repeat of n copies equals the layers written n times."""
    head = f"input: {{shape: [50]}}\ntraining: {{batch_size: {batch}}}"
    block = f"- linear: 40\n- batch_norm: {gamma}\n- {activation}\n"
    flow = f"[{{linear: 40}}, {{batch_norm: {gamma}}}, {activation}]"
    repeated = network(f"- repeat: {{times: {times}, layers: {flow}}}\n- linear: 5", head=head)
    unrolled = network(block * times + "- linear: 5", head=head)

    assert by_layer(repeated) == by_layer(unrolled)


@given(activation=ACTIVATIONS, batch=st.integers(8, 100), gamma=st.none() | GAMMAS, pool=st.booleans())
@settings(max_examples=20, deadline=None)
def test_one_pixel_is_a_flat_input(activation: str, batch: int, gamma: float | None, pool: bool) -> None:
    """A 1x1 image through 1x1 convolutions equals a dense net."""
    training = f"training: {{batch_size: {batch}}}"
    norm = "" if gamma is None else f"- batch_norm: {gamma}\n"
    flat = f"- linear: 40\n{norm}- {activation}\n" * 2 + "- linear: 5"
    image = f"- conv2d: {{channels: 40, kernel: 1}}\n{norm}- {activation}\n" * 2
    image += ("- global_avg_pool" if pool else "- flatten") + "\n- linear: 5"

    dense_net = network(flat, head=f"input: {{shape: [50], correlation: 0.2}}\n{training}")
    conv_net = network(image, head=f"input: {{shape: [50, 1, 1], correlation: 0.2}}\n{training}")
    for one, other in zip(by_layer(dense_net), by_layer(conv_net), strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-12)


@given(depth=st.integers(1, 4), correlation=st.floats(0.0, 0.9))
@settings(max_examples=20, deadline=None)
def test_equal_samples_have_rank_one(depth: int, correlation: float) -> None:
    """As the input's correlation goes to 1 all samples agree, and the coherent value becomes K1."""
    layers = "- linear: 60\n- relu\n" * depth + "- linear: 5"
    head = "input: {{shape: [50], correlation: {}}}\ntraining: {{batch_size: 30}}"
    gaps = []
    for c in (correlation, 1.0 - 1e-12):
        values = by_layer(network(layers, head=head.format(c)))
        gaps.append(1.0 - sum(v[0] for v in values) / sum(v[1] for v in values))

    assert gaps[0] > 1e-3
    assert gaps[1] == pytest.approx(0.0, abs=1e-5)


def test_gamma_zero_is_finite_and_the_limit() -> None:
    """gamma -> 0 leaves the head's bias and the gradient to beta and gamma; gamma = 0 is that limit."""
    small, zero = predict(dense(gamma=1e-6, batch=64)), predict(dense(gamma=0.0, batch=64))

    assert small.lambda_max == pytest.approx(zero.lambda_max, rel=1e-3)
    assert np.isfinite(zero.max_learning_rate)


CONV = """
- conv2d: {{channels: 16, kernel: 3, padding: 1, stride: {stride}, padding_mode: {mode}}}
- {norm}
- relu
- conv2d: {{channels: 24, kernel: {kernel}, padding: 1}}
- {norm}
- tanh
- avg_pool2d: 2
- conv2d: {{channels: 8, kernel: 3, padding: 1}}
- {norm}
- relu
- {head}
- linear: 3
"""


@pytest.mark.parametrize("head", ["flatten", "global_avg_pool"])
@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [2, 3])
@pytest.mark.parametrize("norm", ["batch_norm", "identity"])
@pytest.mark.parametrize("correlation", [0.0, 0.4])
@pytest.mark.parametrize("shape", [(9, 12)])
def test_classes_equal_all_position_pairs(
    monkeypatch: pytest.MonkeyPatch,
    head: str,
    mode: str,
    stride: int,
    kernel: int,
    norm: str,
    correlation: float,
    shape: tuple[int, int],
) -> None:
    """Classes of positions change no number: the same sweeps with every position a class of its own agree."""
    net = network(
        CONV.format(stride=stride, mode=mode, kernel=kernel, norm=norm, head=head),
        head=f"input: {{shape: [3, {shape[0]}, {shape[1]}], correlation: {correlation}}}\n"
        "training: {batch_size: 16}\ninit: {weight_variance: 2.0, bias_variance: 0.1}",
    )
    by_class = by_layer(net)
    monkeypatch.setattr(kernels, "uniform", lambda size: Axis(tuple(range(size))))
    white = kernels.white

    def all_pairs(shape: tuple[int, ...], mean_square: float, correlation: float) -> kernels.Kernel:
        kernel = white(shape, mean_square, correlation)
        r, c = shape[1:]
        return kernels.Kernel(
            kernel.channels,
            kernel.rows,
            kernel.cols,
            np.zeros((1, r, r, c, c)),
            np.broadcast_to(kernel.site, (2, r, c)),
        )

    monkeypatch.setattr("lrbound.forward.sweep.white", all_pairs)
    for one, other in zip(by_class, by_layer(net), strict=True):
        assert one == pytest.approx(other, rel=1e-9, abs=1e-12)


@given(scale=st.floats(0.1, 10.0))
@settings(max_examples=15, deadline=None)
def test_normalisation_forgets_the_scale_of_the_weights_below(scale: float) -> None:
    """Weights under a BN, scaled with their biases, change nothing above and their own part by 1/scale."""
    layers = "- linear: {{features: 80, init: {{weight_variance: {w}, bias_variance: {b}}}}}\n"
    layers += "- batch_norm: {{eps: 0.0}}\n- relu\n- linear: 40\n- batch_norm: {{eps: 0.0}}\n- relu\n- linear: 5"
    head = "input: {shape: [50]}\ntraining: {batch_size: 30}"
    one = by_layer(network(layers.format(w=2.0, b=0.5), head=head))
    other = by_layer(network(layers.format(w=2.0 * scale, b=0.5 * scale), head=head))

    assert other[0][1] == pytest.approx(one[0][1] / scale)
    for a, b in zip(one[1:], other[1:], strict=True):
        assert a == pytest.approx(b)


def test_full_batch_has_no_minibatch_bound_and_says_so() -> None:
    """A quantity that does not apply is null with a reason."""
    p = predict(dense())

    assert p.bounds.minibatch is None
    assert 0.7 / 0.85 * MARGIN[True] * p.bounds.curvature < p.max_learning_rate <= p.bounds.curvature
    assert any(text.message.startswith("bounds.minibatch is null") for text in p.warnings)


def test_minibatch_formula() -> None:
    """2(1+mu)/[K2 + (1+mu)/(1-mu) (K1 - K2)/B] with K2 and K1 of the head and of the last gamma and beta, by hand."""
    from math import pi

    p = predict(dense(batch=256))
    # of a weight variance of 2: (E z phi')^2 and (E phi')^2 of gamma and beta, E (z phi')^2 and E phi'^2
    k2 = 1000 / (2 * pi) + 1 + 2 * (1 / (2 * pi) + 1 / 4)
    k1 = 1000 / 2 + 1 + 2 * (1 / 2 + 1 / 2)

    assert p.bounds.minibatch == pytest.approx(3.8 / (k2 + 19 * (k1 - k2) / 256), rel=1e-4)
    assert p.recommended_learning_rate == pytest.approx(START[True] * p.max_learning_rate)
    # a width of 1000 leaves little to grow, and white inputs share 1/784
    assert 0.98 * MARGIN[True] * p.bounds.minibatch < p.max_learning_rate < MARGIN[True] * p.bounds.minibatch


def test_a_small_gamma_grows_before_the_targets_are_fitted() -> None:
    """There gamma and beta are a third of the curvature, and training lets them grow at once."""
    small, usual = (predict(dense(widths=(300, 300), gamma=gamma, batch=128)) for gamma in (0.1, 0.5))

    assert small.limited_by == "targets"
    assert small.max_learning_rate < 0.5 / 0.85 * MARGIN[True] * small.bounds.minibatch
    assert usual.max_learning_rate > 0.7 / 0.85 * MARGIN[True] * usual.bounds.minibatch


@given(activation=st.sampled_from(["relu", "tanh", "gelu"]), outputs=st.integers(1, 20))
@settings(max_examples=15, deadline=None)
def test_large_minibatches_are_the_repeated_batch(activation: str, outputs: int) -> None:
    """Without normalisation bounds.minibatch meets bounds.curvature as the batch grows, at finite width too."""
    net = dense(widths=(200, 200), activation=activation, gamma=None, batch=10**6, outputs=outputs, momentum=0.5)
    p = predict(net)

    assert p.bounds.minibatch == pytest.approx(p.bounds.curvature, rel=1e-3)
