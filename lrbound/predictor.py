"""The main job: a network in, lambda_max and the learning rates out."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from lrbound.backward.sweep import Term, backward
from lrbound.curvature.estimate import Finite, estimate, leading_order, norms_add_at_forks
from lrbound.curvature.fisher import Spectrum, spectrum
from lrbound.curvature.interval import around
from lrbound.curvature.on_samples import WHITE, on_samples
from lrbound.curvature.output_activation import OutputActivation, output_activation
from lrbound.curvature.softmax import of_loss, with_hessians
from lrbound.errors import Refused
from lrbound.forward.infinite_batch import last_memory
from lrbound.forward.sweep import advance, entrance
from lrbound.hint import hint
from lrbound.initial_weights import awake, doubts, drawn_weights
from lrbound.losses.base import Logits
from lrbound.losses.half_squared_error import HalfSquaredError
from lrbound.meanfield.contract import Context
from lrbound.notices import Notice, Notices
from lrbound.optimizers.base import LayerwiseCurvature
from lrbound.prediction import Bounds, LayerReport, Prediction, with_rates_of
from lrbound.published import assumptions, known_rate, published_prediction
from lrbound.rate.clipping import clipping
from lrbound.rate.confidence import confidence
from lrbound.rate.exposed import bounded_features, exposed, narrowest, normalisers
from lrbound.rate.first_step import first_step_rate, no_start, of_first_step, start_rate
from lrbound.rate.minibatch import bare_arms, can_explode, explosive, new_batches, repeated_batch
from lrbound.rate.reasons import above_curvature, missing
from lrbound.rate.reduction import on_mean
from lrbound.rate.survival import START, Case, survival

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lrbound.forward.sweep import Correction, Place
    from lrbound.network import Network, Training
    from lrbound.rate.confidence import Confidence

OUT_OF_RANGE = (
    "the order parameters of this network leave the range of floating-point numbers (gradients that grow with depth, or "
    "extreme variances): it cannot train at any rate as it stands"
)
NO_CRITICAL_BATCH = Notice(
    "LRB005", "critical_batch_size is null: no batch size is known at which noise halves the largest rate"
)
ACCUMULATED = Notice(
    "LRB050", "accumulation: lambda_max is that of one batch; of the mean of several it is at most as large"
)

Method = Literal["mean-field", "wei2019"]
BatchStatistics = Literal["through", "frozen"]

__all__ = ["BatchStatistics", "Method", "Refused", "predict"]


def predict(
    network: Network,
    *,
    method: Method = "mean-field",
    batch_statistics: BatchStatistics = "through",
    full_batch: int | None = None,
) -> Prediction:
    """Predict the largest curvature at initialisation and the learning rates that it allows.

    Parameters
    ----------
    network : Network
        From :func:`lrbound.load` or :func:`lrbound.parse`.
    method : {"mean-field", "wei2019"}
        The corrected theory, or the formulas as published by Wei, Stokes and Schwab 2019.
    batch_statistics : {"through", "frozen"}
        Whether gradients run through batch statistics, as in training, or treat them as constants.
    full_batch : int or None
        Number of samples in a batch that the spec calls full, where it is known. Without it a full batch is the limit
        of many samples and large widths, to leading order.

    Returns
    -------
    Prediction

    Raises
    ------
    Refused
        Where the theory has no answer for this network.
    """
    try:
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            published = method == "wei2019"
            mean = on_mean(network)
            trained = mean.network
            found = published_prediction(trained) if published else _mean_field(trained, batch_statistics, full_batch)
            later = None if published else awake(trained)
            if later is not None:
                found = with_rates_of(found, _mean_field(later, batch_statistics, full_batch))
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise Refused(OUT_OF_RANGE) from error
    if not all(
        math.isfinite(x) for layer in found.layers for x in (found.lambda_max, layer.q, layer.q_xy, layer.lambda_)
    ):
        raise Refused(OUT_OF_RANGE)
    if mean.network is network:
        return found
    return found.on_multiple(mean.times, mean.slower, assumptions(network, found.assumptions.batch_statistics))


def _mean_field(network: Network, batch_statistics: BatchStatistics, full_batch: int | None) -> Prediction:
    """Go down the flow: kernels up, gradients down, curvature, rate, words."""
    notes = Notices()
    step = _Step.of(network, batch_statistics, full_batch, notes)
    swept = _sweep(network, step)
    training, logits = network.training, Logits(swept.terms[-1].q, swept.terms[-1].q_xy, network.outputs)
    activation = output_activation(network)
    if activation is None:
        white, log_variance = of_loss(swept.finite, training.loss, logits)
    else:
        swept, white, log_variance = _under_activation(swept, activation, network, step)
    finite = swept.finite
    samples = WHITE if step.limit else on_samples(network, step.ctx, finite.levels)
    notes.say(*samples.remarks)
    lambda_max, log_variance = (samples.ratio or 1.0) * white, log_variance + samples.log_variance
    scale = lambda_max / finite.lambda_max if finite.lambda_max > 0.0 else 0.0
    large, own = _large_batch(swept, step)
    bounds = Bounds(
        known_rate(training.optimizer.stable_rate(repeated_batch(lambda_max, swept.terms, scale))),
        _minibatch(training, logits, large, own),
    )
    case = _case(network, own, logits, math.inf if step.limit or samples.ratio is None else lambda_max)
    survives = survival(case)
    start = training.optimizer.stable_rate(LayerwiseCurvature(white, 0.0, ()))
    largest = known_rate(min(survives.rate, _at_the_start(start, bounds.minibatch, network)))
    first = first_step_rate(network, step.ctx)
    weights = drawn_weights(network)
    layers = _layer_reports(swept, scale, {one.path: one.std for one in weights})
    notes.say(*([] if step.limit else [*finite.warnings, training.loss.limit(network.outputs)]))
    notes.say(*missing(bounds.curvature, bounds.minibatch, network, limit=step.limit))
    notes.say(above_curvature(largest, bounds.curvature, network))
    notes.say(no_start(network), clipping(network, step.ctx), *doubts(weights))
    if survives.critical_batch_size is None and training.optimizer.no_maximum is None:
        notes.say(NO_CRITICAL_BATCH)
    normalisers = frozenset(term.node.path for term in swept.terms if term.node.layer.fixes_scale)
    return Prediction(
        name=network.name,
        method="mean-field",
        assumptions=assumptions(network, batch_statistics),
        lambda_max=lambda_max,
        lambda_max_interval=None if step.limit else around(lambda_max, log_variance),
        max_learning_rate=largest,
        recommended_learning_rate=start_rate(network, first) if largest is None else START[case.over_batch] * largest,
        bounds=bounds,
        layers=layers,
        hint=hint(layers, normalisers, batch_matters=finite.branch != "coherent"),
        warnings=notes.all(),
        limited_by=None if largest is None else survives.limited_by,
        critical_batch_size=survives.critical_batch_size,
        confidence=_confidence(network, largest, first, known=step.limit or step.finite_size),
        first_step_learning_rate=first,
    )


def _confidence(network: Network, largest: float | None, first: float | None, *, known: bool) -> Confidence | None:
    """Return how far the largest rate can be trusted, or that of the first step; None without either."""
    if largest is not None:
        return confidence(network.input, network.training.loss, network.outputs, known=known)
    return None if first is None else of_first_step(network)


class _Step(NamedTuple):
    """One step of training, as the sweeps see it.

    ``limit`` is whether the batch is so large that 1/n is 0, ``finite_size`` whether finite size is known of this network.
    """

    ctx: Context
    limit: bool
    finite_size: bool

    @classmethod
    def of(cls, network: Network, batch_statistics: BatchStatistics, full_batch: int | None, notes: Notices) -> _Step:
        samples = network.training.samples
        if network.training.accumulation > 1 and math.isfinite(samples):
            if any(layer.over_batch for layer in normalisers(network.nodes, network.input.shape)):
                notes.say(ACCUMULATED)
            else:
                samples *= network.training.accumulation
        if network.training.batch_size is None and full_batch is not None:
            samples = float(full_batch)
        limit = math.isinf(samples)
        ctx = Context(samples, batch_statistics == "through", network.init, warn=notes.say)
        return cls(ctx, limit, not limit and norms_add_at_forks(network))


class _Swept(NamedTuple):
    """A network after both sweeps.

    Attributes
    ----------
    terms : list of Term
        The layers in network order.
    finite : Finite
        lambda_max of half_squared_error, at finite size where that is known.
    restart : Place
        Where a sweep at an infinite batch can start.
    """

    terms: list[Term]
    finite: Finite
    restart: Place


def _sweep(network: Network, step: _Step) -> _Swept:
    """Go up through the layers and down again, once each."""
    ctx = step.ctx
    place, fan_in = _start(network, ctx) if step.finite_size else (entrance(network), None)
    # of frozen statistics all layers are wanted at an infinite batch
    chain, restart = advance(place, ctx, last_memory(place.nodes, ctx.samples) if ctx.through else 0, correction=fan_in)
    chain += advance(restart, ctx, correction=fan_in)[0]
    if step.finite_size:
        from lrbound.backward.collect import layerwise_statistics

        terms, statistics = layerwise_statistics(chain, ctx, network.outputs)
        return _Swept(terms, estimate(network, ctx, terms, statistics), restart)
    terms = list(backward(chain, ctx.samples))[::-1]
    finite = leading_order(terms, ctx.samples)
    return _Swept(terms, _along_component(finite, terms, network, ctx) if step.limit else finite, restart)


def _under_activation(
    swept: _Swept, activation: OutputActivation, network: Network, step: _Step
) -> tuple[_Swept, float, float]:
    """Return what an activation above the last weights makes of the sweeps and of the loss.

    Returns
    -------
    swept : _Swept
        With lambda_max of half_squared_error.
    white, log_variance : float
        lambda_max of the loss, and the variance of its logarithm.
    """
    below = _sweep(dataclasses.replace(network, nodes=activation.below), step)
    half, white = (
        with_hessians(below.finite, activation.hessians(loss, below.terms, network.outputs, step.ctx.samples))
        for loss in (HalfSquaredError(), network.training.loss)
    )
    finite = swept.finite
    scale = half[0] / finite.lambda_max if finite.lambda_max > 0.0 else 0.0
    parts = tuple(scale * part for part in finite.parts)
    return swept._replace(finite=finite._replace(lambda_max=half[0], log_variance=half[1], parts=parts)), *white


def _along_component(finite: Finite, terms: list[Term], network: Network, ctx: Context) -> Finite:
    """Return lambda_max of a full batch where the samples' first principal component has more of it than what they share."""
    from lrbound.curvature.samples import population

    component = population(network, ctx)
    if math.fsum(component) <= finite.lambda_max:
        return finite
    parts = iter(component)
    return finite._replace(
        lambda_max=math.fsum(component),
        parts=tuple(next(parts) if term.node.layer.has_weights else 0.0 for term in terms),
    )


