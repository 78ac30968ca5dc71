"""lambda_max of real initialisations of a network."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch

from lrbound.empirical.batches import FULL_BATCH, Batches, GaussianBatches
from lrbound.empirical.build import plain_steps, to_torch
from lrbound.empirical.frozen import FrozenStatistics
from lrbound.empirical.gauss_newton import Jacobian, top
from lrbound.empirical.measurement import Sample
from lrbound.empirical.memory import require
from lrbound.errors import Refused
from lrbound.layers._modules import earlier_batches, learnable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    from lrbound.network import Network
    from lrbound.predictor import BatchStatistics

Dtype = Literal["float32", "float64"]
Device = Literal["cpu", "cuda"]


@dataclass(frozen=True)
class Setting:
    """How to measure.

    Attributes
    ----------
    samples : int or None
        Samples of the batch; None takes the spec's batch size, and 256 for a full batch.
    batch_statistics : {"through", "frozen"}
        Whether gradients run through batch statistics, as in training, or treat them as constants.
    dtype : {"float32", "float64"}
        What the network computes in.
    device : {"cpu", "cuda"}
    batches : Batches or None
        Where inputs come from; None draws white Gaussian ones with the spec's statistics.
    model : Callable or None
        Gives the module to measure for a seed of its weights; None builds the spec's.
    """

    samples: int | None = None
    batch_statistics: BatchStatistics = "through"
    dtype: Dtype = "float32"
    device: Device = "cpu"
    batches: Batches | None = None
    model: Callable[[int], nn.Module] | None = None

    def size(self, network: Network) -> int:
        """Return the number of samples in a batch for this network."""
        return self.samples or network.training.batch_size or FULL_BATCH


DEFAULTS = Setting()


def measure(network: Network, *, seeds: int = 4, seed: int = 0, setting: Setting = DEFAULTS) -> Iterator[Sample]:
    """Measure initialisations sequentially, each with inputs and dropout masks of its own.

    Parameters
    ----------
    network : Network
    seeds : int
        How many initialisations.
    seed : int
        The same seed gives the same ones; more of them start with the same ones.
    setting : Setting

    Yields
    ------
    Sample

    Raises
    ------
    Refused
        Where the memory does not suffice or there is no such device, before anything is measured.
    """
    if setting.device == "cuda" and not torch.cuda.is_available():
        raise Refused("there is no CUDA device, or this PyTorch cannot use it; use --device cpu")
    plain_steps(network)
    require(network, setting.size(network), getattr(torch, setting.dtype).itemsize, setting.device)
    for index in range(seeds):
        yield measure_one(network, np.random.SeedSequence((seed, index)), setting)


def measure_one(network: Network, seeds: np.random.SeedSequence, setting: Setting = DEFAULTS) -> Sample:
    """Measure one initialisation on one batch."""
    for_weights, for_inputs, for_masks, for_lanczos = (int(state) for state in seeds.generate_state(4))
    dtype, device = getattr(torch, setting.dtype), torch.device(setting.device)
    made = to_torch(network, seed=for_weights) if setting.model is None else setting.model(for_weights).train()
    module = made.to(device=device, dtype=dtype)
    batches = setting.batches or GaussianBatches(network.input)
    draws = [batches.draw(setting.size(network), for_inputs + step) for step in range(1 + earlier_batches(module))]
    inputs, *earlier = (torch.as_tensor(draw).to(device=device, dtype=dtype) for draw in draws)
    owners, parameters = zip(*learnable(module), strict=True)
    with torch.no_grad():
        for batch in earlier:
            module(batch)
    with _exact_arithmetic():
        outputs = _outputs(module, inputs, for_masks, frozen=setting.batch_statistics == "frozen")
        loss = network.training.loss
        found = top(Jacobian(outputs, parameters, loss.curvature_root(outputs)), seed=for_lanczos)
        times = loss.times_mean(*outputs.shape[:2])
    parts: dict[str, float] = defaultdict(float)
    for path, part in zip(owners, found.parts, strict=True):
        parts[path] += times * part
    return Sample(times * found.value, dict(parts))


def _outputs(module: nn.Module, inputs: torch.Tensor, seed: int, *, frozen: bool) -> torch.Tensor:
    """Run the network once; the graph of this run holds its dropout masks."""
    try:
        with torch.random.fork_rng(), FrozenStatistics() if frozen else contextlib.nullcontext():
            torch.manual_seed(seed)
            outputs = _first_tensor(module(inputs))
    except ValueError as error:  # torch: "Expected more than 1 value per channel when training"
        raise Refused(f"the network does not run on {len(inputs)} samples: {error}") from error
    return outputs.reshape(len(outputs), -1)


def _first_tensor(found: Any) -> torch.Tensor:
    """Return what a model of the user's own is trained on: the first of what it returns."""
    while not isinstance(found, torch.Tensor):
        items = list(found.values() if isinstance(found, Mapping) else found)
        found = items[0]
    return found


def _exact_arithmetic() -> contextlib.AbstractContextManager[None]:
    """Keep convolutions on a GPU from rounding to TF32, 1e-3 off."""
    manager: contextlib.AbstractContextManager[None] = torch.backends.cudnn.flags(
        enabled=True, benchmark=False, deterministic=True, allow_tf32=False
    )
    return manager
