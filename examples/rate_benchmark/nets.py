"""Layers of the benchmark's networks, as a spec writes them, and what a step of them costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DENSE_NORMS = (
    "none", "none", "none", "none", "batch_norm", "batch_norm", "batch_norm", "layer_norm", "rms_norm", "group_norm", "batch_group_norm",
    "positional_norm", "cross_iteration_batch_norm", "instance_enhancement_batch_norm", "proxy_norm",
)  # fmt: skip
NORMS = {False: DENSE_NORMS, True: (*DENSE_NORMS, "instance_norm", "batch_norm", "none")}
"""Without and with convolutions."""
GROUPED = {"group_norm", "batch_group_norm"}
WITHOUT_GAMMA = {"none", "positional_norm"}
GROUPS = 8

Layers = list[Any]


@dataclass(frozen=True)
class Block:
    """What follows a weight layer: a normaliser and an activation.

    Attributes
    ----------
    norm : str
        The normaliser's name in a spec, or "none".
    activation : str
    gamma : float
        Scale of the normaliser at initialisation.
    """

    norm: str
    activation: str
    gamma: float

    @property
    def has_gamma(self) -> bool:
        """Whether there is a scale."""
        return self.norm not in WITHOUT_GAMMA

    def normaliser(self, gamma: float | None = None) -> Layers:
        """Return the normaliser without an activation."""
        gamma = self.gamma if gamma is None else gamma
        if self.norm == "none":
            return []
        if self.norm == "positional_norm":
            return ["positional_norm"]
        if self.norm == "proxy_norm":
            return [{"layer_norm": {"learnable": False}}]
        groups = {"groups": GROUPS} if self.norm in GROUPED else {}
        return [{self.norm: {**groups, "gamma": gamma}}]

    def layers(self) -> Layers:
        """Return normaliser and activation."""
        if self.norm == "proxy_norm":
            return [*self.normaliser(), {"proxy_norm": {"activation": self.activation, "gamma": self.gamma}}]
        return [*self.normaliser(), self.activation]


def convolutional(family: str) -> bool:
    """Return whether a family works on images."""
    return family not in {"dense", "dense-residual"}


def build(
    family: str,
    block: Block,
    shape: list[int],
    width: int,
    depth: int,
    head: str,
    outputs: int,
    last_gamma: float | None,
) -> tuple[Layers, int]:
    """Return the layers of a network and its multiplications for one sample.

    Parameters
    ----------
    family : str
        dense: ``depth`` hidden layers. dense-residual: a layer and ``depth`` residual branches of two. conv: a 3x3 convolution, then ``depth``
        of twice the channels, the first of stride 2. conv-residual: a 3x3 convolution of stride 2 and ``depth`` residual branches of two.
        depthwise: a 3x3 convolution of stride 2 and ``depth`` pairs of a depthwise 3x3 and a 1x1 convolution.
    block : Block
        Follows every weight layer but the last.
    shape : list of int
        Of the input.
    width : int
        Features, or channels of the first convolution.
    depth : int
    head : {"flatten", "global_avg_pool"}
        Between images and the last layer.
    outputs : int
    last_gamma : float or None
        Scale of the last normaliser of a residual branch where it is not that of the others.
    """
    if not convolutional(family):
        return _dense(family, block, shape[0], width, depth, outputs, last_gamma)
    side = shape[1]
    stem_stride = 1 if family == "conv" else 2
    side = _strided(side, stem_stride)
    layers = [_conv(width, stride=stem_stride), *block.layers()]
    cost, channels = 9 * shape[0] * width * side**2, width
    if family == "conv":
        channels, side = 2 * width, _strided(side, 2)
        for place in range(depth):
            layers += [_conv(channels, stride=1 if place else 2), *block.layers()]
            cost += 9 * (channels if place else width) * channels * side**2
    elif family == "conv-residual":
        branch = [_conv(width), *block.layers(), _conv(width), *block.normaliser(last_gamma)]
        layers += [{"repeat": {"times": depth, "layers": [{"residual": branch}, block.activation]}}]
        cost += depth * 18 * width**2 * side**2
    else:
        pair = [
            _conv(width, groups=width),
            *block.layers(),
            {"conv2d": {"channels": width, "kernel": 1}},
            *block.layers(),
        ]
        layers += [{"repeat": {"times": depth, "layers": pair}}]
        cost += depth * (9 + width) * width * side**2
    features = channels * (side**2 if head == "flatten" else 1)
    return [*layers, head, {"linear": outputs}], cost + features * outputs


def _dense(
    family: str, block: Block, features: int, width: int, depth: int, outputs: int, last_gamma: float | None
) -> tuple[Layers, int]:
    first = [{"linear": width}, *block.layers()]
    if family == "dense":
        layers = first * depth
        hidden = depth - 1
    else:
        branch = [{"linear": width}, *block.layers(), {"linear": width}, *block.normaliser(last_gamma)]
        layers = [*first, {"repeat": {"times": depth, "layers": [{"residual": branch}, block.activation]}}]
        hidden = 2 * depth
    return [*layers, {"linear": outputs}], features * width + hidden * width**2 + width * outputs


def _conv(channels: int, **more: int) -> dict[str, Any]:
    return {"conv2d": {"channels": channels, "kernel": 3, "padding": 1, **more}}


def _strided(side: int, stride: int) -> int:
    return -(-side // stride)
