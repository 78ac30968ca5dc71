"""The truth that the solver is held against: Fisher values of real, randomly initialised networks.

Independent of the package's mathematics: plain autograd on the torch modules of the layers. In single precision, which
takes half the time of double and changes the values by 1e-7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from lrbound.network import Network


@dataclass(frozen=True)
class Sampled:
    """Mean over initialisations of each layer's Fisher value, per output; rows in network order.

    ``coherent`` is u^T G u / n for u = (1, ..., 1)/sqrt(n) and the n x n Gram matrix G of one output's gradients,
    ``trace`` is tr G / n.
    """

    coherent: np.ndarray
    trace: np.ndarray


def modules(network: Network, seed: int) -> list[torch.nn.Module]:
    """Build the layers that hold parameters or act, in order."""
    torch.manual_seed(seed)
    return [node.layer.torch(shape, network.init) for node, shape in network.unrolled()]


def white_inputs(network: Network, samples: int) -> torch.Tensor:
    """Draw inputs with the spec's mean square and correlation."""
    c = network.input.correlation
    shape = network.input.shape
    own, shared = torch.randn(samples, *shape, dtype=torch.float64), torch.randn(1, *shape, dtype=torch.float64)
    return (network.input.mean_square**0.5 * (c**0.5 * shared + (1 - c) ** 0.5 * own)).float()


def sampled(network: Network, seeds: int, outputs: int = 2, earlier: int = 0) -> Sampled:
    """Average the values over ``seeds`` initialisations; ``outputs`` of the network's outputs are used.

    So many ``earlier`` batches pass through the network first, for statistics that run over several.
    """
    totals = []
    for seed in range(seeds):
        layers = modules(network, seed)
        for _ in range(earlier + 1):
            f = white_inputs(network, int(network.training.samples))
            for layer in layers:
                f = layer(f)
        totals.append(_values(layers, f, min(outputs, f.shape[1])))
    coherent, trace = np.mean(totals, axis=0)
    return Sampled(coherent, trace)


def _values(layers: list[torch.nn.Module], f: torch.Tensor, outputs: int) -> np.ndarray:
    n = len(f)
    coherent, trace = np.zeros(len(layers)), np.zeros(len(layers))
    for k in range(outputs):
        coherent += np.array(_gradient(layers, f[:, k].sum())) / n**2 / outputs
        for x in range(n):
            trace += np.array(_gradient(layers, f[x, k])) / n / outputs
    return np.stack([coherent, trace])


def _gradient(layers: list[torch.nn.Module], scalar: torch.Tensor) -> list[float]:
    parameters = [[p for p in layer.parameters() if p.requires_grad] for layer in layers]
    flat = [p for group in parameters for p in group]
    gradients = iter(torch.autograd.grad(scalar, flat, retain_graph=True))
    return [sum(float(next(gradients).square().sum()) for _ in group) for group in parameters]
