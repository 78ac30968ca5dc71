"""A network as the solver sees it: an input, layers with their arguments, and how it will be trained."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.layers.base import Node, run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lrbound.init import Init
    from lrbound.layers.base import Shape
    from lrbound.losses.base import Loss
    from lrbound.optimizers.base import Optimizer


OF_IMAGES = ("mean_share", "channel_correlation")
KINDS: dict[str, dict[str, float]] = {
    "images": {"mean_share": 0.3, "channel_correlation": 0.9, "centred_share": 0.28, "norm_kurtosis": 1.2},
    "tabular": {"centred_share": 0.25, "norm_kurtosis": 3.0},
    "white": {},
}
"""Typical statistics. Images: natural images normalised by channel (the first principal component of CIFAR-10 has 29 % of the
variance); flat features of them likewise. Tabular: standardised tables, about the median of scikit-learn's wine, breast cancer,
diabetes, digits and a table made like California's houses (centred share 0.12 to 0.44, kurtosis 1.3 to 11)."""

DISTINCT = 1.05
"""By how much the top share must exceed the correlation to be that of another direction than the samples' mean."""


@dataclass(frozen=True)
class Input:
    """Law of the samples.

    Attributes
    ----------
    shape : tuple of int
        ``(features,)`` or ``(channels, height, width)``.
    mean_square : float
        E[x_i^2].
    correlation : float
        E[x_i y_i] / E[x_i^2] for two different samples x, y.
    top_share : float or None
        Largest eigenvalue of the Gram matrix of the samples, nothing subtracted, divided by its trace; None where it is not
        known.
    centred_share : float or None
        The same after the mean of each feature has been subtracted (on images the mean of each channel).
    norm_kurtosis : float or None
        E|x|^4 / E[|x|^2]^2; None where it is not known, and then no more than the other shares make it.
    effective_features : float or None
        Number of equal, independent features that white samples need to have the same mean square cosine between them as
        the samples beside the first principal component; None for the number of features itself.
    mean_share : float or None
        On images, variance between samples of an image's own mean, by channel, divided by E[x_i^2].
    channel_correlation : float or None
        Correlation between channels of the images' own means.
    """

    shape: Shape
    mean_square: float = 1.0
    correlation: float = 0.0
    top_share: float | None = None
    centred_share: float | None = None
    norm_kurtosis: float | None = None
    effective_features: float | None = None
    mean_share: float | None = None
    channel_correlation: float | None = None

    @property
    def top_component(self) -> float:
        """Share of E[x_i^2] in the first principal component, beside what all samples have in common."""
        if self.centred_share is not None:
            return self.centred_share * (1.0 - self.correlation)
        if self.top_share is not None and self.top_share > DISTINCT * self.correlation:
            return min(self.top_share, 1.0 - self.correlation)
        return 0.0

    def as_white(self) -> Input:
        """Return the same input with nothing known of the samples but their mean square and correlation."""
        return Input(self.shape, self.mean_square, self.correlation)

    @property
    def white(self) -> bool:
        """Whether nothing is known of the samples but their mean square and correlation."""
        known = (self.top_share, self.centred_share, self.norm_kurtosis, self.effective_features, self.mean_share)
        return all(number is None for number in known)


def typical(shape: Shape, kind: str | None, stated: Mapping[str, float]) -> Input:
    """Return the input law with what is stated, and the typical statistics of its kind for the rest.

    A top share that is stated replaces the typical centred one, too.
    """
    known = {key: value for key, value in KINDS[kind or "white"].items() if len(shape) == 3 or key not in OF_IMAGES}
    if "top_share" in stated:
        known.pop("centred_share", None)
    return Input(shape, **{**known, **stated})


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
        Root mean square of a sample's target vector.
    """

    loss: Loss
    batch_size: int | None
    optimizer: Optimizer
    target_scale: float = 1.0

    @property
    def samples(self) -> float:
        """Batch size as a number; ``inf`` for a full batch."""
        return math.inf if self.batch_size is None else float(self.batch_size)


@dataclass(frozen=True)
class Network:
    """A parsed and checked spec.

    Attributes
    ----------
    name : str
    input : Input
    init : Init
        Initialisation of layers that have none of their own.
    training : Training
    nodes : tuple of Node
        The layers in order; containers hold their own.
    output_shape : tuple of int
        Always flat: ``(outputs,)``.
    """

    name: str
    input: Input
    init: Init
    training: Training
    nodes: tuple[Node, ...]
    output_shape: Shape

    @property
    def outputs(self) -> int:
        """Number C of outputs."""
        return self.output_shape[0]

    def unrolled(self) -> Iterator[tuple[Node, Shape]]:
        """Return every layer in the order in which it runs, repeats written out, with the shape of its input."""
        return run(self.nodes, self.input.shape)

    @property
    def parameters(self) -> int:
        """Number of learnable parameters."""
        return sum(node.layer.parameters(shape) for node, shape in self.unrolled())
