"""``LRBoundCallback`` for the trainer of Lightning: ``Trainer(callbacks=[LRBoundCallback()])``."""

from __future__ import annotations

import math
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import torch

from lrbound.errors import Refused
from lrbound.torch.batches import batch_size_of
from lrbound.torch.learning_rate import checked, rates
from lrbound.torch.verdict import Action, RateCheck, checked_action

if TYPE_CHECKING:
    from collections.abc import Sequence

if "lightning" not in sys.modules and "pytorch_lightning" in sys.modules:  # its trainer knows its own callbacks only
    from pytorch_lightning.callbacks import Callback
else:
    from lightning.pytorch.callbacks import Callback

ATTRIBUTES = ("criterion", "loss_fn", "loss", "loss_function")
"""Where a module keeps a loss that is no submodule of it."""


class LRBoundCallback(Callback):  # type: ignore[misc]
    """Checks the learning rates of all optimisers before the first step; a run that goes on from a checkpoint is left alone.

    The statistics of the data are those of the first batches of the trainer's loader, and a step has the samples of all
    devices and of all accumulated batches.

    Parameters
    ----------
    loss : torch.nn.Module, function or str, optional
        As :func:`lrbound.torch.check` takes it; without it the module's only submodule that is a loss of torch, or its
        attribute ``criterion``, ``loss_fn``, ``loss`` or ``loss_function``.
    input_shape : sequence of int, optional
        Of one sample; that of the loader's if absent.
    action : {"warn", "raise", "log"}
        See :func:`lrbound.torch.check`.
    batch_size : int, optional
        Samples in a batch of one device, for loaders that do not say.

    Attributes
    ----------
    result : RateCheck or None
        What was found, of the last optimiser.
    """

    def __init__(
        self,
        loss: Any = None,
        input_shape: Sequence[int] | None = None,
        *,
        action: Action = "warn",
        batch_size: int | None = None,
    ) -> None:
        super().__init__()
        checked_action(action)
        self.result: RateCheck | None = None
        self._loss, self._shape, self._action, self._batch_size = loss, input_shape, action, batch_size

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Check the rates of the trainer's optimisers."""
        if trainer.global_step > 0 or not trainer.is_global_zero:
            return
        for optimizer in trainer.optimizers:
            self.result = checked(partial(self._rates, trainer, pl_module, optimizer), self._action)

    def _rates(self, trainer: Any, module: Any, optimizer: Any) -> RateCheck:
        loader = trainer.train_dataloader
        if isinstance(loader, dict | list | tuple):
            raise Refused("the trainer has several loaders; call lrbound.torch.check with the one that matters")
        one = self._batch_size or batch_size_of(loader)
        if one is None:
            raise Refused("the loader does not say its batch size; give batch_size to LRBoundCallback")
        size = math.prod((one, trainer.accumulate_grad_batches, trainer.world_size))
        loss = loss_of(module) if self._loss is None else self._loss
        return rates(module, optimizer, self._shape, loss, batch_size=size, data=loader)


def loss_of(module: torch.nn.Module) -> Any:
    """Return the loss that a module holds.

    Raises
    ------
    Refused
        Where it holds none, or several kinds.
    """
    inner = [child for child in module.modules() if type(child).__module__ == torch.nn.MSELoss.__module__]
    if len({type(child) for child in inner}) == 1:
        return inner[0]
    named = [getattr(module, name) for name in ATTRIBUTES if callable(getattr(module, name, None))]
    if not inner and named:
        return named[0]
    what = "several losses" if inner else "no loss that can be seen"
    raise Refused(f"the module has {what}; say which it is trained on: LRBoundCallback(loss='cross_entropy')")
