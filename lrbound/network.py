"""A network as a spec describes it: an architecture, and how it will be trained."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lrbound.architecture import Architecture

if TYPE_CHECKING:
    from lrbound.losses.base import Loss
    from lrbound.optimizers.base import Optimizer


@dataclass(frozen=True)
class Training:
    """What one step of training sees.

    Attributes
    ----------
    loss : Loss
    batch_size : int or None
        Samples in one step; None is a full batch, so large that 1/batch_size is 0.
    optimizer : Optimizer
    target_scale : float
        Root mean square of a sample's target vector; 1 for one-hot targets.
    target_mean_share : float or None
        Squared norm of the mean target by its mean square; None where it is not known (1/C of one-hot targets, 0 of one output).
    accumulation : int
        Batches whose gradients are averaged in a step.
    clip_norm : float or None
        Norm to which a longer gradient is cut.
    line, column : int
        Where the spec says the learning rate, or what else it says of training, from 1; 0 where that is not known.
    """

    loss: Loss
    batch_size: int | None
    optimizer: Optimizer
    target_scale: float = 1.0
    target_mean_share: float | None = None
    accumulation: int = 1
    clip_norm: float | None = None
    line: int = field(default=0, compare=False)
    column: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        """Tell the loss the scale of the targets."""
        object.__setattr__(self, "loss", self.loss.on_targets(self.target_scale))

    @property
    def samples(self) -> float:
        """Batch size as a number; ``inf`` for a full batch."""
        return math.inf if self.batch_size is None else float(self.batch_size)

    @property
    def step_samples(self) -> int | None:
        """Samples whose gradients one step averages; None for a full batch."""
        return None if self.batch_size is None else self.batch_size * self.accumulation


@dataclass(frozen=True)
class Network(Architecture):
    """A parsed and checked spec.

    Attributes
    ----------
    training : Training
    """

    training: Training
