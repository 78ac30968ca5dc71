"""How much memory a measurement takes, before it takes it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from lrbound.empirical.build import to_torch
from lrbound.errors import Refused

if TYPE_CHECKING:
    from torch import nn

    from lrbound.network import Network

GIB = 2.0**30
LANCZOS_VECTORS = 24
"""Basis and work vectors of scipy's eigsh for one eigenvalue, in float64."""
PARAMETER_COPIES = 4
"""Weights, their gradients with and without a graph, and one under construction."""
ACTIVATION_COPIES = 6
"""Every layer's value and gradient, and what the second pass through the first keeps; 3 to 5.5 were measured."""
OVERHEAD = 2**27
"""What torch takes for its own buffers and threads."""


@dataclass(frozen=True)
class Estimate:
    """Bytes that a measurement needs, by what needs them."""

    parameters: int
    activations: int
    gradients: int
    vectors: int

    @property
    def total(self) -> int:
        """All of them, and what torch takes for itself."""
        return self.parameters + self.activations + self.gradients + self.vectors + OVERHEAD

    def __str__(self) -> str:
        parts = [
            f"{name} {getattr(self, name) / GIB:.3g}" for name in ("parameters", "activations", "gradients", "vectors")
        ]
        return f"{self.total / GIB:.3g} GiB ({', '.join(parts)})"


def estimate(network: Network, samples: int, itemsize: int) -> Estimate:
    """Estimate the memory of measuring lambda_max on one batch.

    Parameters
    ----------
    network : Network
    samples : int
        Batch size.
    itemsize : int
        Bytes of one number: 4 or 8.
    """
    with torch.device("meta"):
        module = to_torch(network)
        units = _units(module, network.input.shape)
    weights = network.parameters * itemsize
    values = units * samples * itemsize
    rows = min(samples * network.outputs, network.parameters)
    return Estimate(
        weights, values, (PARAMETER_COPIES - 1) * weights + (ACTIVATION_COPIES - 1) * values, LANCZOS_VECTORS * rows * 8
    )


def _units(module: nn.Module, shape: tuple[int, ...]) -> int:
    """Return the number of values that all layers together give for one sample."""
    counts: list[int] = []

    def record(_module: nn.Module, _inputs: object, output: torch.Tensor) -> None:
        counts.append(output.numel())

    for part in module.modules():
        if not list(part.children()):
            part.register_forward_hook(record)
    samples = 2  # a batch norm takes no batch of one
    module(torch.empty(samples, *shape))
    return sum(counts) // samples


def available(device: str) -> int | None:
    """Return the bytes that are free on ``cpu`` or ``cuda``, None where nothing says so."""
    if device != "cpu":
        free, _ = torch.cuda.mem_get_info()
        return int(free)
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            fields = dict(line.split(":", 1) for line in file)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return _installed()


def _installed() -> int | None:
    names = getattr(os, "sysconf_names", {})  # Windows has none
    if not {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(names):
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def require(network: Network, samples: int, itemsize: int, device: str) -> None:
    """Raise Refused with advice where the measurement does not fit."""
    needed, free = estimate(network, samples, itemsize), available(device)
    if free is None or needed.total <= free:
        return
    advice = ["fewer samples (--samples)"] + (["--dtype float32"] if itemsize > 4 else [])
    raise Refused(
        f"measuring on {samples} samples needs about {needed} on the {device}, {free / GIB:.3g} GiB are free; "
        f"use {' or '.join(advice)}"
    )
