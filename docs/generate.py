"""Pages of the site that the package itself says: the spec by its fields, commands by their help, codes, the theory.

A hook of mkdocs; ``pages`` alone needs no more than the package.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import re
from dataclasses import MISSING
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrbound.activations.base import Activation
from lrbound.cli.app import run, verbs
from lrbound.fields import Param, params
from lrbound.init import BIASES, FORMS, names
from lrbound.layers import LAYERS
from lrbound.losses import LOSSES
from lrbound.notices import codes, page
from lrbound.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parents[1]
THEORY = ROOT / "lrbound" / "theory"
PUBLIC = {
    "load": "lrbound.spec.parse.load",
    "parse": "lrbound.spec.parse.parse",
    "predict": "lrbound.predictor.predict",
    "from_torch": "lrbound.importing.from_torch.from_torch",
    "to_torch": "lrbound.empirical.build.to_torch",
    "Prediction": "lrbound.prediction.Prediction",
    "torch.check": "lrbound.torch.learning_rate.check",
    "torch.suggest": "lrbound.torch.learning_rate.suggest",
}
"""What users import, and where it is."""


def pages() -> dict[str, str]:
    """Return the Markdown of each generated page by its path."""
    found = {
        "reference/spec.md": _spec(),
        "reference/commands.md": _commands(),
        "reference/codes.md": _codes(),
        "reference/python.md": "# Python\n\n" + "\n\n".join(f"::: {place}" for place in PUBLIC.values()) + "\n",
    }
    return found | {f"theory/{path.name}": _inside(path) for path in sorted(THEORY.glob("*.md"))}


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages to those of the folder."""
    from mkdocs.structure.files import File

    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def _inside(path: Path) -> str:
    """Return a document of the theory; links that leave its folder become plain names."""
    return re.sub(r"\[([^\]]+)\]\((?:\.\./|\.\.$)[^)]*\)", r"`\1`", path.read_text(encoding="utf-8"))


def _spec() -> str:
    plain = [name for name in LAYERS.names() if not issubclass(LAYERS.get(name), Activation)]
    curves = [name for name in LAYERS.names() if issubclass(LAYERS.get(name), Activation)]
    parts = [
        "# The spec",
        (
            "A spec is YAML: `version: 1`, `input`, `layers`, and `name`, `init`, `training` where the defaults do not fit. A layer is "
            "its name, its name with its main argument (`linear: 10`), or its name with arguments by name. `lrbound schema` prints the "
            "JSON Schema for editors."
        ),
        "## Layers",
        *(_member(name, LAYERS.get(name)) for name in plain),
        "## Activations",
        *(_member(name, LAYERS.get(name)) for name in curves),
        "## Initialisations",
        (
            f"Names: {', '.join(f'`{name}`' for name in names())}. Forms, each with "
            f"{' or '.join(f'`{name}`' for name in BIASES)} beside it where biases do not start at 0, for a layer, for the network, or "
            "for each kind of layer (`init: {conv2d: {kaiming_normal: {mode: fan_out}}, linear: {std: 0.01}}`):"
        ),
        _table(("form", "what it is", "arguments"), [_form(name) for name in FORMS]),
        "## Losses",
        *(_member(name, LOSSES.get(name)) for name in LOSSES.names()),
        "## Optimisers",
        *(_member(name, OPTIMIZERS.get(name)) for name in OPTIMIZERS.names()),
    ]
    return "\n\n".join(parts) + "\n"


def _member(name: str, cls: type) -> str:
    """Return a section on a layer, a loss or an optimiser: what it is, and its arguments."""
    about = _prose((inspect.getdoc(cls) or "").split("\n\nAttributes")[0])
    main = getattr(cls, "main", None)
    rows = [
        (f"`{key}`" + (" (main)" if key == main else ""), _values(param), _default(default), param.doc)
        for key, (param, default) in params(cls).items()
    ]
    table = _table(("argument", "values", "default", "meaning"), rows) if rows else "It takes no arguments."
    return f"### {name}\n\n{about}\n\n{table}"


def _prose(text: str) -> str:
    """Return a docstring without the marks of its references."""
    return re.sub(r":\w+:`~?([^`]*)`", lambda found: f"`{found[1].rpartition('.')[2]}`", text)


def _values(param: Param) -> str:
    return " \\| ".join(param.choices) if param.choices else param.expected().replace("|", "\\|")


def _default(default: Any) -> str:
    if default is MISSING:
        return "required"
    if default is None or default == ():
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _form(name: str) -> tuple[str, str, str]:
    form = FORMS[name]
    given = ", ".join(f"`{key}`: {_values(param)}" for key, param in form.arguments.items())
    return f"`{name}`", form.doc, given if form.number is None else _values(form.number)


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _commands() -> str:
    parts = ["# Commands", "`lrbound COMMAND --help` prints what stands here."]
    for verb in verbs():
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            run([verb, "--help"])
        parts.append(f"## {verb}\n\n```text\n{said.getvalue().strip()}\n```")
    return "\n\n".join(parts) + "\n"


def _codes() -> str:
    found = [page(code) for code in codes()]
    parts = ["# Codes", "What a notice means; `lrbound explain CODE` prints the same."]
    parts += [f"## {one.code}: {one.title}\n\n*{one.severity}*\n\n{one.text}" for one in found]
    return "\n\n".join(parts) + "\n"
