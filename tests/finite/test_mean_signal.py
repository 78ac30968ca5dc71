"""The coherent direction at finite size: degrees of freedom, mixing and fan-in against sampled networks; normalisers' limits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lrbound import predict
from lrbound.backward.ntk import along
from lrbound.curvature.coherent import parts
from lrbound.curvature.combine import combine
from lrbound.curvature.coupling import of_coherent
from lrbound.forward.fan_in import FanIn
from lrbound.meanfield.kernel import white
from lrbound.meanfield.positions import Window
from lrbound.meanfield.small_sets import Mixture
from tests.finite.finite_of import chain_of, context, profile_of
from tests.meanfield.test_normalisers import LIMITS, conv, dense
from tests.sampled import modules, white_inputs


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


GAMMA = "instance_enhancement_batch_norm: {gamma: 2.5}"


def head_inputs(net, seed, head=-1):
    """Return the batch mean of what the last linear layer reads, and the parameters under it."""
    layers = modules(net, seed)
    f = white_inputs(net, int(net.training.samples))
    for layer in layers[:head]:
        f = layer(f)
    return f, [p for layer in layers[:head] for p in layer.parameters() if p.requires_grad]


def tangent_of_mean(net, seed):
    """Return the N x N matrix of products of the gradients of the head's mean inputs."""
    f, weights = head_inputs(net, seed)
    mean = f.mean(dim=0)
    rows = [torch.cat([g.ravel() for g in torch.autograd.grad(x, weights, retain_graph=True)]) for x in mean]
    return torch.stack(rows) @ torch.stack(rows).T


@pytest.mark.parametrize("head", ["flatten", "global_avg_pool"])
@pytest.mark.parametrize("norm", ["layer_norm", "batch_group_norm: 12", GAMMA])
def test_degrees_of_freedom_under_the_head(norm, head):
    """(tr D)^2/tr D^2 of all that lies below the head, with two hidden layers; 4 seeds vary by 5 to 10 %."""
    net = conv(norm, head=head, widths=(24, 24), strides=(2, 2), batch=12)
    found = []
    for seed in range(4):
        matrix = tangent_of_mean(net, seed)
        found.append([float(torch.trace(matrix)), float((matrix**2).sum())])
    trace, square = np.mean(found, axis=0)
    profile = profile_of(net)
    flow = np.cumsum(profile.coherent)[:-1]
    predicted = 1.0 / float(((flow / flow[-1]) ** 2 / profile.batch_mean).sum())

    assert predicted == pytest.approx(trace**2 / square, rel=0.2)


def test_a_pooled_head_has_no_more_signals_than_channels():
    for norm in ("layer_norm", "batch_norm", "cross_iteration_batch_norm", "instance_norm"):
        assert profile_of(conv(norm, head="global_avg_pool")).batch_mean[-1] < 48 * 1.01


@pytest.mark.parametrize("norm", ["batch_group_norm: {groups: 12, learnable: false}", "layer_norm: {learnable: false}"])
def test_tangent_kernels_against_sampled_networks(norm):
    """tr D/N of a pooled head, 4 seeds: 3 to 6 %."""
    net = conv(norm, widths=(48, 48), strides=(2, 1), side=6, head="global_avg_pool")
    ctx = context(net)
    chain = chain_of(net, ctx)
    found = along(chain, chain[0].below, ctx)[id(chain[-1])].below
    one, two = (float(found.on_site[kind, 0, 0]) for kind in (0, 1))
    mean = np.mean([float(torch.trace(tangent_of_mean(net, seed))) / 48 for seed in range(4)])

    assert one / 8 + two * 7 / 8 == pytest.approx(mean, rel=0.1)


def test_coupling_against_sampled_networks():
    """Mean over x of |(M_x - M) v|^2 under layer norm, 12 seeds: they vary by 60 %."""
    net = conv("layer_norm", head="flatten", widths=(24, 24), strides=(2, 2), batch=8)
    profile = profile_of(net)
    found = np.mean([_coupling(net, seed) for seed in range(12)])

    assert of_coherent(profile, parts(profile)) == pytest.approx(found, rel=0.35)


def _coupling(net, seed):
    layers = modules(net, seed)
    f = white_inputs(net, int(net.training.samples))
    for layer in layers:
        f = layer(f)
    weights = [p for layer in layers for p in layer.parameters()]
    rows = [torch.cat([g.ravel() for g in torch.autograd.grad(y, weights, retain_graph=True)]) for y in f.flatten()]
    each = torch.stack(rows).reshape(*f.shape, -1)
    blocks = torch.einsum("xcp,dp->xcd", each, each.mean(dim=0)).numpy()
    v = np.linalg.eigh(blocks.mean(axis=0))[1][:, -1]
    return float((((blocks - blocks.mean(axis=0)) @ v) ** 2).sum(axis=1).mean())


def test_two_levels_push_each_other_apart():
    plain, mixed = (combine(3.0, 10.0, 3.0, 2.0, 2.0, localized_coupling_sq=coupling) for coupling in (0.0, 20.0))

    assert mixed.branch == plain.branch == "localized"
    assert mixed.value - plain.value == pytest.approx(
        np.linalg.eigvalsh([[10.0, 20.0**0.5], [20.0**0.5, 2.0]])[-1] - 10.0
    )


