"""Branch ``co``: the coherent direction, times the best combination of the outputs.

At infinite width the C outputs' mean gradients are orthogonal and of equal length, so the all-ones direction of the batch
has the eigenvalue a = sum a_l, C times. At finite width their C x C Gram matrix has passed the stages m = l .. L-1 as a
Wishart step each, with nb_m degrees of freedom, and the largest eigenvalue of the nested sum grows (derived):

    co = E2 sum_l a_l,   E2 = chain(C, {nb_m/Q_m^2}),   Q_m = sum_{l<=m} a_l / sum a_l.

nb_m counts the units by their mean slope p over the batch, N (E p^2)^2 / E p^4: without normalisation a ReLU unit is on
or off for most of the batch, and half of the units count. That is why (1 + sqrt(C/N))^2 is too small
(lrbound/theory/mean-field.md, section 6).

Status: checked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.curvature.wishart import Array, grown

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics


def parts(profile: LayerwiseStatistics) -> Array:
    """Return the layers' parts of ``co``, shape (L,)."""
    freedoms = profile.freedoms(profile.coherent, profile.batch_mean, coherent=True)
    return grown(profile.outputs, profile.coherent, freedoms)
