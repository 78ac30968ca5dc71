"""Operations that a spec has no layer for, with what there is to say about each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.importing.operations.base import Operation

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering

LARGER = (
    "makes maps larger, for which a spec has no layer; predict the part before it, with a global average pool and a "
    "linear layer as its end"
)
AXES = (
    "changes the order of the axes; a spec keeps [channels, height, width], so give the model with layers that act on "
    "channels first"
)
RECURRENT = (
    "uses the same weights at every step; the theory takes weights as independent, and a spec has no layer for it"
)
ATTENTION = "multiplies results with each other across positions (attention), for which a spec has no layer"
PARTS = "takes channels, tokens or samples apart, for which a spec has no layer; give every branch all of its input"
OTHER_AXES = "works on volumes; a spec takes [features], [channels, length] or [channels, height, width]"
MASKS = (
    "drops whole channels or keeps mean and variance; a spec has dropout of single units only, so put torch.nn.Dropout in its "
    "place, or leave it out"
)
SENTENCES = {
    **dict.fromkeys(("conv_transpose2d", "interpolate", "upsample", "pixel_shuffle"), LARGER),
    **dict.fromkeys(("transpose", "swapaxes", "movedim", "T", "mT", "t"), AXES),
    **dict.fromkeys(("lstm", "gru", "rnn_tanh", "rnn_relu"), RECURRENT),
    **dict.fromkeys(
        ("matmul", "bmm", "einsum", "scaled_dot_product_attention", "multi_head_attention_forward"), ATTENTION
    ),
    **dict.fromkeys(("chunk", "split", "tensor_split", "unbind", "narrow", "select", "index_select", "stack"), PARTS),
    **dict.fromkeys(("conv3d", "max_pool3d", "avg_pool3d"), OTHER_AXES),
    **dict.fromkeys(("dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "feature_alpha_dropout"), MASKS),
    "detach": "stops gradients, which a spec has no word for",
    "data": "stops gradients, which a spec has no word for",
    "setitem": "writes into a part of a result, for which a spec has no layer",
    "embedding": "looks up vectors; a spec takes [features], [channels, length] or [channels, height, width]",
}


class Gaps(Operation):
    """What is known and missing."""

    def takes(self, op: str) -> bool:
        """Whether there is a sentence on an operation."""
        return op in SENTENCES

    def lower(self, call: Call, scope: Lowering) -> None:
        """Refuse it."""
        if SENTENCES[call.op] == ATTENTION and sum(scope.value(argument) is not None for argument in call.args) == 1:
            scope.refuse(call, f"'{call.op}' multiplies a result with a parameter by hand; write it as torch.nn.Linear")
            return
        scope.refuse(call, f"'{call.op}' {SENTENCES[call.op]}")
