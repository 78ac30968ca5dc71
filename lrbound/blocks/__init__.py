"""Torch modules for blocks of networks that torch.nn lacks."""

from __future__ import annotations

from lrbound.blocks.layer_scale import LayerScale
from lrbound.blocks.stochastic_depth import StochasticDepth

__all__ = ["LayerScale", "StochasticDepth"]
