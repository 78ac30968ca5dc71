"""Which initialisation the weights of a model were drawn by, in the words of a spec."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrbound.importing.refusal import Reason
from lrbound.importing.vote import Elected, elect_biases, elect_weights, rounded
from lrbound.init import NAMED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrbound.importing.graph import Parameter
    from lrbound.importing.step import Drawn
    from lrbound.init import Init

FAR_MEAN = 5.0
"""Standard errors beyond which a mean is not 0: one layer in two million by chance."""
FEWEST = 30
"""Values of which a mean off 0 says anything."""


@dataclass(frozen=True)
class Found:
    """The initialisation of one layer.

    Attributes
    ----------
    init : Init
    rule : str
        The rule in words; empty where the variance was measured.
    """

    init: Init
    rule: str


class Inits:
    """Initialisations of the layers of a model.

    Parameters
    ----------
    layers : iterable of Drawn

    Attributes
    ----------
    reasons : list of Reason
        Weights and biases that no initialisation of a spec describes.
    """

    def __init__(self, layers: Iterable[Drawn]) -> None:
        self.reasons: list[Reason] = []
        self._layers = list(layers)
        self._found: dict[int, Found] = {}
        self._check()
        kinds = dict.fromkeys(layer.kind for layer in self._layers)
        weights = {kind: elect_weights([layer for layer in self._layers if layer.kind == kind]) for kind in kinds}
        biases = {kind: elect_biases([layer for layer in self._layers if layer.kind == kind]) for kind in kinds}
        for layer in self._layers:
            name = layer.weight.name
            self._found[id(layer)] = _together(layer, weights[layer.kind][name], biases[layer.kind][name])

    def of(self, layer: Drawn) -> Found:
        """Return the initialisation of a layer."""
        return self._found[id(layer)]

    def summary(self) -> list[str]:
        """Return a line on each rule: which layers it was found in."""
        counted: Counter[tuple[str, str]] = Counter()
        for layer in self._layers:
            counted[layer.kind, self.of(layer).rule] += 1
        lines = []
        for (kind, rule), count in counted.items():
            many = f"{count} layers" if count > 1 else "1 layer"
            lines.append(f"{kind} ({many}): {rule or 'no known rule; weight_variance as measured'}")
        return lines

    @property
    def measured(self) -> int:
        """Number of layers that no rule fits."""
        return sum(not self.of(layer).rule for layer in self._layers)

    @property
    def unknown(self) -> bool:
        """Whether some weights have no values."""
        return any(layer.weight.mean is None for layer in self._layers)

    def _check(self) -> None:
        for layer in self._layers:
            for parameter, what in ((layer.weight, "weights"), (layer.bias, "biases")):
                text = "" if parameter is None else _objection(parameter, what)
                if text:
                    self.reasons.append(Reason(layer.origin, text))


def _objection(parameter: Parameter, what: str) -> str:
    """Return why a spec cannot say how a parameter is initialised, or nothing."""
    if not parameter.trained:
        return f"its {what} are frozen (requires_grad is False); a spec trains the weights of all its layers"
    if parameter.mean is None or parameter.variance is None:
        return ""
    if parameter.constant:
        if what == "biases":
            return ""
        if parameter.mean == 0.0:
            return ""
        return f"its weights are all {parameter.mean:.4g}; a spec has weights of mean 0 only, so draw them at random"
    if parameter.samples < FEWEST:
        return ""
    distance = abs(parameter.mean) / math.sqrt(parameter.variance / parameter.samples)
    # the quantile of Student's distribution, to first order in 1/samples
    if distance > FAR_MEAN * (1.0 + (FAR_MEAN**2 + 1.0) / (4.0 * parameter.samples)):
        return (
            f"the mean of its {what}, {parameter.mean:.3g}, is {distance:.0f} standard errors from 0, as after training; a spec "
            "describes networks at initialisation, so give the model before weights are loaded"
        )
    return ""


def _together(layer: Drawn, weight: Elected, bias: float | None) -> Found:
    """Return the initialisation of weights and biases together; ``bias`` is None for torch's default."""
    init, default = weight.init, NAMED["pytorch"]
    if init == default and (layer.bias is None or bias is None):
        return Found(default, weight.text)
    if bias is None:
        beside = {"bias_variance": default.bias_variance, "bias_over_fan_in": True}
        return Found(replace(init, **beside), weight.text)  # type: ignore[arg-type]
    if init == default:
        init = replace(default, bias_over_fan_in=False)
    constant = layer.bias.mean if layer.bias is not None and layer.bias.constant else None
    return Found(replace(init, bias_variance=rounded(bias), bias_mean=rounded(constant or 0.0)), weight.text)
