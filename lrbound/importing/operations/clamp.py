"""Rectifiers that are written as limits of a range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from lrbound.activations.relu import Relu
from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation
from lrbound.layers import LAYERS
from lrbound.layers._normaliser import Affine

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering
    from lrbound.importing.step import Value

KINDS = {(0.0, math.inf): "relu", (0.0, 6.0): "relu6", (-1.0, 1.0): "hardtanh"}
"""Activations by their range."""
CAP_IN_DEVIATIONS = 6.0
"""Further from the mean than this no unit of a normaliser ever is: 1e-9 of a Gaussian."""


class Clamp(Operation):
    """torch.clamp, clamp_min and hardtanh, the last of which is what torch.nn.ReLU6 calls."""

    names: ClassVar[tuple[str, ...]] = ("clamp", "clip", "clamp_min", "hardtanh", "relu6")

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``relu``, ``relu6`` or ``hardtanh``."""
        low, high = _range(call)
        value = scope.value(call.args[0] if call.args else call.kwargs.get("input"))
        if value is None:
            return
        if KINDS.get((low, high)) in LAYERS:
            scope.apply(call, value, LAYERS.get(KINDS[low, high])())
        elif low == 0.0 and math.isfinite(high) and _never_reaches(scope, value, high):
            text = f"the cap of relu{high:g} lies {CAP_IN_DEVIATIONS:g} deviations or more above its normaliser's mean"
            scope.note(f"{text}, so that it is read as relu")
            scope.apply(call, value, Relu())
        else:
            text = f"values are limited to [{low:g}, {high:g}], for which a spec has no activation here"
            scope.refuse(call, f"{text}; put a normaliser before it, or use relu")


def _range(call: Call) -> tuple[float, float]:
    if call.op == "relu6":
        return 0.0, 6.0
    if call.op == "hardtanh":
        given = bind(call, "input", min=-1.0, max=1.0)
        low, high = call.kwargs.get("min_val", given.min), call.kwargs.get("max_val", given.max)
    else:
        given = bind(call, "input", min=None, max=None)
        low, high = given.min, given.max
    low = -math.inf if low is None else low
    high = math.inf if high is None else high
    return (float(low), float(high)) if all(isinstance(x, int | float) for x in (low, high)) else (math.nan, math.nan)


def _never_reaches(scope: Lowering, value: Value, high: float) -> bool:
    """Whether a value comes from a normaliser of each channel over the batch that keeps it below ``high``."""
    layer = scope.steps[value.number - 1].layer if value.number else None
    if not (isinstance(layer, Affine) and layer.fixes_scale):
        return False
    return abs(layer.gamma) * CAP_IN_DEVIATIONS + layer.beta <= high
