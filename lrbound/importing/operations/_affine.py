"""Gamma and beta of a normaliser as the one number that a spec has for each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrbound.importing.graph import Call, Parameter
    from lrbound.importing.lower import Lowering


def affine(call: Call, scope: Lowering, weight: object, bias: object, *, shifts: bool = True) -> dict[str, Any] | None:
    """Return ``gamma``, ``beta`` and ``learnable`` of a normaliser, and a ``note`` on them; None where it was refused.

    Parameters
    ----------
    call : Call
    scope : Lowering
    weight, bias
        Its arguments; None where it has none.
    shifts : bool
        Whether the layer of the spec has a beta.
    """
    if weight is None and bias is None:
        return {"learnable": False, "note": ""}
    gamma = scope.parameter(call, weight)
    beta = scope.parameter(call, bias) if shifts else None
    if gamma is None or (shifts and beta is None):
        if weight is None or (shifts and bias is None):
            scope.refuse(
                call, "it has a gamma without a beta or the other way round; normalisers of a spec have both or none"
            )
        return None
    if beta is not None and gamma.trained != beta.trained:
        scope.refuse(call, "one of its gamma and beta is frozen; those of a spec are trained both or not at all")
        return None
    if beta is not None and not beta.constant and beta.mean is not None:
        scope.refuse(
            call,
            f"its beta differs from channel to channel (mean {beta.mean:.3g}, deviation {_deviation(beta):.3g}), drawn at "
            "random or trained; that of a spec is one number, at initialisation",
        )
        return None
    scale, note = mean_or_root(gamma, "gamma", 1.0)
    arguments: dict[str, Any] = {"gamma": scale, "learnable": gamma.trained, "note": note}
    if beta is not None:
        arguments["beta"] = 0.0 if beta.mean is None else plain(beta.mean)
    return arguments


def mean_or_root(factor: Parameter, what: str, default: float) -> tuple[float, str]:
    """Return the number that all of a parameter are, or their root mean square with a note; ``default`` without values."""
    if factor.mean is None or factor.variance is None:
        return default, ""
    if factor.constant:
        return plain(factor.mean), ""
    square = math.sqrt(factor.mean**2 + factor.variance)
    note = f"{what} is the root mean square of {factor.count} different ones" if factor.count > 1 else ""
    return plain(square), note


def _deviation(parameter: Parameter) -> float:
    return math.sqrt(parameter.variance or 0.0)


def plain(number: float) -> float:
    """Return a number that was stored in single precision as it was written."""
    return float(f"{number:.6g}")
