"""Formats of data files: one module each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.registry import Family

if TYPE_CHECKING:
    from lrbound.data.base import DataFormat

DATA_FORMATS: Family[DataFormat] = Family("lrbound.data.base:DataFormat", "lrbound.data")
