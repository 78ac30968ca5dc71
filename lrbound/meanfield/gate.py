"""Products of branches: kernels of u g for independent u and g, and gradients that go to both.

E[u u' g g'] = E[u u'] E[g g'] where the weights of one branch are independent of those of the other; what a unit shares
with the same unit of the other branch through their common input is of the order 1/channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.meanfield.gradient import Gradient, Sums
from lrbound.meanfield.kernel import Kernel, diagonal
from lrbound.meanfield.regroup import common, regroup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.layers.base import Split
    from lrbound.meanfield.positions import Array, Axis


def multiply(one: Kernel, other: Kernel, *, gaussian: bool = False) -> tuple[Kernel, Split]:
    """Return the kernel of the product, and the way back.

    Parameters
    ----------
    one, other : Kernel
        The factors. One that has a single position is the same at all positions of the other.
    gaussian : bool
        Whether the product may be taken as Gaussian: where the other factor hardly varies.
    """
    rows, cols = _axes(one, other)
    factors = [_Factor(kernel, rows, cols) for kernel in (one, other)]
    (pair, on_site), (other_pair, other_on_site) = ((factor.pair, factor.on_site) for factor in factors)
    product = pair * other_pair
    out = Kernel(
        one.channels,
        rows,
        cols,
        product,
        on_site * other_on_site - diagonal(product),
        mean=one.mean * other.mean,
        gaussian=gaussian,
    )

    def split(gradient: Gradient) -> Sequence[Gradient]:
        return [
            factors[0].gradient(gradient, other_pair, other_on_site),
            factors[1].gradient(gradient, pair, on_site),
        ]

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
    pair : ndarray (..., k, r, r, c, c)
        Its kernel between two positions.
    on_site : ndarray (..., 2, r, c)
        That of one position with itself.
    """

    def __init__(self, kernel: Kernel, rows: Axis, cols: Axis) -> None:
        spread = kernel.positions == 1 and rows.size * cols.size > 1
        self._way = None if spread else regroup(kernel.rows, kernel.cols, rows, cols)
        self.pair: Array
        self.on_site: Array
        if self._way is None:
            # two positions of one sample see one value: all of the kernel is in the pairs, by sample
            self.on_site = kernel.on_site
            self.pair = kernel.on_site[..., None, :, None]
        else:
            self.pair, self.on_site = self._way.gather_pair(kernel.pair), self._way.gather(kernel.on_site)

    def gradient(self, above: Gradient, pair: Array, on_site: Array) -> Gradient:
        """Return the gradient at this factor from that at the product, with the kernel of the other factor."""
        sums = above.delta.times(pair, on_site)
        if self._way is None:
            total = sums.pair.sum(axis=(-4, -3, -2, -1), keepdims=True)
            return Gradient(Sums(total, total[..., 0, :, 0, :]))
        way, lean = self._way, above.excess
        # per variances of the product: those of the factor are smaller by the other factor's second moment
        excess = None if lean is None else lambda: way.backward(lean().times(pair**2, on_site**2))
        return Gradient(way.backward(sums), excess)
