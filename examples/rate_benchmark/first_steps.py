"""Where the first steps of an adaptive optimiser raise the loss: cells that are drawn for it, and their measurement.

A cell is drawn as those of :mod:`rate_benchmark.cells` are, with a seed of its own and AdamW. The first step is that of torch's
optimiser on one batch; it is linear in the rate, so one gradient gives it at every rate.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

import lrbound
from lrbound.empirical.training import prepare
from lrbound.explore.statistics import LAW, statistics
from rate_benchmark import nets
from rate_benchmark.cells import (
    ACTIVATIONS,
    CLASS_LOSSES,
    FAMILIES,
    GAMMAS,
    INITS,
    TARGETS,
    Cell,
    balanced,
    draw,
    trained_data,
    trained_network,
)
from rate_benchmark.measuring import FIRST_STEPS, FIXED_SAMPLES, torch_optimizer

if TYPE_CHECKING:
    from lrbound.empirical.datasets import Dataset
    from lrbound.empirical.training import Descent
    from lrbound.network import Network

NORMS = {
    False: (*("none",) * 4, *("batch_norm",) * 3, *("layer_norm",) * 2, "rms_norm", "group_norm"),
    True: (*("none",) * 4, *("batch_norm",) * 3, "layer_norm", "rms_norm", "group_norm", "instance_norm"),
}
"""Without and with convolutions: those in common use."""
BATCHES = {False: (32, 128, 128, 512, "full"), True: (32, 64, 128, "full")}
COST = 6e10
"""Floating-point operations of 300 steps at most; a cell takes some 300 forward passes and 100 steps."""
RATIO = 1.25
"""Of neighbouring rates."""
LEAST, MOST = 1e-6, 30.0
"""Rates that are tried."""
DEEPEST = 24
"""Rates below that of the first step at which ten steps are tried."""
ADAMW = {"name": "adamw", "weight_decay": 0.01}


def design(seed: int, count: int, optimiser: dict[str, Any] = ADAMW) -> list[Cell]:
    """Return cells, all different, that a seed determines."""
    rng = np.random.default_rng(seed)
    families = balanced(FAMILIES, count, seed)
    norms = {images: iter(balanced(levels, count, seed)) for images, levels in NORMS.items()}
    batches = {images: iter(balanced(levels, count, seed)) for images, levels in BATCHES.items()}
    factors = (balanced(levels, count, seed) for levels in (INITS, ACTIVATIONS, GAMMAS, CLASS_LOSSES, TARGETS))
    cells: dict[str, Cell] = {}
    for family, init, activation, gamma, loss, targets in zip(families, *factors, strict=True):
        images = nets.convolutional(family)
        block, batch = nets.Block(next(norms[images]), activation, gamma), next(batches[images])
        while True:
            cell, cost = draw(family, block, init, batch, optimiser, loss, targets, rng)
            if cost <= COST and cell.key not in cells:
                break
        cells[cell.key] = cell
    return list(cells.values())


def stated(cell: Cell) -> dict[str, Any]:
    """Return a cell's spec with what ``lrbound stats`` says of its data."""
    data = trained_data(cell)
    shape = tuple(cell.spec["input"]["shape"])
    law = statistics(data.x, cell.data).law(shape)
    known = {name: getattr(law, name) for name in ("mean_square", *LAW)}
    inputs = {name: float(f"{value:.4g}") for name, value in known.items() if value is not None}
    training = {**cell.spec["training"]}
    if data.y.dtype.kind not in "iu":
        y = data.y.astype(np.float64)
        square = float(np.square(y).sum(axis=1).mean())
        shares = {
            "target_scale": math.sqrt(square),
            "target_mean_share": float(np.square(y.mean(axis=0)).sum()) / square,
        }
        training |= {name: float(f"{value:.4g}") for name, value in shares.items()}
    return {**cell.spec, "input": {**cell.spec["input"], **inputs}, "training": training}


def measure(cell: Cell, seed: int) -> dict[str, Any]:
    """Return the rates from which on the first step, and any of the first ten, raise the loss on 256 fixed samples.

    Returns
    -------
    dict
        ``seed``, ``first`` and ``ten``: middles of brackets a factor of 1.25 apart; null where no rate that was tried does so.
    """
    torch.set_num_threads(1)
    network, data = trained_network(cell), trained_data(cell)
    first = _first(network, data, cell, seed)
    ten = None if first is None else _ten(network, data, cell, seed, first)
    return {
        "seed": seed,
        **{name: None if rate is None else float(f"{rate:.4g}") for name, rate in (("first", first), ("ten", ten))},
    }


def _loss(descent: Descent) -> float:
    with torch.no_grad():
        return descent.batch_loss(slice(FIXED_SAMPLES)).item()


def _first(network: Network, data: Dataset, cell: Cell, seed: int) -> float | None:
    descent = prepare(network, data, seed)
    parameters = [p for p in descent.module.parameters() if p.requires_grad]
    start = [p.detach().clone() for p in parameters]
    before = _loss(descent)
    descent.losses(torch_optimizer(cell.spec["training"]["optimizer"], parameters, 1.0), [1.0], lambda _: False)
    step = [p.detach() - q for p, q in zip(parameters, start, strict=True)]
    rate = LEAST
    while rate <= MOST:
        with torch.no_grad():
            for p, q, d in zip(parameters, start, step, strict=True):
                p.copy_(q + rate * d)
        if not _loss(descent) <= before:
            return rate / math.sqrt(RATIO)
        rate *= RATIO
    return None


def _ten(network: Network, data: Dataset, cell: Cell, seed: int, first: float) -> float | None:
    """Go down from the rate of the first step to the first one that none of ten steps rises at."""
    for notch in range(1, DEEPEST):
        rate = first * math.sqrt(RATIO) / RATIO**notch
        if not _rises(network, data, cell, seed, rate):
            return rate * math.sqrt(RATIO)
    return None


def _rises(network: Network, data: Dataset, cell: Cell, seed: int, rate: float) -> bool:
    descent = prepare(network, data, seed)
    before, after = _loss(descent), list[float]()
    optimizer = torch_optimizer(cell.spec["training"]["optimizer"], descent.module.parameters(), rate)
    descent.losses(
        optimizer, itertools.repeat(rate, FIRST_STEPS), lambda _: False, lambda: after.append(_loss(descent))
    )
    return any(not loss <= before for loss in after)


def predicted(cell: Cell) -> dict[str, Any]:
    """Return the spec that a cell is predicted from, and the rate that is predicted for its first step."""
    spec, full = stated(cell), len(trained_data(cell)) if cell.batch == "full" else None
    found = lrbound.predict(lrbound.parse(json.dumps(spec), name=cell.name), full_batch=full)
    rate = found.first_step_learning_rate
    return {"predicted": None if rate is None else float(f"{rate:.4g}"), "spec": spec}
