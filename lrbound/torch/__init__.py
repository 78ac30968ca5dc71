"""In a training script: is this learning rate safe for this model, and which one to start with.

``lrbound.torch.check(model, optimizer, (3, 32, 32), criterion, data=loader)`` is one line before the loop. The callbacks do
the same in a trainer: :class:`lrbound.torch.LRBoundCallback` in Lightning's, :class:`lrbound.torch.transformers.LRBoundCallback`
in that of Hugging Face, :class:`lrbound.torch.keras.LRBoundCallback` in Keras' ``fit``. Names are imported when they are first
used; importing this package does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrbound.torch.learning_rate import check, suggest
    from lrbound.torch.lightning import LRBoundCallback
    from lrbound.torch.verdict import LearningRateTooHigh, LearningRateWarning, RateCheck

__all__ = ["LRBoundCallback", "LearningRateTooHigh", "LearningRateWarning", "RateCheck", "check", "suggest"]

_HOMES = {
    "LRBoundCallback": "lrbound.torch.lightning",
    "LearningRateTooHigh": "lrbound.torch.verdict",
    "LearningRateWarning": "lrbound.torch.verdict",
    "RateCheck": "lrbound.torch.verdict",
    "check": "lrbound.torch.learning_rate",
    "suggest": "lrbound.torch.learning_rate",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'lrbound.torch' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
