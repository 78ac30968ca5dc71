"""Which initialisation the weights of a model were drawn by.

A rule fits a layer if the variance of its weights lies within FAR standard errors of the rule's and their kurtosis is
that of its distribution. Small layers fit several rules, so that the rules are put to the vote: in each kind of layer, the
rule that fits most layers takes them, then the one that fits most of the rest. What no rule fits shares a standard
deviation or a sigma_w^2 with other layers, or is written as it was measured.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lrbound.importing.refusal import Reason
from lrbound.importing.rules import RULES, Rule, by_name
from lrbound.init import NAMED, Init

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lrbound.importing.graph import Parameter
    from lrbound.importing.step import Drawn

FAR = 4.0
"""Standard errors beyond which a variance is not a rule's."""
FAR_MEAN = 5.0
"""Standard errors beyond which a mean is not 0: one layer in two million by chance."""
FEWEST = 30
"""Values of which a mean off 0 says anything."""
DIGITS = 6
"""Of the numbers in a spec, as in its examples."""


@dataclass(frozen=True)
class Found:
    """The initialisation of one layer.

    Attributes
    ----------
    init : Init
    rule : str
        The rule in words; empty where the variance was measured.
    error : float
        Relative standard error of the weights' variance where it was measured, 0 where a rule gives it.
    """

    init: Init
    rule: str
    error: float = 0.0


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
        weights = {kind: _weights([layer for layer in self._layers if layer.kind == kind]) for kind in kinds}
        biases = {kind: _biases([layer for layer in self._layers if layer.kind == kind]) for kind in kinds}
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
        return any(layer.weight.mean is None and not layer.weight.rule for layer in self._layers)

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
    if parameter.mean is None or parameter.variance is None or parameter.rule:
        return ""
    if parameter.constant:
        if parameter.mean == 0.0 and what == "biases":
            return ""
        if parameter.mean == 0.0:
            return (
                "its weights are all 0, for which a spec has no initialisation; leave the layer out to see the others"
            )
        return (
            f"its {what} are all {parameter.mean:.4g}; a spec has {what} of mean 0 only, so start them from 0 "
            "or from a distribution"
        )
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


def _error(parameter: Parameter, kurtosis: float | None = None) -> float:
    """Return the relative standard error of a variance that was measured."""
    return math.sqrt(max((parameter.kurtosis if kurtosis is None else kurtosis) - 1.0, 0.1) / parameter.samples)


def _fits(rule: Rule, layer: Drawn, *, any_law: bool = False) -> bool:
    weight = layer.weight
    if not weight.variance:
        return False
    far = abs(weight.variance / rule.variance(layer) - 1.0) > FAR * _error(weight, rule.kurtosis)
    # the sample kurtosis of Gaussians has the variance 24/n, that of uniform numbers is closer
    return not far and (
        any_law or abs(weight.kurtosis - rule.kurtosis) <= 5.0 * math.sqrt(24.0 / weight.samples) + 0.02
    )


def _weights(layers: Sequence[Drawn]) -> dict[str, tuple[float | Init, str, float]]:
    """Return for each weight sigma_w^2 (or the named initialisation), its rule in words, and its error."""
    found: dict[str, tuple[float | Init, str, float]] = {}
    waiting = []
    for layer in layers:
        rule = by_name(layer.weight.rule) if layer.weight.rule or not layer.weight.variance else None
        if rule is None:
            waiting.append(layer)
        else:
            found[layer.weight.name] = (rule.init(layer), rule.text, 0.0)
    for any_law in (False, True):
        while waiting:
            counts = [(sum(_fits(r, x, any_law=any_law) for x in waiting), -place) for place, r in enumerate(RULES)]
            count, place = max(counts)
            if count == 0:
                break
            rule = RULES[-place]
            text = f"the variance of {rule.text}" if any_law else rule.text
            taken = [layer for layer in waiting if _fits(rule, layer, any_law=any_law)]
            found |= {layer.weight.name: (rule.init(layer), text, 0.0) for layer in taken}
            waiting = [layer for layer in waiting if layer.weight.name not in found]
    found |= _shared(waiting)
    return found