@pytest.mark.parametrize("x", [0.02, 0.1, 0.5])
def test_a_spike_and_noise(x: float):
    """One layer of N inputs and n samples of covariance x: the known limit, but for the bulk's skewness."""
    units, n, own = 2000.0, 500.0, 1.0 - x
    noise = own * units / n
    edge = noise * (1.0 + (n / units) ** 0.5) ** 2
    found = combine(x * units + noise, 0.0, edge, noise, noise, coherent_coupling_sq=own * x * units)

    assert found.value == pytest.approx(x * units + own * (1.0 + units / n) + own**2 / (n * x), rel=0.02)


def test_the_coherent_direction_is_pushed_by_the_whole_coupling_at_most():
    assert combine(10.0, 9.9, 3.0, 2.0, 9.8, coherent_coupling_sq=4.0).value < 10.0 + 2.0 + 0.1


def test_a_level_that_is_pushed_up_passes_the_other():
    assert combine(10.0, 9.0, 3.0, 2.0, 2.0, localized_coupling_sq=1.0).branch == "coherent"
    assert combine(10.0, 9.0, 3.0, 2.0, 2.0, localized_coupling_sq=20.0).branch == "localized"


def test_kurtosis_of_small_sets_against_drawn_sets():
    """S tr Q^2 of sets of 2 and 4 channels; without a common part M is a projection on S - 1 dimensions."""
    assert Mixture(4, 1e-9, 1.0).kurtosis(rectified=False) == pytest.approx(4.0 / 3.0, rel=1e-3)
    large = Mixture(12, 0.5, 0.5).kurtosis(rectified=True)
    assert 1.0 < large < Mixture(4, 0.5, 0.5).kurtosis(rectified=True) < Mixture(2, 0.5, 0.5).kurtosis(rectified=True)


# --- Finite fan-in ---------------------------------------------------------------------------------------------------


def test_proxies_at_finite_fan_in():
    """Mean over x and y of the kernel of centred units: 0 at infinite width, here the whole coherent part."""
    net = dense("layer_norm: {learnable: false}\n- proxy_norm", init="init: he", widths=(60, 60), inputs=30, batch=40)
    found = []
    for seed in range(12):
        f, _ = head_inputs(net, seed)
        gram = (f @ f.T).detach().numpy() / f.shape[1]
        found.append((gram.sum() - np.trace(gram)) / (len(gram) * (len(gram) - 1)))
    at_head = chain_of(net, context(net))[-1].below

    assert float(at_head.on_site[1, 0, 0]) == pytest.approx(np.mean(found), rel=0.3)


@pytest.mark.parametrize(("norm", "same"), [("batch_norm", True), ("instance_norm", True), ("layer_norm", False)])
def test_statistics_of_single_channels_take_the_fan_in_back(norm, same):
    """A unit that is scaled by its own variance has that of infinite width."""
    net = conv(norm)
    ctx = context(net)
    relu = next(step for step in chain_of(net, ctx) if step.node.layer.kind == "relu")
    plain, _ = relu.node.layer.forward(relu.below, ctx)
    moved = relu.above.on_site - plain.on_site

    assert np.abs(moved[0]).max() < 1e-12
    assert (np.abs(moved[1]).max() < 1e-12) == same


def test_offsets_of_a_filter_average_what_varies():
    """White values: k^2 offsets count, all alike in a circular image; zero padding leaves fewer at the border."""
    image = white((3, 9, 9), 1.0, 0.0)
    circular, padded = (FanIn(3, context(dense("batch_norm"))) for _ in range(2))
    circular.weights(image, Window(3, 1, 1, "circular"), 27, uniform=False)
    padded.weights(image, Window(3, 1, 1), 27, uniform=False)

    assert circular.variance == pytest.approx(1.0 / 27.0)
    assert circular.variance < padded.variance < 1.1 / 27.0


# --- Limits ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("general", "special"), LIMITS)
@given(gamma=st.floats(0.3, 3.0), batch=st.integers(8, 40), head=st.sampled_from(["flatten", "global_avg_pool"]))
@settings(max_examples=2, deadline=None)
def test_limits_hold_at_finite_size(general, special, gamma, batch, head):
    """The same layer by another name has the same lambda_max and the same interval."""
    one, other = (
        predict(conv(form.format(f"gamma: {gamma!r}"), widths=(24, 24), strides=(2, 1), batch=batch, side=6, head=head))
        for form in (general, special)
    )

    assert one.lambda_max == pytest.approx(other.lambda_max, rel=1e-9)
    assert one.lambda_max_interval == pytest.approx(other.lambda_max_interval, rel=1e-9)


@given(gamma=st.floats(0.3, 3.0), bias=st.floats(-2.0, 2.0), batch=st.integers(8, 64))
@settings(max_examples=5, deadline=None)
def test_instance_enhancement_at_finite_size(gamma, bias, batch):
    gate = 1.0 / (1.0 + math.exp(-bias))
    one = predict(
        dense(f"instance_enhancement_batch_norm: {{gamma: {gamma!r}, bias: {bias!r}, learnable: false}}", batch=batch)
    )
    other = predict(dense(f"batch_norm: {{gamma: {gamma * gate!r}, learnable: false}}", batch=batch))

    assert one.lambda_max == pytest.approx(other.lambda_max, rel=1e-9)
