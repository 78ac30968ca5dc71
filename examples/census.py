# ruff: noqa: INP001 - a script
"""Which public models `lrbound import` takes, and why not the others: `python examples/census.py [NAME ...]`.

It reads every classifier of torchvision and one model of each family of timm, of those two that are installed; a NAME keeps
the models whose name contains it. A model that is taken has exactly the parameters that its module trains.
"""

from __future__ import annotations

import re
import sys
import time
import warnings
from collections import Counter, defaultdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import torch

from lrbound.errors import Refused
from lrbound.importing.record import record
from lrbound.importing.refusal import ModelError, Untranslatable
from lrbound.importing.translate import translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import nn

    Case = tuple[str, Callable[[], nn.Module], tuple[int, ...]]

MOST_PARAMETERS = 60_000_000
"""A larger model is built without values, so that its initialisations are not read."""


def torchvision_models() -> Iterator[Case]:
    """Yield the classifiers of torchvision."""
    from torchvision import models

    for name in models.list_models(module=models):
        side = 299 if name == "inception_v3" else 224
        yield f"torchvision.{name}", lambda name=name: models.get_model(name), (3, side, side)


def timm_models() -> Iterator[Case]:
    """Yield the first model of every family of timm: those whose names begin with the same letters, in the same module."""
    import timm

    families: dict[tuple[str, str], str] = {}
    for module in timm.list_modules():
        for name in timm.list_models(module=module):
            letters = re.match(r"[a-z]*", name.removeprefix("tf_"))
            families.setdefault((module, letters.group() if letters else ""), name)
    for name in families.values():
        shape = timm.get_pretrained_cfg(name).input_size if timm.get_pretrained_cfg(name) else (3, 224, 224)
        yield f"timm.{name}", lambda name=name: timm.create_model(name), tuple(shape)


def reasons(build: Callable[[], Any], shape: tuple[int, ...]) -> tuple[list[str], str]:
    """Return why a model is not taken, nothing if it is, and what there is to say."""
    try:
        with torch.device("meta"):
            model = build()
    except Exception:  # noqa: BLE001 - constructors that ask for values
        model = build()
    count = sum(parameter.numel() for parameter in model.parameters())
    if count <= MOST_PARAMETERS and next(model.parameters()).is_meta:
        model = build()
    model.train()
    try:
        found = translate(record(model, shape))
    except Untranslatable as error:
        return list(dict.fromkeys(reason.text for reason in error.reasons)), f"{count} parameters"
    except (Refused, ModelError) as error:
        return [str(error).splitlines()[0]], f"{count} parameters"
    except Exception as error:  # noqa: BLE001 - this is what a census is to find
        return [f"FAULT: {type(error).__name__}: {error}"], f"{count} parameters"
    return [], "; ".join((f"{found.network.parameters} parameters", *found.notes))


def main(wanted: list[str]) -> None:
    """Print a line on each model, then how often each reason came up."""
    warnings.simplefilter("ignore")
    sources = [source for home, source in SOURCES.items() if find_spec(home) is not None]
    taken: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    places: dict[str, list[str]] = defaultdict(list)
    for name, build, shape in (case for source in sources for case in source()):
        if wanted and not any(part in name for part in wanted):
            continue
        start = time.perf_counter()
        why, remark = reasons(build, shape)
        home = name.partition(".")[0]
        tried[home] += 1
        taken[home] += not why
        print(f"{name} ({time.perf_counter() - start:.1f} s): {'; '.join(why) or 'taken'} [{remark}]", flush=True)
        for text in why:
            places[text].append(name)
    for text, names in sorted(places.items(), key=lambda item: -len(item[1])):
        print(f"{len(names):4d}  {text}  ({', '.join(names[:3])})")
    for home, count in tried.items():
        print(f"{home}: {taken[home]} of {count} models are taken")


SOURCES = {"torchvision": torchvision_models, "timm": timm_models}

if __name__ == "__main__":
    main(sys.argv[1:])
