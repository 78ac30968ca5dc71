"""``rms_norm``: gamma z/sqrt(mean(z^2) + eps), over channels and positions of each sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import flag, number
from lrbound.layers._normaliser import Normaliser
from lrbound.meanfield.normaliser import normaliser
from lrbound.meanfield.statistics import Statistics

if TYPE_CHECKING:
    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Pullback, Shape
    from lrbound.meanfield.kernel import Kernel


@dataclass(frozen=True)
class RmsNorm(Normaliser):
    """Root mean square layer normalisation (Zhang and Sennrich 2019), with gamma per channel: layer norm without the mean.

    Its gradient loses the direction of z alone, one of all channels and positions.
    """

    main: ClassVar[str | None] = "gamma"
    year: ClassVar[int] = 2019
    why: ClassVar[str] = (
        "layer norm that keeps the mean: every layer stays coherent; the batch size counts through noise alone"
    )

    gamma: float = number("scale at initialisation", 1.0)
    eps: float = number("added to the variance", 1e-8, ge=0)
    learnable: bool = flag("whether gamma is trained", True)

    def parameters(self, shape: Shape) -> int:
        """Count gamma of every channel."""
        return 1 * shape[0] if self.learnable else 0

    def statistics(self, channels: int, samples: float) -> Statistics:
        """Say what mean and variance are taken over."""
        return Statistics(self.kind, channels, samples, centred=False)

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Scale every sample by its own mean square."""
        statistics = self.statistics(kernel.channels, ctx.samples)
        return normaliser(
            kernel,
            ctx,
            statistics,
            eps=self.eps,
            gamma=self.gamma,
            learnable=(self.learnable, False),
        )

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build :class:`lrbound.normalizers.RMSNorm`."""
        del init
        from lrbound.normalizers import RMSNorm, initialised

        module = RMSNorm(shape[0], eps=self.eps)
        return initialised(module, self.gamma, learnable=self.learnable)
