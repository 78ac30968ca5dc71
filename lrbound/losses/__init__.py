"""The losses that a spec may name: one module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.losses.base import Loss

LOSSES: Family[Loss] = Family("lrbound.losses.base:Loss", "lrbound.losses")
