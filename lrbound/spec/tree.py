"""The values of a YAML document, each with its place in the text. A tree: aliases have been written out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lrbound.spec.diagnostics import Mark


@dataclass(slots=True)
class Scalar:
    """A word, number or text; ``quoted`` scalars are texts whatever they look like."""

    mark: Mark
    text: str
    quoted: bool = False


@dataclass(slots=True)
class ListValue:
    """A sequence."""

    mark: Mark
    values: list[Value]


@dataclass(slots=True)
class MapValue:
    """A mapping; all keys are texts."""

    mark: Mark
    entries: dict[str, Entry]

    def put(self, key: str, mark: Mark, value: Value) -> None:
        """Set ``key``; a key that is there keeps its place."""
        entry = self.entries.get(key)
        self.entries[key] = Entry(entry.mark if entry else mark, value)


Value = Scalar | ListValue | MapValue


class Entry(NamedTuple):
    """What stands behind a key, and where the key stands."""

    mark: Mark
    value: Value


def copy(value: Value) -> Value:
    """Return a copy that shares nothing with ``value``, so that the two can be changed apart."""
    if isinstance(value, ListValue):
        return ListValue(value.mark, [copy(item) for item in value.values])
    if isinstance(value, MapValue):
        return MapValue(value.mark, {key: Entry(mark, copy(item)) for key, (mark, item) in value.entries.items()})
    return Scalar(value.mark, value.text, value.quoted)


def depth_and_size(root: Value) -> tuple[int, int]:
    """Return how many levels of collections and how many values there are."""
    depth = size = 0
    pending: list[tuple[Value, int]] = [(root, 0)]
    while pending:
        value, above = pending.pop()
        size += 1
        if isinstance(value, ListValue):
            pending.extend((item, above + 1) for item in value.values)
        elif isinstance(value, MapValue):
            pending.extend((entry.value, above + 1) for entry in value.entries.values())
        depth = max(depth, above + (not isinstance(value, Scalar)))
    return depth, size
