"""Specs in a folder, of every kind that a check meets."""

from __future__ import annotations

SPEC = """version: 1
input: {{shape: [30]}}
training:
  batch_size: 64
  optimizer: {{momentum: 0.9{rate}}}
layers: [{{linear: 300}}, batch_norm, relu, {{linear: 10}}]
"""
BROKEN = "version: 1\ninput: {shape: [3]}\nlayers:\n  - linear: -4\n  - foo\n"
REFUSED = """version: 1
input: {shape: [4]}
training: {batch_size: 2, optimizer: {learning_rate: 0.1}}
layers:
  - linear: 30
  - batch_norm
  - linear: 3
"""
OTHER = "services: {web: {image: nginx}}\n"


def stated(rate: float | None) -> str:
    """Return a spec with a rate, or without one."""
    return SPEC.format(rate="" if rate is None else f", learning_rate: {rate}")


def write_all(folder) -> None:
    """Write a good spec, one whose rate is too high, a broken one, and one without a rate."""
    for name, text in {
        "good.yaml": stated(0.001),
        "high.yaml": stated(50),
        "broken.yaml": BROKEN,
        "rateless.yml": stated(None),
        "compose.yaml": OTHER,
    }.items():
        (folder / name).write_text(text)
