"""The rate above which the first step of an adaptive optimiser raises the loss.

The first step moves every parameter by the same length eta, against the sign of its gradient g. To second order

    loss(1) - loss(0) = -eta |g|_1 + (eta^2/2) Q E|V(x)|^2,    V(x) = J(x) sign(g),

with Q the curvature of the loss in the outputs. For a group of M parameters with the values lambda_c of the direction that samples
share and lambda_o of the others (the eigenvalues of the group's part of the tangent kernel by the number of samples), and a mean
residual of squared norm rb^2 beside the samples' own s^2,

    G^2   = lambda_c rb^2 + lambda_o s^2,    kappa = [fold lambda_c rb^2 + sqrt(2/pi) lambda_o s^2]/G^2,
    |g|_1 = sum kappa sqrt(M) G,             V = sum kappa sqrt(M)/G (lambda_c rb + lambda_o s) and noise (1 - kappa^2) K1.

Without a normaliser a step also makes the signals grow that the other layers' steps meet, (1 + (eta D)^2)^(1/4) for each layer whose
output is shifted by eta D times its root mean square. Derivation, its status and how it did on trained networks:
lrbound/theory/adam.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrbound.backward.folds import GAUSSIAN
from lrbound.backward.parameter_groups import parameter_groups
from lrbound.forward.sweep import forward
from lrbound.layers.base import leaves
from lrbound.losses.base import Logits, TargetLaw
from lrbound.notices import Notice
from lrbound.rate.confidence import MANY_OUTPUTS, Confidence
from lrbound.rate.structure import shared_direction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from lrbound.backward.parameter_groups import ParameterGroup
    from lrbound.layers.base import Layer
    from lrbound.losses.base import Residuals
    from lrbound.meanfield.contract import Context, Shape
    from lrbound.network import Network
    from lrbound.optimizers.base import Optimizer

    Array = NDArray[np.float64]

ALIKE = 0.1
"""Share, of that of the samples' first principal component, by which the samples' own residuals add up over the batch: what a network
tells apart lies in few directions. Fitted on 152 first steps of other cells than those that are reported (lrbound/theory/adam.md,
section 2)."""
GROWTH = 0.25
"""Power of 1 + (eta D)^2 by which a layer's shift makes the others' steps grow; fitted on the 56 of these without a normaliser."""
TOLERANCE = 1e-9
LEAST, MOST = 1e-30, 1e30


@dataclass(frozen=True)
class FirstStep:
    """A first step of the length 1, group by group.

    Attributes
    ----------
    slope : float
        |g|_1, weighted by the groups' steps.
    shared, last, own, noise : ndarray (layers,)
        By layer: what it adds to V along the mean residual, the same of layers without an activation above, along the samples' own
        residuals, and the variance of the rest.
    shift : ndarray (layers,)
        D of a layer, 0 where nothing grows.
    even, curvature : float
        As :class:`~lrbound.losses.base.Residuals` has them.
    """

    slope: float
    shared: Array
    last: Array
    own: Array
    noise: Array
    shift: Array
    even: float
    curvature: float

    def rise(self, rate: float) -> float:
        """Return (loss(1) - loss(0))/eta at a rate eta."""
        each = GROWTH * np.log1p((rate * self.shift) ** 2)
        grown = np.exp(np.minimum(each.sum() - each, 300.0))
        hidden, last, own = (float(part @ grown) for part in (self.shared, self.last, self.own))
        square = hidden**2 + last**2 + 2.0 * self.even * hidden * last + own**2 + float(self.noise @ grown**2)
        return 0.5 * rate * self.curvature * square - self.slope

    def largest_rate(self) -> float:
        """Return the rate at which the rise is 0; infinite where no step raises the loss."""
        low, high = LEAST, MOST
        if not self.rise(high) > 0.0:
            return math.inf
        while high > low * (1.0 + TOLERANCE):
            middle = math.sqrt(low * high)
            low, high = (middle, high) if self.rise(middle) < 0.0 else (low, middle)
        return low


def first_step_rate(network: Network, ctx: Context) -> float | None:
    """Return the rate above which the first step raises the loss; None for an optimiser whose step is the gradient.

    Parameters
    ----------
    network : Network
    ctx : Context
        Of one step of training.
    """
    training = network.training
    if training.optimizer.first_step(np.ones(1)) is None:
        return None
    chain = forward(network, ctx)
    logits = Logits(chain[-1].q, chain[-1].q_xy, network.outputs)
    groups = parameter_groups(chain, ctx.samples)
    residuals = training.loss.residuals(logits, TargetLaw(training.target_scale, training.target_mean_share))
    alike = ALIKE * shared_direction(network.input)
    grows = not _normalised(network)
    rate = first_step(
        groups, residuals, training.optimizer, ctx.samples, network.outputs, alike, grows=grows
    ).largest_rate()
    return rate if math.isfinite(rate) and rate > LEAST * 2.0 else None


def first_step(
    groups: Iterable[ParameterGroup],
    residuals: Residuals,
    optimizer: Optimizer,
    samples: float,
    outputs: int,
    alike: float = 0.0,
    *,
    grows: bool = True,
) -> FirstStep:
    """Return the first step.

    Parameters
    ----------
    groups : iterable of ParameterGroup
    residuals : Residuals
    optimizer : Optimizer
        One whose first step is not the gradient.
    samples : float
        n of a batch; ``inf`` for a full one.
    outputs : int
        C.
    alike : float
        Share of K1 - K2 that a direction between samples has beside 1/n.
    grows : bool
        Whether the network has no normaliser, so that shifts of one layer add to those of the others.
    """
    rows: dict[str, Array] = {}
    slope = 0.0
    common = residuals.mean + residuals.own / samples
    single = residuals.own * (1.0 - 1.0 / samples)
    for group in groups:
        rest = max(group.trace - group.coherent, 0.0)
        each = rest * ((1.0 / (samples - 1.0) if samples > 1.0 else 0.0) + alike)
        shared, own = group.coherent * common, each * single
        square = shared + own
        root = math.sqrt(square)
        share = shared / square if square > 0.0 else 0.0
        kappa = group.fold * share + GAUSSIAN * (1.0 - share)
        length = _length(optimizer, root / math.sqrt(group.parameters))
        per_root = length * kappa * math.sqrt(group.parameters)
        slope += per_root * root * (residuals.even if group.last and share > 0.5 else 1.0)
        along = per_root / root * group.coherent * math.sqrt(common) if root > 0.0 else 0.0
        row = rows.setdefault(group.path, np.zeros(5))
        row[1 if group.last else 0] += along
        row[2] += per_root / root * each * math.sqrt(single) if root > 0.0 else 0.0
        row[3] += length**2 * outputs * (1.0 - kappa**2) * group.trace
        row[4] = max(row[4], length * group.shift if grows else 0.0)
    hidden, last, alone, noise, shift = np.array(list(rows.values())).reshape(-1, 5).T
    return FirstStep(slope, hidden, last, alone, noise, shift, residuals.even, residuals.curvature)


def start_rate(network: Network, first: float | None) -> float | None:
    """Return the rate to start with, None where no trained network speaks for one."""
    fraction = network.training.optimizer.start
    if first is None or fraction is None or network.outputs > MANY_OUTPUTS:
        return None
    return fraction * first


def no_start(network: Network) -> Notice | None:
    """Return why an adaptive optimiser has no rate to start with; None where it has one."""
    optimizer = network.training.optimizer
    if optimizer.no_maximum is None:
        return None
    if optimizer.start is None:
        return Notice(
            "LRB007", f"recommended_learning_rate is null: no start was checked on training with {optimizer.kind}"
        )
    if network.outputs > MANY_OUTPUTS:
        return Notice(
            "LRB008", f"recommended_learning_rate is null: checked with at most 10 outputs, not {network.outputs}"
        )
    return None


def of_first_step(network: Network) -> Confidence:
    """Return how far the rate of the first step can be trusted."""
    kinds = {
        node.layer.kind
        for node, shape in leaves(network.nodes, network.input.shape)
        if node.layer.parameters(shape) and not (node.layer.has_weights or _normalises(node.layer, shape))
    }
    if kinds:
        return Confidence(
            "low", f"all parameters of {', '.join(sorted(kinds))} are taken to have gradients of one size"
        )
    if not network.training.loss.diverges:
        return Confidence(
            "low",
            "of 19 measured networks with cross-entropy 12 had it within a factor of 2, and most of the others above",
        )
    return Confidence("medium", "18 of 21 measured networks with squared errors had it within a factor of 2")


def _normalised(network: Network) -> bool:
    return any(_normalises(node.layer, shape) for node, shape in leaves(network.nodes, network.input.shape))


def _normalises(layer: Layer, shape: Shape) -> bool:
    return layer.statistics(shape[0], 2.0) is not None


def _length(optimizer: Optimizer, gradient: float) -> float:
    found = optimizer.first_step(np.array([gradient]))
    assert found is not None
    return float(found[0])
