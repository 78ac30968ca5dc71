"""What the effects read: a network as arrays of numbers, by weight layer, by stage and by source.

Weight layers are l = 1 .. L, numbered from the input; stage m = 1 .. L-1 is the Wishart step that a gradient passes between the
weight layer m+1 and what lies under it, and stage 0 is the input. A source is a place that adds variance to the norm of a
sample, or that changes how a norm is passed on: an activation, a normaliser, a gate, a random mask, or the sum at the end of
branches (:class:`~lrbound.backward.graph.Source`). C is the number of outputs, n the batch size. A gamma or beta counts with
the weight layer under it: their gradients pass the same stages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from lrbound.backward.graph import Routes
    from lrbound.backward.mean_activations import Pattern
    from lrbound.backward.norm_response import Response
    from lrbound.meanfield.positions import Array


class LayerwiseStatistics(NamedTuple):
    """Numbers by weight layer, shape (L,), by stage, shape (L-1,), and by source, shape (S,), or (S+1,) with the input before them.

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
    norm, gain, both : ndarray (S+1,), (S,), (S,)
        Relative variance that a source's finite width adds to the squared norm of a sample, to its gain, and their
        covariance. ``norm`` has the input first.
    norm_slope, gain_slope : ndarray (S,)
        How a source passes a norm on, and how its gain reacts to it (logarithmic derivatives).
    shared, shared_both : ndarray (S+1,), (S,)
        Relative variance of the squared mean over the batch, and its covariance with the squared mean slope. ``shared``
        has the input first.
    shared_slope, mean_slope : ndarray (S,)
        How a source passes the former on, and how its squared mean slope reacts.
    linear : ndarray (S,)
        lin_m: share of the variance between samples that a source passes on linearly.
    above_statistics : bool
        Whether batch statistics let nearly nothing of the coherent direction below the last of them.
    width : ndarray (S+1,)
        Effective number of units of each source for the forward Gram matrix, the input first.
    own_beside : ndarray (S,)
        As ``own``, at a source.
    mixing : ndarray by stage
        How far the C x C Gram matrix of one sample's gradients with the mean ones varies from sample to sample.
    overlap : ndarray (S+1,)
        Relative variance, from sample to sample, of a sample's product with the mean over the batch that a source's finite
        width adds, the input first.
    overlap_slope, overlap_own : ndarray (S,)
        How a source passes such a product on, and how its own product reacts to a sample's norm (logarithmic derivatives).
    overlap_norm : ndarray (S,)
        Covariance of ``overlap`` with ``norm``.
    of_inputs : ndarray (L,)
        Part of ``coherent`` that such products make; 0 on maps, where they are not tracked.
    pattern : Pattern
        What means of the activations add to the bulk.
    responses : tuple (S,) of callables or None
        Give a source's response to samples that stand out; None where it passes them on as they are.
    fixed : ndarray (S,) of bool
        Whether a source keeps the mean of the samples' squared distances, as batch statistics do.
    routes : Routes
        The graph on which all this stands.
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
    pattern: Pattern
    routes: Routes
    responses: tuple[Callable[[], Response] | None, ...]
    fixed: NDArray[np.bool_]

    def freedoms(self, values: Array, freedoms: Array, *, coherent: bool = False) -> Array:
        """Return the degrees of freedom of the stages for a sum with the layers' parts ``values``."""
        return self.routes.freedoms(values, freedoms, coherent=coherent)

    def flow(self, values: Array, *, coherent: bool = False) -> tuple[Array, Array]:
        """Return how much of a sum flows through each stage's weights, and through each source."""
        found = self.routes.flow(values, coherent=coherent)
        return found.stages, found.sources

    def carried(self, values: Array, through: Array, slope: Array, reaction: Array, *, coherent: bool = False) -> Array:
        """Return U, the weight of a logarithm injected at the input and at each source (see localized)."""
        return self.routes.carried(values, through, slope, reaction, coherent=coherent)
