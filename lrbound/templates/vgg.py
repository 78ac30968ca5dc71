"""``vgg``: 3x3 convolutions in blocks between poolings."""

from __future__ import annotations

WIDTH, DEPTH = 64, 2
INPUT = "[3, 32, 32]      # channels, height, width"
DOC = ("A VGG-style network: four sizes of the image with some convolutions each, max pooling between them.",)
LEVELS = 4
MOST_TIMES = 8
"""The channels stop growing here, as in VGG."""


def layers(width: int, depth: int, classes: int, norm: list[str]) -> list[str]:
    """Return the lines of the list of layers."""
    bias = ", bias: false" if norm else ""
    lines: list[str] = []
    for level in range(LEVELS):
        channels = width * min(2**level, MOST_TIMES)
        inner = [f"- conv2d: {{channels: {channels}, kernel: 3, padding: 1{bias}}}", *norm, "- relu"]
        lines += ["- repeat:", f"    times: {depth}", "    layers:", *(f"      {line}" for line in inner)]
        lines.append("- max_pool2d: 2" if level < LEVELS - 1 else "- global_avg_pool")
    return [*lines, f"- linear: {classes}"]
