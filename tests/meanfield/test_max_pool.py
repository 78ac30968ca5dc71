"""Max pooling against sampled networks, and the maximum of Gaussians against its closed form."""

from __future__ import annotations

import numpy as np
import pytest

from lrbound import predict
from lrbound.errors import Refused
from lrbound.forward.sweep import forward
from lrbound.meanfield.contract import Context
from lrbound.meanfield.kernel import CROSS, SAME, Kernel
from lrbound.meanfield.max_pool import maximum
from lrbound.meanfield.positions import Window, uniform
from tests.meanfield.resolved import resolved
from tests.meanfield.test_residual import by_place
from tests.nets import network
from tests.sampled import sampled

CONV = "- conv2d: {{channels: {0}, kernel: 3, padding: 1}}\n{1}- relu\n"


@pytest.mark.parametrize(
    ("norm", "pool", "head", "rtol"),
    [
        ("- batch_norm\n", "2", "flatten", 0.05),
        ("- batch_norm\n", "2", "global_avg_pool", 0.05),
        ("- batch_norm\n", "{kernel: 3, stride: 2, padding: 1}", "flatten", 0.08),  # shared positions are left out
        ("", "2", "flatten", 0.12),  # single nets vary by 20 %; 6 seeds
    ],
)
def test_against_sampled_networks(norm: str, pool: str, head: str, rtol: float) -> None:
    """Totals of the coherent value and of the trace, 48 to 64 channels."""
    layers = CONV.format(48, norm) + f"- max_pool2d: {pool}\n" + CONV.format(64, norm) + f"- {head}\n- linear: 4"
    net = network(layers, head="input: {shape: [3, 12, 12]}\ninit: he\ntraining: {batch_size: 12}")
    truth = sampled(net, seeds=3 if norm else 6)
    for predicted, real in zip(by_place(net), (truth.coherent, truth.trace), strict=True):
        assert sum(predicted.values()) == pytest.approx(real.sum(), rel=rtol)


def test_maximum_of_independent_gaussians() -> None:
    """E max of 4 independent normals is 1.02938, E max^2 is 1.55133 (order statistics of the normal law)."""
    kernel = Kernel(8, uniform(4), uniform(4), np.zeros((1, 1, 1, 1, 1)), np.array([1.0, 0.0]).reshape(2, 1, 1))
    out, _ = maximum(kernel, Window.of(2, 2, 0))

    assert out.on_site[CROSS, 0, 0] == pytest.approx(1.02938**2, rel=2e-3)
    assert out.on_site[SAME, 0, 0] == pytest.approx(1.55133, rel=2e-3)


