# ruff: noqa: INP001 - beside scripts
"""What the studies of the papers' claims share: networks and a trainer on scikit-learn's digits, tables, pictures."""

from __future__ import annotations

import math
import os
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch
from joblib import Parallel, delayed

import lrbound
from lrbound.empirical.datasets import load_data
from lrbound.empirical.training import Cell
from lrbound.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from lrbound.empirical.runner import Runner
    from lrbound.network import Network

Item = TypeVar("Item")
Result = TypeVar("Result")

TEST, TRAIN = 500, 640
"""Samples of the two sets: few to train on, so that digits are not too easy to tell networks apart."""
RATE_PER_SAMPLE = 0.05 / 32
"""Of the dense networks, whose rate is proportional to the batch."""
JOBS = os.cpu_count() or 1
COLOURS = {
    "BN": "#1f77b4",
    "none": "#7f7f7f",
    "last BN": "#2ca02c",
    "BN, gamma 0.27": "#17becf",
    "CBN": "#d62728",
    "IEBN": "#d62728",
    "BGN": "#d62728",
    "LN": "#ff7f0e",
    "IN": "#9467bd",
    "LN + PN": "#d62728",
}
"""One colour for what is normalised alike, in all pictures; the paper's own normaliser is red."""


def network(
    name: str,
    layers: str,
    *,
    batch: int,
    shape: str = "[64]",
    loss: str = "cross_entropy",
    momentum: float = 0.9,
) -> Network:
    """Return the network of a spec for digits; ``layers`` is its list of layers in YAML, without the brackets."""
    return lrbound.parse(
        f"version: 1\nname: {name}\ninput: {{shape: {shape}, correlation: 0.48}}\ninit: he\n"
        f"training: {{loss: {loss}, batch_size: {batch}, optimizer: {{name: sgd, momentum: {momentum}}}}}\n"
        f"layers: [{layers}]\n"
    )


def dense_net(norm: str, batch: int) -> Network:
    """Return the network 64-64-64-64-10 with a normaliser, given in YAML."""
    return network("dense", f"{repeated(3, f'{{linear: 64}}, {norm}, relu')}, {{linear: 10}}", batch=batch)


def image_net(name: str, layers: str, *, batch: int, loss: str = "cross_entropy") -> Network:
    """Return a network for digits as images of 8x8 pixels, with a flatten head."""
    return network(name, f"{layers}, flatten, {{linear: 10}}", batch=batch, shape="[1, 8, 8]", loss=loss)


def conv(channels: int, *, stride: int = 1, mode: str = "zeros") -> str:
    """Return a padded 3x3 convolution in YAML."""
    return f"{{conv2d: {{channels: {channels}, kernel: 3, stride: {stride}, padding: 1, padding_mode: {mode}}}}}"


def repeated(times: int, layers: str) -> str:
    """Return layers repeated, in YAML."""
    return f"{{repeat: {{times: {times}, layers: [{layers}]}}}}"


def predicted(net: Network) -> float | None:
    """Return the predicted max_learning_rate; None where it is refused."""
    try:
        return lrbound.predict(net).max_learning_rate
    except Refused:
        return None


@dataclass(frozen=True)
class Digits:
    """Images and classes to train on, and others to test on; which ones is fixed."""

    x: torch.Tensor
    y: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor

    @classmethod
    def load(cls, net: Network) -> Digits:
        """Return them in the shapes of a network."""
        data = load_data(net, "digits")
        order = np.random.default_rng(0).permutation(len(data))[: TEST + TRAIN]
        x, y = torch.from_numpy(data.x[order]), torch.from_numpy(data.y[order])
        return cls(x[TEST:], y[TEST:], x[:TEST], y[:TEST])


def training(
    module: torch.nn.Module, net: Network, digits: Digits, *, rate: float, seed: int, steps: int
) -> Iterator[float]:
    """Train with the spec's loss, batch size and optimiser; the rate falls linearly from ``rate`` to 0.

    Yields
    ------
    float
        The loss of each step, after the forward pass and before the step is taken.
    """
    optimizer = net.training.optimizer.torch(module.parameters(), rate)
    loss_of = net.training.loss.torch()
    for step, batch in enumerate(_batches(len(digits.x), net.training.batch_size or len(digits.x), seed, steps)):
        optimizer.param_groups[0]["lr"] = rate * (1.0 - step / steps)
        loss = loss_of(module(digits.x[batch]), digits.y[batch])
        yield loss.item()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def _batches(samples: int, size: int, seed: int, steps: int) -> Iterator[torch.Tensor]:
    """Yield the samples of each step: epochs in an order of their own, without the last, smaller batch."""
    generator = torch.Generator().manual_seed(seed)
    done = 0
    while True:
        order = torch.randperm(samples, generator=generator)
        for start in range(0, samples - size + 1, size):
            if done == steps:
                return
            done += 1
            yield order[start : start + size]


