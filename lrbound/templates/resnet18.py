"""``resnet18``: the residual network of He et al. 2016 with two blocks of each size, for 32x32 images."""

from __future__ import annotations

WIDTH, DEPTH = 64, 2
INPUT = "[3, 32, 32]      # channels, height, width"
DOC = ("ResNet-18 for 32x32 images (He et al. 2016): four sizes of the image, residual blocks of two convolutions.",)
LEVELS = 4


def layers(width: int, depth: int, classes: int, norm: list[str]) -> list[str]:
    """Return the lines of the list of layers; ``depth`` is the number of blocks of each size."""
    bias = ", bias: false" if norm else ""
    lines = [f"- conv2d: {{channels: {width}, kernel: 3, padding: 1{bias}}}", *norm, "- relu"]
    for level in range(LEVELS):
        channels = width * 2**level
        lines += (
            _times(depth, _block(channels, "", bias, norm))
            if not level
            else [
                *_block(channels, ", stride: 2", bias, norm),
                *_times(depth - 1, _block(channels, "", bias, norm)),
            ]
        )
    return [*lines, "- global_avg_pool", f"- linear: {classes}"]


def _times(times: int, block: list[str]) -> list[str]:
    """Return a block several times in a row."""
    if times < 2:
        return block * times
    return ["- repeat:", f"    times: {times}", "    layers:", *(f"      {line}" for line in block)]


def _block(channels: int, stride: str, bias: str, norm: list[str]) -> list[str]:
    """Return a residual block; with a stride, its shortcut is a convolution too."""
    inner = [
        f"- conv2d: {{channels: {channels}, kernel: 3{stride}, padding: 1{bias}}}",
        *norm,
        "- relu",
        f"- conv2d: {{channels: {channels}, kernel: 3, padding: 1{bias}}}",
        *norm,
    ]
    lines = ["- residual:", "    layers:", *(f"      {line}" for line in inner)]
    if stride:
        shortcut = [f"- conv2d: {{channels: {channels}, kernel: 1{stride}{bias}}}", *norm]
        lines += ["    shortcut:", *(f"      {line}" for line in shortcut)]
    return [*lines, "- relu"]
