"""Specs to start from: one template a module, which says its defaults and gives its layers line by line."""

from __future__ import annotations

import importlib
from dataclasses import MISSING
from typing import Any

from lrbound.errors import Refused
from lrbound.fields import params
from lrbound.layers import LAYERS

ALL = ("mlp", "cnn", "vgg", "resnet18")
ELSEWHERE = ("proxy_norm",)
"""Normalisers that do not stand between weights and activation."""
GROUPS = 8
SCHEMA_FILE = "lrbound.schema.json"


def names() -> tuple[str, ...]:
    """Return the templates whose layers this version can compute."""
    return tuple(name for name in ALL if name != "resnet18" or "residual" in LAYERS)


def normalizers() -> tuple[str, ...]:
    """Return what ``--normalizer`` takes: the names of the normalisers without their ending, and ``none``."""
    from lrbound.explore.normaliser_names import find, short_names

    return tuple(name for name in short_names() if find(name) not in ELSEWHERE)


def render(
    template: str,
    *,
    width: int | None = None,
    depth: int | None = None,
    classes: int = 10,
    normalizer: str = "batch",
) -> str:
    """Return the text of a spec.

    Parameters
    ----------
    template : str
        One of :func:`names`.
    width, depth : int, optional
        The template's own if absent; what they mean is said in the text.
    classes : int
        Number of outputs.
    normalizer : str
        One of :func:`normalizers`, with its ending ``_norm`` or without.

    Raises
    ------
    Refused
        With a sentence for the user.
    """
    if template not in names():
        raise Refused(f"unknown template {template!r}; there are {', '.join(names())}")
    module: Any = importlib.import_module(f"lrbound.templates.{template}")
    body = module.layers(width or module.WIDTH, depth or module.DEPTH, classes, norm_lines(normalizer))
    text = "\n".join([*_head(template, module, classes), *(f"  {line}" for line in body)]) + "\n"
    _check(text, template, normalizer)
    return text


def norm_lines(normalizer: str) -> list[str]:
    """Return the line of a normaliser in a list of layers, none for ``none``."""
    from lrbound.explore.normaliser_names import NONE, find

    kind = find(normalizer)
    if kind == NONE:
        return []
    if kind in ELSEWHERE:
        raise Refused(f"{kind} stands in the place of an activation, where no template puts one")
    required = [name for name, (_, default) in params(LAYERS.get(kind)).items() if default is MISSING]
    given = ", ".join(f"{name}: {GROUPS}" for name in required)
    return [f"- {kind}: {{{given}}}" if given else f"- {kind}"]


def _head(template: str, module: Any, classes: int) -> list[str]:
    loss = "cross_entropy" if classes > 1 else "mse"
    return [
        f"# yaml-language-server: $schema={SCHEMA_FILE}",
        f"# The line above is for editors; write that file with: lrbound schema -o {SCHEMA_FILE}",
        *(f"# {line}" for line in module.DOC),
        "version: 1",
        f"name: {template}",
        "input:",
        f"  shape: {module.INPUT}",
        "  mean_square: 1.0        # of your data: lrbound stats DATA.npy",
        "  correlation: 0.0",
        "init: pytorch             # what torch.nn.Linear and Conv2d do by themselves",
        "training:",
        f"  loss: {loss}",
        "  batch_size: 128",
        "  optimizer: {name: sgd, momentum: 0.9}",
        "layers:",
    ]


def _check(text: str, template: str, normalizer: str) -> None:
    from lrbound.spec import SpecError, parse

    try:
        parse(text)
    except SpecError as error:
        reason = error.diagnostics[0].message
        raise Refused(f"{template} with the normalizer {normalizer!r} is no network: {reason}") from None
