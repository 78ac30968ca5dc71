"""How weights and biases are drawn: sigma_w^2 / fan_in, sigma_b^2 and the biases' mean, or a name that denotes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Distribution = Literal["normal", "uniform"]


@dataclass(frozen=True)
class Init:
    """Initialisation of a weight layer.

    Attributes
    ----------
    weight_variance : float
        sigma_w^2: the weights have variance ``weight_variance / fan_in``.
    bias_variance : float
        sigma_b^2, or with ``bias_over_fan_in`` the numerator of sigma_b^2 = ``bias_variance / fan_in``.
    bias_over_fan_in : bool
        Whether the bias variance is divided by fan_in too, as PyTorch does.
    fan : {"in", "average"}
        Whether ``weight_variance`` is over fan_in, or over (fan_in + fan_out)/2 as in Glorot and Bengio 2010.
    distribution : {"normal", "uniform"}
        Law of the weights and biases; the mean-field limit depends on the variances alone.
    bias_mean : float
        Mean of the biases, which all units of a layer have in common.
    """

    weight_variance: float
    bias_variance: float = 0.0
    bias_over_fan_in: bool = False
    fan: Literal["in", "average"] = "in"
    distribution: Distribution = "normal"
    bias_mean: float = 0.0

    def sigma_w2(self, fan_in: int, fan_out: int) -> float:
        """Return sigma_w^2, the variance of a weight times ``fan_in``."""
        if self.fan == "average":
            return self.weight_variance * 2.0 * fan_in / (fan_in + fan_out)
        return self.weight_variance

    def sigma_b2(self, fan_in: int) -> float:
        """Return sigma_b^2, the variance of a bias."""
        return self.bias_variance / fan_in if self.bias_over_fan_in else self.bias_variance

    def bias_square(self, fan_in: int) -> float:
        """Return E[b^2]."""
        return self.sigma_b2(fan_in) + self.bias_mean**2

    def draw(self, weight: torch.Tensor, bias: torch.Tensor | None, fan_in: int, fan_out: int) -> None:
        """Fill the tensors of one layer in place, from torch's current random state."""
        laws = [(weight, 0.0, self.sigma_w2(fan_in, fan_out) / fan_in)]
        if bias is not None:
            laws.append((bias, self.bias_mean, self.sigma_b2(fan_in)))
        for tensor, mean, variance in laws:
            if self.distribution == "uniform":
                bound = (3.0 * variance) ** 0.5
                tensor.data.uniform_(mean - bound, mean + bound)
            else:
                tensor.data.normal_(mean, variance**0.5)


NAMED: dict[str, Init] = {
    "pytorch": Init(1.0 / 3.0, 1.0 / 3.0, bias_over_fan_in=True, distribution="uniform"),
    "he": Init(2.0),
    "lecun": Init(1.0),
    "xavier": Init(1.0, fan="average"),
}
"""The names that a spec may use. pytorch: U(-1/sqrt(fan_in), 1/sqrt(fan_in)) for weights and biases."""
