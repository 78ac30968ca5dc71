"""``cnn``: convolutions of stride 2 that double their channels."""

from __future__ import annotations

WIDTH, DEPTH = 32, 3
INPUT = "[3, 32, 32]      # channels, height, width"
DOC = ("A convolutional network: every convolution halves the image and doubles the channels.",)


def layers(width: int, depth: int, classes: int, norm: list[str]) -> list[str]:
    """Return the lines of the list of layers."""
    bias = ", bias: false" if norm else ""
    blocks = [
        line
        for level in range(depth)
        for line in (
            f"- conv2d: {{channels: {width * 2**level}, kernel: 3, stride: 2, padding: 1{bias}}}",
            *norm,
            "- relu",
        )
    ]
    return [*blocks, "- flatten", f"- linear: {classes}"]
