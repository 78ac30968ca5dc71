"""Dropout."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation
from lrbound.layers.dropout import Dropout

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering


class Dropping(Operation):
    """torch.nn.functional.dropout in training; without it, and at p = 0, nothing."""

    names: ClassVar[tuple[str, ...]] = ("dropout",)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add ``dropout``."""
        given = bind(call, "input", p=0.5, training=True)
        value = scope.value(given.input)
        if value is None:
            return
        if not given.training or given.p == 0.0:
            scope.same(value)
        elif given.p >= 1.0:
            scope.refuse(call, "dropout with p=1 leaves nothing to train on")
        else:
            scope.apply(call, value, Dropout(p=float(given.p)))
