"""Convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation, border_of, says, sides
from lrbound.importing.step import Drawn
from lrbound.layers.conv1d import Conv1d
from lrbound.layers.conv2d import Conv2d
from lrbound.layers.linear import Linear

if TYPE_CHECKING:
    from types import SimpleNamespace

    from lrbound.importing.graph import Call, Parameter
    from lrbound.importing.lower import Lowering
    from lrbound.importing.step import Value


class Convolution(Operation):
    """torch.nn.functional.conv2d; on a map that was pooled to one position it is a dense layer."""

    names: ClassVar[tuple[str, ...]] = ("conv2d", "conv1d")

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``conv2d``, or ``linear`` where one position is left."""
        given = bind(call, "input", "weight", bias=None, stride=1, padding=0, dilation=1, groups=1)
        value, weight = scope.value(given.input), scope.parameter(call, given.weight)
        bias = None if given.bias is None else scope.parameter(call, given.bias)
        if value is None or weight is None or (bias is None) != (given.bias is None):
            return
        kernel, stride, dilation = sides(weight.shape[2:]), sides(given.stride), sides(given.dilation)
        if len(value.shape) == 1:
            _lower_to_linear(call, scope, value, weight, bias, kernel=kernel, groups=given.groups)
            return
        if call.op == "conv1d":
            _lower_signal(call, scope, value, weight, bias, given)
            return
        padding = _padding(given.padding, weight.shape[2:], plain=stride == dilation == 1)
        if value.padding and padding:
            scope.refuse(
                call, f"the map is padded before its own padding {given.padding}; a spec pads a convolution once"
            )
            return
        arguments = {"kernel": kernel, "stride": stride, "padding": value.padding or padding, "dilation": dilation}
        if not says(Conv2d, **arguments):
            text = f"its kernel {list(weight.shape[2:])}, its stride or its padding differ between rows and columns"
            scope.refuse(call, f"{text}; conv2d of a spec has one number for both")
            return
        layer = Conv2d(
            channels=weight.shape[0],
            padding_mode=value.padding_mode,
            groups=given.groups,
            bias=bias is not None,
            **arguments,
        )
        drawn = Drawn(weight, bias, layer.fans(given.groups * weight.shape[1]), layer.kind, call.origin)
        scope.apply(call, value, layer, drawn, pads=True)


def _padding(padding: Any, kernel: tuple[int, ...], *, plain: bool) -> Any:
    """Return the border as a spec has it; ``plain`` says that there are neither steps nor dilation."""
    if padding == "valid":
        return 0
    if padding == "same":
        return sides(tuple(side // 2 for side in kernel)) if plain and all(side % 2 for side in kernel) else "same"
    if isinstance(padding, tuple) and len(padding) == 4:  # of ONNX: where rows and columns begin, where they end
        top, left, bottom, right = padding
        return border_of(top, bottom, left, right)
    return sides(padding)


def _lower_signal(
    call: Call, scope: Lowering, value: Value, weight: Parameter, bias: Parameter | None, given: SimpleNamespace
) -> None:
    """Add ``conv1d``."""
    (length,), stride, dilation = weight.shape[2:], _first(given.stride), _first(given.dilation)
    padding = _first(given.padding)
    if padding == "valid":
        padding = 0
    if padding == "same" and stride == dilation == 1 and length % 2:
        padding = length // 2
    if not (padding == "same" or isinstance(padding, int)):
        scope.refuse(
            call, f"its padding {given.padding} differs from end to end; conv1d of a spec has one number, or same"
        )
        return
    layer = Conv1d(
        channels=weight.shape[0],
        kernel=length,
        stride=stride,
        padding=value.padding if isinstance(value.padding, int) and value.padding else padding,
        padding_mode=value.padding_mode,
        groups=given.groups,
        dilation=dilation,
        bias=bias is not None,
    )
    drawn = Drawn(weight, bias, layer.fans(given.groups * weight.shape[1]), layer.kind, call.origin)
    scope.apply(call, value, layer, drawn, pads=isinstance(value.padding, int))


def _first(number: Any) -> Any:
    """Return the number of the one axis; two, where both ends have unlike borders, stay."""
    return number[0] if isinstance(number, tuple) and len(set(number)) == 1 else number


def _lower_to_linear(
    call: Call, scope: Lowering, value: Value, weight: Parameter, bias: Parameter | None, *, kernel: Any, groups: int
) -> None:
    if kernel != 1 or groups != 1:
        scope.refuse(
            call, "it is a grouped or larger convolution of a map of one position; linear of a spec is neither"
        )
        return
    layer = Linear(features=weight.shape[0], bias=bias is not None)
    drawn = Drawn(weight, bias, layer.fans(weight.shape[1]), "conv2d", call.origin)
    scope.apply(call, value, layer, drawn)
