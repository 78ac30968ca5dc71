"""Lists of layers: ``[relu, {linear: 10}, {conv2d: {channels: 3, kernel: 3}}]``, nested where a layer holds layers."""

from __future__ import annotations

from dataclasses import MISSING, replace
from typing import TYPE_CHECKING

from lrbound.fields import Param, params
from lrbound.layers import LAYERS
from lrbound.layers.base import Layer, Node
from lrbound.spec.arguments import build
from lrbound.spec.diagnostics import Invalid, Mark, Problems
from lrbound.spec.inits import read_init
from lrbound.spec.names import member
from lrbound.spec.scalars import describe, is_null, read_scalar, resolve
from lrbound.spec.tree import Entry, ListValue, MapValue, Scalar, Value
from lrbound.spec.wording import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrbound.init import Init


class LayerReader:
    """Turns lists of layers into nodes.

    Parameters
    ----------
    problems : Problems
        Takes what is wrong; layers that are wrong are left out of what the methods return.

    Attributes
    ----------
    marks : dict of str to Mark
        Where every layer and argument stands, by its path.
    inits : mapping of str to Init
        Initialisations by kind of layer, for those without one of their own.
    """

    def __init__(self, problems: Problems) -> None:
        self.marks: dict[str, Mark] = {}
        self.inits: Mapping[str, Init] = {}
        self._problems = problems

    def read_list(self, value: Value, path: str, label: str, *, empty: bool = False) -> tuple[Node, ...]:
        """Return the layers of a list; ``empty`` says whether it may have none."""
        if not isinstance(value, ListValue):
            raise Invalid(value.mark, f"{label} must be a list of layers, got {describe(value)}")
        if not value.values and not empty:
            raise Invalid(value.mark, f"{label} must hold at least one layer")
        nodes = (self._read_node(item, f"{path}.{index}") for index, item in enumerate(value.values))
        return tuple(node for node in nodes if node is not None)

    def _read_node(self, item: Value, path: str) -> Node | None:
        try:
            name, mark, value = long_form(item)
            cls = member(LAYERS, "layer", name, mark, self._problems)
            mapping = arguments_by_name(cls, name, value, mark)
        except Invalid as invalid:
            self._problems.add(invalid.mark, invalid.message)
            return None
        self.marks[path] = mark

        def read(key: str, argument: Value, param: Param) -> object:
            self.marks[f"{path}.{name}.{key}"] = argument.mark
            required = params(cls)[key][1] is MISSING
            return self._read_argument(argument, param, f"{path}.{name}.{key}", empty=not required)

        layer = build(cls, name, mapping, read, self._problems)
        if layer is not None and name in self.inits and "init" not in mapping.entries:
            layer = replace(layer, init=self.inits[name])  # type: ignore[call-arg]
        return None if layer is None else Node(path, layer, mark.line, mark.column)

    def _read_argument(self, value: Value, param: Param, path: str, *, empty: bool) -> object:
        kind, key = path.split(".")[-2:]
        label = f"{kind}: '{key}'"
        if param.type == "init":
            return read_init(value, f"{kind}: ", self._problems)
        if param.type == "layers":
            return self.read_list(value, path, label, empty=empty)
        if param.type == "branches":
            return self._read_branches(value, path, label)
        return read_scalar(value, param, label, self._problems)

    def _read_branches(self, value: Value, path: str, label: str) -> tuple[tuple[Node, ...], ...]:
        """Return the lists of a list of lists; a branch may be empty (its input, unchanged)."""
        if not isinstance(value, ListValue):
            raise Invalid(value.mark, f"{label} must be a list of lists of layers, got {describe(value)}")
        if not value.values:
            raise Invalid(value.mark, f"{label} must hold at least one list of layers")
        return tuple(
            self.read_list(branch, f"{path}.{index}", f"{label}: a branch", empty=True)
            for index, branch in enumerate(value.values)
        )


def long_form(item: Value) -> tuple[str, Mark, Value | None]:
    """Return name, place and what was given of ``relu``, ``{linear: 10}`` or ``{linear: {features: 10}}``."""
    if isinstance(item, Scalar) and isinstance(resolve(item), str):
        return item.text, item.mark, None
    if not isinstance(item, MapValue) or not item.entries:
        got = "an empty mapping" if isinstance(item, MapValue) else describe(item)
        raise Invalid(item.mark, f"a layer must be a name or {{name: arguments}}, got {got}")
    (name, (mark, value)), *rest = item.entries.items()
    if rest:
        message = f"a layer is one name with its arguments, got {quote(name)} and {quote(rest[0][0])}"
        raise Invalid(rest[0][1].mark, f"{message}; indent arguments further than the name, or begin a new '- '")
    return name, mark, value


def arguments_by_name(cls: type[Layer], name: str, value: Value | None, mark: Mark) -> MapValue:
    """Return the arguments of a layer by name, where its main argument may stand alone; at the name's mark."""
    if isinstance(value, MapValue):
        return MapValue(mark, value.entries)
    if value is None or is_null(value):
        return MapValue(mark, {})
    if cls.main is not None:
        return MapValue(mark, {cls.main: Entry(value.mark, value)})
    known = params(cls)
    takes = f"takes its arguments by name ({', '.join(known)})" if known else "takes no arguments"
    raise Invalid(value.mark, f"{name}: it {takes}, got {describe(value)}")
