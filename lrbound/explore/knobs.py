"""What a knob is called and which fields of the spec it turns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.layers.base import children

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lrbound.explore.ranges import Value
    from lrbound.explore.source import Override, Source
    from lrbound.layers.base import Node

SHORT = {
    "batch_size": "training.batch_size",
    "loss": "training.loss",
    "momentum": "training.optimizer.momentum",
    "nesterov": "training.optimizer.nesterov",
    "weight_decay": "training.optimizer.weight_decay",
    "init": "init",
    "weight_variance": "init.weight_variance",
    "bias_variance": "init.bias_variance",
    "mean_square": "input.mean_square",
    "correlation": "input.correlation",
    "depth": "layers.*.times",
}
"""Names without a dot that are not an argument of the layers."""
WIDTH = "width"
WIDTHS = ("features", "channels")


@dataclass(frozen=True)
class Knob:
    """One thing that is varied.

    Attributes
    ----------
    label : str
        The path in the spec, or ``width``.
    paths : tuple of str
        The fields that all get its value.
    """

    label: str
    paths: tuple[str, ...]

    def at(self, value: Value) -> tuple[Override, ...]:
        """Return the changes that give the knob a value."""
        return tuple((path, text(value)) for path in self.paths)


def find_knob(name: str, source: Source) -> Knob:
    """Return the knob of a path, or of one of the short names.

    ``gamma`` and every other name without a dot that is no short name is that argument of all layers,
    ``layers.*.gamma``; ``width`` is the features and channels of all weight layers but the last.

    Raises
    ------
    Refused
        Where ``width`` finds no hidden layer.
    """
    if name == WIDTH:
        return Knob(WIDTH, _hidden_widths(source))
    path = name if "." in name else SHORT.get(name, f"layers.*.{name}")
    return Knob(path, (path,))


def split_vary(option: str) -> tuple[str, str]:
    """Return name and range of ``NAME=RANGE``; raise Refused where it is none."""
    name, equals, values = option.partition("=")
    if not (name.strip() and equals):
        raise Refused(f"{option!r} is not PATH=RANGE, such as gamma=0.1:5:50 or layers.0.linear.features=100,200")
    return name.strip(), values.strip()


def text(value: Value) -> str:
    """Return a value as a spec would have it."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return value if isinstance(value, str) else repr(value)


def _hidden_widths(source: Source) -> tuple[str, ...]:
    layers = list(weight_layers(source.network().nodes))
    if len(layers) < 2:
        raise Refused("'width' needs a hidden layer: all weight layers but the last get it")
    return tuple(f"{node.path}.{node.layer.kind}.{node.layer.main}" for node in layers[:-1])


def weight_layers(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yield the layers that have a width, in the order of the spec."""
    for node in nodes:
        if node.layer.main in WIDTHS:
            yield node
        yield from weight_layers(children(node.layer))
