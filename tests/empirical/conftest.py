"""A spec for what measures networks."""

from __future__ import annotations

import pytest


@pytest.fixture
def small_spec(tmp_path):
    """A spec that is measured in no time."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "version: 1\ninput: {shape: [6]}\ntraining: {batch_size: 8}\n"
        "layers: [{linear: 12}, batch_norm, relu, {linear: 3}]\n"
    )
    return path
