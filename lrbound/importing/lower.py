"""From a graph of calls to layers: every call is handed to the family of operations that knows it."""

from __future__ import annotations

import dataclasses
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from lrbound.importing.graph import INPUT, Constant, ParameterRef, Ref
from lrbound.importing.refusal import Origin, Reason
from lrbound.importing.step import Drawn, Step, Value
from lrbound.meanfield.contract import ShapeError
from lrbound.registry import Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lrbound.importing.graph import Call, Graph, Parameter, Shape
    from lrbound.importing.operations.base import Operation
    from lrbound.layers.base import Layer

SIGNALS = frozenset({"conv1d", "max_pool1d", "avg_pool1d", "adaptive_avg_pool1d", "adaptive_max_pool1d"})
"""Operations that say that a sample of two axes is a signal, [channels, length], and no image."""
OPERATIONS: Family[Operation] = Family("lrbound.importing.operations.base:Operation", "lrbound.importing.operations")


@cache
def _families() -> tuple[Operation, ...]:
    return tuple(OPERATIONS.get(name)() for name in OPERATIONS.names())


class Lowering:
    """Layers of a graph, as they are found call by call.

    Parameters
    ----------
    graph : Graph

    Attributes
    ----------
    steps : list of Step
        In the order in which they run; step n gives value n + 1.
    reasons : list of Reason
        What no spec can say about the output.
    notes : list of str
        What the reader of the spec must know.
    loss : str or None
        The loss that the model's last operation belongs to.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.steps: list[Step] = []
        self.reasons: list[Reason] = []
        self.notes: list[str] = list(graph.notes)
        self.loss: str | None = None
        self._index = 0
        self._names: tuple[str, ...] = ()
        self._values: dict[Ref, Value | None] = {INPUT: Value(0, self.input_shape)}
        self._made_of_parameters: set[Ref] = set()

    def run(self) -> Value:
        """Lower all calls and return the value of the output."""
        for index, call in enumerate(self.graph.calls):
            self._lower(index, call)
        label, ref = self.graph.outputs[0] if self.graph.outputs else ("", None)
        value = None if ref is None else self._values.get(ref)
        if value is None:
            self._refuse("the output does not depend on the input; there is nothing to train")
            return Value(0, self.input_shape)
        if value.padding:
            self._refuse("the output is padded; a spec pads in convolutions only")
        if value.last:
            self._refuse("the output has its channels in the last axis; permute it back")
        if len(value.shape) != 1:
            self._refuse(
                f"the {label} has the shape {list(value.shape)}, but a spec ends in flat outputs; end the model with a "
                "global average pool or flatten, and a linear layer"
            )
        return value

    def objections(self, live: Iterable[Step]) -> list[Reason]:
        """Return everything that no spec can say, of the steps that the output depends on."""
        uses: dict[str, list[Origin]] = {}
        found = list(self.graph.reasons)
        for step in live:
            if step.stands_in and not step.follows:
                found.append(Reason(step.origin, step.note))
            for name in step.parameters:
                uses.setdefault(name, []).append(step.origin)
        for name, origins in uses.items():
            if len(origins) > 1:
                text = f"the parameter {name} is used {len(origins)} times; the theory takes weights as independent"
                found.append(Reason(origins[0], f"{text}, so give every use its own"))
        return [*found, *self.reasons]

    @property
    def input_shape(self) -> Shape:
        """Shape of one sample as a spec has it: an image without channels has one; a signal has them."""
        shape = self.graph.input_shape
        signal = any(call.op in SIGNALS for call in self.graph.calls)
        return (1, *shape) if len(shape) == 2 and not signal else shape

    def _lower(self, index: int, call: Call) -> None:
        self._index = index
        places = _refs((*call.args, *call.kwargs.values()))
        self._names = tuple(place.name for place in places if isinstance(place, ParameterRef))
        if not any(isinstance(place, Ref) and place not in self._made_of_parameters for place in places):
            self._made_of_parameters.update(Ref(index, part) for part in range(len(call.shapes)))
            return
        if not call.gradient:
            self.refuse(call, "it runs where no gradient flows (torch.no_grad), which a spec has no word for")
            return
        for family in _families():
            if family.takes(call.op):
                family.lower(call, self)
                break
        if Ref(index) not in self._values:
            self.refuse(
                call, f"'{call.op}' has no layer in a spec; give the model without it, or write this part by hand"
            )

    def value(self, argument: object) -> Value | None:
        """Return the value that an argument of a call is, or None where it is none."""
        return self._values.get(argument) if isinstance(argument, Ref) else None

    def parameter(self, call: Call, argument: object) -> Parameter | None:
        """Return the parameter that an argument is; refuse one that is computed, shared or frozen."""
        if isinstance(argument, ParameterRef):
            return self.graph.parameters[argument.name]
        if isinstance(argument, Ref) and argument in self._made_of_parameters:
            text = "its weights are computed from other weights; the theory takes weights as drawn"
            self.refuse(call, f"{text}; give the model without the reparametrisation")
        elif argument is not None:
            self.refuse(
                call, "its weights are no parameters of the model but data or buffers; a spec has trained weights only"
            )
        return None

    def torch_shape(self, argument: object) -> Shape:
        """Return the shape of one sample as torch has it."""
        if argument == INPUT:
            return self.graph.input_shape
        assert isinstance(argument, Ref)
        return self.graph.calls[argument.call].shapes[argument.part][1:]

    def same(self, value: Value) -> None:
        """Let the current call give ``value``."""
        self._values[Ref(self._index)] = value

    def apply(
        self, call: Call, value: Value, layer: Layer, drawn: Drawn | None = None, *, note: str = "", pads: bool = False
    ) -> None:
        """Let the current call be a layer on ``value``; ``pads`` says whether it has taken over padding before it."""
        if value.padding and not pads:
            self.refuse(call, f"the map is padded and then taken by {layer.kind}; a spec pads in convolutions only")
            return
        made = call.shapes[0][1:]
        if value.last:
            made = (*made[-1:], *made[:-1])
        try:
            shape = layer.output_shape(value.shape)
        except ShapeError as error:
            self.refuse(call, f"{error}", of_shape=True)
            return
        if shape != made and not (
            len(shape) == 1 and [side for side in made if side > 1] == [s for s in shape if s > 1]
        ):
            text = f"it gives {list(made)} where the layer {layer.kind} of a spec gives {list(shape)}"
            self.refuse(call, text, of_shape=True)
            return
        step = Step((value.number,), shape, call.origin, layer, drawn=drawn, note=note)
        self._add(step, strange=value.strange, last=value.last)

    def join(self, call: Call, kind: str, values: list[Value], shape: Shape) -> None:
        """Let the current call join values."""
        made = call.shapes[0][1:]
        if any(value.last for value in values):
            made = (*made[-1:], *made[:-1]) if all(value.last for value in values) else ()
        if any(value.padding for value in values):
            self.refuse(call, "a padded map is joined with another; a spec pads in convolutions only")
        elif made not in (shape, (*shape, 1, 1)):
            text = f"'{call.op}' stretches its inputs to {list(made)}; branches of a spec have equal shapes"
            self.refuse(call, text, of_shape=True)
        else:
            step = Step(tuple(value.number for value in values), shape, call.origin, join=kind)
            self._add(step, strange=any(value.strange for value in values), last=values[0].last)

    def refuse(self, call: Call, text: str, *, of_shape: bool = False) -> None:
        """Say why the current call cannot be a layer, and go on as if it were one.

        ``of_shape`` says that it is the shape that does not fit; that of what was refused before is no news.
        """
        given = [self.value(ref) for ref in _refs((*call.args, *call.kwargs.values()))]
        inputs = [value for value in given if value is not None]
        numbers = tuple(dict.fromkeys(value.number for value in inputs))
        strange = any(value.strange for value in inputs)
        for part, shape in enumerate(call.shapes):
            changed = of_shape or any(value.shape != shape[1:] for value in inputs)
            step = Step(numbers, shape[1:], call.origin, note=text, follows=of_shape and strange)
            self._add(step, part, strange=strange or changed)

    def note(self, text: str) -> None:
        """Remember a sentence for the reader of the spec, once."""
        if text not in self.notes:
            self.notes.append(text)

    def _refuse(self, text: str) -> None:
        self.reasons.append(Reason(Origin("", self.graph.name), text))

    def _add(self, step: Step, part: int = 0, *, strange: bool = False, last: bool = False) -> None:
        self.steps.append(dataclasses.replace(step, parameters=self._names))
        self._values[Ref(self._index, part)] = Value(len(self.steps), step.shape, strange=strange, last=last)


def bind(call: Call, *required: str, **optional: Any) -> SimpleNamespace:
    """Return a call's arguments by name; what it does not give has the default, what is not asked for is left out."""
    given = dict(zip((*required, *optional), call.args, strict=False))
    named = {"dim" if key == "axis" else key: value for key, value in call.kwargs.items()}
    given |= {key: value for key, value in named.items() if key in required or key in optional}
    return SimpleNamespace(**{**dict.fromkeys(required), **optional, **given})


def _refs(values: Any) -> list[Ref | ParameterRef | Constant]:
    found: list[Ref | ParameterRef | Constant] = []
    for value in values:
        if isinstance(value, Ref | ParameterRef | Constant):
            found.append(value)
        elif isinstance(value, tuple):
            found.extend(_refs(value))
    return found
