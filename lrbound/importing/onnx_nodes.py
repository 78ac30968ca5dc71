"""ONNX operators as operations of torch: a function each, from inputs and attributes to name and arguments."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lrbound.importing.onnx import _Reader

    Translated = tuple[str, list[Any], dict[str, Any]]
    Translate = Callable[[_Reader, Sequence[str], Mapping[str, Any]], Translated]


def _pads(given: Mapping[str, Any], axes: int) -> Any:
    """Return the pixels on opposite sides of each axis; where they differ, all of them, which no layer takes."""
    pads = tuple(given.get("pads", (0,) * (2 * axes)))
    if given.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return "same" if given["auto_pad"] == "SAME_UPPER" else given["auto_pad"]
    return pads[:axes] if pads[:axes] == pads[axes:] else pads


def _at(names: Sequence[str], index: int) -> str:
    return names[index] if index < len(names) else ""


def _conv(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    axes = len(given["kernel_shape"])
    ones = (1,) * axes
    strides, dilations = tuple(given.get("strides", ones)), tuple(given.get("dilations", ones))
    weight, bias = reader.weight(names[1]) or reader.reference(names[1]), reader.weight(_at(names, 2))
    args = [reader.reference(names[0]), weight, bias, strides, _pads(given, axes), dilations, given.get("group", 1)]
    return (f"conv{axes}d", args, {})


def _gemm(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    source = reader.reference(names[0])
    weight = reader.weight(names[1], turned=not given.get("transB", 0)) or reader.reference(names[1])
    plain = given.get("alpha", 1.0) == given.get("beta", 1.0) == 1.0 and not given.get("transA", 0)
    return ("linear" if plain else "Gemm", [source, weight, reader.weight(_at(names, 2))], {})


def _matmul(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    del given
    if names[1] in reader.arrays:
        return ("linear", [reader.reference(names[0]), reader.weight(names[1], turned=True), None], {})
    return ("matmul", [reader.reference(name) for name in names], {})


def _batch_norm(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    args = [reader.reference(names[0]), reader.reference(names[3]), reader.reference(names[4])]
    more = {
        "weight": reader.weight(names[1]),
        "bias": reader.weight(names[2]),
        "eps": _short(given.get("epsilon", 1e-5)),
    }
    return ("batch_norm", args, {**more, "training": bool(given.get("training_mode", 0))})


def _instance_norm(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    more = {
        "weight": reader.weight(names[1]),
        "bias": reader.weight(names[2]),
        "eps": _short(given.get("epsilon", 1e-5)),
    }
    return ("instance_norm", [reader.reference(names[0])], more)


def _layer_norm(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    weight = reader.weight(names[1])
    shape = () if weight is None else reader.parameters[weight.name].shape
    more = {"weight": weight, "bias": reader.weight(_at(names, 2)), "eps": _short(given.get("epsilon", 1e-5))}
    return ("layer_norm", [reader.reference(names[0]), shape], more)


def _pool(op: str) -> Translate:
    def translate(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
        axes = len(given["kernel_shape"])
        strides = tuple(given.get("strides", (1,) * axes))
        args = [reader.reference(names[0]), tuple(given["kernel_shape"]), strides, _pads(given, axes)]
        more: dict[str, Any] = {"ceil_mode": bool(given.get("ceil_mode", 0))}
        if op == "avg_pool":
            more["count_include_pad"] = bool(given.get("count_include_pad", 0))
        else:
            more["dilation"] = tuple(given.get("dilations", (1,) * axes))
        return (f"{op}{axes}d", args, more)

    return translate


def _global(op: str) -> Translate:
    def translate(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
        del given
        return (op, [reader.reference(names[0]), 1], {})

    return translate


def _mean(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    axes = given.get("axes", reader.number(_at(names, 1), ()))
    return ("mean", [reader.reference(names[0]), tuple(axes)], {"keepdim": bool(given.get("keepdims", 1))})


def _plain(op: str, **fields: tuple[str, Any]) -> Translate:
    """Return the translation of an operator on results, with attributes as keywords: ``torch=(onnx, default)``."""

    def translate(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
        more = {key: _short(given.get(name, default)) for key, (name, default) in fields.items()}
        return (op, [_operand(reader, name) for name in names], more)

    return translate


def _first(op: str) -> Translate:
    """Return the translation of an operator whose other inputs only say what the result's shape says."""

    def translate(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
        del given
        return (op, [reader.reference(names[0])], {})

    return translate


def _operand(reader: _Reader, name: str) -> Any:
    """Return a result, or a constant of one value as a number."""
    array = reader.arrays.get(name)
    return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else reader.reference(name)


def unknown(op: str) -> Translate:
    """Return the translation of an operator that is not known, which is refused by its name."""
    return _plain(op)


def _clip(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    low = given.get("min", reader.number(_at(names, 1), None))
    high = given.get("max", reader.number(_at(names, 2), None))
    return ("clamp", [reader.reference(names[0]), low, high], {})


def _dropout(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    ratio = given.get("ratio", reader.number(_at(names, 1), 0.5))
    return ("dropout", [reader.reference(names[0]), _short(ratio)], {})


def _concat(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    return ("cat", [tuple(reader.reference(name) for name in names)], {"dim": given["axis"]})


def _softmax(op: str) -> Translate:
    def translate(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
        del given
        return (op, [reader.reference(names[0])], {})

    return translate


def _pad(reader: _Reader, names: Sequence[str], given: Mapping[str, Any]) -> Translated:
    pads = given.get("pads", reader.number(_at(names, 1), ()))
    half = len(pads) // 2
    turned = [side for axis in reversed(range(2, half)) for side in (pads[axis], pads[axis + half])]
    mode = given.get("mode", "constant")
    return ("pad", [reader.reference(names[0]), tuple(turned)], {"mode": {"wrap": "circular"}.get(mode, mode)})


def _short(value: Any) -> Any:
    """Return a number that was stored in single precision as it was written."""
    return float(f"{value:.7g}") if isinstance(value, float) and math.isfinite(value) else value


NODES: dict[str, Translate] = {
    "Add": _plain("add"),
    "AveragePool": _pool("avg_pool"),
    "BatchNormalization": _batch_norm,
    "Cast": _first("to"),
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "Div": _plain("div"),
    "Dropout": _dropout,
    "Elu": _plain("elu", alpha=("alpha", 1.0)),
    "Erf": _plain("erf"),
    "Flatten": _first("flatten"),
    "Gemm": _gemm,
    "GlobalAveragePool": _global("adaptive_avg_pool2d"),
    "GlobalMaxPool": _global("adaptive_max_pool2d"),
    "HardSwish": _plain("hardswish"),
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "LeakyRelu": _plain("leaky_relu", negative_slope=("alpha", 0.01)),
    "LogSoftmax": _softmax("log_softmax"),
    "MatMul": _matmul,
    "MaxPool": _pool("max_pool"),
    "Mish": _plain("mish"),
    "Mul": _plain("mul"),
    "Pad": _pad,
    "ReduceMean": _mean,
    "Relu": _plain("relu"),
    "Reshape": _first("reshape"),
    "Selu": _first("selu"),
    "Sigmoid": _plain("sigmoid"),
    "Softmax": _softmax("softmax"),
    "Softplus": _plain("softplus"),
    "Squeeze": _first("squeeze"),
    "Sub": _plain("sub"),
    "Tanh": _plain("tanh"),
    "Transpose": _first("permute"),
    "Unsqueeze": _first("unsqueeze"),
}
"""By ONNX's name."""
