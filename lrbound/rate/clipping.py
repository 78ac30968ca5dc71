"""What clipping the gradient's norm changes: the first steps, not the largest rate.

A clipped step is min(1, c/|g|) of the unclipped one. Near a minimum, where it is decided whether a mode grows, the gradient is short
and nothing is cut, so that the largest rate is the same; above it training no longer explodes, but goes on with steps of
rate * c. At the start the gradient is that of the parameters' groups (lrbound/theory/adam.md, section 1),

    |g|^2 = sum over groups of lambda_c rb^2 + lambda_o s^2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from lrbound.backward.parameter_groups import parameter_groups
from lrbound.forward.sweep import forward
from lrbound.losses.base import Logits, TargetLaw
from lrbound.notices import Notice

if TYPE_CHECKING:
    from lrbound.meanfield.contract import Context
    from lrbound.network import Network


def gradient_norm(network: Network, ctx: Context) -> float:
    """Return the norm of the gradient of the stated loss at initialisation, over one batch."""
    training, samples = network.training, ctx.samples
    chain = forward(network, ctx)
    logits = Logits(chain[-1].q, chain[-1].q_xy, network.outputs)
    law = training.loss.residuals(logits, TargetLaw(training.target_scale, training.target_mean_share))
    common, single = law.mean + law.own / samples, law.own * (1.0 - 1.0 / samples)
    each = 1.0 / (samples - 1.0) if samples > 1.0 else 0.0
    groups = parameter_groups(chain, samples)
    return math.sqrt(math.fsum(g.coherent * common + each * max(g.trace - g.coherent, 0.0) * single for g in groups))


def clipping(network: Network, ctx: Context) -> Notice | None:
    """Return what ``clip_norm`` changes; None where the spec has none."""
    clip, optimizer = network.training.clip_norm, network.training.optimizer
    if clip is None:
        return None
    if optimizer.no_maximum is not None:
        return Notice(
            "LRB052", f"clip_norm: {optimizer.kind} does not see the gradient's size, the first step is the same"
        )
    norm = gradient_norm(network, ctx)
    cut = f"is cut to {clip / norm:.2g} of it" if norm > clip else "nothing is cut"
    return Notice(
        "LRB053", f"clip_norm {clip:.4g}: the first gradient has norm {norm:.2g}, {cut}; the maximum is without"
    )
