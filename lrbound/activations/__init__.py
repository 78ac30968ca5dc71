"""Activations, one file each; the name of the module is the name in a spec."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.activations.base import Activation

ACTIVATIONS: Family[Activation] = Family("lrbound.activations.base:Activation", "lrbound.activations")
