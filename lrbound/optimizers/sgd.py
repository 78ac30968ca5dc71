"""``sgd``: gradient descent with heavy-ball or Nesterov momentum, coupled weight decay and dampening, as torch.optim.SGD does it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lrbound.fields import flag, number
from lrbound.optimizers.base import LayerwiseCurvature, Optimizer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter
    from torch.optim import Optimizer as TorchOptimizer


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stability of x' = x + mu (x - x_prev) - eta h x on a mode of curvature h, and of its Nesterov form.

    Coupled weight decay adds to the curvature. With batches drawn anew h varies from step to step with variance
    ``largest * noise``; the mode is stable where E[x^2] does not grow (lrbound/theory/mean-field.md, section 7). For
    heavy ball the stationary second moments give eta [h + (1+mu)/(1-mu) noise] = 2 (1+mu) in closed form.
    """

    torch_class: ClassVar[str] = "SGD"

    momentum: float = number("mu of the heavy ball", 0.0, ge=0, lt=1)
    nesterov: bool = flag("whether the gradient is taken at the point looked ahead to", False)
    weight_decay: float = number("coupled weight decay, added to the gradient", 0.0, ge=0)
    dampening: float = number("part of a gradient that momentum leaves out", 0.0, ge=0, lt=1)

    def validate(self) -> str | None:
        """Refuse Nesterov's gradient with dampening, as torch does."""
        if self.nesterov and self.dampening > 0.0:
            return "'nesterov' takes no 'dampening'"
        return None

    @property
    def words(self) -> str:
        """Name and momentum."""
        return f"{self.kind} with momentum {self.momentum:.4g}"

    @property
    def short(self) -> str:
        """Name and momentum."""
        return f"{self.kind} {self.momentum:.4g}"

    def to_json(self) -> dict[str, Any]:
        """Return name and momentum."""
        return {"optimizer": self.kind, "momentum": self.momentum}

    def stable_rate(self, curvature: LayerwiseCurvature) -> float:
        """Return the rate at which the second moment of the mode of the largest curvature is just stable.

        Without noise that is 2(1+mu)/h, or 2(1+mu)/((1+2mu)h) with Nesterov's gradient; h includes the weight decay. Dampening
        makes every step of heavy ball but the first shorter by 1 - dampening, and so the rate as much larger.
        """
        mu, h = self.momentum, curvature.largest + self.weight_decay
        if h <= 0.0:
            return math.inf
        # the variance largest * noise does not know the weight decay, which is the same in every step
        spread = curvature.noise * curvature.largest / h
        kept = 1.0 - self.dampening if mu > 0.0 else 1.0  # torch has no use for it without momentum
        if spread == 0.0:
            return self._reach / (h * kept)
        if not self.nesterov or mu == 0.0:
            return 2.0 * (1.0 + mu) / (h + (1.0 + mu) / (1.0 - mu) * spread) / kept
        return self._nesterov_root(spread / h) / h

    def recommended_rate(self, stable: float) -> float:
        """Return 1/(the curvature behind ``stable``)."""
        return stable / self._reach

    def torch(self, parameters: Iterable[Parameter], rate: float) -> TorchOptimizer:
        """Build torch.optim.SGD."""
        from torch import optim

        nesterov = self.nesterov and self.momentum > 0.0  # torch refuses what would change nothing
        return optim.SGD(
            parameters,
            lr=rate,
            momentum=self.momentum,
            nesterov=nesterov,
            weight_decay=self.weight_decay,
            dampening=self.dampening,
        )

    def on_multiple(self, factor: float) -> tuple[Self, float]:
        """Return less weight decay, which is not in the loss, and a rate that makes up for the smaller gradients."""
        return replace(self, weight_decay=self.weight_decay / factor), factor

    @property
    def _reach(self) -> float:
        mu = self.momentum
        return 2.0 * (1.0 + mu) / (1.0 + 2.0 * mu) if self.nesterov else 2.0 * (1.0 + mu)

    def _nesterov_root(self, relative_noise: float) -> float:
        """Return eta h at which E[x^2] is stationary, by bisection; ``relative_noise`` is Var(h)/h^2.

        With y = (1+mu)x - mu x_prev, x' = (1 - eta h) y - eta xi y and b = 1 - eta h the stationary moments obey
        E[x x_prev] = b (1+mu)/(1+b mu) E[x^2], and (b^2 + eta^2 Var) E[y^2] = E[x^2].
        """
        mu = self.momentum

        def excess(rate: float) -> float:
            b = 1.0 - rate
            correlation = b * (1.0 + mu) / (1.0 + b * mu)
            y2 = (1.0 + mu) ** 2 + mu**2 - 2.0 * mu * (1.0 + mu) * correlation
            return (b * b + rate * rate * relative_noise) * y2 - 1.0

        low, high = 0.0, self._reach
        if math.isinf(relative_noise):
            return 0.0
        for _ in range(200):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
        return low
