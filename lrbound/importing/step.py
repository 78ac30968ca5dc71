"""Layers and joins as they follow from one another, before they are nested."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrbound.fields import Border
    from lrbound.importing.graph import Parameter, Shape
    from lrbound.importing.refusal import Origin
    from lrbound.init import Fans
    from lrbound.layers.base import Layer


@dataclass(frozen=True)
class Value:
    """What a layer gives.

    Attributes
    ----------
    number : int
        0 is the network's input, n the result of step n - 1.
    shape : tuple of int
        As a spec has it: a map that was pooled to one position is flat.
    padding : int or pairs of int
        Pixels that were added around it by an operation of its own, for the layer that follows: a border as a spec has it.
    padding_mode : {"zeros", "circular"}
    strange : bool
        Whether its axes are not those of a spec, or not known to be, since something before it was refused.
    last : bool
        Whether torch has the channels of the map in its last axis; ``shape`` has them first.
    """

    number: int
    shape: Shape
    padding: Border = 0
    padding_mode: str = "zeros"
    strange: bool = False
    last: bool = False


@dataclass(frozen=True)
class Drawn:
    """Weights of one layer, with what rules of initialisation ask about them.

    Attributes
    ----------
    weight : Parameter
    bias : Parameter or None
    fans : Fans
    kind : str
        ``linear``, ``conv2d``: whose rule the vote is about.
    origin : Origin
    """

    weight: Parameter
    bias: Parameter | None
    fans: Fans
    kind: str
    origin: Origin

    @property
    def fan_in(self) -> int:
        """Inputs of one unit."""
        return self.fans.fan_in


@dataclass(frozen=True)
class Step:
    """One layer, or one place where branches join.

    Attributes
    ----------
    inputs : tuple of int
        Numbers of the values that it takes: one for a layer, several for a join.
    shape : tuple of int
        Of the value that it gives.
    layer : Layer or None
        Without its initialisation; None for a join and for a stand-in.
    join : {"", "sum", "concat", "product"}
    origin : Origin
    drawn : Drawn or None
        Of a layer with weights.
    parameters : tuple of str
        Names of all that it has.
    note : str
        For the reader of the spec.
    follows : bool
        Of a stand-in, whether there is something to say against it only because of one before it.
    """

    inputs: tuple[int, ...]
    shape: Shape
    origin: Origin
    layer: Layer | None = None
    join: str = ""
    drawn: Drawn | None = None
    parameters: tuple[str, ...] = ()
    note: str = ""
    follows: bool = False

    @property
    def stands_in(self) -> bool:
        """Whether it stands for something that could not be translated; ``note`` says why."""
        return self.layer is None and not self.join
