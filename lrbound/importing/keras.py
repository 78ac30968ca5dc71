"""Reads the JSON that Keras' ``model.to_json()`` gives, of Keras 2 and 3, as a graph. No code of the model runs.

Keras has channels last; the graph has them first. Initialisations stand in the file by name, so that the parameters have
the moments of their laws, not of a draw.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lrbound.importing.graph import INPUT, Call, Graph, Parameter, ParameterRef, Ref
from lrbound.importing.keras_inits import law
from lrbound.importing.keras_layers import LAYERS
from lrbound.importing.refusal import ModelError, Origin, Reason, Untranslatable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.importing.graph import Shape

BATCH = 2
NESTED = ("Sequential", "Functional", "Model")
FUNCTIONS = {"swish": "silu", "hard_sigmoid": "hardsigmoid", "hard_swish": "hardswish", "hard_silu": "hardswish"}
"""Keras' activations that have another name in torch."""
LARGEST = 50_000_000
"""Bytes of a file that are read; that of a network of a thousand layers has two million."""


def read_keras(path: str, input_shape: Sequence[int] | None = None) -> Graph:
    """Read a model from a JSON file.

    Parameters
    ----------
    path : str
    input_shape : sequence of int, optional
        Of one sample, channels first; that of the file if absent.

    Raises
    ------
    ModelError
        Where the file cannot be read or is no Keras model.
    Untranslatable
        Where the model has several inputs.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read(LARGEST)
    except OSError as error:
        raise ModelError(f"error: {path} cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ModelError(f"error: {path} is not JSON: {error}") from None
    return parse_keras(text, path, input_shape)


def parse_keras(text: str, path: str, input_shape: Sequence[int] | None = None) -> Graph:
    """Read a model from the text that ``model.to_json()`` gives; messages call it ``path``. See :func:`read_keras`."""
    try:
        model = json.loads(text)
    except ValueError as error:
        raise ModelError(f"error: {path} is not JSON: {error}") from None
    if not isinstance(model, dict) or model.get("class_name") not in NESTED:
        raise ModelError(f"error: {path} is no model of Keras; write it with model.to_json()")
    builder = Builder()
    name = model["config"].get("name", "model") if isinstance(model["config"], dict) else "model"
    try:
        shape = tuple(input_shape) if input_shape else _input_shape(model, path)
        output = builder.model(model, INPUT, shape, "", outermost=True)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        text = f"error: {path} is not as model.to_json() writes it ({type(error).__name__}: {error})"
        raise ModelError(text) from error
    return Graph(
        name, shape, BATCH, tuple(builder.calls), (("output", output),), builder.parameters, (), tuple(builder.reasons)
    )


def _input_shape(model: Any, path: str) -> Shape:
    """Return the shape of one sample, channels first."""
    inputs = [layer for layer in _layers(model) if layer["class_name"] == "InputLayer"]
    if len(inputs) > 1:
        text = f"the model has {len(inputs)} inputs; a spec has one"
        raise Untranslatable([Reason(Origin("", model["config"]["name"]), text)])
    config = inputs[0]["config"] if inputs else _layers(model)[0]["config"]
    full = config.get("batch_shape") or config.get("batch_input_shape") or model["config"].get("build_input_shape")
    if full is None or None in full[1:]:
        raise ModelError(f"error: {path} leaves the input's shape open; give one, channels first: --input 3,224,224")
    return channels_first(full[1:])


def channels_first(shape: Sequence[int]) -> Shape:
    """Return the shape of a sample with its last axis as the first."""
    return (shape[-1], *shape[:-1])


def _layers(model: Any) -> list[Any]:
    config = model["config"]
    layers: list[Any] = config if isinstance(config, list) else config["layers"]
    return layers


class Builder:
    """Calls and parameters as they are found.

    Attributes
    ----------
    calls : list of Call
    parameters : dict of str to Parameter
    reasons : list of Reason
        Layers that are not known.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.parameters: dict[str, Parameter] = {}
        self.reasons: list[Reason] = []
        self.origin = Origin()

    def call(self, op: str, args: tuple[Any, ...], shape: Shape, **kwargs: Any) -> Ref:
        """Add an operation whose result has ``shape``, the batch left out."""
        self.calls.append(Call(op, args, kwargs, ((BATCH, *shape),), self.origin))
        return Ref(len(self.calls) - 1)

    def parameter(self, name: str, shape: Shape, initializer: Any, fans: tuple[int, int]) -> ParameterRef:
        """Add a parameter of the current layer, drawn as Keras' initializer says."""
        full = f"{self.origin.path}.{name}"
        found = law(full, shape, initializer, fans)
        if isinstance(found, str):
            self.reasons.append(Reason(self.origin, found))
            found = Parameter(full, shape)
        self.parameters[full] = found
        return ParameterRef(full)

    def shape(self, ref: Ref, default: Shape) -> Shape:
        """Return the shape of one sample of a result."""
        return default if ref == INPUT else self.calls[ref.call].shapes[ref.part][1:]

    def model(self, model: Any, start: Ref, shape: Shape, prefix: str, *, outermost: bool = False) -> Ref:
        """Add all layers of a model on ``start`` and return its output."""
        results: dict[str, Ref] = {}
        layers = _layers(model)
        last = start
        for index, layer in enumerate(layers):
            config = layer["config"]
            name = layer.get("name") or config["name"]
            if layer["class_name"] == "InputLayer":
                results[name] = start
                continue
            sources = [results[source] for source in _sources(layer)] or [last]
            is_last = outermost and index == len(layers) - 1
            last = results[name] = self._layer(layer, sources, shape, f"{prefix}{name}", is_last=is_last)
        config = model["config"]
        outputs = config.get("output_layers", ()) if isinstance(config, dict) else ()
        if outputs:
            first = outputs[0] if isinstance(outputs[0], list) else outputs
            last = results[first[0]]
        return last

    def _layer(self, layer: Any, sources: list[Ref], shape: Shape, path: str, *, is_last: bool) -> Ref:
        kind, config = layer["class_name"], layer["config"]
        if kind in NESTED:
            return self.model(layer, sources[0], self.shape(sources[0], shape), f"{path}.")
        self.origin = Origin(path, kind)
        shapes = [self.shape(source, shape) for source in sources]
        if config.get("trainable") is False:
            self.reasons.append(Reason(self.origin, "it is frozen (trainable is false); a spec trains all its layers"))
        if config.get("data_format") == "channels_first":
            self.reasons.append(Reason(self.origin, "it has its channels first; the reader of Keras takes them last"))
        add = LAYERS.get(kind)
        if add is None:
            return self.call(kind, tuple(sources), shapes[0])  # which is refused by its name
        result = add(self, config, sources, shapes)
        return self.activation(config.get("activation"), result, self.shape(result, shape), is_last=is_last)

    def activation(self, given: Any, source: Ref, shape: Shape, *, is_last: bool) -> Ref:
        """Add the activation that a layer applies to its result, by the name that Keras has for it."""
        name = _name(given)
        if name in ("", "linear"):
            return source
        if name == "softmax":
            return self.call("softmax", (source,), shape, of_loss=is_last)
        arguments: dict[str, dict[str, Any]] = {
            "leaky_relu": {"negative_slope": 0.2},  # the function's; the layer LeakyReLU has another
        }
        return self.call(FUNCTIONS.get(name, name), (source,), shape, **arguments.get(name, {}))


def _name(activation: Any) -> str:
    """Return the name of an activation, which is a text, nothing, or an object with a class."""
    if isinstance(activation, dict):
        config = activation.get("config")
        return config if isinstance(config, str) else str(activation["class_name"]).lower()
    return str(activation or "")


def _sources(layer: Any) -> list[str]:
    """Return the names of the layers whose results a layer takes; the calls of Keras 2 and 3 look different."""
    nodes = layer.get("inbound_nodes") or []
    if not nodes:
        return []
    if len(nodes) > 1:
        text = (
            f"it is used {len(nodes)} times; the theory takes weights as independent, so give every use its own layer"
        )
        raise Untranslatable([Reason(Origin(layer["config"]["name"], layer["class_name"]), text)])
    (node,) = nodes
    if isinstance(node, dict):
        return [tensor["config"]["keras_history"][0] for tensor in _keras_tensors(node["args"])]
    return [entry[0] for entry in node]


def _keras_tensors(value: Any) -> list[Any]:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return [value]
    return [tensor for item in value for tensor in _keras_tensors(item)] if isinstance(value, list) else []
