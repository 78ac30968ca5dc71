"""How a sample's norm passes a place in the network, and how its gain reacts."""

from __future__ import annotations

from typing import NamedTuple


class NormTransfer(NamedTuple):
    """What a place adds to the variance of a sample's norm and gain, and how it passes a norm on (see localized).

    Attributes
    ----------
    norm, gain, both : float
        Relative variances of T and G, and their covariance.
    norm_slope, gain_slope : float
        d ln T and d ln G / d ln of the norm that arrives.
    """

    norm: float
    gain: float
    both: float
    norm_slope: float
    gain_slope: float


NONE = NormTransfer(0.0, 0.0, 0.0, 1.0, 0.0)
