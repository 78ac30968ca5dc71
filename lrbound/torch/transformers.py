"""``LRBoundCallback`` for the Trainer of Hugging Face: ``Trainer(..., callbacks=[LRBoundCallback()])``."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from transformers import TrainerCallback

from lrbound.torch.learning_rate import checked, rates
from lrbound.torch.verdict import Action, RateCheck, checked_action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

LOSSES = {
    "regression": "mse",
    "single_label_classification": "cross_entropy",
    "multi_label_classification": "binary_cross_entropy",
}
"""By the ``problem_type`` in a model's configuration."""


class LRBoundCallback(TrainerCallback):  # type: ignore[misc]
    """Checks the learning rate before the first step; a run that goes on from a checkpoint is left alone.

    The statistics of the data are those of the first batches of the trainer's loader, and a step has the samples of all
    devices and of all accumulated batches.

    Parameters
    ----------
    loss : torch.nn.Module, function or str, optional
        As :func:`lrbound.torch.check` takes it; without it the one that belongs to the ``problem_type`` of the model's
        configuration, else the squared error for one label and the cross-entropy for more.
    input_shape : sequence of int, optional
        Of one sample; that of the loader's if absent.
    action : {"warn", "raise", "log"}
        See :func:`lrbound.torch.check`.

    Attributes
    ----------
    result : RateCheck or None
        What was found.
    """

    def __init__(self, loss: Any = None, input_shape: Sequence[int] | None = None, *, action: Action = "warn") -> None:
        super().__init__()
        checked_action(action)
        self.result: RateCheck | None = None
        self._loss, self._shape, self._action = loss, input_shape, action

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Check the rate of the trainer's optimiser."""
        del control
        if state.global_step > 0 or not state.is_world_process_zero:
            return
        model, loader = kwargs["model"], kwargs.get("train_dataloader")
        loss = loss_of(model) if self._loss is None else self._loss
        size = math.prod((args.train_batch_size, args.gradient_accumulation_steps, args.world_size))
        find = partial(rates, model, kwargs["optimizer"], self._shape, loss, batch_size=size, data=loader)
        self.result = checked(find, self._action)


def loss_of(model: nn.Module) -> str:
    """Return the loss that a model of transformers computes."""
    config = getattr(model, "config", None)
    single = getattr(config, "num_labels", 2) == 1
    usual = "regression" if single else "single_label_classification"
    return LOSSES[getattr(config, "problem_type", None) or usual]
