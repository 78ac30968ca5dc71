# ruff: noqa: INP001 - a script
"""Liang et al. 2020 (arXiv 1908.04008): instance enhancement batch norm under noise in the batch statistics.

    python examples/studies/liang2020_iebn.py

The claim: under noise put into the batch statistics, training with instance enhancement batch norm (IEBN) suffers less
than with batch norm (BN).

What is measured: a network of three convolutions, trained on digits while the mean that is subtracted is off by
s * std * N(0, 1) and the standard deviation that is divided by is off by the factor exp(s * N(0, 1)), drawn anew for
each channel in each step. The test is without noise, with the running statistics, which are those of the batches.

A control: the gate of IEBN starts at sigmoid(-1) = 0.27, so its scale at the beginning is that of BN with gamma 0.27,
whose largest rate is some 12 times that of gamma 1. A part of what IEBN gains is this smaller scale, and the control
shows how much: the rest is the gate's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from study import JOBS, band, conv, each, figure, grouped, image_net, number, predicted, show, spread, table, trained
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from lrbound.normalizers.shapes import per_channel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.figure import Figure

    from lrbound.network import Network

GATE = 1.0 / (1.0 + math.e)
NORMS = {
    "BN": "batch_norm",
    "BN, gamma 0.27": f"{{batch_norm: {{gamma: {GATE:.4f}}}}}",
    "IEBN": "instance_enhancement_batch_norm",
}
NOISES = (0.0, 0.25, 0.5, 0.75, 1.0)
BATCH, RATE = 32, 0.05


@dataclass(frozen=True)
class Row:
    """Test accuracies with one normaliser: for every noise those of the seeds."""

    name: str
    prediction: float | None
    accuracies: tuple[tuple[float, ...], ...]


class NoisyStatistics(TorchFunctionMode):
    """Within this context every batch norm in training uses statistics with noise.

    With zhat = (x - mean)/std, the values are (zhat - s e)/exp(s e'), e and e' ~ N(0, 1) for each channel.

    Parameters
    ----------
    strength : float
        s.
    seed : int
    """

    def __init__(self, strength: float, seed: int) -> None:
        super().__init__()
        self.strength = strength
        self.generator = torch.Generator().manual_seed(seed)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run ``func``; the result of a batch norm is disturbed before gamma and beta are applied."""
        del types
        if func is functional.batch_norm:
            return self._batch_norm(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {}))

    def _batch_norm(
        self,
        x: torch.Tensor,
        running_mean: torch.Tensor | None,
        running_var: torch.Tensor | None,
        weight: torch.Tensor | None = None,
        bias: torch.Tensor | None = None,
        training: bool = False,  # noqa: FBT001, FBT002 - the signature is torch's
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> torch.Tensor:
        zhat: torch.Tensor = functional.batch_norm(x, running_mean, running_var, None, None, training, momentum, eps)
        if training:
            shift, stretch = self.strength * torch.randn(2, x.shape[1], generator=self.generator)
            zhat = (zhat - per_channel(shift, x)) * per_channel(torch.exp(-stretch), x)
        if weight is None or bias is None:
            return zhat
        return zhat * per_channel(weight, x) + per_channel(bias, x)


def conv_net(name: str) -> Network:
    """Return the network with one of the normalisers."""
    block = f"{NORMS[name]}, relu"
    layers = f"{conv(16, stride=2)}, {block}, {conv(32, stride=2)}, {block}, {conv(32)}, {block}"
    return image_net("liang2020", layers, batch=BATCH)


def train(item: tuple[str, float, int, int]) -> float:
    """Return the test accuracy of one network."""
    name, strength, steps, seed = item
    with NoisyStatistics(strength, seed):
        return trained(conv_net(name), rate=RATE, seed=seed, steps=steps)


def run(
    *, noises: Sequence[float] = NOISES, steps: int = 160, seeds: int = 5, jobs: int = 1
) -> tuple[Sequence[float], list[Row]]:
    """Train with every normaliser under every noise; return the noises and what came of them."""
    items = [(name, noise, steps, seed) for name in NORMS for noise in noises for seed in range(seeds)]
    scores = grouped(grouped(each(train, items, jobs), seeds), len(noises))
    return noises, [
        Row(name, predicted(conv_net(name)), accuracies) for name, accuracies in zip(NORMS, scores, strict=True)
    ]


def report(noises: Sequence[float], rows: Sequence[Row]) -> str:
    """Return the table."""
    return table(
        ("normaliser", "predicted max rate", *(f"accuracy, noise {noise:g}" for noise in noises)),
        [(row.name, number(row.prediction), *map(spread, row.accuracies)) for row in rows],
    )


def picture(noises: Sequence[float], rows: Sequence[Row]) -> Figure:
    """Draw the accuracies against the noise."""
    drawn, (axis,) = figure(1, "IEBN (Liang et al. 2020): noise in the batch statistics")
    for row in rows:
        band(axis, noises, row.accuracies, row.name)
    axis.set(xlabel="noise s (in standard deviations)", ylabel="test accuracy", ylim=(0.0, 1.02))
    axis.legend(frameon=False, fontsize=9, loc="lower left")
    return drawn


if __name__ == "__main__":
    noises, rows = run(jobs=JOBS)
    show(report(noises, rows), picture(noises, rows), __file__)
