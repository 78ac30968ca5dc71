"""Paths into a spec: ``training.batch_size``, ``layers.3.repeat.layers.0.linear.bias``, ``layers.*.batch_norm.gamma``.

They are the paths of nodes, with the argument's name at the end; ``*`` matches one or more elements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.fields import params
from lrbound.init import FORMS, Init, named
from lrbound.spec.inits import DEFAULT as DEFAULT_INIT
from lrbound.spec.long_form import layer_class, write_out
from lrbound.spec.tree import ListValue, MapValue, Scalar, Value, copy
from lrbound.spec.wording import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lrbound.layers.base import Layer
    from lrbound.spec.diagnostics import Mark, Problems

VARIANCES = ("weight_variance", "bias_variance")
"""Of an initialisation that is written out as soon as one of them is set."""
MOST_ELEMENTS = 200
MOST_DIGITS = 6  # of an index; a tree has 100 000 values at most
BLOCKS = ("input", "init", "training", "optimizer")  # may be left out of a spec, so a path may create them


def split_path(path: str) -> tuple[str, ...]:
    """Return the elements of a path; raise ValueError where it is none."""
    elements = tuple(path.split("."))
    if "" in elements:
        raise ValueError(f"{quote(path)} is not a path like training.batch_size or layers.0.linear.features")
    if elements[-1] == "*":
        raise ValueError("a path cannot end in '*'; name the argument after it")
    if len(elements) > MOST_ELEMENTS:
        raise ValueError(f"a path has at most {MOST_ELEMENTS} elements")
    return elements


class TreeEditor:
    """Sets values in the tree of a spec, in place.

    Layers in short form (``- linear: 10``) are written out first. A key that the spec leaves out is added; whether it
    may stand there is found when the tree is read.

    Parameters
    ----------
    root : MapValue
        The spec.
    problems : Problems
        Takes paths that lead nowhere.
    """

    def __init__(self, root: MapValue, problems: Problems) -> None:
        self._root = root
        self._problems = problems
        self._half_inits: list[tuple[MapValue, Mark, str]] = []

    def set(self, path: str, value: Value) -> None:
        """Set the value everywhere where the path leads; its mark is that of the option that asks for it."""
        write_out(self._root)
        try:
            walk = _Walk(split_path(path), value)
        except ValueError as error:
            self._problems.add(value.mark, str(error))
            return
        walk.go(self._root, 0)
        self._half_inits += walk.half_inits
        if not walk.done:
            self._problems.add(value.mark, walk.explain(self._root, self._problems))

    def finish(self) -> None:
        """Report initialisations of which only one variance has been set and the other is not known."""
        for mapping, mark, name in self._half_inits:
            missing = [key for key in VARIANCES if key not in mapping.entries]
            if missing and not any(key in FORMS and key not in VARIANCES for key in mapping.entries):
                message = f"{name} is no pair of variances; set 'init.{missing[0]}' too"
                self._problems.add(mark, message)
                mapping.put(missing[0], mark, Scalar(mark, "1"))  # so that the reader does not complain again


class _Walk:
    """One path on its way through the tree."""

    def __init__(self, elements: tuple[str, ...], value: Value) -> None:
        self.done = 0
        self.half_inits: list[tuple[MapValue, Mark, str]] = []
        self._elements = elements
        self._value = value
        self._seen: set[tuple[int, int]] = set()  # several '*' reach the same place in many ways
        self._stuck: tuple[int, Value] | None = None

    def go(self, node: Value, index: int, cls: type[Layer] | None = None, *, in_list: bool = False) -> None:
        """Follow the elements from ``index`` on.

        ``cls`` is the layer whose arguments ``node`` holds, if it does; ``in_list`` says that ``node`` is an item of a
        list, so a layer: its one key is its name.
        """
        if (id(node), index) in self._seen:
            return
        self._seen.add((id(node), index))
        if self._elements[index] == "*":
            for key, child in list(_children(node)):
                inner = layer_class(key) if in_list else None
                in_children = isinstance(node, ListValue)
                self.go(child, index + 1, inner, in_list=in_children)
                self.go(child, index, inner, in_list=in_children)
        elif isinstance(node, MapValue):
            self._into_mapping(node, index, cls, in_list=in_list)
        elif isinstance(node, ListValue):
            self._into_list(node, index)
        else:
            self._stick(node, index)

    def _stick(self, node: Value, index: int) -> None:
        if self._stuck is None or index > self._stuck[0]:
            self._stuck = index, node

    def _into_list(self, node: ListValue, index: int) -> None:
        element = self._elements[index]
        if not (
            element.isdecimal()
            and element.isascii()
            and len(element) <= MOST_DIGITS
            and int(element) < len(node.values)
        ):
            self._stick(node, index)
        elif index == len(self._elements) - 1:
            node.values[int(element)] = copy(self._value)
            self.done += 1
        else:
            self.go(node.values[int(element)], index + 1, in_list=True)

    def _into_mapping(self, node: MapValue, index: int, cls: type[Layer] | None, *, in_list: bool) -> None:
        element = self._elements[index]
        last = index == len(self._elements) - 1
        after_star = index > 0 and self._elements[index - 1] == "*"
        declared = cls is not None and element in params(cls)
        # what follows a '*' must be there or be an argument of the layer: '*' would match everything otherwise
        free = not in_list and (declared or not after_star)
        if last and (element in node.entries or free):
            self._put(node, element, layer_class(element) if in_list else None)
        elif element in node.entries or (free and element in BLOCKS):
            self._enter(node, element, self._elements[index + 1] if not last else "")
            self.go(node.entries[element].value, index + 1, layer_class(element) if in_list else None)
        else:
            self._stick(node, index)

    def _put(self, node: MapValue, key: str, cls: type[Layer] | None) -> None:
        """Set a key; a layer's name with a bare value sets the layer's main argument and keeps the others."""
        entry = node.entries.get(key)
        bare = not isinstance(self._value, MapValue)
        if entry and isinstance(entry.value, MapValue) and cls is not None and cls.main and bare:
            node, key = entry.value, cls.main
        node.put(key, self._value.mark, copy(self._value))
        self.done += 1

    def _enter(self, node: MapValue, key: str, after: str) -> None:
        """Make a block of what stands at ``key``: create it, or write a named initialisation out, unless ``after`` replaces it."""
        entry = node.entries.get(key)
        if entry and not (key == "init" and isinstance(entry.value, Scalar)):
            return
        block = MapValue(self._value.mark, {})
        if key == "init" and after in (*VARIANCES, "bias_mean"):
            name = entry.value.text if entry and isinstance(entry.value, Scalar) else None
            init = named(name or "")
            if init and init == Init(init.weight_variance, init.bias_variance):
                for variance in VARIANCES:
                    block.put(variance, block.mark, Scalar(block.mark, repr(getattr(init, variance))))
            else:
                said = f"init: {quote(name)}" if name else f"init: the default ('{DEFAULT_INIT}', or the network's)"
                self.half_inits.append((block, block.mark, said))
        node.put(key, block.mark, block)

    def explain(self, root: MapValue, problems: Problems) -> str:
        """Return why the path leads nowhere."""
        if "*" in self._elements or self._stuck is None:
            words = _vocabulary(root)
            strangers = [element for element in self._elements if element != "*" and element not in words]
            hint = problems.did_you_mean(strangers[0], words) if strangers else ""
            return "nothing in the spec matches this path" + hint
        index, node = self._stuck
        place = quote(".".join(self._elements[:index]))
        element = self._elements[index]
        if isinstance(node, ListValue):
            return f"{place} has no item {quote(element)}; its {len(node.values)} items are counted from 0"
        if isinstance(node, Scalar):
            return f"{place} is a single value and has no {quote(element)}"
        bare = element.partition("[")[0]
        if bare != element and bare in node.entries:
            return f"{place} has no {quote(element)}; the copies share their layers, write '{bare}'"
        known = tuple(node.entries)
        hint = problems.did_you_mean(element, known)
        return f"{place} has no {quote(element)}" + (hint or f"; it has {', '.join(map(quote, known[:8]))}")


def _children(node: Value) -> Iterator[tuple[str, Value]]:
    if isinstance(node, MapValue):
        yield from ((key, entry.value) for key, entry in node.entries.items())
    elif isinstance(node, ListValue):
        yield from ((str(index), value) for index, value in enumerate(node.values))


def _vocabulary(root: MapValue) -> dict[str, None]:
    """Return all keys in the tree and the arguments that its layers could have."""
    words: dict[str, None] = {}
    pending: list[Value] = [root]
    while pending:
        for key, child in _children(pending.pop()):
            if not key.isdecimal() and key not in words:
                words[key] = None
                cls = layer_class(key)
                words.update(dict.fromkeys(params(cls)) if cls else {})
            pending.append(child)
    return words
