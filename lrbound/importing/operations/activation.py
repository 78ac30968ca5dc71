"""Functions of single values: whatever a spec has an activation of the same name for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrbound.activations.base import Activation
from lrbound.fields import params
from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation
from lrbound.importing.operations.clamp import Clamp
from lrbound.importing.operations.prelu import Prelu
from lrbound.layers import LAYERS

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering

FIXED: dict[str, dict[str, Any]] = {
    "elu": {"alpha": 1.0},
    "softplus": {"beta": 1.0, "threshold": 20.0},
}
"""Arguments that torch has and the layer of the same name has not, at the only values that it knows."""


class ActivationFunction(Operation):
    """Activations by their name in torch, which is their name in a spec."""

    def takes(self, op: str) -> bool:
        """Whether a spec has an activation of this name."""
        return op not in (*Clamp.names, *Prelu.names) and op in LAYERS and issubclass(LAYERS.get(op), Activation)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add the activation with its arguments."""
        cls = LAYERS.get(call.op)
        own = {name: default for name, (_, default) in params(cls).items()}
        given = bind(call, "input", **own, **FIXED.get(call.op, {}))
        value = scope.value(given.input)
        if value is None:
            return
        for name, known in FIXED.get(call.op, {}).items():
            if name not in own and getattr(given, name) != known:
                scope.refuse(call, f"{call.op} with {name}={getattr(given, name)}; the spec's has {name}={known}")
                return
        scope.apply(call, value, cls(**{name: getattr(given, name) for name in own}))
