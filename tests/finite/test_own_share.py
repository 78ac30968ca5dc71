"""What batch statistics hand to the other samples, and how samples differ within a batch, against real networks."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lrbound.backward.self_gradient import Seen, SelfGradient
from lrbound.curvature.localized import localized
from lrbound.empirical.build import to_torch
from lrbound.predictor import predict
from tests.finite.finite_of import profile_of
from tests.nets import network


def dense(width: int, depth: int, samples: int, outputs: int = 1):
    block = f"- linear: {width}\n- batch_norm\n- relu\n"
    return network(
        block * depth + f"- linear: {outputs}\n",
        head=f"input: {{shape: [128]}}\ninit: he\ntraining: {{batch_size: {samples}, loss: half_squared_error}}",
    )


def post(width: int, blocks: int, samples: int):
    block = f"- residual: [{{linear: {width}}}, batch_norm, relu, {{linear: {width}}}, batch_norm]\n- relu\n"
    return network(
        f"- linear: {width}\n- batch_norm\n- relu\n" + block * blocks + "- linear: 1\n",
        head=f"input: {{shape: [128]}}\ninit: he\ntraining: {{batch_size: {samples}, loss: half_squared_error}}",
    )


def own_shares(net, seed: int) -> np.ndarray:
    """Return the share of the squared gradient of a sample's output by layers' outputs that is at the sample."""
    module = to_torch(net, seed=seed).double().train()
    found: list[torch.Tensor] = []
    for layer in module.modules():
        if isinstance(layer, torch.nn.Linear):
            layer.register_forward_hook(lambda _module, _inputs, output: found.append(output))
    torch.manual_seed(seed)
    y = module(torch.randn(net.training.batch_size, *net.input.shape, dtype=torch.float64))[:, 0]
    own, whole = np.zeros(len(found)), np.zeros(len(found))
    for sample, value in enumerate(y):
        for at, gradient in enumerate(torch.autograd.grad(value, found, retain_graph=True)):
            own[at] += float((gradient[sample] ** 2).sum())
            whole[at] += float((gradient**2).sum())
    return own / whole


@pytest.mark.parametrize("samples", [12, 40])
def test_shares_are_those_of_networks(samples: int) -> None:
    net = dense(120, 6, samples)

    measured = np.mean([own_shares(net, seed) for seed in range(4)], axis=0)

    assert profile_of(net).own == pytest.approx(measured, rel=0.03)


def test_shares_on_residual_streams() -> None:
    net = post(120, 3, 16)

    measured = np.mean([own_shares(net, seed) for seed in range(4)], axis=0)

    assert profile_of(net).own == pytest.approx(measured, rel=0.06)


def test_statistics_take_two_of_n_dimensions() -> None:
    for samples in (4.0, 10.0, 1000.0):
        below = SelfGradient().through_statistics(Seen(1.0, 1.0), samples)
        assert below.own + below.fresh + below.old == pytest.approx(1.0 - 2.0 / samples)


def test_of_many_samples_a_gradient_stays_where_it_is() -> None:
    assert SelfGradient().through_statistics(Seen(1.0, 1.0), 1e12).share == pytest.approx(1.0)
    assert profile_of(network("- linear: 50\n- relu\n- linear: 1\n", head="input: {shape: [20]}")).own == pytest.approx(
        1.0
    )


def test_what_linear_layers_pass_on_alike_is_taken_away() -> None:
    """Without masks the gradient that the others have got has no part but their mean."""
    once = SelfGradient().through_statistics(Seen(1.0, 1.0), 10.0).masked(1.0)

    assert once.through_statistics(Seen(1.0, 1.0), 10.0).old == 0.0


# variances of the logarithm of |df(x)/dtheta|^2 over the samples of a batch: means over 40 and 30 initialisations, good to 4 %
@pytest.mark.parametrize(
    ("net", "measured"),
    [(dense(250, 8, 64), 0.1012), (dense(250, 8, 16), 0.0857), (post(250, 4, 16), 0.0472), (post(250, 4, 64), 0.0583)],
)
def test_samples_differ_within_a_batch(net, measured: float) -> None:
    assert localized(profile_of(net)).log_variance == pytest.approx(measured, rel=0.3)


# lambda_max: means over 40 initialisations, good to 2 %; without the Wishart steps of single outputs they were 22 % low
@pytest.mark.parametrize(("net", "measured"), [(dense(250, 8, 64), 172.7), (dense(250, 8, 16), 870.5)])
def test_single_outputs(net, measured: float) -> None:
    assert predict(net).lambda_max == pytest.approx(measured, rel=0.07)


def test_one_output_is_the_limit_of_few() -> None:
    """Nothing jumps between one output and two: lambda_max of batch-normalised nets grows with their number."""
    one, two, three = (predict(dense(200, 6, 16, outputs)).lambda_max for outputs in (1, 2, 3))

    assert 1.0 < two / one < 1.6
    assert 1.0 < three / two < two / one
