"""A name for what determines a run, by which its result is found again."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrbound.empirical.datasets import Dataset
    from lrbound.empirical.training import Cell

VERSION = 1
"""Of the training procedure: results of another one are not taken for ours."""
SILENT = frozenset({"line", "column", "name", "learning_rate"})
"""Fields that change nothing about a run at a given rate."""
ADDED: dict[str, Any] = {"dampening": 0.0, "accumulation": 1, "clip_norm": None, "target_mean_share": None}
"""Fields that results were stored without, at the values at which they change nothing."""


def data_key(data: Dataset) -> str:
    """Return a hash of the arrays."""
    digest = hashlib.sha256()
    for array in (data.x, data.y):
        digest.update(f"{array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]


def cell_key(cell: Cell, data: str) -> str:
    """Return a hash of a cell and its data's key."""
    text = json.dumps([VERSION, data, describe(cell)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def describe(value: Any) -> Any:
    """Return nested lists and dictionaries that are equal where two specs mean the same."""
    if dataclasses.is_dataclass(value):
        names = (f.name for f in dataclasses.fields(value) if f.name not in SILENT)
        known = {name: getattr(value, name) for name in names}
        said = {name: describe(own) for name, own in known.items() if name not in ADDED or own != ADDED[name]}
        return [type(value).__qualname__, said]
    if isinstance(value, (list, tuple)):
        return [describe(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return type(value).__qualname__  # a loss has no fields
