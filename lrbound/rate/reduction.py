"""Losses that are sums over the samples: the same steps as on the mean, at a rate that is smaller by as much as the loss is larger."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from lrbound.errors import Refused

if TYPE_CHECKING:
    from lrbound.network import Network

FULL = (
    "reduction: sum adds up the samples of a batch, and a full batch has no number of them; give batch_size, or reduction: mean with "
    "rates that are larger by the number of samples"
)


class OnMean(NamedTuple):
    """The same training on the mean over the samples.

    Attributes
    ----------
    network : Network
    times : float
        The loss divided by that of ``network``.
    slower : float
        The rate of ``network`` divided by the one that takes the same steps on the loss.
    """

    network: Network
    times: float
    slower: float


def on_mean(network: Network) -> OnMean:
    """Return a network and its training with the mean over the samples as loss.

    Raises
    ------
    Refused
        Where the batch is full, the gradient is clipped, or the optimiser has no rule for a multiple of a loss.
    """
    training = network.training
    if training.loss.reduction == "mean":
        return OnMean(network, 1.0, 1.0)
    if training.batch_size is None:
        raise Refused(FULL)
    times = training.loss.times_mean(training.batch_size, network.outputs)
    same = training.optimizer.on_multiple(times)
    if same is None:
        raise Refused(f"there is no rule for {training.optimizer.kind} with reduction: sum; give reduction: mean")
    if training.clip_norm is not None:
        clip = training.clip_norm / times
        raise Refused(
            f"clip_norm is not known with reduction: sum; reduction: mean with clip_norm {clip:.4g} cuts alike"
        )
    optimizer, slower = same
    mean = replace(training, loss=replace(training.loss, reduction="mean"), optimizer=optimizer)
    return OnMean(replace(network, training=mean), times, slower)
