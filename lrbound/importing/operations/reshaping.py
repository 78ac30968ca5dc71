"""Operations that give the same values in another shape, or the same values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.operations.base import Operation
from lrbound.importing.operations.gaps import PARTS
from lrbound.layers.flatten import Flatten

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering

SHAPES = ("view", "reshape", "flatten", "squeeze", "unsqueeze", "getitem", "unflatten", "view_as", "reshape_as")
EXPANSIONS = ("expand", "expand_as")
MIXED = "mixes samples or repeats values; a spec keeps the samples apart"
COPIES = ("contiguous", "clone", "to", "float", "double", "half", "type", "type_as", "cuda", "cpu", "requires_grad")


class Reshaping(Operation):
    """view, reshape, flatten and squeeze, copies and casts."""

    names: ClassVar[tuple[str, ...]] = (*SHAPES, *EXPANSIONS, *COPIES)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``flatten``, or nothing where a spec sees no change."""
        source = call.args[0] if call.args else call.kwargs.get("input")
        value = scope.value(source)
        if value is None:
            return
        before, after = scope.torch_shape(source), call.shapes[0][1:]
        if call.op in EXPANSIONS and len(value.shape) == 1 and after[:1] == value.shape:
            scope.same(value)  # a gate of each channel, to be multiplied with a map
            return
        kept = call.shapes[0][0] == scope.graph.batch and math.prod(after) == math.prod(before)
        if not kept:
            taken = math.prod(call.shapes[0]) < scope.graph.batch * math.prod(before)
            text = f"'{call.op}' {PARTS if taken else MIXED}"
            scope.refuse(call, text, of_shape=True)
        elif (
            after in (before, value.shape) or after == () or (len(value.shape) == 1 and _squeezed(after) == value.shape)
        ):
            scope.same(value)
        elif len(value.shape) == 3 and after == (value.shape[0], math.prod(value.shape[1:])):
            scope.same(value)  # positions in a row, whose mean may follow
        elif len(value.shape) > 1 and after == (math.prod(value.shape),):
            scope.apply(call, value, Flatten())
        else:
            text = f"'{call.op}' splits or merges axes; the only change of shape in a spec is flatten, to [features]"
            scope.refuse(call, text, of_shape=True)


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape without the sides of 1 after the first."""
    return tuple(side for index, side in enumerate(shape) if index == 0 or side != 1)