def _shared(layers: Sequence[Drawn]) -> dict[str, tuple[float | Init, str, float]]:
    """Return sigma_w^2 of layers that no rule fits: what several have in common, or what each was measured to have."""
    found: dict[str, tuple[float | Init, str, float]] = {}
    waiting = sorted(layers, key=lambda layer: -layer.weight.samples)
    while waiting:
        groups = []
        for power in (0, 1):  # of fan_in: a common standard deviation, a common sigma_w^2
            values = [(layer, (layer.weight.variance or 0.0) * layer.fan_in**power) for layer in waiting]
            groups.append((_alike(values), power))
        (group, power) = max(groups, key=lambda pair: (len(pair[0]), -pair[1]))
        pooled, error = _pooled(
            [(layer.weight, (layer.weight.variance or 0.0) * layer.fan_in**power) for layer in group]
        )
        several = len({layer.fan_in for layer in group}) > 1
        number = simplest(pooled, error) if power == 1 or not several else simplest(math.sqrt(pooled), error / 2.0) ** 2
        text = f"standard deviation {math.sqrt(number):.4g}" if power == 0 else f"weight_variance {number:.6g}"
        for layer in group:
            value = number * layer.fan_in ** (1 - power)
            found[layer.weight.name] = (rounded(value), text if several else "", error)
        waiting = [layer for layer in waiting if layer not in group]
    return found


def _alike(values: Sequence[tuple[Drawn, float]]) -> list[Drawn]:
    """Return the layers whose value agrees with that of the first."""
    (first, value), *_ = values
    return [
        layer
        for layer, other in values
        if abs(other / value - 1.0) <= FAR * math.hypot(_error(first.weight), _error(layer.weight))
    ]


def _pooled(values: Sequence[tuple[Parameter, float]]) -> tuple[float, float]:
    """Return the mean of values by the number of samples in each, and its relative standard error."""
    total = sum(parameter.samples for parameter, _ in values)
    mean = sum(parameter.samples * value for parameter, value in values) / total
    return mean, _error(max((parameter for parameter, _ in values), key=lambda p: p.samples)) * math.sqrt(
        max(parameter.samples for parameter, _ in values) / total
    )


def _biases(layers: Sequence[Drawn]) -> dict[str, float | None]:
    """Return sigma_b^2 of each layer by the name of its weight; None for 1/(3 fan_in), as torch draws them."""
    found: dict[str, float | None] = {}
    others: list[Drawn] = []
    for layer in layers:
        bias = layer.bias
        rule = by_name(bias.rule) if bias is not None and bias.rule else None
        if bias is None or rule is not None:
            found[layer.weight.name] = 0.0
        elif bias.constant:
            found[layer.weight.name] = rounded((bias.mean or 0.0) ** 2)
        elif bias.variance is None or _is_default_bias(bias, layer):
            found[layer.weight.name] = None
        else:
            others.append(layer)
    if not others:
        return found
    values = [
        (layer.bias, layer.bias.variance or 0.0) for layer in layers if layer in others and layer.bias is not None
    ]
    pooled, error = _pooled(values)
    number = simplest(pooled, error)
    agree = all(abs(value / number - 1.0) <= FAR * _error(bias, 3.0) for bias, value in values)
    for layer in others:
        assert layer.bias is not None
        own = layer.bias.variance or 0.0
        found[layer.weight.name] = number if agree else rounded(simplest(own, _error(layer.bias)))
    if agree:  # small layers whose bias could be torch's by chance
        for layer in layers:
            bias = layer.bias
            if bias is not None and bias.variance and not bias.constant:
                fits = abs(bias.variance / number - 1.0) <= FAR * _error(bias, 3.0)
                found[layer.weight.name] = (
                    number if fits and len(others) > len(layers) / 2 else found[layer.weight.name]
                )
    return found


def _is_default_bias(bias: Parameter, layer: Drawn) -> bool:
    ratio = (bias.variance or 0.0) * 3.0 * layer.fan_in
    return abs(ratio - 1.0) <= FAR * math.sqrt(max(0.8, 0.8 if bias.samples > 8 else 2.0) / bias.samples)


def _together(layer: Drawn, weight: tuple[float | Init, str, float], bias: float | None) -> Found:
    init, rule, error = weight
    default = NAMED["pytorch"]
    if init == default and (layer.bias is None or bias is None):
        return Found(default, rule, error)
    if isinstance(init, float):
        init = Init(rounded(init))
    elif init == default:
        init = Init(rounded(default.weight_variance))
    bias = default.sigma_b2(layer.fan_in) if bias is None else bias
    return Found(replace(init, bias_variance=rounded(bias)) if bias else init, rule, error)


def simplest(value: float, error: float) -> float:
    """Return the number of the fewest digits within two relative standard errors of a measured one."""
    for digits in range(1, DIGITS):
        number = float(f"{value:.{digits}g}")
        if abs(number / value - 1.0) <= 2.0 * error:
            return number
    return rounded(value)


def rounded(value: float) -> float:
    """Return a number with as many digits as a spec has."""
    return float(f"{value:.{DIGITS}g}")
