"""A learning rate that works for one network, carried to another by the ratio of the largest rates of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lrbound.errors import Refused
from lrbound.notices import Notice

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
    warnings : tuple of Notice
        Of the two together; the predictions have their own.
    """

    base: Prediction
    new: Prediction
    base_rate: float
    ratio: float
    learning_rate: float
    warnings: tuple[Notice, ...]


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
    warnings = []
    if base.limited_by != new.limited_by:
        text = f"the base is limited by {base.limited_by}, the new network by {new.limited_by}"
        warnings.append(Notice("LRB064", f"{text}: rates may not go together"))
    if rate > largest[id(base)]:
        text = f"the rate {rate:.4g} is above the base's max_learning_rate {largest[id(base)]:.4g}"
        warnings.append(Notice("LRB065", f"{text}: where it works, that is too low"))
    return Transfer(base, new, rate, ratio, rate * ratio, tuple(warnings))
