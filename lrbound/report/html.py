"""``html``: one self-contained page, for people who would rather look: no network, no script."""

from __future__ import annotations

import math
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

import lrbound
from lrbound.markup import html_table, rounded
from lrbound.report import _words as words
from lrbound.report._batches import batch
from lrbound.report._chart import Line, chart
from lrbound.report.base import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lrbound.explore.portrait import Curve, Portrait
    from lrbound.explore.sweep import Sweep
    from lrbound.notices import Notice
    from lrbound.prediction import LayerReport, Prediction
    from lrbound.report.base import Predicted

MOST_LAYERS = 10
DIGITS = 3
STYLES = 4
"""Styles of curves in the sheet."""


class HtmlReport(Report):
    """A page that explains itself, at the width of a desk and of a phone, light and dark, on paper."""

    holds_warnings = True

    def prediction(self, prediction: Prediction) -> str:
        """Return a page with the answer and the layers."""
        return page(prediction.name, _answer(prediction, None) + _layers(prediction) + _assumptions(prediction))

    def predictions(self, predicted: Sequence[Predicted]) -> str:
        """Return a page with a row for each spec and batch size."""
        many = len(predicted) > 1
        rows, notes = [], []
        for of in predicted:
            for one in of.predictions:
                numbers = (one.lambda_max, one.max_learning_rate, one.recommended_learning_rate)
                rows.append([*([of.spec] if many else []), batch(one), *map(_number, numbers)])
                where = f"{of.spec}, batch size {batch(one)}" if many else f"batch size {batch(one)}"
                notes += [notice.within(where) for notice in one.warnings]
            notes += [finding.notice.within(finding.place) for finding in of.findings]
        titles = [*(["spec"] if many else []), "batch size", "lambda_max", "max learning rate", "recommended"]
        name = f"{len(predicted)} specs" if many else predicted[0].predictions[0].name
        return page(name, f"<section>{table(titles, rows)}{_notes(notes)}</section>")

    def portraits(self, portraits: Sequence[Portrait]) -> str:
        """Return a page with all specs, one below the other, and a table of them where there are several."""
        names = [portrait.prediction.name for portrait in portraits]
        parts = [_summary(portraits)] if len(portraits) > 1 else []
        for index, portrait in enumerate(portraits):
            body = (
                _answer(portrait.prediction, portrait.learning_rate)
                + _layers(portrait.prediction)
                + _curves(portrait.curves)
                + _assumptions(portrait.prediction)
            )
            head = f"<h2 id='net-{index}'>{escape(names[index])}</h2>" if len(portraits) > 1 else ""
            parts.append(f"<article>{head}{body}</article>")
        return page(names[0] if len(names) == 1 else f"{len(names)} networks", "".join(parts))

    def sweep(self, result: Sweep) -> str:
        """Return a page with a chart of each number along the first knob, and the points as a table."""
        knob = result.knobs[0].rpartition(".")[2].replace("_", " ")
        numeric = all(not isinstance(point.values[0], str) for point in result.points)
        charts = []
        for quantity, title in (("max_learning_rate", "max learning rate"), ("lambda_max", "lambda_max")):
            lines = [
                Line(
                    _line_name(spec, second),
                    [(float(p.values[0]), getattr(p.answer, quantity)) for p in points],
                    f"line{index % STYLES}",
                )
                for index, ((spec, second), points) in enumerate(result.lines().items())
                if numeric
            ]
            charts.append(chart(f"{title} against {knob}", knob, lines, logarithmic=result.logarithmic))
        rows = [[point.spec, *map(rounded, point.values), *map(_number, point.answer)] for point in result.points]
        titles = ["network", *result.knobs, "lambda_max", "max learning rate", "recommended"]
        body = f"<section class='charts'>{''.join(charts)}</section>"
        body += f"<section><h2>All points</h2>{table(titles, rows)}</section>"
        return page(f"{', '.join(result.specs)}: {knob}", body + _notes(result.warnings))


