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
Then networks of twelve such layers with 16 channels are trained at one rate, for three epochs.

What does not show: the network with instance norm classifies digits as well as the others. Nothing in these images
depends on the contrast or the mean of a feature map, which is what instance norm removes.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from study import COLOURS, Digits, accuracy, each, figure, network, number, predicted, save, spread, table, training
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
BATCH, RATE = 32, 0.02
DEPTH, TRAINED_DEPTH = 20, 12


@dataclass(frozen=True)
class Powers:
    """Shares of the power of y: of channel-wise constants, and of the variability of instance statistics."""

    constant: float
    instance: float


@dataclass(frozen=True)
class Row:
    """What is seen with one normaliser: powers by seed and depth, and the test accuracies by seed."""

    name: str
    powers: tuple[tuple[Powers, ...], ...]
    prediction: float | None
    accuracies: tuple[float, ...]


def conv_net(name: str, depth: int, channels: int, batch: int) -> Network:
    """Return a network of ``depth`` convolutions, each with a normaliser and an activation."""
    conv = f"{{conv2d: {{channels: {channels}, kernel: 3, padding: 1, padding_mode: circular}}}}"
    body = f"{{repeat: {{times: {depth}, layers: [{conv}, {BLOCKS[name]}]}}}}"
    return network("labatie2021", f"{body}, flatten, {{linear: 10}}", batch=batch, shape="[1, 8, 8]")


def decompose(y: torch.Tensor) -> Powers:
    """Return the shares for y (instances, channels, height, width)."""
    std, mean = torch.std_mean(y, dim=(2, 3), correction=0)
    power = y.square().mean()
    constant = mean.mean(0).square().mean() / power
    instance = (mean.var(0, correction=0).mean() + std.var(0, correction=0).mean()) / power
    return Powers(constant.item(), instance.item())


@torch.no_grad()
def powers(item: tuple[str, int, int, int]) -> tuple[Powers, ...]:
    """Return the shares at every depth of one random network, over 128 digits."""
    name, depth, channels, seed = item
    net = conv_net(name, depth, channels, 128)
    module = lrbound.to_torch(net, seed=seed)
    generator = torch.Generator().manual_seed(seed)
    for layer in module:
        if not isinstance(layer, (nn.Conv2d, nn.Linear)):
            for parameter in layer.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=AFFINE_SPREAD)
    y, found = Digits.load(net).x[:128], []
    for layer in module[:-2]:
        y = layer(y)
        if isinstance(layer, NORMS):
            found.append(decompose(y))
    return tuple(found)


def train(item: tuple[str, int, int, int]) -> float:
    """Return the test accuracy of one network."""
    name, depth, steps, seed = item
    net = conv_net(name, depth, 16, BATCH)
    module, digits = lrbound.to_torch(net, seed=seed), Digits.load(net)
    for _ in training(module, net, digits, rate=RATE, seed=seed, steps=steps):
        pass
    return accuracy(module, digits)


def run(
    *,
    depth: int = DEPTH,
    channels: int = 64,
    train_depth: int = TRAINED_DEPTH,
    steps: int = 60,
    seeds: int = 5,
    jobs: int = 1,
) -> list[Row]:
    """Measure the powers of random networks, and train others."""
    runs = [(name, seed) for name in BLOCKS for seed in range(seeds)]
    shares = each(powers, [(name, depth, channels, seed) for name, seed in runs], jobs)
    scores = each(train, [(name, train_depth, steps, seed) for name, seed in runs], jobs)
    return [
        Row(
            name,
            tuple(shares[place * seeds : (place + 1) * seeds]),
            predicted(conv_net(name, train_depth, 16, BATCH)),
            tuple(scores[place * seeds : (place + 1) * seeds]),
        )
        for place, name in enumerate(BLOCKS)
    ]


def report(rows: Sequence[Row]) -> str:
    """Return the table."""
    last = len(rows[0].powers[0])
    titles = (
        "normaliser", "constants, layer 1", f"constants, layer {last}", f"instance variability, layer {last}",
        "predicted max rate", f"test accuracy, rate {RATE}",
    )  # fmt: skip
    return table(
        titles,
        [
            (
                row.name,
                spread([depths[0].constant for depths in row.powers]),
                spread([depths[-1].constant for depths in row.powers]),
                spread([depths[-1].instance for depths in row.powers], ".4f"),
                number(row.prediction),
                spread(row.accuracies),
            )
            for row in rows
        ],
    )


def picture(rows: Sequence[Row]) -> Figure:
    """Draw both shares against depth, and the accuracies."""
    drawn, (constant, instance, score) = figure(3, "Proxy normalisation (Labatie et al. 2021): features of random nets")
    for row in rows:
        layers = range(1, 1 + len(row.powers[0]))
        colour, dashes = COLOURS[row.name], "--" if row.name == "BN" else "-"
        for axis, name in ((constant, "constant"), (instance, "instance")):
            means = [sum(getattr(p, name) for p in depth) / len(depth) for depth in zip(*row.powers, strict=True)]
            axis.plot(layers, means, dashes, color=colour, lw=2, label=row.name)
    constant.set(xlabel="layer", ylabel="share of the power", title="channel-wise constants", ylim=(-0.02, 1.02))
    instance.set(xlabel="layer", ylabel="share of the power", title="variability of instance statistics")
    constant.legend(frameon=False, fontsize=9)
    for place, row in enumerate(rows):
        score.plot([place] * len(row.accuracies), row.accuracies, "o", color=COLOURS[row.name], alpha=0.7)
    score.set_xticks(range(len(rows)), [row.name for row in rows])
    score.set(ylabel="test accuracy", title=f"trained at rate {RATE}, one dot a seed", xlim=(-0.5, len(rows) - 0.5))
    return drawn


def main() -> None:
    """Run, print and draw."""
    rows = run(jobs=os.cpu_count() or 1)
    print(report(rows))
    save(picture(rows), __file__)


if __name__ == "__main__":
    main()
