"""The gradient of each group of a network's parameters: weights, biases, gammas and betas of every layer apart.

A step of signs moves all parameters alike, so that what counts is how many share a squared gradient: sqrt(M) |g| of a group of M. A
bias and the weights beside it differ in that. Of a convolution the kernels are sums over its positions already, as the gradient of
a filter is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lrbound.backward.folds import GAUSSIAN, Folds, folds
from lrbound.backward.sweep import Backward
from lrbound.meanfield.gradient import at_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.forward.sweep import Chain, Fork, Step
    from lrbound.meanfield.gradient import Gradient, Share


class ParameterGroup(NamedTuple):
    """Parameters of one layer whose gradients are of one size.

    Attributes
    ----------
    path : str
        Where the layer stands.
    parameters : int
        M.
    coherent, trace : float
        Of half_squared_error, per output: the value of the direction in which all samples of the batch are alike, K2 + (K1 - K2)/n
        without batch statistics, and K1.
    fold : float
        E|g|/sqrt(E g^2) over the parameters, for the gradient that the samples share.
    last : bool
        Whether no activation stands between the layer and the outputs.
    shift : float
        How far a step of 1 along one sign pattern shifts the values at the layer's output, by their root mean square; 0 where
        the activation above does not pass growth on, and of the last layer.
    """

    path: str
    parameters: int
    coherent: float
    trace: float
    fold: float
    last: bool
    shift: float


def parameter_groups(chain: Chain, samples: float) -> tuple[ParameterGroup, ...]:
    """Return the groups of all layers, from the outputs down; empties ``chain``."""
    found: list[ParameterGroup] = []
    walk = _Walk(at_output(samples), folds(chain), found)
    for _ in walk.through(chain):
        pass
    return tuple(found)


class _Walk(Backward):
    """The backward pass that notes what each group of parameters has."""

    def __init__(
        self,
        gradient: Gradient,
        known: dict[int, Folds],
        found: list[ParameterGroup],
        *,
        exposed: bool = True,
    ) -> None:
        super().__init__(gradient, exposed=exposed)
        self._known, self._found = known, found

    def arms(self, fork: Fork) -> Sequence[Backward]:
        return [_Walk(end, self._known, self._found, exposed=self.exposed) for end in fork.split(self.gradient)]

    def step(self, step: Step) -> Share | None:
        shifted = self.gradient.delta.total() if step.parameters else None
        share = super().step(step)
        if share is not None and shifted is not None:
            own = float(share.coherent), float(share.trace)
            self._found += _groups(step, own, (float(shifted[0]), float(shifted[1])), self._known[id(step)])
        return share


def _groups(step: Step, share: tuple[float, float], shifted: tuple[float, float], fold: Folds) -> list[ParameterGroup]:
    layer, channels = step.node.layer, step.above.channels
    biases = channels if layer.shifts else 0
    beside = step.parameters - biases
    gradient = 1.0 if fold.last else fold.gradient
    signal = fold.signal * gradient if layer.has_weights else GAUSSIAN
    q = step.above.averages()[0]
    moves = layer.has_weights and fold.grows and not fold.last and q > 0.0
    size = beside / channels * fold.size + bool(biases)
    shift = size / q**0.5 if moves else 0.0
    found = []
    if beside:
        coherent, trace = (max(own - (part if biases else 0.0), 0.0) for own, part in zip(share, shifted, strict=True))
        found.append(ParameterGroup(step.node.path, beside, coherent, trace, signal, fold.last, shift))
    if biases:
        coherent, trace = (max(part, 0.0) for part in shifted)
        found.append(ParameterGroup(step.node.path, biases, coherent, trace, gradient, fold.last, shift))
    return found
