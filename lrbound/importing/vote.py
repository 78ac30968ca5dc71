"""The vote on how the weights and biases of the layers of a kind were drawn.

A rule fits a layer if the variance of its weights lies within FAR standard errors of the rule's and their kurtosis is
that of its distribution. Small layers fit several rules, so that the one that fits most layers takes them, then the one
that fits most of the rest. A standard deviation or a sigma_w^2 that more layers have in common than any rule fits wins,
too; what fits nothing is written as it was measured.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lrbound.importing.rules import NORMAL, RULES, UNIFORM, Rule
from lrbound.init import ZEROS, Distribution, Init

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.importing.graph import Parameter
    from lrbound.importing.step import Drawn

FAR = 4.0
"""Standard errors beyond which a variance is not a rule's."""
RARE = 1e-3
"""Probability of what so few values are not taken to be."""
DIGITS = 6
"""Of the numbers in a spec, as in its examples."""


class Elected(NamedTuple):
    """How the weights of one layer were drawn.

    Attributes
    ----------
    init : Init
        Without biases, but for torch's default.
    text : str
        The rule in words; empty where the variance is that of this layer alone.
    """

    init: Init
    text: str


def elect_weights(layers: Sequence[Drawn]) -> dict[str, Elected]:
    """Return how each weight was drawn, by its name."""
    found: dict[str, Elected] = {}
    waiting = []
    for layer in sorted(layers, key=lambda layer: -layer.weight.samples):
        if layer.weight.variance:
            waiting.append(layer)
        elif layer.weight.constant and layer.weight.mean == 0.0:
            found[layer.weight.name] = Elected(ZEROS, "all 0")
        else:  # no values, or all alike, which is said elsewhere
            found[layer.weight.name] = Elected(RULES[0].init, RULES[0].text)
    while waiting:
        strict, loose, common = _by_rule(waiting), _by_rule(waiting, any_law=True), _in_common(waiting)
        best = common if len(common) > len(loose) else strict or loose or common
        found |= best
        waiting = [layer for layer in waiting if layer.weight.name not in best]
    return found


def _by_rule(layers: Sequence[Drawn], *, any_law: bool = False) -> dict[str, Elected]:
    """Return the layers that the most popular rule fits, with ``any_law`` by their variance alone."""
    fitting = [[layer for layer in layers if fits(rule, layer, any_law=any_law)] for rule in RULES]
    taken = max(fitting, key=len)  # of equals the first, which is the more usual one
    rule = RULES[fitting.index(taken)]
    text = f"the variance of {rule.text}" if any_law else rule.text
    return {layer.weight.name: Elected(_as_drawn(rule.init, layer) if any_law else rule.init, text) for layer in taken}


def _as_drawn(init: Init, layer: Drawn) -> Init:
    """Return an initialisation with the law that the kurtosis of the weights is nearer to."""
    uniform = layer.weight.kurtosis < 0.5 * (NORMAL + UNIFORM)
    law: Distribution = "uniform" if uniform else "normal"
    return replace(init, distribution=law, bias_variance=0.0, bias_over_fan_in=False)


def fits(rule: Rule, layer: Drawn, *, any_law: bool = False) -> bool:
    """Whether a rule may have drawn a layer's weights."""
    weight = layer.weight
    if not weight.variance:
        return False
    near = within(weight.variance / rule.variance(layer), weight, rule.kurtosis)
    # the sample kurtosis of Gaussians has the variance 24/n, that of uniform numbers is closer
    usual = abs(weight.kurtosis - rule.kurtosis) <= 5.0 * math.sqrt(24.0 / weight.samples) + 0.02
    return near and (any_law or usual)


def _in_common(layers: Sequence[Drawn]) -> dict[str, Elected]:
    """Return the layers that have their standard deviation or their sigma_w^2 in common with the first, the largest."""
    groups = []
    for power in (1, 0):  # of fan_in
        values = [(layer, (layer.weight.variance or 0.0) * layer.fan_in**power) for layer in layers]
        (first, value), *_ = values
        far = [FAR * math.hypot(error(first.weight), error(layer.weight)) for layer in layers]
        alike = [pair for pair, most in zip(values, far, strict=True) if abs(pair[1] / value - 1.0) <= most]
        groups.append((alike, power))
    alike, power = max(groups, key=lambda group: len(group[0]))
    mean, spread = pooled([(layer.weight, value) for layer, value in alike])
    known = len({layer.fan_in for layer, _ in alike}) > 1
    number = simplest(mean, spread) if power == 1 else simplest(math.sqrt(mean), spread / 2.0) ** 2
    text = f"standard deviation {math.sqrt(number):.4g}" if power == 0 else f"weight_variance {number:.6g}"
    if not known:
        return {
            layer.weight.name: Elected(Init(rounded(number * layer.fan_in ** (1 - power))), "") for layer, _ in alike
        }
    init = Init(rounded(number), fan="in" if power == 1 else "none")
    return {layer.weight.name: Elected(init, text) for layer, _ in alike}


