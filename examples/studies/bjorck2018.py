# ruff: noqa: INP001 - a script
"""Bjorck et al. 2018 (arXiv 1806.02375): what batch norm does for deep residual networks.

    python examples/studies/bjorck2018.py

The claim: without batch norm (BN) activations and gradients grow with depth, and the largest usable learning rate falls;
with BN larger rates train; one BN after the last hidden layer already helps.

What is measured, in dense residual networks of width 64 on digits (half squared error, batch 64, momentum 0.9) without
BN, with one BN after the last block, and with BN after every weight layer:

* at initialisation the root mean square of the stream after the last block, and the norm of the loss's gradient by the
  weights of the first layer;
* the rate at which training diverges, found by bisection as `lrbound boundary` does, beside the predicted one;
* at one depth the loss after training, over rates.

What is seen besides: with BN the rates fall with depth too, if slowly, because the stream of a residual network still
grows. With the one BN the rate of divergence hardly falls with depth, but the rates that train well are far below it. The
predicted rate of that network counts what lies above its BN alone, and is too high by up to 3 at 16 blocks.
"""

from __future__ import annotations

import math
import statistics
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from study import (
    COLOURS,
    JOBS,
    Digits,
    doubling,
    figure,
    final_losses,
    median,
    network,
    number,
    repeated,
    show,
    table,
)

import lrbound
from lrbound.empirical.boundary import find_boundary
from lrbound.empirical.datasets import load_data
from lrbound.empirical.knobs import log_spaced
from lrbound.empirical.runner import Runner
from lrbound.empirical.store import RunStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure

    from lrbound.network import Network

VARIANTS = ("last BN", "none", "BN")
TITLES = {"none": "no BN", "last BN": "one BN, after the last block", "BN": "BN after every layer"}
BLOCKS = (1, 4, 16)
RATES = log_spaced(1e-6, 0.1, 11)
BATCH = 64


@dataclass(frozen=True)
class Row:
    """What is seen at one depth; one value a seed."""

    variant: str
    blocks: int
    activations: tuple[float, ...]
    gradients: tuple[float, ...]
    prediction: float | None
    boundaries: tuple[float | None, ...]

    @property
    def boundary(self) -> float | None:
        """The median boundary."""
        found = [value for value in self.boundaries if value is not None]
        return statistics.median(found) if len(found) == len(self.boundaries) else None


@dataclass(frozen=True)
class Curve:
    """The loss after training at each rate, the median over seeds; infinite where it exploded."""

    variant: str
    blocks: int
    rates: tuple[float, ...]
    losses: tuple[float, ...]


def residual_net(variant: str, blocks: int) -> Network:
    """Return a network with so many residual blocks of two weight layers each."""
    norm = "batch_norm, " if variant == "BN" else ""
    last = "batch_norm, " if variant == "last BN" else ""
    inside = f"{{linear: 64}}, {norm}relu, {{linear: 64}}, {norm}".rstrip(", ")
    block = f"{{residual: {{layers: [{inside}]}}}}, relu"
    return network(
        "bjorck2018",
        f"{{linear: 64}}, {norm}relu, {repeated(blocks, block)}, {last}{{linear: 10}}",
        batch=BATCH,
        loss="half_squared_error",
    )


def at_start(net: Network, seed: int) -> tuple[float, float]:
    """Return the root mean square of the stream after the last block, and the gradient's norm at the first layer."""
    module, digits = lrbound.to_torch(net, seed=seed), Digits.load(net)
    streams: list[torch.Tensor] = []
    last = [layer for layer in module if isinstance(layer, torch.nn.ReLU)][-1]
    last.register_forward_hook(lambda _layer, _inputs, stream: streams.append(stream.detach()))
    loss_of: torch.nn.Module = net.training.loss.torch()
    loss_of(module(digits.x), digits.y).backward()
    gradient = next(module.parameters()).grad
    assert gradient is not None
    return streams[0].square().mean().sqrt().item(), gradient.norm().item()


