"""The torch modules against a plain reading of the formulas in their papers."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from lrbound import parse
from lrbound.empirical.build import to_torch
from lrbound.empirical.frozen import FrozenStatistics
from lrbound.layers._modules import sequence
from lrbound.layers.base import run
from lrbound.normalizers import (
    BatchGroupNorm,
    CrossIterationBatchNorm,
    InstanceEnhancementBatchNorm,
    PositionalNorm,
    ProxyNorm,
    RMSNorm,
)

SHAPES = [(7, 6), (5, 6, 3, 4)]


def values(shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 1.5 * torch.randn(shape, generator=generator, dtype=torch.float64) + 0.7


def affine(module):
    """Give weight and bias values that differ by channel."""
    module = module.double()
    with torch.no_grad():
        for index, parameter in enumerate(module.parameters()):
            parameter.copy_(torch.linspace(0.5 + index, 1.5 + 0.3 * index, len(parameter)))
    return module


def sides(x):
    """View (batch, features) as images of one position."""
    return x.detach().numpy().reshape(*x.shape[:2], -1)


@pytest.mark.parametrize("shape", SHAPES)
def test_rms_norm(shape):
    x, module = values(shape), affine(RMSNorm(6, eps=1e-3))
    a, gamma = sides(x), module.weight.detach().numpy()
    expected = np.stack([gamma[:, None] * s / math.sqrt((s**2).sum() / s.size + 1e-3) for s in a])

    assert sides(module(x)) == pytest.approx(expected, rel=1e-12)


def test_rms_norm_on_flat_features_is_torchs():
    x = values((7, 6))

    assert torch.allclose(RMSNorm(6, eps=1e-6).double()(x), nn.functional.rms_norm(x, (6,), eps=1e-6))


@pytest.mark.parametrize("shape", SHAPES)
def test_positional_norm(shape):
    x = values(shape)
    a = sides(x)
    expected = np.empty_like(a)
    for sample in range(a.shape[0]):
        for place in range(a.shape[2]):
            z = a[sample, :, place]
            expected[sample, :, place] = 1.3 * (z - z.mean()) / math.sqrt(((z - z.mean()) ** 2).mean() + 1e-3)

    assert sides(PositionalNorm(1.3, eps=1e-3)(x)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("groups", [1, 3, 6])
@pytest.mark.parametrize("shape", SHAPES)
def test_batch_group_norm(shape, groups):
    x, module = values(shape), affine(BatchGroupNorm(groups, 6, eps=1e-3))
    a, gamma, beta = sides(x), module.weight.detach().numpy(), module.bias.detach().numpy()
    expected = np.empty_like(a)
    width = 6 // groups
    for group in range(groups):
        own = slice(group * width, (group + 1) * width)
        z = a[:, own]
        expected[:, own] = (z - z.mean()) / math.sqrt(z.var() + 1e-3)
    expected = expected * gamma[:, None] + beta[:, None]

    assert sides(module(x)) == pytest.approx(expected, rel=1e-10)
    # in evaluation, after one step of momentum 0.1: running statistics of each group
    a_groups = a.reshape(a.shape[0], groups, -1)
    mean, var = 0.1 * a_groups.mean((0, 2)), 0.9 + 0.1 * a_groups.var((0, 2)) * (n := a_groups[:, 0].size) / (n - 1)
    still = (a_groups - mean[:, None]) / np.sqrt(var[:, None] + 1e-3)
    assert sides(module.eval()(x)) == pytest.approx(still.reshape(a.shape) * gamma[:, None] + beta[:, None], rel=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_batch_group_norm_of_one_channel_a_group_is_batch_norm(shape):
    x = values(shape)
    norm = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(6).double()
    module = BatchGroupNorm(6, 6).double()

    assert torch.allclose(module(x), norm(x), rtol=1e-10)
    assert torch.allclose(module.eval()(x), norm.eval()(x), rtol=1e-10)


@pytest.mark.parametrize("shape", SHAPES)
def test_instance_enhancement_batch_norm(shape):
    x, module = values(shape), affine(InstanceEnhancementBatchNorm(6, eps=1e-3))
    a = sides(x)
    gamma, beta, w, b = (p.detach().numpy()[:, None] for p in module.parameters())
    mean, var = a.mean((0, 2), keepdims=True)[0], a.var((0, 2), keepdims=True)[0]
    gate = 1.0 / (1.0 + np.exp(-(w * a.mean(2, keepdims=True) + b)))

    assert sides(module(x)) == pytest.approx((a - mean) / np.sqrt(var + 1e-3) * gamma * gate + beta, rel=1e-10)


def test_instance_enhancement_starts_with_the_papers_gate():
    module = InstanceEnhancementBatchNorm(3)

    assert module.gate_weight.tolist() == [0.0] * 3
    assert module.gate_bias.tolist() == [-1.0] * 3


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("activation", [nn.ReLU(), nn.Tanh(), nn.GELU()])
def test_proxy_norm(activation, extended):
    x = values((5, 6, 3, 4))
    module = affine(ProxyNorm(6, activation, eps=0.03, proxy_parameters=extended))
    gamma, beta, *proxy = (p.detach() for p in module.parameters())
    draws = torch.randn(400_000, 1, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if extended:
        draws = draws * (1.0 + proxy[0]) + proxy[1]
    phi = activation(gamma * draws + beta)
    mean, var = phi.mean(0)[:, None, None], phi.var(0)[:, None, None]
    expected = (activation(gamma[:, None, None] * x + beta[:, None, None]) - mean) / torch.sqrt(var + 0.03)

    assert torch.allclose(module(x), expected, rtol=0.02, atol=0.02)


def test_proxy_norm_of_a_gaussian_is_normalised():
    """Its outputs then have mean 0 and variance V/(V + eps)."""
    x = torch.randn(200_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    out = ProxyNorm(2, eps=0.03).double()(x)
    variance = (math.pi - 1.0) / (2.0 * math.pi)

    assert out.mean(0).abs().max() < 0.01
    assert out.var(0).tolist() == pytest.approx([variance / (variance + 0.03)] * 2, rel=0.01)


# --- Cross-iteration batch norm --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_a_window_of_one_is_batch_norm(shape):
    norm = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(6).double()
    module = CrossIterationBatchNorm(6, window=1).double()
    for seed in range(3):
        x = values(shape, seed).requires_grad_()
        y = values(shape, seed).requires_grad_()
        one, other = module(x), norm(y)
        assert torch.allclose(one, other, rtol=1e-9)
        one.pow(3).sum().backward()
        other.pow(3).sum().backward()
        assert torch.allclose(x.grad, y.grad, rtol=1e-8, atol=1e-9)
    assert torch.allclose(module.eval()(x), norm.eval()(x), rtol=1e-5)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_cross_iteration_batch_norm_over_its_window(kind):
    """Four steps with changing weights; the past moments are carried over by finite differences of the layer."""
    torch.manual_seed(0)
    under = nn.Linear(5, 4).double() if kind == "linear" else nn.Conv2d(5, 4, 2).double()
    inputs = [torch.randn((9, 5) if kind == "linear" else (9, 5, 3, 3), dtype=torch.float64) for _ in range(4)]
    module = CrossIterationBatchNorm(4, window=3, eps=1e-3).double()
    module.follow(under)
    states = []
    for step, x in enumerate(inputs):
        states.append([p.detach().clone() for p in under.parameters()])
        out = module(under(x))
        means, squares = zip(
            *(
                moments_at(under, inputs[past], states[past], states[step])
                for past in range(max(0, step - 2), step + 1)
            ),
            strict=True,
        )
        mean = torch.stack(means).mean(0)
        var = torch.stack([torch.maximum(nu, mu**2) for mu, nu in zip(means, squares, strict=True)]).mean(0) - mean**2
        z = under(x).detach()
        broad = (slice(None), *(None,) * (z.dim() - 2))
        assert torch.allclose(out, (z - mean[broad]) / torch.sqrt(var[broad] + 1e-3), rtol=1e-5, atol=1e-7)
        with torch.no_grad():
            for parameter in under.parameters():
                parameter.add_(0.05 * torch.randn_like(parameter))
    assert len(list(module.parameters())) == 2


def moments_at(under, x, then, now):
    """Moments of a past batch at the parameters of now, to first order in their change; the layer is left as it is."""
    kept = [p.detach().clone() for p in under.parameters()]

    def moments(t):
        with torch.no_grad():
            for parameter, a, b in zip(under.parameters(), then, now, strict=True):
                parameter.copy_(a + t * (b - a))
            z = under(x).transpose(0, 1).flatten(1)
        return z.mean(1), z.pow(2).mean(1)

    h = 1e-4
    low, middle, high = moments(-h), moments(0.0), moments(h)
    with torch.no_grad():
        for parameter, value in zip(under.parameters(), kept, strict=True):
            parameter.copy_(value)
    return tuple(m + (up - down) / (2 * h) for m, up, down in zip(middle, high, low, strict=True))


def test_gradients_run_through_the_current_iteration_alone():
    """With the past fixed, the gradient is that of finite differences of the current values."""
    module = CrossIterationBatchNorm(3, window=3).double()
    past = [values((6, 3), seed) for seed in (1, 2)]

    def out(x):
        module._past.clear()
        for batch in past:
            module(batch)
        return module(x).pow(3).sum()

    x = values((6, 3)).requires_grad_()
    (gradient,) = torch.autograd.grad(out(x), x)
    step = torch.zeros_like(x)
    step[2, 1] = 1e-5
    expected = (out(x.detach() + step) - out(x.detach() - step)).item() / 2e-5

    assert gradient[2, 1].item() == pytest.approx(expected, rel=1e-5)


def test_burn_in_is_batch_norm():
    norm, module = nn.BatchNorm1d(3).double(), CrossIterationBatchNorm(3, window=4, burn_in=3).double()
    same = [torch.allclose(module(x), norm(x)) for x in (values((6, 3), seed) for seed in range(5))]

    assert same == [True, True, True, False, False]
    resumed = CrossIterationBatchNorm(3, window=4, burn_in=3).double()
    resumed.load_state_dict(module.state_dict())
    assert resumed.iterations == 5


def test_a_network_links_its_layers():
    net = parse(
        "version: 1\ninput: {shape: [8]}\nlayers:\n  - linear: 5\n  - cross_iteration_batch_norm: 3\n  - linear: 2\n"
    )
    module = to_torch(net)

    assert [id(p) for p in module[1]._under] == [id(p) for p in module[0].parameters()]
    x = torch.randn(16, 8)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.01)
    for _ in range(4):
        optimizer.zero_grad()
        module(x).square().mean().backward()
        optimizer.step()
    assert len(module[1]._past) == 2
    assert len(module[1]._past[0].parameters) == 2


# --- In the package --------------------------------------------------------------------------------------------------

MODULES = {
    "layer_norm": (nn.LayerNorm, nn.GroupNorm),
    "rms_norm": (RMSNorm, RMSNorm),
    "group_norm: 2": (nn.GroupNorm, nn.GroupNorm),
    "instance_norm": (None, nn.InstanceNorm2d),
    "positional_norm": (PositionalNorm, PositionalNorm),
    "batch_group_norm: 2": (BatchGroupNorm, BatchGroupNorm),
    "cross_iteration_batch_norm": (CrossIterationBatchNorm, CrossIterationBatchNorm),
    "instance_enhancement_batch_norm": (InstanceEnhancementBatchNorm, InstanceEnhancementBatchNorm),
    "proxy_norm: tanh": (ProxyNorm, ProxyNorm),
}


@pytest.mark.parametrize("image", [False, True])
@pytest.mark.parametrize("norm", list(MODULES))
def test_a_spec_builds_the_module_with_its_parameters(norm, image):
    kind = MODULES[norm][image]
    if kind is None:
        return
    shape, first = ((3, 4, 4), "conv2d: {channels: 6, kernel: 3}") if image else ((8,), "linear: 6")
    net = parse(
        f"version: 1\ninput: {{shape: {list(shape)}}}\nlayers:\n  - {first}\n  - {norm}\n  - flatten\n  - linear: 2\n"
    )
    built = sequence(net.unrolled(), net.init)
    node, inner = list(run(net.nodes, shape))[1]

    assert isinstance(built[1], kind)
    assert sum(p.numel() for p in built[1].parameters()) == node.layer.parameters(inner)
    assert built(torch.randn(4, *shape)).shape == (4, 2)


@pytest.mark.parametrize("norm", ["layer_norm", "rms_norm", "batch_group_norm: 2", "instance_enhancement_batch_norm"])
def test_initial_values_and_what_is_trained(norm):
    name, _, main = norm.partition(": ")
    groups = f"groups: {main}, " if main else ""
    form = f"{name}: {{{groups}gamma: 1.7, learnable: false}}"
    net = parse(f"version: 1\ninput: {{shape: [8]}}\nlayers:\n  - linear: 6\n  - {form}\n  - linear: 2\n")
    module = to_torch(net)[1]

    assert module.weight.tolist() == pytest.approx([1.7] * 6)
    assert not any(p.requires_grad for p in module.parameters())


@pytest.mark.parametrize("module", [BatchGroupNorm(3, 6), CrossIterationBatchNorm(6), InstanceEnhancementBatchNorm(6)])
def test_statistics_over_the_batch_freeze(module):
    """In the frozen variant a sample's output depends on that sample alone, with the values of training."""
    module = module.double()
    x = values((7, 6)).requires_grad_()
    expected = module(x)
    if isinstance(module, CrossIterationBatchNorm):
        module._past.clear()
    with FrozenStatistics():
        got = module(x)

    assert torch.allclose(got, expected)
    (gradient,) = torch.autograd.grad(got[0].sum(), x)
    assert gradient[0].abs().min() > 0
    assert not gradient[1:].any()
