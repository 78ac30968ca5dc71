"""Initialisations that have a name in torch or in a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.init import NAMED, Init

if TYPE_CHECKING:
    from lrbound.importing.step import Drawn

NORMAL, UNIFORM = 3.0, 1.8
"""Kurtosis of the two distributions."""


@dataclass(frozen=True)
class Rule:
    """A way to draw weights: variance = gain^2 / fan.

    Attributes
    ----------
    text : str
        What one calls to have it.
    gain2 : float
        gain^2.
    fan : {"in", "out", "average", "largest", "none"}
    kurtosis : float
    name : str
        Its name in a spec, where it has one.
    """

    text: str
    gain2: float
    fan: str
    kurtosis: float
    name: str = ""

    def variance(self, layer: Drawn) -> float:
        """Return the variance of a weight."""
        fans = {
            "in": layer.fan_in,
            "out": layer.fan_out,
            "average": (layer.fan_in + layer.fan_out) / 2.0,
            "largest": max(layer.fan_in, layer.weight.shape[0]),
            "none": 1.0,
        }
        return self.gain2 / fans[self.fan]

    def init(self, layer: Drawn) -> Init | float:
        """Return the initialisation of a spec, or sigma_w^2 where it has no name for it."""
        named = NAMED.get(self.name)
        if named is not None and (named.fan == "in" or layer.fan_out == layer.layer_fan_out):
            return named
        return self.variance(layer) * layer.fan_in


RELU = 2.0
TANH = (5.0 / 3.0) ** 2
RULES = (
    Rule("torch's default, uniform with the bound 1/sqrt(fan_in)", 1.0 / 3.0, "in", UNIFORM, "pytorch"),
    Rule("kaiming_normal_", RELU, "in", NORMAL, "he"),
    Rule("kaiming_normal_(mode='fan_out')", RELU, "out", NORMAL),
    Rule("xavier_uniform_", 1.0, "average", UNIFORM, "xavier"),
    Rule("xavier_normal_", 1.0, "average", NORMAL, "xavier"),
    Rule("kaiming_uniform_", RELU, "in", UNIFORM, "he"),
    Rule("kaiming_uniform_(mode='fan_out')", RELU, "out", UNIFORM),
    Rule("normal with the variance 1/fan_in (LeCun)", 1.0, "in", NORMAL, "lecun"),
    Rule("uniform with the variance 1/fan_in (LeCun)", 1.0, "in", UNIFORM, "lecun"),
    Rule("uniform with the bound 1/sqrt(fan_out)", 1.0 / 3.0, "out", UNIFORM),
    Rule("normal with the variance 1/fan_out", 1.0, "out", NORMAL),
    Rule("uniform with the variance 1/fan_out", 1.0, "out", UNIFORM),
    Rule("orthogonal_", 1.0, "largest", NORMAL),
    Rule("orthogonal_(gain=sqrt(2))", RELU, "largest", NORMAL),
    Rule("xavier_normal_(gain=sqrt(2))", RELU, "average", NORMAL),
    Rule("xavier_uniform_(gain=sqrt(2))", RELU, "average", UNIFORM),
    Rule("xavier_normal_(gain=5/3)", TANH, "average", NORMAL),
    Rule("xavier_uniform_(gain=5/3)", TANH, "average", UNIFORM),
    Rule("kaiming_normal_(nonlinearity='tanh')", TANH, "in", NORMAL),
    *(Rule(f"standard deviation {deviation:g}", deviation**2, "none", NORMAL) for deviation in (0.01, 0.02, 0.001)),
    *(
        Rule(f"kaiming_normal_(a={slope}, mode='fan_{fan}')", RELU / (1.0 + slope**2), fan, NORMAL)
        for slope in (0.1, 0.2)
        for fan in ("in", "out")
    ),
)
