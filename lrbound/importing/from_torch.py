"""``lrbound.from_torch``: the network that a PyTorch model is."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from lrbound.importing.translate import translate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from lrbound.network import Network, Training


def from_torch(
    model: nn.Module,
    input_shape: Sequence[int],
    *,
    name: str | None = None,
    mean_square: float = 1.0,
    correlation: float = 0.0,
    training: Training | None = None,
) -> Network:
    """Read a PyTorch model as a network: the inverse of :func:`lrbound.to_torch`.

    Its forward pass runs once or twice on tensors without values, so that it costs no more for a large model or image;
    the model stays as it is. Initialisations are found from its weights, which must be as they were drawn.

    Parameters
    ----------
    model : torch.nn.Module
    input_shape : sequence of int
        Of one sample, without the batch: ``(3, 32, 32)`` or ``(784,)``.
    name : str, optional
        The network's name; the model's class if absent.
    mean_square, correlation : float
        E[x_i^2] of the samples, and E[x_i y_i] / E[x_i^2] for two of them; a model does not say.
    training : Training, optional
        Loss, batch size and optimiser; the defaults of a spec if absent.

    Returns
    -------
    Network

    Raises
    ------
    lrbound.errors.Refused
        With everything in the model that a network cannot have, each with its module.
    lrbound.importing.refusal.ModelError
        Where the model's own code fails on such an input.

    Examples
    --------
    >>> from torch import nn
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 10))
    >>> from_torch(model, (1, 28, 28)).parameters
    79510
    """
    from lrbound.importing.record import record

    network = translate(record(model, input_shape), name=name).network
    law = dataclasses.replace(network.input, mean_square=mean_square, correlation=correlation)
    return dataclasses.replace(network, input=law, training=training or network.training)