def elect_biases(layers: Sequence[Drawn]) -> dict[str, float | None]:
    """Return sigma_b^2 of each layer by the name of its weight; None for 1/(3 fan_in), as torch draws them."""
    found: dict[str, float | None] = {}
    drawn: list[tuple[Drawn, Parameter, float]] = []
    for layer in layers:
        bias = layer.bias
        if bias is None or bias.constant:
            found[layer.weight.name] = 0.0
        elif bias.variance is None:
            found[layer.weight.name] = None
        else:
            drawn.append((layer, bias, bias.variance))
    usual = [layer for layer, bias, variance in drawn if _agree(variance, 1.0 / (3.0 * layer.fan_in), bias)]
    others = [(layer, bias, variance) for layer, bias, variance in drawn if layer not in usual]
    common = 0.0
    if others:
        common = simplest(*pooled([(bias, variance) for _, bias, variance in others]))
    alike = [layer for layer, bias, variance in drawn if common and _agree(variance, common, bias)]
    for layer, bias, variance in drawn:
        if layer in usual and (layer not in alike or len(usual) >= len(alike)):
            found[layer.weight.name] = None
        elif layer in alike:
            found[layer.weight.name] = rounded(common)
        else:
            found[layer.weight.name] = simplest(variance, error(bias))
    return found


def _agree(measured: float, stated: float, parameter: Parameter) -> bool:
    return within(measured / stated, parameter, 3.0)


def within(ratio: float, parameter: Parameter, kurtosis: float) -> bool:
    """Whether a measured variance divided by a stated one may be chance.

    Of n values the smallest variances are as rare as those of chi^2 with n - 1 degrees of freedom, P(ratio < r) <= (e r)^((n-1)/2).
    """
    spread = FAR * error(parameter, kurtosis)
    least = RARE ** (2.0 / (parameter.samples - 1)) / math.e if parameter.samples > 1 else 0.0
    return max(1.0 - spread, least) <= ratio <= 1.0 + spread


def misfits(init: Init, layer: Drawn, far: float = FAR) -> list[tuple[str, float, float]]:
    """Return what an initialisation cannot have drawn: name, stated and measured sigma_w^2 or mean square of the biases.

    Parameters
    ----------
    init : Init
    layer : Drawn
    far : float
        Standard errors that a variance may be off.
    """
    pairs = [("weight_variance", layer.weight, init.sigma_w2(layer.fans), layer.fan_in)]
    if layer.bias is not None:
        pairs.append(("mean square of biases", layer.bias, init.bias_square(layer.fan_in), 1))
    found = []
    for name, parameter, stated, scale in pairs:
        if parameter.variance is None or parameter.mean is None:
            continue
        own = (parameter.variance + (parameter.mean**2 if parameter.constant else 0.0)) * scale
        most = far * error(parameter, 3.0) * max(own, stated)
        if (own == 0.0) != (stated == 0.0) or abs(own - stated) > most:
            found.append((name, stated, own))
    return found


def error(parameter: Parameter, kurtosis: float | None = None) -> float:
    """Return the relative standard error of a variance that was measured."""
    return math.sqrt(max((parameter.kurtosis if kurtosis is None else kurtosis) - 1.0, 0.1) / parameter.samples)


def pooled(values: Sequence[tuple[Parameter, float]]) -> tuple[float, float]:
    """Return the mean of values by the number of samples in each, and its relative standard error."""
    total = sum(parameter.samples for parameter, _ in values)
    mean = sum(parameter.samples * value for parameter, value in values) / total
    largest = max((parameter for parameter, _ in values), key=lambda parameter: parameter.samples)
    return mean, error(largest) * math.sqrt(largest.samples / total)


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
