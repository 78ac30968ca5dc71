"""``proxy_norm``: (phi(gamma x + beta) - E phi(gamma Y + beta))/sqrt(Var phi(gamma Y + beta) + eps), Y ~ N(0, 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from lrbound.activations import ACTIVATIONS
from lrbound.fields import choice, number, params
from lrbound.layers._normaliser import Affine
from lrbound.layers.base import Layer
from lrbound.layers.layer_norm import LayerNorm
from lrbound.meanfield.contract import Context, Pullback, Shape, ShapeError
from lrbound.meanfield.proxy import Proxied, activate_by_proxy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from lrbound.activations.base import Activation
    from lrbound.init import Init
    from lrbound.layers.base import Layer
    from lrbound.meanfield.kernel import Kernel


FAR = 1e6
"""Where bounded activations have come to their ends."""


@dataclass(frozen=True)
class ProxyNorm(Affine):
    """Proxy normalisation (Labatie et al. 2021), in the place of an activation after a layer or group norm.

    The norm before it has no gamma and beta of its own (``learnable: false``). Units are taken to have the variance of
    the proxy; at finite fan-in they differ, and that is most of what is coherent in a net without biases
    (lrbound/theory/normalisers.md, section 6).
    """

    main: ClassVar[str | None] = "activation"
    rescales: ClassVar[bool] = False  # its variance is that of the proxy
    year: ClassVar[int] = 2021
    why: ClassVar[str] = (
        "layer norm, then activations without a mean: samples stay nearly uncorrelated, and noise outweighs "
        "what is coherent in small batches"
    )

    activation: str = choice("phi", ACTIVATIONS.names(), "relu")
    eps: float = number("added to the proxy's variance", 0.03, ge=0)

    @classmethod
    def standing(cls, shape: Shape, given: Mapping[str, Any], above: Activation | None) -> tuple[Layer, ...]:
        """Return a layer norm without gamma and beta under the proxy; with its own where no activation follows."""
        del shape
        if above is None:
            own = {name: value for name, value in given.items() if name in params(LayerNorm)}
            return (LayerNorm(**own),)
        by_name = cls(**{**given, "activation": above.kind})
        if by_name.phi != above:
            raise ShapeError(f"proxy_norm takes an activation by its name, with the defaults of its arguments: {above}")
        return (LayerNorm(learnable=False), by_name)

    @property
    def phi(self) -> Activation:
        """The activation inside."""
        return ACTIVATIONS.get(self.activation)()

    @property
    def curve(self) -> Proxied:
        """The whole of it, as a function of single values."""
        return Proxied(self.phi, self.gamma, self.beta, self.eps)

    @property
    def shifts(self) -> bool:
        """Beta is inside the activation, not added to the output."""
        return False

    def bound(self, inner: float) -> float:
        """Return the larger of the ends' absolute values, of a bounded activation that rises."""
        if math.isinf(self.phi.bound(inner)):
            return math.inf
        return float(np.abs(self.curve.value(np.array([-FAR, FAR]))).max())

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Activate, centre and scale by the proxy's mean and variance."""
        return activate_by_proxy(
            self.phi, kernel, ctx, gamma=self.gamma, beta=self.beta, eps=self.eps, learnable=self.learnable
        )

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build :class:`lrbound.normalizers.ProxyNorm`."""
        from lrbound.normalizers import ProxyNorm, initialised

        module = ProxyNorm(shape[0], self.phi.torch(shape, init), eps=self.eps)
        return initialised(module, self.gamma, self.beta, learnable=self.learnable)