def run(
    *,
    blocks: Sequence[int] = BLOCKS,
    steps: int = 100,
    seeds: int = 3,
    rates: Sequence[float] = RATES,
    curve_blocks: int = 8,
    jobs: int = 1,
) -> tuple[list[Row], list[Curve]]:
    """Look at the networks at initialisation, and find where training diverges; then train over the rates."""
    runner = Runner(load_data(residual_net("BN", 1), "digits"), RunStore(), jobs=jobs)
    rows = [_row(variant, count, steps, seeds, runner) for variant in VARIANTS for count in blocks]
    curves = [_curve(variant, curve_blocks, rates, steps, seeds, runner) for variant in VARIANTS]
    return rows, curves


def _row(variant: str, blocks: int, steps: int, seeds: int, runner: Runner) -> Row:
    net = residual_net(variant, blocks)
    prediction = lrbound.predict(net)
    activations, gradients = zip(*(at_start(net, seed) for seed in range(seeds)), strict=True)
    found = find_boundary(net, prediction, runner, seeds=range(seeds), steps=steps)
    print(f"{TITLES[variant]}, {blocks} blocks", file=sys.stderr)
    return Row(variant, blocks, activations, gradients, prediction.max_learning_rate, found.values)


def _curve(variant: str, blocks: int, rates: Sequence[float], steps: int, seeds: int, runner: Runner) -> Curve:
    print(f"{TITLES[variant]}, losses over rates", file=sys.stderr)
    (losses,) = final_losses([residual_net(variant, blocks)], rates, runner, seeds=seeds, steps=steps)
    return Curve(variant, blocks, tuple(rates), tuple(map(median, losses)))


def report(rows: Sequence[Row], curves: Sequence[Curve]) -> str:
    """Return the two tables."""
    lines = [
        (
            TITLES[row.variant],
            str(row.blocks),
            number(statistics.mean(row.activations)),
            number(statistics.mean(row.gradients)),
            number(row.prediction),
            number(row.boundary),
            ", ".join(map(number, row.boundaries)),
        )
        for row in rows
    ]
    titles = ("", "blocks", "rms of the stream", "gradient norm", "predicted max rate", "diverges from", "of each seed")
    best = []
    for curve in curves:
        loss, rate = min(zip(curve.losses, curve.rates, strict=True))
        best.append((TITLES[curve.variant], number(loss), number(rate) if math.isfinite(loss) else "-"))
    return f"{table(titles, lines)}\n\n{table(('', 'best loss over rates', 'at rate'), best)}"


def picture(rows: Sequence[Row], curves: Sequence[Curve]) -> Figure:
    """Draw growth with depth, the rates, and the losses over rates."""
    drawn, (growth, limits, losses) = figure(3, "Residual networks with and without BN (Bjorck et al. 2018)")
    for variant in VARIANTS:
        mine, colour = [row for row in rows if row.variant == variant], COLOURS[variant]
        depth = [row.blocks for row in mine]
        wide = 5 if variant == "last BN" else 1.5  # its activations are those without BN: seen behind them
        growth.plot(depth, [statistics.mean(row.activations) for row in mine], "o-", color=colour, lw=wide, zorder=2)
        growth.plot(depth, [statistics.mean(row.gradients) for row in mine], "s--", color=colour)
        limits.plot(depth, [row.boundary or math.nan for row in mine], "o-", color=colour, label=TITLES[variant])
        limits.plot(depth, [row.prediction or math.nan for row in mine], "--", color=colour)
    for curve in curves:
        losses.plot(curve.rates, curve.losses, "o-", color=COLOURS[curve.variant])
    for axis in (growth, limits):
        doubling(axis, depth, "residual blocks")
        axis.set_yscale("log")
    growth.plot([], [], "ko-", label="activations: rms")
    growth.plot([], [], "ks--", label="gradient: norm, first layer")
    growth.set(title="at initialisation", ylabel="size")
    limits.plot([], [], "k--", label="predicted")
    limits.set(title="training diverges from", ylabel="learning rate")
    losses.set(
        title=f"after training, {curves[0].blocks} blocks",
        xlabel="learning rate",
        ylabel="loss",
        xscale="log",
        yscale="log",
    )
    for axis in (growth, limits):
        axis.legend(frameon=False, fontsize=8)
    return drawn


if __name__ == "__main__":
    rows, curves = run(jobs=JOBS)
    show(report(rows, curves), picture(rows, curves), __file__)
