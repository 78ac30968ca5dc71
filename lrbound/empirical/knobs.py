"""``--sweep KNOB=VALUES``: which field of the spec a knob denotes, and the values it takes."""

from __future__ import annotations

import math

HEADER_KNOBS = {
    "batch_size": "training.batch_size",
    "momentum": "training.optimizer.momentum",
    "weight_decay": "training.optimizer.weight_decay",
    "weight_variance": "init.weight_variance",
    "bias_variance": "init.bias_variance",
    "mean_square": "input.mean_square",
    "correlation": "input.correlation",
}
FEWEST, MOST = 2, 1000


def knob_path(knob: str) -> str:
    """Return the path in the spec: a bare name that is none of the header's is that argument of every layer."""
    if "." in knob:
        return knob
    return HEADER_KNOBS.get(knob, f"layers.*.{knob}")


def parse_sweep(text: str) -> tuple[str, tuple[float, ...]]:
    """Return the knob and its values from ``KNOB=LOW:HIGH:COUNT`` or ``KNOB=A,B,C``.

    Raises
    ------
    ValueError
        With a sentence for the user.
    """
    knob, equals, values = text.partition("=")
    if not (knob.strip() and equals):
        raise ValueError(f"{text!r} is not KNOB=LOW:HIGH:COUNT, such as gamma=0.25:5:12")
    return knob.strip(), parse_values(values)


def parse_values(text: str) -> tuple[float, ...]:
    """Return COUNT values from LOW to HIGH at equal ratios, or those of a list with commas, in ascending order.

    Raises
    ------
    ValueError
        With a sentence for the user.
    """
    if ":" in text:
        return _range(text)
    try:
        values = sorted({float(item) for item in text.split(",")})
    except ValueError:
        raise ValueError(f"{text!r} is neither LOW:HIGH:COUNT nor numbers with commas between them") from None
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{text!r} has a value that is not finite")
    return tuple(values)


def parse_rates(text: str) -> tuple[float, ...]:
    """Return values as :func:`parse_values` does; raise ValueError where one is not positive."""
    rates = parse_values(text)
    if rates[0] <= 0.0:
        raise ValueError(f"{text!r} has a rate that is not positive")
    return rates


def _range(text: str) -> tuple[float, ...]:
    try:
        low_text, high_text, count_text = text.split(":")
        low, high, count = float(low_text), float(high_text), int(count_text)
    except ValueError:
        raise ValueError(f"{text!r} is not LOW:HIGH:COUNT, such as 0.25:5:12") from None
    if not (0.0 < low < high < math.inf and FEWEST <= count <= MOST):
        raise ValueError(f"{text!r} needs 0 < LOW < HIGH and a COUNT from {FEWEST} to {MOST}; the steps are ratios")
    return log_spaced(low, high, count)


def log_spaced(low: float, high: float, count: int) -> tuple[float, ...]:
    """Return ``count`` numbers from ``low`` to ``high`` at equal ratios, rounded to 6 digits."""
    return tuple(float(f"{low * (high / low) ** (i / (count - 1)):.6g}") for i in range(count))
