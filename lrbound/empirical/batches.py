"""Where the samples of a batch come from: white Gaussian inputs with the spec's statistics, or a data set."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from lrbound.errors import Refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lrbound.input_law import Input

FULL_BATCH = 256
"""Samples that approximate a full batch: at 256 what falls off as 1/n is small beside the rest."""


class Batches(Protocol):
    """A source of batches."""

    def draw(self, samples: int, seed: int) -> NDArray[np.float64]:
        """Return ``samples`` inputs, (samples, *shape); the same ones for the same seed."""
        ...


@dataclass(frozen=True)
class GaussianBatches:
    """x = sqrt(mean_square) (sqrt(c) shared + sqrt(1 - c) own), the shared part drawn once a batch.

    Attributes
    ----------
    law : Input
        The spec's ``input``.
    """

    law: Input

    def draw(self, samples: int, seed: int) -> NDArray[np.float64]:
        """Return Gaussian inputs."""
        rng = np.random.default_rng(seed)
        own = rng.standard_normal((samples, *self.law.shape))
        shared = rng.standard_normal(self.law.shape)
        c = self.law.correlation
        result: NDArray[np.float64] = math.sqrt(self.law.mean_square) * (
            math.sqrt(c) * shared + math.sqrt(1.0 - c) * own
        )
        return result


@dataclass(frozen=True)
class DataBatches:
    """Samples of a data set, drawn without replacement.

    Attributes
    ----------
    data : NDArray (n, *shape)
    """

    data: NDArray[np.float64]

    def draw(self, samples: int, seed: int) -> NDArray[np.float64]:
        """Return different samples of the data set."""
        if samples > len(self.data):
            raise Refused(
                f"a batch of {samples} samples was asked for and the data has {len(self.data)}; "
                f"use --samples {len(self.data)} or fewer"
            )
        chosen = np.random.default_rng(seed).choice(len(self.data), samples, replace=False)
        return self.data[chosen]
