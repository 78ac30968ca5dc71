"""Each layer's Fisher values against real networks: autograd on torch modules, averaged over initialisations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lrbound.backward.sweep import backward
from lrbound.forward.sweep import forward
from lrbound.layers.base import Context
from tests.nets import network
from tests.sampled import sampled

if TYPE_CHECKING:
    from lrbound.network import Network

INIT = "init: {weight_variance: 2.0, bias_variance: 0.3}"
BN_CONV = """
- conv2d: {{channels: 64, kernel: 3, stride: 2, padding: 1, padding_mode: {mode}}}
- batch_norm
- relu
- conv2d: {{channels: 96, kernel: 3, stride: {stride}, padding: 1, padding_mode: {mode}}}
- batch_norm: {{gamma: 1.5}}
- relu
- {head}
- linear: 4
"""


def values(net: Network) -> tuple[list[float], list[float]]:
    """Predicted coherent value and trace of every layer."""
    ctx = Context(net.training.samples, True, net.init, warn=lambda _: None)
    terms = list(backward(forward(net, ctx), ctx.samples))[::-1]
    shares = [(0.0, 0.0) if t.share is None else (float(t.share[0]), float(t.share[1])) for t in terms]
    coherent, trace = zip(*shares, strict=True)
    return list(coherent), list(trace)


def compare(net: Network, seeds: int, coherent_rtol: float, trace_rtol: float, earlier: int = 0) -> None:
    """Hold the sums, and every layer with at least a tenth of them, against the sampled networks."""
    truth = sampled(net, seeds, earlier=earlier)
    for predicted, real, rtol in zip(
        values(net), (truth.coherent, truth.trace), (coherent_rtol, trace_rtol), strict=True
    ):
        assert sum(predicted) == pytest.approx(real.sum(), rel=rtol)
        for mine, theirs in zip(predicted, real, strict=True):
            assert mine == pytest.approx(theirs, rel=1.5 * rtol, abs=0.1 * rtol * real.sum())


@pytest.mark.parametrize("mode", ["zeros", "circular"])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("head", ["flatten", "global_avg_pool"])
def test_convolutions_keep_their_positions(mode: str, stride: int, head: str) -> None:
    """Zero and circular padding, stride 1 and 2, flatten and pooled heads; 64 to 96 channels, 5 seeds: 3 to 6 %."""
    net = network(
        BN_CONV.format(mode=mode, stride=stride, head=head),
        head=f"input: {{shape: [3, 16, 16]}}\n{INIT}\ntraining: {{batch_size: 16}}",
    )
    compare(net, seeds=5, coherent_rtol=0.06, trace_rtol=0.06)


def test_no_normaliser_overlapping_pool_and_dropout() -> None:
    """Correlated inputs, an overlapping padded pool and dropout masks; single nets vary by 20 %, 10 seeds: 6 %."""
    net = network(
        """
        - conv2d: {channels: 96, kernel: 3, stride: 2, padding: 1}
        - relu
        - conv2d: {channels: 128, kernel: 3, padding: 1}
        - relu
        - avg_pool2d: {kernel: 3, stride: 2, padding: 1}
        - conv2d: {channels: 128, kernel: 3, padding: 1}
        - leaky_relu: 0.2
        - dropout: 0.3
        - flatten
        - linear: 4
        """,
        head=f"input: {{shape: [3, 12, 12], correlation: 0.3}}\n{INIT}\ntraining: {{batch_size: 12}}",
    )
    compare(net, seeds=12, coherent_rtol=0.12, trace_rtol=0.08)


@pytest.mark.parametrize("activation", ["gelu", "selu", "tanh", "softplus"])
def test_shifted_normalisers_before_any_activation(activation: str) -> None:
    """A beta that is not 0 shifts the activation's input; 400 units, batch 40, 5 seeds: 6 %."""
    net = network(
        f"""
        - linear: 400
        - batch_norm: {{beta: 0.7}}
        - {activation}
        - linear: 400
        - batch_norm: {{beta: -0.4, gamma: 1.3}}
        - {activation}
        - linear: 4
        """,
        head=f"input: {{shape: [100]}}\n{INIT}\ntraining: {{batch_size: 40}}",
    )
    compare(net, seeds=5, coherent_rtol=0.06, trace_rtol=0.06)


def test_grouped_convolution() -> None:
    """Groups of 32 channels only change the fan-in."""
    net = network(
        """
        - conv2d: {channels: 128, kernel: 3, padding: 1}
        - relu
        - conv2d: {channels: 128, kernel: 3, padding: 1, stride: 2, groups: 4}
        - relu
        - flatten
        - linear: 4
        """,
        head=f"input: {{shape: [3, 8, 8]}}\n{INIT}\ntraining: {{batch_size: 12}}",
    )
    compare(net, seeds=10, coherent_rtol=0.12, trace_rtol=0.08)
