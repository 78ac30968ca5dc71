"""Short forms (``- relu``, ``- linear: 10``, ``optimizer: sgd``) written out as mappings that can take arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.fields import params
from lrbound.layers import LAYERS
from lrbound.losses import LOSSES
from lrbound.spec.diagnostics import Invalid
from lrbound.spec.layers import arguments_by_name, long_form
from lrbound.spec.tree import Entry, ListValue, MapValue, Scalar, Value

if TYPE_CHECKING:
    from lrbound.layers.base import Layer


def write_out(root: MapValue) -> None:
    """Turn every short form into its long form, in place; what is malformed is left for the reader to report."""
    layers = root.entries.get("layers")
    if layers:
        _write_out_layers(layers.value)
    training = root.entries.get("training")
    if training and isinstance(training.value, MapValue):
        loss = training.value.entries.get("loss")
        if loss and isinstance(loss.value, Scalar) and loss.value.text in LOSSES:
            mark = loss.value.mark
            training.value.put("loss", mark, MapValue(mark, {loss.value.text: Entry(mark, MapValue(mark, {}))}))
        optimizer = training.value.entries.get("optimizer")
        if optimizer and isinstance(optimizer.value, Scalar):
            mark = optimizer.value.mark
            training.value.put("optimizer", mark, MapValue(mark, {"name": Entry(mark, optimizer.value)}))


def _write_out_layers(layers: Value) -> None:
    """Write out the items of a list of layers, or of a list of lists of layers."""
    if not isinstance(layers, ListValue):
        return
    for index, item in enumerate(layers.values):
        if isinstance(item, ListValue):
            _write_out_layers(item)
            continue
        try:
            name, mark, value = long_form(item)
            cls = layer_class(name)
            if cls is None:
                continue
            arguments = arguments_by_name(cls, name, value, mark)
        except Invalid:
            continue
        layers.values[index] = MapValue(item.mark, {name: Entry(mark, arguments)})
        for key, (param, _) in params(cls).items():
            if param.type in ("layers", "branches") and key in arguments.entries:
                _write_out_layers(arguments.entries[key].value)


def layer_class(name: str) -> type[Layer] | None:
    """Return the class of a layer, None if there is none of this name."""
    return LAYERS.get(name) if name in LAYERS else None
