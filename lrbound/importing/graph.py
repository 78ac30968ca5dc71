"""What a model computes, as plain data: calls of named operations on each other's results. No torch in it.

Every door (PyTorch, ONNX, Keras) ends here. The names of operations and the order of their arguments are those of
torch.nn.functional and torch.Tensor.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrbound.importing.refusal import Origin, Reason

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Ref:
    """The result of a call.

    Attributes
    ----------
    call : int
        Its place among the calls; -1 is the model's input.
    part : int
        Which of its results, where it has several.
    """

    call: int
    part: int = 0


INPUT = Ref(-1)


@dataclass(frozen=True)
class ParameterRef:
    """A parameter as an argument of a call."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A tensor that depends neither on the input nor on a parameter: a buffer, or one made in the forward pass.

    Attributes
    ----------
    shape : tuple of int
    maker : str
        The operation that made it, or the buffer's name.
    """

    shape: Shape
    maker: str = ""


@dataclass(frozen=True)
class Parameter:
    """A parameter and the moments of its values.

    Attributes
    ----------
    name : str
    shape : tuple of int
    trained : bool
        Whether it is trained (``requires_grad``).
    mean, variance, kurtosis : float or None
        Of all its values; the kurtosis is E(x - mean)^4 / variance^2, 3 for a Gaussian. None where there are no values.
    constant : bool
        Whether all values are equal (more than one, or 0).
    values : int
        How many values the moments are of; 0 stands for all. Many, where they are those of a law and not of a draw.
    """

    name: str
    shape: Shape
    trained: bool = True
    mean: float | None = None
    variance: float | None = None
    kurtosis: float = 3.0
    constant: bool = False
    values: int = 0

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def samples(self) -> int:
        """Number of values that the moments are of."""
        return self.values or self.count


@dataclass(frozen=True)
class Call:
    """One operation on tensors.

    Attributes
    ----------
    op : str
        ``conv2d``, ``relu``, ``add``: without the underscores that mark in-place forms and operators.
    args, kwargs
        As they were given, tensors replaced by :class:`Ref`, :class:`ParameterRef` and :class:`Constant`.
    shapes : tuple of tuple of int
        Of the results, the batch first.
    origin : Origin
    gradient : bool
        Whether it ran where gradients flow (not under ``torch.no_grad``).
    """

    op: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    shapes: tuple[Shape, ...]
    origin: Origin
    gradient: bool = True


@dataclass(frozen=True)
class Graph:
    """A model.

    Attributes
    ----------
    name : str
        Of the model's class.
    input_shape : tuple of int
        Of one sample.
    batch : int
        Samples that ran through it: the first number of every shape.
    calls : tuple of Call
        In the order in which they ran.
    outputs : tuple of (str, Ref)
        What the model returns, each with a label; the first is the one that is trained on.
    parameters : dict of str to Parameter
    notes : tuple of str
        What there is to say about the reading.
    reasons : tuple of Reason
        What was seen in reading that no spec can say.
    """

    name: str
    input_shape: Shape
    batch: int
    calls: tuple[Call, ...]
    outputs: tuple[tuple[str, Ref | None], ...]
    parameters: dict[str, Parameter]
    notes: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = field(default=())
