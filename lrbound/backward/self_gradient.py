"""How much of a sample's gradient is at the sample itself: batch statistics hand the rest to the other samples.

The derivative of one sample's output by the values of all samples starts at that sample. Statistics of n samples take
delta_i (1 + z_i z_j)/n of it to every other one, and leave delta_i (1 - (1 + z_i^2)/n). Of n dimensions they take away two, so that
of the squared norm 1 - 2/n is left, of which, with E z^4 = 3 (n-1)/(n+1) on a sphere,

    at the sample 1 - 4/n + (3 + E z^4)/n^2,        at the others 2/n - (3 + E z^4)/n^2.

On maps the two directions that they see, the mean over positions and zhat, hold u_1 and u_2 of the squared norm in place of 1
each. What has just come to the others is alike at all of them. The masks below leave a part of it in the mean over the
batch, the ratio of the slopes' products between samples and in one (1/2 for ReLU), and the next statistics take that away.

What the mean hands on is a copy of the sample's own gradient. Until masks come, the same weights make both larger or smaller.

Status: derived for flat features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrbound.backward.measures import quotient
from lrbound.meanfield.kernel import SAME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.backward.dof import Signal
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array


class SelfGradient(NamedTuple):
    """Squared norm of a sample's gradient by where it is, up to a common factor.

    Attributes
    ----------
    own, fresh, old : float
        At the sample itself; at the others, since the last batch statistics and from before.
    copies : float
        Part of ``fresh`` that the mean has handed on.
    together : float
        Share of ``fresh`` that is still the same at all samples.
    """

    own: float = 1.0
    fresh: float = 0.0
    old: float = 0.0
    copies: float = 0.0
    together: float = 1.0

    @property
    def whole(self) -> float:
        """Return the squared norm at all samples."""
        return self.own + self.fresh + self.old

    @property
    def share(self) -> float:
        """Return the share of the sample itself."""
        return self.own / self.whole

    @property
    def alike(self) -> float:
        """Return the share of the sample and of copies of it."""
        return (self.own + self.together * self.copies) / self.whole

    def masked(self, ratio: float) -> SelfGradient:
        """Return it below masks whose slopes have this ratio of the products between samples to those of one."""
        return self._replace(together=self.together * ratio)

    def through_statistics(self, seen: Seen, samples: float) -> SelfGradient:
        """Return it below batch statistics."""
        lost = (seen.mean + seen.values) / samples
        twice = 0.25 * (3.0 + 3.0 * (samples - 1.0) / (samples + 1.0)) * lost**2
        kept = (1.0 - self.together) * self.fresh + self.old
        fresh = self.own * (lost - twice)
        copies = fresh * quotient(seen.mean, seen.mean + seen.values)
        return SelfGradient(self.own * (1.0 - 2.0 * lost + twice), fresh, kept * (1.0 - lost), copies)


class Seen(NamedTuple):
    """Shares of a gradient along the two directions that statistics see, u_1 and u_2: their mean, and their values."""

    mean: float
    values: float


def met(parts: Sequence[SelfGradient], sizes: Array) -> SelfGradient:
    """Return the shares of gradients that have met, of squared norms ``sizes``."""
    factors = [float(size) / part.whole for part, size in zip(parts, sizes, strict=True)]
    own, fresh, old, copies, same = (
        sum(factor * value for factor, value in zip(factors, values, strict=True))
        for values in zip(*((p.own, p.fresh, p.old, p.copies, p.fresh * p.together) for p in parts), strict=True)
    )
    return SelfGradient(own, fresh, old, copies, quotient(same, fresh))


def overlap_with_null_space(kernel: Kernel, own: Signal) -> Seen:
    """Return u_1 and u_2 of a gradient above batch statistics, whose values have this kernel."""
    total = float(own.site.sum()) * kernel.positions
    kernel = kernel.even
    square = kernel.mean**2
    power = float((kernel.weights * (kernel.on_site[SAME] - square)).sum()) / kernel.positions
    along = float((own.pair * (kernel.pair[SAME] - square)).sum() + (own.site * kernel.site[SAME]).sum())
    mean, values = quotient(float(own.pair.sum()), total), quotient(along, total * power)
    return Seen(min(max(mean, 0.0), 1.0), min(max(values, 0.0), 1.0))
