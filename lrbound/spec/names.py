"""Names of layers, losses, optimisers, keys: which are known, which will be, and what unknown ones were meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lrbound.spec.diagnostics import Invalid, Mark, Problems
from lrbound.spec.wording import LONGEST_LIST, quote

if TYPE_CHECKING:
    from collections.abc import Collection

    from lrbound.registry import Family
    from lrbound.spec.tree import MapValue, Value

T = TypeVar("T")

# Names of the format that this version cannot compute. Asked only for a name that the registry lacks, so that an
# entry which has been implemented since does no harm.
LATER = {
    "layer": frozenset(),
    "loss": frozenset({"focal", "hinge", "kl_div", "l1", "nll"}),
    "optimizer": frozenset({"adagrad", "adamax", "lamb", "lars", "nadam", "radam"}),
}

# Why a name has no rate, where that is known.
REASONS = {
    "l1": "it has no curvature, so that no rate is stable or unstable; its steps do not shrink near the minimum, so let the rate decay",
    "nll": "with log_softmax as the last layer it is cross_entropy of what is below that; say cross_entropy and leave log_softmax out",
    "focal": "its curvature depends on the targets, and is negative for samples that are far off; with gamma 2 and logits of 0 it is "
    "1.6 times that of binary_cross_entropy",
    "kl_div": "with log_softmax as the last layer it has the curvature of cross_entropy; say that and leave log_softmax out",
    "hinge": "it has no curvature but where margins are met",
    "lars": "its steps are trust_coefficient * |w| long in every layer whatever the gradient, so that no curvature makes them grow",
    "lamb": "its steps are as long as the rate times |w| in every layer whatever the gradient, so that no curvature makes them grow",
}


def unknown(noun: str, name: str, known: Collection[str], problems: Problems, later: Collection[str] = ()) -> str:
    """Return the message for an unknown name: what it was meant to be (perhaps something later), or what there is."""
    hint = problems.did_you_mean(name, (*known, *sorted(later)))
    if not hint and len(known) <= LONGEST_LIST:
        hint = f"; known: {', '.join(known)}" if known else "; it has none"
    return f"unknown {noun} {quote(name)}{hint}"


def member(family: Family[T], noun: str, name: str, mark: Mark, problems: Problems) -> type[T]:
    """Return the class of a member of a family; raise Invalid if there is none of this name."""
    if name in family:
        return family.get(name)
    if name in LATER[noun]:
        reason = f": {REASONS[name]}" if name in REASONS else ""
        raise Invalid(mark, f"{noun} {quote(name)} is not available yet{reason}")
    raise Invalid(mark, unknown(noun, name, family.names(), problems, LATER[noun]))


def known_entries(
    mapping: MapValue, known: Collection[str], noun: str, label: str, problems: Problems
) -> dict[str, Value]:
    """Return the values of a mapping under the keys that are known; report the others.

    Parameters
    ----------
    mapping : MapValue
        What the spec says.
    known : collection of str
        The keys that it may have.
    noun, label : str
        What a key is called (``key``, ``argument``) and how a message begins (``linear: ``).
    problems : Problems
        Takes the unknown keys.
    """
    values: dict[str, Value] = {}
    for key, (mark, value) in mapping.entries.items():
        if key in known:
            values[key] = value
        else:
            problems.add(mark, label + unknown(noun, key, known, problems))
    return values
