"""``init``: the name of an initialisation, or its two variances and the biases' mean."""

from __future__ import annotations

from lrbound.fields import Param
from lrbound.init import NAMED, Init
from lrbound.spec.diagnostics import Invalid, Problems
from lrbound.spec.names import known_entries, unknown
from lrbound.spec.scalars import read_number, read_text
from lrbound.spec.tree import MapValue, Value

DEFAULT = "pytorch"
VARIANCES = {
    "weight_variance": Param("number", "sigma_w^2: the weights have variance sigma_w^2 / fan_in", gt=0),
    "bias_variance": Param("number", "sigma_b^2, the variance of the biases", ge=0),
}
MOMENTS = VARIANCES | {"bias_mean": Param("number", "mean of the biases; 0.1 for biases that all start at 0.1")}


def read_init(value: Value, label: str, problems: Problems) -> Init:
    """Return the initialisation; raise Invalid, or report the arguments that are wrong.

    Parameters
    ----------
    value : Scalar, ListValue or MapValue
        What the spec says.
    label : str
        How a message begins: ``linear: `` for a layer's own, nothing for the network's.
    problems : Problems
        Takes what is wrong with the arguments.
    """
    if isinstance(value, MapValue):
        return _read_variances(value, label, problems)
    name = read_text(value, f"{label}'init'", "a name or {weight_variance: ..., bias_variance: ...}")
    if name not in NAMED:
        raise Invalid(value.mark, label + unknown("init", name, tuple(NAMED), problems))
    return NAMED[name]


def _read_variances(mapping: MapValue, label: str, problems: Problems) -> Init:
    given = known_entries(mapping, MOMENTS, "key", f"{label}init: ", problems)
    numbers: dict[str, float] = {}
    for key, value in given.items():
        with problems.collecting():
            numbers[key] = read_number(value, MOMENTS[key], f"{label}init: '{key}'")
    if "weight_variance" not in given:
        raise Invalid(mapping.mark, f"{label}init: 'weight_variance' is missing")
    return Init(
        numbers.get("weight_variance", 1.0), numbers.get("bias_variance", 0.0), bias_mean=numbers.get("bias_mean", 0.0)
    )