def _start(network: Network, ctx: Context) -> tuple[Place, Correction]:
    """Return where a sweep at finite size starts, and what moves its kernels."""
    from lrbound.forward.entrance import resolved_entrance
    from lrbound.forward.fan_in import FanIn

    place = resolved_entrance(network)
    return place, FanIn(place.kernel.channels, ctx)


def _large_batch(swept: _Swept, step: _Step) -> tuple[Spectrum, list[tuple[Term, Spectrum]]]:
    """Return K2 and K1 at an infinite batch of the layers that can explode, and those of each, in network order.

    Without normalisation the mean gradients of several outputs are not orthogonal at finite width: K2 grows as lambda_max does
    where the coherent direction wins, and the noise K1 - K2 stays.
    """
    samples, terms, finite = step.ctx.samples, swept.terms, swept.finite
    parts = spectrum(terms, samples)
    statistics = any(term.node.layer.over_batch for term in terms)
    large = None if statistics else parts.without_batch(samples)
    if large is not None:
        wins = finite.branch == "coherent" and parts.coherent > 0.0
        grown = large.coherent * (max(finite.lambda_max / parts.coherent, 1.0) if wins else 1.0)
        return Spectrum(grown, 0.0, large.trace + grown - large.coherent), _by_layer(terms, samples)
    ctx = dataclasses.replace(step.ctx, samples=math.inf)
    everywhere = backward(advance(swept.restart, ctx)[0], ctx.samples)
    chosen = explosive(everywhere, terms) if ctx.through else list(everywhere)
    return spectrum(chosen, ctx.samples), _by_layer(chosen[::-1], ctx.samples)


