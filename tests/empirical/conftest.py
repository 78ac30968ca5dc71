"""torch computes the same with any number of threads, and in the tests' small networks faster with one."""

from __future__ import annotations

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_spec(tmp_path):
    """A spec that is measured in no time."""
    path = tmp_path / "small.yaml"
    path.write_text(
        "version: 1\ninput: {shape: [6]}\ntraining: {batch_size: 8}\n"
        "layers: [{linear: 12}, batch_norm, relu, {linear: 3}]\n"
    )
    return path
