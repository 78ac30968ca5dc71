"""``resnet18``: the residual network of He et al. 2016 with two blocks of each size, for 32x32 images."""

from __future__ import annotations

WIDTH, DEPTH = 64, 2
INPUT = "[3, 32, 32]     # channels, height, width"
DOC = ("ResNet-18 for 32x32 images (He et al. 2016): four sizes of the image, residual blocks of two convolutions.",)
LEVELS = 4


def layers(width: int, depth: int, classes: int, norm: list[str]) -> list[str]:
    """Return the lines of the list of layers; ``depth`` is the number of blocks of each size."""
    bias = ", bias: false" if norm else ""
    lines = [f"- conv2d: {{channels: {width}, kernel: 3, padding: 1{bias}}}", *norm, "- relu"]
    for level in range(LEVELS):
        channels = width * 2**level
        first = 2 if level else 1
        lines += _block(channels, first, bias, norm, projected=level > 0)
        if depth > 1:
            lines += ["- repeat:", f"    times: {depth - 1}", "    layers:"]
            lines += [f"      {line}" for line in _block(channels, 1, bias, norm, projected=False)]
    return [*lines, "- global_avg_pool", f"- linear: {classes}"]


def _block(channels: int, stride: int, bias: str, norm: list[str], *, projected: bool) -> list[str]:
    step = f", stride: {stride}" if stride > 1 else ""
    inner = [
        f"- conv2d: {{channels: {channels}, kernel: 3{step}, padding: 1{bias}}}",
        *norm,
        "- relu",
        f"- conv2d: {{channels: {channels}, kernel: 3, padding: 1{bias}}}",
        *norm,
    ]
    lines = ["- residual:", "    layers:", *(f"      {line}" for line in inner)]
    if projected:
        shortcut = [f"- conv2d: {{channels: {channels}, kernel: 1{step}{bias}}}", *norm]
        lines += ["    shortcut:", *(f"      {line}" for line in shortcut)]
    return [*lines, "- relu"]
