"""Specs that several tests build."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from lrbound import parse

if TYPE_CHECKING:
    from lrbound.network import Network


def network(layers: str, *, head: str = "", name: str = "test") -> Network:
    """Parse a spec from its list of layers and the lines that stand before it."""
    body = textwrap.indent(textwrap.dedent(layers).strip(), "  ")
    return parse(f"version: 1\n{textwrap.dedent(head).strip()}\nlayers:\n{body}\n", name=name)


def dense(
    *,
    widths: tuple[int, ...] = (1000, 1000, 1000),
    gamma: float | None = 1.0,
    activation: str = "relu",
    batch: int | str = "full",
    inputs: int = 784,
    outputs: int = 10,
    momentum: float = 0.9,
    loss: str = "half_squared_error",
    learnable: bool = True,
    eps: float = 1e-5,
    init: str = "{weight_variance: 2.0, bias_variance: 0.5}",
) -> Network:
    """Return the dense net of Wei et al. 2019, or a variant; ``gamma=None`` leaves the normalisers out."""
    norm = (
        "" if gamma is None else f"- batch_norm: {{gamma: {gamma}, eps: {eps}, learnable: {str(learnable).lower()}}}\n"
    )
    layers = "".join(f"- linear: {width}\n{norm}- {activation}\n" for width in widths) + f"- linear: {outputs}\n"
    head = f"""
    input: {{shape: [{inputs}]}}
    init: {init}
    training: {{loss: {loss}, batch_size: {batch}, optimizer: {{name: sgd, momentum: {momentum}}}}}
    """
    return network(layers, head=head)
