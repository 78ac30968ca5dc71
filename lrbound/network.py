"""A network as a spec describes it: an architecture, and how it will be trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    """

    loss: Loss
    batch_size: int | None
    optimizer: Optimizer

    @property
    def samples(self) -> float:
        """Batch size as a number; ``inf`` for a full batch."""
        return math.inf if self.batch_size is None else float(self.batch_size)


@dataclass(frozen=True)
class Network(Architecture):
    """A parsed and checked spec.

    Attributes
    ----------
    training : Training
    """

    training: Training
