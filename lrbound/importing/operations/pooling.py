"""Pools over windows, and means over all positions."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.activations.relu import Relu
from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation, says, sides
from lrbound.layers.avg_pool1d import AvgPool1d
from lrbound.layers.avg_pool2d import AvgPool2d
from lrbound.layers.global_avg_pool import GlobalAvgPool
from lrbound.layers.max_pool1d import MaxPool1d
from lrbound.layers.max_pool2d import MaxPool2d

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering
    from lrbound.importing.step import Value

NOT_SQUARE = "its window or step is not square; pools of a spec have one number for both axes"


class Pooling(Operation):
    """max_pool2d, avg_pool2d, their adaptive forms, and mean over the positions."""

    names: ClassVar[tuple[str, ...]] = (
        "max_pool2d",
        "avg_pool2d",
        "adaptive_avg_pool2d",
        "adaptive_max_pool2d",
        "max_pool1d",
        "avg_pool1d",
        "adaptive_avg_pool1d",
        "adaptive_max_pool1d",
        "mean",
    )

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``max_pool2d``, ``avg_pool2d`` or ``global_avg_pool``."""
        value = scope.value(call.args[0] if call.args else call.kwargs.get("input"))
        if value is None:
            return
        if call.op == "mean":
            _lower_mean(call, scope, value)
        elif len(value.shape) == 1 and call.shapes[0][1:] in ((*value.shape, 1, 1), (*value.shape, 1)):
            scope.same(value)  # one position is left as it is
        elif call.op.endswith("1d") and len(value.shape) == 2:
            _lower_signal(call, scope, value)
        elif len(value.shape) != 3:
            scope.refuse(call, f"a pool takes [channels, height, width], got {list(value.shape)}", of_shape=True)
        elif call.op.startswith("adaptive"):
            _lower_adaptive(call, scope, value)
        else:
            _lower_window(call, scope, value)


def _lower_signal(call: Call, scope: Lowering, value: Value) -> None:
    """Add a pool along a signal."""
    maximum, (length,) = "max" in call.op, call.shapes[0][2:]
    if call.op.startswith("adaptive"):
        if length == 1 and not maximum:
            scope.apply(call, value, GlobalAvgPool())
        elif value.shape[1] % length:
            scope.refuse(
                call,
                f"its windows on a signal of {value.shape[1]} differ in length; give an --input that {length} divides",
            )
        else:
            kernel = value.shape[1] // length
            scope.apply(call, value, MaxPool1d(kernel=kernel) if maximum else AvgPool1d(kernel=kernel))
        return
    names = {"dilation": 1, "ceil_mode": False, "count_include_pad": True}
    given = bind(call, "input", "kernel_size", stride=None, padding=0, **names)
    kernel, padding = _one(given.kernel_size), _one(given.padding)
    stride = kernel if given.stride in (None, ()) else _one(given.stride)
    if maximum and _one(given.dilation) != 1:
        scope.refuse(call, "its window is dilated; max_pool1d of a spec is not")
        return
    arguments: dict[str, Any] = {"kernel": kernel, "stride": None if stride == kernel else stride, "padding": padding}
    if not maximum:
        # avg_pool1d has (input, kernel_size, stride, padding, ceil_mode, count_include_pad)
        rest = bind(call, "input", "kernel_size", stride=None, padding=0, ceil_mode=False, count_include_pad=True)
        if rest.ceil_mode or (padding and not rest.count_include_pad):
            scope.refuse(
                call, "it rounds up, or does not count padded zeros; avg_pool1d of a spec rounds down and counts them"
            )
            return
        scope.apply(call, value, AvgPool1d(**arguments))
        return
    layer = MaxPool1d(**arguments)
    if given.ceil_mode and layer.output_shape(value.shape) != call.shapes[0][1:]:
        layer = dataclasses.replace(layer, ceil_mode=True)
    scope.apply(call, value, layer)


def _one(number: Any) -> int:
    found: int = number[0] if isinstance(number, tuple) else number
    return found


