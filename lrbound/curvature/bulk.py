"""Branch ``de``: the edge of the complement's spectrum, spread over the batch.

Centred networks (tanh, a proxy normaliser) have no coherent direction and no outstanding sample; lambda_max is where the
spectrum of the complement ends. Its width comes from the forward Gram matrix, n x n of rank N: every stage m, the input
included, adds fluctuations of variance 1/N_m, of which stage m+1 passes lin_{m+1} on. With

    w_l = coh_l b_l E2_l,   W = sum w_l,   c_{L-1} = w_L,   c_m = w_{m+1} + lin_{m+1} c_{m+1},

    de = W edge({(n/N_m)(c_m/W)^2 : m = 0 .. L-1}) + inc,      inc = sum_l (1 - coh_l) b_l E2_l,

E2_l the chain of the backward steps. On maps N_m counts eigenvalues of the gradient's part that two samples share. At
finite n the mean top of such a product lies below its edge, as it does for C outputs. What means of the activations add is
in :mod:`lrbound.backward.mean_activations`. All is computed as n b_l and 1/n, so that a full batch is an ordinary number.

Status: derived.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.backward.mean_activations import edge
from lrbound.curvature.wishart import Array, below_edges, edges, grown

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics


class Bulk(NamedTuple):
    """The branch: its edge, the centre of the semicircle under it, and n times the layers' parts of the centre."""

    edge: float
    centre: float
    parts: Array


def bulk(profile: LayerwiseStatistics) -> Bulk:
    """Return the branch ``de``."""
    n = profile.samples
    whole = grown(profile.outputs, profile.complement, profile.freedoms(profile.complement, profile.bulk))
    weight = profile.coherence * whole
    total = float(weight.sum())
    inside = float(whole.sum()) / n
    if not total > 0.0:
        return Bulk(inside, inside, whole)
    pattern = profile.pattern
    parts = pattern.share * whole
    _, common = profile.flow(pattern.common() * whole)
    ratios = (profile.carried(weight, common, profile.linear, pattern.gain) / total) ** 2 / profile.width
    if float(parts.sum()) > 1e-9 * total:
        top = edge(total, ratios, parts, pattern.width, n) / total
    else:
        top, parts = float(edges(ratios, 1.0 / n)[0]), 0.0 * parts
    others = (parts / total) ** 2 / pattern.width
    held = (1.0 + float(parts.sum()) / total) / n
    if n < math.inf:
        # a law of less than one dimension has one
        top = max(top * float(below_edges(n, n * np.minimum(np.append(ratios, others), 1.0))[0]), held)
    end = min(total * (top - held) + inside, float(whole.sum()))  # at most the trace
    return Bulk(end, inside, whole)


def coherent_bulk_halfwidth(profile: LayerwiseStatistics) -> float:
    """Return the half width of the part of the spectrum that the coherent direction u meets.

    G_l u = 0 for a layer that has no gradient along u, and |Q G_l u|^2 < a_l b_l y_l for one that has less along u than along
    other directions, a_l < b_l, as below batch statistics (b_l^2 y_l is the square of its half width): such layers are left
    out, with a smooth change-over. Where mixing by activations is not tracked (:mod:`lrbound.curvature.coupling`), the whole
    stands for it, and the answer is infinite.
    """
    if not profile.of_inputs.any():
        return math.inf
    others = profile.complement / profile.samples
    ratio = np.divide(others, profile.coherent, out=np.full_like(others, math.inf), where=profile.coherent > 0.0)
    left_in = 1.0 / (1.0 + ratio**4)
    met = profile._replace(complement=profile.complement * left_in)
    return 0.5 * max(bulk(met).edge - float(met.complement.sum()) / met.samples, 0.0)
