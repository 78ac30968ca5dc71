"""The statistics of the first batches of a loader, which is left as it was."""

from __future__ import annotations

import contextlib
import copy
import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from lrbound.data.base import Block, Samples
from lrbound.errors import Refused
from lrbound.explore.statistics import statistics

if TYPE_CHECKING:
    from lrbound.explore.statistics import Statistics

ENOUGH = 512
"""Samples that are read: so many give the principal components in full."""
INPUTS = ("pixel_values", "image", "images", "img", "x", "input", "inputs", "features", "data")
TARGETS = ("labels", "label", "targets", "target", "y")
"""Keys of batches that are dictionaries, in the order in which they are looked for."""
NAME = "the data"


def first_batches(data: Any) -> Statistics:
    """Return the statistics of the first samples of a loader.

    A fresh iterator runs for them, and the random states that loaders draw from are set back, so that training sees the
    batches that it would have seen.

    Parameters
    ----------
    data : iterable of batches, or array or tensor (n, *shape)
        A batch is a tensor of samples, a tuple of that and the targets, or a dictionary with both.

    Raises
    ------
    Refused
        Where the batches are not understood, or cannot be read a second time.
    """
    if isinstance(data, Tensor | np.ndarray):
        return statistics(_array(data), NAME)
    if isinstance(data, Iterator):
        raise Refused(
            "the data is an iterator, whose samples would be missing in training; give the loader that made it"
        )
    if not hasattr(data, "__iter__") and not hasattr(data, "__getitem__"):
        raise TypeError(f"data must be a loader, an array or a tensor, got {type(data).__name__}")
    with random_states_kept(data):
        blocks = list(_blocks(_afresh(data)))
    if not blocks:
        raise Refused("the loader has no batches")
    if any(block.labels is None for block in blocks):
        blocks = [Block(block.x) for block in blocks]
    return statistics(Samples(NAME, blocks[0].x.shape[1:], lambda: iter(blocks)))


def batch_size_of(data: Any) -> int | None:
    """Return the number of samples in a batch of a loader, or None where it does not say."""
    for holder in (data, getattr(data, "batch_sampler", None)):
        size = getattr(holder, "batch_size", None)
        if isinstance(size, int) and not isinstance(data, Tensor | np.ndarray):
            return size
    return None


def _afresh(data: Any) -> Any:
    """Return a loader whose iterator is its own: with persistent workers, the next iteration would go on from this one's seeds."""
    if not getattr(data, "persistent_workers", False):
        return data
    fresh = copy.copy(data)
    vars(fresh)["_iterator"] = None
    return fresh


def _blocks(data: Any) -> Iterator[Block]:
    count = 0
    for batch in data:
        inputs, targets = _parts(batch)
        x = _array(inputs)
        if x.ndim < 2:
            raise Refused(
                f"the data yields {list(x.shape)}, which is no batch of samples; give a DataLoader, not the data set that it reads"
            )
        labels = None if not isinstance(targets, Tensor | np.ndarray) else _array(targets)
        yield Block(x, labels if labels is not None and labels.ndim and len(labels) == len(x) else None)
        count += len(x)
        if count >= ENOUGH:
            return


def _parts(batch: Any) -> tuple[Any, Any]:
    """Return the inputs and the targets of a batch."""
    if isinstance(batch, Tensor | np.ndarray):
        return batch, None
    if isinstance(batch, Mapping):
        keys = [key for key in INPUTS if key in batch]
        if not keys:
            raise Refused(f"the batches have none of the keys {', '.join(INPUTS)}, but {', '.join(map(str, batch))}")
        return batch[keys[0]], next((batch[key] for key in TARGETS if key in batch), None)
    if isinstance(batch, tuple | list) and batch and isinstance(batch[0], Tensor | np.ndarray):
        return batch[0], batch[1] if len(batch) > 1 else None
    raise Refused(
        f"a batch is a {type(batch).__name__}; a tensor, a tuple of inputs and targets or a dictionary is understood"
    )


def _array(values: Any) -> np.ndarray[Any, Any]:
    if not isinstance(values, Tensor):
        return np.asarray(values)
    values = values.detach().cpu()
    return np.asarray(values.float() if values.is_floating_point() else values)


@contextlib.contextmanager
def random_states_kept(*holders: Any) -> Iterator[None]:
    """Set back the states that Python, NumPy, torch and the generators of loaders draw from."""
    generators = [generator for holder in holders for generator in _generators(holder)]
    states = [generator.get_state() for generator in generators]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - that is the one to keep
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)


def _generators(loader: Any) -> list[torch.Generator]:
    samplers = [getattr(loader, name, None) for name in ("sampler", "batch_sampler")]
    holders = [loader, *samplers, *(getattr(sampler, "sampler", None) for sampler in samplers)]
    found = {id(g): g for holder in holders if isinstance(g := getattr(holder, "generator", None), torch.Generator)}
    return list(found.values())
