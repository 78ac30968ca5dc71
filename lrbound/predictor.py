"""The main job: a network in, lambda_max and the learning rates out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from lrbound.errors import Refused
from lrbound.finite.estimate import Finite, estimate, leading, supported, tracked
from lrbound.finite.interval import around
from lrbound.hint import hint
from lrbound.layers.base import Context, NotBySample
from lrbound.losses.base import Logits
from lrbound.meanfield.fisher import Spectrum, spectrum
from lrbound.meanfield.learning_rate import bare_arms, explosive, last_memory, minibatch_rate
from lrbound.meanfield.sweep import Term, advance, backward, entrance
from lrbound.prediction import Assumptions, Bounds, LayerReport, Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.meanfield.sweep import Chain, Place
    from lrbound.network import Network

OUT_OF_RANGE = (
    "the order parameters of this network leave the range of floating-point numbers (gradients that grow with depth, or "
    "extreme variances): it cannot train at any rate as it stands"
)

NOT_BY_SAMPLE = (
    "input.top_share, mean_share and norm_kurtosis have no effect here: a flatten head, or a layer of which it is not known what "
    "samples that differ make of it; with flatten heads measured networks on photographs were within 1.3 times of white inputs"
)

RATIO_ERROR = 0.3
"""Standard deviation of lambda_max over the logarithm of what samples that are not white make of it: fitted on the networks of
lrbound/theory/data.md, batches of real data among them, which differ from one another."""

DOMINANT = 0.5
"""Share of the first principal component, or of images' means, beyond which batch-normalised nets were measured far above."""

OWN_SHARE = 0.25
"""Part of lambda_max in the gammas and betas of batch norms from which on they are known to outgrow it: dense nets on
digits diverged at 1.2 times max_learning_rate with a part of 0.16, and at 0.86 times with 0.36."""

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
            found = _published(network) if published else _mean_field(network, batch_statistics, full_batch)
    except (ArithmeticError, np.linalg.LinAlgError) as error:
        raise Refused(OUT_OF_RANGE) from error
    if not all(
        math.isfinite(x) for layer in found.layers for x in (found.lambda_max, layer.q, layer.q_xy, layer.lambda_)
    ):
        raise Refused(OUT_OF_RANGE)
    return found


def _mean_field(network: Network, batch_statistics: BatchStatistics, full_batch: int | None) -> Prediction:
    notes: dict[str, None] = {}
    training, through = network.training, batch_statistics == "through"
    whole = training.batch_size is None
    samples = float(full_batch) if whole and full_batch is not None else training.samples
    limit = math.isinf(samples)

    def context(samples: float) -> Context:
        return Context(samples, through, network.init, warn=lambda text: notes.update({text: None}))

    ctx = context(samples)
    place = entrance(network)
    # of frozen statistics all layers are wanted at an infinite batch
    chain, place = advance(place, ctx, last_memory(place.nodes, samples) if through else 0)
    chain += advance(place, ctx)[0]
    terms, found = _found(network, chain, ctx)
    parts = spectrum(terms, ctx.samples)
    component = _component(network, ctx) if limit or not _over_batch(network) else ()
    if limit and math.fsum(component) > found.lambda_max:
        found = _along_component(found, terms, component)
    notes.update(dict.fromkeys(() if limit else found.warnings))
    logits = Logits(terms[-1].q, terms[-1].q_xy, network.outputs)
    lambda_max, log_variance = training.loss.top(found, logits)
    if not (network.input.white or limit):
        factor = _on_samples(found, network, ctx, notes)
        lambda_max *= factor
        log_variance += (RATIO_ERROR * math.log(factor)) ** 2 if factor > 0.0 else 0.0
    unsure = None if limit else training.loss.limit(network.outputs)
    if unsure is not None:
        notes[unsure] = None
    curvature = training.optimizer.stable_rate(lambda_max)
    minibatch = None
    if training.batch_size is not None:
        large = _large_batch(place, parts, terms, found, (samples, context(math.inf)))
        large = replace(large, coherent=max(large.coherent, math.fsum(component)))
        factors = training.loss.factor(logits), training.loss.noise_factor(logits)
        minibatch = minibatch_rate(training.optimizer, large, training.batch_size, *factors)
    bounds = Bounds(_finite(curvature), _finite(minibatch))
    notes.update(dict.fromkeys(_remarks(bounds, network, limit=limit)))
    largest = bounds.curvature if whole else bounds.minibatch
    scale = lambda_max / found.lambda_max if found.lambda_max > 0.0 else 0.0
    layers = tuple(
        LayerReport(t.node.path, t.node.layer.kind, t.parameters, t.q, t.q_xy, scale * part)
        for t, part in zip(terms, found.parts, strict=True)
    )
    normalisers = frozenset(t.node.path for t in terms if t.node.layer.fixes_scale)
    own = math.fsum(layer.lambda_ for layer in layers if layer.path in normalisers)
    if own > OWN_SHARE * lambda_max:
        notes[_own(own / lambda_max)] = None
    return Prediction(
        name=network.name,
        method="mean-field",
        assumptions=assumptions(network, batch_statistics),
        lambda_max=lambda_max,
        lambda_max_interval=None if limit else around(lambda_max, log_variance),
        max_learning_rate=largest,
        recommended_learning_rate=None if largest is None else training.optimizer.recommended_rate(largest),
        bounds=bounds,
        layers=layers,
        hint=hint(layers, normalisers, batch_matters=found.branch != "co"),
        warnings=tuple(notes),
    )