def page(title: str, body: str) -> str:
    """Return a whole document."""
    sheet = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(title)} - lrbound</title><style>{sheet}</style></head>"
        f"<body><header><h1>{escape(title)}</h1></header><main>{body}</main>"
        f"<footer><p>lrbound {lrbound.__version__}: learning rates predicted from the architecture, before training.</p>"
        "</footer></body></html>"
    )


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table that scrolls where it is wider than the page."""
    return f"<div class='scroll' tabindex='0' role='region' aria-label='table'>{html_table(titles, rows)}</div>"


def _number(value: float | None) -> str:
    return words.NONE if value is None else words.number(float(f"{value:.{DIGITS}g}"))


def _line_name(spec: str, second: object) -> str:
    return spec if second is None else f"{spec}, {second}"


def _summary(portraits: Sequence[Portrait]) -> str:
    rows = [
        [
            p.prediction.name,
            _number(p.prediction.lambda_max),
            _number(p.prediction.max_learning_rate),
            _number(p.prediction.recommended_learning_rate),
            _number(p.learning_rate),
        ]
        for p in portraits
    ]
    titles = ["network", "lambda_max", "max learning rate", "recommended", "rate in the spec"]
    return f"<section><h2>Side by side</h2>{table(titles, rows)}</section>"


def _answer(prediction: Prediction, rate: float | None) -> str:
    """Return what to do, the rates on a scale, and why."""
    advice = prediction.advice or "No rate follows for this network; the notes below say why."
    facts = [
        ("start with", _number(prediction.recommended_learning_rate), _part(prediction)),
        ("max learning rate", _number(prediction.max_learning_rate), _largest(prediction)),
        ("lambda_max", _number(prediction.lambda_max), _interval(prediction)),
    ]
    if prediction.first_step_learning_rate is not None:
        facts[1] = ("first-step learning rate", _number(prediction.first_step_learning_rate), words.FIRST_STEP)
    cards = "".join(
        f"<div class='card'><dt>{escape(name)}</dt><dd><strong>{escape(value)}</strong><small>{escape(why)}</small></dd></div>"
        for name, value, why in facts
    )
    why = [
        *([f"What lambda_max comes from: {prediction.hint}."] if prediction.hint else []),
        *words.confidence(prediction),
    ]
    reasons = "".join(f"<p>{escape(text)}</p>" for text in why)
    return (
        f"<section><p class='advice'>{escape(advice)}</p>{_scale(prediction, rate)}<dl class='cards'>{cards}</dl>"
        f"{reasons}</section>"
    )


def _part(prediction: Prediction) -> str:
    largest, start = prediction.max_learning_rate, prediction.recommended_learning_rate
    return "" if largest is None or start is None else f"{100.0 * start / largest:.0f} % of the maximum"


def _largest(prediction: Prediction) -> str:
    return "not known" if prediction.max_learning_rate is None else words.bound_words(prediction)


def _interval(prediction: Prediction) -> str:
    interval = prediction.lambda_max_interval
    if interval is None:
        return "largest curvature at initialisation"
    return f"90 % of initialisations: {_number(interval[0])} to {_number(interval[1])}"


def _scale(prediction: Prediction, rate: float | None) -> str:
    """Return the rates as marks on one logarithmic ruler."""
    largest, start = prediction.max_learning_rate, prediction.recommended_learning_rate
    if largest is None or start is None:
        return ""
    marks = [(start, "start", "start with"), (largest, "most", "max")]
    if rate is not None and rate > 0.0:
        marks.append((rate, "own", "in the spec"))
    low, high = min(value for value, _, _ in marks) / 4.0, max(largest * 10.0, *(value * 2.0 for value, _, _ in marks))

    def at(value: float) -> float:
        return 100.0 * math.log(value / low) / math.log(high / low)

    zones = (
        f"<span class='zone safe' style='left:0;width:{at(start):.1f}%'></span>"
        f"<span class='zone edge' style='left:{at(start):.1f}%;width:{at(largest) - at(start):.1f}%'></span>"
        f"<span class='zone over' style='left:{at(largest):.1f}%;width:{100.0 - at(largest):.1f}%'></span>"
    )
    shown = "".join(
        f"<span class='mark {style}' style='left:{at(value):.1f}%'><b>{_number(value)}</b> {name}</span>"
        for value, style, name in marks
    )
    said = ", ".join(f"{name} {_number(value)}" for value, _, name in marks)
    return f"<div class='ruler' role='img' aria-label='Learning rates on a logarithmic scale: {escape(said, quote=True)}'>{zones}{shown}</div>"


def _layers(prediction: Prediction) -> str:
    """Return the layers with the largest parts of lambda_max as bars, and sizes along the depth as a chart."""
    total = prediction.lambda_max
    ranked = sorted((layer for layer in prediction.layers if layer.lambda_ > 0.0), key=lambda one: -one.lambda_)
    shown, rest = ranked[:MOST_LAYERS], ranked[MOST_LAYERS:]
    bars = [_bar(f"{layer.path} ({layer.layer})", layer.lambda_, total) for layer in shown]
    if rest:
        bars.append(_bar(f"{len(rest)} other layers", math.fsum(layer.lambda_ for layer in rest), total))
    return (
        f"<section><h2>Where lambda_max comes from</h2><ul class='bars'>{''.join(bars)}</ul></section>"
        f"<section><h2>Along the depth</h2><div class='charts'>{_depth(prediction.layers)}</div></section>"
    )


def _bar(name: str, part: float, total: float) -> str:
    share = 100.0 * part / total if total > 0.0 and math.isfinite(total) else 0.0
    text = "below 0.1 %" if share < 0.1 else f"{share:.1f} %"
    return (
        f"<li><span class='name'>{escape(name)}</span><span class='track'><span class='fill' "
        f"style='width:{min(share, 100.0):.1f}%'></span></span><span class='share'>{text}</span></li>"
    )


def _depth(layers: Sequence[LayerReport]) -> str:
    places = range(1, len(layers) + 1)
    many = len(layers) > 40
    sizes = chart(
        "Mean square of a unit, in one sample and between two",
        "layer, from the input",
        [
            Line("one sample (q)", [(i, layer.q) for i, layer in zip(places, layers, strict=True)], "line0", not many),
            Line(
                "two samples (q_xy)",
                [(i, layer.q_xy) for i, layer in zip(places, layers, strict=True)],
                "line1",
                not many,
            ),
        ],
        logarithmic=False,
        whole=True,
    )
    gradients = [(float(i), layer.gradient) for i, layer in zip(places, layers, strict=True)]
    if all(value is None for _, value in gradients):
        return sizes
    line = Line("|df/dh|\u00b2", gradients, "line2", not many)
    return sizes + chart(
        "Squared gradient of one output, at each layer", "layer, from the input", [line], logarithmic=False, whole=True
    )


def _curves(curves: Sequence[Curve]) -> str:
    charts = []
    for curve in curves:
        lines = [
            Line(name, list(zip(curve.values, (getattr(a, field) for a in curve.answers), strict=True)), style)
            for name, field, style in (
                ("max", "max_learning_rate", "line0"),
                ("start with", "recommended_learning_rate", "line1"),
            )
            if any(getattr(answer, field) is not None for answer in curve.answers)
        ]
        charts.append(
            chart(
                f"Learning rate against {curve.knob}", curve.knob, lines, logarithmic=curve.logarithmic, here=curve.here
            )
        )
    return (
        f"<section><h2>What moves the rate</h2><div class='charts'>{''.join(charts)}</div></section>" if charts else ""
    )


def _assumptions(prediction: Prediction) -> str:
    sentences = [f"<p>{escape(text)}</p>" for text in words.assumptions(prediction)]
    return f"<section><h2>What it assumes</h2>{''.join(sentences)}{_notes(prediction.warnings)}</section>"


def _notes(notices: Sequence[Notice]) -> str:
    items = "".join(f"<li>{escape(text)}</li>" for text in map(str, notices))
    return f"<h2>Notes</h2><ul class='notes'>{items}</ul>" if items else ""
