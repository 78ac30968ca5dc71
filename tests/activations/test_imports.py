"""Importing an activation costs only what it needs."""

from __future__ import annotations

import subprocess
import sys

import pytest

PAIR = """
import numpy as np
one = np.ones((1, 1, 1, 1))
{cls}().pair(0.0, one, one, 0.5 * one)
"""


def loaded(code):
    """Return the modules that a fresh interpreter has loaded after ``code``."""
    program = code + "\nimport sys\nprint(*sys.modules)"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize(("module", "cls"), [("relu", "Relu"), ("leaky_relu", "LeakyRelu"), ("identity", "Identity")])
def test_closed_forms_need_numpy_alone(module, cls):
    modules = loaded(f"from lrbound.activations.{module} import {cls}" + PAIR.format(cls=cls))
    assert not {"scipy", "numpy.polynomial", "torch"} & modules


def test_tanh_needs_no_scipy():
    modules = loaded("from lrbound.activations.tanh import Tanh" + PAIR.format(cls="Tanh"))
    assert not {"scipy", "torch"} & modules


def test_this_test_can_fail():
    modules = loaded("from lrbound.activations.gelu import Gelu" + PAIR.format(cls="Gelu"))
    assert {"scipy", "numpy.polynomial"} <= modules