def _found(network: Network, chain: Chain, ctx: Context) -> tuple[list[Term], Finite]:
    """Return the sweep's terms in network order, and lambda_max at finite size where that is known."""
    limit = math.isinf(ctx.samples)
    if not limit and tracked(network):
        from lrbound.finite.branches import track

        terms, row = track(chain, ctx, network.outputs)
        return terms, estimate(network, ctx, terms, row)
    terms = list(backward(chain, ctx.samples))[::-1]
    known = supported(network) and not limit
    return terms, estimate(network, ctx, terms) if known else leading(terms, ctx.samples)


def _over_batch(network: Network) -> bool:
    """Say whether a layer's statistics run over the batch."""
    return any(node.layer.over_batch for node, _ in network.unrolled())


def _component(network: Network, ctx: Context) -> tuple[float, ...]:
    """Return the weight layers' parts along the samples' first principal component in a batch without end."""
    from lrbound.finite.samples import population

    return population(network, ctx)


def _along_component(found: Finite, terms: Sequence[Term], component: tuple[float, ...]) -> Finite:
    """Return lambda_max where the samples' first principal component has more curvature than what they share."""
    from lrbound.finite.walk import weighted

    parts = iter(component)
    return found._replace(
        lambda_max=math.fsum(component),
        parts=tuple(next(parts) if weighted(term.node.layer) else 0.0 for term in terms),
    )


def _on_samples(found: Finite, network: Network, ctx: Context, notes: dict[str, None]) -> float:
    """Return by how much the samples of the input's law raise lambda_max above that of white ones."""
    from lrbound.finite.samples import growth_of, ratio

    dominant = max(network.input.top_component, network.input.mean_share or 0.0)
    if dominant > DOMINANT and _over_batch(network):
        notes[_dominated(dominant)] = None
    try:
        return ratio(network, ctx, growth_of(found.levels))
    except NotBySample:
        notes[NOT_BY_SAMPLE] = None
        return 1.0


def _large_batch(
    place: Place, parts: Spectrum, terms: Sequence[Term], found: Finite, batch: tuple[float, Context]
) -> Spectrum:
    """Return K2 and K1 of the layers that can explode: all of them are above ``place``.

    Without normalisation the mean gradients of several outputs are not orthogonal at finite width: K2 grows as
    lambda_max does where the coherent direction wins, and the noise K1 - K2 stays.
    """
    samples, ctx = batch
    statistics = any(term.node.layer.over_batch for term in terms)
    large = None if statistics else parts.without_batch(samples)
    if large is not None:
        growth = max(found.lambda_max / parts.coherent, 1.0) if found.branch == "co" and parts.coherent > 0.0 else 1.0
        grown = growth * large.coherent
        return Spectrum(grown, 0.0, large.trace + grown - large.coherent)
    everywhere = backward(advance(place, ctx)[0], ctx.samples)
    return spectrum(explosive(everywhere, terms) if ctx.through else list(everywhere), ctx.samples)


def _finite(rate: float | None) -> float | None:
    return None if rate is None or math.isinf(rate) else rate


