"""Channels moved to the last axis of a map and back, as blocks with dense layers at each position have it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.operations.base import Operation

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering

TO_LAST, TO_FIRST = (0, 2, 3, 1), (0, 3, 1, 2)


class Permuting(Operation):
    """permute of a map between [channels, height, width] and [height, width, channels]."""

    names: ClassVar[tuple[str, ...]] = ("permute",)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Note where the channels are."""
        value = scope.value(call.args[0])
        if value is None:
            return
        given = call.kwargs.get("dims", call.args[1:])
        (dims,) = given if len(given) == 1 and isinstance(given[0], tuple) else (given,)
        order = tuple(dim % 4 for dim in dims) if len(dims) == 4 else ()
        if len(value.shape) == 1 and sum(side > 1 for side in scope.torch_shape(call.args[0])) <= 1:
            scope.same(value)  # a map of one position
            return
        if len(value.shape) == 3 and order == (TO_FIRST if value.last else TO_LAST):
            scope.same(replace(value, last=not value.last))
            return
        text = f"'permute' to the order {list(dims)}; a spec knows maps with their channels first, or moved to the last axis and back"
        scope.refuse(call, text, of_shape=True)
