"""Layer scale and stochastic depth, by the modules that have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.operations._affine import mean_or_root
from lrbound.importing.operations.base import Operation
from lrbound.layers.layer_scale import LayerScale
from lrbound.layers.stochastic_depth import StochasticDepth

if TYPE_CHECKING:
    from lrbound.importing.graph import Call, Parameter
    from lrbound.importing.lower import Lowering
    from lrbound.importing.step import Value


class Blocks(Operation):
    """StochasticDepth of torchvision and of this package, timm's DropPath, and this package's LayerScale."""

    names: ClassVar[tuple[str, ...]] = ("StochasticDepth", "DropPath", "LayerScale")

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add the layer that the module is."""
        value = scope.value(call.args[0])
        if value is None:
            return
        given = call.kwargs
        if call.op == "LayerScale":
            factor = scope.parameter(call, given["weight"])
            if factor is not None:
                scaled(call, scope, value, factor)
            return
        p = float(given["p"] if "p" in given else given.get("drop_prob", 0.0))
        if given.get("mode", "row") != "row" or not given.get("scale_by_keep", True):
            text = "it drops whole batches, or does not divide what is kept by its share"
            scope.refuse(call, f"{text}; stochastic_depth of a spec drops samples (mode='row', scale_by_keep=True)")
        elif p == 0.0 or not given.get("training", True):
            scope.same(value)
        elif p >= 1.0:
            scope.refuse(call, "stochastic depth with p=1 leaves nothing to train on")
        else:
            scope.apply(call, value, StochasticDepth(p=p))


def scaled(call: Call, scope: Lowering, value: Value, factor: Parameter) -> None:
    """Add ``layer_scale`` with the factors' root mean square."""
    size, note = mean_or_root(factor, "the factor", 1.0)
    scope.apply(call, value, LayerScale(value=size, learnable=factor.trained), note=note)
