"""One run: a network from its spec, trained at one rate, and what became of its loss."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from lrbound.empirical.build import to_torch
from lrbound.empirical.divergence import Judge, final_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lrbound.empirical.datasets import Dataset
    from lrbound.network import Network

FULL_STEPS, MINIBATCH_STEPS = 200, 400
INITIAL_BATCHES = 32
"""Batches over which the initial loss is averaged at most."""


@dataclass(frozen=True)
class Cell:
    """What one run trains: with the data it determines the result."""

    network: Network
    rate: float
    seed: int
    steps: int


@dataclass(frozen=True)
class Run:
    """What became of the loss.

    Attributes
    ----------
    initial : float
        Mean loss before the first step, in training mode, over batches of the stated size.
    final : float or None
        Median of the last tenth of the losses; None where the run exploded.
    diverged : bool
        Whether the run exploded or collapsed, see :mod:`lrbound.empirical.divergence`.
    grew : bool
        Whether the loss grew in the first steps.
    steps : int
        Steps that were done: a run that explodes is cut short.
    """

    initial: float
    final: float | None
    diverged: bool
    grew: bool
    steps: int


def default_steps(network: Network) -> int:
    """Return 200 for a full batch, 400 for minibatches, whose noise takes longer to drive a network away."""
    return FULL_STEPS if network.training.batch_size is None else MINIBATCH_STEPS


def train(cell: Cell, data: Dataset, device: str = "cpu") -> Run:
    """Train one network in training mode with the spec's optimiser and loss; the rate is the cell's.

    A minibatch is drawn again in every step from all samples, without replacement within it. One thread does the work,
    so that the same cell and data give the same run in however many processes the cells are trained.

    Parameters
    ----------
    cell : Cell
    data : Dataset
    device : str
        As torch names it.

    Returns
    -------
    Run
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):  # for what draws while it trains, such as dropout
            torch.default_generator.manual_seed(cell.seed)
            return _train(cell, data, device)
    finally:
        torch.set_num_threads(threads)


@dataclass(frozen=True)
class Descent:
    """A network that is about to be trained: everything but the rates.

    Attributes
    ----------
    module : torch.nn.Module
        In training mode, as the seed initialised it.
    batch_loss : callable
        Loss of the samples that are given by their places.
    draw : callable
        Draws the places of the next step's samples.
    judge : Judge
    """

    module: torch.nn.Module
    batch_loss: Callable[[torch.Tensor | slice], torch.Tensor]
    draw: Callable[[], torch.Tensor | slice]
    judge: Judge

    def losses(
        self,
        optimizer: torch.optim.Optimizer,
        rates: Iterable[float],
        stop: Callable[[float], bool],
        after: Callable[[], None] = lambda: None,
    ) -> list[float]:
        """Take one step at each rate; return the loss of each step's batch, before the step.

        Parameters
        ----------
        optimizer : torch.optim.Optimizer
            Of the module's parameters.
        rates : iterable of float
        stop : callable
            Asked about every loss; the run ends, without this step, where it says yes.
        after : callable
            Called after every step.

        Returns
        -------
        list of float
        """
        losses: list[float] = []
        for rate in rates:
            loss = self.batch_loss(self.draw())
            losses.append(loss.item())
            if stop(losses[-1]):
                break
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            after()
        return losses


def prepare(network: Network, data: Dataset, seed: int, *, judge: Judge | None = None, device: str = "cpu") -> Descent:
    """Build a network and its batches.

    Parameters
    ----------
    network : Network
    data : Dataset
    seed : int
        Of the weights and the batches.
    judge : Judge, optional
        From an earlier call with the same network, data and seed, which saves its forward passes.
    device : str
        As torch names it.

    Returns
    -------
    Descent
    """
    module = to_torch(network, seed=seed).to(device).train()
    loss_of = network.training.loss.torch()
    x, y = torch.from_numpy(data.x).to(device), torch.from_numpy(data.y).to(device)
    size = network.training.batch_size

    def batch_loss(batch: torch.Tensor | slice) -> torch.Tensor:
        value: torch.Tensor = loss_of(module(x[batch]), y[batch])
        return value

    judge = judge or Judge(_initial(batch_loss, len(data), size), _constant(network, loss_of, y, size))
    return Descent(module, batch_loss, _batches(len(data), size, seed), judge)


def _train(cell: Cell, data: Dataset, device: str) -> Run:
    descent = prepare(cell.network, data, cell.seed, device=device)
    judge = descent.judge
    optimizer = cell.network.training.optimizer.torch(descent.module.parameters(), cell.rate)
    losses = descent.losses(optimizer, itertools.repeat(cell.rate, cell.steps), judge.hopeless)
    final = None if judge.exploded(losses) else final_loss(losses)
    return Run(judge.initial, final, judge.diverged(losses), judge.grew(losses), len(losses))


def _batches(samples: int, size: int | None, seed: int) -> Callable[[], torch.Tensor | slice]:
    """Return a function that draws the samples of one step."""
    if size is None or size >= samples:
        return lambda: slice(None)
    generator = torch.Generator().manual_seed(seed)
    return lambda: torch.randperm(samples, generator=generator)[:size]


@torch.no_grad()
def _initial(loss_on: Callable[[slice], torch.Tensor], samples: int, size: int | None) -> float:
    size = samples if size is None else min(size, samples)
    starts = range(0, samples - size + 1, size)[:INITIAL_BATCHES]
    return sum(loss_on(slice(start, start + size)).item() for start in starts) / len(starts)


@torch.no_grad()
def _constant(network: Network, loss_of: torch.nn.Module, y: torch.Tensor, size: int | None) -> float:
    """Return the loss of the best outputs that are the same for all samples, for ``size`` of them where it is a sum."""
    best = network.training.loss.best_constant(y, network.outputs)
    value: torch.Tensor = loss_of(best.expand(len(y), network.outputs), y)
    loss = network.training.loss
    counts = (min(size or len(y), len(y)), len(y))
    of_batch, of_all = (loss.times_mean(count, network.outputs) for count in counts)
    return value.item() * of_batch / of_all
