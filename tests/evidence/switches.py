"""How each effect of the theory is switched off: by a callable that stands for another one, or a neutral value.

A switch names what it replaces, ``package.module:name`` or ``package.module:Class.name``, and turns it into what stands for it
while the effect is off. A function is replaced in every module that has imported it.
"""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

import lrbound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BESIDE = ("__main__", "cli", "empirical", "explore", "importing", "report", "torch")
"""Parts of the package that predict nothing themselves."""


class Switch(NamedTuple):
    """What is replaced, and by what, given the original."""

    target: str
    off: Callable[[Any], Any]


def returns(value: Any) -> Callable[[Any], Any]:
    """Replace a function by a constant."""
    return lambda original: lambda *args, **kwargs: value


def changed(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Change what a function returns."""
    return lambda original: lambda *args, **kwargs: change(original(*args, **kwargs))


def arrays(**values: float) -> Switch:
    """Fill columns of the profile with a value."""

    def fill(profile: Any) -> Any:
        return profile._replace(**{name: np.full_like(getattr(profile, name), value) for name, value in values.items()})

    return Switch("lrbound.backward.layerwise:LayerwiseStatistics", changed(fill))


def _leading(original: Any) -> Any:
    from lrbound.curvature.estimate import leading_order

    return lambda network, ctx, terms, *rest: leading_order(terms, ctx.samples)


def _sum_of_own_tops(original: Any) -> Any:
    from lrbound.curvature.wishart import edges

    return lambda ratios, values: float(values[:-1] @ edges(ratios)) + float(values[-1])


def _in_pairs(original: Any) -> Any:
    def square(back: Any, here: Any, kurtosis: float, kappa: Any) -> float:
        plain, correlated = (back @ here).traces_of_square(kappa)
        return plain + (kurtosis - 1.0) * correlated

    return square


def _forward_kernel_instead(original: Any) -> Any:
    from lrbound.backward.ntk import _restarted

    return lambda step, below, ctx: _restarted(step.above)


def _own_instead(original: Any) -> Any:
    from lrbound.backward.measures import own_part

    return own_part


def _gaussian_sum(original: Any) -> Any:
    from dataclasses import replace

    return lambda body, shortcut, ctx: original(body, replace(shortcut, law=None), ctx)


def _by_class(original: Any) -> Any:
    from lrbound.forward.sweep import entrance

    return entrance


def _no_gate(original: Any) -> Any:
    from lrbound.backward.norm_transfer import NONE

    return lambda *args, **kwargs: NONE


def _without(argument: str) -> Callable[[Any], Any]:
    """Leave one keyword argument of a function out."""
    return lambda original: lambda *args, **kwargs: original(*args, **{**kwargs, argument: None})


_STATISTICS = "lrbound.backward.layerwise:LayerwiseStatistics"

EFFECTS: dict[str, tuple[Switch, ...]] = {
    # the whole of finite width, batch and number of outputs, and its three parts
    "finite_size": (Switch("lrbound.curvature.estimate:estimate", _leading),),
    "wishart_growth": (Switch("lrbound.curvature.wishart:grown", lambda f: lambda outputs, values, freedoms: values),),
    "nested_sum": (Switch("lrbound.curvature.wishart:nested_edge", _sum_of_own_tops),),
    "best_sample": (
        Switch(
            "lrbound.curvature.localized:localized",
            changed(lambda branch: branch._replace(log_variance=0.0, factor=1.0)),
        ),
    ),
    "bulk_edge": (Switch("lrbound.curvature.bulk:bulk", changed(lambda branch: branch._replace(edge=branch.centre))),),
    # degrees of freedom
    "gradient_coherence": (arrays(coherence=1.0),),
    "masks_of_one_sample": (Switch("lrbound.backward.dof:_masked_square", _in_pairs),),
    "masks_in_common": (Switch("lrbound.backward.measures:in_common", _own_instead),),
    "batch_mean_freedom": (Switch("lrbound.backward.finite_width:FiniteWidthBackward._count_mean", returns(0.0)),),
    "mean_from_biases": (Switch("lrbound.backward.measures:from_below", returns(1.0)),),
    "tangent_kernels": (Switch("lrbound.backward.ntk:_above", _forward_kernel_instead),),
    "small_set_coupling": (Switch("lrbound.backward.coherent_dof:coupled_channels", returns(1.0)),),
    "batch_variance_kurtosis": (Switch("lrbound.backward.measures:kurtosis", returns(1.0)),),
    "random_masks": (Switch("lrbound.backward.unit_moments:Unit.under_masks", lambda f: lambda law, kurtosis: law),),
    "small_batch_sphere": (Switch("lrbound.forward.small_batch:on_sphere", lambda f: lambda step, below, ctx: step),),
    "single_positions": (Switch("lrbound.forward.entrance:resolved_entrance", _by_class),),
    # how samples differ
    "norm_variance": (arrays(norm=0.0, both=0.0),),
    "gain_variance": (arrays(gain=0.0, both=0.0),),
    "norm_response": (arrays(gain_slope=0.0, norm_slope=1.0),),
    "outlier_response": (Switch("lrbound.curvature.localized:LARGE_GROWTH", lambda value: np.inf),),
    "filter_norms": (Switch("lrbound.backward.filters:norm_excess", returns(1.0)),),
    "gates": (Switch("lrbound.backward.gates:gate", _no_gate),),
    "step_differences": (arrays(common=0.0),),
    "own_share": (arrays(own=1.0, own_alike=1.0, own_beside=1.0),),
    "copied_gradients": (Switch(_STATISTICS, changed(lambda profile: profile._replace(own_alike=profile.own))),),
    # the bulk
    "mean_activation_bulk": (
        Switch(
            _STATISTICS,
            changed(
                lambda profile: profile._replace(pattern=profile.pattern._replace(share=0.0 * profile.pattern.share))
            ),
        ),
    ),
    # finite fan-in
    "fan_in": (
        Switch("lrbound.forward.fan_in:FanIn.activation", lambda f: lambda self, curve, below, above: (above, None)),
    ),
    "fan_in_lean": (Switch("lrbound.forward.fan_in:FanIn._lean", returns(None)),),
    # how the branches meet
    "coupling_by_gradients": (arrays(mixing=0.0),),
    "coupling_by_activations": (arrays(overlap=0.0, overlap_own=0.0, overlap_norm=0.0),),
    "coupling_of_best_sample": (Switch("lrbound.curvature.coupling:of_best_sample", returns(0.0)),),
    "crossed_products": (arrays(crossed=0.0),),
    "spectrum_met": (Switch("lrbound.curvature.bulk:coherent_bulk_halfwidth", returns(np.inf)),),
    "larger_of_two": (
        Switch("lrbound.curvature.combine:_larger", lambda f: lambda one, other, spread: max(one, other)),
    ),
    # branches of a network
    "met_gradients": (Switch("lrbound.backward.records:Step", changed(lambda step: step._replace(alone=0.0))),),
    "flow_shares": (
        Switch(
            "lrbound.backward.records:OpenFork.flow",
            lambda default: property(lambda fork: fork.energy, lambda fork, shares: None),
        ),
    ),
    "stream_variance": (Switch("lrbound.backward.finite_width:FiniteWidthBackward._sum", returns(None)),),
    "stream_readers": (Switch("lrbound.backward.shared_stream:readers", returns(())),),
    # cross-entropy
    "softmax_directions": (Switch("lrbound.curvature.softmax:matching", returns(np.inf)),),
    "softmax_unlike_samples": (Switch("lrbound.curvature.softmax:_unlike", returns(1.0)),),
    # the solver's own
    "few_values": (Switch("lrbound.meanfield.statistics:MANY_VALUES", lambda value: 0.0),),
    "normaliser_lean": (Switch("lrbound.meanfield.projection:_lean_on", returns(None)),),
    "small_set_variance": (Switch("lrbound.meanfield.small_sets:Mixture.factor", returns(1.0)),),
    "few_inputs": (Switch("lrbound.meanfield.few_inputs:few_inputs", returns(None)),),
    "filter_lean": (Switch("lrbound.meanfield.weights:weight_layer", _without("taps")),),
    "unlike_windows": (Switch("lrbound.meanfield.max_pool:_values", returns(None)),),
    "isometry": (Switch("lrbound.backward.measures:isometry", returns(0.0)),),
    "kept_norms": (Switch("lrbound.backward.measures:kept_norms", returns(0.0)),),
    "stream_law": (Switch("lrbound.meanfield.residual:add", _gaussian_sum),),
    "crossed_means": (Switch("lrbound.meanfield.residual:_crossed_means", returns(0.0)),),
}
"""By name: what is replaced while the effect is off."""


def modules() -> list[Any]:
    """Return the package's modules that predict, all of them imported: a late import would keep a replaced function."""
    for info in pkgutil.walk_packages(lrbound.__path__, f"{lrbound.__name__}."):
        if info.name.split(".")[1] not in BESIDE:
            importlib.import_module(info.name)
    return [module for name, module in list(sys.modules.items()) if name.partition(".")[0] == lrbound.__name__]


@contextlib.contextmanager
def off(effect: str) -> Iterator[None]:
    """Switch an effect off."""
    everywhere = modules()
    with contextlib.ExitStack() as undo:
        for switch in EFFECTS[effect]:
            for holder, name in _places(switch.target, everywhere):
                original = vars(holder)[name]
                undo.callback(setattr, holder, name, original)
                setattr(holder, name, switch.off(original))
        undo.callback(_forget, everywhere)
        _forget(everywhere)
        yield


def _places(target: str, everywhere: list[Any]) -> list[tuple[Any, str]]:
    """Return every module or class that holds what a switch replaces, and the name there."""
    module, _, path = target.partition(":")
    holder, *rest = importlib.import_module(module), *path.split(".")
    for name in rest[:-1]:
        holder = getattr(holder, name)
    original = vars(holder)[rest[-1]]
    if len(rest) > 1 or not callable(original):
        return [(holder, rest[-1])]
    return [(each, name) for each in everywhere for name, value in list(vars(each).items()) if value is original]


def _forget(everywhere: list[Any]) -> None:
    """Empty all caches: what is kept was computed with the other function."""
    for module in everywhere:
        for value in list(vars(module).values()):
            clear = getattr(value, "cache_clear", None)
            if clear is not None:
                clear()
