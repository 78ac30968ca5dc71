"""Initialisations that have a name in torch or in a paper."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lrbound.init import FORMS, MODES, NAMED, Init

if TYPE_CHECKING:
    from lrbound.importing.step import Drawn

NORMAL, UNIFORM = 3.0, 1.8
"""Kurtosis of the two distributions."""


@dataclass(frozen=True)
class Rule:
    """A way to draw weights.

    Attributes
    ----------
    text : str
        What one calls to have it.
    init : Init
        Without biases, but for torch's default.
    """

    text: str
    init: Init

    @property
    def kurtosis(self) -> float:
        """Of the weights."""
        return UNIFORM if self.init.distribution == "uniform" else NORMAL

    def variance(self, layer: Drawn) -> float:
        """Return the variance of a weight."""
        return self.init.variance(layer.fans)


def _form(name: str, **given: Any) -> Init:
    return FORMS[name].made(given)


TANH = {"nonlinearity": "tanh"}
RULES = (
    Rule("torch's default, uniform with the bound 1/sqrt(fan_in)", NAMED["pytorch"]),
    Rule("kaiming_normal_", NAMED["he"]),
    Rule("kaiming_normal_(mode='fan_out')", _form("kaiming_normal", mode="fan_out")),
    Rule("xavier_uniform_", _form("xavier_uniform")),
    Rule("xavier_normal_", NAMED["xavier"]),
    Rule("kaiming_uniform_", _form("kaiming_uniform")),
    Rule("kaiming_uniform_(mode='fan_out')", _form("kaiming_uniform", mode="fan_out")),
    Rule("normal with the variance 1/fan_in (LeCun)", NAMED["lecun"]),
    Rule("uniform with the variance 1/fan_in (LeCun)", _form("lecun_uniform")),
    Rule("uniform with the bound 1/sqrt(fan_out)", Init(1.0 / 3.0, fan="out", distribution="uniform")),
    Rule("normal with the variance 1/fan_out", Init(1.0, fan="out")),
    Rule("uniform with the variance 1/fan_out", Init(1.0, fan="out", distribution="uniform")),
    Rule("orthogonal_", _form("orthogonal")),
    Rule("orthogonal_(gain=sqrt(2))", _form("orthogonal", gain=2.0**0.5)),
    Rule("xavier_normal_(gain=sqrt(2))", _form("xavier_normal", gain=2.0**0.5)),
    Rule("xavier_uniform_(gain=sqrt(2))", _form("xavier_uniform", gain=2.0**0.5)),
    Rule("xavier_normal_(gain=5/3)", _form("xavier_normal", gain=5.0 / 3.0)),
    Rule("xavier_uniform_(gain=5/3)", _form("xavier_uniform", gain=5.0 / 3.0)),
    Rule("kaiming_normal_(nonlinearity='tanh')", _form("kaiming_normal", **TANH)),
    *(Rule(f"standard deviation {deviation:g}", _form("std", **{"": deviation})) for deviation in (0.01, 0.02, 0.001)),
    *(
        Rule(f"kaiming_normal_(a={slope}, mode='{mode}')", _form("kaiming_normal", a=slope, mode=mode))
        for slope in (0.1, 0.2)
        for mode in MODES
    ),
)