def _remarks(bounds: Bounds, network: Network, *, limit: bool) -> list[str]:
    """Say why a rate is missing, and where the two bounds disagree in a way that has been seen to matter."""
    remarks = []
    if network.training.batch_size is None:
        remarks.append("bounds.minibatch is null: the batch is full, so every step sees the same curvature")
        if limit:
            remarks.append(
                "lambda_max_interval is null: a full batch is the limit of large widths too; give the number of samples "
                "as batch_size for the corrections at finite width and the spread over initialisations"
            )
    elif bounds.minibatch is None:
        remarks.append("bounds.minibatch is null: no layer that can explode has any curvature")
    if bounds.curvature is None:
        remarks.append("bounds.curvature is null: the curvature is 0, so no rate is too large to leading order")
    above = bounds.minibatch is not None and bounds.curvature is not None and bounds.minibatch > bounds.curvature
    if above and len(network.input.shape) > 1:
        remarks.append(
            "max_learning_rate is above bounds.curvature: what lies under the last normaliser is scale invariant and "
            "rarely explodes, but nets with a flatten head diverged on real images from 0.6 times max_learning_rate "
            "on, and never below bounds.curvature"
        )
    if above and bare_arms(network.nodes):
        remarks.append(
            "max_learning_rate counts the layers above the last normaliser, but branches without a normaliser of their own "
            "stand below it: their size against that of the other branches is not scale invariant; residual nets with one "
            "batch_norm after 1, 4 and 16 blocks diverged at 0.6, 0.5 and 0.3 times max_learning_rate, and never below "
            "bounds.curvature"
        )
    return remarks


def _dominated(share: float) -> str:
    return (
        f"{100.0 * share:.0f} % of the samples' variance is in one component: under batch_norm the units that see little of it "
        "are scaled up, which is taken into account in part; measured lambda_max on such photographs and tables was 1.5 to 3.3 "
        "times the prediction, so take a third of the rate"
    )


def _own(share: float) -> str:
    return (
        f"{100.0 * share:.0f} % of lambda_max is that of the normalisers' own gammas and betas: at rates as large as it "
        "allows they grow within a few steps, and the curvature with them; nets with gamma 0.1 diverged on real data "
        "from 0.86 times max_learning_rate on"
    )


def _published(network: Network) -> Prediction:
    from lrbound.meanfield.wei2019 import rows

    training = network.training
    if training.loss.kind == "cross_entropy":
        raise Refused("--method wei2019 knows squared errors only; use --method mean-field for cross_entropy")
    terms = rows(network)
    loss_factor = training.loss.factor(Logits(terms[-1].after.q, terms[-1].after.q_xy, network.outputs))
    lambda_max = loss_factor * math.fsum(row.part for row in terms)
    curvature = _finite(training.optimizer.stable_rate(lambda_max))
    return Prediction(
        name=network.name,
        method="wei2019",
        assumptions=assumptions(network, "frozen"),
        lambda_max=lambda_max,
        lambda_max_interval=None,
        max_learning_rate=curvature,
        recommended_learning_rate=None if curvature is None else training.optimizer.recommended_rate(curvature),
        bounds=Bounds(curvature, None),
        layers=tuple(
            LayerReport(
                row.node.path,
                row.node.layer.kind,
                row.node.layer.parameters(row.shape),
                row.after.q,
                row.after.q_xy,
                loss_factor * row.part,
            )
            for row in terms
        ),
        warnings=(
            (
                "the published formulas are kept for comparison: real networks with batch_norm differ by up to 1.7 times; "
                "use --method mean-field for a rate"
            ),
            "lambda_max_interval is null: the published theory has no spread over initialisations",
            "bounds.minibatch is null: the published theory has no batch size",
            *(["bounds.curvature is null: the published formula gives no curvature"] if curvature is None else []),
        ),
    )


def assumptions(network: Network, batch_statistics: str) -> Assumptions:
    """Return what the numbers of a prediction hold for."""
    training = network.training
    return Assumptions(
        loss=training.loss.kind,
        batch_size=training.batch_size,
        batch_statistics=batch_statistics,
        optimizer=training.optimizer.kind,
        momentum=training.optimizer.momentum,
        outputs=network.outputs,
        parameters=network.parameters,
    )
