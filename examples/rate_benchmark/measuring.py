"""What is measured of one cell and one seed: the final loss over rates, where training fails, and the range tests.

Every rate that is tried is a power of 2^(1/4), so that what was trained is found again whatever was asked first. A run fails where it
explodes or collapses (:mod:`lrbound.empirical.divergence`), or where it ends with the loss of constant outputs though a smaller
rate of the same cell trains to half of that.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import torch

from lrbound.empirical.divergence import COLLAPSED, Judge
from lrbound.empirical.range_test import range_test
from lrbound.empirical.training import Descent, prepare
from rate_benchmark.cells import Cell, trained_data, trained_network

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lrbound.empirical.datasets import Dataset
    from lrbound.network import Network

Outcome = Literal["trained", "collapsed", "exploded"]

NOTCHES = 4
"""Steps of the lattice of rates in a factor of 2; a bracket of one is a factor of 1.19."""
LAST = 30
"""Losses of which the final loss is the mean."""
LEARNT = 0.5
"""A run that ends below this fraction of the loss of constant outputs has learnt."""
WORSE = 1.3
"""The grid goes down until the loss is this many times the best."""
BELOW = 2
"""Rates of the grid below the best one at least."""
REACH = 6
"""Factors of 2 from the best rate at which the search for a failure above and for a worse loss below ends."""
DEEPEST = 24
"""Factors of 2 that are tried below the first rate that fails, where none of them trains."""
START = 2.0**-6
FIXED_SAMPLES = 256
FIRST_STEPS = 10
FIRST_RATES = 60
"""Rates at which the first steps are tried at most."""


@dataclass(frozen=True)
class Point:
    """A run at one rate.

    Attributes
    ----------
    loss : float or None
        Mean of the last 30 losses; None where the run exploded.
    outcome : str
        Whether it trained, collapsed after its loss had grown, or exploded.
    """

    loss: float | None
    outcome: Outcome


@dataclass
class Task:
    """A cell with a seed, and the runs at it that are done.

    Attributes
    ----------
    network : Network
    optimizer : dict
        As the spec has it.
    data : Dataset
    seed : int
    steps : int
    points : dict of int to Point
        By the notch of the rate: rate = 2^(notch/4).
    """

    network: Network
    optimizer: dict[str, Any]
    data: Dataset
    seed: int
    steps: int
    points: dict[int, Point] = field(default_factory=dict)
    _judge: Judge | None = None

    @property
    def judge(self) -> Judge:
        """The losses before the first step and of constant outputs."""
        if self._judge is None:
            self._judge = prepare(self.network, self.data, self.seed).judge
        return self._judge

    def descent(self) -> Descent:
        """Return the network at its start."""
        return prepare(self.network, self.data, self.seed, judge=self.judge)

    def train(self, rate: float) -> Point:
        """Train at a rate."""
        descent, judge = self.descent(), self.judge
        optimizer = torch_optimizer(self.optimizer, descent.module.parameters(), rate)
        losses = descent.losses(optimizer, itertools.repeat(rate, self.steps), judge.hopeless)
        if judge.exploded(losses):
            return Point(None, "exploded")
        return Point(sum(losses[-LAST:]) / len(losses[-LAST:]), "collapsed" if judge.collapsed(losses) else "trained")

    def at(self, notch: int) -> Point:
        """Return the run at a notch, which is trained once."""
        if notch not in self.points:
            self.points[notch] = self.train(rate_of(notch))
        return self.points[notch]

    @property
    def best(self) -> int | None:
        """Notch with the smallest final loss among those that trained."""
        trained = {notch: p.loss for notch, p in self.points.items() if p.outcome == "trained" and p.loss is not None}
        return min(trained, key=trained.__getitem__) if trained else None

    def fails(self, notch: int) -> bool:
        """Return whether the run at a notch failed, by what is known so far."""
        point, best = self.at(notch), self.best
        if point.outcome != "trained" or best is None or point.loss is None:
            return True
        floor = self.points[best].loss
        learns = floor is not None and floor < LEARNT * self.judge.constant
        return learns and notch > best and point.loss > COLLAPSED * self.judge.constant


def rate_of(notch: int) -> float:
    """Return the rate of a notch."""
    return float(2.0 ** (notch / NOTCHES))


def torch_optimizer(
    arguments: dict[str, Any], parameters: Iterable[torch.nn.Parameter], rate: float
) -> torch.optim.Optimizer:
    """Return torch's optimiser for a spec's."""
    given = {name: value for name, value in arguments.items() if name != "name"}
    kind: Callable[..., torch.optim.Optimizer] = {"sgd": torch.optim.SGD, "adamw": torch.optim.AdamW}[arguments["name"]]
    return kind(parameters, lr=rate, fused=True, **given)  # the fused form spends least on small tensors


def search(task: Task, start: float) -> tuple[int | None, int | None]:
    """Train over a grid of factor 2 that has the best rate inside, and bisect the smallest rate that fails.

    Returns
    -------
    low, high : int or None
        Notches of the largest rate below the failure and of the failure itself, a factor of 1.19 apart;
        None where every rate fails, or none up to 64 times the best.
    """
    top = bottom = NOTCHES * round(math.log2(start))
    while True:
        before = (top, bottom)
        while not task.fails(top) and not _far(task, top):
            top += NOTCHES
        while not _low_enough(task, bottom) and top - bottom < DEEPEST * NOTCHES:
            bottom -= NOTCHES
            task.at(bottom)
        if (top, bottom) == before:
            break
    return _bisect(task)


def _far(task: Task, top: int) -> bool:
    return task.best is not None and top - task.best >= REACH * NOTCHES


def _low_enough(task: Task, bottom: int) -> bool:
    best = task.best
    if best is None:
        return False
    low, least = task.at(bottom).loss, task.points[best].loss
    if best - bottom >= REACH * NOTCHES:
        return True
    return best - bottom >= BELOW * NOTCHES and low is not None and least is not None and low > WORSE * least


def _bisect(task: Task) -> tuple[int | None, int | None]:
    failed = [notch for notch in sorted(task.points) if task.fails(notch)]
    high = failed[0] if failed else None
    below = [notch for notch in task.points if high is None or notch < high]
    low = max(below) if below else None
    while low is not None and high is not None and high - low > 1:
        middle = (low + high) // 2
        task.at(middle)
        low, high = (low, middle) if task.fails(middle) else (middle, high)
    return low, high


def first_steps(task: Task, start: float) -> list[tuple[float, bool, bool]]:
    """Find where the first steps raise the loss on 256 fixed samples, over a grid of factor 2^(1/2).

    Returns
    -------
    list of (rate, bool, bool)
        Whether the loss is above its start after the first step, and after any of the first ten.
    """
    rose: dict[int, tuple[bool, bool]] = {}
    notch = top = bottom = NOTCHES // 2 * round(2 * math.log2(start))
    while len(rose) < FIRST_RATES:
        rose[notch] = _rose(task, rate_of(notch))
        if not rose[top][0]:
            top = notch = top + NOTCHES // 2
        elif rose[bottom][1]:
            bottom = notch = bottom - NOTCHES // 2
        else:
            break
    return [(rate_of(notch), *rose[notch]) for notch in sorted(rose)]


def _rose(task: Task, rate: float) -> tuple[bool, bool]:
    descent = task.descent()
    optimizer = torch_optimizer(task.optimizer, descent.module.parameters(), rate)
    losses: list[float] = []

    def probe() -> None:
        with torch.no_grad():
            losses.append(descent.batch_loss(slice(FIXED_SAMPLES)).item())

    probe()
    descent.losses(optimizer, itertools.repeat(rate, FIRST_STEPS), lambda loss: not math.isfinite(loss), probe)
    above = [not loss <= losses[0] for loss in losses[1:]]
    return above[0], any(above)


def measure(cell: Cell, seed: int) -> dict[str, Any]:
    """Measure one cell with one seed, on one thread.

    Returns
    -------
    dict
        ``initial`` and ``constant``: losses before training and of constant outputs; ``runs``: [rate, final loss or null, outcome] of every run;
        ``best``: rate and loss; ``boundary``: the rates below and at the failure, null where there is none; ``range_test``: the rules' rates;
        ``first_steps`` of optimisers other than sgd, see :func:`first_steps`; ``seconds`` of the processor.
    """
    torch.set_num_threads(1)
    began = time.process_time()
    network, data = trained_network(cell), trained_data(cell)
    task = Task(network, cell.spec["training"]["optimizer"], data, seed, cell.steps)
    descent = task.descent()
    test = range_test(descent, torch_optimizer(task.optimizer, descent.module.parameters(), START))
    low, high = search(task, test.minimum or START)
    best = task.best
    result: dict[str, Any] = {
        "seed": seed,
        "initial": _short(task.judge.initial),
        "constant": _short(task.judge.constant),
        "runs": [[_short(rate_of(n)), _short(p.loss), p.outcome] for n, p in sorted(task.points.items())],
        "best": None if best is None else [_short(rate_of(best)), _short(task.points[best].loss)],
        "boundary": [_short(None if n is None else rate_of(n)) for n in (low, high)],
        "range_test": {name: _short(rate) for name, rate in dataclasses.asdict(test).items()},
    }
    if cell.spec["training"]["optimizer"]["name"] != "sgd":
        result["first_steps"] = [[_short(rate), *rose] for rate, *rose in first_steps(task, test.minimum or START)]
    result["seconds"] = round(time.process_time() - began, 2)
    return result


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


def run_at(cell: Cell, seed: int, rate: float) -> tuple[Cell, dict[str, Any]]:
    """Train one cell at one rate and return the cell with the run."""
    torch.set_num_threads(1)
    task = Task(trained_network(cell), cell.spec["training"]["optimizer"], trained_data(cell), seed, cell.steps)
    point = task.train(rate)
    return cell, {"seed": seed, "rate": rate, "loss": _short(point.loss), "outcome": point.outcome}
