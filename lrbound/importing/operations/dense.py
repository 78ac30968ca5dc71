"""Dense layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation
from lrbound.importing.step import Drawn
from lrbound.layers.conv2d import Conv2d
from lrbound.layers.linear import Linear

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering


class Dense(Operation):
    """torch.nn.functional.linear on flat features."""

    names: ClassVar[tuple[str, ...]] = ("linear",)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``linear``."""
        given = bind(call, "input", "weight", bias=None)
        value, weight = scope.value(given.input), scope.parameter(call, given.weight)
        bias = None if given.bias is None else scope.parameter(call, given.bias)
        if value is None or weight is None or (bias is None) != (given.bias is None):
            return
        outputs, inputs = weight.shape
        if value.last:
            filters = Conv2d(channels=outputs, kernel=1, bias=bias is not None)
            scope.apply(call, value, filters, Drawn(weight, bias, filters.fans(inputs), "linear", call.origin))
            return
        if len(scope.torch_shape(given.input)) != 1:
            text = (
                "it acts on the last axis of several; linear of a spec takes flat features, so flatten before it, or use a "
                "convolution of kernel 1 on [channels, height, width]"
            )
            scope.refuse(call, text, of_shape=True)
            return
        layer = Linear(features=outputs, bias=bias is not None)
        scope.apply(call, value, layer, Drawn(weight, bias, layer.fans(inputs), "linear", call.origin))
