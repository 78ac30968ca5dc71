"""From a network to a torch module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from lrbound.errors import Refused
from lrbound.layers._modules import LayerSequence, sequence

if TYPE_CHECKING:
    from lrbound.architecture import Architecture
    from lrbound.network import Network


def to_torch(network: Architecture, *, seed: int = 0) -> LayerSequence:
    """Build a network as a torch module, initialised as its spec says.

    Parameters
    ----------
    network : Architecture
        From :func:`lrbound.load` or :func:`lrbound.parse`.
    seed : int
        The same seed gives the same weights; torch's own random state is left as it was.

    Returns
    -------
    LayerSequence
        A ``torch.nn.Sequential`` in training mode, in float32 on the CPU.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return sequence(network.unrolled(), network.init)


def plain_steps(network: Network) -> None:
    """Raise Refused for training that is measured with one whole gradient a step and has not one."""
    if network.training.accumulation > 1:
        raise Refused("training.accumulation is not measured: multiply batch_size by it, or leave it out")
    if network.training.clip_norm is not None:
        raise Refused("training.clip_norm is not measured: leave it out")
