"""Padding by an operation of its own, which the convolution or pool that follows takes over."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation, border_of

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering


class Padding(Operation):
    """torch.nn.functional.pad with zeros, or with the map's other end, around a map."""

    names: ClassVar[tuple[str, ...]] = ("pad",)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add nothing; the padding goes into the layer above."""
        given = bind(call, "input", "pad", mode="constant", value=None)
        value = scope.value(given.input)
        if value is None:
            return
        sides, modes = given.pad, {"constant": "zeros", "circular": "circular"}
        fits = len(sides) == 4 and min(sides) >= 0 and len(value.shape) == 3 and not value.last
        if fits and not value.padding and given.mode in modes and not given.value:
            left, right, top, bottom = sides
            scope.same(
                dataclasses.replace(value, padding=border_of(top, bottom, left, right), padding_mode=modes[given.mode])
            )
            return
        ends = len(sides) == len(value.shape) == 2 and sides[0] == sides[1] >= 0
        if ends and not value.padding and given.mode in modes and not given.value:
            scope.same(dataclasses.replace(value, padding=sides[0], padding_mode=modes[given.mode]))
            return
        if not any(sides):
            scope.same(value)
            return
        text = f"padding {list(sides)} in mode '{given.mode}'"
        scope.refuse(call, f"{text}; a spec pads maps with zeros or circularly, before a convolution")
