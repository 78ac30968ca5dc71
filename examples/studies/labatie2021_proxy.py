# ruff: noqa: INP001 - a script
"""Labatie et al. 2021 (arXiv 2106.03743): what layer and instance norm do to features, and proxy normalisation.

    python examples/studies/labatie2021_proxy.py

The claim: layer norm (LN) drives features towards channel-wise constants with depth, instance norm (IN) removes the
variability of instance statistics; with proxy normalisation (LN + PN) neither happens, and it tracks batch norm (BN).

What is measured: the paper's decomposition of the power of normalised features y in random networks, 3x3 convolutions
with periodic boundaries, ReLU, and gamma ~ N(1, 0.2^2), beta ~ N(0, 0.2^2) as in the paper. With the mean m and the
standard deviation s of y over the positions of an instance, and E over the instances, averaged over channels,

    power = (E m)^2 + Var m + (E s)^2 + Var s.

The first term is that of channel-wise constants, the second and fourth are the variability of instance statistics.
Then pre-activation residual networks of five blocks with 16 channels are trained at three rates, for three epochs.

What does not show: in training IN does as well as BN. Nothing in these images depends on the contrast or the mean of a
feature map, which is what instance norm removes. And LN + PN follows BN up to the rate that is predicted for BN, not
beyond it, where LN fails first. (Without skips, at a depth of 12, it follows BN only at a fifth of that rate.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from study import (
    COLOURS,
    JOBS,
    Digits,
    band,
    conv,
    each,
    figure,
    grouped,
    image_net,
    number,
    predicted,
    repeated,
    show,
    spread,
    table,
    trained,
)
from torch import nn

import lrbound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lrbound.network import Network

BLOCKS = {
    "BN": "batch_norm, relu",
    "LN": "layer_norm, relu",
    "IN": "instance_norm, relu",
    "LN + PN": "{layer_norm: {learnable: false}}, proxy_norm",
}
NORMS = (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.InstanceNorm2d)
AFFINE_SPREAD = 0.2
BATCH, RATES = 32, (0.02, 0.05, 0.15)
DEPTH, TRAINED = 20, 5
SAMPLES = 128
"""Over which the powers are measured."""


@dataclass(frozen=True)
class Powers:
    """Shares of the power of y: of channel-wise constants, and of the variability of instance statistics."""

    constant: float
    instance: float


@dataclass(frozen=True)
class Row:
    """What is seen with one normaliser: powers by seed and depth, and test accuracies by rate and seed."""

    name: str
    powers: tuple[tuple[Powers, ...], ...]
    prediction: float | None
    accuracies: tuple[tuple[float, ...], ...]


def plain_net(name: str, depth: int, channels: int) -> Network:
    """Return a network of ``depth`` convolutions, each with a normaliser and an activation."""
    body = repeated(depth, f"{conv(channels, mode='circular')}, {BLOCKS[name]}")
    return image_net("labatie2021", body, batch=SAMPLES)


def residual_net(name: str, blocks: int) -> Network:
    """Return a residual network that normalises and activates before each convolution."""
    weights, act = conv(16), BLOCKS[name]
    body = repeated(blocks, f"{{residual: {{layers: [{act}, {weights}, {act}, {weights}]}}}}")
    return image_net("labatie2021-residual", f"{weights}, {body}, {act}", batch=BATCH)


def decompose(y: torch.Tensor) -> Powers:
    """Return the shares for y (instances, channels, height, width)."""
    std, mean = torch.std_mean(y, dim=(2, 3), correction=0)
    power = y.square().mean()
    constant = mean.mean(0).square().mean() / power
    instance = (mean.var(0, correction=0).mean() + std.var(0, correction=0).mean()) / power
    return Powers(constant.item(), instance.item())


@torch.no_grad()
def powers(item: tuple[str, int, int, int]) -> tuple[Powers, ...]:
    """Return the shares at every depth of one random network."""
    name, depth, channels, seed = item
    net = plain_net(name, depth, channels)
    module = lrbound.to_torch(net, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for layer in module:
        if not isinstance(layer, (nn.Conv2d, nn.Linear)):
            for parameter in (p for p in layer.parameters() if p.requires_grad):  # not those of the norm under PN
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=AFFINE_SPREAD)
    y, found = Digits.load(net).x[:SAMPLES], []
    for layer in list(module)[:-2]:
        y = layer(y)
        if isinstance(layer, NORMS):
            found.append(decompose(y))
    return tuple(found)


def train(item: tuple[str, int, float, int, int]) -> float:
    """Return the test accuracy of one network."""
    name, blocks, rate, steps, seed = item
    return trained(residual_net(name, blocks), rate=rate, seed=seed, steps=steps)


def run(
    *,
    depth: int = DEPTH,
    channels: int = 64,
    blocks: int = TRAINED,
    rates: Sequence[float] = RATES,
    steps: int = 60,
    seeds: int = 3,
    jobs: int = 1,
) -> tuple[Sequence[float], list[Row]]:
    """Measure the powers of random networks, and train others at every rate; return the rates and what came of it."""
    found = each(powers, [(name, depth, channels, seed) for name in BLOCKS for seed in range(seeds)], jobs)
    items = [(name, blocks, rate, steps, seed) for name in BLOCKS for rate in rates for seed in range(seeds)]
    scores = grouped(grouped(each(train, items, jobs), seeds), len(rates))
    return rates, [
        Row(name, depths, predicted(residual_net(name, blocks)), accuracies)
        for name, depths, accuracies in zip(BLOCKS, grouped(found, seeds), scores, strict=True)
    ]


def report(rates: Sequence[float], rows: Sequence[Row]) -> str:
    """Return the table."""
    last = len(rows[0].powers[0])
    titles = ("normaliser", "constants, layer 1", f"constants, layer {last}", f"instance variability, layer {last}")
    return table(
        (*titles, "predicted max rate", *(f"accuracy, rate {rate:g}" for rate in rates)),
        [
            (
                row.name,
                spread([depths[0].constant for depths in row.powers]),
                spread([depths[-1].constant for depths in row.powers]),
                spread([depths[-1].instance for depths in row.powers], ".4f"),
                number(row.prediction),
                *map(spread, row.accuracies),
            )
            for row in rows
        ],
    )


def picture(rates: Sequence[float], rows: Sequence[Row]) -> Figure:
    """Draw both shares against depth, and the accuracies."""
    drawn, (constant, instance, score) = figure(3, "Proxy normalisation (Labatie et al. 2021)")
    for row in rows:
        layers = range(1, 1 + len(row.powers[0]))
        dashes, order = ("--", 3) if row.name == "BN" else ("-", 2)
        for axis, name in ((constant, "constant"), (instance, "instance")):
            means = [sum(getattr(p, name) for p in depth) / len(depth) for depth in zip(*row.powers, strict=True)]
            axis.plot(layers, means, dashes, color=COLOURS[row.name], lw=2, zorder=order, label=row.name)
        band(score, rates, row.accuracies, row.name)
    constant.set(
        xlabel="layer", ylabel="share of the power", title="random nets: channel-wise constants", ylim=(-0.02, 1.02)
    )
    instance.set(xlabel="layer", ylabel="share of the power", title="random nets: variability of instances")
    constant.legend(frameon=False, fontsize=9)
    score.set(
        xlabel="learning rate", xscale="log", ylabel="test accuracy", title="trained residual nets", ylim=(0.0, 1.02)
    )
    score.set_xticks(rates, [f"{rate:g}" for rate in rates])
    score.minorticks_off()
    return drawn


if __name__ == "__main__":
    rates, rows = run(jobs=JOBS)
    show(report(rates, rows), picture(rates, rows), __file__)
