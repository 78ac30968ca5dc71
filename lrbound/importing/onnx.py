"""Reads an ONNX file as a graph, with the package onnx. No code of the model runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.importing.graph import INPUT, Call, Constant, Graph, ParameterRef, Ref
from lrbound.importing.moments import parameter, sampling_step
from lrbound.importing.onnx_nodes import NODES, unknown
from lrbound.importing.refusal import ModelError, Origin, Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.importing.graph import Parameter, Shape

BATCH = 2
EXPORT = (
    "export it with torch.onnx.export(..., dynamo=False, training=torch.onnx.TrainingMode.TRAINING, "
    "do_constant_folding=False), or import the PyTorch model itself"
)
FOLDED = (
    "the file has convolutions and no normaliser: the usual export, in evaluation mode, folds batch norm into the "
    f"convolutions, which changes the answer. If the model has batch norm, {EXPORT}"
)
EVALUATED = (
    f"the file has the model in evaluation mode, as the usual export writes it, and training is another one; {EXPORT}"
)


def read_onnx(path: str, input_shape: Sequence[int] | None = None) -> Graph:
    """Read a model from an ONNX file.

    Parameters
    ----------
    path : str
    input_shape : sequence of int, optional
        Of one sample; that of the file if absent.

    Raises
    ------
    ModelError
        Where the file cannot be read, or leaves the input's shape open.
    """
    import onnx

    try:
        model = onnx.load(path)
    except OSError as error:
        raise ModelError(f"error: {path} cannot be read: {error.strerror or error}") from None
    except Exception as error:  # noqa: BLE001 - whatever the parser of the format throws
        raise ModelError(f"error: {path} is no ONNX file: {' '.join(str(error).split())}") from None
    reader = _Reader(model, path, input_shape)
    for node in model.graph.node:
        reader.read(node)
    outputs = tuple((output.name, reader.known.get(output.name)) for output in model.graph.output)
    ops = {call.op for call in reader.calls}
    evaluated = any(call.op == "batch_norm" and not call.kwargs.get("training") for call in reader.calls)
    name = model.graph.name or "model"
    reasons = (Reason(Origin("", name), EVALUATED),) if evaluated else ()
    notes = (FOLDED,) if "conv2d" in ops and not any(op.endswith("_norm") for op in ops) else ()
    calls = tuple(reader.calls)
    return Graph(name, reader.shape, reader.batch, calls, outputs, reader.parameters, notes, reasons)


class _Reader:
    """Nodes of an ONNX graph as calls."""

    def __init__(self, model: Any, path: str, input_shape: Sequence[int] | None) -> None:
        from onnx import numpy_helper

        self._path = path
        self.calls: list[Call] = []
        self.parameters: dict[str, Parameter] = {}
        self.known: dict[str, Ref] = {}
        self.arrays: dict[str, Any] = {item.name: numpy_helper.to_array(item) for item in model.graph.initializer}
        (start,) = [item for item in model.graph.input if item.name not in self.arrays][:1]
        sides = [dim.dim_value for dim in start.type.tensor_type.shape.dim]
        self.shape: Shape = tuple(input_shape or sides[1:])
        if not self.shape or 0 in self.shape:
            raise ModelError(f"error: {path} leaves the input's shape open; give one: --input 3,224,224")
        self.batch = sides[0] or BATCH
        self.known[start.name] = INPUT
        self._shapes = _inferred(model, start, (self.batch, *self.shape))

    def read(self, node: Any) -> None:
        """Add the calls of one node; nodes of constants alone are computed when they are asked for."""
        from onnx import numpy_helper

        if node.op_type == "Constant":
            (value,) = [a.t for a in node.attribute if a.name == "value"] or [None]
            if value is not None:
                self.arrays[node.output[0]] = numpy_helper.to_array(value)
            return
        if node.op_type == "Identity" and node.input[0] in self.arrays:  # equal initialisers that were merged
            self.arrays[node.output[0]] = self.arrays[node.input[0]]
            return
        if node.op_type == "Shape" or not any(name in self.known for name in node.input):
            return
        if node.op_type == "Identity":
            self.known[node.output[0]] = self.known[node.input[0]]
            return
        attributes = {item.name: _attribute(item) for item in node.attribute}
        translate = NODES.get(node.op_type, unknown(node.op_type))
        op, args, kwargs = translate(self, list(node.input), attributes)
        shape = self._shapes.get(node.output[0], ())
        origin = Origin(_place(node), node.op_type)
        if not shape or 0 in shape:
            raise ModelError(
                f"error: {self._path}: the shape of the result of {origin} does not follow from the input's; export the "
                "model with fixed sizes"
            )
        self.known[node.output[0]] = Ref(len(self.calls))
        self.calls.append(Call(op, tuple(args), kwargs, (tuple(shape),), origin))

    def reference(self, name: str) -> Ref | ParameterRef | Constant:
        """Return what a name stands for: a result, or else an initialiser as a constant."""
        if name in self.known:
            return self.known[name]
        array = self.arrays.get(name)
        return Constant(() if array is None else tuple(array.shape), name)

    def weight(self, name: str, *, turned: bool = False) -> ParameterRef | None:
        """Return an initialiser as a parameter, with ``turned`` its axes exchanged; None for no name."""
        if not name:
            return None
        if name not in self.arrays:
            return None
        array = self.arrays[name].T if turned else self.arrays[name]
        shape = tuple(array.shape)
        self.parameters[name] = parameter(name, shape, array.reshape(-1)[:: sampling_step(shape)])
        return ParameterRef(name)

    def number(self, name: str, default: Any) -> Any:
        """Return the value of a constant: a number, or a list of them."""
        array = self.arrays.get(name)
        return default if array is None else array.tolist()


def _inferred(model: Any, start: Any, shape: Shape) -> dict[str, Shape]:
    """Return the shapes of all results for an input of ``shape``."""
    from onnx import shape_inference

    dims = start.type.tensor_type.shape.dim
    for dim, side in zip(dims, shape, strict=False):
        dim.dim_value = side
    del model.graph.value_info[:]
    found = shape_inference.infer_shapes(model, data_prop=True).graph
    items = (*found.input, *found.value_info, *found.output)
    return {item.name: tuple(dim.dim_value for dim in item.type.tensor_type.shape.dim) for item in items}


def _attribute(item: Any) -> Any:
    from onnx import helper

    value = helper.get_attribute_value(item)
    return value.decode() if isinstance(value, bytes) else value


def _place(node: Any) -> str:
    """Return the path of the module that a node was exported from: ``/layer1/conv1/Conv`` is ``layer1.conv1``."""
    parts: Iterator[str] = iter([part for part in node.name.split("/") if part])
    places = list(parts)[:-1] if node.name.startswith("/") else [node.name]
    return ".".join(part.rpartition(".")[2] if part.count(".") > 1 else part for part in places)
