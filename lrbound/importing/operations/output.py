"""Operations at a model's output that belong to its loss."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.operations.base import Operation

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering


class Output(Operation):
    """log_softmax as the last operation, which torch.nn.NLLLoss completes to a cross-entropy.

    Keras' losses take the softmax itself; its reader says so with ``of_loss``.
    """

    names: ClassVar[tuple[str, ...]] = ("log_softmax", "softmax")

    def lower(self, call: Call, scope: Lowering) -> None:
        """Leave a log_softmax at the output to the loss."""
        value = scope.value(call.args[0] if call.args else call.kwargs.get("input"))
        if value is None:
            return
        of_loss = call.op == "log_softmax" or call.kwargs.get("of_loss")
        if of_loss and call is scope.graph.calls[-1] and len(value.shape) == 1:
            scope.loss = "cross_entropy"
            scope.note(f"the {call.op} at the output is read as part of the loss, cross_entropy")
            scope.same(value)
        elif call is scope.graph.calls[-1]:
            text = "a softmax at the output is part of the loss in a spec (loss: cross_entropy)"
            scope.refuse(call, f"{text}; let the model return the logits, and train with torch.nn.CrossEntropyLoss")
        else:
            scope.refuse(call, f"'{call.op}' inside a network (attention, gates that sum to 1) has no layer in a spec")
