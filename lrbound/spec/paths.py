"""Paths into a spec: ``training.batch_size``, ``layers.3.repeat.layers.0.linear.features``, ``layers.*.batch_norm.gamma``.

They are the paths of nodes, with the argument's name at the end; ``*`` stands for one or more elements.
"""

from __future__ import annotations

from collections.abc import Iterator

from lrbound.fields import params
from lrbound.init import NAMED, Init
from lrbound.layers.base import Layer
from lrbound.registry import LAYERS
from lrbound.spec.diagnostics import Invalid, Mark, Problems
from lrbound.spec.inits import DEFAULT as DEFAULT_INIT
from lrbound.spec.inits import VARIANCES
from lrbound.spec.layers import arguments_by_name, long_form
from lrbound.spec.tree import Entry, ListValue, MapValue, Scalar, Value, copy
from lrbound.spec.wording import quote

MOST_ELEMENTS = 400
BLOCKS = ("input", "init", "training", "optimizer")  # may be left out of a spec, so a path may create them


def split_path(path: str, mark: Mark) -> tuple[str, ...]:
    """Return the elements of a path; raise Invalid where it is none."""
    elements = tuple(path.split("."))
    if "" in elements:
        raise Invalid(mark, f"{quote(path)} is not a path like training.batch_size or layers.0.linear.features")
    if elements[-1] == "*":
        raise Invalid(mark, "a path cannot end in '*'; name the argument after it")
    if len(elements) > MOST_ELEMENTS:
        raise Invalid(mark, f"a path has at most {MOST_ELEMENTS} elements")
    return elements


def set_value(root: MapValue, path: str, value: Value, problems: Problems) -> None:
    """Set the value at a path, everywhere in the tree where the path leads.

    Layers in short form (``- linear: 10``) are written out first. A key that the spec leaves out is added; whether it
    may stand there is found when the tree is read.

    Parameters
    ----------
    root : MapValue
        The spec; changed in place.
    path : str
        Dotted path, perhaps with ``*``.
    value : Scalar, ListValue or MapValue
        The new value; its mark is that of the option.
    problems : Problems
        Takes a path that leads nowhere.
    """
    with problems.collecting():
        elements = split_path(path, value.mark)
        write_out(root)
        setter = _Setter(value, problems)
        setter.go(root, elements, 0, None)
        if setter.done == 0:
            raise Invalid(value.mark, _nothing(root, elements, problems))


def write_out(root: MapValue) -> None:
    """Turn every short form into its long form, in place; what is malformed is left for the reader to report."""
    layers = root.entries.get("layers")
    if layers:
        _write_out_layers(layers.value)
    training = root.entries.get("training")
    if training and isinstance(training.value, MapValue):
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
