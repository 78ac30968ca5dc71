"""Keras' layers as operations: a function a class, which adds its calls and returns the last."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lrbound.importing.graph import ParameterRef, Ref, Shape
    from lrbound.importing.keras import Builder

    Add = Callable[[Builder, Any, Sequence[Ref], Sequence[Shape]], Ref]


def _pair(value: Any) -> tuple[int, int]:
    rows, cols = value if isinstance(value, list | tuple) else (value, value)
    return rows, cols


def _windows(side: int, kernel: int, stride: int, padding: str) -> tuple[int, int, int]:
    """Return the number of windows along an axis and the pixels that Keras adds before and after it."""
    if padding != "same":
        return (side - kernel) // stride + 1, 0, 0
    count = -(-side // stride)
    total = max((count - 1) * stride + kernel - side, 0)
    return count, total // 2, total - total // 2


def _padded(build: Builder, source: Ref, shape: Shape, sides: list[tuple[int, int]]) -> Ref:
    (top, bottom), (left, right) = sides
    padded = (shape[0], shape[1] + top + bottom, shape[2] + left + right)
    return build.call("pad", (source, (left, right, top, bottom)), padded)


def _convolve(
    build: Builder,
    config: Any,
    source: Ref,
    shape: Shape,
    *,
    weight: ParameterRef,
    bias: ParameterRef | None,
    groups: int,
) -> Ref:
    outputs, kernel = build.parameters[weight.name].shape[0], build.parameters[weight.name].shape[2:]
    strides, dilation = _pair(config["strides"]), _pair(config.get("dilation_rate", 1))
    reach = [dilate * (side - 1) + 1 for side, dilate in zip(kernel, dilation, strict=True)]
    found = [_windows(*axis, config["padding"]) for axis in zip(shape[1:], reach, strides, strict=True)]
    pads = [(before, after) for _, before, after in found]
    padding: Any = (0, 0)
    if all(before == after for before, after in pads):
        padding = tuple(before for before, _ in pads)
    else:
        source = _padded(build, source, shape, pads)
    args = (source, weight, bias, strides, padding, dilation, groups)
    return build.call("conv2d", args, (outputs, *(count for count, _, _ in found)))


def _bias(build: Builder, config: Any, outputs: int) -> ParameterRef | None:
    if not config.get("use_bias", True):
        return None
    return build.parameter("bias", (outputs,), config["bias_initializer"], (outputs, outputs))


def _conv2d(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    kernel, groups, outputs = _pair(config["kernel_size"]), config.get("groups", 1), config["filters"]
    inputs, area = shapes[0][0] // groups, math.prod(kernel)
    fans = (inputs * area, outputs * area)
    weight = build.parameter("kernel", (outputs, inputs, *kernel), config["kernel_initializer"], fans)
    bias = _bias(build, config, outputs)
    return _convolve(build, config, sources[0], shapes[0], weight=weight, bias=bias, groups=groups)


def _depthwise(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    kernel, channels, multiplier = _pair(config["kernel_size"]), shapes[0][0], config.get("depth_multiplier", 1)
    outputs, area = channels * multiplier, math.prod(kernel)
    fans = (channels * area, multiplier * area)  # as Keras counts the axes of a depthwise kernel
    weight = build.parameter("kernel", (outputs, 1, *kernel), config["depthwise_initializer"], fans)
    bias = _bias(build, config, outputs)
    return _convolve(build, config, sources[0], shapes[0], weight=weight, bias=bias, groups=channels)


def _dense(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    outputs, shape = config["units"], shapes[0]
    inputs = shape[0]
    weight = build.parameter("kernel", (outputs, inputs), config["kernel_initializer"], (inputs, outputs))
    return build.call("linear", (sources[0], weight, _bias(build, config, outputs)), (outputs, *shape[1:]))


def _norm(build: Builder, config: Any, channels: int) -> dict[str, Any]:
    one = (channels, channels)
    given: dict[str, Any] = {"weight": None, "bias": None, "eps": config["epsilon"]}
    if config.get("scale", True):
        given["weight"] = build.parameter("gamma", (channels,), config["gamma_initializer"], one)
    if config.get("center", True):
        given["bias"] = build.parameter("beta", (channels,), config["beta_initializer"], one)
    return given


def _batch_norm(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    given = _norm(build, config, shapes[0][0])
    return build.call("batch_norm", (sources[0], None, None), shapes[0], training=True, **given)


def _layer_norm(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    channels = shapes[0][0]
    return build.call("layer_norm", (sources[0], (channels,)), shapes[0], **_norm(build, config, channels))


def _group_norm(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    channels = shapes[0][0]
    groups = channels if config["groups"] == -1 else config["groups"]
    return build.call("group_norm", (sources[0], groups), shapes[0], **_norm(build, config, channels))


def _pool(op: str) -> Add:
    def add(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
        kernel, strides = _pair(config["pool_size"]), _pair(config["strides"] or config["pool_size"])
        axes = zip(shapes[0][1:], kernel, strides, strict=True)
        found = [_windows(*axis, config["padding"]) for axis in axes]
        made = (shapes[0][0], *(count for count, _, _ in found))
        if any(before != after for _, before, after in found):
            source, padding = _padded(build, sources[0], shapes[0], [(b, a) for _, b, a in found]), (0, 0)
        else:
            source, padding = sources[0], (found[0][1], found[1][1])
        more = {"count_include_pad": False} if op == "avg_pool2d" else {}
        return build.call(op, (source, kernel, strides, padding), made, **more)

    return add


def _global(op: str) -> Add:
    def add(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
        channels = shapes[0][0]
        pooled = build.call(op, (sources[0], 1), (channels, 1, 1))
        return pooled if config.get("keepdims") else build.call("flatten", (pooled, 1), (channels,))

    return add


def _flatten(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    del config
    return build.call("flatten", (sources[0], 1), (math.prod(shapes[0]),))


def _reshape(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    target = list(config["target_shape"])
    if -1 in target:
        target[target.index(-1)] = math.prod(shapes[0]) // -math.prod(target)
    return build.call("reshape", (sources[0],), (target[-1], *target[:-1]))


def _dropout(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    return build.call("dropout", (sources[0], config["rate"]), shapes[0])


def _activation(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    del build, config, shapes  # every layer's ``activation`` is added after it
    return sources[0]


def _relu(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    slope, largest = config.get("negative_slope") or 0.0, config.get("max_value")
    if config.get("threshold"):
        return build.call("threshold", (sources[0],), shapes[0])
    if slope:
        return build.call("leaky_relu", (sources[0], slope), shapes[0])
    return build.call("clamp", (sources[0], 0.0, largest), shapes[0])


def _leaky_relu(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    slope = config.get("negative_slope", config.get("alpha", 0.3))
    return build.call("leaky_relu", (sources[0], slope), shapes[0])


def _elu(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    return build.call("elu", (sources[0], config.get("alpha", 1.0)), shapes[0])


def _softmax(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    del config
    return build.call("softmax", (sources[0],), shapes[0])


def _zero_padding(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    (top, bottom), (left, right) = (_pair(sides) for sides in _pair(config["padding"]))
    return _padded(build, sources[0], shapes[0], [(top, bottom), (left, right)])


def _join(op: str) -> Add:
    def add(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
        del config
        total = sources[0]
        shape = max(shapes, key=math.prod)
        for other in sources[1:]:
            total = build.call(op, (total, other), shape)
        return total

    return add


def _concatenate(build: Builder, config: Any, sources: Sequence[Ref], shapes: Sequence[Shape]) -> Ref:
    last = config.get("axis", -1) in (-1, len(shapes[0]))
    made = (sum(shape[0] for shape in shapes), *shapes[0][1:])
    return build.call("cat", (tuple(sources),), made, dim=1 if last else 2)


LAYERS: dict[str, Add] = {
    "Activation": _activation,
    "Add": _join("add"),
    "AveragePooling2D": _pool("avg_pool2d"),
    "BatchNormalization": _batch_norm,
    "Concatenate": _concatenate,
    "Conv2D": _conv2d,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": _dropout,
    "ELU": _elu,
    "Flatten": _flatten,
    "GlobalAveragePooling2D": _global("adaptive_avg_pool2d"),
    "GlobalMaxPooling2D": _global("adaptive_max_pool2d"),
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "LeakyReLU": _leaky_relu,
    "MaxPooling2D": _pool("max_pool2d"),
    "Multiply": _join("mul"),
    "ReLU": _relu,
    "Reshape": _reshape,
    "Softmax": _softmax,
    "ZeroPadding2D": _zero_padding,
}
"""By the name of Keras' class."""
