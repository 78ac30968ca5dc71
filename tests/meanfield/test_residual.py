"""Residual networks: sums of branches, and the law of a ReLU'd stream."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lrbound import predict
from lrbound.backward.sweep import backward
from lrbound.forward.sweep import Fork, Step, forward
from lrbound.meanfield import law
from lrbound.meanfield.contract import Context
from tests.nets import network
from tests.sampled import sampled

if TYPE_CHECKING:
    from lrbound.network import Network

STEM = "- linear: 300\n- batch_norm\n- relu\n"
POST = "- repeat: {{times: {0}, layers: [{{residual: [{{linear: 300}}, batch_norm, relu, {{linear: 300}}, batch_norm]}}, relu]}}\n"
PRE = "- repeat: {{times: {0}, layers: [{{residual: [batch_norm, relu, {{linear: 300}}, batch_norm, relu, {{linear: 300}}]}}]}}\n"
HEAD = "input: {{shape: [128]}}\ninit: he\ntraining: {{batch_size: {0}}}"


@pytest.mark.parametrize(("blocks", "measured"), [(2, 249.0), (4, 505.0), (8, 1075.0), (16, 2350.0)])
def test_post_activation_mlp_of_one_output(blocks: int, measured: float) -> None:
    """lambda_max of real networks of one output: 4 %. Provenance: lrbound/theory/mean-field.md, section 5."""
    p = predict(network(STEM + POST.format(blocks) + "- linear: 1", head=HEAD.format(512)))

    assert p.lambda_max == pytest.approx(measured, rel=0.04)


@pytest.mark.parametrize(("blocks", "measured"), [(2, 256.7), (4, 514.2), (8, 1104.0), (16, 2506.0)])
def test_post_activation_mlp(blocks: int, measured: float) -> None:
    """Width 300, batch 512, 10 outputs. Provenance: lrbound measure, 2 or 3 initialisations, good to 1 %."""
    p = predict(network(STEM + POST.format(blocks) + "- linear: 10", head=HEAD.format(512)))

    assert p.lambda_max == pytest.approx(measured, rel=0.02)


@pytest.mark.parametrize(("blocks", "measured"), [(2, 50.6), (4, 50.8), (8, 51.1), (16, 52.2)])
def test_pre_activation_mlp(blocks: int, measured: float) -> None:
    """With a normaliser before the head depth hardly matters. Provenance as above."""
    net = network("- linear: 300\n" + PRE.format(blocks) + "- batch_norm\n- relu\n- linear: 10", head=HEAD.format(512))

    assert predict(net).lambda_max == pytest.approx(measured, rel=0.025)


def test_a_shifted_body_beside_a_shortcut_of_unknown_law() -> None:
    """The sum is taken as Gaussian, with a warning: after silu no law is known."""
    net = network(
        "- linear: 30\n- silu\n- residual: [{linear: 30}, {batch_norm: {beta: 0.3}}]\n- linear: 3", head=HEAD.format(16)
    )
    assert ("LRB032", "layers.2") in {(warning.code, warning.path) for warning in predict(net).warnings}


def by_place(net: Network) -> tuple[dict[str, float], dict[str, float]]:
    """Coherent values and traces, added up for each top-level layer."""
    ctx = Context(net.training.samples, True, net.init, warn=lambda _: None)
    coherent = {node.path: 0.0 for node, _ in net.unrolled()}
    trace = dict(coherent)
    for term in backward(forward(net, ctx), ctx.samples):
        if term.share is not None:
            match = re.match(r"layers\.\d+(\.repeat\[\d+\]\.layers\.\d+)*", term.node.path)
            assert match is not None
            coherent[match[0]] += float(term.share.coherent)
            trace[match[0]] += float(term.share.trace)
    return coherent, trace


CONV = "{{conv2d: {{channels: {0}, kernel: 3, padding: 1, stride: {1}, bias: false}}}}"
BLOCK = "- residual: [" + CONV + ", batch_norm, relu, " + CONV + ", batch_norm]\n- relu\n"


def block(channels: int) -> str:
    return BLOCK.format(channels, 1)


def down(channels: int) -> str:
    body = f"[{CONV.format(channels, 2)}, batch_norm, relu, {CONV.format(channels, 1)}, batch_norm]"
    shortcut = f"[{{conv2d: {{channels: {channels}, kernel: 1, stride: 2}}}}, batch_norm]"
    return f"- residual: {{layers: {body}, shortcut: {shortcut}}}\n- relu\n"


@pytest.mark.parametrize("head", ["global_avg_pool", "flatten"])
def test_convolutional_blocks_against_sampled_networks(head: str) -> None:
    """Identity and projection shortcuts, 48 to 64 channels, 3 seeds: the total within 5 %, every big part within 12."""
    net = network(
        "- conv2d: {channels: 48, kernel: 3, padding: 1}\n- batch_norm\n- relu\n"
        + block(48)
        + block(48)
        + down(64)
        + block(64)
        + f"- {head}\n- linear: 4",
        head="input: {shape: [3, 12, 12]}\ninit: he\ntraining: {batch_size: 16}",
    )
    truth = sampled(net, seeds=3)
    for predicted, real, rtol in zip(by_place(net), (truth.coherent, truth.trace), (0.05, 0.08), strict=True):
        values = np.array(list(predicted.values()))
        assert values.sum() == pytest.approx(real.sum(), rel=rtol)
        big = real > 0.05 * real.sum()
        assert values[big] == pytest.approx(real[big], rel=0.12)


def test_residual_without_normaliser() -> None:
    """No normaliser, bodies of small variance; single nets vary by 14 %, so 16 seeds leave 4 %."""
    body = "[{linear: 300}, relu, {linear: {features: 300, init: {weight_variance: 0.5}}}]"
    net = network(
        f"- linear: 300\n- relu\n- repeat: {{times: 3, layers: [{{residual: {body}}}, relu]}}\n- linear: 4",
        head=HEAD.format(20),
    )
    truth = sampled(net, seeds=16)
    coherent, trace = by_place(net)

    assert sum(coherent.values()) == pytest.approx(truth.coherent.sum(), rel=0.10)
    assert sum(trace.values()) == pytest.approx(truth.trace.sum(), rel=0.10)


def test_a_branch_of_gamma_zero_is_no_branch() -> None:
    """A body that ends in gamma 0 leaves the stream as it was; it only adds its own last gradients."""
    body = "[{linear: 300}, batch_norm, relu, {linear: 300}, {batch_norm: 0.0}]"
    plain = network(STEM + "- linear: 10", head=HEAD.format(64))
    zero = network(STEM + f"- residual: {body}\n- relu\n- linear: 10", head=HEAD.format(64))
    head_plain, head_zero = (list(by_place(net)[0].values())[-1] for net in (plain, zero))

    assert head_zero == pytest.approx(head_plain, rel=2e-3)


@pytest.mark.parametrize("activation", ["relu", "silu", "sigmoid"])
@pytest.mark.parametrize("between", ["", "batch_norm, ", "{batch_norm: {beta: 0.4}}, "])
def test_means_of_branches_that_both_end_in_an_activation(activation: str, between: str) -> None:
    """E (h + h')^2 = E h^2 + E h'^2 + 2 E h E h' over units, against drawn ones."""
    net = network(
        f"- residual: {{layers: [{{linear: 80}}, {between}{activation}], shortcut: [{{linear: 80}}, {activation}]}}\n"
        "- linear: 3",
        head=HEAD.format(64),
    )
    ctx = Context(1e9, True, net.init, warn=lambda _: None)
    fork = forward(net, ctx)[0]
    assert isinstance(fork, Fork)
    rng = np.random.default_rng(0)
    total = np.zeros(400_000)
    for chain in fork.chains:
        last = chain[-1]
        assert isinstance(last, Step)
        q, mean = last.below.averages()[0], last.below.mean
        u = mean + np.sqrt(q - mean**2) * rng.standard_normal(total.shape)
        total += last.node.layer.curve.value(u)

    assert fork.above.averages()[0] == pytest.approx((total**2).mean(), rel=0.01)


def test_a_sum_of_two_relus_against_measured_networks() -> None:
    """97.7 with a standard error of 4 (12 initialisations by lrbound.empirical.measure, float32)."""
    net = network(
        "- linear: 130\n- relu\n"
        "- residual: {layers: [{linear: 110}, batch_norm, relu], shortcut: [{linear: 110}, relu]}\n"
        "- linear: 140\n- relu\n- linear: 4",
        head="input: {shape: [90]}\ninit: xavier\ntraining: {loss: half_squared_error, batch_size: 90}",
    )

    assert predict(net).lambda_max == pytest.approx(97.7, rel=0.1)


def test_branches_with_layers_apart_add_as_gaussians() -> None:
    """Two random linear branches of half the variance are one of the whole."""
    half = "init: {weight_variance: 1.0, bias_variance: 0.25}"
    whole = network(
        "- linear: 80\n- relu\n- linear: {features: 60, init: {weight_variance: 2.0, bias_variance: 0.5}}\n- relu\n- linear: 3",
        head=HEAD.format(16),
    )
    split = network(
        "- linear: 80\n- relu\n"
        f"- residual: {{layers: [{{linear: {{features: 60, {half}}}}}], shortcut: [{{linear: {{features: 60, {half}}}}}]}}\n"
        "- relu\n- linear: 3",
        head=HEAD.format(16),
    )
    one, other = (list(by_place(net)[0].values()) for net in (whole, split))

    assert other[-1] == pytest.approx(one[-1])
    assert other[0] == pytest.approx(one[0])


def test_law_of_the_chain_against_draws() -> None:
    """u' = relu(u) + g: mean, second moment, P(u > 0) and density at 0 against 10^6 draws, within 1 %."""
    rng = np.random.default_rng(0)
    h = np.maximum(rng.standard_normal(1_000_000), 0.0)
    values = np.maximum(law.NODES, 0.0)[None]
    for _ in range(8):
        u = law.add_gaussian(values, np.array([1.0]))
        share, density, above = law.positive(u)
        draws = h + rng.standard_normal(h.size)
        h, values = np.maximum(draws, 0.0), np.maximum(u, 0.0)
        assert law.mean(values)[0] == pytest.approx(h.mean(), rel=0.01)
        assert share[0] == pytest.approx((draws > 0).mean(), rel=0.01)
        assert density[0] == pytest.approx((np.abs(draws) < 0.05).mean() / 0.1, rel=0.03)
        assert law.mean(above)[0] == pytest.approx(draws[draws > 0].mean(), rel=0.01)


@pytest.mark.parametrize(("p", "q", "r"), [(0.5, 0.5, 0.3), (0.8, 0.7, 0.5), (0.9, 0.9, 0.95), (0.6, 0.9, -0.4)])
def test_both_above_is_the_bivariate_normal(p: float, q: float, r: float) -> None:
    """Plackett's integral against scipy's bivariate normal distribution function."""
    from scipy.special import ndtri
    from scipy.stats import multivariate_normal

    expected = multivariate_normal([0, 0], [[1, r], [r, 1]]).cdf([ndtri(p), ndtri(q)])

    assert law.both_above(law.threshold(np.array(p)), law.threshold(np.array(q)), np.array(r)) == pytest.approx(
        expected, abs=1e-6
    )
