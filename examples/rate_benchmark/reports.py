"""Cells chosen by hand: the reports of rates that failed, as far as they train in seconds.

Each stands with what was reported: the largest rate of which training is known to survive and the smallest of which it is known
to fail, as far as they are known.
"""

from __future__ import annotations

from typing import Any

from rate_benchmark.cells import Cell, optimizer_name

SMALL_CONV = [
    {"conv2d": {"channels": 16, "kernel": 3, "padding": 1}},
    "relu",
    {"conv2d": {"channels": 32, "kernel": 3, "stride": 2, "padding": 1}},
    "relu",
]
BN = "batch_norm"


def dense(*block: Any, width: int = 256, depth: int = 3, outputs: int = 10) -> list[Any]:
    """Return hidden layers that are each followed by ``block``, and the last layer."""
    return [*[{"linear": width}, *block] * depth, {"linear": outputs}]


def pyramid(*block: Any, head: list[Any]) -> list[Any]:
    """Return convolutions of 8, 16 and 24 channels, the second and third of stride 2, and a head."""
    layers: list[Any] = []
    for channels, stride in ((8, 1), (16, 2), (24, 2)):
        layers += [{"conv2d": {"channels": channels, "kernel": 3, "stride": stride, "padding": 1}}, *block]
    return [*layers, *head]


def vanishing() -> list[Any]:
    """Return eight weight layers without a normaliser, three of them followed by max pooling."""
    pair = [{"conv2d": {"channels": 32, "kernel": 3, "padding": 1}}, "relu"]
    first = [
        {"conv2d": {"channels": 16, "kernel": 3, "padding": 1}},
        "relu",
        {"max_pool2d": 2},
        *pair,
        {"max_pool2d": 2},
    ]
    return [*first, *pair * 2, {"max_pool2d": 2}, "flatten", *[{"linear": 128}, "relu"] * 2, {"linear": 10}]


def reports() -> list[Cell]:
    """Return the cells."""
    bn, flat = {BN: {"gamma": 1.0}}, ["flatten", {"linear": 10}]
    momentum, plain = {"name": "sgd", "momentum": 0.9}, {"name": "sgd"}
    rows: list[tuple[str, list[Any], str, str, str, int | str, dict[str, Any]]] = [
        ("dense relu, torch init", dense("relu"), "pytorch", "cross_entropy", "digits", 128, momentum),
        ("dense tanh, torch init", dense("tanh"), "pytorch", "cross_entropy", "digits", 128, momentum),
        ("two convolutions and flatten, torch init", [*SMALL_CONV, "flatten", {"linear": 64}, "relu", {"linear": 10}], "pytorch", "cross_entropy", "digits", 128, momentum),
        ("vanishing16", vanishing(), "pytorch", "cross_entropy", "large_digits", 32, momentum),
        ("targets up to 9800", [{"linear": 1}, {"linear": 1}], "unit", "mse", "curve", 32, plain),
        ("linear on 8 features, batch 512", [{"linear": 1}], "pytorch", "mse", "large_features", 512, plain),
        ("linear on 8 features, full batch", [{"linear": 1}], "pytorch", "mse", "large_features", "full", plain),
        ("784-32-784", [{"linear": 32}, "relu", {"linear": 784}], "he", "half_squared_error", "white", 64, plain),
        ("one weight", [{"linear": {"features": 1, "bias": False, "init": {"weight_variance": 1.0}}}], "pytorch", "mse", "single", "full", plain),
        ("structured inputs, tanh", dense("tanh", width=64, depth=4), "lecun", "half_squared_error", "digits", "full", momentum),
        ("structured inputs, photographs", dense("relu", width=64), "he", "mse", "patches", 32, momentum),
        ("conv BN, flatten head", pyramid(bn, "relu", head=flat), "he", "half_squared_error", "digits", 128, momentum),
        ("conv BN, flatten head, cross-entropy", pyramid(bn, "relu", head=flat), "pytorch", "cross_entropy", "digits", 128, momentum),
        ("BN before the head", [*dense(bn, "relu", width=128)[:-2], {"linear": 10}], "he", "half_squared_error", "digits", 128, momentum),
        ("BN and tanh before the head", dense(bn, "tanh", width=128), "he", "half_squared_error", "digits", 128, momentum),
        ("BN gamma 0.05, cross-entropy", dense({BN: {"gamma": 0.05}}, "relu", width=128), "he", "cross_entropy", "digits", 128, momentum),
        ("BN gamma 0.2, cross-entropy", dense({BN: {"gamma": 0.2}}, "relu", width=128), "he", "cross_entropy", "digits", 128, momentum),
        ("BN gamma 0.1", dense({BN: {"gamma": 0.1}}, "relu", width=128), "he", "half_squared_error", "digits", 128, momentum),
        ("BN gamma 3.5", dense({BN: {"gamma": 3.5}}, "relu", width=128), "he", "half_squared_error", "digits", 128, momentum),
        ("heavy-tailed inputs, linear", [{"linear": 1}], "pytorch", "mse", "housing", 32, plain),
        ("heavy-tailed inputs, relu", dense("relu", width=64, outputs=1), "he", "mse", "housing", 32, plain),
        ("heavy-tailed inputs, raw prices", dense("relu", width=64, outputs=1), "pytorch", "mse", "housing-raw", 32, momentum),
        ("conv, batch norm after relu and pooling", [{"conv2d": {"channels": 16, "kernel": 3, "padding": 1}}, "relu", bn, {"max_pool2d": 2}, *flat], "pytorch", "cross_entropy", "large_digits", 64, plain),
    ]  # fmt: skip
    return [_cell(*row) for row in rows]


def _cell(
    name: str, layers: list[Any], init: str, loss: str, data: str, batch: int | str, optimiser: dict[str, Any]
) -> Cell:
    from rate_benchmark.data import arrays

    data, _, raw = data.partition("-")
    x, y = arrays(data)
    images = any(isinstance(layer, dict) and "conv2d" in layer for layer in layers)
    classes = y.dtype.kind in "iu"
    spec = {
        "version": 1,
        "input": {"shape": list(x.shape[1:]) if images else [x[0].size]},
        "init": {"weight_variance": 1.0} if init == "unit" else init,
        "training": {"loss": loss, "batch_size": batch, "optimizer": optimiser},
        "layers": [*layers[:-1], {"linear": int(y.max()) + 1}] if classes else layers,
    }
    targets = "raw" if raw or data in {"curve", "white", "single"} else "unit"
    kinds = {
        "family": "conv" if images else "dense",
        "normaliser": next((str(layer).split("'")[1] for layer in layers if "norm" in str(layer)), "none"),
        "init": init, "loss": loss, "optimizer": optimizer_name(optimiser), "batch": str(batch), "data": data,
        "targets": "classes" if classes else targets, "gamma": "-",
    }  # fmt: skip
    return Cell(name, spec, data, targets, kinds, design=None)
