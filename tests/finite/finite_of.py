"""What several tests of the finite-size stage need: estimates, and measured eigenvalues from plain numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from lrbound.backward.collect import layerwise_statistics
from lrbound.curvature.estimate import Finite, estimate
from lrbound.forward.entrance import resolved_entrance
from lrbound.forward.fan_in import FanIn
from lrbound.forward.sweep import advance
from lrbound.meanfield.contract import Context
from tests.sampled import modules, white_inputs

if TYPE_CHECKING:
    from lrbound.backward.layerwise import LayerwiseStatistics
    from lrbound.forward.sweep import Chain
    from lrbound.network import Network


def context(network: Network, *, through: bool = True) -> Context:
    return Context(network.training.samples, through, network.init, lambda _: None)


def chain_of(network: Network, ctx: Context) -> Chain:
    """Return the forward sweep at finite fan-in."""
    return advance(resolved_entrance(network), ctx, correction=FanIn(network.input.shape[0], ctx))[0]


def finite(network: Network, *, through: bool = True) -> Finite:
    ctx = context(network, through=through)
    terms, profile = layerwise_statistics(chain_of(network, ctx), ctx, network.outputs)
    return estimate(network, ctx, terms, profile)


def profile_of(network: Network, *, through: bool = True) -> LayerwiseStatistics:
    ctx = context(network, through=through)
    return layerwise_statistics(chain_of(network, ctx), ctx, network.outputs)[1]


def measured(network: Network, seeds: range) -> list[float]:
    """Return lambda_max of half the squared error: the whole nC x nC Gram matrix from autograd, and its eigenvalues."""
    found = []
    for seed in seeds:
        layers = modules(network, seed)
        f = white_inputs(network, int(network.training.samples))
        for layer in layers:
            f = layer(f)
        weights = [p for layer in layers for p in layer.parameters() if p.requires_grad]
        rows = [torch.cat([g.ravel() for g in torch.autograd.grad(y, weights, retain_graph=True)]) for y in f.flatten()]
        jacobian = torch.stack(rows).numpy()
        found.append(float(np.linalg.eigvalsh(jacobian @ jacobian.T)[-1]) / len(f))
    return found