def _lower_window(call: Call, scope: Lowering, value: Value) -> None:
    given = bind(call, "input", "kernel_size", stride=None, padding=0)
    kernel, padding = sides(given.kernel_size), sides(given.padding)
    even = not (isinstance(value.padding, tuple) and any(isinstance(side, tuple) for side in value.padding))
    before = value.padding and even and not padding and _is_neutral(call, scope, value)
    padding = value.padding if before else padding
    stride = kernel if given.stride in (None, ()) else sides(given.stride)
    cls: Any = MaxPool2d if call.op == "max_pool2d" else AvgPool2d
    arguments = {"kernel": kernel, "stride": None if stride == kernel else stride, "padding": padding}
    if not says(cls, **arguments):
        scope.refuse(call, NOT_SQUARE)
        return
    layer = cls(**arguments)
    if call.op == "max_pool2d":
        rest = bind(call, "input", "kernel_size", stride=None, padding=0, dilation=1, ceil_mode=False)
        if rest.ceil_mode and layer.output_shape(value.shape) != call.shapes[0][1:]:
            layer = dataclasses.replace(layer, ceil_mode=True)
        if sides(rest.dilation) != 1:
            scope.refuse(call, "its window is dilated; max_pool2d of a spec is not")
            return
    else:
        names = {"stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True, "divisor_override": None}
        rest = bind(call, "input", "kernel_size", **names)
        if rest.divisor_override is not None or (padding and not rest.count_include_pad):
            scope.refuse(
                call, "it divides by another number than the window's; avg_pool2d of a spec counts padded zeros"
            )
            return
        if sides(value.shape[1:]) == kernel and call.shapes[0][2:] == (1, 1) and not padding:
            scope.apply(call, value, GlobalAvgPool())
            return
    if rest.ceil_mode and call.op == "avg_pool2d" and layer.output_shape(value.shape) != call.shapes[0][1:]:
        scope.refuse(call, "it rounds the number of windows up (ceil_mode); avg_pool2d of a spec rounds down")
        return
    scope.apply(call, value, layer, pads=bool(before))


def _is_neutral(call: Call, scope: Lowering, value: Value) -> bool:
    """Whether zeros around a map do to a pool what the pool's own padding does: a maximum of what is never negative."""
    layer = scope.steps[value.number - 1].layer if value.number else None
    return value.padding_mode == "zeros" and (call.op == "avg_pool2d" or isinstance(layer, Relu))


def _lower_adaptive(call: Call, scope: Lowering, value: Value) -> None:
    _, height, width = value.shape
    rows, cols = call.shapes[0][2:]
    average = call.op == "adaptive_avg_pool2d"
    if average and (rows, cols) == (1, 1):
        scope.apply(call, value, GlobalAvgPool())
    elif (rows, cols) == (height, width):
        scope.same(value)
    elif height % rows or width % cols:
        text = f"its windows on a map of {height}x{width} differ in size"
        scope.refuse(call, f"{text}; give an --input whose map at this place is a multiple of {rows}x{cols}")
    else:
        cls: Any = AvgPool2d if average else MaxPool2d
        kernel = sides((height // rows, width // cols))
        if says(cls, kernel=kernel):
            scope.apply(call, value, cls(kernel=kernel))
        else:
            scope.refuse(call, NOT_SQUARE)


def _lower_mean(call: Call, scope: Lowering, value: Value) -> None:
    given = bind(call, "input", dim=None, keepdim=False)
    axes = given.dim if isinstance(given.dim, tuple) else (given.dim,)
    dims = len(scope.torch_shape(call.args[0])) + 1
    positions = list(range(2, dims))
    if len(value.shape) in (2, 3) and sorted(axis % dims for axis in axes if isinstance(axis, int)) == positions:
        scope.apply(call, value, GlobalAvgPool())
    elif (
        call.shapes[0][1:] in (value.shape, (*value.shape, 1, 1), (*value.shape, 1))
        and len(value.shape) == 1
        and 0 not in axes
    ):
        scope.same(value)  # over the one position that is left
    else:
        text = f"a mean over {list(axes)} of {dims} axes"
        scope.refuse(call, f"{text}; a spec has the mean over height and width", of_shape=True)
