"""The top of a branch is not quite an eigenvector: it is coupled to the rest of the spectrum, which pushes it up.

**The coherent direction** is mixed with the rest by gradients of single samples. The C x C matrices M_x = (gradients of
sample x) x (mean gradients)' average to the coherent block, and vary from sample to sample. With v the top eigenvector of the
mean,

    sum |G u - co u|^2 = mean over x of |(M_x - M) v|^2 = (C + 2) sum_m Q_m T_m (1/nu' - 1/nu)_m,

Q_m = sum_{l<=m} a_l the trace of what passes stage m, T_m the same of the grown parts (v is where they are large), nu' the
degrees of freedom of one sample's signal times the mean one: C - 1 other outputs with a variance of 1/nu' - 1/nu each, and
3 times that for v itself (a fourth moment of Gaussian weights).

So do the activations: a sample's product with the mean over the batch, h_x . h, varies from sample to sample by the relative
variance E v hb^2/(N (E hb^2 + E v/n)^2) that a stage of N units adds (hb a unit's mean over the batch, v its variance). A
stage passes on such a variation, that of the product below it with the slope E p m hb/E hb^2 (m a unit's mean below
the activation, p its mean slope) and that of the sample's own norm s^2 = |h_x - h|^2 with E hb (d hb/d ln s^2)/E hb^2: 1/2
for a ReLU of centred values. The norms vary as in :mod:`lrbound.curvature.localized`, and together with the products where v is
skewed. With U_m the weight of the logarithm of a product injected at stage m, and V_m that of a norm's,

    U_m = a_{m+1} + slope U_{m+1},      V_m = norm_slope V_{m+1} + own U_{m+1},
    sum_m overlap_m U_m^2 + norm_m V_m^2 + 2 overlap_norm_m U_m V_m    adds to the coupling.

For one layer this and the spread of the bulk are the exact top of a spike and noise, X N + (A - X) (1 + N/n) + (A -
X)^2/(n X) (Benaych-Georges and Nadakuditi 2012). On maps it is h_x' G h, G the coherent gradient, from drawn units, on up to
100 positions, without the part of the norms, and 0 beyond; with branches it is left out there.

On a stream of Gaussian values, which several activations read, both vary once, at its sums, and an activation adds only what is
left beside the projection on that. The slopes are its coefficients (Stein), so this is exact for one activation; what is left is
taken as different for each.

Status: the part of the activations is derived to first order. That of the gradients is derived for the Wishart steps of stages
without normaliser and with statistics of single channels over the batch; under other statistics it is too small by up to a factor
of 4. With branches Q_m and T_m are what flows through the stage's weights (:mod:`lrbound.backward.graph`).

**The best sample** i of the branch ``lo`` is mixed with the samples j by the blocks G_ij, whose C elements along one output
vary from initialisation to initialisation, in two ways (p_l = sqrt(b_l b_l E1_l) the parts of their mean size):

    leaked    batch statistics have handed 2 (1 - own_l)/n of a gradient to each other sample, from i to j and from j to i, where
              it meets j's own gradient: C sum_m d_m (sum_{l<=m} p_l sqrt(2 (1 - own_l)))^2 in all, d_m = common (1 + coh^2)/nu
              the relative variance of the inner products of two samples' gradients that stage m adds;
    alike     inner products of both the inputs and the gradients at one pair of positions are random:
              n C sum_l p_l^2 crossed_l (1 + coh_l^2), crossed_l their relative variance, one over the fan-in times that of
              masks of so many channels. Positions do not count, because their pairs number as many as the square of a trace.

The gradient of the best sample is ``factor`` times as large. Status: derived; what activation
derivatives further up add to the second is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics
    from lrbound.curvature.localized import Localized
    from lrbound.curvature.wishart import Array


def of_coherent(profile: LayerwiseStatistics, grown: Array) -> float:
    """Return the sum of squares by which the coherent direction, whose layers' parts are ``grown``, is mixed."""
    below, top = (profile.flow(parts, coherent=True)[0] for parts in (profile.coherent, grown))
    gradients = (profile.outputs + 2.0) * float(below * top @ profile.mixing)
    if not profile.of_inputs.any():
        return gradients
    none = np.zeros(len(profile.overlap_slope))
    product = profile.carried(grown * profile.of_inputs, none, profile.overlap_slope, none, coherent=True)
    norm = profile.carried(0.0 * grown, product[1:], profile.norm_slope, profile.overlap_own)
    both = float(profile.overlap_norm @ (product * norm)[1:])
    return gradients + float(profile.overlap @ product**2) + float(profile.norm @ norm**2) + 2.0 * both


def of_best_sample(profile: LayerwiseStatistics, branch: Localized) -> float:
    """Return the sum of squares by which the best sample is mixed with the others."""
    parts = np.sqrt(branch.parts * profile.complement / profile.samples)
    spread = 1.0 + profile.coherence**2
    stages, _ = profile.flow(parts * np.sqrt(2.0 * (1.0 - profile.own)))
    leaked = 0.5 * (1.0 + branch.factor) * float((profile.common * spread[1:] / profile.one_sample) @ stages**2)
    alike = branch.factor * profile.samples * float((profile.crossed * spread) @ parts**2)
    return profile.outputs * (leaked + alike)
