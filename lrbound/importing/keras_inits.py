"""Keras' initializers as the moments of their laws."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lrbound.importing.graph import Parameter
from lrbound.importing.rules import NORMAL, UNIFORM

if TYPE_CHECKING:
    from lrbound.importing.graph import Shape

KNOWN = 10**12
"""Samples that a law stands for: its variance is exact."""
TRUNCATED = 0.7737413035
"""Variance of a standard normal cut off at two deviations, as Keras' TruncatedNormal is; its scaled kin make up for it."""
SCALINGS = {
    "GlorotUniform": (1.0, "fan_avg", UNIFORM),
    "GlorotNormal": (1.0, "fan_avg", NORMAL),
    "HeUniform": (2.0, "fan_in", UNIFORM),
    "HeNormal": (2.0, "fan_in", NORMAL),
    "LecunUniform": (1.0, "fan_in", UNIFORM),
    "LecunNormal": (1.0, "fan_in", NORMAL),
}


def law(name: str, shape: Shape, initializer: Any, fans: tuple[int, int]) -> Parameter | str:
    """Return a parameter with the moments of its initializer, or a sentence on an unknown one.

    Parameters
    ----------
    name : str
    shape : tuple of int
    initializer : dict or str
        As the file has it.
    fans : (int, int)
        fan_in and fan_out as Keras counts them.
    """
    kind = initializer["class_name"] if isinstance(initializer, dict) else _class_name(str(initializer))
    config = initializer.get("config", {}) if isinstance(initializer, dict) else {}
    constants = {"Zeros": 0.0, "Ones": 1.0, "Constant": config.get("value", 0.0)}
    if kind in constants:
        return Parameter(name, shape, mean=float(constants[kind]), variance=0.0, constant=True)
    found = _variance(kind, config, fans, shape)
    if found is None:
        return f"its initializer {kind} is not known; use one of Keras' own"
    mean, variance, kurtosis = found
    return Parameter(name, shape, mean=mean, variance=variance, kurtosis=kurtosis, values=KNOWN)


def _variance(kind: str, config: Any, fans: tuple[int, int], shape: Shape) -> tuple[float, float, float] | None:
    """Return mean, variance and kurtosis of a law."""
    fan_in, fan_out = fans
    if kind in SCALINGS or kind == "VarianceScaling":
        uniform = "uniform" in config.get("distribution", "")
        default = (config.get("scale", 1.0), config.get("mode", "fan_in"), UNIFORM if uniform else NORMAL)
        scale, mode, kurtosis = SCALINGS.get(kind, default)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": 0.5 * (fan_in + fan_out)}[mode]
        return 0.0, scale / fan, kurtosis
    if kind in ("RandomNormal", "TruncatedNormal"):
        factor = TRUNCATED if kind == "TruncatedNormal" else 1.0
        return config.get("mean", 0.0), factor * config.get("stddev", 0.05) ** 2, NORMAL
    if kind == "RandomUniform":
        low, high = config.get("minval", -0.05), config.get("maxval", 0.05)
        return 0.5 * (low + high), (high - low) ** 2 / 12.0, UNIFORM
    if kind in ("Orthogonal", "OrthogonalInitializer"):
        return 0.0, config.get("gain", 1.0) ** 2 / max(shape[0], math.prod(shape[1:])), NORMAL
    return None


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
