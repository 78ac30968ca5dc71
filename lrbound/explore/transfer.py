"""A learning rate that works for one network, carried to another by the ratio of the largest rates of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused

if TYPE_CHECKING:
    from lrbound.prediction import Prediction


@dataclass(frozen=True)
class Transfer:
    """A rate and what it becomes.

    Attributes
    ----------
    base, new : Prediction
    base_rate : float
        The rate that works for ``base``.
    ratio : float
        max_learning_rate of ``new`` divided by that of ``base``.
    learning_rate : float
        ``base_rate * ratio``: the same part of what ``new`` survives.
    warnings : tuple of str
    """

    base: Prediction
    new: Prediction
    base_rate: float
    ratio: float
    learning_rate: float
    warnings: tuple[str, ...]


def transfer(base: Prediction, new: Prediction, rate: float) -> Transfer:
    """Carry ``rate`` from one network to another.

    Raises
    ------
    Refused
        Where the largest rate of either is not known.
    """
    largest = {}
    for prediction in (base, new):
        found = prediction.max_learning_rate
        if not found:
            raise Refused(f"{prediction.name}: no largest rate is known, so no rate can be carried")
        largest[id(prediction)] = found
    ratio = largest[id(new)] / largest[id(base)]
    warnings = [f"{one.name}: {text}" for one in (base, new) for text in one.warnings]
    if base.limited_by != new.limited_by:
        warnings.append(
            f"{base.name} is limited by {base.limited_by}, {new.name} by {new.limited_by}: what tunes one rate need not tune "
            "the other"
        )
    if rate > largest[id(base)]:
        warnings.append(
            f"the rate {rate:.4g} is above max_learning_rate {largest[id(base)]:.4g} of {base.name}: where it works, the "
            "prediction is too low there, and may not be in the same way for the other network"
        )
    return Transfer(base, new, rate, ratio, rate * ratio, tuple(warnings))