def _by_layer(terms: Sequence[Term], samples: float) -> list[tuple[Term, Spectrum]]:
    """Return the spectrum of each layer at an infinite batch, from that at ``samples`` without batch statistics."""
    own = ((term, spectrum([term], samples)) for term in terms if term.share is not None)
    return [(term, parts.without_batch(samples) or parts) for term, parts in own]


def _minibatch(training: Training, logits: Logits, large: Spectrum, own: list[tuple[Term, Spectrum]]) -> float | None:
    """Return the largest rate that is stable where each step draws a new batch; None for a full batch, or without curvature."""
    if training.step_samples is None:
        return None
    factors = training.loss.factor(logits), training.loss.noise_factor(logits)
    return known_rate(training.optimizer.stable_rate(new_batches(large, own, training.step_samples, *factors)))


def _at_the_start(curvature: float, minibatch: float | None, network: Network) -> float:
    """Return the rate that the curvature at initialisation allows, on white samples: what data add is in the rule of survival.

    What is above the last normaliser counts, unless branches without one of their own stand below it: their size against that of
    the other branches is not scale invariant. Residual nets with one batch_norm after 1, 4 and 16 blocks diverged at 0.6, 0.5 and
    0.3 times the minibatch bound, and never below the curvature bound.
    """
    whole = network.training.batch_size is None or bare_arms(network.nodes)
    return min(curvature if whole else math.inf, math.inf if minibatch is None else minibatch)


def _case(network: Network, own: list[tuple[Term, Spectrum]], logits: Logits, largest: float) -> Case:
    nodes, shape = network.nodes, network.input.shape
    norms = normalisers(nodes, shape)
    over_batch = any(layer.over_batch for layer in norms)
    return Case(
        exposed([(term, parts) for term, parts in own if can_explode(term)], nodes, shape, network.init),
        network.input,
        network.training,
        logits,
        narrowest=narrowest(nodes, shape),
        normalisers=len(norms),
        over_batch=over_batch,
        features=bounded_features(nodes, shape),
        largest=math.inf if over_batch else largest,
    )


def _layer_reports(swept: _Swept, scale: float, stds: Mapping[str, float]) -> tuple[LayerReport, ...]:
    return tuple(
        LayerReport(
            t.node.path,
            t.node.layer.kind,
            t.parameters,
            t.q,
            t.q_xy,
            scale * part,
            t.gradient,
            stds.get(t.node.path),
        )
        for t, part in zip(swept.terms, swept.finite.parts, strict=True)
    )