def fields(kernel: Kernel, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a Gaussian kernel's values in two samples, (count, rows, columns)."""
    fine = resolved(kernel)
    size = fine.positions
    pair = np.broadcast_to(fine.pair, (2, *fine.pair.shape[1:])).swapaxes(2, 3).reshape(2, size, size)
    same, cross = pair + np.stack([np.diag(site.ravel()) for site in fine.site])
    rng = np.random.default_rng(0)

    def draw(covariance: np.ndarray) -> np.ndarray:
        values, vectors = np.linalg.eigh(covariance)
        return rng.standard_normal((count, size)) @ (vectors * np.sqrt(np.maximum(values, 0.0))).T

    common = draw(cross)
    shape = (count, fine.rows.size, fine.cols.size)
    return tuple((common + draw(same - cross)).reshape(shape) for _ in range(2))


@pytest.mark.parametrize("rectified", [True, False])
def test_unlike_positions_against_drawn_fields(rectified: bool) -> None:
    """Padding leaves variances and means that differ from position to position, and half of all positions are at a border.

    By the windows' averages alone the cross moments were 3 % too small.
    """
    net = network(
        CONV.format(8, "- batch_norm\n") + CONV.format(8, "- batch_norm\n") + "- flatten\n- linear: 4",
        head="input: {shape: [3, 8, 8]}\ninit: he\ntraining: {batch_size: 32}",
    )
    steps = forward(net, Context(32.0, True, net.init, lambda _: None))
    at = steps[5] if rectified else steps[4]
    pooled = resolved(maximum(at.above, Window.of(2, 2, 0))[0])
    values = [np.maximum(field, 0.0) if rectified else field for field in fields(steps[4].above, 60_000)]
    one, other = (field.reshape(-1, 4, 2, 4, 2).max(axis=(2, 4)) for field in values)
    place = pooled.rows.classes

    assert place == (0, 1, 2, 3)
    assert pooled.on_site[CROSS].mean() == pytest.approx((one * other).mean(), rel=0.01)
    assert pooled.on_site[SAME].mean() == pytest.approx(((one**2).mean() + (other**2).mean()) / 2, rel=0.01)
    assert pooled.on_site[CROSS] == pytest.approx((one * other).mean(axis=0), rel=0.035)


@pytest.mark.parametrize("name", ["tanh", "leaky_relu", "elu", "silu", "sigmoid", "gelu", "mish"])
def test_maxima_above_activations_against_drawn_fields(name: str) -> None:
    """The largest value is that of the largest argument; silu and its kin fall a little below 0, which is left out."""
    net = network(
        CONV.format(8, "- batch_norm\n")
        + CONV.format(8, "- batch_norm\n").replace("relu", name)
        + "- flatten\n- linear: 4",
        head="input: {shape: [3, 8, 8]}\ninit: he\ntraining: {batch_size: 32}",
    )
    steps = forward(net, Context(32.0, True, net.init, lambda _: None))
    pooled = resolved(maximum(steps[5].above, Window.of(2, 2, 0))[0])
    values = [steps[5].node.layer.value(field) for field in fields(steps[4].above, 60_000)]
    one, other = (field.reshape(-1, 4, 2, 4, 2).max(axis=(2, 4)) for field in values)

    assert pooled.on_site[CROSS].mean() == pytest.approx((one * other).mean(), rel=0.015)
    assert pooled.on_site[SAME].mean() == pytest.approx(((one**2).mean() + (other**2).mean()) / 2, rel=0.015)


@pytest.mark.parametrize("name", ["tanh", "leaky_relu: 0.2", "gelu"])
@pytest.mark.parametrize(
    ("norm", "rtol"), [("- batch_norm\n", 0.07), ("", 0.15)]
)  # single nets without norm vary by 20 %
def test_activations_under_pools_against_sampled_networks(name: str, norm: str, rtol: float) -> None:
    """Totals of the coherent value and of the trace, 48 to 64 channels."""
    blocks = CONV.format(48, norm) + "- max_pool2d: 2\n" + CONV.format(64, norm) + "- max_pool2d: 2\n"
    layers = blocks.replace("- relu", f"- {name}") + "- global_avg_pool\n- linear: 4"
    net = network(layers, head="input: {shape: [3, 16, 16]}\ninit: he\ntraining: {batch_size: 12}")
    truth = sampled(net, seeds=4 if norm else 8)
    for predicted, real in zip(by_place(net), (truth.coherent, truth.trace), strict=True):
        assert sum(predicted.values()) == pytest.approx(real.sum(), rel=rtol)


def test_window_of_one_is_the_identity() -> None:
    """A 1x1 max pool changes nothing."""
    head = "input: {shape: [3, 6, 6]}\ninit: he\ntraining: {batch_size: 12}"
    layers = CONV.format(16, "- batch_norm\n") + "POOL" + CONV.format(16, "- batch_norm\n") + "- flatten\n- linear: 4"
    plain = predict(network(layers.replace("POOL", ""), head=head))
    pooled = predict(network(layers.replace("POOL", "- max_pool2d: 1\n"), head=head))

    assert pooled.lambda_max == pytest.approx(plain.lambda_max, rel=5e-3)


def test_an_activation_that_falls_far_is_refused() -> None:
    """Of values that are all negative hardswish has its largest far from 0: squares were 10 % off."""
    net = network(
        CONV.format(16, "").replace("relu", "hardswish") + "- max_pool2d: 2\n- flatten\n- linear: 4",
        head="input: {shape: [3, 8, 8]}",
    )
    with pytest.raises(Refused, match=r"^max_pool2d above hardswish"):
        predict(net)


def test_unknown_laws_are_refused() -> None:
    """After an average pool the law of the values is not known."""
    net = network(
        CONV.format(16, "") + "- avg_pool2d: 2\n- max_pool2d: 2\n- flatten\n- linear: 4",
        head="input: {shape: [3, 8, 8]}",
    )
    with pytest.raises(Refused, match=r"^max_pool2d needs the law of the values that it compares"):
        predict(net)
