"""The normalisers of :mod:`lrbound.normalizers`, each of which is recorded as one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lrbound.importing.operations._affine import affine, plain
from lrbound.importing.operations.base import Operation
from lrbound.layers import LAYERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering

KINDS = {
    "RMSNorm": "rms_norm",
    "ChannelNorm": "layer_norm",
    "PositionalNorm": "positional_norm",
    "BatchGroupNorm": "batch_group_norm",
    "CrossIterationBatchNorm": "cross_iteration_batch_norm",
    "InstanceEnhancementBatchNorm": "instance_enhancement_batch_norm",
    "ProxyNorm": "proxy_norm",
}


class NormaliserModules(Operation):
    """RMSNorm, PositionalNorm, BatchGroupNorm and the others, by the names of their modules."""

    names: ClassVar[tuple[str, ...]] = tuple(KINDS)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add the normaliser that the module is."""
        value = scope.value(call.args[0])
        if value is None:
            return
        kind, given = KINDS[call.op], call.kwargs
        arguments: dict[str, Any] = {"eps": given["eps"], **_more(kind, given, scope)}
        note = ""
        if kind != "positional_norm":
            found = affine(call, scope, given.get("weight"), given.get("bias"), shifts=kind != "rms_norm")
            if found is None:
                return
            note = found.pop("note")
            arguments |= found
        scope.apply(call, value, LAYERS.get(kind)(**arguments), note=note)


def _more(kind: str, given: Mapping[str, Any], scope: Lowering) -> dict[str, Any]:
    """Return the arguments that only this normaliser has."""
    if kind == "positional_norm":
        return {"gamma": given["gamma"]}
    if kind == "layer_norm":
        return {"axes": "channels"}
    if kind == "batch_group_norm":
        return {"groups": given["groups"]}
    if kind == "cross_iteration_batch_norm":
        return {"window": given["window"]}
    if kind == "instance_enhancement_batch_norm":
        gates = (scope.graph.parameters[given[name].name].mean for name in ("gate_weight", "gate_bias"))
        weight, bias = (plain(gate or 0.0) for gate in gates)
        return {"weight": weight, "bias": bias}
    if kind == "proxy_norm":
        return {"activation": given["activation"]}
    return {}
