"""What the effects read: a network as a row of numbers.

Weight layers are l = 1 .. L, from the input; stage m = 1 .. L-1 is what lies between the weight layers m and m+1, and
stage 0 is the input. C is the number of outputs, n the batch size. A gamma or beta counts with the weight layer under it:
their gradients pass the same stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lrbound.finite.pattern import Pattern
    from lrbound.finite.response import Response
    from lrbound.finite.routes import Routes
    from lrbound.finite.wishart import Array


class Profile(NamedTuple):
    """Numbers by weight layer, shape (L,), and by stage, shape (L-1,) unless stated.

    Attributes
    ----------
    samples : float
        n.
    outputs : int
        C.
    coherent : ndarray
        a_l: Fisher value of the direction in which all samples are alike, once per output.
    complement : ndarray
        n b_l: n times the Fisher value of the directions orthogonal to it. Finite at n = inf.
    coherence : ndarray
        coh_l: share of b_l that a direction keeps in one piece; the rest spreads over all samples.
    own : ndarray (L,)
        Share of a sample's gradient at a layer's output that is at the sample itself.
    own_alike : ndarray (L,)
        The same with copies of it at other samples.
    common : ndarray by stage
        Kurtosis of the slopes' products of two samples over that of one: 1/2 for ReLU, 1 without masks.
    crossed : ndarray (L,)
        Relative variance of two samples' inner products at one pair of positions: that of a weight layer's inputs, one over
        its fan-in, times that of the gradients at its output, below the masks of the stage (0 at the outputs).
    one_sample, batch_mean, bulk : ndarray by stage
        Degrees of freedom of the C x C backward Gram matrix of one sample, of the mean over the batch, and of a direction
        spread over the batch.
    norm, gain, both : ndarray by stage
        Relative variance that the stage's finite width adds to the squared norm of a sample, to its gain, and their
        covariance. ``norm`` has the input before the stages, shape (L,).
    norm_slope, gain_slope : ndarray by stage
        How a stage passes a norm on, and how its gain reacts to it (logarithmic derivatives).
    shared, shared_both : ndarray by stage
        Relative variance of the squared mean over the batch, and its covariance with the squared mean slope. ``shared``
        has the input before the stages, shape (L,).
    shared_slope, mean_slope : ndarray by stage
        How a stage passes the former on, and how its squared mean slope reacts.
    linear : ndarray by stage
        lin_m: share of the variance between samples that a stage passes on linearly.
    above_statistics : bool
        Whether batch statistics let nearly nothing of the coherent direction below the last of them.
    width : ndarray (L,)
        Effective number of units at the input of each weight layer, for the forward Gram matrix.
    own_beside : ndarray by stage
        As ``own``, at the masks of a stage.
    mixing : ndarray by stage
        How far the C x C Gram matrix of one sample's gradients with the mean ones varies from sample to sample.
    overlap : ndarray (L,)
        Relative variance, from sample to sample, of a sample's product with the mean over the batch that the stage's finite
        width adds, the input before the stages.
    overlap_slope, overlap_own : ndarray by stage
        How a stage passes such a product on, and how its own product reacts to a sample's norm (logarithmic derivatives).
    overlap_norm : ndarray by stage
        Covariance of ``overlap`` with ``norm``.
    of_inputs : ndarray (L,)
        Part of ``coherent`` that such products make; 0 on maps with branches, where they are not tracked.
    pattern : Pattern or None
        What means of the activations add to the bulk; None where there are branches.
    responses : tuple of sequences, by stage
        Give the responses of a stage's layers to samples that stand out, the highest first; empty with branches.
    fixed : ndarray of bool, by stage, or None
        Whether batch statistics keep the mean of the samples' squared distances.
    routes : Routes or None
        The ways through a network with branches. There ``norm`` to ``linear``, ``width``, ``own_beside`` and what has
        ``overlap`` in its name have an entry for each of its sources, and the input before them where that is said; None
        where the layers run one after the other.
    """

    samples: float
    outputs: int
    coherent: Array
    complement: Array
    coherence: Array
    own: Array
    own_alike: Array
    common: Array
    crossed: Array
    one_sample: Array
    batch_mean: Array
    bulk: Array
    norm: Array
    gain: Array
    both: Array
    norm_slope: Array
    gain_slope: Array
    shared: Array
    shared_both: Array
    shared_slope: Array
    mean_slope: Array
    linear: Array
    above_statistics: bool
    width: Array
    own_beside: Array
    mixing: Array
    overlap: Array
    overlap_slope: Array
    overlap_own: Array
    overlap_norm: Array
    of_inputs: Array
    routes: Routes | None = None
    pattern: Pattern | None = None
    responses: tuple[Sequence[Callable[[], Response]], ...] = ()
    fixed: NDArray[np.bool_] | None = None

    def freedoms(self, values: Array, freedoms: Array, *, coherent: bool = False) -> Array:
        """Return the degrees of freedom of the stages for a sum with the layers' parts ``values``."""
        return freedoms if self.routes is None else self.routes.freedoms(values, freedoms, coherent=coherent)

    def flow(self, values: Array, *, coherent: bool = False) -> tuple[Array, Array]:
        """Return how much of a sum flows through each stage's weights, and through what adds spread to norms."""
        if self.routes is not None:
            found = self.routes.flow(values, coherent=coherent)
            return found.stages, found.sources
        below = np.cumsum(values)[:-1]
        return below, below

    def carried(self, values: Array, through: Array, slope: Array, reaction: Array, *, coherent: bool = False) -> Array:
        """Return U_m, the weight of a logarithm injected at stage m = 0 .. L-1 (see localised)."""
        if self.routes is not None:
            return self.routes.carried(values, through, slope, reaction, coherent=coherent)
        weight = np.empty(len(values))
        weight[-1] = values[-1]
        for m in range(len(values) - 2, -1, -1):
            weight[m] = values[m] + slope[m] * weight[m + 1] + reaction[m] * through[m]
        return weight
