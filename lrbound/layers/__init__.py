"""The layers that a spec may name: one module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.layers.base import Layer

LAYERS: Family[Layer] = Family("lrbound.layers.base:Layer", "lrbound.layers", "lrbound.activations")
