"""From a graph to a spec: the whole way that needs no torch."""

from __future__ import annotations

import dataclasses
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.importing.fold import folded
from lrbound.importing.inits import Inits
from lrbound.importing.item import rebuilt, walk
from lrbound.importing.lower import Lowering
from lrbound.importing.nest import NotNested, nest, reached
from lrbound.importing.patterns import recognised
from lrbound.importing.refusal import Origin, Reason, Untranslatable, lines
from lrbound.importing.write import written
from lrbound.init import NAMED, Init
from lrbound.spec import SpecError, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lrbound.importing.graph import Graph
    from lrbound.importing.item import Chain, Item
    from lrbound.importing.step import Step
    from lrbound.network import Network


@dataclass(frozen=True)
class Translation:
    """A model as a spec.

    Attributes
    ----------
    text : str
        The YAML, as ``lrbound import`` writes it.
    network : Network
        What it says; the training is the format's default but for a loss that the model implies.
    notes : tuple of str
        What was simplified or left out; they are comments of the text, too.
    chain : tuple of Item
        The layers before repeats are folded, each with its initialisation and what its weights were drawn to.
    stand_ins : tuple of str
        With ``partial``: what could not be translated.
    """

    text: str
    network: Network
    notes: tuple[str, ...]
    chain: Chain
    stand_ins: tuple[str, ...] = ()


def translate(graph: Graph, *, name: str | None = None, source: str = "", partial: bool = False) -> Translation:
    """Return the spec of what a graph computes.

    Parameters
    ----------
    graph : Graph
    name : str, optional
        Of the network; the model's class if absent.
    source : str
        What the head of the file says that it comes from.
    partial : bool
        Write ``identity``, with a comment, where an operation cannot be translated, as far as shapes allow.

    Raises
    ------
    Untranslatable
        With everything that no spec can say.
    """
    if len(graph.input_shape) not in (1, 2, 3):
        text = f"the input has the shape {list(graph.input_shape)}; a spec takes [features], [channels, length] or [channels, height, width]"
        raise Untranslatable([Reason(Origin("", graph.name), text)])
    lowering = Lowering(graph)
    output = lowering.run().number
    live = [lowering.steps[number - 1] for number in sorted(reached(lowering.steps, output) - {0})]
    inits = Inits(step.drawn for step in live if step.drawn is not None)
    reasons = [*lowering.objections(live), *inits.reasons]
    chain: Chain = ()
    try:
        chain = nest(lowering.steps, output)
    except NotNested as crossing:
        raise Untranslatable([*reasons, crossing.reason]) from None
    if reasons and not partial:
        raise Untranslatable(reasons)
    whole = recognised(rebuilt(chain, lambda item: _with_init(item, inits)))
    common = _common_init(whole)
    chain = folded(rebuilt(whole, lambda item: _without_init(item, common)))
    notes = (*lowering.notes, *_left_out(graph, live), *_doubts(chain, inits))
    stand_ins = tuple(lines(reasons))
    text = written(
        chain,
        name=name or graph.name,
        shape=lowering.input_shape,
        init=common,
        loss=lowering.loss,
        comments=[
            f"Imported from {source or graph.name}.",
            *(f"NOT TRANSLATED: {text}" for text in stand_ins),
            *inits.summary(),
            *notes,
        ],
    )
    return Translation(text, _checked(text, graph, live, partial=bool(stand_ins)), notes, whole, stand_ins)


def _with_init(item: Item, inits: Inits) -> Item:
    if not item.drawn:
        return item
    (layer,) = item.drawn
    found = inits.of(layer)
    note = item.note if found.rule else "weight_variance as measured"
    return dataclasses.replace(item, arguments=item.arguments | {"init": found.init}, note=note)


def _common_init(chain: Chain) -> Init:
    """Return the initialisation that most layers have, as they are written; a named one before others."""
    counts = Counter(item.arguments["init"] for item in walk(folded(chain)) if "init" in item.arguments)
    named = set(NAMED.values())
    return max(counts, key=lambda init: (counts[init], init in named), default=NAMED["pytorch"])


def _without_init(item: Item, common: Init) -> Item:
    init = item.arguments.get("init")
    if init is None:
        return item
    assert isinstance(init, Init)
    biased = item.arguments.get("bias", True)
    if init != common and (biased or _of_weights(init) != _of_weights(common)):
        return item
    return dataclasses.replace(item, arguments={k: v for k, v in item.arguments.items() if k != "init"})


def _of_weights(init: Init) -> tuple[float, str]:
    return (init.weight_variance, init.fan)


def _left_out(graph: Graph, live: Sequence[Step]) -> Iterator[str]:
    """Yield sentences on outputs and parameters that the spec does not have."""
    if len(graph.outputs) > 1:
        first, *others = (label for label, _ in graph.outputs)
        shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        yield f"the model returns several results: '{first}' is read, {shown} left out with the heads that give them"
    used = {name for step in live for name in step.parameters}
    unused = [p for p in graph.parameters.values() if p.trained and p.name not in used]
    if unused:
        homes = list(dict.fromkeys(p.name.rpartition(".")[0] or p.name for p in unused))
        shown = ", ".join(homes[:3]) + (f" and {len(homes) - 3} more" if len(homes) > 3 else "")
        yield f"{sum(p.count for p in unused)} parameters that the output does not depend on are left out: {shown}"


def _doubts(chain: Chain, inits: Inits) -> Iterator[str]:
    """Yield sentences on what was measured."""
    if inits.unknown:
        yield "the weights have no values (device meta): torch's default initialisation is assumed"
    if inits.measured:
        many = f"the weights of {inits.measured} layers fit" if inits.measured > 1 else "the weights of 1 layer fit"
        yield (
            f"{many} no known rule, so that their variance was measured; if they are trained, give the model before "
            "weights are loaded: the theory is that of initialisation"
        )
    if any(item.note.startswith("gamma") for item in walk(chain)):
        yield "gammas that differ from channel to channel are written as their root mean square"


def _checked(text: str, graph: Graph, live: Sequence[Step], *, partial: bool) -> Network:
    """Return the network that the text describes; it must have the parameters that the model trains."""
    try:
        network = parse(text, source="the spec")
    except SpecError as error:
        reasons = [Reason(Origin("", graph.name), diagnostic.message) for diagnostic in error.diagnostics]
        raise Untranslatable(reasons) from error
    used = {name for step in live for name in step.parameters}
    trained = sum(p.count for p in graph.parameters.values() if p.trained and p.name in used)
    if network.parameters != trained and not partial:
        text = f"the spec would have {network.parameters} parameters and the model has {trained}; please report it"
        raise Untranslatable([Reason(Origin("", graph.name), text)])
    return network
