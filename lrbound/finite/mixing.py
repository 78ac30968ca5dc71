"""The top of a branch is not quite an eigenvector: it is coupled to the rest of the spectrum, which pushes it up.

**The coherent direction** is mixed with the rest by gradients of single samples. The C x C matrices M_x = (gradients of
sample x) x (mean gradients)' average to the coherent block, and vary from sample to sample. With v the top eigenvector of the
mean,

    sum |G u - co u|^2 = mean over x of |(M_x - M) v|^2 = (C + 2) sum_m Q_m T_m (1/nu' - 1/nu)_m,

Q_m = sum_{l<=m} a_l the trace of what passes stage m, T_m the same of the grown parts (v is where they are large), nu' the
degrees of freedom of one sample's signal times the mean one: C - 1 other outputs with a variance of 1/nu' - 1/nu each, and
3 times that for v itself (a fourth moment of Gaussian weights).

So do the activations: a sample's product with the mean over the batch, h_x . h, varies from sample to sample by the relative
variance E v hb^2/(N (E hb^2 + E v/n)^2) that a stage of N units adds (hb a unit's mean over the batch, v its variance), and a
stage passes such a variation on with the slope d ln E hb^2/d ln x. With U_m the weight of a logarithm injected at stage m
(as in :mod:`lrbound.finite.localised`), sum_m variance_m U_m^2 adds to the coupling. For one layer this and the spread of
the bulk are the exact top of a spike and noise, X N + (A - X) (1 + N/n) + (A - X)^2/(n X) (Benaych-Georges and
Nadakuditi 2012). On maps it is h_x' G h, G the coherent gradient, from drawn units, on up to 100 positions, and 0 beyond; with
branches it is left out.

Status: the part of the activations is derived; narrow tanh nets of 20 outputs at a batch of 188 are within 4 % (12 to 17 %
low without it). That of the gradients is derived for the Wishart steps of stages without normaliser and with statistics of single channels over the batch;
measured couplings of small convolutional nets (C = 10 and 20, batches 16 to 64) are 1 to 1.2 times this under layer norm,
1.5 to 2 times under batch, cross-iteration and batch-group norm, 3 times under instance norm, and 4 times under group norm
of 4 channels, whose coupling of channels it leaves out. With branches Q_m and T_m are what flows through the stage's weights
(:mod:`lrbound.finite.routes`); there measured couplings are 0.3 times (an overlapping max pool) to 3 times this.

**The best sample** i of the branch ``lo`` is mixed with the samples j by the blocks G_ij, whose C elements along one output
vary from initialisation to initialisation, in two ways (p_l = sqrt(b_l b_l E1_l) the parts of their mean size):

    leaked    batch statistics have handed 2 (1 - own_l)/n of a gradient to each other sample, from i to j and from j to i, where
              it meets j's own gradient: C sum_m d_m (sum_{l<=m} p_l sqrt(2 (1 - own_l)))^2 in all, d_m = common (1 + coh^2)/nu
              the relative variance of the inner products of two samples' gradients that stage m adds;
    alike     inner products of both the inputs and the gradients at one pair of positions are random:
              n C sum_l p_l^2 crossed_l (1 + coh_l^2), crossed_l their relative variance, one over the fan-in times that of
              masks of so many channels. Positions do not count, because their pairs number as many as the square of a trace.

The gradient of the best sample is ``factor`` times as large. Status: derived; what masks further up add to the second
is left out. Root of the sum, predicted / measured: 89 / 90 and 7.8 / 7.2 (8 dense layers with batch norm, 16 and 64 samples),
629 / 696 (VGG-16 at a quarter of its width), 1550 / 1860 (ResNet-18, the same; one of four initialisations 2440).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from lrbound.finite.localised import Localised
    from lrbound.finite.profile import Profile
    from lrbound.finite.wishart import Array


def of_coherent(profile: Profile, grown: Array) -> float:
    """Return the sum of squares by which the coherent direction, whose layers' parts are ``grown``, is mixed."""
    if profile.mixing is None:
        return 0.0
    below, top = (profile.flow(parts, coherent=True)[0] for parts in (profile.coherent, grown))
    gradients = (profile.outputs + 2.0) * float(below * top @ profile.mixing)
    if profile.overlap is None or profile.overlap_slope is None or profile.of_inputs is None:
        return gradients
    none = np.zeros(len(profile.overlap_slope))
    weight = profile.carried(grown * profile.of_inputs, none, profile.overlap_slope, none, coherent=True)
    return gradients + float(profile.overlap @ weight**2)


def of_best_sample(profile: Profile, branch: Localised) -> float:
    """Return the sum of squares by which the best sample is mixed with the others."""
    parts = np.sqrt(branch.parts * profile.complement / profile.samples)
    spread = 1.0 + profile.coherence**2
    stages, _ = profile.flow(parts * np.sqrt(2.0 * (1.0 - profile.own)))
    leaked = 0.5 * (1.0 + branch.factor) * float((profile.common * spread[1:] / profile.one_sample) @ stages**2)
    alike = branch.factor * profile.samples * float((profile.crossed * spread) @ parts**2)
    return profile.outputs * (leaked + alike)
