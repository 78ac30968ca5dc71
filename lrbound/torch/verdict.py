"""A learning rate held against the largest that training is expected to survive, and what to do where it is above."""

from __future__ import annotations

import logging
import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from lrbound.prediction import Prediction

Action = Literal["warn", "raise", "log"]
LOGGER = "lrbound"
"""Name of the logger that ``action="log"`` writes to."""


class LearningRateTooHigh(ValueError):
    """A learning rate is above the largest that training is expected to survive."""


class LearningRateWarning(UserWarning):
    """A learning rate is too high, or there is no answer for this model."""


@dataclass(frozen=True)
class GroupRate:
    """The learning rate of one parameter group of an optimiser.

    Attributes
    ----------
    index : int
        Which group, from 0.
    learning_rate : float or None
        Its rate, the highest that a schedule is known to reach; None where it has none.
    max_learning_rate, recommended_learning_rate : float or None
        Of the whole model, were all of it trained as this group is.
    first_step_learning_rate : float or None
        Of an adaptive optimiser, in place of the largest: above it the first step raises the loss.
    prediction : Prediction
        With the settings of this group; of the loss as a mean over the samples.
    """

    index: int
    learning_rate: float | None
    max_learning_rate: float | None
    recommended_learning_rate: float | None
    first_step_learning_rate: float | None
    prediction: Prediction

    @property
    def level(self) -> float:
        """The largest rate, or that of the first step where there is none."""
        known = self.first_step_learning_rate if self.max_learning_rate is None else self.max_learning_rate
        return math.inf if known is None else known

    @property
    def ratio(self) -> float:
        """The rate divided by ``level``; 0 without a rate."""
        rate = self.learning_rate or 0.0
        if rate == 0.0:
            return 0.0
        return rate / self.level if self.level > 0.0 else math.inf

    @property
    def fails(self) -> bool:
        """Whether the rate is so far above the largest that most networks failed there, as ``lrbound check`` has it."""
        return self.max_learning_rate is not None and self.ratio > self.prediction.assumptions.training.loss.tolerated


@dataclass(frozen=True)
class RateCheck:
    """What :func:`lrbound.torch.check` found.

    Attributes
    ----------
    groups : tuple of GroupRate
        One for each parameter group that trains the model.
    notes : tuple of str
        What was taken for granted.
    """

    groups: tuple[GroupRate, ...]
    notes: tuple[str, ...] = ()

    @property
    def worst(self) -> GroupRate:
        """The group whose rate is highest for what it can be."""
        return max(self.groups, key=lambda group: group.ratio)

    @property
    def ok(self) -> bool:
        """Whether no group's rate is above the largest, or above that of the first step where there is none."""
        return self.worst.ratio <= 1.0

    @property
    def fails(self) -> bool:
        """Whether training at one of the rates is expected to fail; an ``action="raise"`` raises then, and warns before."""
        return any(group.fails for group in self.groups)

    @property
    def message(self) -> str:
        """The verdict in a few sentences."""
        worst = self.worst
        where = f" of parameter group {worst.index}" if len(self.groups) > 1 else ""
        rate = f"learning rate {worst.learning_rate:.3g}{where} is"
        training = worst.prediction.assumptions.training
        if worst.max_learning_rate is None:
            side = "at most" if self.ok else f"{worst.ratio:.3g} times"
            tail = [f"No largest stable rate is known for {training.optimizer.kind}."]
            head = f"{rate} {side} {worst.level:.3g}, the rate above which the first step raises the loss of {worst.prediction.name}"
        else:
            of = f"training of {worst.prediction.name} is expected to survive"
            head = (
                f"{rate} at most {worst.level:.3g}, the largest that {of}"
                if self.ok
                else f"{rate} {worst.ratio:.3g} times the largest that {of}, {worst.level:.3g}"
            )
            tail = [] if self.ok or training.loss.caution is None else [training.loss.caution]
        start = worst.recommended_learning_rate
        return " ".join((f"{head}.", *([] if start is None else [f"Start at {start:.2g}."]), *tail))


def checked_action(action: str) -> None:
    """Raise ValueError unless ``action`` is one of those that there are."""
    if action not in get_args(Action):
        raise ValueError(f"action must be one of {', '.join(map(repr, get_args(Action)))}, got {action!r}")


def tell(error: Exception, action: Action, level: int) -> None:
    """Raise an error, or warn of it, or log it.

    Parameters
    ----------
    error : Exception
    action : {"warn", "raise", "log"}
    level : int
        Frames between the caller and the line that a warning points at.
    """
    if action == "raise":
        raise error
    if action == "warn":
        warnings.warn(f"lrbound: {error}", LearningRateWarning, stacklevel=level + 1)
    else:
        logging.getLogger(LOGGER).warning("%s", error)
