"""What every layer of a spec is: a frozen dataclass that carries its arguments, its shapes and its mean-field maps."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from lrbound.fields import params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import nn

    from lrbound.init import Init
    from lrbound.meanfield.contract import Context, Elementwise, Pullback, Shape, Split
    from lrbound.meanfield.kernel import Kernel
    from lrbound.meanfield.statistics import Statistics


@dataclass(frozen=True)
class Layer:
    """Base of all layers; the YAML name of a layer is the name of its module.

    A subclass declares its arguments with :mod:`lrbound.fields` and says in ``main`` which of them may be given
    directly (``linear: 10``).
    """

    main: ClassVar[str | None] = None
    fixes_scale: ClassVar[bool] = False
    """Whether the layer's output does not depend on the scale of the weights under it, over a batch."""
    over_batch: ClassVar[bool] = False
    """Whether the layer's statistics run over the batch, so that the kernels depend on its size."""

    rescales: ClassVar[bool] = False
    """Whether the layer divides its input by a size measured on it, so that what grows under it does not grow above it."""

    has_weights: ClassVar[bool] = False
    """Whether the layer multiplies its input by a random weight matrix of its own."""

    gates: ClassVar[bool] = False
    """Whether the layer multiplies its channels by random factors of its own."""
    averages_positions: ClassVar[bool] = False
    """Whether the layer's map of kernels is linear: it moves, averages or drops positions, alike in all units."""
    selects_positions: ClassVar[bool] = False
    """Whether the layer's gradient goes to those positions that it selects by their values."""
    positions_to_units: ClassVar[bool] = False
    """Whether the layer makes every position of a channel a unit of its own."""

    @property
    def inits(self) -> tuple[Init | None, ...]:
        """Initialisation of each of the layer's weight matrices; None for the network's."""
        return (getattr(self, "init", None),)

    @property
    def kind(self) -> str:
        """The layer's name in a spec."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def shifts(self) -> bool:
        """Whether a learnable number is added to each channel of the output: a bias, or a normaliser's beta."""
        return False

    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape of one sample's output; raise ShapeError where the layer cannot take ``shape``."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """Return the number of learnable parameters for an input of ``shape``."""
        del shape
        return 0

    def statistics(self, channels: int, samples: float) -> Statistics | None:
        """Say what a normaliser of so many channels takes mean and variance over; None for any other layer."""
        del channels, samples
        return None

    @property
    def curve(self) -> Elementwise | None:
        """The function of single values that an activation is; None for any other layer."""
        return None

    def bound(self, inner: float) -> float:
        """Return the largest absolute value of the output for inputs of at most ``inner``; infinite where none is known."""
        del inner
        return math.inf

    def gradient_gain(self, shape: Shape, init: Init) -> float:
        """Return the mean squared gain of the layer's random weights for a gradient; infinite where it has none."""
        del shape, init
        return math.inf

    def forward(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map the kernel of the input to that of the output; also return its pullback."""
        raise NotImplementedError(self.kind)

    def by_sample(self, kernel: Kernel, ctx: Context) -> tuple[Kernel, Pullback]:
        """Map a kernel between single samples: the rows of its map are samples, its columns the positions, all alike.

        For layers that treat positions alike and samples by themselves, or both as one set, that is ``forward``.

        Raises
        ------
        NotBySample
            Where the layer has no such map.
        """
        return self.forward(kernel, ctx)

    def torch(self, shape: Shape, init: Init) -> nn.Module:
        """Build the layer as a module for inputs of ``shape``, initialised as the spec says."""
        raise NotImplementedError(self.kind)


@dataclass(frozen=True)
class Node:
    """One layer at its place in a network.

    Attributes
    ----------
    path : str
        Where it stands in the spec: ``layers.3.repeat.layers.0``.
    layer : Layer
        The layer with its arguments.
    line, column : int
        Where it stands in the text, from 1; 0 where there is no text.
    """

    path: str
    layer: Layer
    line: int = 0
    column: int = 0


class Branching(Layer):
    """A layer that sends its input through several chains of layers side by side and joins their outputs."""

    norms_add: ClassVar[bool] = False
    """Whether the squared norm of the output is the sum of those of the branches, as for a sum or a concatenation."""

    def arms(self) -> tuple[tuple[Node, ...], ...]:
        """Return the chains; an empty one passes its input on."""
        raise NotImplementedError(self.kind)

    def parameters(self, shape: Shape) -> int:
        """Count the parameters of all branches."""
        return sum(node.layer.parameters(inner) for branch in self.arms() for node, inner in run(branch, shape))

    def join(self, outputs: Sequence[Kernel], ctx: Context) -> tuple[Kernel, Split]:
        """Map the kernels at the ends of the branches to that of the output; also return its pullback."""
        raise NotImplementedError(self.kind)


def moved(node: Node, old: str, new: str) -> Node:
    """Return a node, and all nodes inside it, with the beginning ``old`` of their paths replaced by ``new``."""
    layer = with_inner(node.layer, lambda nodes: tuple(moved(inner, old, new) for inner in nodes))
    return Node(new + node.path.removeprefix(old), layer, node.line, node.column)


def with_inner(layer: Layer, changed: Callable[[tuple[Node, ...]], tuple[Node, ...]]) -> Layer:
    """Return a layer with each list of layers among its arguments changed."""
    inner: dict[str, object] = {}
    for field in dataclasses.fields(layer):
        param = field.metadata.get("param")
        if param is not None and param.type == "layers":
            inner[field.name] = changed(getattr(layer, field.name))
        elif param is not None and param.type == "branches":
            inner[field.name] = tuple(changed(branch) for branch in getattr(layer, field.name))
    return dataclasses.replace(layer, **inner) if inner else layer


class Container(Layer):
    """A layer made of other layers that run one after the other."""

    def children(self) -> Iterator[Node]:
        """Yield the nodes that the container stands for, in the order in which they run."""
        raise NotImplementedError(self.kind)


def unroll(nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yield the layers that ``nodes`` stand for, with containers written out."""
    for node in nodes:
        if isinstance(node.layer, Container):
            yield from unroll(tuple(node.layer.children()))
        else:
            yield node


def run(nodes: tuple[Node, ...], shape: Shape) -> Iterator[tuple[Node, Shape]]:
    """Yield the layers that ``nodes`` stand for, each with the shape of its input."""
    for node in unroll(nodes):
        yield node, shape
        shape = node.layer.output_shape(shape)


def leaves(nodes: Sequence[Node], shape: Shape) -> Iterator[tuple[Node, Shape]]:
    """Yield the layers that hold no others, those of branches too, each with the shape of its input."""
    for node, inner in run(tuple(nodes), shape):
        if isinstance(node.layer, Branching):
            for arm in node.layer.arms():
                yield from leaves(arm, inner)
        else:
            yield node, inner


def shape_after(nodes: tuple[Node, ...], shape: Shape) -> Shape:
    """Return the shape at the end of a chain; ShapeError where a layer cannot take its input."""
    for node in nodes:
        shape = node.layer.output_shape(shape)
    return shape


def children(layer: Layer) -> Iterator[Node]:
    """Yield the layers that stand in a layer's arguments, once each."""
    for chain in chains(layer):
        yield from chain


def chains(layer: Layer) -> Iterator[tuple[Node, ...]]:
    """Yield the lists of layers among a layer's arguments."""
    for name, (param, _) in params(type(layer)).items():
        value = getattr(layer, name)
        if param.type == "layers":
            yield value
        elif param.type == "branches":
            yield from value