def trained(net: Network, *, rate: float, seed: int, steps: int) -> float:
    """Return the test accuracy of one network after training."""
    module, digits = lrbound.to_torch(net, seed=seed), Digits.load(net)
    for _ in training(module, net, digits, rate=rate, seed=seed, steps=steps):
        pass
    return _accuracy(module, digits)


def trained_dense(item: tuple[str, int, int, int]) -> float:
    """Return the test accuracy of a dense network: its normaliser, batch size, epochs and seed."""
    norm, batch, epochs, seed = item
    steps = epochs * TRAIN // batch
    return trained(dense_net(norm, batch), rate=RATE_PER_SAMPLE * batch, seed=seed, steps=steps)


@torch.no_grad()
def _accuracy(module: torch.nn.Module, digits: Digits) -> float:
    """Return the fraction of test images that are classified rightly, with the running statistics."""
    module.eval()
    right = module(digits.x_test).argmax(1) == digits.y_test
    return float(right.float().mean())


def each(function: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> list[Result]:
    """Return ``function`` of every item, computed in ``jobs`` processes of one thread; stderr tells how far it is."""
    results: list[Result] = []
    jobs = min(jobs, len(items))
    for result in Parallel(n_jobs=jobs, return_as="generator")(delayed(_alone)(function, item) for item in items):
        results.append(result)
        _progress(len(results), len(items))
    return results


def _alone(function: Callable[[Item], Result], item: Item) -> Result:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return function(item)
    finally:
        torch.set_num_threads(threads)


def final_losses(
    nets: Sequence[Network], rates: Sequence[float], runner: Runner, *, seeds: int, steps: int
) -> list[tuple[tuple[float | None, ...], ...]]:
    """Return the training losses after so many steps: by network, rate and seed; None where training exploded."""
    cells = [Cell(net, rate, seed, steps) for net in nets for rate in rates for seed in range(seeds)]
    finals: dict[int, float | None] = {}
    for place, done in runner.run(cells):
        finals[place] = done.final
        _progress(len(finals), len(cells))
    return grouped(grouped([finals[place] for place in range(len(cells))], seeds), len(rates))


def _progress(done: int, total: int) -> None:
    print(f"\r{done}/{total}", end="" if done < total else "\n", file=sys.stderr, flush=True)


def grouped(values: Sequence[Item], size: int) -> list[tuple[Item, ...]]:
    """Return neighbouring values, ``size`` at a time: those of the seeds of one setting."""
    return [tuple(values[start : start + size]) for start in range(0, len(values), size)]


def median(losses: Sequence[float | None]) -> float:
    """Return the median over seeds, infinite where half of them exploded."""
    return statistics.median(math.inf if loss is None else loss for loss in losses)


def spread(values: Sequence[float], form: str = ".3f") -> str:
    """Return "mean ± standard deviation" over the seeds."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{form}} ± {deviation:{form}}"


def number(value: float | None) -> str:
    """Return a number for a table, "-" where there is none or it is infinite."""
    return f"{value:.3g}" if value is not None and math.isfinite(value) else "-"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table with aligned columns, in Markdown."""
    widths = [max(len(row[column]) for row in (titles, *rows)) for column in range(len(titles))]
    lines = [titles, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(f"{cell:<{width}}" for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def figure(panels: int, title: str) -> tuple[Figure, Sequence[Axes]]:
    """Return a figure with panels in a row."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(4.2 * panels, 3.8), layout="constrained", dpi=120)
    drawn.suptitle(title, fontsize=11)
    axes = list(np.ravel(drawn.subplots(1, panels)))
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(visible=True, color="0.9", linewidth=0.8)
    return drawn, axes


def band(axis: Axes, x: Sequence[float], values: Sequence[Sequence[float]], label: str) -> None:
    """Draw the mean over seeds as a line with its standard deviation as bars; ``values`` has a sequence for every x."""
    means = [statistics.mean(row) for row in values]
    bars = [statistics.stdev(row) if len(row) > 1 else 0.0 for row in values]
    axis.errorbar(x, means, yerr=bars, fmt="o-", ms=4, capsize=2.5, color=COLOURS[label], label=label)


def doubling(axis: Axes, ticks: Sequence[int], label: str) -> None:
    """Give an axis of batch sizes or depths the base 2."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(ticks, [str(tick) for tick in ticks])
    axis.set_xlabel(label)


def plain_numbers(axis: Axis) -> None:
    """Label a logarithmic axis by 1, 2, 5, 10, ... in plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axis.set_major_locator(LogLocator(10, (1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def show(report: str, drawn: Figure, script: str) -> None:
    """Print the tables, and write the picture beside its script, under the script's name."""
    print(report)
    path = Path(script).with_suffix(".png")
    drawn.savefig(path)
    print(f"wrote {path}", file=sys.stderr)
