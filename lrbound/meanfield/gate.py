"""Products of branches: kernels of u g for independent u and g, and gradients that go to both.

E[u u' g g'] = E[u u'] E[g g'] where the weights of one branch are independent of those of the other; what a unit shares
with the same unit of the other branch through their common input is of the order 1/channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import Kernel, diagonal
from lrbound.meanfield.neighbours import Factor, reach_of
from lrbound.meanfield.regroup import common, regroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.meanfield.contract import Split
    from lrbound.meanfield.edges import Reach
    from lrbound.meanfield.positions import Axis


def multiply(one: Kernel, other: Kernel, *, gaussian: bool = False) -> tuple[Kernel, Split]:
    """Return the kernel of the product, and its pullback.

    Parameters
    ----------
    one, other : Kernel
        The factors. One that has a single position is the same at all positions of the other.
    gaussian : bool
        Whether the product may be taken as Gaussian: where the other factor hardly varies.
    """
    rows, cols = _axes(one, other)
    factors = [_Factor(kernel, rows, cols, reach_of(one.near, other.near)) for kernel in (one, other)]
    first, second = (factor.moments for factor in factors)
    product, _, near = first.times(second)
    out = Kernel(
        one.channels,
        rows,
        cols,
        product,
        first.site * second.site - diagonal(product),
        mean=one.mean * other.mean,
        gaussian=gaussian,
        near=near,
    )

    def split(gradient: Gradient) -> Sequence[Gradient]:
        return [factors[0].gradient(gradient, second), factors[1].gradient(gradient, first)]

    return out, split


def _axes(one: Kernel, other: Kernel) -> tuple[Axis, Axis]:
    if other.positions == 1:
        return one.rows, one.cols
    if one.positions == 1:
        return other.rows, other.cols
    return common(one.rows, other.rows), common(one.cols, other.cols)


class _Factor:
    """One factor on the positions of the product.

    Attributes
    ----------
    moments : Factor
        Its kernel between two positions, of one position with itself, and what neighbours have beside.
    """

    def __init__(self, kernel: Kernel, rows: Axis, cols: Axis, reach: Reach) -> None:
        spread = kernel.positions == 1 and rows.size * cols.size > 1
        self._way = None if spread else regroup(kernel.rows, kernel.cols, rows, cols)
        self._near = kernel.near
        if self._way is None:
            # two positions of one sample see one value: all of the kernel is in the pairs, by sample
            self.moments = Factor(kernel.on_site[..., None, :, None], kernel.on_site, None)
        else:
            self.moments = Factor(kernel.pair, kernel.on_site, kernel.near).on(self._way, reach)

    def gradient(self, above: Gradient, other: Factor) -> Gradient:
        """Return the gradient at this factor from that at the product, with the kernel of the other factor."""
        sums = above.delta.times(*other)
        if self._way is None:
            total = sums.pair.sum(axis=(-4, -3, -2, -1), keepdims=True)
            return Gradient(Sums(total, total[..., 0, :, 0, :]))
        way, lean = self._way, above.excess
        # per variances of the product: those of the factor are smaller by the other factor's second moment
        excess = None if lean is None else lambda: way.backward(lean().times(*other.times(other)), self._near)
        return Gradient(way.backward(sums, self._near), excess)
