"""How far a rate can be trusted, in a word and a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from lrbound.input_law import Input
    from lrbound.losses.base import Loss


MANY_OUTPUTS = 20
"""Outputs from which no trained network with a loss of probabilities was looked at."""


class Confidence(NamedTuple):
    """A level and its reason, a clause that follows "because"."""

    level: Literal["high", "medium", "low"]
    reason: str


def confidence(law: Input, loss: Loss, outputs: int, *, known: bool) -> Confidence:
    """Return how far the largest rate can be trusted.

    Parameters
    ----------
    law : Input
    loss : Loss
    outputs : int
    known : bool
        Whether the theory knows the structure of the network.
    """
    if not known:
        return Confidence("low", "the network has branches that the corrections at finite size do not know")
    if not loss.diverges and outputs > MANY_OUTPUTS:
        return Confidence("low", f"the rate was checked with {loss.kind} of at most 10 outputs, not {outputs}")
    if not law.white and loss.diverges:
        return Confidence("high", "the statistics of the data are stated and the loss diverges where its bound ends")
    if loss.diverges:
        return Confidence("medium", "the samples are taken as white; lrbound stats gives the statistics of real ones")
    return Confidence("medium", f"with {loss.kind} training may survive many times this rate")
