"""The optimisers that a spec may name: one module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.optimizers.base import Optimizer

OPTIMIZERS: Family[Optimizer] = Family("lrbound.optimizers.base:Optimizer", "lrbound.optimizers")
