"""The cells of the benchmark: a balanced random design, so that nobody picks what is measured.

Every factor that matters (family, normaliser, optimiser, batch, activation, initialisation, ...) is a list of levels that is repeated up
to the number of cells and shuffled with a fixed seed of its own; cell i takes the i-th entry of each. Width, depth and data are drawn for the
cell, anew until a run costs little enough. Of the first design a hash of a cell's content decides whether it may be looked at while a rule is
made, or is held out; the second design was drawn when those had been scored more than once, and is scored once, at the end.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from rate_benchmark import nets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.empirical.datasets import Dataset
    from lrbound.network import Network

Split = Literal["look", "held-out", "table", "fresh"]

VERSION = 1
"""Of the procedure: results of another one are not taken for ours."""
SEED, COUNT = 19, 165
FRESH_SEED, FRESH_COUNT = 20, 110
SEEDS = (0, 1)
FULL_SAMPLES, FULL_STEPS, MINIBATCH_STEPS = 256, 150, 300
COST = {False: 1.2e10, True: 7.5e9}
"""Floating-point operations of a run at most, without and with convolutions, which take about twice the time each."""
OPERATIONS = 6
"""Of a weight, a position and a sample in one step: two each of the forward, and two times two of the backward pass."""

OPTIMISERS: tuple[dict[str, Any], ...] = (
    {"name": "sgd"},
    {"name": "sgd"},
    *({"name": "sgd", "momentum": 0.9},) * 4,
    {"name": "sgd", "momentum": 0.99},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    *({"name": "adamw", "weight_decay": 0.01},) * 3,
)
BATCHES = {False: (8, 32, 32, 128, 128, 512, "full"), True: (8, 32, 32, 128, 64, "full")}
"""Without and with convolutions."""
FAMILIES = (*("dense",) * 5, "dense-residual", "conv", "conv-residual", "depthwise")
INITS = ("pytorch", "pytorch", "he", "zero-gamma", "zero-gamma")
"""zero-gamma (the last gamma of a residual branch, weights as he) is he where there is no such branch with a scale."""
ACTIVATIONS = ("relu", "relu", "relu", "tanh", "gelu")
GAMMAS = (1.0,) * 6 + (0.2, 2.0)
CLASS_LOSSES = ("cross_entropy", "cross_entropy", "cross_entropy", "half_squared_error", "mse")
TARGETS = ("unit", "raw")
DENSE_DATA = ("digits", "digits", "cancer", "wine", "diabetes", "diabetes", "housing", "housing", "patches", "pink")
IMAGE_DATA = ("digits", "patches", "pink")
WIDTHS, DEPTHS = (32, 64, 128, 256, 512, 1024), (1, 2, 3, 4, 6)
CHANNELS, CONV_DEPTHS = (8, 16, 32), (1, 2, 3)
HEADS = ("flatten", "global_avg_pool")


@dataclass(frozen=True)
class Cell:
    """What is trained, at every rate that the search asks for.

    Attributes
    ----------
    name : str
        The levels of its factors.
    spec : dict
        A spec without the statistics of its data.
    data : str
        A data set of :mod:`rate_benchmark.data`.
    targets : {"unit", "raw"}
        Whether targets that are numbers are standardised.
    kinds : dict of str
        What the scores are grouped by.
    design : int or None
        Seed of the design; None for a cell that was chosen by hand, for a report of a rate that failed.
    """

    name: str
    spec: dict[str, Any]
    data: str
    targets: str
    kinds: dict[str, str]
    design: int | None = SEED

    @property
    def batch(self) -> int | str:
        """Samples of a step."""
        batch: int | str = self.spec["training"]["batch_size"]
        return batch

    @property
    def samples(self) -> int | None:
        """Samples of the data set that are used: all of them unless every step takes all."""
        return FULL_SAMPLES if self.batch == "full" else None

    @property
    def steps(self) -> int:
        """Steps of a run."""
        return FULL_STEPS if self.batch == "full" else MINIBATCH_STEPS

    @property
    def split(self) -> Split:
        """By a bit of the hash, of the first design."""
        if self.design is None:
            return "table"
        if self.design == FRESH_SEED:
            return "fresh"
        return "held-out" if int(self.key, 16) & 1 else "look"

    @property
    def key(self) -> str:
        """A hash of what determines a result: the spec, its data and the version of the procedure."""
        spec = {name: value for name, value in self.spec.items() if name != "name"}
        content = [VERSION, spec, self.data, self.targets, self.samples, self.steps]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def trained_network(cell: Cell) -> Network:
    """Return the network; the optimiser is left to the benchmark, which trains with more of them than a spec may name."""
    import lrbound

    training = {**cell.spec["training"], "optimizer": {"name": "sgd"}}
    return lrbound.parse(json.dumps({**cell.spec, "training": training}), name=cell.name)


def trained_data(cell: Cell) -> Dataset:
    """Return the samples and targets of a cell."""
    from rate_benchmark.data import dataset

    return dataset(
        cell.data,
        tuple(cell.spec["input"]["shape"]),
        cell.samples,
        classes=cell.spec["training"]["loss"] == "cross_entropy",
        standardised=cell.targets == "unit",
    )


def design(count: int = COUNT, seed: int = SEED) -> list[Cell]:
    """Return the cells of a design, all different."""
    rng = np.random.default_rng(seed)
    families = balanced(FAMILIES, count, seed)
    norms = {images: iter(balanced(levels, count, seed)) for images, levels in nets.NORMS.items()}
    batches = {images: iter(balanced(levels, count, seed)) for images, levels in BATCHES.items()}
    factors = (
        balanced(levels, count, seed) for levels in (OPTIMISERS, INITS, ACTIVATIONS, GAMMAS, CLASS_LOSSES, TARGETS)
    )
    cells: dict[str, Cell] = {}
    for family, optimiser, init, activation, gamma, loss, targets in zip(families, *factors, strict=True):
        images = nets.convolutional(family)
        block, batch = nets.Block(next(norms[images]), activation, gamma), next(batches[images])
        for _ in range(1000):
            cell, cost = draw(family, block, init, batch, optimiser, loss, targets, rng)
            cell = dataclasses.replace(cell, design=seed)
            if cost <= COST[images] and cell.key not in cells:
                cells[cell.key] = cell
                break
        else:
            raise AssertionError(f"no cell of {family} with a batch of {batch} is cheap enough")
    return list(cells.values())


def balanced(levels: Sequence[Any], count: int, seed: int = SEED) -> list[Any]:
    """Return ``count`` entries in which the levels are as frequent as in the list, in a shuffled order that belongs to the list and ``seed``."""
    shuffled = int(hashlib.sha256(json.dumps([seed, levels]).encode()).hexdigest()[:8], 16)
    entries = list(itertools.islice(itertools.cycle(levels), count))
    return [entries[place] for place in np.random.default_rng(shuffled).permutation(count)]


def draw(
    family: str,
    block: nets.Block,
    init: str,
    batch: int | str,
    optimiser: dict[str, Any],
    loss: str,
    targets: str,
    rng: np.random.Generator,
) -> tuple[Cell, float]:
    """Draw width, depth, head and data; return the cell and the operations of a run."""
    from rate_benchmark.data import arrays

    images = nets.convolutional(family)
    data = str(rng.choice(IMAGE_DATA if images else DENSE_DATA))
    width = int(rng.choice(CHANNELS if images else WIDTHS))
    depth = int(rng.choice(CONV_DEPTHS if images or family == "dense-residual" else DEPTHS))
    head = str(rng.choice(HEADS))
    x, y = arrays(data)
    classes = y.dtype.kind in "iu"
    outputs = int(y.max()) + 1 if classes else y.shape[1]
    if not classes and loss == "cross_entropy":
        loss = "mse"
    shape = list(x.shape[1:]) if images else [x[0].size]
    if init == "zero-gamma" and not ("residual" in family and block.has_gamma and block.norm != "proxy_norm"):
        init = "he"
    layers, cost = nets.build(family, block, shape, width, depth, head, outputs, 0.0 if init == "zero-gamma" else None)
    samples, steps = (
        (min(batch, len(x)), MINIBATCH_STEPS) if isinstance(batch, int) else (min(FULL_SAMPLES, len(x)), FULL_STEPS)
    )
    if isinstance(batch, int) and batch > len(x):
        batch = "full"
    spec = {
        "version": 1,
        "input": {"shape": shape},
        "init": "pytorch" if init == "pytorch" else "he",
        "training": {"loss": loss, "batch_size": batch, "optimizer": optimiser},
        "layers": layers,
    }
    kinds = {
        "family": family, "normaliser": block.norm, "init": init, "loss": loss, "optimizer": optimizer_name(optimiser), "batch": str(batch),
        "data": data, "targets": "classes" if classes else targets, "gamma": f"{block.gamma:g}" if block.has_gamma else "-",
    }  # fmt: skip
    size = f"{width}x{depth}" + (f"-{head}" if images else "")
    name = f"{family}-{block.norm}-{block.activation}-{size}-{init}-{loss}-{data}-b{batch}-{kinds['optimizer']}"
    return Cell(name, spec, data, targets, kinds), float(OPERATIONS * samples * cost * steps)


def optimizer_name(optimiser: dict[str, Any]) -> str:
    """Return what tables call an optimiser."""
    if optimiser["name"] != "sgd":
        return str(optimiser["name"])
    return f"{'nesterov' if optimiser.get('nesterov') else 'sgd'}-{optimiser.get('momentum', 0.0):g}"
