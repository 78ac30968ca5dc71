"""Sums, products and concatenations, and numbers that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lrbound.importing.graph import Constant, ParameterRef, Ref
from lrbound.importing.lower import bind
from lrbound.importing.operations.base import Operation
from lrbound.importing.operations.blocks import scaled

if TYPE_CHECKING:
    from lrbound.importing.graph import Call
    from lrbound.importing.lower import Lowering
    from lrbound.importing.step import Value

SUMS = ("add", "sub", "subtract", "rsub")
PRODUCTS = ("mul", "multiply", "div", "true_divide", "truediv", "divide")
CONCATENATIONS = ("cat", "concat", "concatenate")
RANDOM = ("bernoulli", "rand", "randn", "uniform", "normal", "rand_like", "randn_like", "floor", "div")


class Joining(Operation):
    """add, mul and cat of values; with a number, only where it changes nothing."""

    names: ClassVar[tuple[str, ...]] = (*SUMS, *PRODUCTS, *CONCATENATIONS)

    def lower(self, call: Call, scope: Lowering) -> None:
        """Add a sum, a product or a concatenation."""
        if call.op in CONCATENATIONS:
            _concatenate(call, scope)
            return
        given = bind(call, "input", "other", alpha=1, rounding_mode=None)
        first, second = scope.value(given.input), scope.value(given.other)
        if first is None or second is None:
            _with_constant(call, scope, given.other if second is None else given.input, first or second)
        elif call.op in ("add", "mul", "multiply") and given.alpha == 1:
            _join(call, scope, first, second)
        else:
            text = f"'{call.op}' of two results"
            scope.refuse(
                call, f"{text}; a spec has sums (residual) and products (multiply) of branches, without factors"
            )


def _join(call: Call, scope: Lowering, first: Value, second: Value) -> None:
    if call.op != "add":
        largest = max(first.shape, second.shape, key=len)
        gates = {(*largest[:1], 1, 1), largest}  # as torch has them, or stretched already
        shapes = {scope.torch_shape(argument) for argument in call.args[:2]}
        if {first.shape, second.shape} <= {largest, largest[:1]} and (shapes <= gates or first.shape == second.shape):
            scope.join(call, "product", [first, second], largest)
            return
    elif first.number == second.number:
        scope.refuse(
            call, "a result is added to itself, which doubles it; a spec has no fixed factors, so leave it out"
        )
        return
    elif first.shape == second.shape:
        scope.join(call, "sum", [first, second], first.shape)
        return
    text = f"'{call.op}' of {list(first.shape)} and {list(second.shape)}"
    scope.refuse(call, f"{text}; branches of a spec have equal shapes, or are gates of each channel", of_shape=True)


def _concatenate(call: Call, scope: Lowering) -> None:
    given = bind(call, "tensors", dim=0)
    values = [scope.value(tensor) for tensor in given.tensors]
    known = [value for value in values if value is not None]
    axes = len(call.shapes[0])
    if len(known) < len(values):
        scope.refuse(call, "a result is concatenated with a parameter or a constant; a spec concatenates branches only")
    elif given.dim % axes != 1 or len({value.shape[1:] for value in known}) > 1:
        scope.refuse(
            call,
            f"a concatenation along axis {given.dim}; branches of a spec are put together along the channels",
            of_shape=True,
        )
    elif len(known) == 1:
        scope.same(known[0])
    else:
        channels = sum(value.shape[0] for value in known)
        scope.join(call, "concat", known, (channels, *known[0].shape[1:]))


def _with_constant(call: Call, scope: Lowering, other: object, value: Value | None) -> None:
    """Lower a sum or product of a value with what is none."""
    if value is None:
        return
    neutral = 0 if call.op in SUMS else 1
    if isinstance(other, int | float) and other == neutral and call.op != "rsub":
        scope.same(value)
        return
    if isinstance(other, ParameterRef) and call.op in ("mul", "multiply"):
        factor, axes = scope.graph.parameters[other.name], len(value.shape)
        places = (
            (value.shape[:1],)
            if value.last
            else ((value.shape[0], *(1,) * (axes - 1)), (1, value.shape[0], *(1,) * (axes - 1)))
        )
        if factor.shape in places:
            scaled(call, scope, value, factor)
            return
    verb = "added to" if call.op in SUMS else "multiplied with"
    if isinstance(other, int | float):
        text = (
            f"a fixed number, {other:g}, is {verb} a result ('{call.op}'); a spec has no layer for it, so leave it out"
        )
    elif isinstance(other, ParameterRef):
        text = (
            f"a parameter of its own is {verb} a result (layer scale, embedding); a spec has weights in its layers only"
        )
    elif isinstance(other, Constant) and other.maker in RANDOM:
        text = f"random numbers are {verb} a result (stochastic depth, noise); a spec has dropout only, so set it to 0"
    elif isinstance(other, Constant):
        what = f"the buffer or tensor '{other.maker}'" if other.maker else "a tensor that is no parameter"
        text = f"{what} is {verb} a result; a spec has no layer for it"
    elif isinstance(other, Ref):
        text = f"a tensor computed from parameters alone is {verb} a result; a spec has weights in its layers only"
    else:
        text = f"{other!r} is {verb} a result; a spec has no layer for it"
    scope.refuse(call, text)
