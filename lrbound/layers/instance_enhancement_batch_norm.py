"""``instance_enhancement_batch_norm``: batch norm with gamma times sigmoid(w p + b), p each sample's mean of z."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from lrbound.fields import flag, number
from lrbound.layers._normaliser import Affine
from lrbound.meanfield.gradient import Gradient, Share
from lrbound.meanfield.kernel import CROSS, SAME, diagonal
from lrbound.meanfield.projection import pull_through
from lrbound.meanfield.statistics import Statistics, normalise
from lrbound.notices import Notice

if TYPE_CHECKING:
    from torch import nn

    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.positions import Array


@dataclass(frozen=True)
class InstanceEnhancementBatchNorm(Affine):
    """Instance enhancement batch normalisation (Liang et al. 2020).

    At the start, with a gate weight of 0, it is batch norm with gamma sigmoid(b), 0.27 gamma at the paper's b = -1, and
    two more parameters per channel.
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2020
    why: ClassVar[str] = (
        "batch norm with gamma times the gate (0.27 at the paper's bias), which enters lambda_max squared; "
        "batch size as in batch norm"
    )
    fixes_scale: ClassVar[bool] = True
    over_batch: ClassVar[bool] = True

    weight: float = number("weight of the sample's mean in the gate", 0.0)
    bias: float = number("bias of the gate", -1.0)
    learnable: bool = flag("whether gamma, beta and the gate are trained", True)

    def parameters(self, shape: Shape) -> int:
        """Count gamma, beta, and the gate's weight and bias of every channel."""
        return 4 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        del channels
        return Statistics(self.kind, 1, samples, batch=True)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Centre and scale the kernel as batch norm with the gate's gamma."""
        zhat = normalise(kernel, self.statistics(kernel.channels, ctx.samples), self.eps, ctx)
        level = _instance_means(kernel)
        gate, lift = self._gate(level, flat=kernel.positions == 1)
        if self.weight != 0.0:
            ctx.warn(Notice("LRB034", "a gate weight other than 0 was checked against two dense networks only"))
        gain = self.gamma**2 * gate
        kinds, sites = gain[:, None, None, None, None], gain[:, None, None]
        if gain[SAME] == gain[CROSS]:
            kinds = kinds[CROSS:]
        pair = kinds * zhat.pair + gain[SAME] * lift
        on_site = sites * zhat.on_site
        on_site[CROSS] += gain[SAME] * lift
        site = on_site - diagonal(pair)
        near = None if zhat.near is None else zhat.near.scaled(sites)
        out = kernel.becomes(pair + self.beta**2, site, mean=self.beta, gaussian=kernel.gaussian, near=near)
        gamma2 = float(gain[SAME])

        def pull(gradient: Gradient) -> tuple[Gradient, Share]:
            below, product = pull_through(gradient, zhat, gamma2, through=ctx.through)
            # by gamma the output changes by g zhat, by b it changes by gamma g (1-g) zhat, by w by p times that
            g = 1.0 / (1.0 + math.exp(-self.bias))
            by_gate = (self.gamma * g * (1.0 - g)) ** 2
            by_kind = product.pair.sum(axis=(-4, -3, -2, -1))
            value = product.total()
            by_weight = (by_kind * level).sum(axis=-1)
            if kernel.positions == 1:
                # p is z itself there: E[zhat^2 p^2] has 2 Var z more, E[zhat zhat' p p'] of two samples Var z
                spread = level[SAME] - level[CROSS]
                across = gradient.delta.pair[..., CROSS, :, :, :, :].sum(axis=(-4, -3, -2, -1))
                by_weight = by_weight + spread * (2.0 * by_kind[..., SAME] + across)
            share = gate[SAME] * value + by_gate * (value + by_weight) + gradient.delta.total()
            share = share if self.learnable else 0.0 * share
            return Gradient(below), Share(share[..., 0], share[..., 1])

        return out, pull

    def _gate(self, level: Array, *, flat: bool) -> tuple[Array, float]:
        """Return E[g^2] of one sample, E[g g'] of two, and the correlation that the gate adds to two samples."""
        from lrbound.activations.sigmoid import Sigmoid

        sigmoid = Sigmoid()
        sd = abs(self.weight) * np.sqrt(level[SAME])
        if sd == 0.0:
            return np.full(2, float(sigmoid.value(np.asarray(self.bias))) ** 2), 0.0
        if flat:
            own, across = self._rectified(level)
            return np.full(2, 2.0 * own), _correlation_of_rectified(across / (2.0 * own))
        sds = np.asarray([sd])
        own = sigmoid.local(self.bias, sds).value[0]
        across = sigmoid.pair(self.bias, sds, sds, np.asarray([level[CROSS] / level[SAME]])).value[0]
        return np.array([own, across]), 0.0

    def _rectified(self, level: Array) -> tuple[float, float]:
        """Return E h^2 of one sample and E h h' of two for h = relu(zhat) g, whose p = m + sd zhat, m the unit's mean."""
        from lrbound.activations.sigmoid import Sigmoid

        common = max(level[CROSS], 0.0)
        spread = max(level[SAME] - common, 0.0)
        nodes, weights = np.polynomial.hermite_e.hermegauss(41)
        weights = weights / weights.sum()
        z = (np.arange(800) + 0.5) * 0.0125
        density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) * 0.0125
        p = math.sqrt(common) * nodes[:, None] + math.sqrt(spread) * z
        h = z * Sigmoid().value(self.weight * p + self.bias)
        return float(weights @ (h**2 @ density)), float(weights @ (h @ density) ** 2)

    def module(self, shape: Shape) -> nn.Module:
        """Build :class:`lrbound.normalizers.InstanceEnhancementBatchNorm`."""
        from lrbound.normalizers import InstanceEnhancementBatchNorm

        return InstanceEnhancementBatchNorm(shape[0], eps=self.eps, gate_weight=self.weight, gate_bias=self.bias)


def _instance_means(kernel: Kernel) -> Array:
    """Return E[p p'] of one sample and of two, p the mean over positions."""
    kernel = kernel.even
    pairs = (kernel.pair * kernel.pair_weights).sum(axis=(-4, -3, -2, -1))
    sites = (kernel.site * kernel.weights).sum(axis=(-2, -1))
    return (pairs + sites) / kernel.positions**2


def _correlation_of_rectified(ratio: float) -> float:
    """Return the correlation of two Gaussians at which E relu relu' is ``ratio`` times the variance."""
    from lrbound.meanfield.gaussian import rectified

    low, high = -1.0, 1.0
    one = np.ones(1)
    for _ in range(50):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rectified(0.0, one, one, np.array([middle])).value[0] < ratio else (low, middle)
    return low
