"""What gates of channels add to the spread between samples, against drawn gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
import torch

from lrbound.backward import gates
from lrbound.layers.squeeze_excite import SqueezeExcite
from lrbound.meanfield.gradient import at_output
from tests.finite.finite_of import chain_of, context, profile_of
from tests.nets import network

if TYPE_CHECKING:
    from lrbound.backward.norm_transfer import NormTransfer
    from lrbound.network import Network

SAMPLES, CHANNELS, SIDE = 16, 48, 4
WIDEN = 0.2


def gated(activation: str, inside: int, channels: int = CHANNELS, *, below: str = "") -> Network:
    """Return a gate above an activation of white values, and a head that no two positions share."""
    return network(
        f"- {below or activation}\n- squeeze_excite: {{reduction: {channels // inside}, activation: {activation}}}\n"
        "- flatten\n- {linear: {features: 1, bias: false}}",
        head=f"input: {{shape: [{channels}, {SIDE}, {SIDE}]}}\ninit: he\ntraining: {{batch_size: {SAMPLES}}}",
    )


def predicted(net: Network) -> NormTransfer:
    ctx = context(net)
    lower, gradient = chain_of(net, ctx), at_output(ctx.samples)
    while not isinstance(lower[-1].node.layer, SqueezeExcite):
        gradient, _ = lower.pop().pull(gradient)
    step = lower.pop()
    assert isinstance(step.node.layer, SqueezeExcite)
    return gates.gate(step.node.layer, step.below, reversed(lower), gradient, ctx)


class Drawn(NamedTuple):
    """Moments of T and G over drawn gates, and their logarithmic slopes with those of the norm of u."""

    spread: tuple[float, float, float]
    norm_slope: float
    gain_slope: float


CURVES = {"relu": torch.relu, "silu": torch.nn.functional.silu, "identity": torch.clone}


def drawn(activation: str, inside: int, draws: int, *, below: str = "") -> Drawn:
    phi, lower = CURVES[activation], CURVES[below or activation]
    torch.manual_seed(0)
    levels, spreads, slopes, gains = [], [], [], []
    for _ in range(draws):
        z = torch.randn(SAMPLES, CHANNELS, SIDE, SIDE)
        first = torch.randn(CHANNELS, inside) * (2.0 / CHANNELS) ** 0.5
        second = torch.randn(inside, CHANNELS) * (2.0 / inside) ** 0.5

        def gate(u: torch.Tensor, first: torch.Tensor = first, second: torch.Tensor = second) -> torch.Tensor:
            return torch.sigmoid(phi(u.mean((2, 3)) @ first) @ second)

        u = lower(z)
        g, gb = gate(u), gate(u).mean(0)
        s, x = (u**2).mean(), (u.sum(0) ** 2 - (u**2).sum(0)).mean() / (SAMPLES * (SAMPLES - 1))
        crossed = (g * (SAMPLES * gb - g)).mean(1) / (SAMPLES - 1)
        t, gain = s * (g**2).mean(1) - 2.0 * x * crossed, (g**2).mean(1)
        levels.append([float((s * gain - x * crossed).mean()), float(gain.mean())])
        spreads.append(torch.cov(torch.stack([t, gain])).flatten()[[0, 3, 1]].tolist())

        others = (u[1:] * g[1:, :, None, None]).mean(0), u[1:].mean(0)
        back = torch.randn(1, CHANNELS, SIDE, SIDE)
        found = []
        for factor in (1.0 - WIDEN, 1.0, 1.0 + WIDEN):
            v = lower(z[:1] * factor**0.5).requires_grad_()
            out = v * gate(v)[:, :, None, None]
            below = torch.autograd.grad((out * back).sum(), v)[0]
            own = out[0].detach(), v[0].detach()
            norms = [float((w**2).mean() - 2.0 * (w * m).mean()) for w, m in zip(own, others, strict=True)]
            found.append([*norms, float((below**2).sum()), float(s - x)])
        slopes.append([(found[2][k] - found[0][k]) / (2.0 * WIDEN) for k in range(3)])
        gains.append([found[1][2], found[1][3]])
    (t, g), (by_t, by_u, by_gain), (gain, apart) = (np.mean(each, axis=0) for each in (levels, slopes, gains))
    spread = np.mean(spreads, axis=0) / (t**2, g**2, t * g)
    norm = by_u / apart
    return Drawn((spread[0], spread[1], spread[2]), by_t / t / norm, by_gain / gain / norm)


@pytest.mark.parametrize(
    ("activation", "inside", "below"), [("relu", 12, "relu"), ("silu", 24, "silu"), ("relu", 24, "identity")]
)
def test_against_drawn_gates(activation: str, inside: int, below: str) -> None:
    found = predicted(gated(activation, inside, below=below))
    expected = drawn(activation, inside, 500, below=below)

    assert found[:3] == pytest.approx(expected.spread, rel=0.1)
    # drawn slopes are good to 0.01 and 0.003
    assert found.norm_slope == pytest.approx(expected.norm_slope, abs=0.03)
    assert found.gain_slope == pytest.approx(expected.gain_slope, abs=0.008)


def test_few_squeezed_units_saturate_their_gates() -> None:
    found, expected = predicted(gated("relu", 3)), drawn("relu", 3, 500)

    assert np.array(found[:3]) / expected.spread == pytest.approx([1.25] * 3, abs=0.2)


def test_wide_gates_add_slopes_alone() -> None:
    found = predicted(gated("relu", 10**6, channels=10**6))

    assert max(found[:3]) < 1e-6
    assert found.norm_slope > 1.03
    assert found.gain_slope > 0.03


def test_samples_differ_more_with_gates() -> None:
    block = "- {conv2d: {channels: 32, kernel: 3, padding: 1, bias: false}}\n- batch_norm\n- relu\n"
    head = "input: {shape: [3, 4, 4]}\ninit: he\ntraining: {batch_size: 16}"
    plain = profile_of(network(3 * block + "- global_avg_pool\n- linear: 3", head=head))
    with_gates = profile_of(
        network(3 * (block + "- squeeze_excite: 8\n") + "- global_avg_pool\n- linear: 3", head=head)
    )

    gates_at = [at for at, slope in enumerate(with_gates.norm_slope) if at % 3 == 2]
    others = [at for at in range(len(with_gates.gain)) if at not in gates_at]

    assert (with_gates.norm[1:][gates_at] > 0.0).all()
    assert (with_gates.gain[gates_at] > 0.0).all()
    assert (with_gates.norm_slope[gates_at] > 1.0).all()
    assert (with_gates.gain_slope[gates_at] > 0.0).all()
    assert with_gates.norm_slope[others] == pytest.approx(plain.norm_slope, rel=0.02)
