"""Normalisers of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.importing.lower import bind
from lrbound.importing.operations._affine import affine
from lrbound.importing.operations.base import Operation
from lrbound.layers import LAYERS

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering
    from lrbound.importing.step import Value

SINGLE_EPS = 1.1920928955078125e-07
"""What torch takes where rms_norm is given no eps: the spacing of float32 at 1."""


class Normalising(Operation):
    """batch_norm, layer_norm, group_norm, instance_norm and rms_norm of torch.nn.functional."""

    names: ClassVar[tuple[str, ...]] = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add the normaliser of the same name."""
        value = scope.value(call.args[0] if call.args else call.kwargs.get("input"))
        if value is not None:
            getattr(self, f"_{call.op}")(call, scope, value)

    def _batch_norm(self, call: Call, scope: Lowering, value: Value) -> None:
        given = bind(call, "input", "mean", "var", weight=None, bias=None, training=False, momentum=0.1, eps=1e-5)
        if not given.training:
            text = "it is in evaluation mode, with fixed statistics; a spec normalises by those of the batch"
            scope.refuse(call, f"{text}, so call model.train(), and do not freeze it")
            return
        _apply(call, scope, value, "batch_norm", given)

    def _instance_norm(self, call: Call, scope: Lowering, value: Value) -> None:
        given = bind(
            call, "input", mean=None, var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
        )
        if not given.use_input_stats:
            scope.refuse(
                call, "it is in evaluation mode, with fixed statistics; call model.train(), and do not freeze it"
            )
            return
        _apply(call, scope, value, "instance_norm", given)

    def _group_norm(self, call: Call, scope: Lowering, value: Value) -> None:
        given = bind(call, "input", "num_groups", weight=None, bias=None, eps=1e-5)
        if given.num_groups == 1:
            _apply(call, scope, value, "layer_norm", given)
        else:
            _apply(call, scope, value, "group_norm", given, groups=given.num_groups)

    def _layer_norm(self, call: Call, scope: Lowering, value: Value) -> None:
        given = bind(call, "input", "normalized_shape", weight=None, bias=None, eps=1e-5)
        if value.last and tuple(given.normalized_shape) == value.shape[:1]:
            _apply(call, scope, value, "layer_norm", given, axes="channels")
        elif tuple(given.normalized_shape) != value.shape or value.last:
            text = "it normalises over some of the axes"
            text = f"{text}; layer_norm of a spec takes all channels and positions of a sample together"
            scope.refuse(call, text, of_shape=True)
        elif len(value.shape) > 1 and given.weight is not None:
            text = "it has a gamma and a beta for every channel and position; layer_norm of a spec has one a channel"
            scope.refuse(call, f"{text}, as torch.nn.GroupNorm(1, {value.shape[0]}) has")
        else:
            _apply(call, scope, value, "layer_norm", given)

    def _rms_norm(self, call: Call, scope: Lowering, value: Value) -> None:
        given = bind(call, "input", "normalized_shape", weight=None, eps=None)
        given.eps = SINGLE_EPS if given.eps is None else given.eps
        if tuple(given.normalized_shape) != value.shape or len(value.shape) != 1:
            text = "it normalises over some of the axes; rms_norm is read on flat features only"
            scope.refuse(call, text, of_shape=True)
            return
        _apply(call, scope, value, "rms_norm", given)


def _apply(call: Call, scope: Lowering, value: Value, kind: str, given: Any, **more: Any) -> None:
    arguments = affine(call, scope, given.weight, getattr(given, "bias", None), shifts=kind != "rms_norm")
    if arguments is not None:
        note = arguments.pop("note")
        arguments |= more | {"eps": float(given.eps)}
        scope.apply(call, value, LAYERS.get(kind)(**arguments), note=note)
