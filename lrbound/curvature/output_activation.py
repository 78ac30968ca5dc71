"""An activation above the last weights: a part of the loss, whose Hessian it makes that of unlike outputs.

With f = phi(z) and z the last Gaussian values, the Gauss-Newton matrix is that of the network up to z under a loss with the
Hessian D_x Q_x D_x, D_x = diag(phi'(z)) (chain rule, exact). The outputs of one network differ: where samples have most of z
in common a relu leaves an output on for nearly all samples or for none, and lambda_max is that of the outputs which are on,
not the mean over outputs.

Below an average over all positions the curvature of output k is taken as the square of the mean of phi'(z) over positions,
given what z has in common over the map: with s^2 the variance of z less that of its mean over positions,

    f = Phi(m),   Phi(m) = E phi(m + s xi),   D = Phi'(m).

That is exact where two positions' gradients have the same product for all pairs, as features of a positive mean nearly have.

Status: derived for flat outputs. Logits are drawn as for a loss (:mod:`lrbound.curvature.softmax`).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lrbound.layers.base import Node, unroll
from lrbound.layers.global_avg_pool import GlobalAvgPool
from lrbound.losses._hessians import MOST_FORMED, OutputHessians
from lrbound.losses._saturating import gaussian_logits, most_samples
from lrbound.losses.base import Logits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lrbound.architecture import Architecture
    from lrbound.backward.sweep import Term
    from lrbound.losses._hessians import Array
    from lrbound.losses.base import Loss
    from lrbound.meanfield.contract import Elementwise

REACH, POINTS, GRID = 6.0, 481, 401
"""Reach of the mean over the values of one map in standard deviations, its points, and the points m at which it is taken."""


def output_activation(network: Architecture) -> OutputActivation | None:
    """Return the activation above the last Gaussian values; None where the outputs are such values themselves.

    Also None with more outputs than matrices are formed for.
    """
    nodes = tuple(unroll(network.nodes))
    pooled = isinstance(nodes[-1].layer, GlobalAvgPool)
    rest = nodes[: -1 - pooled]
    curve = nodes[-1 - pooled].layer.curve if rest else None
    if curve is None or network.outputs > MOST_FORMED:
        return None
    last = rest[-1].layer
    if not (last.has_weights or last.fixes_scale):
        return None
    return OutputActivation(curve, rest + nodes[len(nodes) - pooled :], pooled)


class OutputActivation(NamedTuple):
    """What stands above the last Gaussian values.

    Attributes
    ----------
    curve : Elementwise
        phi.
    below : tuple of Node
        The layers of the network without phi, the average over positions included.
    pooled : bool
        Whether the mean over all positions is taken above phi.
    """

    curve: Elementwise
    below: tuple[Node, ...]
    pooled: bool

    def hessians(self, loss: Loss, terms: Sequence[Term], outputs: int, samples: float) -> OutputHessians:
        """Return D Q D of drawn values.

        Parameters
        ----------
        loss : Loss
        terms : sequence of Term
            Those of the network without phi.
        outputs : int
            C.
        samples : float
            n.
        """
        last = terms[-1]
        z = gaussian_logits(Logits(last.q, last.q_xy, outputs), int(min(most_samples(outputs), samples)))
        spread = math.sqrt(max(terms[-2].q - last.q, 0.0)) if self.pooled else 0.0
        values, slopes = self._over_map(z, spread)
        found = loss.hessians_at(values)
        vector = None if found.vector is None else found.vector * slopes
        squares = np.square(slopes)
        return OutputHessians(found.diagonal * squares, vector, found.most * float(squares.max(initial=0.0)))

    def _over_map(self, z: NDArray[np.float32], spread: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return Phi and its derivative."""
        if not spread > 0.0:
            exact = z.astype(np.float64)
            return self.curve.value(exact).astype(np.float32), self.curve.slope(exact).astype(np.float32)
        around = np.linspace(-REACH, REACH, POINTS)
        density = np.exp(-0.5 * around**2)
        density /= density.sum()
        reach = float(np.abs(z).max()) + spread
        grid = np.linspace(-reach, reach, GRID)
        fine = grid[:, None] + spread * around

        def mean(of: Array) -> NDArray[np.float32]:
            return np.interp(z, grid, of @ density).astype(np.float32)

        return mean(self.curve.value(fine)), mean(self.curve.slope(fine))
