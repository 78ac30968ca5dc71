"""ONNX graphs as torch.onnx.export writes them, in stand-ins for the classes of the package onnx."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from lrbound.importing.refusal import ModelError, Untranslatable
from lrbound.importing.translate import translate

rng = np.random.default_rng(0)


def value(name, *sides):
    dims = [SimpleNamespace(dim_value=side) for side in sides]
    return SimpleNamespace(
        name=name, type=SimpleNamespace(tensor_type=SimpleNamespace(shape=SimpleNamespace(dim=dims)))
    )


def node(op, inputs, output, place="", **attributes):
    items = [SimpleNamespace(name=key, value=item, t=SimpleNamespace(array=item)) for key, item in attributes.items()]
    name = "/".join(["", *place.split("."), op]) if place else op
    return SimpleNamespace(op_type=op, input=list(inputs), output=[output], name=name, attribute=items)


@pytest.fixture
def read(monkeypatch):
    """Read a graph of nodes, arrays and shapes."""

    def run(nodes, arrays, shapes, start=(2, 3, 8, 8), input_shape=None):
        inputs = [value("x", *start)]
        results = [value(name, *sides) for name, sides in shapes.items()]
        tensors = [SimpleNamespace(name=name, array=array) for name, array in arrays.items()]
        graph = SimpleNamespace(
            name="main", node=nodes, initializer=tensors, input=inputs, output=[results[-1]], value_info=results
        )
        onnx = ModuleType("onnx")
        onnx.load = lambda path: SimpleNamespace(graph=graph)
        onnx.numpy_helper = SimpleNamespace(to_array=lambda tensor: np.asarray(tensor.array))
        onnx.helper = SimpleNamespace(get_attribute_value=lambda item: item.value)
        known = SimpleNamespace(input=inputs, value_info=list(results), output=[])
        onnx.shape_inference = SimpleNamespace(infer_shapes=lambda model, data_prop: SimpleNamespace(graph=known))
        monkeypatch.setitem(sys.modules, "onnx", onnx)
        from lrbound.importing.onnx import read_onnx

        return read_onnx("net.onnx", input_shape)

    return run


def drawn(*shape, fan_in):
    bound = 1.0 / np.sqrt(fan_in)
    return rng.uniform(-bound, bound, shape).astype(np.float32)


def network(*, training=True, normaliser=True):
    convolution = node("Conv", ["x", "w"], "c", "conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[1, 1], group=1)
    norm = node(
        "BatchNormalization",
        ["c", "g", "b", "m", "v"],
        "n",
        "bn",
        epsilon=9.999999747378752e-06,
        training_mode=int(training),
    )
    nodes = [
        convolution,
        norm,
        node("Relu", ["n" if normaliser else "c"], "r"),
        node("AveragePool", ["r"], "p", kernel_shape=[8, 8], strides=[8, 8], pads=[0, 0, 0, 0], ceil_mode=0),
        node("Constant", [], "one", value=np.array([-1])),
        node("Constant", [], "half", value=np.array(0.3, dtype=np.float32)),
        node("Shape", ["x"], "s"),
        node("Concat", ["s", "one"], "t", axis=0),
        node("Reshape", ["p", "t"], "f"),
        node("Dropout", ["f", "half"], "d"),
        node("Gemm", ["d", "w2", "b2"], "y", "fc", alpha=1.0, beta=1.0, transB=1),
    ]
    nodes = nodes if normaliser else [item for item in nodes if item.op_type != "BatchNormalization"]
    arrays = {
        "w": drawn(32, 3, 3, 3, fan_in=27),
        "g": np.ones(32),
        "b": np.zeros(32),
        "m": np.zeros(32),
        "v": np.ones(32),
        "w2": drawn(10, 32, fan_in=32),
        "b2": drawn(10, fan_in=32),
    }
    maps = dict.fromkeys("cnr", (2, 32, 8, 8))
    return nodes, arrays, {**maps, "p": (2, 32, 1, 1), "f": (2, 32), "d": (2, 32), "y": (2, 10)}


def test_a_training_export_is_the_network(read):
    translation = translate(read(*network()))

    lines = translation.text.splitlines()
    assert lines[lines.index("layers:") + 1 :] == [
        "  - conv2d: {channels: 32, kernel: 3, padding: 1, bias: false}  # conv",
        "  - batch_norm  # bn",
        "  - relu  # Relu",
        "  - global_avg_pool  # AveragePool",
        "  - dropout: 0.3  # Dropout",
        "  - linear: 10  # fc",
    ]
    assert translation.network.parameters == 32 * 27 + 64 + 330
    assert translation.notes == ()


def test_an_export_without_a_normaliser_is_warned_of(read):
    translation = translate(read(*network(normaliser=False)))

    assert translation.notes == (
        (
            "the file has convolutions and no normaliser: the usual export, in evaluation mode, folds batch norm into the "
            "convolutions, which changes the answer. If the model has batch norm, export it with torch.onnx.export(..., "
            "dynamo=False, training=torch.onnx.TrainingMode.TRAINING, do_constant_folding=False), or import the PyTorch model "
            "itself"
        ),
    )


def test_a_normaliser_of_an_evaluation_export_is_refused(read):
    with pytest.raises(
        Untranslatable, match=r"bn \(BatchNormalization\): it is in evaluation mode, with fixed statistics"
    ):
        translate(read(*network(training=False)))
    with pytest.raises(Untranslatable, match=r"main: the file has the model in evaluation mode.*dynamo=False"):
        translate(read(*network(training=False)))


def test_an_unknown_operator_is_named(read):
    nodes, arrays, shapes = network()
    nodes[2].op_type = "Celu6"

    with pytest.raises(Untranslatable, match="'Celu6' has no layer in a spec"):
        translate(read(nodes, arrays, shapes))


def test_a_shape_that_the_file_leaves_open_can_be_given(read):
    open_shape = (0, 3, 0, 0)

    with pytest.raises(ModelError, match=r"net\.onnx leaves the input's shape open; give one: --input 3,224,224"):
        read(*network(), start=open_shape)
    graph = read(*network(), start=open_shape, input_shape=(3, 8, 8))
    assert (graph.batch, graph.input_shape) == (2, (3, 8, 8))
