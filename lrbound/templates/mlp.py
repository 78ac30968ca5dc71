"""``mlp``: fully-connected layers of one width."""

from __future__ import annotations

WIDTH, DEPTH = 512, 3
INPUT = "[784]            # features"
DOC = ("A fully-connected network: `times` hidden layers of one width.",)


def layers(width: int, depth: int, classes: int, norm: list[str]) -> list[str]:
    """Return the lines of the list of layers."""
    linear = f"- linear: {{features: {width}, bias: false}}" if norm else f"- linear: {width}"
    inner = [linear, *norm, "- relu"]
    return [
        "- repeat:",
        f"    times: {depth}",
        "    layers:",
        *(f"      {line}" for line in inner),
        f"- linear: {classes}",
    ]
