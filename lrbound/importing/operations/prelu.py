"""prelu: leaky_relu with slopes that are parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.activations.prelu import Prelu as Layer
from lrbound.importing.lower import bind
from lrbound.importing.operations._affine import mean_or_root
from lrbound.importing.operations.base import Operation

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering


class Prelu(Operation):
    """prelu of torch.nn.functional: leaky_relu with a slope that is a parameter."""

    names: ClassVar[tuple[str, ...]] = ("prelu",)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``prelu`` with the slopes' mean square."""
        given = bind(call, "input", "weight")
        value, slope = scope.value(given.input), scope.parameter(call, given.weight)
        if value is None or slope is None:
            return
        if not slope.trained:
            scope.refuse(call, "its slopes are frozen; give the model leaky_relu with that slope")
            return
        negative, note = mean_or_root(slope, "the slope", 0.25)
        scope.apply(call, value, Layer(negative_slope=negative, per_channel=slope.count > 1), note=note)
